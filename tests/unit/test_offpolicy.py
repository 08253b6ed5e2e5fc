"""IPS, SNIPS and DR on numbers worked by hand; what is refused; what does not matter."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from router_core.errors import EvaluationError
from router_core.evaluation.from_log.log import Log
from router_core.evaluation.from_log.offpolicy import OffPolicyReport
from router_core.evaluation.from_log.offpolicy import estimate as estimated
from router_core.evaluation.results import dump, load

# Four rows: logged probabilities of A and B, who was drawn, the reward, and what the target would do.
LOGGED = [[0.8, 0.2], [0.5, 0.5], [0.5, 0.5], [0.2, 0.8]]
ACTION = [0, 1, 0, 1]
REWARD = [1.0, 0.0, 1.0, 1.0]
TARGET = [[0.4, 0.6], [0.5, 0.5], [1.0, 0.0], [0.0, 1.0]]
# so the weights q / p are 0.4/0.8 = 0.5, 0.5/0.5 = 1, 1/0.5 = 2 and 1/0.8 = 1.25; they sum to 4.75


def estimate(*given: Any, **more: Any) -> OffPolicyReport:
    """As always, but of so few rows that it would be refused."""
    return estimated(*given, **{"least_ess": 10.0, **more})


def a_log(times: int = 10, **changes: Any) -> Log:
    """The four rows, so many times over (fewer than 30 answers are refused); A costs $1, B $3."""
    values: dict[str, Any] = {
        "arms": ("A", "B"),
        "probabilities": np.tile(LOGGED, (times, 1)),
        "action": np.tile(ACTION, times),
        "reward": np.tile(REWARD, times),
        "cost_usd": np.tile([1.0, 3.0, 1.0, 3.0], times),
    }
    return Log(**(values | changes))


def a_target(times: int = 10) -> np.ndarray:
    return np.tile(TARGET, (times, 1))


def value(report: OffPolicyReport, quantity: Any = "reward", estimator: Any = "DR") -> float:
    figure = report.of(quantity, estimator).figure
    assert figure is not None
    assert figure.low <= figure.value <= figure.high
    return figure.value


def refusal(report: OffPolicyReport, quantity: Any = "reward") -> str:
    """The one sentence that stands in the place of every figure."""
    of = [one for one in report.estimates if one.quantity == quantity]
    assert {one.figure for one in of} == {None}
    (why,) = {one.refusal for one in of}
    assert why is not None
    return why


def test_ips_snips_and_ess_by_hand() -> None:
    """IPS = (0.5 + 0 + 2 + 1.25) / 4; SNIPS = 3.75 / 4.75; ESS = 4.75^2 / (0.25 + 1 + 4 + 1.5625), ten times."""
    report = estimate(a_target(), a_log())
    assert value(report, "reward", "IPS") == pytest.approx(3.75 / 4)
    assert value(report, "reward", "SNIPS") == pytest.approx(3.75 / 4.75)
    assert value(report, "cost_usd", "IPS") == pytest.approx((0.5 + 3 + 2 + 3.75) / 4)
    assert value(report, "cost_usd", "SNIPS") == pytest.approx((0.5 + 3 + 2 + 3.75) / 4.75)
    assert report.of("reward").ess == pytest.approx(10 * 4.75**2 / 6.8125)
    assert (report.of("reward").rows, report.rows) == (40, 40)
    assert report.target_share == pytest.approx((1.9 / 4, 2.1 / 4))
    assert report.logged_share == (0.5, 0.5)


def test_dr_by_hand() -> None:
    """Without features m is a model's mean, with half an answer of half a reward added.

    A: 20 good of 20, so m = 20.5/21, and 19.5/20 without the row itself. B: 10 good of 20, so m = 10.5/21, and
    without itself 10.5/20 on a bad row, 9.5/20 on a good one.
    """
    rows = [
        0.4 * 0.975 + 0.6 * 0.5 + 0.5 * (1 - 0.975),
        0.5 * 20.5 / 21 + 0.5 * 0.525 + 1.0 * (0 - 0.525),
        1.0 * 0.975 + 2.0 * (1 - 0.975),
        1.0 * 0.475 + 1.25 * (1 - 0.475),
    ]
    assert value(estimate(a_target(), a_log())) == pytest.approx(sum(rows) / 4)


def test_half_rated_counts_as_if_all_were() -> None:
    """A's answers all rated, half of B's (not row 2), so B's count twice: IPS = (0.5 + 2 + 2 * 1.25) / 4."""
    unrated = a_log(20, reward=np.tile([1.0, np.nan, 1.0, 1.0], 20))
    report = estimate(a_target(20), unrated)
    assert value(report, "reward", "IPS") == pytest.approx((0.5 + 2 + 2 * 1.25) / 4)
    assert value(report, "reward", "SNIPS") == pytest.approx(1.0)
    assert report.of("reward").known_share == (1.0, 0.5)
    assert report.of("reward").rows == 60
    assert report.of("cost_usd").known_share == (1.0, 1.0)
    as_they_come = estimate(a_target(20), unrated, by_arm=False)
    assert value(as_they_come, "reward", "IPS") == pytest.approx((0.5 + 2 + 1.25) / 3)
    assert as_they_come.of("reward").known_share == (1.0, 0.5)


