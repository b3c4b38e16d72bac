"""Statistics against answers that are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slashpoint.experiments.stats import (
    bootstrap,
    crossing,
    differences,
    holm,
    p_value,
    spend,
    t_interval,
    wilson,
)
from slashpoint.sim.luck import Luck

SLEEP = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]  # Student (1908): hours of sleep gained by a drug
OTHER = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]  # and by another


def test_students_own_example():
    found = t_interval(np.subtract(OTHER, SLEEP))
    assert (found.mean, found.low, found.high, found.n) == pytest.approx((1.58, 0.7001142, 2.4598858, 10))
    assert p_value(np.subtract(OTHER, SLEEP)) == pytest.approx(0.002832890)
    assert str(found) == "+1.58 ± 0.88"


def test_pairs_need_the_same_seeds():
    assert list(differences({2: 5.0, 1: 3.0}, {1: 1.0, 2: 1.0})) == [2.0, 4.0]
    with pytest.raises(ValueError, match="seeds 3 are in one"):
        differences({1: 1.0, 3: 1.0}, {1: 1.0})


def test_one_run_has_no_interval_and_equal_runs_a_point():
    assert math.isnan(t_interval([3.0]).low)
    assert (t_interval([3.0, 3.0]).low, t_interval([3.0, 3.0]).high) == (3.0, 3.0)
    assert p_value([3.0, 3.0]) == 0.0
    assert p_value([0.0, 0.0]) == 1.0


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (15, 148, 0.0624, 0.1605),
        (81, 263, 0.2553, 0.3662),
        (5, 5, 0.5655, 1.0),
    ],
)  # Newcombe, Two-sided Confidence Intervals for the Single Proportion (1998), table I, method 3
def test_wilson_has_a_bound_where_nothing_was_seen(successes, n, low, high):
    found = wilson(successes, n)
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


def test_holm_orders_and_never_falls():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([math.nan, 0.5]) == [1.0, 1.0]


@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_lies_between_nothing_and_bonferroni(p):
    assert all(raw <= adjusted <= min(1.0, len(p) * raw) for raw, adjusted in zip(p, holm(p)))


def test_intervals_cover_as_often_as_they_say():
    chance = Luck("coverage").generator()
    samples = [chance.normal(2.0, 3.0, 12) for _ in range(1000)]
    covered = sum((found := t_interval(sample)).low <= 2.0 <= found.high for sample in samples)
    assert wilson(covered, 1000, 0.999).low <= 0.95 <= wilson(covered, 1000, 0.999).high
    covered = sum((found := bootstrap(sample, draws=400)).low <= 2.0 <= found.high for sample in samples[:200])
    assert 0.85 <= covered / 200 <= 0.97  # percentile intervals of twelve are narrow


def test_bootstrap_repeats_and_takes_any_statistic():
    values = np.arange(20.0)
    assert bootstrap(values) == bootstrap(values)
    assert bootstrap(values).mean == 9.5
    assert bootstrap(values, lambda sample: float(np.median(sample))).low < 9.5
    assert math.isnan(bootstrap([1.0]).high)
    assert math.isnan(bootstrap(values, lambda sample: math.nan if sample.max() < 19 else 1.0).high)  # a third lack it


def test_where_a_curve_crosses_zero():
    assert crossing([1, 5, 20], [4.0, -4.0, -8.0]) == 3.0
    assert crossing([1, 5], [0.0, -4.0]) == 1.0
    assert crossing([1, 5], [-4.0, 0.0]) == 5.0
    assert math.isnan(crossing([1, 5], [4.0, 1.0]))


def test_seeds_are_spent_where_they_are_needed():
    asked: list[tuple[tuple[str, ...], range]] = []

    def sample(keys, seeds):
        asked.append((tuple(keys), seeds))
        noise = {"quiet": 0.0, "noisy": 1.0, "wild": 1000.0}
        return {key: [noise[key] * Luck(key, seed).uniform(-1, 1) for seed in seeds] for key in keys}

    spent = spend(sample, ["quiet", "noisy", "wild"], half_width=0.3, cap=60, batch=10, first=100)
    assert spent["quiet"].interval.n == 10
    assert 10 < spent["noisy"].interval.n < 60
    assert spent["noisy"].interval.half_width <= 0.3
    assert spent["wild"].interval.n == 60
    assert [spent[key].underpowered for key in spent] == [False, False, True]
    assert asked[0][1].start == 100
    assert "quiet" not in asked[1][0]
