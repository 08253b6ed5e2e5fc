"""A batch at work: every model answers every prompt, nothing is asked twice, and the limit holds.

What is asked is in the log before it is sent, so whoever goes on after a crash knows of it. A call that was cut
off is not made again by itself: the provider may have answered it, and charged for it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from threading import Event
from typing import Any, Final, Literal

from router_core.collecting.batch import BATCH, REFERENCE, Batch, BatchError
from router_core.collecting.money import Ledger, LimitReachedError, bound_usd
from router_core.collecting.pace import Pace
from router_core.collecting.prompts import Asked
from router_core.collecting.standing import Call, Standing, State, settled, take, with_calls
from router_core.errors import (
    ArgumentError,
    AuthenticationError,
    MissingKeyError,
    ModelNotFoundError,
    ProviderError,
    ProviderUnavailableError,
    RateLimitError,
)
from router_core.evaluation.progress import Watch
from router_core.features import context
from router_core.models.calls import Models
from router_core.models.event_loop import EventLoop
from router_core.noted import require_metadata
from router_core.outcomes.checks import Check, check_of
from router_core.routing.calling import Caller
from router_core.routing.deciding import Decider
from router_core.routing.reporting import outcome_record
from router_core.settings import Settings
from router_core.store.base import Batch as Rows
from router_core.store.base import Store
from router_core.types import FORCED, Arm, Prompt

Ended = Literal["done", "paused", "limit", "given up"]

_WHY: Final = "a batch asks every model"
_ROUNDS: Final = 3  # of asking again who was told to come later
_IN_VAIN: Final = 20  # failures of a model in a row, after which it is not asked any more
_LOOK_S: Final = 0.3  # between two looks at whether it is still wanted
_AT_ONCE: Final = 4  # times as many calls are prepared as may be under way


@dataclass(frozen=True, slots=True)
class Result:
    """How a run ended. ``given_up``: model -> why it was not asked any more."""

    ended: Ended
    standing: Standing
    given_up: Mapping[str, str]


class BatchRun:
    """One run of a batch, from its beginning or from where it stands.

    Args:
        settings: goals, models, prices in force.
        store: where everything is kept; it stays open.
        batch: what is asked of whom.
        simulated, environ, keys: as for ``Models``.
        check: a callable that judges answers, in place of the batch's own check.
        again: calls that are made again: those that failed, or were cut off.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        batch: Batch,
        *,
        simulated: bool = False,
        environ: Mapping[str, str] | None = None,
        keys: Mapping[str, str] | None = None,
        check: Callable[[str, str], Any] | None = None,
        again: Collection[State] = (),
    ) -> None:
        self.batch = batch
        self.standing = Standing(batch)
        self._settings = settings
        self._store = store
        self._simulated = simulated
        self._environ = os.environ if environ is None else environ
        self._keys = keys
        self._again = frozenset(again)
        self._stop = Event()
        self._check: Check | None = check_of(check or batch.check) if check or batch.check else None
        self._arms = {arm.id: arm.arm() for arm in settings.goal(batch.goal).arms}
        missing = [arm for arm in batch.arms if arm not in self._arms]
        if missing:
            raise BatchError(f"{missing[0]} is no model of goal {batch.goal!r} any more; begin a new batch")

    def pause(self) -> None:
        """Begin no further call; those under way are finished. From any thread."""
        self._stop.set()

    def run(self, watch: Watch | None = None) -> Result:
        """Ask, until all was asked, the limit is reached or somebody pauses it. Keeps the thread waiting.

        ``watch`` is told how far it is; where it is cancelled, the batch is paused.

        Raises:
            MissingKeyError: a model cannot be asked; nothing was.
            BatchError: a price is unknown, so that the limit could not hold.
            DataFileError: the batch's prompts cannot be read.
            StoreError: the log cannot be written.
        """
        return asyncio.run(_Running(self, watch or Watch()).run())


