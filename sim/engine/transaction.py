"""The life of one transaction on py-evm: buy gas, execute, refund, tip, bury."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from eth._utils.address import generate_contract_address
from eth.exceptions import (
    ContractCreationCollision,
    FullStack,
    InsufficientStack,
    InvalidInstruction,
    InvalidJumpDestination,
    OutOfBoundsRead,
    OutOfGas,
    ReservedBytesInCode,
    Revert,
    VMError,
    WriteProtection,
)
from eth.vm.forks.cancun.transaction_context import CancunTransactionContext
from eth.vm.message import Message
from eth_typing import Address

from slashpoint.sim.engine.frames import movements
from slashpoint.sim.engine.interface import ZERO_ADDRESS, BlockResult, CallResult, Log, Movement, Status, Transfer, Tx
from slashpoint.sim.engine.validity import floor_gas, initcode_gas, intrinsic_gas

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slashpoint.sim.engine.accounts import Accounts

REFUND_QUOTIENT = 5  # at most this part of the gas used is refunded (EIP-3529)
HALTS: dict[type[VMError], str] = {
    OutOfGas: "out of gas",
    InvalidInstruction: "invalid opcode",
    InvalidJumpDestination: "invalid jump",
    InsufficientStack: "stack underflow",
    FullStack: "stack overflow",
    OutOfBoundsRead: "return data out of bounds",
    WriteProtection: "state change in a static call",
    ContractCreationCollision: "contract address collision",
    ReservedBytesInCode: "code begins with 0xEF",
    VMError: "precompiled contract failed",  # the class of all: what remains
}
Row = tuple[CallResult, list[Transfer]]  # what became of one transaction
Watch = Callable[[int, Any], None]  # told a transaction's index in the batch and its outermost frame


def transact(
    state: Accounts, fork: str, tx: Tx, *, price: int = 0, tip: int = 0, index: int = 0, watch: Watch | None = None
) -> Row:
    """Execute a transaction that is valid and can pay; its changes are not final yet.

    The sender pays `price` wei per gas, of which the coinbase gets `tip`. The rest, the base fee, goes to nobody: it is
    burned.

    Args:
        state: before it.
        fork: prague, …
        tx: the transaction.
        price: wei per gas that the sender pays.
        tip: of that, what the coinbase gets.
        index: in the block's batch.
        watch: told the index and the outermost frame, executed.
    """
    state.set_balance(tx.sender, state.get_balance(tx.sender) - tx.gas * price)
    nonce = state.get_nonce(tx.sender)
    state.set_nonce(tx.sender, nonce + 1)
    created = generate_contract_address(Address(tx.sender), nonce) if tx.to is None else None

    frame = _execute(state, tx, price, created)
    if watch is not None:
        watch(index, frame)

    used = gas_used(frame, tx, fork)
    state.set_balance(tx.sender, state.get_balance(tx.sender) + (tx.gas - used) * price)
    state.set_balance(state.coinbase, state.get_balance(state.coinbase) + used * tip)

    transfers = list(movements(frame, index))
    for dead in sorted(frame.get_accounts_for_deletion()):  # a set: its order differs from process to process
        if wei := state.get_balance(dead):  # what reached it after it self-destructed, a tip included
            transfers.append(Transfer(index, Movement.BURN, dead, ZERO_ADDRESS, wei))
        state.delete_account(dead)
    return result_of(frame, used, created, index), transfers


def gas_used(frame: Any, tx: Tx, fork: str) -> int:
    """Return the gas that a transaction used: py-evm counts inside its outermost frame, and keeps the refund apart.

    Args:
        frame: the outermost, executed.
        tx: the transaction.
        fork: prague, …
    """
    used = tx.gas - frame.get_gas_remaining()
    used -= min(frame.get_gas_refund(), used // REFUND_QUOTIENT)
    return max(used, floor_gas(tx.data, fork))


def _execute(state: Accounts, tx: Tx, price: int, created: bytes | None) -> Any:
    """Run the outermost frame of a transaction."""
    origin, to = Address(tx.sender), Address(tx.to or b"")
    context = CancunTransactionContext(gas_price=price, origin=origin)
    message = Message(
        gas=tx.gas - intrinsic_gas(tx) + initcode_gas(tx),  # py-evm charges the initcode inside the frame
        to=to,
        sender=origin,
        value=tx.value,
        data=b"" if created else tx.data,
        code=tx.data if created else state.get_code(to),
        create_address=Address(created) if created else None,  # type: ignore[arg-type]
    )
    state.mark_address_warm(origin)
    state.mark_address_warm(message.storage_address)
    for address, slots in tx.access_list:
        state.mark_address_warm(address)
        for slot in slots:
            state.mark_storage_warm(address, slot)
    if created is None:
        return state.computation_class.apply_message(state, message, context)
    if state.has_code_or_nonce(created):
        frame = state.get_computation(message, context)
        frame.error = ContractCreationCollision()
        return frame
    return state.computation_class.apply_create_message(state, message, context)


def result_of(frame: Any, used: int, created: bytes | None = None, index: int = 0) -> CallResult:
    """Return what a transaction's outermost frame ended in.

    Args:
        frame: the outermost, executed.
        used: gas.
        created: the address of the contract that it created, if any.
        index: in the block's batch.
    """
    if frame.is_error and isinstance(frame.error, Revert):
        return CallResult(Status.REVERTED, used, frame.output)
    if frame.is_error:
        why = next(why for kind, why in HALTS.items() if isinstance(frame.error, kind))
        return CallResult(Status.HALTED, used, b"", why)
    logs = tuple(
        Log(index, address, tuple(topic.to_bytes(32, "big") for topic in topics), data)
        for address, topics, data in frame.get_log_entries()
    )
    return CallResult(Status.SUCCESS, used, created or frame.output, "", logs)


def block_result(rows: Sequence[Row]) -> BlockResult:
    """Return what a block did, from what its transactions did."""
    results = [result for result, _ in rows]
    return BlockResult(
        status=np.array([result.status for result in results], np.uint8),
        gas=np.array([result.gas for result in results], np.uint64),
        output=[result.output for result in results],
        logs=[log for result in results for log in result.logs],
        transfers=[transfer for _, transfers in rows for transfer in transfers],
        reasons={i: result.reason for i, result in enumerate(results) if result.reason},
    )