def test_uneven_rating_is_told() -> None:
    """A warning with both shares; none where they are alike."""
    few = np.where(np.arange(400) % 8 == 1, 0.0, np.nan)
    rated = np.where(np.tile(ACTION, 100) == 0, 1.0, few)
    report = estimate(a_target(100), a_log(100, reward=rated), least_ess=0.0)
    assert report.warnings[0] == (
        "100.0 % of A's answers are rated, but 25.0 % of B's; answers are weighted so that this alone does no"
        " harm, but if people rate because they are pleased or not, the estimates are tilted"
    )
    assert (
        "nothing is done about it" in estimate(a_target(100), a_log(100, reward=rated), by_arm=False).warnings[0]
    )
    assert report.warnings[1].startswith("62.5 % of the answers are rated; if people rate because they are")
    assert estimate(a_target(), a_log()).warnings == ()


def test_judging_itself_gives_the_means() -> None:
    """The logged probabilities as target: every weight is 1."""
    report = estimate(lambda log: log.probabilities, a_log())
    assert value(report, "reward", "IPS") == value(report, "reward", "SNIPS") == pytest.approx(0.75)
    assert report.of("reward").ess == pytest.approx(40)


def test_interval_of_a_plain_share() -> None:
    """90 good of 100, one model: about Agresti and Coull's interval, whatever the estimator."""
    one = np.ones((100, 1))
    log = Log(("A",), one, np.zeros(100, np.int64), np.arange(100) % 10 * 1.0 > 0, np.ones(100))
    for estimator in ("IPS", "SNIPS", "DR"):
        figure = estimate(one, replace(log, reward=log.reward.astype(float))).of("reward", estimator).figure
        assert figure is not None
        assert (figure.low, figure.high) == pytest.approx((0.824, 0.946), abs=0.004)


def test_shares_end_at_1_and_dollars_do_not() -> None:
    """Where nearly every answer was good the interval ends at 1; that of dollars has no such end."""
    report = estimate(a_target(), a_log(reward=np.tile([1.0, 0.0, 1.0, 1.0, 1.0], 8)))
    good, paid = (report.of(quantity, "IPS").figure for quantity in ("reward", "cost_usd"))
    assert good is not None
    assert good.value < good.high == 1.0
    assert paid is not None
    assert 1.0 < paid.low < paid.value < paid.high


def test_all_good_is_not_certain() -> None:
    """40 good of 40 leave room below 1, as they should."""
    figure = estimate(a_target(), a_log(reward=np.ones(40))).of("reward", "SNIPS").figure
    assert figure is not None
    assert figure.value == figure.high == 1.0
    assert figure.low < 0.9


