"""A crowd: many accounts whose decisions are columns, in the same mempool and the same blocks as everybody's.

A member is an account with a name, an address, ether, a latency, nonces and fees of its own; it sends one transaction,
and the next when it has heard what became of that. Only the deciding is done for all who may at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, repeat
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from slashpoint.sim.engine import Status, Tx
from slashpoint.sim.engine.columns import CallColumns
from slashpoint.sim.engine.keys import address_of
from slashpoint.sim.luck import tie_break
from slashpoint.sim.units import nanoseconds, to_units

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy.typing as npt

    from slashpoint.sim.chain import Chain
    from slashpoint.sim.contract import Call
    from slashpoint.sim.contract.rows import CallRows
    from slashpoint.sim.engine import BlockResult
    from slashpoint.sim.world import World

    Numbers = npt.NDArray[np.int64]
    Places = npt.NDArray[np.intp]


BYSTANDER = "bystander"  # strategy of who wants nothing of the market: what its payments are worth nobody knows
TIP_LIMIT_WEI = 2**62  # wei per gas: nobody is told from those who tip more


@dataclass(slots=True, eq=False)
class Member:
    """One account of a crowd, and the person behind it."""

    name: str
    address: bytes
    crowd: Crowd
    name_code: int = -1  # of its name among the ledger's texts
    executed: int = 0  # transactions that ran

    attacker = False

    @property
    def strategy(self) -> str:
        """What all of the crowd are."""
        return self.crowd.strategy

    @property
    def person(self) -> Member:
        """Nobody but itself."""
        return self

    @property
    def controller(self) -> str:
        """Whose profit its profit is."""
        return self.name

    @property
    def role(self) -> str:
        """What all of the crowd do."""
        return self.crowd.role

    @property
    def roles(self) -> list[str]:
        """The same as a list."""
        return [self.crowd.role]


class Crowd:
    """Accounts that act alike, by columns: row i of each is member i's. A subclass says what they do.

    Args:
        world: where they live.
        role: what they are called: member 7 of role payer is `payer/7`.
        latencies: of each member, seconds.
        eth: first endowment of each, ETH.
        tokens: first endowment of each, whole tokens by symbol.
    """

    strategy: ClassVar[str] = "honest"  # or BYSTANDER

    def __init__(
        self, world: World, role: str, latencies: Sequence[float], eth: float, tokens: dict[str, float]
    ) -> None:
        self.world, self.role = world, role
        names = [f"{role}/{i}" for i in range(len(latencies))]
        self.members = [Member(name, address_of(name, world.rules.addresses), self) for name in names]
        self.latency = np.array([nanoseconds(seconds) for seconds in latencies], np.int64)
        self.rank = np.array([2 + world.luck("rank", name).integer(2**62) for name in names], np.uint64)
        self.senders = [member.address for member in self.members]
        self.addresses = np.frombuffer(b"".join(self.senders), np.uint8).reshape(-1, 20)  # the same as an array
        self.heard = np.full(len(names), world.env.now, np.int64)  # nanoseconds: when each may act next
        self.nonce = np.zeros(len(names), np.int64)
        self.free = np.ones(len(names), np.bool_)  # who has nothing pending
        self.ok, self.gas = np.zeros(len(names), np.bool_), np.zeros(len(names), np.int64)  # of each one's last
        self.batches: list[Batch] = []
        for member in self.members:
            world.register(member)
            owned = {asset: world.to_units(asset, each) for asset, each in tokens.items()}
            world.endow(member, to_units(eth), owned)
        self.name_codes = np.array([member.name_code for member in self.members], np.int32)
        world.chain.crowds.append(self)

    def act(self, free: Places) -> None:
        """Decide: `sends` for some of those who have nothing pending, as each hears of the latest block."""
        raise NotImplementedError

    def sends(self, calls: CallRows, who: Places, tip: Numbers | int, max_fee: Numbers | int | None = None) -> None:
        """Send one transaction for each of `who`, in wei per gas as `Me.sends` has it.

        Raises:
            ValueError: somebody has one pending, or it declares more gas than any block has.
        """
        chain, call = self.world.chain, calls.call
        if len(calls) != len(who) or not self.free[who].all() or len(np.unique(who)) != len(who):
            raise ValueError(f"each {self.role} sends one transaction, and the next when it has heard of that")
        if call.gas > chain.rules.gas_limit:
            raise ValueError(f"never fits a block: declares {call.gas:,} gas of {chain.rules.gas_limit:,}")
        tips = np.broadcast_to(np.asarray(tip, np.int64), len(who))
        most = (
            tips + 2 * chain.base_fee if max_fee is None else np.broadcast_to(np.asarray(max_fee, np.int64), len(who))
        )
        sent = self.heard[who]
        self.free[who] = False
        waiting = np.ones(len(who), np.bool_)
        self.batches.append(
            Batch(self, calls, who, tips, most, self.nonce[who], sent, sent + self.latency[who], waiting)
        )
        self.nonce[who] += 1

    @property
    def backlog(self) -> int:
        """Transactions that wait for a block."""
        return int((~self.free).sum())

    def turn(self) -> None:
        """Let those decide who may."""
        free = np.flatnonzero(self.free)
        if len(free):
            self.act(free)

    def hears(self, time: int) -> None:
        """A block is out (nanoseconds): everybody hears of it after a latency."""
        self.heard = time + self.latency
        self.batches = [batch for batch in self.batches if batch.waiting.any()]


@dataclass(frozen=True, slots=True)
class Batch:
    """What members sent at one block's news; row i of each column is one transaction."""

    crowd: Crowd
    calls: CallRows
    who: Places
    tip: Numbers
    max_fee: Numbers
    nonce: Numbers
    sent: Numbers  # nanoseconds
    arrival: Numbers  # the same
    waiting: npt.NDArray[np.bool_]

    def ready(self, time: int, base_fee: int) -> Places:
        """The rows that a block at `time` could take."""
        return np.flatnonzero(self.waiting & (self.arrival < time) & (self.max_fee >= base_fee))


