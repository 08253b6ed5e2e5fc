"""The declaration of all settings: defaults, refusals in words, the document and its version."""

from __future__ import annotations

import json
import math
import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from router_core.errors import SettingsError, UnknownArmError
from router_core.settings import (
    ArmSettings,
    GoalSettings,
    HeuristicSettings,
    PriceSettings,
    ProviderSettings,
    Settings,
)
from router_core.settings.system import simulation_asked
from router_core.settings.table import SECTIONS
from router_core.types import Arm, Price, TeachingRule
from router_core.validation import canonical_json, short_hash, validated
from tests.builders import CHEAP, STRONG

PRICES = {"openai/x": {"input_usd_per_million_tokens": "1", "output_usd_per_million_tokens": "2"}}

# Where each section stands in the document, and for each of its settings a value that is not the default.
PLACES: dict[str, tuple[str | int, ...]] = {
    "(top level)": (),
    "goals.<name>": ("goals", "default"),
    "goals.<name>.arms[]": ("goals", "default", "arms", 1),
    "heuristic": ("heuristic",),
    "classifier": ("classifier",),
    "contextual": ("contextual",),
    "providers.<name>": ("providers", "openai"),
    "prices.<model>": ("prices", "openai/x"),
    "calls": ("calls",),
    "privacy": ("privacy",),
    "simulation": ("simulation",),
}
CHANGES: list[tuple[str, str, Any]] = [
    ("(top level)", "seed", 1),
    ("(top level)", "providers", {"openai": {}, "local": {}}),
    ("(top level)", "prices", {}),
    ("(top level)", "priced_as", {"openai/x": "openai/gpt-4o"}),
    ("(top level)", "goals", {"default": {}, "other": {}}),
    ("goals.<name>", "arms", [{"model": CHEAP}]),
    ("goals.<name>", "router", "heuristic"),
    ("goals.<name>", "simple_arm", STRONG),
    ("goals.<name>", "complex_arm", CHEAP),
    ("goals.<name>", "success_value_usd", "Infinity"),
    ("goals.<name>", "exploration", 0.03),
    ("goals.<name>", "starting_strength", 0),
    ("goals.<name>", "prior_alpha", 2),
    ("goals.<name>", "prior_beta", 2),
    ("goals.<name>", "expected_output_tokens", 251),
    ("goals.<name>", "budget_usd", 2),
    ("goals.<name>", "budget_per", "day"),
    ("goals.<name>", "budget_requests", 100),
    ("goals.<name>", "success_when", "content"),
    ("goals.<name>", "teaching_precedence", ["api", "thumb", "condition"]),
    ("goals.<name>", "attribution_hours", 72),
    ("goals.<name>", "learn_from", "own"),
    ("goals.<name>.arms[]", "model", "openai/other"),
    ("goals.<name>.arms[]", "params", {"temperature": 0}),
    ("goals.<name>.arms[]", "weight", 0.3),
    ("heuristic", "word_limit", 99),
    ("heuristic", "short_points", 2),
    ("heuristic", "extractive_task_types", ["label"]),
    ("heuristic", "extractive_points", 3),
    ("heuristic", "brief_keywords", []),
    ("heuristic", "brief_points", 0),
    ("heuristic", "reasoning_keywords", ["why"]),
    ("heuristic", "no_reasoning_points", -1),
    ("heuristic", "threshold", 2),
    ("heuristic", "whole_words", True),
    ("heuristic", "exploration", 0.01),
    ("classifier", "model", STRONG),
    ("classifier", "prompt", "Say SIMPLE."),
    ("classifier", "timeout_s", 9),
    ("classifier", "max_tokens", 61),
    ("classifier", "max_characters", 100),
    ("classifier", "cache_size", 0),
    ("classifier", "exploration", 0.01),
    ("contextual", "ask_classifier", "never"),
    ("contextual", "asked_share", 0.1),
    ("contextual", "gain_every", 0),
    ("contextual", "drift_threshold", 8),
    ("contextual", "drift_shift", 0.8),
    ("contextual", "drift_warm_up", 0),
    ("contextual", "drift_keep", 0.5),
    ("providers.<name>", "base_url", "http://127.0.0.1:11434/v1"),
    ("providers.<name>", "api_key_env", None),
    ("providers.<name>", "json_mode", False),
    ("providers.<name>", "stream_usage", False),
    ("providers.<name>", "requests_at_once", 2),
    ("prices.<model>", "input_usd_per_million_tokens", "1.5"),
    ("prices.<model>", "output_usd_per_million_tokens", "0"),
    ("prices.<model>", "cached_input_usd_per_million_tokens", "0.1"),
    ("calls", "deadline_s", 121),
    ("calls", "first_token_s", 61),
    ("calls", "queue_s", 60.0),
    ("calls", "stored_first", True),
    ("calls", "max_retries", 0),
    ("calls", "max_prompt_characters", 1),
    ("privacy", "keep_texts", "hash"),
    ("privacy", "expire_after_days", 30),
    ("privacy", "expire", "requests"),
    ("simulation", "seed", 8),
    ("simulation", "latency_scale", 0),
]
# The sections themselves: their settings are changed one by one above.
WHOLE = {(SECTIONS[0][0], name) for name in PLACES if name in Settings.model_fields}


