"""What columns mean: the guess for the ways in which people name them."""

from __future__ import annotations

import pytest

from router_core.evaluation.files.guessing import guess_mapping
from router_core.evaluation.files.mapping import Mapping, ModelColumns

README = ("prompt_id", "task", "prompt", "model", "score", "input_tokens", "output_tokens", "cost_usd", "response")


def test_the_long_form_of_our_own_files() -> None:
    """Every column is found."""
    assert guess_mapping(README, ()) == Mapping("long", **{name: name for name in README})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (("Question", "LLM", "Is Correct"), Mapping("long", prompt="Question", model="LLM", score="Is Correct")),
        (
            ("sample-id", "query", "model_name", "accuracy", "Total Cost", "prompt tokens", "completion_tokens"),
            Mapping(
                "long", prompt="query", prompt_id="sample-id", model="model_name", score="accuracy",
                cost_usd="Total Cost", input_tokens="prompt tokens", output_tokens="completion_tokens",
            ),
        ),
        (("prompt", "model", "verdict", "subject"), Mapping(
            "long", prompt="prompt", model="model", verdict="verdict", task="subject",
        )),
        (("a", "b"), Mapping("wide")),
    ],
)  # fmt: skip
def test_other_names(columns: tuple[str, ...], expected: Mapping) -> None:
    """Synonyms, in any case, with spaces or dashes; what is not found stays None."""
    assert guess_mapping(columns, ()) == expected


@pytest.mark.parametrize(
    "columns",
    [
        ("gpt-4o_score", "gpt-4o_cost_usd", "gpt-4o_input_tokens", "gpt-4o_output_tokens", "gpt-4o_response"),
        ("score_gpt-4o", "cost_gpt-4o", "prompt_tokens_gpt-4o", "completion_tokens_gpt-4o", "answer_gpt-4o"),
        ("gpt-4o|correct", "gpt-4o|total_cost", "gpt-4o|tokens_in", "gpt-4o|tokens_out", "gpt-4o|model_response"),
        ("gpt-4o.Accuracy", "gpt-4o.Cost", "gpt-4o.Input Tokens", "gpt-4o.Output-Tokens", "gpt-4o.Response"),
        ("gpt-4o", "gpt-4o_cost", "gpt-4o_input_tokens", "gpt-4o_output_tokens", "gpt-4o_output"),
        ("gpt-4o", "gpt-4o|total_cost", "gpt-4o/input_tokens", "gpt-4o output tokens", "gpt-4o: response"),
    ],
)
def test_a_model_in_a_wide_file(columns: tuple[str, ...]) -> None:
    """Before or behind its name, or its name alone for the score."""
    sample = [dict.fromkeys(columns, "0.5")]
    expected = Mapping("wide", prompt="prompt", models=(ModelColumns("gpt-4o", *columns),))
    assert guess_mapping(("prompt", *columns), sample) == expected


def test_true_and_false_under_the_names_of_models() -> None:
    """As in the files of RouteLLM; texts and the number of the row are no models."""
    columns = (
        "",
        "index",
        "prompt",
        "gpt-4-1106-preview",
        "mistralai/Mixtral-8x7B-Instruct-v0.1",
        "note",
        "length",
    )
    rows = [("0", "0", "a", "True", "False", "hm", "0"), ("1", "1", "b", "False", "True", None, "1")]
    sample = [dict(zip(columns, row, strict=True)) for row in rows]
    sample = [{("column 1" if name == "" else name): text for name, text in row.items()} for row in sample]
    assert guess_mapping(tuple(sample[0]), sample) == Mapping(
        "wide",
        prompt="prompt",
        models=(
            ModelColumns("gpt-4-1106-preview", "gpt-4-1106-preview"),
            ModelColumns("mistralai/Mixtral-8x7B-Instruct-v0.1", "mistralai/Mixtral-8x7B-Instruct-v0.1"),
        ),
    )


def test_a_benchmark_with_a_column_for_the_best() -> None:
    """As in the files of RouterBench."""
    sample = [
        {
            "sample_id": "mmlu.1", "prompt": "?", "eval_name": "mmlu", "gpt-4": "1.0", "claude-v2": "0.25",
            "gpt-4|model_response": "A", "claude-v2|model_response": "B", "gpt-4|total_cost": "0.01",
            "claude-v2|total_cost": "0.002", "oracle_model_to_route_to": "gpt-4",
        }
    ]  # fmt: skip
    assert guess_mapping(tuple(sample[0]), sample) == Mapping(
        "wide",
        prompt="prompt",
        prompt_id="sample_id",
        task="eval_name",
        models=(
            ModelColumns("gpt-4", "gpt-4", "gpt-4|total_cost", response="gpt-4|model_response"),
            ModelColumns("claude-v2", "claude-v2", "claude-v2|total_cost", response="claude-v2|model_response"),
        ),
    )


def test_named_scores_are_not_mixed_with_bare_numbers() -> None:
    """Where scores say that they are, a column of numbers is something else."""
    sample = [{"prompt": "a", "x_score": "1", "y_score": "0", "temperature": "0.5"}]
    assert [one.model for one in guess_mapping(tuple(sample[0]), sample).models] == ["x", "y"]


def test_bare_numbers_beyond_one_are_no_scores() -> None:
    """Nor are texts, nor a column that is empty."""
    sample = [
        {"prompt": "a", "x": "1", "y": "0", "words": "7", "note": "fine", "empty": None},
        {"prompt": "b", "x": None, "y": " 1.0 ", "words": "1", "note": "1", "empty": ""},
    ]
    assert [one.model for one in guess_mapping(tuple(sample[0]), sample).models] == ["x", "y"]


def test_tokens_of_the_prompt_hold_for_every_model() -> None:
    """In a wide file they may stand in one column."""
    sample = [{"prompt": "a", "x": "1", "y": "0", "input_tokens": "7"}]
    guess = guess_mapping(tuple(sample[0]), sample)
    assert guess.input_tokens == "input_tokens"
    assert [one.input_tokens for one in guess.models] == [None, None]


@pytest.mark.parametrize(
    ("name", "ids", "expected"),
    [("id", "123", None), ("id", "112", "id"), ("id", (None,) * 3, "id"), ("Prompt ID", "123", "Prompt ID")],
)
def test_a_column_that_numbers_the_rows(name: str, ids: tuple[str | None, ...], expected: str | None) -> None:
    """It identifies no prompts, for these repeat; unless it says that it does."""
    sample = [
        {name: id_, "prompt": text, "model": "x", "score": "1"} for id_, text in zip(ids, "aab", strict=True)
    ]
    assert guess_mapping(tuple(sample[0]), sample).prompt_id == expected


def test_a_column_that_numbers_the_rows_of_a_wide_file() -> None:
    """There it identifies prompts, even those of the same text."""
    sample = [{"id": id_, "prompt": "a", "x": "1", "y": "0"} for id_ in "12"]
    assert guess_mapping(tuple(sample[0]), sample).prompt_id == "id"


def test_the_columns_in_use() -> None:
    """What is meant, of this form only."""
    wide = Mapping("wide", prompt="p", model="m", score="s", models=(ModelColumns("x", "xs", response="xr"),))
    used = {what: column for what, column in wide.columns().items() if column is not None}
    assert used == {"prompt": "p", "score of x": "xs", "response of x": "xr"}
    long = Mapping("long", prompt="p", model="m", score="s", models=(ModelColumns("x", "xs"),))
    assert {what for what, column in long.columns().items() if column is not None} == {"prompt", "model", "score"}
