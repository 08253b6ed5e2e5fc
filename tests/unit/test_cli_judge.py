"""``router-core judge``: what it costs beforehand, what it says afterwards, and nothing twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from router_core.settings import Settings, SimulationSettings
from router_core.shell.main import main
from router_core.store import open_store
from router_core.store.base import SettingsVersion
from tests.judged import rate, with_pairs
from tests.store_rows import at


@pytest.fixture
def place(tmp_path: Path) -> str:
    """A store of simulated traffic with forty pairs."""
    path = str(tmp_path / "judged.duckdb")
    store = open_store(path, kind="simulated")
    with_pairs(store, 40)
    settings = Settings(simulation=SimulationSettings(latency_scale=0.0))
    store.save_settings(SettingsVersion(settings.version, at(1), "", "", settings.document()))
    store.close()
    return path


def judge(place: str, *words: str, **more: Any) -> Result:
    """One run."""
    return CliRunner().invoke(main, ["judge", "--store", place, "--simulated", *words], **more)


def test_it_says_what_it_costs_asks_and_judges_once(place: str) -> None:
    """Calls and dollars first; a no ends it; a yes judges; the second run has nothing to do."""
    refused = judge(place, "--by", "openai/gpt-4.1", "--people", "1", input="n\n")
    assert refused.exit_code == 1
    assert "40 pairs of answers, 80 calls, about $0.1" in refused.output
    done = judge(place, "--by", "openai/gpt-4.1", "--people", "1", "--limit", "5", "--yes")
    assert done.exit_code == 0, done.output
    assert "Judged 40 for $0.0" in done.output
    assert "40 are for people, too" in done.output
    assert "proves nothing" in done.output
    again = judge(place, "--by", "openai/gpt-4.1", "--people", "1", "--yes")
    assert "0 pairs of answers, 0 calls" in again.output
    assert "40 are judged already" in again.output


def test_the_report_after_people_have_rated(place: str) -> None:
    """A corrected interval, agreement, swaps and the verdicts saved, in words and as JSON."""
    assert judge(place, "--by", "openai/gpt-4.1", "--people", "1", "--yes").exit_code == 0
    store = open_store(place, kind="simulated")
    rate(store, {number: float(number % 2 == 0 or number % 4 == 1) for number in range(1, 81)})
    store.close()
    said = judge(place, "--report")
    assert said.exit_code == 0
    assert "openai/gpt-4o is better than openai/gpt-4o-mini by more than 5 points: +50.0" in said.output
    assert "corrected by 40 verdicts of people; for one look" in said.output
    facts = json.loads(judge(place, "--report", "--json").output)["judges"][0]
    assert facts["pairs"][0]["difference"]["people"] == 40
    assert facts["sentences"][0] in said.output
    assert facts["swapped"] >= 0
    assert facts["saved"] >= 0


def test_wrong_usage(place: str, tmp_path: Path) -> None:
    """Who judges is said; JSON cannot ask; criteria must be there; a judge of its own answers is warned of."""
    assert judge(place).exit_code == 2
    assert judge(place, "--by", "a/b", "--json").exit_code == 2
    assert "cannot be read" in judge(place, "--by", "openai/gpt-4.1", "--criteria", "@nowhere", "--yes").output
    own = judge(place, "--by", "openai/gpt-4o", "-n", "1", "--yes")
    assert own.exit_code == 0
    assert "judges its own answers" in own.output
    nobody = judge(str(tmp_path / "empty.duckdb"), "--report")
    assert "No judge has judged anything" in nobody.output
