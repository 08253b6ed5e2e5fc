"""What the openai client raises, in our own words with a remedy; an API key is never among them.

What is done about it stands elsewhere: retrying.py tries again, the router asks the next model.
"""

from __future__ import annotations

import email.utils
import math
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC

from router_core.errors import (
    AuthenticationError,
    MalformedResponseError,
    ModelNotFoundError,
    ProviderError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    RateLimitError,
    RequestRejectedError,
)
from router_core.models.redaction import cut_tokens
from router_core.settings import ProviderSettings

_LONGEST_WISH_S = 30 * 86_400.0


def provider_error(
    error: Exception, model: str, provider: ProviderSettings, redact: Callable[[str], str]
) -> ProviderError:
    """The error to raise in place of one of the openai client's.

    Args:
        error: what was raised.
        model: ``provider/model``.
        provider: its settings, for the remedy.
        redact: strikes out the keys that the provider may echo.
    """
    import httpx2
    import openai

    causes = list(_causes(error))
    ours = next((cause for cause in causes if isinstance(cause, ProviderError)), None)
    if ours is not None:
        return ours
    said = _quoted(error, redact)
    name = model.split("/", 1)[0]
    if isinstance(error, openai.APITimeoutError):
        late = ProviderTimeoutError(
            f"{model} did not answer in time; try again, or raise calls.deadline_s or calls.first_token_s"
        )
        late.maybe_billed = not isinstance(error.__cause__, httpx2.ConnectTimeout | httpx2.PoolTimeout)
        return late
    if isinstance(error, openai.APIStatusError):
        return _status_error(error, error.status_code, said, model, name, provider)
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
    """An answer that is no chat completion."""
    return MalformedResponseError(
        f"{model} sent something that is not a chat completion ({said});"
        " check that the base URL is that of an OpenAI-compatible endpoint, ending in /v1"
    )


def _status_error(
    error: Exception, status: int, said: str, model: str, name: str, provider: ProviderSettings
) -> ProviderError:
    if status in (401, 403):
        where = f"in {provider.api_key_env}" if provider.api_key_env else "(none is set for this provider)"
        return AuthenticationError(
            f"{name} refused the API key {where} ({status}: {said}); check that it is valid and may use {model}"
        )
    if status == 404:
        return ModelNotFoundError(
            f"{name} does not know the model {model.split('/', 1)[-1]!r} (404: {said});"
            f" check its name, and the address {provider.base_url}"
        )
    if status == 408:
        return ProviderTimeoutError(f"{model} gave up waiting (408: {said}); try again")
    if status == 429:
        if "insufficient_quota" in (getattr(error, "code", "") or "") or "insufficient_quota" in said:
            return RequestRejectedError(
                f"{name} has no credit left for this key (429: {said}); add credit or use another model"
            )
        wait = retry_after_s(getattr(getattr(error, "response", None), "headers", {}))
        when = "a little later" if wait is None else _in(wait)
        return RateLimitError(f"{model} is asked too often (429: {said}); try again {when}", wait)
    if status >= 500 or status == 409:
        wait = retry_after_s(getattr(getattr(error, "response", None), "headers", {}))
        return ProviderUnavailableError(f"{name} failed ({status}: {said}); try again later", wait)
    return RequestRejectedError(
        f"{model} refused the request ({status}: {said}); check the prompt's length and the parameters"
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


def _in(seconds: float) -> str:
    for size, unit in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"in {seconds / size:.0f} {unit}"
    return f"in {max(1.0, seconds):.0f} s"


def _quoted(error: Exception, redact: Callable[[str], str]) -> str:
    """What the provider said, in one line, without anything that may be a key."""
    body = getattr(error, "body", None)
    said = str(body.get("message") or "") if isinstance(body, dict) else ""
    said = said or str(error) or type(error).__name__
    return " ".join(cut_tokens(redact(said)).split())[:200]
