"""Two texts word by word: what both say, and what only one of them says."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import Final, Literal, NamedTuple

MOST_WORDS: Final = 3_000
"""Of each text; comparing takes time in proportion to their product at the worst."""


class Piece(NamedTuple):
    """Words in a row, with a space between two: in both texts, or only in the first or the second."""

    where: Literal["both", "first", "second"]
    text: str


def word_changes(first: str, second: str) -> list[Piece]:
    """The two texts as one, in order: where they differ, the words of the first stand before those of the second.

    White space does not count. Of texts longer than ``MOST_WORDS`` the beginnings are compared.
    """
    one, other = (text.split(maxsplit=MOST_WORDS)[:MOST_WORDS] for text in (first, second))
    pieces: list[Piece] = []
    for kind, begin, end, other_begin, other_end in SequenceMatcher(
        None, one, other, autojunk=False
    ).get_opcodes():
        if kind == "equal":
            pieces.append(Piece("both", " ".join(one[begin:end])))
            continue
        if end > begin:
            pieces.append(Piece("first", " ".join(one[begin:end])))
        if other_end > other_begin:
            pieces.append(Piece("second", " ".join(other[other_begin:other_end])))
    return pieces
