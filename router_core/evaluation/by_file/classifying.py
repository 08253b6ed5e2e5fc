"""The classifier asked live about every prompt of a labelled file, as production would ask it.

It costs money: ``routers.classifying_cost`` says beforehand about how much. Does not cover what verdicts are
worth.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed

import numpy as np
from numpy.typing import NDArray

from router_core.errors import EvaluationError
from router_core.evaluation.labelled import Labelled
from router_core.features import context
from router_core.policies.asking import Asking, AskModel, VerdictCache
from router_core.policies.classifier import Questions
from router_core.settings import Settings

_GIVE_UP = 20  # so many calls without one verdict: something is wrong, and it may cost money


def live_verdicts(
    labelled: Labelled,
    ask: AskModel,
    settings: Settings,
    *,
    workers: int = 8,
    progress: Callable[[float, str], None] = lambda done, words: None,
) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
    """Ask about every prompt, several at a time.

    Args:
        labelled: the prompts.
        ask: puts messages to the classifier's model.
        settings: its prompt, time-out and limits.
        workers: calls at a time.
        progress: told the part that is done; may raise to stop: calls that have begun end, no more are made.

    Returns:
        (n,) verdicts: 1 SIMPLE, 0 COMPLEX, -1 none (in production the rules would decide), and (n,) what each call
        cost in dollars (NaN: unknown).

    Raises:
        EvaluationError: the first calls all failed; the sentence says how.
    """
    classifier = settings.classifier
    questions, asking = Questions(classifier), Asking(classifier, ask, VerdictCache(0))
    verdicts = np.full(len(labelled.prompts), -1, np.int8)
    cost = np.zeros(len(labelled.prompts))

    def one(row: int) -> tuple[int, str | None]:
        seen = context([{"role": "user", "content": labelled.prompts[row]}], "labelled", labelled.tasks[row])
        answer = asking.answer(questions.about(seen))
        cost[row] = np.nan if answer.cost_usd is None else float(answer.cost_usd)
        if answer.verdict is None:
            return row, answer.failure
        verdicts[row] = 1 if answer.verdict.simple else 0
        return row, None

    pool = ThreadPoolExecutor(workers)
    try:
        calls = [pool.submit(one, row) for row in range(len(labelled.prompts))]
        heard = False
        for done, call in enumerate(as_completed(calls), start=1):
            _, failed = call.result()
            heard = heard or failed is None
            if not heard and done >= min(_GIVE_UP, len(calls)):
                raise EvaluationError(f"the classifier gave no verdict in {done} calls: {failed}")
            progress(done / len(calls), f"asking {classifier.model}: {done:,} of {len(calls):,}")
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return verdicts, cost
