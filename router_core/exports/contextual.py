"""What the contextual router has learned in a goal, as one line of text in a file: nothing in it is for people.

Leaves out what is in it (contextual/state.py and budget.py).
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

_MOST: Final = 256 * 2**20  # bytes of unpacked text: 100 models with a gain score each


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


def unpacked(text: str) -> tuple[ContextualState, BudgetState]:
    """What ``packed`` wrote.

    Raises:
        ImportFileError: it is something else.
    """
    try:
        unpack = zlib.decompressobj()
        raw = unpack.decompress(base64.b64decode(text, validate=True), _MOST)
        if unpack.unconsumed_tail or not unpack.eof:
            raise ValueError("it is cut short or too long")
        document: Mapping[str, Any] = json.loads(raw)
        state = ContextualState.from_document(document["state"])
        given = document["budget"]
        budget = BudgetState(
            float(given["price"]), float(given["spent_usd"]), float(given["allowed_usd"]), int(given["requests"])
        )
    except SettingsError as error:
        raise ImportFileError(str(error)) from None
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError, zlib.error) as error:
        raise ImportFileError(
            f"what the contextual router learned cannot be read ({error}); export the file anew"
        ) from None
    return state, budget
