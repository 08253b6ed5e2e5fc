"""router.json: out and in unchanged, for people to read and for nobody to forge by accident."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest

from router_core import exports
from router_core.errors import RouterError, SettingsError, UnknownArmError
from router_core.exports import Export, dump_yaml
from router_core.exports.document import dump, load, resolved_prices
from router_core.exports.learned import Provenance, only_known
from router_core.policies import build_policies
from router_core.settings import ArmSettings, GoalSettings, Settings
from router_core.types import Evidence, OutputTokens, Price
from router_core.validation import canonical_json
from tests.builders import CHEAP, STRONG
from tests.exported import LOCAL, WHEN, an_export, some_settings


def test_out_and_in_is_the_same() -> None:
    """Every value comes back equal, and written again it is the same text."""
    text = dump(an_export())
    assert load(text) == an_export()
    assert dump(load(text)) == text


def test_prices_come_back_to_the_digit() -> None:
    """Not merely equal: the same digits, so that a sum of them prints the same."""
    price = load(dump(an_export())).prices[STRONG]
    assert price is not None
    assert [str(d) for d in (price.input_usd_per_million_tokens, price.output_usd_per_million_tokens)] == [
        "2.50",
        "1E+1",
    ]


def test_infinity_and_unknown_prices_survive() -> None:
    """A value without limit stays one; an unknown price is neither zero nor forgotten."""
    again = load(dump(an_export()))
    assert again.settings.goals["mail"].success_value_usd == float("inf")
    assert again.prices[LOCAL] is None
    assert json.loads(dump(an_export()))["settings"]["goals"]["mail"]["success_value_usd"] == "Infinity"


def test_the_settings_keep_their_version() -> None:
    """The name of the settings, a hash of all of them, is the same on both sides."""
    assert load(dump(an_export())).settings.version == some_settings().version


@pytest.mark.parametrize("write", [dump, dump_yaml])
def test_what_decides_alike_is_of_one_version(write: Callable[[Export], str]) -> None:
    """Every policy keeps its version through a file, however parameters and names were ordered before."""
    params = {"temperature": 0, "max_tokens": 5, "logit_bias": {"b": 1, "a": 2.5}, "é": [{"z": 1, "y": None}]}
    arms = (ArmSettings(model=CHEAP, params=params), ArmSettings(model=STRONG, weight=0.1))
    goals = {"default": GoalSettings(arms=arms, budget_usd=1.5), "a": GoalSettings(success_value_usd=float("inf"))}
    settings = Settings(goals=goals)
    export = Export(settings, {}, {}, {}, WHEN, Provenance("1", "3", None, 0))
    read = load(write(export)).settings
    assert read.version == settings.version
    for goal in goals:
        before, after = build_policies(settings, goal), build_policies(read, goal)
        assert {name: one.version for name, one in after.items()} == {n: one.version for n, one in before.items()}


def test_the_file_is_for_people() -> None:
    """Sorted, one value a line, letters as they are, a line break at the end."""
    text = dump(an_export())
    document = json.loads(text)
    assert list(document) == [
        "checksum",
        "created_at",
        "evidence",
        "format",
        "format_version",
        "output_tokens",
        "prices",
        "provenance",
        "settings",
    ]
    assert text.endswith("}\n")
    assert '    "search: Größe": {' in text.splitlines()
    assert document["created_at"] == "2026-01-31T12:00:00.250000+00:00"


def test_the_checksum_is_sha256_of_the_rest() -> None:
    """Anyone can compute it: canonical JSON of everything but the checksum."""
    document = json.loads(dump(an_export()))
    found = document.pop("checksum")
    assert found == "sha256:" + hashlib.sha256(canonical_json(document).encode()).hexdigest()


def test_a_time_elsewhere_is_the_same_time() -> None:
    """Written in UTC, whatever the zone; a time without zone is refused."""
    there = replace(an_export(), created_at=WHEN.astimezone(timezone(timedelta(hours=9))))
    assert dump(there) == dump(an_export())
    with pytest.raises(SettingsError, match=r"^created_at is 2026-01-31T12:00:00, without a time zone; give one"):
        dump(replace(an_export(), created_at=datetime(2026, 1, 31, 12)))


def test_layout_is_not_content() -> None:
    """Other line ends, indents, an order of one's own or a byte order mark change nothing."""
    document = json.loads(dump(an_export()))
    turned = {name: document[name] for name in reversed(document)}
    assert load(json.dumps(turned)) == an_export()
    assert load("\ufeff" + dump(an_export()).replace("\n", "\r\n")) == an_export()


def test_nothing_is_written_that_could_not_be_read() -> None:
    """Evidence for a model that was taken out of the settings is refused, and can be left out."""
    more = {"mail": {LOCAL: Evidence(1, 0), "openai/gone": Evidence(2, 0)}, "gone": {LOCAL: Evidence(3, 0)}}
    with pytest.raises(UnknownArmError, match=r"^evidence has 'openai/gone', which is not a model of goal 'mail'"):
        dump(replace(an_export(), evidence=more))
    with pytest.raises(
        UnknownArmError, match=r"^output_tokens has the goal 'gone', which the settings do not have"
    ):
        dump(replace(an_export(), output_tokens={"gone": {LOCAL: OutputTokens(1, 1)}}))
    assert only_known(some_settings(), more) == {"mail": {LOCAL: Evidence(1, 0)}}


def test_resolved_prices_cover_every_model() -> None:
    """Each model that may be called, the classifier's too; unknown is None."""
    assert resolved_prices(some_settings()) == {
        LOCAL: None,
        STRONG: Price(Decimal("2.50"), Decimal("10.00"), Decimal("1.25")),
        CHEAP: Price(Decimal("0.10"), Decimal("0.400000001")),
    }


def test_provenance_of_this_process() -> None:
    """Versions are found out, the rest is told."""
    import platform

    import router_core

    assert Provenance.here("live", 3, "n") == Provenance(
        router_core.__version__, platform.python_version(), "live", 3, "n"
    )


def test_the_exported_names() -> None:
    """Each is found where it lives, and the error is one of the library's."""
    assert dir(exports) == exports.__all__ == sorted(exports.__all__)
    assert all(getattr(exports, name).__name__ == name for name in exports.__all__)
    assert issubclass(exports.ImportFileError, RouterError)
    with pytest.raises(AttributeError, match=r"^module 'router_core\.exports' has no attribute 'lod'$"):
        exports.lod  # noqa: B018 - asking for it is the test
