"""A run of a judge through all that it has not judged yet, within a limit in dollars.

It can be stopped and begun again: what was judged is stored word by word and not asked again. One unit is
judging.py's business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from decimal import Decimal
from threading import Event
from typing import Final

from router_core.collecting.judging import Judging, Said, Unit
from router_core.collecting.purse import Purse
from router_core.errors import AuthenticationError, MissingKeyError, ProviderError, SettingsError
from router_core.store.base import Batch
from router_core.types import OutcomeRecord

_FAILURES_IN_A_ROW: Final = 10


@dataclass(frozen=True, slots=True)
class Done:
    """What a run did. ``cost_usd`` is this run's, without the ``unknown`` costs. ``left`` units were not begun.

    ``ended`` says why it stopped before the end; "": it did not.
    """

    judged: int
    swapped: int
    unreadable: int
    failed: int
    for_people: int
    cost_usd: Decimal
    unknown: int
    left: int
    ended: str = ""


def judge_all(
    judging: Judging,
    limit_usd: Decimal | None = None,
    *,
    workers: int = 4,
    tell: Callable[[int, Decimal], None] = lambda units, spent_usd: None,
    stop: Event | None = None,
) -> Done:
    """Judge what is left, storing each word as it comes.

    Args:
        judging: who judges what.
        limit_usd: for this judge in this goal altogether, earlier runs included. It is not exceeded, for what a
            call may cost at most is set aside before it is made; calls under way when a process is killed are not
            in the store, and not in the sum. None: no limit.
        workers: calls at a time.
        tell: is told after every unit how many were begun, and what this judge has cost so far.
        stop: once set, no further unit is begun; what was asked is waited for and stored.

    Raises:
        SettingsError: a limit is given and the price of the judge's model is unknown.
        StoreError: a word cannot be stored.
    """
    model = judging.judge.model
    if limit_usd is not None and judging.prices.price(model) is None:
        raise SettingsError(
            f"nobody knows the price of {model}, so no limit can be kept; set its price in the settings, or give"
            " no limit"
        )
    spent_usd, unknown = judging.spent()
    if limit_usd is not None and unknown:
        spent_usd += unknown * (judging.largest_usd() or Decimal(0))
    return _Run(judging, Purse(limit_usd, spent_usd), workers, tell, stop or Event()).through(judging.units())


class _Run:
    """One run through the units; the threads ask, this one stores."""

    def __init__(
        self,
        judging: Judging,
        purse: Purse,
        workers: int,
        tell: Callable[[int, Decimal], None],
        stop: Event,
    ) -> None:
        self._judging, self._purse, self._workers, self._tell, self._stop = judging, purse, workers, tell, stop
        self._judged = self._swapped = self._unreadable = self._failed = self._for_people = self._unknown = 0
        self._cost, self._begun, self._in_a_row, self._ended = Decimal(0), 0, 0, ""

    def through(self, units: Iterator[Unit]) -> Done:
        left = 0
        with ThreadPoolExecutor(self._workers, thread_name_prefix="judge") as pool:
            running: dict[Future[Said], tuple[Unit, Decimal | None]] = {}
            for unit in units:
                most = self._judging.most_usd(unit)
                while not self._ended and not self._stop.is_set():
                    if len(running) < self._workers and self._purse.set_aside(most):
                        running[pool.submit(self._judging.ask, unit)] = (unit, most)
                        self._begun += 1
                        break
                    if not running:
                        self._ended = "the limit does not allow the next call"
                        break
                    self._collect(running)
                else:
                    left += 1
                    continue
                left += bool(self._ended)
            while running:
                self._collect(running)
        if left and not self._ended:
            self._ended = "it was stopped"
        return Done(
            self._judged, self._swapped, self._unreadable, self._failed, self._for_people, self._cost,
            self._unknown, left, self._ended,
        )  # fmt: skip

    def _collect(self, running: dict[Future[Said], tuple[Unit, Decimal | None]]) -> None:
        """Store what has come, at least one unit."""
        records: list[OutcomeRecord] = []
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            unit, most = running.pop(future)
            said = future.result()
            known = None if None in said.costs else sum((one or Decimal(0) for one in said.costs), Decimal(0))
            self._purse.pay(most, known)
            self._cost += sum((one for one in said.costs if one is not None), Decimal(0))
            self._unknown += said.costs.count(None)
            if said.failure is not None:
                self._failed += 1
                self._in_a_row += 1
                self._heed(said.failure)
            else:
                self._in_a_row = 0
                self._judged += said.reward is not None
                self._unreadable += said.reward is None
                self._swapped += said.swapped
                self._for_people += said.reward is not None and self._judging.for_people(unit.prompt_id)
            if said.costs:  # a call that failed for free leaves nothing
                records += self._judging.records(unit, said)
        self._judging.store.write(Batch(outcomes=records))
        self._tell(self._begun, self._purse.spent_usd)

    def _heed(self, failure: ProviderError) -> None:
        if isinstance(failure, AuthenticationError | MissingKeyError) or self._in_a_row >= _FAILURES_IN_A_ROW:
            self._ended = str(failure)
