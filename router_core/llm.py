"""Calling models through the openai client: any OpenAI-compatible endpoint, several at once.

Clients are made at the first call, one per provider. A call is tried again after a rate limit, a failure or a
time-out, as the provider asks, within a deadline. Leaves out prices and the log.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

from router_core.errors import (
    MissingKeyError,
    ProviderError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    RateLimitError,
    RequestRejectedError,
    SettingsError,
)
from router_core.features import estimate_input_tokens, estimate_tokens, message_text
from router_core.llm_errors import malformed, provider_error
from router_core.llm_stream import AnswerStream, reported_usage
from router_core.settings import ProviderSettings, Settings
from router_core.types import Message, Usage

if TYPE_CHECKING:
    from openai import OpenAI
    from openai.types.chat import ChatCompletion

Result = TypeVar("Result")

_CONNECT_S = 10.0
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 8.0


@dataclass(frozen=True, slots=True)
class Answer:
    """One completed call. ``response`` is the openai client's own object, ``retries`` the failed tries before."""

    response: ChatCompletion
    text: str
    finish_reason: str | None
    usage: Usage
    total_ms: float
    retries: int


class Models:
    """Every configured model, by its id ``provider/model``. Thread-safe.

    Args:
        settings: providers, limits, and how simulated models behave.
        simulated: answer with simulated models instead; no key is needed and nothing leaves the process.
        environ: where API keys are found; by default the environment of the process.
        clock, sleep: seconds; for tests.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        simulated: bool = False,
        environ: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.perf_counter,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings = settings
        self._simulated = simulated
        self._environ = os.environ if environ is None else environ
        self._clock = clock
        self._sleep = sleep
        self._clients: dict[str, OpenAI] = {}
        self._lock = Lock()
        self._without_usage: set[str] = set()  # providers that turned stream_options down

    def missing_keys(self) -> dict[str, str]:
        """Provider -> the environment variable that should hold its key and does not."""
        if self._simulated:
            return {}
        wanted = ((name, provider.api_key_env) for name, provider in self._settings.providers.items())
        return {name: env for name, env in wanted if env is not None and not self._environ.get(env)}

    def require_keys(self, models: Iterable[str]) -> None:
        """Make sure that every one of these models can be asked.

        Raises:
            MissingKeyError: names the first environment variable that is not set, and the remedy.
        """
        missing = self.missing_keys()
        for model in models:
            name = model.split("/", 1)[0]
            if name in missing:
                raise MissingKeyError(
                    f"no API key for {name}: set it with `export {missing[name]}=...`,"
                    " or ask for simulated models with ROUTER_SIMULATED=1"
                )

    def json_mode(self, model: str) -> bool:
        """Whether the model's provider honours ``response_format={"type": "json_object"}``."""
        return self._provider(model).json_mode

    def complete(
        self,
        model: str,
        messages: Sequence[Message],
        params: Mapping[str, Any],
        *,
        deadline_s: float | None = None,
        max_retries: int | None = None,
    ) -> Answer:
        """One answer, whole.

        Args:
            model: ``provider/model``.
            messages: the conversation, as the Chat Completions API takes it.
            params: further parameters of the API.
            deadline_s: seconds for all tries together; by default the setting ``calls.deadline_s``.
            max_retries: further tries; by default the setting ``calls.max_retries``.

        Raises:
            MissingKeyError: before anything is sent.
            ProviderError: the subclass and the sentence say what went wrong.
        """
        started = self._clock()

        def ask(client: OpenAI, left_s: float) -> ChatCompletion:
            import httpx2

            response: ChatCompletion = client.chat.completions.create(
                **_request(model, messages, params, httpx2.Timeout(left_s, connect=min(_CONNECT_S, left_s)))
            )
            choices = getattr(response, "choices", None)
            if not choices or getattr(choices[0], "message", None) is None:
                raise malformed(model, "it has no choices")
            return response

        response, retries = self._persist(model, ask, deadline_s, max_retries)
        choice = response.choices[0]
        text = message_text({"content": choice.message.content})
        usage = reported_usage(response.usage)
        if usage is None:
            usage = Usage(estimate_input_tokens(messages), estimate_tokens(text), estimated=True)
        total_ms = (self._clock() - started) * 1000.0
        return Answer(response, text, choice.finish_reason, usage, total_ms, retries)

    def stream(
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

        Takes and raises what ``complete`` does; iterating may raise ProviderError too.
        """  # fmt: skip
        started = self._clock()
        deadline = started + (self._settings.calls.deadline_s if deadline_s is None else deadline_s)
        name = model.split("/", 1)[0]
        provider = self._provider(model)

        def ask(client: OpenAI, left_s: float) -> tuple[Any, Any]:
            import httpx2

            asked = dict(params)
            if provider.stream_usage and name not in self._without_usage:
                asked.setdefault("stream_options", {"include_usage": True})
            silence = min(left_s, self._settings.calls.first_token_s)
            timeout = httpx2.Timeout(silence, connect=min(_CONNECT_S, silence))
            chunks = client.chat.completions.create(**_request(model, messages, asked, timeout), stream=True)
            try:
                return chunks, next(iter(chunks))
            except StopIteration:
                raise malformed(model, "the stream was empty") from None

        try:
            (chunks, first), retries = self._persist(model, ask, deadline_s, max_retries)
        except RequestRejectedError as error:
            if "stream_options" not in str(error) or name in self._without_usage or "stream_options" in params:
                raise
            self._without_usage.add(name)
            (chunks, first), retries = self._persist(model, ask, deadline_s, max_retries)
        return AnswerStream(
            chunks,
            first,
            model=model,
            messages=messages,
            started=started,
            deadline=deadline,
            clock=self._clock,
            translate=lambda error: self._translated(error, model),
            retries=retries,
        )

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            clients, self._clients = self._clients, {}
        for client in clients.values():
            client.close()

    def _persist(
        self,
        model: str,
        ask: Callable[[OpenAI, float], Result],
        deadline_s: float | None,
        max_retries: int | None,
    ) -> tuple[Result, int]:
        """Ask until it works, the tries are used up, or the next wait would pass the deadline."""
        from tenacity import RetryCallState, Retrying, retry_if_exception, wait_random_exponential

        calls = self._settings.calls
        limit_s = calls.deadline_s if deadline_s is None else deadline_s
        tries = 1 + (calls.max_retries if max_retries is None else max_retries)
        started = self._clock()
        client = self._client(model)
        growing = wait_random_exponential(multiplier=_FIRST_WAIT_S, min=_FIRST_WAIT_S / 2, max=_LONGEST_WAIT_S)

        def left_s() -> float:
            return limit_s - (self._clock() - started)

        def attempt() -> Result:
            if left_s() <= 0:
                raise ProviderTimeoutError(f"{model} did not answer within {limit_s:g} s; try again later")
            try:
                return ask(client, left_s())
            except ProviderError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever the client raises becomes one of our errors
                raise self._translated(error, model) from None  # the original could show the key

        def wait(state: RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            wish = getattr(error, "retry_after_s", None)
            return float(wish) if wish is not None else growing(state)

        def stop(state: RetryCallState) -> bool:
            return state.attempt_number >= tries or state.upcoming_sleep >= left_s()

        retrying = Retrying(
            retry=retry_if_exception(_worth_another_try), wait=wait, stop=stop, sleep=self._sleep, reraise=True
        )
        result = retrying(attempt)
        return result, retrying.statistics["attempt_number"] - 1

    def _provider(self, model: str) -> ProviderSettings:
        name = model.split("/", 1)[0]
        try:
            return self._settings.providers[name]
        except KeyError:
            known = sorted(self._settings.providers)
            raise SettingsError(f"{model!r} names no known provider; known: {known}") from None

    def _key(self, model: str) -> str | None:
        env = self._provider(model).api_key_env
        return self._environ.get(env) if env is not None else None

    def _translated(self, error: Exception, model: str) -> ProviderError:
        if isinstance(error, ProviderError):
            return error
        return provider_error(error, model, self._provider(model), self._key(model))

    def _client(self, model: str) -> OpenAI:
        provider, name = self._provider(model), model.split("/", 1)[0]
        self.require_keys([model])
        with self._lock:
            if name not in self._clients:
                self._clients[name] = self._new_client(provider, self._key(model))
            return self._clients[name]

    def _new_client(self, provider: ProviderSettings, key: str | None) -> OpenAI:
        import httpx2
        from openai import OpenAI

        if not self._simulated:
            return OpenAI(base_url=provider.base_url, api_key=key or "none", max_retries=0)
        from router_core.simulated import BASE_URL, SimulatedTransport

        transport = SimulatedTransport(self._settings.simulation)
        return OpenAI(
            base_url=BASE_URL, api_key="none", max_retries=0, http_client=httpx2.Client(transport=transport)
        )


def _worth_another_try(error: BaseException) -> bool:
    return isinstance(error, RateLimitError | ProviderUnavailableError | ProviderTimeoutError)


def _request(model: str, messages: Sequence[Message], params: Mapping[str, Any], timeout: Any) -> dict[str, Any]:
    return {**params, "timeout": timeout, "model": model.split("/", 1)[1], "messages": list(messages)}
