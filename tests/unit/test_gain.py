"""The gain score: what it learns from, what it says of held-out texts, and that it survives being written down."""

from __future__ import annotations

import json
from dataclasses import replace
from math import log1p
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from router_core.errors import EvaluationError, SettingsError
from router_core.learning.contextual.gain import GainScore
from router_core.learning.contextual.grams import BLOCK_SIZES, codes
from router_core.learning.contextual.ridge import Design, designed, read, solve
from router_core.learning.contextual.training import Lesson, learn_score, train

ARMS = ("cheap", "strong")
PLAIN = ["list", "name", "date", "colour", "size", "label", "price", "short", "answer", "word", "city", "street"]
HARD = ["prove", "derive", "integral", "theorem", "lemma", "manifold"]


def a_text(rng: np.random.Generator) -> tuple[str, bool]:
    """Twenty words and a number; every other text has three hard words among them."""
    hard = bool(rng.random() < 0.5)
    words = rng.choice(PLAIN, 20).tolist()
    if hard:
        words[3:12:4] = rng.choice(HARD, 3).tolist()
    return " ".join([*words, str(rng.integers(10_000))]), hard


def paired(count: int, seed: int = 0) -> tuple[list[Lesson], np.ndarray]:
    """Both arms answered: the strong one .9 of all, the cheap one .9 of plain and .4 of hard texts."""
    rng = np.random.default_rng(seed)
    found, hard = [], np.empty(count, bool)
    for row in range(count):
        text, hard[row] = a_text(rng)
        cheap = float(rng.random() < (0.4 if hard[row] else 0.9))
        found.append(Lesson(text, {"cheap": cheap, "strong": float(rng.random() < 0.9)}))
    return found, hard


def drawn(lessons: list[Lesson], hard: np.ndarray, seed: int = 1) -> list[Lesson]:
    """Of each lesson one answer alone, the strong one's mostly where the text is hard, with the probabilities."""
    rng = np.random.default_rng(seed)
    seen = []
    for lesson, difficult in zip(lessons, hard, strict=True):
        strong = 0.8 if difficult else 0.2
        arm = "strong" if rng.random() < strong else "cheap"
        chances = {"cheap": 1 - strong, "strong": strong}
        seen.append(Lesson(lesson.text, {arm: lesson.rewards[arm]}, chances))
    return seen


def separation(said: np.ndarray, hard: np.ndarray) -> float:
    """How often a hard text has a higher gain than a plain one."""
    return float((said[hard][:, None] > said[~hard][None, :]).mean())


def test_it_finds_what_tells_the_texts_apart() -> None:
    """Held out, hard texts rank above plain ones, and their gains lie between the truth (.5, 0) and the mean."""
    lessons, hard = paired(600)
    trained = train(lessons, ARMS)
    said = trained.held_out[:, 0]
    assert separation(said, hard) > 0.95
    assert 0.3 < said[hard].mean() < 0.55
    assert -0.05 < said[~hard].mean() < 0.15
    assert trained.score.mean_gain[0] == pytest.approx(
        np.mean([one.rewards["strong"] - one.rewards["cheap"] for one in lessons])
    )


def test_from_the_log_by_doubly_robust_targets() -> None:
    """One answer each, drawn by difficulty: a biased sample, and the gains are right all the same."""
    lessons, hard = paired(2000)
    log = drawn(lessons, hard)
    naive = np.mean([one.rewards["strong"] for one in log if "strong" in one.rewards]) - np.mean(
        [one.rewards["cheap"] for one in log if "cheap" in one.rewards]
    )
    trained = train(log, ARMS)
    said = trained.held_out[:, 0]
    assert naive < 0.15 < 0.2  # the truth is .25: the sample flatters the cheap model
    assert float(trained.score.mean_gain[0]) == pytest.approx(0.25, abs=0.05)
    assert separation(said, hard) > 0.9
    assert said[hard].mean() == pytest.approx(0.5, abs=0.12)


