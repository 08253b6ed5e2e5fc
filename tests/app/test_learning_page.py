"""The learning page: empty, with a few ratings and with many; every change asks, is logged, and is undone."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.pending_ratings import awaited_words
from pages.resources import resources
from router_core.settings import Settings, SimulationSettings
from router_core.views.learning import Pending, changes, pending_now
from tests.app.conftest import Fill
from tests.app.panel import opened

RULE = Settings().goal("default").teaching_rule()


def descriptions(at: AppTest) -> list[str]:
    """What a screen reader says of each chart."""
    return [one.proto.alt for one in at.get("vega_lite_chart")]


def learned(at: AppTest) -> dict[str, int]:
    """Model -> how many ratings the page says it has learned from."""
    lines = [one.value for one in at.markdown if "expected" in one.value]
    return {
        line.split("[")[1].split("]")[0]: int(line.split(", ")[-1].split()[0].replace(",", "")) for line in lines
    }


def listed() -> list[str]:
    """The kinds of changes so far, newest first."""
    return [one.kind for one in changes(resources().playground.store, "default", Settings().document())]


def undo(at: AppTest, kind: str, words: str = "counts again") -> None:
    """Choose the newest change of a kind, read what undoing it means, and do it."""
    box = at.selectbox(key=f"undone-{len(listed())}")
    box.set_value(next(one for one in box.options if one.split()[2] == kind)).run()
    assert any(words in one.value for one in at.caption)
    at.button(key="do-undo").click().run()


def test_empty(fill: Fill) -> None:
    """What will be here; the priors and the starting weights, which are known already."""
    fill("empty")
    at = opened("learning")
    assert not at.error
    assert any("what the ratings teach" in one.value for one in at.header)
    assert at.button(key="generate").label == "Generate demo traffic"
    assert set(learned(at).values()) == {0}
    assert at.table[0].value["Starting"].tolist() == ["80.0%", "20.0%"]
    assert any("No ratings yet" in one.value for one in at.caption)


@pytest.mark.parametrize("size", ["demo", "full"])
def test_with_ratings(fill: Fill, size: str) -> None:
    """Densities, the split in its parts, the past, and who rated, each with its words and figures."""
    fill(size)
    at = opened("learning")
    assert not at.error
    densities, split, past, *_ = descriptions(at)
    assert densities.startswith("Share of good answers, 95 % interval. gpt-4o-mini: ")
    assert "likely to be the better value" in split
    assert past.startswith("Posterior mean and 95 % band of each model; in the end gpt-4o-mini ")
    evidence = resources().playground.store.evidence("default", RULE)
    assert learned(at) == {arm.split("/")[1]: one.count for arm, one in evidence.items()} or set(learned(at)) == {
        "gpt\\-4o\\-mini", "gpt\\-4o",
    }  # fmt: skip
    assert sorted(learned(at).values()) == sorted(one.count for one in evidence.values())
    parts = at.table[0].value
    sums = [
        sum(float(row[name].strip("%")) for name in ("Learned", "Explored", "Starting"))
        for _, row in parts.iterrows()
    ]
    assert sums == pytest.approx([float(text.strip("*%")) for text in parts["Traffic"]], abs=0.11)
    assert sum(sums) == pytest.approx(100, abs=0.3)
    ratings = at.table[1].value
    assert {"Thumbs, names shown", "Thumbs, blind", "Reported by code"} <= set(ratings.columns)
    before = len(at.dataframe)
    at.toggle(key="tables").set_value(True).run()
    assert len(at.dataframe) >= before + 2  # the split's table is always there
    assert not at.exception


def test_what_if(fill: Fill) -> None:
    """The split redraws at once, nothing is saved, and the way to save it is offered."""
    fill("full")
    at = opened("learning")
    now = at.table[0].value["Better value"].tolist()
    at.select_slider(key="worth-default").set_value(0.0001).run()
    assert at.table[0].value["Better value"].tolist() == ["100.0%", "0.0%"] != now
    assert any("\\$0.0001 per good answer" in one.value for one in at.header)
    assert "at any price" not in descriptions(at)[1]
    assert resources().playground.store.settings_versions() == []


def test_snapshot_restore_and_undo(fill: Fill) -> None:
    """A name for what counts; back to it after a reset; both undone, in the list, and the snapshot taken back."""
    fill("demo")
    at = opened("learning")
    before = learned(at)
    at.text_input(key="snapshot-note").set_value("before the launch")
    at.button(key="do-snapshot").click().run()
    assert learned(at) == before
    at.button(key="do-reset").click().run()
    assert set(learned(at).values()) == {0}
    assert any("No rating counts since the last change" in one.value for one in at.caption)
    assert "before the launch" in at.selectbox(key="restored-1").options[0]
    at.button(key="do-restore").click().run()
    assert learned(at) == before
    assert listed() == ["restore", "reset", "snapshot"]
    assert " restore " in at.selectbox(key="undone-3").options[0]
    at.button(key="do-undo").click().run()
    assert set(learned(at).values()) == {0}
    undo(at, "reset")
    assert learned(at) == before
    undo(at, "snapshot", "leaves the list of snapshots")
    assert learned(at) == before
    assert resources().playground.store.snapshots("default") == []
    assert listed()[0] == "undo"
    assert not at.exception


def test_priors_are_edited_and_undone(fill: Fill) -> None:
    """Saved as a version of the settings with a note, in force at once, in the list, and brought back."""
    fill("empty")
    at = opened("learning")
    assert at.button(key="do-priors").disabled
    at.number_input(key="prior-alpha-default").set_value(8.0).run()
    at.text_input(key="priors-note").set_value("from last year")
    assert resources().playground.settings.goal("default").prior_alpha == 1.0
    at.button(key="do-priors").click().run()
    assert not at.exception
    assert resources().playground.settings.goal("default").prior_alpha == 8.0
    assert any("expected 88.9%" in one.value for one in at.markdown)
    (version,) = resources().playground.store.settings_versions()
    assert version.note == "from last year"
    assert "priors Beta(1, 1) to Beta(8, 1), from last year" in at.selectbox(key="undone-1").options[0]
    at.button(key="do-undo").click().run()
    assert not at.exception
    assert resources().playground.settings.goal("default").prior_alpha == 1.0
    assert any("expected 50.0%" in one.value for one in at.markdown)
    assert listed() == ["priors", "priors"]


def awaited(at: AppTest) -> list[str]:
    """The lines about ratings that have come, may still come, and never did."""
    return [line for one in at.markdown if " rated" in one.value for line in one.value.split("  \n")]


def test_ratings_that_wait(fill: Fill) -> None:
    """Without a window every answer without a rating waits; the figures are the store's."""
    fill("demo")
    at = opened("learning")
    found = pending_now(
        resources().playground.store, "default", Settings().goal("default"), datetime(2030, 1, 1, tzinfo=UTC)
    )
    lines = [f"{one.rated:,} rated · {one.waiting:,} waiting" for one in found.values()]
    assert [line.split(": ")[1] for line in awaited(at)] == lines
    assert any("may be rated at any time" in one.value for one in at.caption)