@pytest.mark.parametrize("by_arm", [True, False])
def test_the_order_of_rows_does_not_matter(by_arm: bool) -> None:
    """Rows of one prompt, unrated ones and several loggers among them."""
    rng = np.random.default_rng(3)
    n = 900
    p = rng.dirichlet([2, 2, 2], n) * 0.7 + 0.1
    action = np.array([rng.choice(3, p=row) for row in p])
    reward = np.where(rng.random(n) < 0.6, rng.random(n).round(1), np.nan)
    log = Log(
        ("A", "B", "C"), p, action, reward, rng.random(n), rng.random((n, 2)), np.arange(n) // 3,
        np.arange(n) % 2, ("x", "y"),
    )  # fmt: skip
    target = rng.dirichlet([1, 1, 1], n)
    there = rng.permutation(n)
    before = estimate(target, log, by_arm=by_arm)
    after = estimate(target[there], log.rows(there), by_arm=by_arm)
    for one, other in zip(before.estimates, after.estimates, strict=True):
        assert one.figure is not None
        assert other.figure is not None
        assert (one.figure.value, one.figure.low, one.figure.high, one.ess) == pytest.approx(
            (other.figure.value, other.figure.low, other.figure.high, other.ess), rel=1e-10
        )


def test_rows_of_a_prompt_count_together() -> None:
    """Each row three times over, as three routers that share an answer: the figure stays, the certainty too."""
    alone = estimate(a_target(), a_log(prompt=np.arange(40)))
    shared = estimate(a_target(30), a_log(30, prompt=np.arange(120) % 40))
    for estimator in ("IPS", "SNIPS"):
        one, three = alone.of("reward", estimator), shared.of("reward", estimator)
        assert one.figure is not None
        assert three.figure is not None
        assert three.ess == pytest.approx(one.ess)
        assert (three.figure.low, three.figure.high) == pytest.approx((one.figure.low, one.figure.high))


def test_a_router_that_could_not_is_left_out_whole() -> None:
    """Rules that log 1 support no target but themselves; the other router's rows alone give the estimate."""
    rules = Log(("A", "B"), np.tile([[1.0, 0.0]], (40, 1)), np.zeros(40, np.int64), np.zeros(40), np.ones(40))
    both = Log(
        ("A", "B"),
        np.concatenate([a_log().probabilities, rules.probabilities]),
        np.concatenate([a_log().action, rules.action]),
        np.concatenate([a_log().reward, rules.reward]),
        np.concatenate([a_log().cost_usd, rules.cost_usd]),
        logger=np.repeat([0, 1], 40),
        loggers=("thompson", "rules"),
    )
    target = np.concatenate([a_target(), a_target()])
    report = estimate(target, both)
    assert report.left_out == ("rules",)
    assert report.rows == 80
    assert value(report) == pytest.approx(value(estimate(a_target(), a_log())))
    itself = estimate(np.tile([[1.0, 0.0]], (80, 1)), both)
    assert itself.left_out == ()
    assert value(itself, "reward", "SNIPS") < 0.5  # of its own rows none was good; they weigh most


def test_routers_are_weighted_by_what_they_can_tell() -> None:
    """Router x chose like the target, y hardly ever: adding y's rows makes the estimate no less certain."""
    n = 2_000
    p = np.concatenate([np.tile([[0.1, 0.9]], (n, 1)), np.tile([[0.98, 0.02]], (n, 1))])
    rng = np.random.default_rng(5)
    action = (rng.random(2 * n) > p[:, 0]).astype(np.int64)
    reward = (rng.random(2 * n) < np.where(action == 1, 0.9, 0.5)).astype(float)
    log = Log(("A", "B"), p, action, reward, reward + 1, logger=np.repeat([0, 1], n), loggers=("x", "y"))
    target = np.tile([[0.0, 1.0]], (2 * n, 1))
    both = estimate(target, log).of("reward", "SNIPS")
    alone = estimate(target[:n], log.by_loggers(np.array([True, False]))).of("reward", "SNIPS")
    assert both.figure is not None
    assert alone.figure is not None
    assert alone.ess < both.ess < alone.ess + 2 * 0.02 * n
    assert both.figure.high - both.figure.low < alone.figure.high - alone.figure.low