def test_what_a_target_is() -> None:
    """Paired: the difference, counting 1. Drawn: counting 2 / (1/p + 1/q). An arm that could not be drawn: 0."""
    lessons = [
        Lesson("a pair", {"cheap": 0.25, "strong": 1.0}),
        Lesson("a draw", {"strong": 1.0}, {"cheap": 0.8, "strong": 0.2}),
        Lesson("no draw", {"cheap": 1.0}, {"cheap": 1.0, "strong": 0.0}),
        Lesson("one alone", {"cheap": 1.0}),
        Lesson("neither", {}),
    ]
    targets = train(lessons, ARMS).targets
    assert targets.gains[0, 0] == 0.75
    assert targets.weights[:, 0] == pytest.approx([1.0, 2 / (1 / 0.8 + 1 / 0.2), 0.0, 0.0, 0.0])
    assert targets.gains[2:, 0].tolist() == [0.0, 0.0, 0.0]


def test_the_doubly_robust_score_by_hand() -> None:
    """With nothing else to learn from, the other fold's mean reward stands in for each arm's model."""
    lessons = [Lesson(f"{i} {'xyzuvw'[i]}", {"cheap": 0.5}, {"cheap": 0.5, "strong": 0.5}) for i in range(6)]
    lessons += [Lesson(f"{i} {'abcdef'[i]}", {"strong": 1.0}, {"cheap": 0.5, "strong": 0.5}) for i in range(6)]
    targets = train(lessons, ARMS).targets
    assert targets.gains[:, 0] == pytest.approx([0.5] * 12, abs=1e-6)  # constant rewards leave nothing to correct


def test_three_arms_have_a_gain_each() -> None:
    """Each against the reference; an arm that nobody saw has none."""
    lessons, hard = paired(400)
    three = [Lesson(one.text, {**one.rewards, "middle": one.rewards["cheap"]}) for one in lessons]
    trained = train(three, ("cheap", "middle", "strong", "unseen"))
    assert trained.score.arms == ("middle", "strong", "unseen")
    assert np.abs(trained.held_out[:, 0]).max() < 1e-6
    assert separation(trained.held_out[:, 1], hard) > 0.9
    assert trained.held_out[:, 2].tolist() == [0.0] * 400


def test_equal_texts_are_held_out_together() -> None:
    """Otherwise a text would be told its own answer."""
    rng = np.random.default_rng(3)
    texts = [" ".join(rng.choice(PLAIN, 6)) + f" {i}" for i in range(60)]
    values = rng.random(60)
    lessons = [Lesson(t, {"cheap": 0.0, "strong": v}) for t, v in zip(texts, values, strict=True)]
    said = train([*lessons, *lessons], ARMS, penalty=0.01).held_out[:, 0]
    assert said[:60] == pytest.approx(said[60:], abs=1e-6)
    assert abs(np.corrcoef(said[:60], values)[0, 1]) < 0.4


