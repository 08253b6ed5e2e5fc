"""Files that were written once and must be read for ever, with what they say by hand.

router_v1.json was written by version 1 of the format and must not be written anew; router_v0.json is of the
version before it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from router_core.exports.document import dump, load, load_evidence
from router_core.exports.learned import Provenance
from router_core.exports.migrations import MIGRATIONS
from router_core.exports.parsing import ImportFileError
from router_core.learning.beta import from_evidence
from router_core.types import Evidence, Posterior
from tests.builders import CHEAP, STRONG
from tests.exported import an_export

HERE = Path(__file__).parent
V1 = (HERE / "router_v1.json").read_text(encoding="utf-8")
V0 = (HERE / "router_v0.json").read_text(encoding="utf-8")


def test_version_1_is_read() -> None:
    """Every value, as the export that wrote it had it."""
    assert load(V1) == an_export()


def assert_within(old: Any, new: Any, place: str) -> None:
    """Every value of ``old`` is in ``new``, at the same place; ``new`` may have more names."""
    if isinstance(old, dict):
        for name, value in old.items():
            assert name in new, f"{place}.{name}"
            assert_within(value, new[name], f"{place}.{name}")
    else:
        assert new == old, place


def test_version_1_is_written() -> None:
    """The present format has all that version 1 had, in the same places; settings may have been added."""
    old, new = json.loads(V1), json.loads(dump(an_export()))
    assert list(new) == list(old)
    del old["checksum"]
    assert_within(old, new, "")


def test_version_0_is_read() -> None:
    """Its posteriors less the prior are the outcomes: Beta(13, 5) from Beta(1, 1) is 12 good of 16."""
    export = load(V0)
    assert export.settings.goals["default"].success_value_usd == 0.02
    assert export.settings.goals["mail"].prior_alpha == 0.1
    assert export.evidence == {
        "default": {CHEAP: Evidence(16, 12_000_000), STRONG: Evidence(0, 0)},
        "mail": {STRONG: Evidence(4, 2_500_000)},
    }
    assert (export.output_tokens, export.prices) == ({}, {})
    assert export.created_at == datetime(2025, 11, 3, 9, 30, tzinfo=UTC)
    assert export.provenance == Provenance("unknown", "unknown", None, 20, "migrated from format version 0")


def test_version_0_keeps_its_posteriors() -> None:
    """The prior and the outcomes found make the very posterior that was stored."""
    export = load(V0)
    for goal, arms in json.loads(V0)["posteriors"].items():
        chosen = export.settings.goals[goal]
        for arm, shape in arms.items():
            evidence = export.evidence[goal][arm]
            assert from_evidence(evidence, chosen.prior_alpha, chosen.prior_beta) == Posterior(
                shape["alpha"], shape["beta"], evidence.count
            )


def test_version_0_becomes_version_1() -> None:
    """Written again it is a file of the present, with a checksum, and reads the same."""
    text = dump(load(V0))
    assert json.loads(text)["format_version"] == 1
    assert load(text) == load(V0)


def test_posteriors_of_version_0() -> None:
    """They can be taken alone, too."""
    assert load_evidence(V0, load(V0).settings).evidence == load(V0).evidence


def spoilt(change: Callable[[dict[str, Any]], object]) -> str:
    """The sentence with which the file of version 0 is refused after a change."""
    document = json.loads(V0)
    change(document)
    with pytest.raises(ImportFileError) as caught:
        load(json.dumps(document))
    return str(caught.value)


@pytest.mark.parametrize(
    ("posterior", "expected"),
    [
        (
            {"alpha": 0.5, "beta": 5},
            "posteriors.default.openai/gpt-4o: alpha and beta less the prior (1, 1) make 3.5 outcomes; that must"
            " be a whole number",
        ),
        (
            {"alpha": 0.5, "beta": 5.5},
            "posteriors.default.openai/gpt-4o: alpha and beta must not be below the prior (1, 1); got 0.5 and 5.5",
        ),
        (
            {"alpha": 5.5, "beta": 0.5},
            "posteriors.default.openai/gpt-4o: alpha and beta must not be below the prior (1, 1); got 5.5 and 0.5",
        ),
        (
            {"alpha": -1, "beta": 5},
            "posteriors.default.openai/gpt-4o.alpha must be a number above 0 and at most 1e15; got '-1'",
        ),
        (
            {"alpha": 2, "beta": "3"},
            "posteriors.default.openai/gpt-4o.beta must be a number above 0 and at most 1e15; got '3'",
        ),
        (
            {"alpha": 2, "beta": True},
            "posteriors.default.openai/gpt-4o.beta must be a number above 0 and at most 1e15; got 'True'",
        ),
        ({"alpha": 2}, "posteriors.default.openai/gpt-4o has ['alpha']; it must have alpha and beta"),
        ([2, 3], "posteriors.default.openai/gpt-4o must map names to values; got '[2, 3]'"),
    ],
)
def test_posteriors_that_no_outcomes_make(posterior: object, expected: str) -> None:
    """A version 0 file at odds with its own prior is refused."""

    def change(document: dict[str, Any]) -> None:
        document["posteriors"]["default"][STRONG] = posterior

    assert spoilt(change) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            lambda d: d["posteriors"].update(post={}),
            "posteriors.post: no goal of that name; known: ['default', 'mail']",
        ),
        (
            lambda d: d["posteriors"]["mail"].update(gone={"alpha": 1.1, "beta": 1}),
            "evidence has 'gone', which is not a model of goal 'mail'; its models: ['openai/gpt-4o-mini',"
            " 'openai/gpt-4o']; add it to the settings or take it out of the file",
        ),
        (
            lambda d: d.pop("posteriors"),
            "posteriors is missing from the file, which says that it is of format version 0",
        ),
        (
            lambda d: d.update(prices={}),
            "prices is not part of format version 0; it has ['created_at', 'format', 'format_version',"
            " 'posteriors', 'settings']",
        ),
        (
            lambda d: d["settings"].update(sead=1),
            "the settings in the file cannot be used: sead is not a setting; check its spelling against"
            " docs/settings.md",
        ),
    ],
)
def test_version_0_at_odds_with_itself(change: Callable[[dict[str, Any]], object], expected: str) -> None:
    """As for the present version: what, where, and what to do."""
    assert spoilt(change) == expected


def test_every_older_version_has_its_way() -> None:
    """No step is missing between the first version and the present one."""
    assert sorted(MIGRATIONS) == [0]
