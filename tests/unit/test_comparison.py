"""The playground's job: every router decides on one prompt, each distinct model is called once, people rate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from router_core.errors import ProviderError, SettingsError, UnknownArmError, UnknownRequestError
from router_core.models.calls import Models
from router_core.sampling import draw
from router_core.serving.playground import Plan, Playground
from router_core.settings import ArmSettings, GoalSettings, ProviderSettings, Settings
from router_core.store.base import Comparison, Store
from router_core.types import Outcome, Posterior
from tests.servers import ChatServer, Reply, Request, answered, chat_server, refused, usual

CHEAP, MIDDLE, STRONG = "openai/gpt-4o-mini", "openai/gpt-4.1", "openai/gpt-4o"
SIMPLE = [{"role": "user", "content": "Classify this message, yes or no: is this spam?"}]
NAMES = ("heuristic", "classifier", "thompson", "contextual", "by-task")


@pytest.fixture
def server() -> Iterator[ChatServer]:
    """A server whose classifier calls every prompt complex, so that it disagrees with the rules on simple ones."""
    with chat_server() as running:
        running.usual = judging("COMPLEX")
        yield running


Make = Callable[..., Playground]


@pytest.fixture
def make(server: ChatServer, store: Store) -> Iterator[Make]:
    """Makes a playground of some models over the server and the store."""
    opened: list[Models] = []

    def playground(*arms: str, weights: tuple[float, ...] = ()) -> Playground:
        chosen = arms or (CHEAP, STRONG)
        shares = weights or (1.0,) * len(chosen)
        goal = GoalSettings(
            arms=tuple(ArmSettings(model=m, weight=w) for m, w in zip(chosen, shares, strict=True)), exploration=0
        )
        settings = Settings(
            providers={"openai": ProviderSettings(base_url=server.base_url)},
            calls={"max_retries": 0},
            goals={"default": goal},
        )
        opened.append(Models(settings, environ={"OPENAI_API_KEY": "sk-test-0123456789"}))
        return Playground(settings, store, opened[-1])

    yield playground
    for models in opened:
        models.close()


def judging(label: str) -> Callable[[Request], Reply]:
    """A server's replies, with a classifier that always says the same."""

    def reply(request: Request) -> Reply:
        if "response_format" in request.body:
            return answered(f'{{"complexity": "{label}", "reason": "because"}}')
        return usual(request)

    return reply


def run(playground: Playground, plan: Plan) -> None:
    """Make every planned call."""
    for call in plan.calls:
        list(playground.stream(plan.prompt, plan.messages, call))


def stored(store: Store, plan: Plan) -> Comparison:
    """What is known of a plan's prompt."""
    found = store.comparison(plan.prompt.id)
    assert found is not None
    return found


def answers_asked(server: ChatServer) -> list[str]:
    """The models that were asked for an answer, in order."""
    return [request.body["model"] for request in server.requests if "response_format" not in request.body]


def test_each_distinct_model_is_called_once(make: Make, server: ChatServer, store: Store) -> None:
    """All routers want the strong model: one call, one answer, four decisions that name it."""
    playground = make(weights=(0.0, 1.0))
    plan = playground.compare([{"role": "user", "content": "Compare and analyze these. " * 40}], "default")
    run(playground, plan)
    (call,) = plan.calls
    assert (call.arm.id, call.chosen_by) == (STRONG, NAMES)
    assert answers_asked(server) == ["gpt-4o"]
    found = stored(store, plan)
    assert [decision.policy for decision in found.decisions] == list(NAMES)
    assert {decision.completion_id for decision in found.decisions} == {found.completions[0].id}
    assert len(found.completions) == 1
    playground.rate(call.completion_id, Outcome.SUCCESS)
    assert playground.posteriors("default")[STRONG] == Posterior(2, 1, 1)


