"""Rules of aggregation: brute force, known answers, symmetries, and how much corruption each bears."""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from slashpoint.sim.learning.defences import (
    aggregate,
    centered_clipping,
    geometric_median,
    krum,
    median,
    multi_krum,
    trimmed_mean,
)
from slashpoint.sim.learning.mixing import bucketing, nnm, norm_clipping
from slashpoint.sim.learning.trust import foolsgold_weights
from slashpoint.sim.luck import Luck

LUCK = Luck(7)
CENTRED = ("mean", "median", "trimmed_mean", "krum", "multi_krum", "geometric_median", "nnm", "nnm+trimmed_mean")
ALL = (*CENTRED, "centered_clipping", "norm_clipping", "fltrust", "foolsgold")
ROBUST = ("median", "trimmed_mean", "krum", "multi_krum", "geometric_median", "nnm+median", "nnm+krum",
          "norm_clipping+mean", "centered_clipping", "fltrust")  # fmt: skip
KNOWN = {"luck": LUCK, "root": np.array([1.0, 2.0, -1.0])}


def stacks(low=5, high=12):
    """Small stacks of updates without ties: what is chosen must not hang on rounding."""
    sizes = st.tuples(st.integers(low, high), st.just(3))
    return sizes.flatmap(lambda shape: st.integers(0, 2**32).map(
        lambda seed: Luck("stack", seed).generator().normal(size=shape)
    ))  # fmt: skip


@pytest.mark.parametrize("rule", ALL)
@given(updates=stacks(), seed=st.integers(0, 2**32))
def test_who_comes_first_does_not_matter(rule, updates, seed):
    shuffled = Luck("order", seed).generator().permutation(updates)
    f = (len(updates) - 3) // 2
    np.testing.assert_allclose(aggregate(rule, shuffled, f, **KNOWN), aggregate(rule, updates, f, **KNOWN), atol=1e-6)


@pytest.mark.parametrize("rule", CENTRED)
@given(updates=stacks(), shift=arrays(float, 3, elements=st.floats(-100, 100)))
def test_updates_that_all_move_move_their_aggregate(rule, updates, shift):
    f = (len(updates) - 3) // 2
    moved, still = aggregate(rule, updates + shift, f), aggregate(rule, updates, f)
    np.testing.assert_allclose(moved, still + shift, atol=1e-6)


@pytest.mark.parametrize("rule", ALL)
@given(updates=stacks(), factor=st.floats(0.1, 100))
def test_the_unit_does_not_matter(rule, updates, factor):
    known = KNOWN | {"root": KNOWN["root"] * factor}
    f = (len(updates) - 3) // 2
    expected = aggregate(rule, updates, f, **KNOWN) * factor
    np.testing.assert_allclose(aggregate(rule, updates * factor, f, **known), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("rule", ROBUST)
@given(updates=stacks(8, 12), f=st.integers(1, 2), far=st.floats(1e3, 1e12))
def test_a_few_who_lie_without_limit_move_the_aggregate_within_a_limit(rule, updates, f, far):
    """n ≥ 2f + 4 here: within what even Krum's theory asks for."""
    lies = np.full((f, 3), far)
    reach = np.linalg.norm(updates, axis=1).max() + np.linalg.norm(KNOWN["root"])
    assert np.linalg.norm(aggregate(rule, np.vstack([updates, lies]), f, **KNOWN)) <= 5 * reach


@given(updates=stacks(), far=st.floats(1e6, 1e12))
def test_one_liar_moves_the_mean_wherever_it_likes(updates, far):
    assert np.linalg.norm(aggregate("mean", np.vstack([updates, np.full((1, 3), far)]), 1)) > far / 20


@pytest.mark.parametrize("rule", ["median", "trimmed_mean", "geometric_median"])
def test_half_of_all_break_what_less_than_half_do_not(rule):
    honest = LUCK("honest").generator().normal(size=(10, 2))
    for liars, broken in ((9, False), (11, True)):
        said = aggregate(rule, np.vstack([honest, np.full((liars, 2), 1e9)]), liars)
        assert (np.abs(said) > 1e6).all() == broken


def brute_krum(updates, f):
    """The update whose best subset of n − f − 2 others is nearest in sum, by looking at all subsets."""

    def score(i):
        others = [((updates[i] - other) ** 2).sum() for j, other in enumerate(updates) if j != i]
        return min(sum(subset) for subset in combinations(others, len(updates) - f - 2))

    return sorted(range(len(updates)), key=score)  # fmt: skip


@given(updates=stacks(7, 9), f=st.integers(0, 2))
def test_krum_is_what_brute_force_finds(updates, f):
    ranking = brute_krum(updates, f)
    np.testing.assert_array_equal(krum(updates, f), updates[ranking[0]])
    np.testing.assert_allclose(multi_krum(updates, f), updates[ranking[: len(updates) - f]].mean(0))


def test_the_number_of_neighbours_can_change_who_is_chosen():
    line = np.array([[0.0], [1.0], [1.9], [4.0], [4.4], [4.7]])
    chosen = {neighbours: krum(line, 1, neighbours=neighbours)[0] for neighbours in (2, 3, 4)}
    assert chosen[3] == krum(line, 1)[0]
    assert len(set(chosen.values())) > 1


@given(updates=stacks())
def test_no_step_in_any_direction_comes_nearer_than_the_geometric_median(updates):
    def away(point):
        return np.linalg.norm(updates - point, axis=1).sum()

    centre = geometric_median(updates)
    steps = LUCK("steps").generator().normal(size=(50, 3)) * 1e-2
    assert away(centre) <= min(away(centre + step) for step in steps) + 1e-9  # fmt: skip


def test_the_geometric_median_of_a_triangle_is_fermats_point():
    corners = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, np.sqrt(3) / 2]])
    np.testing.assert_allclose(geometric_median(corners), corners.mean(0), atol=1e-9)


