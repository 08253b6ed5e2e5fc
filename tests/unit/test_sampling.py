"""The draw: a hash of seed and id, exact at its edges."""

from __future__ import annotations

import hashlib

import pytest

from router_core.sampling import draw, mix_uniform, uniform


def test_uniform_is_the_top_53_bits_of_blake2b() -> None:
    """The number can be recomputed from the definition by anybody who holds the log."""
    digest = hashlib.blake2b(b"decision-1", digest_size=8, key=(7).to_bytes(8, "big")).hexdigest()
    assert uniform(7, "decision-1") == (int(digest, 16) >> 11) / 2**53


def test_uniform_is_pinned() -> None:
    """Logged decisions must stay replayable: these figures may never change."""
    assert [uniform(0, "a"), uniform(0, "b"), uniform(1, "a")] == [
        0.7245166689781861,
        0.5691636958972699,
        0.2679100911950798,
    ]


def test_seed_and_id_both_matter() -> None:
    """A hundred ids and a hundred seeds give as many different numbers."""
    assert len({uniform(0, str(i)) for i in range(100)} | {uniform(s, "0") for s in range(100)}) == 199


def test_largest_seed_is_accepted() -> None:
    """The settings allow seeds up to 2**63 - 1."""
    assert 0.0 <= uniform(2**63 - 1, "x") < 1.0


@pytest.mark.parametrize("index", [0, 1, 2])
def test_certain_arm_is_drawn(index: int) -> None:
    """Probability 1 leaves nothing to chance, wherever the arm stands."""
    probabilities = [float(i == index) for i in range(3)]
    assert {draw(probabilities, 0, str(i)) for i in range(50)} == {index}


def test_interval_boundaries_belong_to_the_next_arm(monkeypatch: pytest.MonkeyPatch) -> None:
    """An arm is drawn for u in [cumulative before, cumulative): the lower end counts, the upper does not."""
    for u, expected in [(0.0, 0), (0.24999, 0), (0.25, 1), (0.74999, 1), (0.75, 2), (0.99999, 2)]:
        monkeypatch.setattr("router_core.sampling.uniform", lambda seed, decision_id, u=u: u)
        assert draw([0.25, 0.5, 0.25], 0, "any") == expected


def test_zero_at_the_front_is_not_drawn_at_u_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    """u = 0 does not fall to an arm of probability 0."""
    monkeypatch.setattr("router_core.sampling.uniform", lambda seed, decision_id: 0.0)
    assert draw([0.0, 0.0, 1.0], 0, "any") == 2


def test_rounding_short_of_one_falls_to_the_last_possible_arm(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sum of 1 - 1e-16 leaves a gap at the top; the last arm that can be drawn takes it."""
    monkeypatch.setattr("router_core.sampling.uniform", lambda seed, decision_id: 1.0 - 2.0**-53)
    assert draw([0.1, 0.899999, 0.0], 0, "any") == 1


def test_mix_uniform_by_hand() -> None:
    """A tenth of the traffic spread over four arms gives each 2.5 %."""
    assert mix_uniform((1.0, 0.0, 0.0, 0.0), 0.1) == pytest.approx((0.925, 0.025, 0.025, 0.025), abs=1e-15)


@pytest.mark.parametrize(("share", "expected"), [(0.0, (0.7, 0.3)), (1.0, (0.5, 0.5))])
def test_mix_uniform_at_its_ends(share: float, expected: tuple[float, float]) -> None:
    """No share changes nothing; the whole share makes it even."""
    assert mix_uniform((0.7, 0.3), share) == expected
