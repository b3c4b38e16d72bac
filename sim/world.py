"""A world: SimPy time, one chain, the contracts on it, and everybody who acts there.

It knows no protocol and no strategy. People act through intentions (`send`); the world executes them, block by block,
turns what happened into facts, and writes everything down. It has three parts: its state, which anybody may look into
(`state`), its set-up (`founding`), and here how time passes.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

import mesa

from slashpoint.sim import closing, conservation
from slashpoint.sim.errors import legible
from slashpoint.sim.founding import Founding
from slashpoint.sim.intention import Poke, Receipt
from slashpoint.sim.ledger import ViolationRow
from slashpoint.sim.recorder.decoder import verb_fact
from slashpoint.sim.recorder.transactions import SUCCESS
from slashpoint.sim.units import SECOND

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from slashpoint.sim.block import Block
    from slashpoint.sim.contract import Event
    from slashpoint.sim.facts import Fact
    from slashpoint.sim.intention import Pending

IDLE_BLOCKS_TO_END = 3  # blocks without anything pending after which a world whose jobs are done has ended


class World(Founding):
    """One market's universe. `step` is one block; Mesa's tools work on `agents`, the persons.

    Args: those of `State`.
    """

    _active_blocks = 0  # in which anything was tried or dropped
    _idle_blocks = 0  # in a row, until now, in which nobody but crowds had anything

    def send(self, pending: Pending) -> None:
        """Take an intention on its way to the mempool."""
        self.chain.mempool.add(pending)
        if self.watchers:
            for watcher in tuple(self.watchers):
                watcher(pending)

    def step(self) -> None:
        """Make one block: people live until its time, then it is made of what had arrived by then."""
        for crowd in self.chain.crowds:
            crowd.decide()
        self.env.live(self.chain.time + self.chain.period)
        block = self.chain.mine()
        for crowd in self.chain.crowds:
            crowd.hears(block.time)
        if block.result is not None:
            self._forget_views()
        elif not block.dropped:
            self.recorder.block(block)
            self._idle_blocks += 1
            self.ledger.tick()
            return
        decoded = self.recorder.decoder.decode(block)
        self._tell(block, decoded.facts)
        self.recorder.block(block, decoded)
        self._active_blocks += 1
        self.check(self._active_blocks)
        self._idle_blocks = 0 if block.included or block.dropped else self._idle_blocks + 1
        self.ledger.tick()

    def _tell(self, block: Block, facts: dict[int, list[tuple[Event, Fact]]]) -> None:
        """Turn what a block did into facts and receipts."""
        now, time, base_fee = block.time / SECOND, block.time, block.base_fee
        for pending, why in block.dropped:
            if not pending.moot:
                self.attempts += pending.call.verb == "posts"
                if pending.call.verb == "pokes":
                    self.pokes.append(Poke(pending, why, dropped=True))
            pending.done.fire(Receipt(ok=False, time=now, dropped=why), pending.account.latency)
        publish, number = self.facts.publish, block.number
        for i, pending in block.executed():
            ok, gas, account, verb = block.status[i] == SUCCESS, block.gas[i], pending.account, pending.call.verb
            account.executed += 1
            self.attempts += verb == "posts"
            events: tuple[Fact, ...] = ()
            if i in facts:
                events = tuple([fact for _, fact in facts[i]])
                for source, fact in facts[i]:
                    publish(source, fact)
                    self.prices.observes(fact)
            fee = gas * (base_fee + min(pending.tip, pending.max_fee - base_fee))
            fee += block.posted[i] if block.posted else 0
            revert = None if ok else self.recorder.decoder.revert(block, i)
            if ok and verb:
                publish(verb, verb_fact(pending, time))
            if verb == "pokes":
                self.pokes.append(Poke(pending, "" if ok else str(revert)))
            pending.done.fire(Receipt(ok, gas, fee, number, now, revert, events), account.latency)

    def check(self, blocks: int = 0) -> None:
        """Ask the invariants that are due (all of them at 0) and write down what they complain of."""
        for invariant in self.invariants:
            if blocks == 0 or (invariant.period and blocks % invariant.period == 0):
                for complaint in map(legible, invariant(self)):
                    self.violations.append((self.chain.number, invariant.__name__, complaint))
                    number, now = self.chain.number, self.chain.time
                    self.ledger.violations.append(
                        ViolationRow(block=number, time_ns=now, invariant=invariant.__name__, complaint=complaint)
                    )
        for asset in self.touched:
            if asset == "ETH" or blocks % conservation.tokens_are_conserved.period == 0:  # type: ignore[attr-defined]
                self.touched[asset].clear()

    @property
    def ended(self) -> bool:
        """Return whether all jobs were posted and are over, and nothing has been pending for a while."""
        if self.attempts < self.expected_jobs or self._idle_blocks < IDLE_BLOCKS_TO_END or self.chain.backlog:
            return False
        return all(job.closed is not None for market in self.markets for job in market.jobs.values())

    @property
    def unfinished(self) -> str:
        """Return what keeps a world from having ended, in words."""
        if any(job.closed is None for market in self.markets for job in market.jobs.values()):
            return "jobs still open"
        return "jobs still to be posted" if self.attempts < self.expected_jobs else "transactions still pending"

    def run(self, jobs: int, blocks: int, progress: Callable[[World], None] | None = None) -> None:
        """Live until `jobs` jobs were posted and are over, or for `blocks` blocks.

        Args:
            jobs: how many are to be posted.
            blocks: at most.
            progress: is called with the world after each block.
        """
        self.expected_jobs = jobs
        with frozen_garbage():
            for _ in range(blocks):
                self.step()
                if progress is not None:
                    progress(self)
                if self.ended:
                    break
        self.recorder.transactions.pending()
        for asset, holders in self.booked.items():
            self.touched[asset].update(holders)
        self.check()
        closing.take(self, self.recorder.models)

    def forget(self) -> None:
        """Let go of everything: Mesa keeps each model alive by a class-level counter."""
        mesa.Agent._ids.pop(self, None)  # noqa: SLF001 - a Mesa 3.3 leak; a test says when it is mended


@contextmanager
def frozen_garbage() -> Iterator[None]:
    """Run without the cyclic garbage collector, the largest cost at ten thousand agents; unfreeze after.

    What an earlier world left is not collected first, which would take a quarter of a short run: the collector does it
    between runs, when it is due.
    """
    enabled = gc.isenabled()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.unfreeze()
        if enabled:
            gc.enable()
