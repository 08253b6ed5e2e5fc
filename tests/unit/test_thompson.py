"""Thompson sampling: starting weights, how they fade, the floor, costs, the reason, the cache."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from router_core.errors import NoEligibleArmError
from router_core.learning.beta import best_probabilities
from router_core.policies.thompson import ThompsonPolicy, a_call, comparable_costs, counted
from router_core.settings import ArmSettings, GoalSettings
from router_core.types import Candidate, Posterior, ReasonLine
from tests.builders import CHEAP, STRONG, Deciding, a_candidate, a_context, some_candidates

INFINITE = math.inf


def a_policy(**changes: Any) -> ThompsonPolicy:
    """The default goal's policy, or that of a changed one."""
    return ThompsonPolicy(GoalSettings(**changes))


def shares(candidates: list[Candidate], **changes: Any) -> tuple[float, ...]:
    """The probabilities of a fresh policy."""
    return Deciding(a_policy(**changes)).probabilities(a_context(), candidates).probabilities


def learned(**changes: Any) -> dict[str, Any]:
    """Settings under which nothing but the chance of being best counts."""
    return {"starting_strength": 0, "exploration": 0} | changes


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ([1.0], (1.0,)),
        ([0.8, 0.2], (0.8, 0.2)),
        ([3.0, 1.0], (0.75, 0.25)),
        ([1.0, 0.0], (1.0, 0.0)),
        ([1.0, 2.0, 3.0, 2.0, 0.0], (0.125, 0.25, 0.375, 0.25, 0.0)),
        ([0.0, 0.0], (0.5, 0.5)),  # the arms with weight are not eligible
    ],
)
def test_before_any_outcome_the_starting_weights_hold_exactly(
    weights: list[float], expected: tuple[float, ...]
) -> None:
    """No floor and no prior moves them."""
    candidates = [a_candidate(f"p/{i}", cost_usd=i * 0.01, weight=weight) for i, weight in enumerate(weights)]
    assert shares(candidates, exploration=0.1) == expected


@pytest.mark.parametrize(
    ("strength", "seen", "fading"),
    [
        (20, 20, 0.5),
        (20, 60, 0.25),
        (20, 180, 0.1),
        (1, 3, 0.25),
        (0, 1, 0.0),
        (0, 0, 0.0),
        (0.5, 0, 1.0),
        (1e9, 0, 1.0),
    ],
)
def test_the_fade(strength: float, seen: int, fading: float) -> None:
    """n0 / (n0 + n), n over all arms, between the weights and the even shares of two equal arms."""
    candidates = [
        a_candidate("p/a", 5, 5, observations=seen, weight=0.9),
        a_candidate("p/b", 5, 5, observations=0, weight=0.1),
    ]
    first, second = shares(candidates, starting_strength=strength)
    assert first == pytest.approx(fading * 0.9 + (1 - fading) * 0.5, abs=1e-12)
    assert second == pytest.approx(fading * 0.1 + (1 - fading) * 0.5, abs=1e-12)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_the_whole_formula(count: int) -> None:
    """p = f w + (1 - f)(eps + (1 - N eps) P), with P the chance of being the best value."""
    candidates = some_candidates(count)
    costs = [candidate.expected_cost_usd or 0.0 for candidate in candidates]
    best = best_probabilities([candidate.posterior for candidate in candidates], costs, 0.05)
    seen = sum(candidate.posterior.observations for candidate in candidates)
    fading = 20 / (20 + seen)
    expected = [fading / count + (1 - fading) * (0.02 + (1 - count * 0.02) * chance) for chance in best]
    assert shares(candidates) == pytest.approx(expected, abs=1e-12)
    assert sum(shares(candidates)) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize(
    ("exploration", "count", "floor"),
    [(0.02, 2, 0.02), (0.1, 5, 0.1), (0.5, 2, 0.5), (0.9, 2, 0.5), (1.0, 5, 0.2), (0.0, 2, 0.0), (0.3, 1, 1.0)],
)
def test_the_floor(exploration: float, count: int, floor: float) -> None:
    """Hopeless arms keep the exploration share, at most an even one; the best one has the rest."""
    hopeless = [a_candidate(f"p/{i}", 1, 5000, observations=1) for i in range(count - 1)]
    *low, high = shares(
        [*hopeless, a_candidate("p/best", 5000, 1, observations=1)], exploration=exploration, starting_strength=0
    )
    assert low == pytest.approx([floor] * (count - 1), abs=1e-9)
    assert high == pytest.approx(1.0 - (count - 1) * floor, abs=1e-9)


