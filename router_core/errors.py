"""Every error the library raises; one tree, one base.

RouterError
├── SettingsError            a setting is missing, misspelt, out of range or contradicts another
│   └── ArgumentError            an argument of a call is of the wrong kind or out of range
├── UnknownArmError          a name that is not an arm of the goal
├── UnknownPolicyError       a name that is not a router
├── NoEligibleArmError       nothing left to choose from; says why, arm by arm
├── InvalidOutcomeError      an outcome that is not a success, a failure or a number in [0, 1]
├── UnknownRequestError      an outcome for a request that was never made
├── ConditionError           a success condition that cannot be parsed or is not allowed
├── EvaluationError          data or an objective that cannot be judged
├── PromptError              an empty prompt, or one beyond the size limit
├── ProviderError            a model could not be asked, or did not answer
│   ├── MissingKeyError          no API key in the environment variable
│   ├── AuthenticationError      the provider refused the key
│   ├── ModelNotFoundError       the provider does not know the model
│   ├── RateLimitError           too many requests (carries retry_after_s)
│   ├── ProviderTimeoutError     no answer within the deadline
│   ├── ProviderUnavailableError no connection, or the provider failed (5xx)
│   ├── RequestRejectedError     the provider refused the request itself (4xx)
│   ├── MalformedResponseError   an answer that is not a chat completion
│   └── InterruptedStreamError   a stream that ended before its end
└── StoreError               the store cannot be used
    ├── StoreClosedError         it was closed before
    ├── StoreLockedError         another process holds the file
    ├── StoreReadOnlyError       the file or its folder cannot be written
    ├── StoreDamagedError        the file is not a readable database
    ├── StoreIncompleteError     changes that were acknowledged are missing
    ├── StoreTooNewError         written by a newer version of this library
    ├── StoreKindError           simulated and live data would be mixed
    └── StoreFullError           the disk is full

A message gives the value, what is allowed, and the remedy. This module leaves out every policy about *when*
to raise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router_core.types import Received


class RouterError(Exception):
    """Base of every error raised by router_core."""


class SettingsError(RouterError):
    """A setting is missing, misspelt, out of range or contradicts another."""


class ArgumentError(SettingsError):
    """An argument of a call is of the wrong kind or out of range."""


class UnknownArmError(RouterError):
    """A name was given that is not an arm of the goal."""


class UnknownPolicyError(RouterError):
    """A name was given that is not a router."""


class NoEligibleArmError(RouterError):
    """No arm is left to choose from.

    ``reasons`` maps each arm id to why it could not be used, ``causes`` those that were asked to their errors, in
    the order in which they were asked; ``status`` is the HTTP status of the first of them that had one.
    """

    def __init__(
        self,
        message: str,
        reasons: dict[str, str] | None = None,
        causes: Mapping[str, ProviderError] | None = None,
    ) -> None:
        super().__init__(message)
        self.reasons = dict(reasons or {})
        self.causes = dict(causes or {})
        statuses = (cause.status for cause in self.causes.values())
        self.status = next((status for status in statuses if status is not None), None)


class InvalidOutcomeError(RouterError):
    """An outcome is neither a success, a failure, unknown, nor a number in [0, 1]."""


class UnknownRequestError(RouterError):
    """An outcome names a request that this store has never seen."""


class ConditionError(RouterError):
    """A success condition cannot be parsed, is too large, or uses something that is not allowed."""


class EvaluationError(RouterError):
    """Labelled data, a log or an objective cannot be judged, or a result cannot be read."""


class PromptError(RouterError):
    """A prompt is empty or larger than the limit."""


class ProviderError(RouterError):
    """A model could not be asked, or did not answer. ``kind`` is the word kept in the log."""

    kind = "provider"
    maybe_billed = False
    """Whether the provider may charge for the call all the same: then its cost is unknown, not 0."""
    received: Received | None = None
    """What came before it failed, where anything did."""
    status: int | None = None
    """The HTTP status that the provider answered with, where it answered."""
    total_ms: float = 0.0
    """Milliseconds from the call to its failure, retries included."""
    waited_ms: float = 0.0
    """Milliseconds that it waited before for its turn at the provider."""
    parameter: str | None = None
    """The parameter of the caller's own that the provider did not take for its value, whatever the model."""


class MissingKeyError(ProviderError):
    """The environment variable that should hold the API key is not set."""

    kind = "missing key"


class AuthenticationError(ProviderError):
    """The provider refused the API key (401 or 403)."""

    kind = "authentication"


class ModelNotFoundError(ProviderError):
    """The provider does not know the model (404)."""

    kind = "model not found"


class RateLimitError(ProviderError):
    """The provider asks to slow down (429). ``retry_after_s`` is its own wish in seconds, where it gave one."""

    kind = "rate limit"

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ProviderTimeoutError(ProviderError):
    """No answer came within the deadline."""

    kind = "timeout"
    maybe_billed = True


class ProviderUnavailableError(ProviderError):
    """No connection could be made, it broke before the answer, or the provider failed with a 5xx status.

    ``retry_after_s`` is the provider's own wish in seconds, where it gave one.
    """

    kind = "unavailable"

    def __init__(self, message: str, retry_after_s: float | None = None, maybe_billed: bool = False) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.maybe_billed = maybe_billed


class RequestRejectedError(ProviderError):
    """The provider refused the request itself (another 4xx status)."""

    kind = "rejected"


class MalformedResponseError(ProviderError):
    """The provider answered with something that is not a chat completion."""

    kind = "malformed response"
    maybe_billed = True


class InterruptedStreamError(ProviderError):
    """A streamed answer broke off before the provider said that it was complete."""

    kind = "interrupted stream"
    maybe_billed = True


class StoreError(RouterError):
    """The store cannot be used."""


class StoreClosedError(StoreError):
    """The store was closed before."""


class StoreLockedError(StoreError):
    """Another process holds the store's file."""


class StoreReadOnlyError(StoreError):
    """The store's file or folder cannot be written."""


class StoreDamagedError(StoreError):
    """The file is not a database that can be read."""


class StoreIncompleteError(StoreError):
    """Changes that the store acknowledged are not in it: a part of its files was lost, cut or exchanged."""


class StoreTooNewError(StoreError):
    """The file was written by a newer version of this library."""


class StoreKindError(StoreError):
    """Simulated data would be written among live data, or the reverse."""


class StoreFullError(StoreError):
    """The disk is full; nothing of the last write was kept."""
