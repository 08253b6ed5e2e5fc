"""A batch asks every model once, checks the answers, keeps its limit, and goes on where it was."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from router_core.collecting.batch import Batch, BatchError, folder_of, forget, open_batches, saved
from router_core.collecting.beginning import prepare
from router_core.collecting.estimate import estimate
from router_core.collecting.run import BatchRun, Result
from router_core.collecting.scored import write_scored
from router_core.collecting.standing import standing
from router_core.errors import ConditionError, RouterError
from router_core.evaluation.by_file.conclusion import verdict
from router_core.evaluation.by_file.report import evaluate
from router_core.evaluation.files.reading import read_labelled
from router_core.settings import Settings
from router_core.store import open_store
from router_core.store.base import Search, Store
from tests.batches import CHEAP, STRONG, prompts_file, settings_at, solver
from tests.servers import ChatServer, Reply, Request, chat_server, refused

CALL = Decimal(18) / 10**6
"""Dollars of one call of the cheap model at the server's 11 and 7 tokens."""


@pytest.fixture
def server() -> Iterator[ChatServer]:
    """Solves sums."""
    with chat_server() as found:
        found.usual = solver
        yield found


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """In a file."""
    opened = open_store(tmp_path / "router.duckdb")
    yield opened
    opened.close()


def begun(settings: Settings, store: Store, folder: Path, count: int = 30, **more: Any) -> Batch:
    """A new batch of sums."""
    more = {"check": "number", **more}
    return prepare(settings, store, prompts_file(folder / "prompts.csv", count), **more)[0]


def run(settings: Settings, store: Store, batch: Batch, **more: Any) -> Result:
    """To its end."""
    return BatchRun(settings, store, batch, environ={}, **more).run()


def asked(server: ChatServer) -> Counter[tuple[str, str]]:
    """How often each model was asked each prompt."""
    return Counter((one.body["model"], one.body["messages"][-1]["content"]) for one in server.requests)


def test_every_model_answers_every_prompt_once(server: ChatServer, store: Store, tmp_path: Path) -> None:
    """The answers are paired evidence; what the check says is an outcome with its name; costs add up."""
    settings = settings_at(server)
    batch = begun(settings, store, tmp_path)
    result = run(settings, store, batch)
    assert result.ended == "done"
    assert set(asked(server).values()) == {1}
    assert len(asked(server)) == 60
    assert {one.body["max_tokens"] for one in server.requests} == {1024}
    found = result.standing
    assert (found.answered, found.failed, found.left, found.unknown) == (60, 0, 0, 0)
    assert found.spent_usd == 30 * CALL + 30 * 10 * CALL
    assert 0 < found.arms[CHEAP].right < found.arms[STRONG].right < 30
    assert standing(store, batch) == found
    one = store.find(Search(text="What is 7 + 7?"), 1)[0]
    assert (one.prompt.origin, one.prompt.run_all, one.prompt.task_type) == ("batch", True, "odd")
    assert one.prompt.metadata == {"batch": batch.id, "reference": "14"}
    assert {(said.source, said.comment) for said in one.outcomes} == {("check", "number (version 1)")}
    taught = store.evidence("default", settings.goal("default").teaching_rule())
    assert {arm: (known.count, known.reward_micro / 1e6) for arm, known in taught.items()} == {
        arm: (30, known.right) for arm, known in found.arms.items()
    }


def test_the_scored_file_leads_to_a_verdict(server: ChatServer, store: Store, tmp_path: Path) -> None:
    """In every format, with costs, tasks and answers."""
    settings = settings_at(server)
    batch = begun(settings, store, tmp_path, 150)
    run(settings, store, batch)
    means = []
    for ending in ("csv", "jsonl", "parquet"):
        place = tmp_path / f"scored.{ending}"
        assert write_scored(settings, store, batch, place) == 300
        data = read_labelled(place)
        assert (data.models, len(data.prompts), set(data.tasks)) == ((CHEAP, STRONG), 150, {"even", "odd"})
        means.append((data.scores.mean(axis=0).tolist(), data.cost_usd.sum(axis=0).tolist()))
        assert not data.cost_estimated.any()
    assert means[0] == means[1] == means[2]
    report = evaluate([], data, settings=settings)
    assert verdict(report).sentence.startswith(f"Use {STRONG} for everything.")
    with pytest.raises(BatchError, match=r"scored\.xlsx ends in none of \.csv, \.jsonl, \.parquet"):
        write_scored(settings, store, batch, tmp_path / "scored.xlsx")


