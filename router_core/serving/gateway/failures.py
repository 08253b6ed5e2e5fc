"""What went wrong, as OpenAI's API says it: a status, and an error in JSON. Pure.

The cause decides, not who noticed it: behind "no model answered" stands a rate limit, a refusal or a time-out. 401
is kept for the gateway's own keys; a key that a provider refuses is a fault behind the gateway.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.exceptions import HTTPException

from router_core.errors import (
    ArgumentError,
    InvalidOutcomeError,
    MissingKeyError,
    ModelNotFoundError,
    NoEligibleArmError,
    PromptError,
    ProviderError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    RateLimitError,
    RequestRejectedError,
    RouterError,
    StoreError,
    UnknownRequestError,
)
from router_core.serving.aio_forwarding import UnknownModelError

_OF_REQUESTS: Final = (400, 404, 409, 413, 415, 422)
_KINDS: Final = {
    400: "invalid_request_error",
    404: "invalid_request_error",
    408: "timeout_error",
    429: "rate_limit_error",
    500: "server_error",
    502: "upstream_error",
    503: "server_error",
    504: "timeout_error",
}
_BEFORE: Final = (429, 503, 504, 502, 400, 404)
"""Where models failed for different causes, the first of these: those that pass with time come first."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One error: its status, its code and parameter, its sentence; ``headers`` may say when to come back."""

    status: int
    said: str
    code: str | None = None
    param: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def body(self) -> dict[str, Any]:
        """In OpenAI's form."""
        kind = _KINDS.get(self.status, "invalid_request_error" if self.status < 500 else "server_error")
        return {"error": {"message": self.said, "type": kind, "param": self.param, "code": self.code}}


class RefusedError(Exception):
    """A request that is not served; its ``failure`` says why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.said)
        self.failure = failure


def failure(error: Exception) -> Failure:
    """How an error is told to a program. Of one that is none of ours nothing is told."""
    if isinstance(error, RefusedError):
        return error.failure
    if isinstance(error, HTTPException):
        return _of_http(error)
    if not isinstance(error, RouterError):
        return Failure(500, "The gateway failed; its own log says why", "internal_error")
    if isinstance(error, NoEligibleArmError) and error.causes:
        told = [_of_provider(cause) for cause in error.causes.values()]
        first = min(told, key=lambda one: (_rank(one.status), float(one.headers.get("retry-after", math.inf))))
        return Failure(first.status, str(error), first.code, first.param, first.headers)
    if isinstance(error, ProviderError):
        return _of_provider(error)
    status, code = _by_kind(error)
    return Failure(status, str(error), code)


def _of_http(error: HTTPException) -> Failure:
    headers = dict(error.headers or {})
    if error.status_code == 404:
        return Failure(
            404, "There is no such address here; docs/gateway.md lists those that there are", "not_found"
        )
    if error.status_code == 405:
        allowed = headers.get("Allow", "another method")
        return Failure(405, f"This address takes {allowed} alone", "method_not_allowed", headers=headers)
    return Failure(error.status_code, error.detail, headers=headers)


def _by_kind(error: RouterError) -> tuple[int, str | None]:
    if isinstance(error, UnknownModelError):
        return 404, "model_not_found"
    if isinstance(error, UnknownRequestError):
        return 404, "request_not_found"
    if isinstance(error, NoEligibleArmError):
        return 503, "no_eligible_model"
    if isinstance(error, PromptError | ArgumentError | InvalidOutcomeError):
        return 400, None
    if isinstance(error, StoreError):
        return 503, "store_unavailable"
    return 500, None


def _of_provider(error: ProviderError) -> Failure:
    said, param = str(error), error.parameter
    if isinstance(error, RateLimitError):
        return Failure(429, said, "rate_limit_exceeded", param, _later(error.retry_after_s))
    if isinstance(error, ProviderTimeoutError):
        return Failure(504, said, "timeout", param)
    if isinstance(error, ModelNotFoundError):
        return Failure(404, said, "model_not_found", param)
    if isinstance(error, MissingKeyError):
        return Failure(503, said, "no_provider_key", param)
    if isinstance(error, ProviderUnavailableError):
        status = 503 if error.status == 503 else 502
        return Failure(status, said, "upstream_unavailable", param, _later(error.retry_after_s))
    if isinstance(error, RequestRejectedError) and error.status in _OF_REQUESTS:
        return Failure(400, said, "upstream_refused", param)
    return Failure(502, said, "upstream_error", param)


def _later(seconds: float | None) -> dict[str, str]:
    return {} if seconds is None else {"retry-after": str(max(1, math.ceil(seconds)))}


def _rank(status: int) -> int:
    return _BEFORE.index(status) if status in _BEFORE else len(_BEFORE)
