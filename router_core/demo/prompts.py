"""The pool of prompts that simulated traffic is made of: everyday jobs for a language model, easy ones and hard.

See simulated_answers.py for everything about answers.
"""

from __future__ import annotations

from typing import Final

import numpy as np

_PLACES: Final = ("Leeds", "Turin", "Basel", "Porto", "Ghent", "Malmo", "Graz", "Lyon")
_GOODS: Final = ("headsets", "kettles", "rucksacks", "monitors", "saddles", "lanterns", "scales", "drills")
_MONTHS: Final = ("January", "March", "April", "June", "August", "October", "November", "December")

TEMPLATES: Final[tuple[tuple[str, str | None, int], ...]] = (
    (
        "Classify this email as spam or not spam: “Your {goods} from {place} are on their way, order {n}.”",
        "classification",
        5,
    ),
    (
        "Classify this email as spam or not spam: “You won {n} {goods}! Click within 24 hours to claim.”",
        "classification",
        4,
    ),
    (
        "Is this review positive or negative? What is the sentiment? “The {goods} came late but work. {n} of 10.”",
        "label",
        4,
    ),
    (
        "Extract the delivery date: “The {n} {goods} leave {place} on 3 {month} and arrive nine days later.”",
        "extraction",
        4,
    ),
    (
        "Yes or no: does the order of {n} {goods} to {place} qualify for free shipping above 50 pieces?",
        "yes_no",
        3,
    ),
    (
        "Summarise in two sentences: the {place} branch sold {n} {goods} in {month}; returns fell, overtime rose.",
        None,
        3,
    ),
    (
        "Write a friendly reply to a customer in {place} whose {goods} (order {n}) arrived damaged in {month}.",
        "writing",
        3,
    ),
    (
        "Compare leasing and buying {n} {goods} for the depot in {place}, and explain why you would choose one.",
        None,
        3,
    ),
    (
        "A depot in {place} packs {n} {goods} a day and loses 4 %. How many of them are left after 30 days?",
        "reasoning",
        2,
    ),
    (
        "Write a Python function that reads a CSV of {goods}, skips broken lines and returns the {n} dearest.",
        "code",
        2,
    ),
    (
        "Analyze why sales of {goods} in {place} fell by {n} units in {month} and evaluate three ways to respond.",
        None,
        2,
    ),
)
"""Text, task type, and how often it comes up, relative to the others."""

_VARIANTS: Final = 12  # texts per template and unit of frequency


def pool(rng: np.random.Generator) -> list[tuple[str, str | None]]:
    """A few hundred (prompt, task type), each as likely as the next."""
    made = []
    for text, task_type, often in TEMPLATES:
        for _ in range(often * _VARIANTS):
            place, goods, month = (str(rng.choice(names)) for names in (_PLACES, _GOODS, _MONTHS))
            said = text.format(place=place, goods=goods, month=month, n=int(rng.integers(2, 900)))
            made.append((said, task_type))
    return made
