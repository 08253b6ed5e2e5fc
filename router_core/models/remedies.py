"""What to do about an error of a provider: our error for its status and its words. Pure.

The words go before the status where they are clearer: proxies send a wrong key or an unknown model as 400, and a
403 may be about the key, the region or the prompt. What the body says is read in error_bodies.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from router_core.errors import (
    AuthenticationError,
    ModelNotFoundError,
    ProviderError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    RateLimitError,
    RequestRejectedError,
)
from router_core.models.error_bodies import ErrorBody
from router_core.settings import ProviderSettings


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_DATA_POLICY: Final = _words(r"data[- ]policy|settings/privacy|privacy settings|zero[- ]data[- ]retention|\bZDR\b")
_FILTERED: Final = _words(
    r"content[_ -]?(filter|polic|management|moderat|violation)|responsible_?ai|data_inspection_failed"
    r"|\bmoderation\b|\bflagged\b|prohibited[_ ]content|inappropriate content|sensitive content"
    r"|safety (system|filter|setting|polic)|content_safety|violat\w+ .{0,40}\b(usage |use )?polic"
)
_ANSWER: Final = _words(r"\b(output|response|answer|completion|generated|generation)\b")
_PROMPT: Final = _words(r"\b(prompt|input|request|message)s?\b")
_NO_CREDIT: Final = _words(
    r"insufficient[_ ](quota|balance|credits?|funds?)|(credit )?balance is too low|out of (credits?|funds?)"
    r"|no credits? (left|remaining)|not enough (credits?|funds?|balance)|(requires|need) more credits"
    r"|payment required|billing[_ ](hard[_ ])?limit|arrear|purchase credits|top up"
    r"|(spend\w*|budget)\W+(limit\W+)?.{0,30}exceeded|exceeded .{0,20}budget"
)
_QUOTA: Final = _words(r"\bquota\b.{0,60}\b(used up|exhausted|exceeded|reached)|exceeded .{0,30}\bquota\b")
_REGION: Final = _words(
    r"unsupported_country|(country|region|territory|location)\b[^.]{0,60}"
    r"\b(not|un)[ -]?(supported|available|allowed|permitted|served)"
    r"|(not|un)[ -]?(supported|available|allowed|permitted|served) (in|from|for) (your|this)"
    r" (country|region|territory|location)"
)
_KEY: Final = _words(
    r"(invalid|incorrect|expired|revoked|missing|wrong|unknown|disabled|malformed|no|bad)[ _-](\w+[ _-]){0,3}?"
    r"(api[ _-]?key|virtual key|(access|auth|bearer|server|proxy|session|id)[ _-]token|credentials?)\b"
    r"|(api[ _-]?key|virtual key|(access|auth|bearer|server|proxy) token|credentials?)\b[^.]{0,60}\b(not valid"
    r"|not found|invalid|incorrect|expired|revoked|missing|required|disabled|not provided|does not exist)"
    r"|authentication[ _]?(error|failed|required)|\bunauthenticated\b|not authenticated"
)
_MODEL: Final = _words(
    r"model_not_found|model_not_exist|invalid_model|unknown_model|model_decommissioned"
    r"|\bmodel\b[^;]{0,80}\b(not found|(does ?n[o']t|not) exist|decommissioned|not loaded"
    r"|no longer (available|supported))"
    r"|\b(invalid|unknown|no such|unrecogni[sz]ed) model\b|not a valid model"
)
_CAPACITY: Final = _words(r"capacity|overloaded")
_NOWHERE: Final = _words(r"no (endpoints?|providers?) (was |were )?found .{0,40}\bsupports?\b")
_NO_CAPACITY: Final = (498, 529)


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked when the error came.

    Attributes:
        model: ``provider/model``.
        provider: its settings.
        parameter: the parameter that the error names, where it names one that was sent.
        wait_s: the provider's own wish, where it gave one.
    """

    model: str
    provider: ProviderSettings
    parameter: str | None = None
    wait_s: float | None = None

    @property
    def name(self) -> str:
        """The provider's name."""
        return self.model.split("/", 1)[0]


def status_error(status: int, said: ErrorBody, quoted: str, asked: Asked) -> ProviderError:
    """The error for a status.

    Args:
        status: of HTTP, or the one that the body names.
        said: what the body says.
        quoted: its words as they may be shown: in one line, without keys.
        asked: what was asked.
    """
    error = _refusal(status, said, quoted, asked) if status < 500 else None
    error = error or _by_status(status, said, _cited(status, quoted), asked)
    error.status = status
    return error


