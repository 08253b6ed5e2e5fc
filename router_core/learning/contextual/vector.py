"""What the contextual policy sees of a prompt: a fixed vector of named numbers of order 1.

See policies/contextual.py for where the points of the rules, the classifier's verdict and the gain come from.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from math import log1p, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from router_core.learning.contextual.grams import Codes
from router_core.types import Context

Array = NDArray[np.float64]

VERSION: Final = 1
"""Changes with any change of meaning, order or scale: what was learned on other numbers is worth nothing."""

NAMES: Final = (
    "intercept",
    "log_length",
    "lines",
    "rule_points",
    "rule_short",
    "rule_extractive",
    "rule_brief",
    "rule_no_reasoning",
    "verdict_complex",
    "verdict_absent",
    "task_0",
    "task_1",
    "task_2",
    "task_3",
    "code",
    "digits",
    "questions",
    "other_script",
    "english",
    "gain",
)
SIZE: Final = len(NAMES)
GAIN: Final = NAMES.index("gain")
"""The one number that differs between arms: each is given its own gain."""

_TASKS: Final = 4
_FARTHEST: Final = 3.0
_CODE: Final = ("{", "}", ";", "`", "()", "==", "def ", "</")
_COMMON: Final = (" the ", " of ", " and ", " is ", " to ", " a ", " in ", " for ")  # a quarter of English words
_LATIN_ENDS: Final = 0x250


@dataclass(frozen=True, slots=True)
class Rules:
    """What the rules found: points, the threshold from which a prompt is simple, and which of the four hold."""

    points: int
    threshold: int
    met: tuple[bool, ...]


def vector(context: Context, of: Codes, rules: Rules, verdict_complex: bool | None) -> Array:
    """The numbers of a prompt, (SIZE,), with a gain of 0.

    Args:
        context: the prompt.
        of: grams.codes of its text.
        rules: what the rules say of it.
        verdict_complex: the classifier's verdict; None where it was not asked.
    """
    text, characters = context.text, max(1, context.characters)
    lines = text.count("\n")
    code = sum([text.count(sign) for sign in _CODE])
    other = 0.0 if text.isascii() else float(np.count_nonzero(of >= _LATIN_ENDS)) / max(1, len(of))
    common = sum([text.count(word) for word in _COMMON]) / max(1, context.words)
    digits = float(np.count_nonzero((of - np.uint32(48)) < 10)) / max(1, len(of))
    tasks = [0.0] * _TASKS
    if context.task_type:
        tasks[zlib.crc32(context.task_type.strip().lower().encode("utf-8", "replace")) % _TASKS] = 1.0
    short, extractive, brief, no_reasoning = (float(met) for met in rules.met)
    return np.array(
        [
            1.0,
            _within((log1p(context.characters) - 5.5) / 1.5),
            min(_FARTHEST, 0.5 * log1p(lines)),
            _within((rules.points - rules.threshold) / 2.0),
            short,
            extractive,
            brief,
            no_reasoning,
            0.0 if verdict_complex is None else 1.0 if verdict_complex else -1.0,
            1.0 if verdict_complex is None else 0.0,
            *tasks,
            min(1.0, 20.0 * code / characters),
            min(1.0, sqrt(4.0 * digits)),
            min(text.count("?"), 3) / 3.0,
            other,
            _within(4.0 * common - 1.0),
            0.0,
        ]
    )


def _within(value: float) -> float:
    return max(-_FARTHEST, min(_FARTHEST, value))


def for_arms(of_prompt: Array, gains: Sequence[float]) -> Array:
    """One row per arm (arms, SIZE): the prompt's numbers with each arm's own gain."""
    rows = np.empty((len(gains), SIZE))
    rows[:] = of_prompt
    rows[:, GAIN] = gains
    return rows


PRIOR_MEAN: Final = np.zeros(SIZE)
"""Before any outcome every share of good answers is about as likely as any other, whatever the prompt."""

PRIOR_DEVIATION: Final = np.array([1.5 if name == "intercept" else 0.5 for name in NAMES])
"""Weak: half a unit of log-odds per unit of a feature. Ten outcomes move the intercept further."""

GOAL_DEVIATION: Final = np.array([1.0 if name == "intercept" else 0.3 for name in NAMES])
"""How far a goal's coefficients are expected to lie from what all goals share."""


def in_words(name: str, value: float, context: Context) -> str:
    """A number of the vector as a person would say it, for example "long prompt (1,240 characters)"."""
    if name == "log_length":
        return f"{'long' if value > 0 else 'short'} prompt ({context.characters:,} characters)"
    if name == "rule_points":
        return "rule points: simple" if value >= 0 else "rule points: complex"
    if name == "verdict_complex":
        return f"classifier says {'COMPLEX' if value > 0 else 'SIMPLE'}"
    if name.startswith("task_"):
        return f"task type: {context.task_type}"
    if name == "english":
        return "plain English" if value > 0 else "few common English words"
    if name == "gain":
        return f"worded like prompts that gain {'much' if value > 0 else 'little'} from a stronger model"
    return _WORDS[name]


_WORDS: Final = {
    "intercept": "in general",
    "lines": "several lines",
    "rule_short": "rule: few words",
    "rule_extractive": "rule: extracts or labels",
    "rule_brief": "rule: asks for a brief answer",
    "rule_no_reasoning": "rule: no reasoning keyword",
    "verdict_absent": "classifier was not asked",
    "code": "looks like code",
    "digits": "digits",
    "questions": "asks questions",
    "other_script": "another script than Latin",
}
