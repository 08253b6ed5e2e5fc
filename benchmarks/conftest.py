"""One table at the end: median and 95th percentile beside the target, with the machine named."""

from __future__ import annotations

import gc
import os
import platform
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import pytest

LIBRARIES = ("numpy", "scipy", "duckdb", "streamlit")


def machine() -> str:
    """Processor, cores, Python and the libraries that matter."""
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ] if Path("/proc/cpuinfo").exists() else []  # fmt: skip
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    processor = names[0] if names else platform.processor() or platform.machine()
    return f"{processor}, {os.cpu_count()} cores, Python {platform.python_version()}, {libraries}"


def percentile(values: list[float], share: float) -> float:
    """The value below which this share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def readable(seconds: float) -> str:
    """0.84 us, 410 us, 3.1 ms."""
    return f"{seconds * 1e6:.3g} us" if seconds < 1e-3 else f"{seconds * 1e3:.3g} ms"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table."""
    session: Any = getattr(config, "_benchmarksession", None)
    if session is None or not session.benchmarks:
        return
    terminalreporter.section("benchmarks")
    terminalreporter.write_line(machine())
    terminalreporter.write_line(f"{'':62} {'median':>10} {'p95':>10}   target")
    for bench in session.benchmarks:
        values = bench.extra_info.get("seconds") or list(bench.stats.data)
        target = bench.extra_info.get("target", "")
        label = bench.extra_info.get("label", bench.name)
        row = f"{label:62} {readable(median(values)):>10} {readable(percentile(values, 0.95)):>10}   {target}"
        terminalreporter.write_line(row)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Let the collector see again what the app's pages froze, so that the interpreter ends without complaints."""
    gc.unfreeze()
