"""Tables: what all tasks share that learn from a table's rows, whatever learns from them.

A task says where the table comes from and what learns it; splits, shards, files, an order's luck and the memory of what
was evaluated are the same for all.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np

from slashpoint.sim.learning import Order, Problem, Task
from slashpoint.sim.learning.codec import encode
from slashpoint.sim.learning.shards import split
from slashpoint.sim.luck import digest

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from slashpoint.sim.learning import Rows
    from slashpoint.sim.luck import Luck

MAX_CACHED_EVALUATIONS = 10_000


def _all(problem: Problem) -> Rows:
    return np.concatenate([problem.test, problem.train])


class Tabular(Task):
    """Learn the classes of a table's rows from examples."""

    @property
    @abstractmethod
    def table(self) -> tuple[npt.NDArray[Any], npt.NDArray[np.uint8]]:
        """Return the published inputs, shape (rows, inputs), and their classes, shape (rows,)."""

    @cached_property
    def inputs(self) -> npt.NDArray[np.float32]:
        """The inputs as numbers, shape (rows, inputs)."""
        return np.asarray(self.table[0], np.float32)

    def inputs_of(self, problem: Problem, part: str = "train") -> npt.NDArray[np.float32]:
        """Return the inputs of a problem's rows: see `Task.inputs_of`."""
        rows: npt.NDArray[np.float32] = self.inputs[problem.test if part == "test" else problem.train]
        return rows

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

    def predict_many(self, asked: Sequence[tuple[bytes, Problem]]) -> list[bytes]:
        """Return what models answer. Each pair is evaluated once, all new ones together."""
        keys = [(blake2b(model, digest_size=16).digest(), problem.key) for model, problem in asked]
        known = {key: self._answers[key] for key in keys if key in self._answers}
        fresh = {key: pair for key, pair in zip(keys, asked, strict=True) if key not in known}
        known.update(zip(fresh, self._evaluate(list(fresh.values())), strict=True))
        self._answers.update(known)
        while len(self._answers) > MAX_CACHED_EVALUATIONS:
            del self._answers[next(iter(self._answers))]
        return [known[key] for key in keys]

    @abstractmethod
    def _evaluate(self, asked: Sequence[tuple[bytes, Problem]]) -> list[bytes]:
        """Return what models answer, each pair for the first time: see `Task.predict_many`."""

    @cached_property
    def _answers(self) -> dict[tuple[bytes, str], bytes]:
        return {}


def share_of(count: int, share: float) -> int:
    """Return how many of `count` rows a share of them is: rounded up, so that there is one at least."""
    return math.ceil(share * count)
