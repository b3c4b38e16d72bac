"""Forests: the same bytes everywhere, walked with integers alone, and records that leave without a trace."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from time import process_time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, poisson

from slashpoint.sim.learning.diabetes import data
from slashpoint.sim.learning.forests import LEAF, MAGIC, Forest, constant, decode, fields, majority, node, sound
from slashpoint.sim.learning.growing import Growth, forget, grow, grower, samples, saw, tree_seed
from slashpoint.sim.learning.records import EXACT, SCALE
from slashpoint.sim.luck import Luck

SEED = bytes(range(32))
RECORDS = data()[:200]
SMALL = Growth(trees=7, leaf=3)
KINDS = {
    "usual": Growth(trees=20),
    "shallow": Growth(trees=20, depth=4),
    "extremely random": Growth(trees=20, bootstrap=False, random=True),
    "single": Growth(trees=1, bootstrap=False, tried=10),
    "votes": Growth(trees=20, votes=True, leaf=5),
}


def inputs(rows, generator):
    """Random whole numbers, half of them near what the data have, half anywhere."""
    low, high = data()[:, :-1].min(0), data()[:, :-1].max(0)
    near = generator.integers(low, high + 1, size=(rows // 2, 10))
    return np.vstack([near, generator.integers(-EXACT, EXACT, size=(rows - rows // 2, 10), endpoint=True)])


def walk(words, row):
    """What a tree answers, as a contract finds it out: words of 32 bytes, shifts and comparisons."""
    at = 0
    while True:
        word = int.from_bytes(words[at // 4], "big")
        packed = word >> 64 * (3 - at % 4) & (2**64 - 1)
        value = (packed & 0xFFFFFFFF) - (packed >> 31 & 1) * 2**32
        feature, right = packed >> 56, packed >> 32 & 0xFFFF
        if feature == LEAF:
            return value
        at = at + 1 if row[feature] <= value else right


@pytest.mark.parametrize("growth", KINDS.values(), ids=KINDS)
def test_integers_answer_what_scikit_learn_answers(growth):
    """10,000 random inputs, each tree by itself, beyond the rounding of a leaf not one bit off."""
    rows = inputs(10_000, Luck("inputs").generator())
    records = RECORDS - RECORDS % np.where(growth.votes, 10**6, 1) * (np.arange(11) == 10)  # a few labels to vote for
    forest = grow(records, SEED, growth)
    votes = forest.votes(rows)
    for number, sample in enumerate(samples(records, SEED, growth, 0)):
        theirs = grower(sample, tree_seed(SEED, 0, number), growth).predict(rows.astype(np.float32))
        assert (votes[:, number] == np.rint(theirs)).all()


def test_a_contract_walks_the_words_to_the_same_answers():
    forest = grow(RECORDS, SEED, SMALL)
    rows = inputs(200, Luck("walk").generator())
    words = [forest.words(tree) for tree in range(7)]
    assert all(len(word) == 32 for tree in words for word in tree)
    votes = [[walk(tree, row) for tree in words] for row in rows.tolist()]
    assert forest.votes(rows).tolist() == votes
    assert forest.predict(rows).tolist() == [sum(some) // 7 for some in votes]
    assert b"".join(word for tree in words for word in tree) == forest.encode()[-32 * sum(map(len, words)) :]


def test_the_mean_is_rounded_towards_zero_as_in_solidity():
    trees = [constant(value, 1).trees[0] for value in (-3, -4)]
    assert Forest(1, tuple(trees)).predict(np.zeros((1, 1), int)).tolist() == [-3]
    assert Forest(1, (trees[0], constant(8, 1).trees[0])).predict(np.zeros((1, 1), int)).tolist() == [2]


def test_another_process_grows_the_same_bytes():
    code = """
