"""Claims: how they are read, and when they are proven, refuted, or not known yet."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from router_core import intervals
from router_core.errors import EvaluationError
from router_core.evaluation.by_file.claims import Claim, beside_before, by_pairs, by_report, parse_claim
from router_core.evaluation.paired import paired_test
from router_core.evaluation.results import Estimate, Objective, Report, Row
from tests.store_rows import at


def reported(name: str, accuracy: Estimate, prompts: int, **more: object) -> Report:
    """A report with this row beside two models."""
    row = Row(name, name, "rule", accuracy, None, (0.5, 0.5), **more)  # type: ignore[arg-type]
    return Report(
        created_at=at(0), source="", sha256="", prompts=prompts, models=("small", "large"),
        estimated_cost_share=0.0, notes=(), objective=Objective(0.05), settings_version="", seed=0, draws=0,
        shuffles=0, weak="small", strong="large", best_fixed="large", hull=(), rows=(row,), rivals=(), regret=(),
        tasks=(), mistakes=(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "claim"),
    [
        ("gpt-4o-mini within 3 points of gpt-4o", Claim("gpt-4o-mini", "within", 0.03, "gpt-4o")),
        ("my model  WITHIN 1 point of the other", Claim("my model", "within", 0.01, "the other")),
        ("a better than b", Claim("a", "better", 0.0, "b")),
        ("a better than b by 2.5 points", Claim("a", "better", 0.025, "b")),
        ("length pays", Claim("length", "pays")),
        ("a within 0 points of before", Claim("a", "within", 0.0, "before")),
    ],
)
def test_forms(text: str, claim: Claim) -> None:
    """Names may hold spaces and dashes; words of the claim may be written large."""
    assert parse_claim(text) == claim


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("gpt-4o is good", "is not a claim that can be checked"),
        ("", "is not a claim that can be checked"),
        ("a within 100 points of b", "a margin is below 100 points"),
        ("a better than a", "compares a with itself"),
        ("a better than before", "only 'within N points of before'"),
    ],
)
def test_what_is_no_claim(text: str, said: str) -> None:
    """A sentence with the forms."""
    with pytest.raises(EvaluationError, match=said):
        parse_claim(text)


def test_pairs_go_to_the_paired_test() -> None:
    """Its conclusion, its interval and its number of further pairs, turned to the side of the claim."""
    rng = np.random.default_rng(3)
    small, large = (rng.random(800) < 0.6) * 1.0, (rng.random(800) < 0.9) * 1.0
    test = paired_test(small, large, 0.03)
    assert test.conclusion == "worse"
    assert test.difference is not None
    refuted = by_pairs(parse_claim("small within 3 points of large"), small, large)
    assert refuted.answer == "refuted"
    assert refuted.sentence == "Refuted: small within 3 points of large."
    assert refuted.difference == Estimate(-test.difference.value, -test.difference.high, -test.difference.low)
    proven = by_pairs(parse_claim("large better than small by 20 points"), large, small)
    assert (proven.answer, proven.difference) == ("proven", test.difference)
    assert by_pairs(parse_claim("small better than large"), small, large).answer == "refuted"
    assert by_pairs(parse_claim("large within 3 points of small"), large, small).answer == "proven"
    few = by_pairs(parse_claim("large better than small"), large[:8], small[:8])
    assert (few.answer, few.more_prompts) == ("unknown", paired_test(small[:8], large[:8], 0.0).more_pairs_worse)
    assert few.sentence.endswith("more pairs needed.")


def test_no_pairs_and_unrated_ones() -> None:
    """Nothing is known without pairs; answers without ratings are told."""
    none = by_pairs(parse_claim("small within 3 points of large"), [], [])
    assert (none.answer, none.difference, none.prompts) == ("unknown", None, 0)
    part = by_pairs(parse_claim("small within 3 points of large"), [1.0, 0.0], [1.0, 1.0], answered=10)
    assert part.notes[0].startswith("2 prompts of 10 that both answered have two ratings")


@pytest.mark.parametrize(
    ("advantage", "gain", "prompts", "answer"),
    [
        (Estimate(0.01, 0.005, 0.015), Estimate(0.02, 0.01, 0.03), 400, "proven"),
        (Estimate(0.01, 0.005, 0.015), Estimate(0.02, 0.01, 0.03), 40, "unknown"),  # 20 sent elsewhere
        (Estimate(0.01, 0.005, 0.015), Estimate(0.02, -0.01, 0.05), 400, "unknown"),
        (Estimate(0.01, 0.005, 0.015), Estimate(-0.02, -0.03, -0.01), 400, "refuted"),  # a coin does better
        (Estimate(-0.01, -0.02, -0.001), Estimate(0.02, 0.01, 0.03), 400, "refuted"),
    ],
)
def test_whether_a_router_pays(advantage: Estimate, gain: Estimate, prompts: int, answer: str) -> None:
    """Both of what the verdict asks, and enough prompts sent elsewhere; else how many more."""
    report = reported("rules", Estimate(0.9, 0.88, 0.92), prompts, advantage_usd=advantage, gain=gain)
    found = by_report(Claim("rules", "pays"), report)
    assert found.answer == answer
    assert (found.more_prompts is not None) == (answer == "unknown")


def test_a_router_whose_price_is_unknown() -> None:
    """Whether it pays cannot be said."""
    with pytest.raises(EvaluationError, match="where a price is unknown"):
        by_report(Claim("rules", "pays"), reported("rules", Estimate(0.9, 0.88, 0.92), 400))


def test_beside_an_earlier_report_by_hand() -> None:
    """Differences of the ends are squared and added: 56 of 70 beside 48 of 80, Wilson's ends."""
    new, old = Estimate(0.8, 0.6918, 0.8773), Estimate(0.6, 0.4905, 0.7004)
    found = beside_before(Claim("m", "within", 0.0, "before"), reported("m", new, 70), reported("m", old, 80))
    assert found.difference is not None
    assert (found.difference.low, found.difference.high) == pytest.approx((0.0524, 0.3340), abs=1e-3)
    assert found.answer == "proven"
    worse = beside_before(Claim("m", "within", 0.0, "before"), reported("m", old, 80), reported("m", new, 70))
    assert worse.answer == "refuted"


