"""From a file to plain arrays: order, repeats, estimates with hand-worked numbers, and what is told about them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from router_core.errors import EvaluationError
from router_core.evaluation.files.mapping import Mapping, ModelColumns
from router_core.evaluation.files.rates import Rates
from router_core.evaluation.files.reading import labelled, read_labelled
from router_core.evaluation.labelled import Labelled
from router_core.evaluation.progress import CancelledError
from router_core.features import estimate_tokens
from router_core.types import Price
from tests.labelled_files import CHEAP, FILES, ROWS, STRONG, a_table, as_csv

NAN = float("nan")
PRICES = {"x": Price(Decimal(1), Decimal(2)), "y": Price(Decimal(10), Decimal(20))}
"""Dollars per million tokens in and out."""


def read(file: Any, mapping: Mapping | None = None, **choices: Any) -> tuple[Labelled, tuple[str, ...]]:
    """A file, read as its columns say unless told otherwise."""
    table = a_table(file)
    return labelled(table, mapping or table.guess, **choices)


@pytest.mark.parametrize("name", FILES)
def test_every_sort_of_file_is_read_alike(name: str, tmp_path: Path) -> None:
    """In one go, too: prompts by their ids, models by what they cost."""
    path = tmp_path / name
    path.write_bytes(FILES[name](ROWS))
    data = read_labelled(path)
    assert data.prompt_ids == ("007", "1e3")
    assert data.prompts == ("Is this\nspam?", 'Say "ö", please; or 日本')
    assert data.tasks == ("spam", None)
    assert data.models == (CHEAP, STRONG)
    assert data.scores.tolist() == [[1.0, 0.5], [0.0, 1.0]]
    assert data.responses == (("No.", "“No”"), (None, "ö"))
    assert data.verdicts is None
    assert data.source == name
    assert len(data.sha256) == 64


def test_a_wide_file_says_the_same() -> None:
    """A row per prompt, with columns per model."""
    wide = [
        {
            "prompt_id": cheap["prompt_id"], "task": cheap["task"], "prompt": cheap["prompt"],
            f"{STRONG}_score": strong["score"], f"{STRONG}_response": strong["response"],
            f"score_{CHEAP}": cheap["score"], f"{CHEAP}|model_response": cheap["response"],
        }
        for cheap, strong in (ROWS[:2], ROWS[2:])
    ]  # fmt: skip
    (long, _), (other, _) = read(ROWS), read(wide)
    for part in ("prompt_ids", "prompts", "tasks", "models", "responses", "verdicts"):
        assert getattr(long, part) == getattr(other, part)
    for part in ("scores", "cost_usd", "input_tokens", "output_tokens", "cost_estimated"):
        np.testing.assert_array_equal(getattr(long, part), getattr(other, part))


def test_figures_of_the_file_are_kept() -> None:
    """Nothing is estimated where nothing is missing, and nothing is told."""
    data, notes = read(
        "prompt,model,score,input_tokens,output_tokens,cost_usd\n"
        "a,y,1,11,12,0.5\nb,y,0.25,13,14,0.7\nb,x,true,15.5,16,0.2\na,x,False,17,18,0\n"
    )
    assert data.models == ("x", "y")
    assert data.scores.tolist() == [[0.0, 1.0], [1.0, 0.25]]
    assert data.input_tokens.tolist() == [[17.0, 11.0], [15.5, 13.0]]
    assert data.output_tokens.tolist() == [[18.0, 12.0], [16.0, 14.0]]
    assert data.cost_usd.tolist() == [[0.0, 0.5], [0.2, 0.7]]
    assert not data.cost_estimated.any()
    assert notes == ()


def test_what_is_missing_is_estimated() -> None:
    """Tokens a character in four, an answer without text as long as that model's others, dollars by price."""
    data, notes = read(
        "prompt,model,score,input_tokens,output_tokens,cost_usd,response\n"
        "a,x,1,,,,12345678\n"  # prompt 1 token; answer 8 / 4 = 2
        "a,y,1,100,7,0.5,\n"  # all known
        "bbbbb,x,1,,,,\n"  # prompt 5 / 4 -> 2; answer as x's others: (2 + 4) / 2 = 3
        "bbbbb,y,1,100,,,\n"  # answer as y's others: 7
        "c,x,1,,4,,whatever\n"
        "c,y,1,100,7,,\n",
        rates=Rates(prices=PRICES),
    )
    assert data.input_tokens.tolist() == [[1, 100], [2, 100], [1, 100]]
    assert data.output_tokens.tolist() == [[2, 7], [3, 7], [4, 7]]
    expected = [[(1 + 4) / 1e6, 0.5], [(2 + 6) / 1e6, (1000 + 140) / 1e6], [(1 + 8) / 1e6, (1000 + 140) / 1e6]]
    np.testing.assert_allclose(data.cost_usd, expected, rtol=1e-12)
    assert data.cost_estimated.tolist() == [[True, False], [True, True], [True, True]]
    assert notes == (
        "input tokens of 3 answers are estimated from the prompt's text",
        "output tokens of 1 answer are estimated from the answer's text",
        "output tokens of 2 answers are taken to be the mean of the model's others (x: 3 and y: 7)",
        "the cost of 5 answers is tokens times price (per million in and out: x as x, $1 and $2;"
        " y as y, $10 and $20)",
    )


