"""Prompts without scores: a file of them becomes one plain file with a line per prompt.

CSV, JSON, JSON lines and Parquet are read as files of scored answers are (evaluation/files/), within the same
limits; a file whose name ends in .txt has a prompt per line.
"""

from __future__ import annotations

import hashlib
import io
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import IO, Any, Final

from router_core.errors import ArgumentError
from router_core.evaluation.files.apart import read_apart
from router_core.evaluation.files.encodings import Encoding
from router_core.evaluation.files.files import Located, located
from router_core.evaluation.files.limits import (
    LONGEST_ROW,
    MAX_BYTES,
    MOST_ROWS,
    DataFileError,
    too_large,
    too_many,
)
from router_core.evaluation.files.rows import read_rows
from router_core.evaluation.progress import Progress, Watch
from router_core.store.private import open_private
from router_core.validation import shown

_NAMES: Final = {
    "messages": ("messages", "conversation", "chat"),
    "prompt": ("prompt", "prompt_text", "question", "query", "instruction", "input", "text", "problem", "user"),
    "task": ("task", "task_type", "category", "subject", "dataset", "domain", "topic", "type"),
    "reference": (
        "reference", "reference_answer", "expected", "expected_answer", "expected_output", "ideal", "gold",
        "target", "solution", "correct_answer", "answer", "label", "output",
    ),
    "system": ("system", "system_prompt", "system_message"),
}  # fmt: skip
_HEAD: Final = 20  # rows that are shown before anything is asked
_CELL: Final = 300


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column of a file holds what; None: none does. Needed: ``prompt``, or ``messages`` (a list as JSON)."""

    prompt: str | None = None
    messages: str | None = None
    task: str | None = None
    reference: str | None = None
    system: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """One prompt of a batch: its row in the file (from 1), its conversation, and what the file says beside it."""

    row: int
    messages: tuple[dict[str, Any], ...]
    task: str | None = None
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Contents:
    """What was taken from a file.

    ``prompts``: how many; ``in_file``: rows in all; ``empty``: rows without a prompt; ``repeated``: rows whose
    conversation and reference stand in an earlier one; ``referenced``: prompts with a reference answer;
    ``columns``: what was taken to mean what; ``head``: the first rows, for people; ``names``: all columns.
    """

    prompts: int
    in_file: int
    empty: int
    repeated: int
    referenced: int
    columns: Columns
    head: tuple[dict[str, str | None], ...]
    names: tuple[str, ...]

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about what the columns were taken to mean, and what was left out."""
        meant = [f"{part} in {name!r}" for part, name in asdict(self.columns).items() if name is not None]
        said = [f"read as: {', '.join(meant)}"]
        if self.empty:
            said.append(f"{self.empty:,} of {self.in_file:,} rows have no prompt: left out")
        if self.repeated:
            said.append(f"{self.repeated:,} rows repeat an earlier prompt: asked once")
        return tuple(said)


def columns_said(said: Sequence[str]) -> dict[str, str]:
    """Parts and columns from what was written as ``part=column``.

    Raises:
        ArgumentError: not of that form, or there is no such part.
    """
    found = {}
    for one in said:
        part, equals, column = one.partition("=")
        if not equals or part.strip() not in _NAMES or not column.strip():
            raise ArgumentError(f"{shown(one)} is not PART=COLUMN; the parts are {', '.join(_NAMES)}")
        found[part.strip()] = column.strip()
    return found


