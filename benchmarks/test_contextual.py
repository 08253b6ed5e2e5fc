"""Contextual sampling: how well its gain score orders real prompts; how fast it decides and learns beside others.

The prompts are read from ../shared/data beside the project, the others are packages from PyPI; what is absent is
said and its rows are left out. Each of the others does what it calls choosing and learning, on the same numbers.
"""

from __future__ import annotations

import importlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from itertools import cycle
from types import ModuleType

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from scipy.special import expit

from benchmarks.test_evidence import data, memory
from router_core.demo.traffic import generate
from router_core.evaluation.by_file.contextual_life import contextual_life
from router_core.evaluation.by_file.routers import reference_pair
from router_core.evaluation.by_file.trained import Worth, lessons, worth
from router_core.features import context
from router_core.learning.contextual.best_buy import best_buy_probabilities
from router_core.learning.contextual.folding import Fold, after
from router_core.learning.contextual.gain import GainScore
from router_core.learning.contextual.grams import blocks, codes
from router_core.learning.contextual.state import ContextualState, learn
from router_core.learning.contextual.training import Trained, train
from router_core.learning.contextual.vector import SIZE
from router_core.learning.drift import DriftRule
from router_core.policies.base import Known
from router_core.policies.contextual import ContextualPolicy, numbers
from router_core.policies.heuristic import HeuristicPolicy
from router_core.routing.memory import MOST, Memory, rules_of
from router_core.serving.library import Router
from router_core.settings import GoalSettings, HeuristicSettings, Settings
from router_core.store import open_store
from router_core.store.base import Store
from router_core.types import Candidate, Posterior
from router_core.validation import validated

MMLU, GSM8K = "mmlu_mixtral_gpt4", "gsm8k_mixtral_gpt4"
TARGETS = {MMLU: 0.68, GSM8K: 0.63}
SEEDS = 3
RNG = np.random.default_rng(0)
WORDS = ["".join(RNG.choice(list("etaoinshrdlu"), int(size))) for size in RNG.integers(2, 10, 400)]
PROMPT = " ".join(WORDS)[:1000]
CONTEXT = context([{"role": "user", "content": PROMPT}], "default", "extraction")
ARMS = tuple(arm.id for arm in GoalSettings().arms)
CANDIDATES = tuple(
    Candidate(arm.arm(), Posterior(1.0, 1.0), cost)
    for arm, cost in zip(GoalSettings().arms, (0.0001, 0.002), strict=True)
)
ROWS = np.column_stack([np.ones(512), RNG.normal(size=(512, SIZE - 1)) / 2])
REWARDS = (RNG.random(512) < expit(1.0 + ROWS[:, 1])).astype(np.float64)


@cache
def trained(name: str, seed: int) -> Trained:
    """The gain score of a file: the strong model's over the cheap one's; what it says of each prompt, held out."""
    found = data(name)
    pair = reference_pair(found)
    return train(lessons(found), (found.models[pair.weak], found.models[pair.strong]), seed=seed)


def judged(name: str, score: np.ndarray) -> Worth:
    """A score of a file's prompts, judged by its answers."""
    found = data(name)
    pair = reference_pair(found)
    gains = found.scores[:, pair.strong] - found.scores[:, pair.weak]
    return worth(score, gains, np.array([len(prompt) for prompt in found.prompts], np.float64))


@pytest.mark.parametrize("name", [GSM8K, MMLU])
def test_orders_real_prompts(benchmark: BenchmarkFixture, name: str) -> None:
    """5 folds, equal prompts together; the mean over three ways of cutting them, each with its interval."""
    data(name)
    benchmark.extra_info.update(label=f"gain score learned, 5 folds and all: {name}")
    benchmark.pedantic(trained, args=(name, 0), rounds=1)
    found = [judged(name, trained(name, seed).held_out[:, 0]) for seed in range(SEEDS)]
    values = [one.score.value for one in found if one.score is not None]
    print(f"\n{name}: mean APGR {np.mean(values):.4f} (target {TARGETS[name]}); {memory()}")
    for one in found:
        assert one.score is not None
        print(f"  {one.score.value:.4f} ({one.score.low:.3f} to {one.score.high:.3f}). {one.sentence}")
    assert np.mean(values) >= TARGETS[name]
    assert all(one.informed for one in found)


