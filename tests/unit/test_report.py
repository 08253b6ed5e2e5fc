"""The report on data whose every figure can be worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from router_core.errors import EvaluationError
from router_core.evaluation.by_file.conclusion import verdict
from router_core.evaluation.by_file.report import evaluate
from router_core.evaluation.by_file.ways import WAYS, offered
from router_core.evaluation.labelled import Labelled, rows_of
from router_core.evaluation.results import Estimate, Objective, Report, dump, load
from router_core.settings import ArmSettings, GoalSettings, Settings
from tests.labelled import labelled

NOW = datetime(2026, 1, 2, tzinfo=UTC)
WITHOUT_CLASSIFIER = [name for name in WAYS if name not in ("classifier", "learned")]


def easy_and_hard() -> Labelled:
    """Both models answer the short half, only the strong one the long half: length tells them apart."""
    return labelled(
        [[1, 1]] * 200 + [[0, 1]] * 200,
        prompts=[f"short {i}" for i in range(200)]
        + [f"a much longer prompt that asks for more {i}" for i in range(200)],
        tasks=["easy"] * 200 + ["hard"] * 200,
    )


def judged(data: Labelled, **given: object) -> Report:
    """A small report."""
    wanted = given.pop("policies", [name for name in offered(data) if name in WITHOUT_CLASSIFIER])
    return evaluate(wanted, data, shuffles=3, draws=200, now=NOW, **given)  # type: ignore[arg-type]


def value(found: Estimate | None) -> float:
    """The figure itself."""
    assert found is not None
    assert found.low <= found.value <= found.high
    return found.value


def test_a_router_that_tells_prompts_apart() -> None:
    """Half the prompts go up, nothing is lost: accuracy 1 at $0.0055 instead of $0.01."""
    report = judged(easy_and_hard())
    row = report.row("length")
    assert value(row.accuracy) == 1.0
    assert value(row.cost_usd) == pytest.approx(0.0055)
    assert row.shares == pytest.approx((0.5, 0.5))
    assert value(row.gain) == pytest.approx(1.0 - 0.75)  # $0.0055 buys half of each model: 0.75
    assert value(row.saving) == pytest.approx(0.45)
    assert value(row.advantage_usd) == pytest.approx((0.05 - 0.0055) - (0.05 - 0.01))
    assert value(row.apgr) == pytest.approx(0.75)  # rises to the whole gap at half the calls, then stays
    assert value(row.cpt50) == pytest.approx(0.25)
    assert value(row.cpt80) == pytest.approx(0.40)
    assert [point.share for point in row.curve[::5]] == [0.0, 0.5, 1.0]
    assert [point.accuracy for point in row.curve[::5]] == pytest.approx([0.5, 1.0, 1.0])


def test_baselines() -> None:
    """Fixed models, the coin, the oracle."""
    report = judged(easy_and_hard())
    assert (report.weak, report.strong, report.best_fixed, report.hull) == (
        "cheap",
        "strong",
        "strong",
        report.models,
    )
    assert value(report.row("cheap").accuracy) == 0.5
    assert value(report.row("strong").cost_usd) == pytest.approx(0.01)
    coin = report.row("random")
    assert value(coin.accuracy) == 0.75
    assert value(coin.apgr) == pytest.approx(0.5)
    assert coin.gain is None
    assert value(report.row("oracle").cost_usd) == pytest.approx(0.0055)


def test_the_rival_and_its_break_even() -> None:
    """The strong model wins half the prompts for $0.009 more: it pays from $0.018 a good answer."""
    (rival,) = judged(easy_and_hard()).rivals
    assert rival.model == "cheap"
    assert value(rival.accuracy) == -0.5
    assert value(rival.cost_usd) == pytest.approx(-0.009)
    assert value(rival.utility_usd) == pytest.approx(-0.025 + 0.009)
    assert rival.break_even_usd == pytest.approx(0.018)
    assert rival.break_even_low_usd is not None
    assert rival.break_even_high_usd is not None
    assert rival.break_even_low_usd < 0.018 < rival.break_even_high_usd


def test_intervals_are_those_of_normal_theory() -> None:
    """Per prompt the cheap model loses 0 or 1 answers, and length saves $0.009 or nothing, half of the time each:
    a standard error is half of that over sqrt(400). Routers are corrected for their number, rivals for theirs.
    """  # fmt: skip
    report = evaluate(["length", "heuristic"], easy_and_hard(), shuffles=3, draws=2_000, now=NOW)
    (rival,) = report.rivals
    error = 0.5 / 20
    assert _half(rival.accuracy) == pytest.approx(1.96 * error, rel=0.08)
    assert _half(rival.utility_usd) == pytest.approx(1.96 * 0.05 * error, rel=0.08)
    assert rival.break_even_low_usd == pytest.approx(0.009 / (0.5 + 1.96 * error), rel=0.01)
    assert rival.break_even_high_usd == pytest.approx(0.009 / (0.5 - 1.96 * error), rel=0.01)
    imagined = 2.24**2 / 2 * 0.05**2  # so many prompts more on which a good answer is won or lost
    deviation = (400 * (0.009 / 2) ** 2 + imagined) ** 0.5 / (400 + 2.24**2 / 2)
    assert _half(report.row("length").advantage_usd) == pytest.approx(2.24 * deviation, rel=0.02)
    assert report.row("length").accuracy.low == pytest.approx(1 - 1.96**2 / 404, abs=0.002)
    three = labelled([[1, 1, 1]] * 200 + [[0, 1, 0]] * 200, (0.001, 0.01, 0.02))
    cheap, _ = evaluate(["random"], three, draws=2_000, now=NOW).rivals
    assert _half(cheap.accuracy) == pytest.approx(2.24 * error, rel=0.08)


def test_a_model_that_may_never_pay() -> None:
    """More expensive and worse, no break-even; more expensive and perhaps better, one without an upper end."""
    (worse,) = judged(labelled([[1, 0]] * 60 + [[1, 1]] * 40)).rivals
    assert (worse.break_even_usd, worse.break_even_low_usd, worse.break_even_high_usd) == (None, None, None)
    (maybe,) = judged(labelled([[0, 1]] * 2 + [[1, 0]] + [[1, 1]] * 97)).rivals
    assert maybe.break_even_usd == pytest.approx(0.9)
    assert maybe.break_even_low_usd == pytest.approx(0.009 / 0.05, rel=0.5)
    assert maybe.break_even_high_usd is None


def _half(found: Estimate | None) -> float:
    """Half of the interval."""
    assert found is not None
    return (found.high - found.low) / 2


def test_row_order_does_not_matter() -> None:
    """Everything, intervals included, is the same whatever order the file has."""
    data = easy_and_hard()
    shuffled = rows_of(data, np.random.default_rng(0).permutation(400).tolist())
    assert judged(data) == judged(shuffled)


def test_the_seed_fixes_everything_and_matters() -> None:
    """Same seed, same report; another seed, other draws."""
    rng = np.random.default_rng(1)
    data = labelled((rng.random((300, 2)) < [0.6, 0.8]).astype(float).tolist())
    assert judged(data, seed=4) == judged(data, seed=4)
    first, second = (judged(data, seed=seed).row("length") for seed in (4, 5))
    assert first.apgr != second.apgr  # the bootstrap
    assert first.accuracy != second.accuracy  # the folds


def test_by_task_and_mistakes() -> None:
    """Accuracy per task; prompts a router sent to the wrong model, to read, unless texts are not to be kept."""
    data = easy_and_hard()
    wrong = replace(data, prompts=tuple(reversed(data.prompts)), responses=(("yes", "no"),) * 400)
    report = judged(wrong, policies=["heuristic", "length"])
    assert {task.task: (task.prompts, task.accuracy["cheap"]) for task in report.tasks} == {
        "easy": (200, 1.0),
        "hard": (200, 0.0),
    }
    bad = judged(wrong, policies=["length"], objective=Objective(quality_floor=0.6)).mistakes
    assert bad
    assert {(one.chosen, one.better, one.lost) for one in bad} == {("cheap", "strong", 1.0)}
    assert bad[0].answers == (("cheap", "yes"), ("strong", "no"))
    assert judged(wrong, policies=["length"], keep_texts=False).mistakes == ()


def test_an_unknown_price_is_not_zero() -> None:
    """Nothing that uses the model has a cost, an advantage or a saving; accuracies stand."""
    data = easy_and_hard()
    data = replace(data, cost_usd=np.where([True, False], data.cost_usd, np.nan))
    report = judged(data)
    assert report.row("strong").cost_usd is None
    assert report.row("length").cost_usd is None
    assert report.row("length").advantage_usd is None
    assert report.row("cheap").cost_usd is not None
    assert value(report.row("strong").accuracy) == 1.0
    assert value(report.row("length").apgr) == pytest.approx(0.75)
    assert report.best_fixed == "strong"
    assert any("price of strong is unknown" in note for note in report.notes)


def test_the_classifier_pays_for_its_calls() -> None:
    """What deciding cost is part of the cost of a prompt."""
    scores = [[1, 1]] * 50 + [[0, 1]] * 50
    data = labelled(scores, verdicts=[1] * 50 + [0] * 50)
    report = evaluate(["classifier"], data, draws=50, now=NOW, deciding_usd=np.full(100, 0.002))
    row = report.row("classifier")
    assert value(row.accuracy) == 1.0
    assert value(row.cost_usd) == pytest.approx(0.0055 + 0.002)
    assert row.curve[0].cost_usd == pytest.approx(0.001 + 0.002)


def test_a_learned_score_is_judged_but_not_advised() -> None:
    """It finds the word that tells hard from easy prompts; the verdict says what that is worth, and no more."""
    prompts = [f"{'prove' if i % 2 else 'greet'} {i:04}" for i in range(400)]
    data = labelled([[1 - i % 2, 1] for i in range(400)], prompts=prompts)
    report = judged(data, policies=["length", "learned"])
    row = report.row("learned")
    assert row.kind == "trained"
    assert value(row.apgr) > 0.7
    assert value(row.apgr_over_length) > 0.1
    assert value(row.accuracy) > 0.95
    found = verdict(report)
    assert found.kind == "use"
    assert any("A score learned from these prompts would make" in one for one in found.reasons)


@pytest.mark.parametrize("name", ["thompson", "contextual"])
def test_the_learner_has_a_band_and_a_path(name: str) -> None:
    """It is a simulation: what it brought is told beside the best model, and no claim is made of it."""
    report = judged(easy_and_hard())
    row = report.row(name)
    assert row.kind == "learner"
    (path,) = [one for one in report.regret if one.name == name]
    assert path.seen[-1] == 400
    assert path.mean[-1] == pytest.approx(400 * (0.04 - (0.05 * value(row.accuracy) - value(row.cost_usd))))
    assert value(row.advantage_usd) == pytest.approx(-path.mean[-1] / 400)
    (told,) = [one for one in verdict(report).reasons if one.startswith(row.label)]
    assert "less of value per 1,000 prompts than strong for everything" in told


def test_three_models() -> None:
    """Rivals are all others; routers choose between the best model and the next one that is worth its money."""
    rng = np.random.default_rng(2)
    data = labelled((rng.random((300, 3)) < [0.5, 0.6, 0.9]).astype(float).tolist(), (0.001, 0.02, 0.01))
    report = judged(data)
    assert [rival.model for rival in report.rivals] == ["cheap", "strong"]
    assert report.hull == ("cheap", "third")
    assert report.row("length").shares[1] == 0.0


def middle_of_three(short: int = 300) -> Labelled:
    """The middle model is the best buy; on half of the prompts, the short ones, the cheapest is as good.

    Half of the long ones are answered by the most expensive one alone, at a price that is not worth it.
    """
    rows = [[1, 1, 1]] * short + [[0, 1, 1]] * (short // 2) + [[0, 0, 1]] * (short // 2)
    prompts = [f"short {i}" for i in range(short)] + [f"a long prompt, for a change, {i}" for i in range(short)]
    return labelled(rows, (0.001, 0.01, 0.1), prompts=prompts)


def test_routers_are_judged_between_the_best_model_and_its_neighbours() -> None:
    """Between the cheapest and the most accurate model, neither of which is advised, length is worth nothing."""
    report = judged(middle_of_three(), policies=["random", "length", "heuristic", "points"])
    assert report.best_fixed == "strong"
    assert report.hull == ("cheap", "strong", "third")
    assert (report.weak, report.strong) == ("strong", "third")
    by_pair = {row.name: row for row in report.rows}
    assert {"length", "length, cheap or strong", "heuristic, cheap or strong", "points, cheap or strong"} < set(
        by_pair
    )
    down, up = by_pair["length, cheap or strong"], by_pair["length"]
    assert (down.shares[2], up.shares[0]) == (0.0, 0.0)
    assert value(down.advantage_usd) == pytest.approx(0.009 / 2)
    assert down.apgr_over_length is None
    assert by_pair["points, cheap or strong"].apgr_over_length is not None
    found = verdict(report)
    assert (found.kind, found.choice) == ("route", "length, cheap or strong")
    assert found.sentence.startswith("Route by prompt length, cheap or strong: it is worth $4.50 (")


def test_the_best_model_alone_on_the_hull_has_one_pair() -> None:
    """Cheapest and most accurate of three: the other of the pair is the most accurate of the rest."""
    rng = np.random.default_rng(2)
    data = labelled((rng.random((300, 3)) < [0.9, 0.5, 0.7]).astype(float).tolist(), (0.001, 0.01, 0.02))
    report = judged(data, policies=["length"])
    assert report.hull == ("cheap",)
    assert (report.weak, report.strong) == ("cheap", "third")
    assert [row.name for row in report.rows if row.kind == "ranking"] == ["length"]


def test_a_saving_that_is_not_known_is_no_figure() -> None:
    """As accurate as the cheapest model, give or take: it costs a thousand times as much, or saves a third."""
    rng = np.random.default_rng(0)
    scores = (rng.random((200, 2)) < [0.80, 0.82]).astype(float)
    report = judged(labelled(scores.tolist(), (0.00001, 0.01)), policies=["heuristic"])
    assert report.row("heuristic").gain is not None
    assert report.row("heuristic").saving is None


def test_json_round_trip() -> None:
    """A stored report is the same report."""
    report = judged(easy_and_hard())
    assert load(Report, dump(report)) == report
    with pytest.raises(EvaluationError, match="cannot be read"):
        load(Report, '{"rows": 3}')


def test_progress_rises_and_may_stop_the_work() -> None:
    """Told between 0 and 1; what it raises ends the work."""
    told: list[float] = []
    judged(easy_and_hard(), progress=lambda done, words: told.append(done))
    assert told == sorted(told)
    assert 0 <= told[0] <= told[-1] <= 1

    class Stopped(Exception):
        pass

    def stop(done: float, words: str) -> None:
        if done > 0.2:
            raise Stopped

    with pytest.raises(Stopped):
        judged(easy_and_hard(), progress=stop)


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [(["nothing"], "'nothing' is not a router that can be judged"), (["classifier"], "no column of verdicts")],
)
def test_refusals(wanted: list[str], sentence: str) -> None:
    with pytest.raises(EvaluationError, match=sentence):
        evaluate(wanted, easy_and_hard())


def test_refuses_too_little_and_the_priceless() -> None:
    """One prompt; a goal that ignores cost."""
    with pytest.raises(EvaluationError, match="one prompt says nothing"):
        evaluate([], labelled([[1, 0]]))
    arms = (ArmSettings(model="openai/a"), ArmSettings(model="openai/b"))
    settings = Settings(goals={"default": GoalSettings(arms=arms, success_value_usd=float("inf"))})
    with pytest.raises(EvaluationError, match="ignores cost"):
        evaluate([], easy_and_hard(), settings=settings)


@pytest.mark.parametrize("given", [{}, {"success_value_usd": 1.0, "quality_floor": 0.5}, {"quality_floor": 1.5},
                                   {"success_value_usd": -1.0}, {"success_value_usd": float("inf")}])  # fmt: skip
def test_objectives_that_are_none(given: dict[str, float]) -> None:
    with pytest.raises(EvaluationError):
        Objective(**given)


@pytest.mark.parametrize("worth", [0.012, 0.016, 0.020, 0.024])
def test_the_break_even_and_the_value_say_the_same(worth: float) -> None:
    """Below the interval of the break-even the cheap model is proven the better buy, above it the strong one is,
    within it neither.
    """  # fmt: skip
    scores = [[1, 1]] * 200 + [[0, 1]] * 200
    report = judged(labelled(scores), policies=[], objective=Objective(success_value_usd=worth))
    (rival,) = report.rivals
    low, high = rival.break_even_low_usd, rival.break_even_high_usd
    assert low is not None
    assert high is not None
    assert low < 0.018 < high
    assert rival.utility_usd is not None
    assert (rival.utility_usd.high < 0.0) == (not low <= worth <= high)
