"""Batches: the transactions of a crowd by columns, and how a block orders them among those of people."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, repeat
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from slashpoint.sim.engine import Status, Tx
from slashpoint.sim.engine.columns import CallColumns
from slashpoint.sim.luck import tie_break

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy.typing as npt

    from slashpoint.sim.contract import Call
    from slashpoint.sim.contract.rows import CallRows
    from slashpoint.sim.engine import BlockResult
    from slashpoint.sim.intention import Sender

    Numbers = npt.NDArray[np.int64]
    Places = npt.NDArray[np.intp]

TIP_LIMIT_WEI = 2**62  # per gas: higher tips count as this


class Members(Protocol):
    """The accounts that send a batch; row i of each column is member i's."""

    senders: list[bytes]  # addresses
    addresses: npt.NDArray[np.uint8]  # the same, shape (n, 20)
    rank: npt.NDArray[np.uint64]  # what breaks ties
    name_codes: npt.NDArray[np.int32]  # of their names among the ledger's
    nonce: Numbers
    free: npt.NDArray[np.bool_]  # who has nothing pending
    ok: npt.NDArray[np.bool_]  # whether each one's last transaction succeeded
    gas: Numbers  # that it used
    batches: list[Batch]  # that wait for blocks

    @property
    def members(self) -> Sequence[Sender]:
        """Return them one by one."""
        ...

    @property
    def backlog(self) -> int:
        """Return how many transactions wait for a block."""
        ...

    def decide(self) -> None:
        """Let those decide who may."""
        ...

    def hears(self, time: int) -> None:
        """Tell everybody that a block is out (nanoseconds)."""
        ...


@dataclass(frozen=True, slots=True)
class Batch:
    """What members sent at one block's news; row i of each column is one transaction."""

    crowd: Members
    calls: CallRows
    who: Places
    tip: Numbers
    max_fee: Numbers
    nonce: Numbers
    sent: Numbers  # nanoseconds
    arrival: Numbers  # the same
    waiting: npt.NDArray[np.bool_]

    def ready(self, time: int, base_fee: int) -> Places:
        """Return the rows that a block could take.

        Args:
            time: of the block, nanoseconds.
            base_fee: of the block, wei per gas.
        """
        return np.flatnonzero(self.waiting & (self.arrival < time) & (self.max_fee >= base_fee))


class BatchSlice(NamedTuple):
    """What of a batch is in a block."""

    batch: Batch
    rows: Places
    places: Places  # in the block's result

    def up_to(self, most: int) -> BatchSlice:
        """Return those with a place below `most`, in the order of the block."""
        order = np.argsort(self.places)[: np.count_nonzero(self.places < most)]
        return BatchSlice(self.batch, self.rows[order], self.places[order])

    def signed(self) -> Iterator[Tx]:
        """Return the transactions as the engine takes them."""
        batch, rows, call = self.batch, self.rows, self.batch.calls.call
        senders, width = batch.crowd.senders, batch.calls.data.shape[1]
        raw = batch.calls.data[rows].tobytes()
        fees = [column[rows].tolist() for column in (batch.max_fee, batch.tip, batch.nonce)]
        return map(Tx._make, zip(
            [senders[one] for one in batch.who[rows].tolist()], repeat(call.to),
            [raw[at : at + width] for at in range(0, len(raw), width)], repeat(call.value), repeat(call.gas), *fees,
            repeat(()),
        ))  # fmt: skip

    def ran(self, result: BlockResult) -> BatchSlice:
        """Return those that were executed."""
        kept = result.status[self.places] < Status.DEFERRED
        return self if kept.all() else BatchSlice(self.batch, self.rows[kept], self.places[kept])

    def refused(self, result: BlockResult) -> BatchSlice:
        """Return those that can never be executed."""
        kept = result.status[self.places] == Status.INVALID
        return BatchSlice(self.batch, self.rows[kept], self.places[kept])

    def done(self, result: BlockResult) -> None:
        """Tell the members what became of their transactions."""
        batch, crowd = self.batch, self.batch.crowd
        gone, ran = self.refused(result), self.ran(result)
        crowd.nonce[batch.who[gone.rows]] -= 1
        crowd.ok[batch.who[gone.rows]] = False
        who, gas = batch.who[ran.rows], result.gas[ran.places].astype(np.int64)
        for one in who.tolist():
            crowd.members[one].executed += 1
        crowd.ok[who], crowd.gas[who] = result.status[ran.places] == Status.SUCCESS, gas
        for rows in (gone.rows, ran.rows):
            batch.waiting[rows] = False
            crowd.free[batch.who[rows]] = True

    def tips(self, base_fee: int) -> Numbers:
        """Return the wei per gas that go to whoever builds the block."""
        batch, rows = self.batch, self.rows
        return np.minimum(batch.tip[rows], batch.max_fee[rows] - base_fee)


