"""How often the drift alarm is wrong, and how soon it is right. Seeds are fixed."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from benchmarks.simulation.learners import LogisticThompson
from benchmarks.simulation.playing import features, play
from benchmarks.simulation.world import DEGRADED, Change, World, traffic
from router_core.learning.drift import DriftRule, Watch, observe


def false_alarms(chance: float, runs: int, seed: int) -> Counter[str]:
    """Alarms by direction in so many runs of 20,000 outcomes that are just as predicted."""
    random = np.random.default_rng(seed)
    heard: Counter[str] = Counter()
    for _ in range(runs):
        watch = Watch()
        for good in (random.random(20_000) < chance).tolist():
            watch, alarm = observe(watch, chance, float(good))
            if alarm is not None:
                heard[alarm.direction] += 1
    return heard


@pytest.mark.parametrize("chance", [0.92, 0.95])
def test_false_alarms_are_rare(chance: float) -> None:
    """About 0.1 in 20,000 outcomes of a good model, at most 0.2 (60 runs)."""
    heard = false_alarms(chance, runs=60, seed=0)
    assert 1 <= heard.total() <= 12


def detections(before: float, after: float, runs: int = 300) -> np.ndarray:
    """Outcomes from the change to the alarm, whose direction must be right."""
    random = np.random.default_rng(1)
    took = []
    for _ in range(runs):
        watch, alarm, outcomes = Watch(pairs=DriftRule().warm_up), None, 0
        while alarm is None:
            watch, alarm = observe(watch, before, float(random.random() < after))
            outcomes += 1
        assert alarm.direction == ("worse" if after < before else "better")
        took.append(outcomes)
    return np.array(took)


@pytest.mark.parametrize(
    ("before", "after", "median"),
    [(0.92, 0.80, 118), (0.74, 0.586, 118), (0.92, 0.63, 45), (0.92, 0.851, 241), (0.74, 0.85, 192)],
)
def test_changes_are_found(before: float, after: float, median: float) -> None:
    """Median outcomes until the alarm; .92 to .851 is just the shift that is looked for."""
    assert np.median(detections(before, after)) == pytest.approx(median, rel=0.15)


def test_the_change_is_dated_about_right() -> None:
    """Half of the alarms put its beginning within 60 outcomes of the truth."""
    random = np.random.default_rng(2)
    off = []
    for _ in range(200):
        watch, alarm, outcomes = Watch(), None, 0
        while alarm is None:
            outcomes += 1
            watch, alarm = observe(watch, 0.92, float(random.random() < (0.92 if outcomes <= 500 else 0.75)))
        off.append(abs(alarm.began - 500))
    assert np.median(off) < 60


@pytest.mark.parametrize("change", [None, DEGRADED])
def test_in_the_simulation(change: Change | None) -> None:
    """The alarm of a learner that decides by the prompt: found in every run, in the median within 130 requests.

    Where nothing changes, less than one false alarm per run over two models and two directions: its predictions
    are those of a logistic model, which this world is not.
    """
    runs, requests = 12, 20_000
    asked = traffic(World(change=change), runs, requests, seed=9)
    seen = features(asked.rule, asked.classifier)
    alarms = play(LogisticThompson(runs, 2, 3), seen, asked, 0.1, 9, drift=DriftRule()).alarms
    before = [one for one in alarms if change is None or one.request < requests // 2]
    assert len(before) < runs
    if change is not None:
        first = {}
        for one in alarms:
            if one.request >= requests // 2 and one.arm == 1 and one.alarm.direction == "worse":
                first.setdefault(one.run, one.request - requests // 2)
        assert len(first) == runs
        assert np.median(list(first.values())) <= 130
