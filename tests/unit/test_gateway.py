"""The gateway's addresses that call no model, against a store of simulated traffic."""

from __future__ import annotations

import io
import urllib.request
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion
from starlette.testclient import TestClient

from router_core.exports.snippet import http_snippet
from router_core.serving.gateway.application import Gateway
from router_core.serving.gateway.bodies import MOST_BYTES
from router_core.serving.gateway.decisions import MOST_OUTCOMES
from router_core.serving.gateway.routers import Traffic
from router_core.settings import GoalSettings, Settings, SimulationSettings
from router_core.store import open_store
from router_core.store.base import Search, Store
from tests.builders import CHEAP, STRONG

SETTINGS = Settings(goals={name: GoalSettings() for name in ("default", "mail", "quiet")})
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


def refused(answer: Any, status: int) -> dict[str, Any]:
    """The error of a refusal, in OpenAI's form."""
    assert answer.status_code == status, answer.text
    error: dict[str, Any] = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"]
    assert error["code"] != "internal_error"
    return error


def test_decide_record_and_report(client: TestClient, store: Store) -> None:
    """A decision is logged with its probabilities; what the call took and its outcome are known under its id."""
    answer = client.post(
        "/v1/decide",
        json={**ASKED, "model": "goal:mail", "metadata": {"user": "42"}, "task_type": "classification"},
    )
    decision = answer.json()
    assert answer.status_code == 200
    assert answer.headers["x-router-request-id"] == decision["id"]
    assert decision["probabilities"] == {CHEAP: 0.8, STRONG: 0.2}
    assert decision["probability"] == decision["probabilities"][decision["arm"]]
    assert decision["model"] in (CHEAP, STRONG)
    took = {
        "request_id": decision["id"],
        "input_tokens": 12,
        "output_tokens": 3,
        "latency_ms": 400.0,
        "text": "no",
    }
    assert client.post("/v1/record", json=took).json() == {"request_id": decision["id"], "stored": True}
    for reward in (1, True, "success", 0.25):
        said = {"request_id": decision["id"], "reward": reward, "comment": "well"}
        assert client.post("/v1/outcomes", json=said).status_code == 200
    found = client.get(f"/v1/requests/{decision['id']}").json()
    assert found["answer"]["output_tokens"] == 3
    assert found["answer"]["cost_usd"] > 0
    assert [one["reward"] for one in found["outcomes"] if one["source"] == "api"] == [1.0, 0.25]
    (prompt,) = (one.prompt for one in store.find(Search(metadata=(("user", "42"),)), 2))
    assert (prompt.origin, prompt.task_type, prompt.goal) == ("gateway", "classification", "mail")


@pytest.mark.parametrize("stream", [False, True])
def test_a_completion_is_reported_on(client: TestClient, stream: bool) -> None:
    """The id in the body and in the header is the one under which it is looked up and outcomes are reported."""
    answer = client.post("/v1/chat/completions", json={**ASKED, "model": "auto", "stream": stream})
    assert answer.status_code == 200
    id_ = answer.headers["x-router-request-id"]
    if stream:
        assert answer.text.endswith("data: [DONE]\n\n")
        assert f'"id":"{id_}"' in answer.text
    else:
        assert answer.json()["id"] == id_
    assert client.post("/v1/outcomes", json={"request_id": id_, "reward": 0.75}).json()["stored"]
    found = client.get(f"/v1/requests/{id_}").json()
    assert (found["id"], found["object"], found["origin"]) == (id_, "request", "gateway")
    assert found["answer"]["id"] == id_
    assert found["answer"]["cost_usd"] > 0
    assert [one["reward"] for one in found["outcomes"]] == [0.75]


def test_a_repeated_request_is_one(client: TestClient, store: Store) -> None:
    """The caller's own id: logged once, the same answer again; for another prompt it is refused."""
    id_ = str(uuid4())
    before = store.count(Search())
    first, second = (client.post("/v1/decide", json={**ASKED, "request_id": id_}).json() for _ in range(2))
    assert first == second
    assert first["id"] == id_
    assert store.count(Search()) == before + 1
    other = {"messages": [{"role": "user", "content": "Another one."}], "request_id": id_}
    assert "was logged for another request" in refused(client.post("/v1/decide", json=other), 400)["message"]


