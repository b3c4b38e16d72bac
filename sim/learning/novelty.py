"""Novelty: how far a query is from the training data, told by an autoencoder (Hinton, Salakhutdinov 2006).

A network learns to write training rows in few numbers and to read them back. What resembles none of them comes back
wrong (Sakurada, Yairi 2014). The score of a query is the percentile of its error among the errors of training rows that
the network never saw: 50 is an ordinary row, 100 a row that is reconstructed worse than all of them.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
import torch

from slashpoint.sim.learning.codec import ModelError, decode, encode
from slashpoint.sim.luck import Luck

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.floating[Any]]

HIDDEN = 128  # units of the layers beside the narrowest
CODE = 8  # numbers that a row is written in; half of its own where these are fewer
HELD = 5  # one row in so many is held out: its error is what others are compared with
STEPS, BATCH, RATE = 1500, 64, 3e-3  # of Adam (Kingma, Ba 2015), the rate falling to zero by a cosine
FLOOR = 0.1  # a number counts in units of its deviation, but of at least this share of its range: it may be rare
FAR = 1e6  # units beyond which a number counts as so far away: strangers may send anything
LAYERS = 4
FEW = 2 * HELD  # rows that are too few to fit


class Novelty(NamedTuple):
    """A fitted autoencoder, and the errors that queries are compared with. Data only: it may be published."""

    mean: npt.NDArray[np.float32]  # of each number of the rows, shape (inputs,)
    unit: npt.NDArray[np.float32]  # what each is counted in, shape (inputs,)
    weights: tuple[npt.NDArray[np.float32], ...]  # of each layer, shape (width, next width)
    biases: tuple[npt.NDArray[np.float32], ...]  # of each layer, shape (next width,)
    held: npt.NDArray[np.float32]  # errors of held-out rows, rising, shape (rows held out,)

    @classmethod
    def fit(cls, rows: Floats, seed: int | str) -> Self:
        """Fit an autoencoder to training rows; the same rows and seed give the same one, bit for bit.

        Args:
            rows: the training data without labels, shape (rows, inputs), finite.
            seed: of the rows held out, the first weights and the batches.

        Raises:
            ValueError: too few rows, or some that are no numbers.
        """
        rows = np.asarray(rows, np.float32)
        if rows.ndim != 2 or len(rows) < FEW or not np.isfinite(rows).all():
            raise ValueError(f"rows of shape {rows.shape}: an autoencoder needs {FEW} rows or more of finite numbers")
        generator = Luck("novelty", seed).generator()
        order = generator.permutation(len(rows))
        held, seen = np.split(rows[order], [len(rows) // HELD])
        mean, spread = seen.mean(0, dtype=np.float64), seen.std(0, dtype=np.float64)
        unit = np.maximum(spread, FLOOR * np.ptp(seen, 0).astype(np.float64))
        unit[unit == 0] = unit[unit > 0].mean() if unit.any() else 1.0  # what never differed has no unit of its own
        blank = cls(mean.astype(np.float32), unit.astype(np.float32), (), (), np.empty(0, np.float32))
        inputs = rows.shape[1]
        widths = (inputs, HIDDEN, min(CODE, max(1, inputs // 2)), HIDDEN, inputs)
        parts = _train(blank._scaled(seen), widths, generator)
        fitted = blank._replace(weights=parts[:LAYERS], biases=parts[LAYERS:])
        return fitted._replace(held=np.sort(fitted.errors(held)))

    @property
    def inputs(self) -> int:
        """Count the numbers of a row."""
        return len(self.mean)

    def errors(self, rows: Floats) -> npt.NDArray[np.float32]:
        """Return the mean squared error of each row, in units of each number's deviation, shape (rows,)."""
        rows = np.asarray(rows)
        if rows.ndim != 2 or rows.shape[1] != self.inputs:
            raise ValueError(f"rows of shape {rows.shape}: each needs {self.inputs} numbers, as the training rows have")
        scaled = self._scaled(rows)
        with torch.inference_mode():
            torch.set_num_threads(1)
            gap = (_forward(self._layers(), scaled) - scaled).square_().mean(1)
        found: npt.NDArray[np.float32] = gap.numpy()
        return found

    def percentile(self, rows: Floats) -> npt.NDArray[np.float64]:
        """Return for each row which percentage of held-out training rows has a smaller error, shape (rows,)."""
        better = np.searchsorted(self.held, self.errors(rows)).astype(np.float64)
        return better * (100 / len(self.held))

    def encode(self) -> bytes:
        """Pack it, for others to use."""
        layers = {f"w{i}": one for i, one in enumerate(self.weights)} | {f"b{i}": b for i, b in enumerate(self.biases)}
        return encode({"mean": self.mean, "unit": self.unit, "held": self.held, **layers})

    @classmethod
    def decode(cls, packed: bytes) -> Self:
        """Unpack what `encode` packed.

        Raises:
            ModelError: bytes that are no autoencoder of this kind.
        """
        found = decode(packed)
        names = ("mean", "unit", "held", *(f"{kind}{i}" for kind in "wb" for i in range(LAYERS)))
        if sorted(found) != sorted(names) or any(one.dtype != np.float32 for one in found.values()):
            raise ModelError(f"tensors {', '.join(sorted(found))}: an autoencoder has {', '.join(names)} of float32")
        if not all(np.isfinite(one).all() for one in found.values()) or not (found["unit"] > 0).all():
            raise ModelError("an autoencoder has finite numbers only, and units above 0")
        weights, biases = ([found[f"{kind}{i}"] for i in range(LAYERS)] for kind in "wb")
        if not found["held"].ndim == 1 or not len(found["held"]) or not _fits(found, weights, biases):
            raise ModelError("the layers of this autoencoder do not fit each other and the rows that it is for")
        return cls(found["mean"], found["unit"], tuple(weights), tuple(biases), np.sort(found["held"]))

    def _scaled(self, rows: Floats) -> torch.Tensor:
        """Count numbers in units of their deviation; what is no number is as far away as can be."""
        with np.errstate(all="ignore"):
            scaled = (rows - self.mean) / self.unit
        return torch.from_numpy(np.nan_to_num(scaled, nan=FAR, posinf=FAR, neginf=-FAR).clip(-FAR, FAR).astype("f4"))

    def _layers(self) -> list[torch.Tensor]:
        return [torch.from_numpy(one.copy()) for one in (*self.weights, *self.biases)]


