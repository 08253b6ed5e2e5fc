"""Judging what is stored: nothing twice, never beyond the limit, and people's verdicts correct the judge."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from threading import Event

import pytest

from router_core.collecting.judge_run import judge_all
from router_core.collecting.judging import Judging
from router_core.errors import EvaluationError, SettingsError
from router_core.evaluation.judges import judge_reports
from router_core.models.calls import Models
from router_core.outcomes.judge import Judge
from router_core.settings import PrivacySettings, ProviderSettings, Settings, SimulationSettings
from router_core.store import open_store
from router_core.store.base import Search, Store
from router_core.views.audit import wanted_from_people
from tests.judged import rate, with_pairs
from tests.servers import ChatServer, Request, answered, chat_server, refused
from tests.store_rows import ALL, CHEAP, STRONG, ident

JUDGE = Judge("openai/gpt-4.1")
SETTINGS = Settings(simulation=SimulationSettings(latency_scale=0.0))


@pytest.fixture
def store() -> Iterator[Store]:
    """Twenty prompts; the cheap model is right on half of them."""
    opened = open_store(":memory:")
    with_pairs(opened, 20)
    yield opened
    opened.close()


@pytest.fixture
def server() -> Iterator[ChatServer]:
    """A server of one's own that judges."""
    with chat_server() as running:
        yield running


def judging(store: Store, settings: Settings = SETTINGS, judge: Judge = JUDGE, **more: object) -> Judging:
    """A judge at work; simulated."""
    return Judging(store, settings, Models(settings, simulated=True), judge, "default", **more)  # type: ignore[arg-type]


def served(server: ChatServer, **prices: str) -> Settings:
    """Settings whose provider "own" is the server, with a price of dollars per million tokens."""
    provider = ProviderSettings(base_url=server.base_url, api_key_env=None)
    document = json.loads(Settings().document())
    document["providers"]["own"] = json.loads(provider.model_dump_json())
    document["calls"]["max_retries"] = 0
    if prices:
        document["prices"]["own/judge"] = prices
    return Settings.from_document(json.dumps(document))


def test_each_pair_is_judged_once_in_both_orders(store: Store) -> None:
    """Two calls a pair; a second run has nothing to do; costs are those of the calls, and nothing is learned."""
    work = judging(store, people=0.5)
    expected = work.estimate()
    assert (expected.units, expected.calls, expected.done) == (20, 40, 0)
    done = judge_all(work)
    assert (done.judged, done.failed, done.unreadable, done.left, done.ended) == (20, 0, 0, 0, "")
    again = judging(store, people=0.5)
    assert (again.estimate().units, again.estimate().done) == (0, 20)
    assert judge_all(again).judged == 0
    assert again.spent() == (pytest.approx(done.cost_usd), 0)
    assert done.cost_usd > 0
    assert store.evidence("default", ALL) == {}
    said = [one for place in range(1, 41) for one in store.outcome_history(ident(place))]
    assert {one.who for one in said} == {JUDGE.name}
    assert len(said) == 40
    assert all(one.blinded and one.asked == 0.5 and one.compared for one in said)


def test_rewards_and_swaps(store: Store) -> None:
    """A pair's rewards sum to 1; what changed with the order is a tie and counted."""
    judge_all(judging(store))
    report = judge_reports(store, "default", [CHEAP, STRONG])[0]
    rows = store.rows("judgements", {"goal": "default"})
    by_prompt: dict[str, float] = {}
    for row in rows:
        by_prompt[row["prompt_id"]] = by_prompt.get(row["prompt_id"], 0.0) + row["judge"]
        assert row["judge"] == 0.5 or not row["swapped"]
    assert set(by_prompt.values()) == {1.0}
    assert report.pairs_judged == 20
    assert report.swapped == sum(row["swapped"] for row in rows) / 2 > 0
    assert (report.pairs[0].first, report.pairs[0].second) == (CHEAP, STRONG)


def test_without_people_there_is_no_verdict(store: Store) -> None:
    """The judge's own mean is there to read; the sentence says how many verdicts are wanted."""
    judge_all(judging(store, people=1.0))
    report = judge_reports(store, "default")[0]
    assert report.pairs[0].difference.estimate is None
    assert report.wanted == 30
    assert "proves nothing" in report.pairs[0].sentence(0.05)
    assert len(wanted_from_people(store, "default")) == 20
    assert len(wanted_from_people(store, "default", 3)) == 3


def test_people_correct_it() -> None:
    """People's thumbs on what was drawn give a corrected difference; other thumbs do not measure a judge."""
    store = open_store(":memory:")
    with_pairs(store, 150)
    judge_all(judging(store, people=0.6), workers=8)
    drawn = {one.prompt_id for one in wanted_from_people(store, "default")}
    assert 60 < len(drawn) < 120
    rate(store, {number: float(number % 2 == 0 or number % 4 == 1) for number in range(1, 301)})
    assert wanted_from_people(store, "default") == []
    report = judge_reports(store, "default", [CHEAP, STRONG])[0]
    found = report.pairs[0].difference
    assert (found.judged, found.people) == (150, len(drawn))
    assert report.answered == report.for_people == len(drawn)
    assert found.estimate is not None
    assert found.estimate.low < 0.5 < found.estimate.high
    assert "more than 5 points" in report.pairs[0].sentence(0.05)
    assert any("agrees with people" in line for line in report.lines)
    store.close()


