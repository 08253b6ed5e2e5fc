"""A LiteLLM proxy's config.yaml: each goal becomes a model name, its models the deployments behind it.

The split is frozen: LiteLLM draws by weight and learns nothing, and it does not read the prompt. The proxy puts
the names of goals, models and ids into headers, so those hold only what a header can. Does not cover the proxy's
own keys, users and logging.
"""

from __future__ import annotations

import json
import string
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from router_core.errors import SettingsError
from router_core.exports.keys import refuse_keys
from router_core.exports.learned import require_known
from router_core.exports.yaml import write_yaml
from router_core.money.pricing import MILLION
from router_core.settings import ArmSettings, GoalSettings, Settings
from router_core.types import Price

WEIGHTS = 1_000_000
"""What the weights of one goal add up to: LiteLLM's weights are whole numbers."""

_PLAIN = string.punctuation.replace("*", "").replace("%", "") + " "
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
# The proxy starts only with a master key of your own, which clients send as their key:
#   export LITELLM_MASTER_KEY="sk-$(openssl rand -hex 32)"
"""
_RENAMED = """\
# A name that fits in no header is asked for under another one:
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
            a model's name or its address fits in no header, or a setting holds what looks like an API key.
    """
    config = litellm_data(settings, split, prices)
    keys = sorted({p.api_key_env for p in settings.providers.values() if p.api_key_env is not None}) or ["none"]
    header = _HEADER.format(version=settings.version, keys=", ".join(keys))
    renamed = [(goal, name) for goal, name in asked_as(settings.goals).items() if goal != name]
    lines = [f"#   {json.dumps(goal, ensure_ascii=not goal.isprintable())} as {name}\n" for goal, name in renamed]
    return header + "".join([_RENAMED, *lines] if lines else []) + write_yaml(config)


def asked_as(goals: Iterable[str]) -> dict[str, str]:
    """Goal -> the name by which the proxy's clients ask for it: its own where that fits in a header.

    Of others the characters that do not fit are percent-encoded. "*" would stand for any name, so it is, too.
    """
    found: dict[str, str] = {}
    for goal in sorted(goals, key=lambda goal: not _fits(goal)):  # those that keep their names first
        name = goal if _fits(goal) else quote(goal, safe=_PLAIN)
        while name in found.values():
            name += "_"
        found[goal] = name
    return found


def litellm_data(
    settings: Settings, split: Mapping[str, Mapping[str, float]], prices: Mapping[str, Price | None]
) -> dict[str, Any]:
    """The same as plain data: ``model_list`` is what ``litellm.Router`` takes.

    Raises:
        UnknownArmError: as ``litellm_config``.
        SettingsError: as ``litellm_config``.
    """
    require_known(settings, split, "split")
    models, names = [], asked_as(settings.goals)
    for name, goal in settings.goals.items():
        shares = _shares(name, goal, split.get(name))
        for arm, weight in zip(goal.arms, _whole(shares), strict=True):
            deployment = _deployment(settings, name, arm, weight, prices.get(arm.model))
            models.append({"model_name": names[name], **deployment})
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
    for what, named in (("the model", model), (f"the address of provider {provider_name!r}", provider.base_url)):
        if not _in_header(named):
            raise SettingsError(
                f"LiteLLM's proxy cannot pass on {what} {named!r}: it puts the name into a header, which holds no"
                " such characters; give it a plain name at its provider, or take the model out, then export"
            )
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
    return {"litellm_params": params, "model_info": {"id": quote(f"{goal}/{arm.id}")}}


def _fits(goal: str) -> bool:
    return _in_header(goal) and "*" not in goal


def _in_header(text: str) -> bool:
    """Whether a header can hold a text: printable Latin-1."""
    return text.isprintable() and all(ord(character) < 256 for character in text)


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
