"""A block: what went in, what came out, and what was dropped."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import repeat
from operator import itemgetter
from typing import TYPE_CHECKING

from slashpoint.sim.engine import Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slashpoint.sim.batch import BatchSlice
    from slashpoint.sim.contract import Call
    from slashpoint.sim.engine import BlockResult, Tx
    from slashpoint.sim.intention import Pending

DEFERRED = int(Status.DEFERRED)  # below it a transaction ran; a plain number, for an enumeration compares slowly


@dataclass(slots=True)
class Block:
    """One block: what went in, what came out, what was dropped and why."""

    number: int
    time: int  # nanoseconds
    base_fee: int
    included: list[Pending] = field(default_factory=list)
    places: Sequence[int] = ()  # of those included, in the columns below
    crowded: list[BatchSlice] = field(default_factory=list)  # what crowds have in it
    txs: Sequence[Tx] = ()  # all of them, as the engine took them
    result: BlockResult | None = None
    status: list[int] = field(default_factory=list)  # the result's columns as plain numbers
    gas: list[int] = field(default_factory=list)
    posted: list[int] = field(default_factory=list)  # wei for its bytes on layer 1, of each; empty but on a rollup
    dropped: list[tuple[Pending, str]] = field(default_factory=list)
    gas_used: int = 0  # others' included
    backlog: int = 0

    def executed(self) -> list[tuple[int, Pending]]:
        """Return the transactions that ran, with their places in the result's columns."""
        status = self.status
        return [(i, pending) for i, pending in zip(self.places, self.included) if status[i] < DEFERRED]

    def calls(self) -> list[Call]:
        """Return what each transaction called, by its place in the result's columns; those of a crowd share one."""
        if not self.crowded:
            return [pending.call for pending in self.included]
        calls = dict(zip(self.places, [pending.call for pending in self.included]))
        for rows in self.crowded:
            calls.update(zip(rows.places.tolist(), repeat(rows.batch.calls.call)))
        return [call for _, call in sorted(calls.items(), key=itemgetter(0))]
