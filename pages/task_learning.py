"""What the router by task has learned: for each task type what is expected of each model, and what it gets."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from pages.figure import right_aligned
from pages.formatting import badge, escaped
from pages.resources import Resources
from router_core.features import context
from router_core.registry import BY_TASK
from router_core.routing.candidates import USUAL
from router_core.settings import GoalSettings
from router_core.views.tasks import ModelOnTask, Task, tasks_now

_AT_ONCE = 8  # tasks that are shown without being asked for


def show_tasks(shared: Resources, goal: str, settings: GoalSettings, names: Mapping[str, str]) -> None:
    """The section, from its heading on."""
    st.header(
        BY_TASK.label,
        anchor=False,
        help="It learns which model is the best value for each task type that comes with the requests. A task with"
        " few ratings leans on the others; how much is learned from how far tasks differ.",
    )
    seen = context([{"role": "user", "content": USUAL}], goal)
    playground = shared.playground
    tasks = tasks_now(playground.store, goal, settings, seen, playground.candidates(seen))
    if not tasks:
        st.caption(
            "No rated answer has a task type yet. Choose one under Try, or send one with every request:"
            " router.completion(messages, task_type=...)."
        )
        return
    st.markdown(_summary(tasks, names))
    _table(tasks[:_AT_ONCE], names, "tasks-table")
    if len(tasks) > _AT_ONCE:
        with st.expander(f"{len(tasks) - _AT_ONCE} more task types", key="more-tasks"):
            _table(tasks[_AT_ONCE:], names, "more-tasks-table")
    st.caption(
        "Expected share of good answers with its 95 % interval, ratings on the task, and the share of its requests"
        " that the model gets now. Other tasks: as how many ratings of a model they count."
    )


def _summary(tasks: list[Task], names: Mapping[str, str]) -> str:
    """Which model gets most of which tasks."""
    parts = []
    for index, (arm, label) in enumerate(names.items()):
        led = [escaped(task.name) for task in tasks if task.leader.arm == arm]
        if led:
            more = f" and {len(led) - _AT_ONCE} more" if len(led) > _AT_ONCE else ""
            parts.append(f"{badge(label, index)} leads on {', '.join(led[:_AT_ONCE])}{more}")
    return "  \n".join(parts)


def _table(tasks: list[Task], names: Mapping[str, str], key: str) -> None:
    head = [column for label in names.values() for column in (label, f"{label} gets")]
    right_aligned(
        key,
        ["Task type", *head, "Other tasks"],
        [
            [
                escaped(task.name),
                *(cell for one in task.models for cell in (_expected(one), _share(one, task))),
                f"{task.others:.1f}",
            ]
            for task in tasks
        ],
    )


def _expected(one: ModelOnTask) -> str:
    plural = "s" * (one.rated != 1)
    return f"{one.expected:.0%} :small[:gray[({one.low:.0%} to {one.high:.0%}), {one.rated:,} rating{plural}]]"


def _share(one: ModelOnTask, task: Task) -> str:
    said = f"{one.probability:.0%}"
    return f"**{said}**" if one is task.leader else said
