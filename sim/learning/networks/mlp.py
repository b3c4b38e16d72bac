"""The multi-layer perceptron, in cohorts that train together in batched kernels; without hidden layers it is linear.

Who trains beside you never changes your weights, bit for bit. Every sum runs within one network (batched matrix
products, softmax along an axis inside it), never across networks, and what runs across is exactly rounded element
by element. The gradient is written out because that is the fastest way on a CPU: `slashpoint bench cohort` compares it
with a loop and with `vmap(grad)`. Softmax runs along the middle axis, where torch vectorises it: along the last, ten
classes wide, it alone cost more than all the rest of a step.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from slashpoint.sim.learning.networks import Network, Pupil, Weights

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy.typing as npt

CHUNK = 64  # networks trained at once: their weights and activations together still fit a core's second-level cache
MAX_INPUT_NUMBERS = 2**23  # numbers that go into the networks that answer at once: it bounds memory


@dataclass(frozen=True)
class Mlp(Network):
    """Fully connected layers with rectifiers between them; `sizes` are (inputs, hidden …, classes)."""

    sizes: tuple[int, ...]

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return shapes: weights "w0" (inputs, hidden) and biases "b0" (hidden,), "w1" … of the layers in order."""
        layers = list(enumerate(pairwise(self.sizes)))
        return {f"w{i}": pair for i, pair in layers} | {f"b{i}": (pair[1],) for i, pair in layers}

    def train(
        self,
        inputs: npt.NDArray[np.float32],
        labels: npt.NDArray[np.integer[Any]],
        pupils: Iterable[Pupil],
        rate: float,
        chunk: int = CHUNK,
    ) -> Iterator[Weights]:
        """Train a cohort: see `Network.train`. How many train at once, `chunk`, never changes a result."""
        torch.set_num_threads(1)
        x = torch.from_numpy(inputs)
        y = torch.from_numpy(labels.astype(np.int64))
        waiting = iter(pupils)
        while together := list(islice(waiting, chunk)):
            yield from _train_chunk(x, y, together, rate)

    @torch.inference_mode()
    def predict(
        self,
        inputs: npt.NDArray[np.float32],
        models: Sequence[Weights],
        rows: Sequence[npt.NDArray[np.integer[Any]]],
    ) -> list[bytes]:
        """Return what models answer: see `Network.predict`."""
        torch.set_num_threads(1)
        x = torch.from_numpy(inputs)
        answers: list[bytes] = []
        chunk = max(1, min(CHUNK, MAX_INPUT_NUMBERS // (inputs.shape[1] * max(map(len, rows), default=1))))
        for start in range(0, len(models), chunk):
            some = models[start : start + chunk]
            weights = {name: torch.from_numpy(np.stack([model[name] for model in some])) for name in some[0]}
            picked = torch.from_numpy(np.stack(rows[start : start + chunk]).astype(np.int64))
            _, logits = _forward(weights, x, picked)
            answers += [classes.tobytes() for classes in logits.argmax(1).to(torch.uint8).numpy()]
        return answers

    @torch.inference_mode()
    def logits(
        self, inputs: npt.NDArray[np.float32], model: Weights, rows: npt.NDArray[np.integer[Any]]
    ) -> npt.NDArray[np.float32]:
        """Return a model's scores: see `Network.logits`."""
        torch.set_num_threads(1)
        weights = {name: torch.from_numpy(array.copy())[None] for name, array in model.items()}
        _, scores = _forward(weights, torch.from_numpy(inputs), torch.from_numpy(rows.astype(np.int64))[None])
        found: npt.NDArray[np.float32] = scores[0].T.numpy()
        return found


@torch.inference_mode()
def _train_chunk(x: torch.Tensor, y: torch.Tensor, pupils: list[Pupil], rate: float) -> list[Weights]:
    """Train all at once, those with most steps first, so that who still trains is always the head of each tensor."""
    order = sorted(range(len(pupils)), key=lambda i: -len(pupils[i].batches))
    names = pupils[0].weights
    stack = {name: torch.from_numpy(np.stack([pupils[i].weights[name] for i in order])) for name in names}
    steps = [len(pupils[i].batches) for i in order]
    rows = torch.zeros((steps[0], len(order), pupils[0].batches.shape[1]), dtype=torch.int64)
    for place, i in enumerate(order):
        rows[: steps[place], place] = torch.from_numpy(pupils[i].batches.astype(np.int64))
    for begin, end in pairwise([0, *sorted(set(steps) - {0})]):
        alive = sum(count >= end for count in steps)
        head = {name: weights[:alive] for name, weights in stack.items()}
        for batch in rows[begin:end, :alive]:
            _step(head, x, y, batch, rate)
    trained = [{name: weights[place].numpy().copy() for name, weights in stack.items()} for place in range(len(order))]
    return [trained[place] for place in np.argsort(order)]


def _step(weights: dict[str, torch.Tensor], x: torch.Tensor, y: torch.Tensor, rows: torch.Tensor, rate: float) -> None:
    """Take one step of every network, in place; `rows` has shape (networks, batch)."""
    count, size = rows.shape
    signals, logits = _forward(weights, x, rows)
    error = torch.softmax(logits, 1)  # less one at the true classes:
    truth = y.index_select(0, rows.reshape(-1)).view(count, 1, size)
    error.scatter_add_(1, truth, error.new_full((count, 1, size), -1))
    delta = error.transpose(1, 2)
    ones = error.new_ones((1, 1, size)).expand(count, 1, size)
    for i in reversed(range(len(signals))):
        back = torch.bmm(delta, weights[f"w{i}"].transpose(1, 2)).mul_(signals[i].sign()) if i else delta
        weights[f"w{i}"].baddbmm_(signals[i].transpose(1, 2), delta, alpha=-rate / size)
        weights[f"b{i}"].unsqueeze(1).baddbmm_(ones, delta, alpha=-rate / size)  # a product, so that its order is fixed
        delta = back


def _forward(
    weights: dict[str, torch.Tensor], x: torch.Tensor, rows: torch.Tensor
) -> tuple[list[torch.Tensor], torch.Tensor]:
    """Return each layer's inputs, (networks, batch, width), and the logits, transposed: (networks, classes, batch)."""
    signals = [x.index_select(0, rows.reshape(-1)).view(*rows.shape, -1)]
    last = len(weights) // 2 - 1
    for i in range(last):
        signals.append(torch.baddbmm(weights[f"b{i}"].unsqueeze(1), signals[i], weights[f"w{i}"]).clamp_min_(0))
    bias, weight = weights[f"b{last}"].unsqueeze(2), weights[f"w{last}"].transpose(1, 2)
    return signals, torch.baddbmm(bias, weight, signals[-1].transpose(1, 2))