def merged(
    parts: Sequence[tuple[Batch, Places]], keys: Sequence[tuple[int, int]], ordering: str, base_fee: int, slot: int
) -> tuple[Places, Places]:
    """Return where in a block the transactions go that people and crowds fill together.

    People's own order stands: a transaction that waits for its account's one before comes no earlier than that.

    Args:
        parts: batches with their rows that are ready.
        keys: what people's transactions are ordered by, in their order.
        ordering: the chain's: one of `rules.ORDERINGS`.
        base_fee: of the block, wei per gas.
        slot: index of the block since genesis time.

    Returns:
        The place of each, people's first and then each part's, and to which of the parts it belongs (-1: the people).
    """
    keys = list(accumulate(keys, max))
    best, ties = (
        [np.array([max(key[0], -TIP_LIMIT_WEI) for key in keys], np.int64)],
        [np.array([key[1] for key in keys], np.uint64)],
    )
    for batch, rows in parts:
        number = batch.nonce[rows].astype(np.uint64)
        match ordering:
            case "priority":
                best.append(-BatchSlice(batch, rows, rows).tips(base_fee))
            case "fifo":
                best.append(batch.arrival[rows])
            case _:
                best.append(np.zeros(len(rows), np.int64))
                number[:] = slot
        ties.append(tie_break(batch.crowd.rank[batch.who[rows]], number))
    order = np.lexsort((np.concatenate(ties), np.concatenate(best)))
    places = np.empty_like(order)
    places[order] = np.arange(len(order))
    return places, np.repeat(np.arange(-1, len(parts)), [len(column) for column in best])


def as_columns(crowded: Sequence[BatchSlice]) -> CallColumns | None:
    """Return a block of crowds alone, as an engine takes columns; None where calldata differ in length."""
    widths = {rows.batch.calls.data.shape[1] for rows in crowded}
    if len(widths) != 1:
        return None
    order = np.argsort(np.concatenate([rows.places for rows in crowded]))

    def column(of: Callable[[Batch, Places], npt.NDArray[Any]]) -> npt.NDArray[Any]:
        return np.concatenate([of(rows.batch, rows.rows) for rows in crowded])[order]

    def shared(of: Callable[[Call], npt.NDArray[Any]]) -> npt.NDArray[Any]:
        return column(lambda batch, rows: np.broadcast_to(one := of(batch.calls.call), (len(rows), *one.shape)))

    return CallColumns(
        sender=column(lambda batch, rows: batch.crowd.addresses[batch.who[rows]]),
        to=shared(lambda call: np.frombuffer(call.to, np.uint8)),
        data=column(lambda batch, rows: batch.calls.data[rows]),
        ends=np.arange(1, len(order) + 1, dtype=np.uint64) * np.uint64(widths.pop()),
        value=shared(lambda call: np.frombuffer(call.value.to_bytes(32, "big"), np.uint8)),
        gas=shared(lambda call: np.array(call.gas, np.uint64)),
        max_fee=column(lambda batch, rows: batch.max_fee[rows]).astype(np.uint64),
        tip=column(lambda batch, rows: batch.tip[rows]).astype(np.uint64),
        nonce=column(lambda batch, rows: batch.nonce[rows]).astype(np.uint64),
    )
