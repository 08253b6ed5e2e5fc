"""What holds whatever the numbers: sums, symmetry, monotony, round trips."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from router_core.features import context, two_digits
from router_core.learning.beta import best_probabilities, from_evidence, update
from router_core.policies.classifier import excerpt
from router_core.sampling import draw, mix_uniform
from router_core.settings import ArmSettings, GoalSettings, HeuristicSettings, Settings
from router_core.types import Evidence, Posterior

fast = settings(derandomize=True, deadline=None, max_examples=60)

SHAPE = st.floats(0.5, 5_000)
POSTERIORS = st.lists(st.builds(Posterior, SHAPE, SHAPE), min_size=2, max_size=6)
COSTS = st.lists(st.floats(0, 0.05), min_size=6, max_size=6)
VALUES = st.sampled_from([0.001, 0.05, 1.0, float("inf")])


@fast
@given(POSTERIORS, COSTS, VALUES)
def test_chances_are_a_distribution(posteriors: list[Posterior], costs: list[float], value: float) -> None:
    """They lie in [0, 1] and sum to 1."""
    chances = best_probabilities(posteriors, costs[: len(posteriors)], value)
    assert ((chances >= -1e-12) & (chances <= 1 + 1e-12)).all()
    assert abs(chances.sum() - 1) < 1e-9


@fast
@given(POSTERIORS, COSTS, VALUES, st.randoms(use_true_random=False))
def test_order_of_the_arms_does_not_matter(
    posteriors: list[Posterior], costs: list[float], value: float, random: object
) -> None:
    """Arms in another order have the same chances."""
    order = list(range(len(posteriors)))
    random.shuffle(order)  # type: ignore[attr-defined]
    straight = best_probabilities(posteriors, costs[: len(order)], value)
    turned = best_probabilities([posteriors[i] for i in order], [costs[i] for i in order], value)
    assert abs(straight[order] - turned).max() < 1e-6


@fast
@given(st.builds(Posterior, st.floats(1, 5_000), st.floats(1, 5_000)), st.integers(2, 6), VALUES)
def test_equal_arms_share_alike(posterior: Posterior, count: int, value: float) -> None:
    """No arm is favoured by its place."""
    chances = best_probabilities([posterior] * count, [0.01] * count, value)
    assert abs(chances - 1 / count).max() < 1e-9


@fast
@given(st.lists(st.builds(Posterior, st.floats(1, 500), st.floats(1, 500)), min_size=2, max_size=4), COSTS, VALUES)
def test_a_success_never_lowers_the_chance(posteriors: list[Posterior], costs: list[float], value: float) -> None:
    """One more good answer of an arm, and its chance is no smaller; a higher price, and it is no greater."""
    given_costs = costs[: len(posteriors)]
    now = best_probabilities(posteriors, given_costs, value)[0]
    better = best_probabilities([update(posteriors[0], 1.0), *posteriors[1:]], given_costs, value)[0]
    dearer = best_probabilities(posteriors, [given_costs[0] + 0.01, *given_costs[1:]], value)[0]
    assert better >= now - 1e-6
    assert dearer <= now + 1e-6


@fast
@given(st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), max_size=40), st.floats(0.01, 50), st.floats(0.01, 50))
def test_one_by_one_is_all_at_once(rewards: list[float], alpha: float, beta: float) -> None:
    """Folding outcomes gives what their sums give, in any order."""
    folded = Posterior(alpha, beta)
    for reward in rewards:
        folded = update(folded, reward)
    at_once = from_evidence(Evidence(len(rewards), int(sum(rewards) * 1_000_000)), alpha, beta)
    assert folded.observations == at_once.observations
    assert abs(folded.alpha - at_once.alpha) < 1e-9
    assert abs(folded.beta - at_once.beta) < 1e-9


@fast
@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.integers(0, 2**63 - 1), st.text())
def test_a_draw_has_a_chance(weights: list[float], seed: int, decision_id: str) -> None:
    """What is drawn had a probability above 0, and is drawn again from the same id."""
    total = sum(weights)
    if total == 0:
        weights, total = [1.0] * len(weights), float(len(weights))
    probabilities = [weight / total for weight in weights]
    index = draw(probabilities, seed, decision_id)
    assert probabilities[index] > 0
    assert draw(probabilities, seed, decision_id) == index


@fast
@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.floats(0, 1))
def test_exploration_keeps_the_sum(weights: list[float], share: float) -> None:
    """Mixing in an even share keeps a distribution one, and gives every arm its part."""
    total = sum(weights) or 1.0
    probabilities = [weight / total for weight in weights] if sum(weights) else [1 / len(weights)] * len(weights)
    mixed = mix_uniform(probabilities, share)
    assert abs(sum(mixed) - 1) < 1e-9
    assert min(mixed) >= share / len(mixed) - 1e-12


@fast
@given(st.text(max_size=400), st.integers(1, 300))
def test_an_excerpt_is_short_and_keeps_both_ends(text: str, limit: int) -> None:
    """A long text is shown by its beginning and its end."""
    shown = excerpt(text, limit)
    if len(text) <= limit:
        assert shown == text
    else:
        assert len(shown) == limit + len("\n[...]\n")
        assert shown.startswith(text[: limit * 2 // 3])
        assert shown.endswith(text[len(text) - (limit - limit * 2 // 3) :])


@fast
@given(st.text(max_size=300))
def test_a_context_counts_any_text(text: str) -> None:
    """No text breaks the counts."""
    seen = context([{"role": "user", "content": text}], "default")
    assert seen.characters == len(text)
    assert bool(text.strip()) >= bool(seen.words)
    assert seen.words <= len(text)
    assert seen.input_tokens >= 4


@fast
@given(st.lists(st.integers(1, 10_000_000), min_size=2, max_size=20))
def test_rounded_tokens_keep_their_order(tokens: list[int]) -> None:
    """Two digits stay within 5 % and never turn the order round."""
    for count in tokens:
        assert abs(two_digits(count) - count) <= 0.05 * count + 1e-9
    for less, more in pairwise(sorted(tokens)):
        assert two_digits(less) <= two_digits(more)


@fast
@given(
    st.integers(0, 2**63 - 1),
    st.floats(0, 1000),
    st.floats(0, 1),
    st.lists(st.text(min_size=1, max_size=12), max_size=5),
    st.dictionaries(st.text(max_size=8), st.one_of(st.integers(), st.booleans(), st.text(max_size=8)), max_size=3),
)
def test_settings_survive_their_document(
    seed: int, value: float, share: float, keywords: list[str], params: dict[str, object]
) -> None:
    """What is written out is read back equal, with the same version."""
    arms = (ArmSettings(model="openai/a", params=params), ArmSettings(model="openai/b"))  # type: ignore[arg-type]
    original = Settings(
        seed=seed,
        goals={"mail": GoalSettings(arms=arms, success_value_usd=value, exploration=share)},
        heuristic=HeuristicSettings(brief_keywords=tuple(keywords)),
    )
    again = Settings.from_document(original.document())
    assert again == original
    assert again.version == original.version