@pytest.mark.parametrize(("learned_on", "used_on"), [(GSM8K, MMLU), (MMLU, GSM8K)])
def test_says_that_it_does_not_transfer(benchmark: BenchmarkFixture, learned_on: str, used_on: str) -> None:
    """Learned on one file and used on the other, it is no better than chance beyond length, and says so."""
    score: GainScore = trained(learned_on, 0).score
    prompts = data(used_on).prompts
    benchmark.extra_info.update(label=f"gain scores, learned on {learned_on[:5]}: all of {used_on[:5]}")
    said = benchmark.pedantic(lambda: [score.of_text(prompt)[0] for prompt in prompts], rounds=1)
    found = judged(used_on, np.array(said))
    print(f"\n{learned_on} on {used_on}: {found.sentence}")
    assert not found.informed
    assert found.sentence.startswith("No better than chance here")


def a_state(gain: GainScore | None = None) -> ContextualState:
    """After 400 outcomes."""
    state = ContextualState(gain=gain)
    for place in range(400):
        state = learn(state, ARMS[place % 2], ROWS[place], float(REWARDS[place]))
    return state


@cache
def a_gain() -> GainScore:
    """Learned from a few hundred made-up texts."""
    from router_core.learning.contextual.training import Lesson

    rng = np.random.default_rng(1)
    made = [
        Lesson(" ".join(rng.choice(WORDS, 60)), {ARMS[0]: float(rng.random() < 0.7), ARMS[1]: 1.0})
        for _ in range(400)
    ]
    return train(made, ARMS).score


def test_decision_from_text(benchmark: BenchmarkFixture) -> None:
    """Features, gain score, rules and decision on 1,000 characters."""
    benchmark.extra_info.update(label="contextual: features + decision, 1,000 characters", target="300 us")
    state = a_state(a_gain())
    rules = HeuristicPolicy(HeuristicSettings(), *ARMS)
    policy = ContextualPolicy(GoalSettings(), rules)
    benchmark(policy.probabilities, CONTEXT, Known(CANDIDATES, contextual=state))


def test_whole_decision(benchmark: BenchmarkFixture) -> None:
    """As production takes it: state from the store, candidates, the worth of a verdict, the draw."""
    benchmark.extra_info.update(label="contextual: the whole decision of a router, a verdict weighed")
    with a_router_that_learned() as router:
        benchmark(router.decide, [{"role": "user", "content": PROMPT}])


def test_outcome_and_state(benchmark: BenchmarkFixture) -> None:
    """An outcome acknowledged, and the next state."""
    benchmark.extra_info.update(label="contextual: an outcome stored and the state refreshed")
    with a_router_that_learned() as router:
        ids = [one.completion_id for one in router._store.decisions()]

        def once() -> None:
            router.report_outcome(ids.pop(), 1.0)
            router._decider.memory.state("default")

        benchmark.pedantic(once, rounds=40, warmup_rounds=5)


@pytest.mark.parametrize("way", ["the log at once", "answer by answer"])
def test_first_state_of_a_process(benchmark: BenchmarkFixture, a_long_log: Store, way: str) -> None:
    """What the first prompt of a process waits for; beside it the same lessons as they are taken in later, of each
    answer its own rows and a new value at each step. Both know the same, to the bit.
    """  # fmt: skip
    settings, rule = Settings(), DriftRule()
    chosen = settings.goal("default")

    def at_once() -> ContextualState:
        memory = Memory(settings, a_long_log, lambda goal: {}, lambda: datetime.now(UTC), gains="never")
        return memory.learned("default")

    def singly() -> ContextualState:
        fold, rules = Fold(), rules_of(settings, chosen)
        for one in a_long_log.lessons("default", chosen.teaching_rule(), -1, MOST)[1]:
            x = one.features
            if x is None and one.context is not None:
                x = numbers(one.context, rules, None, None, [one.arm])[0]
            if x is not None and one.reward is not None:
                fold = after(fold, one.arm, x, one.reward, one.place, rule, ())
        return fold.state

    ways = {"the log at once": at_once, "answer by answer": singly}
    state = benchmark.pedantic(ways[way], rounds=7, warmup_rounds=1)
    benchmark.extra_info.update(label=f"contextual: {state.outcomes:,} ratings known, {way}")
    assert state.document() == ways["the log at once"]().document()


@pytest.fixture(scope="module")
def a_long_log() -> Iterator[Store]:
    """23,000 simulated requests; a third of the ratings is of answers whose features were stored."""
    store = open_store(":memory:", kind="simulated")
    generate(Settings(), store, 23_000, until=datetime(2026, 1, 1, tzinfo=UTC))
    yield store
    store.close()


