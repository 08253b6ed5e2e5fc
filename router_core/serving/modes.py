"""Whether a goal's models are live or simulated, and why. It depends on that goal's own models alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from router_core.models.keys import KeyState, key_states
from router_core.settings import Settings
from router_core.settings.system import simulation_asked

Why = Literal["asked", "chosen", "no key", "keys"]


@dataclass(frozen=True, slots=True)
class Mode:
    """How a goal's models are asked.

    Attributes:
        simulated: whether simulated models answer.
        why: ``asked``: ROUTER_SIMULATED says so; ``chosen``: a person did; ``no key``: one of the goal's models
            has none; ``keys``: all that it needs is there, or it has live traffic already.
        keys: where the keys of the goal's providers come from.
        classifier: the same of the classifier's provider. It decides nothing here: without a key the classifier
            falls back to the rules.
    """

    simulated: bool
    why: Why
    keys: tuple[KeyState, ...]
    classifier: KeyState | None

    @property
    def missing(self) -> tuple[KeyState, ...]:
        """The providers of the goal's models whose keys are missing."""
        return tuple(one for one in self.keys if one.is_missing)


def goal_mode(
    settings: Settings,
    goal: str,
    environ: Mapping[str, str],
    pasted: Mapping[str, str],
    *,
    chosen: Literal["live", "simulated"] | None = None,
    has_lived: Callable[[], bool] = lambda: False,
) -> Mode:
    """How a goal's models are asked: as ROUTER_SIMULATED says, else as was chosen, else live where every one of
    its models can be asked. A goal that has live traffic stays live: a key that is gone is said, not hidden by
    answers that are made up.

    Args:
        settings: those in force.
        goal: its name.
        environ: the process's environment.
        pasted: provider -> key, pasted in this visit.
        chosen: what a person chose, if anything.
        has_lived: whether the goal has live traffic; asked only where that decides.

    Raises:
        SettingsError: there is no such goal.
    """  # fmt: skip
    keys = tuple(key_states(settings, (arm.model for arm in settings.goal(goal).arms), environ, pasted))
    asked = key_states(settings, [settings.classifier.model], environ, pasted)
    classifier = asked[0] if asked else None
    if simulation_asked(environ):
        return Mode(True, "asked", keys, classifier)
    if chosen is not None:
        return Mode(chosen == "simulated", "chosen", keys, classifier)
    if any(one.is_missing for one in keys) and not has_lived():
        return Mode(True, "no key", keys, classifier)
    return Mode(False, "keys", keys, classifier)
