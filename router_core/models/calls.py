"""Calling models through the openai client: any OpenAI-compatible endpoint, several at once.

Clients are made at the first call, one per provider. A call is tried again after a rate limit, a failure or a
time-out, as the provider asks, within a deadline. Prices and the log stand elsewhere. What is read from an answer
(answers.py) and when it is tried again (retrying.py) is pure; here are the connections, the clock and the waiting.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

from router_core.at_once import at_once
from router_core.errors import (
    AuthenticationError,
    MissingKeyError,
    ProviderError,
    ProviderTimeoutError,
    SettingsError,
)
from router_core.finalisers import queued_in_collection
from router_core.models.answers import (
    Accumulator,
    NotAnAnswerError,
    received_anyway,
    usual_body,
    whole_answer,
)
from router_core.models.chunks import Chunks, whole_body
from router_core.models.client import patience
from router_core.models.errors import AnsweredWithError, provider_error, said_in
from router_core.models.events import is_json
from router_core.models.keys import key_of
from router_core.models.parameters import Refusals, changed, further_changes
from router_core.models.redaction import Redactor
from router_core.models.requests import body_of, request, secrets, wants_usage
from router_core.models.retrying import RetryPlan
from router_core.models.stream import AnswerStream
from router_core.models.templates import Templates
from router_core.models.turns import Turn, taken_turn
from router_core.models.waiting import Blocking, Waiting
from router_core.settings import ProviderSettings, Settings
from router_core.settings.environment import may_hold_key, why_no_key
from router_core.types import Message, Usage

if TYPE_CHECKING:
    import httpx2
    from openai.types.chat import ChatCompletion

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Answer:
    """One completed call. ``body`` is what came, as plain data; ``retries`` the failed tries before,
    ``unpriced_retries`` those of them that the provider may have billed. ``waited_ms`` for its turn at the
    provider is no part of ``total_ms``.
    """  # fmt: skip

    body: Mapping[str, Any]
    text: str
    finish_reason: str | None
    usage: Usage
    total_ms: float
    retries: int
    unpriced_retries: int = 0
    made: ChatCompletion | None = None
    waited_ms: float = 0.0

    @property
    def message(self) -> Mapping[str, Any]:
        """The first choice's."""
        message: Mapping[str, Any] = self.body["choices"][0]["message"]
        return message

    @property
    def response(self) -> ChatCompletion:
        """The openai client's own object."""
        return _made(self.body) if self.made is None else self.made


