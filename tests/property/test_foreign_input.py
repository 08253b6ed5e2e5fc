"""Files, settings and numbers from outside, changed at random: only our own errors come out, with a sentence."""

from __future__ import annotations

import base64
import copy
import gzip
import json
import zlib
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from router_core.errors import RouterError
from router_core.evaluation.files.files import located
from router_core.evaluation.files.limits import DataFileError
from router_core.evaluation.files.rows import joined, read_rows
from router_core.evaluation.progress import Watch
from router_core.exports import dump, dump_yaml, load_any
from router_core.exports.contextual import packed, unpacked
from router_core.exports.parsing import sealed
from router_core.exports.transfer import text_of_bytes
from router_core.exports.yaml import write_yaml
from router_core.features import context
from router_core.learning.contextual import vector
from router_core.learning.contextual.state import ContextualState
from router_core.money.budget import BudgetState
from router_core.settings import Settings
from router_core.validation import validated
from tests.exported import an_export
from tests.labelled_files import FILES, ROWS
from tests.unit.test_contextual_state import a_gain, events, folded

DEEP: Any = []
for _ in range(3_000):
    DEEP = [DEEP]
ODD: tuple[Any, ...] = (
    None, True, -1, 0, 1, 2**63, 2**64, 10**5_000, -(10**5_000), 1e308, -1e308, 5e-324, float("nan"), float("inf"),
    "", "\ud800", "\0", "1E+999999", "Infinity", "NaN", "9" * 5_000, "x" * 10_000, [], {}, [[]], {"": {}},
    {"\udfff": 1}, "../../x", [1e308] * 210, ["openai/gpt-4o"] * 200, DEEP,
)  # fmt: skip
numbered = st.integers(0, len(ODD) - 1)  # some of them cannot be printed
odd = st.one_of(
    st.integers(),
    st.floats(),
    st.text(st.characters(), max_size=20),
    st.recursive(
        st.none() | st.floats() | st.text(max_size=3), lambda one: st.lists(one, max_size=3), max_leaves=5
    ),
)


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something stands in plain data."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(place for name, one in inside for place in places(one, (*at, name)))]


def changed(document: Any, draw: st.DataObject) -> Any:
    """The document with something odd in one to three places, or another name for one."""
    everywhere = [place for place in places(document) if place]
    document = copy.deepcopy(document)
    for number in draw.draw(st.lists(st.integers(0, len(everywhere) - 1), min_size=1, max_size=3)):
        *way, last = everywhere[number]
        new = ODD[draw.draw(numbered)] if draw.draw(st.booleans()) else draw.draw(odd)
        try:
            holder = reduce(lambda found, name: found[name], way, document)
            if isinstance(holder, dict) and draw.draw(st.integers(0, 9)) == 0:
                holder[draw.draw(st.text(max_size=5))] = holder.pop(last)
            else:
                holder[last] = new
        except (IndexError, KeyError, TypeError):  # it stood in what was changed before
            continue
    return document


def only_ours(work: Callable[[], object]) -> object:
    """What the work returns, None where it refuses: with a sentence that a screen and a file can hold."""
    try:
        return work()
    except RouterError as error:
        said = str(error)
    assert 0 < len(said.encode()) < 3_000
    return None


EXPORT = an_export()
PLAIN = json.loads(dump(EXPORT))
LEARNED = ContextualState(folded(events(40)).arms, a_gain(), 40, (3, 9))
STATE = json.loads(
    zlib.decompress(
        base64.b64decode(packed(ContextualState(folded(events(40)).arms, a_gain(), 40, (3, 9)), BudgetState()))
    )
)


@settings(deadline=None)
@given(st.data())
def test_an_export_changed_at_random(draw: st.DataObject) -> None:
    """As JSON and as YAML, with a checksum that fits."""
    document = changed(PLAIN, draw)
    try:
        as_json, as_yaml = json.dumps(sealed(document)), write_yaml(sealed(document))
    except (RecursionError, ValueError, UnicodeError):  # what cannot be written
        try:
            as_json = as_yaml = json.dumps(document)
        except (RecursionError, ValueError):
            assume(False)
    for text in (as_json, as_yaml):
        found = only_ours(lambda text=text: load_any(text, EXPORT.settings))
        if found is not None:
            dump(load_any(text, EXPORT.settings, trust_edited=True))  # type: ignore[arg-type]


