"""Older versions of router.json, brought to the present one step by step.

Does not cover the present version (document.py) and the settings' own schema version.

Version 0 held ``settings`` and ``posteriors`` (goal -> arm -> alpha and beta of the Beta distribution, prior
included), and neither prices nor lengths of answers nor a checksum.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from router_core.errors import SettingsError
from router_core.exports.parsing import ImportFileError
from router_core.settings import GoalSettings, Settings
from router_core.types import MICRO
from router_core.validation import shown, validated

_WHOLE = 1e-6
"""How far a count may be from a whole number before it is an error and not rounding, relative to its size."""


def migrated(document: dict[str, Any], version: int, present: int) -> dict[str, Any]:
    """The document, of a version from 0, as the present version would have it.

    Raises:
        ImportFileError: its values make no sense.
    """
    for known in range(version, present):
        document = MIGRATIONS[known](document)
    return document


def _from_0(old: dict[str, Any]) -> dict[str, Any]:
    allowed = {"format", "format_version", "created_at", "settings", "posteriors"}
    for name in sorted(set(old) - allowed):
        raise ImportFileError(f"{name} is not part of format version 0; it has {sorted(allowed)}")
    for name in sorted(allowed - set(old)):
        raise ImportFileError(f"{name} is missing from the file, which says that it is of format version 0")
    try:
        settings = validated(Settings, old["settings"])
    except SettingsError as error:
        raise ImportFileError(f"the settings in the file cannot be used: {error}") from None
    evidence: dict[str, dict[str, dict[str, int]]] = {}
    for goal, arms in _mapping(old["posteriors"], "posteriors").items():
        if goal not in settings.goals:
            raise ImportFileError(f"posteriors.{goal}: no goal of that name; known: {sorted(settings.goals)}")
        evidence[goal] = {
            arm: _evidence(posterior, settings.goals[goal], f"posteriors.{goal}.{arm}")
            for arm, posterior in _mapping(arms, f"posteriors.{goal}").items()
        }
    return {
        "format": old["format"],
        "format_version": 1,
        "created_at": old["created_at"],
        "settings": old["settings"],
        "evidence": evidence,
        "output_tokens": {},
        "prices": {},
        "provenance": {
            "router_core": "unknown",
            "python": "unknown",
            "store": None,
            "outcomes": sum(counts["count"] for arms in evidence.values() for counts in arms.values()),
            "note": "migrated from format version 0",
        },
    }


def _evidence(posterior: Any, goal: GoalSettings, place: str) -> dict[str, int]:
    """Beta(alpha, beta) less its prior: good = alpha - prior_alpha, count = good + beta - prior_beta."""
    shape = _mapping(posterior, place)
    if set(shape) != {"alpha", "beta"}:
        raise ImportFileError(f"{place} has {sorted(shape)}; it must have alpha and beta")
    good = _number(shape["alpha"], f"{place}.alpha") - goal.prior_alpha
    count = good + _number(shape["beta"], f"{place}.beta") - goal.prior_beta
    whole = round(count)
    if abs(count - whole) > _WHOLE * max(1.0, abs(count)):
        raise ImportFileError(
            f"{place}: alpha and beta less the prior ({goal.prior_alpha:g}, {goal.prior_beta:g}) make {count:g}"
            " outcomes; that must be a whole number"
        )
    reward_micro = round(good * MICRO)
    if not 0 <= reward_micro <= whole * MICRO:
        raise ImportFileError(
            f"{place}: alpha and beta must not be below the prior ({goal.prior_alpha:g}, {goal.prior_beta:g});"
            f" got {shape['alpha']} and {shape['beta']}"
        )
    return {"count": whole, "reward_micro": reward_micro}


def _mapping(value: Any, place: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ImportFileError(f"{place} must map names to values; got {shown(value)}")
    return value


def _number(value: Any, place: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1e15:
        raise ImportFileError(f"{place} must be a number above 0 and at most 1e15; got {shown(value)}")
    return float(value)


MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {0: _from_0}
"""Version -> what makes the next version of it."""
