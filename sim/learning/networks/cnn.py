"""A small convolutional network, in cohorts that train together, each as if it were alone.

Convolutions are products of patches with filters, a batched matrix product like any other. Grouped convolutions and
`vmap(grad)` (which makes grouped convolutions) are a little faster for many models at once, but oneDNN picks its way
by the number of groups: a model then depends on how many train beside it, and here it never does. `slashpoint bench
convolution` compares them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy, max_pool2d, pad, relu

from slashpoint.sim.learning.networks import Network, Pupil, Weights

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy.typing as npt

    Tensors = dict[str, torch.Tensor]

FILTER = 3  # pixels on a side
PATCHES = 2**21  # numbers in the patches of the models that train at once: it bounds memory, and larger is slower
BLOCK = 256  # rows that a model answers at once


@dataclass(frozen=True)
class Cnn(Network):
    """Two layers of 3×3 filters, each with pooling by 2 and a rectifier, and a linear layer (after LeCun 1998)."""

    side: int  # of a square image, pixels
    classes: int
    channels: tuple[int, int] = (8, 16)

    def __post_init__(self) -> None:
        if self.side % 4:
            raise ValueError(f"images of {self.side}×{self.side} pixels cannot be halved twice: use task.model=mlp")

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return shapes: filters "w0", "w1" (channels in, 3, 3, channels out), "w2" (features, classes), and biases."""
        first, second = self.channels
        features = second * (self.side // 4) ** 2
        return {
            "w0": (1, FILTER, FILTER, first), "w1": (first, FILTER, FILTER, second), "w2": (features, self.classes),
            "b0": (first,), "b1": (second,), "b2": (self.classes,),
        }  # fmt: skip

    def chunk(self, batch: int) -> int:
        """Return how many models of a batch size train at once."""
        first, _ = self.channels
        patches = FILTER**2 * batch * (self.side**2 + first * (self.side // 2) ** 2)
        return max(1, PATCHES // patches)

    def train(
        self,
        inputs: npt.NDArray[np.float32],
        labels: npt.NDArray[np.integer[Any]],
        pupils: Iterable[Pupil],
        rate: float,
        chunk: int | None = None,
    ) -> Iterator[Weights]:
        """Train a cohort: see `Network.train`. How many train at once, `chunk`, never changes a result."""
        torch.set_num_threads(1)
        x = torch.from_numpy(inputs)
        y = torch.from_numpy(labels.astype(np.int64))
        waiting = iter(pupils)
        while together := list(islice(waiting, 1)):
            together += islice(waiting, (chunk or self.chunk(together[0].batches.shape[1])) - 1)
            yield from self._train_chunk(x, y, together, rate)

    @torch.inference_mode()
    def predict(
        self, inputs: npt.NDArray[np.float32], models: Sequence[Weights], rows: Sequence[npt.NDArray[np.integer[Any]]]
    ) -> list[bytes]:
        """Return what models answer: see `Network.predict`."""
        scores = (self.logits(inputs, model, some) for model, some in zip(models, rows, strict=True))
        return [one.argmax(1).astype(np.uint8).tobytes() for one in scores]

    @torch.inference_mode()
    def logits(
        self, inputs: npt.NDArray[np.float32], model: Weights, rows: npt.NDArray[np.integer[Any]]
    ) -> npt.NDArray[np.float32]:
        """Return a model's scores: see `Network.logits`."""
        torch.set_num_threads(1)
        x = torch.from_numpy(inputs)
        weights = {name: torch.from_numpy(array.copy())[None] for name, array in model.items()}
        picked = torch.from_numpy(rows.astype(np.int64))[None]
        parts = [picked[:, begin : begin + BLOCK] for begin in range(0, max(1, len(rows)), BLOCK)]
        found: npt.NDArray[np.float32] = torch.cat([self._forward(weights, x, part) for part in parts], 1)[0].numpy()
        return found

    def _train_chunk(self, x: torch.Tensor, y: torch.Tensor, pupils: list[Pupil], rate: float) -> list[Weights]:
        """Train all at once, those with most steps first: who still trains is always the head of each tensor."""
        order = sorted(range(len(pupils)), key=lambda i: -len(pupils[i].batches))
        stack = {name: torch.from_numpy(np.stack([pupils[i].weights[name] for i in order])) for name in self.shapes}
        lengths = [len(pupils[i].batches) for i in order]
        for step in range(lengths[0]):
            alive = sum(length > step for length in lengths)
            batch = torch.from_numpy(np.stack([pupils[i].batches[step] for i in order[:alive]]).astype(np.int64))
            head = {name: weights[:alive].requires_grad_() for name, weights in stack.items()}
            logits = self._forward(head, x, batch)
            loss = cross_entropy(logits.reshape(-1, self.classes), y[batch].reshape(-1), reduction="sum")
            slopes = torch.autograd.grad(loss, list(head.values()))  # of each model's own: none is in another's loss
            for name, slope in zip(head, slopes):
                stack[name][:alive].sub_(slope, alpha=rate / batch.shape[1])
        trained = [
            {name: weights[place].numpy().copy() for name, weights in stack.items()} for place in range(len(order))
        ]
        return [trained[place] for place in np.argsort(order)]

    def _forward(self, weights: Tensors, x: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """Return the logits, shape (models, rows, classes); `rows` has shape (models, rows)."""
        models, size = rows.shape
        signal = x.index_select(0, rows.reshape(-1)).view(models, 1, size, self.side, self.side)
        for layer, channels in enumerate(self.channels):
            filters = weights[f"w{layer}"].reshape(models, -1, channels).transpose(1, 2)
            side = signal.shape[-1]
            raw = torch.baddbmm(weights[f"b{layer}"].unsqueeze(2), filters, _patches(signal))
            pooled = max_pool2d(raw.view(models * channels, size, side, side), 2)
            signal = relu(pooled).view(models, channels, size, side // 2, side // 2)
        features = signal.transpose(1, 2).reshape(models, size, -1)
        return torch.baddbmm(weights["b2"].unsqueeze(1), features, weights["w2"])


def _patches(signal: torch.Tensor) -> torch.Tensor:
    """Arrange what filters see: (models, channels, rows, side, side) to (models, channels × 9, rows × side × side)."""
    models, channels, rows, side, _ = signal.shape
    wide = pad(signal, (1, 1, 1, 1))
    shifted = [wide[..., i : i + side, j : j + side] for i in range(FILTER) for j in range(FILTER)]
    return torch.stack(shifted, 2).reshape(models, channels * FILTER**2, rows * side * side)
