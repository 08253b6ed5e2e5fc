"""What was judged, computed again in plain Python from the rows, to hold the questions about ratings against.

Slow and simple on purpose: nothing here is shared with the code under test but the plain values.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from router_core.types import Completion, Decision, OutcomeRecord, Prompt

Sums = dict[tuple[datetime, str], tuple[int, float]]
"""(beginning of the step, arm) -> judged, and the sum of their rewards."""


@dataclass
class Log:
    """Everything that was written, in the order in which it was acknowledged; outcomes by their number in it."""

    prompts: list[Prompt] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    completions: list[Completion] = field(default_factory=list)
    outcomes: dict[int, OutcomeRecord] = field(default_factory=dict)

    def led(self, completion_id: str) -> list[Decision]:
        """The decisions that name an answer."""
        return [one for one in self.decisions if one.completion_id == completion_id]

    def without(self, prompt_id: str) -> Log:
        """The same, had this prompt never been."""
        gone = {one.completion_id for one in self.decisions if one.prompt_id == prompt_id}
        return Log(
            [one for one in self.prompts if one.id != prompt_id],
            [one for one in self.decisions if one.prompt_id != prompt_id],
            [one for one in self.completions if one.prompt_id != prompt_id],
            {number: one for number, one in self.outcomes.items() if one.completion_id not in gone},
        )

    def before(self, until: datetime, goal: str | None) -> Log:
        """The decisions and answers until then, of one goal or any, and all that was said of them since."""
        return Log(
            self.prompts,
            [one for one in self.decisions if one.created_at < until and goal in (None, one.goal)],
            [one for one in self.completions if one.created_at < until and goal in (None, one.goal)],
            self.outcomes,
        )


@dataclass(frozen=True)
class Word:
    """What one source says of an answer in the end, and when it last said anything."""

    reward: float | None
    blinded: bool
    at: datetime


def words(log: Log, spans: Sequence[tuple[int, int]] | None = None) -> Mapping[str, Mapping[str, Word]]:
    """Answer -> source -> its last word, of the outcomes whose number is in a span (after, up to)."""
    found: dict[str, dict[str, Word]] = defaultdict(dict)
    for number, one in log.outcomes.items():
        if spans is None or any(after < number <= upto for after, upto in spans):
            had = found[one.completion_id].get(one.source)
            at = one.created_at if had is None else max(had.at, one.created_at)
            found[one.completion_id][one.source] = Word(one.reward, one.blinded, at)
    return found


def judged(said: Mapping[str, Word], precedence: Sequence[str]) -> tuple[float, datetime] | None:
    """The reward of the first source that has one, and when any that has one last spoke."""
    known = {source: said[source] for source in precedence if source in said and said[source].reward is not None}
    if not known:
        return None
    first = next(iter(known.values())).reward
    assert first is not None
    return first, max(word.at for word in known.values())


def step(at: datetime, seconds: float) -> datetime:
    """The beginning of the step that a moment is in; steps are counted from a Monday."""
    origin = datetime(2000, 1, 3, tzinfo=UTC)
    return at - (at - origin) % timedelta(seconds=seconds)


def drew(decision: Decision) -> bool:
    """Whether Thompson sampling drew it."""
    return decision.policy == "thompson" and decision.origin not in ("forced", "fallback")


def taught(
    log: Log,
    goal: str,
    precedence: Sequence[str],
    seconds: float,
    own: bool,
    spans: Sequence[tuple[int, int]] | None,
) -> Sums:
    """What teaches a goal, step by step."""
    everyone = {one.id for one in log.prompts if one.run_all}
    found: Sums = {}
    for answer, said in words(log, spans).items():
        led, what = log.led(answer), judged(said, precedence)
        counts = not own or any(drew(one) or one.prompt_id in everyone for one in led)
        if what is not None and led[0].goal == goal and counts:
            _add(found, step(what[1], seconds), led[0].chosen, what[0])
    return found


def rated(
    log: Log, precedence: Sequence[str], seconds: float, policy: str | None, arm: str | None, origin: str | None
) -> Sums:
    """The answers that were judged, by when they were given; of these routers, models and origins."""
    found: Sums = {}
    said = words(log)
    for one in log.completions:
        led = log.led(one.id)
        free = policy is None and origin is None
        through = free or any(policy in (None, d.policy) and origin in (None, d.origin) for d in led)
        what = judged(said.get(one.id, {}), precedence)
        if what is not None and through and arm in (None, one.arm):
            _add(found, step(one.created_at, seconds), one.arm, what[0])
    return found


def labels(
    log: Log, precedence: Sequence[str], policy: str | None, arm: str | None, origin: str | None
) -> dict[str, int]:
    """Router -> how many of its decisions led to an answer that was judged."""
    said = words(log)
    found: Counter[str] = Counter()
    for one in log.decisions:
        wanted = policy in (None, one.policy) and arm in (None, one.chosen) and origin in (None, one.origin)
        known = judged(said.get(one.completion_id, {}), precedence) is not None
        found[one.policy] += wanted and known and one.policy not in ("forced", "fallback")
    return {name: count for name, count in found.items() if count}


def sources(log: Log, goal: str) -> tuple[dict[tuple[str, str, bool], int], dict[str, int]]:
    """(arm, source, blinded) -> ratings in force; arm -> answers with one."""
    ratings: Counter[tuple[str, str, bool]] = Counter()
    answers: Counter[str] = Counter()
    for answer, said in words(log).items():
        led = log.led(answer)[0]
        known = {source: word for source, word in said.items() if word.reward is not None}
        if led.goal == goal and known:
            answers[led.chosen] += 1
            ratings.update((led.chosen, source, word.blinded) for source, word in known.items())
    return dict(ratings), dict(answers)


def _add(found: Sums, time: datetime, arm: str, reward: float) -> None:
    count, good = found.get((time, arm), (0, 0.0))
    found[time, arm] = (count + 1, good + reward)
