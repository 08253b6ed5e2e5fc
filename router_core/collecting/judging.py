"""A model judges stored answers: which there are, how it is asked about one, what is stored of its word.

What the judge is asked stands in outcomes/judge.py, the run through all of them in judge_run.py, what is made of
its words in evaluation/judges.py. They are stored as outcomes of the source "judge": they teach nothing and count
as nobody's rating.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from router_core.collecting.money import bound_usd
from router_core.errors import (
    EvaluationError,
    ProviderError,
)
from router_core.features import estimate_input_tokens, message_text
from router_core.models.calls import Models
from router_core.models.thinking import token_limit
from router_core.money.pricing import PriceBook, cost_usd, is_free
from router_core.outcomes.judge import Judge, Shown, messages, of_both_orders, read
from router_core.routing.deciding import new_id, now
from router_core.sampling import uniform
from router_core.settings import Settings
from router_core.store.base import Comparison, Search, Store
from router_core.types import FOR_PEOPLE, ORDER_SWAP, Completion, OutcomeRecord, Usage

REFERENCE: Final = "reference"
"""What a prompt's metadata calls its right answer."""

FOR_PEOPLE_SHARE: Final = 0.2
"""Of the judged prompts, by default, those that people are asked about, too."""

_DRAW: Final = 20_240_207  # the seed of that draw: the same prompts however often they are judged
_PAGE: Final = 200
_ANSWER_TOKENS: Final = 600
_USUAL_ANSWER_TOKENS: Final = 120
_FAILURES_IN_A_ROW: Final = 10
_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
_END: Final = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Unit:
    """What is judged at once: one answer, or two to the same prompt (``second``)."""

    prompt_id: str
    shown: Shown
    first: Completion
    second: Completion | None = None

    @property
    def calls(self) -> int:
        """How often the judge is asked: about two answers in both orders."""
        return 1 if self.second is None else 2


@dataclass(frozen=True, slots=True)
class Estimate:
    """What there is to judge. ``cost_usd`` is expected, None where the price is unknown; ``done``: judged before;
    ``without_texts``: prompts whose texts were not kept, which cannot be judged.
    """  # fmt: skip

    units: int
    calls: int
    cost_usd: Decimal | None
    done: int
    without_texts: int


@dataclass(frozen=True, slots=True)
class Said:
    """What came of one unit: rewards of both answers, reasons, costs of the calls, and how it failed."""

    reward: float | None
    swapped: bool
    reasons: tuple[str, ...]
    costs: tuple[Decimal | None, ...]
    failure: ProviderError | None = None


