"""What the learning page tells: it ends where the posteriors are, counts who rated, and lists every change."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from router_core.demo.traffic import generate
from router_core.learning.beta import from_evidence, interval, mean
from router_core.settings import ArmSettings, GoalSettings, Settings
from router_core.store import open_store
from router_core.store.base import Batch, SettingsVersion, Store
from router_core.types import Arm, Candidate, Evidence, OutputTokens, Posterior
from router_core.views.learning import (
    at_worst_by_arm,
    changes,
    chosen_by_others,
    posterior_through_time,
    ratings_by_source,
    split_now,
)
from tests.store_rows import CHEAP, STRONG, a_completion, a_decision, a_prompt, an_outcome, at

WHO: dict[str, Any] = {"at": datetime(2026, 6, 1, tzinfo=UTC), "author": "tester"}
FIRST = Settings().document()


@pytest.fixture
def demo() -> Iterator[Store]:
    """800 simulated requests."""
    store = open_store(":memory:", kind="simulated")
    generate(Settings(), store, 800)
    yield store
    store.close()


def ends_where_it_is(store: Store, goal: GoalSettings) -> None:
    """The last row of each model is its posterior now, to the bit of the counts."""
    table = posterior_through_time(store, "default", goal)
    base, _ = store.learning_base("default")
    evidence = store.evidence("default", goal.teaching_rule())
    assert set(table["arm"]) | set(base) == set(evidence)
    for arm, rows in table.groupby("arm"):
        now = from_evidence(evidence[arm], goal.prior_alpha, goal.prior_beta)
        last = rows.iloc[-1]
        assert last["mean"] == pytest.approx(mean(now), abs=1e-12)
        assert (last["low"], last["high"]) == pytest.approx(interval(now), abs=1e-9)
        assert rows["judged"].sum() + base.get(arm, Evidence()).count == now.observations


@pytest.mark.parametrize("learn_from", ["all", "own"])
@pytest.mark.parametrize("precedence", [("thumb", "api", "condition"), ("api",)])
def test_through_time_ends_at_the_posterior(demo: Store, learn_from: Any, precedence: Any) -> None:
    """Whichever outcomes teach, and whatever the prior."""
    goal = Settings().goal("default").model_copy(
        update={"learn_from": learn_from, "teaching_precedence": precedence, "prior_alpha": 3.0}
    )  # fmt: skip
    ends_where_it_is(demo, goal)


def test_through_time_leaves_out_what_does_not_count(demo: Store) -> None:
    """After a reset, a restore (two spans of the log), an import, and after undoing each."""
    goal = Settings().goal("default")
    demo.snapshot_learning("default", note="kept", **WHO)
    generate(Settings(), demo, 300, seed=2)
    ends_where_it_is(demo, goal)
    demo.reset_learning("default", **WHO)
    assert len(posterior_through_time(demo, "default", goal)) == 0
    generate(Settings(), demo, 200, seed=3)
    ends_where_it_is(demo, goal)
    (kept,) = demo.snapshots("default")
    demo.restore_learning("default", kept.seq, **WHO)
    generate(Settings(), demo, 200, seed=4)
    ends_where_it_is(demo, goal)
    given = {CHEAP: Evidence(100, 90_000_000), STRONG: Evidence(40, 39_000_000)}
    demo.import_learning("default", given, {CHEAP: OutputTokens(1, 10)}, **WHO)
    generate(Settings(), demo, 100, seed=5)
    ends_where_it_is(demo, goal)
    for _ in range(3):
        demo.undo_learning("default", **WHO)
        ends_where_it_is(demo, goal)


def test_through_time_of_nothing() -> None:
    """An empty store, and one without ratings: no rows."""
    store = open_store(":memory:")
    assert len(posterior_through_time(store, "default", Settings().goal("default"))) == 0
    store.write(Batch([a_prompt()], [a_decision()], [a_completion()]))
    assert len(posterior_through_time(store, "default", Settings().goal("default"))) == 0


def test_ratings_by_source() -> None:
    """An answer that two sources rated is one rated answer; withdrawn ratings are none; models in their order."""
    store = open_store(":memory:")
    numbers = range(1, 6)
    store.write(
        Batch(
            [a_prompt(n) for n in numbers],
            [a_decision(n, chosen=STRONG if n == 5 else CHEAP) for n in numbers],
            [a_completion(n, arm=STRONG if n == 5 else CHEAP) for n in numbers],
            [
                an_outcome(1, 1, 1.0, blinded=True),
                an_outcome(2, 1, 0.0, source="api"),
                an_outcome(3, 2, 1.0),
                an_outcome(4, 2, 0.0),
                an_outcome(5, 3, 1.0),
                an_outcome(6, 3, None),
                an_outcome(7, 4, 1.0, source="condition"),
            ],
        )
    )
    table = ratings_by_source(store, "default", [CHEAP, STRONG, "openai/new"])
    assert table.to_dict("list") == {
        "arm": [CHEAP, STRONG, "openai/new"],
        "answers": [4, 1, 0],
        "rated": [3, 0, 0],
        "share": [0.75, 0.0, 0.0],
        "Thumbs, names shown": [1, 0, 0],
        "Thumbs, blind": [1, 0, 0],
        "Reported by code": [1, 0, 0],
        "Success condition": [1, 0, 0],
    }


def test_ratings_of_nobody() -> None:
    """Every model is a row; no column for sources that said nothing."""
    table = ratings_by_source(open_store(":memory:"), "default", [CHEAP, STRONG])
    assert table.columns.tolist() == ["arm", "answers", "rated", "share"]
    assert table["rated"].tolist() == [0, 0]


@pytest.mark.parametrize(("seen", "fading"), [(0, 1.0), (20, 0.5), (180, 0.1)])
def test_the_parts_of_the_split(seen: int, fading: float) -> None:
    """They add up to the policy's own probabilities; starting weights fade, the floor is kept."""
    goal = GoalSettings(
        arms=(ArmSettings(model=CHEAP, weight=0.8), ArmSettings(model=STRONG, weight=0.2)), exploration=0.05
    )
    candidates = (
        Candidate(Arm(CHEAP, CHEAP, weight=0.8), Posterior(1 + seen, 1, seen), 1e-5),
        Candidate(Arm(STRONG, STRONG, weight=0.2), Posterior(1, 1, 0), 1e-4),
    )
    cheap, strong = split_now(goal, candidates)
    assert (cheap.starting, strong.starting) == (pytest.approx(0.8 * fading), pytest.approx(0.2 * fading))
    assert cheap.explored == strong.explored == pytest.approx(0.05 * (1 - fading))
    assert cheap.learned == pytest.approx((1 - fading) * 0.9 * cheap.best, abs=1e-9)
    assert cheap.probability + strong.probability == pytest.approx(1.0)
    assert cheap.best + strong.best == pytest.approx(1.0)


