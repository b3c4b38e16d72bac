"""Filters of records: what tells sound records from others before a model learns from them.

Each returns which records to keep, shape (records,), or what each is worth. Numbers are counted in spreads, the range
of the middle 80 % of a column, so that a few absurd values move nothing. Records are rows of whole numbers, the label
last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from slashpoint.sim.learning.contribution import knn_shapley_regression, leave_one_out

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from slashpoint.sim.learning.records import Records

    Keep = npt.NDArray[np.bool_]  # (records,)
    Floats = npt.NDArray[np.float64]
    Fit = Callable[[Records], Callable[[npt.NDArray[np.integer[Any]]], npt.NDArray[Any]]]  # records → rows → answers

NEIGHBOURS = 10
MADS = 3.0  # standard deviations, as a normal law's MAD tells them, beyond which a distance is unusual
LABEL_MADS = 1.5  # and a label: few labels of a range are far out
SIGMA = 1.4826  # σ of a normal law in median absolute deviations


class Scorer(Protocol):
    """What tells how unlike the training data rows are, such as `novelty.Novelty`."""

    def percentile(self, rows: Any) -> npt.NDArray[Any]:
        """Return for each row the percentage of ordinary rows that are less unusual, shape (rows,)."""
        ...


def spreads(rows: npt.NDArray[np.integer[Any]], of: npt.NDArray[np.integer[Any]]) -> Floats:
    """Return rows from the medians of others, in their spreads, shape (rows, columns).

    Args:
        rows: shape (rows, columns).
        of: the others, shape (others, columns).
    """
    low, middle, high = np.quantile(of, [0.1, 0.5, 0.9], axis=0)
    scaled: Floats = (rows - middle) / np.where(high > low, high - low, np.maximum(of.std(0), 1))
    return scaled


def near_labels(records: Records, neighbours: int = NEIGHBOURS, mads: float = LABEL_MADS) -> Keep:
    """Keep records whose label is not far from the mean label of their nearest others (Wilson 1972, for numbers).

    Args:
        records: shape (records, features + 1).
        neighbours: how many others are asked.
        mads: how far a label may be from theirs, more or less than it usually is, in standard deviations by MAD.
    """
    if len(records) <= neighbours:
        return np.ones(len(records), bool)
    _, others = _nearest(spreads(records[:, :-1], records[:, :-1]), neighbours)
    labels = records[:, -1].astype(np.float64)
    return np.abs(_unusual(labels - labels[others].mean(1))) <= mads


def near_others(records: Records, neighbours: int = NEIGHBOURS, mads: float = MADS) -> Keep:
    """Keep records that are not far from their nearest others (Ramaswamy et al. 2000).

    Args:
        records: shape (records, features + 1).
        neighbours: the distance to the last of so many counts.
        mads: how much more than usual it may be, in standard deviations by MAD.
    """
    if len(records) <= neighbours:
        return np.ones(len(records), bool)
    far, _ = _nearest(spreads(records, records), neighbours)
    return _unusual(far[:, -1]) <= mads


def local_outliers(records: Records, neighbours: int = 2 * NEIGHBOURS) -> Keep:
    """Keep records that lie about as densely as their nearest others do (LOF: Breunig et al. 2000).

    Args:
        records: shape (records, features + 1).
        neighbours: how many others are compared with.
    """
    from sklearn.neighbors import LocalOutlierFactor

    if len(records) <= neighbours:
        return np.ones(len(records), bool)
    values, inverse = np.unique(records, axis=0, return_inverse=True)  # copies would be infinitely dense
    if len(values) <= neighbours:
        return np.ones(len(records), bool)
    kept: Keep = LocalOutlierFactor(neighbours).fit_predict(spreads(values, values)) == 1
    return kept[inverse]


def distinct(records: Records) -> Keep:
    """Keep the first of equal records."""
    kept = np.zeros(len(records), bool)
    kept[np.unique(records, axis=0, return_index=True)[1]] = True
    return kept


def familiar(records: Records, trusted: Records, scorer: Callable[[Floats], Scorer], limit: float = 95.0) -> Keep:
    """Keep records that somebody who learnt what trusted ones look like does not find strange.

    Args:
        records: shape (records, features + 1).
        trusted: the same, sound; an autoencoder needs some dozens.
        scorer: learns from trusted rows, such as `lambda rows: Novelty.fit(rows, seed)`.
        limit: the percentile of trusted rows beyond which a record is strange.
    """
    fitted = scorer(spreads(trusted, trusted))
    kept: Keep = fitted.percentile(spreads(records, trusted)) <= limit
    return kept


def influence(records: Records, owners: npt.NDArray[np.intp], holdout: Records, fit: Fit) -> Floats:
    """Return by how much the squared error on held-out records would rise without each contributor, shape (owners,).

    Leave-one-out: 0 for who changes nothing, below 0 for who does harm. In squares of a label's unit.

    Args:
        records: of all contributors, shape (records, features + 1).
        owners: of each record the number of its contributor, from 0, shape (records,).
        holdout: sound records that none of them gave.
        fit: how records become a model.
    """

    def value(coalition: frozenset[int]) -> float:
        answers = fit(records[np.isin(owners, list(coalition))])(holdout[:, :-1])
        return -float(((answers - holdout[:, -1].astype(np.float64)) ** 2).mean())

    return leave_one_out(value, int(owners.max(initial=-1)) + 1)


def shapley(records: Records, holdout: Records, neighbours: int = NEIGHBOURS) -> Floats:
    """Return Shapley's value of each record for the nearest neighbours' mean on held-out records, shape (records,).

    Args:
        records: shape (records, features + 1).
        holdout: sound records.
        neighbours: whose mean label is the answer.
    """
    points, asked = spreads(records[:, :-1], holdout[:, :-1]), spreads(holdout[:, :-1], holdout[:, :-1])
    labels, truth = records[:, -1].astype(np.float64), holdout[:, -1].astype(np.float64)
    return knn_shapley_regression(points, labels, asked, truth, neighbours)


def _nearest(points: Floats, neighbours: int) -> tuple[Floats, npt.NDArray[np.intp]]:
    """Return each point's distances to its nearest others, and which these are, shape (points, neighbours) each."""
    far = ((points[:, None] - points) ** 2).sum(2)
    np.fill_diagonal(far, np.inf)
    others = np.argsort(far, axis=1, kind="stable")[:, :neighbours]
    return np.sqrt(np.take_along_axis(far, others, axis=1)), others


def _unusual(values: Floats) -> Floats:
    """Return how far each value is above the median, in standard deviations as a normal law's MAD tells them.

    Where most values are the same there are none, and values count as they are.
    """
    above = values - np.median(values)
    unit = SIGMA * np.median(np.abs(above))
    return above / (unit or 1.0)
