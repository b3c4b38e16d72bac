"""The chain: a mempool with latency, the order of a block, its gas limit, and the base fee of EIP-1559."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from itertools import repeat
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from slashpoint.sim.crowd import BatchSlice, mixed, together
from slashpoint.sim.demand import Background, recorded
from slashpoint.sim.domain import Among, Factor, Gwei, Within, check
from slashpoint.sim.engine import BlockContext, BlockResult, ByColumns, Engine, Status, Tx
from slashpoint.sim.engine.columns import LazySequence
from slashpoint.sim.luck import tie_break
from slashpoint.sim.mempool import Mempool
from slashpoint.sim.units import GWEI, SECOND, nanoseconds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from slashpoint.sim.contract import Call, Revert
    from slashpoint.sim.crowd import Crowd
    from slashpoint.sim.facts import Fact
    from slashpoint.sim.luck import Luck
    from slashpoint.sim.script import Wait

INTRINSIC_GAS = 21_000  # no transaction costs less, so no block holds more than limit / this
DEFERRED = int(Status.DEFERRED)  # below it a transaction ran; a plain number, for an enumeration compares slowly
COINBASE = b"coinbase".rjust(20, b"\0")  # whom tips go to
MOST_WEI = 2**60  # a gas at most: more than anybody owns for a transaction, and twice as much fits 64 bits
ORDERINGS = ("priority", "fifo", "random")
HISTORY = 256  # blocks whose hashes the EVM knows


@dataclass(frozen=True)
class ChainRules:
    """The parameters of a chain."""

    block_time: Annotated[float, Within(1e-9, 10**6)] = 12.0  # seconds between blocks
    gas_limit: Annotated[int, Within(21_000, 10**12)] = 36_000_000  # per block
    base_fee_gwei: Gwei = 1.0  # of the first block
    elasticity: Annotated[int, Within(1, 1000)] = 2  # gas limit / gas target (EIP-1559)
    denominator: Annotated[int, Within(1, 10**6)] = 8  # the base fee moves by at most 1 / this a block (EIP-1559)
    background: Factor = 1.0  # what others' demand fills of the target at the first base fee; 0 is an empty chain
    volatility: Annotated[float, Within(0, 10)] = 0.0  # of that demand: long-run standard deviation of its log
    reversion: Annotated[float, Within(0, 1, "low")] = 0.05  # how much of the way back to its level it goes in a block
    replay: str = ""  # instead: a CSV file whose column `share` says what others took of each block's gas limit
    tip_gwei: Gwei = 0.1  # the tip that people offer unless they say otherwise
    ordering: Annotated[str, Among(*ORDERINGS)] = "priority"  # priority | fifo | random
    genesis: Annotated[int, Within(10**8, 2**32)] = 1_767_225_600  # Unix seconds
    fork: str = "prague"
    addresses: Annotated[str, Among("names", "keys")] = "names"  # what accounts' addresses are derived from

    @property
    def reads(self) -> Mapping[str, Sequence[Path]]:
        """The file that is replayed, if any; its path is taken from the current folder."""
        return {"replay": [Path(self.replay)]} if self.replay else {}

    def __post_init__(self) -> None:
        check(self, "chain")

    def ready(self) -> None:
        """Refuse a file that holds no shares, with ValueError, before there is a world."""
        if self.replay:
            recorded(self.replay)


def next_base_fee(base_fee: int, gas_used: int, gas_limit: int, elasticity: int = 2, denominator: int = 8) -> int:
    """The base fee of the block after one that used `gas_used`, in whole wei (EIP-1559)."""
    target = gas_limit // elasticity
    if gas_used == target:
        return base_fee
    if gas_used > target:
        return min(base_fee + max(base_fee * (gas_used - target) // target // denominator, 1), MOST_WEI)
    return base_fee - base_fee * (target - gas_used) // target // denominator


@dataclass(slots=True)
class Receipt:
    """What became of an intention. A revert is data, and so is having been dropped."""

    ok: bool
    gas: int = 0  # used
    fee: int = 0  # wei, burned and tipped
    block: int = -1
    time: float = 0.0  # Unix seconds
    revert: Revert | None = None
    events: tuple[Fact, ...] = ()
    dropped: str = ""  # why it never got into a block


@dataclass(slots=True, eq=False)
class Pending:
    """An intention on its way into a block."""

    account: Any  # who signed it: has .name, .address, .rank, .next_nonce
    call: Call
    tip: int  # wei per gas
    max_fee: int  # wei per gas
    nonce: int
    sent: int  # nanoseconds
    arrival: int  # nanoseconds
    by: int | None  # nanoseconds: worthless from then on
    done: Wait
    why: str = ""  # the duties that led to it
    replaces: Wait | None = None  # what sending another gave, whose nonce it takes
    moot: bool = False  # another of its nonce stands for it

    def signed(self) -> Tx:
        """The transaction as the engine takes it."""
        call = self.call
        return Tx(self.account.address, call.to, call.data, call.value, call.gas, self.max_fee, self.tip, self.nonce)


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
    dropped: list[tuple[Pending, str]] = field(default_factory=list)
    gas_used: int = 0  # others' included
    backlog: int = 0

    def executed(self) -> list[tuple[int, Pending]]:
        """The transactions that ran, with their places in the result's columns."""
        status = self.status
        return [(i, pending) for i, pending in zip(self.places, self.included) if status[i] < DEFERRED]

    def calls(self) -> list[Call]:
        """What each transaction called, by its place in the result's columns; those of a crowd share one."""
        if not self.crowded:
            return [pending.call for pending in self.included]
        calls = dict(zip(self.places, [pending.call for pending in self.included]))
        for rows in self.crowded:
            calls.update(zip(rows.places.tolist(), repeat(rows.batch.calls.call)))
        return [call for _, call in sorted(calls.items(), key=itemgetter(0))]


