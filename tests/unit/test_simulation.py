"""The simulation's parts, on a world small enough to work out by hand."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from scipy.optimize import minimize

from benchmarks.simulation import fixed
from benchmarks.simulation.command import simulate_command
from benchmarks.simulation.judging import Interval, judge, over_runs
from benchmarks.simulation.learners import BetaThompson, Learner, LogisticThompson
from benchmarks.simulation.playing import features, play
from benchmarks.simulation.table import BOTH, MIX, Plan, Trial, simulate
from benchmarks.simulation.world import CHEAP, STRONG, Change, SimulatedArm, Traffic, World, traffic
from router_core.errors import SettingsError
from router_core.learning.drift import DriftRule
from router_core.money.budget import Budget

MIDDLE = SimulatedArm("middle", easy=0.94, hard=0.80, cost=0.25)


def by_hand(world: World, hard: list[bool]) -> Traffic:
    """One run of those prompts; both signals know the difficulty, and luck is even."""
    row = np.array([hard])
    signal = np.where(row, 1.0, -1.0)
    return Traffic(world, row, signal, signal, np.full(row.shape, 0.5))


def test_the_same_seed_gives_the_same_requests() -> None:
    """Run i of a seed is the same whatever the number of runs; another seed gives others."""
    few, many = traffic(World(), 2, 50, 7), traffic(World(), 5, 50, 7)
    for name in ("hard", "rule", "classifier", "luck"):
        assert np.array_equal(getattr(few, name), getattr(many, name)[:2])
    assert not np.array_equal(few.luck[0], few.luck[1])
    assert not np.array_equal(few.luck, traffic(World(), 2, 50, 8).luck)


def test_the_truth_follows_a_change() -> None:
    """From the share of the run that the change names, chance and cost are the new ones."""
    change = Change(SimulatedArm("strong", 0.7, 0.6, 2.0), at=0.5)
    chances, costs = World(change=change).truth(4)
    assert chances[:, 1].tolist() == [[0.95, 0.88], [0.95, 0.88], [0.7, 0.6], [0.7, 0.6]]
    assert costs.tolist() == [[1 / 16, 1.0]] * 2 + [[1 / 16, 2.0]] * 2
    assert by_hand(World(change=change), [True] * 4).chances[0, :, 1].tolist() == [0.88, 0.88, 0.6, 0.6]


def test_a_word_instead_of_a_score() -> None:
    """The same requests; the verdict is its sign, and says the same."""
    graded, word = traffic(World(), 1, 500, 1), traffic(World(graded=False), 1, 500, 1)
    assert np.array_equal(graded.says_complex(), word.says_complex())
    assert set(np.unique(word.classifier)) == {-1.0, 1.0}


@pytest.mark.parametrize("graded", [True, False])
def test_the_chance_that_a_prompt_is_hard_is_calibrated(graded: bool) -> None:
    """Of 200,000 prompts, those believed hard with chance p are so p of the time (4 standard errors)."""
    world = World(graded=graded)
    asked = traffic(world, 1, 200_000, 3)
    chance = world.hard_probability(asked.rule, asked.classifier)[0]
    for low in np.arange(0, 1, 0.1):
        inside = (chance >= low) & (chance < low + 0.1)
        error = np.sqrt(chance[inside].mean() * (1 - chance[inside].mean()) / inside.sum())
        assert abs(asked.hard[0][inside].mean() - chance[inside].mean()) < 4 * error


def test_the_classifiers_rates() -> None:
    """What the world says of the classifier is what it does."""
    asked = traffic(World(), 1, 200_000, 4)
    if_hard, if_easy = World().classifier_rates()
    assert asked.says_complex()[asked.hard].mean() == pytest.approx(if_hard, abs=0.006)
    assert asked.says_complex()[~asked.hard].mean() == pytest.approx(if_easy, abs=0.006)


def test_policies_that_learn_nothing() -> None:
    """Three prompts, two hard: what each chooses."""
    asked = by_hand(World(), [False, True, True])
    assert fixed.always(asked, 1).tolist() == [[1, 1, 1]]
    assert fixed.oracle(asked, 0.1).tolist() == [[0, 1, 1]]
    assert fixed.oracle(asked, 0.0).tolist() == [[1, 1, 1]]
    assert fixed.oracle(asked, 0.5).tolist() == [[0, 0, 0]]
    assert fixed.by_rule(asked).tolist() == fixed.by_classifier(asked).tolist() == [[0, 1, 1]]


def test_the_ceiling_weighs_both_signals() -> None:
    """Strong where P(hard) > .07375 / (.07375 + .33625) = .18; the best fixed model where signals say nothing."""
    asked = traffic(World(), 2, 2_000, 5)
    likely = World().hard_probability(asked.rule, asked.classifier) > 0.07375 / 0.41
    assert np.array_equal(fixed.ceiling(asked, 0.1), likely.astype(int))
    blind = traffic(World().without_signal(), 2, 2_000, 5)
    assert set(np.unique(fixed.ceiling(blind, 0.1))) == {1}
    assert set(np.unique(fixed.ceiling(blind, 0.3))) == {0}


def test_judging_by_hand() -> None:
    """Easy to strong, hard to cheap, hard to strong: regret .07375 + .33625 + 0 at lambda .1."""
    asked = by_hand(World(), [False, True, True])
    row = judge("mine", np.array([[1, 0, 1]]), asked, 0.1)
    assert row.success.mean == pytest.approx((0.95 + 0.45 + 0.88) / 3)
    assert row.cost.mean == pytest.approx((1 + 1 / 16 + 1) / 3)
    assert row.regret == Interval(*[pytest.approx(0.07375 + 0.33625)] * 3)
    assert (row.policy, row.alarms, row.budget) == ("mine", None, None)


def test_the_interval_over_runs() -> None:
    """1, 2, 3: mean 2, standard error 1/sqrt(3), t of two degrees of freedom 4.3027."""
    found = over_runs(np.array([1.0, 2.0, 3.0]))
    assert found.mean == 2.0
    assert found.high - 2.0 == pytest.approx(4.302653 / 3**0.5)
    assert found.high - 2.0 == pytest.approx(2.0 - found.low)


def test_a_random_mix_lies_on_the_hull() -> None:
    """Of three models the two that give most at that spend; beyond the ends, the end."""
    asked = by_hand(World(arms=(CHEAP, MIDDLE, STRONG)), [False, True])
    halfway = fixed.mix_at(asked, (0.25 + 1.0) / 2)
    assert (halfway.one, halfway.other, halfway.share) == (1, 2, pytest.approx(0.5))
    assert halfway.success == pytest.approx((0.87 + 0.915) / 2)
    assert fixed.mix_at(asked, 0.0).success == pytest.approx(0.69)
    assert fixed.mix_at(asked, 9.0).success == pytest.approx(0.915)
    poor = by_hand(World(arms=(CHEAP, SimulatedArm("poor", 0.5, 0.5, 0.25), STRONG)), [False, True])
    assert (fixed.mix_at(poor, 0.25).one, fixed.mix_at(poor, 0.25).other) == (0, 2)


def test_a_drawn_mix_spends_what_it_should() -> None:
    """And succeeds as the line between the models says."""
    asked = traffic(World(), 4, 20_000, 6)
    mix = fixed.mix_at(asked, 0.6)
    row = judge("mix", fixed.mixed(asked, mix, 6), asked, 0.1)
    assert row.cost.mean == pytest.approx(0.6, abs=0.005)
    assert row.success.mean == pytest.approx(mix.success, abs=0.002)


def test_beta_learners_count() -> None:
    """One good and one half-good answer of arm 0 in run 1; forgetting halves what was seen."""
    learner = BetaThompson(2, 2)
    seen, arms = np.zeros((2, 1)), np.array([1, 0])
    assert learner.learn(seen, arms, np.array([0.0, 1.0])).tolist() == [0.5, 0.5]
    assert learner.learn(seen, arms, np.array([0.0, 0.5])).tolist() == pytest.approx([1 / 3, 2 / 3])
    learner.forget(1, 0, 0.5)
    assert learner.learn(seen, arms, np.array([1.0, 1.0])).tolist() == pytest.approx([1 / 4, 1.75 / 3])


def test_a_logistic_step_goes_to_the_mode() -> None:
    """One outcome from the prior: mean and covariance are those of the Laplace approximation, found by BFGS."""
    x = np.array([1.0, 0.8, -0.5])

    def surprise(w: np.ndarray) -> float:
        return float(w @ w / 2 + np.logaddexp(0.0, x @ w) - 0.7 * (x @ w))

    mode = minimize(surprise, np.zeros(3), method="BFGS", options={"gtol": 1e-10}).x
    chance = 1 / (1 + np.exp(-x @ mode))
    precision = np.eye(3) + chance * (1 - chance) * np.outer(x, x)

    learner = LogisticThompson(1, 2, 3)
    assert learner.learn(x[None], np.array([1]), np.array([0.7])).tolist() == [0.5]
    np.testing.assert_allclose(learner._mean[0, 1], mode, atol=1e-7)
    np.testing.assert_allclose(np.linalg.inv(learner._covariance[0, 1]), precision, atol=1e-7)
    np.testing.assert_allclose(learner._covariance[0, 0], np.eye(3))


def test_a_logistic_learner_finds_the_weights() -> None:
    """20,000 outcomes of known weights: each within four posterior standard deviations."""
    random = np.random.default_rng(8)
    weights, learner = np.array([0.5, -1.0, 0.3]), LogisticThompson(1, 1, 3)
    seen = features(*random.normal(size=(2, 1, 20_000)))
    good = random.random(20_000) < 1 / (1 + np.exp(-seen[0] @ weights))
    for request in range(20_000):
        learner.learn(seen[:, request], np.array([0]), good[request : request + 1].astype(float))
    sd = np.sqrt(np.diag(learner._covariance[0, 0]))
    assert np.all(np.abs(learner._mean[0, 0] - weights) < 4 * sd)
    assert np.all(sd < 0.03)


def test_forgetting_widens_what_is_believed() -> None:
    """The precision that outcomes added is multiplied by what is kept."""
    learner, x = LogisticThompson(1, 1, 2), np.array([[1.0, 0.3]])
    for _ in range(200):
        learner.learn(x, np.array([0]), np.array([1.0]))
    before = np.linalg.inv(learner._covariance[0, 0]) - np.eye(2)
    learner.forget(0, 0, 0.02)
    np.testing.assert_allclose(np.linalg.inv(learner._covariance[0, 0]) - np.eye(2), 0.02 * before, atol=1e-9)


@pytest.mark.parametrize("make", [lambda: BetaThompson(3, 3), lambda: LogisticThompson(3, 3, 3)])
def test_every_learner_keeps_the_protocol(make: type[Learner]) -> None:
    """One arm per run, the same again with the same randomness; a crushing penalty is heeded."""
    seen = np.ones((3, 3))
    random = [np.random.default_rng(1) for _ in range(2)]
    first, second = (make().choose(seen, np.zeros((3, 3)), one) for one in random)
    assert first.tolist() == second.tolist()
    assert first.shape == (3,)
    crushing = np.array([[0.0, 9.0, 9.0], [9.0, 0.0, 9.0], [9.0, 9.0, 0.0]])
    assert make().choose(seen, crushing, random[0]).tolist() == [0, 1, 2]


class Stubborn:
    """Always arm 1, sure of 95 %; remembers what it was told to forget."""

    def __init__(self) -> None:
        self.forgot: list[tuple[int, int, float]] = []
        self.penalties: list[float] = []

    def choose(self, features: np.ndarray, penalties: np.ndarray, random: np.random.Generator) -> np.ndarray:
        self.penalties.append(float(penalties[0, 1]))
        return np.ones(len(features), dtype=np.intp)

    def learn(self, features: np.ndarray, arms: np.ndarray, rewards: np.ndarray) -> np.ndarray:
        return np.full(len(arms), 0.95)

    def forget(self, run: int, arm: int, keep: float) -> None:
        self.forgot.append((run, arm, keep))


def test_an_alarm_makes_the_learner_forget() -> None:
    """The strong model fails from the 200th request on: one alarm at once, in that run and arm."""
    change = Change(SimulatedArm("strong", 0.0, 0.0, 1.0), at=0.5)
    asked = by_hand(World(change=change), [False] * 400)
    learner = Stubborn()
    played = play(learner, features(asked.rule), asked, 0.1, 1, drift=DriftRule(keep=0.1))
    assert learner.forgot[0] == (0, 1, 0.1)
    first = played.alarms[0]
    assert (first.run, first.arm, first.alarm.direction, first.alarm.began) == (0, 1, "worse", 200)
    assert 200 < first.request < 220


def test_the_budgets_price_comes_on_top() -> None:
    """A strong call costs twice the budget of .5: the price of cost rises by step / .5 with every request."""
    asked = by_hand(World(), [False] * 3)
    learner = Stubborn()
    played = play(learner, features(asked.rule), asked, 0.1, 1, budget=Budget(0.5, requests=1, step=0.01))
    assert learner.penalties == pytest.approx([0.1, 0.12, 0.14])
    assert played.budgets[0].spent_usd == 3.0


def test_exploration_reaches_every_arm() -> None:
    """With a share of 10 % for each of two arms, the one never chosen gets about 10 %."""
    asked = traffic(World(), 2, 5_000, 2)
    played = play(Stubborn(), features(asked.rule), asked, 0.1, 2, exploration=0.1)
    assert (played.arms == 0).mean() == pytest.approx(0.1, abs=0.015)


def test_the_same_plan_gives_the_same_rows() -> None:
    """To the last digit, with a learner of one's own among them; the last row is the mix at the spend of both."""
    plan = Plan(runs=2, requests=300, budget=0.3, exploration=0.01)

    def mine(asked: Traffic) -> list[Trial]:
        return [Trial("stubborn", Stubborn(), features(asked.rule), 0.1)]

    told: list[str] = []
    rows = simulate(plan, told.append, mine)
    assert rows == simulate(plan, more=mine)
    names = [row.policy for row in rows]
    assert names[:-1] == told
    assert names[-2:] == ["stubborn", MIX]
    assert rows[-2].cost.mean == pytest.approx(0.99, abs=0.01)  # it, too, is made to explore
    assert [row.budget for row in rows if row.policy == f"{BOTH}, budget"] == [0.3]
    spend = next(row.cost.mean for row in rows if row.policy == BOTH)
    assert rows[-1].cost.mean == pytest.approx(spend, abs=0.1)