def test_a_limit_is_kept_and_raised(server: ChatServer, store: Store, tmp_path: Path) -> None:
    """It stops where the next call could exceed it; with more money the rest is asked, and nothing twice."""
    settings = settings_at(server, max_retries=0)
    batch = begun(settings, store, tmp_path, limit_usd=Decimal("0.013"))
    found = run(settings, store, batch)
    assert found.ended == "limit"
    assert 0 < found.standing.answered < 60
    assert found.standing.spent_usd <= Decimal("0.013")
    assert found.standing.left == 60 - found.standing.answered
    rest = run(settings, store, Batch(**{**vars_of(batch), "limit_usd": Decimal(5)}))
    assert (rest.ended, rest.standing.answered) == ("done", 60)
    assert set(asked(server).values()) == {1}


def vars_of(batch: Batch) -> dict[str, Any]:
    """Its fields."""
    return {name: getattr(batch, name) for name in Batch.__dataclass_fields__}


def test_a_model_without_a_price_needs_a_yes(server: ChatServer, store: Store, tmp_path: Path) -> None:
    """A limit could not hold it."""
    settings = settings_at(server, priced=False)
    batch = begun(settings, store, tmp_path, 3, limit_usd=Decimal(1))
    with pytest.raises(BatchError, match="the price of house/cheap, house/strong is unknown, so the limit of"):
        run(settings, store, batch)
    assert server.requests == []
    assert estimate(settings, store, batch).unpriced == (CHEAP, STRONG)
    allowed = begun(settings, store, tmp_path, 3, limit_usd=Decimal(1), unpriced=True)
    found = run(settings, store, allowed)
    assert (found.ended, found.standing.answered, found.standing.unknown) == ("done", 6, 6)
    assert found.standing.spent_usd == 0


def test_failures_are_told_and_tried_again_alone(server: ChatServer, store: Store, tmp_path: Path) -> None:
    """Once more for what failed; what was answered is left."""
    settings = settings_at(server, max_retries=0)
    sick = True

    def sometimes(request: Request) -> Reply:
        prompt = request.body["messages"][-1]["content"]
        if sick and request.body["model"] == "strong" and int(prompt.split()[2]) % 3 == 0:
            return refused(400, "this prompt is not for me")
        return solver(request)

    server.usual = sometimes
    batch = begun(settings, store, tmp_path)
    found = run(settings, store, batch)
    assert (found.standing.answered, found.standing.failed) == (50, 10)
    assert any("this prompt is not for me" in error for error in found.standing.errors)
    sick = False
    again = run(settings, store, batch)
    assert again.standing.failed == 10
    mended = run(settings, store, batch, again=("failed",))
    assert (mended.standing.answered, mended.standing.failed) == (60, 0)
    assert standing(store, batch).answered == 60
    assert sorted(Counter(asked(server).values()).items()) == [(1, 50), (2, 10)]


def test_a_model_that_cannot_be_asked_is_left_alone(server: ChatServer, store: Store, tmp_path: Path) -> None:
    """A wrong key is not tried a thousand times; the other model goes on."""
    settings = settings_at(server, max_retries=0)
    server.usual = lambda request: refused(401) if request.body["model"] == "strong" else solver(request)
    batch = begun(settings, store, tmp_path, 100, at_once=4)
    found = run(settings, store, batch)
    assert found.ended == "given up"
    assert list(found.given_up) == [STRONG]
    assert found.standing.arms[CHEAP].answered == 100
    assert found.standing.failed < 10