class Chain:
    """Orders what is pending, owns the clock and the base fee."""

    def __init__(self, engine: Engine, rules: ChainRules, luck: Luck) -> None:
        self.engine, self.rules, self._luck = engine, rules, luck
        self.number = 0
        self.period = nanoseconds(rules.block_time)
        self.time = rules.genesis * SECOND  # of the latest block
        self.base_fee = round(rules.base_fee_gwei * GWEI)
        self.demand = Background(rules, luck("background"), self.base_fee)
        self.tip = round(rules.tip_gwei * GWEI)
        self.mempool = Mempool(rules.gas_limit)
        self.last_fee = self.base_fee  # of the latest block
        self.crowds: list[Crowd] = []
        self._by_columns = engine if isinstance(engine, ByColumns) else None
        self._stretch, self._hashes = -1, b""  # 256 slots, by number; the hashes of those and of the 256 before

    @property
    def backlog(self) -> int:
        """Intentions that wait for a block; not those of crowds, who always have some."""
        return len(self.mempool)

    def slot(self, time: int) -> int:
        """Which block of time this is: luck is keyed by it, for numbers shift with how many were endowed before."""
        return (time - self.rules.genesis * SECOND) // self.period

    def context(self, number: int, time: int) -> BlockContext:
        """What the EVM may know of a block; its randomness comes from the seed."""
        slot = self.slot(time)
        beacon = self._luck("prevrandao", slot).bytes(32)
        return BlockContext(
            number, time // SECOND, self.base_fee, self.rules.gas_limit, COINBASE, beacon, self._ancestors(slot)
        )

    def _ancestors(self, slot: int) -> bytes:
        """Hashes of the 256 blocks before a slot's: from the seed alone, so that nobody can grind them."""
        stretch, into = divmod(slot, HISTORY)
        if stretch != self._stretch:
            drawn = [self._luck("hashes", each).bytes(32 * HISTORY) for each in (stretch - 1, stretch)]
            self._stretch, self._hashes = stretch, b"".join(drawn)
        return self._hashes[32 * into : 32 * (into + HISTORY)]

    def mine(self) -> Block:
        """Make the next block of what arrived strictly before its time."""
        self.number += 1
        self.time += self.period
        others = self.demand.gas(self.slot(self.time), self.base_fee)
        block = Block(self.number, self.time, self.base_fee, gas_used=others)
        self.last_fee = self.base_fee
        self.mempool.settle(self.time, block.dropped)
        if self.mempool.queues:
            block.included = self._ordered()
            block.places = range(len(block.included))
            block.txs = [pending.signed() for pending in block.included]
        if self.crowds:
            self._crowd(block)
        if block.txs:
            context = self.context(self.number, self.time)
            room = context._replace(gas_limit=context.gas_limit - others)
            columns = together(block.crowded) if self._by_columns is not None and not block.included else None
            if self._by_columns is not None and columns is not None:
                result = block.result = self._by_columns.run_columns(room, columns)
            else:
                result = block.result = self.engine.run_block(room, list(block.txs))
            block.status, block.gas = result.status.tolist(), result.gas.tolist()
            block.gas_used += sum(block.gas)
            for _, pending in block.executed():
                self.mempool.forget(pending)
            if result.reasons:
                for i, pending in zip(block.places, block.included.copy()):
                    if block.status[i] == Status.INVALID:
                        self.mempool.drop(pending, result.reasons[i], block.dropped)
            for rows in block.crowded:
                rows.done(result)
        block.backlog = self.backlog + sum(crowd.backlog for crowd in self.crowds)
        rules = self.rules
        self.base_fee = next_base_fee(
            self.base_fee, block.gas_used, rules.gas_limit, rules.elasticity, rules.denominator
        )
        return block

    def _crowd(self, block: Block) -> None:
        """Let crowds in among those included: all stand in one order."""
        ready = [
            (batch, rows)
            for crowd in self.crowds
            for batch in crowd.batches
            if len(rows := batch.ready(self.time, self.base_fee))
        ]
        if not ready:
            return
        places, part = mixed(ready, [self._key(one) for one in block.included], self)
        most = self.rules.gas_limit // INTRINSIC_GAS + 1
        block.places = places[(part < 0) & (places < most)].tolist()
        del block.included[len(block.places) :]
        block.crowded = [BatchSlice(*one, places[part == i]).up_to(most) for i, one in enumerate(ready)]
        people = dict(zip(block.places, block.txs))

        def signed() -> list[Tx]:
            for rows in block.crowded:
                people.update(zip(rows.places.tolist(), rows.signed()))
            return [tx for _, tx in sorted(people.items(), key=itemgetter(0))]

        block.txs = LazySequence(min(len(places), most), signed)

    def _key(self, pending: Pending) -> tuple[int, int]:
        match self.rules.ordering:
            case "priority":
                best = -min(pending.tip, pending.max_fee - self.base_fee)
            case "fifo":
                best = pending.arrival
            case _:
                return 0, tie_break(pending.account.rank, self.slot(self.time))
        return best, tie_break(pending.account.rank, pending.nonce)

    def _ordered(self) -> list[Pending]:
        """The best of the accounts' heads, again and again: an account's own go in the order of its nonces."""
        time, base_fee = self.time, self.base_fee
        most = self.rules.gas_limit // INTRINSIC_GAS + 1
        queues = self.mempool.queues
        if sum(map(len, queues.values())) == len(queues):  # one each: nothing comes up while the best are taken
            alone = [one for (one,) in queues.values() if one.arrival < time and one.max_fee >= base_fee]
            keys = [(*self._key(one), one.account.name, one) for one in alone]
            return [key[-1] for key in sorted(keys)[:most]]
        heads = [
            (self._key(head), head.account.name, head, queue, 1)
            for queue in queues.values()
            if (head := queue[0]).arrival < time and head.max_fee >= base_fee
        ]
        heapq.heapify(heads)
        ordered: list[Pending] = []
        while heads and len(ordered) < most:
            _, _, pending, queue, place = heads[0]
            ordered.append(pending)
            if place < len(queue) and (after := queue[place]).arrival < time and after.max_fee >= base_fee:
                heapq.heapreplace(heads, (self._key(after), after.account.name, after, queue, place + 1))
            else:
                heapq.heappop(heads)
        return ordered
