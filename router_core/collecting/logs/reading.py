"""A log of another tool from a file: JSON, JSON lines, either of them gzipped; recognised by its shape.

A file per format stands beside this one; what is done with the calls is importing.py's.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any, Final, Protocol

from router_core.collecting.logs import (
    helicone,
    langfuse,
    litellm,
    open_webui,
    openai_stored,
    opentelemetry,
    plain,
    promptfoo,
)
from router_core.collecting.logs.call import LoggedCall, NotACallError, Row
from router_core.errors import EvaluationError

MOST_BYTES: Final = 2_000_000_000
"""Of a file, unpacked: what is in it is held in memory."""

_LOOKED_AT: Final = 50  # rows by which a format is recognised
_LISTS: Final = ("data", "results", "traces", "observations", "scores", "spans", "logs", "rows", "response")


class Format(Protocol):
    """What a file beside this one offers."""

    LABEL: str

    def recognises(self, row: Row) -> bool:
        """Whether the row has this shape."""
        ...

    def calls(self, rows: Iterable[Row]) -> Iterator[LoggedCall | NotACallError]:
        """The calls, and what is in the rows that are none."""
        ...


FORMATS: Final[Mapping[str, Format]] = {
    "litellm": litellm,
    "langfuse": langfuse,
    "opentelemetry": opentelemetry,
    "openai": openai_stored,
    "open-webui": open_webui,
    "helicone": helicone,
    "promptfoo": promptfoo,
    "plain": plain,
}
"""By name, in the order in which they are tried: the plain one takes what no other does."""


@dataclass(frozen=True, slots=True)
class ModelUse:
    """What the log says of one model. ``cost_usd`` is the sum of what is known, ``unknown`` calls have no cost."""

    calls: int
    failed: int
    cost_usd: Decimal
    unknown: int
    input_tokens: int
    output_tokens: int
    with_texts: int


@dataclass(frozen=True, slots=True)
class ReadLog:
    """A log: its format, its calls, and why other rows are none (sentence -> how many)."""

    format: str
    label: str
    calls: tuple[LoggedCall, ...]
    left_out: Mapping[str, int]

    @property
    def models(self) -> dict[str, ModelUse]:
        """Model -> what the log says of it, the most used first."""
        found: dict[str, list[LoggedCall]] = {}
        for one in self.calls:
            found.setdefault(one.model, []).append(one)
        ordered = sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
        return {model: _use(calls) for model, calls in ordered}

    @property
    def span(self) -> tuple[datetime, datetime] | None:
        """The first and the last moment; None where no call has one."""
        moments = [one.at for one in self.calls if one.at is not None]
        return (min(moments), max(moments)) if moments else None


def read_log(source: str | Path | bytes, format_: str | None = None, *, name: str = "") -> ReadLog:
    """Read a log.

    Args:
        source: the file, or its contents.
        format_: a name of ``FORMATS``; by default the one whose shape the rows have.
        name: of the file in sentences, where its contents are given.

    Raises:
        EvaluationError: it cannot be read, is no log that is known, or holds no call.
    """
    if format_ is not None and format_ not in FORMATS:
        raise EvaluationError(f"{format_!r} is no format of a log; choose one of {', '.join(FORMATS)}")
    path = name or ("the file" if isinstance(source, bytes) else str(source))
    rows = _rows(source, path)
    found_format = format_ or _recognised(rows)
    if found_format is None:
        raise EvaluationError(
            f"{path} is no log that is known; it is neither of {', '.join(one.LABEL for one in FORMATS.values())}."
            " Give a row per call with model, prompt and answer"
        )
    found: dict[str, LoggedCall] = {}
    left_out: Counter[str] = Counter()
    for one in FORMATS[found_format].calls(rows):
        if isinstance(one, NotACallError):
            left_out[str(one)] += 1
        elif one.id in found:
            left_out["its id was there before"] += 1
        else:
            found[one.id] = one
    if not found:
        why = "; ".join(f"{said} ({count:,})" for said, count in left_out.most_common(3)) or "it is empty"
        raise EvaluationError(f"{path} holds no call of a model: {why}")
    return ReadLog(found_format, FORMATS[found_format].LABEL, tuple(found.values()), dict(left_out))


def is_log(path: str | Path) -> bool:
    """Whether a file is a log of another tool (and not an export of a router), as far as its beginning tells."""
    try:
        return _recognised(_rows(path, str(path))) is not None
    except EvaluationError:
        return False


def _recognised(rows: Sequence[Row]) -> str | None:
    for name, one in FORMATS.items():
        if any(one.recognises(row) for row in rows[:_LOOKED_AT]):
            return name
    return None


def _rows(source: str | Path | bytes, path: str) -> list[Row]:
    text = _text(source, path)
    try:
        whole = json.loads(text)
    except RecursionError:
        raise EvaluationError(f"{path} is nested too deeply to be read") from None
    except ValueError:
        return _lines(path, text)
    return list(_listed(whole))


def _listed(whole: Any) -> Iterator[Row]:
    """The rows of a document: of a list its objects, of an object that holds lists of them those, else itself."""
    if isinstance(whole, list):
        yield from (one for one in whole if isinstance(one, dict))
        return
    if not isinstance(whole, dict):
        return
    if "resourceSpans" in whole or any(one.recognises(whole) for name, one in FORMATS.items() if name != "plain"):
        yield whole
        return
    inner = [whole[name] for name in _LISTS if isinstance(whole.get(name), list | dict)]
    if not inner:
        yield whole
    for one in inner:
        yield from _listed(one)


def _lines(path: str, text: str) -> list[Row]:
    rows: list[Row] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            raise EvaluationError(
                f"{path} is neither JSON nor JSON lines: line {number:,} is {line.strip()[:60]!r}"
            ) from None
        rows += _listed(row)
    return rows


def _text(source: str | Path | bytes, path: str) -> str:
    try:
        with BytesIO(source) if isinstance(source, bytes) else Path(source).open("rb") as opened:
            packed = opened.read(2) == b"\x1f\x8b"
            opened.seek(0)
            with gzip.open(opened) if packed else opened as plain_or_not:
                content = plain_or_not.read(MOST_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise EvaluationError(f"{path} cannot be read: {error}") from None
    if len(content) > MOST_BYTES:
        raise EvaluationError(f"{path} is larger than {MOST_BYTES / 1e9:g} GB; import it in parts")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise EvaluationError(f"{path} is not UTF-8: {error}") from None


def _use(calls: Sequence[LoggedCall]) -> ModelUse:
    return ModelUse(
        calls=len(calls),
        failed=sum(one.error is not None for one in calls),
        cost_usd=sum((one.cost_usd for one in calls if one.cost_usd is not None), Decimal(0)),
        unknown=sum(one.cost_usd is None for one in calls),
        input_tokens=sum(one.input_tokens or 0 for one in calls),
        output_tokens=sum(one.output_tokens or 0 for one in calls),
        with_texts=sum(one.messages is not None for one in calls),
    )
