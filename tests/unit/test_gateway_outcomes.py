"""Outcomes that come twice or under two names; requests that do not count; decisions by size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from router_core.serving.gateway.application import Gateway
from router_core.serving.gateway.routers import Traffic
from router_core.settings import GoalSettings, Settings, SimulationSettings
from router_core.store import open_store
from router_core.store.base import Search, Store
from router_core.types import was_drawn
from tests.builders import CHEAP, STRONG

SETTINGS = Settings(
    goals={
        "default": GoalSettings(),
        "mail": GoalSettings(),
        "rules": GoalSettings(router="heuristic"),
        "asked": GoalSettings(router="classifier"),
    },
    simulation=SimulationSettings(latency_scale=0),
)
ASKED = {"messages": [{"role": "user", "content": "Spam or not? You won a prize."}]}


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    """In memory."""
    opened = open_store(":memory:", kind="simulated")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def client(store: Store) -> Iterator[TestClient]:
    """A program on this machine."""
    gateway = Gateway(lambda: SETTINGS, lambda goal: Traffic(SETTINGS, store, True))
    with TestClient(gateway.alone(), base_url="http://127.0.0.1:8600", client=("127.0.0.1", 5)) as opened:
        yield opened


def posted(client: TestClient, path: str, body: Any, status: int = 200, **headers: str) -> Any:
    """What a request is answered."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = client.post(f"/v1/{path}", json=body, headers=named)
    assert answer.status_code == status, answer.text
    return answer.json()


def said(client: TestClient, id_: str) -> list[tuple[str, float | None]]:
    """Everything stored about a request."""
    found = client.get(f"/v1/requests/{id_}").json()["outcomes"]
    return [(one["source"], one["reward"]) for one in found if one["source"] != "condition"]


@pytest.fixture(params=["decide", "chat/completions"])
def id_(client: TestClient, request: pytest.FixtureRequest) -> str:
    """A request, carried out elsewhere or here."""
    found: str = posted(client, request.param, ASKED)["id"]
    return found


def test_sent_again_it_changes_nothing(client: TestClient, id_: str) -> None:
    """However the same value is written; a correction and its withdrawal are new, and the former value again."""
    for reward in (1, 1.0, True, "success"):
        assert posted(client, "outcomes", {"request_id": id_, "reward": reward})["stored"]
    assert said(client, id_) == [("api", 1.0)]
    for reward in (0, 0, None, None, 1):
        posted(client, "outcomes", {"request_id": id_, "reward": reward})
    assert said(client, id_) == [("api", 1.0), ("api", 0.0), ("api", None), ("api", 1.0)]


def test_a_third_is_the_same_third(client: TestClient, id_: str) -> None:
    """The store keeps millionths."""
    for _ in range(2):
        posted(client, "outcomes", {"request_id": id_, "reward": 1 / 3})
    assert len(said(client, id_)) == 1


def test_a_new_comment_is_new(client: TestClient, id_: str) -> None:
    """The same reward with other words."""
    for comment in ("good", "good", "very good"):
        posted(client, "outcomes", {"request_id": id_, "reward": 1, "comment": comment})
    assert len(said(client, id_)) == 2


def test_an_array_of_the_same(client: TestClient, id_: str) -> None:
    """All at once, and the whole array again."""
    body = [{"request_id": id_, "reward": 1}] * 40
    for _ in range(2):
        assert all(one["stored"] for one in posted(client, "outcomes", body)["data"])
    assert said(client, id_) == [("api", 1.0)]


def test_sources_stand_side_by_side(client: TestClient, id_: str) -> None:
    """Each has its own last word; an unknown one is refused with those that there are."""
    for source in ("api", "thumb", "api"):
        posted(client, "outcomes", {"request_id": id_, "reward": 1, "source": source})
    assert said(client, id_) == [("api", 1.0), ("thumb", 1.0)]
    error = posted(client, "outcomes", {"request_id": id_, "reward": 1, "source": "gossip"}, 400)["error"]
    assert "thumb" in error["message"]
    assert error["param"] == "source"


@pytest.mark.parametrize(
    "names",
    [
        {"request_id": "{}", "id": "other", "reward": 1},
        {"trace_id": "{}", "inference_id": "other", "reward": 1},
        {"request_id": "{}", "reward": 1, "value": 0},
        {"request_id": "{}", "score": 1, "outcome": "failure"},
        {"request_id": "{}", "reward": True, "value": 1},
    ],
)
def test_two_names_of_one_field(client: TestClient, id_: str, names: dict[str, Any]) -> None:
    """With different values they are refused, in an array too; with the same they are one."""
    body = {name: id_ if value == "{}" else value for name, value in names.items()}
    error = posted(client, "outcomes", body, 400)["error"]
    assert "different values" in error["message"]
    assert not posted(client, "feedback", [body])["data"][0]["stored"]
    assert said(client, id_) == []
    assert posted(client, "feedback", {"request_id": id_, "id": id_, "reward": 1, "value": 1})["stored"]


