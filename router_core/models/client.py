"""Clients of the openai package, for a provider and for the simulated models.

When one is made, and what is asked of it, stands in calls.py. The packages are imported at the first client: they
take half a second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from router_core.settings import SimulationSettings

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI, OpenAI

Client = TypeVar("Client", "OpenAI", "AsyncOpenAI")

_CONNECT_S = 10.0


def patience(silence_s: float, left_s: float) -> httpx2.Timeout:
    """How long a request may wait: ``silence_s`` without a byte, ``left_s`` for a free connection. The deadline of
    the whole call is kept by the clock (deadline.py).
    """  # fmt: skip
    import httpx2

    return httpx2.Timeout(silence_s, connect=min(_CONNECT_S, silence_s), pool=left_s)


def live_client(base_url: str, key: str) -> OpenAI:
    """A client of a real endpoint, without retries of its own. Its calls end at their deadline (deadline.py), and
    what it is sent is limited (replies.py).
    """  # fmt: skip
    from openai import DefaultHttpxClient, OpenAI

    from router_core.models.deadline import keep_time
    from router_core.models.replies import read_within_limits

    http = keep_time(DefaultHttpxClient(event_hooks={"response": [read_within_limits]}))
    return _alone(OpenAI(base_url=base_url, api_key=key or "none", max_retries=0, http_client=http))


def async_live_client(base_url: str, key: str) -> AsyncOpenAI:
    """The same for an event loop; its deadlines are kept there (event_loop.py)."""
    from openai import AsyncOpenAI, DefaultAsyncHttpxClient

    from router_core.models.replies import aread_within_limits

    http = DefaultAsyncHttpxClient(event_hooks={"response": [aread_within_limits]})
    return _alone(AsyncOpenAI(base_url=base_url, api_key=key or "none", max_retries=0, http_client=http))


def simulated_client(settings: SimulationSettings) -> OpenAI:
    """A client of the simulated models: no key, no network."""
    import httpx2
    from openai import OpenAI

    from router_core.models.simulated import BASE_URL, SimulatedTransport

    http = httpx2.Client(transport=SimulatedTransport(settings))
    return OpenAI(base_url=BASE_URL, api_key="none", max_retries=0, http_client=http)


def async_simulated_client(settings: SimulationSettings) -> AsyncOpenAI:
    """The same for an event loop."""
    import httpx2
    from openai import AsyncOpenAI

    from router_core.models.simulated import BASE_URL, AsyncSimulatedTransport

    http = httpx2.AsyncClient(transport=AsyncSimulatedTransport(settings))
    return AsyncOpenAI(base_url=BASE_URL, api_key="none", max_retries=0, http_client=http)


def _alone(client: Client) -> Client:
    """The client without what it takes from OPENAI_ORG_ID, OPENAI_PROJECT_ID and OPENAI_CUSTOM_HEADERS: they may
    hold keys, and it would send them to every other provider, too.
    """  # fmt: skip
    if not f".{client.base_url.host}".endswith(".openai.com"):
        client.organization = client.project = None
        client._custom_headers = {}
    return client