def test_ratings_that_never_came(fill: Fill, tmp_path: Path) -> None:
    """With a window of a minute old answers are never rated or too late, and the limit is told."""
    fill("demo")
    goal = Settings().goal("default").model_copy(update={"attribution_hours": 0.02})
    simulation = SimulationSettings(latency_scale=0)
    (tmp_path / "settings.json").write_text(Settings(goals={"default": goal}, simulation=simulation).document())
    at = opened("learning")
    found = pending_now(resources().playground.store, "default", goal, datetime.now(UTC))
    assert [line.split(": ")[1] for line in awaited(at)] == [awaited_words(one) for one in found.values()]
    assert any("within 0.02 hours of the decision" in one.value for one in at.caption)
    assert all(one.missing for one in found.values())


def test_nothing_waits(fill: Fill) -> None:
    """Without an answer the page says so."""
    fill("empty")
    assert any("No answers yet, so none waits" in one.value for one in opened("learning").caption)


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (Pending(12, 2, 3, 40), "12 rated · 3 waiting · 40 never rated · 2 too late"),
        (Pending(0, 0, 1200, 0), "0 rated · 1,200 waiting"),
    ],
)
def test_awaited_words(one: Pending, words: str) -> None:
    """The rated are always told, the others where there are some."""
    assert awaited_words(one) == words


def test_what_is_believed_per_task(fill: Fill) -> None:
    """Each task type of the demo traffic with both models; without ratings, how to send a task type."""
    fill("empty")
    assert any("No rated answer has a task type yet" in one.value for one in opened("learning").caption)
    fill("demo")
    at = opened("learning")
    assert not at.error
    table = next(one.value for one in at.table if "Task type" in one.value)
    tasks = resources().playground.store.evidence_by_task("default", RULE)
    assert set(table["Task type"]) == {task.replace("_", "\\_") for task in tasks if task}
    assert any("leads on" in one.value for one in at.markdown)
