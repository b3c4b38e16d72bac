"""Bucketing under attack on digits that are split unevenly: accuracy of three rules without and with it.

The ordering to expect is that of Karimireddy et al. 2022 on MNIST. `pytest tests/test_bucketing.py -s` prints the
cells.
"""

from __future__ import annotations

import numpy as np
import pytest

from slashpoint.sim.learning import Order, correct
from slashpoint.sim.learning.attacks import alie, alie_z, ipm, mimic
from slashpoint.sim.learning.defences import aggregate
from slashpoint.sim.learning.digits import Digits
from slashpoint.sim.luck import Luck

HONEST, LIARS = 20, 5
ROUNDS, LAST = 60, 5  # accuracy is the mean of the last few rounds
ALPHA = 0.3  # of the Dirichlet split
EFFORT = 0.1  # of a full training, each round: three steps
SEEDS = 3
ATTACKS = {
    "mimic": mimic,
    "ipm": lambda others: ipm(others, 0.1),
    "alie": lambda others: alie(others, alie_z(HONEST + LIARS, LIARS)),
}
TASK = Digits()
HURT = {("krum", "mimic"), ("median", "mimic"), ("krum", "ipm"), ("median", "ipm"), ("geometric_median", "ipm")}


def accuracy(rule, attack, seed):
    """Of the model that all make together."""
    luck = Luck("bucketing", seed)
    problem = TASK.problem(luck("problem"))
    shards = TASK.shards(problem, HONEST, ALPHA, luck("shards"))
    (base,) = TASK.train([Order("server", problem, 0.0)], luck)
    right = []
    for number in range(ROUNDS):
        orders = [Order(f"client/{i}", one, EFFORT, twist=str(number), base=base) for i, one in enumerate(shards)]
        at = TASK.weights(base).astype(float)
        updates = np.stack([TASK.weights(model) for model in TASK.train(orders, luck)]) - at
        lies = np.tile(ATTACKS[attack](updates), (LIARS, 1))
        merged = aggregate(rule, np.vstack([updates, lies]), LIARS, luck=luck("round", number))
        base = TASK.assemble(at + merged)
        right.append(correct(TASK.predict(base, problem), TASK.labels(problem)))
    return np.mean(right[-LAST:]) / problem.scale


@pytest.mark.slow
@pytest.mark.parametrize("rule", ["krum", "median", "geometric_median"])
@pytest.mark.parametrize("attack", ATTACKS)
def test_bucketing_helps_whatever_an_attack_brings_down(rule, attack):
    plain, mixed = (
        np.mean([accuracy(mix + rule, attack, seed) for seed in range(SEEDS)]) for mix in ("", "bucketing+")
    )
    print(f"\n{rule}, {attack}: {plain:.1%} → {mixed:.1%}")  # noqa: T201 - the table of docs/learning.md
    if (rule, attack) in HURT:
        assert mixed > plain + 0.1
    else:
        assert plain > 0.7
        assert abs(mixed - plain) < 0.15
