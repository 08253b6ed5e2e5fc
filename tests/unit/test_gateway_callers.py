"""Keys of callers: who needs one, what it opens, where its limits are, and that nobody can read it anywhere."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from starlette.testclient import TestClient

from router_core.errors import ArgumentError
from router_core.exports import dump
from router_core.exports.transfer import export_of
from router_core.routing.deciding import now
from router_core.serving import caller_keys
from router_core.serving.caller_keys import found, limits_of, made, revoke
from router_core.serving.gateway.application import Gateway
from router_core.serving.gateway.routers import Traffic
from router_core.settings import GoalSettings, Settings, SimulationSettings
from router_core.shell.main import main
from router_core.store import open_store
from router_core.store.base import Search, Store
from router_core.validation import KEY_SHAPE
from tests.builders import CHEAP, STRONG
from tests.servers import wait_for

SETTINGS = Settings(
    goals={name: GoalSettings() for name in ("default", "mail")}, simulation=SimulationSettings(latency_scale=0)
)
ASKED = {"messages": [{"role": "user", "content": "Spam or not? You won a prize."}]}
ADDRESSES = (
    ("GET", "models"),
    ("GET", "models/auto"),
    ("GET", "requests/x"),
    ("GET", "nothing"),
    ("POST", "chat/completions"),
    ("POST", "responses"),
    ("POST", "embeddings"),
    ("POST", "decide"),
    ("POST", "record"),
    ("POST", "outcomes"),
    ("POST", "feedback"),
)


class Clock:
    """Seconds and the date, moved by hand."""

    def __init__(self) -> None:
        self.s = 1_000.0

    def __call__(self) -> float:
        return self.s

    def now(self) -> datetime:
        """The same as a moment of today."""
        return datetime.now(UTC).replace(hour=12)


@pytest.fixture
def store() -> Iterator[Store]:
    """In memory."""
    opened = open_store(":memory:", kind="simulated")
    yield opened
    opened.close()


@pytest.fixture
def clock() -> Clock:
    """Of the gateway."""
    return Clock()


@pytest.fixture
def client(store: Store, clock: Clock) -> Iterator[TestClient]:
    """A program on this machine."""
    gateway = Gateway(lambda: SETTINGS, lambda goal: Traffic(SETTINGS, store, True))
    gateway._callers._clock, gateway._callers._now = clock, clock.now
    with TestClient(gateway.alone(), base_url="http://127.0.0.1:8600", client=("127.0.0.1", 5)) as opened:
        yield opened


def key(store: Store, name: str = "one", **limits: Any) -> dict[str, str]:
    """The headers of a program with a new key."""
    made_key, text = made(name, now(), store.caller_keys(), **limits)
    store.save_caller_key(made_key)
    return {"authorization": f"Bearer {text}"}


def error(answer: Any, status: int) -> dict[str, Any]:
    """The error of a refusal."""
    assert answer.status_code == status, answer.text
    found_: dict[str, Any] = answer.json()["error"]
    return found_


def test_without_keys_this_machine_alone(store: Store, client: TestClient) -> None:
    """Nobody here needs one; another machine is refused with what to do, also under an allowed name."""
    assert client.get("/v1/models").status_code == 200
    gateway = Gateway(lambda: SETTINGS, lambda goal: Traffic(SETTINGS, store, True))
    mounted = gateway.mount().app
    with TestClient(mounted, base_url="http://router.example", client=("10.0.0.5", 5)) as other:
        assert "router-core keys add" in error(other.get("/models"), 403)["message"]


@pytest.mark.parametrize(("method", "path"), ADDRESSES)
def test_with_a_key_everybody_needs_one(
    store: Store, client: TestClient, clock: Clock, method: str, path: str
) -> None:
    """Every address; none, a wrong one, another scheme, a revoked one: 401 before anything is read."""
    good = key(store)
    text = good["authorization"].removeprefix("Bearer ")
    wrong = ({}, {"authorization": f"Bearer {text}x"}, {"authorization": text}, {"authorization": f"Basic {text}"})
    for headers in (*wrong, {"x-api-key": text[:-1]}, {"authorization": "Bearer sk-router-"}):
        answer = client.request(method, f"/v1/{path}", headers=headers)
        assert error(answer, 401)["code"] == "invalid_api_key"
    for headers in (good, {"x-api-key": text}):
        assert client.request(method, f"/v1/{path}", headers=headers).status_code not in (401, 403)
    revoke(store, "one", now())
    clock.s += 1.5
    assert error(client.request(method, f"/v1/{path}", headers=good), 401)["code"] == "invalid_api_key"


def test_goals_and_models(store: Store, client: TestClient) -> None:
    """It sees and uses its own; what follows from another's goal is unknown to it."""
    free, bound = key(store, "free"), key(store, "bound", goals=("mail",), models=(STRONG,))
    names = [one["id"] for one in client.get("/v1/models", headers=bound).json()["data"]]
    assert names == ["auto", "goal:mail", STRONG]
    error(client.get(f"/v1/models/{CHEAP}", headers=bound), 404)
    for path in ("decide", "chat/completions"):
        for _ in range(4):
            answer = client.post(f"/v1/{path}", json=ASKED, headers=bound).json()
            assert answer["model"] == STRONG
        assert (
            "no goal 'default'"
            in error(client.post(f"/v1/{path}", json={**ASKED, "model": "goal:default"}, headers=bound), 404)[
                "message"
            ]
        )
    assert (
        error(client.post("/v1/chat/completions", json={**ASKED, "model": CHEAP}, headers=bound), 404)["code"]
        == "model_not_found"
    )
    error(client.post("/v1/embeddings", json={"model": CHEAP, "input": "x"}, headers=bound), 404)
    other = client.post("/v1/decide", json=ASKED, headers=free).json()["id"]
    error(client.get(f"/v1/requests/{other}", headers=bound), 404)
    error(client.post("/v1/outcomes", json={"request_id": other, "reward": 1}, headers=bound), 404)
    error(client.post("/v1/record", json={"request_id": other, "latency_ms": 1.0}, headers=bound), 404)
    assert client.post("/v1/outcomes", json={"request_id": other, "reward": 1}, headers=free).json()["stored"]


