"""The documents tell the truth: commands, files, settings, names."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from router_core.exports import dump
from router_core.exports.transfer import export_of
from router_core.settings import Settings
from router_core.settings.table import markdown
from router_core.store import open_store

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
TREE = (ROOT / "docs" / "where.md").read_text().split("```text")[1].split("```")[0]
MAKEFILE = (ROOT / "Makefile").read_text()


def test_settings_page_is_the_declaration() -> None:
    """docs/settings.md is what the declaration says today."""
    assert (ROOT / "docs" / "settings.md").read_text() == markdown()


def test_readme_commands_exist() -> None:
    """Every `make` command of the README is a target of the Makefile, the two set-up commands among them."""
    commands = set(re.findall(r"`?make ([a-z]+)`?", README))
    assert {"run", "test", "check", "bench"} <= commands
    assert commands <= set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))


def test_readme_is_short() -> None:
    """What is longer stands in docs/, one link away."""
    assert len(README.splitlines()) < 200


def test_files_named_exist() -> None:
    """Every file of the tree, every link and every image of the README is there."""
    folders: list[str] = []
    for line in TREE.strip().splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        for name in line.split("  # ")[0].split():
            path = "/".join([*folders[:depth], name.rstrip("/")])
            assert (ROOT / path).exists(), path
            if name.endswith("/"):
                folders = [*folders[:depth], name.rstrip("/")]
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_every_folder_is_in_the_tree() -> None:
    """No folder of the library is missing from the tree in docs/where.md."""
    folders = {path.parent.name for path in (ROOT / "router_core").rglob("*.py")}
    missing = sorted(folder for folder in folders if f"{folder}/" not in TREE)
    assert missing == []


def test_the_places_named_are_there() -> None:
    """Each answer of docs/where.md is a file, and the name beside it stands in that file."""
    rows = re.findall(r"^\| .*\? \| (.*) \| (.*) \|$", (ROOT / "docs" / "where.md").read_text(), re.MULTILINE)
    assert len(rows) >= 15
    for files, names in rows:
        for file, name in zip(re.findall(r"`(.+?)`", files), re.findall(r"`(.+?)`", names), strict=True):
            assert re.search(rf"\b{name}\b", (ROOT / file).read_text()), (file, name)


def test_links_between_documents_lead_somewhere() -> None:
    """Every link and image of every document is there."""
    for page in (ROOT / "docs").glob("*.md"):
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text()):
            assert (page.parent / target).exists(), (page.name, target)


def example(part: str) -> str:
    """The README's Python that contains this."""
    (found,) = [one for one in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if part in one]
    return str(found)


@pytest.fixture
def _simulated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ROUTER_SIMULATED", "1")
    monkeypatch.setenv("ROUTER_STORE", str(tmp_path / "example.duckdb"))


@pytest.mark.usefixtures("_simulated")
def test_library_example_runs() -> None:
    """The README's library example, word for word: an answer, an id, and one outcome learned."""
    names: dict[str, Any] = {}
    exec(example("paths="), names)
    with names["router"] as router:
        assert "[simulated gpt-4o" in names["response"].choices[0].message.content
        assert sum(one.observations for one in router.posteriors().values()) == 1
        (arm,) = [one for one in router.posteriors().values() if one.observations]
        assert (arm.alpha, arm.beta) == (2.0, 1.0)


@pytest.mark.usefixtures("_simulated")
def test_exported_router_example_runs(tmp_path: Path) -> None:
    """The README's two lines on an exported router, with a file as the app writes it."""
    store = open_store(tmp_path / "app.duckdb", kind="simulated")
    (tmp_path / "router.json").write_text(dump(export_of(store, Settings())))
    store.close()
    names: dict[str, Any] = {}
    exec(example("from_settings"), names)
    with names["router"] as router:
        assert list(router.posteriors()) == ["openai/gpt-4o-mini", "openai/gpt-4o"]


def test_glossary_has_the_terms() -> None:
    """The field's terms that the code uses are explained."""
    glossary = (ROOT / "docs" / "glossary.md").read_text().lower()
    for term in ("arm", "context", "policy", "propensity", "reward", "outcome", "prior", "posterior", "regret",
                 "logging policy", "target policy", "effective sample size", "exploration", "goal"):  # fmt: skip
        assert f"**{term}**" in glossary, term


def test_every_dependency_has_its_reason() -> None:
    """docs/decisions.md says why each dependency is there."""
    decisions = (ROOT / "docs" / "decisions.md").read_text().lower()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = [*project["dependencies"], *project["optional-dependencies"]["app"]]
    needed += [*project["optional-dependencies"]["evidence"], *project["optional-dependencies"]["gateway"]]
    for name in {re.split(r"[\[>=]", line)[0] for line in needed} - {"router-playground"}:
        assert f"`{name}`" in decisions, name


def test_constraints_hold_names_and_versions_only() -> None:
    """No address of any kind in the pins."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    for line in (line for line in lines if not line.startswith("#")):
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", line), line


def test_each_line_about_a_provider_names_its_test() -> None:
    """Every row of docs/providers.md names a test that there is, in one of the files that the document names."""
    text = (ROOT / "docs" / "providers.md").read_text()
    written = "".join((ROOT / name).read_text() for name in set(re.findall(r"`(tests/[\w/]+\.py)`", text)))
    rows = [
        line
        for line in text.splitlines()
        if line.startswith("|") and not re.match(r"\|(-| provider | model )", line)
    ]
    assert rows
    for row in rows:
        named = re.findall(r"`(test_\w+)", row)
        assert named, row
        assert [name for name in named if f"def {name}(" not in written] == [], row
