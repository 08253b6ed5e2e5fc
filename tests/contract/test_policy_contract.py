"""What every registered policy must do, whatever its idea."""

from __future__ import annotations

import sys
import time
from decimal import Decimal

import pytest

from router_core.errors import NoEligibleArmError
from router_core.policies import build_policies
from router_core.policies.asking import Asking, VerdictCache
from router_core.policies.base import Answer, Known
from router_core.registry import POLICIES
from router_core.sampling import draw
from router_core.settings import ContextualSettings, Settings
from router_core.validation import validated
from tests.builders import CHEAP, STRONG, Deciding, FakeAsk, a_candidate, a_context, some_candidates


def built(name: str, **changes: object) -> Deciding:
    """One policy under the default settings, or changed ones, and a classifier that answers."""
    settings = validated(Settings, {**Settings().model_dump(), **changes})
    policy = build_policies(settings, "default")[name]
    return Deciding(policy, Asking(settings.classifier, FakeAsk(), VerdictCache(10)))


ASKS_ALWAYS = Settings(contextual=ContextualSettings(ask_classifier="always"))
LISTENERS: list[list[str]] = []
LOUD = ("open", "socket.", "subprocess.", "os.", "_thread.", "duckdb", "sqlite3.", "http.")


def listen(event: str, args: tuple[object, ...]) -> None:
    """Tell every listener of an event that reaches out of the process or into a file."""
    for heard in LISTENERS:
        if event.startswith(LOUD):
            heard.append(event)


sys.addaudithook(listen)


def forbidden(*args: object) -> float:
    """A clock that must not be read."""
    raise AssertionError("a policy read the clock")


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("name", POLICIES)
class TestEveryPolicy:
    """Each policy, with one, two and five arms."""

    def test_gives_a_distribution(self, name: str, count: int) -> None:
        """One probability per arm, in [0, 1], summing to 1."""
        answer = built(name).probabilities(a_context(), some_candidates(count))
        assert len(answer.probabilities) == count
        assert all(0 <= p <= 1 for p in answer.probabilities)
        assert sum(answer.probabilities) == pytest.approx(1.0, abs=1e-12)

    def test_says_the_same_twice(self, name: str, count: int) -> None:
        """Same question, same answer, same draw."""
        policy, candidates = built(name), some_candidates(count)
        first = policy.probabilities(a_context(), candidates).probabilities
        assert policy.probabilities(a_context(), candidates).probabilities == first
        assert built(name).probabilities(a_context(), candidates).probabilities == first
        assert draw(first, 1, "id") == draw(first, 1, "id")

    def test_explains_itself(self, name: str, count: int) -> None:
        """A sentence, and lines behind it."""
        reason = built(name).probabilities(a_context(), some_candidates(count)).reason
        assert reason.summary
        assert reason.lines
        assert all(line.text for line in reason.lines)


@pytest.mark.parametrize("name", POLICIES)
class TestTwoPhases:
    """What a policy wants to know it says; it does not fetch it."""

    def test_what_it_wants_follows_the_registry(self, name: str) -> None:
        """Only one that may ask the classifier ever wants something."""
        policy = build_policies(ASKS_ALWAYS, "default")[name]
        wanted = policy.wants(a_context(), Known(some_candidates(2)))
        assert (wanted is not None) == POLICIES[name].asks_classifier

    def test_both_phases_touch_nothing(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """No file, no connection, no thread, no clock: an audit hook hears of all of them, a patch of the last."""
        policy, known = build_policies(ASKS_ALWAYS, "default")[name], Known(some_candidates(2))
        policy.probabilities(a_context(), known)  # what is imported late is there
        for clock in ("time", "perf_counter", "monotonic", "sleep"):
            monkeypatch.setattr(time, clock, forbidden)
        heard: list[str] = []
        LISTENERS.append(heard)
        try:
            policy.wants(a_context("another prompt"), known)
            policy.probabilities(a_context("another prompt"), known).reason  # noqa: B018
        finally:
            LISTENERS.remove(heard)
        assert heard == []

    def test_without_an_answer_it_decides_all_the_same(self, name: str) -> None:
        """Whoever replays a log asks nobody."""
        policy = build_policies(ASKS_ALWAYS, "default")[name]
        given = policy.probabilities(a_context(), Known(some_candidates(2)))
        assert sum(given.probabilities) == pytest.approx(1.0)
        assert given.cost_usd == 0

    def test_a_failed_call_decides_all_the_same(self, name: str) -> None:
        """Its cost and its wait are part of the decision, where it was wanted."""
        policy = build_policies(ASKS_ALWAYS, "default")[name]
        answer = Answer(None, Decimal("0.01"), 20.0, "it failed")
        given = policy.probabilities(a_context(), Known(some_candidates(2)), answer)
        assert sum(given.probabilities) == pytest.approx(1.0)
        asks = POLICIES[name].asks_classifier
        assert (given.cost_usd, given.latency_ms) == ((Decimal("0.01"), 20.0) if asks else (0, 0.0))


@pytest.mark.parametrize("name", POLICIES)
class TestEdges:
    """Each policy, where the arms are not as it expects."""

    def test_refuses_to_choose_from_nothing(self, name: str) -> None:
        """No arm is an error that names the goal."""
        with pytest.raises(NoEligibleArmError, match="default"):
            built(name).probabilities(a_context(), [])

    def test_works_without_its_usual_arms(self, name: str) -> None:
        """Where the arm that it wants is not there, it chooses among the others."""
        others = [a_candidate("p/one"), a_candidate("p/two")]
        assert sum(built(name).probabilities(a_context(), others).probabilities) == pytest.approx(1.0)

    def test_works_without_prices(self, name: str) -> None:
        """Unknown prices are no obstacle."""
        unknown = [a_candidate(CHEAP, cost_usd=None), a_candidate(STRONG, cost_usd=None)]
        assert sum(built(name).probabilities(a_context(), unknown).probabilities) == pytest.approx(1.0)

    def test_is_registered_under_its_name(self, name: str) -> None:
        """The table's name is the policy's own."""
        assert built(name).name == name

    def test_version_is_that_of_its_settings(self, name: str) -> None:
        """Equal settings, equal version; a setting that is not the policy's changes nothing."""
        assert built(name).version == built(name).version
        assert built(name).version == built(name, calls={"deadline_s": 5}).version


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("heuristic", {"heuristic": {"threshold": 2}}),
        ("heuristic", {"heuristic": {"brief_keywords": ("tag",)}}),
        ("classifier", {"classifier": {"prompt": "Say SIMPLE or COMPLEX."}}),
        ("classifier", {"heuristic": {"threshold": 2}}),
        ("thompson", {"goals": {"default": {"success_value_usd": 1.0}}}),
        ("thompson", {"goals": {"default": {"exploration": 0.1}}}),
    ],
)
def test_version_changes_with_the_settings(name: str, change: dict[str, object]) -> None:
    """A setting that can change an answer changes the version."""
    assert built(name).version != built(name, **change).version


@pytest.mark.parametrize(
    ("name", "change"),
    [("heuristic", {"heuristic": {"exploration": 0.1}}), ("classifier", {"classifier": {"exploration": 0.1}})],
)
def test_exploration_reaches_every_arm(name: str, change: dict[str, object]) -> None:
    """With exploration mixed in, every arm has its part and the reason says so."""
    answer = built(name, **change).probabilities(a_context(), some_candidates(5))
    assert min(answer.probabilities) == pytest.approx(0.02)
    assert "explores" in answer.reason.summary
