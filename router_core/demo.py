"""Simulated traffic by the hundred thousand, so that every page can be seen full.

The decisions are real: the same policies decide, Thompson sampling learns from the outcomes of the chunk before,
and each arm is drawn by the hash of its decision's id. What is simulated is prompts (a pool of a few hundred
texts), answers (router_core.simulated_answers), their times and the ratings. Leaves out storing it
(store/loading.py).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from router_core.deciding import candidates_for
from router_core.declared import canonical_json
from router_core.demo_contextual import ContextualDemo
from router_core.demo_prompts import pool
from router_core.errors import SettingsError
from router_core.features import context, estimate_tokens, fingerprint, two_digits
from router_core.policies import Means, build_policies
from router_core.policies.classifier import Reply, VerdictCache
from router_core.pricing import PriceBook, cost_usd
from router_core.sampling import uniform
from router_core.settings import ClassifierSettings, Settings
from router_core.simulated_answers import difficulty, is_cheap, spoken, success_probability, verdict
from router_core.store.base import Store
from router_core.types import MICRO, Context, Evidence, Message, OutputTokens, Price, Usage

CHUNK: Final = 1_000
"""Requests between two refreshes of the posteriors."""

BLOCK: Final = 20_000
"""Requests per transaction."""

COMPARED: Final = 0.02
"""Share of prompts that all routers decide and all models answer, as in the playground."""

FAILED: Final = 0.004
"""Share of calls that a provider fails; another model then answers."""

THUMBED: Final = 0.10
"""Share of answers that a person rates."""

REPORTED: Final = 0.20
"""Share of answers that code reports on."""

_ROUTERS: Final = ("heuristic", "classifier", "thompson", "contextual")
_ERRS: Final = 0.04
_Floats = NDArray[np.float64]
_Ints = NDArray[np.int64]


@dataclass(frozen=True)
class _Prompts:
    """What is the same for every request with the same text."""

    contexts: list[Context]
    written: list[str]  # the contexts as they may be stored
    messages: list[str]
    fingerprints: list[str]
    odds: _Floats  # prompt x arm
    answers: list[str]  # prompt x arm x (wrong, right), flat
    answer_tokens: _Ints
    fixed: dict[str, list[tuple[tuple[float, ...], str, float]]]  # router -> probabilities, reason, dollars


def generate(
    settings: Settings,
    store: Store,
    requests: int,
    *,
    goal: str = "default",
    days: float = 14.0,
    until: datetime | None = None,
    seed: int = 1,
    progress: Callable[[int], None] = lambda done: None,
) -> int:
    """Fill a store with simulated requests, spread over some days up to now; the routers take turns.

    Args:
        settings: models, prices, rules and objective; nothing is called.
        store: where it goes; it must be a store of simulated traffic.
        requests: how many prompts; at least 1.
        goal: the kind of traffic.
        days: over how long they are spread; > 0.
        until: the time of the last one; by default now.
        seed: same seed and same store before, same traffic.
        progress: called with the number of requests stored so far. If it raises, what is stored stays.

    Returns:
        The number of requests stored.

    Raises:
        SettingsError: ``requests`` or ``days`` is out of range, or the store holds live traffic.
        StoreError: the store cannot be written.
    """
    if not 1 <= requests <= 10_000_000:
        raise SettingsError(f"{requests} requests cannot be generated; ask for 1 to 10,000,000")
    if not 0 < days <= 3650:
        raise SettingsError(f"{days} days is out of range; spread the traffic over more than 0 and at most 3650")
    if store.kind != "simulated":
        raise SettingsError(
            f"{store.location} holds live traffic; simulated traffic goes to a store of its own"
            " (ROUTER_SIMULATED=1)"
        )
    store.load(_Traffic(settings, store, goal, days, until or datetime.now(UTC), seed).blocks(requests, progress))
    return requests


class _Traffic:
    """One run of the generator."""

    def __init__(
        self, settings: Settings, store: Store, goal: str, days: float, until: datetime, seed: int
    ) -> None:
        self._settings, self._goal, self._days, self._until = settings, goal, days, until
        self._chosen = settings.goal(goal)
        self._rng = np.random.default_rng(seed)
        self._prices = PriceBook(settings.prices)
        self._arms = [arm.arm() for arm in self._chosen.arms]
        self._ids = [arm.id for arm in self._arms]
        self._policies = build_policies(
            settings, goal, Means(self._ask, VerdictCache(settings.classifier.cache_size))
        )
        self._prompts = self._prepare(seed)
        self._contextual = ContextualDemo(
            settings,
            store,
            goal,
            self._prompts.contexts,
            self._ask,
            lambda seen: self._candidates(seen, self._evidence, self._lengths),
        )
        self._evidence = dict(store.evidence(goal, self._chosen.teaching_rule()))
        self._lengths = dict(store.output_tokens(goal))
        self._serial = int(self._rng.integers(2**40))

    def blocks(self, requests: int, progress: Callable[[int], None]) -> Iterator[Mapping[str, pa.Table]]:
        """The tables of ``BLOCK`` requests after the other."""
        moments = self._moments(requests)
        for start in range(0, requests, BLOCK):
            block = moments[start : start + BLOCK]
            chunks = [self._chunk(block[at : at + CHUNK], start + at) for at in range(0, len(block), CHUNK)]
            yield {
                name: pa.concat_tables([chunk[name] for chunk in chunks]).unify_dictionaries()
                for name in chunks[0]
            }
            progress(start + len(block))

    def _moments(self, requests: int) -> _Ints:
        """Milliseconds since 1970, rising: busier by day than by night."""
        grid = np.linspace(0.0, self._days, 2_000)
        day = self._until.hour + self._until.minute / 60.0
        hours = (day + (grid - self._days) * 24.0) % 24.0
        density = 1.0 + 0.7 * np.sin((hours - 8.0) / 24.0 * 2.0 * np.pi)
        mass = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2.0)])
        at = np.interp(np.sort(self._rng.random(requests)), mass / mass[-1], grid)
        start = self._until - timedelta(days=self._days)
        return np.asarray(start.timestamp() * 1000.0 + at * 86_400_000.0, dtype=np.int64)

    def _prepare(self, seed: int) -> _Prompts:
        contexts, messages, prints, odds, answers, tokens = [], [], [], [], [], []
        fixed: dict[str, list[tuple[tuple[float, ...], str, float]]] = {"heuristic": [], "classifier": []}
        full = self._settings.privacy.keep_texts == "full"
        for text, task_type in pool(self._rng):
            said: tuple[Message, ...] = ({"role": "user", "content": text},)
            seen = context(said, self._goal, task_type)
            contexts.append(seen)
            messages.append(canonical_json(list(said)))
            prints.append(fingerprint(said))
            hardness = difficulty(text)
            odds.append([success_probability(arm.model, hardness) for arm in self._arms])
            for arm in self._arms:
                for right in (False, True):
                    answers.append(spoken(seed, arm.model, text, right))
                    tokens.append(estimate_tokens(answers[-1]))
            asked = self._candidates(seen, {}, {})
            for name, rows in fixed.items():
                given = self._policies[name].probabilities(seen, asked)
                dollars = 0.0 if given.cost_usd is None else float(given.cost_usd)
                reason = given.reason if full or name == "heuristic" else None
                rows.append((given.probabilities, _json(asdict(reason)) if reason else _NOT_KEPT, dollars))
        written = [_json({**asdict(one), "text": one.text if full else ""}) for one in contexts]
        return _Prompts(contexts, written, messages, prints, np.array(odds), answers, np.array(tokens), fixed)

    def _candidates(
        self, seen: Context, evidence: Mapping[str, Evidence], lengths: Mapping[str, OutputTokens]
    ) -> Any:
        return candidates_for(self._chosen, two_digits(seen.input_tokens), evidence, lengths, self._prices.price)

    def _ask(self, messages: Sequence[Message], settings: ClassifierSettings) -> Reply:
        """The classifier's model, at once and without a wire."""
        text = str(messages[-1]["content"])
        said = verdict(self._settings.simulation.seed, settings.model, text)
        usage = Usage(sum(estimate_tokens(str(m["content"])) for m in messages), estimate_tokens(said))
        return Reply(said, usage, cost_usd(usage, self._prices.price(settings.model)))

    def _chunk(self, moments: _Ints, start: int) -> dict[str, pa.Table]:
        """The rows of one chunk; the posteriors are those after the chunk before."""
        rng, prompts, count = self._rng, self._prompts, len(moments)
        texts = rng.integers(len(prompts.contexts), size=count)
        compared = rng.random(count) < COMPARED
        others = range(len(_ROUTERS))
        turn = (start + np.arange(count)) % len(_ROUTERS)
        asked = np.concatenate([np.arange(count)] + [np.flatnonzero(compared & (turn != k)) for k in others])
        router = np.concatenate([turn] + [np.full(int((compared & (turn != k)).sum()), k) for k in others])
        order = np.lexsort((router, asked))
        asked, router = asked[order], router[order]

        expected = [
            [candidate.expected_cost_usd for candidate in self._candidates(one, {}, self._lengths)]
            for one in prompts.contexts
        ]
        self._costs = np.array(expected, dtype=np.float64)  # None, an unknown price, becomes NaN
        thompson = self._thompson(np.unique(texts[asked[router == 2]]))
        contextual = self._contextual.rows(np.unique(texts[asked[router == 3]]))
        learning = {2: thompson, 3: contextual}
        rows = [
            learning[k][text] if k in learning else prompts.fixed[_ROUTERS[k]][text]
            for text, k in zip(texts[asked].tolist(), router.tolist(), strict=True)
        ]
        chances = np.array([row[0] for row in rows])
        decision_ids = self._new_ids(moments[asked])
        drawn = _draw(chances, np.array([uniform(self._settings.seed, id_) for id_ in decision_ids]))

        # one call per prompt and model chosen; compared prompts ask every model
        everyone = np.repeat(np.flatnonzero(compared), len(self._arms))
        calls = np.unique(
            np.concatenate(
                [
                    asked * len(self._arms) + drawn,
                    everyone * len(self._arms) + np.tile(np.arange(len(self._arms)), int(compared.sum())),
                ]
            )
        )
        of, arm = calls // len(self._arms), calls % len(self._arms)
        broken = (rng.random(len(calls)) < (FAILED if len(self._arms) > 1 else 0.0)) & ~compared[of]
        led = np.searchsorted(calls, asked * len(self._arms) + drawn)
        forced = np.setdiff1d(np.arange(len(calls)), led)

        # a failed call is answered by the next model instead
        spare_of, spare_arm = of[broken], (arm[broken] + 1) % len(self._arms)
        of, arm = np.concatenate([of, spare_of]), np.concatenate([arm, spare_arm])
        spare = np.arange(len(calls), len(of))
        broken = np.concatenate([broken, np.zeros(len(spare), bool)])
        completion_ids = self._new_ids(moments[of])
        prompt_ids = self._new_ids(moments)

        right = rng.random(len(of)) < prompts.odds[texts[of], arm]
        variant = (texts[of] * len(self._arms) + arm) * 2 + right
        completions, tokens_out = self._completions(
            completion_ids, prompt_ids, moments, texts, of, arm, variant, broken
        )
        heard, reward, source = self._ratings(broken, right)
        own = np.zeros(len(of), bool)
        own[led[router == 2]] = True
        own |= compared[of]
        by_it = np.flatnonzero(router == 3).tolist()
        seen = self._contextual.seen(
            [decision_ids[i] for i in by_it],
            [prompt_ids[asked[i]] for i in by_it],
            [int(texts[asked[i]]) for i in by_it],
        )
        taught = self._learn(arm, heard, reward, source, own, broken, tokens_out)
        judged = sorted(taught)
        self._contextual.learn(
            [int(texts[of[i]]) for i in judged], [int(arm[i]) for i in judged], [taught[i] for i in judged]
        )

        settled = np.concatenate([forced, spare])
        decisions = pa.concat_tables(
            [
                self._decisions(
                    decision_ids, prompt_ids, completion_ids, moments, texts, asked, drawn, led, chances,
                    list(_ROUTERS), router, [row[1] for row in rows],
                    np.array([row[2] for row in rows]),
                ),
                self._settled(prompt_ids, completion_ids, moments, texts, of, arm, settled, len(forced)),
            ],
            promote_options="permissive",
        )  # fmt: skip
        return {
            "prompt": self._prompt_rows(prompt_ids, moments, texts, compared),
            "decision": decisions,
            "seen": seen,
            "completion": completions,
            "outcome": self._outcomes(completion_ids, moments[of], heard, reward, source),
        }

    def _thompson(self, texts: _Ints) -> dict[int, tuple[tuple[float, ...], str, float]]:
        """The distribution for each prompt: the same for all of about one length."""
        by_size: dict[int, tuple[tuple[float, ...], str, float]] = {}
        found = {}
        for text in texts.tolist():
            seen = self._prompts.contexts[text]
            size = two_digits(seen.input_tokens)
            if size not in by_size:
                given = self._policies["thompson"].probabilities(
                    seen, self._candidates(seen, self._evidence, self._lengths)
                )
                by_size[size] = (given.probabilities, _json(asdict(given.reason)), 0.0)
            found[text] = by_size[size]
        return found

    def _ratings(self, broken: NDArray[np.bool_], right: NDArray[np.bool_]) -> tuple[_Ints, _Floats, _Ints]:
        """Which completions were judged, how, and by whom (0: a thumb, 1: reported by code)."""
        rng = self._rng
        found = []
        for source, share in ((0, THUMBED), (1, REPORTED)):
            heard = np.flatnonzero((rng.random(len(right)) < share) & ~broken)
            found.append((heard, right[heard] ^ (rng.random(len(heard)) < _ERRS), np.full(len(heard), source)))
        heard, reward, source_of = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return heard, reward.astype(np.float64), source_of

    def _learn(
        self, arm: _Ints, heard: _Ints, reward: _Floats, source: _Ints, own: Any, broken: Any, tokens: _Ints
    ) -> dict[int, float]:
        """Fold the chunk's outcomes, as the store will; completion -> reward of those that teach."""
        rank = {"thumb": 0, "api": 1}
        listed = [rank[name] for name in self._chosen.teaching_precedence if name in rank]
        taught: dict[int, float] = {}
        for which in reversed(listed):
            taught |= dict(zip(heard[source == which].tolist(), reward[source == which].tolist(), strict=True))
        only_own = self._chosen.learn_from == "own"
        sums: dict[int, list[int]] = {}
        for completion, value in taught.items():
            if not only_own or own[completion]:
                had = sums.setdefault(int(arm[completion]), [0, 0])
                had[0] += 1
                had[1] += round(value * MICRO)
        for index, (count, micro) in sums.items():
            was = self._evidence.get(self._ids[index], Evidence())
            self._evidence[self._ids[index]] = Evidence(was.count + count, was.reward_micro + micro)
        for index, id_ in enumerate(self._ids):
            own_tokens = tokens[(arm == index) & ~broken]
            had_tokens = self._lengths.get(id_, OutputTokens())
            self._lengths[id_] = OutputTokens(
                had_tokens.count + len(own_tokens), had_tokens.total + int(own_tokens.sum())
            )
        return taught

    def _prompt_rows(self, ids: list[str], moments: _Ints, texts: _Ints, compared: Any) -> pa.Table:
        full = self._settings.privacy.keep_texts == "full"
        count = len(ids)
        return pa.table(
            {
                "id": ids,
                "created_at": _times(moments),
                "goal": _same(self._goal, count),
                "origin": _same("simulated", count),
                "task_type": _pick([c.task_type for c in self._prompts.contexts], texts),
                "messages": _pick(self._prompts.messages, texts) if full else _same(None, count),
                "sha256": _pick(self._prompts.fingerprints, texts),
                "blind": np.zeros(count, bool),
                "run_all": compared,
                "params": _same("{}", count),
            }
        )

    def _decisions(
        self, ids: list[str], prompt_ids: list[str], completion_ids: list[str], moments: _Ints, texts: _Ints,
        asked: _Ints, drawn: _Ints, led: _Ints, chances: _Floats, names: list[str], router: _Ints,
        reasons: list[str], dollars: _Floats,
    ) -> pa.Table:  # fmt: skip
        count = len(ids)
        asked_anybody = (router == 1) | ((router == 3) & (dollars > 0))
        waited = np.where(asked_anybody, np.exp(self._rng.normal(np.log(310.0), 0.35, count)), 0.0)
        worked = np.where(router == 3, 0.3, 0.05)
        return pa.table(
            {
                "id": ids,
                **self._common(prompt_ids, completion_ids, moments, texts, asked, led),
                "policy": _pick(names, router),
                "policy_version": _pick([self._policies[name].version for name in names], router),
                "probabilities": _lists(chances),
                "chosen": _pick(self._ids, drawn),
                "reason": pa.array(reasons).dictionary_encode(),
                "decision_cost_usd": dollars,
                "decision_ms": waited + self._rng.gamma(4.0, 0.25, count) * worked,
                "origin": _same("simulated", count),
                "fallback": _same(None, count),
            }
        )

    def _settled(
        self, prompt_ids: list[str], completion_ids: list[str], moments: _Ints, texts: _Ints, of: _Ints,
        arm: _Ints, settled: _Ints, forced: int,
    ) -> pa.Table:  # fmt: skip
        """Decisions that nobody drew: every model was asked, or another one failed."""
        count = len(settled)
        kinds = np.concatenate([np.zeros(forced, np.int64), np.ones(count - forced, np.int64)])
        why = ["no router chose it; every model was asked", "the model drawn failed: simulated"]
        chances = (arm[settled][:, None] == np.arange(len(self._arms))).astype(np.float64)
        names = ["forced", "fallback"]
        return pa.table(
            {
                "id": self._new_ids(moments[of[settled]]),
                **self._common(prompt_ids, completion_ids, moments, texts, of[settled], settled),
                "policy": _pick(names, kinds),
                "policy_version": _same(self._settings.version, count),
                "probabilities": _lists(chances),
                "chosen": _pick(self._ids, arm[settled]),
                "reason": _pick([_json({"summary": text, "lines": []}) for text in why], kinds),
                "decision_cost_usd": np.zeros(count),
                "decision_ms": np.zeros(count),
                "origin": _pick(names, kinds),
                "fallback": _pick([None, why[1]], kinds),
            }
        )

    def _common(
        self, prompt_ids: list[str], completion_ids: list[str], moments: _Ints, texts: _Ints, of: _Ints, led: _Ints
    ) -> dict[str, Any]:
        count = len(of)
        return {
            "prompt_id": [prompt_ids[i] for i in of.tolist()],
            "created_at": _times(moments[of]),
            "goal": _same(self._goal, count),
            "context": _pick(self._prompts.written, texts[of]),
            "arms": pa.ListArray.from_arrays(
                np.arange(0, count * len(self._ids) + 1, len(self._ids), dtype=np.int32),
                pa.array(self._ids * count),
            ),
            "seed": np.full(count, self._settings.seed, np.uint64),
            "expected_cost_usd": _lists(self._costs[texts[of]]),
            "completion_id": [completion_ids[i] for i in led.tolist()],
            "cached": np.zeros(count, bool),
            "settings_version": _same(self._settings.version, count),
        }

    def _completions(
        self, ids: list[str], prompt_ids: list[str], moments: _Ints, texts: _Ints, of: _Ints, arm: _Ints,
        variant: _Ints, broken: Any,
    ) -> tuple[pa.Table, _Ints]:  # fmt: skip
        rng, count = self._rng, len(ids)
        full = self._settings.privacy.keep_texts == "full"
        tokens_in = np.array([one.input_tokens for one in self._prompts.contexts])[texts[of]]
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
        said = _pick(self._prompts.answers, variant) if full else _same(None, count)
        table = pa.table(
            {
                "id": ids,
                "prompt_id": [prompt_ids[i] for i in of.tolist()],
                "created_at": _times(moments[of]),
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

    def _outcomes(
        self, completion_ids: list[str], moments: _Ints, heard: _Ints, reward: _Floats, source: _Ints
    ) -> pa.Table:
        count = len(heard)
        later = moments[heard] + self._rng.integers(5_000, 600_000, count)
        later = np.minimum(later, int(self._until.timestamp() * 1000))
        return pa.table(
            {
                "id": self._new_ids(later),
                "completion_id": [completion_ids[i] for i in heard.tolist()],
                "source": _pick(["thumb", "api"], source),
                "reward_micro": (reward * MICRO).astype(np.int32),
                "created_at": _times(later),
                "chips": pa.ListArray.from_arrays(np.zeros(count + 1, np.int32), pa.array([], pa.string())),
                "comment": _same("", count),
                "blinded": (self._rng.random(count) < 0.1) & (source == 0),
            }
        )

    def _new_ids(self, moments: _Ints) -> list[str]:
        """UUIDs of version 7: they sort by time, and every one is new."""
        first, self._serial = self._serial, self._serial + len(moments)
        made = []
        for serial, ms in enumerate(moments.tolist(), start=first):
            time, low = f"{ms:012x}", f"{serial:012x}"
            made.append(f"{time[:8]}-{time[8:]}-7de0-8000-{low[-12:]}")
        return made


_NOT_KEPT = '{"lines":[],"summary":"not kept (privacy.keep_texts is hash)"}'


def _draw(chances: _Floats, u: _Floats) -> _Ints:
    """``sampling.draw`` for many rows at once."""
    drawn = (u[:, None] >= np.cumsum(chances, axis=1)).sum(axis=1)
    last = chances.shape[1] - 1 - np.argmax(chances[:, ::-1] > 0, axis=1)
    return np.asarray(np.minimum(drawn, last))


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


def _lists(rows: _Floats) -> pa.Array:
    offsets = np.arange(0, rows.size + 1, rows.shape[1], dtype=np.int32)
    return pa.ListArray.from_arrays(offsets, pa.array(rows.ravel(), mask=np.isnan(rows.ravel())))


def _times(moments: _Ints) -> pa.Array:
    return pa.array(moments * 1000, pa.timestamp("us"))


def _rates(price: Price | None) -> tuple[float, float]:
    if price is None:
        return float("nan"), float("nan")
    return float(price.input_usd_per_million_tokens), float(price.output_usd_per_million_tokens)


def _price_json(price: Price | None) -> str | None:
    if price is None:
        return None
    return _json({name: None if v is None else str(Decimal(v)) for name, v in asdict(price).items()})


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
