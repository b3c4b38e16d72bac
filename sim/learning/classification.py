"""Classification: what all tasks share whose table's rows a network learns.

A task says where the table comes from and what network learns it; models as bytes and as vectors, cohorts and poisoned
copies of the rows are the same for all.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np

from slashpoint.sim.learning import Order, Problem, portable
from slashpoint.sim.learning.codec import ModelError, decode, encode
from slashpoint.sim.learning.networks import Pupil
from slashpoint.sim.learning.tabular import Tabular, share_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from slashpoint.sim.learning.networks import Network, Weights
    from slashpoint.sim.learning.poison import Poison
    from slashpoint.sim.luck import Luck


class Classification(Tabular):
    """Learn the classes of rows by stochastic gradient descent on the cross-entropy."""

    epochs: int  # passes over the training rows in a full training
    batch: int  # rows a step
    rate: float  # learning rate

    @property
    @abstractmethod
    def network(self) -> Network:
        """Return the network that learns."""

    def losses(self, model: bytes, problem: Problem, part: str = "train") -> npt.NDArray[np.float64]:
        """Return the cross-entropy of each row, in nats; what is not a number is infinite: see `Task.losses`."""
        rows, weights = problem.test if part == "test" else problem.train, self._weights(model)
        if weights is None:
            return np.full(len(rows), math.log(self.classes))
        with np.errstate(all="ignore"):  # a stranger's weights may be anything
            logits = self.network.logits(self.inputs, weights, rows).astype(np.float64)
            logits -= logits.max(1, keepdims=True)
            losses: npt.NDArray[np.float64] = (
                np.log(np.exp(logits).sum(1)) - logits[np.arange(len(rows)), self.table[1][rows]]
            )
        return np.nan_to_num(losses, nan=np.inf, posinf=np.inf)

    def train(self, orders: Sequence[Order], luck: Luck) -> list[bytes]:
        """Train a cohort: see `Task.train`. A model is its float32 weights, packed."""
        self._needs_no_records(orders)
        longest_first = sorted(range(len(orders)), key=lambda i: -self._steps(orders[i]))  # chunks of similar length
        starts = {base: self._start(base) for base in {order.base for order in orders}}  # clients of a round share one
        inputs, labels, offset = self._spoilt({order.poison for order in orders if order.poison is not None})
        pupils = (self._pupil(orders[i], starts[orders[i].base], offset[orders[i].poison], luck) for i in longest_first)
        models = [b""] * len(orders)
        for i, weights in zip(longest_first, self.network.train(inputs, labels, pupils, self.rate), strict=True):
            models[i] = encode(weights)
        return models

    def _evaluate(self, asked: Sequence[tuple[bytes, Problem]]) -> list[bytes]:
        """Return what models answer, those to tests of one size together."""
        answers = [bytes(problem.scale) for _, problem in asked]
        groups: dict[int, list[tuple[int, Weights]]] = {}
        for place, (model, problem) in enumerate(asked):
            weights = self._weights(model)
            if weights is not None:
                groups.setdefault(problem.scale, []).append((place, weights))
        for some in groups.values():
            places, models = zip(*some, strict=True)
            said = self.network.predict(self.inputs, models, [asked[place][1].test for place in places])
            for place, answer in zip(places, said, strict=True):
                answers[place] = answer
        return answers

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

    def _steps(self, order: Order) -> int:
        return round(order.effort * self.epochs * math.ceil(len(order.problem.train) / self.batch))

    def _start(self, base: bytes | None) -> tuple[tuple[str, ...], Weights | None]:
        """Return what training from a base begins with: its part of luck's key, and the weights, if there are any."""
        return ((), None) if base is None else ((blake2b(base, digest_size=8).hexdigest(),), self._weights(base))

    def _pupil(self, order: Order, start: tuple[tuple[str, ...], Weights | None], offset: int, luck: Luck) -> Pupil:
        """Draw rows, weights and batches, each from its own luck: less effort sees the same batches, only fewer."""
        begun, weights = start
        mine = order.luck(luck)(*begun)
        given = order.problem.train
        rows = mine("rows").generator().permutation(given)[: share_of(len(given), order.share)]
        if order.poison is not None:
            spoilt = share_of(len(rows), order.poison.share)
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