def base() -> dict[str, Any]:
    """The default settings with one price, as plain data."""
    plain: dict[str, Any] = json.loads(validated(Settings, {"prices": PRICES}).document())
    return plain


def goal(**changes: Any) -> str:
    """A document with one goal, g, set up like this."""
    return json.dumps({"goals": {"g": changes}})


def test_defaults_of_a_goal() -> None:
    """The numbers that the documentation promises."""
    one = Settings().goal("default")
    assert [(arm.id, arm.weight) for arm in one.arms] == [(CHEAP, 0.8), (STRONG, 0.2)]
    assert one.router == "thompson"
    assert (one.simple_arm, one.complex_arm, one.success_when) == (None, None, None)
    assert (one.success_value_usd, one.exploration, one.starting_strength) == (0.05, 0.02, 20.0)
    assert (one.prior_alpha, one.prior_beta, one.expected_output_tokens) == (1.0, 1.0, 250)
    assert one.teaching_rule() == TeachingRule(("thumb", "api", "check", "condition"), "all")


def test_defaults_of_the_rest() -> None:
    """One provider, no prices of one's own, and the limits of a call."""
    settings = Settings()
    provider = settings.providers["openai"]
    assert list(settings.providers) == ["openai"]
    assert (provider.base_url, provider.api_key_env) == ("https://api.openai.com/v1", "OPENAI_API_KEY")
    assert (provider.json_mode, provider.stream_usage) == (True, True)
    assert settings.prices == {}
    assert (settings.seed, settings.schema_version) == (0, 1)
    assert (settings.calls.deadline_s, settings.calls.first_token_s) == (120.0, 60.0)
    assert (settings.calls.max_retries, settings.calls.max_prompt_characters) == (2, 400_000)
    assert settings.privacy.keep_texts == "full"
    assert (settings.simulation.seed, settings.simulation.latency_scale) == (7, 1.0)
    assert (settings.heuristic.word_limit, settings.heuristic.threshold) == (100, 3)
    assert (settings.heuristic.whole_words, settings.heuristic.exploration) == (False, 0.0)
    assert (settings.classifier.model, settings.classifier.timeout_s) == (CHEAP, 8.0)
    assert (settings.classifier.max_tokens, settings.classifier.max_characters) == (60, 6000)
    assert (settings.classifier.cache_size, settings.classifier.exploration) == (4096, 0.0)


def test_settings_do_not_change() -> None:
    """A declaration is frozen: a change makes new settings with a new version."""
    with pytest.raises(ValidationError, match="frozen"):
        Settings().seed = 3  # type: ignore[misc]


