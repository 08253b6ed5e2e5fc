"""The policies: one entry for each, and the only place that spells their names.

Whatever lists, labels, filters or charts policies reads this table. The policies themselves are in policies/. A
new policy is one file there, with its builder in ``policies.BUILDERS``, and one entry here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

PolicyName = Literal["heuristic", "classifier", "thompson", "contextual", "by-task"]
"""The names of ``POLICIES``, for type checkers; a test holds the two together."""


@dataclass(frozen=True, slots=True)
class PolicyEntry:
    """What is known of a policy without building it.

    Args:
        name: as it is stored, exported and passed to ``Router(policy=...)``.
        label: on screen.
        short_label: where there is little room.
        dash: the line style in charts, in pixels drawn and left out. Colours belong to models.
        description: what it does, as one plain clause that follows the label.
        set_up: what a person does to set it up.
        adapts: when its decisions change.
        learns: whether outcomes change its decisions.
        needs_texts: whether it reads the text of a prompt.
        asks: when it calls the classifier's model; "" is never.
        draws: whether it draws between models without being told to explore.
    """

    name: PolicyName
    label: str
    short_label: str
    dash: tuple[int, int] | tuple[int, int, int, int]
    description: str
    set_up: str
    adapts: str
    learns: bool
    needs_texts: bool
    asks: Literal["", "per new prompt", "where asked"]
    draws: bool

    @property
    def asks_classifier(self) -> bool:
        """Whether it may call the classifier's model."""
        return bool(self.asks)


RULES: Final = PolicyEntry(
    name="heuristic",
    label="Rules",
    short_label="Rules",
    dash=(1, 0),
    description="add up points for what can be seen in the prompt",
    set_up="edit points and keywords",
    adapts="when somebody edits them",
    learns=False,
    needs_texts=True,
    asks="",
    draws=False,
)
CLASSIFIER: Final = PolicyEntry(
    name="classifier",
    label="Classifier",
    short_label="Classifier",
    dash=(7, 3),
    description="asks a cheap model whether the prompt is simple or complex",
    set_up="write a prompt, pick a model",
    adapts="never",
    learns=False,
    needs_texts=True,
    asks="per new prompt",
    draws=False,
)
THOMPSON: Final = PolicyEntry(
    name="thompson",
    label="Thompson sampling",
    short_label="Thompson",
    dash=(2, 2),
    description="learns from ratings which model is the better value",
    set_up="say what a good answer is worth",
    adapts="with every rating",
    learns=True,
    needs_texts=False,
    asks="",
    draws=True,
)
CONTEXTUAL: Final = PolicyEntry(
    name="contextual",
    label="Contextual Thompson",
    short_label="Contextual",
    dash=(8, 2, 2, 2),
    description="learns the same, but for prompts like yours, by what can be seen in them",
    set_up="say what a good answer is worth",
    adapts="with every rating",
    learns=True,
    needs_texts=True,
    asks="where asked",
    draws=True,
)

BY_TASK: Final = PolicyEntry(
    name="by-task",
    label="By task",
    short_label="By task",
    dash=(3, 3),
    description="learns from ratings which model is the better value for each task type",
    set_up="send a task type with every request",
    adapts="with every rating",
    learns=True,
    needs_texts=False,
    asks="",
    draws=True,
)

POLICIES: Final[Mapping[str, PolicyEntry]] = {
    entry.name: entry for entry in (RULES, CLASSIFIER, THOMPSON, CONTEXTUAL, BY_TASK)
}
"""Name -> entry, in the order in which pages show them."""

LABELS: Final[Mapping[str, str]] = {entry.name: entry.label for entry in POLICIES.values()}
"""Name -> label."""