def test_of_very_many_lessons_some_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are judged by what was learned without them."""
    monkeypatch.setattr("router_core.learning.contextual.training.MOST_LESSONS", 300)
    lessons, hard = paired(500)
    trained = train(lessons, ARMS)
    assert len(trained.rows) == len(set(trained.rows.tolist())) == trained.score.texts == 300
    assert trained.targets.gains.shape == (300, 1)
    assert separation(trained.held_out[:, 0], hard) > 0.85
    left = int(np.setdiff1d(np.arange(500), trained.rows)[0])
    assert trained.held_out[left] == pytest.approx(trained.score.of_text(lessons[left].text))


def test_the_score_alone_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """To the bit, from pairs, from single draws, from both, and where some are drawn; it can be stopped."""
    monkeypatch.setattr("router_core.learning.contextual.training.MOST_LESSONS", 300)
    lessons, hard = paired(400)
    log = drawn(lessons, hard)
    for given in (lessons[:200], log[:200], lessons[:100] + log[100:250], log):
        assert learn_score(given, ARMS).document() == train(given, ARMS).score.document()
    told: list[float] = []
    learn_score(log, ARMS, tick=told.append)
    assert told == sorted(told)
    assert len(told) > 4

    def stop(done: float) -> None:
        if done > 0.3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        learn_score(log, ARMS, tick=stop)


def test_with_few_lessons_all_gains_are_close_to_the_mean() -> None:
    lessons, _ = paired(5)
    score = train(lessons, ARMS).score
    said = np.array([score.of_text(one.text)[0] for one in paired(50, seed=9)[0]])
    assert said == pytest.approx([float(score.mean_gain[0])] * 50, abs=0.15)


def test_a_score_says_what_the_regression_says() -> None:
    """One text at a time, from its tables: as the sparse rows it was learned on, to half floats' rounding."""
    lessons, _ = paired(200)
    texts = read([one.text for one in lessons])
    design = designed(texts, np.ones(200, bool))
    gains = np.array([one.rewards["strong"] - one.rewards["cheap"] for one in lessons])
    coefficients, base = solve(design, gains, np.ones(200), 20.0)
    score = train(lessons, ARMS).score
    said = np.array([score.of_text(one.text)[0] for one in lessons])
    assert said == pytest.approx(design.times(coefficients) + base, abs=2e-3)


def dense(x: np.ndarray, column: np.ndarray) -> Design:
    """Any numbers as a design."""
    return Design(csr_matrix(x.astype(np.float32)), column.astype(np.float32), np.ones(x.shape[1]), (0.0, 1.0))


@pytest.mark.parametrize("weighted", [False, True])
def test_the_regression_against_the_normal_equations(weighted: bool) -> None:
    """Conjugate gradients with a free intercept, against a dense solution; rows of weight 0 do not count."""
    rng = np.random.default_rng(4)
    x = np.where(rng.random((80, 30)) < 0.2, rng.normal(size=(80, 30)), 0.0)
    column, y = rng.normal(size=80), rng.normal(size=80)
    w = np.where(rng.random(80) < 0.3, 0.0, rng.random(80)) if weighted else np.ones(80)
    coefficients, base = solve(dense(x, column), y, w, 2.0)
    full = np.column_stack([np.ones(80), x, column])
    penalty = np.diag([0.0] + [2.0] * 31)
    exact = np.linalg.solve((full * w[:, None]).T @ full + penalty, full.T @ (w * y))
    assert coefficients == pytest.approx(exact[1:], abs=1e-4)
    assert base == pytest.approx(exact[0], abs=1e-4)


def test_a_design_by_hand() -> None:
    """Blocks of length 1, rare grams weigh more, those of one known text nothing; held-out rows by the rest."""
    texts = read(["ab cd", "ab cd", "ab ef", "gh ab"])
    design = designed(texts, np.array([True, True, True, False]))
    squares = design.grams.multiply(design.grams)
    words = sum(BLOCK_SIZES[:1])
    for block in (squares[:, :words], squares[:, words:]):
        assert np.asarray(block.sum(axis=1)).ravel() == pytest.approx(np.ones(4), abs=1e-6)
    weights = sorted(design.grams[0].toarray()[0, :words][design.grams[0].toarray()[0, :words] > 0].tolist())
    rare, common = np.log(4 / 3) + 1, np.log(4 / 4) + 1  # "cd" and the pair are in two texts of three, "ab" in all
    assert weights == pytest.approx(
        sorted(np.array([common, rare, rare]) / np.sqrt(common**2 + 2 * rare**2)), abs=1e-3
    )
    assert (design.grams[3].toarray()[0, :words] > 0).sum() == 1  # of "gh ab" only "ab" is known
    assert design.length_column == pytest.approx(np.zeros(4), abs=1e-6)  # all of one length


