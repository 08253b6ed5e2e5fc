"""The vector of a prompt: what each number means, and that all are of order 1 whatever the prompt."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router_core.learning.contextual import vector
from router_core.learning.contextual.grams import codes
from router_core.learning.contextual.vector import NAMES, SIZE, Rules, for_arms, in_words
from tests.builders import a_context

RULES = Rules(3, 3, (True, False, True, True))


def numbers(
    text: str, task: str | None = None, rules: Rules = RULES, complex_: bool | None = None
) -> dict[str, float]:
    """Name -> number."""
    found = vector.vector(a_context(text, task), codes(text), rules, complex_)
    return dict(zip(NAMES, found.tolist(), strict=True))


def test_the_names_are_pinned() -> None:
    """What was learned rests on their order: with other ones VERSION must change, and this test with it."""
    assert vector.VERSION == 1
    assert SIZE == len(set(NAMES)) == 20
    assert NAMES == (
        "intercept", "log_length", "lines", "rule_points", "rule_short", "rule_extractive", "rule_brief",
        "rule_no_reasoning", "verdict_complex", "verdict_absent", "task_0", "task_1", "task_2", "task_3", "code",
        "digits", "questions", "other_script", "english", "gain",
    )  # fmt: skip


def test_a_prompt_by_hand() -> None:
    """Every number of one prompt."""
    text = "Is the sum of 12 and 30 in {a}?\nWhy?"
    found = numbers(text, rules=Rules(2, 3, (True, False, False, True)))
    assert found == {
        "intercept": 1.0,
        "log_length": pytest.approx((np.log(37) - 5.5) / 1.5),
        "lines": pytest.approx(0.5 * np.log(2)),
        "rule_points": -0.5,
        "rule_short": 1.0,
        "rule_extractive": 0.0,
        "rule_brief": 0.0,
        "rule_no_reasoning": 1.0,
        "verdict_complex": 0.0,
        "verdict_absent": 1.0,
        "task_0": 0.0,
        "task_1": 0.0,
        "task_2": 0.0,
        "task_3": 0.0,
        "code": 1.0,
        "digits": pytest.approx(np.sqrt(4 * 4 / 36)),
        "questions": pytest.approx(2 / 3),
        "other_script": 0.0,
        "english": pytest.approx(4 * 4 / 10 - 1),
        "gain": 0.0,
    }


@pytest.mark.parametrize(("said", "complex_", "absent"), [(True, 1.0, 0.0), (False, -1.0, 0.0), (None, 0.0, 1.0)])
def test_a_verdict_and_its_absence(said: bool | None, complex_: float, absent: float) -> None:
    """No verdict is not the same as a verdict in the middle."""
    found = numbers("x", complex_=said)
    assert (found["verdict_complex"], found["verdict_absent"]) == (complex_, absent)


def test_task_types_fall_into_one_of_four() -> None:
    """The same type always into the same, whatever its case; none into none."""
    tasks = ("classification", "extraction", "yes_no", "label", "summary", "code", "chat", "übersetzung")
    places = {task: [numbers("x", task)[f"task_{i}"] for i in range(4)] for task in tasks}
    assert all(sum(place) == 1.0 for place in places.values())
    assert places["code"] == [numbers("x", " CODE ")[f"task_{i}"] for i in range(4)]
    assert len({tuple(place) for place in places.values()}) > 2
    assert sum(numbers("x")[f"task_{i}"] for i in range(4)) == 0.0


def test_scripts_and_languages() -> None:
    """English, German, Russian, Chinese."""
    english = numbers("what is the name of the king in the north and is it known to all")
    german = numbers("wie heißt der König im Norden und ist das allen bekannt")
    russian, chinese = numbers("как зовут короля"), numbers("北方的国王叫什么名字")
    assert english["english"] > 0 > german["english"]
    assert (english["other_script"], german["other_script"]) == (0.0, 0.0)
    assert russian["other_script"] == pytest.approx(14 / 16)
    assert chinese["other_script"] == 1.0


def test_code_is_told_from_prose() -> None:
    assert numbers("def f(x):\n    return {x: x == 1}")["code"] == 1.0
    assert numbers("Summarise the letter for me, please. " * 20)["code"] == 0.0


@settings(max_examples=80, deadline=None)
@given(
    st.text(max_size=300),
    st.one_of(st.none(), st.text(max_size=20)),
    st.integers(-400, 400),
    st.integers(-1000, 1000),
    st.sampled_from([True, False, None]),
)
def test_of_order_one(text: str, task: str | None, points: int, threshold: int, complex_: bool | None) -> None:
    """Finite and within +-3, whatever is asked and however the rules are set."""
    found = vector.vector(a_context(text, task), codes(text), Rules(points, threshold, (True,) * 4), complex_)
    assert found.shape == (SIZE,)
    assert np.all(np.abs(found) <= 3.0)  # False for NaN
    assert found[0] == 1.0


def test_a_huge_prompt() -> None:
    found = vector.vector(a_context("x\n" * 200_000), codes("x\n" * 200_000), RULES, None)
    assert np.all(np.abs(found) <= 3.0)


def test_each_arm_has_its_own_gain() -> None:
    """And everything else in common."""
    of_prompt = vector.vector(a_context("x"), codes("x"), RULES, None)
    rows = for_arms(of_prompt, [0.0, 0.5, -2.0])
    assert rows[:, vector.GAIN].tolist() == [0.0, 0.5, -2.0]
    assert np.all(np.delete(rows, vector.GAIN, axis=1) == np.delete(of_prompt, vector.GAIN))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [-1.0, 1.0])
def test_every_number_has_words(name: str, value: float) -> None:
    """Plain ones: not the name in the code."""
    said = in_words(name, value, a_context("x", "summary"))
    assert said
    assert "_" not in said


def test_words_tell_the_sign() -> None:
    """Where a number can be on either side of 0."""
    context = a_context("hello", "summary")
    for name in ("log_length", "rule_points", "verdict_complex", "english", "gain"):
        assert in_words(name, 1.0, context) != in_words(name, -1.0, context)
    assert in_words("log_length", -1.0, context) == "short prompt (5 characters)"
    assert in_words("task_2", 1.0, context) == "task type: summary"


def test_priors_are_weak() -> None:
    """One per number; before any outcome a share of good answers may lie anywhere."""
    assert vector.PRIOR_MEAN.shape == vector.PRIOR_DEVIATION.shape == vector.GOAL_DEVIATION.shape == (SIZE,)
    assert vector.PRIOR_MEAN.tolist() == [0.0] * SIZE
    assert vector.PRIOR_DEVIATION[0] > 1.0
    assert np.all(vector.GOAL_DEVIATION < vector.PRIOR_DEVIATION)
