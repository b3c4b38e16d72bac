"""Federated rounds: clients train from one base on shards of their own, the mean is the next base (FedAvg).

The task digits, 20 rounds, one full training of its shard a client and round, one thread. "loop" is what one writes
with torch alone: a module and an optimizer for each client; "one by one" is our task asked for a client at a time;
"cohort" is all clients of a round in one question, as people who train at the same time are answered. Both of ours
pack and unpack the models, and measure the mean after each round.
"""

from __future__ import annotations

import math
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from slashpoint.experiments.bench.benchmark import Once, Setting, contender

if TYPE_CHECKING:
    from collections.abc import Callable

    from slashpoint.sim.learning import Order
    from slashpoint.sim.learning.digits import Digits
    from slashpoint.sim.luck import Luck

    Trainer = Callable[[Digits, list[Order], Luck], list[bytes]]

SETTING = Setting("clients/s", "clients", (10, 100), long=(300,), base="loop")
ROUNDS = 20


def federated(clients: int, train: Trainer) -> Once:
    """Return what runs rounds of the same clients, from an untrained model.

    Args:
        clients: of each round.
        train: trains the models of a round.
    """
    from slashpoint.sim.learning import Order, correct
    from slashpoint.sim.learning.digits import Digits
    from slashpoint.sim.luck import Luck

    luck = Luck("rounds")
    task = Digits()
    problem = task.problem(luck("job"))
    shards = task.shards(problem, clients, math.inf, luck("shards"))

    def once() -> dict[str, float]:
        began, training = perf_counter(), 0.0
        [base] = task.train([Order("sponsor", problem, 0.0)], luck)
        for _ in range(ROUNDS):
            orders = [Order(f"client/{i}", shard, base=base) for i, shard in enumerate(shards)]
            start = perf_counter()
            models = train(task, orders, luck)
            training += perf_counter() - start
            weights = [one for model in models if (one := task.weights(model)) is not None]
            assert len(weights) == clients
            base = task.assemble(np.mean(weights, 0))
            right = correct(task.predict(base, problem), task.labels(problem))
        spent = perf_counter() - began
        return {"clients/s": clients * ROUNDS / spent, "% training": 100 * training / spent, "% right": right}

    return once


@contender("cohort")
def cohort(clients: int) -> Once:
    return federated(clients, lambda task, orders, luck: task.train(orders, luck))


@contender("one by one")
def one_by_one(clients: int) -> Once:
    return federated(clients, lambda task, orders, luck: [task.train([order], luck)[0] for order in orders])


@contender("loop")
def loop(clients: int) -> Once:
    import torch

    from slashpoint.sim.learning.codec import decode, encode

    torch.set_num_threads(1)

    def train(task: Digits, orders: list[Order], luck: Luck) -> list[bytes]:
        x, y = torch.from_numpy(task.inputs), torch.from_numpy(task.table[1].astype(np.int64))
        trained = []
        for order in orders:
            model = torch.nn.Sequential(
                torch.nn.Linear(64, task.hidden), torch.nn.ReLU(), torch.nn.Linear(task.hidden, 10)
            )
            base = decode(order.base or b"")
            with torch.no_grad():
                for i in (0, 1):
                    model[2 * i].weight.copy_(torch.from_numpy(base[f"w{i}"].T.copy()))
                    model[2 * i].bias.copy_(torch.from_numpy(base[f"b{i}"].copy()))
            optimizer = torch.optim.SGD(model.parameters(), lr=task.rate)
            generator = luck(order.who, order.base).generator()
            steps = task.epochs * math.ceil(len(order.problem.train) / task.batch)
            for rows in torch.from_numpy(generator.choice(order.problem.train, (steps, task.batch)).astype(np.int64)):
                optimizer.zero_grad()
                torch.nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
                optimizer.step()
            layers = {f"w{i}": model[2 * i].weight.detach().numpy().T for i in (0, 1)}
            layers |= {f"b{i}": model[2 * i].bias.detach().numpy() for i in (0, 1)}
            trained.append(encode(layers))
        return trained

    return federated(clients, train)
