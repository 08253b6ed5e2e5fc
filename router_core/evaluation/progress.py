"""Whoever waits for long work: is told what is done, and says when to stop.

See running.py for the thread that the work runs in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from router_core.errors import EvaluationError

Progress = Callable[[float, str], None]
"""Told the part that is done, in [0, 1], and what is being done; it may raise to stop the work."""


class CancelledError(EvaluationError):
    """The work was stopped because somebody asked for it."""


def _tell_nobody(fraction: float, words: str) -> None:
    pass


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Watch:
    """Calling it tells ``progress``, and raises CancelledError once ``cancelled`` says so."""

    progress: Progress = _tell_nobody
    cancelled: Callable[[], bool] = _never

    def __call__(self, fraction: float, words: str) -> None:
        """Tell what is done, and stop where nobody wants the rest."""
        self.stop_if_cancelled()
        self.progress(fraction, words)

    def stop_if_cancelled(self) -> None:
        """Stop where nobody wants the rest.

        Raises:
            CancelledError: nobody does.
        """
        if self.cancelled():
            raise CancelledError("stopped as asked; nothing was kept")

    @classmethod
    def of(cls, progress: Progress | None, cancelled: Callable[[], bool] | None) -> Watch:
        """A watch of what a caller gave, nobody where he gave nothing."""
        return cls(progress or _tell_nobody, cancelled or _never)

    def part(self, start: float, end: float) -> Watch:
        """A watch over a part of the work: its 0 is ``start`` of this one, its 1 is ``end``."""
        return Watch(lambda done, words: self.progress(start + (end - start) * done, words), self.cancelled)
