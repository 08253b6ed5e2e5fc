"""Success conditions: what a line may say, what it may not, and that a raise is never a success."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from openai.types.chat import ChatCompletion

from router_core.errors import ConditionError
from router_core.outcomes import conditions
from router_core.outcomes.conditions import (
    NAMES,
    STRING_METHODS,
    Condition,
    Judged,
    Judgement,
    check_pattern,
    parse,
)
from router_core.types import Outcome
from router_core.validation import shown
from tests.builders import ticking

README = (Path(__file__).parents[2] / "README.md").read_text()
FUNCTIONS = "len, lower, contains, matches, is_json, min, max, abs"
HELP = (
    "use response, content, finish_reason, latency_ms, cost_usd, input_tokens, output_tokens"
    f" and the functions {FUNCTIONS}"
)


def a_response(content: str | None = "Hello World", finish_reason: str = "stop") -> dict[str, Any]:
    """A chat completion as plain data."""
    message = {"role": "assistant", "content": content}
    return {
        "id": "r1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "finish_reason": finish_reason, "message": message}],
    }


def an_answer(content: str = "Hello World", response: Any = None, **changes: Any) -> Judged:
    """An answer in every detail."""
    values: dict[str, Any] = {
        "response": a_response(content) if response is None else response,
        "content": content,
        "finish_reason": "stop",
        "latency_ms": 12.5,
        "cost_usd": Decimal("0.001"),
        "input_tokens": 10,
        "output_tokens": 20,
    }
    return Judged(**(values | changes))


def judged(line: str, answer: Judged | None = None) -> Judgement:
    """The word of a line on an answer."""
    return Condition(line).judge(answer or an_answer())


@pytest.mark.parametrize(
    ("content", "finish_reason", "reward"),
    [
        ("12345678901", "stop", 1.0),
        ("1234567890", "stop", 0.0),
        ("12345678901", "length", 0.0),
        ("", "stop", 0.0),
        (None, "length", 0.0),
        (None, "stop", None),  # no content has no length
    ],
)
def test_the_example_of_the_readme(content: str | None, finish_reason: str, reward: float | None) -> None:
    """It judges the openai client's own object, and the same as plain data."""
    found = re.search(r'success_when="(.*)",\n', README)
    assert found is not None
    plain = a_response(content, finish_reason)
    for response in (plain, ChatCompletion.model_validate(plain)):
        assert judged(found.group(1), an_answer(response=response)).reward == reward


TRUE = [
    "content == 'Hello World'",
    "finish_reason == 'stop'",
    "latency_ms == 12.5",
    "cost_usd == 0.001",
    "input_tokens == 10",
    "output_tokens == 20",
    "response.id == 'r1'",
    "response.choices[0].message.content == content",
    "response.choices[-1].index == 0",
    "len(response.choices) == 1",
    "len(content) == 11",
    "lower(content) == 'hello world'",
    "contains(content, 'World')",
    "matches('^H.*d$', content)",
    "matches('o W', content)",
    "is_json('{}')",
    "min(1, 2) == 1",
    "max(1, 2) == 2",
    "abs(-3) == 3",
    "content.lower() == 'hello world'",
    "content.upper() == 'HELLO WORLD'",
    "' a '.strip() == 'a'",
    "content.startswith('Hello')",
    "content.endswith('World')",
    "content.count('l') == 3",
    "content.find('W') == 6",
    "'World' in content",
    "'world' not in content",
    "finish_reason in ['stop', 'length']",
    "finish_reason not in ('length',)",
    "content[0] == 'H'",
    "1 + 2 * 3 - 4 / 2 == 5",
    "0 < input_tokens < 11",
    "input_tokens <= 10 and input_tokens >= 10 and input_tokens != 9",
    "True if latency_ms > 10 else False",
    "None is None and cost_usd is not None",
    "  \n content\n",
]


@pytest.mark.parametrize("line", TRUE)
def test_what_a_line_can_say(line: str) -> None:
    """True is a success, and its opposite a failure."""
    assert judged(line) == Judgement(1.0)
    assert judged(f"not ({line.strip()})") == Judgement(0.0)


def test_every_name_function_and_method_is_tried() -> None:
    """A name added to the conditions must be added above."""
    tried = set(re.findall(r"\w+", " ".join(TRUE)))
    assert set(NAMES) | set(FUNCTIONS.split(", ")) | STRING_METHODS <= tried
    with pytest.raises(ConditionError, match=f"{re.escape(HELP)}$"):
        Condition("nothing")


