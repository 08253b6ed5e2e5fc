"""The betting test on pairs: evidence by hand, what it concludes, what is refused."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from router_core.errors import EvaluationError
from router_core.evaluation.paired import BETS, STAKES, PairedTest, Pairs, evidence, paired_test, paired_tests
from router_core.evaluation.results import dump, load


def alternating(pairs: int, cheap_good: int, strong_good: int) -> tuple[list[float], list[float]]:
    """Pairs in which each model is good so many times in a hundred, bad ones spread out and apart."""
    places = [37 * i % 100 for i in range(pairs)]
    return [float(at >= 100 - cheap_good) for at in places], [float(at < strong_good) for at in places]


def test_evidence_by_hand() -> None:
    """Three pairs at d = 0.05: equal, the cheap one better, the strong one better.

    x = 1/2, 1, 0 against m = 0.475; the largest bet is 0.5 / 0.475, of which four parts are played. The factors of
    the full bet are 1 + 0.025 b, 1 + 0.525 b and 1 - 0.475 b = 1/2.
    """
    found = paired_test([1, 1, 0], [1, 0, 1])
    full = 0.5 / 0.475
    wealth = [
        stake * (1 + part * full * 0.025) * (1 + part * full * 0.525) * (1 - part * 0.5)
        for stake, part in zip((0.1, 0.2, 0.3, 0.4), (0.05, 0.15, 0.4, 1.0), strict=True)
    ]
    assert 10**found.within == pytest.approx(sum(wealth))
    assert wealth[3] == pytest.approx(0.4 * 1.0263158 * 1.5526316 * 0.5, rel=1e-6)
    # turned round: 1 - x = 1/2, 0, 1 against 0.525
    turned = [
        stake * (1 - part * 0.5 / 0.525 * 0.025) * (1 - part * 0.5) * (1 + part * 0.5 / 0.525 * 0.475)
        for stake, part in zip(STAKES, BETS, strict=True)
    ]
    assert 10**found.worse == pytest.approx(sum(turned))
    first = sum(stake * (1 + part * full * 0.025) for stake, part in zip(STAKES, BETS, strict=True))
    assert (found.path[0].pairs, 10 ** found.path[0].within) == (1, pytest.approx(first))
    assert (found.cheap_better, found.equal, found.strong_better) == (1, 1, 1)
    assert found.difference is not None
    assert found.difference.value == 0.0


def test_the_split_bets_are_one_bet_from_the_past() -> None:
    """What is staked on the next pair is an average of the four bets, weighted by what each has won so far."""
    rng = np.random.default_rng(1)
    x, m = rng.choice([0.0, 0.5, 1.0], 200, p=[0.1, 0.75, 0.15]), 0.475
    bets = np.array(BETS) * 0.5 / m
    purses, total, path = np.array(STAKES), 1.0, []
    for value in x:
        bet = float(purses @ bets / purses.sum())  # known before the pair is
        assert 0 <= bet <= 0.5 / m
        total *= 1 + bet * (value - m)
        purses = purses * (1 + bets * (value - m))
        path.append(total)
    assert np.exp(evidence(x, m)) == pytest.approx(path)


def test_many_sequences_at_once() -> None:
    """Leading axes are sequences of their own."""
    x = np.random.default_rng(2).random((3, 4, 50))
    together = evidence(x, 0.45)
    assert together.shape == x.shape
    assert together[2, 1] == pytest.approx(evidence(x[2, 1], 0.45))


def test_the_order_of_pairs_does_not_change_the_evidence() -> None:
    """Only when it is reached."""
    cheap, strong = (np.array(values) for values in alternating(400, 95, 95))
    there = np.random.default_rng(3).permutation(400)
    one, other = paired_test(cheap, strong), paired_test(cheap[there], strong[there])
    assert (one.within, one.worse) == pytest.approx((other.within, other.worse))


def test_within() -> None:
    """Equal models, 500 pairs: concluded after some of them, and it stays so."""
    found = paired_test(*alternating(500, 95, 95), cheap="mini", strong="big")
    assert found.conclusion == "within"
    assert found.concluded_at is not None
    assert 100 < found.concluded_at < 400
    assert found.more_pairs is found.more_pairs_worse is None
    assert (
        found.sentence == "big is better than mini by at most 5 points (95 %, 500 pairs, however often you look)."
    )
    before = paired_test(*(values[: found.concluded_at - 1] for values in alternating(500, 95, 95)))
    assert before.conclusion == "unknown"
    assert 10**before.within < 20 <= 10 ** next(p.within for p in found.path if p.pairs == found.concluded_at)
    badly = [values + [end] * 20 for values, end in zip(alternating(500, 95, 95), (0.0, 1.0), strict=True)]
    after = paired_test(*badly)
    assert 10**after.within < 20
    assert (after.conclusion, after.concluded_at) == ("within", found.concluded_at)


def test_worse() -> None:
    """The strong model much better: the same test turned round."""
    found = paired_test(*alternating(200, 60, 95), cheap="mini", strong="big")
    assert found.conclusion == "worse"
    assert (
        found.sentence
        == "big is better than mini by more than 5 points (95 %, 200 pairs, however often you look)."
    )
    assert found.difference is not None
    assert found.difference.low > 0.05
    assert found.difference.value == pytest.approx(0.35)


def test_both_ways() -> None:
    """First much worse, then much better for long: something changed, and it says so."""
    cheap = [0.0] * 60 + [1.0] * 400
    strong = [1.0] * 60 + [0.0] * 400
    found = paired_test(cheap, strong)
    assert found.conclusion == "both"
    assert "The evidence has pointed both ways" in found.sentence
    assert found.concluded_at is not None
    assert found.concluded_at > 60


def test_not_known_yet() -> None:
    """Thirty pairs do not settle it; about how many more do depends on what they said."""
    equal = paired_test(*alternating(30, 95, 95))
    assert equal.conclusion == "unknown"
    assert equal.more_pairs is not None
    assert 50 < equal.more_pairs < 500
    assert equal.more_pairs_worse is None
    assert "about" in equal.sentence
    worse = paired_test([0.0] * 6 + [1.0] * 24, [1.0] * 30)
    assert worse.more_pairs is None
    assert worse.more_pairs_worse is not None
    assert worse.more_pairs_worse < 200


def test_fewer_are_needed_as_they_come() -> None:
    """Pairs of the same kind bring it nearer, and it comes."""
    wanted = [paired_test(*alternating(pairs, 95, 95)).more_pairs for pairs in (100, 200)]
    assert wanted[0] is not None
    assert wanted[1] is not None
    assert wanted[0] > wanted[1] > 1
    assert paired_test(*alternating(200 + 3 * wanted[1], 95, 95)).conclusion == "within"


def test_the_conclusion_that_is_nearer_is_waited_for() -> None:
    """Where either may still come, the sentence names the smaller number."""
    found = replace(paired_test(*alternating(30, 95, 95)), more_pairs=3_900, more_pairs_worse=210)
    assert "about 210 more pairs needed" in found.sentence


def test_graded_ratings_are_told_apart_by_fortieths() -> None:
    """Five thousand different differences are as quick to look ahead from as three."""
    rng = np.random.default_rng(5)
    cheap, strong = rng.random((2, 30)) * 0.2 + 0.4
    found = paired_test(cheap, strong)
    assert found.more_pairs is not None
    assert 20 < found.more_pairs < 300


def test_at_the_tolerance_nothing_tells() -> None:
    """A difference of exactly d: no number of pairs is promised."""
    found = paired_test(*alternating(2_000, 90, 95))
    assert found.conclusion == "unknown"
    assert found.more_pairs is None or found.more_pairs > 10_000


def test_without_pairs() -> None:
    """A guess of how many are needed, and no evidence."""
    found = paired_test([], [])
    assert (found.pairs, found.within, found.worse, found.difference, found.path) == (0, 0.0, 0.0, None, ())
    assert found.more_pairs is not None
    assert 100 < found.more_pairs < 2_000


def test_ties_speak_for_the_cheap_model() -> None:
    """Both bad is as much a tie as both good, and 0.5 as much as either."""
    for value in (0.0, 0.5, 1.0):
        found = paired_test([value] * 150, [value] * 150)
        assert (found.equal, found.conclusion) == (150, "within")


def test_who_won_how_many() -> None:
    """Pairs in which the cheap answer, neither and the strong one was rated better."""
    found = paired_test([1.0, 0.0, 0.5, 0.2, 1.0, 0.0], [0.0, 1.0, 0.5, 0.3, 1.0, 1.0])
    assert (found.pairs, found.cheap_better, found.equal, found.strong_better) == (6, 1, 2, 3)


def test_fractional_ratings() -> None:
    """0.3 against 0.7 is four tenths of a lost pair."""
    found = paired_test([0.3], [0.7])
    assert 10**found.within == pytest.approx(math.exp(evidence(np.array([0.3]), 0.475)[0]))
    assert found.strong_better == 1


def test_several_models_need_more_evidence() -> None:
    """Two cheaper models: 40 instead of 20, for either."""
    cheap, strong = (np.array(values) for values in alternating(500, 95, 95))
    when = np.arange(500).astype("datetime64[s]")
    pairs = [Pairs(name, "big", cheap, strong, when, np.ones(500, bool)) for name in ("mini", "middle")]
    both, alone = paired_tests(pairs), paired_tests(pairs[:1])
    assert [(one.cheap, one.strong) for one in both] == [("mini", "big"), ("middle", "big")]
    assert both[0].needed == pytest.approx(40)
    assert alone[0].needed == pytest.approx(20)
    assert both[0].concluded_at is not None
    assert alone[0].concluded_at is not None
    assert both[0].concluded_at > alone[0].concluded_at
    assert both[0].difference is not None
    assert alone[0].difference is not None
    assert both[0].difference.low < alone[0].difference.low


def test_a_smaller_tolerance_takes_more_pairs() -> None:
    """And equal models, at a tolerance of nothing, will hardly be settled at all."""
    small, large = (paired_test(*alternating(300, 95, 95), tolerance=d) for d in (0.02, 0.05))
    assert small.within < large.within
    none = paired_test(*alternating(300, 95, 95), tolerance=0.0)
    assert none.more_pairs is None or none.more_pairs > 10_000


def test_the_path_is_short_and_ends_with_now() -> None:
    """A few hundred points, the conclusion's own among them."""
    found = paired_test(*alternating(5_000, 95, 95))
    assert len(found.path) <= 402
    assert (found.path[0].pairs, found.path[-1].pairs) == (1, 5_000)
    assert found.path[-1].within == found.within
    assert found.concluded_at in {one.pairs for one in found.path}