def test_routers_that_disagree(make: Make, server: ChatServer, store: Store) -> None:
    """Each chosen model once, cheap to strong, badged with who chose it; decisions can be drawn again."""
    playground = make(weights=(1.0, 0.0))
    plan = playground.compare(
        SIMPLE, "default", task_type="classification", params={"temperature": 0.1}, blind=True
    )
    run(playground, plan)
    assert [(call.arm.id, call.chosen_by) for call in plan.calls] == [
        (CHEAP, ("heuristic", "thompson", "contextual", "by-task")),
        (STRONG, ("classifier",)),
    ]
    assert answers_asked(server) == ["gpt-4o-mini", "gpt-4o"]
    assert server.requests[-1].body["temperature"] == 0.1
    found = stored(store, plan)
    assert (found.prompt.blind, found.prompt.origin, found.prompt.task_type) == (
        True,
        "playground",
        "classification",
    )
    assert found.decisions == plan.decisions
    for decision in found.decisions:
        assert decision.arms[draw(decision.probabilities, decision.seed, decision.id)] == decision.chosen


def test_run_all_forces_the_models_that_nobody_chose(make: Make, server: ChatServer, store: Store) -> None:
    """Every model answers once; what nobody chose is logged as forced, of probability 1."""
    playground = make(CHEAP, MIDDLE, STRONG, weights=(1.0, 0.0, 0.0))
    plan = playground.compare(SIMPLE, "default", task_type="classification", run_all=True)
    run(playground, plan)
    assert answers_asked(server) == ["gpt-4o-mini", "gpt-4.1", "gpt-4o"]
    assert plan.calls[1].chosen_by == ()
    found = stored(store, plan)
    assert found.prompt.run_all
    forced = found.decisions[-1]
    assert (forced.origin, forced.chosen, forced.propensity) == ("forced", MIDDLE, 1.0)
    assert len(found.decisions) == 6


def test_asking_again(make: Make, server: ChatServer, store: Store) -> None:
    """Another answer of the same model: both are kept, and the last is the one shown."""
    playground = make()
    plan = playground.compare(SIMPLE, "default")
    run(playground, plan)
    call = playground.again(plan.prompt, plan.messages, STRONG, "a person asked again")
    list(playground.stream(plan.prompt, plan.messages, call))
    found = stored(store, plan)
    assert len(found.completions) == len(plan.calls) + 1
    assert found.decisions[-1].reason.summary == "a person asked again"
    shown = {one.arm.id: one.completion_id for one in playground.calls_of(found)}
    assert shown[STRONG] == call.completion_id
    with pytest.raises(UnknownArmError, match="'openai/gone' is not a model of goal 'default'"):
        playground.again(plan.prompt, plan.messages, "openai/gone", "why not")


def test_the_calls_of_a_stored_comparison(make: Make, store: Store) -> None:
    """Read back from the store they are those that were planned; a model no longer set up stands last."""
    playground = make()
    plan = playground.compare(SIMPLE, "default", run_all=True)
    assert playground.calls_of(stored(store, plan)) == plan.calls
    later = make(STRONG, MIDDLE)
    calls = later.calls_of(stored(store, plan))
    assert [(call.arm.id, call.arm.model) for call in calls] == [(STRONG, STRONG), (CHEAP, CHEAP)]
    assert {call.completion_id for call in calls} == {call.completion_id for call in plan.calls}
    with pytest.raises(UnknownArmError, match="not a model of goal 'default'"):
        later.again(plan.prompt, plan.messages, CHEAP, "asked again")


def test_rating_changing_and_undoing(make: Make, store: Store) -> None:
    """A thumb moves the posterior, another replaces it, None takes it back; chips and blindness are recorded."""
    playground = make()
    plan = playground.compare(SIMPLE, "default", blind=True)
    run(playground, plan)
    call = plan.calls[0]
    steps: list[tuple[Outcome | None, Posterior]] = [
        (Outcome.SUCCESS, Posterior(2, 1, 1)),
        (Outcome.FAILURE, Posterior(1, 2, 1)),
        (None, Posterior(1, 1, 0)),
        (Outcome.SUCCESS, Posterior(2, 1, 1)),
    ]
    for outcome, expected in steps:
        playground.rate(call.completion_id, outcome, chips=["too long"], comment="hm", blinded=True)
        assert playground.posteriors("default")[call.arm.id] == expected
    (current,) = stored(store, plan).outcomes
    assert (current.source, current.chips, current.comment, current.blinded) == (
        "thumb",
        ("too long",),
        "hm",
        True,
    )
    assert len(store.outcome_history(call.completion_id)) == 4