@contextmanager
def a_router_that_learned() -> Iterator[Router]:
    """500 simulated requests and their ratings, some 100 more that nobody rated, a gain score."""
    document = {
        "goals": {"default": {"router": "contextual"}},
        "contextual": {"gain_every": 0, "asked_share": 0.0},
        "simulation": {"latency_scale": 0},
    }
    settings = validated(Settings, document)
    store = open_store(":memory:", kind="simulated")
    generate(settings, store, 500, until=datetime(2026, 1, 1, tzinfo=UTC))
    score = a_gain()
    store.save_gain("default", score.version, "labelled", json.dumps(score.document()), at=datetime.now(UTC))
    with Router(settings=settings, store=store, simulated=True) as router:
        for number in range(100):
            router.completion([{"role": "user", "content": f"{PROMPT} {number}"}])
        yield router
    store.close()


def test_grams(benchmark: BenchmarkFixture) -> None:
    """Hashing alone: words, pairs, runs of 2 to 5 characters."""
    benchmark.extra_info.update(label="  of which hashing words and runs of characters")
    benchmark(lambda: blocks(codes(PROMPT)))


def test_grams_by_scikit_learn(benchmark: BenchmarkFixture) -> None:
    """The same grams by its HashingVectorizer."""
    module = wanted("sklearn.feature_extraction.text", "scikit-learn")
    benchmark.extra_info.update(label=f"  the same by scikit-learn {version('scikit-learn')}")
    words = module.HashingVectorizer(ngram_range=(1, 2), n_features=2**17)
    runs = module.HashingVectorizer(analyzer="char", ngram_range=(2, 5), n_features=2**18)
    benchmark(lambda: (words.transform([PROMPT]), runs.transform([PROMPT])))


def ours() -> tuple[Callable[[np.ndarray], object], Callable[[np.ndarray, int, float], None]]:
    """Choosing: probabilities of two arms from 20 numbers. Learning: one outcome."""
    state = [a_state()]
    beliefs = [state[0].learned(arm).belief for arm in ARMS]
    means, covariances = np.array([b.mean for b in beliefs]), np.array([b.covariance for b in beliefs])

    def choose(x: np.ndarray) -> np.ndarray:
        m, v = means @ x, (covariances @ x) @ x
        return best_buy_probabilities(m.tolist(), v.tolist(), (0.0001, 0.002), 0.05)

    return choose, lambda x, arm, reward: state.__setitem__(0, learn(state[0], ARMS[arm], x, reward))


def mabwiser() -> tuple[Callable[[np.ndarray], object], Callable[[np.ndarray, int, float], None]]:
    """Linear Thompson sampling."""
    module = wanted("mabwiser.mab", "mabwiser")
    bandit = module.MAB([0, 1], module.LearningPolicy.LinTS(alpha=1.0))
    arms = (np.arange(400) % 2).tolist()
    bandit.fit(arms, REWARDS[:400].tolist(), ROWS[:400])
    return (
        lambda x: bandit.predict(x[None]),
        lambda x, arm, reward: bandit.partial_fit([arm], [reward], x[None]),
    )


def vowpalwabbit() -> tuple[Callable[[np.ndarray], object], Callable[[np.ndarray, int, float], None]]:
    """Contextual bandit, softmax of learned costs, examples as its text."""
    module = wanted("vowpalwabbit", "vowpalwabbit")
    learner = module.Workspace("--cb_explore 2 --softmax --lambda 10 --quiet")

    def written(x: np.ndarray) -> str:
        return "| " + " ".join(f"{place}:{value:.5g}" for place, value in enumerate(x.tolist()))

    def take_in(x: np.ndarray, arm: int, reward: float) -> None:
        learner.learn(f"{arm + 1}:{-reward}:0.5 {written(x)}")

    for place in range(400):
        take_in(ROWS[place], place % 2, float(REWARDS[place]))
    return lambda x: learner.predict(written(x)), take_in


