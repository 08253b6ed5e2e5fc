"""No column is taken for a model in silence: which are models, what is said of the others, how to name them."""

from __future__ import annotations

import pytest

from router_core.errors import EvaluationError
from router_core.evaluation.files.chosen import chosen
from router_core.evaluation.files.guessing import guess_mapping
from router_core.evaluation.files.mapping import ModelColumns
from router_core.evaluation.files.numbers import UNKNOWN
from router_core.evaluation.files.reading import labelled, read_labelled
from tests.labelled_files import a_table

WIDE = "prompt,tiny-1b,great-70b,{}\n" + "".join(f"question {n},{n % 2},1,{{}}\n" for n in range(8))


@pytest.mark.parametrize("word", [*sorted(UNKNOWN), "NaN", "N/A", "None", " - "])
def test_one_unknown_score_hides_no_model(word: str) -> None:
    """The prompt is left out and the model stays, however the unknown is written; and that is said."""
    table = a_table(f"prompt,ant,bee,cat\na,1,1,0\nb,0,1,1\nc,0,1,{word}\n")
    data, notes = labelled(table, table.guess)
    assert set(data.models) == {"ant", "bee", "cat"}
    assert data.prompts == ("a", "b")
    assert notes[0] == "1 of 3 prompts without a score of every model (ant: 3, bee: 3, cat: 2): left out"


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("temperature", "1", "a setting"), ("top_p", "0.9", "a setting"), ("seed", "1", "a setting"),
        ("topP", "1", "a setting"), ("max_tokens", "0", "a measurement"), ("total tokens", "1", "a measurement"),
        ("latency_s", "0.4", "a measurement"), ("latencyMs", "1", "a measurement"),
        ("cost", "0.01", "a measurement"),
        ("score", "1", "a judgement that names no model"), ("success", "true", "a judgement that names no model"),
        ("overall_score", "1", "a judgement that names no model"),
        ("confidence", "0.7", "a judgement that names no model"),
        ("judge-confidence", "0.7", "a judgement that names no model"),
        ("user_id", "1", "an id"), ("timestamp", "1", "a time"), ("created_at", "0", "a time"),
        ("is_hard", "0", "a judgement that names no model"), ("note", "fine", "not numbers"),
        ("pieces", "7", "values outside 0 to 1"), ("empty", "", "empty"),
    ],
)  # fmt: skip
def test_what_is_no_model_is_named_with_its_reason(name: str, value: str, reason: str) -> None:
    """Settings, measurements, judgements, ids and times, in whatever style of name."""
    text = WIDE.replace("{}", name, 1).replace("{}", value)
    table = a_table(text)
    data, notes = labelled(table, table.guess)
    assert set(data.models) == {"tiny-1b", "great-70b"}
    assert f"1 column not used: {name!r} ({reason})" in notes


@pytest.mark.parametrize(
    "name", ["o1", "gpt-4o-2024-08-06", "seed-oss-36b", "command-r", "time-llm", "x", "small"]
)
def test_names_of_models_that_hold_such_words(name: str) -> None:
    """A name counts as another thing's only where all its words say so."""
    assert [one.model for one in guess_mapping(["prompt", name], [{"prompt": "a", name: "1"}]).models] == [name]


def test_scores_of_one_model_ask_for_the_others() -> None:
    """Score, success, cost and latency are not four models to compare."""
    table = a_table("prompt,response,score,success,latency_s,cost\na,x,1,true,0.4,0.01\nb,x,0,false,0.5,0.02\n")
    with pytest.raises(
        EvaluationError, match=r"no column is said to hold the model; .* put those of all into one"
    ):
        labelled(table, table.guess)


def test_a_model_scored_to_a_hundred_is_seen() -> None:
    """Where its name is surely a model's; the sentence says what to do."""
    table = a_table("prompt,gpt-4o,gpt-4o-mini\na,95,80\nb,90,20\n")
    with pytest.raises(EvaluationError, match="if a perfect answer scores more, such as 100, say so"):
        labelled(table, table.guess)
    data, _ = labelled(table, chosen(table, full_score=100))
    assert sorted(data.scores.ravel().tolist()) == [0.2, 0.8, 0.9, 0.95]


def test_models_of_any_name_are_seen_once_the_full_score_is_known() -> None:
    """Their scores need no column to be named for them; what is no model stays out."""
    table = a_table("prompt,ant,bee,temperature\n" + "".join(f"q{n},{n % 100},90,70\n" for n in range(9)))
    assert chosen(table).models == ()
    assert [one.model for one in chosen(table, full_score=100).models] == ["ant", "bee"]


def test_a_cell_that_is_no_number_does_not_hide_a_model() -> None:
    """It is refused by name."""
    rows = "".join(f"{n},1,0,{'error' if n == 3 else 1}\n" for n in range(8))
    table = a_table("prompt,ant,bee,cat\n" + rows)
    with pytest.raises(EvaluationError, match="1 score that is no number, such as 'error'"):
        labelled(table, table.guess)


def test_the_guess_is_said() -> None:
    """Where names are not the parts' own."""
    said: list[str] = []
    read_labelled(b"question,ant,bee\na,1,0\nb,1,1\n", name="f.csv", tell=said.append)
    assert said[0] == (
        "the columns are taken to hold: prompt in 'question', the scores of ant in 'ant', bee in 'bee'"
    )


def test_columns_can_be_named() -> None:
    """Each alone or several at once; names may hold commas; an empty one is none."""
    table = a_table('Ask,"Who, then",Points,id\na,x,9,1\na,y,8,2\n')
    found = chosen(table, ["prompt=Ask,model=Who, then", "score = Points", "prompt_id="], full_score=10)
    assert (found.form, found.prompt, found.model, found.score) == ("long", "Ask", "Who, then", "Points")
    assert (found.prompt_id, found.full_score) == (None, 10)
    data, _ = labelled(table, found)
    assert sorted(data.scores.ravel().tolist()) == [0.8, 0.9]


def test_models_can_be_named_and_left_out() -> None:
    """By their score columns, with what else is theirs."""
    table = a_table("prompt,helpful,seed,ant_score,ant_cost,bee_score\na,1,0,1,0.5,0\nb,0,1,1,0.5,1\n")
    found = chosen(table, ["models=helpful,seed,ant_score"], without=["seed"])
    assert found.models[2] == ModelColumns("ant", "ant_score", "ant_cost")
    data, _ = labelled(table, found)
    assert set(data.models) == {"helpful", "ant"}
    with pytest.raises(EvaluationError, match="no answers of 'wasp', which should be left out"):
        labelled(table, chosen(table, without=["wasp"]))


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("prompt", "'prompt' is not PART=COLUMN; the parts are: prompt, "),
        ("colour=x", "'colour=x' is not PART=COLUMN"),
        ("prompt=x", "f.csv has no column 'x'; its columns are: prompt, model, score"),
        ("models=score,x", "f.csv has no column 'x'"),
    ],
)
def test_a_name_that_does_not_exist(said: str, words: str) -> None:
    """The sentence says what there is."""
    with pytest.raises(EvaluationError) as caught:
        chosen(a_table("prompt,model,score\na,x,1\n"), [said])
    assert words in str(caught.value)
