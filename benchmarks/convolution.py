"""Small convolutional networks side by side: a loop, `vmap(grad)`, grouped convolutions, and patches times filters.

Two layers of 3×3 filters, 8 and 16, batches of 32, one thread. All but the last may give a model other bits when
others train beside it (the loop does not, and is the slowest for small images): the cohort is patches times filters.
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from slashpoint.experiments.bench.benchmark import Once, Setting, contender

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    Tensors = dict[str, Tensor]

SETTING = Setting(
    "model steps/s", "images", ("8×8, 1 model", "8×8, 32 models", "28×28, 1 model", "28×28, 8 models"), base="loop"
)
BATCH, ROWS, RATE, CLASSES = 32, 500, 0.1, 10
STEPS = {8: 64, 28: 16}  # of all models together, in a turn


def trained(case: str, train: Callable[..., object]) -> Once:
    """Return what trains fresh models for a while: `train(weights, x, y, batches)`, all of them stacked.

    Args:
        case: the side of the images and the number of models.
        train: trains all models.
    """
    import torch

    from slashpoint.sim.learning.networks.cnn import Cnn
    from slashpoint.sim.luck import Luck

    torch.set_num_threads(1)
    side, models = int(case.split("×", maxsplit=1)[0]), int(case.split()[1])
    generator, network, steps = Luck("convolution").generator(), Cnn(side, CLASSES), max(1, STEPS[side] // models)
    x = torch.from_numpy(generator.random((ROWS, side * side), dtype=np.float32))
    y = torch.from_numpy(generator.integers(CLASSES, size=ROWS))

    def once() -> float:
        drawn = [network.draw(generator) for _ in range(models)]
        weights = {name: torch.from_numpy(np.stack([one[name] for one in drawn])) for name in drawn[0]}
        batches = torch.from_numpy(generator.integers(ROWS, size=(steps, models, BATCH)))
        began = perf_counter()
        train(weights, x, y, batches)
        return models * steps / (perf_counter() - began)

    return once


def loss(weights: Tensors, x: Tensor, y: Tensor) -> Tensor:
    """Return the loss of one model on one batch."""
    from torch.nn.functional import conv2d, cross_entropy, max_pool2d

    side = round(x.shape[-1] ** 0.5)
    signal = x.reshape(-1, 1, side, side)
    for i in (0, 1):
        signal = conv2d(signal, weights[f"w{i}"].permute(3, 0, 1, 2), weights[f"b{i}"], padding=1)
        signal = max_pool2d(signal, 2).relu()
    return cross_entropy(signal.flatten(1) @ weights["w2"] + weights["b2"], y)


def together(weights: Tensors, x: Tensor, y: Tensor) -> Tensor:
    """Return the sum of all models' losses, each on its own batch: a group of channels is a model."""
    from torch.nn.functional import conv2d, cross_entropy, max_pool2d

    models, batch, pixels = x.shape
    side = round(pixels**0.5)
    signal = x.transpose(0, 1).reshape(batch, models, side, side)
    for i in (0, 1):
        filters = weights[f"w{i}"].permute(0, 4, 1, 2, 3).flatten(0, 1)
        signal = conv2d(signal, filters, weights[f"b{i}"].flatten(), padding=1, groups=models)
        signal = max_pool2d(signal, 2).relu()
    features = signal.reshape(batch, models, -1).transpose(0, 1)
    said = features @ weights["w2"] + weights["b2"].unsqueeze(1)
    return cross_entropy(said.flatten(0, 1), y.flatten(), reduction="sum") / batch


def descend(weights: Tensors, slopes: tuple[Tensor, ...]) -> Tensors:
    """Take one step of gradient descent."""
    return {
        name: (weight.detach() - RATE * slope).requires_grad_()
        for (name, weight), slope in zip(weights.items(), slopes)
    }


@contender("loop")
def loop(case: str) -> Once:
    import torch

    def train(weights: Tensors, x: Tensor, y: Tensor, batches: Tensor) -> None:
        for i in range(batches.shape[1]):
            mine = {name: weight[i].clone().requires_grad_() for name, weight in weights.items()}
            for rows in batches[:, i]:
                mine = descend(mine, torch.autograd.grad(loss(mine, x[rows], y[rows]), list(mine.values())))

    return trained(case, train)


@contender("vmap")
def mapped(case: str) -> Once:
    from torch.func import grad, vmap

    def train(weights: Tensors, x: Tensor, y: Tensor, batches: Tensor) -> None:
        gradient = vmap(grad(loss))
        for rows in batches:
            slopes = gradient(weights, x[rows], y[rows])
            weights = {name: weight - RATE * slopes[name] for name, weight in weights.items()}

    return trained(case, train)


@contender("grouped")
def grouped(case: str) -> Once:
    import torch

    def train(weights: Tensors, x: Tensor, y: Tensor, batches: Tensor) -> None:
        weights = {name: weight.requires_grad_() for name, weight in weights.items()}
        for rows in batches:
            weights = descend(weights, torch.autograd.grad(together(weights, x[rows], y[rows]), list(weights.values())))

    return trained(case, train)


@contender("cohort")
def ours(case: str) -> Once:
    from slashpoint.sim.learning.networks import Pupil
    from slashpoint.sim.learning.networks.cnn import Cnn

    def train(weights: Tensors, x: Tensor, y: Tensor, batches: Tensor) -> None:
        network = Cnn(round(x.shape[1] ** 0.5), CLASSES)
        pupils = [
            Pupil({name: weight[i].numpy() for name, weight in weights.items()}, batches[:, i].numpy())
            for i in range(batches.shape[1])
        ]
        list(network.train(x.numpy(), y.numpy(), pupils, RATE))

    return trained(case, train)
