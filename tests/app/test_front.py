"""The first page: a verdict before anything was done, the slider that turns it, own evidence in its place."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from streamlit.testing.v1 import AppTest

from pages.front import ladder
from pages.resources import resources
from router_core.demo.traffic import generate
from router_core.evaluation.by_file.published import published
from router_core.evaluation.by_file.work import Wanted, judge, keep
from router_core.evaluation.results import Objective
from router_core.settings import Settings
from router_core.store import open_store
from router_core.store.base import Evaluation
from tests.app.panel import QUICK, now, opened, plain, texts
from tests.labelled import labelled

pytestmark = pytest.mark.usefixtures("place")


def said(at: AppTest) -> str:
    """What a reader sees."""
    assert not at.exception, at.exception
    return plain(texts(at))


def moved(at: AppTest, worth: float) -> AppTest:
    """The slider at this worth."""
    at.select_slider(key="worth").set_value(worth).run()
    return at


def test_the_first_look_is_a_verdict() -> None:
    """Without a key, a click or a prompt; told apart as somebody else's, with its source."""
    at = opened()
    shown = said(at)
    assert at.main.header[0].value == "Should you route between gpt-4o-mini and gpt-4o?"
    assert at.main.subheader[0].value == "No. Use gpt-4o-mini for everything."
    assert "at 1/16 of the cost" in shown
    assert "1,319 maths problems (GSM8K), not your traffic" in shown
    assert "Source: WildEval/ZeroEval@8c1485e, Apache-2.0" in shown
    assert at.select_slider(key="worth").value == now().goal("default").success_value_usd
    assert "2 models set, 0 prompts, 0 judgements" in shown.replace("**", "")
    assert len(at.get("vega_lite_chart")) == 1


def test_the_slider_turns_the_verdict() -> None:
    """Verdict, trade, split and where it turns, all at once; nothing is saved by moving it."""
    at = opened()
    assert "Above $0.069 it is not settled, above $0.15 the answer is gpt-4o." in said(at)
    assert "Split: 82 % gpt-4o-mini, 18 % gpt-4o" in said(at)
    assert moved(at, 0.1).main.subheader[0].value == "Not known yet."
    assert at.button(key="ship-this").disabled
    assert moved(at, 1.0).main.subheader[0].value == "No. Use gpt-4o for everything."
    assert "Below $0.15 it is not settled" in said(at)
    assert "In force for default: $0.05." in said(at)
    assert at.query_params["worth"] == "1"
    assert now() == QUICK
    assert resources().playground.store.settings_versions() == []


@pytest.mark.parametrize("name", [one.name for one in published()])
def test_every_example_is_shown(name: str) -> None:
    """By its address, with its own models, and its tasks where it has any."""
    at = opened(example=name)
    one = next(each for each in published() if each.name == name)
    assert at.main.header[0].value == f"Should you route between {one.models[0].name} and {one.models[1].name}?"
    assert one.title in said(at)
    assert ("tasks" in [each.key for each in at.expander]) == (name == "mmlu")


def test_a_link_sets_the_slider() -> None:
    """As it was shared."""
    assert opened(worth="1").main.subheader[0].value == "No. Use gpt-4o for everything."
    assert opened(worth="free").main.subheader[0].value == "No. Use gpt-4o-mini for everything."


def test_a_worth_of_ones_own_is_on_the_slider() -> None:
    """In its place."""
    assert ladder(0.0123)[ladder(0.0123).index(0.0123) - 1] == 0.01
    assert ladder(0.05) == ladder()
    assert ladder(0.0)[0] == 0.0
    assert ladder(250.0)[-1] == 250.0


def judged_file(worth: float = 0.2) -> None:
    """Keep the verdict on a file of one's own."""
    data = labelled([[1.0, 1.0]] * 200 + [[0.0, 1.0]] * 200, (0.0001, 0.002))
    found = judge(data, Wanted((), Objective(worth)), Settings())
    keep(resources().playground.store, "0190c0de-0000-7000-8000-000000000009", found)


def test_a_judged_file_takes_the_place_of_the_example() -> None:
    """With the worth that it was judged at, the models at any other, and the way to everything about it."""
    opened()
    judged_file()
    at = opened()
    assert "not your traffic" not in said(at)
    assert "Your evidence" in said(at)
    assert at.main.header[0].value == "Should you route between cheap and strong?"
    assert at.main.subheader[0].value == "No. Use strong for everything."
    assert at.select_slider(key="worth").value == 0.2
    assert moved(at, 0.0001).main.subheader[0].value == "No. Use cheap for everything."
    assert "Routers were judged at $0.2" in said(at)
    full = opened(tab="My data", evaluation="0190c0de-0000-7000-8000-000000000009")
    assert full.main.header[0].value.startswith("Use strong for everything.")


def test_a_result_that_cannot_be_read_is_passed_over() -> None:
    """As another version might have written it: the one before is shown."""
    opened()
    judged_file()
    later = datetime.now(UTC) + timedelta(days=1)
    store = resources().playground.store
    store.save_evaluation(Evaluation("c" * 32, later, "labelled", "newer.csv", '{"verdict": 1}'))
    assert opened().main.subheader[0].value == "No. Use strong for everything."


def test_a_model_without_a_price_has_no_share() -> None:
    """The others are judged, and nothing is made up for it."""
    opened()
    data = labelled([[1.0, 1.0, 1.0]] * 200 + [[0.0, 1.0, 1.0]] * 200, (0.0001, 0.002, float("nan")))
    keep(resources().playground.store, "d" * 32, judge(data, Wanted((), Objective(0.2)), Settings()))
    at = opened()
    assert at.main.subheader[0].value == "No. Use strong for everything."
    assert "Split:" not in said(at)
    assert moved(at, 0.0001).main.subheader[0].value == "No. Use cheap for everything."


def test_a_quality_floor_has_no_slider() -> None:
    """What is wanted is said instead."""
    opened()
    data = labelled([[1.0, 1.0]] * 200 + [[0.0, 1.0]] * 200, (0.0001, 0.002))
    keep(resources().playground.store, "a" * 32, judge(data, Wanted((), Objective(quality_floor=0.9)), Settings()))
    at = opened()
    assert at.main.subheader[0].value == "No. Use strong for everything."
    assert not at.select_slider
    assert "Wanted: at least 90 % good answers" in said(at)


@pytest.fixture
def traffic() -> Iterator[None]:
    """A store with simulated traffic, some of it rated in pairs."""
    store = open_store(kind="simulated")
    generate(QUICK, store, 4_000)
    yield
    store.close()


def test_own_pairs_take_the_place_of_the_example(traffic: None) -> None:
    """What is known of them, how far it is, and the split as the router has it."""
    at = opened()
    shown = said(at)
    assert "not your traffic" not in shown
    assert "Your rated answers" in shown
    assert at.main.header[0].value == "Should you route between gpt-4o-mini and gpt-4o?"
    assert "pairs with both answers judged" in shown
    assert "4,000 prompts" in shown.replace("**", "")
    assert "Split:" in shown
    assert len(at.get("vega_lite_chart")) == 1
