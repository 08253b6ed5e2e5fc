"""Prompts without scores are read from any file that holds them, piece by piece."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from router_core.collecting.prompts import Asked, Columns, asked_in, columns_said, read_prompts
from router_core.errors import ArgumentError, RouterError

ROWS: list[dict[str, Any]] = [
    {"id": "a", "Question": "Name a colour.", "Expected Answer": "red", "Category": "easy",
     "System Prompt": "Be short."},
    {"id": "b", "Question": "2 + 2, or 3?", "Expected Answer": "4", "Category": None, "System Prompt": None},
]  # fmt: skip
READ_AS = (
    "read as: prompt in 'Question', task in 'Category', reference in 'Expected Answer', system in 'System Prompt'"
)
ASKED = [
    Asked(
        1,
        ({"role": "system", "content": "Be short."}, {"role": "user", "content": "Name a colour."}),
        "easy",
        "red",
    ),
    Asked(2, ({"role": "user", "content": "2 + 2, or 3?"},), None, "4"),
]


@pytest.mark.parametrize("ending", ["csv", "jsonl", "json", "parquet"])
def test_every_format(tmp_path: Path, ending: str) -> None:
    """The same prompts, with what their columns are usually called."""
    place, table = tmp_path / f"prompts.{ending}", pd.DataFrame(ROWS)
    if ending == "csv":
        table.to_csv(place, index=False)
    elif ending == "parquet":
        table.to_parquet(place)
    else:
        table.to_json(place, orient="records", lines=ending == "jsonl")
    contents = read_prompts(place, tmp_path / "out")
    assert list(asked_in(tmp_path / "out")) == ASKED
    assert (contents.prompts, contents.referenced, contents.notes) == (2, 2, (READ_AS,))
    assert contents.columns == Columns(
        prompt="Question", task="Category", reference="Expected Answer", system="System Prompt"
    )
    assert contents.head[0]["Question"] == "Name a colour."
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o600


def test_a_prompt_per_line(tmp_path: Path) -> None:
    """Commas and quotes are text there; empty lines and repeated ones are told."""
    (tmp_path / "lines.txt").write_text('\ufeffSay "hi", twice.\n\nName a colour.\r\nName a colour.\n', "utf-8")
    contents = read_prompts(tmp_path / "lines.txt", tmp_path / "out")
    said = [one.messages[0]["content"] for one in asked_in(tmp_path / "out")]
    assert said == ['Say "hi", twice.', "Name a colour."]
    assert contents.notes == (
        "read as: prompt in 'prompt'",
        "1 of 4 rows have no prompt: left out",
        "1 rows repeat an earlier prompt: asked once",
    )


def test_conversations(tmp_path: Path) -> None:
    """A column of messages is a conversation, as a list or as its JSON."""
    turns = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": "Bye"},
    ]
    lines = [json.dumps({"messages": turns}), json.dumps({"messages": json.dumps(turns[:1])})]
    (tmp_path / "chats.jsonl").write_text("\n".join(lines))
    read_prompts(tmp_path / "chats.jsonl", tmp_path / "out")
    assert [len(one.messages) for one in asked_in(tmp_path / "out")] == [3, 1]
    (tmp_path / "bad.jsonl").write_text('{"messages": "hello"}')
    with pytest.raises(RouterError, match=r"row 1 of bad\.jsonl: its messages are no list"):
        read_prompts(tmp_path / "bad.jsonl", tmp_path / "other")


def test_a_sample_is_the_same_for_the_same_seed(tmp_path: Path) -> None:
    """So many prompts at random, in the order of the file; of a larger one than the file all."""
    place = tmp_path / "many.csv"
    place.write_text("prompt\n" + "\n".join(f"prompt {n}" for n in range(500)))

    def rows(seed: int, sample: int = 50) -> list[int]:
        contents = read_prompts(place, tmp_path / "out", sample=sample, seed=seed)
        found = [one.row for one in asked_in(tmp_path / "out")]
        assert contents.prompts == len(found)
        return found

    assert rows(1) == rows(1) == sorted(set(rows(1)))
    assert len(rows(1)) == 50
    assert rows(1) != rows(2)
    assert len(rows(1, 5_000)) == 500


@pytest.mark.parametrize(
    ("text", "said", "sentence"),
    [
        ("a,b\n1,2\n", {}, "prompts.csv has no column that is named like a prompt; say which one, as in prompt=a"),
        ("a,b\n1,2\n", {"prompt": "c"}, "prompt=c: prompts.csv has no such column; its columns: a, b"),
        ("prompt,b\n,2\n", {}, "prompts.csv holds no prompt"),
    ],
)
def test_what_is_missing_is_said(tmp_path: Path, text: str, said: dict[str, str], sentence: str) -> None:
    """With what to do."""
    (tmp_path / "prompts.csv").write_text(text)
    with pytest.raises(RouterError) as caught:
        read_prompts(tmp_path / "prompts.csv", tmp_path / "out", said=said)
    assert sentence in str(caught.value)


def test_columns_can_be_said(tmp_path: Path) -> None:
    """In place of what their names say; a column is used once."""
    (tmp_path / "p.csv").write_text("text,question\nFirst,Second\n")
    read_prompts(tmp_path / "p.csv", tmp_path / "out", said=columns_said(["prompt=question", "reference=text"]))
    (asked,) = asked_in(tmp_path / "out")
    assert (asked.messages[0]["content"], asked.reference) == ("Second", "First")
    for wrong in ("prompt", "colour=a", "prompt="):
        with pytest.raises(ArgumentError, match="is not PART=COLUMN; the parts are messages, prompt"):
            columns_said([wrong])