def test_cost_decides_between_equals() -> None:
    """Of two models as good as each other the cheaper is chosen, the more the less an answer is worth."""
    pair = [a_candidate("p/a", 50, 50, 0.001), a_candidate("p/b", 50, 50, 0.002)]
    at_much, at_little = (shares(pair, **learned(success_value_usd=value))[0] for value in (1.0, 0.01))
    assert 0.5 < at_much < 0.6 < 0.9 < at_little < 1.0


def test_an_infinite_value_ignores_cost() -> None:
    """Equal posteriors share alike, and the better one wins at any price."""
    equal = [a_candidate("p/a", 7, 3, 0.0), a_candidate("p/b", 7, 3, 1000.0)]
    assert shares(equal, **learned(success_value_usd=INFINITE)) == pytest.approx((0.5, 0.5), abs=1e-12)
    better = [a_candidate("p/a", 100, 900, 0.0), a_candidate("p/b", 900, 100, 1000.0)]
    assert shares(better, **learned(success_value_usd=INFINITE)) == pytest.approx((0.0, 1.0), abs=1e-12)


def test_a_value_of_nothing_leaves_only_cost() -> None:
    """The cheapest are shared evenly, however bad they are."""
    three = [a_candidate("p/a", 900, 1, 0.02), a_candidate("p/b", 1, 900, 0.01), a_candidate("p/c", 1, 1, 0.01)]
    assert shares(three, **learned(success_value_usd=0)) == (0.0, 0.5, 0.5)


def test_an_unknown_cost_is_no_bargain() -> None:
    """It is taken to be the most expensive known one; where none is known cost plays no part."""
    assert comparable_costs([0.001, None, 0.02, None]) == [0.001, 0.02, 0.02, 0.02]
    assert comparable_costs([None, None]) == [0.0, 0.0]
    assert comparable_costs([0.0, None]) == [0.0, 0.0]
    assert comparable_costs([]) == []
    unknown = [a_candidate("p/a", 5, 5, 0.001), a_candidate("p/b", 5, 5, 0.02), a_candidate("p/c", 5, 5, None)]
    dearest = [*unknown[:2], a_candidate("p/c", 5, 5, 0.02)]
    assert shares(unknown) == shares(dearest)
    assert shares(unknown, **learned())[0] > 0.5
    assert shares(unknown, **learned())[2] == shares(unknown, **learned())[1]


def test_the_same_evidence_is_computed_once() -> None:
    """The same object comes back, for the same tuple and for an equal list, whatever the prompt."""
    policy = a_policy()
    remembered = tuple(some_candidates(2))
    first = Deciding(policy).probabilities(a_context("one"), remembered)
    assert Deciding(policy).probabilities(a_context("two"), remembered) is first
    assert Deciding(policy).probabilities(a_context("three"), some_candidates(2)) is first
    assert Deciding(policy).probabilities(a_context("four"), tuple(some_candidates(2))) is first
    assert first.reason is first.reason


