"""A LiteLLM proxy's config.yaml: each goal becomes a model name, its models the deployments behind it.

The split is frozen: LiteLLM draws by weight and learns nothing, and it does not read the prompt. Does not cover
the proxy's own keys, users and logging.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from router_core.errors import SettingsError
from router_core.exports.keys import refuse_keys
from router_core.exports.learned import require_known
from router_core.exports.yaml import write_yaml
from router_core.money.pricing import MILLION
from router_core.settings import ArmSettings, GoalSettings, Settings
from router_core.types import Price

WEIGHTS = 1_000_000
"""What the weights of one goal add up to: LiteLLM's weights are whole numbers."""

NO_KEY = "not-needed"
"""What stands for the key of a provider without keys: the client that LiteLLM uses insists on some text."""

_OURS = frozenset(
    {
        "api_base",
        "api_key",
        "cache_read_input_token_cost",
        "input_cost_per_token",
        "model",
        "output_cost_per_token",
        "rpm",
        "tpm",
        "weight",
    }
)
_HEADER = """\
# LiteLLM proxy configuration, written by router_core from settings {version}.
# Clients ask for a goal by name as their model; weights are the split when this was written and do not learn.
# Keys are read from the environment: {keys}.
"""


def litellm_config(
    settings: Settings, split: Mapping[str, Mapping[str, float]], prices: Mapping[str, Price | None]
) -> str:
    """The text of a config.yaml that ``litellm --config`` and ``litellm.Router`` accept.

    Every model is written as ``openai/<name>`` with its provider's address, since all providers of the settings
    speak that protocol. A model whose price is unknown gets no price: LiteLLM's own list decides, and what
    that does not know it counts as free.

    Args:
        settings: goals, models and providers.
        split: goal -> arm id -> probability, summing to 1; a goal left out is split by its starting weights.
        prices: model id -> price, None where unknown (see ``resolved_prices``).

    Raises:
        UnknownArmError: ``split`` names a goal or an arm that the settings do not have.
        SettingsError: a split is not a distribution, a parameter has a name that means something else to LiteLLM,
            or a setting holds what looks like an API key.
    """
    config = litellm_data(settings, split, prices)
    keys = sorted({p.api_key_env for p in settings.providers.values() if p.api_key_env is not None}) or ["none"]
    return _HEADER.format(version=settings.version, keys=", ".join(keys)) + write_yaml(config)


def litellm_data(
    settings: Settings, split: Mapping[str, Mapping[str, float]], prices: Mapping[str, Price | None]
) -> dict[str, Any]:
    """The same as plain data: ``model_list`` is what ``litellm.Router`` takes.

    Raises:
        UnknownArmError: as ``litellm_config``.
        SettingsError: as ``litellm_config``.
    """
    require_known(settings, split, "split")
    models = []
    for name, goal in settings.goals.items():
        shares = _shares(name, goal, split.get(name))
        for arm, weight in zip(goal.arms, _whole(shares), strict=True):
            models.append(_deployment(settings, name, arm, weight, prices.get(arm.model)))
    config = {
        "model_list": models,
        "router_settings": {
            "routing_strategy": "simple-shuffle",
            "num_retries": settings.calls.max_retries,
            "timeout": settings.calls.deadline_s,
        },
    }
    refuse_keys(settings, config)
    return config


def _deployment(
    settings: Settings, goal: str, arm: ArmSettings, weight: int, price: Price | None
) -> dict[str, Any]:
    for name in sorted(_OURS & set(arm.params)):
        raise SettingsError(
            f"model {arm.model} of goal {goal!r} has the parameter {name!r}, which means something else to"
            " LiteLLM; take it out of the model's parameters, then export"
        )
    provider_name, _, model = arm.model.partition("/")
    provider = settings.providers[provider_name]
    params: dict[str, Any] = {
        **arm.params,
        "model": f"openai/{model}",
        "api_base": provider.base_url,
        "api_key": NO_KEY if provider.api_key_env is None else f"os.environ/{provider.api_key_env}",
        "weight": weight,
    }
    if price is not None:
        params["input_cost_per_token"] = _per_token(price.input_usd_per_million_tokens)
        params["output_cost_per_token"] = _per_token(price.output_usd_per_million_tokens)
        if price.cached_input_usd_per_million_tokens is not None:
            params["cache_read_input_token_cost"] = _per_token(price.cached_input_usd_per_million_tokens)
    return {"model_name": goal, "litellm_params": params, "model_info": {"id": f"{goal}/{arm.id}"}}


def _per_token(usd_per_million: Decimal) -> float:
    return float(usd_per_million / MILLION)


def _shares(name: str, goal: GoalSettings, split: Mapping[str, float] | None) -> list[float]:
    """The split in the order of the goal's arms; without one, the starting weights."""
    if split is None:
        total = sum(arm.weight for arm in goal.arms)
        return [arm.weight / total for arm in goal.arms]
    shares = [split.get(arm.id, 0.0) for arm in goal.arms]
    if not all(0 <= share <= 1 for share in shares) or abs(sum(shares) - 1) > 1e-6:
        raise SettingsError(f"the split of goal {name!r} is {dict(split)}; it must be probabilities that sum to 1")
    return shares


def _whole(shares: list[float]) -> list[int]:
    """Whole numbers in the same proportion that add up to WEIGHTS: the largest remainders are rounded up."""
    exact = [share * WEIGHTS for share in shares]
    whole = [int(value) for value in exact]
    by_remainder = sorted(range(len(exact)), key=lambda i: (whole[i] - exact[i], i))
    for index in by_remainder[: max(0, WEIGHTS - sum(whole))]:
        whole[index] += 1
    return whole
