"""Keys in what a provider said, whatever form they have there: found and struck out.

Letters and digits alone are compared, whatever case they have, so that spaces, dashes and line breaks between them
hide nothing. A key is looked for as it is, reversed, and encoded, once or twice. Any part of it long enough to be
of use is struck out, as are smaller ones that follow each other and together are the key.
"""

from __future__ import annotations

import base64
import codecs
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

STRUCK: Final = "[key]"

_PART = 8  # letters and digits of a key that are of use to somebody who has them
_PLAIN_PART = 16  # the same where they are all of one kind, as words are
_SEED = 4  # every part of 8 holds one of these at a place that 5 divides
_STRIDE = _PART - _SEED + 1

_ESCAPED = re.compile(
    r"%(?:25)*(?P<percent>[0-9a-f]{2})"
    r"|\\+u0{6}(?P<eight>[0-9a-f]{2})|\\+u00(?P<four>[0-9a-f]{2})|\\+u\{0*(?P<braces>[0-9a-f]{2})\}"
    r"|\\+x(?P<x>[0-9a-f]{2})|\\+0{4}(?P<css>[0-9a-f]{2})|\\+(?P<octal>[01][0-7]{2})"
    r"|&#x0*(?P<entity>[0-9a-f]{2})(?![0-9a-f]);?|&#0*(?P<decimal>\d{2,3})(?!\d);?|\b0x(?P<number>[0-9a-f]{2})\b"
    r"|</?[a-z][^<>]{0,30}>",
    re.IGNORECASE,
)
_OTHER = re.compile(r"[^A-Za-z0-9]+")
_LETTERS = re.compile(r"[A-Za-z0-9]+")
_BASES = {"decimal": 10, "octal": 8}
_KEY_SHAPE = re.compile(r"\b(?:sk|pk|rk|key|gsk|xai|hf)[-_][\w\-*.…]{6,}", re.IGNORECASE)
_WORD = re.compile(r"key_[a-z_]+")  # key_not_found is no key
_TOKEN = re.compile(r"[A-Za-z0-9_+/=~-]{16,}")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class Redactor:
    """Strikes out keys. ``redactor(text)`` is the text with ``[key]`` in the place of every key.

    Args:
        keys: those that may have been sent; one that is too short to be a secret (fewer than 8 letters and digits,
            as "none" or "ollama") is left alone.
    """

    def __init__(self, keys: Iterable[str]) -> None:
        self._keys = frozenset(key for key in keys if len(_folded(key)) >= _PART)
        self._folded = [_folded(key) for key in self._keys]
        self._parts: dict[str, bool] = {}  # part of a form -> whether it alone tells the form
        self._wholes: set[str] = set()
        for key in self._keys:
            for form in _forms(key):
                self._learn(form)
                self._learn(form[::-1])
        self._seeds = {part[at : at + _SEED] for part in self._parts for at in range(_STRIDE)}

    def __call__(self, text: str) -> str:
        """The text without keys."""
        if not self._keys:
            return text
        if _ESCAPED.search(text) or (not text.isascii() and self._runs(_folded(_usual(text)))):
            text = self._struck(text, _decoded(text))
        return self._without_pieces(self._struck(text, None))

    def within(self, value: Any) -> Any:
        """Plain data with every text in it struck; the same object where nothing was found."""
        if isinstance(value, str):
            return self(value)
        if isinstance(value, Mapping):
            struck = {self.within(name): self.within(item) for name, item in value.items()}
            return value if struck == value else struck
        if isinstance(value, list):
            items = [self.within(item) for item in value]
            return value if items == value else items
        return value

    def _learn(self, form: str) -> None:
        kept = _OTHER.sub("", form)
        self._wholes.add(kept.lower())
        for start in range(len(kept) - _PART + 1):
            part = kept[start : start + _PART]
            self._parts[part.lower()] = self._parts.get(part.lower(), False) or _drawn(part)

    def _struck(self, text: str, decoded: list[tuple[str, int, int]] | None) -> str:
        folded = _folded(text if decoded is None else "".join(one for one, _, _ in decoded))
        runs = self._runs(folded)
        if not runs:
            return text
        characters = decoded or [(one, at, at + 1) for at, one in enumerate(text)]
        places = [(start, end) for one, start, end in characters if one.isascii() and one.isalnum()]
        for first, last in reversed(runs):
            text = text[: places[first][0]] + STRUCK + text[places[last - 1][1] :]
        return text

    def _without_pieces(self, text: str) -> str:
        """The text without keys that stand in it in pieces, one after the other, with words between them."""
        low = text.lower()
        for key in self._folded:
            if key[0] not in low or key[-1] not in low:
                continue
            at, pieces = 0, list[re.Match[str]]()
            for piece in _LETTERS.finditer(text):
                if key.startswith(piece[0].lower(), at):
                    at += len(piece[0])
                    pieces.append(piece)
            if at == len(key):
                for piece in reversed(pieces):
                    text = text[: piece.start()] + STRUCK + text[piece.end() :]
        return text

    def _runs(self, folded: str) -> list[tuple[int, int]]:
        """Where keys stand among the letters and digits: (first, one behind the last)."""
        seeds = (at for at in range(0, len(folded), _STRIDE) if folded[at : at + _SEED] in self._seeds)
        near = (start for at in seeds for start in range(max(0, at - _STRIDE + 1), at + 1))
        runs: list[tuple[int, int]] = []
        telling: set[int] = set()
        for start in near:
            tells = self._parts.get(folded[start : start + _PART])
            if tells is None:
                continue
            if runs and start <= runs[-1][1]:
                runs[-1] = (runs[-1][0], start + _PART)
            else:
                runs.append((start, start + _PART))
            if tells:
                telling.add(len(runs) - 1)
        return [
            (first, last)
            for number, (first, last) in enumerate(runs)
            if number in telling or last - first >= _PLAIN_PART or folded[first:last] in self._wholes
        ]


