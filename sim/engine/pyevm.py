"""PyEvm: py-evm driven directly, without signatures. The portable engine, and the one to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eth.vm.execution_context import ExecutionContext
from eth_typing import Address, BlockNumber, Hash32

from slashpoint.sim.engine.accounts import Accounts, Mark, PragueAccounts
from slashpoint.sim.engine.interface import BlockContext, BlockResult, CallResult, Status, Tx
from slashpoint.sim.engine.limits import check_block, check_context, check_funds, check_placed, check_transaction
from slashpoint.sim.engine.root import state_root
from slashpoint.sim.engine.transaction import Row, Watch, block_result, transact
from slashpoint.sim.engine.validity import call_refusal, refusal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FORKS: dict[str, type[Accounts]] = {"cancun": Accounts, "prague": PragueAccounts}
GENESIS = BlockContext(number=0, timestamp=0, base_fee=0, gas_limit=30_000_000)


class PyEvm:
    """The EVM as py-evm executes it, one transaction after the other, on accounts without tries.

    py-evm knows no fork newer than Prague.
    """

    name = "pyevm"

    def __init__(self, fork: str = "prague", chain_id: int = 1) -> None:
        if fork not in FORKS:
            raise ValueError(f"pyevm has no fork {fork!r}; there are {', '.join(FORKS)}")
        self.fork = fork
        self.chain_id = chain_id
        self._state = FORKS[fork]()
        self._context = GENESIS
        self._contexts: dict[Mark, BlockContext] = {}  # the block before each snapshot
        self.watch: Watch | None = None  # told each transaction of a block once it was executed

    def run_block(self, context: BlockContext, txs: Sequence[Tx]) -> BlockResult:
        """Execute `txs` in order as one block."""
        check_block(context, txs)
        self._enter(context)
        left = context.gas_limit
        rows: list[Row] = []
        for i, tx in enumerate(txs):
            if refused := refusal(tx, context, self.fork, self._state, left):
                rows.append((CallResult(refused[0], 0, b"", refused[1]), []))
                continue
            tip = min(tx.tip, tx.max_fee - context.base_fee)
            fees = {"price": context.base_fee + tip, "tip": tip}
            rows.append(transact(self._state, self.fork, tx, **fees, index=i, watch=self.watch))
            left -= rows[-1][0].gas
            self._state.lock_changes()
        return block_result(rows)

    def call(self, tx: Tx, context: BlockContext | None = None) -> CallResult:
        """Execute without a trace, free of fees, from any address at any nonce; the gas counts what it would use."""
        check_transaction(tx)
        before = self._context
        check_context(context or before)
        if why := call_refusal(tx, self.fork, self._state):
            return CallResult(Status.INVALID, 0, b"", why)
        self._enter(context or before)
        start = self._state.snapshot()
        try:
            return transact(self._state, self.fork, tx)[0]
        finally:
            self._state.revert(start)
            self._state.lock_changes()
            self._enter(before)

    def fund(self, address: bytes, wei: int) -> None:
        """Set a balance: for the genesis only."""
        check_funds(address, wei)
        self._state.set_balance(address, wei)
        self._state.lock_changes()

    def place(self, address: bytes, *, nonce: int = 0, code: bytes = b"", storage: Mapping[int, int] = {}) -> None:
        """Set the nonce, the code and the whole storage of an account; see `Engine.place`."""
        check_placed(address, nonce, code, storage, self.fork)
        self._state.place(address, nonce, code, storage)
        self._state.lock_changes()

    def balance(self, address: bytes) -> int:
        """Return the wei of an account."""
        return self._state.get_balance(address)

    def nonce(self, address: bytes) -> int:
        """Return the nonce that an account uses next."""
        return self._state.get_nonce(address)

    def balances(self, addresses: Sequence[bytes]) -> list[int]:
        """Return the wei of many accounts, in their order."""
        return [self.balance(address) for address in addresses]

    def nonces(self, addresses: Sequence[bytes]) -> list[int]:
        """Return the next nonces of many accounts, in their order."""
        return [self.nonce(address) for address in addresses]

    def code(self, address: bytes) -> bytes:
        """Return the code of a contract; empty for others."""
        return self._state.get_code(address)

    def storage(self, address: bytes, slot: int) -> int:
        """Return one word of a contract's storage."""
        return self._state.get_storage(address, slot)

    def state_root(self) -> bytes:
        """Return the root hash of the state, 32 bytes."""
        return state_root(self._state.accounts())

    def snapshot(self) -> int:
        """Remember the state, and which block ran last."""
        mark = self._state.mark()
        self._contexts[mark] = self._context
        return mark

    def restore(self, snapshot: int) -> None:
        """Go back to a snapshot, which stays usable; younger ones are forgotten.

        Raises:
            KeyError: it was forgotten, or never taken.
        """
        if snapshot not in self._contexts:
            raise KeyError(f"no snapshot {snapshot}; there are {', '.join(map(str, self._contexts)) or 'none'}")
        self._state.rewind(Mark(snapshot))
        while next(reversed(self._contexts)) != snapshot:
            self._contexts.popitem()
        self._enter(self._contexts[Mark(snapshot)])

    def _enter(self, context: BlockContext) -> None:
        self._context = context
        self._state.execution_context = ExecutionContext(
            coinbase=Address(context.coinbase),
            timestamp=context.timestamp,
            block_number=BlockNumber(context.number),
            difficulty=0,
            mix_hash=Hash32(context.prevrandao),
            gas_limit=context.gas_limit,
            prev_hashes=map(Hash32, context.ancestors()),
            chain_id=self.chain_id,
            base_fee_per_gas=context.base_fee,
            excess_blob_gas=0,
        )
