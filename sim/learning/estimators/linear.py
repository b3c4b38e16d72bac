"""Linear models: a weighted sum of features, least squares with or without a penalty on the weights."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np

from slashpoint.sim.learning.codec import encode
from slashpoint.sim.learning.estimators import Estimator, _constant, tensors

if TYPE_CHECKING:
    import numpy.typing as npt

    from slashpoint.sim.learning.estimators import Values
    from slashpoint.sim.learning.records import Records


class Weighted(Estimator):
    """What linear models share: weights in float32, of features and labels between −1 and 1, the constant last."""

    @abstractmethod
    def _solver(self) -> Any:
        """Return the scikit-learn estimator."""

    def _fit(self, records: Records, _seed: bytes) -> bytes:
        low, high = self.format.label.limits
        found = self._solver().fit(self.scaled(records[:, :-1]), (2.0 * records[:, -1] - (low + high)) / (high - low))
        return self.assemble(np.append(found.coef_, found.intercept_))

    def _predict(self, model: bytes, rows: npt.NDArray[np.integer[Any]]) -> Values | None:
        weights = self.weights(model)
        if weights is None:
            return None
        low, high = self.format.label.limits
        total = np.full(len(rows), weights[-1], np.float64)
        for inputs, weight in zip(self.scaled(rows).T, weights[:-1].astype(np.float64)):
            total += weight * inputs  # one after another: the same bits on every machine
        found: Values = np.rint((np.clip(total, -2, 2) * (high - low) + (low + high)) / 2).astype(np.int64)
        return found

    def weights(self, model: bytes) -> npt.NDArray[np.float32] | None:
        """Return the weights of the features and the constant, shape (features + 1,): see `Estimator.weights`."""
        if (always := _constant(model)) is not None:
            low, high = self.format.label.limits
            return np.append(np.zeros(self.features), (2.0 * always - (low + high)) / (high - low)).astype(np.float32)
        found = tensors(model, weights=1)
        if found is None or found["weights"].shape != (self.features + 1,) or found["weights"].dtype != np.float32:
            return None
        return found["weights"]

    def assemble(self, weights: npt.NDArray[np.floating[Any]]) -> bytes:
        """Pack weights, the constant last: see `Estimator.assemble`."""
        if len(weights) != self.features + 1:
            raise ValueError(f"{len(weights)} weights make no {self.name} model, which has {self.features + 1}")
        return encode({"weights": np.asarray(weights, np.float32)})


class Linear(Weighted):
    """Least squares."""

    name = "linear"
    like = "linear_model.LinearRegression"

    def _solver(self) -> Any:
        from sklearn.linear_model import LinearRegression

        return LinearRegression()


class Ridge(Weighted):
    """Least squares with a penalty on the squares of the weights."""

    name = "ridge"
    like = "linear_model.Ridge"

    def _solver(self) -> Any:
        from sklearn.linear_model import Ridge

        return Ridge(alpha=1.0)
