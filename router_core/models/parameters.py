"""Parameters that a model refuses: which one an error names, and what is sent in its place from then on.

Families of models refuse what others need: OpenAI's reasoning models max_tokens and temperature, local servers
JSON mode, some providers stream_options. Only parameters that shape an answer are changed, never its content: the
messages and the tools are always sent. A value out of its range is the caller's to mend, so it is not changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from threading import Lock
from typing import Any, Final

from router_core.models.error_bodies import ErrorBody

Changes = dict[str, str | None]
"""Parameter -> the name under which it is sent instead; None: it is not sent."""

_OTHER_NAME: Final = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}
_CHANGEABLE: Final = frozenset({
    *_OTHER_NAME, "temperature", "top_p", "top_k", "min_p", "typical_p", "seed", "frequency_penalty",
    "presence_penalty", "repetition_penalty", "repeat_penalty", "logit_bias", "logprobs", "top_logprobs",
    "response_format", "stream_options", "parallel_tool_calls", "reasoning_effort", "reasoning", "verbosity",
    "service_tier", "stop", "user", "store", "metadata", "n", "best_of", "prediction", "prompt_cache_key",
    "safety_identifier", "enable_thinking", "chat_template_kwargs",
})  # fmt: skip
_ALSO: Final = {
    "response_format": r"json_object|json_schema|json mode|structured outputs?|response[_ ]schema",
    "stream_options": r"include_usage",
    "max_tokens": r"max(imum)?[_ -]?(output|new)[_ -]?tokens",
}
_PLAIN_WORDS: Final = frozenset({"stop", "user", "store", "metadata", "n", "reasoning", "prediction", "verbosity"})
_REFUSED_CODE: Final = re.compile(r"unsupported_(parameter|value)|unknown_parameter|extra_forbidden|unrecognized")
_OUT_OF_RANGE: Final = re.compile(
    r"too (large|small|high|low|long|many|big)|\bat (most|least)\b|between"
    r"|(less|greater|fewer|more|lower|higher) than|maximum|minimum|exceed|\brange\b"
    r"|or (greater|less|more|higher|lower)|[<>≤≥]=?\s*-?\d"
    r"|(must|should) be (an?|of type|(strictly )?positive|non-?negative|in|valid|finite)\b"
    r"|(invalid|wrong|incorrect) type"
    r"|expected an?\b|not a valid (integer|number|float|bool)|unable to parse|limit was reached|higher max"
    r"|context (length|window)|be negative",
    re.IGNORECASE,
)


_CONTENT: Final = frozenset({"messages", "tools", "tool_choice", "functions", "function_call", "response_format"})
_BY_MODEL: Final = re.compile(
    r"context|token|(not|n't|only|no)\W+(\w+\W+){0,3}?support|unsupported|this model"
    r"|too (long|large|many)|maximum|limit|exceed|allowed|available"
    r"|filter|polic|flagged|moderat",
    re.IGNORECASE,
)
"""Words of refusals that another model may not share."""


class Refusals:
    """What each model has refused, for all calls of a process. Thread-safe."""

    def __init__(self) -> None:
        self._changes: dict[str, Changes] = {}
        self._lock = Lock()

    def of(self, provider: str) -> dict[str, Changes]:
        """Model -> what is changed for it, of one provider's models."""
        with self._lock:
            found = sorted(self._changes.items())
        return {model: dict(changes) for model, changes in found if model.partition("/")[0] == provider}

    def changes(self, model: str) -> Changes:
        """What is changed for a model (``provider/model``)."""
        with self._lock:
            return dict(self._changes.get(model, {}))

    def remember(self, model: str, changes: Changes) -> None:
        """Keep what made a call of the model work."""
        with self._lock:
            self._changes.setdefault(model, {}).update(changes)


