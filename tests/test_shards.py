"""Shards: everybody's rows are their own, even or by taste, and never none."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slashpoint.sim.learning import Order, correct
from slashpoint.sim.learning.digits import Digits
from slashpoint.sim.learning.shards import MIN_SHARD_ROWS, split
from slashpoint.sim.learning.synthetic import Synthetic
from slashpoint.sim.luck import Luck

TASKS = [pytest.param(task, id=task.name) for task in (Digits(), Synthetic())]
EVEN = math.inf


def shares(task, shards):
    """Of each shard, how its rows are spread over the classes: shape (shards, classes)."""
    rows = [np.concatenate([shard.train, shard.test]) for shard in shards]
    return np.array([np.bincount(task.table[1][some], minlength=task.classes) / len(some) for some in rows])


@settings(max_examples=60, deadline=None)
@given(
    classes=st.lists(st.integers(0, 3), min_size=MIN_SHARD_ROWS, max_size=120),
    count=st.integers(1, 30),
    alpha=st.sampled_from([1e-9, 0.01, 0.3, 5.0, 1e9, EVEN]),
)
def test_no_row_is_in_two_shards_and_none_is_left_over(classes, count, alpha):
    if len(classes) < MIN_SHARD_ROWS * count:
        with pytest.raises(ValueError, match="too few for"):
            split(np.array(classes), count, alpha, Luck(1))
        return
    parts = split(np.array(classes), count, alpha, Luck(1))
    assert len(parts) == count
    assert sorted(np.concatenate([place for part in parts for place in part])) == list(range(len(classes)))
    sizes = [len(train) + len(test) for train, test in parts]
    assert max(sizes) - min(sizes) <= 1
    assert all(len(train) >= MIN_SHARD_ROWS - 1 and len(test) >= 1 for train, test in parts)


@pytest.mark.parametrize("task", TASKS)
def test_shards_are_parts_of_their_problem_and_belong_to_their_luck(task):
    problem = task.problem(Luck("job"))
    one, again, other = (task.shards(problem, 8, 0.5, Luck(name)) for name in ("a", "a", "b"))
    assert [shard.key for shard in one] == [shard.key for shard in again]
    assert not {shard.key for shard in one} & {shard.key for shard in other}
    assert len({shard.key for shard in one} | {problem.key}) == 9
    assert sorted(row for shard in one for row in (*shard.train, *shard.test)) == sorted(problem.train)
    assert all(shard.scale == len(shard.test) == len(task.labels(shard)) for shard in one)


@pytest.mark.parametrize("task", TASKS)
def test_a_small_alpha_gives_everybody_a_taste(task):
    problem = task.problem(Luck("job"))
    apart = [shares(task, task.shards(problem, 10, alpha, Luck("s"))).std(0).mean() for alpha in (EVEN, 100, 1, 0.1)]
    assert apart == sorted(apart)
    assert apart[0] < 0.03
    assert apart[-1] > 0.2


def test_shares_of_the_classes_have_the_variance_of_the_dirichlet_distribution():
    """With plenty of rows: var = p (1 − p) / (α + 1), and p (1 − p) / n more, for drawing n rows by a taste."""
    alpha, kinds, size, first = 2.0, 4, 200, 40
    classes = np.repeat(np.arange(kinds), 20_000)
    worlds = [split(classes, 400, alpha, Luck("dirichlet", world)) for world in range(5)]
    shards = [np.concatenate(shard) for world in worlds for shard in world[:first]]  # the stores are full for them
    drawn = np.array([np.bincount(classes[shard], minlength=kinds) / size for shard in shards])
    p = 1 / kinds
    expected = p * (1 - p) * (1 / (alpha + 1) + (1 - 1 / (alpha + 1)) / size)
    squares = (drawn[:, 0] - p) ** 2
    assert abs(squares.mean() - expected) / (squares.std(ddof=1) / len(squares) ** 0.5) < 2


@pytest.mark.parametrize("alpha", [0, -1, math.nan])
def test_an_impossible_alpha_names_itself(alpha):
    with pytest.raises(ValueError, match="alpha="):
        split(np.zeros(50, int), 2, alpha, Luck(1))


@pytest.mark.parametrize("task", TASKS)
def test_training_on_shards_and_averaging_learns_the_problem(task):
    """FedAvg (McMahan et al. 2017) from five shards, each of which alone knows little of some classes."""
    problem = task.problem(Luck("job"))
    shards = task.shards(problem, 5, 0.3, Luck("s"))
    [base] = task.train([Order("sponsor", problem, effort=0)], Luck(1))
    for _ in range(8):
        models = task.train([Order(f"client/{i}", shard, 0.4, base=base) for i, shard in enumerate(shards)], Luck(1))
        base = task.assemble(np.mean([task.weights(model) for model in models], 0))
    right = [correct(task.predict(model, problem), task.labels(problem)) for model in (base, *models)]
    assert right[0] > 85
    assert right[0] > np.mean(right[1:]) + 2


@pytest.mark.parametrize("task", TASKS)
def test_a_shard_takes_its_share_of_the_time(task):
    problem = task.problem(Luck("job"))
    assert task.duration(Order("ann", problem, 0.5, 0.4)) == pytest.approx(0.2 * task.seconds)
    shards = task.shards(problem, 10, EVEN, Luck("s"))
    spent = [task.duration(Order("ann", shard)) for shard in shards]
    assert sum(spent) == pytest.approx(0.8 * task.seconds, rel=0.02)
