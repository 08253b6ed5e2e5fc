"""The LiteLLM proxy's configuration: the documented names, the split as weights, prices per token, no key."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped, unused-ignore] # with or without its stubs installed

from router_core.errors import SettingsError, UnknownArmError
from router_core.exports.document import resolved_prices
from router_core.exports.litellm import NO_KEY, WEIGHTS, litellm_config, litellm_data
from router_core.settings import ArmSettings, ClassifierSettings, GoalSettings, ProviderSettings, Settings
from router_core.types import Price
from tests.builders import CHEAP, STRONG
from tests.exported import COLD, LOCAL, an_export, some_settings

SPLIT = {"mail": {LOCAL: 0.25, STRONG: 0.5, COLD: 0.25}, "search: Größe": {CHEAP: 0.9, STRONG: 0.1}}


def weights(split: dict[str, float] | None, *arms: ArmSettings) -> list[int]:
    """The weights that a goal with these arms gets."""
    settings = Settings(goals={"g": GoalSettings(arms=arms)})
    data = litellm_data(settings, {} if split is None else {"g": split}, {})
    return [model["litellm_params"]["weight"] for model in data["model_list"]]


def test_the_whole_file() -> None:
    """Word for word: one goal, two models."""
    settings = Settings()
    prices = {CHEAP: Price(Decimal("0.15"), Decimal("0.60"), Decimal("0.075")), STRONG: None}
    assert litellm_config(settings, {"default": {CHEAP: 0.98, STRONG: 0.02}}, prices) == (
        f"# LiteLLM proxy configuration, written by router_core from settings {settings.version}.\n"
        "# Clients ask for a goal by name as their model; weights are the split when this was written and do not"
        " learn.\n"
        "# Keys are read from the environment: OPENAI_API_KEY.\n"
        "# The proxy starts only with a master key of your own, which clients send as their key:\n"
        '#   export LITELLM_MASTER_KEY="sk-$(openssl rand -hex 32)"\n'
        "model_list:\n"
        "- litellm_params:\n"
        "    api_base: https://api.openai.com/v1\n"
        "    api_key: os.environ/OPENAI_API_KEY\n"
        "    cache_read_input_token_cost: 7.5e-08\n"
        "    input_cost_per_token: 1.5e-07\n"
        "    model: openai/gpt-4o-mini\n"
        "    output_cost_per_token: 6.0e-07\n"
        "    weight: 980000\n"
        "  model_info:\n"
        "    id: default/openai/gpt-4o-mini\n"
        "  model_name: default\n"
        "- litellm_params:\n"
        "    api_base: https://api.openai.com/v1\n"
        "    api_key: os.environ/OPENAI_API_KEY\n"
        "    model: openai/gpt-4o\n"
        "    weight: 20000\n"
        "  model_info:\n"
        "    id: default/openai/gpt-4o\n"
        "  model_name: default\n"
        "router_settings:\n"
        "  num_retries: 2\n"
        "  routing_strategy: simple-shuffle\n"
        "  timeout: 120.0\n"
    )


def test_any_reader_of_yaml_finds_the_data() -> None:
    """The text is the data: goals, models, parameters, a provider without keys."""
    settings = some_settings()
    prices = resolved_prices(settings)
    data = yaml.safe_load(litellm_config(settings, SPLIT, prices))
    assert data == litellm_data(settings, SPLIT, prices)
    assert [
        (m["model_name"], m["litellm_params"]["model"], m["litellm_params"]["weight"]) for m in data["model_list"]
    ] == [
        ("mail", "openai/tiny", 250_000),
        ("mail", "openai/gpt-4o", 500_000),
        ("mail", "openai/gpt-4o", 250_000),
        ("search: Größe", "openai/gpt-4o-mini", 900_000),
        ("search: Größe", "openai/gpt-4o", 100_000),
    ]
    local, strong, cold = (model["litellm_params"] for model in data["model_list"][:3])
    assert local == {
        "api_base": "http://127.0.0.1:8080/v1",
        "api_key": NO_KEY,
        "model": "openai/tiny",
        "weight": 250_000,
    }
    assert {**strong, "temperature": 0, "weight": 250_000} == cold


def test_ids_are_unique() -> None:
    """LiteLLM tells deployments apart by them: the same model in two goals, or twice in one, differs."""
    ids = [model["model_info"]["id"] for model in litellm_data(some_settings(), SPLIT, {})["model_list"]]
    assert len(set(ids)) == len(ids) == 5


NAMES = {
    "mail & spam 50%": None,
    "Größe: x": None,
    "邮件分类": "%E9%82%AE%E4%BB%B6%E5%88%86%E7%B1%BB",
    "😀 emoji": "%F0%9F%98%80 emoji",
    "%F0%9F%98%80 emoji": None,
    "a\nb": "a%0Ab",
    "any*": "any%2A",
}
"""Goals, and the names that their clients use; None: their own."""


def test_names_that_fit_in_no_header() -> None:
    """They are percent-encoded, each goal by another name, and the header says which; ids are ASCII."""
    goal = GoalSettings(arms=(ArmSettings(model="openai/a", params={"stop": "。"}),))
    settings = Settings(goals=dict.fromkeys(NAMES, goal))
    expected = {name: other or name for name, other in NAMES.items()} | {"😀 emoji": "%F0%9F%98%80 emoji_"}
    text = litellm_config(settings, {}, {})
    data = litellm_data(settings, {}, {})
    assert [model["model_name"] for model in data["model_list"]] == [expected[name] for name in NAMES]
    assert yaml.safe_load(text) == data
    assert '#   "邮件分类" as %E9%82%AE%E4%BB%B6%E5%88%86%E7%B1%BB\n' in text
    assert '#   "a\\nb" as a%0Ab\n' in text
    assert all(model["model_info"]["id"].isascii() for model in data["model_list"])
    assert len({model["model_info"]["id"] for model in data["model_list"]}) == len(NAMES)


@pytest.mark.parametrize(
    ("model", "base_url", "said"),
    [
        ("local/模型", "http://127.0.0.1:1/v1", r"^LiteLLM's proxy cannot pass on the model '模型': it puts"),
        ("local/a", "http://例え.jp/v1", r"cannot pass on the address of provider 'local' 'http://例え"),
    ],
)
def test_what_the_proxy_cannot_pass_on(model: str, base_url: str, said: str) -> None:
    """Every request would fail, so it is said before."""
    local = ProviderSettings(base_url=base_url, api_key_env=None)
    goal = GoalSettings(arms=(ArmSettings(model=model),))
    asked = ClassifierSettings(model=model)
    with pytest.raises(SettingsError, match=said):
        litellm_config(Settings(providers={"local": local}, goals={"g": goal}, classifier=asked), {}, {})


def test_prices_are_per_token() -> None:
    """The float nearest to the exact quotient; an own price goes before the book's."""
    data = litellm_data(some_settings(), SPLIT, an_export().prices)
    own = data["model_list"][3]["litellm_params"]
    assert own["input_cost_per_token"] == 1e-07
    assert own["output_cost_per_token"] == 4.00000001e-07
    assert "cache_read_input_token_cost" not in own


