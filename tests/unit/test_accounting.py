"""What a visit cost, worked by hand."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from decimal import Decimal

import pytest

from router_core.errors import ProviderError
from router_core.models.calls import Models
from router_core.serving.accounting import RouterMoney
from router_core.serving.playground import Playground
from router_core.settings import (
    ArmSettings,
    CallSettings,
    ClassifierSettings,
    GoalSettings,
    Settings,
    SimulationSettings,
)
from router_core.store import open_store
from router_core.store.base import Comparison
from router_core.types import Message

SETTINGS = Settings(simulation=SimulationSettings(latency_scale=0))
MESSAGES: tuple[Message, ...] = ({"role": "user", "content": "Is this spam? You won a prize."},)


def compared(playground: Playground, run_all: bool, prompt: str = "") -> Comparison:
    """One prompt, answered by every planned model."""
    messages = ({"role": "user", "content": prompt},) if prompt else MESSAGES
    plan = playground.compare(messages, "default", task_type="classification", run_all=run_all)
    for call in plan.calls:
        with suppress(ProviderError):
            for _ in playground.stream(plan.prompt, plan.messages, call):
                pass
    return _stored(playground, plan.prompt.id)


def _stored(playground: Playground, prompt_id: str) -> Comparison:
    found = playground.store.comparison(prompt_id)
    assert found is not None
    return found


def a_playground(settings: Settings = SETTINGS) -> Playground:
    """Simulated models over a store in memory."""
    return Playground(settings, open_store(":memory:", kind="simulated"), Models(settings, simulated=True))


def with_models(*models: str) -> Settings:
    """Settings with these models, cheap to strong."""
    arms = tuple(ArmSettings(model=model) for model in models)
    return Settings(
        simulation=SimulationSettings(latency_scale=0),
        calls=CallSettings(max_retries=0),
        goals={"default": GoalSettings(arms=arms)},
    )


def test_spend_is_answers_and_deciding() -> None:
    """Everything that was called is spend, the classifier's call too."""
    playground = a_playground()
    one = compared(playground, run_all=True)
    answers = sum((c.cost_usd or Decimal(0) for c in one.completions), Decimal(0))
    deciding = sum((d.decision_cost_usd or Decimal(0) for d in one.decisions), Decimal(0))
    result = playground.tally([one])
    assert deciding > 0
    assert result.spent_usd == answers + deciding
    assert result.deciding_usd == deciding
    assert not result.estimated
    strong = next(c for c in one.completions if c.arm == "openai/gpt-4o")
    assert result.strong_usd == strong.cost_usd
    assert result.saved_usd == strong.cost_usd - result.spent_usd


def test_each_router_pays_for_itself() -> None:
    """A router's money is its answer and its own deciding, against the strong model on the same prompt."""
    playground = a_playground()
    one = compared(playground, run_all=True)
    result = playground.tally([one])
    answers = {c.id: c.cost_usd for c in one.completions}
    for decision in one.decisions:
        if decision.origin == "forced":
            continue
        cost, own = answers[decision.completion_id], decision.decision_cost_usd
        assert cost is not None
        assert own is not None
        assert result.routers[decision.policy].spent_usd == cost + own
        alone = result.routers[decision.policy]
        assert alone.strong_usd == result.strong_usd
        assert alone.saved_usd == result.strong_usd - (cost + own)


def test_a_model_that_was_not_asked_is_estimated() -> None:
    """Where the strong model did not answer, its cost is an estimate and says so."""
    playground = a_playground()
    asked: list[Comparison] = []
    while not asked:  # until no router drew the strong model
        one = compared(playground, run_all=False, prompt=f"Classify: spam? {playground.store.recent_prompts(1)}")
        if all(c.arm != "openai/gpt-4o" for c in one.completions):
            asked.append(one)
    result = playground.tally(asked)
    usage = asked[0].completions[0].usage
    assert usage is not None
    assert result.estimated
    assert result.strong_usd == (usage.input_tokens * Decimal("2.5") + usage.output_tokens * 10) / 1_000_000