@settings(deadline=None)
@given(st.binary(max_size=300), st.integers(0, 5_000), st.booleans())
def test_bytes_in_an_export(noise: bytes, at: int, as_yaml: bool) -> None:
    """Anything at all, alone or in the middle of one."""
    whole = (dump_yaml(EXPORT) if as_yaml else dump(EXPORT)).encode()
    for data in (noise, whole[:at] + noise + whole[at + len(noise) :]):
        only_ours(lambda data=data: load_any(text_of_bytes(data), EXPORT.settings, trust_edited=True))


@settings(deadline=None)
@given(st.data())
def test_settings_changed_at_random(draw: st.DataObject) -> None:
    """As values and as a document; what is accepted has a name and is read again."""
    raw = changed(PLAIN["settings"], draw)
    found = only_ours(lambda: validated(Settings, raw))
    if isinstance(found, Settings):
        assert Settings.from_document(found.document()).version == found.version
    try:
        text = json.dumps(raw)
    except (RecursionError, ValueError):
        return
    only_ours(lambda: Settings.from_document(text))


@pytest.mark.parametrize(
    "text", ['{"seed": ' + "9" * 5_000 + "}", "[" * 100_000, '{"seed": "\\ud800"}', "", "nul"]
)
def test_settings_that_are_no_settings(text: str) -> None:
    """Digits without end, depth without end, half a character, nothing."""
    with pytest.raises(RouterError) as caught:
        Settings.from_document(text)
    assert "set_int_max_str_digits" not in str(caught.value)
    str(caught.value).encode()


@settings(deadline=None)
@given(st.data())
def test_what_was_learned_changed_at_random(draw: st.DataObject) -> None:
    """What is accepted gives chances: numbers between 0 and 1."""
    document = changed(STATE, draw)
    try:
        text = json.dumps(document)
    except (RecursionError, ValueError):
        return
    line = base64.b64encode(zlib.compress(text.encode())).decode()
    found: Any = only_ours(lambda: unpacked({"goal": line}))
    if found is None:
        return
    state, _ = found["goal"]
    x = np.ones(vector.SIZE) * 3
    for one in state.arms.values():
        mean, variance = one.belief.logit(x)
        assert np.isfinite(mean)
        assert 0.0 < variance < 1e8
    if state.gain is not None:
        units = state.gain.units(state.gain.of_text("words and more words"))
        assert np.isfinite(units).all()


def test_a_context_is_only_ours() -> None:
    """The helper above lets other errors through."""
    with pytest.raises(ZeroDivisionError):
        only_ours(lambda: 1 // 0)
    assert only_ours(lambda: context([{"role": "user", "content": "x"}], "goal").characters) == 1


@settings(deadline=None)
@given(st.sampled_from([*FILES]), st.binary(max_size=60), st.integers(0, 1_000), st.integers(0, 60))
def test_files_of_scored_answers_changed_at_random(name: str, noise: bytes, at: int, lost: int) -> None:
    """Bytes replaced, put in and left out, in every format; each comes as a table or as a sentence."""
    whole = FILES[name](ROWS)
    at %= len(whole)
    for data in (
        whole[:at] + noise + whole[at + lost :],
        noise + whole,
        gzip.compress(whole[:at] + noise, mtime=0),
    ):
        batches: list[Any] = []
        read = only_ours(
            lambda data=data, batches=batches: read_rows(located(data, name), "utf-8", Watch(), batches.append)
        )
        if read is not None:
            for row in joined(batches).to_pylist():
                json.dumps(row).encode()


@pytest.mark.parametrize("name", ["f.csv", "f.jsonl", "f.json", "f.parquet"])
def test_nothing_but_noise(name: str) -> None:
    """A file of each name with one byte of each value is refused or read, never more."""
    data = bytes(range(256))
    with pytest.raises(DataFileError):
        read_rows(located(data, name), "utf-8", Watch(), lambda batch: None)