def test_the_median_moves_to_the_order_statistic_that_theory_names():
    """n = 25, f = 5 at +∞: the coordinate's median is the 13th of 20 normal draws, 0.315 standard deviations up."""
    luck, draws = LUCK("median").generator(), 10_000
    honest = luck.normal(size=(20, draws))
    said = median(np.vstack([honest, np.full((5, draws), np.inf)]))
    np.testing.assert_array_equal(said, np.sort(honest, axis=0)[12])
    expected = expected_order_statistic(13, 20)
    assert round(expected, 3) == 0.315
    assert abs((said.mean() - expected) / (said.std() / draws**0.5)) < 2


def expected_order_statistic(k, n):
    """E of the k-th smallest of n standard normals, by the density of its rank."""
    from scipy.stats import norm

    x = np.linspace(-8, 8, 2001)
    density = k * comb(n, k) * norm.cdf(x) ** (k - 1) * norm.sf(x) ** (n - k) * norm.pdf(x)
    return float(np.trapezoid(x * density, x))


def test_a_reversed_inner_product_scales_the_mean_as_computed():
    """n − f = 20 tell the truth, f = 5 send −ε times it: the mean is ((n − f) − fε)/n of it, reversed from ε > 4."""
    honest = np.tile([1.0, -2.0, 3.0], (20, 1))
    for epsilon, scale in ((0.1, 0.78), (4.0, 0.0), (4.1, -0.02)):
        said = aggregate("mean", np.vstack([honest, np.tile(-epsilon * honest[0], (5, 1))]), 5)
        np.testing.assert_allclose(said, scale * honest[0], atol=1e-12)


def test_trimming_drops_as_many_on_each_side():
    column = np.array([[9.0], [1.0], [2.0], [-50.0], [6.0]])
    assert trimmed_mean(column, 1)[0] == 3.0
    assert trimmed_mean(column, 2)[0] == 2.0
    with pytest.raises(ValueError, match="f=3 .* 5 updates"):
        trimmed_mean(column, 3)


def test_neighbours_mix_with_the_nearest():
    line = np.array([[0.0], [1.0], [10.0]])
    np.testing.assert_allclose(nnm(line, 1), [[0.5], [0.5], [5.5]])


@given(updates=stacks(), size=st.integers(1, 4))
def test_buckets_keep_the_sum_and_spoil_no_more_than_the_liars(updates, size):
    n = len(updates)
    buckets = bucketing(updates, luck=LUCK, size=size)
    assert len(buckets) == -(-n // size)
    if n % size == 0:
        np.testing.assert_allclose(buckets.mean(0), updates.mean(0), atol=1e-12)
    spoilt = bucketing(np.vstack([updates[:-1], np.full((1, 3), 1e9)]), luck=LUCK, size=size)
    assert (np.abs(spoilt) > 1e6).any(1).sum() == 1


def test_clipping_shortens_the_long_and_leaves_the_short():
    clipped = norm_clipping(np.array([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0]]), bound=1.0)
    np.testing.assert_allclose(clipped, [[0.6, 0.8], [0.3, 0.4], [0, 0]])


