"""Numbers from outside: what was learned elsewhere, prices, costs; and the last defence of a propensity."""

from __future__ import annotations

import base64
import json
import math
import zlib
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from router_core.errors import SettingsError
from router_core.exports.contextual import packed, unpacked
from router_core.exports.document import load
from router_core.exports.parsing import MOST_VALUES, ImportFileError, parse
from router_core.exports.transfer import read_export, text_of_file
from router_core.exports.yaml import DEEPEST, MOST_EVENTS
from router_core.learning.contextual.state import ContextualState
from router_core.money.budget import BudgetState
from router_core.money.pricing import cost_usd
from router_core.routing.deciding import UNUSABLE, _usable
from router_core.sampling import is_distribution
from router_core.settings import PriceSettings
from router_core.store.duckdb.rows import completion_row
from router_core.types import ActionDistribution, Price, Reason, Usage
from router_core.validation import validated
from tests.builders import STRONG
from tests.exported import changed
from tests.store_rows import a_completion
from tests.unit.test_contextual_state import a_gain, events, folded

STATE = replace(folded(events(30)), gain=a_gain())
Change = Callable[[dict[str, Any]], object]


def line(text: bytes) -> str:
    """As ``packed`` writes it."""
    return base64.b64encode(zlib.compress(text)).decode()


def told(change: Change) -> str:
    """What is said of a state with this change."""
    document = json.loads(zlib.decompress(base64.b64decode(packed(STATE, BudgetState()))))
    change(document)
    with pytest.raises(ImportFileError) as caught:
        unpacked({"default": line(json.dumps(document).encode())})
    return str(caught.value)


def belief(document: dict[str, Any]) -> dict[str, Any]:
    """Of one of its models."""
    found: dict[str, Any] = document["state"]["arms"]["p/a"]["belief"]
    return found


def test_what_was_learned_comes_back() -> None:
    """With its score and its budget, of two goals at once."""
    budget = BudgetState(0.5, 1.25, 2.0, 7)
    text = packed(STATE, budget)
    found = unpacked({"one": text, "two": text})
    assert [state.document() for state, _ in found.values()] == [STATE.document()] * 2
    assert [one for _, one in found.values()] == [budget] * 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda one: belief(one)["covariance"].__setitem__(0, 1e308),
            "a number is larger than any that is learned",
        ),
        (lambda one: belief(one)["covariance"].__setitem__(0, math.nan), "a number is not finite"),
        (lambda one: belief(one)["covariance"].__setitem__(0, 0.0), "a covariance is not positive definite"),
        (lambda one: belief(one)["covariance"].__setitem__(0, -1.0), "a covariance is not positive definite"),
        (lambda one: belief(one)["covariance"].pop(), "cannot be read"),
        (lambda one: belief(one)["mean"].__setitem__(0, 1e308), "a number is larger than any that is learned"),
        (lambda one: belief(one)["mean"].__setitem__(0, math.inf), "a number is not finite"),
        (lambda one: belief(one).update(outcomes=-1), "'-1' is not a count from 0 to 1,000,000,000,000"),
        (lambda one: belief(one).update(outcomes=10**13), "is not a count from 0 to"),
        (lambda one: one["state"].update(outcomes=1.5), "'1.5' is not a count from 0 to"),
        (lambda one: one["state"].update(verdicts=[3, 2]), "3 of 2 verdicts"),
        (lambda one: one["state"]["gain"].update(base=[1e308]), "is not a number for each of 1 arms"),
        (lambda one: one["state"]["gain"].update(length=[1.0, 0.0]), "the lengths of its texts make no sense"),
        (
            lambda one: one["state"]["gain"].update(length=[math.nan, 1.0]),
            "the lengths of its texts make no sense",
        ),
        (lambda one: one["state"]["gain"].update(arms=["a"] * 101), "it has 101 models; at most 100 are read"),
        (lambda one: one["budget"].update(price=math.nan), "the budget has numbers outside 0 to 1e+12"),
        (lambda one: one["budget"].update(spent_usd=1e308), "the budget has numbers outside 0 to 1e+12"),
        (lambda one: one["budget"].update(requests=-1), "the budget has numbers outside 0 to 1e+12"),
    ],
)
def test_numbers_that_make_no_sense(change: Change, said: str) -> None:
    """Not finite, not positive definite, larger than anything that is learned: refused, with what it is."""
    assert said in told(change)