def test_outcomes_each_have_their_own_fate(client: TestClient) -> None:
    """Of an array what can be stored is, and the rest says why; too many at once are refused."""
    id_ = client.post("/v1/decide", json=ASKED).json()["id"]
    body = [
        {"request_id": id_, "reward": 1},
        {"request_id": str(uuid4()), "reward": 1},
        {"request_id": id_, "reward": 7},
        {"request_id": id_},
        5,
    ]
    data = client.post("/v1/outcomes", json=body).json()["data"]
    assert data[0] == {"request_id": id_, "stored": True}
    assert [one["stored"] for one in data] == [True, False, False, False, False]
    assert [one["error"]["code"] for one in data[1:]] == [
        "request_not_found",
        None,
        None,
        None,
    ]
    many = [{"request_id": id_, "reward": 1}] * (MOST_OUTCOMES + 1)
    assert "1,001 outcomes" in refused(client.post("/v1/outcomes", json=many), 400)["message"]


@pytest.mark.parametrize("name", ["request_id", "inference_id", "trace_id", "id"])
@pytest.mark.parametrize("reward", ["reward", "value", "score", "outcome"])
def test_feedback_under_other_names(client: TestClient, name: str, reward: str) -> None:
    """What other gateways call the same."""
    id_ = client.post("/v1/decide", json=ASKED).json()["id"]
    assert client.post("/v1/feedback", json={name: id_, reward: True}).json()["stored"]
    assert client.post("/v1/feedback", json={name: id_, reward: None}).json()["stored"]  # withdrawn
    assert client.get(f"/v1/requests/{id_}").json()["outcomes"][-1]["reward"] is None


def test_models(client: TestClient) -> None:
    """Auto, each goal, each model; ids hold slashes."""
    names = [one["id"] for one in client.get("/v1/models").json()["data"]]
    assert names == ["auto", "goal:default", "goal:mail", "goal:quiet", CHEAP, STRONG]
    for name in names:
        assert client.get(f"/v1/models/{name}").json()["id"] == name
    assert refused(client.get("/v1/models/openai/none"), 404)["code"] == "model_not_found"


def test_the_goal_is_chosen_by_the_model(client: TestClient) -> None:
    """``goal:NAME``; another name is refused with those that there are."""
    assert client.post("/v1/decide", json={**ASKED, "model": "goal:quiet"}).json()["goal"] == "quiet"
    none = refused(client.post("/v1/decide", json={**ASKED, "model": "goal:none"}), 404)
    assert "the goals are default, mail, quiet" in none["message"]
    assert (
        "model is 'gpt-4o'"
        in refused(client.post("/v1/decide", json={**ASKED, "model": "gpt-4o"}), 404)["message"]
    )


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "is not JSON"),
        (b"{", "is not JSON"),
        (b"\xff\xfe", "not UTF-8"),
        (b'{"messages": NaN}', "NaN is no number"),
        (b'{"messages": "\\ud800"}', "half a character"),
        (b"[" * 3000 + b"]" * 3000, "nested deeper"),
        (b"[" * 200_000, "nested deeper"),
        (b'{"messages": ' + b"9" * 5000 + b"}", "more than 300 digits"),
        (b"[]", "is an array; send a JSON object"),
        (b"null", "is null"),
        (b"{}", "'messages' is missing"),
        (b'{"messages": []}', "the list of messages is empty"),
        (b'{"messages": [{"role": "user", "content": " "}]}', "blank"),
        (b'{"messages": [], "temprature": 1}', "There is no field 'temprature'"),
        (b'{"messages": [], "model": 5}', "model is a number"),
        (b'{"messages": [{"role": "user", "content": "x"}], "metadata": {"a": 5}}', "metadata.a is a number"),
        (b'{"messages": [{"role": "user", "content": "x"}], "request_id": "no"}', "request_id"),
    ],
)
def test_what_cannot_be_read_is_a_sentence(client: TestClient, body: bytes, said: str) -> None:
    """Status 400, in OpenAI's form."""
    assert said in refused(client.post("/v1/decide", content=body), 400)["message"]


def test_too_large(client: TestClient) -> None:
    """Refused as soon as so much has come."""
    assert refused(client.post("/v1/decide", content=b" " * (MOST_BYTES + 1)), 413)["code"] == "request_too_large"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/v1/nothing", 404), ("GET", "/v1/decide", 405), ("DELETE", "/v1/models", 405), ("GET", "/x", 404)],
)
def test_unknown_addresses(client: TestClient, method: str, path: str, status: int) -> None:
    """In OpenAI's form too."""
    refused(client.request(method, path), status)


