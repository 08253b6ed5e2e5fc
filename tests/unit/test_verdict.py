"""One sentence: use, route, or not known yet; never more than the evidence says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from router_core.evaluation.by_file.conclusion import verdict
from router_core.evaluation.by_file.report import evaluate
from router_core.evaluation.labelled import Labelled, models_of
from router_core.evaluation.results import Estimate, Kind, Objective, Rival, Row, Verdict
from tests.labelled import labelled

LONG = "a much longer prompt that asks for a great deal more "


def noise(count: int, shares: list[float], costs: tuple[float, ...] = (0.001, 0.01), seed: int = 0) -> Labelled:
    """Scores that have nothing to do with the prompt."""
    rng = np.random.default_rng(seed)
    return labelled((rng.random((count, len(shares))) < shares).astype(float).tolist(), costs)


def said(data: Labelled, worth: float | None = 0.05, floor: float | None = None, **given: float) -> Verdict:
    """The verdict on length and rules."""
    objective = Objective(worth, floor)
    report = evaluate(["random", "length", "heuristic", "points"], data, objective=objective, draws=300)
    return verdict(report, **given)


def test_dominated() -> None:
    """More expensive and worse: use the other for everything."""
    found = said(noise(500, [0.9, 0.7]))
    assert (found.kind, found.choice) == ("use", "cheap")
    assert found.sentence == (
        "Use cheap for everything. strong is more expensive and worse: dominated (95 %, 500 prompts)."
    )


def test_within_tolerance_names_the_break_even() -> None:
    """A little worse and ten times cheaper; the strong model pays from a certain worth on."""
    scores = [[1, 1]] * 970 + [[0, 1]] * 20 + [[0, 0]] * 10
    found = said(labelled(scores))
    assert found.kind == "use"
    assert found.sentence == (
        "Use cheap for everything. It is within 5 points of strong (95 %, 1,000 prompts) at 1/10 of the cost."
    )
    (pays,) = [one for one in found.reasons if "pays once" in one]
    assert pays.startswith("strong pays once a good answer is worth more than $0.45 (95 %: ")


def test_a_smaller_tolerance_is_not_met() -> None:
    """The same data do not show that it is within one point; at this worth the value settles it all the same."""
    found = said(labelled([[1, 1]] * 970 + [[0, 1]] * 20 + [[0, 0]] * 10), tolerance=0.01)
    assert found.kind == "use"
    assert "is not worth its price: this one has 1/10 of the cost" in found.sentence


def test_the_strong_model_is_worth_it() -> None:
    found = said(noise(800, [0.5, 0.9]), worth=1.0)
    assert (found.kind, found.choice) == ("use", "strong")
    assert "It is better than cheap by" in found.sentence
    assert "is worth its price" in found.sentence


def test_route() -> None:
    """Length tells apart what the cheap model can do: worth and saving, each with its interval."""
    data = labelled([[1, 1]] * 300 + [[0, 1]] * 300, prompts=["short"] * 300 + [LONG] * 300)
    found = said(data)
    assert (found.kind, found.choice) == ("route", "length")
    assert found.sentence.startswith("Route by prompt length: it is worth $4.50 (")
    assert "less than the cheapest equal mix of models" in found.sentence
    by_floor = said(data, worth=None, floor=0.95)
    assert (by_floor.kind, by_floor.choice) == ("route", "length")
    assert "reaches 95 % good answers and saves" in by_floor.sentence


def test_not_known_yet_says_how_many_more() -> None:
    """Two models that this little data cannot tell apart."""
    found = said(noise(60, [0.70, 0.75], (0.01, 0.0101)))
    assert found.kind == "unknown"
    assert found.more_prompts is not None
    assert found.more_prompts > 60
    assert "more scored prompts" in (found.missing or "")


def test_never_to_be_told_apart() -> None:
    """Equal answers at an equal price: no number of prompts would tell."""
    found = said(labelled([[1, 1]] * 50 + [[0, 0]] * 50, (0.01, 0.01)))
    assert found.kind == "unknown"
    assert found.more_prompts is None
    assert "take either" in found.sentence


@pytest.mark.parametrize(
    ("floor", "kind", "choice", "part"),
    [
        (0.60, "use", "cheap", "it is the cheapest model that reaches 60 % good answers"),
        (0.85, "use", "strong", "it is the cheapest model that reaches 85 % good answers"),
        (0.99, "unknown", None, "No model reaches 99 % good answers: the best, strong, has"),
        (0.905, "unknown", None, "Not known yet whether strong reaches"),
    ],
)
def test_quality_floor(floor: float, kind: str, choice: str | None, part: str) -> None:
    found = said(noise(2000, [0.7, 0.9]), worth=None, floor=floor)
    assert (found.kind, found.choice) == (kind, choice)
    assert part in found.sentence


def test_a_missing_price_is_said() -> None:
    data = noise(200, [0.6, 0.8])
    found = said(replace(data, cost_usd=np.where([True, False], data.cost_usd, np.nan)))
    assert found.kind == "unknown"
    assert found.sentence.startswith("By quality alone strong is best (")
    assert "prompts), proven against the other; its worth is not known" in found.sentence
    assert "the price of strong is unknown" in found.sentence
    assert "Settings" in (found.missing or "")


def test_without_any_price_quality_alone_is_said() -> None:
    """And that it is not proven, where it is not; one sentence names every model."""
    data = noise(60, [0.6, 0.62, 0.1], (0.1, 0.1, 0.1))
    found = said(replace(data, cost_usd=np.full(data.cost_usd.shape, np.nan)))
    assert found.kind == "unknown"
    assert found.sentence.startswith("By quality alone ")
    assert "but not proven better than " in found.sentence
    assert "the prices of " in found.sentence
    assert len(found.reasons[:2]) == 2
    assert all(" beside " in one for one in found.reasons[:2])
    assert "--price MODEL=IN,OUT" in (found.missing or "")


def test_one_model_without_a_price_does_not_silence_the_others() -> None:
    """The priced ones are judged as if it were not there, and the sentence says so."""
    data = noise(500, [0.9, 0.7, 0.8], (0.001, 0.01, 0.005))
    unknown = replace(data, cost_usd=np.where(np.arange(3) == 2, np.nan, data.cost_usd))
    name = data.models[2]
    found, alone = said(unknown), said(models_of(data, [0, 1]))
    assert (found.kind, found.choice) == (alone.kind, alone.choice) == ("use", data.models[0])
    assert found.sentence == f"{alone.sentence} This leaves out {name}, whose price is unknown."
    (reason,) = [one for one in found.reasons if one.startswith("Not judged, for its price is unknown: ")]
    assert f"{name} ({100 * data.scores[:, 2].mean():.1f} %" in reason
    report = evaluate(["length"], unknown, objective=Objective(0.05, None), draws=100)
    assert report.models == data.models[:2]
    assert [one.model for one in report.unpriced] == [name]


def test_costs_that_are_given_are_not_estimated() -> None:
    """Where only tokens are missing; both facts are told, each of its own."""
    data = noise(50, [0.9, 0.7])
    tokens = replace(data, tokens_estimated=np.ones(data.scores.shape, np.bool_))
    report = evaluate(["length"], tokens, objective=Objective(0.05, None), draws=50)
    assert report.estimated_cost_share == 0
    assert report.notes == ("tokens that the file does not give are estimated from texts: all answers",)
    costs = replace(data, cost_estimated=np.array([[True, False]] * 50))
    report = evaluate(["length"], costs, objective=Objective(0.05, None), draws=50)
    assert report.estimated_cost_share == 0.5
    assert report.notes == ("costs that the file does not give are tokens times price: 100% of cheap",)


def test_rules_are_told_from_a_random_mix() -> None:
    """Rules that know nothing are not called better, and length stands beside them."""
    reasons = said(noise(600, [0.5, 0.9])).reasons
    assert any(
        one.startswith("Rules as set: not distinguishable from a random mix of equal cost") for one in reasons
    )
    assert any(
        one.startswith("Prompt length orders prompts: not shown to be better than chance") for one in reasons
    )


def test_three_models_are_all_beside_the_best() -> None:
    found = said(noise(3000, [0.5, 0.55, 0.9], (0.001, 0.012, 0.01)), worth=1.0)
    assert (found.kind, found.choice) == ("use", "third")
    assert sum("beside third" in one for one in found.reasons) == 2


def a_row(name: str, kind: Kind, accuracy: float = 0.8, **more: Any) -> Row:
    """One way of choosing, 2 points of accuracy to either side."""
    around = Estimate(accuracy, accuracy - 0.02, accuracy + 0.02)
    return Row(
        name, name.capitalize(), kind, around, Estimate(0.001, 0.001, 0.001), **{"shares": (0.5, 0.5), **more}
    )


STRONG = Rival(  # two points better and more expensive than it is worth
    "strong",
    Estimate(0.02, 0.01, 0.03),
    Estimate(0.009, 0.0088, 0.0092),
    Estimate(-0.008, -0.0085, -0.0075),
    0.45,
    0.3,
    None,
)


def by_hand(*rows: Row, rivals: tuple[Rival, ...] = (STRONG,), **changes: Any) -> Verdict:
    """The verdict on rows of which every figure is given; a good answer is worth $0.05."""
    dear = {one.model: Estimate(0.01, 0.01, 0.01) for one in rivals}
    fixed = (a_row("cheap", "fixed"), *(replace(a_row(name, "fixed"), cost_usd=usd) for name, usd in dear.items()))
    made = evaluate(["random"], noise(60, [0.5, 0.5]), objective=Objective(0.05), draws=100)
    models = tuple(row.name for row in fixed)
    report = replace(made, prompts=1_000, models=models, best_fixed="cheap", rows=(*fixed, *rows), rivals=rivals)
    return verdict(replace(report, **changes))


def test_every_reason() -> None:
    """Other models, routers beside the best model, beside a mix, orders of prompts, and what was estimated."""
    worse = Estimate(-0.01, -0.02, -0.005)
    maybe = Estimate(0.0001, -0.0001, 0.0003)
    surely = Estimate(0.0004, 0.0002, 0.0006)
    found = by_hand(
        a_row("rules", "rule", gain=worse, advantage_usd=Estimate(-0.0001, -0.0003, 0.0001)),
        a_row("other rules", "rule", gain=Estimate(0.01, 0.005, 0.02)),
        a_row("words", "rule", gain=Estimate(0.01, -0.005, 0.02)),
        a_row("length", "ranking", gain=worse, advantage_usd=maybe, apgr=Estimate(0.45, 0.42, 0.48)),
        a_row(
            "learned",
            "trained",
            gain=worse,
            advantage_usd=surely,
            apgr=Estimate(0.6, 0.55, 0.65),
            apgr_over_length=Estimate(0.15, 0.1, 0.2),
        ),
        a_row(
            "second",
            "trained",
            advantage_usd=maybe,
            apgr=Estimate(0.52, 0.49, 0.55),
            apgr_over_length=Estimate(-0.1, -0.15, -0.05),
        ),
        a_row("third", "trained", apgr=Estimate(0.52, 0.49, 0.55), apgr_over_length=Estimate(0.02, -0.1, 0.1)),
        a_row("mix", "mix", apgr=Estimate(0.5, 0.5, 0.5)),
        estimated_cost_share=0.25,
    )
    assert found.sentence == (
        "Use cheap for everything. It is within 5 points of strong (95 %, 1,000 prompts) at 1/10 of the cost."
    )
    assert found.reasons == (
        "strong beside cheap: +2.0 points (+1.0 to +3.0), $9.00 more expensive per 1,000 prompts; at $0.050 for a"
        " good answer that makes -$8.00 (-$8.50 to -$7.50) of value per 1,000.",
        "strong pays once a good answer is worth more than $0.45 (95 %: $0.30 to never).",
        "No router here is proven to beat it; the best, length, makes $0.10 (-$0.10 to $0.30) of value per 1,000"
        " prompts above cheap.",
        "A score learned from these prompts would make $0.40 ($0.20 to $0.60) more of value per 1,000 prompts than"
        " cheap; no router follows it alone, so it is not advice.",
        "Rules: worse than a random mix of equal cost, -1.0 points (-2.0 to -0.5).",
        "Other rules: better than a random mix of equal cost, +1.0 points (+0.5 to +2.0).",
        "Words: not distinguishable from a random mix of equal cost, +1.0 points (-0.5 to +2.0).",
        "Length orders prompts: worse than chance (APGR 0.450 (0.420 to 0.480), chance is 0.500).",
        "Learned orders prompts: better than chance (APGR 0.600 (0.550 to 0.650), chance is 0.500); ahead of"
        " prompt length (+0.150, +0.100 to +0.200).",
        "Second orders prompts: not shown to be better than chance (APGR 0.520 (0.490 to 0.550), chance is 0.500);"
        " behind prompt length (-0.100, -0.150 to -0.050).",
        "Third orders prompts: not shown to be better than chance (APGR 0.520 (0.490 to 0.550), chance is 0.500);"
        " not distinguishable from prompt length (+0.020, -0.100 to +0.100).",
        "The cost of 25 % of the answers is estimated, as tokens times price: the file does not give it.",
    )


def test_where_a_router_is_proven_the_others_are_not_named() -> None:
    """The advice to route stands on top, not that the best of them is unproven."""
    surely, better = Estimate(0.0004, 0.0002, 0.0006), Estimate(0.01, 0.005, 0.02)
    found = by_hand(
        a_row("length", "ranking", gain=better, advantage_usd=surely),
        a_row("rules", "rule", gain=better, advantage_usd=Estimate(0.0001, -0.0001, 0.0003)),
    )
    assert (found.kind, found.choice) == ("route", "length")
    assert found.sentence == (
        "Route by length: it is worth $0.40 ($0.20 to $0.60) more per 1,000 prompts than cheap for everything."
    )
    assert not any("No router here" in one or "no advice" in one for one in found.reasons)


def test_a_best_cut_that_sends_everything_to_one_model() -> None:
    """Exactly nothing is gained: said so, in place of an interval of zeros."""
    nothing = Estimate(0.0, 0.0, 0.0)
    found = by_hand(a_row("length", "ranking", gain=nothing, advantage_usd=nothing, shares=(1.0, 0.0)))
    assert found.reasons[2] == (
        "No router here does better: the best cut of length sends everything to one model."
    )


def test_too_few_prompts_elsewhere_prove_nothing() -> None:
    """A router that differs from the best model on 29 prompts of 1,000 is not advised, on 30 it is."""
    better, surely = Estimate(0.01, 0.005, 0.02), Estimate(0.0004, 0.0002, 0.0006)
    for elsewhere, kind in ((29, "use"), (30, "route")):
        shares = (1.0 - elsewhere / 1_000, elsewhere / 1_000)
        found = by_hand(a_row("length", "ranking", gain=better, advantage_usd=surely, shares=shares))
        assert found.kind == kind


@pytest.mark.parametrize(("worth", "kind"), [(0.000049, "use"), (0.000051, "route")])
def test_nothing_immaterial_is_advised(worth: float, kind: str) -> None:
    """The best model costs $1.00 per 1,000 prompts: less than $0.050, 5 % of it, and than one good answer ($0.050)
    is not worth a router, however sure it is.
    """  # fmt: skip
    better, surely = Estimate(0.01, 0.005, 0.02), Estimate(worth, worth / 2, worth * 2)
    found = by_hand(a_row("length", "ranking", gain=better, advantage_usd=surely))
    assert found.kind == kind
    if kind == "use":
        assert any(
            one.startswith("No router is worth the trouble: the best, length, makes $0.049 (")
            for one in found.reasons
        )


def test_a_learner_says_what_it_brought() -> None:
    """Learning included, beside the best model: a loss is called one."""
    loss = Estimate(-0.00172, -0.002, -0.0015)
    reasons = by_hand(a_row("thompson", "learner", advantage_usd=loss)).reasons
    assert (
        "Thompson, brought $1.72 less of value per 1,000 prompts than cheap for everything (-$2.00 to -$1.50; a"
        " simulation)."
    ) in reasons


def test_beside_several_models_the_most_accurate_is_named() -> None:
    """One is more expensive and worse, another better but not worth its price: the sentence is about that one."""
    worse = replace(STRONG, model="worse", accuracy=Estimate(-0.1, -0.12, -0.08), break_even_usd=None)
    better = replace(STRONG, accuracy=Estimate(0.1, 0.08, 0.12))
    assert by_hand(rivals=(worse, better)).sentence == (
        "Use cheap for everything. strong is better by 10.0 points (95 %: 8.0 to 12.0; 1,000 prompts), which at"
        " $0.050 for a good answer is not worth its price: this one has 1/10 of the cost."
    )
    assert by_hand(rivals=(worse, replace(worse, model="other"))).sentence == (
        "Use cheap for everything. worse and other are more expensive and worse: dominated (95 %, 1,000 prompts)."
    )


def test_a_dearer_rival_that_is_no_better_is_not_said_to_be_worth_its_price() -> None:
    """Equal scores at ten times the cost: within the tolerance; with none, more expensive and not better."""
    same = labelled([[1.0, 1.0]] * 380 + [[1.0, 0.0]] * 10 + [[0.0, 1.0]] * 10, (0.01, 0.1))
    report = evaluate((), same, objective=Objective(0.05), draws=0)
    assert verdict(report).sentence.startswith("Use cheap for everything. It is within 5 points of strong")
    said = verdict(report, 0.0).sentence
    assert "strong is more expensive and not better: +0.0 points (95 %: -2.3 to +2.3; 400 prompts)" in said
    assert "1/10 of the cost" in said