@pytest.mark.parametrize("left", [True, False])
@pytest.mark.parametrize("right", [True, False])
def test_and_or_not(left: bool, right: bool) -> None:
    """As in Python."""
    assert judged(f"{left} and {right}").reward == float(left and right)
    assert judged(f"{left} or {right}").reward == float(left or right)
    assert judged(f"not {left} or not {right}").reward == float(not left or not right)
    assert judged(f"not {left} and {right}").reward == float(not left and right)


def test_what_is_decided_is_not_looked_at_further() -> None:
    """The right side of a decided 'and' or 'or' is not evaluated."""
    assert judged("True or 1 / 0 > 1") == Judgement(1.0)
    assert judged("cost_usd is not None and cost_usd < 1", an_answer(cost_usd=None)) == Judgement(0.0)


@pytest.mark.parametrize(("text", "reward"), [("{}", 1.0), (' [1, "a"] ', 1.0), ("{", 0.0), ("", 0.0), ("a", 0.0)])
def test_is_json(text: str, reward: float) -> None:
    """Any JSON value, and nothing around it."""
    assert judged("is_json(content)", an_answer(text)).reward == reward


def test_deep_json_is_no_json() -> None:
    """Nesting beyond what can be read does not break the judgement."""
    assert judged("is_json(content)", an_answer("[" * 100_000)) == Judgement(0.0)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("content.__class__", "'__class__' is private and not allowed in a condition; "),
        (
            "().__class__.__bases__[0].__subclasses__()",
            "'().__class__.__bases__[0].__subclasses__' cannot be called",
        ),
        ("response._data", "'_data' is private and not allowed in a condition; "),
        ("2 ** 99999999", "Pow is not allowed in a condition; "),
        ("9 ** 9 ** 9 ** 9", "Pow is not allowed in a condition; "),
        ("1 << 99999999", "LShift is not allowed in a condition; "),
        ("'%99999999d' % 1", "Mod is not allowed in a condition; "),
        ("7 // 2", "FloorDiv is not allowed in a condition; "),
        ("[x for x in content]", "ListComp is not allowed in a condition; "),
        ("(1 for x in content)", "GeneratorExp is not allowed in a condition; "),
        ("{1: 2}", "Dict is not allowed in a condition; "),
        ("{1}", "Set is not allowed in a condition; "),
        ("lambda: 1", "Lambda is not allowed in a condition; "),
        ("(lambda: 1)()", "'lambda: 1' cannot be called in a condition; "),
        ("f'{content}'", "JoinedStr is not allowed in a condition; "),
        ("(x := 1)", "NamedExpr is not allowed in a condition; "),
        ("content[0:5]", "Slice is not allowed in a condition; "),
        ("len(*[content])", "Starred is not allowed in a condition; "),
        ("max(1, 2, key=len)", "keyword is not allowed in a condition; "),
        ("eval('1')", "'eval' cannot be called in a condition; "),
        ("content.format(1)", "'content.format' cannot be called in a condition; "),
        ("content.replace('a', 'b')", "'content.replace' cannot be called in a condition; "),
        ("response.model_dump()", "'response.model_dump' cannot be called in a condition; "),
        ("builtins", "'builtins' is not known in a condition; "),
        (
            "import os",
            "'import os' is not an expression (invalid syntax); write for example finish_reason == 'stop'",
        ),
        ("1; 2", "'1; 2' is not an expression (invalid syntax); write for example finish_reason == 'stop'"),
        ("x = 1", "'x = 1' is not an expression (invalid syntax"),
        ("", "'' is not an expression (invalid syntax); write for example finish_reason == 'stop'"),
        (" ", "' ' is not an expression (invalid syntax); write for example finish_reason == 'stop'"),
        pytest.param("a\0b", "(source code string cannot contain null bytes); write for example", id="null"),
        pytest.param(
            "(" * 900 + "1" + ")" * 900, "is not an expression (too many nested parentheses)", id="nested"
        ),
        pytest.param("-" * 1999 + "1", "the condition has 4000 parts; at most 300 are allowed", id="parts"),
        pytest.param("1" * 2001, "the condition has 2,001 characters; at most 2,000 are allowed", id="long"),
        pytest.param("1" * 10**7, "the condition has 10,000,000 characters; at most 2,000 are allowed", id="huge"),
    ],
)
def test_refused_when_made(line: str, sentence: str) -> None:
    """Which part is not allowed, and what is."""
    with pytest.raises(ConditionError, match=re.escape(sentence)):
        Condition(line)