def test_the_split_with_any_weights() -> None:
    """Starting weights need not add up to 1; a floor that does not fit is the same share for all."""
    arms = (ArmSettings(model=CHEAP, weight=3), ArmSettings(model=STRONG, weight=1))
    candidates = tuple(Candidate(one.arm(), Posterior(11, 11, 20), 1e-5) for one in arms)
    goal = GoalSettings(arms=arms, exploration=0.9, starting_strength=20, success_value_usd=0.05)
    parts = split_now(goal, candidates)
    assert [one.starting for one in parts] == pytest.approx([0.75 / 3, 0.25 / 3])
    assert [one.explored for one in parts] == pytest.approx([1 / 3, 1 / 3])
    assert [one.learned for one in parts] == pytest.approx([0.0, 0.0])


@pytest.mark.parametrize("seen", range(100, 1100, 50))
def test_nothing_learned_is_not_less_than_nothing(seen: int) -> None:
    """A model without a chance: what is left of its share after floor and starting weight is 0, not -0.0 %."""
    goal = GoalSettings(arms=(ArmSettings(model=CHEAP, weight=0.8), ArmSettings(model=STRONG, weight=0.2)))
    candidates = (
        Candidate(Arm(CHEAP, CHEAP, weight=0.8), Posterior(1 + seen, 1, seen), 1e-5),
        Candidate(Arm(STRONG, STRONG, weight=0.2), Posterior(1, 1 + seen, seen), 1e-4),
    )
    strong = split_now(goal, candidates)[1]
    assert f"{strong.learned:.1%}" == "0.0%"