def test_unknown_requests(client: TestClient) -> None:
    """Ids that nobody knows, or that are none."""
    for id_ in (str(uuid4()), "nonsense", "%00", "x" * 5000):
        refused(client.get(f"/v1/requests/{id_}"), 404)
    for body in ({"request_id": "nonsense", "reward": 1}, {"request_id": str(uuid4()), "reward": 1}):
        refused(client.post("/v1/outcomes", json=body), 404)
    assert refused(client.post("/v1/record", json={"request_id": str(uuid4())}), 400)["message"]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from(
    ["messages", "model", "request_id", "reward", "comment", "metadata", "session", "task_type"]
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["decide", "record", "outcomes", "feedback"]),
    st.dictionaries(NAMES, JSON, max_size=6) | JSON,
)
def test_no_body_breaks_it(client: TestClient, path: str, body: Any) -> None:
    """Whatever is sent, the answer is one of those promised, never a traceback."""
    answer = client.post(f"/v1/{path}", json=body)
    assert answer.status_code in (200, 400, 404), answer.text


def test_other_machines_are_refused(store: Store) -> None:
    """Without a list of hosts the gateway answers its own machine alone; a foreign page may not call it."""
    gateway = Gateway(lambda: SETTINGS, lambda goal: Traffic(SETTINGS, store, True))
    with TestClient(gateway.alone(), base_url="http://127.0.0.1:8600", client=("10.0.0.5", 5)) as other:
        assert other.get("/v1/models").status_code == 403
    with TestClient(gateway.alone(), base_url="http://127.0.0.1:8600", client=("127.0.0.1", 5)) as own:
        assert own.get("/v1/models", headers={"origin": "http://evil.example"}).status_code == 403


def test_changed_settings_are_followed(store: Store) -> None:
    """From the next request on; a router that was replaced is closed once nobody uses it."""
    now, asked = {"settings": SETTINGS}, {**ASKED, "model": "goal:quiet"}
    gateway = Gateway(lambda: now["settings"], lambda goal: Traffic(now["settings"], store, True))
    with TestClient(gateway.alone(), base_url="http://127.0.0.1:8600", client=("127.0.0.1", 5)) as client:
        before = client.post("/v1/decide", json=asked).json()
        goal = SETTINGS.goal("quiet")
        arms = tuple(arm.model_copy(update={"weight": 0.5}) for arm in goal.arms)
        now["settings"] = Settings(goals={"quiet": goal.model_copy(update={"arms": arms})})
        after = client.post("/v1/decide", json=asked).json()
    assert before["probabilities"] == {CHEAP: 0.8, STRONG: 0.2}
    assert after["probabilities"] == {CHEAP: 0.5, STRONG: 0.5}


@pytest.mark.parametrize("goal", ["default", 'it\'s "quoted"', "邮件分类"])
def test_the_program_for_the_gateway(
    store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], goal: str
) -> None:
    """As it is exported, word for word: it asks the goal's router and its outcome is stored."""
    settings = Settings(goals={goal: GoalSettings()}, simulation=SimulationSettings(latency_scale=0))
    gateway = Gateway(lambda: settings, lambda goal: Traffic(settings, store, True))
    with TestClient(gateway.alone(), base_url="http://127.0.0.1:8600", client=("127.0.0.1", 5)) as client:

        def created(**arguments: Any) -> Any:
            answer = client.post("/v1/chat/completions", json=arguments)
            return ChatCompletion.model_validate(answer.json())

        def opened(request: urllib.request.Request) -> Any:
            assert request.full_url == "http://127.0.0.1:8600/v1/outcomes"
            answer = client.post("/v1/outcomes", content=request.data)
            assert answer.json()["stored"]
            return io.BytesIO(answer.content)

        made = SimpleNamespace(chat=SimpleNamespace(completions=SimpleNamespace(create=created)))
        monkeypatch.setattr("openai.OpenAI", lambda base_url, api_key: made)
        monkeypatch.setattr("urllib.request.urlopen", opened)
        exec(compile(http_snippet("http://127.0.0.1:8600/v1", goal), "client.py", "exec"), {})
    assert capsys.readouterr().out.startswith("openai/gpt-4o")
    newest = store.find(Search(goal=goal), 1)[0]
    assert [one.reward for one in newest.outcomes if one.source == "api"] == [1.0]
