"""What routers under other settings would choose on logged rows, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from router_core.demo.traffic import generate
from router_core.errors import SettingsError, UnknownPolicyError
from router_core.evaluation.from_log.targets import estimate_policy, target_probabilities
from router_core.evaluation.from_log.traffic import Traffic, read_traffic
from router_core.models.calls import Models
from router_core.policies import build_policies
from router_core.policies.base import Known
from router_core.policies.heuristic import HeuristicPolicy
from router_core.routing.deciding import Decider
from router_core.settings import (
    ArmSettings,
    ClassifierSettings,
    ContextualSettings,
    GoalSettings,
    HeuristicSettings,
    PrivacySettings,
    ProviderSettings,
    Settings,
)
from router_core.store import open_store
from router_core.store.base import Search, SettingsVersion, Store
from tests.builders import CHEAP, STRONG

UNTIL = datetime(2026, 5, 4, 12, tzinfo=UTC)
LOGGED = Settings()


def filled(settings: Settings = LOGGED, requests: int = 900) -> Store:
    store = open_store(":memory:", kind="simulated")
    generate(settings, store, requests, until=UNTIL)
    return store


def rows_of(traffic: Traffic, router: str) -> np.ndarray:
    """Which rows a router drew."""
    assert traffic.log.logger is not None
    wanted = [name.startswith(router) for name in traffic.log.loggers]
    return np.array(wanted)[traffic.log.logger]


def test_each_router_as_it_was_set_is_found_again() -> None:
    """On the rows that it drew itself, rules and classifier give exactly what was logged."""
    store = filled()
    traffic = read_traffic(store, LOGGED, "default")
    for name in ("heuristic", "classifier"):
        found = target_probabilities(store, LOGGED, "default", name, traffic)
        own = rows_of(traffic, name)
        assert own.sum() > 150
        assert found.known[own].all()
        assert found.refusal is None
        assert np.array_equal(found.probabilities[own], traffic.log.probabilities[own])


def test_a_draft_of_the_rules() -> None:
    """Another threshold, tier and exploration: what the policy itself says about every prompt."""
    store = filled()
    goal = GoalSettings(simple_arm=STRONG, complex_arm=CHEAP)
    draft = Settings(heuristic=HeuristicSettings(threshold=2, exploration=0.1), goals={"default": goal})
    traffic = read_traffic(store, draft, "default")
    found = target_probabilities(store, draft, "default", "heuristic", traffic)
    policy = HeuristicPolicy(draft.heuristic, STRONG, CHEAP)
    candidates = Decider(draft, store, Models(draft, simulated=True)).candidates
    expected = sorted(
        policy.probabilities(one.context, Known(candidates(one.context))).probabilities
        for one in store.decisions()
        if one.origin == "simulated"
    )
    assert sorted(map(tuple, found.probabilities.tolist())) == expected
    assert len(set(expected)) == 2


def test_thompson_decides_as_today() -> None:
    """With what is learned now and the draft's worth of a good answer, for prompts of every size."""
    store = filled()
    draft = Settings(goals={"default": GoalSettings(success_value_usd=0.001, starting_strength=0.0)})
    traffic = read_traffic(store, draft, "default")
    found = target_probabilities(store, draft, "default", "thompson", traffic)
    decider = Decider(draft, store, Models(draft, simulated=True))
    policy = build_policies(draft, "default")["thompson"]
    expected = sorted(
        policy.probabilities(one.context, decider.known(one.context, policy.name)).probabilities
        for one in store.decisions()
        if one.origin == "simulated"
    )
    assert sorted(map(tuple, found.probabilities.tolist())) == expected
    assert "as learned today" in found.notes[0]


def test_the_router_by_task_decides_as_today() -> None:
    """With what is learned now of each task type, texts or none."""
    store = filled(requests=600)
    draft = Settings(goals={"default": GoalSettings(success_value_usd=0.01, starting_strength=0.0)})
    traffic = read_traffic(store, draft, "default")
    found = target_probabilities(store, draft, "default", "by-task", traffic)
    decider = Decider(draft, store, Models(draft, simulated=True))
    policy = build_policies(draft, "default")["by-task"]
    expected = sorted(
        policy.probabilities(one.context, decider.known(one.context, policy.name)).probabilities
        for one in store.decisions()
        if one.origin == "simulated"
    )
    assert sorted(map(tuple, found.probabilities.tolist())) == expected
    assert len(set(expected)) >= 5
    assert len(set(traffic.task)) >= 5
    assert "as learned today" in found.notes[0]


