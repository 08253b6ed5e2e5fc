"""Declared data and plain data: validation with our own sentences, canonical JSON, short hashes.

Leaves out what is declared (settings.py, exports/).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from router_core.errors import SettingsError

Declared = TypeVar("Declared", bound=BaseModel)

MODEL: Final = r"^[^/\s]+/\S+$"
ADDRESS: Final = r"^https?://\S+$"
VARIABLE: Final = r"^[A-Za-z_][A-Za-z0-9_]*$"

_MEANT: Final = {
    MODEL: "write provider/model, for example openai/gpt-4o-mini",
    ADDRESS: "write an address that begins with http:// or https://, for example http://127.0.0.1:11434/v1",
    VARIABLE: "write the name of an environment variable (letters, digits and _), never the key itself",
}


_EXAMPLES: Final = {"params": '{"temperature": 0}', "ArmSettings": '{"model": "openai/gpt-4o-mini"}'}


class Declaration(BaseModel):
    """Base of every declared part: no other names, no changes afterwards, Infinity as a text in JSON."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, ser_json_inf_nan="strings")


def validated(declaration: type[Declared], raw: Any, place: str = "") -> Declared:
    """Validate plain data against a declaration, with our own error; ``place`` is where the data stood.

    Raises:
        SettingsError: names the place, the value and what is allowed.
    """
    try:
        return declaration.model_validate(raw)
    except ValidationError as error:
        raise SettingsError(_sentence(error, place)) from None


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def short_hash(text: str) -> str:
    """The first 16 hex digits of SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _sentence(error: ValidationError, under: str) -> str:
    # A misspelt name comes first: it explains what else is missing.
    first = min(error.errors(include_url=False), key=lambda one: one["type"] != "extra_forbidden")
    place = ".".join([*([under] if under else ()), *map(str, first["loc"])]) or "settings"
    more = f" ({error.error_count() - 1} more)" if error.error_count() > 1 else ""
    if first["type"] == "extra_forbidden":
        return f"{place} is not a setting; check its spelling against docs/settings.md{more}"
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "string_pattern_mismatch":
        message = _MEANT.get(first["ctx"]["pattern"], message)
    if first["type"] in ("dict_type", "model_type"):
        example = _EXAMPLES.get(first.get("ctx", {}).get("class_name", first["loc"][-1] if first["loc"] else ""))
        message = "write names and values in braces" + (f", for example {example}" if example else "")
    if first["type"] == "too_short":
        message = f"needs at least {first['ctx']['min_length']}"
    value = first.get("input")
    hidden = "api_key_env" in first["loc"]  # a key pasted in the wrong place is not shown
    said = first["type"] == "value_error" and isinstance(value, str) and repr(value) in message
    shown = "" if hidden or said or isinstance(value, (Mapping, BaseModel)) else f" (got {str(value)[:80]!r})"
    return f"{place}: {message}{shown}{more}"