def test_refused_without_support() -> None:
    """Names the model and the share of rows; nothing is clipped or dropped to get round it."""
    p = np.array([[1.0, 0.0], [1.0, 0.0], [0.5, 0.5], [0.2, 0.8]])
    report = estimate(a_target(), a_log(probabilities=np.tile(p, (10, 1)), action=np.tile([0, 0, 0, 1], 10)))
    assert refusal(report) == (
        "on 50.0 % of the rows the target can choose B where the log never could, so nothing is known of what"
        " would have happened; let the router that serves explore"
    )
    assert report.left_out == ("log",)


def test_refused_for_a_small_effective_sample() -> None:
    """Below 50 effective answers, and how many answers would do; a figure where 40 are enough."""
    n = 2_000
    p = np.tile([[0.98, 0.02]], (n, 1))
    action = (np.arange(n) % 50 == 0).astype(np.int64)
    log = Log(("A", "B"), p, action, np.ones(n), np.ones(n))
    target = np.tile([[0.0, 1.0]], (n, 1))
    assert refusal(estimated(target, log)) == (
        "the 2,000 known answers are worth only 40 (at least 50 are needed), for the log seldom chose as the"
        " target would; about 2,500 would do, or fewer if more traffic explored"
    )
    assert value(estimated(target, log, least_ess=40.0), "reward", "SNIPS") == 1.0


def test_refused_for_too_few_answers_whatever_they_are_worth() -> None:
    """40 answers of the target's own draws are 40 effective ones: what is said is that they are few."""
    assert refusal(estimated(lambda log: log.probabilities, a_log())) == (
        "40 known answers are too few; at least 50 are needed"
    )


