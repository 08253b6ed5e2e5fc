"""How long requests are kept: what goes, when, and what stays."""

from __future__ import annotations

from datetime import timedelta

import pytest

from router_core.routing.retention import remove_expired
from router_core.serving.library import Router
from router_core.settings import PrivacySettings, Settings
from router_core.store import open_store
from router_core.store.base import Batch, Search, Store
from router_core.types import Evidence
from tests.store_rows import ALL, CHEAP, START, a_completion, a_decision, a_prompt, an_outcome, at, ident

DAY = 86_400


@pytest.fixture
def store() -> Store:
    """Two prompts, a day apart, each rated good."""
    opened = open_store(":memory:")
    opened.write(
        Batch(
            [a_prompt(1), a_prompt(2, created_at=at(DAY))],
            [a_decision(1), a_decision(2)],
            [a_completion(1), a_completion(2)],
            [an_outcome(1, 1), an_outcome(2, 2)],
        )
    )
    return opened


def kept(store: Store) -> list[bool]:
    """Of each prompt, newest first, whether its text is still there."""
    return [one.prompt.messages is not None for one in store.find(Search(), 10)]


@pytest.mark.parametrize("expire", ["texts", "requests"])
def test_nothing_expires_by_default_or_too_early(store: Store, expire: str) -> None:
    """Without a number of days, and on the last day."""
    late = START + timedelta(days=400)
    assert remove_expired(store, PrivacySettings(expire=expire), late) == 0  # type: ignore[arg-type]
    privacy = PrivacySettings(expire_after_days=7, expire=expire)  # type: ignore[arg-type]
    assert remove_expired(store, privacy, START + timedelta(days=7)) == 0
    assert kept(store) == [True, True]


def test_texts_go_and_figures_stay(store: Store) -> None:
    """Only of what is older; again it finds nothing more."""
    privacy = PrivacySettings(expire_after_days=7)
    now = START + timedelta(days=7, seconds=2)
    assert remove_expired(store, privacy, now) == 1
    assert kept(store) == [True, False]
    assert store.evidence("default", ALL) == {CHEAP: Evidence(2, 2_000_000)}
    assert remove_expired(store, privacy, now) == 0


def test_requests_go_with_what_they_taught(store: Store) -> None:
    """The request is gone, its rating teaches no more."""
    privacy = PrivacySettings(expire_after_days=7, expire="requests")
    assert remove_expired(store, privacy, START + timedelta(days=7, seconds=2)) == 1
    assert [one.prompt.id for one in store.find(Search(), 10)] == [ident(2)]
    assert store.evidence("default", ALL) == {CHEAP: Evidence(1, 1_000_000)}


def test_a_router_removes_what_has_expired_when_it_starts(store: Store) -> None:
    """These requests are of 2026-03-01."""
    for days, texts in ((36_500, [True, True]), (1, [False, False])):
        settings = Settings(privacy=PrivacySettings(expire_after_days=days))
        Router(settings=settings, store=store, simulated=True).close()
        assert kept(store) == texts