@pytest.mark.parametrize(
    "change",
    [
        {"alpha": 21.0},
        {"beta": 11.0},
        {"observations": 29},
        {"cost_usd": 0.0002},
        {"cost_usd": None},
        {"weight": 2.0},
        {"arm_id": "p/other"},
    ],
)
def test_other_evidence_is_computed_anew(change: dict[str, Any]) -> None:
    """Whatever of a candidate changes, in a tuple or in a list that was changed in place."""
    values: dict[str, Any] = {"arm_id": CHEAP, "alpha": 20.0, "beta": 10.0, "cost_usd": 0.0001, "observations": 28}
    strong = a_candidate(STRONG, 21.0, 10.0, 0.001, 29)
    before, after = a_candidate(**values), a_candidate(**(values | change))
    fresh = Deciding(a_policy()).probabilities(a_context(), [after, strong])
    policy = a_policy()
    candidates = [before, strong]
    first = Deciding(policy).probabilities(a_context(), candidates)
    candidates[0] = after
    second = Deciding(policy).probabilities(a_context(), candidates)
    assert second is not first
    assert (second.probabilities, second.reason) == (fresh.probabilities, fresh.reason)
    assert Deciding(policy).probabilities(a_context(), (after, strong)) is second
    assert Deciding(policy).probabilities(a_context(), (before, strong)) is first


def test_the_reason() -> None:
    """Who leads and why, a line for each model, what is left of the start, and the floor."""
    candidates = [a_candidate(CHEAP, 1, 2, 0.0001), a_candidate(STRONG, 90, 10, 0.00225, observations=98)]
    reason = Deciding(a_policy()).probabilities(a_context(), candidates).reason
    best = best_probabilities([c.posterior for c in candidates], [0.0001, 0.00225], 0.05)
    assert reason.summary == f"{STRONG}: {best[1]:.0%} likely to be the better value, at $0.05 per good answer"
    assert reason.lines == (
        ReasonLine(f"{CHEAP}: 0 of 0 good, 33% expected (1% to 84%), ~$0.00010 a call", f"{best[0]:.1%}"),
        ReasonLine(f"{STRONG}: 89 of 98 good, 90% expected (83% to 95%), ~$0.0022 a call", f"{best[1]:.1%}"),
        ReasonLine("your initial split still counts", "17%"),
        ReasonLine("exploration minimum for every model", "2.0%"),
    )


@pytest.mark.parametrize(("seen", "said"), [(1, True), (98, False)])
def test_the_reason_while_the_start_outweighs_what_was_learned(seen: int, said: bool) -> None:
    """Where the better buy is not the likelier choice, the summary says why."""
    cheap = a_candidate(CHEAP, 1, 2, 0.0001, observations=1, weight=0.8)
    strong = a_candidate(STRONG, 1 + seen, 1, 0.00225, observations=seen, weight=0.2)
    answer = Deciding(a_policy()).probabilities(a_context(), [cheap, strong])
    assert (answer.probabilities[0] > answer.probabilities[1]) is said
    assert answer.reason.summary.startswith(f"{STRONG}: ")
    assert answer.reason.summary.endswith(f"; the starting weights still favour {CHEAP}") is said


@pytest.mark.parametrize(
    ("alpha", "seen", "prior", "words"),
    [
        (42.0, 46, 1.0, "41 of 46"),
        (1.5, 1, 1.0, "0.5 of 1"),
        (3.0, 1, 2.0, "1 of 1"),
        (1_234_567.0, 1_300_000, 1.0, "1,234,566 of 1,300,000"),
    ],
)
def test_evidence_in_words(alpha: float, seen: int, prior: float, words: str) -> None:
    """Good answers of rated ones, whatever the prior; a tie is half a good one."""
    assert counted(Posterior(alpha, 1.0, seen), prior) == words


@pytest.mark.parametrize(("models", "word"), [(2, "better value"), (3, "best value")])
def test_the_better_of_two_is_the_best_of_three(models: int, word: str) -> None:
    """The summary speaks of as many models as there are."""
    assert (
        f"likely to be the {word}, at"
        in Deciding(a_policy()).probabilities(a_context(), some_candidates(models)).reason.summary
    )


