"""The models that a program names in code, in place of those of a goal's settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from router_core.errors import SettingsError
from router_core.settings import ArmSettings, GoalSettings, Settings
from router_core.validation import shown, validated


def with_paths(settings: Settings, goal_id: str, paths: Sequence[Mapping[str, Any]] | None) -> Settings:
    """The settings with the goal's models replaced by ``paths``; a goal that is new gets the defaults.

    Raises:
        SettingsError: a path is not valid, or names a provider that the settings do not know.
    """
    if paths is None:
        settings.goal(goal_id)
        return settings
    if isinstance(paths, Mapping | str | bytes) or not isinstance(paths, Iterable):
        raise SettingsError(f"paths is {shown(paths)}; give a list such as [{{'model': 'openai/gpt-4o-mini'}}]")
    given = [dict(path) if isinstance(path, Mapping) else path for path in paths]
    arms = [validated(ArmSettings, path, f"paths.{index}").model_dump() for index, path in enumerate(given)]
    goal = settings.goals.get(goal_id) or GoalSettings()
    changed = {**goal.model_dump(exclude={"simple_arm", "complex_arm"}), "arms": arms}
    document = settings.model_dump()
    document["goals"] = {**document["goals"], goal_id: changed}
    return validated(Settings, document)