def test_the_log_says_whose_it_is(store: Store, client: TestClient) -> None:
    """By the key's name, whatever the program calls itself."""
    headers = key(store, "mail service")
    client.post("/v1/decide", json={**ASKED, "metadata": {"caller": "somebody"}}, headers=headers)
    client.post("/v1/chat/completions", json={**ASKED, "metadata": {"caller": "somebody"}}, headers=headers)
    assert store.count(Search(metadata=(("caller", "mail service"),))) == 2
    assert store.count(Search(metadata=(("caller", "somebody"),))) == 0


def test_requests_a_minute(store: Store, client: TestClient, clock: Clock) -> None:
    """The one too many is told when to come back, and is served then; others and looking up are not counted."""
    headers, other = key(store, requests_per_minute=2), key(store, "two")
    for path in ("decide", "chat/completions"):
        assert client.post(f"/v1/{path}", json=ASKED, headers=headers).status_code == 200
        clock.s += 10
    answer = client.post("/v1/decide", json=ASKED, headers=headers)
    assert error(answer, 429)["code"] == "rate_limit_exceeded"
    assert answer.headers["retry-after"] == "41"
    assert client.get("/v1/models", headers=headers).status_code == 200
    assert client.post("/v1/decide", json=ASKED, headers=other).status_code == 200
    clock.s += 41
    assert client.post("/v1/decide", json=ASKED, headers=headers).status_code == 200


def test_dollars_a_day(store: Store, client: TestClient, clock: Clock) -> None:
    """Counted from the log, so a restart does not forget; until midnight; embeddings cannot be counted."""
    headers = key(store, usd_per_day=Decimal("0.000001"))
    assert client.post("/v1/chat/completions", json=ASKED, headers=headers).status_code == 200
    yesterday = datetime.now(UTC) - timedelta(days=1)
    assert wait_for(
        lambda: store.spent_by("one", yesterday)[0] > 0
    )  # the answer is stored a moment after it is sent
    clock.s += 1.5
    answer = client.post("/v1/chat/completions", json=ASKED, headers=headers)
    assert error(answer, 429)["code"] == "insufficient_quota"
    assert 0 < int(answer.headers["retry-after"]) <= 12 * 3600 + 1
    assert error(client.post("/v1/embeddings", json={}, headers=headers), 403)["code"] == "not_allowed"
    spent, unknown = store.spent_by("one", yesterday)
    assert spent > Decimal("0.000001")
    assert unknown == 0
    assert store.spent_by("one", datetime.now(UTC) + timedelta(days=1)) == (0, 0)
    assert store.spent_by("two", yesterday) == (0, 0)


