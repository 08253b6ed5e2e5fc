"""Labelled prompts teach the goal's gain score, and what it is worth is said."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from router_core.errors import EvaluationError
from router_core.evaluation.by_file.teaching import matched, teach
from router_core.evaluation.files.reading import read_labelled
from router_core.evaluation.labelled import Labelled
from router_core.learning.contextual.gain import GainScore
from router_core.serving.library import Router
from router_core.settings import ArmSettings, GoalSettings, Settings
from router_core.shell.main import main
from router_core.store import open_store
from router_core.store.base import Store
from tests.scored import CHEAP, STRONG, long_csv, with_words

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def store() -> Iterator[Store]:
    """In memory."""
    opened = open_store(":memory:", kind="simulated")
    yield opened
    opened.close()


def the_file(prompts: int = 300) -> Labelled:
    """Hard prompts gain, and nothing but their length tells."""
    return read_labelled(long_csv(prompts), name="scored.csv")


def test_models_are_known_by_their_names() -> None:
    """By id, by model, or by what follows the provider, dated or not; none stands for two."""
    goal = GoalSettings(arms=(ArmSettings(model="openai/gpt-4o-mini"), ArmSettings(model="local/GPT-4o")))
    assert matched([CHEAP, STRONG, "other"], goal) == {CHEAP: "openai/gpt-4o-mini", STRONG: "local/GPT-4o"}
    assert matched(["openai/gpt-4o-mini"], goal) == {"openai/gpt-4o-mini": "openai/gpt-4o-mini"}
    dated = ["openai/gpt-4o-2024-08-06", "gpt-4o-mini-2024-07-18", "gpt-4o-audio"]
    assert matched(dated, GoalSettings()) == {dated[1]: "openai/gpt-4o-mini", dated[0]: "openai/gpt-4o"}
    assert matched([*dated, STRONG], GoalSettings())[STRONG] == "openai/gpt-4o"
    twice = GoalSettings(
        arms=(ArmSettings(model="openai/gpt-4o"), ArmSettings(model="openai/gpt-4o", params={"temperature": 0}))
    )
    assert matched([STRONG], twice) == {STRONG: "openai/gpt-4o"}


def test_the_score_is_in_force(store: Store) -> None:
    """A router on the store sees hard prompts with a higher gain, and a fresh log does not replace it."""
    done: list[float] = []
    taught = teach(store, "default", GoalSettings(), read_labelled(with_words(), name="scored.csv"), NOW,
                   tick=done.append)  # fmt: skip
    assert taught.score.texts == 300
    assert taught.in_force
    assert taught.sentence == f"Judged on prompts held out while it learned. {taught.worth.sentence}"
    assert done
    origin, document = store.gain("default") or ("", "")
    assert origin == "labelled"
    assert GainScore.from_document(json.loads(document)).version == store.gain_version("default")
    with Router(store=store, simulated=True, policy="contextual") as router:
        seen = [
            router.decide([{"role": "user", "content": text}]).seen
            for text in ("prove number 7", "greet number 7")
        ]
    gains = [one.features[-1] for one in seen if one is not None]
    assert gains[0] > gains[1]


def test_a_score_that_is_no_better_than_chance_is_not_put_in_force(store: Store) -> None:
    """Nothing beyond length, or nothing at all: that is said, and the score of before stays."""
    teach(store, "default", GoalSettings(), read_labelled(with_words(), name="words.csv"), NOW)
    before = store.gain("default")
    rng = np.random.default_rng(0)
    chance = replace(the_file(), scores=(rng.random((300, 2)) < [0.5, 0.9]).astype(float))
    for data, said in ((the_file(), "No better than chance here beyond"), (chance, "No better than chance here")):
        taught = teach(store, "default", GoalSettings(), data, NOW)
        assert not taught.in_force
        assert taught.sentence.startswith(f"Judged on prompts held out while it learned. {said}")
        assert taught.sentence.endswith(" So it was not put in force: what was learned of words before stays.")
        assert store.gain("default") == before


def test_two_models_are_needed(store: Store) -> None:
    """Else a sentence, and nothing is changed."""
    goal = GoalSettings(arms=(ArmSettings(model="openai/gpt-4o"), ArmSettings(model="openai/o3")))
    with pytest.raises(
        EvaluationError, match=r"only gpt-4o is a model of goal 'default', which has .* and openai/o3"
    ):
        teach(store, "default", goal, the_file(), NOW)
    strange = GoalSettings(arms=(ArmSettings(model="openai/o1"), ArmSettings(model="openai/o3")))
    with pytest.raises(EvaluationError, match=r"models \(gpt-4o-mini and gpt-4o\) none is a model of goal"):
        teach(store, "default", strange, the_file(), NOW)
    assert store.gain("default") is None


def test_from_the_shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a goal of the settings file: it says what the words are worth; a broken file is a sentence."""
    file = tmp_path / "scored.csv"
    file.write_bytes(with_words(300))
    place = str(tmp_path / "store.duckdb")
    (tmp_path / "settings.json").write_text(Settings(goals={"e-mail": GoalSettings()}).document())
    monkeypatch.setenv("ROUTER_SETTINGS", str(tmp_path / "settings.json"))
    words = ["--store", place, "--simulated", "learn", "--goal", "e-mail"]
    run = CliRunner().invoke(main, [*words, str(file)])
    assert run.exit_code == 0, run.output
    assert "In force in goal 'e-mail': learned from 300 prompts" in run.output
    assert "APGR" in run.output
    told = CliRunner().invoke(main, [*words, str(file), "--json"])
    assert json.loads(told.output)["texts"] == 300
    file.write_bytes(long_csv(300))
    assert "Not put in force in goal 'e-mail'" in CliRunner().invoke(main, [*words, str(file)]).output
    (tmp_path / "broken.csv").write_text("nothing,here\n1,2\n")
    broken = CliRunner().invoke(main, [*words, str(tmp_path / "broken.csv")])
    assert broken.exit_code == 1
    assert broken.output.startswith("router-core: ")