def test_always_the_other_model_can_be_judged_by_a_floor_of_2_percent() -> None:
    """400 effective answers of 20,000 are 2 % of them, and enough: what counts is how many, not which part."""
    n = 20_000
    p = np.tile([[0.98, 0.02]], (n, 1))
    action = (np.arange(n) % 50 == 0).astype(np.int64)
    reward = (np.arange(n) // 50 % 10 > 0).astype(float)  # of the rare model's answers nine in ten are good
    found = estimated(np.tile([[0.0, 1.0]], (n, 1)), Log(("A", "B"), p, action, reward, np.ones(n))).of("reward")
    assert found.ess == pytest.approx(400)
    assert found.figure is not None
    assert (found.figure.low, found.figure.high) == pytest.approx((0.866, 0.926), abs=0.003)


def test_refused_by_what_was_to_be_expected() -> None:
    """The rare draws that would have shown the trouble did not happen: the sample alone looks fine."""
    n = 1_000
    p = np.where(np.arange(n)[:, None] < 500, [0.999, 0.001], [0.5, 0.5])
    target = np.where(np.arange(n)[:, None] < 500, [0.0, 1.0], [0.5, 0.5])
    action = (np.arange(n) >= 750).astype(np.int64)
    report = estimate(target, Log(("A", "B"), p, action, np.ones(n), np.ones(n)))
    assert report.of("reward").ess == pytest.approx(500)
    assert "worth only 2 (at least 10 are needed" in refusal(report)


def test_refused_where_few_answers_speak_for_a_model() -> None:
    """Enough rows together, but hardly any of one model that the target gives much."""
    n = 400
    p = np.tile([[0.98, 0.02]], (n, 1))
    action = (np.arange(n) % 50 == 0).astype(np.int64)
    target = np.tile([[0.9, 0.1]], (n, 1))
    report = estimate(target, Log(("A", "B"), p, action, np.ones(n), np.ones(n)))
    assert refusal(report) == (
        "about 8 effective answers speak for B, to which the target gives 10.0 % of the traffic; at least 10 are"
        " needed"
    )


@pytest.mark.parametrize(
    ("reward", "why"),
    [
        (np.full(40, np.nan), "none of the 40 answers is rated"),
        (
            np.where(np.arange(40) < 20, REWARD * 10, np.nan),
            "20 known answers are too few; at least 30 are needed",
        ),
        (
            np.tile([1.0, np.nan, 1.0, np.nan], 10),
            "no answer of B is rated, and the target gives it 52.5 % of the traffic",
        ),
    ],
)  # fmt: skip
def test_refused_without_ratings(reward: np.ndarray, why: str) -> None:
    """The reward is refused, with its reason; the cost is known all the same."""
    report = estimate(a_target(), a_log(reward=reward))
    assert refusal(report) == why
    assert value(report, "cost_usd", "SNIPS") > 1


def test_an_unknown_price_is_not_zero() -> None:
    """No cost of B is known: no cost of the target is either."""
    report = estimate(a_target(), a_log(cost_usd=np.tile([1.0, np.nan, 1.0, np.nan], 10)))
    assert refusal(report, "cost_usd").startswith("no answer of B is of known cost")
    assert value(report) > 0


def test_an_empty_log_is_refused() -> None:
    """A sentence, no division by zero."""
    log = a_log(
        0, reward=np.empty(0), cost_usd=np.empty(0), probabilities=np.empty((0, 2)), action=np.empty(0, int)
    )
    assert refusal(estimate(np.empty((0, 2)), log)) == (
        "the log has no decision that a router drew (of imported calls nobody logged the probabilities);"
        " send some traffic through a router first"
    )


def test_a_log_that_is_not_what_it_says_is_told() -> None:
    """Logged at 10 %, drawn half of the time: the weights cannot average 1."""
    n = 1_000
    log = Log(("A", "B"), np.tile([[0.9, 0.1]], (n, 1)), np.arange(n) % 2, np.ones(n), np.ones(n))
    report = estimate(np.tile([[0.5, 0.5]], (n, 1)), log)
    assert "the weights average 2.78, where 1 is expected" in report.warnings[0]


def test_only_what_was_asked_for() -> None:
    """Estimators and quantities are chosen; asking for another afterwards says so."""
    report = estimate(a_target(), a_log(), estimators=("SNIPS",), quantities=("reward",))
    assert [(one.estimator, one.quantity) for one in report.estimates] == [("SNIPS", "reward")]
    with pytest.raises(EvaluationError, match="the report has no DR of reward"):
        report.of("reward")


def test_a_report_survives_json() -> None:
    """Figures and refusals alike."""
    for log in (a_log(), a_log(reward=np.full(40, np.nan))):
        report = estimate(a_target(), log)
        assert load(OffPolicyReport, dump(report)) == report


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"reward": np.ones(39)}, "other lengths of .*reward"),
        ({"probabilities": np.ones((40, 3)) / 3}, "probabilities of shape"),
        ({"action": np.full(40, 2)}, "the log names model 2; its models are 0 to 1"),
        ({"probabilities": np.full((40, 2), 0.6)}, "the logged probabilities of a row sum to 1.2"),
        ({"probabilities": np.full((40, 2), np.nan)}, "the logged probabilities of a row sum to nan"),
        ({"probabilities": np.tile([[0.0, 1.0]], (40, 1))}, "drawn with probability 0"),
        ({"reward": np.full(40, 1.5)}, "rewards lie between 1.5 and 1.5"),
        ({"logger": np.ones(40, int)}, "drawn by router 1, which has no name"),
    ],
)
def test_a_log_that_cannot_be(changes: dict[str, Any], message: str) -> None:
    """Refused when it is made."""
    with pytest.raises(EvaluationError, match=message):
        a_log(**changes)


def test_a_target_that_cannot_be() -> None:
    """Another shape, or rows that are no distributions."""
    with pytest.raises(EvaluationError, match="the target's probabilities have the shape"):
        estimate(a_target(3), a_log())
    with pytest.raises(EvaluationError, match="the target's probabilities of a row sum to 2"):
        estimate(2 * a_target(), a_log())
