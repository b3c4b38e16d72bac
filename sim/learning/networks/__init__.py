"""Networks: architectures whose models train in cohorts, many at once, with the same result as alone."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy.typing as npt

os.environ.setdefault("MKL_CBWR", "AUTO")  # else a product depends on where its numbers lie: by 1 bit, on some CPUs

Weights = dict[str, "npt.NDArray[np.float32]"]  # by name


class Pupil(NamedTuple):
    """A network about to train: where it starts, and what it sees in which order."""

    weights: Weights
    batches: npt.NDArray[np.integer[Any]]  # rows of the data, shape (steps, batch)


class Network(ABC):
    """An architecture. A model does not depend on which others train or answer with it, bit for bit."""

    @property
    @abstractmethod
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of a model's weights by name; layers are numbered, and "w1" and "b1" belong to one."""

    def draw(self, generator: np.random.Generator) -> Weights:
        """Draw initial weights: uniform within 1/√inputs of each layer, biases too (LeCun 1998; torch's default)."""
        shapes = self.shapes
        bounds = {name[1:]: np.prod(shape[:-1]) ** -0.5 for name, shape in shapes.items() if name[0] == "w"}
        return {
            name: (generator.random(shape, dtype=np.float32) * 2 - 1) * np.float32(bounds[name[1:]])
            for name, shape in shapes.items()
        }

    @abstractmethod
    def train(
        self,
        inputs: npt.NDArray[np.float32],
        labels: npt.NDArray[np.integer[Any]],
        pupils: Iterable[Pupil],
        rate: float,
    ) -> Iterator[Weights]:
        """Train networks by stochastic gradient descent on the cross-entropy; yield them in the order they came.

        Args:
            inputs: all the data, shape (rows, inputs).
            labels: the class of each row, shape (rows,).
            pupils: of one batch size; the number of steps may differ. Taken a chunk at a time, so memory is that of
                one chunk. Those of similar length are best kept together.
            rate: the learning rate.
        """

    @abstractmethod
    def predict(
        self, inputs: npt.NDArray[np.float32], models: Sequence[Weights], rows: Sequence[npt.NDArray[np.integer[Any]]]
    ) -> list[bytes]:
        """Return the likeliest class of each row, one byte a row, for each model.

        Args:
            inputs: all the data, shape (rows, inputs).
            models: weights by name.
            rows: for each model the rows that it answers, as many for each, shape (models, items).
        """

    @abstractmethod
    def logits(
        self, inputs: npt.NDArray[np.float32], model: Weights, rows: npt.NDArray[np.integer[Any]]
    ) -> npt.NDArray[np.float32]:
        """Return a model's score of each class for each row, whose softmax is its probability: shape (rows, classes).

        Args:
            inputs: all the data, shape (rows, inputs).
            model: weights by name.
            rows: those that it answers, shape (items,).
        """
