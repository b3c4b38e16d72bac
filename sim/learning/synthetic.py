"""Synthetic: a mixture of Gaussians, one a class, learnt by softmax regression in milliseconds and without torch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np

from slashpoint.sim.domain import Positive, Some, Within
from slashpoint.sim.learning.classification import Classification
from slashpoint.sim.learning.networks.softmax import Softmax
from slashpoint.sim.luck import Luck

if TYPE_CHECKING:
    import numpy.typing as npt


@dataclass(frozen=True)
class Synthetic(Classification):
    """Tell classes apart whose inputs are normal, of variance one, around centres at one distance from the origin.

    The table follows from the parameters alone. The best possible classifier is the nearest centre, which is linear.
    """

    name: ClassVar[str] = "synthetic"
    kind: ClassVar[str] = "softmax"
    classes: ClassVar[int] = 10
    scale: Annotated[int, Within(1, 10**6)] = 100  # test items of a problem
    size: Annotated[int, Within(2, 10**6)] = 2000  # rows, those of the test among them
    features: Annotated[int, Within(1, 1000)] = 16  # numbers in a row
    distance: Positive = 3.5  # of the centres from the origin, standard deviations: 0.94 can be got right
    epochs: Annotated[int, Within(1, 10_000)] = 5  # passes over the training rows in a full training
    batch: Some = 16  # rows a step
    rate: Annotated[float, Within(0, 1000, "low")] = 0.05  # learning rate
    seconds: Annotated[float, Within(0, 10**9, "low")] = 60.0  # simulated, of a full training on the reference device

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.scale >= self.size:
            raise ValueError(f"task.scale={self.scale} leaves nothing to train on: task.size={self.size}")

    @cached_property
    def centres(self) -> npt.NDArray[np.float32]:
        """Draw the centre of each class's inputs, shape (classes, features)."""
        drawn = Luck(self.name, "centres", self.features).generator().standard_normal((self.classes, self.features))
        placed: npt.NDArray[np.float64] = self.distance * drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
        return placed.astype(np.float32)

    @cached_property
    def table(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]:
        """Draw the inputs, shape (size, features), and their classes, about as many rows of each."""
        generator = Luck(self.name, "rows", self.size, self.features).generator()
        classes = generator.integers(self.classes, size=self.size).astype(np.uint8)
        noise = generator.standard_normal((self.size, self.features), dtype=np.float32)
        noise += self.centres[classes]
        return noise, classes

    @cached_property
    def network(self) -> Softmax:
        """Return the network: one linear layer."""
        return Softmax(self.features, self.classes)