def test_rating_an_answer_that_never_was(make: Make) -> None:
    """Refused with a sentence."""
    with pytest.raises(UnknownRequestError, match="was never made"):
        make().rate("00000000-0000-0000-0000-000000000000", Outcome.SUCCESS)


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (refused(500, "oops"), "oops"),
        (answered("I would rather not say."), "holds no complexity label"),
        (answered('{"complexity": "MEDIUM"}'), "the label must be SIMPLE or COMPLEX"),
        (answered(""), "answered nothing"),
    ],
)
def test_a_classifier_that_fails(make: Make, server: ChatServer, store: Store, reply: Reply, said: str) -> None:
    """The rules decide in its place, with a reason in the log; the other routers are not touched."""
    server.usual = lambda request: reply if "response_format" in request.body else usual(request)
    plan = make().compare(SIMPLE, "default", task_type="classification")
    decisions = {decision.policy: decision for decision in stored(store, plan).decisions}
    failed = decisions["classifier"]
    assert failed.fallback is not None
    assert said in failed.fallback
    assert failed.chosen == decisions["heuristic"].chosen == CHEAP
    assert failed.reason.summary.startswith("Classifier failed, rules decided. ")
    assert decisions["heuristic"].fallback is None
    assert decisions["thompson"].fallback is None


def test_a_remembered_verdict_costs_nothing(make: Make, server: ChatServer, store: Store) -> None:
    """The same prompt again: the classifier is not asked twice, and the log says so."""
    playground = make()
    plans = [playground.compare(SIMPLE, "default") for _ in range(2)]
    costs = [
        (d.cached, d.decision_cost_usd) for p in plans for d in stored(store, p).decisions if d.policy == NAMES[1]
    ]
    assert [cached for cached, _ in costs] == [False, True]
    assert costs[0][1] is not None
    assert costs[0][1] > 0
    assert costs[1][1] == 0
    assert len(server.requests) == 1


def test_one_failing_model_does_not_block_the_others(make: Make, server: ChatServer, store: Store) -> None:
    """Its failure is stored; the other answers."""

    def reply(request: Request) -> Reply:
        return refused(500, "oops") if request.body["model"] == "gpt-4o" else judging("SIMPLE")(request)

    server.usual = reply
    playground = make()
    plan = playground.compare(SIMPLE, "default", run_all=True)
    cheap, strong = plan.calls
    with pytest.raises(ProviderError, match="oops"):
        playground.stream(plan.prompt, plan.messages, strong)
    list(playground.stream(plan.prompt, plan.messages, cheap))
    answers = {one.arm: one for one in stored(store, plan).completions}
    assert answers[STRONG].error is not None
    assert answers[CHEAP].error is None


def test_the_chances_move_with_the_evidence(make: Make) -> None:
    """Good ratings raise a model's chance; looking stores nothing."""
    playground = make()
    plan = playground.compare(SIMPLE, "default", run_all=True)
    before = playground.chances(SIMPLE, "default")
    assert sum(before.values()) == pytest.approx(1.0)
    playground.rate(plan.calls[1].completion_id, Outcome.SUCCESS)
    playground.rate(plan.calls[0].completion_id, Outcome.FAILURE)
    assert playground.chances(SIMPLE, "default")[STRONG] > before[STRONG]
    assert len(playground.store.recent_prompts(10)) == 1


def test_an_unknown_goal(make: Make) -> None:
    """The known ones are listed; nothing is stored."""
    playground = make()
    messages: Any = SIMPLE
    with pytest.raises(SettingsError, match="goal 'nobody' is not set up"):
        playground.compare(messages, "nobody")
    assert playground.store.recent_prompts(1) == []
