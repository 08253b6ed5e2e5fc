"""``make words``: every word of the interface in one listing, to be read through as a stranger would.

Read from the source, so that nothing has to be run: what pages give to Streamlit's functions, ``help`` texts
included, the descriptions of settings, and the sentences of errors. What is filled in later stands as {...}.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

ROOT = Path(__file__).parents[1]
_WORDS = re.compile(r"[A-Za-z]{2,}")
_NO_WORDS = frozenset({"key", "icon", "type", "width", "height", "label_visibility", "on_select", "mime", "gap",
                       "vertical_alignment", "horizontal_alignment", "selection_mode", "page", "url_path", "value",
                       "unsafe_allow_javascript", "language", "border"})  # fmt: skip
"""Arguments that nobody reads."""
_NOT_SHOWN = frozenset({"html", "key", "choice", "toggle", "text", "Address", "setdefault", "get", "pop",
                        "startswith", "replace", "split", "join", "switch_page", "getattr", "two_columns",
                        "rerun"})  # fmt: skip
"""Functions whose first argument is a name, not a text."""


@dataclass(frozen=True)
class Said:
    """A text of the interface: where it stands (file and line), who says it, and the text itself."""

    file: str
    line: int
    by: str
    text: str


def texts(node: ast.AST) -> Iterator[tuple[int, str]]:
    """Every text in an expression that has words in it; what is filled in is {...}."""
    if isinstance(node, ast.JoinedStr):
        parts = [part.value if isinstance(part, ast.Constant) else "{...}" for part in node.values]
        yield from _wordy(node.lineno, "".join(map(str, parts)))
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield from _wordy(node.lineno, node.value)
        return
    for child in ast.iter_child_nodes(node):
        yield from texts(child)


def _wordy(line: int, text: str) -> Iterator[tuple[int, str]]:
    if _WORDS.search(text.replace("{...}", "")) and not text.startswith(
        (":material", "<style", "\n<style", "\n<script")
    ):
        yield line, " ".join(text.split())


def called(call: ast.Call) -> str:
    """The name of what is called, as in "st.button"."""
    return ast.unparse(call.func)


def of_page(tree: ast.AST, file: str) -> Iterator[Said]:
    """What a page gives to a function that shows it."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = called(node)
        last = name.rsplit(".", 1)[-1]
        shows = name.startswith("st.") or last in ("metric", "button", "header", "caption", "popover", "one_of")
        if not shows or last in _NOT_SHOWN:
            continue
        named = [one.value for one in node.keywords if one.arg not in _NO_WORDS]
        for argument in (*node.args, *named):
            if not (isinstance(argument, ast.Call) and called(argument).startswith(("st.", "address."))):
                yield from (Said(file, line, name, text) for line, text in texts(argument))


def of_core(tree: ast.AST, file: str) -> Iterator[Said]:
    """Sentences of errors, and what settings say of themselves."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            name = called(node.exc)
            for argument in node.exc.args:
                yield from (Said(file, line, name, text) for line, text in texts(argument))
        elif isinstance(node, ast.Call) and called(node).rsplit(".", 1)[-1] == "Field":
            said = [one.value for one in node.keywords if one.arg in ("title", "description")]
            for argument in said:
                yield from (Said(file, line, "setting", text) for line, text in texts(argument))


def interface() -> list[Said]:
    """Every text of pages, settings and errors, by file and line, each once a place."""
    found: set[Said] = set()
    for path in sorted((ROOT / "pages").glob("*.py")):
        file = path.relative_to(ROOT).as_posix()
        tree = ast.parse(path.read_text())
        found |= {*of_page(tree, file), *of_core(tree, file)}
    for path in sorted((ROOT / "router_core").rglob("*.py")):
        found |= {*of_core(ast.parse(path.read_text()), path.relative_to(ROOT).as_posix())}
    return sorted(found, key=lambda one: (one.file, one.line, one.text))


@click.command()
def main() -> None:
    """List every word of the interface."""
    file = ""
    for one in interface():
        if one.file != file:
            click.echo(f"\n{one.file}")
            file = one.file
        click.echo(f"  {one.line:4} {one.by}: {one.text}")


if __name__ == "__main__":
    main()
