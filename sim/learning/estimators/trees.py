"""Trees: forests, extremely randomised forests and single trees, of numbers or of bands."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from slashpoint.sim.learning.estimators import Estimator
from slashpoint.sim.learning.forests import decode
from slashpoint.sim.learning.growing import Growth, grow

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from slashpoint.sim.learning.estimators import Values
    from slashpoint.sim.learning.records import Records


class Forest(Estimator):
    """A random forest for regression (Breiman 2001)."""

    name = "forest"
    like = "ensemble.RandomForestRegressor"
    seeded = True
    how: ClassVar[dict[str, Any]] = {}  # what is fixed of how its trees are grown

    def _fit(self, records: Records, seed: bytes) -> bytes:
        return grow(records, seed, self.grows).encode()

    def _predict(self, model: bytes, rows: npt.NDArray[np.integer[Any]]) -> Values | None:
        forest = decode(model)
        return forest.predict(rows) if forest is not None and forest.features == self.features else None

    @property
    def grows(self) -> Growth:
        """Return how its trees are grown."""
        return replace(self.growth, **self.how)
