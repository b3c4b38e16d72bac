"""Neighbours: what the records that are nearest to a row say. The model is the records themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from slashpoint.sim.learning.codec import encode
from slashpoint.sim.learning.estimators import MAX_ROWS, Estimator, squared_distances, tensors
from slashpoint.sim.learning.forests import majority

if TYPE_CHECKING:
    import numpy.typing as npt

    from slashpoint.sim.learning.estimators import Values
    from slashpoint.sim.learning.records import Records


class Neighbours(Estimator):
    """The mean label of the nearest records; of two as near the one that sorts first."""

    name = "knn"
    like = "neighbors.KNeighborsRegressor"
    k: ClassVar[int] = 15  # records that are asked

    def solver(self) -> Any:
        """Return scikit-learn's estimator."""
        from sklearn.neighbors import KNeighborsRegressor

        return KNeighborsRegressor(self.k)

    def _fit(self, records: Records, _seed: bytes) -> bytes:
        return encode({"records": records})

    def _predict(self, model: bytes, rows: npt.NDArray[np.integer[Any]]) -> Values | None:
        found = tensors(model, records=2)
        if found is None or (records := found["records"]).dtype != np.int32 or not 1 <= len(records) <= MAX_ROWS:
            return None
        if records.shape[1] != self.features + 1:
            return None
        far = squared_distances(self.scaled(rows), self.scaled(records[:, :-1]))
        nearest = np.argsort(far, axis=1, kind="stable")[:, : self.k]
        labels = self._labels(records)
        return self._said(labels[nearest])

    def _labels(self, records: Records) -> npt.NDArray[np.int64]:
        return records[:, -1].astype(np.int64)

    def _said(self, labels: npt.NDArray[np.int64]) -> Values:
        """Return one answer of what all neighbours say, shape (rows, neighbours)."""
        means: Values = np.rint(labels.mean(1)).astype(np.int64)
        return means


class NeighboursVote(Neighbours):
    """The band of most of the nearest records; of two bands with as many the lower one."""

    name = "knn_classifier"
    like = "neighbors.KNeighborsClassifier"
    classifies = True

    def solver(self) -> Any:
        """Return scikit-learn's estimator."""
        from sklearn.neighbors import KNeighborsClassifier

        return KNeighborsClassifier(self.k)

    def _labels(self, records: Records) -> npt.NDArray[np.int64]:
        bands, means = self.bands(records)
        labels: npt.NDArray[np.int64] = means[bands]
        return labels

    def _said(self, labels: npt.NDArray[np.int64]) -> Values:
        return majority(labels)