@pytest.mark.parametrize("call", ["open({0}, 'w')", "__import__('pathlib').Path({0}).touch()", "exec({1})"])
def test_nothing_is_run(call: str, tmp_path: Path) -> None:
    """Neither when the condition is made nor when it would judge."""
    canary = tmp_path / "canary"
    line = call.format(repr(str(canary)), repr(f"open({str(canary)!r}, 'w')"))
    with pytest.raises(ConditionError, match="cannot be called in a condition"):
        Condition(line)
    assert not canary.exists()


def test_size_limits_to_the_last() -> None:
    """The largest that is allowed is allowed."""
    assert judged("1" + " " * 1999) == Judgement(1.0)
    assert judged("not " * 149 + "1") == Judgement(0.0)  # 300 parts
    with pytest.raises(ConditionError, match=r"^the condition has 302 parts; at most 300 are allowed$"):
        parse("not " * 150 + "1")
    assert judged("content", an_answer("a" * 1_000_000)) == Judgement(1.0)
    assert judged("content", an_answer("a" * 1_000_001)) == Judgement(
        None, "ConditionError: the answer has 1,000,001 characters; at most 1,000,000"
    )


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("True if 1 / 0 else True", "ZeroDivisionError: division by zero"),
        ("not 1 / 0", "ZeroDivisionError: division by zero"),
        ("content * 99999999", "ConditionError: arithmetic needs numbers on both sides"),
        ("99999999 * 'a'", "ConditionError: arithmetic needs numbers on both sides"),
        ("content + content", "ConditionError: arithmetic needs numbers on both sides"),
        ("[content] * 99999999", "ConditionError: arithmetic needs numbers on both sides"),
        ("response.nope", "AttributeDoesNotExist: Attribute 'nope' does not exist in expression 'response.nope'"),
        ("response.choices[1]", "IndexError: tuple index out of range"),
        ("finish_reason.length", "FeatureNotAvailable: Sorry, '.length' access not allowed on '<class 'str'>'"),
        ("len(latency_ms)", "TypeError: object of type 'float' has no len()"),
        ("lower(5)", "AttributeError: 'int' object has no attribute 'lower'"),
        ("content < 5", "TypeError: '<' not supported between instances of 'str' and 'int'"),
        ("matches('(', content)", "error: missing ) at position 1"),
    ],
)
def test_a_condition_that_raises_judges_nothing(line: str, why: str) -> None:
    """The reward is unknown, never a success, and it says why."""
    assert judged(line) == Judgement(None, why)


def test_an_unknown_price_is_not_a_low_one() -> None:
    """A limit on cost judges nothing where the cost is unknown."""
    assert judged("cost_usd < 1", an_answer(cost_usd=None)).reward is None
    assert judged("cost_usd is None", an_answer(cost_usd=None)) == Judgement(1.0)


@pytest.mark.parametrize("pattern", ["(x+x+)+y", "(x|xx)+$", "(x+)+$"])
def test_a_catastrophic_pattern_is_given_up(pattern: str) -> None:
    """Backtracking ends, and what was not decided in time is no success, even before an 'or'."""
    answer = an_answer("x" * 5000 + "z")
    assert judged(f"matches('{pattern}', content) or True", answer) == Judgement(
        None, "TimeoutError: regex timed out"
    )


def test_a_long_answer_is_searched_to_its_end() -> None:
    """A pattern has all the time that is left, not an instant: this takes some hundredths of a second."""
    assert judged("matches('x{3}y', content)", an_answer("x" * 300_000)) == Judgement(0.0)


def test_a_pattern_that_is_no_text() -> None:
    """It judges nothing."""
    assert judged("matches(5, content)", an_answer("5")).reward is None


