"""Run a program as if no extra were installed: ``python -m tests.without_extras (-m module | file) arguments``."""

from __future__ import annotations

import runpy
import sys
from importlib.abc import MetaPathFinder
from typing import Any

from router_core.shell.extras import EXTRAS


class Missing(MetaPathFinder):
    """Finds every package of the extras missing; the import system asks it first."""

    names = frozenset(name for names in EXTRAS.values() for name in names)

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> None:
        """Refuse what an extra brings, and leave everything else to the next finder."""
        if fullname.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)


def main() -> None:
    """Run what the arguments name, with the rest of them as its own."""
    found = Missing.names & set(sys.modules)
    if found:
        raise SystemExit(f"imported already: {', '.join(sorted(found))}")
    sys.meta_path.insert(0, Missing())
    del sys.argv[0]
    if sys.argv[0] == "-m":
        del sys.argv[0]
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
