"""Synthetic: the Gaussians that it says, learnt as well as can be."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from slashpoint.sim.learning import Order, correct
from slashpoint.sim.learning.synthetic import Synthetic
from slashpoint.sim.luck import Luck

TASK = Synthetic()


def test_the_table_is_the_mixture_that_it_says():
    """Noise of mean 0 and variance 1 around centres at one distance; classes as likely. |z| < 2 for each."""
    inputs, classes = Synthetic(size=20_000).table
    noise = inputs - Synthetic(size=20_000).centres[classes]
    n = noise.size
    assert abs(noise.mean()) * n**0.5 < 2
    assert abs(noise.var() - 1) * (n / 2) ** 0.5 < 2
    assert np.linalg.norm(TASK.centres, axis=1) == pytest.approx(np.full(10, 3.5), rel=1e-5)
    counts = np.bincount(classes, minlength=10)
    assert abs(((counts - 2000) ** 2 / 2000).sum() - 9) < 2 * (2 * 9) ** 0.5  # χ² of 9 degrees of freedom


def test_training_comes_close_to_the_best_that_is_possible():
    """No classifier beats the nearest centre; a full training is within three points of it, a short one is far off."""
    inputs, classes = TASK.table
    nearest = ((inputs[:, None] - TASK.centres) ** 2).sum(2).argmin(1)
    best = (nearest == classes).mean()
    assert 0.92 < best < 0.96
    found = {}
    for effort in (0.05, 1.0):
        orders = [Order("ann", TASK.problem(Luck("job", job)), effort) for job in range(20)]
        models = TASK.train(orders, Luck(1))
        answers = TASK.predict_many([(model, one.problem) for model, one in zip(models, orders, strict=True)])
        right = [correct(said, TASK.labels(one.problem)) for said, one in zip(answers, orders, strict=True)]
        found[effort] = np.mean(right) / TASK.scale
    assert best - 0.03 < found[1.0] < best + 0.01
    assert found[0.05] < best - 0.15


def test_other_parameters_are_another_table():
    tables = [Synthetic(**how).table[0] for how in ({}, {"size": 2001}, {"features": 17}, {"distance": 3.0})]
    assert len({one[:50].tobytes() for one in tables}) == 4
    assert (Synthetic().table[0] == TASK.table[0]).all()


def test_another_process_trains_the_same_bits_without_torch():
    code = """
import hashlib, sys
from slashpoint.sim.learning import Order
from slashpoint.sim.learning.synthetic import Synthetic
from slashpoint.sim.luck import Luck
task, luck = Synthetic(), Luck(7)
orders = [Order(f"trainer/{i}", task.problem(Luck("job", 0))) for i in range(5)]
models = task.train(orders, luck)
answers = task.predict_many([(model, order.problem) for model, order in zip(models, orders)])
print(hashlib.sha256(b"".join(models + answers)).hexdigest(), {"torch", "sklearn", "scipy"} & set(sys.modules))
"""
    said = [
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ | environment
        ).stdout
        for environment in ({}, {"PYTHONHASHSEED": "42", "OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"})
    ]
    assert said[0] == said[1]
    assert said[0].endswith(" set()\n")


@pytest.mark.parametrize("culprit", ["size", "features", "distance", "epochs", "batch", "rate"])
def test_an_impossible_parameter_names_itself(culprit):
    with pytest.raises(ValueError, match=f"task.{culprit}=0: it must be (above 0|at least [12]) "):
        Synthetic(**{culprit: 0})
    with pytest.raises(ValueError, match=r"task.scale=500 leaves nothing to train on: task.size=500"):
        Synthetic(scale=500, size=500)
