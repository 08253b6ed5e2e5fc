"""The charts of own traffic as data: estimates beside the log, evidence with its lines, and both in words."""

from __future__ import annotations

import math
from typing import Any

import pytest

from router_core.charts.common import ACCENT, MODEL_COLORS, MUTED, Theme
from router_core.charts.traffic import estimates_chart, estimates_description, evidence_chart, evidence_description
from router_core.evaluation.from_log.offpolicy import OffPolicyEstimate
from router_core.evaluation.paired import paired_test
from router_core.evaluation.results import Estimate

THEMES: tuple[Theme, ...] = ("light", "dark")
LOGGED = Estimate(0.002, 0.001, 0.003)


def estimate(estimator: Any, quantity: Any, figure: Estimate | None) -> OffPolicyEstimate:
    return OffPolicyEstimate(estimator, quantity, figure, 10.0, 100, (1.0,), None if figure else "why")


ESTIMATES = [
    estimate("IPS", "reward", Estimate(0.8, 0.7, 0.9)),
    estimate("DR", "reward", None),
    estimate("IPS", "cost_usd", Estimate(0.004, 0.003, 0.005)),
    estimate("DR", "cost_usd", Estimate(0.005, 0.004, 0.006)),
]


def data(spec: dict[str, Any], layer: int) -> list[dict[str, Any]]:
    """The rows of a layer."""
    named = spec["layer"][layer].get("data") or spec["data"]
    found: list[dict[str, Any]] = spec["datasets"][named["name"]]
    return found


@pytest.mark.parametrize("theme", THEMES)
def test_estimates_stand_below_the_log(theme: Theme) -> None:
    """Per 1,000 requests, in their order; the log is quieter and drawn through the chart."""
    spec = estimates_chart(ESTIMATES, LOGGED, "cost_usd", theme)
    assert spec is not None
    assert data(spec, 0) == [{"at": 2.0}]
    rows = data(spec, 1)
    assert [(row["what"], row["low"], row["value"], row["high"]) for row in rows] == [
        ("as logged", 1.0, 2.0, 3.0),
        ("IPS", 3.0, 4.0, 5.0),
        ("DR", 4.0, 5.0, 6.0),
    ]
    assert [row["color"] for row in rows] == [MUTED[theme], ACCENT[theme], ACCENT[theme]]
    assert spec["layer"][1]["encoding"]["y"]["sort"] == ["as logged", "IPS", "DR"]


def test_what_was_refused_is_not_drawn() -> None:
    """Nor is a log of which nothing is known; nothing at all is no chart."""
    spec = estimates_chart(ESTIMATES, None, "reward", "light")
    assert spec is not None
    assert [row["what"] for row in data(spec, 0)] == ["IPS"]
    assert estimates_chart([ESTIMATES[1]], LOGGED, "reward", "light") is None


def test_estimates_in_words() -> None:
    """Shares and dollars."""
    assert estimates_description(ESTIMATES, None, "reward") == (
        "Estimates of good answers. IPS: 80.0 % (70.0 % to 90.0 %)."
    )
    assert estimates_description(ESTIMATES, LOGGED, "cost_usd").startswith(
        "Estimates of dollars per 1,000 requests. as logged: $2.00 ($1.00 to $3.00); IPS: $4.00"
    )


EQUAL = paired_test([1.0] * 400, [1.0] * 400, cheap="mini", strong="large")
EVEN = paired_test([1.0, 0.0], [0.0, 1.0], cheap="mini", strong="large")


@pytest.mark.parametrize("theme", THEMES)
def test_evidence_has_the_colours_of_its_models(theme: Theme) -> None:
    """ "At most" speaks for the cheap model, "more" for the strong one; each with its own dash."""
    spec = evidence_chart(EQUAL, 0, 2, theme)
    line = spec["layer"][1]["encoding"]
    assert line["color"]["scale"] == {
        "domain": ["better by at most 5 points", "better by more than 5 points"],
        "range": [MODEL_COLORS[theme][0], MODEL_COLORS[theme][2]],
    }
    assert line["strokeDash"]["scale"]["range"] == [[1, 0], [6, 3]]


def test_evidence_is_drawn_through_the_pairs() -> None:
    """Both sides at every point of the path, as powers of ten, inside the axis, with the lines 20 and 1."""
    spec = evidence_chart(EQUAL, 0, 1, "light")
    rows = data(spec, 1)
    assert len(rows) == 2 * len(EQUAL.path)
    assert rows[len(EQUAL.path) - 1]["power"] == pytest.approx(EQUAL.within)
    assert [row["at"] for row in data(spec, 0)] == [pytest.approx(math.log10(20)), 0.0]
    assert [row["said"] for row in data(spec, 0)] == ["20: enough to conclude", "1: nothing known"]
    low, high = spec["layer"][1]["encoding"]["y"]["scale"]["domain"]
    assert low <= min(row["power"] for row in rows)
    assert max(row["power"] for row in rows) < high
    assert spec["layer"][1]["encoding"]["y"]["title"] == "evidence that large is ..."


def test_little_evidence_still_shows_the_line_to_reach() -> None:
    """Two pairs: the axis reaches from below 1 to beyond 20."""
    low, high = evidence_chart(EVEN, 0, 1, "light")["layer"][1]["encoding"]["y"]["scale"]["domain"]
    assert low == -1.0
    assert high > math.log10(20)


def test_evidence_in_words() -> None:
    """How much for either side, and how much is enough."""
    said = evidence_description(EQUAL)
    assert said.startswith("Evidence after 400 pairs: ")
    assert said.endswith("20 is enough.")
    assert "that large is better by at most 5 points" in said