def test_at_once(store: Store, client: TestClient) -> None:
    """While as many run as it may; what has ended, also by an error, is out."""
    headers = key(store, at_once=1)
    for body in (ASKED, {}, ASKED):
        assert client.post("/v1/decide", json=body, headers=headers).status_code in (200, 400)
    id_ = store.caller_keys()[0].id
    gateway_callers = client.app.routes[1].app.user_middleware[1].kwargs["callers"]  # type: ignore[attr-defined]
    gateway_callers._running[id_] += 1
    assert error(client.post("/v1/decide", json=ASKED, headers=headers), 429)["code"] == "rate_limit_exceeded"
    gateway_callers._running[id_] -= 1
    assert client.post("/v1/decide", json=ASKED, headers=headers).status_code == 200


def test_nobody_can_read_it(store: Store, client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    """Not in the store, an export, the log of the process; and it is blanked wherever keys are."""
    with caplog.at_level(logging.DEBUG):
        headers = key(store)
        text = headers["authorization"].removeprefix("Bearer ")
        client.post("/v1/chat/completions", json=ASKED, headers=headers)
    (kept,) = store.caller_keys()
    secret = text[-43:]
    assert secret not in repr(kept)
    assert kept.digest.hex() not in repr(kept)
    assert secret not in json.dumps([str(kept.salt), str(kept.digest), kept.name, kept.id])
    assert secret not in dump(export_of(store, SETTINGS))
    assert secret not in caplog.text
    assert KEY_SHAPE.search(text)


def test_digests_are_salted() -> None:
    """The same text twice has two digests; a digest of one key opens no other."""
    (one, text), (two, _) = made("a", now()), made("b", now())
    assert one.salt != two.salt
    assert caller_keys._digest(text, one.salt) != caller_keys._digest(text, two.salt)
    assert found(text, [two, one]) == one
    assert found(text, [two]) is None
    assert found("", [one]) is None


@pytest.mark.parametrize(
    ("name", "limits"),
    [
        ("", {}),
        (" ", {}),
        ("x" * 65, {}),
        ("a\nb", {}),
        ("one", {}),
        ("two", {"usd_per_day": 0}),
        ("two", {"usd_per_day": float("nan")}),
        ("two", {"requests_per_minute": -1}),
        ("two", {"at_once": 10**9}),
    ],
)
def test_what_no_key_can_be(name: str, limits: dict[str, Any]) -> None:
    """A sentence."""
    kept, _ = made("one", now())
    with pytest.raises(ArgumentError):
        made(name, now(), [kept], **limits)


def test_limits_in_words() -> None:
    """As pages and shell say them."""
    kept, _ = made("a", now(), goals=["mail"], usd_per_day=2.50, requests_per_minute=60, at_once=8)
    assert limits_of(kept) == "goals mail; $2.5 a day; 60 requests a minute; 8 at once"
    assert limits_of(made("a", now())[0]) == "no limits"


def test_the_shell(tmp_path: Path) -> None:
    """Add prints the key alone on standard output, list never does; revoked it opens nothing."""
    place = str(tmp_path / "router.duckdb")

    def ran(*words: str) -> Any:
        return CliRunner().invoke(main, ["--store", place, "keys", *words])

    assert "this machine alone" in ran("list").stdout
    added = ran("add", "mail", "--goal", "mail", "--usd-per-day", "5")
    text = added.stdout.strip()
    assert added.exit_code == 0
    assert text.startswith("sk-router-")
    assert "goals mail; $5 a day" in added.stderr
    listed = ran("list")
    assert "mail" in listed.stdout
    assert text[-20:] not in listed.output
    store = open_store(place)
    assert found(text, store.caller_keys()) is not None
    store.close()
    assert ran("add", "mail").exit_code == 1
    assert ran("revoke", "nobody").exit_code == 1
    assert ran("revoke", "mail").exit_code == 0
    assert json.loads(ran("list", "--json").stdout)["revoked_at"]
    store = open_store(place)
    assert found(text, store.caller_keys()) is None
    store.close()
    assert ran("add", "mail").exit_code == 0  # the name is free again


def test_serve_listens_elsewhere_only_with_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says how to make one."""
    monkeypatch.setenv("ROUTER_ALLOWED_HOSTS", "router.example")
    place = str(tmp_path / "router.duckdb")
    said = CliRunner().invoke(main, ["--store", place, "serve", "--host", "0.0.0.0"])
    assert said.exit_code == 1
    assert "router-core keys add NAME" in said.output
