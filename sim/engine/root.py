"""The root of a state: one hash of all accounts, as a block's header has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import rlp
from eth_hash.auto import keccak
from trie.hexary import HexaryTrie

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from slashpoint.sim.engine.interface import Log


class Account(NamedTuple):
    """All that the state knows of an account."""

    balance: int  # wei
    nonce: int
    code: bytes
    storage: Mapping[int, int]  # slot → word, none of them 0


def state_root(accounts: Iterable[tuple[bytes, Account]]) -> bytes:
    """Return the root hash of the trie of all accounts that are not empty, given by address: 32 bytes."""
    return _root(
        (address, [account.nonce, account.balance, _storage_root(account.storage), keccak(account.code)])
        for address, account in accounts
        if any(account)
    )


def logs_hash(logs: Iterable[Log]) -> bytes:
    """Return the hash of events, in order: 32 bytes."""
    return bytes(keccak(rlp.encode([[log.address, log.topics, log.data] for log in logs])))


def decimal_hash(number: int) -> bytes:
    """Return the hash of a number in decimals, 32 bytes: what official tests take for the hash of a block."""
    return bytes(keccak(str(number).encode()))


def _storage_root(storage: Mapping[int, int]) -> bytes:
    return _root((slot.to_bytes(32, "big"), word) for slot, word in storage.items())


def _root(entries: Iterable[tuple[bytes, object]]) -> bytes:
    trie = HexaryTrie({})
    for key, value in entries:
        trie[keccak(key)] = rlp.encode(value)
    return bytes(trie.root_hash)