def _fits(found: dict[str, Any], weights: Sequence[Any], biases: Sequence[Any]) -> bool:
    """Tell whether layers take rows, follow each other and give rows."""
    if any(one.ndim != 2 for one in weights) or any(one.ndim != 1 for one in biases):
        return False
    ends = [found["mean"].shape, *(one.shape[1:] for one in weights)]
    starts = [one.shape[:1] for one in weights] + [found["unit"].shape]
    return ends == starts and [one.shape for one in biases] == ends[1:]


def _forward(layers: Sequence[torch.Tensor], rows: torch.Tensor) -> torch.Tensor:
    """Write rows in few numbers and read them back, shape (rows, inputs); wide layers are tanh, the others linear."""
    for i in range(LAYERS):
        rows = torch.addmm(layers[LAYERS + i], rows, layers[i])
        if i % 2 == 0:
            rows = torch.tanh(rows)
    return rows


def _train(
    rows: torch.Tensor, widths: Sequence[int], generator: np.random.Generator
) -> tuple[npt.NDArray[np.float32], ...]:
    """Train the layers on the squared error; return all weights, then all biases."""
    torch.set_num_threads(1)
    drawn = [(generator.random(pair, np.float32) * 2 - 1) * np.float32(pair[0] ** -0.5) for pair in pairwise(widths)]
    weights = [torch.from_numpy(one).requires_grad_() for one in drawn]
    layers = weights + [torch.zeros(width).requires_grad_() for width in widths[1:]]
    optimiser = torch.optim.Adam(layers, RATE)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS)
    for batch in generator.integers(len(rows), size=(STEPS, BATCH)):
        seen = rows[torch.from_numpy(batch)]
        loss = (_forward(layers, seen) - seen).square().mean()
        for layer, slope in zip(layers, torch.autograd.grad(loss, layers)):
            layer.grad = slope
        optimiser.step()
        falling.step()
    return tuple(layer.detach().numpy() for layer in layers)