def test_the_contextual_router_decides_as_today() -> None:
    """With what is learned now, for every prompt, and the classifier never asked: as where it never is."""
    store = filled(requests=300)
    draft = Settings(
        goals={"default": GoalSettings(starting_strength=0.0)},
        contextual=ContextualSettings(ask_classifier="never"),
    )
    traffic = read_traffic(store, draft, "default")
    found = target_probabilities(store, draft, "default", "contextual", traffic)
    decider = Decider(draft, store, Models(draft, simulated=True), gains="never")
    expected = sorted(
        decider.decide(
            one.context, "contextual", prompt_id=one.prompt_id, origin="library", completion_id=str
        ).probabilities
        for one in store.decisions()
        if one.origin == "simulated"
    )
    assert sorted(map(tuple, found.probabilities.tolist())) == expected
    assert len(set(expected)) > 50
    assert found.known.all()
    assert len(found.notes) == 1
    assert "as if the classifier were never asked" in found.notes[0]


def test_the_contextual_router_needs_the_texts() -> None:
    """Kept of some: judged by those, and counted. Kept of none: refused."""
    store = filled(requests=300)
    store.strip(Search(ids=tuple(prompt.id for prompt in store.recent_prompts(100))))
    traffic = read_traffic(store, LOGGED, "default")
    found = target_probabilities(store, LOGGED, "default", "contextual", traffic)
    assert 0.5 < found.known.mean() < 0.8
    assert not found.probabilities[~found.known].any()
    assert f"it was kept of {found.known.sum():,} of {len(traffic.log):,} rows" in found.notes[1]
    store.strip(Search())
    none = target_probabilities(store, LOGGED, "default", "contextual", traffic)
    assert none.refusal == (
        "the contextual router looks at the text of a prompt, and of none of the"
        f" {len(traffic.log):,} rows it was kept"
    )


def test_rules_need_the_texts() -> None:
    """Kept of none: refused. Kept of some: judged by those, and counted."""
    hashed = filled(Settings(privacy=PrivacySettings(keep_texts="hash")))
    traffic = read_traffic(hashed, LOGGED, "default")
    found = target_probabilities(hashed, LOGGED, "default", "heuristic", traffic)
    assert found.refusal == (
        f"the rules look at the text of a prompt, and of none of the {len(traffic.log):,} rows it was kept"
    )
    report = estimate_policy(hashed, LOGGED, "default", "heuristic", traffic)
    assert {one.refusal for one in report.estimates} == {found.refusal}
    assert {one.figure for one in report.estimates} == {None}
    assert (report.arms, report.rows) == (traffic.log.arms, len(traffic.log))

    store = filled()
    some = tuple(prompt.id for prompt in store.recent_prompts(300))
    store.strip(Search(ids=some))
    traffic = read_traffic(store, LOGGED, "default")
    found = target_probabilities(store, LOGGED, "default", "heuristic", traffic)
    assert 0.6 < found.known.mean() < 0.7
    assert found.notes == (
        f"the rules look at the text of a prompt, and it was kept of {found.known.sum():,} of"
        f" {len(traffic.log):,} rows; only they are judged",
    )
    report = estimate_policy(store, LOGGED, "default", "heuristic", traffic)
    assert report.warnings[0] == found.notes[0]
    assert report.rows == found.known.sum()


def test_classifier_by_recorded_verdicts() -> None:
    """Its verdicts stand for every row with the same messages; others are left out. Deciding has its price."""
    store = filled()
    traffic = read_traffic(store, LOGGED, "default")
    found = target_probabilities(store, LOGGED, "default", "classifier", traffic)
    judged = set(traffic.fingerprint[rows_of(traffic, "classifier")].tolist())
    assert found.known.tolist() == [one in judged for one in traffic.fingerprint.tolist()]
    assert 300 < found.known.sum() < len(traffic.log)
    assert found.notes == (
        f"the classifier's verdict is on record for {found.known.sum():,} of {len(traffic.log):,} rows; only they"
        " are judged",
    )
    assert found.deciding_usd == pytest.approx(3e-5, rel=0.2)
    turned = Settings(goals={"default": GoalSettings(simple_arm=STRONG, complex_arm=CHEAP)})
    other = target_probabilities(store, turned, "default", "classifier", traffic)
    assert np.array_equal(other.probabilities, found.probabilities[:, ::-1])


