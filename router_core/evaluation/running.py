"""Long work under way, each piece in a thread of its own: watched, cancelled and found again from any page.

Does not cover what the work is. A page that is reloaded finds its work by its id.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import BoundedSemaphore, Event, Lock
from typing import Any, Literal

from router_core.background import Background, Started
from router_core.errors import EvaluationError, RouterError
from router_core.evaluation.progress import CancelledError, Watch

Work = Callable[[Watch], Any]
"""Given a watch to call now and then with what is done; returns the result."""

State = Literal["waiting", "running", "done", "cancelled", "failed"]

_REMEMBERED = 32  # pieces of work that have ended, with their results
_TOO_EARLY = 0.01  # below this part done, how long it takes is anybody's guess
_LOOK_S = 0.1  # how often waiting work looks whether it is still wanted


@dataclass(frozen=True, slots=True)
class Status:
    """Where a piece of work stands.

    ``fraction`` of it that is done, in [0, 1]; ``words``: what is being done; ``seconds`` it has run;
    ``seconds_left``: estimated from the pace so far, None while that is anybody's guess; ``error``: the sentence
    to show where it failed.
    """

    state: State = "waiting"
    fraction: float = 0.0
    words: str = "waiting for other work to end"
    seconds: float = 0.0
    seconds_left: float | None = None
    error: str | None = None

    @property
    def ended(self) -> bool:
        """Whether it is over: done, cancelled or failed."""
        return self.state in ("done", "cancelled", "failed")


class Job(Background):
    """One piece of work under way. Safe to ask from many threads."""

    def __init__(
        self, work: Work, *, turns: BoundedSemaphore | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """``turns``: what lets only so many run at once; ``clock``: seconds, never going back."""
        self._turns = turns or BoundedSemaphore()
        self._clock = clock
        self._lock = Lock()  # guards the three below
        self._status = Status()
        self._began = self._told = 0.0
        self._result: Any = None
        self._cancelled = Event()
        super().__init__(lambda: self._run(work), "evaluation")

    @property
    def status(self) -> Status:
        """Where it stands now."""
        with self._lock:
            status, began, told = self._status, self._began, self._told
        if status.state != "running":
            return status
        now = self._clock()
        left = status.seconds_left
        return replace(
            status, seconds=now - began, seconds_left=None if left is None else max(0.0, left - (now - told))
        )

    @property
    def result(self) -> Any:
        """What the work returned.

        Raises:
            EvaluationError: it has not ended, was cancelled or failed.
        """
        status = self.status
        if status.state == "done":
            return self._result
        raise EvaluationError(
            status.error or f"there is no result: the work is {status.state}; look at its status"
        )

    @property
    def cancelling(self) -> bool:
        """Whether it was asked to stop."""
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """Ask it to stop; it does when it next tells what is done."""
        self._cancelled.set()

    def _run(self, work: Work) -> None:
        try:
            while not self._turns.acquire(timeout=_LOOK_S):
                if self._cancelled.is_set():
                    return self._end("cancelled")
            try:
                with self._lock:
                    self._began = self._told = self._clock()
                    self._status = Status("running", words="starting")
                self._result = work(Watch(self._tell, self._cancelled.is_set))
            finally:
                self._turns.release()
            return self._end("done")
        except CancelledError:
            return self._end("cancelled")
        except RouterError as error:
            return self._end("failed", str(error))
        except MemoryError:
            return self._end("failed", "the work needs more memory than there is; take a sample of the prompts")
        except Exception as error:  # noqa: BLE001 - whoever watches must hear of it, for nobody else can
            return self._end("failed", f"the work broke off ({type(error).__name__}: {error}); start it again")

    def _tell(self, fraction: float, words: str) -> None:
        now = self._clock()
        with self._lock:
            done = min(1.0, max(self._status.fraction, fraction))  # never backwards
            left = (now - self._began) * (1.0 - done) / done if done >= _TOO_EARLY else None
            self._told = now
            self._status = Status("running", done, words, seconds_left=left)

    def _end(self, state: State, error: str | None = None) -> None:
        with self._lock:
            ran = self._clock() - self._began if self._status.state == "running" else 0.0
            done = 1.0 if state == "done" else self._status.fraction
            self._status = Status(state, done, state, ran, 0.0, error)


class Jobs:
    """Work by its id. Of what has ended, the oldest is forgotten first; what runs never is."""

    def __init__(self, at_once: int = 2) -> None:
        """``at_once``: how many pieces run at the same time (>= 1); the others wait for their turn."""
        self._jobs: Started[Job] = Started(_REMEMBERED)
        self._turns = BoundedSemaphore(at_once)

    def start(self, id_: str, work: Work) -> Job:
        """Start work, unless it was started before under this id and has not failed or been cancelled."""
        return self._jobs.start(id_, lambda: Job(work, turns=self._turns), _is_void)

    def get(self, id_: str) -> Job | None:
        """Work that was started, or None."""
        return self._jobs.get(id_)


def _is_void(job: Job) -> bool:
    return job.status.state in ("failed", "cancelled")