class BatchSlice(NamedTuple):
    """What of a batch is in a block."""

    batch: Batch
    rows: Places
    places: Places  # in the block's result

    def up_to(self, most: int) -> BatchSlice:
        """Those with a place below `most`, in the order of the block."""
        order = np.argsort(self.places)[: np.count_nonzero(self.places < most)]
        return BatchSlice(self.batch, self.rows[order], self.places[order])

    def signed(self) -> Iterator[Tx]:
        """The transactions as the engine takes them."""
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
        """Those that were executed."""
        kept = result.status[self.places] < Status.DEFERRED
        return self if kept.all() else BatchSlice(self.batch, self.rows[kept], self.places[kept])

    def refused(self, result: BlockResult) -> BatchSlice:
        """Those that never can be."""
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
        """Wei per gas that go to whoever builds the block."""
        batch, rows = self.batch, self.rows
        return np.minimum(batch.tip[rows], batch.max_fee[rows] - base_fee)


def mixed(
    parts: Sequence[tuple[Batch, Places]], keys: Sequence[tuple[int, int]], chain: Chain
) -> tuple[Places, Places]:
    """Where the transactions of a block go that people and crowds fill together: people's first, then each part's.

    People's own order stands: a transaction that waits for its account's one before comes no earlier than that.

    Args:
        parts: batches with their rows that are ready.
        keys: what people's transactions are ordered by, in their order.
        chain: whose ordering it is.

    Returns:
        The place of each, and to which of the parts it belongs (-1: to the people).
    """
    keys = list(accumulate(keys, max))
    best, ties = (
        [np.array([max(key[0], -TIP_LIMIT_WEI) for key in keys], np.int64)],
        [np.array([key[1] for key in keys], np.uint64)],
    )
    for batch, rows in parts:
        number = batch.nonce[rows].astype(np.uint64)
        match chain.rules.ordering:
            case "priority":
                best.append(-BatchSlice(batch, rows, rows).tips(chain.base_fee))
            case "fifo":
                best.append(batch.arrival[rows])
            case _:
                best.append(np.zeros(len(rows), np.int64))
                number[:] = chain.slot(chain.time)
        ties.append(tie_break(batch.crowd.rank[batch.who[rows]], number))
    order = np.lexsort((np.concatenate(ties), np.concatenate(best)))
    places = np.empty_like(order)
    places[order] = np.arange(len(order))
    return places, np.repeat(np.arange(-1, len(parts)), [len(column) for column in best])


def together(crowded: Sequence[BatchSlice]) -> CallColumns | None:
    """A block of crowds alone, as an engine takes columns; None where calldata differ in length."""
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
