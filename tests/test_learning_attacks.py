"""Attacks on learning as formulas: exact values, what they keep, and how far they get."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slashpoint.sim.learning import freeriding
from slashpoint.sim.learning.attacks import (
    alie,
    alie_z,
    gaussian,
    ipm,
    label_flip,
    mimic,
    min_max,
    replacement,
    sign_flip,
)
from slashpoint.sim.learning.defences import aggregate
from slashpoint.sim.luck import Luck

LUCK = Luck(7)
SEEDS = st.integers(0, 2**32)


def honest(seed=0, n=20, d=4):
    return Luck("honest", seed).generator().normal(1.0, 1.0, (n, d))


def test_labels_are_mirrored():
    labels = np.arange(10)
    np.testing.assert_array_equal(label_flip(labels, 10), labels[::-1])
    np.testing.assert_array_equal(label_flip(label_flip(labels, 10), 10), labels)


@pytest.mark.parametrize(("n", "f", "z"), [(25, 5, 0.2533), (50, 12, 0.3360), (3, 1, 0.0)])
def test_a_little_is_as_much_as_the_paper_says(n, f, z):
    assert round(alie_z(n, f), 4) == z


@pytest.mark.parametrize(("n", "f"), [(10, 0), (10, 5), (4, 3)])
def test_a_majority_needs_no_such_attack(n, f):
    with pytest.raises(ValueError, match=f"f={f} of n={n}"):
        alie_z(n, f)


@given(seed=SEEDS, z=st.floats(0, 3))
def test_a_little_lies_z_deviations_below_the_mean(seed, z):
    others = honest(seed)
    deviation = np.sqrt(((others - others.mean(0)) ** 2).sum(0) / (len(others) - 1))
    np.testing.assert_allclose(alie(others, z), others.mean(0) - z * deviation)
    np.testing.assert_allclose(alie(others[:1], z), others[0])


@given(seed=SEEDS, epsilon=st.floats(0, 10), f=st.integers(1, 9))
def test_the_product_with_the_truth_turns_negative_beyond_the_threshold(seed, epsilon, f):
    others = honest(seed)
    n = len(others) + f
    merged = aggregate("mean", np.vstack([others, np.tile(ipm(others, epsilon), (f, 1))]), f)
    np.testing.assert_allclose(merged, others.mean(0) * (n - f - f * epsilon) / n, atol=1e-12)
    if abs(epsilon - (n - f) / f) > 1e-6:
        assert (merged @ others.mean(0) < 0) == (epsilon > (n - f) / f)


def test_values_are_those_that_byzfl_computes():
    """ByzFL 0.0.11 on the same five; its ALIE has the other sign."""
    five = np.array([[3, 1, -2], [2, 0, -1], [4, 2, -3], [3, 2, 0], [1, 1, -2]], float)
    np.testing.assert_allclose(alie(five, -1.5), [4.31026314, 2.45499004, 0.11026314], atol=1e-8)
    np.testing.assert_allclose(ipm(five, 2.0), [-5.2, -2.4, 3.2])
    np.testing.assert_allclose(sign_flip(five.mean(0)), [-2.6, -1.2, 1.6])


@given(seed=SEEDS)
def test_a_mimic_repeats_somebody_however_the_others_stand(seed):
    others = honest(seed)
    said = mimic(others)
    assert any((said == one).all() for one in others)
    np.testing.assert_allclose(mimic(others + 5), said + 5)
    shuffled = Luck("order", seed).generator().permutation(others)
    np.testing.assert_array_equal(mimic(shuffled), said)


def test_a_mimic_chooses_the_odd_one():
    others = np.vstack([honest(n=19), [[50.0, 1, 1, 1]]])
    np.testing.assert_array_equal(mimic(others), others[-1])


def distances(others, point):
    return np.linalg.norm(others - point, axis=1)


@given(seed=SEEDS, n=st.integers(2, 12))
def test_min_max_goes_to_the_edge_and_no_further(seed, n):
    others = honest(seed, n)
    widest = max(distances(others, one).max() for one in others)
    said, mean = min_max(others), others.mean(0)
    assert distances(others, said).max() == pytest.approx(widest)
    assert distances(others, mean + 1.001 * (said - mean)).max() > widest
    assert (said <= mean).all()
    np.testing.assert_allclose(min_max(others + 3), said + 3)


def test_min_max_of_equals_is_what_they_all_say():
    np.testing.assert_array_equal(min_max(np.ones((4, 3))), np.ones(3))


def test_noise_has_the_asked_for_moments():
    noise = gaussian(100_000, LUCK("noise").generator(), mean=0.5, deviation=2.0)
    assert abs((noise.mean() - 0.5) / (2 / 100_000**0.5)) < 2
    assert noise.std() == pytest.approx(2.0, rel=0.01)


def test_one_of_many_replaces_the_model():
    own, still = np.array([1.0, -2.0]), np.zeros((9, 2))
    merged = aggregate("mean", np.vstack([still, replacement(own, 10)]), 1)
    np.testing.assert_allclose(merged, own)
    np.testing.assert_allclose(0.5 * aggregate("mean", np.vstack([still, replacement(own, 10, rate=0.5)])), own)


@given(rho=st.floats(0, 1), share=st.floats(0, 0.95))
def test_riders_slow_a_quadratic_down_as_computed(rho, share):
    """Work contracts the distance to the optimum by ρ a round; a weight w of riders makes it w + (1 − w)ρ."""
    model = np.array([4.0, -2.0])
    merged = model
    for _ in range(3):
        merged = aggregate("mean", [rho * merged, freeriding.plain(merged)], weights=[1 - share, share])
    np.testing.assert_allclose(merged, model * (share + (1 - share) * rho) ** 3, atol=1e-12)


def test_disguise_fades_as_training_does():
    base, first = np.ones(50_000), np.tile([0.1, -0.3], 25_000)
    for turn, deviation in ((1, 0.4), (4, 0.1)):
        noise = freeriding.disguised(base, first, turn, LUCK("disguise", turn).generator(), k=2.0) - base
        assert noise.std() == pytest.approx(deviation, rel=0.02)
        assert abs(noise.mean() / (deviation / 50_000**0.5)) < 2


def test_a_delta_repeats_the_last_step_and_random_weights_keep_their_bound():
    np.testing.assert_array_equal(freeriding.delta(np.array([3.0]), np.array([1.0])), [5.0])
    weights = freeriding.random(10_000, LUCK("random").generator(), 0.2)
    assert 0.19 < weights.max() < 0.2
    assert -0.2 < weights.min() < -0.19
