"""What a client checks before it executes: gas that a transaction costs in any case, fees, nonce, funds.

Engines that run on py-evm share these checks, because py-evm leaves most of them to the layers around it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slashpoint.sim.engine.interface import BlockContext, Status, Tx

if TYPE_CHECKING:
    from typing import Protocol

    class Ledgered(Protocol):
        """Whatever knows balances, nonces and code of accounts."""

        def get_balance(self, address: bytes) -> int: ...  # noqa: D102
        def get_nonce(self, address: bytes) -> int: ...  # noqa: D102
        def get_code(self, address: bytes) -> bytes: ...  # noqa: D102


TRANSACTION = 21_000  # gas, each of these
CREATION = 32_000
ZERO_BYTE, NONZERO_BYTE = 4, 16  # EIP-2028
INITCODE_WORD = 2  # EIP-3860
LISTED_ADDRESS, LISTED_SLOT = 2_400, 1_900  # EIP-2930
FLOOR_TOKEN = 10  # EIP-7623; a nonzero byte is four tokens
MAX_INITCODE = 49_152  # bytes, EIP-3860
MAX_NONCE = 2**64 - 1  # which no transaction has: it could not be raised (EIP-2681)
CANNOT_BE_RAISED = "the nonce cannot be raised"


def initcode_gas(tx: Tx) -> int:
    """Return the gas for reading the initcode of a creation, part of `intrinsic_gas`."""
    return INITCODE_WORD * -(-len(tx.data) // 32) if tx.to is None else 0


def intrinsic_gas(tx: Tx) -> int:
    """Return the gas that a transaction costs before its first instruction."""
    zeros = tx.data.count(0)
    gas = TRANSACTION + ZERO_BYTE * zeros + NONZERO_BYTE * (len(tx.data) - zeros)
    if tx.to is None:
        gas += CREATION + initcode_gas(tx)
    for _, slots in tx.access_list:
        gas += LISTED_ADDRESS + LISTED_SLOT * len(slots)
    return gas


def floor_gas(data: bytes, fork: str) -> int:
    """Return the gas that a transaction costs at least, whatever it does (EIP-7623, since Prague); 0 before.

    Args:
        data: calldata.
        fork: prague, …
    """
    return TRANSACTION + FLOOR_TOKEN * (4 * len(data) - 3 * data.count(0)) if fork != "cancun" else 0


def refusal(tx: Tx, context: BlockContext, fork: str, accounts: Ledgered, left: int) -> tuple[Status, str] | None:
    """Return why a transaction is not executed, or None: it is, and pays.

    `left` is the gas that the block has left. Room in the block is asked first, then what the transaction can never
    be, then its nonce, then its sender's funds.

    Args:
        tx: the transaction.
        context: of its block.
        fork: prague, …
        accounts: as they are before it.
        left: gas of the block that is not used yet.
    """
    if tx.gas > left:
        return Status.DEFERRED, f"declares {tx.gas} gas, the block has {left} left"
    if never := _never(tx, context, fork):
        return Status.INVALID, never
    if accounts.get_code(tx.sender):  # EIP-3607
        return Status.INVALID, "the sender is a contract"
    nonce = accounts.get_nonce(tx.sender)
    if tx.nonce < nonce:
        return Status.INVALID, f"nonce {tx.nonce} is used, the account is at {nonce}"
    if tx.nonce > nonce:
        return Status.DEFERRED, f"nonce {tx.nonce} is ahead of the account's {nonce}"
    cost, balance = tx.gas * tx.max_fee + tx.value, accounts.get_balance(tx.sender)
    if cost > balance:
        return Status.INVALID, f"may cost {cost} wei, the sender has {balance}"
    return None


def _never(tx: Tx, context: BlockContext, fork: str) -> str:
    if tx.tip > tx.max_fee:
        return "tip over max fee"
    if tx.max_fee < context.base_fee:
        return "max fee under the base fee"
    if tx.nonce == MAX_NONCE:
        return CANNOT_BE_RAISED
    return _malformed(tx, fork)


def _malformed(tx: Tx, fork: str) -> str:
    if tx.to is None and len(tx.data) > MAX_INITCODE:
        return "initcode too long"
    for needed in (intrinsic_gas(tx), floor_gas(tx.data, fork)):
        if tx.gas < needed:
            return f"declares {tx.gas} gas, needs {needed} before it runs"
    return ""


def call_refusal(tx: Tx, fork: str, accounts: Ledgered) -> str:
    """Return why a call that leaves no trace cannot be made; empty if it can.

    Its fees, nonce and code are not asked for.

    Args:
        tx: what is tried.
        fork: prague, …
        accounts: as they are.
    """
    balance = accounts.get_balance(tx.sender)
    if accounts.get_nonce(tx.sender) == MAX_NONCE:
        return CANNOT_BE_RAISED
    return _malformed(tx, fork) or (f"may cost {tx.value} wei, the sender has {balance}" if tx.value > balance else "")
