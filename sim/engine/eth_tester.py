"""EthTester: eth-tester with signed transactions. The check that nothing was cut, and the door for web3.py.

Here is all that `PyEvm` leaves out: signatures, tries and their roots, receipts, headers, py-evm's own checks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eth.vm.spoof import SpoofTransaction
from eth_keys.datatypes import PrivateKey

from slashpoint.sim.engine.backend import FORKS, Backend, pending_header
from slashpoint.sim.engine.frames import movements
from slashpoint.sim.engine.interface import (
    ZERO_ADDRESS,
    BlockContext,
    BlockResult,
    CallResult,
    Movement,
    Status,
    Transfer,
    Tx,
)
from slashpoint.sim.engine.keys import key_of
from slashpoint.sim.engine.limits import check_block, check_context, check_funds, check_placed, check_transaction
from slashpoint.sim.engine.transaction import Row, block_result, gas_used, result_of
from slashpoint.sim.engine.validity import call_refusal, refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from web3 import Web3


class EthTester:
    """eth-tester as an engine: slow, complete, and only for senders whose keys it learned.

    Its blocks only go forward, and the numbers that a block skips become empty blocks.
    """

    name = "eth_tester"

    def __init__(self, fork: str = "prague", chain_id: int = 1) -> None:
        if fork not in FORKS:
            raise ValueError(f"eth_tester has no fork {fork!r}; there are {', '.join(FORKS)}")
        self.fork = fork
        self.chain_id = chain_id
        self._backend = Backend(fork, chain_id)
        self._chain: Any = self._backend.chain
        self._context = BlockContext(0, 0, 0, 30_000_000)
        self._snapshots: dict[int, tuple[Any, BlockContext]] = {}
        self._taken = 0
        self._keys: dict[bytes, PrivateKey] = {}
        self._seen: tuple[Any, Any] = (None, None)  # a header, and the state after it

    def learn(self, *names: str | bytes) -> None:
        """Sign for the accounts whose addresses come from the keys of these names, or from these private keys."""
        for name in names:
            key = PrivateKey(name if isinstance(name, bytes) else key_of(name))
            if key.public_key.to_canonical_address() not in self._keys:
                self._keys[key.public_key.to_canonical_address()] = key
                self._backend.account_keys += (key,)

    def web3(self) -> Web3:
        """Return a web3.py client of this very chain; what it sends is mined at once, in a block after the last."""
        from slashpoint.sim.engine.client import client  # takes half a second to import

        return client(self._backend, self.chain_id)

    def run_block(self, context: BlockContext, txs: Sequence[Tx]) -> BlockResult:
        """Sign and execute `txs` in order, and mine the block.

        Raises:
            ValueError: nobody knows a sender's key, or the block's number is not after the last one's.
        """
        check_block(context, txs)
        self._enter(context)
        rows: list[Row] = []
        for i, tx in enumerate(txs):
            left = context.gas_limit - self._chain.header.gas_used
            refused = refusal(tx, context, self.fork, self._state, left)
            rows.append((CallResult(refused[0], 0, b"", refused[1]), []) if refused else self._transact(tx, i))
        self._chain.mine_block(coinbase=context.coinbase)
        return block_result(rows)

    def _transact(self, tx: Tx, index: int) -> Row:
        if tx.sender not in self._keys:
            raise ValueError(
                f"nobody knows the key of 0x{tx.sender.hex()}: eth_tester signs, so run with chain.addresses=keys"
                " and let it learn the sender's name"
            )
        before = self._chain.header.gas_used
        signed = self._unsigned(tx).as_signed_transaction(self._keys[tx.sender], chain_id=self.chain_id)
        _, receipt, frame = self._chain.apply_transaction(signed)
        transfers = list(movements(frame, index))
        for dead, wei in sorted(frame.state.buried.items()):
            transfers.append(Transfer(index, Movement.BURN, dead, ZERO_ADDRESS, wei))
        created = frame.msg.storage_address if tx.to is None else None
        return result_of(frame, receipt.gas_used - before, created, index), transfers

    def call(self, tx: Tx, context: BlockContext | None = None) -> CallResult:
        """Execute without a trace, free of fees, from any address at any nonce; the gas counts what it would use."""
        context = context or self._context
        check_transaction(tx)
        check_context(context)
        vm = self._chain.get_vm(pending_header(self._chain.header, context))
        vm.context = context
        state = vm.state
        if why := call_refusal(tx, self.fork, state):
            return CallResult(Status.INVALID, 0, b"", why)
        unsigned = self._unsigned(tx._replace(nonce=state.get_nonce(tx.sender), max_fee=0, tip=0))
        frame = state.apply_transaction(SpoofTransaction(unsigned, from_=tx.sender, type_id=2))
        created = frame.msg.storage_address if tx.to is None else None
        return result_of(frame, gas_used(frame, tx, self.fork), created)

    def _unsigned(self, tx: Tx) -> Any:
        return (
            self._chain.get_vm()
            .get_transaction_builder()
            .new_unsigned_dynamic_fee_transaction(
                chain_id=self.chain_id,
                nonce=tx.nonce,
                max_priority_fee_per_gas=tx.tip,
                max_fee_per_gas=tx.max_fee,
                gas=tx.gas,
                to=tx.to or b"",
                value=tx.value,
                data=tx.data,
                access_list=tx.access_list,
            )
        )

    def fund(self, address: bytes, wei: int) -> None:
        """Set a balance: for the genesis only."""
        check_funds(address, wei)
        self._write(address, lambda state: state.set_balance(address, wei))

    def place(self, address: bytes, *, nonce: int = 0, code: bytes = b"", storage: Mapping[int, int] = {}) -> None:
        """Set the nonce, the code and the whole storage of an account; see `Engine.place`."""
        check_placed(address, nonce, code, storage, self.fork)

        def give(state: Any) -> None:
            state.set_nonce(address, nonce)
            state.set_code(address, code)
            state.delete_storage(address)
            for slot, word in storage.items():
                state.set_storage(address, slot, word)

        self._write(address, give)

    def _write(self, address: bytes, change: Callable[[Any], None]) -> None:
        """Change an account between blocks; an empty one is none."""
        state = self._chain.get_vm().state
        change(state)
        state.persist()  # which computes the root of its storage
        if not state.has_code_or_nonce(address) and not state.get_balance(address):
            state.delete_account(address)
            state.persist()
        self._chain.header = self._chain.header.copy(state_root=state.state_root)

    def balance(self, address: bytes) -> int:
        """Return the wei of an account."""
        return int(self._state.get_balance(address))

    def nonce(self, address: bytes) -> int:
        """Return the nonce that an account uses next."""
        return int(self._state.get_nonce(address))

    def balances(self, addresses: Sequence[bytes]) -> list[int]:
        """Return the wei of many accounts, in their order."""
        return [self.balance(address) for address in addresses]

    def nonces(self, addresses: Sequence[bytes]) -> list[int]:
        """Return the next nonces of many accounts, in their order."""
        return [self.nonce(address) for address in addresses]

    def code(self, address: bytes) -> bytes:
        """Return the code of a contract; empty for others."""
        return bytes(self._state.get_code(address))

    def storage(self, address: bytes, slot: int) -> int:
        """Return one word of a contract's storage."""
        return int(self._state.get_storage(address, slot))

    def state_root(self) -> bytes:
        """Return the root hash of the state, as the chain's own headers have it."""
        return bytes(self._chain.header.state_root)

    def snapshot(self) -> int:
        """Remember the head of the chain: everything below it is in the tries."""
        self._taken += 1
        self._snapshots[self._taken] = self._chain.header, self._context
        return self._taken

    def restore(self, snapshot: int) -> None:
        """Go back to a snapshot, which stays usable; younger ones are forgotten.

        Raises:
            KeyError: it was forgotten, or never taken.
        """
        if snapshot not in self._snapshots:
            raise KeyError(f"no snapshot {snapshot}; there are {', '.join(map(str, self._snapshots)) or 'none'}")
        while next(reversed(self._snapshots)) != snapshot:
            self._snapshots.popitem()
        header, self._context = self._snapshots[snapshot]
        self._backend.rewind(header)
        for number in [number for number in self._chain.contexts if number >= header.block_number]:
            del self._chain.contexts[number]

    @property
    def _state(self) -> Any:
        if self._seen[0] is not self._chain.header:
            self._seen = self._chain.header, self._chain.get_vm().state
        return self._seen[1]

    def _enter(self, context: BlockContext) -> None:
        """Begin a block, after empty ones for the numbers that were skipped."""
        pending = self._chain.header
        if context.number < pending.block_number:
            raise ValueError(f"eth_tester goes forward: block {context.number} is not after {pending.block_number - 1}")
        for number in range(pending.block_number, context.number):
            self._chain.header = pending_header(
                self._chain.header, context._replace(number=number, prevrandao=bytes(32))
            )
            self._chain.mine_block(coinbase=context.coinbase)
        self._chain.header = pending_header(self._chain.header, context)
        self._chain.contexts[context.number] = self._context = context
