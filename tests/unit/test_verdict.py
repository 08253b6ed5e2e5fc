"""One sentence: use, route, or not known yet; never more than the evidence says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from router_core.evaluation.conclusion import verdict
from router_core.evaluation.labelled import Labelled
from router_core.evaluation.report import evaluate
from router_core.evaluation.results import Objective, Verdict
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
    """Dearer and worse: use the other for everything."""
    found = said(noise(500, [0.9, 0.7]))
    assert (found.kind, found.choice) == ("use", "cheap")
    assert found.sentence == (
        "Use cheap for everything. strong is dearer and worse: dominated (95 %, 500 prompts)."
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
    assert "the price of strong is unknown" in found.sentence
    assert "Settings" in (found.missing or "")


def test_rules_are_told_from_a_random_mix() -> None:
    """Rules that know nothing are not called better, and length stands beside them."""
    reasons = said(noise(600, [0.5, 0.9])).reasons
    assert any(one.startswith("Rules as set: not told from a random mix of equal cost") for one in reasons)
    assert any(
        one.startswith("Prompt length orders prompts: not shown to be better than chance") for one in reasons
    )


def test_three_models_are_all_beside_the_best() -> None:
    found = said(noise(3000, [0.5, 0.55, 0.9], (0.001, 0.012, 0.01)), worth=1.0)
    assert (found.kind, found.choice) == ("use", "third")
    assert sum("beside third" in one for one in found.reasons) == 2
