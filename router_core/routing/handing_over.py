"""Decisions that somebody else carries out: what the call took is reported beside its outcome.

Such a decision is logged like any other, drawn with an exact propensity. The answer that it leads to has its own
id, so that one id serves for both. Nothing is known of the call before the first report on it, and what that
leaves out stays unknown. See reporting.py for outcomes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from threading import Lock
from typing import Any, Final

from cachetools import LRUCache

from router_core.arguments import is_figure, require_text
from router_core.errors import ArgumentError, UnknownArmError
from router_core.routing.deciding import Decider
from router_core.store.base import Store
from router_core.store.values import Comparison
from router_core.types import NO_REASON, Completion, Decision, Prompt, Usage
from router_core.validation import shown

_STORED: Final = Decimal(1).scaleb(-12)  # dollars; the store keeps no smaller part
_REMEMBERED: Final = 10_000  # requests that were carried out here
_MOST: Final = {"cost_usd": 1e6, "input_tokens": 10**9, "output_tokens": 10**9, "latency_ms": 1e9}


@dataclass(frozen=True, slots=True)
class Took:
    """What a call took and brought; None: not reported."""

    cost_usd: Decimal | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    latency_ms: float | None = None
    text: str | None = None
    error: str | None = None

    @classmethod
    def reported(cls, **figures: Any) -> Took | None:
        """What was reported; None: nothing.

        Raises:
            ArgumentError: names the figure that cannot be one.
        """
        given = {name: value for name, value in figures.items() if value is not None}
        for name, value in given.items():
            if name in ("text", "error"):
                require_text(name, value)
            elif not is_figure(value, _MOST[name], whole=name.endswith("tokens")):
                kind = "a whole number" if name.endswith("tokens") else "a number"
                raise ArgumentError(f"{name} is {shown(value)}; give {kind} from 0 to {_MOST[name]:,.0f}, or None")
        if ("input_tokens" in given) != ("output_tokens" in given):
            raise ArgumentError("Only one of input_tokens and output_tokens is given; give both, or neither")
        if "cost_usd" in given:
            given["cost_usd"] = Decimal(str(given["cost_usd"])).quantize(_STORED)
        return cls(**given) if given else None


class HandedOver:
    """What is reported on decisions that somebody else carries out. Thread-safe.

    Args:
        decider: gives settings and prices.
        store: where the decisions are.
    """

    def __init__(self, decider: Decider, store: Store) -> None:
        self._decider = decider
        self._store = store
        self._own: LRUCache[str, None] = LRUCache(_REMEMBERED)
        self._lock = Lock()

    async def once(
        self, decision_id: str, prompt: Prompt, decide: Callable[[], Awaitable[Decision]], *, repeated: bool = True
    ) -> Decision:
        """The decision of this id: the one that was logged before, else a new one, which is logged.

        Args:
            decision_id: of the decision and of the answer that it leads to.
            prompt: what is decided on.
            decide: takes the decision.
            repeated: whether the id may have been logged before.

        Raises:
            ArgumentError: it was logged for another prompt, or was carried out here.
            StoreError: the log cannot be read or written.
        """
        logged = partial(self._decider.waiting.read, self.logged, decision_id, prompt)
        before = await logged() if repeated else None
        if before is not None:
            return before
        decision = replace(await decide(), id=decision_id, completion_id=decision_id)
        await self._decider.alog([decision], [prompt])
        return (await logged() if repeated else None) or decision  # another one may have been first

    def logged(self, decision_id: str, prompt: Prompt) -> Decision | None:
        """The decision of this id, where it was logged; None: it was not.

        Raises:
            ArgumentError: it was logged for another prompt, or was carried out here.
            StoreError: the log cannot be read.
        """
        found = self._store.decision(decision_id)
        if found is None:
            return None
        comparison = self._store.comparison(found.prompt_id)
        same = comparison is not None and comparison.prompt.sha256 == prompt.sha256
        if not same or found.goal != prompt.goal or found.completion_id != found.id:
            raise ArgumentError(f"decision_id {shown(decision_id)} was logged for another request; give a new one")
        return found

    def carried_out(self, request_id: str) -> None:
        """A request was carried out here: a report on it needs no look into the log."""
        with self._lock:
            self._own[request_id] = None

    def reported(self, request_id: str, took: Took | None) -> Completion | None:
        """The answer to store with a report on a request; None: there is none to store.

        Args:
            request_id: of the request.
            took: what its call took, as reported.

        Raises:
            ArgumentError: the call was made here; or something else was reported of it before.
            StoreError: the log cannot be read.
        """
        found = self._found(request_id)
        if found is None:
            if took is not None:
                raise ArgumentError(
                    f"The router has no decision {shown(request_id)} that somebody else carries out, so what its"
                    " call took cannot be reported: report the outcome alone, or the id of decide(..., log=True)"
                )
            return None
        decision, comparison = found
        before = next((one for one in comparison.completions if one.id == decision.id), None)
        if before is None:
            return self._answer(decision, took or Took())
        if took is not None and _differs(took, before):
            raise ArgumentError(
                f"The call of decision {shown(request_id)} was reported before, with other figures or none, and"
                " those stay; report what a call took once, with the first report on it"
            )
        return None

    def _found(self, request_id: str) -> tuple[Decision, Comparison] | None:
        """The decision with all that is stored about its prompt, where somebody else carries it out."""
        with self._lock:
            if request_id in self._own:
                return None
        decision = self._store.decision(request_id)
        if decision is None or decision.completion_id != decision.id:
            return None
        comparison = self._store.comparison(decision.prompt_id)
        return None if comparison is None else (decision, comparison)

    def _answer(self, decision: Decision, took: Took) -> Completion:
        try:
            model = self._decider.settings.arm(decision.goal, decision.chosen).model
        except UnknownArmError:  # it was taken out of the settings meanwhile
            model = decision.chosen.partition("?")[0]
        full = self._decider.settings.privacy.keep_texts == "full"
        error = took.error if full or took.error is None else "reported"
        answer = Completion(
            id=decision.id,
            prompt_id=decision.prompt_id,
            created_at=decision.created_at,
            goal=decision.goal,
            arm=decision.chosen,
            model=model,
            text=took.text if full else None,
            finish_reason=NO_REASON if error is None else None,
            usage=None,
            cost_usd=took.cost_usd,
            price=None,
            first_token_ms=None,
            total_ms=took.latency_ms,
            error=error,
        )
        if took.input_tokens is None or took.output_tokens is None:
            return answer
        usage = Usage(took.input_tokens, took.output_tokens)
        if took.cost_usd is not None:
            return replace(answer, usage=usage)
        charge = self._decider.prices.charge(model, usage, decision.created_at)
        return replace(answer, usage=charge.usage, price=charge.price, cost_usd=charge.cost_usd)


def _differs(took: Took, before: Completion) -> bool:
    """Whether something reported is not what is stored; texts that were not kept are no difference."""
    usage = before.usage
    known = {
        "cost_usd": before.cost_usd,
        "input_tokens": usage and usage.input_tokens,
        "output_tokens": usage and usage.output_tokens,
        "latency_ms": before.total_ms,
    }
    figures = ((value, getattr(took, name)) for name, value in known.items())
    texts = before.text is not None and took.text not in (None, before.text)
    return texts or any(said is not None and said != value for value, said in figures)
