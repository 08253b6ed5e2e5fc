"""Simulated traffic by the hundred thousand, so that every page can be seen full.

The decisions are real: the same policies decide, Thompson sampling learns from the outcomes of the chunk before,
and each arm is drawn by the hash of its decision's id. What is simulated is prompts (a pool of a few hundred
texts), answers (models/simulated_answers.py), their times and the ratings. See rows.py for the rows of all this,
store/duckdb/bulk.py for storing them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
import pyarrow as pa

from router_core.demo.contextual import ContextualDemo
from router_core.demo.prompts import pool
from router_core.demo.rows import ROUTERS, SOURCES, Calls, Flags, Floats, Ints, Prompts, Rows
from router_core.errors import SettingsError
from router_core.features import context, estimate_tokens, fingerprint, two_digits
from router_core.models.simulated_answers import difficulty, spoken, success_probability, verdict
from router_core.money.pricing import PriceBook, cost_usd
from router_core.policies import build_policies
from router_core.policies.asking import Asking, Reply, decided
from router_core.policies.base import Known
from router_core.registry import BY_TASK, CLASSIFIER, CONTEXTUAL, RULES, THOMPSON, PolicyEntry
from router_core.routing.candidates import candidates_for
from router_core.sampling import uniform
from router_core.settings import ClassifierSettings, Settings
from router_core.store.base import Store
from router_core.types import MICRO, Context, Evidence, Message, OutputTokens, Usage
from router_core.validation import canonical_json

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

_ERRS: Final = 0.04
_NOT_KEPT: Final = '{"lines":[],"summary":"not kept (privacy.keep_texts is hash)"}'


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
        self._prices = PriceBook.of(settings)
        self._arms = [arm.arm() for arm in self._chosen.arms]
        self._ids = [arm.id for arm in self._arms]
        self._policies = build_policies(settings, goal)
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
        by_task = store.evidence_by_task(goal, self._chosen.teaching_rule(BY_TASK.name))
        self._tasks = {task: dict(arms) for task, arms in by_task.items()}
        self._lengths = dict(store.output_tokens(goal))
        versions = {name: policy.version for name, policy in self._policies.items()}
        self._rows = Rows(settings, goal, self._prices, versions, self._prompts, self._rng, until)

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

    def _moments(self, requests: int) -> Ints:
        """Milliseconds since 1970, rising: busier by day than by night."""
        grid = np.linspace(0.0, self._days, 2_000)
        day = self._until.hour + self._until.minute / 60.0
        hours = (day + (grid - self._days) * 24.0) % 24.0
        density = 1.0 + 0.7 * np.sin((hours - 8.0) / 24.0 * 2.0 * np.pi)
        mass = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2.0)])
        at = np.interp(np.sort(self._rng.random(requests)), mass / mass[-1], grid)
        start = self._until - timedelta(days=self._days)
        return np.asarray(start.timestamp() * 1000.0 + at * 86_400_000.0, dtype=np.int64)

    def _prepare(self, seed: int) -> Prompts:
        contexts, messages, prints, odds, answers, tokens = [], [], [], [], [], []
        fixed: dict[str, list[tuple[tuple[float, ...], str, float]]] = {RULES.name: [], CLASSIFIER.name: []}
        full = self._settings.privacy.keep_texts == "full"
        asking = Asking(self._settings.classifier, self._ask)
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
                given = decided(self._policies[name], seen, Known(asked), asking)
                dollars = float("nan") if given.cost_usd is None else float(given.cost_usd)
                reason = given.reason if full or name == RULES.name else None
                rows.append(
                    (given.probabilities, canonical_json(asdict(reason)) if reason else _NOT_KEPT, dollars)
                )
        written = [canonical_json({**asdict(one), "text": one.text if full else ""}) for one in contexts]
        return Prompts(contexts, written, messages, prints, np.array(odds), answers, np.array(tokens), fixed)

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

    def _chunk(self, moments: Ints, start: int) -> dict[str, pa.Table]:
        """The rows of one chunk; the posteriors are those after the chunk before."""
        rng, prompts, count = self._rng, self._prompts, len(moments)
        texts = rng.integers(len(prompts.contexts), size=count)
        compared = rng.random(count) < COMPARED
        others = range(len(ROUTERS))
        turn = (start + np.arange(count)) % len(ROUTERS)
        asked = np.concatenate([np.arange(count)] + [np.flatnonzero(compared & (turn != k)) for k in others])
        router = np.concatenate([turn] + [np.full(int((compared & (turn != k)).sum()), k) for k in others])
        order = np.lexsort((router, asked))
        asked, router = asked[order], router[order]

        expected = [
            [candidate.expected_cost_usd for candidate in self._candidates(one, {}, self._lengths)]
            for one in prompts.contexts
        ]
        costs_usd = np.array(expected, dtype=np.float64)  # None, an unknown price, becomes NaN
        by_thompson, by_contextual, by_task = (ROUTERS.index(one.name) for one in (THOMPSON, CONTEXTUAL, BY_TASK))
        learning = {
            by_thompson: self._textless(THOMPSON, np.unique(texts[asked[router == by_thompson]])),
            by_contextual: self._contextual.rows(np.unique(texts[asked[router == by_contextual]])),
            by_task: self._textless(BY_TASK, np.unique(texts[asked[router == by_task]])),
        }
        rows = [
            learning[k][text] if k in learning else prompts.fixed[ROUTERS[k]][text]
            for text, k in zip(texts[asked].tolist(), router.tolist(), strict=True)
        ]
        chances = np.array([row[0] for row in rows])
        decision_ids = self._rows.new_ids(moments[asked])
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
        completion_ids = self._rows.new_ids(moments[of])
        prompt_ids = self._rows.new_ids(moments)
        made = Calls(prompt_ids, moments, texts, completion_ids, of, arm, broken, costs_usd)

        right = rng.random(len(of)) < prompts.odds[texts[of], arm]
        variant = (texts[of] * len(self._arms) + arm) * 2 + right
        completions, tokens_out = self._rows.completions(made, variant)
        heard, reward, source = self._ratings(broken, right)
        own, own_by_task = np.zeros(len(of), bool), np.zeros(len(of), bool)
        own[led[router == by_thompson]] = True
        own_by_task[led[router == by_task]] = True
        own |= compared[of]
        own_by_task |= compared[of]
        by_it = np.flatnonzero(router == by_contextual).tolist()
        seen = self._contextual.seen(
            [decision_ids[i] for i in by_it],
            [prompt_ids[asked[i]] for i in by_it],
            [int(texts[asked[i]]) for i in by_it],
        )
        taught = self._learn(arm, heard, reward, source, own, broken, tokens_out)
        self._learn_tasks(texts[of], arm, taught, own_by_task)
        judged = sorted(taught)
        self._contextual.learn(
            [int(texts[of[i]]) for i in judged], [int(arm[i]) for i in judged], [taught[i] for i in judged]
        )

        settled = np.concatenate([forced, spare])
        decisions = pa.concat_tables(
            [
                self._rows.decisions(
                    made, decision_ids, asked, router, drawn, led, chances,
                    [row[1] for row in rows], np.array([row[2] for row in rows]),
                ),
                self._rows.settled(made, settled, len(forced)),
            ],
            promote_options="permissive",
        )  # fmt: skip
        return {
            "prompt": self._rows.prompts(made, compared),
            "decision": decisions,
            "seen": seen,
            "completion": completions,
            "outcome": self._rows.outcomes(made, heard, reward, source),
        }

    def _textless(self, policy: PolicyEntry, texts: Ints) -> dict[int, tuple[tuple[float, ...], str, float]]:
        """The distribution for each prompt: the same for all of about one length (by task: and of one task)."""
        by_size: dict[tuple[int, str | None], tuple[tuple[float, ...], str, float]] = {}
        tasks = {task: dict(arms) for task, arms in self._tasks.items()}
        found = {}
        for text in texts.tolist():
            seen = self._prompts.contexts[text]
            key = (two_digits(seen.input_tokens), seen.task_type if policy == BY_TASK else None)
            if key not in by_size:
                known = Known(self._candidates(seen, self._evidence, self._lengths), tasks=tasks)
                given = self._policies[policy.name].probabilities(seen, known)
                by_size[key] = (given.probabilities, canonical_json(asdict(given.reason)), 0.0)
            found[text] = by_size[key]
        return found

    def _learn_tasks(self, texts: Ints, arm: Ints, taught: Mapping[int, float], own: Flags) -> None:
        """The same outcomes by task type."""
        only_own = self._chosen.learn_from == "own"
        for completion, value in taught.items():
            if not only_own or own[completion]:
                arms = self._tasks.setdefault(self._prompts.contexts[int(texts[completion])].task_type or "", {})
                was = arms.get(self._ids[arm[completion]], Evidence())
                micro = was.reward_micro + round(value * MICRO)
                arms[self._ids[arm[completion]]] = Evidence(was.count + 1, micro)

    def _ratings(self, broken: Flags, right: Flags) -> tuple[Ints, Floats, Ints]:
        """Which completions were judged, how, and by whom (a place in ``SOURCES``)."""
        rng = self._rng
        found = []
        for source, share in ((0, THUMBED), (1, REPORTED)):
            heard = np.flatnonzero((rng.random(len(right)) < share) & ~broken)
            found.append((heard, right[heard] ^ (rng.random(len(heard)) < _ERRS), np.full(len(heard), source)))
        heard, reward, source_of = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return heard, reward.astype(np.float64), source_of

    def _learn(
        self, arm: Ints, heard: Ints, reward: Floats, source: Ints, own: Any, broken: Any, tokens: Ints
    ) -> dict[int, float]:
        """Fold the chunk's outcomes, as the store will; completion -> reward of those that teach."""
        listed = [SOURCES.index(name) for name in self._chosen.teaching_precedence if name in SOURCES]
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


def _draw(chances: Floats, u: Floats) -> Ints:
    """``sampling.draw`` for many rows at once."""
    drawn = (u[:, None] >= np.cumsum(chances, axis=1)).sum(axis=1)
    last = chances.shape[1] - 1 - np.argmax(chances[:, ::-1] > 0, axis=1)
    return np.asarray(np.minimum(drawn, last))
