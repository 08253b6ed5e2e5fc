"""Two texts word by word."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router_core.views.word_changes import MOST_WORDS, Piece, word_changes

TEXT = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=12).map(" ".join)


@pytest.mark.parametrize(
    ("first", "second", "pieces"),
    [
        ("", "", []),
        ("same\n words", "same words ", [Piece("both", "same words")]),
        ("only here", "", [Piece("first", "only here")]),
        ("", "only there", [Piece("second", "only there")]),
        (
            "the cat sat down",
            "the dog sat",
            [
                Piece("both", "the"),
                Piece("first", "cat"),
                Piece("second", "dog"),
                Piece("both", "sat"),
                Piece("first", "down"),
            ],
        ),
    ],
)
def test_by_hand(first: str, second: str, pieces: list[Piece]) -> None:
    """Words in a row are one piece; white space is no difference."""
    assert word_changes(first, second) == pieces


@given(TEXT, TEXT)
def test_both_texts_are_in_it(first: str, second: str) -> None:
    """Without the pieces of the other text, each is there word for word."""
    pieces = word_changes(first, second)
    assert " ".join(text for where, text in pieces if where != "second") == first
    assert " ".join(text for where, text in pieces if where != "first") == second


def test_of_long_texts_the_beginnings() -> None:
    """What stands after so many words is left out."""
    assert word_changes("a " * (MOST_WORDS + 5), "a " * MOST_WORDS) == [Piece("both", ("a " * MOST_WORDS).strip())]
