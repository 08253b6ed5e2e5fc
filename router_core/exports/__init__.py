"""Settings, what was learned and prices: out of one process and into another, in several formats.

Pure: texts and values in and out. Does not cover files, stores and screens. Names are imported when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from router_core.exports.diff import Change, changes
    from router_core.exports.document import (
        Export,
        dump,
        dump_evidence,
        load,
        load_any,
        load_evidence,
        resolved_prices,
    )
    from router_core.exports.learned import Learned, Provenance, only_known
    from router_core.exports.litellm import litellm_config, litellm_data
    from router_core.exports.parsing import ImportFileError
    from router_core.exports.snippet import python_snippet
    from router_core.exports.yaml import dump_yaml

__all__ = [
    "Change",
    "Export",
    "ImportFileError",
    "Learned",
    "Provenance",
    "changes",
    "dump",
    "dump_evidence",
    "dump_yaml",
    "litellm_config",
    "litellm_data",
    "load",
    "load_any",
    "load_evidence",
    "only_known",
    "python_snippet",
    "resolved_prices",
]

_HOMES = {
    "Change": "diff",
    "Export": "document",
    "ImportFileError": "parsing",
    "Learned": "learned",
    "Provenance": "learned",
    "changes": "diff",
    "dump": "document",
    "dump_evidence": "document",
    "dump_yaml": "yaml",
    "litellm_config": "litellm",
    "litellm_data": "litellm",
    "load": "document",
    "load_any": "document",
    "load_evidence": "document",
    "only_known": "learned",
    "python_snippet": "snippet",
    "resolved_prices": "document",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"router_core.exports.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'router_core.exports' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
