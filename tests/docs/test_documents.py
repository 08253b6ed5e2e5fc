"""The documents tell the truth: commands, files, settings, names."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from router_core.settings_table import markdown

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()


def test_settings_page_is_the_declaration() -> None:
    """docs/settings.md is what the declaration says today."""
    assert (ROOT / "docs" / "settings.md").read_text() == markdown()


def test_readme_commands_exist() -> None:
    """Every `make` command of the README is a target of the Makefile, the two set-up commands among them."""
    commands = set(re.findall(r"`?make ([a-z]+)`?", README))
    assert {"run", "test", "check", "bench"} <= commands
    assert commands <= set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))


def test_readme_files_exist() -> None:
    """Every file of the tree, every link and every image of the README is there."""
    tree = README.split("```text")[1].split("```")[0]
    folders: list[str] = []
    for line in tree.strip().splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        for name in line.split("  # ")[0].split():
            path = "/".join([*folders[:depth], name.rstrip("/")])
            assert (ROOT / path).exists(), path
            if name.endswith("/"):
                folders = [*folders[:depth], name.rstrip("/")]
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_every_module_is_in_the_tree() -> None:
    """No module of the library or the app is left out of the README's tree."""
    tree = README.split("```text")[1].split("```")[0]
    modules = [*(ROOT / "router_core").rglob("*.py"), *(ROOT / "pages").glob("*.py")]
    missing = [str(path.relative_to(ROOT)) for path in modules if path.name not in tree]
    assert missing == []


def test_library_example_runs() -> None:
    """The README's library example is Python that names only what exists."""
    example = README.split("```python")[1].split("```")[0]
    tree = ast.parse(example)
    names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names]
    import router_core

    assert names
    assert all(hasattr(router_core, name) for name in names)


def test_glossary_has_the_terms() -> None:
    """The field's terms that the code uses are explained."""
    glossary = (ROOT / "docs" / "glossary.md").read_text().lower()
    for term in ("arm", "context", "policy", "propensity", "reward", "outcome", "prior", "posterior", "regret",
                 "logging policy", "target policy", "effective sample size", "exploration", "goal"):  # fmt: skip
        assert f"**{term}**" in glossary, term


def test_every_dependency_has_its_reason() -> None:
    """docs/decisions.md says why each dependency is there."""
    decisions = (ROOT / "docs" / "decisions.md").read_text().lower()
    project = (ROOT / "pyproject.toml").read_text()
    listed = project.split("dependencies = [")[1].split("\n]")[0]
    for name in re.findall(r'"([a-z0-9-]+)', listed):
        assert f"`{name}`" in decisions, name


def test_constraints_hold_names_and_versions_only() -> None:
    """No address of any kind in the pins."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    for line in (line for line in lines if not line.startswith("#")):
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", line), line
