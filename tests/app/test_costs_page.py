"""The costs page: empty, with a few requests and with many; what the address keeps; the calculator."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from pages.formatting import dollars, escaped
from pages.resources import resources
from router_core.charts.common import MUTED
from router_core.demo.traffic import generate
from router_core.money.budget import Budget, success_value_usd
from router_core.registry import LABELS
from router_core.settings import GoalSettings, PriceSettings, Settings, SimulationSettings
from router_core.store import open_store
from router_core.store.base import Batch
from router_core.views.filters import choices, step_s
from tests.app.conftest import Fill
from tests.app.panel import QUICK, forget, opened, texts
from tests.store_rows import a_completion, a_decision, a_prompt

CHARTS = {
    "Dollars spent through time",
    "Dollars on the same prompts",
    "How many calls cost how much",
    "Median and 95th percentile",
    "Median: ",
    "In all: ",
}


def charts() -> set[str]:
    """How the description of each chart begins: those above, and the split of each router in the log."""
    routers = choices(resources().playground.store)["policy"]
    return CHARTS | {
        f"Share of each model in the decisions of {LABELS[name]}" for name in routers if name in LABELS
    }


def figures(at: AppTest) -> dict[str, str]:
    """Label -> value of every figure on the page."""
    return {one.label: one.value for one in at.metric if one.label}


def descriptions(at: AppTest) -> list[str]:
    """What a screen reader says of each chart."""
    return [one.proto.alt for one in at.get("vega_lite_chart")]


def test_empty(fill: Fill) -> None:
    """What will be here, the button that makes it appear, and the calculator, which needs no traffic."""
    fill("empty")
    at = opened("costs")
    assert not at.error
    assert any("what your traffic costs and saves" in one.value for one in at.header)
    assert at.button(key="generate").label == "Generate demo traffic"
    assert at.get("vega_lite_chart") == []
    assert at.table[0].value["a day"].tolist() == ["\\$1.37", "\\$22.80", "\\$15.36", "\\$7.44"]


@pytest.mark.parametrize(("size", "requests"), [("demo", "300"), ("full", "20,000")])
def test_with_traffic(fill: Fill, size: str, requests: str) -> None:
    """Every figure, every chart with its words, and with the switch a table behind each."""
    fill(size)
    at = opened("costs", range="all")
    assert not at.error
    found = figures(at)
    assert found["Requests"] == requests
    assert found["Spent"].startswith("$")
    assert found["Saved against always the strongest"].startswith("~$")
    assert found["More than always the cheapest"].startswith("~$")
    assert found["Cost per good answer"].startswith("~$")
    assert found["Price unknown"] == "none"
    assert "% (" in found["Judged good"]
    said = descriptions(at)
    assert {start for start in charts() if any(one.startswith(start) for one in said)} == charts()
    assert len(said) == len(charts()) >= len(CHARTS) + 3
    assert all(any(digit in one for digit in "123456789") for one in said)
    for chart in at.get("vega_lite_chart"):
        config = json.loads(chart.proto.spec)["config"]
        assert {config[part]["labelColor"] for part in ("axis", "legend")} == {MUTED["light"]}
    before = len(at.dataframe)
    at.toggle(key="tables").set_value(True).run()
    assert len(at.dataframe) == before + len(charts())
    assert not at.exception
    assert not at.error


def test_every_sparkline_leaves_the_step_that_has_only_begun_out(fill: Fill) -> None:
    """As many points in each; the last is a whole step, so that nothing looks like a fall."""
    fill("full")
    at = opened("costs", range="7 d")
    lines = [list(one.proto.chart_data) for one in at.metric if one.label and one.proto.chart_data]
    assert len(lines) == 6
    assert {len(line) for line in lines} == {len(lines[0])}
    requests = next(list(one.proto.chart_data) for one in at.metric if one.label == "Requests")
    assert requests[-1] > max(requests) / 10


def test_a_step_in_which_nothing_came_yet_is_left_out(fill: Fill) -> None:
    """The log ends just before a step, the page is opened in it."""
    fill("empty")
    now, step = datetime.now(UTC), timedelta(seconds=step_s(timedelta(days=7)))
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    store = open_store(kind="simulated")
    generate(QUICK, store, 3_000, until=now - (now - midnight) % step - timedelta(seconds=1))
    store.close()
    at = opened("costs", range="7 d")
    requests = next(list(one.proto.chart_data) for one in at.metric if one.label == "Requests")
    assert requests[-1] > 0


@pytest.mark.parametrize("span", ["15 min", "1 h", "24 h", "7 d", "30 d", "all"])
def test_every_range(fill: Fill, span: str) -> None:
    """From the address; figures, or a sentence that says what to do."""
    fill("demo")
    at = opened("costs", range=span)
    assert at.segmented_control(key="range").value == span
    assert not at.error
    assert figures(at) or "choose a longer range or fewer filters" in at.info[0].value


def test_the_address_keeps_filters_and_days(fill: Fill) -> None:
    """A link opens the same view (that a change is put into the address, a browser's test shows)."""
    fill("full")
    first = (datetime.now(UTC) - timedelta(days=9)).date()
    days: Any = [f"{first}", f"{first + timedelta(days=1)}"]
    at = opened("costs", range="from-to", days=days, router="Classifier", model="openai/gpt-4o", live="false")
    assert at.date_input(key="days").value == (first, first + timedelta(days=1))
    assert (at.selectbox(key="router").value, at.selectbox(key="model").value) == ("classifier", "openai/gpt-4o")
    assert at.toggle(key="live").value is False
    requests = int(figures(at)["Requests"].replace(",", ""))
    assert 0 < requests < 20_000 / 14 * 2 / 3
    at.selectbox(key="router").set_value("any").run()
    assert int(figures(at)["Requests"].replace(",", "")) > requests


def test_the_router_filter_leaves_its_part(fill: Fill) -> None:
    """And spend, savings and traffic are that router's alone."""
    fill("full")
    at = opened("costs", range="all")
    every = figures(at)
    at.selectbox(key="router").set_value("classifier").run()
    own = figures(at)
    part = 20_000 / len([name for name in at.selectbox(key="router").options if name != "any"])
    assert int(own["Requests"].replace(",", "")) == pytest.approx(part, rel=0.12)
    assert float(own["Spent"].strip("$")) < float(every["Spent"].strip("$"))
    assert [one.split(". ")[0] for one in descriptions(at) if "decisions of" in one] == [
        "Share of each model in the decisions of Classifier"
    ]
    assert any(one.startswith("Dollars on the same prompts") for one in descriptions(at))


def test_routers_in_words_and_as_measured(fill: Fill) -> None:
    """Set-up, adapting, extra time, cost and ratings of each, the measured figure behind the word."""
    fill("full")
    at = opened("costs", range="all")
    table = next(one.value for one in at.table if "Needs ratings" in one.value).set_index("Router")
    assert list(table.index) == ["Rules", "Classifier", "Thompson sampling", "Contextual Thompson", "By task"]
    extra, cost = table["Extra time, median (95th percentile)"], table["Deciding cost"]
    assert extra["Classifier"].startswith("a model's answer, per new prompt\\: 3")
    assert "ms" in extra["Rules"]
    assert (cost["Rules"], cost["Thompson sampling"]) == ("free", "free")
    assert cost["Classifier"].endswith("each")
    assert table["Needs ratings"][:3].str.match(r"(no|yes)\\: [\d,]+ came").all()


def test_an_unknown_price_is_said(fill: Fill, tmp_path: Path) -> None:
    """A model without a price: counted, in no sum, and no saving is made up."""
    fill("demo")
    raw = Settings().model_dump(mode="json")
    raw["goals"]["default"]["arms"][1]["model"] = "openai/nobody-knows"
    (tmp_path / "settings.json").write_text(Settings.model_validate(raw).document())
    forget()
    at = opened("costs", range="all")
    store = resources().playground.store
    now = datetime.now(UTC)
    store.write(
        Batch(
            [a_prompt(1, created_at=now)],
            [a_decision(1, created_at=now)],
            [a_completion(1, created_at=now, cost_usd=None)],
        )
    )
    at.run()
    found = figures(at)
    assert found["Against the strongest"] == "price unknown"
    assert found["Price unknown"] == "0.3%"
    assert not [name for name in found if name.startswith("Saved")]
    assert "always nobody-knows price unknown" in descriptions(at)[0]
    result = next(one.value for one in at.table if "a year" in one.value)
    assert result["a year"].tolist()[1:] == ["price unknown"] * 3
    assert any("Break-even of a classifier: not known" in one.value for one in at.caption)


def test_the_calculator_is_filled_from_the_log(fill: Fill) -> None:
    """A row per task type; what is simple is what rules and classifier gave to the cheap model."""
    fill("full")
    at = opened("costs", range="all")
    at.button(key="calculator-fill").click().run()
    rows = at.session_state["calculator-rows"]
    assert {row["Kind"] for row in rows} >= {"any", "classification", "code"}
    assert sum(row["Requests a day"] for row in rows) == pytest.approx(20_000 / 14, rel=0.05)
    assert all(0 < row["Simple"] <= 1 and row["Tokens in"] > 0 for row in rows)
    assert any("From 20,000 requests of the last 14 days" in one.value for one in at.caption)


def test_the_calculator_takes_any_model(fill: Fill) -> None:
    """Of the price book, with and without a classifier."""
    fill("empty")
    at = opened("costs")
    assert "openai/gpt-4.1" in at.selectbox(key="calculator-strong").options
    at.selectbox(key="calculator-strong").set_value("openai/gpt-4.1").run()
    assert at.table[0].value.iloc[1, 0] == "Everything to openai/gpt-4.1"
    assert at.table[0].value["a day"].tolist()[1] != "\\$22.80"
    at.toggle(key="calculator-asks").set_value(True).run()
    assert at.table[0].value.iloc[2, 0] == "Routed, classifier included"
    assert any("Break-even of a classifier" in one.value for one in at.caption)


def limited(tmp_path: Path, **goal: Any) -> None:
    """Settings whose only goal has this budget, and simulated models that do not wait."""
    settings = Settings(goals={"default": GoalSettings(**goal)}, simulation=SimulationSettings(latency_scale=0))
    (tmp_path / "settings.json").write_text(settings.document())
    forget()


def a_thompson_decision(when: datetime) -> None:
    """With its answer, in the store of the app."""
    batch = Batch(
        [a_prompt(1, created_at=when)], [a_decision(1, created_at=when)], [a_completion(1, created_at=when)]
    )
    resources().playground.store.write(batch)


def compared(at: AppTest, count: int) -> AppTest:
    """So many prompts decided by every router, each model's answer read to the end; then the page again."""
    playground = resources().playground
    for number in range(count):
        plan = playground.compare([{"role": "user", "content": f"Is mail {number} spam? Yes or no"}], "default")
        for call in plan.calls:
            for _ in playground.stream(plan.prompt, plan.messages, call):
                pass
    return at.run()


def test_no_contextual_section_without_its_decisions(fill: Fill) -> None:
    """Nor a budget: nothing is said of it but what it would ask of its owner."""
    fill("empty")
    opened("playground")
    a_thompson_decision(datetime.now(UTC))
    at = opened("costs", range="all")
    assert "paid classifier calls" not in texts(at)
    table = next(one.value for one in at.table if "Needs ratings" in one.value).set_index("Router")
    assert table.loc["Contextual Thompson"].tolist() == [
        "say what a good answer is worth\\: not seen here",
        "with every rating",
        "a model's answer, where asked",
        "a call's, where asked",
        "yes",
    ]


def test_a_budget_that_was_not_used_yet(fill: Fill, tmp_path: Path) -> None:
    """In words, in a range with other calls and in one without any."""
    fill("empty")
    limited(tmp_path, budget_usd=2.0)
    opened("playground")
    a_thompson_decision(datetime.now(UTC) - timedelta(hours=3))
    for span in ("all", "15 min"):
        at = opened("costs", range=span)
        table = next(one.value for one in at.table if "Budget" in one.value)
        assert table.loc[0].tolist() == [
            "default",
            "at most \\$2.00 per 1,000 requests",
            "none yet",
            "none yet",
            "0",
            "no daily budget",
        ]
        assert "the budget does not bind: a good answer counts in full, $0.050." in texts(at).replace("\\", "")
        assert "In production another router serves this goal" in texts(at)
        assert "Contextual Thompson decided nothing in this range" in texts(at)


def test_a_budget_that_binds_and_verdicts(fill: Fill, tmp_path: Path) -> None:
    """Target and actual per 1,000, the price in words, and every decision in one of the three shares."""
    fill("empty")
    limited(tmp_path, budget_usd=0.000_01, router="contextual")
    at = compared(opened("costs", range="1 h"), 12)
    budget = next(one.value for one in at.table if "Budget" in one.value).loc[0]
    assert budget["Budget"] == "at most \\$0.000010 per 1,000 requests"
    spent = resources().playground.store.table("spent", {"goal": None, "since": None, "until": None}).iloc[0]
    assert budget["Actual so far"] == escaped(f"{dollars(spent.actual_usd / 12 * 1000)} per 1,000 requests")
    assert budget["Requests"] == "12"
    kept = resources().playground.spending("default")
    counts = dollars(success_value_usd(kept, Budget(0.000_01), 0.05))
    assert f"the budget binds: a good answer counts as {counts} instead of $0.050." in texts(at).replace("\\", "")
    assert "More is spent all the same" in texts(at)
    assert "another router" not in texts(at)
    bought = next(one.value for one in at.table if "Net gain" in one.value).loc[0]
    shares = [bought[name] for name in ("Asked", "From memory", "Not asked")]
    assert bought["Decisions"] == "12"
    assert sum(float(share.strip("%")) for share in shares if share != "none") == pytest.approx(100, abs=0.2)
    assert "not measured" in texts(at)
    at.selectbox(key="router").set_value("heuristic").run()
    assert "a budget knows no such filters" in texts(at)


def test_a_daily_budget_says_what_is_left(fill: Fill, tmp_path: Path) -> None:
    """Of today, whatever range is looked at."""
    fill("empty")
    limited(tmp_path, budget_usd=5.0, budget_per="day", router="contextual")
    at = compared(opened("costs", range="1 h"), 3)
    budget = next(one.value for one in at.table if "Budget" in one.value).loc[0]
    assert budget["Budget"] == "at most \\$5.00 a day"
    assert budget["Today (UTC)"].endswith("left")
    assert "spent, \\~\\$" in budget["Today (UTC)"]


def test_the_contextual_router_among_the_others(fill: Fill) -> None:
    """Its split, its times and its costs stand on the page as soon as it decided."""
    fill("demo")
    at = compared(opened("costs", range="all"), 2)
    said = descriptions(at)
    assert "Share of each model in the decisions of Contextual Thompson" in [one.split(". ")[0] for one in said]
    assert any(one.startswith("Median: ") and "Contextual Thompson" in one for one in said)
    table = next(one.value for one in at.table if "Needs ratings" in one.value).set_index("Router")
    assert table.loc["Contextual Thompson", "Adapts"].endswith(" on its answers")
    assert "ms" in table.loc["Contextual Thompson", "Extra time, median (95th percentile)"]
    assert at.selectbox(key="router").options[-2:] == ["Contextual Thompson", "By task"]


def test_what_is_free_is_said_to_be(fill: Fill, tmp_path: Path) -> None:
    """A chart of zeros says why; and with an unknown cost among them, nobody claims that nothing was compared."""
    fill("empty")
    price = {"input_usd_per_million_tokens": 0, "output_usd_per_million_tokens": 0}
    free = {arm.model: PriceSettings.model_validate(price) for arm in GoalSettings().arms}
    (tmp_path / "settings.json").write_text(Settings(prices=free).document())
    forget()
    opened("costs", range="all")
    store, now = resources().playground.store, datetime.now(UTC)

    def answered(number: int, cost_usd: Decimal | None) -> None:
        store.write(
            Batch(
                [a_prompt(number, created_at=now)],
                [a_decision(number, created_at=now)],
                [a_completion(number, created_at=now, cost_usd=cost_usd)],
            )
        )

    answered(1, Decimal(0))
    said = texts(opened("costs", range="all"))
    assert "every line stays at $0" in said
    assert "No prompt here was decided by several routers; compare" in said
    answered(2, None)
    said = texts(opened("costs", range="all"))
    assert "No prompt here was decided by several routers and has known costs alone; compare" in said
