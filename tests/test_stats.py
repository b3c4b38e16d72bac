"""Statistics against answers that are known."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import binomtest

from slashpoint.experiments.study.stats import (
    Interval,
    bootstrap,
    crossing,
    each_of,
    p_value,
    spend,
    t_interval,
    unseen,
    verdict,
)
from slashpoint.sim.luck import Luck

SLEEP = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]  # Student (1908): hours of sleep gained by a drug
OTHER = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]  # and by another


def test_students_own_example():
    found = t_interval(np.subtract(OTHER, SLEEP))
    assert (found.mean, found.low, found.high, found.n) == pytest.approx((1.58, 0.7001142, 2.4598858, 10))
    assert p_value(np.subtract(OTHER, SLEEP)) == pytest.approx(0.002832890)
    assert str(found) == "+1.58 ± 0.88"


def test_one_run_has_no_interval_and_equal_runs_a_point():
    assert math.isnan(t_interval([3.0]).low)
    assert (t_interval([3.0, 3.0]).low, t_interval([3.0, 3.0]).high) == (3.0, 3.0)
    assert (t_interval([0.1] * 3).low, t_interval([0.1] * 3).high) == (0.1, 0.1), "not the rounding of a sum"
    assert p_value([3.0, 3.0]) == 0.0
    assert p_value([0.0, 0.0]) == 1.0
    assert p_value([0.009] * 3, materiality=0.01) == 1.0
    assert math.isnan(p_value([3.0]))


def test_few_seeds_are_marked_and_one_has_no_interval_to_mark():
    assert [t_interval([1.0, 2.0, 3.0, 4.0, 5.0][:n]).few for n in range(1, 6)] == [False, True, True, True, False]
    assert str(t_interval([1.0, 2.0])) == "+1.50 ± 6.35 (few seeds: n = 2)"
    assert str(t_interval([1.0])) == "+1.00 (no interval: n = 1)"


def test_what_is_infinite_has_a_mean_and_no_interval():
    found = t_interval([1.0, math.inf, 2.0])
    assert (found.mean, found.n, str(found)) == (math.inf, 3, "+inf (no interval: not finite)")
    assert math.isnan(found.low)
    assert math.isnan(t_interval([math.inf, -math.inf]).mean)
    assert verdict(found, 0.01) == "undecided"
    assert math.isnan(p_value([1.0, math.inf]))


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.02, 5, "pays"), (0.01, 5, "undecided"), (-5, -0.02, "loses"), (-0.01, 0.01, "negligible"),
        (0, 0, "negligible"), (-0.011, 0.005, "undecided"), (-3, 3, "undecided"), (math.nan, math.nan, "undecided"),
    ],
)  # fmt: skip
def test_a_verdict_is_where_the_whole_interval_lies(low, high, said):
    assert verdict(Interval(0.0, low, high, 9), 0.01) == said


@given(
    st.lists(st.floats(-100, 100), min_size=2, max_size=12),
    st.floats(0, 10),
    st.integers(1, 300),
)
def test_a_verdict_its_interval_and_its_p_never_disagree(values, materiality, cells):
    interval, p = t_interval(values, each_of(cells)), cells * p_value(values, materiality)
    assume(abs(p - 0.05) > 1e-6)  # where rounding decides
    said = verdict(interval, materiality)
    assert (said == "pays") == (interval.low > materiality)
    assert (said == "loses") == (interval.high < -materiality)
    assert (said in {"pays", "loses"}) == (p < 0.05)


def test_intervals_of_a_family_hold_all_together_as_often_as_they_say():
    chance = Luck("family").generator()
    families = chance.normal(0.0, 1.0, (1000, 20, 6))  # 20 cells of six seeds each, and nobody gains anything
    alone, together = (
        sum(all(abs(one.mean) <= one.half_width for one in map(partial(t_interval, level=level), family))
            for family in families)
        for level in (0.95, each_of(20))
    )  # fmt: skip
    assert alone < 500, "20 plain intervals are all right in a third of all tables"
    assert binomtest(together, 1000, (1 - 0.05 / 20) ** 20).pvalue > 0.001


def test_looking_after_each_batch_costs_little_coverage():
    """An interval whose half-width was reached early, by luck, is still right nearly as often as it says."""
    spent = spend(
        lambda keys, seeds: {key: [Luck(key, seed).generator().normal() for seed in seeds] for key in keys},
        [f"cell {i}" for i in range(400)],
        half_width=0.5,
        cap=64,
    )  # fmt: skip
    found = [one.interval for one in spent.values()]
    assert min(one.n for one in found) < 24 < max(one.n for one in found)
    assert sum(one.low <= 0.0 <= one.high for one in found) >= 0.92 * 400


def test_what_no_run_showed_may_still_happen():
    assert unseen(8) == pytest.approx(1 - 0.05 ** (1 / 8))
    assert unseen(300) == pytest.approx(3 / 300, rel=0.01)  # the rule of three: Hanley and Lippman-Hand (1983)
    assert unseen(0) == 1.0


def test_intervals_cover_as_often_as_they_say():
    chance = Luck("coverage").generator()
    samples = [chance.normal(2.0, 3.0, 12) for _ in range(1000)]
    covered = sum((found := t_interval(sample)).low <= 2.0 <= found.high for sample in samples)
    assert binomtest(covered, 1000, 0.95).pvalue > 0.001
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