ARMS = f"['{CHEAP}', '{STRONG}']"
NO_NAME = "is not a name: 1 to 100 characters without a slash"
REFUSED: list[tuple[str, str]] = [
    ("", "the settings are not JSON (line 1: Expecting value); export them anew"),
    ("{\n,",
     "the settings are not JSON (line 2: Expecting property name enclosed in double quotes); export them anew"),
    ("[]", "settings: write names and values in braces (got '[]')"),
    ("3", "settings: write names and values in braces (got '3')"),
    ('{"sed": 1}', "sed is not a setting; check its spelling against docs/settings.md"),
    (goal(armz=1, rooter=2),
     "goals.g.armz is not a setting; check its spelling against docs/settings.md (1 more)"),
    ('{"seed": "x"}', "seed: Input should be a valid integer, unable to parse string as an integer (got 'x')"),
    ('{"seed": 1.5}', "seed: Input should be a valid integer, got a number with a fractional part (got '1.5')"),
    ('{"seed": -1}', "seed: Input should be greater than or equal to 0 (got '-1')"),
    ('{"seed": 9223372036854775808}',
     "seed: Input should be less than or equal to 9223372036854775807 (got '9223372036854775808')"),
    ('{"seed": NaN}', "seed: Input should be a finite number (got 'nan')"),
    ('{"schema_version": 2}', "schema_version: Input should be 1 (got '2')"),
    ('{"heuristic": 7}', "heuristic: write names and values in braces (got '7')"),
    (goal(arms=["openai/x"]), "goals.g.arms.0: write names and values in braces, for example"
     """ {"model": "openai/gpt-4o-mini"} (got 'openai/x') (1 more)"""),
    ('{"heuristic": {"brief_keywords": "is"}}',
     "heuristic.brief_keywords: Input should be a valid tuple (got 'is')"),
    ('{"goals": {}}', "goals: needs at least 1"),
    ('{"goals": {"": {}}}', f"goals: '' {NO_NAME}"),
    ('{"goals": {" ": {}}}', f"goals: ' ' {NO_NAME}"),
    ('{"goals": {"a/b": {}}}', f"goals: 'a/b' {NO_NAME}"),
    (json.dumps({"goals": {"x" * 101: {}}}), f"goals: '{'x' * 101}' {NO_NAME}"),
    ('{"providers": {"a/b": {}}}', f"providers: 'a/b' {NO_NAME}"),
    ('{"providers": {}}', f"settings: '{STRONG}' names no known provider; known: []"),
    (goal(arms=[{"model": "nobody/x"}]), "settings: 'nobody/x' names no known provider; known: ['openai']"),
    ('{"providers": {"house": {}}, "goals": {"default": {"arms": [{"model": "house/x"}]}}}',
     "settings: classifier.model is 'openai/gpt-4o-mini' unless another is given, and it names no known provider;"
     " give it a model of yours; known: ['house']"),
    ('{"classifier": {"model": "nobody/x"}}', "settings: 'nobody/x' names no known provider; known: ['openai']"),
    (goal(arms=[]), "goals.g.arms: needs at least 1 (got '[]')"),
    (goal(arms=[{"model": "openai/x"}, {"model": "openai/x"}]),
     "goals.g: arms must differ in model or params; got ['openai/x', 'openai/x']"),
    (goal(arms=[{"model": "openai/x", "weight": 0}]), "goals.g: at least one arm needs a weight above 0"),
    (goal(arms=[{"model": "openai/x"}, {"model": "x"}]),
     "goals.g.arms.1.model: write provider/model, for example openai/gpt-4o-mini (got 'x')"),
    (goal(simple_arm="x/y"), f"goals.g: simple_arm is 'x/y'; it must be one of {ARMS}"),
    (goal(complex_arm="x/y"), f"goals.g: complex_arm is 'x/y'; it must be one of {ARMS}"),
    (goal(teaching_precedence=["api", "api"]), "goals.g: teaching_precedence names a source twice"),
    (goal(router="dice"),
     "goals.g.router: Input should be 'heuristic', 'classifier', 'thompson', 'contextual' or 'by-task'"
     " (got 'dice')"),
    (goal(learn_from="none"), "goals.g.learn_from: Input should be 'all' or 'own' (got 'none')"),
    (goal(success_value_usd=-1),
     "goals.g.success_value_usd: Input should be greater than or equal to 0 (got '-1')"),
    (goal(success_value_usd="NaN"),
     "goals.g.success_value_usd: Input should be greater than or equal to 0 (got 'NaN')"),
    (goal(exploration=1.5), "goals.g.exploration: Input should be less than or equal to 1 (got '1.5')"),
    (goal(prior_beta=0), "goals.g.prior_beta: Input should be greater than or equal to 0.01 (got '0')"),
    (goal(success_when="x" * 2001),
     f"goals.g.success_when: String should have at most 2000 characters (got '{'x' * 80}')"),
    ('{"providers": {"openai": {"base_url": "ftp://x"}}}',
     "providers.openai.base_url: write an address that begins with http:// or https://, for example"
     " http://127.0.0.1:11434/v1 (got 'ftp://x')"),
    (goal(arms=[{"modle": "openai/x"}]),
     "goals.g.arms.0.modle is not a setting; check its spelling against docs/settings.md (2 more)"),
    (goal(success_when="import os"),
     "goals.g.success_when: 'import os' is not an expression (invalid syntax); write for example"
     " finish_reason == 'stop'"),
    ('{"privacy": {"expire_after_days": 0}}',
     "privacy.expire_after_days: Input should be greater than or equal to 1 (got '0')"),
    ('{"prices": {"openai/x": {}}}', "prices.openai/x.input_usd_per_million_tokens: Field required (1 more)"),
    ('{"classifier": {"timeout_s": 0}}', "classifier.timeout_s: Input should be greater than 0 (got '0')"),
    ('{"calls": {"max_retries": 11}}', "calls.max_retries: Input should be less than or equal to 10 (got '11')"),
]  # fmt: skip