def paretobandit() -> tuple[Callable[[np.ndarray], object], Callable[[np.ndarray, int, float], None]]:
    """LinUCB with cost; learning refers to a decision, so one is taken for it, outside the time where possible."""
    module = wanted("pareto_bandit", "paretobandit")
    service = importlib.import_module("pareto_bandit.feature_service").FeatureService
    registry = {
        "cheap": {"input_cost_per_m": 0.15, "output_cost_per_m": 0.6},
        "strong": {"input_cost_per_m": 2.5, "output_cost_per_m": 10.0},
    }
    router = module.BanditRouter.create(
        model_registry=registry, feature_service=service.for_precomputed(dimension=SIZE), priors="none"
    )
    waiting: list[str] = []

    def choose(x: np.ndarray) -> object:
        chosen, log = router.route(x)
        waiting.append(log.request_id)
        return chosen

    for place in range(400):
        choose(ROWS[place])
        router.process_feedback(waiting.pop(), reward=float(REWARDS[place]))

    def take_in(x: np.ndarray, arm: int, reward: float) -> None:
        if not waiting:
            choose(x)
        router.process_feedback(waiting.pop(), reward=reward)

    return choose, take_in


def bayesianbandits() -> tuple[Callable[[np.ndarray], object], Callable[[np.ndarray, int, float], None]]:
    """Logistic models by Laplace's approximation, Thompson sampling."""
    module = wanted("bayesianbandits", "bayesianbandits")
    arms = [
        module.Arm(name, learner=module.BayesianGLM(alpha=1.0, link="logit", random_state=place))
        for place, name in enumerate(ARMS)
    ]
    agent = module.ContextualAgent(arms, module.ThompsonSampling(), random_seed=0)

    def take_in(x: np.ndarray, arm: int, reward: float) -> None:
        agent.select_for_update(ARMS[arm]).update(x[None], np.array([reward]))

    for place in range(400):
        take_in(ROWS[place], place % 2, float(REWARDS[place]))
    return lambda x: agent.pull(x[None]), take_in


def wanted(module: str, package: str) -> ModuleType:
    """An alternative, where it is installed."""
    try:
        return importlib.import_module(module)
    except ImportError:
        pytest.skip(f"{package} is not installed (pip install {package}); this row is left out")


WAYS = [ours, mabwiser, vowpalwabbit, paretobandit, bayesianbandits]


def label(way: Callable[..., object], what: str) -> str:
    """With the version of what is not ours."""
    return f"{what}: {'ours' if way is ours else f'{way.__name__} {version(way.__name__)}'}"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("way", WAYS)
def test_choosing(
    benchmark: BenchmarkFixture, way: Callable[[], tuple[Callable[[np.ndarray], object], object]]
) -> None:
    """Two arms, 20 numbers."""
    choose, _ = way()
    benchmark.extra_info.update(label=label(way, "bandit's part, 2 arms"), target="25 us" if way is ours else "")
    rows = cycle(ROWS)
    benchmark(lambda: choose(next(rows)))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("way", WAYS)
def test_learning(
    benchmark: BenchmarkFixture,
    way: Callable[[], tuple[Callable[[np.ndarray], object], Callable[[np.ndarray, int, float], None]]],
) -> None:
    """One outcome, 20 numbers."""
    choose, take_in = way()
    benchmark.extra_info.update(label=label(way, "one outcome learned"), target="25 us" if way is ours else "")
    seconds = []
    for place in range(2000):
        row = ROWS[place % len(ROWS)]
        choose(row)
        started = time.perf_counter()
        take_in(row, place % 2, float(REWARDS[place % len(ROWS)]))
        seconds.append(time.perf_counter() - started)
    benchmark.pedantic(lambda: None, rounds=1)
    benchmark.extra_info["seconds"] = seconds


def test_three_and_five_arms(benchmark: BenchmarkFixture) -> None:
    """The general integral."""
    benchmark.extra_info.update(label="chance of the best buy, 5 arms")
    means, variances = [0.2 * arm for arm in range(5)], [0.3] * 5
    benchmark(best_buy_probabilities, means, variances, [0.001 * (arm + 1) for arm in range(5)], 0.05)


def test_learning_replay(benchmark: BenchmarkFixture) -> None:
    """One life over a million rows of 20 numbers, two arms."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1_000_000, SIZE)) / 2
    x[:, 0] = 1.0
    chances = expit(x @ (rng.normal(size=(SIZE, 2)) / 3) + [0.8, 2.0])
    scores = (rng.random((1_000_000, 2)) < chances).astype(np.float64)
    benchmark.extra_info.update(label="contextual learning replay, 1,000,000 rows", target="3 s")
    seeds = cycle(range(1000))
    benchmark.pedantic(lambda: contextual_life(x, scores, [0.001, 0.016], GoalSettings(), next(seeds)), rounds=3)
    print(f"\ncontextual learning replay: {memory()}")
