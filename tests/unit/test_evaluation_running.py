"""Long work: goes on when nobody watches, tells how far it is, stops when asked, and says why it failed."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread
from typing import Any

import pytest

from router_core.errors import EvaluationError
from router_core.evaluation.progress import CancelledError, Watch
from router_core.evaluation.running import Job, Jobs, Status

LONG = 20  # seconds after which a test gives up


class Steps:
    """Work that goes on only when the test says so, by a clock that the test sets."""

    def __init__(self) -> None:
        self.now = 100.0
        self._go, self._told = Event(), Event()
        self._step: Callable[[Watch], Any] = lambda watch: None

    def clock(self) -> float:
        return self.now

    def __call__(self, watch: Watch) -> str:
        while True:
            assert self._go.wait(LONG)
            self._go.clear()
            try:
                if self._step(watch) == "end":
                    return "the result"
            finally:
                self._told.set()

    def do(self, step: Callable[[Watch], Any]) -> None:
        """Let it do this, and wait until it has."""
        self._step = step
        self._go.set()
        assert self._told.wait(LONG)
        self._told.clear()

    def tell(self, fraction: float, words: str) -> None:
        self.do(lambda watch: watch(fraction, words))

    def end(self) -> None:
        self.do(lambda watch: "end")


def test_runs_to_its_end() -> None:
    """Left alone, it ends with its result."""
    job = Job(lambda watch: 6 * 7)
    assert job.wait(LONG)
    assert (job.status.state, job.status.fraction, job.status.seconds_left, job.status.error) == (
        "done", 1.0, 0.0, None,
    )  # fmt: skip
    assert job.status.ended
    assert job.result == 42


def test_tells_how_far_it_is_and_how_long_it_takes() -> None:
    """By the pace so far: a quarter after 30 seconds leaves 90; the estimate shrinks while nothing is told."""
    steps = Steps()
    job = Job(steps, clock=steps.clock)
    steps.tell(0.001, "reading")
    assert job.status == Status("running", 0.001, "reading", seconds=0.0, seconds_left=None)
    steps.now = 130.0
    steps.tell(0.25, "drawing")
    assert job.status == Status("running", 0.25, "drawing", seconds=30.0, seconds_left=90.0)
    steps.now = 140.0
    assert (job.status.seconds, job.status.seconds_left) == (40.0, 80.0)
    steps.now = 900.0
    assert (job.status.seconds, job.status.seconds_left) == (800.0, 0.0)
    steps.now = 160.0
    steps.tell(0.75, "drawing")
    assert job.status.seconds_left == 20.0
    steps.end()
    assert job.wait(LONG)
    assert job.status.seconds == 60.0


def test_never_goes_backwards_or_past_its_end() -> None:
    """Whatever the work tells."""
    steps = Steps()
    job = Job(steps, clock=steps.clock)
    for told, shown in ((0.5, 0.5), (0.2, 0.5), (7.0, 1.0)):
        steps.tell(told, "drawing")
        assert job.status.fraction == shown
    steps.end()
    assert job.wait(LONG)


def test_cancel_stops_it_where_it_next_tells() -> None:
    """There is no result, and that is no failure."""
    steps = Steps()
    job = Job(steps, clock=steps.clock)
    steps.tell(0.5, "drawing")
    assert not job.cancelling
    job.cancel()
    assert job.cancelling
    assert not job.status.ended
    steps.tell(0.6, "drawing")
    assert job.wait(LONG)
    assert (job.status.state, job.status.fraction, job.status.error) == ("cancelled", 0.5, None)
    with pytest.raises(EvaluationError, match="there is no result: the work is cancelled"):
        job.result  # noqa: B018 - asking for it is the test


def test_there_is_no_result_before_the_end() -> None:
    """Asking too early is refused with a sentence."""
    steps = Steps()
    job = Job(steps)
    steps.tell(0.5, "drawing")
    with pytest.raises(EvaluationError, match="there is no result: the work is running"):
        job.result  # noqa: B018
    steps.end()
    assert job.wait(LONG)


def test_our_errors_are_its_sentence() -> None:
    """What the library says is what is shown."""

    def work(watch: Watch) -> None:
        raise EvaluationError("the file is empty; give one with prompts")

    job = Job(work)
    assert job.wait(LONG)
    assert (job.status.state, job.status.error) == ("failed", "the file is empty; give one with prompts")
    with pytest.raises(EvaluationError, match=r"^the file is empty; give one with prompts$"):
        job.result  # noqa: B018


def test_a_fault_of_the_program_is_told_too() -> None:
    """A thread that died in silence would leave a bar that never moves."""
    job = Job(lambda watch: 1 / 0)
    assert job.wait(LONG)
    assert job.status.error == "the work broke off (ZeroDivisionError: division by zero); start it again"


def test_only_so_many_at_once() -> None:
    """The second waits for its turn, says so, and begins when the first has ended."""
    jobs = Jobs(at_once=1)
    first, second = Steps(), Steps()
    one = jobs.start("one", first)
    first.tell(0.5, "drawing")
    two = jobs.start("two", second)
    assert two.status == Status("waiting", 0.0, "waiting for other work to end")
    first.end()
    assert one.wait(LONG)
    second.tell(0.5, "drawing")
    assert two.status.state == "running"
    second.end()
    assert two.wait(LONG)


def test_work_that_waits_can_be_cancelled() -> None:
    """Without ever having begun."""
    jobs = Jobs(at_once=1)
    steps, begun = Steps(), Event()
    one = jobs.start("one", steps)
    steps.tell(0.5, "drawing")
    two = jobs.start("two", lambda watch: begun.set())
    two.cancel()
    assert two.wait(LONG)
    assert (two.status.state, two.status.seconds, begun.is_set()) == ("cancelled", 0.0, False)
    steps.end()
    assert one.wait(LONG)


def test_started_once_and_found_again() -> None:
    """A second start under the same id gives the first, running or done; failed or cancelled work starts anew."""
    jobs = Jobs()
    steps = Steps()
    first = jobs.start("id", steps)
    assert jobs.start("id", lambda watch: "another") is first
    assert jobs.get("id") is first
    assert jobs.get("other") is None
    steps.end()
    assert first.wait(LONG)
    assert jobs.start("id", lambda watch: "another") is first
    failed = jobs.start("failed", lambda watch: 1 / 0)
    assert failed.wait(LONG)
    again = jobs.start("failed", lambda watch: "mended")
    assert again.wait(LONG)
    assert again.result == "mended"


def test_the_oldest_that_has_ended_is_forgotten() -> None:
    """Work under way is not, however much came after it."""
    jobs = Jobs()
    steps = Steps()
    running = jobs.start("running", steps)
    steps.tell(0.5, "drawing")
    for number in range(40):
        assert jobs.start(str(number), lambda watch: None).wait(LONG)
    assert jobs.get("running") is running
    assert jobs.get("0") is None
    assert jobs.get("39") is not None
    steps.end()
    assert running.wait(LONG)


def test_many_readers_see_whole_states() -> None:
    """Words and part always belong together, and the part only grows, whoever looks."""
    ready = Event()

    def work(watch: Watch) -> int:
        assert ready.wait(LONG)
        for number in range(2_000):
            watch(number / 2_000, f"{number}")
        return 2_000

    job = Job(work)
    odd: list[Status] = []

    def look() -> None:
        ready.set()
        last = 0.0
        while not (status := job.status).ended:
            if status.words.isdigit() and (int(status.words) / 2_000 != status.fraction or status.fraction < last):
                odd.append(status)
            last = status.fraction

    readers = [Thread(target=look) for _ in range(4)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join(LONG)
    assert job.wait(LONG)
    assert odd == []
    assert job.result == 2_000


def test_a_watch_over_a_part_of_the_work() -> None:
    """Its fraction is that of its part, of a part of a part too, and it stops all the same."""
    told: list[tuple[float, str]] = []
    wanted = [True]
    watch = Watch(lambda done, words: told.append((done, words)), lambda: not wanted[0])
    watch.part(0.5, 1.0).part(0.0, 0.5)(0.5, "half of a half of a half")
    assert told == [(0.625, "half of a half of a half")]
    wanted[0] = False
    with pytest.raises(CancelledError, match="stopped as asked; nothing was kept"):
        watch.part(0.5, 1.0)(0.5, "no more")
    assert len(told) == 1


def test_a_watch_that_nobody_holds() -> None:
    """Work that nobody watches need not care."""
    Watch()(0.5, "drawing")
