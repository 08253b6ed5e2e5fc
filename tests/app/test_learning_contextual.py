"""The learning page's part about the contextual router: empty and full, a drift alarm taken back, prices kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from pages.examples import EXAMPLES
from pages.resources import resources
from router_core.settings import Settings, SimulationSettings
from router_core.store import open_store
from router_core.store.base import Batch
from router_core.types import Price
from tests.app.conftest import Fill
from tests.app.panel import forget, opened, texts
from tests.drifting import drifted, told_apart
from tests.store_rows import CHEAP, STRONG, a_completion, a_decision, a_prompt

pytestmark = pytest.mark.usefixtures("_by_hand")


@pytest.fixture
def _by_hand(fill: Fill, tmp_path: Path) -> None:
    """No gain score is learned in the background."""
    document = json.loads(Settings(simulation=SimulationSettings(latency_scale=0)).document())
    document["contextual"]["gain_every"] = 0
    (tmp_path / "settings.json").write_text(json.dumps(document))


@pytest.fixture
def drift(fill: Fill, tmp_path: Path) -> Callable[[], None]:
    """Gives the app a log in which gpt-4o became worse, paid at another price than the book's."""

    def filled() -> None:
        forget()
        store = open_store(tmp_path / "panel.simulated.duckdb", kind="simulated")
        drifted(store)
        store.close()

    return filled


def notices(at: AppTest) -> list[str]:
    """What the page says above everything else."""
    return [one.value for one in at.warning]


def table(at: AppTest, column: str) -> Any:
    """The table that has this column."""
    return next(one.value for one in at.table if column in one.value)


def lines(at: AppTest, words: str) -> list[str]:
    """The texts with these words in them."""
    return [one.value for one in (*at.markdown, *at.caption) if words in one.value]


def test_empty(fill: Fill) -> None:
    """What it will learn from, that there is nothing yet, and that a gain score needs 100 prompts."""
    fill("empty")
    at = opened("learning")
    assert "Contextual Thompson" in [one.value for one in at.header]
    assert lines(at, "No rated answer yet")
    assert lines(at, "Here you will see which features")
    assert lines(at, "None yet: the words of a prompt say nothing so far")
    assert lines(at, "None. An alarm is raised at evidence 9, after the first 100 ratings")
    assert lines(at, "None in the log: every answer was paid at the price that is in force.")
    assert notices(at) == []
    at.button(key="learn-gain").click().run()
    assert not at.exception
    assert [one.value for one in at.info if "0 of the 100 judged prompts" in one.value]
    at.run()
    assert not [one.value for one in at.info if "judged prompts" in one.value]


def test_with_ratings(fill: Fill) -> None:
    """Ratings per model as in its state, what tells the models apart, and a gain score learned at a click."""
    fill("full")
    at = opened("learning")
    assert not at.error
    state = resources().playground.contextual("default").state
    assert state.outcomes > 1_000
    assert lines(at, f"{state.outcomes:,} rated answers in all")
    for arm in (CHEAP, STRONG):
        assert lines(at, f" {state.learned(arm).belief.observations:,} ratings")
    expected = table(at, "Prompt")
    assert expected["Prompt"].tolist() == [one.name for one in EXAMPLES]
    assert all("**" in " ".join(row) for row in expected.to_numpy().tolist())
    assert len(table(at, "One step of")) == 20
    at.button(key="learn-gain").click().run()
    assert not at.exception
    playground = resources().playground
    score = playground.contextual("default").state.gain
    assert score is not None
    assert [one.value for one in at.info if f"{score.texts:,} judged prompts" in one.value]
    assert lines(at, f"Learned from {score.texts:,} prompts (judged prompts of the log)")


def test_what_tells_the_models_apart(fill: Fill, tmp_path: Path) -> None:
    """Where a feature does, it is drawn, said in words, in the table behind the chart, and first among all."""
    fill("empty")
    store = open_store(tmp_path / "panel.simulated.duckdb", kind="simulated")
    told_apart(store)
    store.close()
    at = opened("learning")
    assert not at.error
    alt = at.get("vega_lite_chart")[-1].proto.alt
    assert alt.startswith("What speaks for which model. looks like code: towards gpt-4o, odds times ")
    assert lines(at, "of 20 with a 95 % interval that leaves 1 out")
    first = table(at, "One step of").iloc[0]
    assert (first["One step of"], first["Against"]) == ("**looks like code**", "gpt-4o-mini")
    before = len(at.dataframe)
    at.toggle(key="tables").set_value(True).run()
    assert len(at.dataframe) == before + 3
    assert at.dataframe[-1].value["feature"][0] == "looks like code"


