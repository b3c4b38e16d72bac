"""The chain: the order of a block, its gas limit, and the base fee of EIP-1559."""

from __future__ import annotations

import heapq
from operator import itemgetter
from typing import TYPE_CHECKING

from slashpoint.sim.batch import BatchSlice, as_columns, merged
from slashpoint.sim.block import DEFERRED, Block
from slashpoint.sim.demand import Background
from slashpoint.sim.engine import BlockContext, ByColumns, Engine, Status, Tx
from slashpoint.sim.engine.columns import LazySequence
from slashpoint.sim.engine.envelope import envelope
from slashpoint.sim.luck import tie_break
from slashpoint.sim.mempool import Mempool
from slashpoint.sim.rollup import DataFee, compressed_length
from slashpoint.sim.units import GWEI, SECOND, nanoseconds

if TYPE_CHECKING:
    from slashpoint.sim.batch import Members
    from slashpoint.sim.intention import Pending
    from slashpoint.sim.luck import Luck
    from slashpoint.sim.rules import ChainRules

INTRINSIC_GAS = 21_000  # no transaction costs less, so no block holds more than limit / this
COINBASE = b"coinbase".rjust(20, b"\0")  # whom tips go to
MOST_WEI = 2**60  # a gas at most: more than anybody owns for a transaction, and twice as much fits 64 bits
HASHES_KNOWN = 256  # blocks whose hashes the EVM knows