class Models:
    """Every configured model, by its id ``provider/model``. Thread-safe.

    Args:
        settings: providers, limits, and how simulated models behave.
        simulated: answer with simulated models instead; no key is needed and nothing leaves the process.
        environ: where API keys are found; by default the environment of the process.
        keys: provider -> its key, in place of the environment's (keys.py).
        refusals: which parameters the models have refused so far; by default nothing is known.
        clock, sleep: seconds; for tests.
        waiting: how calls wait. Under an event loop they are awaited: ``acomplete``, ``astream``, ``aclose``.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        simulated: bool = False,
        environ: Mapping[str, str] | None = None,
        keys: Mapping[str, str] | None = None,
        refusals: Refusals | None = None,
        clock: Callable[[], float] = time.perf_counter,
        sleep: Callable[[float], None] = time.sleep,
        waiting: Waiting | None = None,
    ) -> None:
        self._settings = settings
        self._simulated = simulated
        self._environ = os.environ if environ is None else environ
        self._keys = dict(keys or {})
        self._clock = clock
        self.waiting: Waiting = waiting or Blocking(sleep)
        self._clients: dict[tuple[object, str], Any] = {}
        self._lock = Lock()
        self.refusals = refusals or Refusals()
        self.templates = Templates()
        self._redactor: tuple[frozenset[str], Redactor] = (frozenset(), Redactor(()))

    def missing_keys(self) -> dict[str, str]:
        """Provider -> the environment variable that should hold its key and does not, or may not."""
        if self._simulated:
            return {}
        providers = self._settings.providers.items()
        return {name: one.api_key_env for name, one in providers if one.api_key_env and not self._key(name)}

    def require_keys(self, models: Iterable[str]) -> None:
        """Make sure that every one of these models can be asked.

        Raises:
            MissingKeyError: names the first environment variable that is not set, or may not hold a key, and the
                remedy.
        """
        missing = self.missing_keys()
        for model in models:
            name = _provider_name(model)
            if name in missing and not may_hold_key(missing[name], self._environ):
                raise MissingKeyError(f"No API key for {name}: {why_no_key(missing[name], self._environ)}")
            if name in missing:
                raise MissingKeyError(
                    f"no API key for {name}: set it with `export {missing[name]}=...`,"
                    " or ask for simulated models with ROUTER_SIMULATED=1"
                )

    def json_mode(self, model: str) -> bool:
        """Whether the model's provider honours ``response_format={"type": "json_object"}``."""
        return self._provider(model).json_mode

    async def acomplete(
        self,
        model: str,
        messages: Sequence[Message],
        params: Mapping[str, Any],
        *,
        deadline_s: float | None = None,
        max_retries: int | None = None,
        parsed: bool = True,
    ) -> Answer:
        """One answer, whole.

        Args:
            model: ``provider/model``.
            messages: the conversation, as the Chat Completions API takes it.
            params: further parameters of the API, known to the client or not; those that name the model, the
                messages, ``stream`` or ``timeout`` change nothing.
            deadline_s: seconds for the wait for a turn and all tries together; by default the settings
                ``calls.queue_s`` for the one and ``calls.deadline_s`` for the others.
            max_retries: further tries; by default the setting ``calls.max_retries``.
            parsed: whether the openai client's own object is wanted.

        Raises:
            MissingKeyError: before anything is sent.
            ProviderError: the subclass and the sentence say what went wrong.
        """
        client = self._client(model)
        redact = self._redact(params)
        own = body_of(params)

        async def begin(sent: Mapping[str, Any], left_s: float) -> Any:
            asked = request(model, messages, sent, params)
            raw = await self.waiting.create(client, {**asked, "timeout": patience(left_s, left_s)})
            with suppress(ValueError, RecursionError):  # what is not JSON is read, and refused, below
                AnsweredWithError.require_none(json.loads(raw.http_response.content))
            return raw

        async def ask(left_s: float) -> Any:
            return await self._adapted(model, own, lambda sent: begin(sent, left_s))

        turn, limit_s = await self._turn(model, deadline_s)
        started = self._clock()
        with turn.kept():
            raw, retries, unpriced = await self._persist(model, ask, started, limit_s, max_retries, redact, own)
        turn.end()
        total_ms = (self._clock() - started) * 1000.0
        body: Any = None
        try:
            sent = whole_body(raw.http_response.content, messages, params)
            body = usual_body(redact.within(sent))
            more = self.templates.tokens(model)
            said, usage = whole_answer(body, messages, params, raw.http_response.headers, more)
            plain = body is sent and is_json(raw.http_response.content)
            made = (raw.parse() if plain else _made(body)) if parsed else None
        except Exception as error:  # noqa: BLE001 - it was paid for: whatever is wrong with it, what came is kept
            failure = self._translated(error, model, redact)
            failure.received = received_anyway(body, messages, params)
            failure.maybe_billed = True
            failure.total_ms, failure.waited_ms = total_ms, turn.waited_ms
            raise failure from None
        self.templates.learn(model, messages, own, usage)
        came = (body, said.text or "", said.finish_reason, usage)
        return Answer(*came, total_ms, retries, unpriced, made, turn.waited_ms)

    async def astream(
        self,
        model: str,
        messages: Sequence[Message],
        params: Mapping[str, Any],
        *,
        deadline_s: float | None = None,
        max_retries: int | None = None,
    ) -> AnswerStream:
        """One answer, piece by piece. The first piece has arrived when this returns, so that whatever can be
        tried again has been.

        Takes and raises what ``acomplete`` does; iterating may raise ProviderError too.
        """  # fmt: skip
        client = self._client(model)
        redact = self._redact(params)
        own = body_of(params)
        counted = dict(own)
        if self._provider(model).stream_usage:
            counted.setdefault("stream_options", {"include_usage": True})

        async def begin(sent: Mapping[str, Any], left_s: float) -> tuple[Chunks, Any]:
            silence_s = min(left_s, self._settings.calls.first_token_s)
            asked = request(model, messages, sent, params)
            timeout = patience(silence_s, left_s)
            raw = await self.waiting.create(client, {**asked, "stream": True, "timeout": timeout})
            chunks = Chunks(raw.http_response, self.waiting)
            try:
                first = await anext(chunks, None)
                if first is None:
                    raise NotAnAnswerError("it is an empty stream")
                Accumulator(messages, params).add(first)  # what is refused here, another model may answer
            except GeneratorExit:  # the task was dropped with its loop
                raise
            except BaseException:
                await chunks.aclose()
                raise
            return chunks, first

        async def ask(left_s: float) -> tuple[Chunks, Any]:
            return await self._adapted(model, counted, lambda sent: begin(sent, left_s))

        turn, limit_s = await self._turn(model, deadline_s)
        started = self._clock()
        with turn.kept():
            (chunks, first), retries, unpriced_retries = await self._persist(
                model, ask, started, limit_s, max_retries, redact, own
            )
        chunks.turn = turn
        return AnswerStream(
            chunks,
            first,
            Accumulator(messages, params, chunks.headers, self.templates.tokens(model)),
            model=model,
            usage_wanted=wants_usage(own),
            started=started,
            deadline=started + limit_s,
            clock=self._clock,
            translate=lambda error: self._translated(error, model, redact),
            redact=redact,
            waiting=self.waiting,
            retries=retries,
            unpriced_retries=unpriced_retries,
        )

    def complete(
        self,
        model: str,
        messages: Sequence[Message],
        params: Mapping[str, Any],
        *,
        deadline_s: float | None = None,
        max_retries: int | None = None,
    ) -> Answer:
        """``acomplete``, where nothing is awaited."""
        asked = self.acomplete(model, messages, params, deadline_s=deadline_s, max_retries=max_retries)
        return at_once(asked)

    def stream(
        self,
        model: str,
        messages: Sequence[Message],
        params: Mapping[str, Any],
        *,
        deadline_s: float | None = None,
        max_retries: int | None = None,
    ) -> AnswerStream:
        """``astream``, where nothing is awaited."""
        asked = self.astream(model, messages, params, deadline_s=deadline_s, max_retries=max_retries)
        return at_once(asked)

    async def apass(
        self,
        model: str,
        path: str,
        body: Mapping[str, Any],
        headers: Mapping[str, str],
        deadline_s: float | None = None,
    ) -> httpx2.Response:
        """What another address of the model's provider answers, under an event loop; it is not read yet. The first
        byte is waited for as long as a stream's, and nothing is tried again.

        Args:
            model: ``provider/model``.
            path: below the provider's address, as in ``/embeddings``.
            body: sent as it is, but for the model's name.
            headers: sent along.
            deadline_s: seconds to the headers of the response; by default the setting ``calls.deadline_s``.

        Raises:
            MissingKeyError: before anything is sent.
            ProviderError: the subclass and the sentence say what went wrong.
        """
        from openai import AsyncStream

        client = self._client(model)
        calls, started = self._settings.calls, self._clock()
        limit_s = calls.deadline_s if deadline_s is None else deadline_s
        options = {
            "headers": {**headers, "X-Stainless-Raw-Response": "true"},
            "timeout": patience(limit_s, limit_s),
        }
        sent = {**body, "model": model.partition("/")[2]}
        try:
            async with self.waiting.until(started + limit_s, self._clock):
                raw = await client.post(
                    path, cast_to=object, body=sent, options=options, stream=True, stream_cls=AsyncStream[object]
                )
        except Exception as error:  # noqa: BLE001 - whatever the client raises becomes one of our errors
            failure = self._translated(error, model, self._redact({"extra_headers": headers}), body)
            failure.total_ms = (self._clock() - started) * 1000.0
            raise failure from None
        response: httpx2.Response = raw.http_response
        return response

    async def aclose(self) -> None:
        """Close every connection."""
        with self._lock:
            clients, self._clients = self._clients, {}
        for client in clients.values():
            await self.waiting.close_client(client)

    @queued_in_collection
    def close(self) -> None:
        """``aclose``, where nothing is awaited."""
        at_once(self.aclose())

    async def _adapted(
        self, model: str, params: Mapping[str, Any], send: Callable[[Mapping[str, Any]], Awaitable[Result]]
    ) -> Result:
        """Send the parameters that the model takes: where it refuses one by name, once more without it or under
        its other name. What made a call work is remembered.
        """  # fmt: skip
        from openai import APIConnectionError, APIError, APITimeoutError

        known = self.refusals.changes(model)
        changes, refused = known, False
        while True:
            try:
                result = await send(changed(params, changes))
            except APIConnectionError as error:
                if not refused or isinstance(error, APITimeoutError):
                    raise
                refused = False  # the server ended the connection behind its refusal
            except (APIError, AnsweredWithError) as error:
                said = said_in(error)
                further = further_changes(said, params, changes) if said.status in (400, 422) else None
                if further is None:
                    raise
                changes, refused = further, True
            else:
                if changes != known:
                    self.refusals.remember(model, changes)
                return result

    async def _persist(
        self,
        model: str,
        ask: Callable[[float], Awaitable[Result]],
        started: float,
        deadline_s: float | None,
        max_retries: int | None,
        redact: Redactor,
        sent: Mapping[str, Any],
    ) -> tuple[Result, int, int]:
        """Ask until it works or the plan of retries ends, all within one deadline.

        ``ask`` is told the seconds that are left. Returns the failed tries too, and how many of them the provider
        may have billed; where the last one fails, its error says whether any may have been.
        """
        calls = self._settings.calls
        limit_s = calls.deadline_s if deadline_s is None else deadline_s
        plan = RetryPlan(1 + (calls.max_retries if max_retries is None else max_retries), limit_s)
        while True:
            left_s = limit_s - (self._clock() - started)
            try:
                if left_s <= 0:
                    raise ProviderTimeoutError(f"{model} did not answer within {limit_s:g} s; try again later")
                async with self.waiting.until(started + limit_s, self._clock):
                    return await ask(left_s), plan.failed, plan.unpriced
            except Exception as error:  # noqa: BLE001 - whatever the client raises becomes one of our errors
                failure = self._translated(error, model, redact, sent)
            elapsed_s = self._clock() - started
            wait_s = plan.wait_s(failure, elapsed_s)
            if wait_s is None:
                failure.total_ms = elapsed_s * 1000.0
                raise failure from None  # the original could show the key
            await self.waiting.sleep(wait_s)

    async def _turn(self, model: str, deadline_s: float | None) -> tuple[Turn, float]:
        """A turn at the provider, and the seconds that are then left for its answer."""
        calls = self._settings.calls
        longest_s = calls.queue_s if deadline_s is None else deadline_s
        turn = Turn()
        if not self._simulated:
            turn = await taken_turn(model, self._provider(model), longest_s, self._clock, self.waiting)
        return turn, calls.deadline_s if deadline_s is None else deadline_s - turn.waited_ms / 1000.0

    def _provider(self, model: str) -> ProviderSettings:
        known = self._settings.providers
        if "/" not in model or _provider_name(model) not in known:
            raise SettingsError(
                f"{model!r} names no known provider; known: {sorted(known)}, as in 'openai/gpt-4o'"
            )
        return known[_provider_name(model)]

    def _key(self, name: str) -> str:
        """The key of a provider, or nothing."""
        return key_of(name, self._settings.providers[name], self._environ, self._keys)

    def _translated(
        self, error: Exception, model: str, redact: Redactor, sent: Iterable[str] = ()
    ) -> ProviderError:
        return provider_error(error, model, self._provider(model), redact, sent)

    def _redact(self, params: Mapping[str, Any]) -> Redactor:
        """Strikes out the keys of all providers, and those that the caller sends in headers of its own."""
        keys = frozenset(key for name in self._settings.providers if (key := self._key(name)))
        own = frozenset(secrets(params.get("extra_headers")))
        if own:
            return Redactor(keys | own)
        if self._redactor[0] != keys:
            self._redactor = (keys, Redactor(keys))
        return self._redactor[1]

    def _client(self, model: str) -> Any:
        provider, name = self._provider(model), _provider_name(model)
        self.require_keys([model])
        key = self._key(name)
        if not self._simulated and not re.fullmatch(r"[\x21-\x7e]*", key):
            raise AuthenticationError(
                f"the API key in {provider.api_key_env} holds a character that no key has; copy it once more"
            )
        place = (self.waiting.place, name)
        with self._lock:
            if place not in self._clients:
                self._clients[place] = (
                    self.waiting.simulated_client(self._settings.simulation)
                    if self._simulated
                    else self.waiting.live_client(provider.base_url, key)
                )
            return self._clients[place]


def _made(body: Mapping[str, Any]) -> ChatCompletion:
    """The client's own object, made without validation, as the client makes it."""
    from openai.types.chat import ChatCompletion

    return ChatCompletion.construct(**body)


def _provider_name(model: str) -> str:
    return model.partition("/")[0]
