"""What an import does (nothing), and which module may import which."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import pytest

import router_core
from router_core import errors, settings, store, types
from router_core.serving import aio, library

ROOT = Path(__file__).parents[2]
PATHS = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted((ROOT / "router_core").rglob("*.py"))
}
HEAVY = ("openai", "streamlit", "duckdb", "pandas", "altair", "genai_prices")
INSIDE_STORE = [name for name in PATHS if name.startswith("router_core.store.")]

# Run in a fresh interpreter, in an empty folder: import what is named, and tell what came of it.
PROBE = """
import importlib, json, os, sys, threading
names, heavy = json.loads(sys.argv[1])
opened, done = [], []
def watch(event, args):
    if event == "open" and isinstance(args[0], str):
        mode, flags = args[1] or "", args[2] or 0
        written = bool(set(mode) & set("wax+")) or bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
        opened.append((args[0], written))
    elif event.startswith(("socket.", "subprocess.", "os.system", "os.mkdir", "sqlite3.")):
        done.append(event)
sys.addaudithook(watch)
for name in names:
    importlib.import_module(name)
result = {
    "heavy": [name for name in heavy if name in sys.modules],
    "ours": sorted(name for name in sys.modules if name.split(".")[0] == "router_core"),
    "read": [path for path, written in opened if not path.endswith((".py", ".pyc", ".so"))],
    "written": [path for path, written in opened if written],
    "done": done,
    "threads": threading.active_count(),
    "here": os.listdir("."),
}
print(json.dumps(result))
"""


def imported_fresh(folder: Path, *names: str) -> dict[str, Any]:
    """What importing these modules did, in an interpreter of their own."""
    run = subprocess.run(
        [sys.executable, "-B", "-c", PROBE, json.dumps([names, HEAVY])],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stderr == ""
    told: dict[str, Any] = json.loads(run.stdout)
    return told


def test_importing_the_package_does_nothing(tmp_path: Path) -> None:
    """No other module of ours, no heavy package, no file but code, no connection, no thread."""
    assert imported_fresh(tmp_path, "router_core") == {
        "heavy": [],
        "ours": ["router_core"],
        "read": [],
        "written": [],
        "done": [],
        "threads": 1,
        "here": [],
    }


def test_importing_the_router_opens_nothing(tmp_path: Path) -> None:
    """Its packages are imported when first used; nothing is written and nobody is called."""
    told = imported_fresh(tmp_path, "router_core.serving.library")
    assert {"router_core.serving.library", "router_core.models.calls", "router_core.store"} <= set(told["ours"])
    assert (told["heavy"], told["written"], told["done"]) == ([], [], [])
    assert (told["threads"], told["here"]) == (1, [])


def test_importing_everything_opens_nothing(tmp_path: Path) -> None:
    """No module outside the store's folder needs one of the heavy packages to be imported."""
    outside = [name for name in PATHS if name not in INSIDE_STORE]
    told = imported_fresh(tmp_path, *outside)
    assert set(outside) <= set(told["ours"])
    assert (told["heavy"], told["written"], told["done"]) == ([], [], [])
    assert (told["threads"], told["here"]) == (1, [])


def test_the_store_brings_duckdb_alone(tmp_path: Path) -> None:
    """Nothing of the page, of charts or of the provider's client comes with it, and no file is made."""
    told = imported_fresh(tmp_path, *INSIDE_STORE)
    assert (told["heavy"], told["written"], told["here"]) == (["duckdb"], [], [])


def imports(name: str) -> Iterator[tuple[str, bool]]:
    """(module, whether imported when the module itself is) for each import statement, resolved to our modules."""
    tree = ast.parse(PATHS[name].read_text())
    late = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        or (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node not in late
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} imports relatively"
            assert node.module is not None
            for alias in node.names:
                part = f"{node.module}.{alias.name}"
                yield (part if part in PATHS else node.module), node not in late


def targets(name: str) -> set[str]:
    """All that a module imports, at once or later."""
    return {target for target, _ in imports(name)}


def ours(name: str) -> set[str]:
    """What a module imports of ours, at once or later."""
    return {target for target in targets(name) if target.split(".")[0] == "router_core"}


