"""Where no extra is installed: the library does its main job, and the shell says what to install for the rest."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from router_core.shell.extras import EXTRAS

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def plain(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program or a module in this folder as where no extra is installed."""
    return subprocess.run(
        [sys.executable, "-m", "tests.without_extras", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "ROUTER_SIMULATED": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def names(lines: list[str]) -> set[str]:
    """The packages in a list of requirements, but not this one with another extra."""
    return {re.split(r"[\[>=]", line)[0] for line in lines} - {"router-playground"}


def test_the_extras_are_those_of_the_project() -> None:
    """What the shell says is what pip installs, and nothing of it comes with the library."""
    told = PROJECT["optional-dependencies"]
    assert {extra: set(brought) for extra, brought in EXTRAS.items()} == {
        extra: names(told[extra]) for extra in EXTRAS
    }
    assert "router-playground[evidence,gateway]" in told["app"]
    assert not names(PROJECT["dependencies"]) & {name for brought in EXTRAS.values() for name in brought}


def test_the_main_job_needs_no_extra(tmp_path: Path) -> None:
    """Every policy answers, streams and learns, with a budget; what was learned goes out and in again."""
    run = plain(tmp_path, str(ROOT / "tests" / "main_job.py"))
    assert (run.returncode, run.stdout) == (0, "done\n"), run.stderr


def test_the_command_needs_no_extra_to_look_after_a_store(tmp_path: Path) -> None:
    """Settings and learning leave and come back, old requests go, and the doctor finds nothing missing."""
    assert plain(tmp_path, str(ROOT / "tests" / "main_job.py")).returncode == 0
    for arguments in (
        ("export", "router.json"),
        ("export", "router.yaml"),
        ("export", "litellm.yaml", "-f", "litellm"),
        ("export", "program.py"),
        ("import", "router.json", "--yes"),
        ("prune", "--days", "1", "--yes"),
        ("doctor", "--offline"),
    ):
        run = plain(tmp_path, "-m", "router_core", *arguments)
        assert run.returncode == 0, (arguments, run.stdout, run.stderr)


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (("app",), "app"),
        (("demo", "-n", "10"), "evidence"),
        (("verdict", "scored.csv"), "evidence"),
        (("replay", "scored.csv"), "evidence"),
        (("learn", "scored.csv"), "evidence"),
        (("export", "log.csv"), "evidence"),
        (("export", "log.jsonl"), "evidence"),
        (("export", "log.parquet"), "evidence"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_a_command_names_its_extra(tmp_path: Path, arguments: tuple[str, ...], extra: str) -> None:
    """One sentence, exit code 1, and no half-written file."""
    (tmp_path / "scored.csv").write_text("prompt,model,score\na,x,1\na,y,0\n")
    if arguments[0] == "export":
        assert plain(tmp_path, str(ROOT / "tests" / "main_job.py")).returncode == 0
    before = sorted(path.name for path in tmp_path.iterdir())
    run = plain(tmp_path, "-m", "router_core", *arguments)
    sentence = (
        rf"router-core: {arguments[0]} needs (\w+), which is not installed: "
        rf"pip install 'router-playground\[{extra}\]'\n"
    )
    assert run.returncode == 1
    found = re.search(sentence + "$", run.stderr)
    assert found is not None, run.stderr
    assert "Traceback" not in run.stderr
    assert found[1] in {name for brought in EXTRAS.values() for name in brought}
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "data") == [
        name for name in before if name != "data"
    ]


def test_another_missing_package_is_no_extra(tmp_path: Path) -> None:
    """A broken installation is told as Python tells it."""
    (tmp_path / "program.py").write_text(
        "import sys\nsys.modules['yaml'] = None\n"
        "from router_core.shell.main import main\nmain(['export', 'router.yaml'])\n"
    )
    assert plain(tmp_path, str(ROOT / "tests" / "main_job.py")).returncode == 0
    run = plain(tmp_path, "program.py")
    assert run.returncode == 1
    assert "ModuleNotFoundError: import of yaml halted" in run.stderr
    assert "pip install" not in run.stderr
