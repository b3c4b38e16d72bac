"""How fast networks train side by side: a loop over models, `vmap(grad)`, plain `bmm`, and the cohort.

    python benchmarks/cohort.py [--json] [--long]

The default MLP of the task digits (64-32-10, batches of 32, SGD), one thread, all variants interleaved, medians over
the repetitions with their range. "loop" is the textbook's: a module, an optimizer, `backward`; "lean loop" has neither
module nor optimizer; "bmm" is the gradient as one would first write it for a batch of models.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import statistics
import sys
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.func import grad, vmap
from torch.nn.functional import cross_entropy

from slashpoint.sim.learning import Order, cohort
from slashpoint.sim.learning.cohort import Pupil
from slashpoint.sim.learning.digits import Digits
from slashpoint.sim.learning.surrogate import Surrogate
from slashpoint.sim.luck import Luck

if TYPE_CHECKING:
    from collections.abc import Callable

SIZES, BATCH, ROWS, RATE = (64, 32, 10), 32, 1697, 0.3
COUNTS = (1, 10, 100, 1000)
Tensors = dict[str, Tensor]
LOOPED = 10  # models that the loops really train: their cost per model does not depend on how many there are


def pupils(count: int, steps: int) -> list[Pupil]:
    generator = Luck("benchmark").generator()
    return [Pupil(cohort.draw(SIZES, generator), generator.integers(ROWS, size=(steps, BATCH))) for _ in range(count)]


def stacked(these: list[Pupil]) -> tuple[Tensors, Tensor]:
    weights = {name: torch.from_numpy(np.stack([one.weights[name] for one in these])) for name in these[0].weights}
    return weights, torch.from_numpy(np.stack([one.batches for one in these], 1))


def loop(x: Tensor, y: Tensor, these: list[Pupil]) -> None:
    for one in these:
        model = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))
        optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
        for rows in torch.from_numpy(one.batches):
            optimizer.zero_grad()
            cross_entropy(model(x[rows]), y[rows]).backward()
            optimizer.step()


def lean_loop(x: Tensor, y: Tensor, these: list[Pupil]) -> None:
    for one in these:
        weights = {name: torch.from_numpy(array.copy()).requires_grad_() for name, array in one.weights.items()}
        for rows in torch.from_numpy(one.batches):
            gradients = torch.autograd.grad(loss(weights, x[rows], y[rows]), list(weights.values()))
            with torch.no_grad():
                for weight, gradient in zip(weights.values(), gradients, strict=True):
                    weight -= RATE * gradient


def loss(weights: Tensors, x: Tensor, y: Tensor) -> Tensor:
    hidden = torch.relu(x @ weights["w0"] + weights["b0"])
    return cross_entropy(hidden @ weights["w1"] + weights["b1"], y)


def mapped(x: Tensor, y: Tensor, these: list[Pupil]) -> Tensors:
    weights, batches = stacked(these)
    gradient = vmap(grad(loss))
    for rows in batches:
        slopes = gradient(weights, x[rows], y[rows])
        weights = {name: weight - RATE * slopes[name] for name, weight in weights.items()}
    return weights


def bmm(x: Tensor, y: Tensor, these: list[Pupil]) -> Tensors:
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
    return {"w0": w0, "b0": b0.squeeze(1), "w1": w1, "b1": b1.squeeze(1)}


def per_step(repetitions: int) -> dict[int, dict[str, list[float]]]:
    """Microseconds per model and step: {count: {variant: [one a repetition]}}."""
    generator = Luck("data").generator()
    inputs, classes = generator.random((ROWS, SIZES[0]), dtype=np.float32), generator.integers(SIZES[-1], size=ROWS)
    x, y = torch.from_numpy(inputs), torch.from_numpy(classes)
    variants: dict[str, Callable[[list[Pupil]], object]] = {
        "loop": lambda these: loop(x, y, these),
        "lean loop": lambda these: lean_loop(x, y, these),
        "vmap": lambda these: mapped(x, y, these),
        "bmm": lambda these: bmm(x, y, these),
        "cohort": lambda these: list(cohort.train(inputs, classes, these, RATE)),
    }
    times: dict[int, dict[str, list[float]]] = {count: {name: [] for name in variants} for count in COUNTS}
    for repetition in range(repetitions + 1):  # the first warms up
        for count in COUNTS:
            steps = max(40, 400 // count)
            for name, variant in variants.items():
                these = pupils(min(count, LOOPED) if "loop" in name else count, steps)
                begin = perf_counter()
                variant(these)
                spent = (perf_counter() - begin) / len(these) / steps * 1e6
                if repetition:
                    times[count][name].append(spent)
    return times


def agreement() -> float:
    """The largest difference in any weight between the variants after 20 steps of 5 models."""
    generator = Luck("data").generator()
    inputs, classes = generator.random((ROWS, SIZES[0]), dtype=np.float32), generator.integers(SIZES[-1], size=ROWS)
    these = pupils(5, 20)
    ours = list(cohort.train(inputs, classes, these, RATE))
    others = [variant(torch.from_numpy(inputs), torch.from_numpy(classes), these) for variant in (mapped, bmm)]
    return max(
        float(np.abs(w[name][i].numpy() - one[name]).max())
        for w in others
        for i, one in enumerate(ours)
        for name in one
    )


def tasks(repetitions: int) -> dict[str, list[float]]:
    """Models per second of whole tasks, artefacts included."""
    luck = Luck("benchmark")
    rates: dict[str, list[float]] = {
        "digits, 40 full trainings": [],
        "surrogate, 10,000 trainings": [],
        "surrogate, 10,000 evaluations": [],
    }
    for _ in range(repetitions):
        for name, task, jobs, people in (("digits", Digits(), 4, 10), ("surrogate", Surrogate(), 100, 100)):
            problems = [task.problem(luck("job", job)) for job in range(jobs)]
            orders = [Order(f"trainer/{i}", problem) for problem in problems for i in range(people)]
            begin = perf_counter()
            models = task.train(orders, luck)
            trained = perf_counter()
            asked = [(model, order.problem) for model, order in zip(models, orders, strict=True)]
            task.predict_many(asked)
            if name == "digits":
                rates["digits, 40 full trainings"].append(len(orders) / (trained - begin))
            else:
                rates["surrogate, 10,000 trainings"].append(len(orders) / (trained - begin))
                rates["surrogate, 10,000 evaluations"].append(len(orders) / (perf_counter() - trained))
    return rates


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="one document on stdout")
    parser.add_argument("--long", action="store_true", help="25 repetitions, not 5")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    repetitions = 25 if chosen.long else 5
    times, rates, difference = per_step(repetitions), tasks(repetitions), agreement()
    if chosen.json:
        machine = {"machine": platform.processor() or platform.machine(), "torch": torch.__version__}
        json.dump(machine | {"us_per_model_step": times, "models_per_second": rates}, sys.stdout)
        return
    print(f"torch {torch.__version__}, one thread, {repetitions} interleaved repetitions; µs per model and step\n")
    print("models " + "".join(f"{variant:>21}" for variant in times[1]))
    for count, row in times.items():
        cells = (f"{statistics.median(t):8.1f} ({min(t):.1f}–{max(t):.1f})" for t in row.values())
        print(f"{count:6,} " + "".join(f"{cell:>21}" for cell in cells))
    print("\nhow many times as fast as each the cohort is (median and range of the ratios within a repetition)\n")
    for count, row in times.items():
        ratios = {v: [a / b for a, b in zip(row[v], row["cohort"], strict=True)] for v in row if v != "cohort"}
        cells = (f"{statistics.median(r):8.1f} ({min(r):.1f}–{max(r):.1f})" for r in ratios.values())
        print(f"{count:6,} " + "".join(f"{cell:>21}" for cell in cells))
    print()
    for name, row in rates.items():
        print(f"{name}: {statistics.median(row):,.0f} models/s ({min(row):,.0f}–{max(row):,.0f})")
    print(f"largest difference from the other variants' weights: {difference:.1e}")
    print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB")


if __name__ == "__main__":
    main()
