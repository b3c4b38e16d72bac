"""Naive Bayes: each feature tells of the band on its own, by a normal law or by the level that it has.

Features are measurements. A model that wants levels gets them by quantiles of its training rows.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from slashpoint.sim.learning.estimators import Classifier

if TYPE_CHECKING:
    import numpy.typing as npt

    from slashpoint.sim.learning.estimators import Floats, Tensors


class GaussianBayes(Classifier):
    """Features are normal within a band."""

    name = "gaussian_bayes"
    like = "naive_bayes.GaussianNB"
    axes: ClassVar = {"means": 2, "variances": 2, "chances": 1}

    def solver(self) -> Any:
        """Return scikit-learn's estimator."""
        from sklearn.naive_bayes import GaussianNB

        return GaussianNB()

    def _fitted(self, solver: Any, _rows: npt.NDArray[np.integer[Any]]) -> Tensors:
        return {"means": solver.theta_, "variances": solver.var_, "chances": np.log(solver.class_prior_)}

    def _scores(self, model: Tensors, rows: npt.NDArray[np.integer[Any]]) -> Floats | None:
        means, variances, chances = model["means"], model["variances"], model["chances"]
        if not means.shape == variances.shape == (len(chances), self.features) or not (variances > 0).all():
            return None
        scores = np.tile(chances.astype(np.float64), (len(rows), 1))
        for inputs, mean, variance in zip(self.scaled(rows).T, means.T, variances.T):
            scores -= (np.log(variance) + (inputs[:, None] - mean) ** 2 / variance) / 2
        return scores


class Leveled(Classifier):
    """What models of levels share: a table of what each level of each feature tells of each band."""

    axes: ClassVar = {"edges": 2, "table": 3, "chances": 1}
    levels: ClassVar[int]

    def prepared(self, rows: npt.NDArray[np.integer[Any]], fitting: npt.NDArray[np.integer[Any]]) -> Any:
        """Return the level of each feature, from 0: how many quantiles of the fitting rows it is above."""
        return _levels(rows, self._edges(fitting))

    def _edges(self, rows: npt.NDArray[np.integer[Any]]) -> Floats:
        """Return the quantiles between levels, shape (features, levels − 1)."""
        edges: Floats = np.quantile(rows, np.arange(1, self.levels) / self.levels, axis=0).T
        return edges

    @abstractmethod
    def _table(self, solver: Any) -> Floats:
        """Return the logarithm of what each level tells, shape (bands, features, levels)."""

    def _fitted(self, solver: Any, rows: npt.NDArray[np.integer[Any]]) -> Tensors:
        return {"edges": self._edges(rows), "table": self._table(solver), "chances": solver.class_log_prior_}

    def _scores(self, model: Tensors, rows: npt.NDArray[np.integer[Any]]) -> Floats | None:
        edges, table, chances = model["edges"], model["table"], model["chances"]
        shape = (len(chances), self.features, self.levels)
        if table.shape != shape or edges.shape != (self.features, self.levels - 1):
            return None
        scores = np.tile(chances.astype(np.float64), (len(rows), 1))
        for feature, level in enumerate(_levels(rows, edges).T):
            scores += table[:, feature, level].T
        return scores


class BernoulliBayes(Leveled):
    """Features are above or below their medians."""

    name = "bernoulli_bayes"
    like = "naive_bayes.BernoulliNB"
    levels = 2

    def solver(self) -> Any:
        """Return scikit-learn's estimator."""
        from sklearn.naive_bayes import BernoulliNB

        return BernoulliNB()

    def _table(self, solver: Any) -> Floats:
        above: Floats = solver.feature_log_prob_
        return np.stack([np.log1p(-np.exp(above)), above], axis=2)


class CategoricalBayes(Leveled):
    """Features are in one of four quarters."""

    name = "categorical_bayes"
    like = "naive_bayes.CategoricalNB"
    levels = 4

    def solver(self) -> Any:
        """Return scikit-learn's estimator."""
        from sklearn.naive_bayes import CategoricalNB

        return CategoricalNB(min_categories=self.levels)

    def _table(self, solver: Any) -> Floats:
        return np.stack(solver.feature_log_prob_, axis=1)


class MultinomialBayes(Leveled):
    """Features count: tenths of the training rows that they are above."""

    name = "multinomial_bayes"
    like = "naive_bayes.MultinomialNB"
    levels = 10

    def solver(self) -> Any:
        """Return scikit-learn's estimator."""
        from sklearn.naive_bayes import MultinomialNB

        return MultinomialNB()

    def _table(self, solver: Any) -> Floats:
        table: Floats = solver.feature_log_prob_[:, :, None] * np.arange(self.levels)
        return table


def _levels(rows: npt.NDArray[np.integer[Any]], edges: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """Return how many edges each feature is above, shape (rows, features)."""
    return np.column_stack([(inputs[:, None] > some).sum(1) for inputs, some in zip(rows.T, edges)])
