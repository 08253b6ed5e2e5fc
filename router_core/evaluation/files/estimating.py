"""Tokens and dollars that a file does not give: tokens from the texts as before a call, dollars by the price book.

See rates.py for which price a model has.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from router_core.evaluation.files.rates import Rate, Rates
from router_core.evaluation.labelled import Array
from router_core.features import CHARACTERS_PER_TOKEN
from router_core.words import listing, many

_WIDE = r"[\x{2E81}-\x{10FFFF}]"

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Figures:
    """Prompt x model: tokens and dollars, NaN where unknown."""

    input_tokens: Array
    output_tokens: Array
    cost_usd: Array


@dataclass(frozen=True, slots=True, eq=False)
class Estimates:
    """Figures without gaps, but for the cost of models without a price; where cost and tokens are estimated; and
    sentences that say from what.
    """

    figures: Figures
    cost_estimated: Bools
    tokens_estimated: Bools
    notes: tuple[str, ...]


def estimated_tokens(texts: Any) -> Array:
    """``features.estimate_tokens`` of every text of an Arrow array; NaN where it is null."""
    characters = pc.utf8_length(texts)
    ascii_only = pc.equal(characters, pc.binary_length(texts))
    wide = pc.count_substring_regex(pc.if_else(ascii_only, "", texts), _WIDE)
    wide, characters = (one.cast("float64").to_numpy(zero_copy_only=False) for one in (wide, characters))
    tokens: Array = wide + np.ceil((characters - wide) / CHARACTERS_PER_TOKEN)
    return tokens


def estimates(
    given: Figures, models: tuple[str, ...], prompts: Array, answers: Array | None, rates: Rates
) -> Estimates:
    """Fill the gaps.

    Input tokens are those of the prompt's text. Output tokens are those of the answer's text; where there is none,
    the mean of that model's other answers; where none is known either, ``rates.expected_output_tokens``. A cost is
    tokens times price.

    Args:
        given: what the file says.
        models: names in the file, one per column.
        prompts: (n,) tokens of the prompts' texts, estimated.
        answers: (n, k) tokens of the answers' texts, estimated; NaN where there is no text; None: nowhere is any.
        rates: prices.
    """
    no_input, no_output, no_cost = (
        np.isnan(one) for one in (given.input_tokens, given.output_tokens, given.cost_usd)
    )
    input_tokens = np.where(no_input, prompts[:, None], given.input_tokens)
    seen = given.output_tokens if answers is None else np.where(no_output, answers, given.output_tokens)
    from_text = no_output & ~np.isnan(seen)
    guessed = np.isnan(seen)
    counts = (~guessed).sum(axis=0)
    mean = np.where(guessed, 0.0, seen).sum(axis=0) / np.maximum(counts, 1)
    usual = np.where(counts > 0, mean, float(rates.expected_output_tokens))
    output_tokens = np.where(guessed, usual, seen)
    found = [rates.find(model) if no_cost[:, place].any() else None for place, model in enumerate(models)]
    dollars = np.array([_dollars(rate) for rate in found])
    cost_usd = np.where(
        no_cost, (input_tokens * dollars[:, 0] + output_tokens * dollars[:, 1]) / 1e6, given.cost_usd
    )
    notes = (
        *_tokens_said(no_input, from_text),
        *_lengths_said(models, guessed, counts, usual),
        *_costs_said(models, no_cost, found),
    )
    return Estimates(Figures(input_tokens, output_tokens, cost_usd), no_cost, no_input | no_output, notes)


def _dollars(rate: Rate | None) -> tuple[float, float]:
    """Dollars per million tokens in and out; NaN where unknown."""
    if rate is None:
        return float("nan"), float("nan")
    return float(rate.price.input_usd_per_million_tokens), float(rate.price.output_usd_per_million_tokens)


def _tokens_said(no_input: Bools, from_text: Bools) -> Iterator[str]:
    for missing, what, text in ((no_input, "input", "prompt"), (from_text, "output", "answer")):
        if missing.any():
            yield f"{what} tokens of {many(int(missing.sum()), 'answer')} are estimated from the {text}'s text"


def _lengths_said(models: tuple[str, ...], guessed: Bools, counts: Any, usual: Array) -> Iterator[str]:
    for known, which in (
        (True, "the mean of the model's others"),
        (False, "the settings' guess, for no answer is known"),
    ):
        places = [
            place for place in range(len(models)) if guessed[:, place].any() and bool(counts[place]) == known
        ]
        if places:
            missing = int(guessed[:, places].sum())
            each = [f"{models[place]}: {usual[place]:.0f}" for place in places]
            few = listing(each) if known or len(places) == 1 else f"{usual[places[0]]:.0f}"
            yield f"output tokens of {many(missing, 'answer')} are taken to be {which} ({few})"


def _costs_said(models: tuple[str, ...], no_cost: Bools, found: list[Rate | None]) -> Iterator[str]:
    priced = [(place, rate) for place, rate in enumerate(found) if rate is not None]
    if priced:
        each = []
        for place, rate in priced:
            given, answered = (float(one) for one in _dollars(rate))
            each.append(f"{models[place]} as {rate.id}, ${given:g} and ${answered:g}")
        missing = int(no_cost[:, [place for place, _ in priced]].sum())
        said = "; ".join(each)
        yield f"the cost of {many(missing, 'answer')} is tokens times price (per million in and out: {said})"
