"""A federated job on chain: clients hand in, open and cash updates in 20 rounds; validators measure each of them.

The hardened protocol on the task digits, two epochs a client and round, one validation set. Timed is `World.run`:
people, chain, EVM, facts, invariants (the search for raw rows among them), training, measuring. "cohort" trains
together whoever trains at the same simulated time, as the program does; "one by one" asks the task for a client at a
time. What training alone costs, and in a loop of torch's own, is in `rounds`.
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

from slashpoint.experiments.bench.benchmark import Once, Setting, contender
from slashpoint.sim.training_cache import TrainingCache

if TYPE_CHECKING:
    from slashpoint.sim.learning import Order

SETTING = Setting("clients/s", "clients", (10, 100), base="one by one")
ROUNDS = 20
SAID = (
    "protocol=federated", "scenario.jobs=1", f"protocol.rounds={ROUNDS}", "protocol.rotate=false", "protocol.reward=1",
    "protocol.endowment.mdc=5000", "protocol.enrol_window=600", "protocol.train_window=600",
    "protocol.claim_window=900", "task.epochs=2",
)  # fmt: skip


class Timed(TrainingCache):
    """A training cache that measures its time."""

    together = True
    spent = 0.0  # seconds of training

    def expect(self, order: Order) -> None:
        """Do nothing: where all are trained one by one, nothing is known in advance."""
        if self.together:
            super().expect(order)

    def model(self, order: Order) -> bytes:
        """Train, and look at the watch."""
        began = perf_counter()
        if not self.together and self._key(order) not in self._models:
            self._models[self._key(order)] = self.task.train([order], self._luck)[0]
        model = super().model(order)
        self.spent += perf_counter() - began
        return model


def market(clients: int, *, together: bool) -> Once:
    """Return what runs one job and tells how much of its time was training.

    Args:
        clients: of the federation.
        together: train all that are pending at once.
    """
    from slashpoint.experiments.setup.config import compose
    from slashpoint.experiments.setup.run import build
    from slashpoint.sim.ledger import Ledger

    config = compose([*SAID, f"protocol.seats.client={clients}", f"protocol.max_clients={clients}"])

    def once() -> dict[str, float]:
        ledger = Ledger(None)
        world = build(config, ledger)
        world.training_cache = Timed(world.training_cache.task, world.luck("learning"))
        world.training_cache.together = together
        began = perf_counter()
        world.run(1, 4000)
        took = perf_counter() - began
        (job,) = world.markets[0].jobs.values()
        assert job.outcome == "completed"
        delivered = world.markets[0].delivered(job)
        assert delivered is not None
        right = world.training_cache.score(delivered, job.task)
        sent = sum(account.executed for account in world.accounts.values())
        world.forget()
        return {
            "clients/s": clients * ROUNDS / took, "seconds": took,
            "% training": 100 * world.training_cache.spent / took,
            "% right": right, "transactions": sent,
        }  # fmt: skip

    return once


@contender("cohort")
def cohort(clients: int) -> Once:
    return market(clients, together=True)


@contender("one by one")
def one_by_one(clients: int) -> Once:
    return market(clients, together=False)