class _Running:
    """What one run needs inside its event loop."""

    def __init__(self, run: BatchRun, watch: Watch) -> None:
        self._run = run
        self._watch = watch
        self._batch = run.batch
        self._standing = run.standing
        self._waiting = EventLoop()
        settings = run._settings
        self._models = Models(
            settings, simulated=run._simulated, environ=run._environ, keys=run._keys, waiting=self._waiting
        )
        self._decider = Decider(settings, run._store, self._models, gains="never")
        self._caller = Caller(self._decider, run._store, self._models, patient=False)
        self._tries = 1 + settings.calls.max_retries
        self._ledger = Ledger(self._batch.limit_usd)
        self._paces: dict[str, Pace] = {}
        self._given_up: dict[str, str] = {}
        self._in_vain: dict[str, int] = {}
        self._later: set[tuple[int, str]] = set()  # rows and arms that were told to come later
        self._ended: Ended = "done"
        self._broken: BaseException | None = None

    async def run(self) -> Result:
        watching = asyncio.create_task(self._tell())
        try:
            self._models.require_keys(self._arm(arm).model for arm in self._batch.arms)
            self._require_prices()
            await self._waiting.read(self._survey)
            await self._ask(self._run._again, None)
            for number in range(_ROUNDS):
                later, self._later = self._later, set()
                if not later or self._stopped():
                    break
                await asyncio.sleep(2.0**number)
                await self._ask(frozenset({"failed"}), later)
        finally:
            watching.cancel()
            await self._caller.aclose()
            await self._waiting.read(self._decider.memory.close)
            await self._models.aclose()
            await self._waiting.end()
        if self._broken is not None:
            raise self._broken
        if self._ended == "done" and self._run._stop.is_set() and self._standing.left:
            self._ended = "paused"
        if self._ended == "done" and self._given_up:
            self._ended = "given up"
        return Result(self._ended, self._standing, self._given_up)

    async def _tell(self) -> None:
        """Tell how far it is, and hear whether it is still wanted."""
        while True:
            if self._watch.cancelled():
                self._run.pause()
            left = self._standing.left / self._batch.calls
            self._watch.progress(1.0 - left, f"{self._batch.calls - self._standing.left:,} calls made")
            await asyncio.sleep(_LOOK_S)

    def _require_prices(self) -> None:
        unknown = [one for one in self._batch.arms if self._decider.prices.price(self._arm(one).model) is None]
        if unknown and self._batch.limit_usd is not None and not self._batch.unpriced:
            raise BatchError(
                f"the price of {', '.join(unknown)} is unknown, so the limit of ${self._batch.limit_usd} could not"
                " hold; set a price in the settings, or allow models without a price"
            )

    def _survey(self) -> None:
        """Count what was asked before: what it came to, and what it costs at most."""
        for asked, calls in with_calls(self._run._store, self._batch):
            for arm, made in calls.items():
                take(self._standing, arm, made)
                bound = self._bound(asked, arm)
                for one in made:
                    tries = one.unknown * (self._tries if one.state != "answered" else 1)
                    self._ledger.count(one.cost_usd or Decimal(0), tries, bound)

    async def _ask(self, again: frozenset[State], only: Collection[tuple[int, str]] | None) -> None:
        """Make every call that was not made, and those that ended as in ``again``; of ``only`` these, if given."""
        slots = asyncio.Semaphore(_AT_ONCE * self._batch.at_once)
        tasks: set[asyncio.Task[None]] = set()
        pages = with_calls(self._run._store, self._batch)
        while (one := await self._waiting.read(next, pages, None)) is not None and not self._stopped():
            asked, calls = one
            for arm in self._batch.arms:
                made = calls.get(arm)
                if made is None:
                    wanted = only is None
                else:
                    last = settled(made)
                    await self._check_late(asked, arm, last)
                    wanted = last.state in again and (only is None or (asked.row, arm) in only)
                if not wanted or arm in self._given_up or self._stopped():
                    continue
                await slots.acquire()
                task = asyncio.create_task(self._one(asked, arm, None if made is None else settled(made)))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
                task.add_done_callback(lambda _: slots.release())
        if tasks:
            await asyncio.gather(*tasks)

    async def _one(self, asked: Asked, arm_id: str, before: Call | None) -> None:
        """One call, if there is money, a turn and still a wish for it."""
        bound = self._bound(asked, arm_id)
        reserved = (bound or Decimal(0)) * self._tries
        try:
            await self._ledger.reserve(reserved)
        except LimitReachedError:
            self._ended = "limit"
            return
        cost: Decimal | None = Decimal(0)
        tries = 0
        try:
            arm = self._arm(arm_id)
            pace = self._pace(arm.model)
            begun = await pace.begin()
            slower, wait_s = False, 0.0
            try:
                if self._stopped() or arm_id in self._given_up:
                    return
                cost, tries = None, self._tries - 1  # until it is known, all of it may be charged
                cost, tries = await self._call(asked, arm, before)
                self._in_vain[arm_id] = 0
            except ProviderError as error:
                cost, tries = self._failed(asked, arm, error, before)
                slower = isinstance(error, RateLimitError | ProviderUnavailableError)
                wait_s = getattr(error, "retry_after_s", None) or 0.0
            finally:
                await pace.end(begun, slower, wait_s)
        except Exception as error:  # noqa: BLE001 - the log cannot be written, say: the run ends with it
            self._broken = self._broken or error
        finally:
            await self._ledger.settle(reserved, cost, tries, bound)

    async def _call(self, asked: Asked, arm: Arm, before: Call | None) -> tuple[Decimal | None, int]:
        """Log, ask, judge; the cost of the answer, and the tries before it that may be billed."""
        prompt = self._prompt(asked)
        decision = self._decider.settle(
            context(asked.messages, prompt.goal, prompt.task_type, self._params),
            arm.id,
            prompt_id=prompt.id,
            origin=FORCED,
            completion_id=self._decider.new_id(),
            why=_WHY,
        )
        await self._decider.alog([decision], [prompt])
        answer, completion = await self._caller.aanswer(
            prompt, asked.messages, arm, decision.completion_id, self._params
        )
        self._counted(arm.id, before, "answered", completion.cost_usd, completion.unpriced_retries)
        self._judge(asked, arm.id, completion.id, answer.text)
        return completion.cost_usd, completion.unpriced_retries

    def _failed(
        self, asked: Asked, arm: Arm, error: ProviderError, before: Call | None
    ) -> tuple[Decimal | None, int]:
        """What a failure costs; the Caller has stored it."""
        cost = self._caller.failure(
            self._prompt(asked), arm, self._decider.new_id(), error, self._decider.now()
        ).cost_usd
        self._counted(arm.id, before, "failed", cost, 0)
        said = str(error)
        self._standing.errors[said] = self._standing.errors.get(said, 0) + 1
        self._in_vain[arm.id] = self._in_vain.get(arm.id, 0) + 1
        if isinstance(error, RateLimitError):
            self._later.add((asked.row, arm.id))
        hopeless = isinstance(error, AuthenticationError | MissingKeyError | ModelNotFoundError)
        if hopeless or self._in_vain[arm.id] >= _IN_VAIN:
            self._given_up.setdefault(arm.id, said)
        return cost, self._tries - 1 if cost is None else 0

    def _counted(self, arm: str, before: Call | None, state: State, cost: Decimal | None, tries: int) -> None:
        known = self._standing.arms[arm]
        if before is not None and before.state == "failed":
            known.failed -= 1
        elif before is not None:
            known.cut_off -= 1
        known.answered += state == "answered"
        known.failed += state == "failed"
        self._standing.spent_usd += cost or Decimal(0)
        self._standing.unknown += cost is None or tries > 0

    def _judge(self, asked: Asked, arm: str, completion_id: str, text: str) -> None:
        """Store what the check says of an answer."""
        check = self._run._check
        if check is None:
            return
        said = check.judge(text, asked.reference)
        record = outcome_record(
            completion_id,
            "check",
            said.reward,
            new_id=self._decider.new_id,
            now=self._decider.now,
            comment=check.source if said.why in (None, "") else f"{check.source}: {said.why}",
        )
        self._waiting.write(self._run._store, Rows(outcomes=[record]))
        if said.reward is not None:
            self._standing.arms[arm].checked += 1
            self._standing.arms[arm].right += said.reward

    async def _check_late(self, asked: Asked, arm: str, call: Call) -> None:
        """Judge an answer that came just before a crash, and was not judged."""
        if call.state == "answered" and not call.checked and call.text is not None:
            self._judge(asked, arm, call.completion_id, call.text)

    def _prompt(self, asked: Asked) -> Prompt:
        noted = {BATCH: self._batch.id}
        if asked.reference is not None:
            with suppress(ArgumentError):  # it is too long to be noted, or looks like a key
                noted = require_metadata({**noted, REFERENCE: asked.reference})
        return self._decider.prompt(
            asked.messages,
            self._batch.goal,
            "batch",
            task_type=asked.task,
            params=self._params,
            run_all=True,
            id_=self._batch.prompt_id(asked.row),
            metadata=noted,
        )

    def _bound(self, asked: Asked, arm: str) -> Decimal | None:
        model = self._arm(arm).model
        return bound_usd(asked.messages, model, self._batch.max_tokens, self._decider.prices)

    def _pace(self, model: str) -> Pace:
        provider = model.partition("/")[0]
        if provider not in self._paces:
            self._paces[provider] = Pace(self._batch.at_once, self._batch.per_minute)
        return self._paces[provider]

    def _arm(self, id_: str) -> Arm:
        return self._run._arms[id_]

    @property
    def _params(self) -> dict[str, Any]:
        return {"max_tokens": self._batch.max_tokens}

    def _stopped(self) -> bool:
        return self._run._stop.is_set() or self._ended == "limit" or self._broken is not None
