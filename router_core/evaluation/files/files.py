"""A file of scored answers as bytes: what sort it is, judged by its first bytes before its name.

The rows in it are read by csv_rows.py, json_rows.py and parquet_rows.py.
"""

from __future__ import annotations

import hashlib
import io
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Literal

from router_core.evaluation.files.limits import MAX_BYTES, SMALL, DataFileError, is_harmless, too_large
from router_core.evaluation.progress import Watch

Format = Literal["csv", "json", "parquet"]

Source = str | Path | bytes | int
"""A path, the bytes of an upload, or the number of an open descriptor of a file."""

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
_PARQUET: Final = b"PAR1"
_PIECE: Final = 1 << 16
_CHUNK: Final = 1 << 22


class _Unpacked:
    """The bytes in a file packed with gzip.

    The standard library reads the name in it, which may be of any length, byte by byte; zlib does not.
    """

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self._held = b""  # read, and not unpacked yet
        self._unpack = zlib.decompressobj(wbits=31)

    def read(self, size: int) -> bytes:
        """The next bytes, perhaps fewer than asked for; none at the end."""
        while True:
            if self._unpack.eof:  # another may follow, after zeros
                rest = self._unpack.unused_data.lstrip(b"\0")
                while not rest and (more := self._raw.read(_PIECE)):
                    rest = more.lstrip(b"\0")
                if not rest:
                    return b""
                self._unpack, self._held = zlib.decompressobj(wbits=31), rest
            self._held = self._held or self._raw.read(_PIECE)
            if not self._held:
                raise EOFError("it ends too early")
            data = self._unpack.decompress(self._held, size)
            self._held = self._unpack.unconsumed_tail
            if data:
                return data


class Stream(io.RawIOBase):
    """The unpacked bytes, one after the other."""

    def __init__(self, raw: BinaryIO, size: int, packed: bool, name: str) -> None:
        super().__init__()
        self._raw, self._size, self._name = raw, size, name
        self._inner: BinaryIO | _Unpacked = _Unpacked(raw) if packed else raw
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
        return data

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill the buffer as far as possible; how far."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


@dataclass(frozen=True, slots=True, eq=False)
class Located:
    """Where a file's bytes are, before anything is unpacked: its name for people, size in bytes, first bytes."""

    name: str
    origin: Path | bytes | int
    size: int
    first: bytes

    @property
    def harmless(self) -> bool:
        """Whether it is text, and too little of it to do harm, unpacked."""
        if not is_harmless(self.size) or self.first.startswith(_PARQUET):
            return False
        if not self.first.startswith(_GZIP):
            return True
        try:
            head = DataFile(self, "csv", True).head(SMALL + 1)
        except DataFileError:  # as it will be said when it is read
            return True
        return is_harmless(len(head)) and not head.startswith(_PARQUET)

    @contextmanager
    def raw(self) -> Iterator[BinaryIO]:
        """The bytes as they are given, from the beginning."""
        with _raw(self.origin, self.name) as raw:
            yield raw

    def sha256(self, watch: Watch) -> str:
        """The fingerprint of the bytes as they are given, in hex.

        Raises:
            CancelledError: the watch said so.
        """
        found = hashlib.sha256()
        with self.raw() as raw:
            while piece := raw.read(_CHUNK):
                watch(1.0, "taking the fingerprint")
                found.update(piece)
        return found.hexdigest()


@dataclass(frozen=True, slots=True, eq=False)
class DataFile:
    """A file that can be opened again and again: where it is, the ``format`` of its rows, ``packed`` with gzip."""

    located: Located
    format: Format
    packed: bool

    @property
    def name(self) -> str:
        """For people."""
        return self.located.name

    @contextmanager
    def open(self) -> Iterator[Stream]:
        """The unpacked bytes from the beginning."""
        with self.located.raw() as raw:
            yield Stream(raw, self.located.size, self.packed, self.name)

    def head(self, size: int) -> bytes:
        """The first bytes, unpacked; fewer where the file is shorter."""
        with self.open() as stream:
            return io.BufferedReader(stream, 1 << 16).read(size)


def located(source: Source, name: str | None = None) -> Located:
    """Look at a file from outside.

    Args:
        source: where it is.
        name: the file's name, for people and for its ending; obligatory but with a path.

    Raises:
        DataFileError: no such file, nothing in it, or more than MAX_BYTES.
    """
    origin = source if isinstance(source, bytes | int) else _path(source)
    called = name or (origin.name if isinstance(origin, Path) else "the file")
    with _raw(origin, called) as raw:
        first = raw.read(16)
        size = raw.seek(0, io.SEEK_END)
    if size > MAX_BYTES:
        raise too_large(called)
    if not first:
        raise DataFileError(f"{called} is empty; give one with a row per prompt and model")
    return Located(called, origin, size, first)


def data_file(place: Located) -> DataFile:
    """What sort of file it is.

    Raises:
        DataFileError: of a sort that is not read, or its packing is broken.
    """
    packed = place.first.startswith(_GZIP)
    first = DataFile(place, "csv", True).head(16) if packed else place.first
    return DataFile(place, _format(place.name, first), packed)


def _path(source: str | Path) -> Path:
    try:
        path = Path(source).expanduser()
        known, is_file = path.exists(), path.is_file()
        if "\0" in str(path):  # which is_file takes for a name that is not there
            raise ValueError("it holds a NUL character")
    except (OSError, RuntimeError, ValueError) as error:  # too long, no such user, a NUL character
        raise DataFileError(f"{str(source)[:200]!r} is not a path ({error}); correct it") from None
    if known and not is_file:  # a folder, or a device that never ends
        raise DataFileError(f"{path} is not a file; give the path of one")
    return path


def _format(name: str, first: bytes) -> Format:
    if first.startswith(_PARQUET):
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
def _raw(origin: Path | bytes | int, name: str) -> Iterator[BinaryIO]:
    try:
        if isinstance(origin, bytes):
            raw: BinaryIO = io.BytesIO(origin)
        elif isinstance(origin, int):
            raw = io.BufferedReader(_Descriptor(origin))
        else:
            raw = origin.open("rb")
    except OSError as error:
        raise DataFileError(
            f"{name} cannot be opened ({error.strerror}); correct the path, or allow reading"
        ) from None
    with raw:
        yield raw


class _Descriptor(io.RawIOBase):
    """An open file with a position of its own; closing it leaves the file open."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self._number, self._at = number, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: os.fstat(self._number).st_size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        data = os.pread(self._number, len(buffer), self._at)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
