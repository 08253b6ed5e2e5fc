"""What a request's body says, checked: JSON of a sane size and shape, or a sentence."""

from __future__ import annotations

import json
from typing import Any, Final, NoReturn, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import Request

from router_core.serving.gateway.refusals import Refusal

MOST_BYTES: Final = 32 * 1024 * 1024
"""Of a body; images are sent inside."""
_MOST_NESTED: Final = 100

Body = TypeVar("Body", bound="Fields")


class Fields(BaseModel):
    """The fields of a body; others are refused, so that a misspelt one is not ignored."""

    model_config = ConfigDict(extra="forbid", strict=True)


async def json_body(request: Request) -> Any:
    """The JSON of a body.

    Raises:
        Refusal: it is too large, no JSON, nested too deeply, or holds what JSON or UTF-8 does not allow.
    """
    pieces, size = [], 0
    async for piece in request.stream():
        size += len(piece)
        if size > MOST_BYTES:
            raise Refusal(413, f"The body is larger than {MOST_BYTES:,} bytes; send less.", "body_too_large")
        pieces.append(piece)
    try:
        found = json.loads(b"".join(pieces).decode("utf-8-sig"), parse_constant=_not_json, parse_int=_whole)
        json.dumps(found, ensure_ascii=False).encode()
    except RecursionError:
        found = None
        nested = True
    except ValueError as error:
        raise Refusal(
            400, f"The body cannot be read as JSON ({_why(error)}); send a JSON object.", "no_json"
        ) from None
    else:
        nested = _nested(found)
    if nested:
        raise Refusal(400, f"The body is nested deeper than {_MOST_NESTED} levels; send it flatter.", "no_json")
    return found


def fields(kind: type[Body], given: Any) -> Body:
    """The fields of an object.

    Raises:
        Refusal: names the field that is wrong, and says what is allowed.
    """
    if not isinstance(given, dict):
        raise Refusal(400, f"The body is {_kind(given)}; send a JSON object.", "invalid_request")
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            known = ", ".join(kind.model_fields)
            said = f"There is no field {place[:80]!r}; the fields are {known}."
        elif first["type"] == "missing":
            said = f"The field {place!r} is missing; send it."
        else:
            said = f"{place} is {_kind(first['input'])}: {_sentence(first['msg'])}"
        raise Refusal(400, said, "invalid_request", place) from None


def _sentence(text: str) -> str:
    return f"{text[:1].lower()}{text[1:]}.".replace("..", ".")


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
