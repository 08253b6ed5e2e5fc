"""The classifier asked about a labelled file: its verdicts, their cost, failures, and stopping."""

from __future__ import annotations

import time
from collections.abc import Sequence
from decimal import Decimal
from threading import Lock

import numpy as np
import pytest

from router_core.errors import AuthenticationError, EvaluationError, ProviderTimeoutError
from router_core.evaluation.by_file.classifying import live_verdicts
from router_core.policies.asking import Reply
from router_core.settings import ClassifierSettings, Settings
from router_core.types import Message, Usage
from tests.labelled import labelled

PROMPTS = [f"{'hard' if i % 3 == 0 else 'easy'} {i}" for i in range(60)]


def asked(messages: Sequence[Message], settings: ClassifierSettings) -> Reply:
    """Says COMPLEX to what calls itself hard; does not answer prompt 7, and answers nonsense to prompt 8."""
    text = messages[-1]["content"]
    if "easy 7\n" in text:
        raise ProviderTimeoutError("no answer within 8 s")
    label = "COMPLEX" if "hard" in text else "SIMPLE"
    said = "banana" if "easy 8\n" in text else f'{{"complexity": "{label}"}}'
    return Reply(said, Usage(100, 10), Decimal("0.00002"))


def test_verdicts_and_costs() -> None:
    """One verdict per prompt in the file's order; a call that may be billed has an unknown cost."""
    verdicts, cost = live_verdicts(labelled([[1, 1]] * 60, prompts=PROMPTS), asked, Settings())
    expected = [0 if i % 3 == 0 else 1 for i in range(60)]
    expected[7] = expected[8] = -1
    assert verdicts.tolist() == expected
    assert np.isnan(cost[7])
    assert np.delete(cost, 7).tolist() == [0.00002] * 59  # nonsense is paid for as well


def test_a_key_that_is_refused_ends_it_soon() -> None:
    """Not thousands of failing calls: a few, and the sentence."""
    calls: list[int] = []
    lock = Lock()

    def refused(messages: Sequence[Message], settings: ClassifierSettings) -> Reply:
        with lock:
            calls.append(1)
        time.sleep(0.001)
        raise AuthenticationError("the key in OPENAI_API_KEY was refused")

    with pytest.raises(EvaluationError, match=r"no verdict in 20 calls: the key in OPENAI_API_KEY was refused"):
        live_verdicts(labelled([[1, 1]] * 5000), refused, Settings(), workers=2)
    assert len(calls) < 4000


def test_it_can_be_stopped() -> None:
    """What progress raises ends it, and no more calls are made."""
    calls: list[int] = []

    def counted(messages: Sequence[Message], settings: ClassifierSettings) -> Reply:
        calls.append(1)
        time.sleep(0.001)
        return asked(messages, settings)

    class Stopped(Exception):
        pass

    def stop(done: float, words: str) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        live_verdicts(labelled([[1, 1]] * 5000), counted, Settings(), workers=2, progress=stop)
    assert len(calls) < 4000