def test_the_statements_are_found() -> None:
    """The reading of imports itself: at once and later, of modules and of names."""
    assert ("router_core.errors", True) in set(imports("router_core.settings.declaration"))
    assert ("simpleeval", False) in set(imports("router_core.outcomes.conditions"))
    assert ("altair", False) in set(imports("router_core.charts.common"))
    assert ("router_core.store.duckdb.rows", True) in set(imports("router_core.store.duckdb.keeping"))
    assert len(PATHS) > 30


@pytest.mark.parametrize("name", PATHS)
def test_the_core_knows_no_page(name: str) -> None:
    """No module imports streamlit, the pages, the app or the tests, not even late."""
    assert not {target.split(".")[0] for target in targets(name)} & {"streamlit", "pages", "app", "tests"}


# A folder may import what stands above it, never what stands beside or below it. "" is router_core itself.
LEVELS = (
    {""},
    {"learning", "outcomes", "store"},
    {"settings"},
    {"money", "policies"},
    {"models"},
    {"routing"},
    {"views", "exports", "evaluation", "demo"},
    {"charts", "collecting"},
    {"reports"},
    {"serving"},
    {"shell"},
)
LEVEL = {folder: level for level, folders in enumerate(LEVELS) for folder in folders}
DOORS = ("__init__", "__main__")  # they lead to what is inside, when it is asked for


def folder(name: str) -> str:
    """The folder of a module below router_core, as in "store/duckdb"; "" for router_core itself."""
    return PATHS[name].parent.relative_to(ROOT / "router_core").as_posix().removeprefix(".")


def between_folders() -> Iterator[tuple[str, str]]:
    """(module, module that it imports) wherever they stand in different folders, at once or later."""
    for name, path in PATHS.items():
        if path.stem not in DOORS:
            yield from ((name, target) for target in ours(name) & set(PATHS) if folder(name) != folder(target))


def test_every_folder_has_its_level() -> None:
    """A new folder is placed before anything may import it."""
    assert {folder(name).split("/")[0] for name in PATHS} <= set(LEVEL)


def test_folders_import_in_one_direction() -> None:
    """Lazy imports count, too."""
    wrong = [
        (name, target)
        for name, target in between_folders()
        for importer, imported in [(folder(name).split("/")[0], folder(target).split("/")[0])]
        if importer != imported and LEVEL[imported] >= LEVEL[importer]
    ]
    assert wrong == []


def test_no_folder_imports_in_a_circle() -> None:
    """Not even a folder and one inside it."""
    graph: dict[str, set[str]] = {}
    for name, target in between_folders():
        graph.setdefault(folder(name), set()).add(folder(target))
    assert len(list(TopologicalSorter(graph).static_order())) > len(LEVELS)


def test_every_package_says_what_lives_there() -> None:
    """In two sentences or more at the top of its __init__."""
    for path in (ROOT / "router_core").rglob("__init__.py"):
        text = ast.get_docstring(ast.parse(path.read_text()))
        assert text is not None, path
        assert len(text.split("\n\n")) >= 2, path


def test_nothing_imports_in_a_circle() -> None:
    """Every module can be imported first; the package itself, which imports late, counts for none."""
    graph = {name: {target for target, at_once in imports(name) if at_once} & set(PATHS) for name in PATHS}
    order = list(TopologicalSorter(graph).static_order())
    assert set(order) == set(PATHS)
    assert (
        order.index("router_core.types")
        < order.index("router_core.settings")
        < order.index("router_core.serving.library")
    )


def test_the_exported_names() -> None:
    """Six names, each that of its home, imported when asked for."""
    names = ["AsyncRouter", "Outcome", "Router", "RouterError", "Settings", "open_store"]
    assert dir(router_core) == router_core.__all__ == names
    assert router_core.AsyncRouter is aio.AsyncRouter
    assert router_core.Outcome is types.Outcome
    assert router_core.Router is library.Router
    assert router_core.RouterError is errors.RouterError
    assert router_core.Settings is settings.Settings
    assert router_core.open_store is store.open_store


def test_an_unknown_name_is_an_attribute_error() -> None:
    """As of any module."""
    with pytest.raises(AttributeError, match=r"^module 'router_core' has no attribute 'Rooter'$"):
        router_core.Rooter  # noqa: B018 - asking for it is the test


def test_no_page_is_named_like_a_module_of_python() -> None:
    """Streamlit puts a page's folder before Python's own modules: one named queue.py would stand in for that."""
    assert {path.stem for path in (ROOT / "pages").glob("*.py")} & set(sys.stdlib_module_names) == set()