@pytest.mark.parametrize(
    ("split", "expected"),
    [
        ({CHEAP: 1 / 3, STRONG: 1 / 3, "openai/o": 1 / 3}, [333_334, 333_333, 333_333]),
        ({CHEAP: 0.0000004, STRONG: 0.9999996}, [0, 1_000_000, 0]),
        ({STRONG: 1.0}, [0, 1_000_000, 0]),
        ({CHEAP: 0.1, STRONG: 0.2, "openai/o": 0.7}, [100_000, 200_000, 700_000]),
        (None, [600_000, 300_000, 100_000]),
    ],
)
def test_weights_are_whole_and_complete(split: dict[str, float] | None, expected: list[int]) -> None:
    """They add up to a million in the split's proportion; without a split, in that of the starting weights."""
    arms = [ArmSettings(model=model, weight=w) for model, w in ((CHEAP, 6), (STRONG, 3), ("openai/o", 1))]
    assert weights(split, *arms) == expected
    assert sum(expected) == WEIGHTS


@pytest.mark.parametrize(
    "split",
    [{CHEAP: 0.5}, {CHEAP: 0.9, STRONG: 0.2}, {CHEAP: 1.5, STRONG: -0.5}, {CHEAP: float("nan"), STRONG: 1.0}],
)
def test_a_split_must_be_a_distribution(split: dict[str, float]) -> None:
    """Probabilities from 0 to 1 that sum to 1."""
    with pytest.raises(SettingsError, match=r"^the split of goal 'default' is .*; it must be probabilities"):
        litellm_config(Settings(), {"default": split}, {})


def test_a_split_must_know_its_models() -> None:
    """A goal or a model that the settings do not have is refused."""
    with pytest.raises(UnknownArmError, match=r"^split has the goal 'post', which the settings do not have"):
        litellm_config(Settings(), {"post": {}}, {})
    with pytest.raises(UnknownArmError, match=r"^split has 'openai/none', which is not a model of goal 'default'"):
        litellm_config(Settings(), {"default": {"openai/none": 1.0}}, {})


@pytest.mark.parametrize("name", ["weight", "rpm", "model", "api_base", "input_cost_per_token"])
def test_parameters_that_mean_something_else_there(name: str) -> None:
    """They would change the routing or the address."""
    arm = ArmSettings(model=CHEAP, params={name: 1})
    with pytest.raises(SettingsError, match=rf"^model openai/gpt-4o-mini of goal 'g' has the parameter '{name}'"):
        weights(None, arm)


def test_no_key_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name of the variable alone, whatever it holds; a key among the parameters is refused."""
    monkeypatch.setenv("OPENAI_API_KEY", "the-value-of-the-key")
    assert "the-value-of-the-key" not in litellm_config(Settings(), {}, {})
    params: dict[str, Any] = {"extra_headers": {"Authorization": "x"}}
    with pytest.raises(SettingsError, match=r"api_key_env, then export$"):
        weights(None, ArmSettings(model=CHEAP, params=params))


def test_the_header_without_keys() -> None:
    """Said, not left empty."""
    local = ProviderSettings(base_url="http://127.0.0.1:1/v1", api_key_env=None)
    goal = GoalSettings(arms=(ArmSettings(model="openai/a"),))
    text = litellm_config(Settings(providers={"openai": local}, goals={"g": goal}), {}, {})
    assert "# Keys are read from the environment: none.\n" in text


def test_prices_of_the_export_fit() -> None:
    """What router.json holds is what the other file is made of."""
    export = replace(an_export(), settings=some_settings())
    data = litellm_data(export.settings, SPLIT, export.prices)
    assert data["model_list"][1]["litellm_params"]["output_cost_per_token"] == 1e-05
