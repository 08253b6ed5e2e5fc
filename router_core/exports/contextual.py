"""What the contextual router has learned in a goal, as one line of text in a file: nothing in it is for people.

See learning/contextual/state.py and budget.py for what is in it.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from typing import Any, Final

from router_core.errors import SettingsError
from router_core.exports.parsing import ImportFileError
from router_core.learning.contextual.state import ContextualState
from router_core.money.budget import BudgetState
from router_core.validation import printable

_MOST: Final = 64 * 2**20  # bytes of unpacked text, of all goals of a file together
_MOST_NUMBERS: Final = 500_000  # by their commas: two beliefs of 230 numbers each for a thousand models
_MOST_SCORES: Final = 200  # models with a gain score, each of which is a table of half a megabyte
_LARGEST: Final = 1e12  # of what a budget has spent, allowed, counted, and of its price


def packed(state: ContextualState, budget: BudgetState) -> str:
    """State and budget, without loss."""
    document = {
        "state": state.document(),
        "budget": {
            "price": budget.price,
            "spent_usd": budget.spent_usd,
            "allowed_usd": budget.allowed_usd,
            "requests": budget.requests,
        },
    }
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return base64.b64encode(zlib.compress(text.encode(), 6)).decode()


def unpacked(texts: Mapping[str, str]) -> dict[str, tuple[ContextualState, BudgetState]]:
    """Goal -> what ``packed`` wrote.

    Raises:
        ImportFileError: it is something else, or too large; or a number in it makes no sense.
    """
    found: dict[str, tuple[ContextualState, BudgetState]] = {}
    left, scores = _MOST, 0
    for goal, text in texts.items():
        raw = _raw(text, left)
        left -= len(raw)
        found[goal] = state, _ = _read(raw)
        scores += 0 if state.gain is None else len(state.gain.arms)
        if scores > _MOST_SCORES:
            raise ImportFileError(
                f"what the contextual router learned has more than {_MOST_SCORES} models with a gain score; export"
                " fewer goals at once"
            )
    return found


def _raw(text: str, most: int) -> bytes:
    try:
        unpack = zlib.decompressobj()
        raw = unpack.decompress(base64.b64decode(text, validate=True), most + 1)
    except (ValueError, zlib.error) as error:
        raise _unreadable(error) from None
    if len(raw) > most or raw.count(b",") + raw.count(b"[") + raw.count(b"{") > _MOST_NUMBERS:
        raise _unreadable("it is too large")
    if unpack.unconsumed_tail or not unpack.eof:
        raise _unreadable("it is cut short")
    return raw


def _read(raw: bytes) -> tuple[ContextualState, BudgetState]:
    try:
        document: Mapping[str, Any] = json.loads(raw)
        state = ContextualState.from_document(document["state"])
        given = document["budget"]
        numbers = [float(given[name]) for name in ("price", "spent_usd", "allowed_usd", "requests")]
        if not all(0.0 <= number <= _LARGEST for number in numbers):
            raise ValueError(f"the budget has numbers outside 0 to {_LARGEST:g}")
        budget = BudgetState(numbers[0], numbers[1], numbers[2], int(given["requests"]))
    except SettingsError as error:
        raise ImportFileError(str(error)) from None
    except (ArithmeticError, AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise _unreadable(error) from None
    return state, budget


def _unreadable(why: object) -> ImportFileError:
    return ImportFileError(
        f"what the contextual router learned cannot be read ({printable(str(why)[:200])}); export the file anew"
    )
