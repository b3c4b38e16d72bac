"""Filters of records: each catches what it is made for and leaves sound records alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slashpoint.sim.learning import contribution, filters
from slashpoint.sim.learning.diabetes import FORMAT, Diabetes, data
from slashpoint.sim.learning.estimators import estimator
from slashpoint.sim.learning.poison import Poison
from slashpoint.sim.luck import Luck

SOUND = data()[:200]
TASK = Diabetes()


def spoilt(poison, count=20):
    """The first records poisoned, and the others."""
    return np.vstack([TASK.spoilt(SOUND[:count], poison, Luck("junk")), SOUND[count:]])


@pytest.mark.parametrize(
    ("keep", "share"),
    [(filters.near_labels, 0.75), (filters.near_others, 0.85), (filters.local_outliers, 0.95), (filters.distinct, 1)],
)
def test_sound_records_stay(keep, share):
    assert keep(SOUND).mean() >= share
    for few in (0, 1, 5):
        assert keep(SOUND[:few]).all()


@pytest.mark.parametrize("keep", [filters.near_others, filters.local_outliers])
def test_garbage_is_far_from_all_others(keep):
    kept = keep(spoilt(Poison(junk=True)))
    assert kept[:20].mean() < 0.5
    assert kept[20:].mean() > 0.85


def test_a_label_unlike_the_neighbours_is_found():
    records = SOUND.copy()
    high = np.argsort(records[:, 2] + records[:, 8] * 10)[-10:]  # heavy, with much fat in the blood: much progression
    records[high, -1] = FORMAT.label.limits[0]
    kept = filters.near_labels(records)
    assert kept[high].mean() < 0.3
    assert kept.mean() > 0.75


def test_copies_are_dropped_and_the_first_is_kept():
    kept = filters.distinct(spoilt(Poison(copies=True)))
    assert kept.tolist() == [True] + 19 * [False] + 180 * [True]


def test_records_of_which_most_are_copies_are_judged_too():
    for keep in (filters.near_labels, filters.near_others, filters.local_outliers):
        assert keep(spoilt(Poison(copies=True), 120))[:120].all()
        assert keep(SOUND[:1].repeat(30, axis=0)).all()


def test_an_autoencoder_knows_what_it_was_shown():
    class Norm:
        """Stands in for an autoencoder: unusual is what is far from the middle."""

        def __init__(self, rows):
            self.known = np.sort((rows**2).mean(1))

        def percentile(self, rows):
            return 100 * np.searchsorted(self.known, (rows**2).mean(1)) / len(self.known)

    kept = filters.familiar(spoilt(Poison(junk=True)), data()[300:], Norm)
    assert kept[:20].mean() < 0.2
    assert kept[20:].mean() > 0.85


def test_influence_is_what_is_lost_without_a_contributor():
    ridge = estimator("ridge", FORMAT, ())
    owners, held = np.repeat(np.arange(10), 20), data()[300:]

    def fit(records):
        model = ridge.fit(records, b"")
        return lambda rows: ridge.predict(model, rows)

    def loss(records):
        return np.mean((fit(records)(held[:, :-1]) - held[:, -1].astype(float)) ** 2)

    records = spoilt(Poison())
    worth = filters.influence(records, owners, held, fit)
    assert worth[0] < 0
    assert worth[0] == worth.min()
    assert worth[3] == pytest.approx(loss(records[owners != 3]) - loss(records))


def test_shapleys_value_of_spoilt_records_is_lower():
    worth = filters.shapley(spoilt(Poison(), 40), data()[300:])
    assert worth[:40].mean() < 0 < worth[40:].mean()


@settings(max_examples=40, deadline=None)
@given(n=st.integers(1, 7), k=st.integers(1, 9), seed=st.integers(0, 10**6))
def test_the_value_for_a_mean_of_neighbours_is_shapleys_by_brute_force(n, k, seed):
    generator = Luck("knn", seed).generator()
    points, tests = generator.standard_normal((n, 2)), generator.standard_normal((2, 2))
    labels, truth = generator.normal(5, 3, n), generator.normal(5, 3, 2)

    def game(coalition):
        off = []
        for point, label in zip(tests, truth):
            nearest = sorted(coalition, key=lambda i: ((points[i] - point) ** 2).sum())[:k]
            said = [labels[i] for i in nearest] + [labels.mean()] * (k - len(nearest))
            off.append((np.mean(said) - label) ** 2)
        return -np.mean(off)

    exact = contribution.shapley(game, n)
    assert contribution.knn_shapley_regression(points, labels, tests, truth, k) == pytest.approx(exact, abs=1e-9)
