"""What the openai client raises, in our own words with a remedy; an API key is never among them.

Leaves out what to do about it (llm.py retries, router.py falls back).
"""

from __future__ import annotations

import email.utils
import re
import time
from collections.abc import Mapping

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
from router_core.settings import ProviderSettings

_KEY_SHAPE = re.compile(r"\b(sk|pk|key|gsk|xai)[-_][\w\-*.…]{6,}", re.IGNORECASE)


def provider_error(error: Exception, model: str, provider: ProviderSettings, key: str) -> ProviderError:
    """The error to raise in place of one of the openai client's.

    Args:
        error: what was raised.
        model: ``provider/model``.
        provider: its settings, for the remedy.
        key: the API key (empty: none), to be struck out wherever the provider echoes it.
    """
    import httpx2
    import openai

    if isinstance(error, ProviderError):
        return error
    said = _quoted(error, key)
    name = model.split("/", 1)[0]
    if isinstance(error, openai.APITimeoutError):
        return ProviderTimeoutError(
            f"{model} did not answer in time; try again, or raise calls.deadline_s or calls.first_token_s"
        )
    if isinstance(error, openai.APIStatusError):
        return _status_error(error, error.status_code, said, model, name, provider)
    if isinstance(error, openai.APIConnectionError):
        if isinstance(error.__cause__, httpx2.ReadError | httpx2.RemoteProtocolError):
            return ProviderUnavailableError(
                f"the connection to {name} broke before the whole answer came; try again", maybe_billed=True
            )
        return ProviderUnavailableError(
            f"no connection to {name} at {provider.base_url}; check the address and that the server is running"
        )
    if isinstance(error, UnicodeEncodeError):
        return AuthenticationError(
            f"the API key in {provider.api_key_env} holds a character that no key has; copy it once more"
        )
    if isinstance(error, TypeError):
        return RequestRejectedError(f"{model} could not be asked ({said}); check its parameters")
    if isinstance(error, openai.APIResponseValidationError | ValueError):
        return _malformed(model, said)
    return ProviderUnavailableError(f"{model} failed while answering: {said}; try again")


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
        when = "a little later" if wait is None else f"in {wait:.0f} s"
        return RateLimitError(f"{model} is asked too often (429: {said}); try again {when}", wait)
    if status >= 500 or status == 409:
        wait = retry_after_s(getattr(getattr(error, "response", None), "headers", {}))
        return ProviderUnavailableError(f"{name} failed ({status}: {said}); try again later", wait)
    return RequestRejectedError(
        f"{model} refused the request ({status}: {said}); check the prompt's length and the parameters"
    )


def retry_after_s(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """The seconds that a provider asks to wait, from retry-after-ms or Retry-After (seconds or a date)."""
    for header, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            return max(0.0, float(headers[header]) / unit)
        except (KeyError, ValueError):
            continue
    try:
        moment = email.utils.parsedate_to_datetime(headers["retry-after"])
    except (KeyError, ValueError):
        return None
    return max(0.0, moment.timestamp() - (time.time() if now is None else now))


def _quoted(error: Exception, key: str) -> str:
    body = getattr(error, "body", None)
    said = str(body.get("message") or "") if isinstance(body, dict) else ""
    said = " ".join((said or str(error) or type(error).__name__).split())
    if key:
        said = said.replace(key, "[key]")
    return _KEY_SHAPE.sub("[key]", said)[:200]