def test_without_any_answer_the_settings_say_how_long_one_is() -> None:
    """250 tokens unless they say otherwise."""
    data, notes = read("prompt,model,score\na,x,1\na,y,1\n", rates=Rates(prices=PRICES, expected_output_tokens=30))
    assert data.output_tokens.tolist() == [[30.0, 30.0]]
    assert "output tokens of 2 answers are taken to be the settings' guess, for no answer is known (30)" in notes
    assert read("prompt,model,score\na,x,1\na,y,1\n")[0].output_tokens.tolist() == [[250.0, 250.0]]


def test_an_unknown_price_leaves_the_cost_unknown() -> None:
    """Never zero; such a model stands last, and scores can be compared all the same."""
    data, notes = read("prompt,model,score\na,gpt-4o,1\na,ours,0\nb,gpt-4o,1\nb,ours,1\n")
    assert data.models == ("gpt-4o", "ours")
    assert np.isnan(data.cost_usd).tolist() == [[False, True], [False, True]]
    assert data.cost_estimated.all()
    assert notes[0] == ("the price of 'ours' is not known, nor is the cost of 2 answers: only scores are compared")


@pytest.mark.parametrize(
    ("costs", "scores", "expected"),
    [
        ({"a": 3, "b": 1, "c": 2}, {}, ("b", "c", "a")),
        ({"a": 1, "b": 1, "c": 1}, {"a": 0.9, "b": 0.1, "c": 0.5}, ("b", "c", "a")),
        ({"a": 1, "b": 1, "c": 1}, {}, ("a", "b", "c")),
        ({"a": "", "b": 5, "c": ""}, {"a": 0.9, "c": 0.5}, ("b", "c", "a")),
    ],
)
def test_models_from_cheap_to_strong(
    costs: dict[str, Any], scores: dict[str, float], expected: tuple[str, ...]
) -> None:
    """By mean cost, then mean score, then name; unknown costs last."""
    rows = [{"prompt": "p", "model": m, "score": scores.get(m, 0.5), "cost_usd": costs[m]} for m in costs]
    assert read(rows)[0].models == expected


def test_clipped_and_dropped_scores_are_told() -> None:
    """How many, and what became of them."""
    file = "prompt,model,score,cost_usd\na,x,1.5,1\na,y,-1,2\nb,x,1,1\nb,y,0.5,2\nc,x,no,1\nc,y,1,2\n"
    clipped, _ = read(file.replace("no", "0"), out_of_range="clip")
    assert clipped.scores.tolist() == [[1.0, 0.0], [1.0, 0.5], [0.0, 1.0]]
    dropped, notes = read(file, out_of_range="drop")
    assert (dropped.prompt_ids, dropped.scores.tolist()) == (("b",), [[1.0, 0.5]])
    assert notes[:3] == (
        "1 score that is no number, such as 'no': dropped",
        "2 scores outside 0 to 1 (from -1 to 1.5): dropped",
        "2 of 3 prompts without a score of every model (x: 1, y: 2): left out",
    )