def test_without_a_watch_and_a_budget_their_rows_are_missing() -> None:
    """Nothing is played that was not asked for."""
    names = [row.policy for row in simulate(Plan(runs=1, requests=50, drift=None))]
    assert not [name for name in names if "alarm" in name or "budget" in name]


def test_three_models_can_be_simulated() -> None:
    """Nothing assumes two."""
    rows = simulate(Plan(world=World(arms=(CHEAP, MIDDLE, STRONG)), runs=2, requests=400, budget=0.3))
    assert all(0.0 <= row.success.mean <= 1.0 and row.regret.mean >= 0.0 for row in rows)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: SimulatedArm("a", 1.2, 0.1, 1.0), "a succeeds with chance 1.2; give a number from 0 to 1"),
        (lambda: SimulatedArm("a", 0.2, 0.1, -1.0), "a call of a costs -1.0; give a number of at least 0"),
        (lambda: World(arms=(CHEAP,)), "1 models leave nothing to choose; give two or more"),
        (lambda: World(easy_share=1.0), "easy_share is 1.0; give a number between 0 and 1"),
        (lambda: World(change=Change(MIDDLE)), r"'middle' cannot change; the models are \['cheap', 'strong'\]"),
        (lambda: Plan(runs=0), "runs is 0; give 1 or more"),
        (lambda: Plan(requests=0), "requests is 0; give 1 or more"),
        (lambda: Plan(price_of_cost=-0.1), "the price of cost is -0.1; give a number of at least 0"),
        (lambda: Plan(seed=-1), "the seed is -1; give 0 or more"),
        (lambda: Plan(exploration=2.0), "exploration is 2.0; give a share from 0 to 1"),
    ],
)
def test_what_cannot_be_simulated(make: type, said: str) -> None:
    """Is refused with the value and what is allowed."""
    with pytest.raises(SettingsError, match=said):
        make()


