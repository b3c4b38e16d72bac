"""Support vector machines (Cortes, Vapnik 1995) with a Gaussian kernel, for labels and for bands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from slashpoint.sim.learning.codec import encode
from slashpoint.sim.learning.estimators import MAX_ROWS, Classifier, Estimator, in_order, squared_distances, tensors

if TYPE_CHECKING:
    import numpy.typing as npt

    from slashpoint.sim.learning.estimators import Floats, Tensors, Values
    from slashpoint.sim.learning.records import Records

AXES = {"rows": 2, "weights": 2, "constants": 1, "width": 1}


class SupportRegression(Estimator):
    """Labels within a margin cost nothing, the others by their distance (epsilon-SVR)."""

    name = "svr"
    like = "svm.SVR"

    def solver(self) -> Any:
        """Return scikit-learn's estimator."""
        from sklearn.svm import SVR

        return SVR(gamma=1.0)  # pyright: ignore[reportArgumentType] # its annotation is of the default alone

    def _fit(self, records: Records, _seed: bytes) -> bytes:
        solver = self.solver().fit(self.scaled(records[:, :-1]), self.label_scaled(records[:, -1]))
        return encode(_packed(records[solver.support_, :-1], solver.dual_coef_, solver.intercept_, solver.gamma))

    def _predict(self, model: bytes, rows: npt.NDArray[np.integer[Any]]) -> Values | None:
        found = tensors(model, **AXES)
        sums = None if found is None else _sums(self, found, rows)
        return None if sums is None or sums.shape[1] != 1 else self.label_of(sums[:, 0])


class SupportClassifier(Classifier):
    """Each band is told from all others by the widest margin (C-SVC); the furthest inside its band decides."""

    name = "svc"
    like = "svm.SVC"
    axes = AXES

    def solver(self) -> Any:
        """Return scikit-learn's estimator."""
        from sklearn.multiclass import OneVsRestClassifier
        from sklearn.svm import SVC

        return OneVsRestClassifier(SVC(gamma=1.0))  # pyright: ignore[reportArgumentType] # the same

    def _fitted(self, solver: Any, rows: npt.NDArray[np.integer[Any]]) -> Tensors:
        machines = solver.estimators_
        weights = np.zeros((len(machines), len(rows)))
        for own, machine in zip(weights, machines):
            own[machine.support_] = machine.dual_coef_[0]
        used = (weights != 0).any(0)
        constants = np.concatenate([machine.intercept_ for machine in machines])
        if len(machines) == 1:  # of two bands it has the second one's alone
            weights, constants = np.vstack([0 * weights, weights]), np.append(0 * constants, constants)
        return _packed(rows[used], weights[:, used], constants, machines[0].gamma)

    def _scores(self, model: Tensors, rows: npt.NDArray[np.integer[Any]]) -> Floats | None:
        return _sums(self, model, rows)


def _packed(rows: npt.NDArray[np.integer[Any]], weights: Floats, constants: Floats, width: float) -> Tensors:
    """Return the tensors of machines: support rows, the weight of each for each machine, constants, 1/width²."""
    return {"rows": rows, "weights": weights, "constants": constants, "width": np.array([width])}


def _sums(machine: Estimator, model: Tensors, rows: npt.NDArray[np.integer[Any]]) -> Floats | None:
    """Return what each machine says of each row, shape (rows, machines); None for tensors that do not fit."""
    support, weights, constants = model["rows"], model["weights"], model["constants"]
    if support.dtype != np.int32 or support.shape[1] != machine.features or len(support) > MAX_ROWS:
        return None
    if weights.shape != (len(constants), len(support)) or len(model["width"]) != 1 or model["width"][0] <= 0:
        return None
    near = np.exp(-model["width"][0] * squared_distances(machine.scaled(rows), machine.scaled(support)))
    return in_order(near, weights) + constants
