"""Who answers: one tiny call to a model, whether an endpoint can be reached, which servers run on this machine.

Nothing is stored. Calls that are part of the work stand in calls.py.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from router_core.errors import ProviderError
from router_core.models.calls import Models
from router_core.models.thinking import token_limit
from router_core.money.pricing import PriceBook
from router_core.settings.providers import ANSWERS_MANY, USUAL_PORTS

if TYPE_CHECKING:
    import httpx2

_LOCAL_S: Final = 1.0
_REACH_S: Final = 5.0
_MOST_MODELS: Final = 500


@dataclass(frozen=True, slots=True)
class Trial:
    """What one tiny call took; ``cost_usd`` None: the price is unknown."""

    total_ms: float
    cost_usd: Decimal | None


@dataclass(frozen=True, slots=True)
class LocalServer:
    """An OpenAI-compatible server on this machine: a name for it, its address up to /v1, the models it offers, and
    how many requests it answers at once; None: any number.
    """  # fmt: skip

    name: str
    base_url: str
    models: tuple[str, ...]
    requests_at_once: int | None = field(default=None, compare=False)


def try_model(models: Models, prices: PriceBook, model: str) -> Trial:
    """One tiny call: whether the model answers, how fast, for how much.

    Raises:
        ProviderError: it does not; the sentence says what to do.
        MissingKeyError: its provider's key is not set.
    """
    models.require_keys([model])
    limit = token_limit(model, 16)  # some that think answer with an error where they reach it
    answer = models.complete(model, [{"role": "user", "content": "Say OK."}], {"max_tokens": limit}, max_retries=0)
    return Trial(answer.total_ms, prices.charge(model, answer.usage).cost_usd)


def unreachable(base_url: str) -> str | None:
    """Why an endpoint cannot be reached; None where it answered, with whatever status. Sends no key."""
    import httpx2

    try:
        _listed(base_url, _REACH_S, trust_env=True)
    except (httpx2.HTTPError, httpx2.InvalidURL, ProviderError, ValueError) as error:
        return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return None


def listed_models(base_url: str, key: str | None = None, seconds: float = _LOCAL_S) -> tuple[str, ...]:
    """The models that an endpoint lists under /models; none where it does not answer in time or says otherwise.

    Args:
        base_url: its address up to /v1.
        key: sent along, for endpoints that list them only then.
        seconds: how long to wait.
    """
    import httpx2

    try:
        return _names(_listed(base_url, seconds, trust_env=True, key=key))
    except (httpx2.HTTPError, httpx2.InvalidURL, ProviderError, ValueError, TypeError, KeyError, RecursionError):
        return ()


def local_servers(ports: Iterable[int] = tuple(USUAL_PORTS)) -> list[LocalServer]:
    """The OpenAI-compatible servers that answer on these ports of this machine, in the order of the ports."""
    wanted = list(ports)
    with ThreadPoolExecutor(max_workers=max(1, len(wanted))) as pool:
        return [found for found in pool.map(_server_at, wanted) if found is not None]


def _listed(base_url: str, seconds: float, *, trust_env: bool, key: str | None = None) -> httpx2.Response:
    """The answer to GET /models, whatever its status."""
    return _answer(f"{base_url.rstrip('/')}/models", seconds, trust_env=trust_env, key=key)


def _answer(url: str, seconds: float, *, trust_env: bool, key: str | None = None) -> httpx2.Response:
    """The answer to GET, whatever its status, within so many seconds and within the limits of a reply."""
    import httpx2

    from router_core.models.deadline import deadline, keep_time
    from router_core.models.replies import read_within_limits

    client = httpx2.Client(trust_env=trust_env, timeout=seconds, event_hooks={"response": [read_within_limits]})
    with client, deadline(time.perf_counter() + seconds):
        return keep_time(client).get(url, headers={"Authorization": f"Bearer {key}"} if key else None)


def _names(reply: httpx2.Response) -> tuple[str, ...]:
    """The ids in a list of models: a mapping whose ``data`` lists mappings with an ``id``."""
    ids = [str(one["id"]) for one in reply.raise_for_status().json()["data"]]
    return tuple(id_ for id_ in ids if id_ and not id_.isspace())[:_MOST_MODELS]


def _server_at(port: int) -> LocalServer | None:
    """What answers there like GET /v1/models."""
    import httpx2

    base_url = f"http://127.0.0.1:{port}/v1"
    try:
        # A proxy knows nothing of this machine.
        reply = _listed(base_url, _LOCAL_S, trust_env=False)
        names = _names(reply)
    except (httpx2.HTTPError, ProviderError, ValueError, TypeError, KeyError, RecursionError):
        return None
    return LocalServer(USUAL_PORTS.get(port, "local"), base_url, names, _at_once(reply, port))


def _at_once(reply: httpx2.Response, port: int) -> int | None:
    """How many requests a server on this machine answers at once: one, unless it is known to answer more.

    Args:
        reply: its list of models, which says in ``owned_by`` what it is.
        port: where it listens; llama.cpp says there how many slots it has.
    """
    import httpx2

    owners = {str(one.get("owned_by")).lower() for one in reply.json()["data"]}
    if owners & ANSWERS_MANY:
        return None
    if "llamacpp" not in owners:
        return 1
    try:
        slots = _answer(f"http://127.0.0.1:{port}/props", _LOCAL_S, trust_env=False).json()["total_slots"]
    except (httpx2.HTTPError, ProviderError, ValueError, TypeError, KeyError, RecursionError):
        return 1
    return slots if type(slots) is int and 1 <= slots <= 10_000 else 1