def test_a_table_of_the_score_is_finite() -> None:
    """A half float may be infinite or no number; neither is read."""
    for bits in (b"\x00\x7c", b"\x00\x7e"):
        table = zlib.decompress(base64.b64decode(a_gain().document()["worth"][0]))
        broken = base64.b64encode(zlib.compress(bits + table[2:])).decode()
        assert "a table holds a number that is not finite" in told(
            lambda one, broken=broken: one["state"]["gain"]["worth"].__setitem__(0, broken)
        )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b" " * (65 << 20), "it is too large"),
        (b"[" + b"0," * 600_000 + b"0]", "it is too large"),
        (b"{}", "cannot be read"),
    ],
)
def test_what_unpacks_to_too_much(text: bytes, said: str) -> None:
    """A few hundred kilobytes can be made to fill gigabytes: they are counted before anything is built."""
    with pytest.raises(ImportFileError, match=said):
        unpacked({"default": line(text)})


def test_goals_share_what_may_be_unpacked() -> None:
    """Many small ones are no way around."""
    text = packed(ContextualState(), BudgetState())
    padded = line(zlib.decompress(base64.b64decode(text)) + b" " * (20 << 20))
    assert len(unpacked({"one": padded, "two": padded})) == 2
    with pytest.raises(ImportFileError, match="it is too large"):
        unpacked({str(number): padded for number in range(5)})


def test_a_file_of_very_many_values() -> None:
    """JSON is counted before it is read, YAML while it is scanned."""
    with pytest.raises(ImportFileError, match=f"more than {MOST_VALUES:,} values"):
        parse('{"a": [' + "[]," * MOST_VALUES + "[]]}")
    with pytest.raises(ImportFileError, match=f"more than {MOST_EVENTS:,} values"):
        parse("a: [" + "[]," * MOST_EVENTS + "[]]")
    with pytest.raises(ImportFileError, match="nested too deeply"):
        parse("a: " + "[" * (DEEPEST + 1) + "]" * (DEEPEST + 1))
    with pytest.raises(ImportFileError, match="whole number of more than 64 bits"):
        parse("a: 0x" + "f" * 6_000)


def test_files_that_are_too_large_or_no_files(tmp_path: Path) -> None:
    """Nothing is read of what cannot be an export, and a NUL character is a wrong path."""
    large = tmp_path / "router.json"
    with large.open("wb") as made:
        made.truncate(10**9)
    for place, said in (
        (large, "this is not an export"),
        ("/dev/zero", "is not a file"),
        ("a\0b", "cannot be read"),
    ):
        with pytest.raises(SettingsError, match=said):
            read_export(place)
    with pytest.raises(SettingsError, match="the settings file"):
        text_of_file(tmp_path, "the settings file")


@pytest.mark.parametrize("price", ["1E+999999", "100000.000000001", "NaN", "-1", "1E+400"])
def test_prices_in_a_sane_range(price: str) -> None:
    """In settings and in an export."""
    with pytest.raises(SettingsError):
        validated(PriceSettings, {"input_usd_per_million_tokens": price, "output_usd_per_million_tokens": "1"})
    with pytest.raises(ImportFileError):
        load(changed(lambda one: one["prices"][STRONG].update(input_usd_per_million_tokens=price)))


@pytest.mark.parametrize("rate", ["1", "100000", "1E+999999"])
def test_a_cost_that_no_call_has_is_unknown(rate: str) -> None:
    """Tokens times price may come to more than the column holds; the answer is stored all the same."""
    price = Price(Decimal(rate), Decimal(rate))
    usage = Usage(10**12, 10**12)
    assert cost_usd(usage, price) is None
    assert cost_usd(Usage(10, 10), Price(Decimal(1), Decimal(1))) == Decimal("0.00002")


@pytest.mark.parametrize(
    ("amount", "kept"),
    [
        ("999999.999999999999", "999999.999999999999"),
        ("999999.9999999999999", None),
        ("1000000", None),
        ("1E+999999", None),
        ("NaN", None),
        ("Infinity", None),
        ("1E-999999", "0"),
    ],
)
def test_what_the_column_cannot_hold_is_unknown(amount: str, kept: str | None) -> None:
    """Whoever made the record."""
    row = completion_row(replace(a_completion(), cost_usd=Decimal(amount)))
    assert row[12] == (None if kept is None else Decimal(kept))  # the column of costs


@pytest.mark.parametrize("odd", [math.nan, math.inf, -0.1, 1.1])
def test_no_propensity_but_a_number_from_0_to_1(odd: float) -> None:
    """Whatever a policy says, a distribution is drawn from and logged; the decision says that it fell back."""
    assert not is_distribution((odd, 1.0 - odd))
    found = _usable(ActionDistribution((odd, 1.0 - odd), lambda: Reason("broken"), Decimal("0.1"), 3.0))
    assert found.probabilities == (0.5, 0.5)
    assert (found.reason.summary, found.fallback, found.cost_usd) == (UNUSABLE, UNUSABLE, Decimal("0.1"))
    fine = ActionDistribution((0.25, 0.75), lambda: Reason("fine"))
    assert _usable(fine) is fine
