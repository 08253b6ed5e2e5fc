"""Files that other programs write are read: old texts, wrapped lists, pandas' JSON, rows of evaluation tools."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import pytest

from router_core.errors import EvaluationError
from router_core.evaluation.files.limits import DataFileError
from router_core.evaluation.files.reading import labelled
from router_core.evaluation.files.tables import open_table
from router_core.evaluation.labelled import Labelled

LINES = (
    'prompt,model,score,response\n"One\ntwo",small,0,"a\nb"\n"One\ntwo",big,1,"c\nd"\n'
    'x,small,1,e\nx,big,1,"g\nh"\n'
)
ROWS = [
    {"prompt": "Why?", "model": "small", "score": 0},
    {"prompt": "Why?", "model": "big", "score": 1},
    {"prompt": "What?", "model": "small", "score": 1},
    {"prompt": "What?", "model": "big", "score": 1},
]


def read(content: bytes | str, name: str = "f.json") -> tuple[Labelled, tuple[str, ...]]:
    """A file as its own columns say."""
    table = open_table(content.encode() if isinstance(content, str) else content, name=name)
    return labelled(table, table.guess)


def plain(data: Labelled) -> dict[str, dict[str, float]]:
    """Prompt -> model -> score."""
    return {
        prompt: dict(zip(data.models, row, strict=True))
        for prompt, row in zip(data.prompts, data.scores.tolist(), strict=True)
    }


def figures(data: Labelled, cost_usd: float) -> None:
    """20 tokens in and 10 out everywhere, at this cost."""
    assert {*data.input_tokens.ravel().tolist()} == {20.0}
    assert {*data.output_tokens.ravel().tolist()} == {10.0}
    assert {*data.cost_usd.ravel().tolist()} == {cost_usd}


EXPECTED = {"Why?": {"small": 0.0, "big": 1.0}, "What?": {"small": 1.0, "big": 1.0}}


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "utf-8"])
@pytest.mark.parametrize("end", ["", "\r\n", "\x1a", "\r\n\x1a", "\x1a" * 128])
def test_line_breaks_in_cells_in_every_encoding(codec: str, end: str) -> None:
    """With or without a mark, and with what old systems end a text with."""
    text = LINES.rstrip("\n") + end
    data, _ = read(text.encode(codec), "f.csv")
    assert plain(data) == {"One\ntwo": {"small": 0.0, "big": 1.0}, "x": {"small": 1.0, "big": 1.0}}
    assert data.responses is not None
    assert {one for row in data.responses for one in row} == {
        "a\nb",
        "c\nd",
        "e",
        "g\nh",
    }


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be", "utf-8"])
def test_json_lines_with_a_final_ctrl_z(codec: str) -> None:
    text = "".join(json.dumps(row) + "\r\n" for row in ROWS) + "\x1a"
    assert plain(read(text.encode(codec), "f.jsonl")[0]) == EXPECTED


def test_ctrl_z_within_a_text_stays() -> None:
    data, _ = read("prompt,model,score\na\x1a\x1ab,x,1\na\x1a\x1ab,y,0\n", "f.csv")
    assert data.prompts == ("a\x1a\x1ab",)


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "SEP=;"])
@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_line_that_names_the_separator(first: str, codec: str) -> None:
    """As Excel reads and writes it; the rows are counted below the header."""
    rows = "".join(f"{row['prompt']};{row['model']};{row['score']}\r\n" for row in ROWS)
    data, _ = read(f"{first}\r\nprompt;model;score\r\n{rows}".encode(codec), "f.csv")
    assert plain(data) == EXPECTED
    table = open_table(b"sep=;\nprompt;model;score\na;x;1\nb;x\n", name="f.csv")
    assert [one.row for one in table.ragged] == [2]


def test_any_separator_that_is_named() -> None:
    rows = "".join(f"{row['prompt']}|{row['model']}|{row['score']}\n" for row in ROWS)
    assert plain(read(f"sep=|\nprompt|model|score\n{rows}", "f.csv")[0]) == EXPECTED


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize(
    "wrapped",
    [
        {"data": ROWS},
        {"version": 3, "results": {"stats": {"passed": 3}, "results": ROWS}, "config": {"tests": [{"vars": {}}]}},
        {"rows": ROWS, "models": [{"name": "small"}, {"name": "big"}]},
        {"anything": ROWS},
    ],
)
def test_a_list_inside_an_object(wrapped: dict[str, Any], indent: int | None) -> None:
    assert plain(read(json.dumps(wrapped, indent=indent))[0]) == EXPECTED


def test_several_lists_are_named() -> None:
    """None is guessed."""
    with pytest.raises(DataFileError, match=r"several lists of objects \(in it: 'first', 'second\.deep'\)"):
        read(json.dumps({"first": ROWS, "second": {"deep": ROWS}}))


@pytest.mark.parametrize("indent", [0, 2])
@pytest.mark.parametrize("orient", ["records", "split", "index", "columns", "table"])
def test_pandas_json_in_every_orient(orient: Any, indent: int) -> None:
    for frame in (pd.DataFrame(ROWS), pd.DataFrame(ROWS, index=["a", "b", "c", "d"])):
        assert plain(read(frame.to_json(orient=orient, indent=indent))[0]) == EXPECTED


def test_pandas_json_without_names_says_what_is_needed() -> None:
    with pytest.raises(DataFileError, match=r"entry 1 is .* not an object with names"):
        read(pd.DataFrame(ROWS).to_json(orient="values"))


def test_columns_as_lists() -> None:
    assert plain(read(pd.DataFrame(ROWS).to_dict(orient="list").__repr__().replace("'", '"'))[0]) == EXPECTED


def promptfoo(label: str = "") -> list[dict[str, Any]]:
    """Rows as promptfoo writes them."""
    return [
        {
            "provider": {"id": f"maker:{row['model']}", "label": label and f"{label} {row['model']}"},
            "prompt": {"raw": row["prompt"], "label": "{{q}}"},
            "vars": {"q": row["prompt"]},
            "response": {"output": "hm", "tokenUsage": {"total": 30, "prompt": 20, "completion": 10}},
            "success": bool(row["score"]), "score": row["score"], "cost": 0.001, "latencyMs": 700,
        }
        for row in ROWS
    ]  # fmt: skip


@pytest.mark.parametrize("lines", [True, False])
def test_promptfoo(lines: bool) -> None:
    """Its models are the providers, by their labels where these are given; success and latency are none."""
    for label, names in (("", {"maker:small", "maker:big"}), ("my", {"my small", "my big"})):
        rows = promptfoo(label)
        text = "\n".join(map(json.dumps, rows)) if lines else json.dumps({"results": {"results": rows}}, indent=2)
        data, notes = read(text, "f.jsonl" if lines else "f.json")
        assert set(data.models) == names
        assert set(data.prompts) == {"Why?", "What?"}
        figures(data, 0.001)
        assert not data.cost_estimated.any()
        assert "'success' (a judgement that names no model)" in notes[0]


LANGFUSE = "id,timestamp,input,output,latency,inputUsage,outputUsage,totalCost,scores,model\n"


def test_langfuse() -> None:
    """Scores as an object in a cell; what the usage and cost columns are called."""
    rows = "".join(
        f'{n},2026-01-01T00:00:00Z,{row["prompt"]},x,0.5,20,10,0.0001,"{{""quality"":[{row["score"]}]}}",{row["model"]}\n'
        for n, row in enumerate(ROWS)
    )
    data, _ = read(LANGFUSE + rows, "f.csv")
    assert plain(data) == EXPECTED
    figures(data, 0.0001)


def test_several_scores_in_a_cell_are_to_be_chosen_from() -> None:
    row = '1,t,a,x,0.5,20,10,0.0001,"{""quality"":1,""tone"":0}",small\n'
    with pytest.raises(
        EvaluationError, match=r"no column is said to hold the score; .*scores\.quality, scores\.tone"
    ):
        read(LANGFUSE + row, "f.csv")


def test_lm_eval_asks_for_the_model() -> None:
    """A file of one model: its prompts and scores are found, and the sentence says what is missing."""
    row = {
        "doc_id": 0,
        "doc": {"question": "A?"},
        "target": "x",
        "resps": [["y"]],
        "filtered_resps": ["y"],
        "acc": 1.0,
    }
    table = open_table(json.dumps(row).encode(), name="f.jsonl")
    assert (table.guess.prompt, table.guess.score) == ("doc.question", "acc")
    with pytest.raises(EvaluationError, match="no column is said to hold the model"):
        labelled(table, table.guess)
    both = "\n".join(json.dumps({**row, "model": name}) for name in ("small", "big"))
    assert plain(read(both, "f.jsonl")[0]) == {"A?": {"small": 1.0, "big": 1.0}}


@pytest.mark.parametrize(
    ("one", "other"),
    [("Why?", "Why?\n"), ("Why?\r\nNow", "Why?\nNow"), ("Why?\rNow", "Why?\nNow\r\n"), ("Café", "Cafe\u0301")],
)
@pytest.mark.parametrize("ids", [True, False])
def test_texts_that_are_one(one: str, other: str, ids: bool) -> None:
    """A final line break, the form of line breaks, Unicode normalisation; with ids and without; and it is said."""
    rows = [{**row, "prompt": text} for row, text in zip(ROWS, (one, other, "b", "b"), strict=True)]
    if ids:
        rows = [{**row, "prompt_id": number} for row, number in zip(rows, "1122", strict=True)]
    data, notes = read(json.dumps(rows))
    assert len(data.prompts) == 2
    assert any("final line break" in note and note.endswith("counted as one prompt") for note in notes)
    again, _ = read(json.dumps(rows[::-1]))
    assert again.prompts == data.prompts


def test_texts_alone_stay_as_they_are() -> None:
    """Nothing is changed in a text that no other is like."""
    rows = [{**row, "prompt": f"{row['prompt']}\r\nCafe\u0301\n"} for row in ROWS]
    data, notes = read(json.dumps(rows))
    assert set(data.prompts) == {"Why?\r\nCafe\u0301\n", "What?\r\nCafe\u0301\n"}
    assert not any("line break" in note for note in notes)