def test_what_a_call_took_says_nothing_of_it(client: TestClient) -> None:
    """An outcome that came first stays when the call's figures follow."""
    decision = posted(client, "decide", ASKED)["id"]
    posted(client, "outcomes", {"request_id": decision, "reward": 1})
    other = posted(client, "decide", ASKED)["id"]
    posted(client, "record", {"request_id": other, "latency_ms": 5.0})
    posted(client, "outcomes", {"request_id": other, "reward": 1})
    for one in (decision, other):
        assert said(client, one) == [("api", 1.0)]


@pytest.mark.parametrize(
    "marked",
    [
        lambda: ({}, {"x_router_background": "true"}),
        lambda: ({"metadata": {"background": "true"}}, {}),
    ],
)
@pytest.mark.parametrize("path", ["decide", "chat/completions"])
def test_a_background_request_does_not_count(
    client: TestClient, store: Store, path: str, marked: Callable[[], tuple[dict[str, Any], dict[str, str]]]
) -> None:
    """The first model answers, no policy drew it, and it takes no outcome."""
    body, headers = marked()
    answer = posted(client, path, {**ASKED, **body}, **headers)
    assert answer["model"] == CHEAP
    decision = store.decision_of(answer["id"])
    assert decision is not None
    assert decision.origin == decision.policy == "background"
    assert not was_drawn(decision.origin)
    error = posted(client, "outcomes", {"request_id": answer["id"], "reward": 1}, 400)["error"]
    assert "marked as background" in error["message"]


def test_background_must_be_a_flag(client: TestClient) -> None:
    """Yes and no have their spellings; others are refused."""
    for value, status in (("1", 200), ("FALSE", 200), ("0", 200), ("perhaps", 400)):
        posted(client, "decide", ASKED, status, x_router_background=value)


def test_decide_reads_what_completions_read(client: TestClient, store: Store) -> None:
    """Goal, task type, session and user by header, by metadata, by name; the first of these that says it."""
    by_header = posted(client, "decide", ASKED, x_router_goal="mail", x_router_task_type="summary")
    noted = {**ASKED, "metadata": {"goal": "mail", "task_type": "summary", "team": "7"}}
    by_metadata = posted(client, "decide", noted)
    by_name = posted(client, "decide", {**noted, "goal": "rules", "task_type": "other", "user": "u-1"})
    assert [one["goal"] for one in (by_header, by_metadata, by_name)] == ["mail", "mail", "rules"]
    prompts = [store.comparison(one["id"]) for one in (by_header, by_metadata, by_name)]
    assert [one.prompt.task_type for one in prompts if one] == ["summary", "summary", "other"]
    assert prompts[1] is not None
    assert prompts[1].prompt.metadata == {"team": "7"}
    (found,) = (one.prompt for one in store.find(Search(metadata=(("user", "u-1"),)), 5))
    assert found.id == by_name["id"]
    again = posted(client, "decide", {**ASKED, "user": "u-1", "goal": "rules"})
    assert (again["origin"], again["model"]) == ("continued", by_name["model"])
    error = posted(client, "decide", ASKED, 404, x_router_goal="none")["error"]
    assert "no goal 'none'" in error["message"]


def test_decide_over_models_that_can(client: TestClient) -> None:
    """A prompt that is longer than any context has no model, whether it is sent or described."""
    error = posted(client, "decide", {"features": {"input_tokens": 10**7}}, 503)["error"]
    assert error["code"] == "no_eligible_model"


def test_decide_by_size(client: TestClient, store: Store) -> None:
    """Nothing of the messages is sent or stored; a repeated request is one; rules see the words."""
    id_ = "0190cafe-0000-7000-8000-000000000001"
    body = {"features": {"input_tokens": 40, "words": 20}, "request_id": id_}
    first = posted(client, "decide", body)
    assert first == posted(client, "decide", body)
    kept = store.comparison(id_)
    assert kept is not None
    assert kept.prompt.messages is None
    assert kept.decisions[0].context.input_tokens == 40
    assert "another request" in posted(client, "decide", {**ASKED, "request_id": id_}, 400)["error"]["message"]
    short, long = (
        posted(client, "decide", {"features": {"input_tokens": size}, "goal": "rules"}) for size in (20, 4_000)
    )
    assert "3,200 words" not in short["reason"]
    assert (short["model"], long["model"]) in ((CHEAP, STRONG), (STRONG, STRONG), (CHEAP, CHEAP))
    assert posted(client, "outcomes", {"request_id": id_, "reward": 1})["stored"]


@pytest.mark.parametrize(
    ("body", "said_"),
    [
        ({"features": {"input_tokens": 5}, **ASKED}, "Both 'messages' and 'features'"),
        ({"features": {}}, "'features.input_tokens' is missing"),
        ({"features": {"input_tokens": -1}}, "features.input_tokens"),
        ({"features": {"input_tokens": 5, "colour": 1}}, "no field 'features.colour'"),
        ({"features": {"input_tokens": 5}, "model": "goal:asked"}, "send its messages"),
    ],
)
def test_sizes_that_cannot_be_used(client: TestClient, body: dict[str, Any], said_: str) -> None:
    """Status 400, with what is wrong."""
    assert said_ in posted(client, "decide", body, 400)["error"]["message"]
