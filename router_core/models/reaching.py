"""Who answers: one tiny call to a model, whether an endpoint can be reached, which servers run on this machine.

Nothing is stored. Leaves out every call that is part of the work (llm.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from router_core.models.calls import Models
from router_core.money.pricing import PriceBook, cost_usd

USUAL_PORTS: Final[Mapping[int, str]] = {
    11434: "ollama",
    1234: "lmstudio",
    8000: "vllm",
    8080: "llamacpp",
    1337: "jan",
    4891: "gpt4all",
    5001: "koboldcpp",
    30000: "sglang",
}
"""Where local servers listen unless told otherwise, and the name that a provider is given for each."""

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
    """An OpenAI-compatible server on this machine: a name for it, its address up to /v1, the models it offers."""

    name: str
    base_url: str
    models: tuple[str, ...]


def try_model(models: Models, prices: PriceBook, model: str) -> Trial:
    """One tiny call: whether the model answers, how fast, for how much.

    Raises:
        ProviderError: it does not; the sentence says what to do.
        MissingKeyError: its provider's key is not set.
    """
    models.require_keys([model])
    answer = models.complete(model, [{"role": "user", "content": "Say OK."}], {"max_tokens": 16}, max_retries=0)
    return Trial(answer.total_ms, cost_usd(answer.usage, prices.price(model, answer.usage.input_tokens)))


def unreachable(base_url: str) -> str | None:
    """Why an endpoint cannot be reached; None where it answered, with whatever status. Sends no key."""
    import httpx2

    try:
        httpx2.get(f"{base_url.rstrip('/')}/models", timeout=_REACH_S)
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
        return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return None


def local_servers(ports: Iterable[int] = tuple(USUAL_PORTS)) -> list[LocalServer]:
    """The OpenAI-compatible servers that answer on these ports of this machine, in the order of the ports."""
    wanted = list(ports)
    with ThreadPoolExecutor(max_workers=max(1, len(wanted))) as pool:
        return [found for found in pool.map(_server_at, wanted) if found is not None]


def _server_at(port: int) -> LocalServer | None:
    """What answers there like GET /v1/models: a mapping whose ``data`` lists mappings with an ``id``."""
    import httpx2

    base_url = f"http://127.0.0.1:{port}/v1"
    try:
        with httpx2.Client(trust_env=False, timeout=_LOCAL_S) as client:  # a proxy knows nothing of this machine
            listed = client.get(f"{base_url}/models").raise_for_status().json()
        ids = [str(one["id"]) for one in listed["data"]]
    except (httpx2.HTTPError, ValueError, TypeError, KeyError):
        return None
    names = tuple(id_ for id_ in ids if id_ and not id_.isspace())[:_MOST_MODELS]
    return LocalServer(USUAL_PORTS.get(port, "local"), base_url, names)