@pytest.mark.parametrize(("document", "sentence"), REFUSED)
def test_refused_with_a_sentence(document: str, sentence: str) -> None:
    """The place, what is allowed, and the value that was given."""
    with pytest.raises(SettingsError, match=f"^{re.escape(sentence)}$"):
        Settings.from_document(document)


def test_a_key_pasted_for_its_name_is_refused() -> None:
    """The name of an environment variable is a setting, a key is not."""
    with pytest.raises(SettingsError, match=r"^providers\.openai\.api_key_env: write the name of an environment"):
        Settings.from_document('{"providers": {"openai": {"api_key_env": "sk-1"}}}')


def test_an_unknown_goal_names_the_known_ones() -> None:
    """So does an unknown model, in its goal."""
    settings = Settings(goals={"b": GoalSettings(), "a": GoalSettings()})
    with pytest.raises(SettingsError, match=r"^goal 'c' is not set up; known goals: \['a', 'b'\]$"):
        settings.goal("c")
    with pytest.raises(UnknownArmError, match=f"^'x' is not a model of goal 'a'; its models: {re.escape(ARMS)}$"):
        settings.arm("a", "x")


def test_every_setting_is_among_the_changes() -> None:
    """A setting added to the declaration must be added above."""
    declared = {(title, name) for title, section in SECTIONS for name in section.model_fields}
    covered = {(title, name) for title, name, _ in CHANGES}
    assert covered == declared - WHOLE - {("(top level)", "schema_version")}


@pytest.mark.parametrize(("section", "name", "value"), CHANGES)
def test_any_change_gives_another_version(section: str, name: str, value: Any) -> None:
    """No setting is left out of the version, and each survives the document."""
    plain = base()
    place: Any = plain
    for step in PLACES[section]:
        place = place[step]
    assert name in place
    place[name] = value
    changed = validated(Settings, plain)
    assert changed.version != validated(Settings, base()).version
    assert Settings.from_document(changed.document()) == changed


def test_the_version_names_the_document() -> None:
    """Sixteen hex digits of its SHA-256, the same for the same settings however they were written."""
    one = Settings.from_document('{"seed": 4, "calls": {"max_retries": 1, "deadline_s": 5}}')
    other = Settings.from_document('{"calls": {"deadline_s": 5.0, "max_retries": 1}, "seed": 4}')
    assert one.version == other.version == short_hash(one.document())
    assert re.fullmatch("[0-9a-f]{16}", one.version)
    assert short_hash("") == "e3b0c44298fc1c14"


def test_an_infinite_value_survives_the_document() -> None:
    """JSON knows no infinity; the document says it as a text and stays JSON."""
    settings = Settings(goals={"g": GoalSettings(success_value_usd=math.inf)})
    plain = json.loads(settings.document(), parse_constant=pytest.fail)
    assert plain["goals"]["g"]["success_value_usd"] == "Infinity"
    again = Settings.from_document(settings.document())
    assert again.goal("g").success_value_usd == math.inf
    assert (again, again.version) == (settings, settings.version)


def test_the_document_is_canonical() -> None:
    """Sorted, without spaces, and the same when read and written again."""
    text = validated(Settings, {"prices": PRICES}).document()
    assert text == canonical_json(json.loads(text))
    assert Settings.from_document(text).document() == text
    assert canonical_json({"b": [1, "é"], "a": None}) == '{"a":null,"b":[1,"é"]}'


def test_tier_arm() -> None:
    """The named arms, else the first for simple and the last for complex prompts."""
    arms = tuple(ArmSettings(model=f"openai/{name}") for name in "abc")
    assert GoalSettings(arms=arms).tier_arm("simple") == "openai/a"
    assert GoalSettings(arms=arms).tier_arm("complex") == "openai/c"
    turned = GoalSettings(arms=arms, simple_arm="openai/b", complex_arm="openai/a")
    assert turned.tier_arm("simple") == "openai/b"
    assert turned.tier_arm("complex") == "openai/a"


