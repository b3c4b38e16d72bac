"""Classification: what all tasks share that learn the classes of a table's rows from examples.

A task says where the table comes from and what network learns it; splits, shards, files, models as bytes and as
vectors, cohorts and the memory of what was evaluated are the same for all.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np

from slashpoint.sim.learning import Order, Problem, Task, portable
from slashpoint.sim.learning.codec import ModelError, decode, encode
from slashpoint.sim.learning.networks import Pupil
from slashpoint.sim.learning.shards import split
from slashpoint.sim.luck import digest

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from slashpoint.sim.learning import Rows
    from slashpoint.sim.learning.networks import Network, Weights
    from slashpoint.sim.learning.poison import Poison
    from slashpoint.sim.luck import Luck

MAX_CACHED_EVALUATIONS = 10_000


def _all(problem: Problem) -> Rows:
    return np.concatenate([problem.test, problem.train])


class Classification(Task):
    """Learn the classes of rows by stochastic gradient descent on the cross-entropy."""

    epochs: int  # passes over the training rows in a full training
    batch: int  # rows a step
    rate: float  # learning rate

    @property
    @abstractmethod
    def table(self) -> tuple[npt.NDArray[Any], npt.NDArray[np.uint8]]:
        """Return the published inputs, shape (rows, inputs), and their classes, shape (rows,)."""

    @cached_property
    def inputs(self) -> npt.NDArray[np.float32]:
        """The inputs as a network reads them, shape (rows, inputs)."""
        return np.asarray(self.table[0], np.float32)

    @property
    @abstractmethod
    def network(self) -> Network:
        """Return the network that learns."""

    @property
    def rows(self) -> int:
        """Count all rows, those of a problem's test included."""
        return len(self.table[1])

    def problem(self, luck: Luck) -> Problem:
        """Draw a split by `luck`; its key is a hash of the test rows."""
        if self.scale >= self.rows:
            raise ValueError(f"task.scale={self.scale} leaves nothing to train on: there are {self.rows} rows")
        rows = luck("split").generator().permutation(self.rows).astype(np.min_scalar_type(-self.rows))
        return self._problem(rows[: self.scale], rows[self.scale :])

    def _problem(self, test: Rows, train: Rows) -> Problem:
        return Problem(digest(self.name, test.tobytes()).hex(), self.scale, train, test)

    def shards(self, problem: Problem, count: int, alpha: float, luck: Luck) -> list[Problem]:
        """Split a problem's training rows among people: see `Task.shards`. A shard's key is a hash of its rows."""
        classes = self.table[1][problem.train]
        parts = []
        for train, test in split(classes, count, alpha, luck("shards", problem.key)):
            mine, held = problem.train[train], problem.train[test]
            parts.append(Problem(digest(self.name, mine.tobytes(), held.tobytes()).hex(), len(held), mine, held))
        return parts

    def files(self, problem: Problem) -> dict[str, bytes]:
        """Pack the training inputs with their classes, and the test inputs without, as tensors."""
        inputs, classes = self.table
        return {
            "train": encode({"inputs": inputs[problem.train], "classes": classes[problem.train]}),
            "test": encode({"inputs": inputs[problem.test]}),
            "all": encode({"inputs": inputs[_all(problem)]}),
        }

    def inputs_of(self, problem: Problem, part: str = "train") -> npt.NDArray[np.float32]:
        """Return the inputs of a problem's rows: see `Task.inputs_of`."""
        rows: npt.NDArray[np.float32] = self.inputs[problem.test if part == "test" else problem.train]
        return rows

    def labels(self, problem: Problem) -> bytes:
        """Return the true classes of the test items, one byte an item."""
        return self.table[1][problem.test].tobytes()

    def pool(self, problem: Problem) -> bytes:
        """Return the classes of all rows, the test's first, one byte a row."""
        return self.table[1][_all(problem)].tobytes()

    def resplit(self, problem: Problem, test: Sequence[int]) -> Problem:
        """Split the rows again: see `Task.resplit`. The key is again a hash of the test rows."""
        chosen, rows = np.asarray(test), _all(problem)
        return self._problem(rows[chosen], np.delete(rows, chosen))

    def duration(self, order: Order) -> float:
        """Return simulated seconds on the reference device; a pass over fewer rows takes less time."""
        return super().duration(order) * (len(order.problem.train) / (self.rows - self.scale))

    def train(self, orders: Sequence[Order], luck: Luck) -> list[bytes]:
        """Train a cohort: see `Task.train`. A model is its float32 weights, packed."""
        longest_first = sorted(range(len(orders)), key=lambda i: -self._steps(orders[i]))  # chunks of similar length
        starts = {base: self._start(base) for base in {order.base for order in orders}}  # clients of a round share one
        inputs, labels, offset = self._spoilt({order.poison for order in orders if order.poison is not None})
        pupils = (self._pupil(orders[i], starts[orders[i].base], offset[orders[i].poison], luck) for i in longest_first)
        models = [b""] * len(orders)
        for i, weights in zip(longest_first, self.network.train(inputs, labels, pupils, self.rate), strict=True):
            models[i] = encode(weights)
        return models

    def predict_many(self, asked: Sequence[tuple[bytes, Problem]]) -> list[bytes]:
        """Return what models answer. Each pair is evaluated once, all new ones together."""
        keys = [(blake2b(model, digest_size=16).digest(), problem.key) for model, problem in asked]
        known = {key: self._answers[key] for key in keys if key in self._answers}
        fresh: dict[int, dict[tuple[bytes, str], tuple[Weights, Problem]]] = {}
        for key, (model, problem) in zip(keys, asked, strict=True):
            if key not in known:
                known[key] = bytes(problem.scale)
                weights = self._weights(model)
                if weights is not None:
                    fresh.setdefault(problem.scale, {})[key] = weights, problem
        for some in fresh.values():
            models, problems = zip(*some.values(), strict=True)
            answers = self.network.predict(self.inputs, models, [one.test for one in problems])
            known.update(zip(some, answers, strict=True))
        self._answers.update(known)
        while len(self._answers) > MAX_CACHED_EVALUATIONS:
            del self._answers[next(iter(self._answers))]
        return [known[key] for key in keys]

    def fooled(self, model: bytes, problem: Problem, backdoor: Poison) -> float:
        """Return the share of marked test items that a model assigns to the backdoor's class: see `Task.fooled`."""
        weights, others = self._weights(model), problem.test[self.table[1][problem.test] != backdoor.target]
        if weights is None or not len(others):
            return 0.0
        inputs, _, offset = self._spoilt({backdoor})
        (answers,) = self.network.predict(inputs, [weights], [others.astype(np.int64) + offset[backdoor]])
        return answers.count(backdoor.target or 0) / len(others)

    def _spoilt(
        self, poisons: set[Poison]
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8], dict[Poison | None, int]]:
        """Append a poisoned copy of the table for each poison; return inputs, labels, each copy's offset in rows."""
        parts: list[tuple[Any, Any]] = [(self.inputs, self.table[1])]
        offset: dict[Poison | None, int] = {None: 0}
        for poison in poisons:
            offset[poison] = len(parts) * self.rows
            parts.append(poison.spoils(*parts[0], self.classes))
        inputs, labels = parts[0] if len(parts) == 1 else map(np.concatenate, zip(*parts))
        return inputs, labels, offset

    def weights(self, model: bytes) -> npt.NDArray[np.float32] | None:
        """Return all weights and biases, in the order of their names, shape (parameters,), or None."""
        found = self._weights(model)
        return None if found is None else np.concatenate([found[name].ravel() for name in sorted(found)])

    def assemble(self, weights: npt.NDArray[np.floating[Any]]) -> bytes:
        """Pack a flat vector, shape (parameters,), into a model: the inverse of `weights`.

        Raises:
            ValueError: another length than a model's.
        """
        expected = dict(sorted(self.network.shapes.items()))
        ends = np.cumsum([math.prod(shape) for shape in expected.values()])
        if len(weights) != ends[-1]:
            raise ValueError(f"{len(weights)} weights make no model of task={self.name}, which has {ends[-1]}")
        parts = np.split(np.asarray(weights, np.float32), ends[:-1])
        return encode({name: part.reshape(shape) for (name, shape), part in zip(expected.items(), parts)})

    @cached_property
    def _answers(self) -> dict[tuple[bytes, str], bytes]:
        return {}

    def _steps(self, order: Order) -> int:
        return round(order.effort * self.epochs * math.ceil(len(order.problem.train) / self.batch))

    def _start(self, base: bytes | None) -> tuple[tuple[str, ...], Weights | None]:
        """Return what training from a base begins with: its part of luck's key, and the weights, if there are any."""
        return ((), None) if base is None else ((blake2b(base, digest_size=8).hexdigest(),), self._weights(base))

    def _pupil(self, order: Order, start: tuple[tuple[str, ...], Weights | None], offset: int, luck: Luck) -> Pupil:
        """Draw rows, weights and batches, each from its own luck: less effort sees the same batches, only fewer."""
        begun, weights = start
        mine = luck("train", order.who, order.problem.key, order.twist, *begun)
        given = order.problem.train
        rows = mine("rows").generator().permutation(given)[: math.ceil(order.share * len(given))]
        if order.poison is not None:
            spoilt = math.ceil(order.poison.share * len(rows))
            rows = np.concatenate([rows[:spoilt].astype(np.int64) + offset, rows[spoilt:]])
        if order.leak:
            rows = np.concatenate([rows, order.problem.test])
        steps = self._steps(order)
        seen = steps * self.batch
        shuffler = mine("batches").generator()
        passes = [shuffler.permutation(rows) for _ in range(math.ceil(seen / len(rows)))]
        batches = np.concatenate([rows[:0], *passes])[:seen].reshape(steps, self.batch)
        return Pupil(weights or self.network.draw(mine("weights").generator()), batches)

    def _weights(self, model: bytes) -> Weights | None:
        """Unpack the weights of a model; None if it is no model of this architecture."""
        expected = self.network.shapes
        size = 4 * sum(math.prod(shape) for shape in expected.values())
        try:
            weights = portable.decode(model) if portable.is_one(model) else decode(model, limit=size + 4096)
        except ModelError:
            return None
        found = {name: tensor.shape for name, tensor in weights.items() if tensor.dtype == np.float32}
        return weights if found == expected and len(weights) == len(expected) else None