class Judging:
    """One judge at work on the answers of a goal.

    Args:
        store, settings, models: as everywhere.
        judge: who.
        goal: whose answers.
        arms: the models whose answers are judged; in pairs exactly two. By default all of the goal's, in pairs its
            first and its last.
        people: share of the judged prompts drawn for people, in [0, 1].
        most: so many prompts at most, the newest; None: all.

    Raises:
        SettingsError: no such goal or provider.
        EvaluationError: there are not two models to compare, or a share is out of range.
        MissingKeyError: the judge's model cannot be asked.
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        models: Models,
        judge: Judge,
        goal: str,
        *,
        arms: Sequence[str] = (),
        people: float = FOR_PEOPLE_SHARE,
        most: int | None = None,
    ) -> None:
        own = [arm.id for arm in settings.goal(goal).arms]
        self.arms = tuple(arms) or (tuple(own) if judge.how == "alone" else (own[0], own[-1]))
        if judge.how == "pairs" and len(set(self.arms)) != 2:
            raise EvaluationError(
                f"pairs need two models, not {', '.join(self.arms) or 'none'}; name two, or judge answers alone"
            )
        if not 0.0 <= people <= 1.0:
            raise EvaluationError(f"the share for people is {people!r}; give a number from 0 to 1")
        models.require_keys([judge.model])
        self.judge, self.goal, self.people = judge, goal, people
        self.store, self._settings, self._models, self._most = store, settings, models, most
        self.prices = PriceBook(settings.prices)
        self._limit = token_limit(judge.model, _ANSWER_TOKENS)

    @property
    def warning(self) -> str:
        """Where the judge would judge itself; "" where it does not."""
        known = {arm.id: arm.model for arm in self._settings.goal(self.goal).arms}
        own = [arm for arm in self.arms if known.get(arm, arm) == self.judge.model]
        if not own:
            return ""
        return (
            f"{self.judge.model} judges its own answers ({own[0]}). Models prefer their own: take another judge,"
            " or look closely at what people say of the same answers."
        )

    def estimate(self) -> Estimate:
        """What there is to judge, and what it is expected to cost. Asks nobody."""
        count = calls = tokens_in = 0
        tally = _Tally()
        for unit in self.units(tally):
            count += 1
            calls += unit.calls
            tokens_in += unit.calls * estimate_input_tokens(messages(self.judge, unit.shown))
        average = tokens_in // calls if calls else 0
        one = cost_usd(Usage(average, _USUAL_ANSWER_TOKENS), self.prices.price(self.judge.model, average))
        return Estimate(count, calls, None if one is None else one * calls, tally.done, tally.without_texts)

    def spent(self) -> tuple[Decimal, int]:
        """Dollars that this judge's stored words cost so far, and how many of them cost nobody knows what."""
        for row in self.store.rows("judging", {"goal": self.goal, "since": _BEGINNING, "until": _END}):
            if row["who"] == self.judge.name:
                return Decimal(str(row["cost_usd"])), row["unknown"]
        return Decimal(0), 0

    def ask(self, unit: Unit) -> Said:
        """Put one unit to the judge, in both orders where there are two answers."""
        rewards: list[float] = []
        reasons: list[str] = []
        costs: list[Decimal | None] = []
        for shown in (unit.shown, unit.shown.turned)[: unit.calls]:
            try:
                answer = self._models.complete(
                    self.judge.model, messages(self.judge, shown), {"temperature": 0, "max_tokens": self._limit}
                )
            except ProviderError as error:
                if error.maybe_billed and not is_free(self.prices.price(self.judge.model)):
                    costs.append(None)
                return Said(None, False, (str(error),), tuple(costs), error)
            charge = self.prices.charge(self.judge.model, answer.usage)
            free = is_free(charge.price)
            costs.append(None if answer.unpriced_retries and not free else charge.cost_usd)
            try:
                reward, why = read(self.judge.how, answer.text)
            except (ValueError, RecursionError) as error:
                reasons.append(str(error))
                continue
            rewards.append(reward)
            reasons.append(why)
        if len(rewards) < unit.calls:
            return Said(None, False, tuple(reasons), tuple(costs))
        reward, swapped = of_both_orders(*rewards) if unit.second is not None else (rewards[0], False)
        return Said(reward, swapped, tuple(reasons), tuple(costs))

    def most_usd(self, unit: Unit) -> Decimal | None:
        """What asking about it may cost at most, every try being billed; None where the price is unknown."""
        one = bound_usd(messages(self.judge, unit.shown), self.judge.model, self._limit, self.prices)
        return None if one is None else one * unit.calls * (1 + self._settings.calls.max_retries)

    def records(self, unit: Unit, said: Said) -> list[OutcomeRecord]:
        """What is stored of a unit: a word on each answer, the cost of each call on one of them."""
        kept = self._settings.privacy.keep_texts == "full"
        chips = [ORDER_SWAP] if said.swapped else []
        if self.for_people(unit.prompt_id):
            chips.append(FOR_PEOPLE)
        answers = [unit.first] if unit.second is None else [unit.first, unit.second]
        found = []
        for place, one in enumerate(answers):
            reward = said.reward if place == 0 or said.reward is None else 1.0 - said.reward
            other = next((answer.id for answer in answers if answer is not one), None)
            found.append(
                OutcomeRecord(
                    id=new_id(),
                    completion_id=one.id,
                    source="judge",
                    reward=reward,
                    created_at=now(),
                    chips=tuple(chips),
                    comment=said.reasons[place][:2_000] if kept and place < len(said.reasons) else "",
                    blinded=True,
                    who=self.judge.name,
                    asked=self.people,
                    cost_usd=said.costs[place] if place < len(said.costs) else Decimal(0),
                    compared=other,
                )
            )
        return found

    def for_people(self, prompt_id: str) -> bool:
        """Whether the prompt is one of those that people are asked about, too: always the same ones."""
        return uniform(_DRAW, prompt_id) < self.people

    def largest_usd(self) -> Decimal | None:
        """The most that a unit may cost, of the first that there are."""
        found = [self.most_usd(unit) for _, unit in zip(range(_PAGE), self.units(), strict=False)]
        known = [one for one in found if one is not None]
        return max(known, default=None)

    def units(self, tally: _Tally | None = None) -> Iterator[Unit]:
        """What has no verdict of this judge yet, newest first."""
        tally = tally or _Tally()
        said = self.store.rows("judgements", {"goal": self.goal})
        done = {
            (row["completion_id"], row["compared"])
            for row in said
            if row["who"] == self.judge.name and row["judge"] is not None
        }
        seen = 0
        for found in self._prompts():
            units = self._of(found)
            if units is None:
                tally.without_texts += 1
                continue
            for unit in units:
                if (unit.first.id, unit.second and unit.second.id) in done:
                    tally.done += 1
                else:
                    yield unit
            seen += bool(units)
            if self._most is not None and seen >= self._most:
                return

    def _prompts(self) -> Iterator[Comparison]:
        since = now()  # prompts that come meanwhile would move the pages
        offset = 0
        while page := self.store.find(Search(goal=self.goal, until=since), _PAGE, offset):
            yield from page
            offset += len(page)

    def _of(self, found: Comparison) -> list[Unit] | None:
        """The units of a prompt; None where its texts were not kept."""
        answers: dict[str, Completion] = {}
        for one in found.completions:
            if one.error is None and one.arm in self.arms:
                answers.setdefault(one.arm, one)
        chosen = [answers[arm] for arm in self.arms if arm in answers]
        if not chosen or (self.judge.how == "pairs" and len(chosen) < 2):
            return []
        if found.prompt.messages is None or any(one.text is None for one in chosen):
            return None
        request = _request(found.prompt.messages)
        reference = found.prompt.metadata.get(REFERENCE, "")
        texts = [one.text or "" for one in chosen]
        if self.judge.how == "pairs":
            return [Unit(found.prompt.id, Shown(request, texts[0], texts[1], reference), chosen[0], chosen[1])]
        return [
            Unit(found.prompt.id, Shown(request, text, None, reference), one)
            for one, text in zip(chosen, texts, strict=True)
        ]


@dataclass(slots=True)
class _Tally:
    done: int = 0
    without_texts: int = 0


def _request(said: Sequence[object]) -> str:
    """A conversation as a judge reads it; a single message is its text."""
    texts = [(str(one.get("role")), message_text(one)) for one in said if isinstance(one, dict)]
    if len(texts) == 1:
        return texts[0][1]
    return "\n\n".join(f"{role}: {text}" for role, text in texts)
