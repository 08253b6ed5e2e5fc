"""The ways of choosing that can be judged on a file of scored answers: policies, and what they are compared with.

Light to import: the command and the pages list these names before anything is judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from router_core.registry import CLASSIFIER, POLICIES, RULES

RANDOM: Final = "random"
LENGTH: Final = "length"
POINTS: Final = "points"
LEARNED: Final = "learned"
ORACLE: Final = "oracle"

LEARNERS: Final[Mapping[str, str]] = {entry.name: entry.label for entry in POLICIES.values() if entry.learns}
"""The policies that learn as they go, name -> label. On a file their lives are simulated."""

WAYS: Final[Mapping[str, str]] = {
    RANDOM: "Random mix",
    LENGTH: "Prompt length",
    RULES.name: RULES.label,
    POINTS: "Rules, points as a ranking",
    LEARNED: "Learned from these prompts",
    CLASSIFIER.name: f"{CLASSIFIER.label}, recorded",
    **{name: f"{label} (a simulation)" for name, label in LEARNERS.items()},
    ORACLE: "Oracle (the ceiling)",
}
"""Name -> label. The fixed models are always judged."""

TEXTLESS: Final = frozenset({RANDOM, LENGTH, LEARNED, ORACLE, *LEARNERS})
"""Those for which no prompt has to be looked at as a policy sees it."""
