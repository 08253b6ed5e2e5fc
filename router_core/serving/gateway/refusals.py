"""Errors as a client of OpenAI's API expects them: a status, and ``{"error": {message, type, param, code}}``."""

from __future__ import annotations

import math
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from router_core.errors import (
    ArgumentError,
    AuthenticationError,
    ConditionError,
    InvalidOutcomeError,
    MissingKeyError,
    ModelNotFoundError,
    NoEligibleArmError,
    PromptError,
    ProviderError,
    ProviderTimeoutError,
    RateLimitError,
    RequestRejectedError,
    RouterError,
    SettingsError,
    StoreError,
    UnknownArmError,
    UnknownPolicyError,
    UnknownRequestError,
)

_STATUSES: Final[tuple[tuple[type[RouterError], int, str], ...]] = (
    (ArgumentError, 400, "invalid_request"),
    (PromptError, 400, "invalid_prompt"),
    (InvalidOutcomeError, 400, "invalid_outcome"),
    (ConditionError, 400, "invalid_condition"),
    (UnknownRequestError, 404, "request_not_found"),
    (UnknownArmError, 404, "model_not_found"),
    (UnknownPolicyError, 404, "router_not_found"),
    (SettingsError, 404, "model_not_found"),  # the one that a request can cause: no such goal
    (RequestRejectedError, 400, "rejected_by_provider"),
    (ModelNotFoundError, 404, "model_not_found"),
    (RateLimitError, 429, "rate_limit_exceeded"),
    (ProviderTimeoutError, 504, "provider_timeout"),
    (MissingKeyError, 503, "no_provider_key"),
    (AuthenticationError, 502, "provider_refused_key"),  # 401 would speak of the caller's own key
    (ProviderError, 502, "provider_failed"),
    (NoEligibleArmError, 503, "no_model_eligible"),
    (StoreError, 503, "store_unavailable"),
)
_TYPES: Final = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}


class Refusal(Exception):
    """A request that is not served, and why.

    Args:
        status: of HTTP.
        message: a sentence: what was given, what is allowed, what to do.
        code: a word for programs.
        param: the field of the body that is wrong, where one is.
        retry_after_s: when to come again, in seconds.
    """

    def __init__(
        self, status: int, message: str, code: str, param: str | None = None, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.param, self.retry_after_s = status, code, param, retry_after_s


def refusal(error: Exception) -> Refusal:
    """The refusal that stands for an error: of a request that no model answered, that of the first one's cause."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, HTTPException):
        return Refusal(error.status_code, _said(error), _code(error.status_code))
    cause: Exception = error
    if isinstance(error, NoEligibleArmError) and error.causes:
        cause = next(iter(error.causes.values()))
    for kind, status, code in _STATUSES:
        if isinstance(cause, kind):
            return Refusal(status, str(error), code, retry_after_s=getattr(cause, "retry_after_s", None))
    return Refusal(500, "The gateway failed at this request, and its log says why; try again.", "internal_error")


def document(refused: Refusal) -> dict[str, Any]:
    """The body of the answer."""
    kind = "invalid_request_error" if refused.status < 500 else "server_error"
    error = {
        "message": str(refused),
        "type": _TYPES.get(refused.status, kind),
        "param": refused.param,
        "code": refused.code,
    }
    return {"error": error}


async def answer(request: Request, error: Exception) -> Response:
    """The response to a request that raised."""
    refused = refusal(error)
    headers = {}
    if refused.retry_after_s is not None:
        headers["retry-after"] = str(max(1, math.ceil(refused.retry_after_s)))
    if isinstance(error, HTTPException) and error.headers:
        headers.update(error.headers)
    return JSONResponse(document(refused), refused.status, headers)


def _said(error: HTTPException) -> str:
    if error.status_code == 404:
        return "There is no such address here; docs/gateway.md lists those that there are."
    if error.status_code == 405:
        return f"This address takes {(error.headers or {}).get('Allow', 'another method')} requests alone."
    return f"{error.detail}."


def _code(status: int) -> str:
    return {404: "unknown_address", 405: "method_not_allowed"}.get(status, "invalid_request")
