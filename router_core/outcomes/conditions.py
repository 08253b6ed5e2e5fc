"""Success conditions: a line of text, or a callable, that judges every answer by itself.

A line is evaluated by simpleeval over a read-only view of the response: no ``eval``, no names but those below,
arithmetic on numbers alone, and limits on length, steps and time. A condition that raises judges nothing: its
outcome is "unknown", never a success.
"""

from __future__ import annotations

import ast
import json
import operator
import re
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from router_core.errors import ConditionError
from router_core.outcomes.rewards import reward
from router_core.validation import shown

MAX_LENGTH: Final = 2_000
MAX_NODES: Final = 300
MAX_CONTENT: Final = 1_000_000
MAX_SECONDS: Final = 0.25  # of the thread's processor time: a busy machine must not make an outcome unknown
MAX_PATTERN: Final = 500
MAX_REPEATS: Final = 1_000

NAMES: Final = {
    "response": "the whole response, as the provider sent it: response.choices[0].message.content",
    "content": "the text of the answer",
    "finish_reason": "why it ended: 'stop', 'length', 'content_filter', 'tool_calls'",
    "latency_ms": "milliseconds until the answer was complete",
    "cost_usd": "what it cost in dollars; None where the price is unknown",
    "input_tokens": "tokens of the prompt",
    "output_tokens": "tokens of the answer",
}
_REPEAT: Final = re.compile(r"\{\s*(\d{0,12})\s*,?\s*(\d{0,12})\s*\}")
STRING_METHODS: Final = frozenset({"lower", "upper", "strip", "startswith", "endswith", "count", "find"})

_ONLY_METHODS: Final = frozenset({"lower", "upper", "strip", "startswith", "endswith"})  # no field is named so

