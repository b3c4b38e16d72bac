"""The native engine: revm, through the package `slashpoint-revm`. A block is one call, with Python's lock released."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import slashpoint_revm

from slashpoint.sim.engine.columns import EventColumns, LazySequence, TransferColumns
from slashpoint.sim.engine.interface import (
    BlockContext,
    BlockResult,
    CallResult,
    Log,
    Movement,
    Status,
    TokenTransfers,
    Transfer,
    Tx,
)
from slashpoint.sim.engine.limits import check_placed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from slashpoint.sim.engine.columns import Bytes, CallColumns

MOVEMENTS = tuple(Movement)
GENESIS = BlockContext(0, 0, 0, 30_000_000)


@dataclass(slots=True)
class NativeResult(BlockResult):
    """What a batch did, with views that no Python object is made for until they are asked for."""

    block: slashpoint_revm.Block = field(kw_only=True)

    def events(self) -> list[tuple[int, bytes, str, tuple[object, ...]]]:
        """Return `(tx, address, event, values)` of every log that the ABI registered at its address can read."""
        return self.block.events()

    def event_columns(self) -> dict[tuple[bytes, str], EventColumns]:
        """Return the same in columns, by contract and event."""
        columns = {}
        for key, (tx, log, values) in self.block.event_columns().items():
            place = np.frombuffer(tx, np.uint32)
            columns[key] = EventColumns(place, np.frombuffer(log, np.uint32), _matrices(len(place), values))
        return columns

    def token_transfers(self, tokens: Sequence[bytes]) -> tuple[TokenTransfers, list[tuple[int, Log]]]:
        """Return what the ERC-20 contracts at `tokens` moved, and all other events with their places."""
        tx, token, sender, receiver, amount, others = self.block.token_transfers(tokens)
        logs = [(place, Log(*fields)) for place, fields in others]
        return TokenTransfers(tx, token, sender, receiver, amount), logs

    def transfer_columns(self) -> TransferColumns:
        """Return the movements of wei as columns."""
        tx, kind, sender, receiver, wei = (np.frombuffer(each, np.uint8) for each in self.block.transfer_columns())
        sender, receiver, wei = sender.reshape(-1, 20), receiver.reshape(-1, 20), wei.reshape(-1, 32)
        return TransferColumns(tx.view(np.uint32), kind, sender, receiver, wei)


class Native:
    """revm under one fork's rules: an implementation of `Engine`.

    Not for two threads at once: the second gets a RuntimeError.

    Raises:
        ValueError: there is no such fork.
    """

    name = "native"

    def __init__(self, fork: str = "prague", chain_id: int = 1) -> None:
        self.fork = fork
        self._evm = slashpoint_revm.Engine(fork, chain_id)
        self._context = GENESIS
        self._contexts: dict[int, BlockContext] = {}  # the block before each snapshot, oldest first

    def run_block(self, context: BlockContext, txs: Sequence[Tx]) -> NativeResult:
        """Execute `txs` in order as one block; see `Engine.run_block`.

        The data of a call may also be `(function, values)`, if an ABI is registered where it goes.

        Raises:
            KeyError: the ABI has no such function; nothing was executed.
            TypeError, ValueError, OverflowError: a transaction is malformed; nothing was executed.
            RuntimeError: another thread is using this engine.
        """
        return self._result(context, self._evm.run_block(context, txs))

    def run_columns(self, context: BlockContext, calls: CallColumns) -> NativeResult:
        """Run a block whose transactions come in columns. Raises as `run_block` does."""
        return self._result(context, self._evm.run_columns(context, calls))

    def register(self, address: bytes, abi: slashpoint_revm.Abi) -> None:
        """Say which ABI is at an address: it encodes calls given by name and reads events.

        Args:
            address: of a contract, 20 bytes.
            abi: of its functions and events.
        """
        self._evm.register(address, abi)

    def _result(self, context: BlockContext, block: slashpoint_revm.Block) -> NativeResult:
        self._context = context
        return NativeResult(
            status=np.frombuffer(block.status(), np.uint8),
            gas=np.frombuffer(block.gas(), np.uint64),
            output=LazySequence(len(block), block.outputs),
            logs=LazySequence(block.log_count(), lambda: [Log(*fields) for fields in block.logs()]),
            transfers=LazySequence(
                block.transfer_count(), lambda: [_transfer(*fields) for fields in block.transfers()]
            ),
            reasons=block.reasons(),
            block=block,
        )

    def call(self, tx: Tx, context: BlockContext | None = None) -> CallResult:
        """Execute without a trace; see `Engine.call`."""
        status, gas, output, reason, logs = self._evm.call(context or self._context, tx)
        return CallResult(Status(status), gas, output, reason, tuple(Log(*fields) for fields in logs))

    def fund(self, address: bytes, wei: int) -> None:
        """Set a balance: for the genesis only."""
        self._evm.fund(address, wei)

    def place(self, address: bytes, *, nonce: int = 0, code: bytes = b"", storage: Mapping[int, int] = {}) -> None:
        """Set the nonce, the code and the whole storage of an account; see `Engine.place`."""
        check_placed(address, nonce, code, storage, self.fork)
        self._evm.place(address, nonce, code, storage.items())

    def balance(self, address: bytes) -> int:
        """Return the wei of an account."""
        return self._evm.balance(address)

    def nonce(self, address: bytes) -> int:
        """Return the nonce that an account uses next."""
        return self._evm.nonce(address)

    def balances(self, addresses: Sequence[bytes]) -> list[int]:
        """Return the wei of many accounts, in their order."""
        return self._evm.balances(addresses)

    def nonces(self, addresses: Sequence[bytes]) -> list[int]:
        """Return the next nonces of many accounts, in their order."""
        return self._evm.nonces(addresses)

    def code(self, address: bytes) -> bytes:
        """Return the code of a contract; empty for others."""
        return self._evm.code(address)

    def storage(self, address: bytes, slot: int) -> int:
        """Return one word of a contract's storage."""
        return self._evm.storage(address, slot)

    def state_root(self) -> bytes:
        """Return the root hash of the state, 32 bytes."""
        from slashpoint.sim.engine.root import Account, state_root  # py-evm's trie, which no run needs

        rows = self._evm.accounts()
        return state_root((who, Account(wei, nonce, code, dict(storage))) for who, wei, nonce, code, storage in rows)

    def snapshot(self) -> int:
        """Remember the state; returns what `restore` takes. Under a microsecond plus the cost of what changed since."""
        mark = self._evm.snapshot()
        self._contexts[mark] = self._context
        return mark

    def restore(self, snapshot: int) -> None:
        """Go back to a snapshot, which stays usable; younger ones are forgotten.

        Raises:
            KeyError: it was forgotten, or never taken.
        """
        self._evm.restore(snapshot)
        while next(reversed(self._contexts)) != snapshot:
            self._contexts.popitem()
        self._context = self._contexts[snapshot]

    def search(self, plan: dict[str, Any]) -> dict[str, Any]:
        """Return what a search from here saw, with Python's lock released; this engine stays as it is.

        Args:
            plan: what is called by whom, how often, and what must hold, as `slashpoint_revm.pyi` says.

        Raises:
            TypeError, ValueError, OverflowError: the plan is malformed.
        """
        return self._evm.search(plan)

    def copy(self) -> Native:
        """Return an engine of its own that begins where this one stands, without its snapshots; takes a microsecond."""
        twin: Native = object.__new__(Native)
        twin.fork, twin._evm, twin._context, twin._contexts = self.fork, self._evm.copy(), self._context, {}
        return twin


def _transfer(tx: int, kind: int, sender: bytes, receiver: bytes, wei: int) -> Transfer:
    return Transfer(tx, MOVEMENTS[kind], sender, receiver, wei)


def _matrices(rows: int, values: Sequence[bytes | tuple[object, ...]]) -> tuple[Bytes | tuple[object, ...], ...]:
    """Return columns of bytes as arrays with a row for each entry."""
    return tuple(
        np.frombuffer(value, np.uint8).reshape(rows, -1) if isinstance(value, bytes) else value for value in values
    )
