"""The bytes of a signed transaction, as a rollup publishes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import rlp
from eth_hash.auto import keccak

if TYPE_CHECKING:
    from slashpoint.sim.engine.interface import Tx

DYNAMIC_FEE = b"\x02"  # the type of a transaction with a tip and a greatest fee (EIP-1559)


def envelope(tx: Tx, chain_id: int = 1) -> bytes:
    """Return a transaction's bytes, with 64 bytes of its own hashes where a signature would be.

    Nobody here has signed, and a signature's bytes are as random as a hash's: the length is what matters.

    Args:
        tx: the transaction.
        chain_id: the chain's.
    """
    listed = [[address, [slot.to_bytes(32, "big") for slot in slots]] for address, slots in tx.access_list]
    fields = [chain_id, tx.nonce, tx.tip, tx.max_fee, tx.gas, tx.to or b"", tx.value, tx.data, listed]
    first = keccak(rlp.encode(fields))
    parts = [int.from_bytes(part, "big") for part in (first, keccak(first))]
    return DYNAMIC_FEE + rlp.encode([*fields, parts[0] & 1, *parts])
