"""Trees: forests, extremely randomised forests and single trees, of labels or of bands."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from slashpoint.sim.learning.estimators import Estimator
from slashpoint.sim.learning.forests import decode
from slashpoint.sim.learning.growing import grow

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
    seeded = False
    fixed: ClassVar = {**SingleTree.fixed, "votes": True}
