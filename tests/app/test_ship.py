"""The page Ship: what is in force, a verdict that is put in force and taken back, the ways out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.resources import change_settings, resources
from pages.shipping import Proposal
from router_core.evaluation.by_file.conclusion import verdict
from router_core.evaluation.by_file.kept import Judgement
from router_core.evaluation.by_file.published import example
from router_core.evaluation.by_file.report import evaluate
from router_core.evaluation.by_file.work import Wanted, judge, keep
from router_core.evaluation.by_file.worths import judged_at
from router_core.evaluation.results import Objective
from router_core.exports import dump
from router_core.serving.library import Router
from router_core.settings import Settings
from router_core.store import open_store
from tests.app.panel import QUICK, now, opened, plain, texts
from tests.labelled import labelled

pytestmark = pytest.mark.usefixtures("place")


def shipping(worth: float = 1.0) -> AppTest:
    """The verdict at this worth, on the page that asks about it."""
    at = opened()
    at.select_slider(key="worth").set_value(worth).run()
    at.button(key="ship-this").click().run()
    assert not at.exception, at.exception
    return at


def said(at: AppTest) -> str:
    """What a reader sees."""
    return plain(texts(at))


def test_a_verdict_is_shown_asked_about_and_undone() -> None:
    """Goal, router and worth; nothing before the yes, and everything as before after the undo."""
    at = shipping()
    assert "Put it in force for default?" in said(at)
    assert "No. Use gpt-4o for everything." in said(at)
    rows = [list(row) for row in at.table[0].value.itertuples(index=False)]
    assert [row[0].replace("\\", "") for row in rows] == [
        "goals.default.complex_arm",
        "goals.default.router",
        "goals.default.simple_arm",
        "goals.default.success_value_usd",
    ]
    assert now() == QUICK
    at.button(key="do-ship").click().run()
    goal = now().goal("default")
    assert (goal.router, goal.simple_arm, goal.complex_arm) == ("heuristic", "openai/gpt-4o", "openai/gpt-4o")
    assert goal.success_value_usd == 1.0
    assert "In force for default: gpt-4o for everything" in said(at)
    assert "do-ship" not in [one.key for one in at.button]
    at.button(key="undo-ship").click().run()
    assert now() == QUICK
    assert "In force for default: Thompson sampling" in said(at)
    notes = [one.note for one in resources().playground.store.settings_versions()]
    assert notes == [
        "took back: No. Use gpt-4o for everything.",
        "shipped a verdict: No. Use gpt-4o for everything.",
    ]


def test_a_verdict_may_be_declined() -> None:
    """And nothing is saved."""
    at = shipping()
    at.button(key="dismiss-ship").click().run()
    assert "Put it in force" not in said(at)
    assert resources().playground.store.settings_versions() == []


def test_settings_that_were_changed_since_are_not_overwritten() -> None:
    """The proposal says so instead of its button."""
    at = shipping()
    change_settings(QUICK.model_copy(update={"seed": 7}), "elsewhere")
    at.run()
    assert "The settings were changed since" in said(at)
    assert "do-ship" not in [one.key for one in at.button]
    assert now().seed == 7


def test_the_shipped_router_always_takes_that_model(tmp_path: Path) -> None:
    """Whatever the prompt is, by the file that the page gives."""
    at = shipping()
    at.button(key="do-ship").click().run()
    file = tmp_path / "router.json"
    file.write_text(dump(resources().playground.export()))
    with Router.from_settings(file, simulated=True, store=open_store(":memory:", kind="simulated")) as router:
        for prompt in ("Hi", "Prove the theorem step by step and compare two proofs of it. " * 20):
            decision = router.decide([{"role": "user", "content": prompt}])
            assert decision.chosen == "openai/gpt-4o"


@pytest.mark.parametrize("name", ["mmlu", "routerarena"])
def test_a_model_that_the_goal_does_not_have_cannot_be_shipped(name: str) -> None:
    """The button is off, and says why."""
    at = opened(example=name)
    assert at.button(key="ship-this").disabled
    assert "names neither a model nor a router that can serve" in at.button(key="ship-this").help


def test_a_proven_router_is_proposed() -> None:
    """By task, as it serves; a yardstick such as prompt length is none."""
    tasks = ["spam"] * 300 + ["law"] * 300
    data = labelled([[1.0, 1.0]] * 300 + [[0.0, 1.0]] * 300, (0.0001, 0.03), tasks=tasks,
                    prompts=["x" * (1 + at // 300) for at in range(600)])  # fmt: skip
    for way, router in (("by-task", "by-task"), ("length", None)):
        report = evaluate((way,), data, objective=Objective(0.2), draws=20)
        found = Judgement(verdict(report), report)
        assert found.verdict.kind == "route"
        proposal = Proposal.of(Settings(), "default", found, 0.2)
        assert (proposal and proposal.settings.goal("default").router) == router


def test_nothing_unknown_is_shipped() -> None:
    """Where the verdict is that nothing is known."""
    assert Proposal.of(Settings(), "default", judged_at(example("gsm8k").labelled(), 0.1), 0.1) is None


def test_every_way_out_is_shown() -> None:
    """By its address; the program and the proxy's settings can be read before they are taken."""
    at = opened("ship")
    assert "download-router.json" in [one.key for one in at.get("download_button")]
    at = opened("ship", **{"as": "Python"})
    assert "Router.from_settings" in at.code[0].value
    at = opened("ship", **{"as": "HTTP"})
    assert "/v1" in at.code[0].value
    assert "'goal:default'" in at.code[0].value.replace('"', "'")
    at = opened("ship", **{"as": "LiteLLM"})
    assert "model_list" in at.code[0].value
    at = opened("ship", **{"as": "Report for people"})
    assert "There is no judged file yet." in said(at)


def test_the_evidence_behind_it_is_said_with_its_date() -> None:
    """A judged file, with its report."""
    opened()
    data = labelled([[1.0, 1.0]] * 200 + [[0.0, 1.0]] * 200, (0.0001, 0.002))
    found = judge(data, Wanted((), Objective(0.2)), Settings())
    keep(resources().playground.store, "b" * 32, found)
    at = opened("ship", **{"as": "Report for people"})
    assert f"Judged on {found.report.created_at:%Y-%m-%d} from made up, 400 prompts" in said(at)
    assert "No. Use strong for everything." in said(at)
    assert "download-people" in [one.key for one in at.get("download_button")]
    assert json.loads(now().document()) == json.loads(QUICK.document())
