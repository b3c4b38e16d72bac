"""Trees: forests, extremely randomised forests and single trees, of labels or of bands."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from slashpoint.sim.learning.estimators import Estimator
from slashpoint.sim.learning.forests import Forest, decode
from slashpoint.sim.learning.growing import grow, rounded

if TYPE_CHECKING:
    import numpy.typing as npt

    from slashpoint.sim.learning.estimators import Values
    from slashpoint.sim.learning.growing import Growth
    from slashpoint.sim.learning.records import Records


class RandomForest(Estimator):
    """A random forest for regression (Breiman 2001)."""

    name = "forest"
    like = "ensemble.RandomForestRegressor"
    seeded = True
    fixed: ClassVar[dict[str, Any]] = {}  # of how its trees are grown

    @property
    def grows(self) -> Growth:
        """Return how its trees are grown."""
        return replace(self.growth, **self.fixed)

    def _fit(self, records: Records, seed: bytes) -> bytes:
        if self.grows.votes:
            bands, means = self.bands(records)
            records = np.column_stack([records[:, :-1], means[bands]]).astype(np.int32)
        return grow(records, seed if self.seeded else b"", self.grows).encode()

    def _predict(self, model: bytes, rows: npt.NDArray[np.integer[Any]]) -> Values | None:
        forest = decode(model)
        if forest is None or forest.features != self.features:
            return None
        return forest.majority(rows) if self.grows.votes else forest.predict(rows)


class ForestClassifier(RandomForest):
    """A random forest whose trees vote for a band."""

    name = "forest_classifier"
    like = "ensemble.RandomForestClassifier"
    classifies = True
    fixed: ClassVar = {"votes": True}


class ExtraTrees(RandomForest):
    """Trees on all records that are split at random points (Geurts, Ernst, Wehenkel 2006)."""

    name = "extra_trees"
    like = "ensemble.ExtraTreesRegressor"
    fixed: ClassVar = {"bootstrap": False, "random": True}


class SingleTree(RandomForest):
    """One tree on all records that tries all features at each split."""

    name = "tree"
    like = "tree.DecisionTreeRegressor"
    seeded = False
    fixed: ClassVar = {"trees": 1, "bootstrap": False, "tried": 10**6}


class TreeClassifier(RandomForest):
    """The same for bands."""

    name = "tree_classifier"
    like = "tree.DecisionTreeClassifier"
    classifies = True
    seeded = False
    fixed: ClassVar = {**SingleTree.fixed, "votes": True}


class Boosting(RandomForest):
    """Trees of three comparisons, each of what those before it left unexplained (Friedman 2001).

    Its sum is a forest's mean: a leaf answers so much more that the mean of all is the first guess and the sum.
    """

    name = "boosting"
    like = "ensemble.GradientBoostingRegressor"

    def solver(self, seed: bytes) -> Any:
        """Return scikit-learn's estimator."""
        from sklearn.ensemble import GradientBoostingRegressor

        return GradientBoostingRegressor(
            n_estimators=self.growth.trees,
            max_depth=self.growth.depth or 3,
            min_samples_leaf=self.growth.leaf,
            max_features="sqrt",
            random_state=int.from_bytes(sha256(seed).digest()[:4], "big"),
        )

    def _fit(self, records: Records, seed: bytes) -> bytes:
        solver = self.solver(seed).fit(records[:, :-1].astype(np.float32), records[:, -1].astype(np.float64))
        grown = [one.tree_ for one in solver.estimators_[:, 0]]
        start, part = float(solver.init_.constant_[0, 0]), len(grown) * solver.learning_rate
        return Forest(self.features, tuple(rounded(one, start + part * one.value[:, 0, 0]) for one in grown)).encode()
