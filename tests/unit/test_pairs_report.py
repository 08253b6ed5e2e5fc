"""Rated pairs as a report on two models: the verdict turns where the paired test's own interval says."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from router_core.evaluation.by_file.conclusion import verdict
from router_core.evaluation.paired import PairedTest, Pairs, paired_tests
from router_core.evaluation.pairs_report import most_promising, report_of_pairs
from router_core.evaluation.results import Report

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def pairs(both: int, cheap: int, strong: int, neither: int = 0, name: str = "cheap") -> tuple[Pairs, PairedTest]:
    """So many pairs with both answers good, only one, or none."""
    kinds = [(1.0, 1.0)] * both + [(1.0, 0.0)] * cheap + [(0.0, 1.0)] * strong + [(0.0, 0.0)] * neither
    scores = np.random.default_rng(0).permutation(np.array(kinds))
    count = len(scores)
    found = Pairs(
        name, "strong", scores[:, 0], scores[:, 1], np.zeros(count, "datetime64[us]"), np.ones(count, bool)
    )
    return found, paired_tests([found])[0]


def told(worth: float, *, costs: tuple[float | None, float | None] = (0.0001, 0.002), **counts: int) -> Report:
    """The report on such pairs."""
    found, test = pairs(**counts)
    return report_of_pairs(found, test, costs, worth, settings_version="v", now=NOW)


def test_the_figures_are_those_of_the_test() -> None:
    """Shares, the difference with its interval for any number of looks, and the break-even that follows."""
    counts = {"both": 200, "cheap": 20, "strong": 100}
    report, (_, test) = told(1.0, **counts), pairs(**counts)
    assert (report.prompts, report.models, report.best_fixed) == (320, ("cheap", "strong"), "strong")
    assert report.row("cheap").accuracy.value == pytest.approx(220 / 320)
    (rival,) = report.rivals
    assert test.difference is not None
    assert rival.accuracy.value == -test.difference.value == pytest.approx(-0.25)
    assert (rival.accuracy.low, rival.accuracy.high) == (-test.difference.high, -test.difference.low)
    assert rival.break_even_usd == pytest.approx(0.0019 / 0.25)
    assert rival.break_even_low_usd == pytest.approx(0.0019 / test.difference.high)
    assert rival.break_even_high_usd == pytest.approx(0.0019 / test.difference.low)


@pytest.mark.parametrize(("worth", "kind", "choice"), [(0.001, "use", "cheap"), (0.0076, "unknown", None),
                                                       (1.0, "use", "strong")])  # fmt: skip
def test_the_verdict_turns_with_the_worth(worth: float, kind: str, choice: str | None) -> None:
    """Below the break-even's interval, within it, and above."""
    found = verdict(told(worth, both=200, cheap=20, strong=100), tolerance=0.0)
    assert (found.kind, found.choice) == (kind, choice)


def test_equal_models_are_settled_for_the_cheaper_one() -> None:
    """Once the difference is surely within the tolerance."""
    found = verdict(told(0.05, both=950, cheap=25, strong=25))
    assert (found.kind, found.choice) == ("use", "cheap")
    assert "within 5 points" in found.sentence


def test_few_pairs_settle_nothing() -> None:
    """However good they look."""
    assert verdict(told(0.05, both=4, cheap=0, strong=4)).kind == "unknown"


def test_a_stronger_model_that_is_cheaper_has_no_break_even() -> None:
    """It is the better value whatever an answer is worth; the report has it first."""
    report = told(0.05, costs=(0.002, 0.0001), both=300, cheap=10, strong=90)
    assert report.models == ("strong", "cheap")
    assert report.rivals[0].break_even_usd is None
    assert verdict(report).choice == "strong"


def test_an_unknown_price_is_not_zero() -> None:
    """No verdict on value, and what is missing is said."""
    report = told(0.05, costs=(None, 0.002), both=300, cheap=10, strong=90)
    assert report.row("cheap").cost_usd is None
    found = verdict(report)
    assert found.kind == "unknown"
    assert "price of cheap" in (found.missing or "")


def test_the_most_promising_of_several_models() -> None:
    """By value, and only where there are pairs."""
    first, second, none = pairs(50, 5, 40)[1], pairs(60, 20, 20)[1], pairs(1, 0, 0)[1]
    assert most_promising([first, second, none], [0.0001, 0.0001, 0.0], 0.05) == 1
    assert most_promising([first, second], [0.0001, 1.0], 0.05) == 0
    assert most_promising([none], [0.0], 0.05) is None
