"""A file of labelled answers as bytes: what sort it is, told from its first bytes before its name.

Leaves out the rows in it (csv_rows.py, json_rows.py, parquet_rows.py).
"""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Literal

from router_core.errors import EvaluationError

Format = Literal["csv", "json", "parquet"]

MAX_BYTES: Final = 2_000_000_000
"""Most bytes that are read, unpacked: a small file can be packed so that it fills any memory."""

_ENDINGS: Final[dict[str, Format]] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "json",
    ".ndjson": "json",
    ".json": "json",
    ".parquet": "parquet",
    ".pq": "parquet",
}
_ALLOWED: Final = ".csv, .tsv, .jsonl, .json or .parquet, each also with .gz"
_GZIP: Final = b"\x1f\x8b"
_FOREIGN: Final = {
    b"PK\x03\x04": "an Excel workbook or a zip archive; save the sheet as CSV, or unpack it",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook; save the sheet as CSV",
    b"BZh": "packed with bzip2; unpack it, or pack it with gzip",
    b"\xfd7zXZ": "packed with xz; unpack it, or pack it with gzip",
    b"\x28\xb5\x2f\xfd": "packed with zstandard; unpack it, or pack it with gzip",
    b"SQLite format 3": "a SQLite database; export the table as CSV",
    b"%PDF": "a PDF; give the table itself",
}
_TAIL: Final = 64


class DataFileError(EvaluationError):
    """A file of labelled answers cannot be read; the sentence says why and what to do."""


class Stream(io.RawIOBase):
    """The unpacked bytes, one after the other. ``tail``: the last few that were read."""

    def __init__(self, raw: BinaryIO, size: int, packed: bool, name: str) -> None:
        super().__init__()
        self.tail = b""
        self._raw, self._size, self._name = raw, size, name
        self._inner: BinaryIO = gzip.GzipFile(fileobj=raw) if packed else raw  # type: ignore[assignment]
        self._count = 0

    @property
    def fraction(self) -> float:
        """The part of the file that has been read, in [0, 1]."""
        return min(1.0, self._raw.tell() / self._size) if self._size else 1.0

    def readable(self) -> bool:
        """Yes."""
        return True

    def read(self, size: int = -1) -> bytes:
        """The next bytes, perhaps fewer than asked for; none at the end.

        Raises:
            DataFileError: the packing is broken, or there are more than MAX_BYTES.
        """
        if size < 0:
            size = MAX_BYTES + 1
        try:
            data = self._inner.read(size)
        except (OSError, EOFError, zlib.error) as error:
            raise DataFileError(
                f"{self._name} cannot be unpacked or read to its end ({error}); the file is cut short or damaged:"
                " copy it again, or unpack it yourself"
            ) from None
        self._count += len(data)
        if self._count > MAX_BYTES:
            raise too_large(self._name)
        self.tail = (self.tail + data[-_TAIL:])[-_TAIL:]
        return data

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill the buffer as far as possible; how far."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


@dataclass(frozen=True, slots=True, eq=False)
class DataFile:
    """A file that can be opened again and again.

    ``name``: for people; ``format``: of its rows; ``packed``: with gzip; ``size``: bytes as given; ``sha256``: of
    them, in hex; ``origin``: where it lies, or its bytes.
    """

    name: str
    format: Format
    packed: bool
    size: int
    sha256: str
    origin: Path | bytes

    @contextmanager
    def open(self) -> Iterator[Stream]:
        """The bytes from the beginning."""
        with _raw(self.origin, self.name) as raw:
            yield Stream(raw, self.size, self.packed, self.name)

    def head(self, size: int) -> bytes:
        """The first bytes, unpacked; fewer where the file is shorter."""
        with self.open() as stream:
            return io.BufferedReader(stream, 1 << 16).read(size)


def data_file(source: str | Path | bytes, name: str | None = None) -> DataFile:
    """Look at a file: its sort and its fingerprint.

    Args:
        source: a path, or the bytes of an upload.
        name: the file's name, for people and for its ending; obligatory with bytes.

    Raises:
        DataFileError: no such file, nothing in it, or of a sort that is not read.
    """
    origin = source if isinstance(source, bytes) else Path(source).expanduser()
    called = name or (origin.name if isinstance(origin, Path) else "")
    if isinstance(origin, Path) and origin.exists():
        if not origin.is_file():  # a folder, or a device that never ends
            raise DataFileError(f"{origin} is no file; give the path of one")
        if origin.stat().st_size > MAX_BYTES:
            raise too_large(called)
    with _raw(origin, called) as raw:
        first = raw.read(16)
        raw.seek(0)
        sha256 = hashlib.file_digest(raw, "sha256").hexdigest()  # type: ignore[arg-type]
        size = raw.seek(0, io.SEEK_END)
    if not first:
        raise DataFileError(f"{called or 'the file'} is empty; give one with a row per prompt and model")
    packed = first.startswith(_GZIP)
    if packed:
        first = DataFile(called, "csv", True, size, sha256, origin).head(16)
    return DataFile(called, _format(called, first), packed, size, sha256, origin)


def too_large(name: str) -> DataFileError:
    """What is said of a file beyond MAX_BYTES."""
    return DataFileError(
        f"{name} holds more than {MAX_BYTES / 1e9:.0f} GB; that is the most that is read: take a sample of prompts"
    )


def _format(name: str, first: bytes) -> Format:
    if first.startswith(b"PAR1"):
        return "parquet"
    for magic, what in _FOREIGN.items():
        if first.startswith(magic):
            raise DataFileError(f"{name} is {what}. What is read: {_ALLOWED}")
    bare = name.lower()
    for packing in (".gz", ".gzip"):
        bare = bare.removesuffix(packing)
    found = _ENDINGS.get(Path(bare).suffix)
    if found is None:
        raise DataFileError(f"{name!r} has no ending that says what it is; rename it to end in {_ALLOWED}")
    if found == "parquet":
        raise DataFileError(f"{name} ends as a Parquet file does but is none; export it again")
    return found


@contextmanager
def _raw(origin: Path | bytes, name: str) -> Iterator[BinaryIO]:
    try:
        raw: BinaryIO = io.BytesIO(origin) if isinstance(origin, bytes) else origin.open("rb")
    except OSError as error:
        raise DataFileError(
            f"{name} cannot be opened ({error.strerror}); correct the path, or allow reading"
        ) from None
    with raw:
        yield raw
