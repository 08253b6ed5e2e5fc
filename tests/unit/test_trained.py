"""Whether a learned score is worth anything: the three figures, and the sentence that goes with them."""

from __future__ import annotations

import numpy as np
import pytest

from router_core.errors import EvaluationError
from router_core.evaluation.by_file.curves import apgr, curve, ordering
from router_core.evaluation.by_file.routers import Pair
from router_core.evaluation.by_file.trained import held_out_gains, lessons, without_length, worth
from router_core.evaluation.labelled import Labelled

COUNT = 3000


def a_world(by_length: float, by_words: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gains that depend on log length and on something in the words: gains, characters, the words' part."""
    rng = np.random.default_rng(seed)
    length, words = rng.normal(size=COUNT), rng.normal(size=COUNT)
    chance = np.clip(0.2 + by_length * length + by_words * words, 0, 1)
    return (rng.random(COUNT) < chance).astype(float), np.exp(5 + length), words


def test_what_knows_the_words_is_better_than_chance() -> None:
    gains, characters, words = a_world(0.05, 0.08)
    found = worth(words, gains, characters)
    assert found.informed
    assert found.sentence.startswith("Better than chance here: APGR 0.6")
    assert found.beyond is not None
    assert found.score is not None
    assert found.beyond.value == pytest.approx(found.score.value, abs=0.02)  # length tells nothing of the words


def test_what_only_knows_length_says_so() -> None:
    """Its APGR is above chance by more than its interval, and yet it knows nothing that length does not tell."""
    gains, characters, _ = a_world(0.08, 0.0)
    noise = np.random.default_rng(1).normal(size=COUNT)
    found = worth(np.log(characters) + 0.3 * noise, gains, characters)
    assert found.score is not None
    assert found.score.low > 0.5
    assert not found.informed
    assert found.sentence.startswith("No better than chance here beyond the prompt's length: APGR 0.")
    assert "length alone has 0.6" in found.sentence


@pytest.mark.parametrize("seed", range(5))
def test_noise_is_no_better_than_chance(seed: int) -> None:
    gains, characters, _ = a_world(0.0, 0.08, seed)
    found = worth(np.random.default_rng(99 + seed).normal(size=COUNT), gains, characters)
    assert not found.informed
    assert found.sentence.startswith("No better than chance here: APGR 0.")


def test_worse_than_chance_is_no_better() -> None:
    gains, characters, words = a_world(0.0, 0.1)
    found = worth(-words, gains, characters)
    assert found.score is not None
    assert found.score.high < 0.5
    assert found.sentence.startswith("No better than chance here: APGR 0.")


def test_where_the_strong_model_is_not_better_there_is_nothing_to_find() -> None:
    rng = np.random.default_rng(2)
    found = worth(rng.normal(size=500), rng.choice([-1.0, 0.0, 1.0], 500), np.full(500, 10.0))
    assert (found.score, found.informed) == (None, False)
    assert found.sentence.startswith("On these 500 prompts the strong model is not clearly better")


def test_the_figures_are_the_curves() -> None:
    """The same APGR as everywhere, and an interval around it."""
    gains, characters, words = a_world(0.02, 0.05)
    found = worth(words, gains, characters, draws=200)
    assert found.score is not None
    assert found.score.value == pytest.approx(float(apgr(curve(ordering(words), gains))))
    assert found.score.low < found.score.value < found.score.high
    assert worth(words, gains, characters, draws=200) == found


def test_prompts_of_one_length() -> None:
    """Nothing to take out."""
    gains, _, words = a_world(0.0, 0.1)
    found = worth(words, gains, np.full(COUNT, 80.0))
    assert found.informed
    assert found.beyond == found.score


def test_taking_length_out() -> None:
    """What is left is uncorrelated with it; a straight line leaves nothing."""
    rng = np.random.default_rng(3)
    length = rng.normal(3, 2, 400)
    left = without_length(2 * length + rng.normal(size=400), length)
    assert np.corrcoef(left, length)[0, 1] == pytest.approx(0, abs=1e-9)
    assert without_length(5 * length + 1, length).std() == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("sizes", [(0, 0, 0), (3, 2, 3), (3, 3, 2)])
def test_columns_that_do_not_fit(sizes: tuple[int, int, int]) -> None:
    with pytest.raises(EvaluationError, match="give one of each per prompt"):
        worth(*(np.ones(size) for size in sizes))


def test_labelled_prompts_as_lessons() -> None:
    """Every model's score of every prompt; a gain of one over the other, held out."""
    rng = np.random.default_rng(4)
    hard = rng.random(200) < 0.5
    prompts = tuple(f"{'prove' if h else 'list'} {rng.integers(1000)} things" for h in hard)
    scores = np.column_stack([np.where(hard, 0.1, 0.9), np.full(200, 0.5), np.full(200, 0.9)])
    costs = np.tile([0.001, 0.002, 0.003], (200, 1))
    labelled = Labelled(
        tuple(map(str, range(200))), prompts, (None,) * 200, ("a", "b", "c"), scores, costs,
        np.ones((200, 3)), np.ones((200, 3)), np.zeros((200, 3), bool),
    )  # fmt: skip
    assert lessons(labelled)[0].rewards == {"a": scores[0, 0], "b": 0.5, "c": 0.9}
    said = held_out_gains(labelled, [Pair(0, 2)])[0]
    assert said[hard].min() > said[~hard].max()
    assert held_out_gains(labelled, [Pair(0, 2)], seed=1)[0].tolist() != said.tolist()
