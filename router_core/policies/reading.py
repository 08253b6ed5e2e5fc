"""The verdict in a classifier's answer.

How a label is found, whatever the model says around it, stands in router_core/reading.py. Where no verdict is
certain there is none: the rules decide then (classifier.py).
"""

from __future__ import annotations

from typing import Final

from router_core.reading import Labels

_LABELS: Final = Labels("complexity", ("SIMPLE", "COMPLEX"), "the classifier")


def parse(text: str) -> tuple[bool, str]:
    """(simple?, reason) from a classifier's answer.

    Raises:
        ValueError: nothing was said, or no label that is SIMPLE or COMPLEX; the sentence quotes the answer.
    """
    label, reason = _LABELS.parse(text)
    return label == "SIMPLE", reason