import hashlib
from slashpoint.sim.learning.diabetes import data
from slashpoint.sim.learning.growing import grow
print(hashlib.sha256(grow(data()[:200][::-1], bytes(range(32))).encode()).hexdigest())
"""
    here = hashlib.sha256(grow(RECORDS, SEED).encode()).hexdigest()
    there = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ | environment
        ).stdout.strip()
        for environment in ({"PYTHONHASHSEED": "42"}, {"OMP_NUM_THREADS": "2"})
    }
    assert there == {here}


def test_a_forest_is_a_function_of_the_set_of_its_records_of_seed_and_epoch():
    one = grow(RECORDS, SEED, SMALL).encode()
    mixed = Luck("order").generator().permutation(RECORDS)
    assert grow(mixed, SEED, SMALL).encode() == one
    others = [
        grow(RECORDS, SEED, SMALL, epoch=1),
        grow(RECORDS, SEED[::-1], SMALL),
        grow(RECORDS[1:], SEED, SMALL),
        grow(np.vstack([RECORDS, RECORDS[:1]]), SEED, SMALL),  # a duplicate counts
    ]
    assert len({one, *(other.encode() for other in others)}) == 5


def test_a_tree_draws_each_record_by_poissons_law():
    seen = saw(data(), SEED, Growth(trees=1000))
    assert seen.shape == (1000, 442)
    assert seen.mean() == pytest.approx(1 - np.exp(-1), abs=0.003)
    times = np.concatenate([sample.times for sample in samples(data(), SEED, Growth(trees=300), 0)])
    counts = np.bincount(times, minlength=4)[1:4] / (300 * 442)
    assert counts == pytest.approx(poisson.pmf([1, 2, 3], 1), abs=0.004)
    assert seen.sum(0).std() == pytest.approx((1000 * np.exp(-1) * (1 - np.exp(-1))) ** 0.5, rel=0.15)  # independent


@settings(max_examples=25, deadline=None)
@given(
    rows=st.lists(st.integers(0, 441), min_size=1, max_size=40),  # with repetitions: duplicates
    gone=st.sets(st.integers(0, 39), max_size=5),
    growth=st.sampled_from([SMALL, Growth(trees=5), Growth(trees=3, bootstrap=False, random=True)]),
)
def test_who_leaves_leaves_the_forest_that_never_saw_them(rows, gone, growth):
    records, gone = data()[rows], sorted(one for one in gone if one < len(rows))
    forest = grow(records, SEED, growth)
    left, new = forget(forest, records, gone, SEED, growth)
    assert left.encode() == grow(np.delete(records, gone, axis=0), SEED, growth).encode()
    assert new <= growth.trees
    assert gone or not new


def test_only_the_trees_that_drew_a_record_are_grown_again():
    growth = Growth(trees=100, leaf=5)
    forest, seen = grow(RECORDS, SEED, growth), saw(RECORDS, SEED, growth)
    assert len(np.unique(RECORDS, axis=0)) == len(RECORDS)
    for one in (0, 17, 199):
        left, new = forget(forest, RECORDS, [one], SEED, growth)
        assert new == seen[:, one].sum()
        kept = ~seen[:, one]
        assert all(a is b for a, b, same in zip(left.trees, forest.trees, kept) if same)
        assert 45 < new < 80


@pytest.mark.slow
@pytest.mark.parametrize("leaf", [1, 5])
@pytest.mark.parametrize("trees", [10, 30, 100, 300])
def test_print_how_good_and_large_a_forest_is(trees, leaf):
    """The table of docs/learning.md: means of 10 splits into 342 records and 100 others."""
    found = []
    grow(RECORDS, SEED, SMALL)  # what is imported at the first call is not timed
    for split in range(10):
        rows = Luck("split", split).generator().permutation(data())
        began = process_time()
        forest = grow(rows[:342], SEED, Growth(trees=trees, leaf=leaf))
        seconds, truth = process_time() - began, rows[342:, -1]
        error = np.mean((forest.predict(rows[342:, :-1]) - truth) ** 2.0)
        nodes, depth = sum(map(len, forest.trees)), forest.depth
        size = len(forest.encode())
        found.append((error**0.5 / SCALE, 1 - error / np.var(truth), nodes, depth, size, 1000 * seconds))
    rmse, explained, nodes, depth, size, ms = np.mean(found, 0)
    told = f"{rmse:.1f} | {explained:.2f} | {nodes:,.0f} | {depth:.0f} | {size:,.0f} | {ms:.0f}"
    print(f"\n| {trees} | {leaf} | {told} |")  # noqa: T201
    assert 0.3 < explained < 0.7


def test_without_records_a_forest_answers_nothing_and_a_record_alone_its_label():
    assert set(grow(RECORDS[:0], SEED, SMALL).predict(RECORDS[:, :-1])) == {0}
    assert set(grow(RECORDS[:1], SEED, SMALL).predict(RECORDS[:, :-1])) == {RECORDS[0, -1]}
    emptied, new = forget(grow(RECORDS[:1], SEED, SMALL), RECORDS[:1], [0], SEED, SMALL)
    assert (set(emptied.predict(RECORDS[:, :-1])), new) == ({0}, 7)


def test_features_that_float32_does_not_hold_are_refused():
    with pytest.raises(ValueError, match="16,777,217 is beyond"):
        grow(np.array([[EXACT + 1, 5]]), SEED, SMALL)


trees = st.integers(0, 4).flatmap(
    lambda splits: st.lists(st.tuples(st.integers(0, 9), st.integers(-(2**31), 2**31 - 1)), min_size=1, max_size=9)
)


def chain(values):
    """A tree that compares again and again: the right child is a leaf each time."""
    inner = len(values) // 2
    size = 2 * inner + 1
    feature = [values[i][0] for i in range(inner)] + [LEAF] * (inner + 1)
    right = [size - 1 - i for i in range(inner)] + [0] * (inner + 1)
    return node(np.array(feature), np.array(right), np.array([value for _, value in (values * 3)[:size]]))


@given(st.lists(trees, min_size=1, max_size=40))
def test_forests_survive_packing(parts):
    forest = Forest(10, tuple(map(chain, parts)))
    assert all(sound(tree, 10) for tree in forest.trees)
    again = decode(forest.encode())
    assert again.features == 10
    assert all((one == other).all() for one, other in zip(again.trees, forest.trees, strict=True))
    assert again.depth == max(len(part) // 2 for part in parts)
    feature, right, value = fields(forest.trees[0])
    assert (node(feature, right, value) == forest.trees[0]).all()


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.binary(max_size=200).map(lambda junk: MAGIC + junk)))
def test_junk_is_no_forest(junk):
    assert decode(junk) is None


@settings(max_examples=300, deadline=None)
@given(at=st.integers(0, 10**6), flipped=st.integers(1, 255))
def test_a_forest_that_was_tampered_with_is_none_or_still_answers(at, flipped):
    packed = bytearray(grow(RECORDS[:30], SEED, Growth(trees=3)).encode())
    packed[at % len(packed)] ^= flipped
    forest = decode(bytes(packed))
    if forest is not None:
        assert forest.encode() == packed
        if forest.features == 10:
            assert len(forest.predict(RECORDS[:5, :-1])) == 5


@pytest.mark.parametrize(
    ("feature", "right"),
    [
        ([0, LEAF, LEAF], [1, 0, 0]),
        ([0, LEAF, LEAF], [3, 0, 0]),
        ([10, LEAF, LEAF], [2, 0, 0]),
        ([LEAF], [1]),
        ([0], [0]),
    ],
    ids=["right child is the left one", "right child is outside", "no such feature", "a leaf with a child", "no leaf"],
)
def test_nodes_that_lead_nowhere_are_no_forest(feature, right):
    tree = node(np.array(feature), np.array(right), np.zeros(len(feature)))
    assert not sound(tree, 10)
    assert decode(Forest(10, (tree,)).encode()) is None


def test_most_votes_win_and_of_two_as_many_the_lower():
    assert majority(np.array([[3, 1, 3], [2, 1, 1], [9, 5, 7], [4, 4, -2]])).tolist() == [3, 1, 5, 4]


@pytest.mark.parametrize(("n", "poisoned", "right"), [(51, 10, 0.6), (51, 0, 0.6), (31, 5, 0.8)])
def test_a_vote_with_poisoned_trees_is_right_as_often_as_the_binomial_says(n, poisoned, right):
    """P(right) = P(X > n/2), X ~ Bin(n − f, a): .391 for n = 51, f = 10, a = .6. Answers are 0 and 1, 1 is right."""
    games = 4000
    generator = Luck("votes", n, poisoned).generator()
    votes = generator.random((games, n)) < right
    votes[:, :poisoned] = False
    exact = binom.sf(n // 2, n - poisoned, right)
    leaves = [constant(value, 1).trees[0] for value in (0, 1)]
    row = np.zeros((1, 1), int)
    won = [Forest(1, tuple(leaves[int(vote)] for vote in some)).majority(row)[0] for some in votes]
    assert np.mean(won) == pytest.approx(exact, abs=4 * (exact * (1 - exact) / games) ** 0.5)
    assert binom.sf(25, 41, 0.6) == pytest.approx(0.391, abs=5e-4)
