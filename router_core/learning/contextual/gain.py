"""The gain score: how much better than the reference arm each other arm is expected to answer a text.

A ridge regression on hashed words and runs of characters (grams.py) and the text's length. See training.py for
how it is learned, evaluation/by_file/trained.py for whether it is any good on somebody's prompts.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import log1p
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from router_core.errors import SettingsError
from router_core.learning.contextual.grams import BLOCK_SIZES, Block, Codes, blocks, codes
from router_core.validation import short_hash

Array = NDArray[np.float64]
Floats = NDArray[np.float32]

LENGTH_SCALE: Final = 0.3
"""How much one standard deviation of log length counts beside a block of grams, whose length is 1."""

UNIT: Final = 0.1
"""One unit of the feature: a gain of ten points above the mean gain."""

_FARTHEST: Final = 3.0
_FORMAT: Final = 1
_MOST_ARMS: Final = 100
_LARGEST: Final = 1e3  # of any number in it; gains are differences of shares


@dataclass(frozen=True, eq=False)
class GainScore:
    """What was learned, ready to be asked.

    Args:
        reference: the arm that the others are compared with.
        arms: the others, k of them.
        rarity: per block, (places,): log((1 + n) / (1 + texts with the gram)) + 1; 0 for grams that too few texts
            had.
        worth: per block, (k, places): what a gram of weight 1 adds to the gain of each arm.
        length: mean and standard deviation of log(1 + characters).
        length_worth: (k,), what one standard deviation of it adds.
        base: (k,), the gain of a text of mean length without any known gram.
        mean_gain: (k,), the mean over the texts it was learned from.
        texts: how many it was learned from.
    """

    reference: str
    arms: tuple[str, ...]
    rarity: tuple[Floats, Floats]
    worth: tuple[Floats, Floats]
    length: tuple[float, float]
    length_worth: Array
    base: Array
    mean_gain: Array
    texts: int

    def gain(self, of: Codes, characters: int) -> Array:
        """Expected share of good answers of each arm in ``arms`` less that of the reference: (k,).

        Args:
            of: grams.codes of the text.
            characters: of the whole text.
        """
        return self._sum(blocks(of), characters)

    def feature(self, of: Codes, characters: int) -> dict[str, float]:
        """Arm -> its gain as a number of order 1: units of ten points above the mean gain, within +-3."""
        return dict(zip(self.arms, self.units(self.gain(of, characters)).tolist(), strict=True))

    def units(self, gains: Array) -> Array:
        """Gains (..., k) as ``feature`` gives them."""
        return np.clip((gains - self.mean_gain) / UNIT, -_FARTHEST, _FARTHEST)

    def of_text(self, text: str) -> Array:
        """``gain`` of a text."""
        return self.gain(codes(text), len(text))

    def _sum(self, found: tuple[Block, Block], characters: int) -> Array:
        mean, deviation = self.length
        total = self.base + self.length_worth * ((log1p(characters) - mean) / deviation)
        for block, rarity, worth in zip(found, self.rarity, self.worth, strict=True):
            weights = block.weights * rarity.take(block.places)
            size = float(weights @ weights)
            if size > 0.0:
                total += (worth.take(block.places, axis=1) @ weights) / size**0.5
        return total

    @cached_property
    def version(self) -> str:
        """A name for exactly this score."""
        return short_hash("".join(f"{key}={value}" for key, value in sorted(self.document().items())))

    def document(self) -> dict[str, Any]:
        """The same as plain values; tables are packed (little-endian half floats, zlib, base64), without loss."""
        return {
            "format": _FORMAT,
            "reference": self.reference,
            "arms": list(self.arms),
            "rarity": [_packed(table) for table in self.rarity],
            "worth": [_packed(table) for table in self.worth],
            "length": list(self.length),
            "length_worth": self.length_worth.tolist(),
            "base": self.base.tolist(),
            "mean_gain": self.mean_gain.tolist(),
            "texts": self.texts,
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> GainScore:
        """Read what ``document()`` wrote.

        Raises:
            SettingsError: it is not such a document, or one of another version.
        """
        if document.get("format") != _FORMAT:
            raise SettingsError(
                f"the gain score has format {document.get('format')!r}; this version reads {_FORMAT}:"
                " learn it anew"
            )
        try:
            arms = tuple(str(arm) for arm in document["arms"])
            if len(arms) > _MOST_ARMS:
                raise ValueError(f"it has {len(arms):,} models; at most {_MOST_ARMS} are read")
            rarity = tuple(
                _unpacked(text, 1, size)[0] for text, size in zip(document["rarity"], BLOCK_SIZES, strict=True)
            )
            worth = tuple(
                _unpacked(text, len(arms), size) for text, size in zip(document["worth"], BLOCK_SIZES, strict=True)
            )
            mean, deviation = (float(value) for value in document["length"])
            length_worth, base, mean_gain = (
                _column(document[name], len(arms)) for name in ("length_worth", "base", "mean_gain")
            )
            texts = int(document["texts"])
            if not (abs(mean) <= _LARGEST and 1e-9 <= deviation <= _LARGEST and texts >= 0):
                raise ValueError("the lengths of its texts make no sense")
        except (ArithmeticError, KeyError, TypeError, ValueError, zlib.error) as error:
            raise SettingsError(f"the gain score cannot be read ({str(error)[:200]}); export it anew") from None
        return cls(
            str(document["reference"]),
            arms,
            (rarity[0], rarity[1]),
            (worth[0], worth[1]),
            (mean, deviation),
            length_worth,
            base,
            mean_gain,
            texts,
        )


def _column(values: object, arms: int) -> Array:
    column = np.array(values, np.float64)
    if column.shape != (arms,) or not (np.abs(column) <= _LARGEST).all():  # not true of NaN either
        raise ValueError(f"{str(values)[:80]} is not a number for each of {arms} arms")
    return column


def halved(table: NDArray[np.floating]) -> Floats:
    """Rounded to half floats: written down in two bytes a number, and read back unchanged."""
    return table.astype(np.float16).astype(np.float32)


def _packed(table: Floats) -> str:
    return base64.b64encode(zlib.compress(table.astype("<f2").tobytes(), 6)).decode()


def _unpacked(text: str, rows: int, size: int) -> Floats:
    unpack = zlib.decompressobj()
    raw = unpack.decompress(
        base64.b64decode(text, validate=True), 2 * rows * size
    )  # and no more, whatever it says
    if unpack.unconsumed_tail:
        raise ValueError("a table is too long")
    table = np.frombuffer(raw, np.dtype("<f2")).reshape(rows, size).astype(np.float32)
    if not (np.abs(table) <= _LARGEST).all():
        raise ValueError("a table holds a number that is not finite, or larger than any that is learned")
    return table