def test_the_reason_where_cost_is_ignored_or_unknown() -> None:
    """Both are said; what no longer counts is not."""
    candidates = [a_candidate(CHEAP, 1, 2, None), a_candidate(STRONG, 1, 2, 0.5)]
    reason = (
        Deciding(a_policy(**learned(success_value_usd=INFINITE))).probabilities(a_context(), candidates).reason
    )
    assert reason.summary == f"{CHEAP}: 50% likely to be the better value, cost ignored"
    assert reason.lines == (
        ReasonLine(f"{CHEAP}: 0 of 0 good, 33% expected (1% to 84%), price unknown", "50.0%"),
        ReasonLine(f"{STRONG}: 0 of 0 good, 33% expected (1% to 84%), ~$0.50 a call", "50.0%"),
        ReasonLine("an unknown price counts as the highest known one"),
    )


@pytest.mark.parametrize(("seen", "said"), [(3979, True), (3981, False)])
def test_starting_weights_are_named_while_they_show(seen: int, said: bool) -> None:
    """From 0.5 % down they are not mentioned."""
    candidates = [a_candidate("p/a", observations=seen), a_candidate("p/b")]
    lines = Deciding(a_policy()).probabilities(a_context(), candidates).reason.lines
    assert ("your initial split still counts" in [line.text for line in lines]) is said


def test_deciding_costs_nothing() -> None:
    """No call, no wait, nobody in its place."""
    answer = Deciding(a_policy()).probabilities(a_context(), some_candidates(2))
    assert (answer.cost_usd, answer.latency_ms) == (Decimal(0), 0.0)
    assert (answer.cached, answer.fallback) == (False, None)


def test_the_longest_unused_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """With room for two, a third takes the place of the one that was not asked for again."""
    monkeypatch.setattr("router_core.policies.thompson._CACHED_DISTRIBUTIONS", 2)
    policy = a_policy()
    one, two, three = ([a_candidate(CHEAP, 1.0 + n, 1.0), a_candidate(STRONG)] for n in range(3))
    first, second = (Deciding(policy).probabilities(a_context(), given) for given in (one, two))
    assert Deciding(policy).probabilities(a_context(), one) is first
    Deciding(policy).probabilities(a_context(), three)
    assert Deciding(policy).probabilities(a_context(), one) is first
    again = Deciding(policy).probabilities(a_context(), two)
    assert again is not second
    assert again.probabilities == second.probabilities


def test_nothing_to_choose_from() -> None:
    """The goal is named, for a list and for a tuple."""
    empty: tuple[Sequence[Candidate], ...] = ([], ())
    for nothing in empty:
        with pytest.raises(NoEligibleArmError, match=r"^goal 'mail' has no model left to choose from; add one in"):
            Deciding(a_policy()).probabilities(a_context(goal="mail"), nothing)


def test_the_version_names_what_changes_the_answer() -> None:
    """Each setting of the formula, and none that the formula does not know."""
    versions = {
        a_policy(**change).version
        for change in (
            {},
            {"arms": (ArmSettings(model=CHEAP), ArmSettings(model=STRONG))},
            {"success_value_usd": 0.06},
            {"success_value_usd": INFINITE},
            {"exploration": 0.03},
            {"starting_strength": 21},
            {"prior_alpha": 2},
            {"prior_beta": 2},
        )
    }
    assert len(versions) == 8
    assert a_policy(router="heuristic", success_when="content").version == a_policy().version


@pytest.mark.parametrize(
    ("cost", "said"),
    [(None, "price unknown"), (0.0, "$0 a call"), (2e-7, "< $0.000001 a call"), (0.5, "~$0.50 a call")],
)
def test_the_cost_of_a_call_in_words(cost: float | None, said: str) -> None:
    """A free model is free, a cheap one is not."""
    assert a_call(cost) == said