def version(second: int, prior: tuple[float, float], note: str = "") -> SettingsVersion:
    """Settings saved then, with this prior."""
    goal = Settings().goal("default").model_copy(update={"prior_alpha": prior[0], "prior_beta": prior[1]})
    document = Settings(goals={"default": goal}).document()
    return SettingsVersion(f"v{second}", at(second), "somebody", note, document)


def test_changes_are_listed_newest_first() -> None:
    """Events of learning and versions that changed the priors, each with what it was; other versions are not."""
    store = open_store(":memory:")
    store.save_settings(version(1, (1.0, 1.0), "something else"))
    store.save_settings(version(2, (4.0, 1.0), "from last year"))
    store.save_settings(version(3, (4.0, 1.0), "a keyword"))
    store.reset_learning("default", at=at(4), author="tester", note="a new model")
    store.save_settings(version(5, (1.0, 1.0)))
    store.reset_learning("other", at=at(6), author="tester")
    found = [(one.kind, one.author, one.note, one.seq is None) for one in changes(store, "default", FIRST)]
    assert found == [
        ("priors", "somebody", "Beta(4, 1) to Beta(1, 1)", True),
        ("reset", "tester", "a new model", False),
        ("priors", "somebody", "Beta(1, 1) to Beta(4, 1), from last year", True),
    ]
    newest = changes(store, "default", FIRST)[0]
    assert (newest.before, newest.after, newest.at) == ((4.0, 1.0), (1.0, 1.0), at(5))


def test_changes_of_a_goal_that_came_later() -> None:
    """A goal that the settings did not have yet had no priors to change."""
    store = open_store(":memory:")
    assert changes(store, "later", FIRST) == []
    goals = {"default": Settings().goal("default"), "later": Settings().goal("default")}
    store.save_settings(SettingsVersion("v1", at(1), "", "", Settings(goals=goals).document()))
    assert changes(store, "later", FIRST) == []
    assert changes(store, "default", FIRST) == []


def test_the_worst_that_the_unrated_may_hide(demo: Store) -> None:
    """Share good of the rated times the part rated, and with all the rest; nothing where nearly all are rated."""
    goal = Settings().goal("default")
    taught = posterior_through_time(demo, "default", goal)
    ratings = ratings_by_source(demo, "default", [CHEAP, STRONG])
    found = at_worst_by_arm(ratings.assign(share=[0.25, 0.95]), taught)
    assert set(found) == {CHEAP}
    rated, good, low, high = found[CHEAP]
    sums = taught[taught["arm"] == CHEAP][["judged", "good"]].sum()
    assert (rated, good) == (0.25, pytest.approx(sums["good"] / sums["judged"]))
    assert (low, high) == pytest.approx((good * 0.25, good * 0.25 + 0.75))


def test_answers_that_other_routers_chose_are_counted(demo: Store) -> None:
    """Those that teach although the learner did not draw them; none where it learns from its own draws alone."""
    goal = Settings().goal("default")
    every, own = (
        sum(one.count for one in demo.evidence("default", rule.teaching_rule()).values())
        for rule in (goal, goal.model_copy(update={"learn_from": "own"}))
    )
    assert chosen_by_others(demo, "default", goal) == (every, every - own)
    assert 0 < own < every
    assert chosen_by_others(demo, "default", goal.model_copy(update={"learn_from": "own"})) == (0, 0)
