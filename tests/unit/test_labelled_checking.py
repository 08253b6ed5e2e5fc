"""What is wrong with a file: each problem with its rows, whether it blocks, and what there is to do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from router_core.errors import EvaluationError
from router_core.evaluation.files.checking import check
from router_core.evaluation.files.mapping import Mapping, ModelColumns
from router_core.evaluation.files.problems import Problem
from router_core.evaluation.files.reading import labelled
from tests.labelled_files import ROWS, Rows, a_table

HEAD = "prompt,model,score\n"
GOOD = HEAD + "a,gpt-4o-mini,1\na,gpt-4o,0\nb,gpt-4o-mini,0.5\nb,gpt-4o,TRUE\n"


def problems(file: str | Rows, mapping: Mapping | None = None, **choices: Any) -> dict[str, Problem]:
    """Kind -> problem; each kind once. Where something blocks, reading is refused with its sentence."""
    table = a_table(file)
    found = check(table, mapping or table.guess, **choices)
    assert list(found.problems) == sorted(found.problems, key=lambda one: not one.blocks)
    if found.blocking:
        with pytest.raises(EvaluationError) as refused:
            labelled(table, mapping or table.guess, **choices)
        assert str(refused.value).startswith(f"f.csv: {found.blocking[0].sentence}")
        assert found.blocking[0].remedy in str(refused.value)
    else:
        assert len(labelled(table, mapping or table.guess, **choices)[0].prompts) == found.prompts
    by_kind = {problem.kind: problem for problem in found.problems}
    assert len(by_kind) == len(found.problems)
    return by_kind


def test_nothing_is_wrong() -> None:
    """How many prompts and which models there are."""
    for file in (GOOD, ROWS):
        table = a_table(file)
        found = check(table, table.guess)
        assert (found.problems, found.prompts, found.models) == ((), 2, ("gpt-4o", "gpt-4o-mini"))


@pytest.mark.parametrize(
    ("file", "part"),
    [("model,score\na,1\n", "prompt"), ("prompt,model\na,x\n", "score"), ("a,b\n1,2\n", "prompt")],
)
def test_a_column_that_is_missing(file: str, part: str) -> None:
    """The columns there are."""
    found = problems(file)["missing column"]
    assert found.sentence == f"no column is said to hold the {part}"
    assert found.remedy == "choose one of: " + file.splitlines()[0].replace(",", ", ")
    assert found.blocks


def test_a_column_that_is_not_in_the_file() -> None:
    """As after changing the file under a mapping."""
    mapping = Mapping(prompt="prompt", model="model", score="points", task="subject")
    table = a_table(GOOD)
    assert [(one.kind, one.sentence) for one in check(table, mapping).problems] == [
        ("missing column", "there is no column 'subject' for the task"),
        ("missing column", "there is no column 'points' for the score"),
    ]
    wide = Mapping("wide", prompt="prompt", models=(ModelColumns("x", "x_score"), ModelColumns("y", "score")))
    assert problems(GOOD, wide)["missing column"].sentence == "there is no column 'x_score' for the score of x"


def test_rows_with_too_few_or_too_many_cells() -> None:
    """They block, and are shown."""
    found = problems(GOOD + "c,x\nd,e,f,g\n")["ragged rows"]
    assert found.sentence == "2 rows with another number of cells than the header (3)"
    assert found.rows == ({"row": 5, "cells": 2, "text": "c,x"}, {"row": 6, "cells": 4, "text": "d,e,f,g"})
    assert (found.blocks, found.count) == (True, 2)


def test_fewer_than_two_models() -> None:
    """There is nothing to compare."""
    found = problems(HEAD + "a,x,1\nb,x,0\n")
    assert found["few models"].sentence == "only 'x' has answers; at least two models are compared"
    assert found["few models"].blocks
    nobody = problems(HEAD + "a,,1\nb,,0\n")
    assert nobody["few models"].sentence == "no model has answers; at least two models are compared"
    wide = problems("prompt,note\na,b\n")
    assert wide["few models"].remedy == "say which columns hold the scores of which model, among: prompt, note"


def test_a_column_of_other_things_as_the_model() -> None:
    """Hundreds of models are no models."""
    file = "id,prompt,model,score\n" + "".join(f"{n},{n % 2},name {n},1\n" for n in range(150))
    found = problems(file)
    assert set(found) == {"many models", "unused"}
    assert found["many models"].sentence.startswith(
        "150 models, such as 'name 0', 'name 1', 'name 10'; at most 100"
    )


def test_choosing_models() -> None:
    """Those that are not chosen are not looked at; one that is not there blocks."""
    file = GOOD + "a,bad,7\nc,bad,1\n"
    mapping = replace(a_table(GOOD).guess, only=("gpt-4o", "gpt-4o-mini"))
    assert problems(file, mapping) == {}
    missing = problems(file, replace(mapping, only=("gpt-4o", "none", "gpt-4o-mini")))
    assert set(missing) == {"missing model"}
    assert missing["missing model"].sentence == "no answers of 'none', which should be compared"
    assert set(problems(file, replace(mapping, only=("gpt-4o", "none")))) == {"missing model", "few models"}


def test_two_models_of_one_name() -> None:
    """In a wide mapping each has its own."""
    mapping = Mapping("wide", prompt="prompt", models=(ModelColumns("x", "score"), ModelColumns("x", "model")))
    assert problems(GOOD, mapping)["model twice"].sentence == "two models are called 'x'"


def test_scores_that_are_no_numbers() -> None:
    """Shown as they are written; dropping them leaves the prompt without a score."""
    file = GOOD + "c,gpt-4o-mini,good\nc,gpt-4o,1_0\n"
    found = problems(file)["no number"]
    assert found.sentence == "2 scores that are no number, such as 'good'"
    assert found.rows == (
        {"row": 5, "prompt": "c", "model": "gpt-4o-mini", "score": "good"},
        {"row": 6, "prompt": "c", "model": "gpt-4o", "score": "1_0"},
    )
    assert found.blocks
    assert problems(file, out_of_range="clip")["no number"].blocks
    dropped = problems(file, out_of_range="drop")
    assert not dropped["no number"].blocks
    assert dropped["incomplete"].sentence == (
        "1 of 3 prompts without a score of every model (gpt-4o: 2, gpt-4o-mini: 2)"
    )


def test_scores_out_of_range() -> None:
    """How far, and where."""
    file = GOOD + "c,gpt-4o-mini,-0.25\nc,gpt-4o,1.5\nd,gpt-4o,inf\n"
    found = problems(file)["out of range"]
    assert found.sentence == "3 scores outside 0 to 1 (from -0.25 to inf)"
    assert [row["score"] for row in found.rows] == ["-0.25", "1.5", "inf"]
    assert (found.count, found.blocks) == (3, True)
    assert not problems(file, out_of_range="clip")["out of range"].blocks
    assert not problems(file, out_of_range="drop")["out of range"].blocks


def test_another_full_score() -> None:
    """Points of ten are divided by ten; the sentence speaks in points of ten."""
    file = HEAD + "a,gpt-4o-mini,10\na,gpt-4o,7\nb,gpt-4o-mini,0\nb,gpt-4o,11\n"
    mapping = replace(a_table(file).guess, full_score=10.0)
    assert problems(file, mapping)["out of range"].sentence == "1 score outside 0 to 10 (from 11 to 11)"
    for wrong in (0.0, -1.0, float("inf"), float("nan")):
        assert problems(file, replace(mapping, full_score=wrong))["out of range"].blocks


@pytest.mark.parametrize("unknown", ["", " ", "NaN", "null", "None", "n/a"])
def test_unknown_scores(unknown: str) -> None:
    """They are no zero: the prompt is left out, or refused where that is wanted."""
    file = GOOD + f"c,gpt-4o-mini,{unknown}\nc,gpt-4o,1\n"
    found = problems(file)
    assert set(found) == {"incomplete"}
    assert found["incomplete"].rows == ({"prompt_id": "c", "prompt": "c", "missing": "'gpt-4o-mini'"},)
    assert (found["incomplete"].blocks, found["incomplete"].count) == (False, 1)
    assert problems(file, incomplete="refuse")["incomplete"].blocks


def test_repeated_rows() -> None:
    """Each with those it repeats, in the order of the file; a row without a score repeats nothing."""
    file = GOOD + "b,gpt-4o,0\na,gpt-4o-mini,0\nb,gpt-4o,\n"
    found = problems(file)["duplicates"]
    assert found.sentence == "2 rows that repeat a prompt and model"
    assert [(row["row"], row["score"]) for row in found.rows] == [(1, "1"), (6, "0"), (4, "TRUE"), (5, "0")]
    assert (found.count, found.blocks) == (2, True)
    assert not problems(file, duplicates="first")["duplicates"].blocks
    assert not problems(file, duplicates="mean")["duplicates"].blocks


def test_repeated_rows_of_a_wide_file() -> None:
    """A row counts once, however many models it has."""
    found = problems("prompt,gpt-4_score,gpt-4o_score\na,1,0\nb,1,1\na,0,0\n")["duplicates"]
    assert found.count == 1


def test_one_id_for_two_texts() -> None:
    """Both are shown; the same text twice is fine, and so is a row without."""
    head = "prompt_id,prompt,model,score\n"
    found = problems(head + "1,a,gpt-4,1\n1,b,gpt-4o,1\n2,c,gpt-4,1\n2,c,gpt-4o,1\n")["texts differ"]
    assert found.sentence == "1 prompt id with more than one text"
    assert [(row["row"], row["prompt"], row["model"]) for row in found.rows] == [
        (1, "a", "gpt-4"),
        (2, "b", "gpt-4o"),
    ]
    assert found.blocks
    assert "texts differ" not in problems(head + "1,a,gpt-4,1\n1,,gpt-4o,1\n")


def test_rows_without_a_prompt_or_model() -> None:
    """Left out; refused where that is wanted."""
    file = GOOD + ",gpt-4o,1\nc,,1\n , ,\n"
    found = problems(file)["unplaced"]
    assert found.sentence == "3 rows without a prompt or without a model"
    assert found.rows[:2] == (
        {"row": 5, "prompt": None, "model": "gpt-4o"},
        {"row": 6, "prompt": "c", "model": None},
    )
    assert not found.blocks
    assert problems(file, incomplete="refuse")["unplaced"].blocks


def test_nothing_left() -> None:
    """How many each model has."""
    found = problems(HEAD + "a,x,1\nb,x,1\nc,y,1\n")["nothing left"]
    assert found.sentence == "no prompt has a score of every model (x: 2, y: 1)"
    assert (found.count, found.blocks) == (3, True)
    assert [one["prompt"] for one in found.rows] == ["a", "b", "c"]
    assert problems(HEAD + "a,x,\na,y,\n")["nothing left"].sentence.endswith("(x: 0, y: 0)")


@pytest.mark.parametrize("row", range(len(ROWS)))
def test_tokens_and_costs_that_are_none(row: int) -> None:
    """They are estimated, and that does not block, whichever model gave the answer."""
    rows = [{**row, "input_tokens": "", "output_tokens": "3", "cost_usd": "0.1"} for row in ROWS]
    rows[row] |= {"input_tokens": "-3", "output_tokens": "many", "cost_usd": "inf"}
    table = a_table(rows)
    found = check(table, table.guess).problems
    assert [(one.kind, one.sentence, one.blocks) for one in found] == [
        ("tokens", "the input tokens of 1 answer should be a number from 0 on", False),
        ("tokens", "the output tokens of 1 answer should be a number from 0 on", False),
        ("cost", "the cost of 1 answer should be a number from 0 on", False),
    ]
    shown = [one.rows[0] for one in found]
    assert (shown[0]["input_tokens"], shown[1]["output_tokens"], shown[2]["cost_usd"]) == ("-3", "many", "inf")


def test_unknown_prices() -> None:
    """Told, without blocking; not where the file has the costs itself."""
    found = problems(HEAD + "a,ours,1\na,gpt-4o,0\n")["price"]
    assert found.sentence == "the price of 'ours' is not known, nor is the cost of 1 answer"
    assert not found.blocks
    assert problems("prompt,model,score,cost_usd\na,ours,1,0.1\na,gpt-4o,0,\n") == {}


def test_verdicts_that_are_none() -> None:
    """They count as unknown."""
    said = {"a,gpt-4o": "simple", "a,gpt-4o-mini": "", "b,gpt-4o": " Complex ", "b,gpt-4o-mini": "hard"}
    file = "prompt,model,score,verdict\n" + "".join(f"{answer},1,{word}\n" for answer, word in said.items())
    found = problems(file)["verdicts"]
    assert found.sentence == "1 row with a verdict that is neither SIMPLE nor COMPLEX, such as 'hard'"
    assert not found.blocks


def test_only_the_first_rows_are_shown() -> None:
    """And long texts are cut."""
    file = HEAD + "".join(f"{'x' * 500}{n},gpt-4o,7\n" for n in range(30))
    found = problems(file + "a,gpt-4o-mini,1\n")["out of range"]
    assert (found.count, len(found.rows)) == (30, 5)
    assert found.rows[0]["prompt"] == "x" * 79 + "…"


def test_several_problems_at_once() -> None:
    """The refusal names the first and how many there are besides."""
    table = a_table(GOOD + "c,gpt-4o,7\nc,gpt-4o-mini,no\na,gpt-4o,1\n")
    with pytest.raises(
        EvaluationError,
        match=r"^f\.csv: 1 score that is no number, such as 'no' \(and 2 other problems\); write a number, true or"
        r" false, or nothing where it is unknown; or drop them \(argument out_of_range\)$",
    ):
        labelled(table, table.guess)
