"""Whatever was set and learned: out and in, in every format, is the same."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from router_core.errors import SettingsError
from router_core.exports.document import Export, dump, dump_evidence, load, load_evidence
from router_core.exports.learned import Provenance
from router_core.exports.yaml import dump_yaml, read_yaml, write_yaml
from router_core.settings import (
    ArmSettings,
    ClassifierSettings,
    GoalSettings,
    HeuristicSettings,
    PriceSettings,
    Settings,
)
from router_core.types import MICRO, Evidence, OutputTokens, Price

fast = settings(derandomize=True, deadline=None, max_examples=60)

TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
NAME = TEXT.filter(lambda text: text.strip() and "/" not in text)
FINITE = st.floats(0, 1e6)
JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**63),
        st.floats(allow_nan=False, allow_infinity=False),
        TEXT,
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=6,
)
DOLLARS = st.decimals(0, 1_000, places=9) | st.integers(0, 1_000).map(Decimal)
PRICE = st.builds(Price, DOLLARS, DOLLARS, st.none() | DOLLARS)
EVIDENCE = st.integers(0, 10**12).flatmap(
    lambda count: st.builds(Evidence, st.just(count), st.integers(0, count * MICRO))
)
LENGTHS = st.integers(0, 10**12).flatmap(  # what an import takes: at most 100,000,000 tokens an answer
    lambda count: st.builds(OutputTokens, st.just(count), st.integers(0, min(count * 10**8, 2**60)))
)
PRICES = st.builds(PriceSettings, input_usd_per_million_tokens=DOLLARS, output_usd_per_million_tokens=DOLLARS)


@st.composite
def goals(draw: st.DrawFn) -> GoalSettings:
    """A goal with one to three models, parameters and all."""
    count = draw(st.integers(1, 3))
    arms = tuple(
        ArmSettings(
            model=f"openai/model-{index}",
            params=draw(st.dictionaries(TEXT, JSON, max_size=2)),
            weight=draw(st.floats(0.01, 1e6)),
        )
        for index in range(count)
    )
    return GoalSettings(
        arms=arms,
        success_value_usd=draw(FINITE | st.just(float("inf"))),
        exploration=draw(st.floats(0, 1)),
        prior_alpha=draw(st.floats(0.01, 1e6)),
        success_when=draw(st.none() | TEXT.map(lambda text: f"contains(content, {text!r})")),
    )


@st.composite
def exports(draw: st.DrawFn) -> Export:
    """Settings, and evidence for some of their models."""
    chosen = Settings(
        seed=draw(st.integers(0, 2**63 - 1)),
        goals=draw(st.dictionaries(NAME, goals(), min_size=1, max_size=3)),
        prices=draw(st.dictionaries(TEXT, PRICES, max_size=2)),
        heuristic=HeuristicSettings(brief_keywords=tuple(draw(st.lists(TEXT, max_size=3)))),
        classifier=ClassifierSettings(prompt=draw(st.text(st.characters(codec="utf-8"), min_size=1, max_size=60))),
    )
    ids = {name: [arm.id for arm in goal.arms] for name, goal in chosen.goals.items()}
    some = {name: st.dictionaries(st.sampled_from(arms), EVIDENCE) for name, arms in ids.items()}
    more = {name: st.dictionaries(st.sampled_from(arms), LENGTHS) for name, arms in ids.items()}
    made = Export(
        settings=chosen,
        evidence=draw(st.fixed_dictionaries({}, optional=some)),
        output_tokens=draw(st.fixed_dictionaries({}, optional=more)),
        prices=draw(st.dictionaries(TEXT, st.none() | PRICE, max_size=3)),
        created_at=draw(st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1), timezones=st.just(UTC))),
        provenance=Provenance(
            draw(TEXT),
            draw(TEXT),
            draw(st.sampled_from(["live", "simulated", None])),
            draw(st.integers(0, 9)),
            draw(TEXT),
        ),
    )
    try:
        dump(made)
    except SettingsError as refused:  # the names drawn may be those of keys, which are never exported
        assume("api_key_env" not in str(refused))
        raise
    return made


@fast
@given(exports())
def test_json_gives_back_what_went_in(export: Export) -> None:
    """Equal values, the same settings version, and the same text when written again."""
    text = dump(export)
    again = load(text)
    assert again == export
    assert again.settings.version == export.settings.version
    assert dump(again) == text


@fast
@given(exports())
def test_yaml_gives_back_what_went_in(export: Export) -> None:
    """Equal values, and the same JSON when written again."""
    again = load(dump_yaml(export))
    assert again == export
    assert dump(again) == dump(export)


@fast
@given(exports())
def test_posteriors_give_back_what_went_in(export: Export) -> None:
    """Alone as within the whole."""
    assert load_evidence(dump_evidence(export.learned), export.settings) == export.learned


@fast
@given(st.dictionaries(TEXT, JSON, max_size=4))
def test_yaml_holds_any_json(document: dict[str, object]) -> None:
    """Any text as a name or a value, any number, any nesting, each with its type."""
    again = read_yaml(write_yaml(document))
    assert json.dumps(again, sort_keys=True) == json.dumps(document, sort_keys=True)
