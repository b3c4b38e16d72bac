"""How well the input trust score tells usual queries from unusual ones, beside what is linear.

Each cell is the area under the ROC curve (the chance that an unusual row has the higher score than a usual one), mean
and 95 % interval over seeds, each with other rows to train on and other weights.
`PICTURES=1 pytest tests/test_trust_score.py -m slow -s` prints the tables of docs/privacy.md and draws its curves.
"""

from __future__ import annotations

from functools import cache

import altair as alt
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score, roc_curve

from slashpoint.experiments.study import curves
from slashpoint.experiments.study.stats import t_interval
from slashpoint.sim.learning.diabetes import Diabetes
from slashpoint.sim.learning.digits import Digits
from slashpoint.sim.learning.mnist import sample
from slashpoint.sim.learning.novelty import CODE, HELD, Novelty
from slashpoint.sim.luck import Luck

SEEDS = 5
USUAL = 300  # digits that nobody trained on; of the patients a third
FALSE = np.linspace(0, 1, 101)  # where a curve is drawn
NAMES = {"Novelty": "autoencoder", "Principal": "principal components", "Mahalanobis": "Mahalanobis"}


class Principal:
    """Reconstruction from as many principal components as the autoencoder's code has numbers."""

    def __init__(self, rows):
        self.mean = rows.mean(0)
        _, _, axes = np.linalg.svd(rows - self.mean, full_matrices=False)
        self.axes = axes[: min(CODE, rows.shape[1] // 2)]

    def errors(self, rows):
        centred = rows - self.mean
        return ((centred - centred @ self.axes.T @ self.axes) ** 2).mean(1)


class Mahalanobis:
    """Distance from the mean in terms of the covariance, of which a hundredth of the mean variance keeps it regular."""

    def __init__(self, rows):
        self.mean, covariance = rows.mean(0), np.cov(rows.T)
        ridge = 0.01 * np.trace(covariance) / len(covariance)
        self.inverse = np.linalg.inv(covariance + ridge * np.eye(len(covariance)))

    def errors(self, rows):
        centred = rows - self.mean
        return np.einsum("ij,jk,ik->i", centred, self.inverse, centred)


@cache
def shrunk():
    """MNIST at the size of digits, 0 … 1: means of 4×4 pixels, 2 blank pixels around."""
    images = np.pad(sample()[0][:USUAL].reshape(-1, 28, 28) / 255, ((0, 0), (2, 2), (2, 2)))
    return images.reshape(-1, 8, 4, 8, 4).mean((2, 4)).reshape(-1, 64)


def digits(seed):
    """Rows to train on, usual queries, and unusual ones by kind: two digits are left out of the training."""
    generator, task = Luck("trust", seed).generator(), Digits()
    strange = np.isin(task.table[1], [2 * seed % 10, (2 * seed + 1) % 10])
    order = generator.permutation(np.flatnonzero(~strange))
    usual = task.inputs[order[:USUAL]]
    return (
        task.inputs[order[USUAL:]],
        usual,
        {
            "near: two digits left out": task.inputs[strange],
            "near: noise of 0.1 on each pixel": usual + 0.1 * generator.standard_normal(usual.shape),
            "near: moved by a pixel": np.roll(usual.reshape(-1, 8, 8), 1, 2).reshape(-1, 64),
            "far: mnist, made as small": shrunk(),
            "far: pixels shuffled": generator.permuted(usual, axis=1),
            "far: uniform noise": generator.random(usual.shape),
        },
    )


def patients(seed):
    """The same of diabetes: the heaviest tenth of the patients are left out of the training."""
    generator, rows = Luck("trust", seed).generator(), Diabetes().inputs
    strange = rows[:, 2] > np.quantile(rows[:, 2], 0.9)
    order = generator.permutation(np.flatnonzero(~strange))
    usual = rows[order[: len(order) // 3]]
    return (
        rows[order[len(order) // 3 :]],
        usual,
        {
            "near: the heaviest tenth left out": rows[strange],
            "near: noise of half a deviation": usual + 0.5 * generator.standard_normal(usual.shape),
            "far: measurements of ten people mixed": generator.permuted(usual, axis=0),
            "far: uniform noise": generator.uniform(rows.min(0), rows.max(0), usual.shape),
        },
    )


@cache
def scored(data):
    """Truth and score of usual and unusual rows, by kind of the unusual ones and by what scores: a list over seeds."""
    found = {}
    for seed in range(SEEDS):
        rows, usual, kinds = data(seed)
        seen = rows[len(rows) // HELD :]  # the autoencoder too learns from all but a fifth
        for score in (Novelty.fit(rows, seed), Principal(seen), Mahalanobis(seen)):
            ordinary = score.errors(usual)
            for kind, strange in kinds.items():
                truth = np.repeat([0, 1], [len(usual), len(strange)])
                pair = truth, np.r_[ordinary, score.errors(strange)]
                found.setdefault(kind, {}).setdefault(type(score).__name__, []).append(pair)
    return found


def table(data):
    """AUC by kind of unusual rows and by score: a list over seeds."""
    return {
        kind: {name: [roc_auc_score(*pair) for pair in pairs] for name, pairs in scores.items()}
        for kind, scores in scored(data).items()
    }


def rates(data):
    """What a picture shows: the share of unusual rows found, mean over seeds, by the share of usual ones refused."""
    for kind, scores in scored(data).items():
        for name, pairs in scores.items():
            found = np.mean([np.interp(FALSE, *roc_curve(*pair)[:2]) for pair in pairs], axis=0)
            for usual, unusual in zip(FALSE, found, strict=True):
                yield {"usual": usual, "unusual": unusual, "score": NAMES[name], "kind": kind}


@pytest.mark.slow
@pytest.mark.parametrize("data", [digits, patients])
def test_the_autoencoder_tells_unusual_rows(data):
    print(f"\n| {data.__name__} | autoencoder | principal components | Mahalanobis |\n|---|--:|--:|--:|")  # noqa: T201
    for kind, scores in table(data).items():
        cells = (t_interval(areas) for areas in scores.values())
        print(f"| {kind} |", " | ".join(f"{one.mean:.2f} ± {one.half_width:.2f}" for one in cells), "|")  # noqa: T201
        assert np.mean(scores["Novelty"]) > (0.6 if kind.startswith("near") else 0.85), kind
    x, y = alt.X("usual:Q", title="usual rows refused"), alt.Y("unusual:Q", title="unusual rows found")
    curves.draw(f"roc-{data.__name__}", list(rates(data)), x, y, "score", "kind")


@pytest.mark.slow
def test_digits_that_were_left_out_are_where_it_beats_what_is_linear():
    scores = table(digits)["near: two digits left out"]
    for other in ("Principal", "Mahalanobis"):
        assert t_interval(np.subtract(scores["Novelty"], scores[other])).low > 0