def _refusal(status: int, said: ErrorBody, quoted: str, asked: Asked) -> ProviderError | None:
    """The error whose cause stands in the words, whatever the status; None: the words do not tell it."""
    words, cited, name = f"{said.codes} {said.text}", _cited(status, quoted), asked.name
    if _DATA_POLICY.search(words):
        return RequestRejectedError(
            f"{name} offers {asked.model} nowhere under the data policy of your account {cited}; change the"
            " account's privacy settings, or use another model"
        )
    if status == 404 and _NOWHERE.search(words):
        return RequestRejectedError(
            f"{name} offers {asked.model} nowhere with what was asked of it {cited}; leave that out, or use"
            " another model"
        )
    if status not in (401, 429) and (said.flags or _FILTERED.search(words)):
        return RequestRejectedError(_filtered(said, cited, asked))
    if status == 402 or _NO_CREDIT.search(words) or (status != 429 and _QUOTA.search(words)):
        return RequestRejectedError(
            f"{name} has no credit left for this key {cited}; add credit or use another model"
        )
    if status != 429 and (status == 451 or _REGION.search(words)):
        return RequestRejectedError(
            f"{name} does not serve {asked.model} to this region {cited}; use another provider, or its endpoint"
            " for your region"
        )
    if status == 401 or (status in (400, 404, 422) and _KEY.search(words)):
        return _key_refused(cited, asked)
    if status in (400, 422) and asked.parameter is None and _MODEL.search(words):
        return _unknown_model(cited, asked)
    if status in _NO_CAPACITY or (status not in (401, 403, 429) and _CAPACITY.search(said.codes)):
        return _no_capacity(cited, asked)
    return None


def _by_status(status: int, said: ErrorBody, cited: str, asked: Asked) -> ProviderError:
    model, name, wait = asked.model, asked.name, asked.wait_s
    if status == 403:
        return _key_refused(cited, asked)
    if status == 404:
        return _unknown_model(cited, asked)
    if status == 408:
        return ProviderTimeoutError(f"{model} gave up waiting {cited}; try again")
    if status == 429:
        when = "a little later" if wait is None else _in(wait)
        return RateLimitError(f"{model} is asked too often {cited}; try again {when}", wait)
    if status in _NO_CAPACITY or (status >= 500 and _CAPACITY.search(said.codes)):
        return _no_capacity(cited, asked)
    if status >= 500 or status == 409:
        return ProviderUnavailableError(f"{name} failed {cited}; try again later", wait)
    check = f"the parameter {asked.parameter}" if asked.parameter else "the prompt's length and the parameters"
    return RequestRejectedError(f"{model} refused the request {cited}; check {check}")


def _filtered(said: ErrorBody, cited: str, asked: Asked) -> str:
    """Which part a content filter refused, and for what."""
    params = {part for path in said.params for part in path}
    if params & {"prompt", "messages", "input"} or _PROMPT.search(said.text):
        part, remedy = "the prompt", "reword the prompt"
    elif _ANSWER.search(said.text):
        part, remedy = "the answer", "ask in other words"
    else:
        part, remedy = "the prompt or its answer", "reword the prompt"
    why = f" for {', '.join(said.flags)}"[:120] if said.flags else ""
    return f"The content filter of {asked.name} refused {part}{why} {cited}; {remedy}, or use another model"


def _key_refused(cited: str, asked: Asked) -> ProviderError:
    variable = asked.provider.api_key_env
    where = f"in {variable}" if variable else "(none is set for this provider)"
    return AuthenticationError(
        f"{asked.name} refused the API key {where} {cited}; check that it is valid and may use {asked.model}"
    )


def _unknown_model(cited: str, asked: Asked) -> ProviderError:
    return ModelNotFoundError(
        f"{asked.name} does not know the model {asked.model.split('/', 1)[-1]!r} {cited};"
        f" check its name, and the address {asked.provider.base_url}"
    )


def _no_capacity(cited: str, asked: Asked) -> ProviderError:
    return ProviderUnavailableError(
        f"{asked.name} has no capacity for {asked.model} now {cited}; try again later, or use another model",
        asked.wait_s,
    )


def _cited(status: int, quoted: str) -> str:
    return f"({status}: {quoted})" if quoted else f"({status})"


def _in(seconds: float) -> str:
    for size, unit in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"in {seconds / size:.0f} {unit}"
    return f"in {max(1.0, seconds):.0f} s"
