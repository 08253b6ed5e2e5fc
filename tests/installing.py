"""Environments of their own for what must be installed, each with the packages that a test names alone."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(*command: str | Path, cwd: Path | None = None) -> str:
    """Standard output of a command that must succeed; nothing of this project is on its import path."""
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        command, cwd=cwd, env={**environ, "ROUTER_SIMULATED": "1"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def environment(folder: Path) -> Path:
    """The folder of the programs of a new environment."""
    venv.create(folder, with_pip=True)
    return folder / ("Scripts" if os.name == "nt" else "bin")


def installed(folder: Path, *what: str) -> Path:
    """The folder of the programs of a new environment with this in it, in the tested versions."""
    programs = environment(folder)
    run(programs / "python", "-m", "pip", "install", "-q", "-c", ROOT / "constraints.txt", *what)
    return programs


def installed_or_skipped(folder: Path, *what: str) -> Path:
    """The same of packages of others, in the versions named. Where they cannot be installed, the test is skipped
    unless REQUIRE_INSTALL=1.
    """  # fmt: skip
    programs = environment(folder)
    command = [programs / "python", "-m", "pip", "install", "-q", *what]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and os.environ.get("REQUIRE_INSTALL") != "1":
        pytest.skip(f"{' '.join(what)} cannot be installed here: {done.stderr.strip()[-500:]}")
    assert done.returncode == 0, done.stderr
    return programs


def wheel_or_skipped(folder: Path) -> Path:
    """This project as a wheel; skipped alike."""
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder), str(ROOT)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    if built.returncode and os.environ.get("REQUIRE_INSTALL") != "1":
        pytest.skip(f"no wheel can be built here: {built.stderr.strip()}")
    assert built.returncode == 0, built.stderr
    (made,) = folder.glob("*.whl")
    return made
