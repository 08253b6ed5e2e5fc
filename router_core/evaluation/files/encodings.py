"""Which encoding a text has, and where it is broken.

Does not cover guessing between old encodings of one byte per character: any bytes are valid in most of them.
"""

from __future__ import annotations

import codecs
import io
from typing import Final, Literal

from router_core.evaluation.files.files import DataFile
from router_core.evaluation.files.limits import DataFileError

Encoding = Literal["utf-8", "cp1252", "latin-1"]

ENCODINGS: Final[tuple[Encoding, ...]] = ("utf-8", "cp1252", "latin-1")
"""What a text may be read as: the standard, Windows in western Europe, and the older ISO 8859-1."""

_CHUNK: Final = 1 << 20
_HEAD: Final = 200  # bytes
_MOSTLY: Final = 0.7
_CTRL_Z: Final = "\x1a"  # what old systems end a text with
_AFTER: Final = b"\x1a\r\n\0"
_TAIL: Final = 64  # bytes
_SHOWN: Final = 30  # bytes on either side of the broken one


class WrongEncodingError(DataFileError):
    """The text is not in the encoding it was read as; ``byte`` and ``line`` say where, from 0 and from 1."""

    def __init__(self, message: str, byte: int, line: int) -> None:
        super().__init__(message)
        self.byte, self.line = byte, line


def codec(file: DataFile, encoding: Encoding) -> str:
    """The codec to read with: UTF-16 where it is that, else as asked (a mark is left out).

    UTF-16 is told by its mark, or by a zero in every other byte of the beginning: most names of columns are ASCII.
    """
    first = file.head(_HEAD)
    if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    for name, zeros, others in (("utf-16-le", first[1::2], first[::2]), ("utf-16-be", first[::2], first[1::2])):
        if len(first) >= 4 and zeros.count(0) > _MOSTLY * len(zeros) and others.count(0) == 0:
            return name
    return "utf-8-sig" if encoding == "utf-8" else encoding


class WithoutEnd(io.RawIOBase):
    """A stream without the Ctrl-Z that may stand at its end, alone or repeated; within the text it stays.

    ``tail``: the last few bytes that were read.
    """

    def __init__(self, stream: io.RawIOBase, codec: str) -> None:
        super().__init__()
        wide = codec.startswith("utf-16")
        self._stream, self._unit = stream, 2 if wide else 1
        self._marks = [_CTRL_Z.encode(name) for name in (("utf-16-le", "utf-16-be") if wide else ("ascii",))]
        self._ready, self._held = b"", b""  # bytes to give out, and those that may be the end
        self.tail = b""
        self._count = 0  # of the former, from the beginning

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill the buffer as far as possible; how far."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def read(self, size: int = -1) -> bytes:
        """The next bytes, perhaps fewer than asked for; none at the end."""
        while not self._ready:
            more = self._stream.read(size)
            if not more:
                return b""
            data = self._held + more
            end = self._end(data)
            self._held, self._ready = data[end:], data[:end]
            self._count += end
        size = size if size >= 0 else len(self._ready)
        data, self._ready = self._ready[:size], self._ready[size:]
        self.tail = (self.tail + data[-_TAIL:])[-_TAIL:]
        return data

    def _end(self, data: bytes) -> int:
        """Where what may be the end begins."""
        start = max(0, len(data.rstrip(_AFTER)) - 1)
        for at in range(start + (start + self._count) % self._unit, len(data), self._unit):
            if data[at : at + self._unit] in self._marks:
                return at
        return len(data)


class Utf8(io.RawIOBase):
    """A stream that raises WrongEncodingError where it stops being UTF-8."""

    def __init__(self, stream: io.RawIOBase, file: DataFile) -> None:
        super().__init__()
        self._stream, self._file = stream, file
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def readable(self) -> bool:
        """Yes."""
        return True

    def read(self, size: int = -1) -> bytes:
        """The next bytes, perhaps fewer than asked for; none at the end."""
        data = self._stream.read(size) or b""
        try:
            self._decoder.decode(data, final=not data)
        except UnicodeDecodeError:
            raise broken(self._file, "utf-8") from None
        return data


def broken(file: DataFile, encoding: str) -> WrongEncodingError:
    """The error that says where a text stops being in this encoding; to be called where it is known to."""
    name = encoding.removesuffix("-sig")
    decoder = codecs.getincrementaldecoder(name)()
    byte, line, around = 0, 1, b""
    with file.open() as stream:
        data = b"more"
        while data:
            pending = decoder.getstate()[0]  # the beginning of a character that the last piece ended in
            data = stream.read(_CHUNK)
            piece = pending + data
            byte -= len(pending)
            try:
                decoder.decode(data, final=not data)
            except UnicodeDecodeError as error:
                byte, line = byte + error.start, line + piece.count(b"\n", 0, error.start)
                around = piece[max(0, error.start - _SHOWN) : error.start + _SHOWN]
                break
            byte, line = byte + len(piece), line + piece.count(b"\n")
    others = " or ".join(one for one in ENCODINGS if one != name)
    return WrongEncodingError(
        f"{file.name} is not {name.upper()}: byte {byte:,} in line {line:,} does not fit (near"
        f" {around.decode('cp1252', 'replace')!r}); save it as UTF-8, or read it as {others}",
        byte,
        line,
    )
