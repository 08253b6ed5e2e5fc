"""The body of a request: JSON of a sane size and shape that comes in time, or a sentence."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Final, NoReturn, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from router_core.serving.gateway.failures import Failure, RefusedError

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

MOST_BYTES: Final = 32 * 2**20
"""Of a body; images are sent in it."""
FIRST_S: Final = 20.0
"""A body has so long to come, and more for what has come: its size at ``SLOWEST``."""
SLOWEST: Final = 2**16
"""Bytes a second."""
_MOST_NESTED: Final = 100
_CLOSED: Final = {"connection": "close"}  # the rest of the body is not waited for

_CHARSET: Final = re.compile(r"""charset\s*=\s*"?([^\s;"]+)""", re.IGNORECASE)
_UTF_8: Final = ("utf-8", "utf8", "us-ascii", "ascii")

Body = TypeVar("Body", bound="Fields")


class HungUpError(Exception):
    """The program that asked is gone."""


class Fields(BaseModel):
    """The fields of a body; others are refused, so that a misspelt one is not ignored."""

    model_config = ConfigDict(extra="forbid", strict=True)


async def read(receive: Receive, headers: Mapping[str, str]) -> bytes:
    """All of a body.

    Args:
        receive: gives its pieces.
        headers: of the request, in lower case.

    Raises:
        RefusedError: it is not said to be JSON, too large, or too slow.
        HungUpError: the program is gone.
    """
    require_json(headers)
    too_large = Failure(
        413, f"The body is larger than {MOST_BYTES // 2**20} MB; send less", "request_too_large", headers=_CLOSED
    )
    announced = headers.get("content-length", "")
    if announced.isdigit() and int(announced[:20]) > MOST_BYTES:
        raise RefusedError(too_large)
    parts: list[bytes] = []
    total, began = 0, asyncio.get_running_loop().time()
    try:
        async with asyncio.timeout(FIRST_S) as limit:
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise HungUpError
                parts.append(message.get("body", b""))
                total += len(parts[-1])
                if total > MOST_BYTES:
                    raise RefusedError(too_large)
                if not message.get("more_body", False):
                    return b"".join(parts)
                limit.reschedule(began + FIRST_S + total / SLOWEST)
    except TimeoutError:
        said = f"Of the body {total:,} bytes came in time, and then no more; send it at once"
        raise RefusedError(Failure(408, said, "request_timeout", headers=_CLOSED)) from None


def require_json(headers: Mapping[str, str]) -> None:
    """Make sure that a body is not said to be something else than JSON in UTF-8.

    Raises:
        RefusedError: it is.
    """
    kind, _, more = headers.get("content-type", "").partition(";")
    kind, charset = kind.strip().lower(), _CHARSET.search(more)
    json_kind = kind in ("", "application/json") or (kind.startswith("application/") and kind.endswith("+json"))
    if not json_kind or (charset is not None and charset[1].lower().replace("_", "-") not in _UTF_8):
        said = f"The body is said to be {headers['content-type'][:80]!r}; send JSON in UTF-8 and the header"
        raise RefusedError(Failure(415, f"{said} 'content-type: application/json'", "unsupported_media_type"))
    packed = headers.get("content-encoding", "").strip().lower()
    if packed not in ("", "identity"):
        said = f"The body is said to be packed by {packed[:80]!r}; send it as it is"
        raise RefusedError(Failure(415, said, "unsupported_media_type"))


def parsed(content: bytes) -> Any:
    """The JSON of a body.

    Raises:
        RefusedError: it is no JSON, nested too deeply, or holds what JSON or UTF-8 does not allow.
    """
    nested = RefusedError(
        Failure(400, f"The body is nested deeper than {_MOST_NESTED} levels; send it flatter", "invalid_json")
    )
    try:
        found = json.loads(content.decode("utf-8-sig"), parse_constant=_not_json, parse_int=_whole)
        json.dumps(found, ensure_ascii=False).encode()
    except RecursionError:
        raise nested from None
    except ValueError as error:
        said = f"The body is not JSON ({_why(error)}); send a JSON object"
        raise RefusedError(Failure(400, said, "invalid_json")) from None
    if _nested(found):
        raise nested
    return found


def fields(kind: type[Body], given: Any) -> Body:
    """The fields of an object.

    Raises:
        RefusedError: names the field that is wrong, and says what is allowed.
    """
    if not isinstance(given, dict):
        raise RefusedError(Failure(400, f"The body is {_kind(given)}; send a JSON object"))
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            known = ", ".join(kind.model_fields)
            said = f"There is no field {place[:80]!r}; the fields are {known}"
        elif first["type"] == "missing":
            said = f"The field {place!r} is missing; send it"
        else:
            said = f"{place} is {_kind(first['input'])}: {_sentence(first['msg'])}"
        raise RefusedError(Failure(400, said, None, place)) from None


def _sentence(text: str) -> str:
    return f"{text[:1].lower()}{text[1:]}"


def _kind(given: Any) -> str:
    names = {dict: "an object", list: "an array", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(given), "a number")


def _not_json(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number of JSON")


def _whole(digits: str) -> int | float:
    if len(digits) > 300:
        raise ValueError("a number has more than 300 digits")
    return int(digits)


def _why(error: ValueError) -> str:
    if isinstance(error, UnicodeEncodeError):
        return "half a character, a lone surrogate, stands in a text"
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    return str(error)


def _nested(found: Any) -> bool:
    """Whether arrays and objects stand in each other more than so many levels deep."""
    level = [found]
    for _ in range(_MOST_NESTED):
        level = [
            part
            for one in level
            if isinstance(one, dict | list)
            for part in (one.values() if isinstance(one, dict) else one)
            if isinstance(part, dict | list)
        ]
        if not level:
            return False
    return True
