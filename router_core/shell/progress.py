"""How far long work is, on standard error: a bar on a terminal, else lines; both say how much time is left."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from router_core.words import wait

_EVERY_S = 10.0  # between two lines
_STEPS = 1000


@contextmanager
def progress(
    label: str, hidden: bool = False, clock: Callable[[], float] = time.monotonic
) -> Iterator[Callable[[float], None]]:
    """Gives what is to be told the part that is done, in [0, 1].

    Args:
        label: what is being done, such as "Judging".
        hidden: say nothing.
        clock: seconds, never going back.
    """
    if hidden or not sys.stderr.isatty():
        yield (lambda part: None) if hidden else _Lines(label, clock).tell
        return
    with click.progressbar(length=_STEPS, label=label, file=sys.stderr) as bar:

        def tell(part: float) -> None:
            bar.update(max(0, int(_STEPS * part) - bar.pos))

        yield tell


class _Lines:
    """A line at most every ten seconds, for logs and pipes."""

    def __init__(self, label: str, clock: Callable[[], float]) -> None:
        self._label, self._clock = label, clock
        self._began = self._said = clock()

    def tell(self, part: float) -> None:
        now = self._clock()
        if part <= 0.0 or part >= 1.0 or now - self._said < _EVERY_S:
            return
        self._said = now
        left = wait((now - self._began) * (1.0 - part) / part)
        click.echo(f"{self._label}: {part:.0%} done, {left} left", err=True)
