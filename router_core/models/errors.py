"""What the openai client raises, in our own words with a remedy; an API key is never among them.

What the error of a provider says is read in error_bodies.py, what to do about it stands in remedies.py. Nothing is
done here: retrying.py tries again, the router asks the next model.
"""

from __future__ import annotations

import email.utils
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC
from typing import Any

from router_core.errors import (
    MalformedResponseError,
    ProviderError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    RequestRejectedError,
)
from router_core.models.error_bodies import ErrorBody, error_in_place_of_answer, read_error
from router_core.models.parameters import mistaken_parameter, named_parameter
from router_core.models.redaction import cut_tokens
from router_core.models.remedies import Asked, status_error
from router_core.settings import ProviderSettings

_LONGEST_WISH_S = 30 * 86_400.0
_MOST_QUOTED = 300


class AnsweredWithError(Exception):
    """A provider sent an error with status 200, where an answer should be."""

    def __init__(self, said: ErrorBody) -> None:
        super().__init__(said.text)
        self.said = said

    @classmethod
    def require_none(cls, body: Any) -> None:
        """Raise where the body holds an error and no answer."""
        said = error_in_place_of_answer(body)
        if said is not None:
            raise cls(said)


def said_in(error: Exception) -> ErrorBody:
    """What the provider said in an error: its status first of HTTP, else the one that the body names or means."""
    import openai

    if isinstance(error, AnsweredWithError):
        return error.said
    if isinstance(error, openai.APIStatusError):
        said = read_error(error.body if error.body is not None else "")
        return replace(said, status=error.status_code)
    if isinstance(error, openai.APIError) and error.body is not None:  # an event of a stream
        return error_in_place_of_answer({"error": error.body}) or ErrorBody(str(error))
    return ErrorBody(str(error) or type(error).__name__)


def provider_error(
    error: Exception,
    model: str,
    provider: ProviderSettings,
    redact: Callable[[str], str],
    sent: Iterable[str] = (),
) -> ProviderError:
    """The error to raise in place of one of the openai client's.

    Args:
        error: what was raised.
        model: ``provider/model``.
        provider: its settings, for the remedy.
        redact: strikes out the keys that the provider may echo.
        sent: names of the parameters of the call.
    """
    import httpx2
    import openai

    causes = list(_causes(error))
    ours = next((cause for cause in causes if isinstance(cause, ProviderError)), None)
    if ours is not None:
        return ours
    body = said_in(error)
    said = _quoted(body.text, redact)
    name = model.split("/", 1)[0]
    if isinstance(error, openai.APITimeoutError | TimeoutError):
        late = ProviderTimeoutError(
            f"{model} did not answer in time; try again, or raise calls.deadline_s or calls.first_token_s"
        )
        late.maybe_billed = not isinstance(error.__cause__, httpx2.ConnectTimeout | httpx2.PoolTimeout)
        return late
    if body.status is not None:
        wait_s = retry_after_s(getattr(getattr(error, "response", None), "headers", {}))
        flags = tuple(_quoted(flag, redact) for flag in body.flags)
        asked = Asked(model, provider, named_parameter(body, sent), wait_s)
        refusal = status_error(body.status, replace(body, flags=flags), said, asked)
        if body.status in (400, 422):
            refusal.parameter = mistaken_parameter(body, {*sent, "messages"})
        return refusal
    if isinstance(error, openai.APIConnectionError):
        if isinstance(error.__cause__, httpx2.DecodingError):
            return _malformed(model, f"it cannot be unpacked: {redact(str(error.__cause__))[:200]}")
        if isinstance(error.__cause__, httpx2.TooManyRedirects):
            return RequestRejectedError(f"{name} redirects in a circle; check the address {provider.base_url}")
        if isinstance(error.__cause__, httpx2.ReadError | httpx2.WriteError | httpx2.RemoteProtocolError):
            return ProviderUnavailableError(
                f"the connection to {name} broke before the whole answer came; try again", maybe_billed=True
            )
        return ProviderUnavailableError(
            f"no connection to {name} at {provider.base_url}; check the address and that the server is running"
        )
    if isinstance(error, TypeError | httpx2.InvalidURL):
        return RequestRejectedError(f"{model} could not be asked ({said}); check its parameters")
    if isinstance(error, RecursionError):
        return _malformed(model, "its parts are nested too deeply")
    if isinstance(error, MemoryError):
        return _malformed(model, "it does not fit into memory")
    if isinstance(error, openai.APIResponseValidationError | ValueError):
        return _malformed(model, said)
    return ProviderUnavailableError(f"{model} failed while answering: {said}; try again", maybe_billed=True)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what led to it."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__


def _malformed(model: str, said: str) -> MalformedResponseError:
    """An answer that is not a chat completion."""
    return MalformedResponseError(
        f"{model} sent something that is not a chat completion ({said});"
        " check that the base URL is that of an OpenAI-compatible endpoint, ending in /v1"
    )


def retry_after_s(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """The seconds that a provider asks to wait, at most 30 days, from retry-after-ms or Retry-After (seconds or a
    date); None where it asks for nothing that can be understood.
    """  # fmt: skip
    for header, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            seconds = float(headers[header]) / unit
        except (KeyError, ValueError):
            continue
        return min(max(0.0, seconds), _LONGEST_WISH_S) if math.isfinite(seconds) else None
    try:
        moment = email.utils.parsedate_to_datetime(headers["retry-after"])
        stamp = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (KeyError, ValueError, TypeError, OverflowError, OSError):
        return None
    return min(max(0.0, stamp - (time.time() if now is None else now)), _LONGEST_WISH_S)


def _quoted(said: str, redact: Callable[[str], str]) -> str:
    """What the provider said, in one line, without anything that may be a key."""
    return " ".join(cut_tokens(redact(said)).split())[:_MOST_QUOTED]
