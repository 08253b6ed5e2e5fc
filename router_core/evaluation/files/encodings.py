"""Which encoding a text has, and where it is broken.

Leaves out guessing between old encodings of one byte per character: any bytes are valid in most of them.
"""

from __future__ import annotations

import codecs
import io
from typing import Final, Literal

from router_core.evaluation.files.files import DataFile, Stream
from router_core.evaluation.files.limits import DataFileError

Encoding = Literal["utf-8", "cp1252", "latin-1"]

ENCODINGS: Final[tuple[Encoding, ...]] = ("utf-8", "cp1252", "latin-1")
"""What a text may be read as: the standard, Windows in western Europe, and the older ISO 8859-1."""

_CHUNK: Final = 1 << 20
_SHOWN: Final = 30  # bytes on either side of the broken one


class WrongEncodingError(DataFileError):
    """The text is not in the encoding it was read as; ``byte`` and ``line`` say where, from 0 and from 1."""

    def __init__(self, message: str, byte: int, line: int) -> None:
        super().__init__(message)
        self.byte, self.line = byte, line


def codec(file: DataFile, encoding: Encoding) -> str:
    """The codec to read with: UTF-16 where the file's first bytes say so, else as asked (a mark is left out)."""
    first = file.head(4)
    if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return "utf-8-sig" if encoding == "utf-8" else encoding


class Utf8(io.RawIOBase):
    """A stream that raises WrongEncodingError where it stops being UTF-8."""

    def __init__(self, stream: Stream, file: DataFile) -> None:
        super().__init__()
        self._stream, self._file = stream, file
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def readable(self) -> bool:
        """Yes."""
        return True

    def read(self, size: int = -1) -> bytes:
        """The next bytes, perhaps fewer than asked for; none at the end."""
        data = self._stream.read(size)
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