def next_base_fee(base_fee: int, gas_used: int, gas_limit: int, elasticity: int = 2, denominator: int = 8) -> int:
    """Return the base fee of the next block, wei per gas (EIP-1559).

    Args:
        base_fee: of the latest block, wei per gas.
        gas_used: by the latest block.
        gas_limit: of a block.
        elasticity: the gas limit by the gas target.
        denominator: the base fee moves by at most 1 / this.
    """
    target = gas_limit // elasticity
    if gas_used == target:
        return base_fee
    if gas_used > target:
        return min(base_fee + max(base_fee * (gas_used - target) // target // denominator, 1), MOST_WEI)
    return base_fee - base_fee * (target - gas_used) // target // denominator


class Chain:
    """Orders what is pending, owns the clock and the base fee.

    Args:
        engine: what executes blocks.
        rules: the parameters.
        luck: of this chain alone.
    """

    def __init__(self, engine: Engine, rules: ChainRules, luck: Luck) -> None:
        self.engine, self.rules, self._luck = engine, rules, luck
        self.number = 0
        self.period = nanoseconds(rules.block_time)
        self.time = rules.genesis * SECOND  # of the latest block
        self.base_fee = round(rules.base_fee_gwei * GWEI)
        self.data_fee = DataFee(rules)
        self.demand = Background(rules, luck("background"), self.base_fee)
        self.tip = round(rules.tip_gwei * GWEI)
        self.mempool = Mempool(rules.gas_limit)
        self.last_fee = self.base_fee  # of the latest block
        self.crowds: list[Members] = []
        self._by_columns = engine if isinstance(engine, ByColumns) else None
        self._stretch, self._hashes = -1, b""  # 256 slots, by number; the hashes of those and of the 256 before

    @property
    def backlog(self) -> int:
        """Return how many intentions wait for a block; not those of crowds, who always have some."""
        return len(self.mempool)

    def slot(self, time: int) -> int:
        """Return the index of the block at a time (nanoseconds) since genesis time.

        Random draws are keyed by it instead of `number`, which also counts the blocks of set-up.
        """
        return (time - self.rules.genesis * SECOND) // self.period

    def context(self, number: int, time: int) -> BlockContext:
        """Return what the EVM may know of a block; its randomness comes from the seed.

        Args:
            number: of the block.
            time: its timestamp, nanoseconds.
        """
        slot = self.slot(time)
        beacon = self._luck("prevrandao", slot).bytes(32)
        return BlockContext(
            number, time // SECOND, self.base_fee, self.rules.gas_limit, COINBASE, beacon, self._ancestors(slot)
        )

    def _ancestors(self, slot: int) -> bytes:
        """Return the hashes of the 256 blocks before a slot's: from the seed alone, so that nobody can grind them."""
        stretch, into = divmod(slot, HASHES_KNOWN)
        if stretch != self._stretch:
            drawn = [self._luck("hashes", each).bytes(32 * HASHES_KNOWN) for each in (stretch - 1, stretch)]
            self._stretch, self._hashes = stretch, b"".join(drawn)
        return self._hashes[32 * into : 32 * (into + HASHES_KNOWN)]

    def mine(self) -> Block:
        """Make the next block of what arrived strictly before its time."""
        self.number += 1
        self.time += self.period
        self.last_fee = self.base_fee
        others = self.demand.gas(self.slot(self.time), self.base_fee)
        block = Block(self.number, self.time, self.base_fee, gas_used=others)
        self._select(block)
        if block.txs:
            self._execute(block)
            self._settle(block)
        block.backlog = self.backlog + sum(crowd.backlog for crowd in self.crowds)
        self._advance_base_fee(block)
        return block

    def _select(self, block: Block) -> None:
        """Choose and order what the block tries, and drop what no block takes any more."""
        self.mempool.settle(self.time, block.dropped)
        if self.mempool.queues:
            block.included = self._ordered()
            block.places = range(len(block.included))
            block.txs = [pending.signed() for pending in block.included]
        if self.crowds:
            self._select_crowds(block)

    def _execute(self, block: Block) -> None:
        """Run the block's transactions in the gas that others leave."""
        context = self.context(self.number, self.time)
        room = context._replace(gas_limit=context.gas_limit - block.gas_used)
        if self.data_fee:
            block.posted = [self._take(tx) for tx in block.txs]
        columns = as_columns(block.crowded) if self._by_columns is not None and not block.included else None
        if self._by_columns is not None and columns is not None:
            result = self._by_columns.run_columns(room, columns)
        else:
            result = self.engine.run_block(room, list(block.txs))
        block.result, block.status, block.gas = result, result.status.tolist(), result.gas.tolist()
        block.gas_used += sum(block.gas)
        if block.posted:
            self._give_back(block)

    def _take(self, tx: Tx) -> int:
        """Take what a transaction's bytes cost on layer 1, before it runs, and return it: all that one has, at most."""
        owned = self.engine.balance(tx.sender)
        paid = min(owned, self.data_fee.of(compressed_length(envelope(tx))))
        self.engine.fund(tx.sender, owned - paid)
        return paid

    def _give_back(self, block: Block) -> None:
        """Return what was taken for transactions that did not run: none of their bytes are published."""
        for i, tx in enumerate(block.txs):
            if block.status[i] >= DEFERRED and block.posted[i]:
                self.engine.fund(tx.sender, self.engine.balance(tx.sender) + block.posted[i])
                block.posted[i] = 0

    def _settle(self, block: Block) -> None:
        """Take out of the mempool what ran and what never can, and tell crowds what became of theirs."""
        result = block.result
        assert result is not None
        for _, pending in block.executed():
            self.mempool.forget(pending)
        if result.reasons:
            for i, pending in zip(block.places, block.included.copy()):
                if block.status[i] == Status.INVALID:
                    self.mempool.drop(pending, result.reasons[i], block.dropped)
        for rows in block.crowded:
            rows.done(result)

    def _advance_base_fee(self, block: Block) -> None:
        """Set the base fee of the next block by the gas that this one used."""
        rules = self.rules
        self.base_fee = next_base_fee(
            self.base_fee, block.gas_used, rules.gas_limit, rules.elasticity, rules.denominator
        )

    def _select_crowds(self, block: Block) -> None:
        """Let crowds in among those included: all stand in one order."""
        ready = [
            (batch, rows)
            for crowd in self.crowds
            for batch in crowd.batches
            if len(rows := batch.ready(self.time, self.base_fee))
        ]
        if not ready:
            return
        keys = [self._key(one) for one in block.included]
        places, part = merged(ready, keys, self.rules.ordering, self.base_fee, self.slot(self.time))
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
        """Return the best of the accounts' heads, again and again: an account's own go in the order of its nonces."""
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
