"""Networks trained side by side: a loop over models, `vmap(grad)`, plain `bmm`, and the cohort.

The default MLP of the task digits (64-32-10, batches of 32, SGD), one thread. "loop" is the textbook's: a module, an
optimizer, `backward`; "bmm" is the gradient as one would first write it for a batch of models. The loop's cost per
model does not depend on how many there are: it trains ten at most.
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from slashpoint.experiments.bench.benchmark import Once, Setting, contender

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from slashpoint.sim.learning.networks import Pupil

    Tensors = dict[str, Tensor]

SETTING = Setting("model steps/s", "models", (1, 10, 100, 1_000), long=(10_000,), base="loop")
SIZES, BATCH, ROWS, RATE = (64, 32, 10), 32, 1697, 0.3
LOOPED = 10


def steps(models: int) -> int:
    """Return the steps of gradient descent in a turn."""
    return max(20, 400 // models)


def data() -> tuple[np.ndarray, np.ndarray]:
    """Return made-up inputs and their classes."""
    from slashpoint.sim.luck import Luck

    generator = Luck("data").generator()
    return generator.random((ROWS, SIZES[0]), dtype=np.float32), generator.integers(SIZES[-1], size=ROWS)


def trained(models: int, train: Callable[[Tensor, Tensor, Sequence[Pupil]], object]) -> Once:
    """Return what trains fresh models for a while.

    Args:
        models: how many.
        train: trains all of them.
    """
    import torch

    from slashpoint.sim.learning.networks import Pupil
    from slashpoint.sim.learning.networks.mlp import Mlp
    from slashpoint.sim.luck import Luck

    torch.set_num_threads(1)
    x, y = map(torch.from_numpy, data())
    generator, rounds = Luck("benchmark").generator(), steps(models)

    def once() -> float:
        these = [
            Pupil(Mlp(SIZES).draw(generator), generator.integers(ROWS, size=(rounds, BATCH))) for _ in range(models)
        ]
        began = perf_counter()
        train(x, y, these)
        return models * rounds / (perf_counter() - began)

    return once


def stacked(these: Sequence[Pupil]) -> tuple[Tensors, Tensor]:
    """Return weights and batches of all models, side by side."""
    import torch

    weights = {name: torch.from_numpy(np.stack([one.weights[name] for one in these])) for name in these[0].weights}
    return weights, torch.from_numpy(np.stack([one.batches for one in these], 1))


def loss(weights: Tensors, x: Tensor, y: Tensor) -> Tensor:
    """Return the loss of one model on one batch."""
    import torch

    hidden = torch.relu(x @ weights["w0"] + weights["b0"])
    return torch.nn.functional.cross_entropy(hidden @ weights["w1"] + weights["b1"], y)


@contender("loop")
def loop(models: int) -> Once:
    import torch

    def train(x: Tensor, y: Tensor, these: Sequence[Pupil]) -> None:
        for one in these:
            model = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))
            optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
            for rows in torch.from_numpy(one.batches):
                optimizer.zero_grad()
                torch.nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
                optimizer.step()

    return trained(min(models, LOOPED), train)


@contender("vmap")
def mapped(models: int) -> Once:
    from torch.func import grad, vmap

    def train(x: Tensor, y: Tensor, these: Sequence[Pupil]) -> None:
        weights, batches = stacked(these)
        gradient = vmap(grad(loss))
        for rows in batches:
            slopes = gradient(weights, x[rows], y[rows])
            weights = {name: weight - RATE * slopes[name] for name, weight in weights.items()}

    return trained(models, train)


@contender("bmm")
def bmm(models: int) -> Once:
    import torch

    def train(x: Tensor, y: Tensor, these: Sequence[Pupil]) -> None:
        weights, batches = stacked(these)
        w0, b0, w1, b1 = weights["w0"], weights["b0"].unsqueeze(1), weights["w1"], weights["b1"].unsqueeze(1)
        one_hot = torch.eye(SIZES[-1])
        for rows in batches:
            inputs = x[rows]
            hidden = torch.relu(torch.bmm(inputs, w0) + b0)
            error = (torch.softmax(torch.bmm(hidden, w1) + b1, 2) - one_hot[y[rows]]) / BATCH
            back = torch.bmm(error, w1.transpose(1, 2)) * (hidden > 0)
            w1 = w1 - RATE * torch.bmm(hidden.transpose(1, 2), error)
            b1 = b1 - RATE * error.sum(1, keepdim=True)
            w0 = w0 - RATE * torch.bmm(inputs.transpose(1, 2), back)
            b0 = b0 - RATE * back.sum(1, keepdim=True)

    return trained(models, train)


@contender("cohort")
def ours(models: int) -> Once:
    from slashpoint.sim.learning.networks.mlp import Mlp

    inputs, classes = data()
    return trained(models, lambda _x, _y, these: list(Mlp(SIZES).train(inputs, classes, these, RATE)))