_NODES: Final = (
    ast.Expression, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.BinOp, ast.Add, ast.Sub,
    ast.Mult, ast.Div, ast.Compare, ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn,
    ast.Is, ast.IsNot, ast.Call, ast.Name, ast.Load, ast.Attribute, ast.Subscript, ast.Constant, ast.IfExp,
    ast.Tuple, ast.List,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Judged:
    """What a condition is shown of one answer. ``response`` is the provider's object or plain data."""

    response: Any
    content: str
    finish_reason: str | None
    latency_ms: float | None
    cost_usd: Decimal | None
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class Judgement:
    """The reward (None: unknown), and why it is unknown where the condition raised."""

    reward: float | None
    why: str = ""


class Condition:
    """A success condition, checked when it is made.

    Raises:
        ConditionError: the text is no expression, is too large, or uses a name that is not allowed.
    """

    def __init__(self, rule: str | Callable[[Any], Any]) -> None:
        if not isinstance(rule, str) and not callable(rule):
            raise ConditionError(f"{shown(rule)} is not a condition; give a line of text or a callable")
        self.text = rule if isinstance(rule, str) else getattr(rule, "__name__", "a callable")
        self._call = None if isinstance(rule, str) else rule
        self._tree = parse(rule) if isinstance(rule, str) else None

    def judge(self, answer: Judged) -> Judgement:
        """The condition's word on one answer. A callable is given the raw response."""
        try:
            if self._call is not None:
                return Judgement(reward(self._call(answer.response)))
            said = self._evaluate(answer)
            if not (said is None or isinstance(said, bool | int | float | str | tuple | list)):
                raise ConditionError(f"the condition gives a {type(said).__name__}, not yes or no")
            return Judgement(1.0 if said else 0.0)
        except Exception as error:  # noqa: BLE001 - whatever a condition raises, the request goes on unjudged
            return Judgement(None, f"{type(error).__name__}: {error}")

    def _evaluate(self, answer: Judged) -> Any:
        from simpleeval import EvalWithCompoundTypes

        if len(answer.content) > MAX_CONTENT:
            raise ConditionError(f"the answer has {len(answer.content):,} characters; at most {MAX_CONTENT:,}")
        deadline = time.thread_time() + MAX_SECONDS

        class Limited(EvalWithCompoundTypes):  # type: ignore[misc] # untyped library
            def _eval(self, node: ast.AST) -> Any:
                if time.thread_time() > deadline:
                    raise ConditionError(f"not decided within {MAX_SECONDS:g} s")
                return super()._eval(node)

        evaluator = Limited(
            operators=_OPERATORS,
            functions=_functions(deadline),
            names={
                "response": _View(_plain(answer.response)),
                "content": answer.content,
                "finish_reason": answer.finish_reason,
                "latency_ms": answer.latency_ms,
                "cost_usd": None if answer.cost_usd is None else float(answer.cost_usd),
                "input_tokens": answer.input_tokens,
                "output_tokens": answer.output_tokens,
            },
            allowed_attrs={_View: _AnyName(), str: STRING_METHODS},
        )
        assert self._tree is not None
        return evaluator.eval(self.text, previously_parsed=self._tree.body)


def parse(text: str) -> ast.Expression:
    """The syntax tree of a condition, in which every part is allowed.

    Raises:
        ConditionError: says which part is not, and what may be used.
    """
    if len(text) > MAX_LENGTH:
        raise ConditionError(f"the condition has {len(text):,} characters; at most {MAX_LENGTH:,} are allowed")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a pattern's \\d is no business of the compiler's
            tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        detail = error.msg if isinstance(error, SyntaxError) else str(error)
        raise ConditionError(
            f"{text[:80]!r} is not an expression ({detail}); write for example finish_reason == 'stop'"
        ) from None
    functions = _functions(0.0)
    nodes = list(ast.walk(tree))
    if len(nodes) > MAX_NODES:
        raise ConditionError(f"the condition has {len(nodes)} parts; at most {MAX_NODES} are allowed")
    called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    for node in nodes:
        if not isinstance(node, _NODES):
            raise ConditionError(f"{type(node).__name__} is not allowed in a condition; {_help()}")
        if isinstance(node, ast.Name) and node.id not in NAMES and node.id not in functions:
            raise ConditionError(f"{node.id!r} is not known in a condition; {_help()}")
        if isinstance(node, ast.Name) and node.id in functions and id(node) not in called:
            raise ConditionError(f"{node.id!r} is a function and always true; call it: {node.id}(...)")
        if isinstance(node, ast.Attribute) and node.attr in _ONLY_METHODS and id(node) not in called:
            raise ConditionError(f"{node.attr!r} is a method and always true; call it: {node.attr}(...)")
        if isinstance(node, ast.Attribute) and node.attr.startswith("_"):
            raise ConditionError(f"{node.attr!r} is private and not allowed in a condition; {_help()}")
        if isinstance(node, ast.Call):
            named = isinstance(node.func, ast.Name) and node.func.id in functions
            method = isinstance(node.func, ast.Attribute) and node.func.attr in STRING_METHODS
            if not (named or method):
                raise ConditionError(f"{ast.unparse(node.func)!r} cannot be called in a condition; {_help()}")
            pattern = node.args[0] if named and node.func.id == "matches" and node.args else None  # type: ignore[attr-defined]
            if isinstance(pattern, ast.Constant) and isinstance(pattern.value, str):
                check_pattern(pattern.value)
    return tree


def check_pattern(pattern: str) -> None:
    """Refuse a regular expression that would fill the memory while it is compiled, before it is.

    Raises:
        ConditionError: it is too long, or its counted repeats multiply to more than ``MAX_REPEATS``.
    """
    if len(pattern) > MAX_PATTERN:
        raise ConditionError(f"the pattern has {len(pattern):,} characters; at most {MAX_PATTERN} are allowed")
    repeats = 1
    for low, high in _REPEAT.findall(pattern):
        repeats *= max(int(low or 0), int(high or 0), 1)
        if repeats > MAX_REPEATS:
            raise ConditionError(
                f"the counted repeats of the pattern {pattern[:80]!r} multiply to more than {MAX_REPEATS:,};"
                " use * or + instead"
            )


def _help() -> str:
    return f"use {', '.join(NAMES)} and the functions {', '.join(_functions(0.0))}"


def _functions(deadline: float) -> dict[str, Callable[..., Any]]:
    def matches(pattern: str, text: str) -> bool:
        """Whether a regular expression is found anywhere in a text (pattern first), within the time left."""
        import regex

        check_pattern(pattern)
        left = max(1e-3, deadline - time.thread_time())
        return regex.search(pattern, text, timeout=left) is not None

    return {
        "len": len,
        "lower": lambda text: text.lower(),
        "contains": lambda text, part: part in text,
        "matches": matches,
        "is_json": _is_json,
        "min": min,
        "max": max,
        "abs": abs,
    }


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _numbers(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """An operator for numbers alone: on texts, * and + could fill the memory."""

    def checked(left: Any, right: Any) -> Any:
        if not isinstance(left, int | float) or not isinstance(right, int | float):
            raise ConditionError("arithmetic needs numbers on both sides")
        return function(left, right)

    return checked


_OPERATORS: Final[Mapping[type[ast.AST], Callable[..., Any]]] = {
    ast.Add: _numbers(operator.add),
    ast.Sub: _numbers(operator.sub),
    ast.Mult: _numbers(operator.mul),
    ast.Div: _numbers(operator.truediv),
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Not: operator.not_,
    ast.USub: operator.neg,
    ast.In: lambda part, whole: part in whole,
    ast.NotIn: lambda part, whole: part not in whole,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
}


class _AnyName:
    """Every public name: simpleeval itself refuses the private ones."""

    def __contains__(self, name: object) -> bool:
        return True


class _View:
    """Plain data read through attributes; an attribute that the data lacks is an error."""

    __slots__ = ("_data",)

    def __init__(self, data: Mapping[str, Any]) -> None:
        self._data = data

    def __getattr__(self, name: str) -> Any:
        if name not in self._data:
            raise AttributeError(f"the response has no {name!r}; it has {sorted(self._data)}")
        return _wrap(self._data[name])


def _wrap(value: Any) -> Any:
    if isinstance(value, Mapping):
        return _View(value)
    if isinstance(value, list):
        return tuple(_wrap(item) for item in value)
    return value


def _plain(response: Any) -> Mapping[str, Any]:
    if isinstance(response, Mapping):
        return response
    dumped: Mapping[str, Any] = response.model_dump()
    return dumped
