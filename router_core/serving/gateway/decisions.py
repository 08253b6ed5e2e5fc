"""Decide, record, report, look up: for whoever calls the models elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, Final, Literal

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from router_core.errors import RouterError, UnknownRequestError
from router_core.features import CHARACTERS_PER_TOKEN, checked_messages
from router_core.noted import require_metadata
from router_core.serving.aio_forwarding import AUTO, GOAL, UnknownModelError, Wanted
from router_core.serving.base import UNSAID
from router_core.serving.gateway.bodies import MOST_BYTES, Fields, fields, parsed, read
from router_core.serving.gateway.callers import caller_of, limited
from router_core.serving.gateway.failures import Failure, RefusedError, failure
from router_core.serving.gateway.reading import OWN, wanted
from router_core.serving.gateway.routers import Routers
from router_core.store.base import Store
from router_core.types import Completion, Decision, OutcomeRecord
from router_core.validation import canonical_json

MOST_OUTCOMES: Final = 1_000
"""In one request."""


class Features(Fields):
    """What a policy may look at of messages that are not sent."""

    input_tokens: int = Field(ge=0, le=10**9)
    words: int | None = Field(default=None, ge=0, le=10**9)
    characters: int | None = Field(default=None, ge=0, le=10**9)

    def whole(self) -> dict[str, int]:
        """The same with what is not said estimated, for English."""
        characters = int(self.input_tokens * CHARACTERS_PER_TOKEN) if self.characters is None else self.characters
        words = characters // 6 if self.words is None else self.words
        return {"input_tokens": self.input_tokens, "words": words, "characters": characters}


class Asked(Fields):
    """A request for a decision."""

    messages: list[dict[str, Any]] | None = None
    features: Features | None = None
    model: str = AUTO
    goal: str | None = None
    task_type: str | None = None
    request_id: str | None = None
    session: str | None = None
    user: str | None = None
    metadata: dict[str, str] | None = None
    tools: list[Any] | None = None
    response_format: dict[str, Any] | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None

    def wanted(self, headers: Mapping[str, str]) -> Wanted:
        """The same request as for a completion. What has a name here stands before ``metadata``, headers before
        both.
        """  # fmt: skip
        if self.messages is None and self.features is None:
            raise RefusedError(Failure(400, "The field 'messages' is missing; send it, or 'features'", None))
        if self.messages is not None and self.features is not None:
            raise RefusedError(Failure(400, "Both 'messages' and 'features' are given; send one of them", None))
        features = None if self.features is None else self.features.whole()
        own = {"goal": self.goal, "task_type": self.task_type, "session_id": self.session}
        noted = {**(self.metadata or {}), **{name: value for name, value in own.items() if value is not None}}
        given = self.model_dump(exclude_none=True, exclude={"features", "request_id", "session", "metadata", *own})
        if features is not None:
            given["messages"] = [{"role": "user", "content": canonical_json(features)}]
        checked_messages(given["messages"], MOST_BYTES)
        require_metadata({name: value for name, value in noted.items() if name not in OWN})
        return replace(wanted({**given, "metadata": noted}, headers), features=features)


class Recorded(Fields):
    """What a call took that the caller made itself."""

    request_id: str
    cost_usd: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    latency_ms: float | None = None
    text: str | None = None
    error: str | None = None


class Reported(Fields):
    """An outcome."""

    request_id: str
    reward: float | bool | str | None = Field(union_mode="left_to_right")
    comment: str = ""
    source: Literal["api", "thumb", "check", "condition"] = "api"


_OTHER_NAMES: Final = {
    "inference_id": "request_id",
    "trace_id": "request_id",
    "id": "request_id",
    "outcome": "reward",
    "value": "reward",
    "score": "reward",
}


class Deciding:
    """The endpoints that call no model."""

    def __init__(self, routers: Routers) -> None:
        self._routers = routers

    async def decide(self, request: Request) -> Response:
        """``POST /v1/decide``: a logged decision, with its probabilities; the caller carries it out."""
        asked = fields(Asked, await _body(request))
        require_routed(asked.model)
        wanted = limited(asked.wanted(request.headers), caller_of(request.scope))
        async with self._routers.forwarding(wanted) as forwarding:
            decision = await forwarding.decide(wanted, asked.request_id)
        return JSONResponse(decided(decision), headers={"x-router-request-id": decision.id})

    async def record(self, request: Request) -> Response:
        """``POST /v1/record``: what the call took that followed a decision; its outcome may come later."""
        recorded = fields(Recorded, await _body(request))
        figures = recorded.model_dump(exclude={"request_id"}, exclude_none=True)
        if not figures:
            names = ", ".join(name for name in Recorded.model_fields if name != "request_id")
            raise RefusedError(Failure(400, f"Nothing is recorded; send one of {names}"))
        await self._report(recorded.request_id, UNSAID, goals=_goals(request), **figures)
        return JSONResponse({"request_id": recorded.request_id, "stored": True})

    async def outcomes(self, request: Request) -> Response:
        """``POST /v1/outcomes`` (and ``/v1/feedback``): one outcome, or an array of them, each with its own fate.

        An outcome may come late, again and corrected: the last one counts. A reward of null withdraws.
        """
        body = await _body(request)
        if not isinstance(body, list):
            return JSONResponse(await self._stored(body, _goals(request)))
        if len(body) > MOST_OUTCOMES:
            raise RefusedError(Failure(400, f"{len(body):,} outcomes at once; send at most {MOST_OUTCOMES:,}"))
        found = await asyncio.gather(*(self._stored(one, _goals(request)) for one in body), return_exceptions=True)
        data = []
        for one in found:
            if isinstance(one, RefusedError | RouterError):
                data.append({"stored": False, **failure(one).body})
            elif isinstance(one, BaseException):
                raise one
            else:
                data.append(one)
        return JSONResponse({"object": "list", "data": data})

    async def look_up(self, request: Request) -> Response:
        """``GET /v1/requests/ID``: the decision, its answer, and everything said of it."""
        id_ = request.path_params["id"]
        for store in await self._routers.stores():
            found = await asyncio.to_thread(_found, store, id_)
            goals = _goals(request)
            if found is not None and (goals is None or found["goal"] in goals):
                return JSONResponse(found)
        raise UnknownRequestError(f"No request has the id {id_[:80]!r}")

    async def _stored(self, given: Any, goals: Collection[str] | None) -> dict[str, Any]:
        said = fields(Reported, _in_our_names(given) if isinstance(given, dict) else given)
        more = {"comment": said.comment, "source": said.source, "goals": goals}
        await self._report(said.request_id, said.reward, **more)
        return {"request_id": said.request_id, "stored": True}

    async def _report(self, request_id: str, reward: Any, **more: Any) -> None:
        """Store it where the request is; goals share stores, and live and simulated ones have one each."""
        stores = await self._routers.stores()
        unknown: UnknownRequestError | None = None
        for goal in stores.values():
            async with self._routers.of(goal) as router:
                try:
                    await router.report(request_id, reward, **more)
                except UnknownRequestError as error:
                    unknown = error
                else:
                    return
        raise unknown or UnknownRequestError(f"No request has the id {request_id[:80]!r}")


def _goals(request: Request) -> Collection[str] | None:
    """The goals whose requests the caller may know of; None: all."""
    caller = caller_of(request.scope)
    return None if caller is None else caller.goals


def require_routed(model: str) -> None:
    """Make sure that a router is asked for, not a model.

    Raises:
        UnknownModelError: it is neither ``auto`` nor ``goal:NAME``.
    """
    if model != AUTO and not model.startswith(GOAL):
        raise UnknownModelError(f"model is {model[:100]!r}; write {AUTO!r}, or {GOAL!r} and the name of a goal")


def _in_our_names(given: dict[str, Any]) -> dict[str, Any]:
    """The fields of an outcome under our names.

    Raises:
        RefusedError: two names of the same field have different values.
    """
    found: dict[str, Any] = {}
    first: dict[str, str] = {}
    for name, value in given.items():
        ours = _OTHER_NAMES.get(name, name)
        if ours in found and (found[ours], type(found[ours])) != (value, type(value)):
            said = f"{first[ours]} and {name} name the same thing and have different values; send one of them"
            raise RefusedError(Failure(400, said, None, name))
        found[ours] = value
        first.setdefault(ours, name)
    return found


async def _body(request: Request) -> Any:
    return parsed(await read(request.receive, request.headers))


def decided(decision: Decision) -> dict[str, Any]:
    """A decision as a program reads it. Probabilities are those it was drawn with."""
    model, _, _ = decision.chosen.partition("?")
    return {
        "id": decision.id,
        "object": "decision",
        "created": int(decision.created_at.timestamp()),
        "goal": decision.goal,
        "model": model,
        "arm": decision.chosen,
        "probability": decision.propensity,
        "probabilities": dict(zip(decision.arms, decision.probabilities, strict=True)),
        "policy": decision.policy,
        "origin": decision.origin,
        "reason": decision.reason.summary,
        "decision_cost_usd": _dollars(decision.decision_cost_usd),
    }


def _found(store: Store, id_: str) -> dict[str, Any] | None:
    """A request by the id of its answer, or of a decision that somebody else carries out."""
    decision = store.decision_of(id_)
    if decision is None:
        return None
    comparison = store.comparison(decision.prompt_id)
    answers = [] if comparison is None else comparison.completions
    answer = next((one for one in answers if one.id == decision.completion_id), None)
    said = store.outcome_history(decision.completion_id)
    return {
        **decided(decision),
        "id": decision.completion_id,
        "object": "request",
        "decision_id": decision.id,
        "prompt_id": decision.prompt_id,
        "answer": None if answer is None else _answered(answer),
        "outcomes": [_said(one) for one in said],
    }


def _answered(answer: Completion) -> dict[str, Any]:
    usage = answer.usage
    return {
        "id": answer.id,
        "text": answer.text,
        "finish_reason": answer.finish_reason,
        "error": answer.error,
        "input_tokens": None if usage is None else usage.input_tokens,
        "output_tokens": None if usage is None else usage.output_tokens,
        "tokens_estimated": None if usage is None else usage.estimated,
        "cost_usd": _dollars(answer.cost_usd),
        "total_ms": answer.total_ms,
    }


def _said(outcome: OutcomeRecord) -> dict[str, Any]:
    return {
        "source": outcome.source,
        "reward": outcome.reward,
        "comment": outcome.comment,
        "created": int(outcome.created_at.timestamp()),
    }


def _dollars(amount: Any) -> float | None:
    return None if amount is None else float(amount)
