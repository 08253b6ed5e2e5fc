"""Keys by which programs call the gateway: made, named, checked, revoked. What they use is counted in gateway/.

A key is shown once, when it is made. The store keeps a salted BLAKE2b digest: the key is 256 random bits, so there
is nothing to guess that a slow hash would protect (docs/decisions.md).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from router_core.errors import ArgumentError
from router_core.store.base import CallerKey, Kept
from router_core.validation import shown

PREFIX: Final = "sk-router-"
_PERSON: Final = b"router caller"  # BLAKE2 gives other digests for other uses
_MOST_NAME: Final = 64
_MOST: Final = {"usd_per_day": 1_000_000, "requests_per_minute": 1_000_000, "at_once": 10_000}


def made(name: str, at: datetime, kept: Iterable[CallerKey] = (), **limits: Any) -> tuple[CallerKey, str]:
    """A new key as it is kept, and its text, which nobody can find again.

    Args:
        name: for people, and in the log beside every request.
        at: now.
        kept: keys that there are: names of those in force are taken.
        limits: ``goals``, ``models``, ``usd_per_day``, ``requests_per_minute``, ``at_once``; see ``CallerKey``.

    Raises:
        ArgumentError: the name or a limit cannot be one.
    """
    name = name.strip()
    if not name or len(name) > _MOST_NAME or not name.isprintable():
        raise ArgumentError(f"name is {shown(name)}; give 1 to {_MOST_NAME} printable characters")
    if any(one.name == name and one.revoked_at is None for one in kept):
        raise ArgumentError(f"There is a key named {name!r} already; revoke it first, or give another name")
    for limit, most in _MOST.items():
        value = limits.get(limit)
        if value is not None and not 0 < value <= most:
            raise ArgumentError(
                f"{limit} is {shown(value)}; give more than 0 and at most {most:,}, or leave it out"
            )
    if limits.get("usd_per_day") is not None:
        limits["usd_per_day"] = Decimal(str(limits["usd_per_day"]))
    for some in ("goals", "models"):
        limits[some] = tuple(limits[some]) if limits.get(some) else None
    id_, salt = secrets.token_hex(6), secrets.token_bytes(16)
    text = f"{PREFIX}{id_}-{secrets.token_urlsafe(32)}"
    return CallerKey(id_, name, at, salt, _digest(text, salt), **limits), text


def found(text: str, kept: Iterable[CallerKey]) -> CallerKey | None:
    """The key in force that a text is; None: it is none. Takes as long for a wrong key as for a right one."""
    id_ = text.removeprefix(PREFIX)[:12]
    one = next((one for one in kept if one.id == id_ and one.revoked_at is None), None)
    salt, digest = (bytes(16), bytes(32)) if one is None else (one.salt, one.digest)
    return one if hmac.compare_digest(_digest(text, salt), digest) else None


def revoke(store: Kept, name: str, at: datetime) -> CallerKey:
    """Put a key out of force, by its name or its id.

    Raises:
        ArgumentError: no key in force has it.
    """
    in_force = [one for one in store.caller_keys() if one.revoked_at is None]
    one = next((one for one in in_force if name in (one.name, one.id)), None)
    if one is None:
        names = ", ".join(one.name for one in in_force) or "none"
        raise ArgumentError(f"No key in force is named {shown(name)}; there are: {names}")
    gone = replace(one, revoked_at=at)
    store.save_caller_key(gone)
    return gone


def limits_of(key: CallerKey) -> str:
    """What a key may do, in words."""
    told = [
        None if key.goals is None else f"goals {', '.join(key.goals)}",
        None if key.models is None else f"models {', '.join(key.models)}",
        None if key.usd_per_day is None else f"${key.usd_per_day.normalize():f} a day",
        None if key.requests_per_minute is None else f"{key.requests_per_minute:,} requests a minute",
        None if key.at_once is None else f"{key.at_once:,} at once",
    ]
    return "; ".join(one for one in told if one is not None) or "no limits"


def _digest(text: str, salt: bytes) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=32, salt=salt, person=_PERSON).digest()