def cut_tokens(text: str) -> str:
    """What a provider says in an error, without anything that may be a key: it may know keys that are not ours."""
    text = _KEY_SHAPE.sub(lambda found: found[0] if _WORD.fullmatch(found[0]) else STRUCK, text)
    text = _UUID.sub("[...]", text)
    return _TOKEN.sub(lambda found: "[...]" if _may_be_key(found[0]) else found[0], text)


def _may_be_key(token: str) -> bool:
    """Whether a stretch of it is long and looks drawn rather than written."""
    for stretch in re.findall(r"[A-Za-z0-9]+", token):
        digits = sum(character.isdigit() for character in stretch)
        if (len(stretch) >= 16 and 0 < digits < len(stretch)) or len(stretch) >= 32:
            return True
        if len(stretch) >= 20 and re.search(r"[a-z][A-Z]+[a-z]+[A-Z]", stretch):
            return True
    return False


def _forms(key: str) -> Iterator[str]:
    for text in (key, key[::-1]):
        data = text.encode("utf-8", "replace")
        yield text
        yield codecs.encode(text, "rot13")
        yield " ".join(str(byte) for byte in data)
        yield from _encoded(data)
        yield from _aligned(data, base64.b32encode, 5, 8, 5)
    yield from _encoded(key.encode("utf-16-le", "replace"))
    for once in _encoded(key.encode("utf-8", "replace")):
        yield from _encoded(once.encode())


def _encoded(data: bytes) -> Iterator[str]:
    """In the two ways that are used most."""
    yield data.hex()
    yield from _aligned(data, base64.b64encode, 3, 4, 6)


def _aligned(
    data: bytes, encode: Callable[[bytes], bytes], whole: int, characters: int, bits: int
) -> Iterator[str]:
    """The part of an encoding that depends on the key alone, wherever in a longer text the key begins."""
    for before in range(whole):
        encoded = encode(b"\0" * before + data + b"\0" * whole).decode()
        yield encoded[-(-before * 8 // bits) : (before + len(data)) * 8 // bits]


def _folded(text: str) -> str:
    return _OTHER.sub("", text).lower()


def _drawn(part: str) -> bool:
    """Whether a part of a key looks drawn rather than written: it mixes digits, small and capital letters."""
    kinds = (part.upper() != part) + (part.lower() != part) + bool(re.search(r"\d", part))
    return kinds >= 2 and part != part.capitalize()


def _decoded(text: str) -> list[tuple[str, int, int]]:
    """The characters of a text with their places, where escaped ones count as what they stand for, and those of
    other widths and shapes as the usual ones; tags count as nothing.
    """  # fmt: skip
    found: list[tuple[str, int, int]] = []
    at = 0
    for match in _ESCAPED.finditer(text):
        found += [(_usual(text[i]), i, i + 1) for i in range(at, match.start())]
        if match.lastgroup is not None:
            base = _BASES.get(match.lastgroup, 16)
            found.append((chr(int(match[match.lastgroup], base)), match.start(), match.end()))
        at = match.end()
    found += [(_usual(text[i]), i, i + 1) for i in range(at, len(text))]
    return [one for one in found if len(one[0]) == 1]


def _usual(text: str) -> str:
    """Letters and digits that are wide, bold, in a circle or the like, as the plain ones."""
    return text if text.isascii() else unicodedata.normalize("NFKC", text)
