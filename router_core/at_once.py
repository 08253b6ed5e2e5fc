"""Runs a coroutine that never waits for an event loop: an ordinary call.

What is done for a request is written once, as coroutines. Where everything that they wait for blocks the thread
(models/waiting.py), they end at their first step; under an event loop (models/event_loop.py) they are awaited.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


def at_once(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """What the coroutine returns or raises.

    Raises:
        RuntimeError: it waits for an event loop; await it instead.
    """
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: Result = done.value
        return result
    coroutine.close()
    raise RuntimeError("this call waits for an event loop; await it there instead")
