"""Whole tasks: models trained and evaluated per second, splits, artefacts and commitments included.

`digits` and `synthetic` really train, in cohorts; `surrogate` answers by formula. Forty, two hundred and ten thousand
orders; ten, twenty and a hundred a problem.
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

from slashpoint.experiments.bench.benchmark import Once, Setting, contender

if TYPE_CHECKING:
    from slashpoint.sim.learning import Task

SETTING = Setting("models/s", "task", ("surrogate", "synthetic", "digits"))
ORDERS = {"surrogate": (100, 100), "synthetic": (10, 20), "digits": (4, 10)}  # problems, people


def lesson(name: str, *, evaluate: bool) -> Once:
    """Return what evaluates fresh problems in every turn, so that nothing was cached.

    Args:
        name: of the task.
        evaluate: what is timed.
    """
    import itertools

    from slashpoint.sim.learning import Order
    from slashpoint.sim.learning.digits import Digits
    from slashpoint.sim.learning.surrogate import Surrogate
    from slashpoint.sim.learning.synthetic import Synthetic
    from slashpoint.sim.luck import Luck

    task: Task = {"surrogate": Surrogate, "synthetic": Synthetic, "digits": Digits}[name]()
    (problems, people), luck, turn = ORDERS[name], Luck("tasks"), itertools.count()

    def once() -> float:
        number = next(turn)
        posed = [task.problem(luck(number, i)) for i in range(problems)]
        orders = [Order(f"trainer/{i}", problem) for problem in posed for i in range(people)]
        began = perf_counter()
        models = task.train(orders, luck)
        if evaluate:
            began = perf_counter()
            task.predict_many([(model, order.problem) for model, order in zip(models, orders)])
        return len(orders) / (perf_counter() - began)

    return once


@contender("train")
def train(task: str) -> Once:
    return lesson(task, evaluate=False)


@contender("evaluate")
def evaluate(task: str) -> Once:
    return lesson(task, evaluate=True)
