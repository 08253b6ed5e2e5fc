"""A text as hashed words, pairs of words and short runs of characters, each with how often it occurs.

The same text gives the same numbers on every machine. Nothing is looped over in Python: the hashes of all runs
are computed side by side. See gain.py for what a gram is worth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.uint32]
Hashes = NDArray[np.uint16]
Array = NDArray[np.float64]

TABLE: Final = 65_536
"""Places of one table: hashes of 16 bits sort four times as fast as longer ones."""

WORD_TABLES: Final = 2
"""Words; pairs of words that follow each other."""

RUN_TABLES: Final = 4
"""Runs of 2, 3, 4 and 5 characters. A table each: sharing one costs .003 of APGR on MMLU."""

BLOCK_SIZES: Final = (WORD_TABLES * TABLE, RUN_TABLES * TABLE)

MOST_CHARACTERS: Final = 8_000
"""Of a longer text two thirds are read from its beginning and one third from its end."""

_STEP: Final = np.uint32(0x9E3779B1)
_SPREAD: Final = np.uint32(0x85EBCA6B)
_WORD_STEP: Final = 0x9E3779B97F4A7C15
_WORD_SPREAD: Final = np.uint64(0xD6E8FEB86659FD93)
_PAIR: Final = np.uint64(0xA0761D6478BD642F)
_PLAIN: Final = 0x3040  # characters from here on all belong to words


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Grams of one kind: ``places`` (n,) rising, each once, in the tables of the block laid end to end;
    ``weights`` (n,), 1 + log of how often each occurs.
    """  # fmt: skip

    places: NDArray[np.intp]
    weights: Array


def codes(text: str) -> Codes:
    """The code points of a text in lower case, (n,), n about MOST_CHARACTERS at most."""
    if len(text) > MOST_CHARACTERS:
        head = MOST_CHARACTERS * 2 // 3
        text = f"{text[:head]}\n{text[len(text) - (MOST_CHARACTERS - head) :]}"
    return np.frombuffer(text.lower().encode("utf-32-le", "surrogatepass"), np.dtype("<u4"))


def blocks(of: Codes) -> tuple[Block, Block]:
    """Words and pairs of words; runs of 2 to 5 characters."""
    return _counted(*_words(of)), _counted(*_runs(of))


def _counted(hashes: Hashes, sizes: Sequence[int]) -> Block:
    """Sort out hashes that stand table by table, so many of each."""
    if not len(hashes):
        return Block(np.empty(0, np.intp), np.empty(0))
    changes = np.empty(len(hashes), np.bool_)
    changes[-1] = True
    stops, stop = [], 0
    for size in sizes:
        hashes[stop : stop + size].sort(kind="stable")  # a radix sort
        stop += size
        stops.append(stop)
    np.not_equal(hashes[1:], hashes[:-1], out=changes[:-1])
    for stop in stops:
        if stop:
            changes[stop - 1] = True
    last = changes.nonzero()[0]
    places = hashes.take(last).astype(np.intp)
    for begin in last.searchsorted(stops[:-1]).tolist():
        places[begin:] += TABLE  # once for each table that lies before
    times = last.astype(np.float64)
    times[1:] -= last[:-1]
    times[0] += 1.0
    np.log(times, out=times)
    times += 1.0
    return Block(places, times)


def _runs(of: Codes) -> tuple[Hashes, list[int]]:
    length = len(of)
    sizes = [max(0, length - run + 1) for run in range(2, 2 + RUN_TABLES)]
    hashes = np.empty(sum(sizes), np.uint32)
    rolling, place = of, 0
    for run, size in enumerate(sizes, start=2):
        if not size:
            break
        rolling = rolling[:-1] * _STEP
        rolling += of[run - 1 :]
        hashes[place : place + size] = rolling
        place += size
    hashes *= _SPREAD
    hashes >>= np.uint32(16)
    return hashes.astype(np.uint16), sizes


def _words(of: Codes) -> tuple[Hashes, list[int]]:
    """Words of two characters and more, and pairs of those that follow each other.

    A word's hash is the sum of character * step^place from its first character, taken out of one running sum.
    """
    inside = np.zeros(len(of) + 2, np.bool_)
    inside[1:-1] = _in_words().take(np.minimum(of, _PLAIN))
    edges = (inside[1:] != inside[:-1]).nonzero()[0]
    starts, stops = edges[::2], edges[1::2]
    long = stops - starts > 1
    starts, stops = starts[long], stops[long]
    count = len(starts)
    if not count:
        return np.empty(0, np.uint16), [0, 0]
    powers, inverse = _powers()
    running = np.zeros(len(of) + 1, np.uint64)
    np.cumsum(of * powers[: len(of)], out=running[1:])
    words = running.take(stops)
    words -= running.take(starts)
    words *= inverse.take(starts)
    hashes = np.empty(2 * count - 1, np.uint64)
    hashes[:count] = words
    pairs = words[:-1] * _PAIR
    pairs += words[1:]
    pairs ^= pairs >> np.uint64(31)
    hashes[count:] = pairs
    hashes *= _WORD_SPREAD
    hashes >>= np.uint64(48)
    return hashes.astype(np.uint16), [count, count - 1]


@lru_cache(maxsize=1)
def _in_words() -> NDArray[np.bool_]:
    """Which characters belong to words: letters and digits; beyond ASCII all but known punctuation and symbols."""
    table = np.ones(_PLAIN + 1, np.bool_)
    table[:128] = [chr(code).isalnum() for code in range(128)]
    for low, high in ((0x80, 0xC0), (0x2000, 0x2C00), (0x3000, 0x3040)):
        table[low:high] = False
    return table


@lru_cache(maxsize=1)
def _powers() -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Powers of the step modulo 2^64 and of its inverse, enough for the longest text."""
    length = 3 * MOST_CHARACTERS  # lower case can be longer than the text
    steps = np.empty((2, length), np.uint64)
    steps[0], steps[1] = _WORD_STEP, pow(_WORD_STEP, -1, 2**64)
    steps[:, 0] = 1
    powers = np.multiply.accumulate(steps, axis=1)
    return powers[0], powers[1]
