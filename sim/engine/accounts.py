"""Accounts on dictionaries: the state that py-evm executes on, with an undo log instead of tries.

No run asks for a state root, so nothing is hashed or encoded. Every write remembers what it replaced: a reverted
frame is undone by walking the log back, and a snapshot is the log of what was replaced since.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NewType

from eth.constants import BLANK_ROOT_HASH
from eth.typing import JournalDBCheckpoint
from eth.vm.forks.cancun.state import CancunState
from eth.vm.forks.prague.state import PragueState
from eth_hash.auto import keccak

from slashpoint.sim.engine.frames import CancunFrame, PragueFrame
from slashpoint.sim.engine.root import Account

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Entry = tuple[dict[Any, Any], Any, Any]  # a table, a key, what was there before
Mark = NewType("Mark", int)


class Accounts(CancunState):
    """Balances, nonces, code and storage of every account, and what the running transaction has warmed.

    An absent key reads as nothing, and an empty account (EIP-161) as one that does not exist, so there is
    nothing to touch and nothing to clear.
    """

    computation_class = CancunFrame

    def __init__(self) -> None:  # the parent's opens a trie
        self.balances: dict[bytes, int] = {}
        self.nonces: dict[bytes, int] = {}
        self.codes: dict[bytes, bytes] = {}
        self.slots: dict[tuple[bytes, int], int] = {}
        self._placed: dict[bytes, bool] = {}  # whom storage was given to: they alone may have it without code and nonce
        self._transient: dict[tuple[bytes, int], bytes] = {}
        self._warm: dict[bytes | tuple[bytes, int], bool] = {}
        self._originals: dict[tuple[bytes, int], int] = {}  # slots written, as the transaction found them
        self._log: list[Entry] = []  # of the running transaction
        self._layers: dict[Mark, dict[Any, Entry]] = {}  # by snapshot: what was first replaced since
        self._marks = 0

    def _write(self, table: dict[Any, Any], key: Any, value: Any, absent: Any) -> None:
        self._log.append((table, key, table.get(key, absent)))
        table[key] = value

    # What a transaction does and undoes

    def snapshot(self) -> tuple[Any, JournalDBCheckpoint]:
        """Return where the log stands: what `revert` takes."""
        return BLANK_ROOT_HASH, JournalDBCheckpoint(len(self._log))

    def commit(self, snapshot: tuple[Any, JournalDBCheckpoint]) -> None:
        """Keep what was written since: the enclosing frame may still undo it."""

    def revert(self, snapshot: tuple[Any, JournalDBCheckpoint]) -> None:
        """Undo what was written since, youngest first; what became warm is cold again (EIP-2929)."""
        log = self._log
        for table, key, before in reversed(log[snapshot[1] :]):
            table[key] = before
        del log[snapshot[1] :]

    def lock_changes(self) -> None:
        """Make the transaction final: from here on only a snapshot can undo it, and every slot is cold."""
        if self._layers:
            layer = next(reversed(self._layers.values()))
            for entry in self._log:
                if entry[0] is not self._warm and entry[0] is not self._transient:
                    layer.setdefault((id(entry[0]), entry[1]), entry)
        for table in (self._log, self._warm, self._transient, self._originals):
            table.clear()

    # Snapshots between transactions

    def mark(self) -> Mark:
        """Remember the state; costs nothing until something is written."""
        self._marks += 1
        self._layers[Mark(self._marks)] = {}
        return Mark(self._marks)

    def rewind(self, mark: Mark) -> None:
        """Go back to a mark, which stays; younger ones are forgotten.

        Raises:
            KeyError: the mark was forgotten, or never made.
        """
        self._layers[mark]  # before anything is undone
        while True:
            youngest, layer = self._layers.popitem()
            for table, key, before in layer.values():
                table[key] = before
            if youngest == mark:
                self._layers[mark] = {}
                return

    # Accounts, as py-evm asks for them

    def get_balance(self, address: bytes) -> int:
        """Return the wei of an account."""
        return self.balances.get(address, 0)

    def set_balance(self, address: bytes, balance: int) -> None:
        """Write the wei of an account."""
        self._write(self.balances, address, balance, 0)

    def get_nonce(self, address: bytes) -> int:
        """Return the transactions that an account sent, or the contracts that it created plus one."""
        return self.nonces.get(address, 0)

    def set_nonce(self, address: bytes, nonce: int) -> None:
        """Write the nonce of an account."""
        self._write(self.nonces, address, nonce, 0)

    def increment_nonce(self, address: bytes) -> None:
        """Count one more transaction or creation."""
        self._write(self.nonces, address, self.nonces.get(address, 0) + 1, 0)

    def get_code(self, address: bytes) -> bytes:
        """Return the code of an account; empty where there is none."""
        return self.codes.get(address, b"")

    def set_code(self, address: bytes, code: bytes) -> None:
        """Write the code of an account."""
        self._write(self.codes, address, code, b"")

    def get_code_hash(self, address: bytes) -> Any:
        """Return the Keccak hash of an account's code."""
        return keccak(self.codes.get(address, b""))

    def delete_code(self, address: bytes) -> None:
        """Take an account's code away."""
        self._write(self.codes, address, b"", b"")

    def has_code_or_nonce(self, address: bytes) -> bool:
        """Return whether no contract may be created here: storage forbids it too (EIP-7610)."""
        return bool(self.nonces.get(address) or self.codes.get(address) or self._placed.get(address))

    def account_is_empty(self, address: bytes) -> bool:
        """Return whether there is no wei, no nonce and no code (EIP-161)."""
        return not (self.balances.get(address) or self.nonces.get(address) or self.codes.get(address))

    def account_exists(self, address: bytes) -> bool:
        """Return whether an account is not empty."""
        return not self.account_is_empty(address)

    def touch_account(self, address: bytes) -> None:
        """Do nothing: only tries tell an empty account from none."""

    def delete_account(self, address: bytes) -> None:
        """Bury an account with all that it has."""
        self.set_balance(address, 0)
        self.set_nonce(address, 0)
        self.delete_code(address)
        self.delete_storage(address)

    def place(self, address: bytes, nonce: int, code: bytes, storage: Mapping[int, int]) -> None:
        """Give an account this nonce, code and storage, in place of what it had."""
        self.set_nonce(address, nonce)
        self.set_code(address, code)
        for key in [key for key in self.slots if key[0] == address]:
            self._write(self.slots, key, 0, 0)
        for slot, word in storage.items():
            self._write(self.slots, (address, slot), word, 0)
        self._write(self._placed, address, any(storage.values()), False)

    def accounts(self) -> Iterator[tuple[bytes, Account]]:
        """Return everybody by address, also those who are empty."""
        storage: dict[bytes, dict[int, int]] = {}
        for (address, slot), word in self.slots.items():
            if word:
                storage.setdefault(address, {})[slot] = word
        for who in {*self.balances, *self.nonces, *self.codes, *storage}:
            yield who, Account(self.get_balance(who), self.get_nonce(who), self.get_code(who), storage.get(who, {}))

    # Storage

    def get_storage(self, address: bytes, slot: int, from_journal: bool = True) -> int:
        """Return one word: as it is, or as the transaction found it."""
        key = (address, slot)
        now = self.slots.get(key, 0)
        return now if from_journal else self._originals.get(key, now)

    def set_storage(self, address: bytes, slot: int, value: int) -> None:
        """Write one word of an account's storage."""
        key = (address, slot)
        self._originals.setdefault(key, self.slots.get(key, 0))
        self._write(self.slots, key, value, 0)

    def delete_storage(self, address: bytes) -> None:
        """Wipe a contract of this very transaction: no other can die (EIP-6780), so all it holds is in the log."""
        for table, key, _ in self._log[:]:
            if table is self.slots and key[0] == address:
                self.set_storage(address, key[1], 0)

    def get_transient_storage(self, address: bytes, slot: int) -> bytes:
        """Return what this transaction keeps for its own duration (EIP-1153)."""
        return self._transient.get((address, slot), b"")

    def set_transient_storage(self, address: bytes, slot: int, value: bytes) -> None:
        """Write one word that lasts as long as the transaction."""
        self._write(self._transient, (address, slot), value, b"")

    # What is warm

    def is_address_warm(self, address: bytes) -> bool:
        """Return whether this transaction has paid for the address (EIP-2929), or need not."""
        return self._warm.get(address, False) or address in self.computation_class.get_precompiles()

    def mark_address_warm(self, address: bytes) -> None:
        """Note that the transaction has paid for the address."""
        if not self._warm.get(address):
            self._write(self._warm, address, True, False)

    def is_storage_warm(self, address: bytes, slot: int) -> bool:
        """Return whether this transaction has paid for the slot."""
        return self._warm.get((address, slot), False)

    def mark_storage_warm(self, address: bytes, slot: int) -> None:
        """Note that the transaction has paid for the slot."""
        if not self._warm.get((address, slot)):
            self._write(self._warm, (address, slot), True, False)


class PragueAccounts(Accounts, PragueState):
    """The same under Prague's rules."""

    computation_class = PragueFrame