def test_who_is_told_to_come_later_comes_later(
    server: ChatServer, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rate limits cost nothing and lose nothing."""
    settings = settings_at(server, max_retries=0)
    refusals = Counter[str]()

    def busy(request: Request) -> Reply:
        prompt = request.body["messages"][-1]["content"]
        refusals[prompt] += 1
        return refused(429, "slow down", retry_after="0") if refusals[prompt] == 1 else solver(request)

    server.usual = busy
    batch = begun(settings, store, tmp_path, 12, models=("cheap",))
    found = run(settings, store, batch)
    assert (found.ended, found.standing.answered, found.standing.failed) == ("done", 12, 0)
    assert found.standing.spent_usd == 12 * CALL


def test_a_pause_finishes_what_is_under_way(server: ChatServer, store: Store, tmp_path: Path) -> None:
    """Then the rest is asked, and nothing twice."""
    settings = settings_at(server)
    batch = begun(settings, store, tmp_path, 40, at_once=2)
    going = BatchRun(settings, store, batch, environ={})
    came = threading.Event()

    def pausing(request: Request) -> Reply:
        if len(server.requests) >= 10 and not came.is_set():
            came.set()
            going.pause()
        return solver(request)

    server.usual = pausing
    first = going.run()
    assert first.ended == "paused"
    assert 10 <= first.standing.answered < 80
    assert first.standing.cut_off == 0
    assert [one.id for one in open_batches(store)] == [batch.id]
    second = run(settings, store, saved(store, batch.id))
    assert (second.ended, second.standing.answered) == ("done", 80)
    assert set(asked(server).values()) == {1}
    forget(store, batch.id)
    assert open_batches(store) == []
    assert not folder_of(store).exists()
    with pytest.raises(BatchError, match=f"no batch {batch.id} is open"):
        saved(store, batch.id)


def test_an_answer_that_was_stored_unchecked_is_checked_later(
    server: ChatServer, store: Store, tmp_path: Path
) -> None:
    """As after a crash between the two; a callable of one's own works, too, and the texts are not asked anew."""
    settings = settings_at(server)
    batch = begun(settings, store, tmp_path, 5, check="")
    assert run(settings, store, batch).standing.arms[CHEAP].checked == 0
    requests = len(server.requests)

    def short(answer: str, reference: str) -> bool:
        return len(answer) < 100

    found = run(settings, store, batch, check=short)
    assert len(server.requests) == requests
    assert (found.standing.arms[CHEAP].checked, found.standing.arms[CHEAP].right) == (5, 5.0)
    assert store.find(Search(), 1)[0].outcomes[0].comment == "short (version 1)"


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"models": ("gpt-9",)}, "'gpt-9' is no model of this goal; its models are house/cheap, house/strong"),
        ({"check": "beauty"}, "'beauty' is not a check"),
        ({"limit_usd": Decimal(0)}, "limit_usd is 0; give dollars above 0"),
        ({"at_once": 0}, "at_once is 0; give a whole number above 0"),
        ({"max_tokens": True}, "max_tokens is True; give a whole number above 0"),
    ],
)
def test_what_does_not_fit_is_said_before_anything_is_kept(
    server: ChatServer, store: Store, tmp_path: Path, more: dict[str, Any], sentence: str
) -> None:
    """A sentence, and no folder is left."""
    with pytest.raises(RouterError) as caught:
        begun(settings_at(server), store, tmp_path, 3, **more)
    assert sentence in str(caught.value)
    assert open_batches(store) == []


def test_a_check_that_needs_references_wants_them(server: ChatServer, store: Store, tmp_path: Path) -> None:
    """Before money is spent."""
    (tmp_path / "plain.txt").write_text("Name a colour.\n")
    with pytest.raises(BatchError, match=r"the check exact needs reference answers, and plain\.txt has none"):
        prepare(settings_at(server), store, tmp_path / "plain.txt", check="exact")
    with pytest.raises(ConditionError, match="is not a check"):
        prepare(settings_at(server), store, tmp_path / "plain.txt", check="exactly")


def test_an_estimate_before_anything_is_asked(server: ChatServer, store: Store, tmp_path: Path) -> None:
    """At most the bounds, and more than nothing."""
    settings = settings_at(server)
    batch = begun(settings, store, tmp_path, per_minute=10)
    found = estimate(settings, store, batch)
    assert (found.calls, found.unpriced) == (60, ())
    assert found.usd is not None
    assert found.most_usd is not None
    assert 0 < found.usd < found.most_usd
    assert found.seconds == 360
    spent = run(settings, store, Batch(**{**vars_of(batch), "per_minute": None})).standing.spent_usd
    assert spent < found.most_usd
    assert server.requests