def test_time_is_limited_for_the_whole_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a clock that ticks 0.1 s a step, two steps are in time and three are not."""
    for line, expected in (
        ("not 0", Judgement(1.0)),
        ("1 == 1", Judgement(None, "ConditionError: not decided within 0.25 s")),
    ):
        monkeypatch.setattr(conditions, "time", SimpleNamespace(thread_time=ticking(0.1)))
        assert judged(line) == expected


def test_a_condition_can_be_asked_again() -> None:
    """One object judges many answers, and changes none."""
    condition = Condition("len(content) > 3")
    response = a_response()
    before = json.dumps(response)
    rewards = [condition.judge(an_answer(text, response=response)).reward for text in ("long", "no", "longer")]
    assert rewards == [1.0, 0.0, 1.0]
    assert json.dumps(response) == before


@pytest.mark.parametrize(
    ("said", "reward"),
    [
        (True, 1.0),
        (False, 0.0),
        (Outcome.SUCCESS, 1.0),
        (Outcome.FAILURE, 0.0),
        (Outcome.UNKNOWN, None),
        (None, None),
        (0.25, 0.25),
        (1, 1.0),
        ("failure", 0.0),
    ],
)
def test_what_a_callable_may_say(said: Any, reward: float | None) -> None:
    """A bool, an outcome, a number in [0, 1], or nothing."""
    assert Condition(lambda response: said).judge(an_answer()) == Judgement(reward)


@pytest.mark.parametrize("said", [2, -0.1, float("nan"), "good", "", [], {}, object()])
def test_a_callable_that_says_something_else_judges_nothing(said: Any) -> None:
    """Truthy is not enough for a success."""
    assert Condition(lambda response: said).judge(an_answer()) == Judgement(
        None,
        f"InvalidOutcomeError: {shown(said)} is not an outcome; give Outcome.SUCCESS, Outcome.FAILURE,"
        " Outcome.UNKNOWN or a number from 0 (bad) to 1 (good)",
    )


def test_a_callable_is_given_the_response_itself() -> None:
    """Not a view of it; and what it raises is a why."""
    response = object()
    assert Condition(lambda given: given is response).judge(an_answer(response=response)) == Judgement(1.0)
    assert Condition(lambda given: given.choices).judge(an_answer(response=response)) == Judgement(
        None, "AttributeError: 'object' object has no attribute 'choices'"
    )


def test_the_name_of_a_condition() -> None:
    """The line itself, the function's name, or what it is."""
    assert Condition("content").text == "content"
    assert Condition(a_response).text == "a_response"
    assert Condition(type("Judge", (), {"__call__": lambda self, response: True})()).text == "a callable"


@pytest.mark.parametrize(
    "pattern", ["a{1000000000}", "((((a{100}){100}){100}){100}){100}", "(?:ab|cd){ 5 , 1000000000 }", "a" * 501]
)
def test_a_pattern_that_would_fill_the_memory(pattern: str) -> None:
    """Refused before it is compiled, whether it stands in the line or comes out of the answer."""
    with pytest.raises(ConditionError, match=r"multiply to more than 1,000|at most 500"):
        Condition(f"matches({pattern!r}, content)")
    with pytest.raises(ConditionError, match=r"multiply to more than 1,000|at most 500"):
        check_pattern(pattern)


@pytest.mark.parametrize("pattern", [r"\d{3}-\d{4}", r"^.{1,1000}$", "a{,3}", "{x}", "(a{10}){100}", "x" * 500])
def test_ordinary_repeats_are_allowed(pattern: str) -> None:
    """Counted repeats up to a thousand in all, 500 characters."""
    check_pattern(pattern)


@pytest.mark.parametrize("line", ["content.lower", "matches", "lower", "not len", "content.strip == 'x'"])
def test_a_forgotten_call_is_no_success(line: str) -> None:
    """A function is always true; the line is refused with the remedy."""
    with pytest.raises(ConditionError, match="always true; call it"):
        Condition(line)


def test_a_whole_object_is_no_yes() -> None:
    """``response`` alone says neither yes nor no: unknown."""
    answer = Judged({"id": "x"}, "text", "stop", 1.0, None, 1, 1)
    assert Condition("response").judge(answer).reward is None
    assert Condition("response.id").judge(answer).reward == 1.0


@pytest.mark.parametrize("rule", [5, None, ["content"]])
def test_neither_text_nor_callable(rule: object) -> None:
    """Refused when it is made."""
    with pytest.raises(ConditionError, match="is not a condition"):
        Condition(rule)  # type: ignore[arg-type]
