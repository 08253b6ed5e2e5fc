"""Hashed words and runs: against a slow count, the same on every machine, any text."""

from __future__ import annotations

import itertools
from collections import Counter
from math import log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router_core.learning.contextual.grams import BLOCK_SIZES, MOST_CHARACTERS, TABLE, Block, blocks, codes

WORDS = [3628, 23283, 125147]
RUNS = [5211, 9158, 14366, 24635]
TEXT = "The cat sat on the mat. THE CAT! Is a 42 in 10,000 mats?\nна коврике 日本"


def weights(block: Block) -> list[float]:
    """Sorted."""
    return sorted(block.weights.tolist())


def expected(counts: list[int]) -> list[float]:
    """1 + log of each count, sorted."""
    return sorted(1.0 + log(count) for count in counts)


def test_runs_against_a_slow_count() -> None:
    """Each run of 2 to 5 characters once, with how often it occurs; no two collide in this text."""
    text = TEXT.lower()
    counts = [
        count
        for run in (2, 3, 4, 5)
        for count in Counter(text[i : i + run] for i in range(len(text) - run + 1)).values()
    ]
    assert weights(blocks(codes(TEXT))[1]) == pytest.approx(expected(counts))


def test_words_against_a_slow_count() -> None:
    """Words of two characters and more, and pairs of those that follow each other."""
    words = ["the", "cat", "sat", "on", "the", "mat", "the", "cat", "is", "42", "in", "10", "000", "mats", "на"]
    words += ["коврике", "日本"]
    pairs = list(itertools.pairwise(words))
    counts = [*Counter(words).values(), *Counter(pairs).values()]
    assert weights(blocks(codes(TEXT))[0]) == pytest.approx(expected(counts))


def test_every_table_has_its_own_places() -> None:
    """Words before pairs; runs of 2, 3, 4, 5 one after the other, and rising."""
    words, runs = blocks(codes("ab cd ab"))
    assert [int((words.places // TABLE == table).sum()) for table in (0, 1)] == [2, 2]
    assert [int((runs.places // TABLE == table).sum()) for table in range(4)] == [6, 6, 5, 4]
    assert all(np.all(np.diff(block.places) > 0) for block in (words, runs))


def test_the_same_on_every_machine() -> None:
    """Places written down once; a score that was exported means the same elsewhere."""
    words, runs = blocks(codes("Prove it."))
    assert words.places.tolist() == WORDS
    assert runs.places.tolist()[:4] == RUNS


def test_case_does_not_matter_and_order_of_words_does() -> None:
    one, other = blocks(codes("Red BLUE")), blocks(codes("red blue"))
    assert all(np.array_equal(a.places, b.places) for a, b in zip(one, other, strict=True))
    turned = blocks(codes("blue red"))[0]
    assert not np.array_equal(one[0].places, turned.places)
    assert len(np.intersect1d(one[0].places, turned.places)) == 2  # the words, not the pair


def test_a_word_is_the_same_wherever_it_stands() -> None:
    """Its hash is taken out of a running sum and must not depend on the place."""
    first = blocks(codes("needle"))[0].places
    for before in range(1, 300, 7):
        found = blocks(codes("x " * before + "needle"))[0]
        assert found.places.tolist() == first.tolist()


def test_of_a_long_text_both_ends_are_read() -> None:
    text = "begin " + "x" * 3 * MOST_CHARACTERS + " end"
    read = codes(text)
    assert len(read) == MOST_CHARACTERS + 1
    words = blocks(read)[0].places
    for word in ("begin", "end"):
        assert np.isin(blocks(codes(word))[0].places, words).all()


@pytest.mark.parametrize("text", ["", "a", "\n", "?", "\ud800", "İ" * MOST_CHARACTERS, "e" * 50])
def test_texts_that_hold_next_to_nothing(text: str) -> None:
    """Empty, a letter, half of a surrogate pair, letters whose lower case is longer."""
    words, runs = blocks(codes(text))
    assert len(words.places) == len(words.weights) <= 2
    assert len(runs.places) == len(runs.weights)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=400))
def test_any_text(text: str) -> None:
    """Places within the tables, rising, each once; the weights count every run."""
    for block, size in zip(blocks(codes(text)), BLOCK_SIZES, strict=True):
        assert np.all(block.places >= 0)
        assert np.all(block.places < size)
        assert np.all(np.diff(block.places) > 0)
        assert np.all(block.weights >= 1.0)
    length = len(codes(text))
    total = np.exp(blocks(codes(text))[1].weights - 1.0).sum()
    assert total == pytest.approx(sum(max(0, length - run + 1) for run in (2, 3, 4, 5)))
