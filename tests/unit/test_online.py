"""Routers on a stream: what is counted, against sums by hand; the command and the chart that show it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks.online import study as module
from benchmarks.online.chart import online_chart, online_description
from benchmarks.online.command import online as command
from benchmarks.online.study import (
    BLIND,
    FEATURES,
    MIX,
    WORDS,
    Prepared,
    break_even_usd,
    online,
    prepared,
    without_signal,
)
from router_core.errors import EvaluationError
from router_core.evaluation.files.reading import read_labelled
from router_core.evaluation.labelled import Labelled

HARD = "derive the integral and prove every lemma on the way"


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> str:
    """600 prompts; the cheap model knows the plain ones, the strong one .95 of all for ten times the money."""
    rng = np.random.default_rng(0)
    place = tmp_path_factory.mktemp("online") / "scored.csv"
    with place.open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["prompt", "model", "score", "cost_usd", "input_tokens", "output_tokens"])
        for number in range(600):
            hard = rng.random() < 0.4
            prompt = f"Question {number}: {HARD if hard else 'which city and street is it'} {rng.integers(99)}?"
            lines.writerow([prompt, "small", int(rng.random() < (0.1 if hard else 0.95)), 0.001, 20, 5])
            lines.writerow([prompt, "large", int(rng.random() < 0.95), 0.01, 20, 5])
    return str(place)


@pytest.fixture(scope="module")
def prompts(scored: str) -> Prepared:
    """The same, prepared."""
    return prepared(read_labelled(scored))


def test_fixed_models_and_rules_by_hand(prompts: Prepared) -> None:
    """At the end every shuffle has seen every prompt, so they bring their means whatever the order."""
    found = online(prompts, 0.03, shuffles=3, words=False)
    data: Labelled = prompts.labelled
    for model, name in enumerate(data.models):
        path = found.path(name)
        brought = 1000 * float((0.03 * data.scores[:, model] - data.cost_usd[:, model]).mean())
        assert path.final.value == pytest.approx(brought)
        assert path.final.high - path.final.low == pytest.approx(0.0, abs=1e-9)
        assert path.over_mix.value == pytest.approx(0.0, abs=1e-9)  # a fixed model is a mix of itself
    assert found.path(found.best).over_best.value == 0.0
    assert found.seen[-1] == 600
    assert len(found.seen) == module.POINTS


def test_the_mix_spends_as_much_and_a_difference_is_a_difference(prompts: Prepared) -> None:
    """What a learner has over the mix is what it brought less what the mix brought."""
    found = online(prompts, 0.03, shuffles=3, words=False)
    learner, mix = found.path(FEATURES), found.path(MIX)
    assert learner.over_mix.value == pytest.approx(learner.final.value - mix.final.value)
    assert learner.over_best.value == pytest.approx(learner.final.value - found.path(found.best).final.value)
    spent = float(np.array(learner.shares) @ prompts.labelled.cost_usd.mean(axis=0))
    accuracy = float(np.interp(spent, [0.001, 0.01], prompts.labelled.scores.mean(axis=0)))
    assert mix.final.value == pytest.approx(1000 * (0.03 * accuracy - spent))
    assert mix.accuracy == pytest.approx(accuracy)


def test_it_ends_above_the_hull(prompts: Prepared) -> None:
    """Where prompts differ, by more than the interval; plain Thompson sampling does not."""
    found = online(prompts, 0.03, shuffles=4, words=False)
    assert found.path(FEATURES).over_mix.low > 0.0
    assert found.path(FEATURES).over_mix.low > found.path(BLIND).over_mix.high


def test_words_are_learned_on_the_way(prompts: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    """With every other feature blank the learned words alone tell the prompts apart."""
    monkeypatch.setattr(module, "WORDS_AFTER", (150, 300))
    blank = np.zeros_like(prompts.features)
    blank[:, 0] = 1.0
    found = online(Prepared(prompts.labelled, blank, prompts.costs_usd, prompts.texts), 0.03, shuffles=3)
    assert found.path(WORDS).late.value > found.path(FEATURES).late.value + 0.5


def test_without_a_signal(prompts: Prepared) -> None:
    """Each model keeps its scores, and no learner has an advantage over the mix beyond chance."""
    shuffled = without_signal(prompts, 1)
    assert np.array_equal(np.sort(shuffled.labelled.scores, axis=0), np.sort(prompts.labelled.scores, axis=0))
    assert not np.array_equal(shuffled.labelled.scores, prompts.labelled.scores)
    found = online(shuffled, 0.03, shuffles=3, words=False)
    assert abs(found.path(FEATURES).over_mix.value) < 1.0 < online(
        prompts, 0.03, shuffles=3, words=False
    ).path(FEATURES).over_mix.value  # fmt: skip


def test_the_same_seed_gives_the_same_figures(prompts: Prepared) -> None:
    assert online(prompts, 0.03, shuffles=2, words=False) == online(prompts, 0.03, shuffles=2, words=False)


def test_break_even(prompts: Prepared) -> None:
    """There both models bring the same."""
    even = break_even_usd(prompts.labelled)
    assert even is not None
    low, high = even * prompts.labelled.scores.mean(axis=0) - prompts.labelled.cost_usd.mean(axis=0)
    assert low == pytest.approx(high)


@pytest.mark.parametrize(("worth", "shuffles"), [(0.0, 3), (float("inf"), 3), (0.1, 1)])
def test_what_makes_no_sense(prompts: Prepared, worth: float, shuffles: int) -> None:
    with pytest.raises(EvaluationError, match="give more than 0 dollars and at least 2 shuffles"):
        online(prompts, worth, shuffles=shuffles)


def test_a_model_without_a_price(prompts: Prepared) -> None:
    from dataclasses import replace

    unknown = prompts.labelled.cost_usd.copy()
    unknown[:, 1] = np.nan
    with pytest.raises(EvaluationError, match="has no price"):
        prepared(replace(prompts.labelled, cost_usd=unknown))


@pytest.mark.slow
def test_the_command(scored: str, tmp_path: Path) -> None:
    """A table for each worth; the same as JSON; the chart as Vega-Lite."""
    place = tmp_path / "stream.json"
    words = [scored, "--shuffles", "2", "--no-words", "--chart", str(place)]
    said = CliRunner().invoke(command, words)
    assert said.exit_code == 0, said.output
    assert said.output.count("A good answer is worth") == 3
    assert "Contextual, features alone" in said.output
    assert json.loads(place.read_text())["config"]["background"] == "#ffffff"
    one = CliRunner().invoke(command, [scored, "--shuffles", "2", "--no-words", "--worth", "0.03", "--json"])
    assert json.loads(one.output)[0]["value_usd"] == 0.03
    shuffled = CliRunner().invoke(command, [*words[:4], "--no-signal", "--worth", "0.03"])
    assert shuffled.exit_code == 0, shuffled.output
    wrong = CliRunner().invoke(command, [*words[:5], str(tmp_path / "stream.txt"), "--worth", "0.03"])
    assert wrong.exit_code == 1
    assert wrong.output.startswith("router-core: ")


def test_the_chart(prompts: Prepared) -> None:
    """A line and a name for each way, models in their colours; the words name every one with its figures."""
    found = online(prompts, 0.03, shuffles=2, words=False)
    for theme in ("light", "dark"):
        spec = online_chart(found, theme)  # type: ignore[arg-type]
        rows = [row for table in spec["datasets"].values() for row in table]
        lines = {row["name"] for row in rows if "name" in row}
        assert {"small", "large", FEATURES, BLIND, MIX, "heuristic", "length"} == lines
        names = sorted(row["at"] for row in rows if "at" in row)
        assert len(names) == 7
        assert min(np.diff(names)) > 0
    said = online_description(found)
    assert "600 prompts" in said
    assert all(path.label in said for path in found.paths if path.name != "costs")
