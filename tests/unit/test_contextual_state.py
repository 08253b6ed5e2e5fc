"""All that was learned in a goal: a fold, shared priors, and that it survives being written down."""

from __future__ import annotations

import json
from functools import reduce
from typing import Any

import numpy as np
import pytest

from router_core.errors import SettingsError
from router_core.learning.contextual.gain import GainScore
from router_core.learning.contextual.logistic import fit, update
from router_core.learning.contextual.state import ContextualState, learn, weak_prior, with_shared_priors
from router_core.learning.contextual.training import Lesson, train
from router_core.learning.contextual.vector import SIZE

Event = tuple[str, np.ndarray, float]


def events(count: int, seed: int = 0, arms: tuple[str, ...] = ("p/a", "p/b")) -> list[Event]:
    """Outcomes of prompts of which the first number decides."""
    rng = np.random.default_rng(seed)
    found = []
    for index in range(count):
        x = rng.normal(size=SIZE) / 2
        x[0] = 1.0
        found.append((arms[index % len(arms)], x, float(rng.random() < 1 / (1 + np.exp(-1 - 2 * x[1])))))
    return found


def folded(told: list[Event], start: ContextualState | None = None) -> ContextualState:
    """The state after all of them."""
    return reduce(lambda state, event: learn(state, *event), told, start or ContextualState())


def a_gain() -> GainScore:
    """Learned from two texts."""
    lessons = [Lesson("easy one", {"p/a": 1.0, "p/b": 1.0}), Lesson("hard one", {"p/a": 0.0, "p/b": 1.0})]
    return train(lessons, ("p/a", "p/b")).score


def test_learning_is_a_fold() -> None:
    """Each arm by its own outcomes, one after the other; the state before is left as it was."""
    told = events(40)
    before = ContextualState()
    after = folded(told, before)
    belief = weak_prior()
    for arm, x, reward in told:
        if arm == "p/a":
            belief = update(belief, x, reward)
    assert np.array_equal(after.arms["p/a"].belief.mean, belief.mean)
    assert (after.outcomes, after.arms["p/a"].belief.observations) == (40, 20)
    assert (before.outcomes, dict(before.arms)) == (0, {})


def test_in_two_parts_or_in_one() -> None:
    """A fold may be interrupted, written down, read and continued: the same numbers to the bit."""
    told = events(30)
    half = ContextualState.from_document(json.loads(json.dumps(folded(told[:15]).document())))
    assert folded(told[15:], half).document() == folded(told).document()


def test_one_by_one_comes_close_to_all_at_once() -> None:
    """Within two thirds of a deviation of the mode of the same outcomes (the mean lies further out)."""
    told = events(600, arms=("p/a",))
    found = folded(told).arms["p/a"].belief
    whole = fit(weak_prior(), np.array([x for _, x, _ in told]), np.array([r for _, _, r in told]))
    assert np.abs((found.mean - whole.mean) / np.sqrt(np.diag(whole.covariance))).max() < 0.67


def test_an_unknown_arm_has_the_weak_prior() -> None:
    assert np.array_equal(ContextualState().learned("p/new").belief.covariance, weak_prior().covariance)


def test_a_new_goal_starts_sensible() -> None:
    """A third goal begins where two have learned; it knows less than they do, and more than nothing."""
    goals = [folded(events(800, seed)) for seed in (1, 2)]
    fresh = with_shared_priors(ContextualState(), goals)
    assert set(fresh.arms) == {"p/a", "p/b"}
    assert fresh.outcomes == 0
    belief = fresh.learned("p/a").belief
    assert belief.mean[1] > 0.5  # the number that decides; nobody told this goal
    theirs, nothing = goals[0].arms["p/a"].belief.covariance, weak_prior().covariance
    assert np.all(np.diag(belief.covariance) > np.diag(theirs))
    assert np.all(np.diag(belief.covariance) <= np.diag(nothing) + 1e-12)


def test_renewing_priors_keeps_the_goals_own_outcomes() -> None:
    """Its own word outweighs the others' in time; again with nobody else, it is what it was."""
    own, other = folded(events(400, 1)), folded([(arm, x, 1.0 - reward) for arm, x, reward in events(50, 2)])
    renewed = with_shared_priors(own, [other])
    assert renewed.outcomes == own.outcomes
    assert renewed.arms["p/a"].belief.observations == own.arms["p/a"].belief.observations
    moved = renewed.arms["p/a"].belief.mean - own.arms["p/a"].belief.mean
    assert 0 < np.abs(moved[1]) < 0.3
    back = with_shared_priors(renewed, [])
    assert back.arms["p/a"].belief.mean == pytest.approx(own.arms["p/a"].belief.mean, abs=1e-8)


@pytest.mark.parametrize("with_gain", [False, True])
def test_written_down_and_read_again(with_gain: bool) -> None:
    """To the bit, through JSON."""
    state = folded(events(25), ContextualState(gain=a_gain() if with_gain else None))
    again = ContextualState.from_document(json.loads(json.dumps(state.document())))
    assert again.document() == state.document()
    for arm in state.arms:
        assert np.array_equal(again.arms[arm].belief.mean, state.arms[arm].belief.mean)
        assert np.array_equal(again.arms[arm].belief.covariance, state.arms[arm].belief.covariance)
    assert (again.gain is not None) is with_gain


def test_the_same_text_whichever_model_was_rated_first() -> None:
    """Exports of the same outcomes do not differ by who came first."""
    first, second = [event for event in events(25) if event[0] == "p/a"], [e for e in events(25) if e[0] != "p/a"]
    assert first
    assert second
    told = [json.dumps(folded(order).document()) for order in (first + second, second + first)]
    assert told[0] == told[1]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": 2}, r"format and features \(2, 1\); this version reads \(1, 1\): let it learn anew"),
        ({"features": 0}, "let it learn anew"),
        ({"arms": None}, "cannot be read"),
        ({"outcomes": "many"}, "cannot be read"),
        ({"gain": {"format": 0}}, "gain score has format 0"),
    ],
)
def test_what_cannot_be_read(change: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        ContextualState.from_document(folded(events(2)).document() | change)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("mean", [0.0], "1 coefficients instead of 20"),
        ("mean", [float("nan"), *[0.0] * (SIZE - 1)], "not finite"),
        ("covariance", [float("inf"), *[0.0] * (SIZE * (SIZE + 1) // 2 - 1)], "not finite"),
        ("covariance", [0.0] * (SIZE * (SIZE + 1) // 2), "not positive"),
        ("covariance", [1.0], "cannot be read"),
    ],
)
def test_beliefs_that_are_none(name: str, value: list[float], said: str) -> None:
    """A damaged file never becomes a decision."""
    document = folded(events(2)).document()
    document["arms"]["p/a"]["belief"][name] = value
    with pytest.raises(SettingsError, match=said):
        ContextualState.from_document(document)
