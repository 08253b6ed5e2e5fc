"""The lines on top of a verdict, and where it turns as a good answer is worth more."""

from __future__ import annotations

import numpy as np
import pytest

from router_core.evaluation.by_file.conclusion import verdict
from router_core.evaluation.by_file.headline import headline, question, turning
from router_core.evaluation.by_file.published import example
from router_core.evaluation.by_file.report import evaluate
from router_core.evaluation.by_file.worths import judged_at, split_at, stretches
from router_core.evaluation.results import Objective
from tests.labelled import labelled

GSM8K = example("gsm8k").labelled()


def lines(worth: float) -> tuple[str, str, str]:
    """Answer, trade and turning of the first example at this worth."""
    found = judged_at(GSM8K, worth)
    said = headline(found.verdict, found.report)
    return said.answer, said.trade, turning(stretches(GSM8K), worth)


def test_the_cheap_model_for_everything() -> None:
    """What is given up, what it costs, and where that would change."""
    assert lines(0.05) == (
        "No. Use gpt-4o-mini for everything.",
        "94 % good instead of 96 % with gpt-4o, at 1/16 of the cost ($0.091 instead of $1.45 per 1,000 prompts).",
        "Above $0.069 it is not settled, above $0.15 the answer is gpt-4o.",
    )


def test_the_strong_model_for_everything() -> None:
    """Seen from the other side."""
    assert lines(1.0) == (
        "No. Use gpt-4o for everything.",
        "96 % good instead of 94 % with gpt-4o-mini, at 16 times the cost ($1.45 instead of $0.091 per 1,000"
        " prompts).",
        "Below $0.15 it is not settled, below $0.069 the answer is gpt-4o-mini.",
    )


def test_not_settled() -> None:
    """Both models with what they have."""
    assert lines(0.1) == (
        "Not known yet.",
        "gpt-4o-mini: 94 % good at $0.091 per 1,000 prompts; gpt-4o: 96 % good at $1.45 per 1,000 prompts.",
        "Below $0.069 the answer is gpt-4o-mini, above $0.15 the answer is gpt-4o.",
    )


def test_cheaper_and_better_never_turns() -> None:
    """Whatever a good answer is worth."""
    data = example("routerarena").labelled()
    assert [one.choice for one in stretches(data)] == ["gemini-2.0-flash"]
    assert turning(stretches(data), 0.05) == "The answer is the same whatever a good answer is worth."


def test_the_stretches_are_the_verdicts() -> None:
    """At any worth the verdict is that of its stretch, with three models, too."""
    rng = np.random.default_rng(1)
    three = labelled((rng.random((4000, 3)) < (0.5, 0.7, 0.8)).astype(float).tolist(), (0.0001, 0.002, 0.03))
    for data in (GSM8K, three):
        found = stretches(data)
        assert len(found) >= 3
        for worth in np.geomspace(1e-4, 20.0, 40):
            now = judged_at(data, float(worth)).verdict
            here = max(place for place, one in enumerate(found) if one.above_usd <= worth)
            assert (now.kind, now.choice) == (found[here].kind, found[here].choice), worth


def test_the_split_follows_the_worth() -> None:
    """Everything to the cheap model where answers are worth nothing, ever more to the strong one."""
    strong = [split_at(GSM8K, worth)[1] for worth in (0.0, 0.01, 0.05, 0.1, 1.0)]
    assert strong == sorted(strong)
    assert strong[0] == 0.0
    assert strong[-1] > 0.95
    assert sum(split_at(GSM8K, 0.05)) == pytest.approx(1.0)


def test_a_router_is_said_beside_the_best_model() -> None:
    """The answer is yes, and the trade is told against one model for everything."""
    easy = [[1.0, 1.0]] * 300
    hard = [[0.0, 1.0]] * 300
    texts = ["short"] * 300 + ["a much longer prompt that needs the strong model " * 3] * 300
    data = labelled(easy + hard, (0.001, 0.03), prompts=texts)
    report = evaluate(("length",), data, objective=Objective(0.2), draws=50)
    said = headline(verdict(report), report)
    assert said.answer == "Yes. Route by prompt length."
    assert said.trade.startswith("100 % good instead of 100 % with strong, at 1/2 of the cost")


def test_without_prices_quality_alone_is_said() -> None:
    """No dollars where none are known."""
    data = labelled([[0.0, 1.0], [1.0, 1.0]] * 50, (0.001, float("nan")))
    report = evaluate((), data, objective=Objective(0.05), draws=0)
    said = headline(verdict(report), report)
    assert said.answer == "Not known yet."
    assert said.trade == "cheap: 50 % good at $1.00 per 1,000 prompts; strong: 100 % good."
    assert stretches(data)[0].kind == "unknown"


@pytest.mark.parametrize(
    ("models", "asked"),
    [
        (("a", "b"), "Should you route between a and b?"),
        (("a", "b", "c"), "Should you route between a, b and c?"),
        (tuple("abcdef"), "Should you route between 6 models?"),
    ],
)
def test_the_question_names_the_models(models: tuple[str, ...], asked: str) -> None:
    """As long as they fit into it."""
    assert question(models) == asked
