"""Should I route at all? Labelled prompts, logged traffic and pairs of answers become one verdict.

Its parts are imported when first used. See pages/evidence.py for screens, charts/evidence.py for charts.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from router_core.evaluation.by_file.conclusion import verdict
    from router_core.evaluation.by_file.report import evaluate
    from router_core.evaluation.files.reading import read_labelled
    from router_core.evaluation.from_log.offpolicy import estimate
    from router_core.evaluation.labelled import Labelled
    from router_core.evaluation.paired import paired_test
    from router_core.evaluation.results import Objective

__all__ = ["Labelled", "Objective", "estimate", "evaluate", "paired_test", "read_labelled", "verdict"]

_HOMES = {
    "Labelled": "labelled",
    "Objective": "results",
    "estimate": "from_log.offpolicy",
    "evaluate": "by_file.report",
    "paired_test": "paired",
    "read_labelled": "files.reading",
    "verdict": "by_file.conclusion",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"router_core.evaluation.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'router_core.evaluation' has no attribute {name!r}")
