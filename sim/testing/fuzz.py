"""Differential fuzzing: the same random blocks on two engines, compared after each."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from slashpoint.sim.engine import ZERO_ADDRESS, BlockContext, Movement, Status, Tx
from slashpoint.sim.engine.validity import floor_gas, intrinsic_gas
from slashpoint.sim.testing.precompiles import ADDRESSES, calldata
from slashpoint.sim.testing.programs import SLOTS, Author, deployer
from slashpoint.sim.units import ETH, GWEI

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np

    from slashpoint.sim.engine import BlockResult, Engine

T = TypeVar("T")
PEOPLE = tuple(bytes((0xA0 + i,)) * 20 for i in range(4))
POOR = bytes((0xAF,)) * 20
NOBODY = bytes((0xEE,)) * 20
GAS_LIMIT = 20_000_000  # of a block, above EIP-7825's cap for one transaction
SLOW = {8: 1, 10: 1, 11: 2, 12: 1, 13: 2, 14: 1, 15: 1, 16: 1, 17: 1}  # weights of what takes long in Python


class Episode:
    """A short history on two engines, which must tell it alike.

    Programs call, create, destroy and revert at any depth, with gas from none to spare up to plenty, access lists,
    refunds, every precompiled contract, and transactions that must be put off or refused. Compared are status, gas,
    output, logs and transfers of every transaction, and after each block the balance, nonce, code and storage of
    everybody that had a part in it, and at the end the roots of the states; and transfers and fees must explain every
    balance to the wei.

    Attributes:
        executed: transactions and calls so far.
    """

    def __init__(self, rng: np.random.Generator, one: Engine, other: Engine) -> None:
        self.engines = (one, other)
        self.executed = 0
        self._rng = rng
        self._contracts: list[bytes] = []
        self._known = [*PEOPLE, POOR, NOBODY, ZERO_ADDRESS, *ADDRESSES]  # whoever may hold wei
        self._author = Author(rng, self._known, self._contracts)
        self._number = int(rng.integers(400))
        for engine in self.engines:
            engine.fund(POOR, ETH // 1_000)
            for person in PEOPLE:
                engine.fund(person, 100 * ETH)

    def play(self, blocks: int = 6, size: int = 10, calls: int = 2) -> Iterator[str]:
        """Run blocks of `size` transactions and then `calls` that leave no trace; yields what differs, in words.

        Args:
            blocks: how many.
            size: transactions of each.
            calls: after each, without a trace.
        """
        yield from self._block([self._creation(sender) for sender in PEOPLE for _ in range(2)])
        for _ in range(blocks):
            marks = [engine.snapshot() for engine in self.engines]
            yield from self._block([self._transaction() for _ in range(size)])
            for _ in range(calls):
                yield from self._call()
            if self._chance(0.2):
                for engine, mark in zip(self.engines, marks, strict=True):
                    engine.restore(mark)
                yield from self._states()
        one, other = (engine.state_root().hex() for engine in self.engines)
        if one != other:
            yield f"roots of the states: {one}, {other}"

    def _block(self, drafts: Sequence[Tx]) -> Iterator[str]:
        self._number += 1
        one, other = self.engines
        context = BlockContext(
            number=self._number,
            timestamp=1_700_000_000 + 12 * self._number,
            base_fee=self._pick((GWEI, GWEI, 2 * GWEI, 7, 0)),
            gas_limit=GAS_LIMIT,
            coinbase=self._pick(self._known),
            prevrandao=self._rng.bytes(32),
            hashes=self._rng.bytes(32 * self._below(300)),
        )
        nonces = {draft.sender: one.nonce(draft.sender) for draft in drafts}
        txs = []
        for draft in drafts:
            txs.append(draft._replace(nonce=max(0, nonces[draft.sender] + draft.nonce)))
            nonces[draft.sender] += draft.nonce == 0
        before = {address: one.balance(address) for address in self._known}
        result, yours = one.run_block(context, txs), other.run_block(context, txs)
        self.executed += len(txs)
        yield from _differences(result, yours, txs)
        for tx, status, output in zip(txs, result.status, result.output, strict=True):
            if tx.to is None and status == Status.SUCCESS:
                self._contracts.append(output)
        everybody = {address for row in result.transfers for address in (row.sender, row.receiver)}
        self._known += sorted({*everybody, *self._contracts} - set(self._known))
        yield from self._unexplained(before, context, txs, result)
        yield from self._states()

    def _unexplained(
        self, before: dict[bytes, int], context: BlockContext, txs: Sequence[Tx], result: BlockResult
    ) -> Iterator[str]:
        """Yield balances that transfers and fees do not explain."""
        expected = dict.fromkeys(self._known, 0) | before
        for row in result.transfers:
            expected[row.sender] -= row.wei
            expected[row.receiver] += row.wei if row.kind is not Movement.BURN else 0
        for tx, gas in zip(txs, result.gas.tolist(), strict=True):
            tip = min(tx.tip, tx.max_fee - context.base_fee)
            expected[tx.sender] -= gas * (context.base_fee + tip)
            expected[context.coinbase] += gas * tip
        for engine in self.engines:
            for address, wei in expected.items():
                if (has := engine.balance(address)) != wei:
                    yield f"{engine.name}: {address.hex()} has {has} wei; transfers and fees explain {wei}"

    def _states(self) -> Iterator[str]:
        """Yield accounts on which the engines differ."""
        one, other = self.engines
        for address in self._known:
            for what in ("balance", "nonce", "code"):
                mine, yours = getattr(one, what)(address), getattr(other, what)(address)
                if mine != yours:
                    yield f"{what} of {address.hex()}: {mine!r}, {yours!r}"
        for address in self._contracts:
            slots, others = ([engine.storage(address, slot) for slot in range(SLOTS)] for engine in self.engines)
            if slots != others:
                yield f"storage of {address.hex()}: {slots}, {others}"

    def _call(self) -> Iterator[str]:
        draft = self._visit(self._pick(self._known))
        one, other = (engine.call(draft) for engine in self.engines)
        self.executed += 1
        if one._replace(reason="") != other._replace(reason=""):
            yield f"call of {draft}: {one}, {other}"

    # Drafts: a draft's `nonce` says how far from the right one it is

    def _transaction(self) -> Tx:
        sender, kind = self._pick(PEOPLE), self._rng.random()
        if kind < 0.6:
            return self._visit(sender)
        if kind < 0.75:
            return self._creation(sender)
        if kind < 0.82:
            return self._declare(Tx(sender, self._pick(self._known), self._bytes(400), self._below(1_000)))
        return self._faulty(sender) if kind < 0.88 else self._precompile(sender)

    def _visit(self, sender: bytes) -> Tx:
        """Run a contract on data that its program branches on and may take for an address."""
        data = self._rng.bytes(12) + self._pick(self._known) + self._bytes(40)
        wei = self._below(10_000) if self._chance(0.5) else 0
        return self._declare(Tx(sender, self._pick(self._contracts or self._known), data, wei))

    def _creation(self, sender: bytes) -> Tx:
        code = self._author.program() if self._chance(0.95) else self._bytes(200)
        code = deployer(code) if self._chance(0.85) else code
        return self._declare(Tx(sender, None, code, self._below(5_000)))

    def _precompile(self, sender: bytes) -> Tx:
        weights = [SLOW.get(int.from_bytes(address, "big"), 5) for address in ADDRESSES]
        to = ADDRESSES[self._rng.choice(len(ADDRESSES), p=[weight / sum(weights) for weight in weights])]
        return self._declare(Tx(sender, to, calldata(self._rng, int.from_bytes(to, "big")), self._below(3)))

    def _faulty(self, sender: bytes) -> Tx:
        """Return a transaction that must be put off or refused, or nearly."""
        plain = Tx(sender, self._pick(self._known), b"", 1, 21_000, 3 * GWEI, GWEI)
        return self._pick(
            (
                plain._replace(nonce=1 + self._below(2)),
                plain._replace(nonce=-1),
                plain._replace(gas=20_999),
                plain._replace(data=b"\1" * 100, gas=22_600 + self._below(3_000)),  # under EIP-7623's floor or not
                plain._replace(tip=4 * GWEI),
                plain._replace(max_fee=0, tip=0),
                plain._replace(sender=POOR, gas=400_000),
                plain._replace(sender=POOR, value=ETH),
                plain._replace(sender=self._pick(self._contracts or PEOPLE)),
                plain._replace(gas=GAS_LIMIT + 1),
                plain._replace(gas=2**24 + self._below(2)),  # EIP-7825's cap, or one above
                plain._replace(to=None, data=bytes(49_152 + self._below(2)), gas=3_000_000),  # EIP-3860's
            )
        )

    def _declare(self, tx: Tx) -> Tx:
        """Give it an access list, fees, and gas from none to spare up to plenty."""
        if self._chance(0.2):
            slots = [tuple(self._below(SLOTS) for _ in range(self._below(4))) for _ in range(self._below(4))]
            tx = tx._replace(access_list=tuple((self._pick(self._known), some) for some in slots))
        needed = max(intrinsic_gas(tx), floor_gas(tx.data, "prague"))
        deposit = 200 * len(tx.data) if tx.to is None else 0
        spare = 0 if self._chance(0.02) else int(10 ** self._rng.uniform(3.3, 6.5))
        return tx._replace(gas=needed + deposit + spare, max_fee=(2 + self._below(3)) * GWEI, tip=self._below(2 * GWEI))

    def _bytes(self, bound: int) -> bytes:
        size = self._below(bound)
        return self._rng.bytes(size) if self._chance(0.8) else bytes(size)

    def _below(self, bound: int) -> int:
        return int(self._rng.integers(bound))

    def _chance(self, probability: float) -> bool:
        return bool(self._rng.random() < probability)

    def _pick(self, among: Sequence[T]) -> T:
        return among[self._below(len(among))]


def _differences(one: BlockResult, other: BlockResult, txs: Sequence[Tx]) -> Iterator[str]:
    for i, tx in enumerate(txs):
        mine, yours = (
            (Status(int(result.status[i])).name, int(result.gas[i]), result.output[i], i in result.reasons)
            for result in (one, other)
        )
        if mine != yours:
            yield f"{tx}: {mine} {one.reasons.get(i)}, {yours} {other.reasons.get(i)}"
    for what in ("logs", "transfers"):
        rows, others = (list(getattr(result, what)) for result in (one, other))
        if rows != others:
            yield f"{what}: {rows}, {others}"