def test_repeated_rows_the_first_or_the_mean() -> None:
    """Of every figure that is known; a row without a score is no repeat."""
    file = (
        "prompt,model,score,input_tokens,output_tokens,cost_usd,response\n"
        "a,x,1,10,5,,first\na,y,0,10,5,9,b\na,x,0,20,,3,second\na,x,,99,99,99,none\na,x,0.5,30,,6,third\n"
    )
    first, notes = read(file, duplicates="first", rates=Rates(prices=PRICES))
    assert first.scores.tolist() == [[1.0, 0.0]]
    assert first.responses == (("first", "b"),)
    assert first.cost_usd.tolist() == [[20 / 1e6, 9.0]]
    assert notes[0] == "2 rows that repeat a prompt and model: the first of each counts"
    mean, notes = read(file, duplicates="mean", rates=Rates(prices=PRICES))
    assert mean.scores.tolist() == [[0.5, 0.0]]
    assert (mean.input_tokens.tolist(), mean.output_tokens.tolist()) == ([[20.0, 10.0]], [[5.0, 5.0]])
    assert mean.cost_usd.tolist() == [[4.5, 9.0]]
    assert mean.responses == (("second", "b"),)
    assert not mean.cost_estimated.any()
    assert notes == ("2 rows that repeat a prompt and model: the mean of each counts",)


def test_the_mean_of_rows_does_not_depend_on_their_order() -> None:
    """To the last bit."""
    rows = [{"prompt": "a", "model": "x", "score": score} for score in (0.1, 0.2, 0.3, 0.7, 0.9)]
    other = {"prompt": "a", "model": "y", "score": 1}
    means = {
        read([*order, other], duplicates="mean")[0].scores[0, 0]
        for order in (rows, rows[::-1], rows[2:] + rows[:2])
    }
    assert len(means) == 1


def test_ids_texts_tasks_and_verdicts_may_stand_in_one_row_of_a_prompt() -> None:
    """The first that is there counts; where there is no id the text is it; a verdict that is none is unknown."""
    data, _ = read(
        "prompt_id,prompt,task,model,score,verdict\n"
        "1,,,x,1,\n1,a,,y,1,hm\n1,,t,y,,SIMPLE\n,c,u,x,1,complex\n,c,v,y,1,simple\n 3 ,d,,x,1,?\n3,d,,y,1,\n",
        incomplete="drop",
    )
    assert data.prompt_ids == ("1", "3", "c")
    assert data.prompts == ("a", "d", "c")
    assert data.tasks == ("t", None, "u")
    assert data.verdicts is not None
    assert (data.verdicts.tolist(), data.verdicts.dtype) == ([1, -1, 0], np.int8)


def test_a_column_of_verdicts_without_one_is_none() -> None:
    """As if there were no such column."""
    assert read("prompt,model,score,verdict\na,x,1,\na,y,1,maybe\n")[0].verdicts is None


def test_responses_only_where_there_are_any() -> None:
    """A column without a text is none; one model of two may have texts."""
    assert read("prompt,model,score,response\na,x,1,\na,y,1,\n")[0].responses is None
    some, _ = read("prompt,x_score,y_score,x_response\na,1,0,yes\nb,1,0,\n")
    assert some.models == ("y", "x")
    assert some.responses == ((None, "yes"), (None, None))


def test_the_models_to_compare() -> None:
    """The others are as if they were not there, and do not make a prompt incomplete."""
    file = "prompt,model,score\na,x,1\na,y,0\na,z,1\nb,x,1\nb,y,0\n"
    assert read(file)[0].prompt_ids == ("a",)
    chosen, notes = read(file, replace(a_table(file).guess, only=("x", "y")))
    assert (chosen.prompt_ids, set(chosen.models)) == (("a", "b"), {"x", "y"})
    assert not any("left out" in note for note in notes)


def test_points_of_ten() -> None:
    """Are divided by ten."""
    file = "prompt,model,score\na,x,10\na,y,7\n"
    assert sorted(read(file, replace(a_table(file).guess, full_score=10.0))[0].scores.ravel()) == [0.7, 1.0]