def read_prompts(
    source: str | Path | bytes,
    into: Path,
    *,
    name: str | None = None,
    said: dict[str, str] | None = None,
    encoding: Encoding = "utf-8",
    sample: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Contents:
    """Write the prompts of a file to ``into``, a JSON line each, readable by its owner alone.

    The file is read piece by piece: memory does not grow with it, but for eight bytes a prompt.

    Args:
        source, name, encoding: the file, as for a file of scored answers.
        into: the file to write, which must not be there.
        said: part -> column, in place of what the names of the columns say.
        sample: so many prompts at random; None: all.
        seed: of the sample: the same file and seed give the same prompts.
        progress: told the part of the file that was read.

    Raises:
        DataFileError: the file cannot be read, or holds no prompt.
        WrongEncodingError: its text is not in that encoding.
        ArgumentError: ``said`` names a column that the file does not have.
    """
    if sample is not None and not (type(sample) is int and sample > 0):
        raise ArgumentError(f"sample is {shown(sample)}; give a whole number above 0, or None for all prompts")
    file = located(source, name)
    with open_private(into) as raw, io.TextIOWrapper(raw, "utf-8", newline="\n") as out:
        taker = _Taker(file, said or {}, out)
        watch = Watch.of(progress, None)
        if file.name.lower().endswith(".txt"):
            taker.lines(file, encoding)
        elif file.harmless:
            read_rows(file, encoding, watch, taker.take)
        else:
            read_apart(file, encoding, watch, taker.take)
    contents = taker.contents()
    if sample is not None and sample < contents.prompts:
        kept = set(random.Random(seed).sample(range(contents.prompts), sample))
        _keep(into, kept)
        contents = taker.contents(sample, sum(1 for one in asked_in(into) if one.reference is not None))
    return contents


def asked_in(place: Path) -> Iterator[Asked]:
    """The prompts that ``read_prompts`` wrote.

    Raises:
        DataFileError: the file is gone or broken.
    """
    try:
        with place.open(encoding="utf-8") as lines:
            for line in lines:
                found = json.loads(line)
                yield Asked(found["row"], tuple(found["messages"]), found.get("task"), found.get("reference"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataFileError(
            f"the prompts of this batch cannot be read ({type(error).__name__}: {str(error)[:100]}); begin a new"
            " batch"
        ) from None


class _Taker:
    """Takes rows as they come, and writes the prompts among them."""

    def __init__(self, file: Located, said: dict[str, str], out: IO[str]) -> None:
        self._file, self._said, self._out = file, said, out
        self._columns: Columns | None = None
        self._names: tuple[str, ...] = ()
        self._head: list[dict[str, str | None]] = []
        self._seen: set[int] = set()
        self._rows = self._empty = self._repeated = self._referenced = 0

    def take(self, batch: Any) -> None:
        """Rows of a table of text."""
        names = tuple(batch.schema.names)
        if self._columns is None or len(names) > len(self._names):
            self._names, self._columns = names, _columns(self._file.name, names, self._said)
        columns = self._columns
        wanted = [getattr(columns, one.name) for one in fields(columns)]
        cells = {name: batch.column(names.index(name)).to_pylist() for name in wanted if name in names}
        if len(self._head) < _HEAD:
            shown_rows = batch.slice(0, _HEAD - len(self._head)).to_pylist()
            self._head += [{name: text and str(text)[:_CELL] for name, text in row.items()} for row in shown_rows]
        for place in range(batch.num_rows):
            row = {part: cells[column][place] for part, column in asdict(columns).items() if column in cells}
            self._row(row)

    def lines(self, file: Located, encoding: Encoding) -> None:
        """A prompt per line."""
        self._names, self._columns = ("prompt",), Columns(prompt="prompt")
        read = 0
        try:
            with (
                file.raw() as raw,
                io.TextIOWrapper(raw, encoding=f"{encoding}-sig" if encoding == "utf-8" else encoding) as text,
            ):
                for line in iter(lambda: text.readline(LONGEST_ROW), ""):
                    read += len(line)
                    if read > MAX_BYTES:
                        raise too_large(file.name)
                    if len(self._head) < _HEAD:
                        self._head.append({"prompt": line.strip()[:_CELL]})
                    self._row({"prompt": line.strip()})
        except UnicodeDecodeError:
            raise DataFileError(
                f"{file.name} is not {encoding} text; save it as UTF-8, or name its encoding"
            ) from None
        except OSError as error:
            raise DataFileError(f"{file.name} cannot be read ({error.strerror})") from None

    def contents(self, prompts: int | None = None, referenced: int | None = None) -> Contents:
        """What was found; of a sample, so many."""
        found = self._rows - self._empty - self._repeated
        if self._columns is None or not found:
            raise DataFileError(f"{self._file.name} holds no prompt; give a file with a prompt in each row")
        return Contents(
            found if prompts is None else prompts,
            self._rows,
            self._empty,
            self._repeated,
            self._referenced if referenced is None else referenced,
            self._columns,
            tuple(self._head),
            self._names,
        )

    def _row(self, cells: dict[str, str | None]) -> None:
        self._rows += 1
        if self._rows > MOST_ROWS:
            raise too_many(self._file.name, "rows", MOST_ROWS)
        messages = self._messages(cells)
        if not messages:
            self._empty += 1
            return
        reference = (cells.get("reference") or "").strip() or None
        line = {"messages": messages, "reference": reference}
        digest = hashlib.blake2b(
            json.dumps(line, sort_keys=True).encode("utf-8", "replace"), digest_size=8
        ).digest()
        if (mark := int.from_bytes(digest)) in self._seen:
            self._repeated += 1
            return
        self._seen.add(mark)
        self._referenced += reference is not None
        task = (cells.get("task") or "").strip() or None
        self._out.write(json.dumps({"row": self._rows, "task": task, **line}) + "\n")

    def _messages(self, cells: dict[str, str | None]) -> list[dict[str, Any]]:
        """The conversation of a row; empty where there is none."""
        system = (cells.get("system") or "").strip()
        head = [{"role": "system", "content": system}] if system else []
        if given := (cells.get("messages") or "").strip():
            try:
                said = json.loads(given)
            except (ValueError, RecursionError):
                said = None
            if not (
                isinstance(said, list) and said and all(isinstance(one, dict) and "role" in one for one in said)
            ):
                raise DataFileError(
                    f"row {self._rows:,} of {self._file.name}: its messages are no list of objects with a role and"
                    " a content; correct it, or name the column with the prompts"
                )
            return [*head, *said]
        prompt = (cells.get("prompt") or "").strip()
        return [*head, {"role": "user", "content": prompt}] if prompt else []


def _columns(file: str, names: Sequence[str], said: dict[str, str]) -> Columns:
    """What the columns mean, as was said, else by their names."""
    for part, column in said.items():
        if column not in names:
            raise ArgumentError(
                f"{part}={column}: {file} has no such column; its columns: {', '.join(names[:20])}"
            )
    plain = {name.strip().lower().replace(" ", "_").replace("-", "_"): name for name in reversed(names)}
    found: dict[str, str | None] = {}
    for part, usual in _NAMES.items():
        taken = {*said.values(), *(one for one in found.values() if one is not None)}
        by_name = next((plain[one] for one in usual if one in plain and plain[one] not in taken), None)
        found[part] = said.get(part, by_name)
    if "prompt" in said and "messages" not in said:
        found["messages"] = None
    if found["prompt"] is None and found["messages"] is None:
        if len(names) != 1:
            raise DataFileError(
                f"{file} has no column that is named like a prompt; say which one, as in prompt={names[0]}."
                f" Its columns: {', '.join(names[:20])}"
            )
        found["prompt"] = names[0]
    return Columns(**found)


def _keep(place: Path, kept: set[int]) -> None:
    """Leave only these lines of a file."""
    shorter = place.with_suffix(".sample")
    with place.open("rb") as lines, open_private(shorter) as out:
        for number, line in enumerate(lines):
            if number in kept:
                out.write(line)
    shorter.replace(place)
