"""One export with something in every place, and ways to spoil its file."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from router_core.exports.document import Export, dump
from router_core.exports.learned import Provenance
from router_core.exports.parsing import sealed, text_of
from router_core.settings import ArmSettings, GoalSettings, PriceSettings, ProviderSettings, Settings
from router_core.types import Evidence, OutputTokens, Price, Teacher
from tests.builders import CHEAP, STRONG

LOCAL = "local/tiny"
COLD = 'openai/gpt-4o?{"temperature":0}'
WHEN = datetime(2026, 1, 31, 12, 0, 0, 250_000, tzinfo=UTC)


TEACHING: tuple[Teacher, ...] = ("thumb", "api", "condition")


def some_settings() -> Settings:
    """Two goals, a provider and a price of one's own, a model twice, cost ignored in one goal; sources that teach
    are those of version 1.
    """  # fmt: skip
    own = PriceSettings(
        input_usd_per_million_tokens=Decimal("0.10"), output_usd_per_million_tokens=Decimal("0.400000001")
    )
    return Settings(
        seed=42,
        providers={
            "openai": ProviderSettings(),
            "local": ProviderSettings(base_url="http://127.0.0.1:8080/v1", api_key_env=None),
        },
        prices={CHEAP: own},
        goals={
            "mail": GoalSettings(
                arms=(
                    ArmSettings(model=LOCAL, weight=3.0),
                    ArmSettings(model=STRONG),
                    ArmSettings(model=STRONG, params={"temperature": 0}),
                ),
                success_value_usd=float("inf"),
                teaching_precedence=TEACHING,
            ),
            "search: Größe": GoalSettings(
                prior_alpha=2.0, prior_beta=0.5, exploration=0.1, teaching_precedence=TEACHING
            ),
        },
    )


def an_export() -> Export:
    """Settings, evidence, lengths, a known and an unknown price."""
    return Export(
        settings=some_settings(),
        evidence={
            "mail": {LOCAL: Evidence(12, 9_500_000), COLD: Evidence(3, 333_333)},
            "search: Größe": {CHEAP: Evidence(1, 0)},
        },
        output_tokens={"mail": {LOCAL: OutputTokens(14, 2_803)}},
        prices={
            CHEAP: Price(Decimal("0.10"), Decimal("0.400000001")),
            STRONG: Price(Decimal("2.50"), Decimal("1E+1"), Decimal("1.25")),
            LOCAL: None,
        },
        created_at=WHEN,
        provenance=Provenance("0.1.0", "3.11.9", "simulated", 16, "before the move"),
    )


def changed(change: Callable[[dict[str, Any]], object], *, reseal: bool = True) -> str:
    """The export's file after ``change`` was made to its plain data; with a fitting checksum, or the old one."""
    document: dict[str, Any] = json.loads(dump(an_export()))
    change(document)
    return text_of(sealed(document) if reseal else document)