def test_arm_ids() -> None:
    """The model alone, or with its parameters in one fixed order."""
    assert ArmSettings(model=CHEAP).id == CHEAP
    assert ArmSettings(model=CHEAP, params={"top_p": 1, "stop": ["a"]}).id == f'{CHEAP}?{{"stop":["a"],"top_p":1}}'
    assert ArmSettings(model=CHEAP, params={"stop": ["a"], "top_p": 1}).id == f'{CHEAP}?{{"stop":["a"],"top_p":1}}'


def test_one_model_twice_with_other_parameters() -> None:
    """Two arms may share a model; each is found by its id."""
    arms = (ArmSettings(model=CHEAP, weight=2), ArmSettings(model=CHEAP, params={"temperature": 0}, weight=3))
    settings = Settings(goals={"g": GoalSettings(arms=arms, simple_arm=f'{CHEAP}?{{"temperature":0}}')})
    assert settings.arm("g", CHEAP) == Arm(CHEAP, CHEAP, {}, 2.0)
    cold = settings.goal("g").tier_arm("simple")
    assert settings.arm("g", cold) == Arm(f'{CHEAP}?{{"temperature":0}}', CHEAP, {"temperature": 0}, 3.0)


def test_plain_values() -> None:
    """A price and a teaching rule come out as they were set."""
    price = PriceSettings(input_usd_per_million_tokens=Decimal("0.15"), output_usd_per_million_tokens=Decimal(3))
    assert price.price() == Price(Decimal("0.15"), Decimal(3), None)
    assert GoalSettings(teaching_precedence=("api",), learn_from="own").teaching_rule() == TeachingRule(
        ("api",), "own"
    )
    assert GoalSettings(attribution_hours=1.5).teaching_rule().window == timedelta(minutes=90)


def test_keywords_may_be_given_as_a_list() -> None:
    """JSON has lists; the settings keep tuples, which cannot change."""
    assert validated(HeuristicSettings, {"brief_keywords": ["one", "two"]}).brief_keywords == ("one", "two")


def test_a_pasted_key_is_not_shown() -> None:
    """Whoever puts the key where its variable's name belongs does not find it in the message."""
    with pytest.raises(SettingsError) as refused:
        validated(Settings, {"providers": {"openai": {"api_key_env": "sk-proj-abc-0123456789"}}})
    assert "api_key_env" in str(refused.value)
    assert "sk-proj" not in str(refused.value)


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("https://me:hunter2@api.example.com:8443/v1", "must not hold a user or a password"),
        ("http://hunter2@[::1]:8000/v1", "must not hold a user or a password"),
        ("HTTPS://me%3Ahunter2@api.example.com/v1", "write an address that begins with http"),
        ("https://api.example.com/v1?key=hunter2", "without parameters"),
        ("https://api.example.com/v1?hunter2@x", "without parameters"),
        ("https://api.example.com/v1#hunter2", "without parameters"),
        ("https://api.example.com\\\\@hunter2/v1", "without parameters"),
        ("https://api.example.com/sk-" + "hunter2-0123456789abcdef/v1", "looks like it holds an API key"),
    ],
)
def test_an_address_holds_no_secret(address: str, sentence: str) -> None:
    """A sentence that says where keys belong and does not repeat it; neither does the error of the constructor."""
    with pytest.raises(SettingsError, match=sentence) as refused:
        validated(Settings, {"providers": {"openai": {"base_url": address}}})
    with pytest.raises(ValidationError) as raised:
        ProviderSettings(base_url=address)
    assert "hunter2" not in str(refused.value) + str(raised.value)


def test_an_at_sign_in_a_path_is_no_secret() -> None:
    """Only what stands before the host opens anything."""
    assert ProviderSettings(base_url="https://api.example.com/@team/v1").base_url.endswith("/@team/v1")


def test_nested_beyond_reason() -> None:
    """A sentence instead of a crash."""
    with pytest.raises(SettingsError, match="nested too deeply"):
        Settings.from_document("[" * 100_000)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_parameters_are_finite(value: float) -> None:
    """Other numbers would come back as texts."""
    with pytest.raises(SettingsError, match="NaN and Infinity are no parameters"):
        validated(ArmSettings, {"model": "openai/x", "params": {"temperature": value}})


@pytest.mark.parametrize(
    ("said", "asked"),
    [(None, False), ("", False), ("0", False), ("False", False), (" no ", False), ("off", False)]
    + [(word, True) for word in ("1", "true", "YES", "on", "2", "please")],
)
def test_no_spelling_of_yes_costs_money(said: str | None, asked: bool) -> None:
    """ROUTER_SIMULATED=true is no way to a bill."""
    assert simulation_asked({} if said is None else {"ROUTER_SIMULATED": said}) is asked
