"""Who answers: a tiny call, an endpoint, the servers of this machine."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from decimal import Decimal

import pytest

from router_core.errors import MissingKeyError, ProviderError
from router_core.models.calls import Models
from router_core.models.reaching import LocalServer, Trial, listed_models, local_servers, try_model, unreachable
from router_core.money.pricing import PriceBook
from router_core.settings import PriceSettings, ProviderSettings, Settings
from tests.servers import ChatServer, Reply, as_json, chat_server, refused

PRICES = PriceBook(
    {
        "local/tiny": PriceSettings(
            input_usd_per_million_tokens=Decimal(1), output_usd_per_million_tokens=Decimal(2)
        )
    }
)


@pytest.fixture
def server() -> Iterator[ChatServer]:
    """A server that answers."""
    with chat_server() as running:
        yield running


def models(server: ChatServer, api_key_env: str | None = None) -> Models:
    """The models of that server, as the provider ``local``."""
    provider = ProviderSettings(base_url=server.base_url, api_key_env=api_key_env)
    return Models(Settings(providers={"openai": ProviderSettings(), "local": provider}), environ={})


def port_of(server: ChatServer) -> int:
    """Where it listens."""
    return int(server.base_url.split(":")[2].split("/")[0])


def free_port() -> int:
    """Where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def test_a_trial_is_one_small_call(server: ChatServer) -> None:
    """Eleven tokens in and seven out, at a dollar and two per million; a price that nobody knows is unknown."""
    found = try_model(models(server), PRICES, "local/tiny")
    assert found == Trial(found.total_ms, Decimal("0.000025"))
    assert found.total_ms > 0
    assert try_model(models(server), PRICES, "local/big").cost_usd is None
    assert [(one.body["model"], one.body["max_tokens"]) for one in server.requests] == [("tiny", 16), ("big", 16)]


def test_a_trial_is_not_repeated(server: ChatServer) -> None:
    """A person waits for it: the first refusal is shown."""
    server.usual = refused(500)
    with pytest.raises(ProviderError):
        try_model(models(server), PRICES, "local/tiny")
    assert len(server.requests) == 1


def test_a_trial_without_a_key_sends_nothing(server: ChatServer) -> None:
    """The variable is named."""
    with pytest.raises(MissingKeyError, match="export LOCAL_API_KEY="):
        try_model(models(server, "LOCAL_API_KEY"), PRICES, "local/tiny")
    assert server.requests == []


def test_an_endpoint_that_answers_is_reachable(server: ChatServer) -> None:
    """Even if what it says is no."""
    assert unreachable(server.base_url) is None
    server.listing = refused(401)
    assert unreachable(f"{server.base_url}/") is None


def test_an_endpoint_that_is_not_there() -> None:
    """The reason is told."""
    assert "refused" in str(unreachable(f"http://127.0.0.1:{free_port()}/v1"))
    assert unreachable("http://[half/v1") is not None


def test_local_servers_are_found(server: ChatServer) -> None:
    """Those that answer, with their models, in the order of the ports."""
    with chat_server() as other:
        other.listing = as_json({"data": []})
        found = local_servers([port_of(server), free_port(), port_of(other)])
    assert found == [
        LocalServer("local", server.base_url, ("tiny", "big")),
        LocalServer("local", other.base_url, ()),
    ]


@pytest.mark.parametrize(
    "listing",
    [
        refused(404),
        as_json(["no", "mapping"]),
        as_json({"models": []}),
        as_json({"data": [{"name": "x"}]}),
        as_json({"data": None}),
    ],
)
def test_other_servers_are_none(server: ChatServer, listing: object) -> None:
    """A web server that happens to listen there is not taken for one of models."""
    server.listing = listing  # type: ignore[assignment]
    assert local_servers([port_of(server)]) == []


def test_a_provider_lists_its_models(server: ChatServer) -> None:
    """With the key where it wants one; nothing where it refuses, is not there, or answers with something else."""
    assert listed_models(server.base_url, "a-key") == ("tiny", "big")
    assert listed_models(f"{server.base_url}/") == ("tiny", "big")
    for listing in (refused(401), as_json(["no", "mapping"]), as_json({"data": [{"name": "x"}]})):
        server.listing = listing
        assert listed_models(server.base_url) == ()
    assert listed_models(f"http://127.0.0.1:{free_port()}/v1") == ()
    assert listed_models("http://[half/v1") == ()


def test_a_provider_that_does_not_answer_in_time(server: ChatServer) -> None:
    """The list is not waited for longer than said."""
    server.listing = Reply(delay_s=60)
    assert listed_models(server.base_url, seconds=0.2) == ()


def test_no_ports_no_servers() -> None:
    """Nobody is asked."""
    assert local_servers([]) == []