def test_how_many_more_beside_an_earlier_report() -> None:
    """The new interval shrinks with the root of the prompts until it tells; the earlier one stays as it is."""
    claim = Claim("m", "within", 0.05, "before")
    now, before = reported("m", Estimate(0.9, 0.86, 0.94), 200), reported("m", Estimate(0.9, 0.87, 0.93), 400)
    assert beside_before(replace(claim, margin=0.051), now, before).answer == "proven"
    found = beside_before(replace(claim, margin=0.04), now, before)
    assert found.answer == "unknown"
    assert found.more_prompts == pytest.approx(200 * (0.04**2 / (0.04**2 - 0.03**2) - 1), abs=1)
    assert beside_before(replace(claim, margin=0.02), now, before).more_prompts is None


def test_wrong_answers_beside_an_earlier_report_are_rare() -> None:
    """At the margin itself, over 1,000 worlds: each wrong side at most 4 % (2.5 % is stated)."""
    rng = np.random.default_rng(5)
    claim = Claim("m", "within", 0.03, "before")

    def drawn(share: float, prompts: int) -> Report:
        values = (rng.random(prompts) < share) * 1.0
        low, high = intervals.share(values)
        return reported("m", Estimate(float(values.mean()), float(low), float(high)), prompts)

    answers = [beside_before(claim, drawn(0.87, 300), drawn(0.9, 400)).answer for _ in range(1000)]
    assert answers.count("proven") <= 40
    assert answers.count("refuted") <= 40
    assert answers.count("proven") > 0
