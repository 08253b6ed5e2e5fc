"""What callers bring from the openai client, as plain data: its sentinels, time-outs and classes of answers.

Whether the result can be sent is checked in arguments.py.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from router_core.arguments import LONGEST_TIMEOUT_S, require_params
from router_core.errors import ArgumentError
from router_core.validation import shown

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletion

_NOT_GIVEN: Final = ("NotGiven", "Omit")  # the client's words for an argument that was left out
_PARTS: Final = ("connect", "read", "write", "pool")
_OURS: Final = {
    "model": "the router chooses the model: leave it out, or name the models in paths",
    "messages": "the messages are the first argument: leave it out",
    "stream": "say stream=True to completion itself",
}
"""What nobody may set behind the router's back, and what to do instead."""


def plain_params(params: Any) -> dict[str, Any]:
    """The parameters of a call as plain data that can be sent.

    Arguments that the client calls not given are left out. A ``response_format`` that is a class (a Pydantic model
    or a dataclass) becomes its JSON schema.

    Raises:
        ArgumentError: names the first that cannot be sent, or that the router itself sets.
    """
    given: Any = params
    if isinstance(params, Mapping):
        given = {name: value for name, value in params.items() if not _left_out(value)}
        wanted = given.get("response_format")
        if isinstance(wanted, type):
            given["response_format"] = _schema(wanted)
        if given.get("model", "") is None:
            del given["model"]
    require_params(given)
    body = given.get("extra_body") or {}
    for name, instead in _OURS.items():
        for place, of in (("", given), ("extra_body.", body)):
            if name in of:
                raise ArgumentError(f"{place}{name} is {shown(of[name])}, but {instead}")
    return dict(given)


def seconds(timeout: Any) -> Any:
    """A time-out in seconds; None: the setting's.

    Of an httpx.Timeout its longest part counts, for it limits the steps of a call, and ours the whole call. What
    is neither stays as it is: ``arguments.require_timeout`` refuses it.
    """
    if _left_out(timeout):
        return None
    if not all(hasattr(timeout, name) for name in _PARTS):
        return timeout
    parts = [getattr(timeout, name) for name in _PARTS]
    return float(LONGEST_TIMEOUT_S if None in parts else max(parts))


def with_parsed(response: ChatCompletion, wanted: type) -> ChatCompletion:
    """The answer with ``message.parsed``: its text as an object of the class; None where it is not one."""
    from pydantic import TypeAdapter, ValidationError

    adapter: TypeAdapter[Any] = TypeAdapter(wanted)
    for choice in response.choices:
        text = choice.message.content
        try:
            parsed = adapter.validate_json(text) if isinstance(text, str) else None
        except ValidationError:
            parsed = None
        choice.message.parsed = parsed  # type: ignore[attr-defined]
    return response


class Elsewhere:
    """Stands where the openai client has a method that a router has not; says what to do when it is used.

    Args:
        name: what was looked for.
        instead: what to do.
    """

    def __init__(self, name: str, instead: str) -> None:
        self._said = f"a router has no {name}; {instead}"

    def __call__(self, *args: object, **kwargs: object) -> Any:  # noqa: D102 - it only says what to do
        raise ArgumentError(self._said)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise ArgumentError(self._said)


_ASK: Final = "call completion(messages, ...)"
INSTEAD: Final = {
    "with_raw_response": "completion gives the client's own response, and with return_request_id=True its id",
    "with_streaming_response": "call completion(messages, stream=True)",
    "parse": "give completion a class as response_format; message.parsed holds the object",
    "create": _ASK,
}
"""Names of the client's completions -> what to do here."""

CLIENT: Final = {"chat": _ASK, "completions": _ASK, "beta": _ASK, "responses": _ASK, **INSTEAD}
"""The same of the client itself."""


def _left_out(value: object) -> bool:
    return type(value).__name__ in _NOT_GIVEN


def _schema(wanted: type) -> dict[str, Any]:
    from pydantic import BaseModel
    from pydantic.errors import PydanticUserError

    if not (issubclass(wanted, BaseModel) or dataclasses.is_dataclass(wanted)):
        raise ArgumentError(
            f"response_format is the class {wanted.__name__}; give a Pydantic model, a dataclass, or a mapping"
            " such as {'type': 'json_object'}"
        )
    from openai.lib import type_to_response_format_param
    from pydantic.dataclasses import dataclass

    try:
        made: Any = type_to_response_format_param(wanted if issubclass(wanted, BaseModel) else dataclass(wanted))
    except (PydanticUserError, TypeError, ValueError) as error:
        why = " ".join(str(error).split())[:200]
        raise ArgumentError(
            f"response_format is the class {wanted.__name__}, which has no JSON schema ({why}); give a simpler one"
        ) from None
    return dict(made)