def test_no_verdict_is_bought() -> None:
    """None on record, or only such as another classifier gave: refused, with their number."""
    store = filled()
    traffic = read_traffic(store, LOGGED, "default")
    draft = Settings(classifier=ClassifierSettings(prompt="Say SIMPLE or COMPLEX."))
    found = target_probabilities(store, draft, "default", "classifier", traffic)
    assert found.refusal is not None
    assert "has no verdict of this classifier on any prompt" in found.refusal
    assert f"; {rows_of(traffic, 'classifier').sum():,} verdicts were given under other" in found.refusal
    assert "it is not asked for an estimate" in found.refusal
    explores = Settings(classifier=ClassifierSettings(exploration=0.2, cache_size=0))
    known = target_probabilities(store, explores, "default", "classifier", traffic)
    assert known.refusal is None
    assert set(known.probabilities[known.known].ravel().tolist()) == {0.1, 0.9}


def test_verdicts_under_saved_settings_and_without_words() -> None:
    """Where reasons were not kept, the tier of the model chosen tells, by the version that was in force."""
    logged = Settings(
        privacy=PrivacySettings(keep_texts="hash"),
        classifier=ClassifierSettings(max_tokens=50),
    )
    store = filled(logged)
    traffic = read_traffic(store, logged, "default")
    draft = Settings(classifier=ClassifierSettings(max_tokens=50))
    assert target_probabilities(store, draft, "default", "classifier", traffic).refusal is not None
    store.save_settings(SettingsVersion(logged.version, UNTIL, "test", "", logged.document()))
    store.save_settings(SettingsVersion("unreadable", UNTIL, "test", "", "{}}"))
    found = target_probabilities(store, draft, "default", "classifier", traffic)
    own = rows_of(traffic, "classifier")
    assert found.refusal is None
    assert np.array_equal(found.probabilities[own], traffic.log.probabilities[own])


def test_a_model_that_the_log_never_had() -> None:
    """It is named, with the share of rows; a model that the target never chooses does not matter."""
    store = filled()
    traffic = read_traffic(store, LOGGED, "default")
    arms = (ArmSettings(model="local/new"), ArmSettings(model=CHEAP), ArmSettings(model=STRONG))
    providers = {"openai": ProviderSettings(), "local": ProviderSettings()}
    draft = Settings(goals={"default": GoalSettings(arms=arms)}, providers=providers)
    found = target_probabilities(store, draft, "default", "thompson", traffic)
    assert found.refusal == "the target can choose local/new on 100.0 % of the rows, and the log never could"
    ruled = target_probabilities(store, draft, "default", "heuristic", traffic)
    simple = target_probabilities(store, LOGGED, "default", "heuristic", traffic).probabilities[:, 0]
    assert 0.1 < simple.mean() < 0.9
    assert ruled.refusal == (
        f"the target can choose local/new on {100 * simple.mean():.1f} % of the rows, and the log never could"
    )
    spared = Settings(goals={"default": GoalSettings(arms=arms, simple_arm=CHEAP)}, providers=providers)
    assert target_probabilities(store, spared, "default", "heuristic", traffic).refusal is None


def test_what_is_not_set_up() -> None:
    """A router or a goal of another name."""
    store = filled(requests=3)
    traffic = read_traffic(store, LOGGED, "default")
    with pytest.raises(UnknownPolicyError, match="'rules' is not a router"):
        target_probabilities(store, LOGGED, "default", "rules", traffic)
    with pytest.raises(SettingsError, match="goal 'mail' is not set up"):
        target_probabilities(store, LOGGED, "mail", "heuristic", traffic)


@pytest.mark.parametrize("policy", ["heuristic", "classifier", "thompson", "contextual"])
def test_an_empty_log_is_refused(policy: str) -> None:
    """In words, whatever router."""
    store = open_store(":memory:")
    traffic = read_traffic(store, LOGGED, "default")
    report = estimate_policy(store, LOGGED, "default", policy, traffic)
    assert all(one.figure is None and one.refusal for one in report.estimates)
