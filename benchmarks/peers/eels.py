"""The executable specification (PyPI `ethereum-execution`) as an engine: slow, and right by definition.

It keeps no record of wei that moves, so its interpreter is watched: this file replaces functions in its modules.
"""

from __future__ import annotations

import functools
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from slashpoint.sim.engine import (
    ZERO_ADDRESS,
    BlockContext,
    BlockResult,
    CallResult,
    Log,
    Movement,
    Status,
    Transfer,
    Tx,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FORKS = ("cancun", "prague", "osaka")


class Watched:
    """One fork's modules, and what happened in the transaction that ran last."""

    def __init__(self, fork: str) -> None:
        parts: tuple[Any, ...] = tuple(
            import_module(f"ethereum.forks.{fork}.{name}")
            for name in ("fork", "state", "vm", "fork_types", "transactions")
        )
        self.fork, self.state, self.vm, self.types, self.transactions = parts
        self.revert = import_module(f"ethereum.forks.{fork}.vm.exceptions").Revert
        self.sender = b""  # no signature is recovered: it is this
        self.output: Any = None  # of the outermost message
        self.frame: Any = None  # the outermost
        self.created = b""
        self.moved: list[tuple[Movement, bytes, bytes, int]] = []
        self.buried: list[tuple[Movement, bytes, bytes, int]] = []
        self.fork.recover_sender = lambda _chain, _tx: self.types.Address(self.sender)
        self._watch_messages(import_module(f"ethereum.forks.{fork}.vm.interpreter"))
        self._watch_deaths(import_module(f"ethereum.forks.{fork}.vm.instructions"))

    def movements(self) -> list[tuple[Movement, bytes, bytes, int]]:
        """Return kind, sender, receiver and wei of all that was not undone, in order."""
        return self.moved + sorted(self.buried, key=lambda row: row[1])

    def _watch_messages(self, interpreter: Any) -> None:
        start, create, run = (
            getattr(interpreter, f"process_{name}") for name in ("message_call", "create_message", "message")
        )

        def process_message_call(message: Any) -> Any:
            self.created = bytes(message.current_target)
            self.output = start(message)
            return self.output

        def undo(process: Any) -> Any:
            def watched(message: Any) -> Any:
                mark = len(self.moved)
                if process is run and message.should_transfer_value:
                    kind = Movement.CALL if message.target else Movement.CREATE
                    self._note(kind, message.caller, message.current_target, message.value)
                self.frame = process(message)  # the outermost returns last
                if self.frame.error:
                    del self.moved[mark:]
                return self.frame

            return watched

        interpreter.process_message, interpreter.process_create_message = undo(run), undo(create)
        self.fork.process_message_call = process_message_call

    def _watch_deaths(self, instructions: Any) -> None:
        die = instructions.op_implementation[instructions.Ops.SELFDESTRUCT]
        bury = self.fork.destroy_account

        def selfdestruct(evm: Any) -> None:
            owner, state = evm.message.current_target, evm.message.block_env.state
            heir = int(evm.stack[-1]).to_bytes(32, "big")[12:] if evm.stack else b""
            wei = self.state.get_account(state, owner).balance
            die(evm)
            self._note(Movement.SELFDESTRUCT, owner, heir, wei)
            if heir == owner and owner in state.created_accounts:
                self._note(Movement.BURN, owner, ZERO_ADDRESS, wei)

        def destroy_account(state: Any, address: Any) -> None:
            if wei := int(self.state.get_account(state, address).balance):
                self.buried.append((Movement.BURN, bytes(address), ZERO_ADDRESS, wei))
            bury(state, address)

        instructions.op_implementation[instructions.Ops.SELFDESTRUCT] = selfdestruct
        self.fork.destroy_account = destroy_account

    def _note(self, kind: Movement, sender: Any, receiver: Any, wei: Any) -> None:
        if wei and bytes(sender) != bytes(receiver):
            self.moved.append((kind, bytes(sender), bytes(receiver), int(wei)))


watched = functools.cache(Watched)  # its modules are changed once


class Eels:
    """The specification of one fork. It has no calls that leave no trace."""

    name = "eels"

    def __init__(self, fork: str = "osaka") -> None:
        self.fork = fork
        self._spec = watched(fork)
        self._state = self._spec.state.State()
        self._snapshots: list[Any] = []

    def run_block(self, context: BlockContext, txs: Sequence[Tx]) -> BlockResult:
        """Execute `txs` in order as one block."""
        logs: list[Log] = []
        transfers: list[Transfer] = []
        output: list[bytes] = []
        result = BlockResult(np.zeros(len(txs), np.uint8), np.zeros(len(txs), np.uint64), output, logs, transfers)
        left = context.gas_limit
        for i, tx in enumerate(txs):
            done = self._transact(context, tx, left)
            result.status[i], result.gas[i] = done.status, done.gas
            output.append(done.output)
            if done.reason:
                result.reasons[i] = done.reason
            if done.status < Status.DEFERRED:
                transfers += [Transfer(i, *row) for row in self._spec.movements()]
            logs += [log._replace(tx=i) for log in done.logs]
            left -= done.gas
        return result

    def _transact(self, context: BlockContext, tx: Tx, left: int) -> CallResult:
        from ethereum.exceptions import EthereumException, NonceMismatchError
        from ethereum_types.numeric import Uint

        if tx.gas > left:
            return CallResult(Status.DEFERRED, 0, b"", "no room")
        spec = self._spec
        spec.moved.clear()
        spec.buried.clear()
        spec.sender = tx.sender
        block = spec.vm.BlockOutput()
        try:
            spec.fork.process_transaction(self._environment(context), block, self._transaction(tx), Uint(0))
        except NonceMismatchError as refused:
            ahead = tx.nonce > self.nonce(tx.sender)
            return CallResult(Status.DEFERRED if ahead else Status.INVALID, 0, b"", repr(refused))
        except EthereumException as refused:
            return CallResult(Status.INVALID, 0, b"", repr(refused))
        gas, error = int(block.block_gas_used), spec.output.error
        if error is not None and not isinstance(error, spec.revert):
            return CallResult(Status.HALTED, gas, b"", repr(error))
        if error is not None:
            return CallResult(Status.REVERTED, gas, bytes(spec.frame.output))
        logs = (Log(0, bytes(log.address), tuple(map(bytes, log.topics)), bytes(log.data)) for log in spec.output.logs)
        output = spec.created if tx.to is None else bytes(spec.frame.output)
        return CallResult(Status.SUCCESS, gas, output, "", tuple(logs))

    def _environment(self, context: BlockContext) -> Any:
        from ethereum_types.bytes import Bytes32
        from ethereum_types.numeric import U64, U256, Uint

        ago = min(256, context.number)
        known = [Bytes32(word) for word in context.ancestors()][:ago]
        return self._spec.vm.BlockEnvironment(
            chain_id=U64(1),
            state=self._state,
            block_gas_limit=Uint(context.gas_limit),
            block_hashes=[Bytes32(bytes(32))] * (ago - len(known)) + known[::-1],
            coinbase=self._spec.types.Address(context.coinbase),
            number=Uint(context.number),
            base_fee_per_gas=Uint(context.base_fee),
            time=U256(context.timestamp),
            prev_randao=Bytes32(context.prevrandao),
            excess_blob_gas=U64(0),
            parent_beacon_block_root=Bytes32(bytes(32)),
        )

    def _transaction(self, tx: Tx) -> Any:
        from ethereum_types.bytes import Bytes, Bytes0, Bytes32
        from ethereum_types.numeric import U64, U256, Uint

        address = self._spec.types.Address
        listed = [
            self._spec.transactions.Access(address(who), tuple(Bytes32(slot.to_bytes(32, "big")) for slot in slots))
            for who, slots in tx.access_list
        ]
        return self._spec.transactions.FeeMarketTransaction(
            chain_id=U64(1),
            nonce=U256(tx.nonce),
            max_priority_fee_per_gas=Uint(tx.tip),
            max_fee_per_gas=Uint(tx.max_fee),
            gas=Uint(tx.gas),
            to=Bytes0(b"") if tx.to is None else address(tx.to),
            value=U256(tx.value),
            data=Bytes(tx.data),
            access_list=tuple(listed),
            y_parity=U256(0),
            r=U256(1),
            s=U256(1),
        )

    def call(self, tx: Tx, context: BlockContext | None = None) -> CallResult:
        """Refuse: calls without a trace are not offered."""
        raise NotImplementedError("the specification has no calls")

    def fund(self, address: bytes, wei: int) -> None:
        """Set the balance of an account."""
        from ethereum_types.numeric import U256

        self._spec.state.set_account_balance(self._state, self._spec.types.Address(address), U256(wei))

    def place(self, address: bytes, *, nonce: int = 0, code: bytes = b"", storage: Mapping[int, int] = {}) -> None:
        """Set the nonce, the code and the whole storage of an account; its balance stays.

        Args:
            address: 20 bytes.
            nonce: that it uses next.
            code: of a contract; empty for none.
            storage: word by slot.
        """
        from ethereum_types.bytes import Bytes, Bytes32
        from ethereum_types.numeric import U256, Uint

        of, who = self._spec.state, self._spec.types.Address(address)

        def write_nonce(account: Any) -> None:
            account.nonce = Uint(nonce)

        of.destroy_storage(self._state, who)
        of.modify_state(self._state, who, write_nonce)
        of.set_code(self._state, who, Bytes(code))
        for slot, word in storage.items():
            of.set_storage(self._state, who, Bytes32(slot.to_bytes(32, "big")), U256(word))

    def _account(self, address: bytes) -> Any:
        return self._spec.state.get_account(self._state, self._spec.types.Address(address))

    def balance(self, address: bytes) -> int:
        """Return the wei of an account."""
        return int(self._account(address).balance)

    def nonce(self, address: bytes) -> int:
        """Return the nonce that an account uses next."""
        return int(self._account(address).nonce)

    def balances(self, addresses: Sequence[bytes]) -> list[int]:
        """Return the wei of many accounts, in their order."""
        return [self.balance(address) for address in addresses]

    def nonces(self, addresses: Sequence[bytes]) -> list[int]:
        """Return the next nonces of many accounts, in their order."""
        return [self.nonce(address) for address in addresses]

    def code(self, address: bytes) -> bytes:
        """Return the code of a contract; empty for others."""
        return bytes(self._account(address).code)

    def storage(self, address: bytes, slot: int) -> int:
        """Return one word of a contract's storage."""
        from ethereum_types.bytes import Bytes32

        key = Bytes32(slot.to_bytes(32, "big"))
        return int(self._spec.state.get_storage(self._state, self._spec.types.Address(address), key))

    def state_root(self) -> bytes:
        """Return the root hash of the state, 32 bytes."""
        return bytes(self._spec.state.state_root(self._state))

    def snapshot(self) -> int:
        """Keep a copy of the state, and return its number."""
        self._snapshots.append(self._copy(self._state))
        return len(self._snapshots) - 1

    def restore(self, snapshot: int) -> None:
        """Go back to a copy."""
        self._state = self._copy(self._snapshots[snapshot])

    def _copy(self, state: Any) -> Any:
        of = self._spec.state
        slots = {address: of.copy_trie(trie) for address, trie in state._storage_tries.items()}  # noqa: SLF001
        return of.State(of.copy_trie(state._main_trie), slots)  # noqa: SLF001 - there is no public way
