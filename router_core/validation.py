"""Declared data and plain data: validation with our own sentences, canonical JSON, short hashes.

See settings.py and exports/ for what is declared.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from router_core.errors import SettingsError

Declared = TypeVar("Declared", bound=BaseModel)

MODEL: Final = r"^[^/\s]+/\S+$"
ADDRESS: Final = r"^https?://\S+$"
VARIABLE: Final = r"^[A-Za-z_][A-Za-z0-9_]*$"

_LONGEST: Final = 500  # characters of what is said of a value
KEY_SHAPE: Final = re.compile(
    r"\b(?:sk|pk|rk|gsk|xai|hf)[-_](?=[A-Za-z_-]*\d)[A-Za-z0-9_-]{16,}"  # the prefixes that providers give keys
    r"|\bAIza[0-9A-Za-z_-]{30,}"
    r"|\b(?:Bearer|Basic)\s+[A-Za-z0-9._~+/-]{12,}"
    r"|://[^/\s@]+:[^/\s@]+@"  # a user and a password in an address
)
"""What looks like an API key or a password, whatever the name beside it."""

_MEANT: Final = {
    MODEL: "write provider/model, for example openai/gpt-4o-mini",
    ADDRESS: "write an address that begins with http:// or https://, for example http://127.0.0.1:11434/v1",
    VARIABLE: "write the name of an environment variable (letters, digits and _), never the key itself",
}


_EXAMPLES: Final = {"params": '{"temperature": 0}', "ArmSettings": '{"model": "openai/gpt-4o-mini"}'}


class Declaration(BaseModel):
    """Base of every declared part: no other names, no changes afterwards, Infinity as a text in JSON."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        validate_default=True,
        ser_json_inf_nan="strings",
        hide_input_in_errors=True,  # it may be a key
    )


def validated(declaration: type[Declared], raw: Any, place: str = "") -> Declared:
    """Validate plain data against a declaration, with our own error; ``place`` is where the data stood.

    Raises:
        SettingsError: names the place, the value and what is allowed.
    """
    try:
        return declaration.model_validate(raw)
    except ValidationError as error:
        raise SettingsError(printable(_sentence(error, place))) from None
    except RecursionError:
        raise SettingsError(f"{place or 'settings'}: nested too deeply; write flat values") from None


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def printable(text: str) -> str:
    """The text with halves of characters written out (\\ud800): no screen, file or log can hold them."""
    return text.encode("utf-8", "backslashreplace").decode()


def shown(value: Any) -> str:
    """A value in a sentence: cut, and a whole number of thousands of digits by its size."""
    try:
        return printable(repr(str(value)[:80]))
    except RecursionError:
        return "a value nested deeply"
    except Exception:  # noqa: BLE001 - more digits than Python writes down, or an object that cannot be written
        return (
            f"a whole number of {value.bit_length():,} bits"
            if isinstance(value, int)
            else f"a {type(value).__name__}"
        )


def short_hash(text: str) -> str:
    """The first 16 hex digits of SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _sentence(error: ValidationError, under: str) -> str:
    # A misspelt name comes first: it explains what else is missing.
    first = min(error.errors(include_url=False), key=lambda one: one["type"] != "extra_forbidden")
    place = ".".join([*([under] if under else ()), *(str(part)[:80] for part in first["loc"])]) or "settings"
    more = f" ({error.error_count() - 1} more)" if error.error_count() > 1 else ""
    if first["type"] == "extra_forbidden":
        return f"{place} is not a setting; check its spelling against docs/settings.md{more}"
    message = first["msg"].removeprefix("Value error, ")
    if len(message) > _LONGEST:  # it quotes what was given
        message = f"{message[:_LONGEST]}…"
    if first["type"] == "string_pattern_mismatch":
        message = _MEANT.get(first["ctx"]["pattern"], message)
    if first["type"] in ("dict_type", "model_type"):
        example = _EXAMPLES.get(first.get("ctx", {}).get("class_name", first["loc"][-1] if first["loc"] else ""))
        message = "write names and values in braces" + (f", for example {example}" if example else "")
    if first["type"] == "too_short":
        message = f"needs at least {first['ctx']['min_length']}"
    value = first.get("input")
    text = (
        value if isinstance(value, str) else "" if isinstance(value, int) else shown(value)
    )  # no key is a number
    opens = "base_url" in first["loc"] and set(text) & set("@?#\\")  # a user or parameters, which may be keys
    hidden = "api_key_env" in first["loc"] or opens or KEY_SHAPE.search(text)  # a key pasted in a wrong place
    said = first["type"] == "value_error" and isinstance(value, str) and repr(value) in message
    got = "" if hidden or said or isinstance(value, (Mapping, BaseModel)) else f" (got {shown(value)})"
    return f"{place}: {message}{got}{more}"
