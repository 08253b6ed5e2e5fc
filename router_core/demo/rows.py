"""The rows of simulated traffic: what was decided, called and said, as columns of the store's tables.

See traffic.py for who decides and what an answer is worth, store/duckdb/bulk.py for storing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from router_core.models.simulated_answers import is_cheap
from router_core.money.pricing import PriceBook
from router_core.registry import CLASSIFIER, CONTEXTUAL, POLICIES, PolicyEntry
from router_core.settings import Settings
from router_core.types import FALLBACK, FORCED, MICRO, Arm, Context, Price
from router_core.validation import canonical_json

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

ROUTERS: Final = tuple(POLICIES)
"""Who decides, by the number that stands for it in ``Rows.decisions``."""

SOURCES: Final = ("thumb", "api")
"""Who judges, by the number that stands for it in ``Rows.outcomes``."""


@dataclass(frozen=True)
class Prompts:
    """What is the same for every request with the same text."""

    contexts: list[Context]
    written: list[str]  # the contexts as they may be stored
    messages: list[str]
    fingerprints: list[str]
    odds: Floats  # prompt x arm
    answers: list[str]  # prompt x arm x (wrong, right), flat
    answer_tokens: Ints
    fixed: dict[str, list[tuple[tuple[float, ...], str, float]]]  # router -> probabilities, reason, dollars


@dataclass(frozen=True)
class Calls:
    """The requests of one chunk, and every call that was made for them.

    Of each request ``prompt_ids``, ``moments`` (milliseconds since 1970) and ``texts`` (places in ``Prompts``); of
    each call ``ids``, ``of`` (its request), ``arm`` and whether it was ``broken``. ``costs_usd``: text x arm, what
    a call is expected to cost, NaN where that is unknown.
    """

    prompt_ids: list[str]
    moments: Ints
    texts: Ints
    ids: list[str]
    of: Ints
    arm: Ints
    broken: Flags
    costs_usd: Floats


class Rows:
    """Writes the tables of one run.

    Args:
        settings: what of texts is kept, and the seed that was drawn with.
        goal: the kind of traffic.
        prices: of the goal's models.
        versions: router -> version of its policy.
        prompts: the texts.
        rng: where times and tokens are drawn.
        until: no rating comes later.
    """

    def __init__(
        self,
        settings: Settings,
        goal: str,
        prices: PriceBook,
        versions: Mapping[str, str],
        prompts: Prompts,
        rng: np.random.Generator,
        until: datetime,
    ) -> None:
        self._settings, self._goal, self._prices, self._versions = settings, goal, prices, versions
        self._prompts, self._rng, self._until = prompts, rng, until
        self._arms: list[Arm] = [arm.arm() for arm in settings.goal(goal).arms]
        self._ids = [arm.id for arm in self._arms]
        self._full = settings.privacy.keep_texts == "full"
        self._serial = int(rng.integers(2**40))

    def new_ids(self, moments: Ints) -> list[str]:
        """UUIDs of version 7: they sort by time, and every one is new."""
        first, self._serial = self._serial, self._serial + len(moments)
        made = []
        for serial, ms in enumerate(moments.tolist(), start=first):
            time, low = f"{ms:012x}", f"{serial:012x}"
            made.append(f"{time[:8]}-{time[8:]}-7de0-8000-{low[-12:]}")
        return made

    def prompts(self, calls: Calls, compared: Flags) -> pa.Table:
        """One row per request; ``compared``: every model answers it."""
        count, texts = len(calls.prompt_ids), calls.texts
        return pa.table(
            {
                "id": calls.prompt_ids,
                "created_at": _times(calls.moments),
                "goal": _same(self._goal, count),
                "origin": _same("simulated", count),
                "task_type": _pick([c.task_type for c in self._prompts.contexts], texts),
                "messages": _pick(self._prompts.messages, texts) if self._full else _same(None, count),
                "sha256": _pick(self._prompts.fingerprints, texts),
                "blind": np.zeros(count, bool),
                "run_all": compared,
                "params": _same("{}", count),
            }
        )

    def decisions(
        self, calls: Calls, ids: list[str], asked: Ints, router: Ints, drawn: Ints, led: Ints, chances: Floats,
        reasons: list[str], dollars: Floats,
    ) -> pa.Table:  # fmt: skip
        """What routers drew.

        Args:
            calls: the requests, and the calls that followed.
            ids: of the decisions; the rest has a row for each, too.
            asked: the request.
            router: who decided, a place in ``ROUTERS``.
            drawn: the arm.
            led: the call that it led to.
            chances: decision x arm.
            reasons: as they are stored.
            dollars: what deciding cost; NaN: unknown.
        """
        count = len(ids)
        asked_anybody = _by(router, CLASSIFIER) | (_by(router, CONTEXTUAL) & (dollars != 0))
        waited = np.where(asked_anybody, np.exp(self._rng.normal(np.log(310.0), 0.35, count)), 0.0)
        worked = np.where(_by(router, CONTEXTUAL), 0.3, 0.05)
        return pa.table(
            {
                "id": ids,
                **self._common(calls, asked, led),
                "policy": _pick(ROUTERS, router),
                "policy_version": _pick([self._versions[name] for name in ROUTERS], router),
                "probabilities": _lists(chances),
                "chosen": _pick(self._ids, drawn),
                "reason": pa.array(reasons).dictionary_encode(),
                "decision_cost_usd": pa.array(dollars, mask=np.isnan(dollars)),
                "decision_ms": waited + self._rng.gamma(4.0, 0.25, count) * worked,
                "origin": _same("simulated", count),
                "fallback": _same(None, count),
            }
        )

    def settled(self, calls: Calls, settled: Ints, forced: int) -> pa.Table:
        """Decisions that nobody drew, one per call in ``settled``: of the first ``forced`` every model was asked,
        of the others the model drawn had failed.
        """  # fmt: skip
        count, arm = len(settled), calls.arm[settled]
        kinds = np.concatenate([np.zeros(forced, np.int64), np.ones(count - forced, np.int64)])
        why = ["no router chose it; every model was asked", "the model drawn failed: simulated"]
        chances = (arm[:, None] == np.arange(len(self._arms))).astype(np.float64)
        names = [FORCED, FALLBACK]
        return pa.table(
            {
                "id": self.new_ids(calls.moments[calls.of[settled]]),
                **self._common(calls, calls.of[settled], settled),
                "policy": _pick(names, kinds),
                "policy_version": _same(self._settings.version, count),
                "probabilities": _lists(chances),
                "chosen": _pick(self._ids, arm),
                "reason": _pick([canonical_json({"summary": text, "lines": []}) for text in why], kinds),
                "decision_cost_usd": np.zeros(count),
                "decision_ms": np.zeros(count),
                "origin": _pick(names, kinds),
                "fallback": _pick([None, why[1]], kinds),
            }
        )

    def _common(self, calls: Calls, of: Ints, led: Ints) -> dict[str, Any]:
        """What every decision on the requests ``of`` has, whoever took it; ``led``: the call that followed."""
        count, texts = len(of), calls.texts[of]
        return {
            "prompt_id": [calls.prompt_ids[i] for i in of.tolist()],
            "created_at": _times(calls.moments[of]),
            "goal": _same(self._goal, count),
            "context": _pick(self._prompts.written, texts),
            "arms": pa.ListArray.from_arrays(
                np.arange(0, count * len(self._ids) + 1, len(self._ids), dtype=np.int32),
                pa.array(self._ids * count),
            ),
            "seed": np.full(count, self._settings.seed, np.uint64),
            "expected_cost_usd": _lists(calls.costs_usd[texts]),
            "completion_id": [calls.ids[i] for i in led.tolist()],
            "cached": np.zeros(count, bool),
            "settings_version": _same(self._settings.version, count),
        }

    def completions(self, calls: Calls, variant: Ints) -> tuple[pa.Table, Ints]:
        """One row per call, and its output tokens; ``variant``: its answer, a place in ``Prompts.answers``."""
        rng, count, of, arm, broken = self._rng, len(calls.ids), calls.of, calls.arm, calls.broken
        tokens_in = np.array([one.input_tokens for one in self._prompts.contexts])[calls.texts[of]]
        tokens_out = np.maximum(
            1, np.rint(self._prompts.answer_tokens[variant] * np.exp(rng.normal(0.0, 0.25, count)))
        ).astype(np.int64)
        prices = [self._prices.price(a.model) for a in self._arms]
        rates = np.array([_rates(price) for price in prices])[arm]
        cost = (tokens_in * rates[:, 0] + tokens_out * rates[:, 1]) / 1e6
        cost = np.where(broken, 0.0, cost)
        pace = np.array([110.0 if is_cheap(a.model) else 65.0 for a in self._arms])[arm]
        first = np.array([280.0 if is_cheap(a.model) else 460.0 for a in self._arms])[arm]
        first = first * np.exp(rng.normal(0.0, 0.3, count))
        said = _pick(self._prompts.answers, variant) if self._full else _same(None, count)
        table = pa.table(
            {
                "id": calls.ids,
                "prompt_id": [calls.prompt_ids[i] for i in of.tolist()],
                "created_at": _times(calls.moments[of]),
                "goal": _same(self._goal, count),
                "arm": _pick(self._ids, arm),
                "model": _pick([a.model for a in self._arms], arm),
                "text": _hide(said, broken),
                "finish_reason": _pick(["stop", None], broken.astype(np.int64)),
                "input_tokens": pa.array(tokens_in, mask=broken),
                "output_tokens": pa.array(tokens_out, mask=broken),
                "cached_tokens": pa.array(np.zeros(count, np.int64), mask=broken),
                "usage_estimated": pa.array(np.zeros(count, bool), mask=broken),
                "cost_usd": pa.array(cost, mask=np.isnan(cost)),
                "price": _pick([_price_json(price) for price in prices], arm),
                "first_token_ms": pa.array(first, mask=broken),
                "total_ms": np.where(broken, first, first + tokens_out / pace * 1000.0),
                "error": _pick([None, "simulated: the provider failed (500)"], broken.astype(np.int64)),
                "retries": np.zeros(count, np.int32),
                "unpriced_retries": np.zeros(count, np.int32),
            }
        )
        return table, tokens_out

    def outcomes(self, calls: Calls, heard: Ints, reward: Floats, source: Ints) -> pa.Table:
        """What was said of the calls ``heard``, and by whom (a place in ``SOURCES``)."""
        count = len(heard)
        later = calls.moments[calls.of][heard] + self._rng.integers(5_000, 600_000, count)
        later = np.minimum(later, int(self._until.timestamp() * 1000))
        return pa.table(
            {
                "id": self.new_ids(later),
                "completion_id": [calls.ids[i] for i in heard.tolist()],
                "source": _pick(SOURCES, source),
                "reward_micro": (reward * MICRO).astype(np.int32),
                "created_at": _times(later),
                "chips": pa.ListArray.from_arrays(np.zeros(count + 1, np.int32), pa.array([], pa.string())),
                "comment": _same("", count),
                "blinded": (self._rng.random(count) < 0.1) & (source == 0),
            }
        )


def _by(router: Ints, policy: PolicyEntry) -> Flags:
    return np.asarray(router == ROUTERS.index(policy.name))


def _pick(values: Sequence[str | None], indices: Any) -> pa.Array:
    """A column that names each row's value by its place in a short list."""
    known = [value for value in values if value is not None]
    places = np.cumsum([value is not None for value in values]) - 1
    missing = np.array([value is None for value in values])
    rows = np.asarray(indices, dtype=np.int64)
    column = pa.array(places[rows], pa.int32(), mask=missing[rows])
    return pa.DictionaryArray.from_arrays(column, pa.array(known, pa.string()))


def _hide(column: pa.DictionaryArray, hidden: Any) -> pa.Array:
    indices = pc.if_else(pa.array(hidden), pa.scalar(None, pa.int32()), column.indices)
    return pa.DictionaryArray.from_arrays(indices, column.dictionary)


def _same(value: str | None, count: int) -> pa.Array:
    return _pick([value], np.zeros(count))


def _lists(rows: Floats) -> pa.Array:
    offsets = np.arange(0, rows.size + 1, rows.shape[1], dtype=np.int32)
    return pa.ListArray.from_arrays(offsets, pa.array(rows.ravel(), mask=np.isnan(rows.ravel())))


def _times(moments: Ints) -> pa.Array:
    return pa.array(moments * 1000, pa.timestamp("us"))


def _rates(price: Price | None) -> tuple[float, float]:
    if price is None:
        return float("nan"), float("nan")
    return float(price.input_usd_per_million_tokens), float(price.output_usd_per_million_tokens)


def _price_json(price: Price | None) -> str | None:
    if price is None:
        return None
    return canonical_json(price.as_stored())