def test_each_answer_alone(store: Store) -> None:
    """Every model's answers have a mean of their own, and the same prompt gives a difference."""
    judge_all(judging(store, judge=Judge("openai/gpt-4.1", "alone")))
    report = judge_reports(store, "default", [CHEAP, STRONG])[0]
    assert report.models[CHEAP].judged == report.models[STRONG].judged == 20
    assert report.models[CHEAP].judge < report.models[STRONG].judge
    assert report.pairs[0].difference.judged == 20


def test_the_limit_is_not_exceeded(store: Store, server: ChatServer) -> None:
    """Whatever the answers cost, the sum stays within the limit over several runs; the rest is left."""
    usage = {"prompt_tokens": 200, "completion_tokens": 600, "total_tokens": 800}
    server.next_reply = lambda request: answered('{"verdict": "TIE"}', usage=usage)  # type: ignore[method-assign]
    prices = {"input_usd_per_million_tokens": "1", "output_usd_per_million_tokens": "10"}
    settings = served(server, **prices)
    work = Judging(store, settings, Models(settings), Judge("own/judge"), "default")
    limit = Decimal("0.1")
    for _ in range(3):
        done = judge_all(work, limit, workers=3)
        assert done.left > 0
        assert "limit" in done.ended
    assert Decimal("0.05") < work.spent()[0] <= limit
    assert judge_all(work, None).left == 0


def test_a_limit_needs_a_price(store: Store, server: ChatServer) -> None:
    """Nobody can keep to dollars without one; without a limit its cost is unknown, and is said to be."""
    server.next_reply = lambda request: answered('{"verdict": "FIRST"}')  # type: ignore[method-assign]
    settings = served(server)
    work = Judging(store, settings, Models(settings), Judge("own/judge"), "default", most=2)
    with pytest.raises(SettingsError, match="nobody knows the price of own/judge"):
        judge_all(work, Decimal(1))
    done = judge_all(work)
    assert (done.judged, done.swapped, done.unknown) == (2, 2, 4)
    assert work.spent() == (0, 4)


def test_failures_are_told_and_tried_again(store: Store, server: ChatServer) -> None:
    """A failed unit leaves no verdict; unreadable words are stored without one; both come again."""
    bad: dict[str, bool] = {"on": True}

    def reply(request: Request) -> object:
        if bad["on"]:
            return refused(400, "not today") if "Question 1?" in str(request.body) else answered("no idea")
        return answered('{"verdict": "SECOND", "reason": "because"}')

    server.next_reply = reply  # type: ignore[method-assign,assignment]
    settings = served(server)
    work = Judging(store, settings, Models(settings), Judge("own/judge"), "default", most=20)
    done = judge_all(work, workers=1)
    assert (done.judged, done.failed, done.unreadable) == (0, 1, 19)
    bad["on"] = False
    assert judge_all(work).judged == 20
    assert judge_reports(store, "default")[0].without_verdict == 0


def test_it_stops_and_goes_on(store: Store) -> None:
    """What was asked is stored, the rest is left for the next run."""
    stop = Event()
    work = judging(store)
    done = judge_all(work, workers=1, stop=stop, tell=lambda units, spent: stop.set())
    assert 0 < done.judged < 20
    assert done.left == 20 - done.judged
    assert judge_all(work).judged == done.left


def test_a_wrong_key_ends_the_run(store: Store, server: ChatServer) -> None:
    """Nineteen more refusals would tell nothing."""
    server.next_reply = lambda request: refused(401, "wrong key")  # type: ignore[method-assign]
    settings = served(server)
    done = judge_all(Judging(store, settings, Models(settings), Judge("own/judge"), "default"), workers=1)
    assert (done.failed, done.judged, done.left) == (1, 0, 19)
    assert done.ended


def test_texts_that_were_not_kept_cannot_be_judged(store: Store) -> None:
    """They are counted; and where texts are not to be kept, the judge's reasons are not."""
    store.strip(Search(ids=(ident(1),)))
    strict = SETTINGS.model_copy(update={"privacy": PrivacySettings(keep_texts="hash")})
    work = judging(store, strict)
    assert (work.estimate().units, work.estimate().without_texts) == (19, 1)
    judge_all(work)
    said = [one for place in range(3, 41) for one in store.outcome_history(ident(place))]
    assert len(said) == 38
    assert {one.comment for one in said} == {""}


def test_a_judge_of_its_own_answers_is_warned_of(store: Store) -> None:
    """The same model as an arm."""
    assert judging(store).warning == ""
    assert "its own answers" in judging(store, judge=Judge(STRONG)).warning


def test_refusals(store: Store) -> None:
    """Pairs need two models, and a share is one."""
    with pytest.raises(EvaluationError, match="pairs need two models"):
        judging(store, arms=(CHEAP,))
    with pytest.raises(EvaluationError, match="the share for people is 2"):
        judging(store, people=2)
