"""The contextual router learns from conditions at once and from people later, whose word is the stronger."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from router_core.serving.library import Router
from router_core.settings import GoalSettings
from router_core.store.base import Batch, Store
from router_core.types import OutcomeRecord
from tests.unit.routing import Make

TEXTS = [
    f"Is this spam: prize number {n}?" if n % 2 else f"Explain why {n} is prime, step by step." for n in range(9)
]
LATER = timedelta(hours=30)


def one(make_router: Make, **goal: Any) -> Router:
    """A router in the middle of its work, or begun anew on the same store."""
    return make_router(
        settings={"goals": {"default": GoalSettings(**goal)}},
        policy="contextual",
        success_when="contains(content, 'mini')",
    )


def asked(router: Router) -> list[str]:
    """Every text, answered and judged by the condition; the ids."""
    return [
        str(router.completion([{"role": "user", "content": text}], return_request_id=True)[1]) for text in TEXTS
    ]


def known(router: Router) -> dict[str, Any]:
    """All that the contextual router has learned, without loss."""
    return router._decider.memory.state("default").document()


def thumb(router: Router, request_id: str, reward: float | None, after: timedelta = timedelta(0)) -> OutcomeRecord:
    """What a person said, so long after now."""
    now: datetime = router._decider.now()
    return OutcomeRecord(router._decider.new_id(), request_id, "thumb", reward, now + after)


def test_thumbs_and_reports_correct_what_conditions_taught(make_router: Make, store: Store) -> None:
    """Condition, report, thumb, the thumb withdrawn: after each, what a router begun anew learns, to the bit."""
    router = one(make_router)
    begun = known(router)
    ids = asked(router)
    seen = [known(router)]
    assert seen[0]["outcomes"] == len(ids)
    assert seen[0] != begun
    router.report_outcome(ids[1], 0.25)
    seen.append(known(router))
    assert seen[-1] == known(one(make_router))
    store.write(Batch(outcomes=[thumb(router, ids[1], 1.0), thumb(router, ids[4], 0.0)]))
    seen.append(known(router))
    assert seen[-1] == known(one(make_router))
    router.report_outcome(ids[1], 0.75)  # the thumb is stronger: nothing changes
    assert known(router) == seen[-1]
    store.write(Batch(outcomes=[thumb(router, ids[1], None)]))
    seen.append(known(router))
    assert seen[-1] == known(one(make_router))
    assert all(before["arms"] != after["arms"] for before, after in pairwise(seen))
    assert {state["outcomes"] for state in seen} == {len(ids)}  # corrections, never a second lesson


def test_thumbs_on_every_answer_are_all_that_counts(make_router: Make, store: Store) -> None:
    """Where people judged everything, the conditions might as well not have been."""
    router = one(make_router)
    ids = asked(router)
    by_conditions = known(router)
    store.write(Batch(outcomes=[thumb(router, id_, float(n % 3 == 0)) for n, id_ in enumerate(ids)]))
    assert known(router) == known(one(make_router, teaching_precedence=("thumb",))) != by_conditions


@pytest.mark.parametrize(("precedence", "taught"), [(("thumb", "api", "condition"), 9), (("thumb",), 1)])
def test_late_thumbs_correct_conditions_but_teach_nothing_by_themselves(
    make_router: Make, store: Store, precedence: Any, taught: int
) -> None:
    """After the window: with the condition's verdict in time a correction, without it too late. Rebuilt alike."""
    window = {"teaching_precedence": precedence, "attribution_hours": 24.0}
    router = one(make_router, **window)
    ids = asked(router)
    before = known(router)
    store.write(Batch(outcomes=[thumb(router, ids[0], 0.5)]))
    store.write(Batch(outcomes=[thumb(router, id_, 0.5, LATER) for id_ in ids[:4]]))
    after = known(router)
    assert after == known(one(make_router, **window)) != before
    assert after["outcomes"] == taught
    assert sum(one.observations for one in router.posteriors().values()) == taught
    unlimited = known(one(make_router, teaching_precedence=precedence))
    assert (unlimited == after) == (precedence != ("thumb",))
