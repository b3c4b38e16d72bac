"""Contribution: games whose values are known, and estimates held to them."""

from __future__ import annotations

from math import factorial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slashpoint.sim.learning.contribution import (
    banzhaf,
    knn_shapley,
    leave_one_out,
    sampled_banzhaf,
    shapley,
    tmc_shapley,
)
from slashpoint.sim.luck import Luck

LUCK = Luck(7)


def table(n, seed=0):
    """A game without any structure: a worth for each coalition."""
    worth = Luck("game", seed).generator().random(2**n)
    return lambda coalition: float(worth[sum(1 << i for i in coalition)])


def unanimous(coalition):
    """Everybody but player 3 is needed."""
    return float(coalition >= {0, 1, 2})


def test_a_dictator_has_it_all_and_a_veto_shares_it():
    np.testing.assert_allclose(shapley(lambda s: float(1 in s), 4), [0, 1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(shapley(unanimous, 4), [1 / 3, 1 / 3, 1 / 3, 0], atol=1e-12)
    np.testing.assert_allclose(banzhaf(unanimous, 4), [1 / 4, 1 / 4, 1 / 4, 0], atol=1e-12)
    np.testing.assert_allclose(leave_one_out(unanimous, 4), [1, 1, 1, 0])


def test_votes_of_unequal_weight():
    """Weights 4, 3, 2, 1 and a quota of 6: the textbook's power indices."""
    weights = np.array([4, 3, 2, 1])

    def passes(coalition):
        return float(sum(weights[i] for i in coalition) >= 6)

    np.testing.assert_allclose(shapley(passes, 4), np.array([5, 3, 3, 1]) / 12, atol=1e-12)
    np.testing.assert_allclose(banzhaf(passes, 4), np.array([5, 3, 3, 1]) / 8, atol=1e-12)


def test_a_runway_is_shared_by_those_who_need_each_stretch():
    """The airport game: Shapley's share is the sum over stretches of cost / number of planes that use them."""
    lengths = np.array([1.0, 2.0, 4.0, 4.0, 7.0])
    expected = np.cumsum(np.diff(lengths, prepend=0) / (5 - np.arange(5)))
    runway = shapley(lambda s: max((lengths[i] for i in s), default=0.0), 5)
    np.testing.assert_allclose(runway, expected, atol=1e-12)


def test_gloves():
    """One left, two right gloves: the scarce side takes 2/3."""
    gloves = shapley(lambda s: float(0 in s and len(s) > 1), 3)
    np.testing.assert_allclose(gloves, [2 / 3, 1 / 6, 1 / 6], atol=1e-12)


@pytest.mark.parametrize(("n", "k"), [(5, 4), (3, 1), (4, 6)])
def test_copies_pay_under_shapley_and_not_under_banzhaf(n, k):
    """v = 1 for whatever is not empty; one of n people comes k times: k/(n − 1 + k) and k/2^(n + k − 2)."""
    players = n - 1 + k
    share = shapley(lambda s: float(bool(s)), players)[:k].sum()
    power = banzhaf(lambda s: float(bool(s)), players)[:k].sum()
    assert share == pytest.approx(k / players)
    assert power == pytest.approx(k / 2 ** (n + k - 2))
    if (n, k) == (5, 4):
        assert share == pytest.approx(0.5)


@settings(max_examples=20)
@given(n=st.integers(1, 6), seed=st.integers(0, 2**32))
def test_values_are_what_all_orders_and_coalitions_say(n, seed):
    game = table(n, seed)
    share, power = np.zeros(n), np.zeros(n)
    for mask in range(2**n):
        inside = frozenset(i for i in range(n) if mask >> i & 1)
        for i in set(range(n)) - inside:
            gain = game(inside | {i}) - game(inside)
            share[i] += gain * factorial(len(inside)) * factorial(n - 1 - len(inside)) / factorial(n)
            power[i] += gain / 2 ** (n - 1)
    np.testing.assert_allclose(shapley(game, n), share, atol=1e-12)
    np.testing.assert_allclose(banzhaf(game, n), power, atol=1e-12)
    assert shapley(game, n).sum() == pytest.approx(game(frozenset(range(n))) - game(frozenset()))


def test_random_orders_come_to_shapleys_values():
    n, orders = 5, 400
    game = table(n)
    runs = np.array([
        tmc_shapley(game, n, LUCK("orders", i).generator(), permutations=1) for i in range(orders)
    ])  # fmt: skip
    z = (runs.mean(0) - shapley(game, n)) / (runs.std(0, ddof=1) / orders**0.5)
    assert (np.abs(z) < 2).all()
    np.testing.assert_allclose(runs.sum(1), game(frozenset(range(n))) - game(frozenset()))


def test_cutting_an_order_saves_calls_and_costs_accuracy():
    calls = []

    def saturates(coalition):
        calls.append(coalition)
        return 1 - 0.5 ** len(coalition)

    exact = shapley(saturates, 8)
    calls.clear()
    full = tmc_shapley(saturates, 8, LUCK("cut").generator(), permutations=50)
    asked = len(calls)
    calls.clear()
    cut = tmc_shapley(saturates, 8, LUCK("cut").generator(), permutations=50, tolerance=0.05)
    assert len(calls) < 0.7 * asked
    assert 0 < full.sum() - cut.sum() < 0.06
    assert np.abs(full - exact).max() < 0.15


def test_random_coalitions_come_to_banzhafs_values():
    n, samples = 5, 1000
    game = table(n, 1)
    runs = np.array([
        sampled_banzhaf(game, n, LUCK("coalitions", i).generator(), coalitions=200) for i in range(samples)
    ])  # fmt: skip
    z = (runs.mean(0) - banzhaf(game, n)) / (runs.std(0, ddof=1) / samples**0.5)
    assert (np.abs(z) < 2).all()


@settings(max_examples=15)
@given(n=st.integers(1, 7), k=st.integers(1, 8), seed=st.integers(0, 2**32))
def test_neighbours_are_worth_what_brute_force_says(n, k, seed):
    luck = Luck("knn", seed).generator()
    points, test_points = luck.normal(size=(n, 2)), luck.normal(size=(3, 2))
    labels, test_labels = luck.integers(3, size=n), luck.integers(3, size=3)

    def right(coalition):
        total = 0.0
        for point, label in zip(test_points, test_labels, strict=True):
            nearest = sorted(coalition, key=lambda i: ((points[i] - point) ** 2).sum())[:k]
            total += sum(labels[i] == label for i in nearest) / k
        return total / len(test_points)

    values = knn_shapley(points, labels, test_points, test_labels, k)
    np.testing.assert_allclose(values, shapley(right, n), atol=1e-12)


def test_wrong_labels_are_worth_less_than_nothing():
    luck = LUCK("digits").generator()
    points = np.vstack([luck.normal(-2, 1, (40, 2)), luck.normal(2, 1, (40, 2))])
    labels = np.repeat([0, 1], 40)
    wrong = labels.copy()
    wrong[:8] = 1
    values = knn_shapley(points, wrong, points[::3], labels[::3], 5)
    assert set(np.argsort(values)[:5]) < set(range(8))
    assert values[:8].mean() < 0 < values[8:].mean()
