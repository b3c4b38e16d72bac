"""What fits the fields of blocks, transactions and accounts. Engines that run on py-evm share these checks.

py-evm would go on with a negative tip or with a nonce of 65 bits; revm's fields have no room for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from slashpoint.sim.engine.interface import BlockContext, Tx

BLOCK = {"number": 256, "timestamp": 256, "base_fee": 64, "gas_limit": 64}  # bits
TRANSACTION = {"value": 256, "gas": 64, "max_fee": 128, "tip": 128, "nonce": 64}
DELEGATION = bytes.fromhex("ef0100")  # what an address follows to whose code is borrowed (EIP-7702)


def check_block(context: BlockContext, txs: Sequence[Tx]) -> None:
    """Complain of what no block and no transaction can hold, so that nothing of it is executed.

    Args:
        context: of the block.
        txs: all of it.

    Raises:
        OverflowError: a number is negative or too large for its field.
        ValueError: an address has not 20 bytes.
    """
    check_context(context)
    for at, tx in enumerate(txs):
        check_transaction(tx, f"transaction {at}")


def check_context(context: BlockContext) -> None:
    """Complain of what no block can hold, as `check_block` does."""
    _check_numbers("context", context, BLOCK)
    check_address(context.coinbase, "context: coinbase: ")
    if len(context.prevrandao) != 32:
        raise ValueError(f"context: prevrandao: a word is 32 bytes, not {len(context.prevrandao)}")


def check_transaction(tx: Tx, name: str = "transaction") -> None:
    """Complain of what no transaction can hold, as `check_block` does.

    Args:
        tx: the transaction.
        name: by which messages call it.
    """
    _check_numbers(name, tx, TRANSACTION)
    check_address(tx.sender, f"{name}: sender: ")
    if tx.to is not None:
        check_address(tx.to, f"{name}: to: ")
    for address, slots in tx.access_list:
        check_address(address, f"{name}: access_list: ")
        _check_words(slots)


def check_address(address: bytes, name: str = "") -> None:
    """Complain of an address that has not 20 bytes.

    Args:
        address: what should be one.
        name: what messages begin with.

    Raises:
        ValueError: it has not.
    """
    if len(address) != 20:
        raise ValueError(f"{name}an address is 20 bytes, not {len(address)}")


def check_funds(address: bytes, wei: int) -> None:
    """Complain of a balance that nobody can have, as `check_block` does.

    Args:
        address: whose balance it is.
        wei: the balance.
    """
    check_address(address)
    _check_words((wei,))


def check_placed(address: bytes, nonce: int, code: bytes, storage: Mapping[int, int], fork: str) -> None:
    """Complain of what no account can have, as `Engine.place` says.

    Args:
        address: of the account.
        nonce: that it uses next.
        code: of a contract; empty for none.
        storage: word by slot.
        fork: prague, …
    """
    check_address(address)
    nonce.to_bytes(8, "big")
    _check_words((*storage, *storage.values()))
    if fork != "cancun" and code.startswith(DELEGATION):
        raise ValueError(f"0x{code[:23].hex()} is a delegation (EIP-7702): such accounts are not known here")


def _check_numbers(name: str, row: BlockContext | Tx, bits: dict[str, int]) -> None:
    for field, size in bits.items():
        if (number := getattr(row, field)) >> size:  # a negative one is never shifted to 0
            raise OverflowError(f"{name}: {field}: {number} does not fit {size} bits")


def _check_words(numbers: Iterable[int]) -> None:
    for number in numbers:
        if number >> 256:
            raise OverflowError(f"{number} does not fit 256 bits")