def changed(params: Mapping[str, Any], changes: Changes) -> dict[str, Any]:
    """The parameters as they are sent. One that is sent under both of its names keeps its own value."""
    kept = {name: value for name, value in params.items() if name not in changes}
    for name, other in changes.items():
        if name in params and other is not None:
            kept.setdefault(other, params[name])
    return kept


def further_changes(said: ErrorBody, params: Mapping[str, Any], changes: Changes) -> Changes | None:
    """The changes with one more parameter, which an error refuses; None: it refuses none that can be changed.

    Args:
        said: the error.
        params: of the call, as the caller gave them.
        changes: made to them before.
    """
    sent = changed(params, changes)
    name = refused_parameter(said, sent, changes)
    if name is None:
        return None
    other = _OTHER_NAME.get(name)
    further: Changes = {**changes, name: None if other is None or other in sent or other in changes else other}
    if further[name] is None and other in changes:  # refused under both names
        further[str(other)] = None
    if name == "max_tokens" and "max_completion_tokens" in said.text and sent.get("temperature", 1) != 1:
        further["temperature"] = None  # the reasoning models that say this take no temperature but 1 either
    return further


def refused_parameter(said: ErrorBody, sent: Iterable[str], before: Iterable[str] = ()) -> str | None:
    """The parameter that an error refuses as such, of those that were sent; the first where it names several."""
    name = named_parameter(said, _CHANGEABLE.intersection(sent), before)
    if name is None:
        return None
    out_of_range = _OUT_OF_RANGE.search(said.text) and not _REFUSED_CODE.search(said.codes)
    return None if out_of_range else name


def mistaken_parameter(said: ErrorBody, sent: Iterable[str]) -> str | None:
    """The parameter whose value an error calls out of range or of the wrong kind; None: that is not its cause.

    How many tokens an answer may have differs by model, as what messages and tools may hold often does: messages
    and tools are mistaken where the error names them in a field of its own and says nothing of the model.
    """
    name = named_parameter(said, sent)
    if name in _CONTENT:
        named = any(name in path for path in said.params)
        return name if named and not _BY_MODEL.search(f"{said.codes} {said.text}") else None
    wrong = _OUT_OF_RANGE.search(said.text) or re.search(r"invalid_(value|type)|_type\b|_parsing", said.codes)
    return name if wrong and name not in _OTHER_NAME else None


def named_parameter(said: ErrorBody, sent: Iterable[str], before: Iterable[str] = ()) -> str | None:
    """The parameter that an error names in a field of its own, else in its text, of those that were sent.

    An error that names one of ``before`` repeats itself: it names none.
    """
    sent = set(sent)
    for path in said.params:
        found = next((part for part in path if part in sent), None)
        if found is not None:
            return found
        if path and path[0] in set(before):
            return None
    places = {name: place for name in sent if (place := _place(name, said.text)) is not None}
    return min(places, key=lambda name: (places[name], name)) if places else None


def in_words(changes: Changes) -> str:
    """For a person: which parameters are not sent, and which are sent under another name."""
    dropped = sorted(name for name, other in changes.items() if other is None)
    renamed = [f"{name} is sent as {other}" for name, other in sorted(changes.items()) if other is not None]
    without = [f"{', '.join(dropped)} {'is' if len(dropped) == 1 else 'are'} not sent"] if dropped else []
    return "; ".join([*renamed, *without])


def _place(name: str, text: str) -> int | None:
    """Where a text names a parameter: in snake, camel or title case; a plain word only in quotes or called one."""
    spelt = name.replace("_", "[_ -]?")
    if name in _PLAIN_WORDS:
        pattern = rf"['\"`]{spelt}['\"`]|(?:parameter|argument|field|property)s?:? +{spelt}\b"
    else:
        pattern = rf"(?<![A-Za-z_]){spelt}(?![A-Za-z_])" + (f"|{_ALSO[name]}" if name in _ALSO else "")
    found = re.search(pattern, text, re.IGNORECASE)
    return None if found is None else found.start()
