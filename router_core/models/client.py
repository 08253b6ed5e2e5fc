"""Clients of the openai package, for a provider and for the simulated models.

Leaves out when one is made and what is asked of it (llm.py). The packages are imported at the first client: they
take half a second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from router_core.settings import SimulationSettings

if TYPE_CHECKING:
    import httpx2
    from openai import OpenAI

_CONNECT_S = 10.0


def patience(silence_s: float, left_s: float) -> httpx2.Timeout:
    """How long a request may take: ``silence_s`` without a byte, ``left_s`` in all (see ``live_client``)."""
    import httpx2

    return httpx2.Timeout(silence_s, connect=min(_CONNECT_S, silence_s), pool=left_s)


def live_client(base_url: str, key: str, clock: Callable[[], float]) -> OpenAI:
    """A client of a real endpoint, without retries of its own.

    The HTTP client limits each silence but not their sum, so a server that sends a blank now and then could hold
    a call for ever. The whole response is therefore limited too: by the ``pool`` time-out, the one that is
    given as the time left for everything.
    """
    from openai import DefaultHttpxClient, OpenAI

    def note_deadline(request: httpx2.Request) -> None:
        request.extensions["deadline"] = clock() + request.extensions["timeout"]["pool"]

    def limit(response: httpx2.Response) -> None:
        response.stream = _limited(response.stream, response.request, clock)

    http = DefaultHttpxClient(event_hooks={"request": [note_deadline], "response": [limit]})
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


def _limited(stream: Any, request: httpx2.Request, clock: Callable[[], float]) -> httpx2.SyncByteStream:
    import httpx2

    class Limited(httpx2.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            for part in stream:
                if clock() > request.extensions["deadline"]:
                    raise httpx2.ReadTimeout("still answering at the deadline", request=request)
                yield part

        def close(self) -> None:
            stream.close()

    return Limited()