def test_texts_without_grams() -> None:
    """An empty one, one of a letter, and nothing at all."""
    texts = read(["", "a", "ab cd", "ab cd"])
    design = designed(texts, np.ones(4, bool))
    assert np.asarray(design.grams.multiply(design.grams).sum(axis=1)).ravel()[:2].tolist() == [0.0, 0.0]
    assert read([]).grams.shape[0] == 0


def test_nothing_to_learn_from_gives_nothing() -> None:
    coefficients, base = solve(dense(np.ones((3, 2)), np.ones(3)), np.ones(3), np.zeros(3), 1.0)
    assert (coefficients.tolist(), base) == ([0.0, 0.0, 0.0], 0.0)


def test_the_feature_is_in_units_of_ten_points_and_bounded() -> None:
    score = train(paired(300)[0], ARMS).score
    for text in ("prove the theorem", "list a colour", ""):
        gain = float(score.of_text(text)[0]) - float(score.mean_gain[0])
        feature = score.feature(codes(text), len(text))
        assert feature == {"strong": pytest.approx(max(-3.0, min(3.0, gain / 0.1)))}
    far = replace(score, base=score.base + 9.0)
    assert far.feature(codes("x"), 1) == {"strong": 3.0}


def test_a_text_without_known_grams_has_the_base_and_its_length() -> None:
    score = train(paired(100)[0], ARMS).score
    mean, deviation = score.length
    expected = score.base + score.length_worth * ((log1p(2) - mean) / deviation)
    assert score.of_text("日本") == pytest.approx(expected)


def test_written_down_and_read_again() -> None:
    """To the bit, through JSON; the version is that of the content."""
    score = train(paired(120)[0], ARMS).score
    again = GainScore.from_document(json.loads(json.dumps(score.document())))
    assert again.version == score.version
    assert again.document() == score.document()
    for text in ("prove the theorem", "list a colour and a size", "?"):
        assert again.of_text(text).tolist() == score.of_text(text).tolist()
    assert replace(score, base=score.base + 1e-9).version != score.version


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": 2}, "format 2; this version reads 1"),
        ({"base": [1.0, 2.0]}, "not a number for each of 1 arms"),
        ({"base": [float("nan")]}, "not a number for each of 1 arms"),
        ({"rarity": ["!", "!"]}, "cannot be read"),
        ({"worth": None}, "cannot be read"),
        ({"length": [1.0]}, "cannot be read"),
    ],
)
def test_what_cannot_be_read(change: dict[str, Any], said: str) -> None:
    """A sentence, and what to do."""
    document = train(paired(10)[0], ARMS).score.document() | change
    with pytest.raises(SettingsError, match=said):
        GainScore.from_document(document)


def test_a_table_that_unpacks_to_more_than_it_should() -> None:
    """Is refused before it fills the memory."""
    score = train(paired(10)[0], ARMS).score
    document = score.document()
    document["rarity"] = [document["rarity"][1], document["rarity"][0]]
    with pytest.raises(SettingsError, match="cannot be read"):
        GainScore.from_document(document)


@pytest.mark.parametrize(
    ("lessons", "arms", "said"),
    [
        ([Lesson("x", {"cheap": 1.0})], ("cheap",), "give two different ones"),
        ([Lesson("x", {"cheap": 1.0})], ("cheap", "cheap"), "give two different ones"),
        ([], ARMS, "no lesson"),
        ([Lesson("x", {"cheap": 1.5})], ARMS, "1.5 is not a reward"),
        ([Lesson("x", {"cheap": 1.0, "strong": 1.0}, {"cheap": 0.5, "strong": 0.5})], ARMS, "2 have a reward"),
        ([Lesson("x", {"cheap": 1.0}, {"strong": 1.0})], ARMS, "had no probability"),
    ],
)
def test_lessons_that_are_not_possible(lessons: list[Lesson], arms: tuple[str, ...], said: str) -> None:
    with pytest.raises(EvaluationError, match=said):
        train(lessons, arms)
