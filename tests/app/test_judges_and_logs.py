"""Verdict's sections on judges and on logs of other tools: what they ask for, show and take over."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from streamlit.testing.v1 import AppTest

from pages.resources import resources
from router_core.collecting.judge_run import judge_all
from router_core.collecting.judging import Judging
from router_core.models.calls import Models
from router_core.outcomes.judge import Judge
from router_core.store.base import Search
from tests.app.panel import opened, plain, texts
from tests.judged import rate, with_pairs
from tests.logged import LOGS

pytestmark = pytest.mark.usefixtures("place")


def said(at: AppTest) -> str:
    """What a reader sees."""
    assert not at.exception, at.exception
    return plain(texts(at))


def judged(people: float) -> None:
    """Forty pairs, judged; this share is for people."""
    playground = resources().playground
    with_pairs(playground.store, 40)
    models = Models(playground.settings, simulated=True)
    judge_all(
        Judging(playground.store, playground.settings, models, Judge("openai/gpt-4.1"), "default", people=people)
    )


def test_without_a_judge_the_section_says_how_to_ask_one() -> None:
    """The command, and what becomes of it."""
    at = opened(tab="Judges")
    assert "what a judge is worth" in said(at)
    assert any("router-core judge --by" in str(one.value) for one in at.code)


def test_without_people_there_is_no_verdict() -> None:
    """How many verdicts are wanted stands where the verdict would; what it cost and its swaps are told."""
    opened()
    judged(people=1.0)
    shown = said(opened(tab="Judges"))
    assert "A judge alone ranks and proves nothing" in shown
    assert "30 verdicts of people are wanted" in shown
    assert "80 answers judged for $0.0" in shown
    assert "changed with the order" in shown
    assert "0 of the 40 prompts drawn for people are judged; **40** wait" in shown


def test_what_judging_cost_is_on_costs_beside_the_answers() -> None:
    """In no other figure."""
    opened()
    judged(people=0.0)
    assert "Judges cost $0.0" in said(opened("costs", range="all"))


def test_people_make_it_a_verdict() -> None:
    """The corrected difference first; agreement, worth and verdicts saved behind it; figures in a table."""
    opened()
    judged(people=1.0)
    rate(resources().playground.store, {one: float(one % 2 == 0 or one % 4 == 1) for one in range(1, 81)})
    at = opened(tab="Judges")
    shown = said(at)
    assert "gpt-4o is better than gpt-4o-mini by more than 5 points: +50.0" in shown
    assert "It agrees with people on" in shown
    assert "By people, too" in [str(one) for one in at.table[0].value.columns]


def test_a_log_is_shown_mapped_and_imported() -> None:
    """Calls, dollars, models and what is left out; then the same sums in the store."""
    at = opened(tab="My logs")
    assert "LiteLLM spend logs, Langfuse export" in said(at)
    at.file_uploader(key="log-file").upload("spend.json", json.dumps(LOGS["litellm"]).encode(), "application/json")
    at.run()
    shown = said(at)
    assert "LiteLLM spend logs: 3 calls" in shown.replace("**", "")
    assert "Left out, 1: it is a call of the kind aembedding" in shown
    assert "come without the texts" in shown
    asked = [one for one in at.selectbox if str(one.key).startswith("log-model")]
    assert {one.value for one in asked} == {"openai/gpt-4o", "openai/gpt-4o-mini"}
    at.button(key="import-log").click().run()
    assert "3 calls on 3 prompts and 0 ratings were imported" in said(at)
    found = resources().playground.store.find(Search(), 10)
    costs = [answer.cost_usd for one in found for answer in one.completions if answer.cost_usd is not None]
    assert sum(costs, Decimal(0)) == Decimal("0.0130")
    assert {one.prompt.origin for one in found} == {"imported"}


def test_what_is_no_log_is_refused_in_words() -> None:
    """Nothing is imported, and no button is there."""
    at = opened(tab="My logs")
    at.file_uploader(key="log-file").upload("notes.json", b'{"a": 1}', "application/json")
    at.run()
    assert "notes.json is no log that is known" in said(at)
    assert not [one for one in at.button if one.key == "import-log"]


def test_the_ways_lead_to_logs() -> None:
    """The fourth way on the first page."""
    assert "LiteLLM, Langfuse, OpenTelemetry and others" in said(opened())
