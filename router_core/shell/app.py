"""The panel from the shell: ``router-core app`` runs app.py with Streamlit, which the extra ``app`` brings."""

from __future__ import annotations

import os
import runpy
import sys
from importlib.util import find_spec
from pathlib import Path

import click

import router_core
from router_core.shell.extras import EXTRAS
from router_core.shell.store import in_store, named_store


@click.command(short_help="Start the panel (needs the extra app).")
@click.option("--port", type=click.IntRange(1, 65_535), default=8501, show_default=True, help="Its address's.")
@in_store
@click.pass_context
def app(context: click.Context, port: int) -> None:
    """Start the panel in this terminal and print its address; Ctrl+C stops it.

    It answers on this machine alone. Models are simulated where no key is found, and always with --simulated.

    \b
    router-core app
    router-core app --port 8600 --store data/other.duckdb
    """
    for names in EXTRAS.values():
        for name in names:
            if find_spec(name) is None:
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    place, kind = named_store(context)
    if place is not None:
        os.environ["ROUTER_STORE"] = place
    if kind == "simulated":
        os.environ["ROUTER_SIMULATED"] = "1"
    sys.argv = ["streamlit", "run", str(app_file()), "--server.port", str(port)]
    runpy.run_module("streamlit", run_name="__main__", alter_sys=True)


def app_file() -> Path:
    """The entry point: in an installed package router_playground/app.py, else app.py of the source tree.

    Its folder holds pages/ and .streamlit/, too. Streamlit puts it on the import path of this process alone: no
    module named ``app`` or ``pages`` is installed beside those of others.
    """
    root = Path(router_core.__file__).parents[1]
    installed = root / "router_playground" / "app.py"
    return installed if installed.exists() else root / "app.py"
