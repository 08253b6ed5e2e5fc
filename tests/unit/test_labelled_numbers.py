"""Numbers as people write them: recognised where the whole column agrees, offered, and read where chosen."""

from __future__ import annotations

import pytest

from router_core.errors import EvaluationError
from router_core.evaluation.files.checking import check
from router_core.evaluation.files.chosen import chosen
from router_core.evaluation.files.numbers import parsed
from router_core.evaluation.files.reading import labelled
from tests.labelled_files import a_table

NAN = pytest.approx(float("nan"), nan_ok=True)


@pytest.mark.parametrize(
    ("cells", "values", "words"),
    [
        (["80%", "12.5 %", "N/A"], [0.8, 0.125, NAN], "percent"),
        (["80 %", "12,5%"], [0.8, 0.125], "percent with a decimal comma"),
        (["yes", "No", ""], [1, 0, NAN], "yes and no"),
        (["PASS", "fail"], [1, 0], "pass and fail"),
        (["Correct", "incorrect"], [1, 0], "correct and incorrect"),
        (["0,75", "1", "0,0"], [0.75, 1, 0], "a decimal comma"),
        (["1.234,5", "0,5"], [1234.5, 0.5], "a decimal comma"),
        (["1e-3", "1,5e-4"], [0.001, 0.00015], "a decimal comma"),
        (["$0.0001", "$1.20", "0"], [0.0001, 1.2, 0], "dollars"),
        (["0,01 $", "USD 2"], [0.01, 2], "dollars with a decimal comma"),
        (["$1,234.50", "$2"], [1234.5, 2], "dollars with thousands separators"),
        (["1,234,567", "8"], [1234567, 8], "thousands separators"),
        (["1 234", "8"], [1234, 8], "thousands separators"),
    ],
)
def test_a_column_that_agrees(cells: list[str], values: list[float], words: str) -> None:
    found = parsed(cells)
    assert found.values.tolist() == values
    assert not found.odd.any()
    assert found.notation is not None
    assert found.notation.words == words


@pytest.mark.parametrize(
    "cells",
    [
        ["80%", "0.5"],
        ["yes", "pass"],
        ["yes", "1"],
        ["0,75", "0.5"],
        ["€0.10", "€1"],
        ["0.5", "$1"],
        ["1,234", "2"],
    ],
)
def test_a_column_that_does_not_agree_is_not_guessed(cells: list[str]) -> None:
    """Two notations in one column, another currency, or a comma that may be of either kind."""
    found = parsed(cells)
    assert found.odd.any()
    assert found.notation is None


def test_plain_numbers_have_no_notation() -> None:
    assert parsed(["0.5", "true", "-", "1e-3"]).notation is None


def test_counts_have_no_decimals() -> None:
    """So a comma in them can only stand between thousands."""
    assert parsed(["1,234", "999"], counts=True).values.tolist() == [1234, 999]


COMMAS = 'prompt;model;score;cost_usd\na;x;0,75;"$0,0001"\na;y;0,5;"$0,01"\nb;x;0,0;"$0,0001"\nb;y;1;"$0,02"\n'


def test_it_is_offered_and_not_done_unasked() -> None:
    table = a_table(COMMAS)
    (found,) = check(table, table.guess).blocking
    assert found.kind == "notation"
    assert "'score' (a decimal comma: '0,75' means 0.75)" in found.sentence
    assert "'cost_usd' (dollars with a decimal comma: '$0,0001' means 0.0001)" in found.sentence
    with pytest.raises(EvaluationError, match=r"\(argument notations\)"):
        labelled(table, table.guess)


def test_read_where_it_is_chosen_and_said() -> None:
    table = a_table(COMMAS)
    data, notes = labelled(table, table.guess, notations="read")
    assert data.scores.tolist() == [[0.75, 0.5], [0.0, 1.0]]
    assert data.cost_usd.tolist() == [[0.0001, 0.01], [0.0001, 0.02]]
    assert not data.cost_estimated.any()
    assert any(note.endswith(": read so") for note in notes)


def test_costs_alone_do_not_block() -> None:
    """They are offered; until then they count as unknown, and that is said."""
    table = a_table("prompt,model,score,cost_usd\na,gpt-4o,1,$0.01\na,gpt-4o-mini,1,$0.02\n")
    data, notes = labelled(table, table.guess)
    assert data.cost_estimated.all()
    assert any("'cost_usd' (dollars: '$0.01' means 0.01): counted as unknown" in note for note in notes)


def test_a_share_is_one_whatever_a_perfect_answer_scores() -> None:
    """80 % is 0.8 and yes is 1, beside scores up to a hundred."""
    table = a_table("prompt,ant_score,bee_score,cat_score\na,80%,yes,50\nb,100%,no,100\n")
    data, _ = labelled(table, chosen(table, full_score=100), notations="read")
    by_name = dict(zip(data.models, data.scores.T.tolist(), strict=True))
    assert by_name == {"ant": [0.8, 1.0], "bee": [1.0, 0.0], "cat": [0.5, 1.0]}


def test_tokens_with_thousands_separators() -> None:
    table = a_table('prompt,model,score,input_tokens\na,x,1,"1,234"\na,y,1,"2,000"\n')
    data, _ = labelled(table, table.guess, notations="read")
    assert sorted(data.input_tokens.ravel().tolist()) == [1234, 2000]
