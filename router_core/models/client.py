"""Clients of the openai package, for a provider and for the simulated models.

When one is made, and what is asked of it, stands in calls.py. The packages are imported at the first client: they
take half a second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router_core.settings import SimulationSettings

if TYPE_CHECKING:
    import httpx2
    from openai import OpenAI

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
    client = OpenAI(base_url=base_url, api_key=key or "none", max_retries=0, http_client=http)
    if not f".{client.base_url.host}".endswith(".openai.com"):
        # The client takes these from OPENAI_ORG_ID, OPENAI_PROJECT_ID and OPENAI_CUSTOM_HEADERS, which may hold
        # keys, and would send them to every other provider, too.
        client.organization = client.project = None
        client._custom_headers = {}
    return client


def simulated_client(settings: SimulationSettings) -> OpenAI:
    """A client of the simulated models: no key, no network."""
    import httpx2
    from openai import OpenAI

    from router_core.models.simulated import BASE_URL, SimulatedTransport

    http = httpx2.Client(transport=SimulatedTransport(settings))
    return OpenAI(base_url=BASE_URL, api_key="none", max_retries=0, http_client=http)
