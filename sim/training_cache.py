"""A cache of trained models. What was ordered is trained together, the first time that somebody needs a result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slashpoint.sim.learning import Measured

if TYPE_CHECKING:
    from slashpoint.sim.learning import Order, Problem, Task
    from slashpoint.sim.learning.novelty import Novelty
    from slashpoint.sim.luck import Luck


class TrainingCache:
    """Real training behind simulated time.

    A model depends on its order alone, never on who trains beside it, so a cache may serve several runs:
    it is keyed by task, seed and order.
    """

    def __init__(self, task: Task, luck: Luck, cache: dict[object, bytes] | None = None) -> None:
        self.task, self._luck = task, luck
        self._models = {} if cache is None else cache
        self._pending: dict[Order, None] = {}
        self._novelty: dict[str, Novelty] = {}

    def _key(self, order: Order) -> object:
        return (self.task, self._luck.key, order)

    def expect(self, order: Order) -> None:
        """Announce orders that will be needed later, so that they are trained together."""
        if self._key(order) not in self._models:
            self._pending[order] = None

    def model(self, order: Order) -> bytes:
        """Return the trained artefact of an order."""
        if self._key(order) not in self._models:
            self.expect(order)
            orders = list(self._pending)
            self._pending.clear()
            for done, model in zip(orders, self.task.train(orders, self._luck), strict=True):
                self._models[self._key(done)] = model
        return self._models[self._key(order)]

    def score(self, model: bytes, problem: Problem, answers: bytes | None = None) -> Measured:
        """Return how many of the test items a model gets right.

        Args:
            model: an artefact of the task.
            problem: whose test items they are.
            answers: what counts as right; by default the truth, which nobody in the world knows.
        """
        return Measured(self.task.predict(model, problem), self.task.labels(problem) if answers is None else answers)

    def novelty(self, problem: Problem) -> Novelty:
        """Return an autoencoder of a problem's training rows: everybody with these rows fits the same."""
        if problem.key not in self._novelty:
            from slashpoint.sim.learning.novelty import Novelty  # torch: only where somebody asks

            self._novelty[problem.key] = Novelty.fit(self.task.inputs_of(problem), problem.key)
        return self._novelty[problem.key]