def test_an_alarm_is_taken_back_and_undone(drift: Callable[[], None]) -> None:
    """A notice on top and an event; taken back with a note, both change and it is listed; undone, as before."""
    drift()
    at = opened("learning")
    assert not at.error
    (notice,) = notices(at)
    assert "gpt-4o has answered worse than predicted since its 199th rating" in notice
    assert "counts 2 %" in notice
    (line,) = lines(at, "Noticed at its 220th rating, evidence 9.0")
    assert line.startswith("2026-03-01 12:07 ")
    before = resources().playground.contextual("default").state.learned(STRONG).belief
    place = resources().playground.contextual("default").alarms[0].place
    at.text_input(key=f"back-note-{place}").set_value("a bad hour")
    at.button(key=f"do-back-{place}").click().run()
    assert not at.exception
    assert notices(at) == []
    assert lines(at, "the alarm was taken back")
    kept = resources().playground.contextual("default").state.learned(STRONG).belief
    assert np.trace(kept.covariance) < np.trace(before.covariance)
    assert kept.observations == before.observations
    assert f"do-back-{place}" not in [one.key for one in at.button]
    box = at.selectbox(key="undone-1")
    assert "disregard alarm: gpt-4o worse, a bad hour" in box.options[0]
    assert lines(at, "The alarm counts again")
    at.button(key="do-undo").click().run()
    assert notices(at) == [notice]
    after = resources().playground.contextual("default").state.learned(STRONG).belief
    assert after.mean.tolist() == before.mean.tolist()
    assert at.button(key=f"do-back-{place}")


def test_a_changed_price_is_told_and_the_old_one_kept(fill: Fill, tmp_path: Path) -> None:
    """Every change with both prices; the old one goes into the settings as a version with its note."""
    fill("empty")
    paid = [Price(Decimal("2.5"), Decimal(5)), Price(Decimal("2.5"), Decimal(20))]
    with_prices = open_store(tmp_path / "panel.simulated.duckdb", kind="simulated")
    for number, price in enumerate(paid, 1):
        answer = a_completion(number, arm=STRONG, model=STRONG, price=price)
        with_prices.write(Batch([a_prompt(number)], [a_decision(number, chosen=STRONG)], [answer]))
    with_prices.close()
    at = opened("learning")
    now, then = lines(at, "more expensive") + lines(at, "50 % cheaper for output")
    assert "openai/gpt-4o became 4x more expensive for output (\\$5 to \\$20) per million tokens." in now
    assert then.startswith("Since its last answer on 2026-03-01 12:00 openai/gpt-4o became ")
    assert then.endswith("Decisions use the new price.")
    at.text_input(key=f"old-price-note-{STRONG}").set_value("our contract")
    at.button(key=f"do-old-price-{STRONG}").click().run()
    assert not at.exception
    playground = resources().playground
    assert playground.price(STRONG) == paid[1]
    assert [one.note for one in playground.store.settings_versions()] == ["our contract"]
    assert f"do-old-price-{STRONG}" not in [one.key for one in at.button]
    assert lines(at, "became 4x more expensive")[0].endswith("The price is set in the settings.")


def test_three_models(fill: Fill, tmp_path: Path) -> None:
    """The model that nobody rated yet has its column, and no features: what is believed of it was not learned."""
    document = json.loads((tmp_path / "settings.json").read_text())
    document["goals"]["default"]["arms"].append({"model": "openai/gpt-4.1", "weight": 0.1})
    (tmp_path / "settings.json").write_text(json.dumps(document))
    fill("empty")
    store = open_store(tmp_path / "panel.simulated.duckdb", kind="simulated")
    told_apart(store)
    store.close()
    at = opened("learning")
    assert not at.error
    assert list(table(at, "Prompt").columns) == ["Prompt", "gpt-4o-mini", "gpt-4o", "gpt-4.1"]
    assert lines(at, " 0 ratings")
    assert lines(at, "of 20 with a 95 % interval that leaves 1 out")
    assert {"gpt-4o", "gpt-4o-mini"} == set(table(at, "One step of")["Against"])
    assert all("· gpt-4o" in one or "· gpt\\-4o" in one for one in table(at, "One step of")["One step of"])


def test_one_model_and_no_router_to_compare(fill: Fill, tmp_path: Path) -> None:
    """A goal with one model says so instead of a table."""
    document = json.loads((tmp_path / "settings.json").read_text())
    document["goals"]["default"]["arms"] = document["goals"]["default"]["arms"][:1]
    (tmp_path / "settings.json").write_text(json.dumps(document))
    fill("empty")
    at = opened("learning")
    assert not at.exception
    assert "This goal has one model." in texts(at)
    at.button(key="learn-gain").click().run()
    assert [one.value for one in at.info if "this goal has one" in one.value]