def test_the_command_prints_the_table() -> None:
    """Every policy, its figures, and what they mean."""
    done = CliRunner().invoke(simulate_command, ["-n", "60", "--runs", "2", "--budget", "0.3", "--degrade"])
    assert done.exit_code == 0, done.output
    assert "60 requests, 2 runs, seed 0, lambda 0.1" in done.stdout
    for name in ("always cheap", "oracle", "ceiling", "rules", "classifier", f"{BOTH}, alarm", MIX):
        assert name in done.stdout
    assert "budget 30" in done.stdout
    assert "Regret: what knowing each prompt's difficulty would bring more" in done.stdout


def test_the_command_as_json() -> None:
    """Plan and rows, as the options said."""
    options = ["-n", "60", "--runs", "2", "--no-alarm", "--word", "--no-signal", "--price", "0.2", "--seed", "3"]
    done = CliRunner().invoke(simulate_command, [*options, "--change", "cheap:0.8:0.2:0.05", "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    plan = Plan(
        world=replace(World(graded=False), change=Change(SimulatedArm("cheap", 0.8, 0.2, 0.05))).without_signal(),
        runs=2,
        requests=60,
        price_of_cost=0.2,
        seed=3,
        drift=None,
    )
    assert (told["plan"]["world"]["graded"], told["plan"]["drift"]) == (False, None)
    assert told["plan"]["world"]["change"]["arm"] == {"name": "cheap", "easy": 0.8, "hard": 0.2, "cost": 0.05}
    assert [row["regret"]["mean"] for row in told["rows"]] == [row.regret.mean for row in simulate(plan)]


@pytest.mark.parametrize("change", ["cheap:0.8", "cheap:a:b", "dear:0.8:0.2", "cheap:0.1:0.2:0.3:0.4"])
def test_a_change_that_is_none(change: str) -> None:
    """Wrong usage: the option's value is repeated."""
    done = CliRunner().invoke(simulate_command, ["--change", change])
    assert done.exit_code == 2
    assert f"--change '{change}'" in done.stderr


def test_what_the_command_refuses() -> None:
    """One sentence on standard error, exit code 1."""
    done = CliRunner().invoke(simulate_command, ["--change", "cheap:1.8:0.2"])
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == "simulate: cheap succeeds with chance 1.8; give a number from 0 to 1\n"
