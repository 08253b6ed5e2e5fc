"""Whatever was scored: the same data in every form and order, and estimates as of one text alone."""

from __future__ import annotations

import random
from dataclasses import fields
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from router_core.evaluation.files.checking import check
from router_core.evaluation.files.estimating import estimated_tokens
from router_core.evaluation.files.mapping import Mapping, ModelColumns
from router_core.evaluation.files.reading import labelled
from router_core.evaluation.files.tables import open_table
from router_core.evaluation.labelled import Labelled
from router_core.features import estimate_tokens
from tests.labelled_files import FILES, Rows

fast = settings(derandomize=True, deadline=None, max_examples=40)

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), min_size=1, max_size=9)
NAME = TEXT.map(str.strip).filter(bool)
WHOLE = TEXT.filter(lambda text: bool(text.strip()))
SCORE = st.floats(0.0, 1.0).map(repr) | st.sampled_from(["0", "1", "true", "FALSE", "1e-3"])
KNOWN = st.floats(0.0, 1e6).map(repr) | st.integers(0, 10**6).map(str)
MAYBE = st.just("") | KNOWN
PARTS = ("score", "input_tokens", "output_tokens", "cost_usd", "response")


@st.composite
def answers(draw: st.DrawFn) -> tuple[list[str], Rows]:
    """Two to four models and one to five prompts, in the long form."""
    models = draw(st.lists(NAME, min_size=2, max_size=4, unique=True))
    prompts = draw(st.dictionaries(NAME, st.tuples(WHOLE, st.just("") | NAME), min_size=1, max_size=5))
    rows = [
        {
            "prompt_id": id_,
            "task": task,
            "prompt": prompt,
            "model": model,
            "score": draw(SCORE),
            "input_tokens": draw(MAYBE),
            "output_tokens": draw(MAYBE),
            "cost_usd": draw(MAYBE),
            "response": draw(st.just("") | WHOLE),
            "verdict": draw(st.sampled_from(["", "SIMPLE"]))
            if id_ > "M"
            else draw(st.sampled_from(["", "complex"])),
        }
        for id_, (prompt, task) in prompts.items()
        for model in models
    ]
    return models, rows


def read(rows: Rows, mapping: Mapping | None = None, name: str = "f.csv") -> Labelled:
    """Through a file of that sort."""
    table = open_table(FILES[name](rows), name=name)
    return labelled(table, mapping or table.guess)[0]


def same(one: Labelled, other: Labelled) -> bool:
    """All but the file they come from."""
    names = [field.name for field in fields(Labelled) if field.name not in ("source", "sha256")]
    pairs = [(getattr(one, name), getattr(other, name)) for name in names]
    return all(
        np.array_equal(a, b, equal_nan=a.dtype.kind == "f") if isinstance(a, np.ndarray) else a == b
        for a, b in pairs
    )


def widened(models: list[str], rows: Rows) -> tuple[Rows, Mapping]:
    """The same in the wide form, under columns that tell nothing by their names."""
    table: dict[str, dict[str, Any]] = {}
    verdicts: dict[str, str] = {}
    for row in rows:
        verdicts[row["prompt_id"]] = verdicts.get(row["prompt_id"]) or row["verdict"]
        number = models.index(row["model"])
        wide = table.setdefault(row["prompt_id"], {"i": row["prompt_id"], "p": row["prompt"], "t": row["task"]})
        wide |= {f"{part[0]}{number}": row[part] for part in PARTS}
    for id_, wide in table.items():
        wide["v"] = verdicts[id_]
    columns = tuple(
        ModelColumns(
            model, f"s{n}", cost_usd=f"c{n}", input_tokens=f"i{n}", output_tokens=f"o{n}", response=f"r{n}"
        )
        for n, model in enumerate(models)
    )  # fmt: skip
    return list(table.values()), Mapping("wide", "p", "i", "t", "v", models=columns)


def lengthened(data: Labelled) -> Rows:
    """What was read, in the long form again: every figure with all its digits."""
    verdicts = {1: "SIMPLE", 0: "COMPLEX", -1: ""}
    return [
        {
            "prompt_id": data.prompt_ids[i],
            "task": data.tasks[i] or "",
            "prompt": data.prompts[i],
            "model": data.models[j],
            "score": repr(float(data.scores[i, j])),
            "input_tokens": repr(float(data.input_tokens[i, j])),
            "output_tokens": repr(float(data.output_tokens[i, j])),
            "cost_usd": "" if np.isnan(data.cost_usd[i, j]) else repr(float(data.cost_usd[i, j])),
            "response": (data.responses[i][j] or "") if data.responses else "",
            "verdict": "" if data.verdicts is None else verdicts[int(data.verdicts[i])],
        }
        for i in range(len(data.prompts))
        for j in range(len(data.models))
    ]


@fast
@given(answers())
def test_long_to_wide_to_long(made: tuple[list[str], Rows]) -> None:
    """Each form gives equal data; written out again and read, all but the marks of estimates is equal."""
    models, rows = made
    long = read(rows)
    wide = read(*widened(models, rows))
    assert same(long, wide)
    again = read(lengthened(wide))
    marks = np.isnan(again.cost_usd)
    assert np.array_equal(again.cost_estimated, marks)
    for flags in ("cost_estimated", "tokens_estimated"):
        object.__setattr__(again, flags, getattr(long, flags))
    assert same(long, again)


@fast
@given(answers(), st.randoms(use_true_random=False), st.sampled_from(sorted(FILES)))
def test_neither_order_nor_format_matters(made: tuple[list[str], Rows], rng: random.Random, name: str) -> None:
    """Rows shuffled, in any sort of file: equal data."""
    _, rows = made
    shuffled = list(rows)
    rng.shuffle(shuffled)
    assert same(read(rows), read(shuffled, name=name))


@fast
@given(answers(), st.data())
def test_what_is_wrong_is_found_or_harmless(made: tuple[list[str], Rows], data: st.DataObject) -> None:
    """Whatever is put into cells: either something blocks, or what is read is whole, and as much as promised."""
    _, rows = made
    rows = [dict(row) for row in rows]
    junk = st.sampled_from(["", " ", "-1", "2", "inf", "nan", "x", "1,5"]) | TEXT
    for _ in range(data.draw(st.integers(1, 6))):
        row = data.draw(st.sampled_from(rows))
        row[data.draw(st.sampled_from(sorted(row)))] = data.draw(junk)
    table = open_table(FILES["f.csv"](rows), name="f.csv")
    choices: Any = {
        "out_of_range": data.draw(st.sampled_from(["refuse", "clip", "drop"])),
        "duplicates": data.draw(st.sampled_from(["refuse", "first", "mean"])),
        "incomplete": data.draw(st.sampled_from(["drop", "refuse"])),
    }
    found = check(table, table.guess, **choices)
    if not found.blocking:
        read_, _ = labelled(table, table.guess, **choices)
        assert len(read_.prompts) == found.prompts >= 1
        assert tuple(sorted(read_.models)) == found.models
        assert np.isfinite(read_.input_tokens).all()
        assert np.isfinite(read_.output_tokens).all()


@fast
@given(st.lists(st.none() | st.text(st.characters(codec="utf-8"), max_size=40), max_size=20))
def test_estimates_of_a_column_are_those_of_each_text(texts: list[str | None]) -> None:
    """``features.estimate_tokens``, whatever the script."""
    expected = [float("nan") if text is None else estimate_tokens(text) for text in texts]
    np.testing.assert_array_equal(estimated_tokens(pa.array(texts, pa.string())), expected)