def test_it_survives_json() -> None:
    """As every result does."""
    for found in (paired_test([], []), paired_test(*alternating(200, 60, 95))):
        assert load(PairedTest, dump(found)) == found


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1, 0], [1]), "2 ratings of The cheap model and 1 of The strong model make no pairs"),
        (([1.2], [1]), r"the ratings of The cheap model must be a list of numbers in \[0, 1\]"),
        (([1], [float("nan")]), "the ratings of The strong model must be"),
        (([1], [1], 1.0), "a tolerance of 1.0 is out of range"),
        (([1], [1], -0.1), "a tolerance of -0.1 is out of range"),
        (([1], [1], 0.05, 1.0), "level 1.0 and 1 rivals are out of range"),
    ],
)
def test_what_is_no_pair(arguments: tuple[Any, ...], message: str) -> None:
    """Refused with the value and what is allowed."""
    with pytest.raises(EvaluationError, match=message):
        paired_test(*arguments)


def test_the_worst_that_unrated_pairs_may_hide() -> None:
    """40 of 100 prompts have two ratings and a difference of 5 points: from -58 to +62 points on all of them."""
    y_strong = np.ones(40)
    y_cheap = np.where(np.arange(40) < 2, 0.0, 1.0)
    pairs = Pairs(
        "mini", "big", y_cheap, y_strong, np.zeros(40, "datetime64[us]"), np.ones(40, bool), answered=100
    )
    (found,) = paired_tests([pairs])
    assert found.at_worst == pytest.approx((0.02 - 0.6, 0.02 + 0.6))
    (nearly_all,) = paired_tests([replace(pairs, answered=44)])
    assert nearly_all.at_worst is None
    (unknown,) = paired_tests([replace(pairs, answered=0)])
    assert unknown.at_worst is None
