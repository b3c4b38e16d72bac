"""Linear models: a weighted sum of features, least squares with or without a penalty on the weights, and logistic."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from slashpoint.sim.learning.codec import encode
from slashpoint.sim.learning.estimators import Classifier, Estimator, in_order, stored_constant, tensors

if TYPE_CHECKING:
    import numpy.typing as npt

    from slashpoint.sim.learning.estimators import Floats, Tensors, Values
    from slashpoint.sim.learning.records import Records


class Weighted(Estimator):
    """What regressions share: weights in float32, of features and labels between −1 and 1, the constant last."""

    @abstractmethod
    def solver(self) -> Any:
        """Return scikit-learn's estimator."""

    def _fit(self, records: Records, _seed: bytes) -> bytes:
        found = self.solver().fit(self.scaled(records[:, :-1]), self.label_scaled(records[:, -1]))
        return self.assemble(np.append(found.coef_, found.intercept_))

    def _predict(self, model: bytes, rows: npt.NDArray[np.integer[Any]]) -> Values | None:
        weights = self.weights(model)
        if weights is None:
            return None
        return self.label_of(in_order(self.scaled(rows), weights[None, :-1].astype(np.float64))[:, 0] + weights[-1])

    def weights(self, model: bytes) -> npt.NDArray[np.float32] | None:
        """Return the weights of the features and the constant, shape (features + 1,): see `Estimator.weights`."""
        if (always := stored_constant(model)) is not None:
            return np.append(np.zeros(self.features), self.label_scaled(np.array(always))).astype(np.float32)
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

    def solver(self) -> Any:
        """Return scikit-learn's estimator."""
        from sklearn.linear_model import LinearRegression

        return LinearRegression()


class Ridge(Weighted):
    """Least squares with a penalty on the squares of the weights (Hoerl, Kennard 1970)."""

    name = "ridge"
    like = "linear_model.Ridge"

    def solver(self) -> Any:
        """Return scikit-learn's estimator."""
        from sklearn.linear_model import Ridge

        return Ridge(alpha=1.0)


class Lasso(Weighted):
    """Least squares with a penalty on the sizes of the weights, so that some are 0 (Tibshirani 1996)."""

    name = "lasso"
    like = "linear_model.Lasso"

    def solver(self) -> Any:
        """Return scikit-learn's estimator."""
        from sklearn.linear_model import Lasso

        return Lasso(alpha=0.001)


class ElasticNet(Weighted):
    """Least squares with both penalties (Zou, Hastie 2005)."""

    name = "elastic_net"
    like = "linear_model.ElasticNet"

    def solver(self) -> Any:
        """Return scikit-learn's estimator."""
        from sklearn.linear_model import ElasticNet

        return ElasticNet(alpha=0.001)


class Logistic(Classifier):
    """The logarithms of the bands' chances are linear (multinomial logistic regression)."""

    name = "logistic"
    like = "linear_model.LogisticRegression"
    axes: ClassVar = {"weights": 2, "constants": 1}

    def solver(self) -> Any:
        """Return scikit-learn's estimator."""
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression(max_iter=1000)

    def _fitted(self, solver: Any, _rows: npt.NDArray[np.integer[Any]]) -> Tensors:
        weights, constants = solver.coef_, solver.intercept_
        if len(weights) == 1:  # of two bands it has the second one's alone
            weights, constants = np.vstack([0 * weights, weights]), np.append(0 * constants, constants)
        return {"weights": weights, "constants": constants}

    def _scores(self, model: Tensors, rows: npt.NDArray[np.integer[Any]]) -> Floats | None:
        weights, constants = model["weights"], model["constants"]
        if weights.shape != (len(constants), self.features):
            return None
        return in_order(self.scaled(rows), weights) + constants