def test_tokens_of_the_prompt_in_a_column_for_all() -> None:
    """A model's own column comes first."""
    models = (ModelColumns("x", "x"), ModelColumns("y", "y", input_tokens="yn"))
    mapping = Mapping("wide", prompt="prompt", input_tokens="n", models=models)
    data, _ = read("prompt,n,x,y,yn\na,5,0,1,9\n", mapping)
    assert data.input_tokens[0].tolist() == [5.0, 9.0]


def test_estimates_are_those_made_before_a_call() -> None:
    """``features.estimate_tokens`` of every text."""
    texts = [
        "",
        "a",
        "abcd",
        "abcde",
        "naïve “quoted”",
        "日本語",
        "日本語 mixed 🎈🎈",
        "\u2e80\u2e81",
        "x" * 9_999,
    ]
    rows = [{"id": n, "prompt": text + "!", "model": m, "score": 1} for n, text in enumerate(texts) for m in "xy"]
    data, _ = read(rows)
    assert data.input_tokens[:, 0].tolist() == [estimate_tokens(text + "!") for text in texts]


def test_telling_how_far_and_stopping() -> None:
    """In one go: the part only grows and ends at 1; notes are told; stopping is heard at once."""
    told: list[tuple[float, str]] = []
    notes: list[str] = []
    data = as_csv(ROWS)
    read_labelled(data, name="f.csv", progress=lambda done, words: told.append((done, words)), tell=notes.append)
    parts = [done for done, _ in told]
    assert parts == sorted(parts)
    assert told[-1] == (1.0, "2 prompts and 2 models")
    assert notes[0] == "input tokens of 4 answers are estimated from the prompt's text"
    for last in range(len(told)):
        seen: list[str] = []
        with pytest.raises(CancelledError):
            read_labelled(
                data,
                name="f.csv",
                progress=lambda done, words, seen=seen: seen.append(words),  # type: ignore[misc]
                cancelled=lambda seen=seen, last=last: len(seen) >= last,  # type: ignore[misc]
            )
        assert len(seen) == last


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"prompts": ("a",)}, "2 prompt ids and a column of another length; give one value each"),
        ({"responses": (("a", "b"),)}, "2 prompt ids and a column of another length"),
        ({"cost_usd": np.zeros((2, 3))}, "a table is not 2 prompts x 2 models; give a value for each pair"),
        ({"models": ("x",)}, "a table is not 2 prompts x 1 models"),
        (
            {"scores": np.array([[0.0, 1.0], [0.5, 1.1]])},
            r"a score is missing or outside \[0, 1\]; drop the prompt",
        ),
        ({"scores": np.array([[0.0, 1.0], [0.5, NAN]])}, r"a score is missing or outside \[0, 1\]"),
    ],
)
def test_data_that_does_not_fit_together(changes: dict[str, Any], sentence: str) -> None:
    """However it was made."""
    data, _ = read(ROWS)
    with pytest.raises(EvaluationError, match=sentence):
        replace(data, **changes)


def test_a_cost_that_is_given_is_not_estimated() -> None:
    """Where only tokens are missing: two facts, two flags."""
    data, notes = read("prompt,model,score,cost_usd\na,x,1,0.1\na,y,1,0.2\n", rates=Rates(prices=PRICES))
    assert not data.cost_estimated.any()
    assert data.tokens_estimated is not None
    assert data.tokens_estimated.all()
    assert not any("cost" in note for note in notes)


def test_one_note_for_any_number_of_models() -> None:
    """Models, prices and lengths are listed in it."""
    file = "prompt,model,score\n" + "".join(f"{prompt},m{n},1\n" for prompt in "ab" for n in range(27))
    _, notes = read(file)
    assert len(notes) == 3
    assert notes[0].startswith("the prices of 'm0', 'm1', ")
    assert notes[0].endswith("nor is the cost of 54 answers: only scores are compared")
    _, notes = read(file, rates=Rates(prices={f"m{n}": PRICES["x"] for n in range(20)}))
    assert len(notes) == 4
    assert notes[0].endswith("nor is the cost of 14 answers: only the others are judged")
