"""Ratings corrected by a source that has a word on every answer: worked by hand, and when it is not used."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from router_core.evaluation.from_log.log import Log
from router_core.evaluation.from_log.offpolicy import estimate
from router_core.evaluation.from_log.rating_model import corrected

ONE = np.ones((1_000, 1))


def a_log(second: bool = True) -> Log:
    """1,000 answers of one model, 800 good, of which 80 are rated; of the 200 bad ones 100 are.

    The second source calls 90 % of the good and 20 % of the bad answers good, whether rated or not.
    """
    good = np.repeat([1.0, 0.0], [800, 200])
    rated = np.concatenate([np.arange(800) < 80, np.arange(200) < 100])
    said = np.concatenate([np.arange(800) % 10 > 0, np.arange(200) % 5 == 0]).astype(float)
    return Log(
        ("A",), ONE, np.zeros(1_000, np.int64), np.where(rated, good, np.nan), np.ones(1_000),
        second=said if second else None,
    )  # fmt: skip


def test_by_hand() -> None:
    """Of all answers (.76 - .2) / (.9 - .2) = .8 are good; of the rated 80 of 180."""
    log = corrected(a_log())
    assert log is not None
    assert log.reward.mean() == pytest.approx(0.8)
    unrated = np.isnan(a_log().reward)
    assert set(log.reward[unrated].round(6)) == {round((1 - 0.2) / 0.7, 6), round(-0.2 / 0.7, 6)}
    assert (log.reward[~unrated] - (a_log().second[~unrated] - 0.2) / 0.7).sum() == pytest.approx(0, abs=1e-9)  # type: ignore[index]


def test_an_estimate_uses_it_and_says_so() -> None:
    """44 % without, 80 % with, 80 of 1,000 to 900 of 1,000 at the worst either way."""
    with_it, without = (estimate(ONE, a_log(second)) for second in (True, False))
    for report, value, low, high in ((with_it, 0.8, 0.7, 0.9), (without, 80 / 180, 0.34, 0.55)):
        for estimator in ("IPS", "SNIPS", "DR"):
            found = report.of("reward", estimator)  # type: ignore[arg-type]
            assert found.figure is not None
            assert found.figure.value == pytest.approx(value, abs=0.002)
            assert low < found.figure.low < found.figure.value < found.figure.high < high
            assert found.known_share == (0.18,)
            assert found.worst is not None
            assert found.worst == pytest.approx((0.065, 0.916), abs=0.003)
        assert report.of("cost_usd").worst is None
    assert "judged by a second source" in with_it.warnings[0]
    assert without.warnings[0].startswith(
        "18.0 % of the answers are rated; if people rate because they are pleased"
    )
    assert without.warnings[0].endswith("or every one good, it would be 6.5 to 91.7 %")


def test_nearly_all_rated_needs_no_bounds() -> None:
    """Neither a correction nor a warning."""
    log = a_log()
    log = replace(log, reward=np.where(np.arange(1_000) < 950, np.repeat([1.0, 0.0], [800, 200]), np.nan))
    assert corrected(log) is None
    report = estimate(ONE, log)
    assert report.of("reward").worst is None
    assert report.warnings == ()


@pytest.mark.parametrize("why", ["gaps", "too few good", "no better than a coin"])
def test_a_second_source_that_tells_too_little_is_not_used(why: str) -> None:
    """It must speak of nearly every answer, and differently of good and bad ones, of which some must be rated."""
    log = a_log()
    assert log.second is not None
    changes = {
        "gaps": {"second": np.where(np.arange(1_000) % 5 == 0, np.nan, log.second)},
        "too few good": {"reward": np.where((log.reward == 1.0) & (np.arange(1_000) > 15), np.nan, log.reward)},
        "no better than a coin": {"second": np.arange(1_000) % 2 * 1.0},
    }[why]
    assert corrected(replace(log, **changes)) is None
