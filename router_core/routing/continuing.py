"""Which model a conversation stays with: the one whose calls of tools are answered, or the one of its session.

What a request says is read by pure functions, which any shell can use. ``Conversations`` remembers the newest in
memory and asks the store for the rest, so it knows after a restart, and where texts are not kept.

A turn stays only where there is something to stay with: a model that has left the goal is forgotten, and a new
question of the user is decided anew. Where the model fails, another may answer, and what follows stays with that
one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Any, Final, NamedTuple

from cachetools import LRUCache

from router_core.features import fingerprint
from router_core.store.base import Questions
from router_core.types import Message
from router_core.validation import canonical_json

_REMEMBERED: Final = 10_000  # calls of tools, and sessions
_ANSWERS: Final = ("tool", "function")


class Turn(NamedTuple):
    """A turn that answers calls of tools: their fingerprints, and that of the messages that led to them."""

    calls: tuple[str, ...]
    sha256: str


class Kept(NamedTuple):
    """The arm that a conversation stays with, and why."""

    arm: str
    why: str


def calls_of(message: Mapping[str, Any]) -> tuple[str, ...]:
    """The fingerprints of the calls of tools in an answer.

    Some servers number calls anew in each answer ("call_0"), so a call is known by its id, name and arguments
    together. Arguments are the same however they are spaced and ordered.
    """
    calls = message.get("tool_calls")
    found = (_fingerprint(call) for call in calls) if isinstance(calls, list | tuple) else ()
    return tuple(one for one in found if one is not None)


def tool_turn(messages: Sequence[Message]) -> Turn | None:
    """What a conversation answers, where its last turn answers calls of tools; None: it does not."""
    last = next((at for at in reversed(range(len(messages))) if messages[at].get("role") == "assistant"), None)
    if last is None or not any(one.get("role") in _ANSWERS for one in messages[last + 1 :]):
        return None
    calls = calls_of(messages[last])
    return Turn(calls, fingerprint(messages[:last])) if calls else None


def session_fingerprint(session: str) -> str:
    """What stands for a session in the log."""
    return hashlib.sha256(session.encode()).hexdigest()


class Conversations:
    """Which arm each conversation is with. Thread-safe.

    Args:
        store: asked about what is not remembered.
    """

    def __init__(self, store: Questions) -> None:
        self._store = store
        self._calls: LRUCache[tuple[str, str], tuple[str, str]] = LRUCache(_REMEMBERED)
        self._sessions: LRUCache[tuple[str, str], str] = LRUCache(_REMEMBERED)
        self._lock = Lock()

    def kept(self, goal: str, turn: Turn | None, session: str, arms: Sequence[str]) -> Kept | None:
        """The arm to stay with; None: the policy decides.

        Args:
            goal: whose conversation.
            turn: see ``tool_turn``.
            session: the fingerprint of its session, "" for none.
            arms: those that there are now.

        Raises:
            StoreError: the log cannot be read.
        """
        arm = self._arm_that_called(goal, turn) if turn is not None else None
        if arm is not None and arm in arms:
            return Kept(arm, f"answers the tools that {arm} called")
        arm = self._arm_of_session(goal, session) if session else None
        return Kept(arm, f"the session is with {arm}") if arm is not None and arm in arms else None

    def begin(self, goal: str, session: str, arm: str, arms: Sequence[str]) -> str:
        """The session's arm: this one, unless a request at the same time was first with another one."""
        with self._lock:
            known = self._sessions.get((goal, session))
            if known is None or known not in arms:
                known = self._sessions[goal, session] = arm
            return known

    def answered(self, goal: str, arm: str, calls: Sequence[str], sha256: str, session: str) -> None:
        """An arm has answered: its calls of tools and its session are with it.

        Args:
            goal: of the request.
            arm: who answered.
            calls: see ``calls_of``.
            sha256: the fingerprint of the messages that were answered.
            session: the fingerprint of the session, "" for none.
        """
        if not (calls or session):
            return
        with self._lock:
            for call in calls:
                self._calls[goal, call] = (arm, sha256)
            if session:
                self._sessions[goal, session] = arm

    def _arm_that_called(self, goal: str, turn: Turn) -> str | None:
        with self._lock:
            known = [self._calls[goal, call] for call in turn.calls if (goal, call) in self._calls]
        certain = next((arm for arm, sha256 in known if sha256 == turn.sha256), None)
        return (
            certain
            or self._store.arm_that_called(goal, turn.calls, turn.sha256)
            or next((arm for arm, _ in reversed(known)), None)  # not stored yet
        )

    def _arm_of_session(self, goal: str, session: str) -> str | None:
        with self._lock:
            known = self._sessions.get((goal, session))
        return known or self._store.arm_of_session(goal, session)


def _fingerprint(call: Any) -> str | None:
    """Of one call; None: it has no id."""
    if not isinstance(call, Mapping) or not isinstance(call.get("id"), str) or not call["id"]:
        return None
    called = call.get("function") or call.get("custom")
    called = called if isinstance(called, Mapping) else {}
    said = canonical_json([call["id"], str(called.get("name")), _arguments(called)])
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:24]


def _arguments(called: Mapping[str, Any]) -> str:
    given = called.get("arguments", called.get("input"))
    text = given if isinstance(given, str) else json.dumps(given)
    try:
        return canonical_json(json.loads(text or "{}"))
    except (ValueError, RecursionError):
        return text
