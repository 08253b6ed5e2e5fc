"""What a provider's error says, whatever shape it has. Pure: plain data in, plain data out.

Providers and the proxies before them send errors as an object, a list, a text, a page of HTML or a JSON text
inside another; some send them with status 200 in place of an answer. What is said to the person stands in
remedies.py.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

_DEEPEST: Final = 12
_WORDS: Final = ("error", "message", "title", "detail", "msg", "error_message", "errorMessage",
                 "error_description", "description", "errors")  # fmt: skip
_CODES: Final = ("code", "type", "status", "error_code", "errorCode", "reason")
_INSIDE: Final = ("innererror", "inner_error", "details", "metadata")
_FILTERS: Final = ("content_filter_result", "content_filter_results", "categories")
_PAGE: Final = re.compile(
    r"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*<\s*(!doctype\s+html|html|head|title|body|h1)\b", re.I | re.S
)
_TITLE: Final = re.compile(r"<title[^>]*>(.*?)(?:</title|$)", re.I | re.S)
_TAG: Final = re.compile(r"<[^<>]*>")
_STATUS_OF: Final = (
    (429, "rate_?limit|resource_?exhausted|too_?many_?requests|throttl"),
    (503, "overloaded|capacity|unavailable"),
    (402, "insufficient|payment|billing"),
    (401, "authentication|api_?key|unauthenticated|unauthorized"),
    (403, "permission|forbidden|moderation"),
    (404, "not_?found"),
    (408, "timeout"),
    (500, "server_?error|internal"),
    (400, "invalid|bad_?request|content_?(filter|policy)|unsupported"),
)
"""Status of an error that names none -> how its codes name it."""


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """An error as the provider wrote it.

    Attributes:
        text: its words, in one line; empty where there are none.
        codes: its codes and types, in lower case.
        status: the HTTP status that it names itself.
        params: the parameters that it names in a field of its own, with the path into them.
        flags: the categories for which a content filter refused.
    """

    text: str = ""
    codes: str = ""
    status: int | None = None
    params: tuple[tuple[str, ...], ...] = ()
    flags: tuple[str, ...] = ()


def read_error(body: Any) -> ErrorBody:
    """What the body of an error says.

    Args:
        body: a text, or plain data from JSON.
    """
    read = _Reader()
    read.take(body, 0)
    texts = list(dict.fromkeys(" ".join(text.split()) for text in read.texts))
    told = [one for at, one in enumerate(texts) if one and not any(one in other for other in texts[:at])]
    codes = " ".join(dict.fromkeys(read.codes)).lower()
    return ErrorBody(
        "; ".join(told) or _as_json(body), codes, read.status, tuple(read.params), tuple(dict.fromkeys(read.flags))
    )


def error_in_place_of_answer(body: Any) -> ErrorBody | None:
    """The error that a body with status 200 holds where an answer should be; None: it holds none.

    An error that names no status has the one that its codes mean, if they mean one.
    """
    if isinstance(body, list):
        errors = [one for one in body if isinstance(one, Mapping) and one.get("error")]
        return _with_status(read_error(errors)) if errors and len(errors) == len(body) else None
    if not isinstance(body, Mapping):
        return None
    choices = body.get("choices")
    if isinstance(choices, list) and choices:
        first = choices[0]
        failed = first.get("error") if isinstance(first, Mapping) else None
        return _with_status(read_error(failed)) if failed else None
    if body.get("error") or body.get("object") == "error" or body.get("detail") or body.get("type") == "error":
        return _with_status(read_error(body))
    if body.get("success") is False or (body.get("errors") and choices is None):
        return _with_status(read_error(body.get("errors") or body))
    state = body.get("base_resp")  # MiniMax
    if isinstance(state, Mapping) and state.get("status_code") and state.get("status_msg"):
        said = str(state["status_msg"])
        return _with_status(ErrorBody(said, re.sub(r"\W+", "_", said.lower())))
    return None


def _with_status(said: ErrorBody) -> ErrorBody:
    if said.status is not None:
        return said
    meant = next((status for status, words in _STATUS_OF if re.search(words, said.codes)), None)
    return ErrorBody(said.text, said.codes, meant, said.params, said.flags)


class _Reader:
    """Collects what stands in the places where errors say something."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.codes: list[str] = []
        self.status: int | None = None
        self.params: list[tuple[str, ...]] = []
        self.flags: list[str] = []

    def take(self, value: Any, depth: int) -> None:
        """Read a part of the body."""
        if depth > _DEEPEST or value is None or isinstance(value, bool):
            return
        if isinstance(value, str):
            self._text(value, depth)
        elif isinstance(value, list):
            for one in value[:20]:
                self.take(one, depth + 1)
        elif isinstance(value, Mapping):
            self._object(value, depth)

    def _text(self, text: str, depth: int) -> None:
        text = re.sub(r"^\s*data:\s*", "", text)
        if text.lstrip()[:1] in ("{", "["):
            try:
                self.take(json.loads(text), depth + 1)
                return
            except (ValueError, RecursionError):
                pass
        if _PAGE.match(text):
            title = _TITLE.search(text)
            text = html.unescape(_TAG.sub(" ", title[1])) if title else "a page of HTML"
        elif text.lstrip().startswith("<") and text.rstrip().endswith(">"):
            text = html.unescape(_TAG.sub(" ", text))
        self.texts.append(text)

    def _object(self, value: Mapping[str, Any], depth: int) -> None:
        where = value.get("loc")
        path = tuple(str(part) for part in where if part != "body") if isinstance(where, list) else ()
        if path:
            self.params.append(path)
        param = value.get("param")
        if isinstance(param, str) and param and param.lower() not in ("none", "null"):
            self.params.append(tuple(part for part in re.split(r"[.\[\]]+", param) if part))
        for name in _CODES:
            self._code(value.get(name))
        for name in _WORDS:
            if name in value:
                before = len(self.texts)
                self.take(value[name], depth + 1)
                if path and len(self.texts) == before + 1:
                    self.texts[-1] = f"{'.'.join(path)}: {self.texts[-1]}"
        for name in _INSIDE:
            inside = value.get(name)
            if isinstance(inside, str) and name == "details":
                self._text(inside, depth)
            elif isinstance(inside, Mapping | list):
                self.take(inside, depth + 1)
        if "raw" in value:  # what the provider behind OpenRouter said
            self.take(value["raw"], depth + 1)
        reasons = value.get("reasons")
        self.flags += [one for one in reasons if isinstance(one, str)] if isinstance(reasons, list) else []
        for name in _FILTERS:
            found = value.get(name)
            for kind, result in found.items() if isinstance(found, Mapping) else ():
                if result is True or (
                    isinstance(result, Mapping) and (result.get("filtered") or result.get("detected"))
                ):
                    self.flags.append(str(kind))

    def _code(self, code: Any) -> None:
        if isinstance(code, str) and not code.isdigit():
            self.codes.append(code[:100])
        elif isinstance(code, int | str) and not isinstance(code, bool):
            number = int(code) if len(str(code)) == 3 else 0
            if self.status is None and 400 <= number <= 599:
                self.status = number


def _as_json(body: Any) -> str:
    """A body that has words in none of the usual places: as it came, never as Python writes it."""
    if not body or isinstance(body, str):
        return ""
    try:
        return json.dumps(body, ensure_ascii=False, default=str)
    except (TypeError, ValueError, RecursionError):
        return ""
