"""The mempool as one account sees it: what others have sent and no block has yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from slashpoint.sim.script import Sleep, Wait
from slashpoint.sim.units import nanoseconds

if TYPE_CHECKING:
    from slashpoint.agents.person import Account
    from slashpoint.sim.intention import Pending
    from slashpoint.sim.market import Job
    from slashpoint.sim.world import World


class Glimpse(NamedTuple):
    """All that a stranger can read of a pending intention, in terms that every protocol shares."""

    verb: str
    job: Job
    subject: Any
    carries: Any  # what it gives away: committed bytes, a number, a preimage


class Pool:
    """Others' pending intentions, after the sender's latency and one's own; never those of one's own coalition."""

    def __init__(self, world: World, account: Account) -> None:
        self._world, self._account = world, account

    def sees(self, verb: str, job: Job, by: float | None = None) -> Wait:
        """Wait for the next intention of a verb about a job: a `Glimpse`, or None when `by` (Unix seconds) passes.

        What is pending already is seen too, the earliest first.

        Args:
            verb: one of `VERBS`.
            job: what it is about.
            by: Unix seconds.
        """
        return Watch(self._world, self._account, verb, job, None if by is None else nanoseconds(by))


class Watch(Wait):
    """Waits for an intention to reach the mempool."""

    __slots__ = ("_about", "_account", "_by", "_timer", "_world")

    def __init__(self, world: World, account: Account, verb: str, job: Job, by: int | None) -> None:
        super().__init__(world.env, account.rank)
        self._world, self._account, self._about, self._by = world, account, (verb, job.key), by
        self._timer = None if by is None else Sleep(world.env, account.rank, by)
        for pending in sorted(world.chain.mempool, key=lambda one: (one.arrival, one.account.rank, one.nonce)):
            if self.due is None:
                self._look(pending)
        if self.due is None:
            world.watchers.append(self._look)
            if self._timer is not None:
                self._timer.callbacks.append(self._late)

    def _look(self, pending: Pending) -> None:
        call, person = pending.call, self._account.person
        if self.due is not None or call.job is None or (call.verb, call.job.key) != self._about:
            return
        if pending.account.address in person.coalition.addresses | person.knowledge.addresses:
            return
        seen = max(pending.arrival + self._account.latency, self.env.now)
        if self._by is None or seen <= self._by:
            self._stop()
            self.fire(Glimpse(call.verb, call.job, call.subject, call.carries), seen - self.env.now)

    def _late(self, _: Any) -> None:
        if self.due is None:
            self._stop()
            self.fire(None)

    def _stop(self) -> None:
        if self._look in self._world.watchers:
            self._world.watchers.remove(self._look)
        if self._timer is not None:
            self._timer.cancel()

    def cancel(self) -> None:
        """Stop watching the mempool, and drop the timer."""
        super().cancel()
        self._stop()