def test_clipping_around_a_centre_moves_no_further_than_its_radius():
    updates = np.array([[10.0, 0.0], [10.5, 0.0], [1e9, 0.0]])
    moved = aggregate("centered_clipping", updates, 1, centre=[10.0, 0.0], radius=0.6)
    np.testing.assert_allclose(moved, [10 + (0 + 0.5 + 0.6) / 3, 0])


def test_a_trusted_update_outvotes_any_majority():
    root = np.array([1.0, 0.0])
    updates = np.array([[2.0, 0.0], [-1e6, 0.0], [-1e6, 1.0], [0.0, 5.0]])
    np.testing.assert_allclose(aggregate("fltrust", updates, 3, root=root), root)
    np.testing.assert_allclose(aggregate("fltrust", -np.abs(updates[:1]), 0, root=root), [0, 0])


def test_fools_gold_silences_twins_and_keeps_those_who_go_their_own_way():
    luck = LUCK("gold").generator()
    honest, twin = luck.normal(size=(6, 50)), luck.normal(size=50)
    weights = foolsgold_weights(np.vstack([honest, np.tile(twin, (3, 1))]))
    assert (weights[6:] == 0).all()
    assert (weights[:6] == 1).all()


@given(updates=stacks(5, 9), rule=st.sampled_from(ALL))
def test_what_is_not_finite_is_left_out(updates, rule):
    broken = np.vstack([updates, [[np.nan, 0, 0], [np.inf, 1, 1]]])
    expected = aggregate(rule, updates, 1, **KNOWN)
    np.testing.assert_allclose(aggregate(rule, broken, 3, **KNOWN), expected)
    with pytest.raises(ValueError, match="none of 2 updates is finite"):
        aggregate(rule, broken[-2:], 0, **KNOWN)


@pytest.mark.parametrize("rule", ALL)
def test_one_update_alone_is_its_own_aggregate(rule):
    np.testing.assert_allclose(aggregate(rule, [[1.0, 2.0, -1.0]], 1, **KNOWN), [1, 2, -1])


def test_weights_follow_those_who_are_left():
    assert aggregate("mean", [[0.0], [np.nan], [4.0]], 0, weights=[3, 99, 1]) == [1.0]


@pytest.mark.parametrize(
    ("rule", "says"),
    [("average", "no rule 'average'.*krum"), ("krum+median", "no rule 'krum'.*nnm"),
     ("fltrust", "fltrust has to know root"), ("bucketing+krum", "bucketing has to know luck")],
)  # fmt: skip
def test_a_rule_that_is_not_there_or_knows_too_little_is_named(rule, says):
    with pytest.raises(ValueError, match=says):
        aggregate(rule, np.eye(5), 1)


BYZFL = {  # what ByzFL 0.0.11 makes of SEVEN; its Krum counts all others but f, its Weiszfeld starts at zero
    "median": (median, {}, [3, 1, -1]),
    "trimmed_mean": (trimmed_mean, {"f": 2}, [8 / 3, 4 / 3, -1]),
    "krum": (krum, {"f": 2, "neighbours": 4}, [3, 1, -2]),
    "multi_krum": (multi_krum, {"f": 2, "neighbours": 4}, [2.6, 1.2, -1.6]),
    "nnm": (nnm, {"f": 2}, [*[[2.6, 1.2, -1.6]] * 5, [4.2, -0.4, 0.4], [0.2, 2.6, 0.8]]),
    "geometric_median": (geometric_median, {"smooth": 0.1, "steps": 3, "start": np.zeros(3)},
                         [2.4402992, 0.99419022, -1.06076581]),
    "centered_clipping": (centered_clipping, {"radius": 1.0, "steps": 2}, [1.03470395, 0.45172602, -0.35644555]),
}  # fmt: skip
SEVEN = np.array([[3, 1, -2], [2, 0, -1], [4, 2, -3], [3, 2, 0], [1, 1, -2], [9, -7, 8], [-8, 9, 9]], float)


@pytest.mark.parametrize("rule", BYZFL)
def test_values_are_those_that_byzfl_computes(rule):
    computes, known, theirs = BYZFL[rule]
    np.testing.assert_allclose(computes(SEVEN, **known), theirs, atol=1e-8)
