"""Softmax regression (multinomial logistic) in NumPy, in cohorts: a training takes milliseconds, without torch.

Who trains beside you never changes your weights, bit for bit: NumPy multiplies a stack of matrices one by one, and
what runs across models is element by element.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from slashpoint.sim.learning.networks import Network, Pupil, Weights

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]

CHUNK = 128  # models trained at once: their weights and activations together still fit a core's second-level cache


@dataclass(frozen=True)
class Softmax(Network):
    """One linear layer from inputs to classes."""

    inputs: int
    classes: int

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of weights "w0" (inputs, classes) and biases "b0" (classes,)."""
        return {"w0": (self.inputs, self.classes), "b0": (self.classes,)}

    def train(
        self,
        inputs: Floats,
        labels: npt.NDArray[np.integer[Any]],
        pupils: Iterable[Pupil],
        rate: float,
        chunk: int = CHUNK,
    ) -> Iterator[Weights]:
        """Train a cohort: see `Network.train`. How many train at once, `chunk`, never changes a result."""
        truth = np.eye(self.classes, dtype=np.float32)[labels]
        waiting = iter(pupils)
        while together := list(islice(waiting, chunk)):
            yield from _train_chunk(inputs, truth, together, rate)

    def predict(
        self, inputs: Floats, models: Sequence[Weights], rows: Sequence[npt.NDArray[np.integer[Any]]]
    ) -> list[bytes]:
        """Return what models answer: see `Network.predict`."""
        with np.errstate(all="ignore"):  # a stranger's weights may be anything
            scores = (self.logits(inputs, model, some) for model, some in zip(models, rows, strict=True))
            return [one.argmax(1).astype(np.uint8).tobytes() for one in scores]

    def logits(self, inputs: Floats, model: Weights, rows: npt.NDArray[np.integer[Any]]) -> Floats:
        """Return a model's scores: see `Network.logits`."""
        scores: Floats = inputs[rows] @ model["w0"] + model["b0"]
        return scores


def _train_chunk(x: Floats, truth: Floats, pupils: list[Pupil], rate: float) -> list[Weights]:
    """Train all at once, those with most steps first, so that who still trains is always the head of each array."""
    order = sorted(range(len(pupils)), key=lambda i: -len(pupils[i].batches))
    steps = [len(pupils[i].batches) for i in order]
    weight = np.stack([pupils[i].weights["w0"] for i in order])
    bias = np.stack([pupils[i].weights["b0"] for i in order])[:, None]
    with np.errstate(all="ignore"):  # it may start from a stranger's weights
        for begin, end in pairwise([0, *sorted(set(steps) - {0})]):
            alive = sum(count >= end for count in steps)
            batches = np.stack([pupils[i].batches[begin:end] for i in order[:alive]], 1)
            for rows in batches:
                _step(weight[:alive], bias[:alive], x[rows], truth[rows], rate)
    places = np.argsort(order)
    return [{"w0": weight[place].copy(), "b0": bias[place, 0].copy()} for place in places]


def _step(weight: Floats, bias: Floats, x: Floats, truth: Floats, rate: float) -> None:
    """Take one step of every model, in place; `x` has shape (models, batch, inputs)."""
    logits = x @ weight
    logits += bias
    logits -= logits.max(2, keepdims=True)
    error = np.exp(logits, out=logits)
    error /= error.sum(2, keepdims=True)
    error -= truth
    error *= np.float32(rate / x.shape[1])
    weight -= x.transpose(0, 2, 1) @ error
    bias -= np.ones((1, 1, x.shape[1]), np.float32) @ error  # a product, so that its order is fixed
