"""What a verdict would put in force: goal, router and worth, kept for the visit until it is agreed to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

import streamlit as st

from router_core.evaluation.by_file.headline import headline
from router_core.evaluation.by_file.kept import Judgement
from router_core.registry import BY_TASK, CLASSIFIER, RULES, PolicyName
from router_core.settings import GoalSettings, Settings
from router_core.validation import validated

_PROPOSAL, _SHIPPED = "proposal", "shipped"
_SERVING: dict[str, PolicyName] = {
    RULES.name: RULES.name,
    CLASSIFIER.name: CLASSIFIER.name,
    BY_TASK.name: BY_TASK.name,
}
"""Rows of a report that are routers as they serve; a ranking or a yardstick is none."""


@dataclass(frozen=True)
class Proposal:
    """Settings of one goal that follow from a verdict.

    Args:
        goal: whose.
        settings: the whole, changed.
        said: the verdict in a few words.
        changes: the version of the settings that it would change.
    """

    goal: str
    settings: Settings
    said: str
    changes: str

    def is_for(self, now: Settings) -> bool:
        """Whether these are the settings that it would change."""
        return now.version == self.changes

    @classmethod
    def of(cls, settings: Settings, goal: str, found: Judgement, worth_usd: float) -> Proposal | None:
        """What the verdict would put in force; None where it names nothing that can serve this goal."""
        said, now = found.verdict, settings.goal(goal)
        wanted: dict[str, object] = {"success_value_usd": worth_usd}
        if said.kind == "use":
            arm = _arm(now, said.choice or "")
            if arm is None:
                return None
            wanted |= {"router": RULES.name, "simple_arm": arm, "complex_arm": arm}
        elif said.kind == "route" and said.choice in _SERVING:
            wanted |= {"router": _SERVING[said.choice]}
        else:
            return None
        goals = {**settings.goals, goal: now.model_copy(update=wanted)}
        after = validated(Settings, settings.model_copy(update={"goals": goals}).model_dump(mode="json"))
        return cls(goal, after, headline(said, found.report).answer, settings.version)


def _arm(goal: GoalSettings, model: str) -> str | None:
    """The arm of that name, with or without its provider; a date at the end of the file's name does not matter."""
    ids = [arm.id for arm in goal.arms]
    for fits in (
        lambda id_: id_ == model,
        lambda id_: id_.rsplit("/", 1)[-1] == model.rsplit("/", 1)[-1],
    ):
        found = [id_ for id_ in ids if fits(id_)]
        if len(found) == 1:
            return found[0]
    return None


def propose(proposal: Proposal) -> NoReturn:
    """Take it to the page that shows what would change, and asks."""
    st.session_state[_PROPOSAL] = proposal
    st.switch_page("ship.py")


def proposed() -> Proposal | None:
    """What waits to be agreed to in this visit."""
    found: Proposal | None = st.session_state.get(_PROPOSAL)
    return found


def dismiss() -> None:
    """Nothing waits any longer."""
    st.session_state.pop(_PROPOSAL, None)


@dataclass(frozen=True)
class Shipped:
    """What was put in force in this visit: the verdict, the settings before it, and the version since."""

    said: str
    before: Settings
    version: str


def took_over(what: Shipped | None) -> None:
    """It is in force, and can be taken back; None: it was taken back."""
    st.session_state[_SHIPPED] = what
    dismiss()


def shipped() -> Shipped | None:
    """What was put in force in this visit."""
    found: Shipped | None = st.session_state.get(_SHIPPED)
    return found
