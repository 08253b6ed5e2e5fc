"""What the log says of a target, in words: figures, refusals with their reason, and what one has to know."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from router_core.demo.traffic import generate
from router_core.errors import UnknownArmError
from router_core.evaluation.from_log.offpolicy import OffPolicyEstimate, OffPolicyReport
from router_core.evaluation.from_log.what_if import ALWAYS, WhatIf, lines, refusals, remarks, sentence, what_if
from router_core.evaluation.results import Estimate
from router_core.settings import HeuristicSettings, Settings
from router_core.store import open_store
from router_core.store.base import Store

CHEAP, STRONG = "openai/gpt-4o-mini", "openai/gpt-4o"
NAMES = {CHEAP: "mini", STRONG: "large"}
UNTIL = datetime(2026, 5, 4, 12, tzinfo=UTC)
SETTINGS = Settings()


@pytest.fixture(scope="module")
def store() -> Store:
    """Simulated traffic of one day's end."""
    opened = open_store(":memory:", kind="simulated")
    generate(SETTINGS, opened, 3_000, until=UNTIL)
    return opened


def made(*, refused: str | None = None, other: str | None = None, logged: bool = True) -> WhatIf:
    """Figures by hand: 90 % at $2 per 1,000, where 80 % at $1 were logged; or refusals."""
    reward, cost = Estimate(0.9, 0.85, 0.95), Estimate(0.002, 0.001, 0.003)
    estimates = tuple(
        OffPolicyEstimate(
            estimator, quantity, None if why else figure, 41.0, 1_000, (0.5, 0.25, None), why
        )
        for quantity, figure, why in (("reward", reward, refused), ("cost_usd", cost, other))
        for estimator in ("IPS", "SNIPS", "DR")
    )  # fmt: skip
    report = OffPolicyReport(
        (CHEAP, STRONG, "openai/gone"), 2_000, (0.25, 0.75, 0.0), (0.5, 0.5, 0.0), estimates,
        ("classifier 1234",), ("look out",),
    )  # fmt: skip
    was = (Estimate(0.8, 0.79, 0.81), Estimate(0.001, 0.0009, 0.0011)) if logged else (None, None)
    return WhatIf("heuristic", report, *was, failed=1_234)


def test_the_sentence() -> None:
    """Both quantities by DR, with what was logged; names may begin small."""
    assert sentence(made(), "rules") == (
        "Rules would have given 90.0 % good answers (85.0 to 95.0; logged: 80.0 %) and cost $2.00 per 1,000"
        " requests ($1.00 to $3.00; logged: $1.00)."
    )
    assert sentence(made(logged=False), "Rules") == (
        "Rules would have given 90.0 % good answers (85.0 to 95.0) and cost $2.00 per 1,000 requests"
        " ($1.00 to $3.00)."
    )


def test_the_sentence_says_only_what_is_known() -> None:
    """One quantity refused, or both."""
    assert sentence(made(refused="why"), "Rules").startswith("Rules would have cost $2.00")
    assert sentence(made(other="why"), "Rules").endswith("good answers (85.0 to 95.0; logged: 80.0 %).")
    assert sentence(made(refused="why", other="why"), "Rules") == (
        "The log cannot say what Rules would have scored."
    )


def test_refusals_are_told_once() -> None:
    """The same reason for both is one line."""
    assert refusals(made()) == []
    assert refusals(made(refused="no overlap", other="no overlap")) == ["No figure: no overlap."]
    assert refusals(made(refused="none is rated")) == ["No figure for good answers: none is rated."]


def test_lines() -> None:
    """The log first, then every estimator; effective answers only where there is a figure."""
    found = lines(made(other="why"))
    assert found[0] == ("As logged", "80.0 % (79.0 to 81.0)", "", "$1.00 ($0.90 to $1.10)", "")
    assert found[3] == ("DR", "90.0 % (85.0 to 95.0)", "", "no figure", "41 of 1,000")
    assert lines(made(refused="why", logged=False))[1] == ("IPS", "no figure", "", "$2.00 ($1.00 to $3.00)", "")
    assert lines(made(refused="why", logged=False))[0][1:4] == ("no figure", "", "no figure")


def test_where_few_are_rated_the_worst_stands_beside() -> None:
    """In the sentence and in every line; where several sources have the word, that is said."""
    found = made()
    estimates = tuple(
        replace(one, worst=(0.3, 0.97) if one.quantity == "reward" else None) for one in found.report.estimates
    )
    found = replace(
        found, report=replace(found.report, estimates=estimates), worst=(0.25, 0.9),
        sources={"thumb": 300, "condition": 700},
    )  # fmt: skip
    assert sentence(found, "rules").startswith(
        "Rules would have given 90.0 % good answers (85.0 to 95.0, but 30.0 to 97.0 % at the worst, for few are"
        " rated; logged: 80.0 %)"
    )
    assert [line[2] for line in lines(found)] == ["25.0 to 90.0 %", *["30.0 to 97.0 %"] * 3]
    assert any("30 % thumbs and 70 % by the success condition" in one for one in remarks(found, NAMES))


def test_remarks() -> None:
    """Who was rated, where the traffic would go, warnings, what was left out, failures."""
    rated, split, warning, left_out, failed = remarks(made(), NAMES)
    assert rated == "Rated, of the answers of each model: mini 50 %, large 25 %."
    assert (
        split
        == "It would send: mini 25 %, large 75 %, openai/gone 0 %. Logged: mini 50 %, large 50 %, openai/gone 0 %."
    )
    assert warning == "Look out."
    assert left_out.startswith("Left out, because they could not have chosen what it would: classifier 1234.")
    assert failed == "1,234 calls failed; they have neither a rating nor a cost."


def test_one_model_for_everything(store: Store) -> None:
    """Thompson sampling explored, so the log can say; the dear model costs more than the cheap one."""
    cheap, strong = (what_if(store, SETTINGS, SETTINGS, "default", f"{ALWAYS}{arm}") for arm in (CHEAP, STRONG))
    assert strong.report.target_share == (0.0, 1.0)
    one, other = cheap.report.of("cost_usd").figure, strong.report.of("cost_usd").figure
    assert one is not None
    assert other is not None
    assert one.high < other.low
    assert cheap.cost_usd is not None
    assert one.value < cheap.cost_usd.value < other.value
    with pytest.raises(UnknownArmError, match="'openai/none' is not a model of the log"):
        what_if(store, SETTINGS, SETTINGS, "default", f"{ALWAYS}openai/none")


def test_a_draft_counts(store: Store) -> None:
    """Rules whose threshold nothing reaches send everything to the strong model."""
    draft = SETTINGS.model_copy(update={"heuristic": HeuristicSettings(threshold=99)})
    assert what_if(store, SETTINGS, draft, "default", "heuristic").report.target_share == (0.0, 1.0)
    now = what_if(store, SETTINGS, SETTINGS, "default", "heuristic")
    assert 0.2 < now.report.target_share[0] < 0.9


def test_since(store: Store) -> None:
    """From the end on there is nothing: a refusal, in words."""
    found = what_if(store, SETTINGS, SETTINGS, "default", "thompson", UNTIL + timedelta(days=1))
    assert sentence(found, "Thompson sampling") == ("The log cannot say what Thompson sampling would have scored.")
    (why,) = refusals(found)
    assert why.startswith("No figure: ")
    whole = what_if(store, SETTINGS, SETTINGS, "default", "thompson")
    part = what_if(store, SETTINGS, SETTINGS, "default", "thompson", UNTIL - timedelta(days=2))
    assert 0 < part.report.rows < whole.report.rows