@pytest.mark.parametrize(
    "models", [("openai/nobody-knows", "openai/gpt-4o"), ("openai/gpt-4o-mini", "openai/nobody-knows")]
)
def test_nothing_is_saved_where_a_price_is_unknown(models: tuple[str, str]) -> None:
    """Neither an answer without a price nor a strongest model without one counts as zero: the saving is unknown.
    A second prompt of which everything is known is compared alone.
    """  # fmt: skip
    playground = a_playground(with_models(*models))
    unpriced = compared(playground, run_all=True)
    alone = playground.tally([unpriced])
    assert alone.spent_usd > 0
    assert (alone.prompts, alone.compared, alone.unknown, alone.saved_usd) == (1, 0, 1, None)
    other = a_playground()
    priced = compared(other, run_all=True)
    both = other.tally([unpriced, priced])
    assert both.saved_usd == other.tally([priced]).saved_usd
    assert both.spent_usd == alone.spent_usd + other.tally([priced]).spent_usd


def test_a_failed_call_saves_nothing() -> None:
    """The strong model failed: it is not a yardstick, and the routers that chose it saved nothing."""
    playground = a_playground(with_models("openai/gpt-4o-mini", "openai/gpt-4o"))
    one = compared(playground, run_all=True, prompt="Compare and explain why: simulate:500@gpt-4o please")
    result = playground.tally([one])
    assert (result.prompts, result.compared, result.saved_usd, result.routers) == (1, 0, None, {})


def test_a_router_whose_model_failed_is_left_out() -> None:
    """The cheap model failed: who chose it has no answer to pay for, the others are counted as ever."""
    playground = a_playground(with_models("openai/gpt-4o-mini", "openai/gpt-4o"))
    long = "Compare and explain why: simulate:500@gpt-4o-mini please. " + "word " * 120  # complex to the rules
    one = compared(playground, run_all=True, prompt=long)
    answered = {d.policy for d in one.decisions if d.chosen == "openai/gpt-4o" and d.origin != "forced"}
    result = playground.tally([one])
    assert "heuristic" in answered
    assert set(result.routers) == answered
    (strong,) = [c.cost_usd for c in one.completions if c.error is None]
    assert strong is not None
    assert result.routers["heuristic"] == RouterMoney(1, strong, strong, estimated=False)


def test_a_router_is_not_counted_without_its_answer_or_the_price_of_deciding() -> None:
    """Stopped before the cheap model answered, the routers that chose it have spent nothing that compares; nor has
    one whose deciding has no known price. The others are counted as ever.
    """  # fmt: skip
    settings = with_models("openai/gpt-4o-mini", "openai/gpt-4o")
    playground = a_playground(
        settings.model_copy(update={"classifier": ClassifierSettings(model="openai/nobody-knows")})
    )
    plan = playground.compare(MESSAGES, "default", task_type="classification", run_all=True)
    assert playground.tally([_stored(playground, plan.prompt.id)]).saved_usd is None  # nothing has answered yet
    (strong,) = [call for call in plan.calls if call.arm.id == "openai/gpt-4o"]
    for _ in playground.stream(plan.prompt, plan.messages, strong):
        pass
    one = _stored(playground, plan.prompt.id)
    priced = {d.policy for d in one.decisions if d.decision_cost_usd is not None and d.origin != "forced"}
    waiting = {d.policy for d in one.decisions if d.chosen != "openai/gpt-4o"}
    result = playground.tally([one])
    assert "classifier" not in priced
    assert "heuristic" in waiting
    assert set(result.routers) == priced - waiting
    assert (result.compared, result.saved_usd) == (0, None)


def test_an_answer_that_broke_off_is_no_yardstick() -> None:
    """What the strong model was paid for half an answer is spend, but not what answering would have cost."""
    playground = a_playground()
    one = compared(playground, run_all=True)
    broken = tuple(replace(c, error="broke off") if c.arm == "openai/gpt-4o" else c for c in one.completions)
    result = playground.tally([replace(one, completions=broken)])
    assert result.spent_usd == playground.tally([one]).spent_usd
    assert (result.compared, result.saved_usd, result.routers) == (0, None, {})
