"""Names by their codes: whole columns of names are made from numbers, without looking at any text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slashpoint.sim.ledger.arrow import StringPool

if TYPE_CHECKING:
    from collections.abc import Callable

Column = Any  # of a table of the ledger: a list, an array, or the one value that all rows have
Columns = dict[str, Column]


class NameCodes:
    """The names of accounts and contracts, each with a code. An account's controller and role have the same code.

    Args:
        name_of: the name of an address.
        known: whether an address has a name already; while it has none, it is asked for again.
    """

    def __init__(self, name_of: Callable[[bytes], str], known: Callable[[bytes], bool]) -> None:
        self._name_of, self._known = name_of, known
        self._codes: dict[bytes, int] = {}  # of the addresses that are known
        self._names, self._controllers, self._roles = StringPool(), StringPool(), StringPool()

    def code(self, address: bytes) -> int:
        """Return the code of an address's name."""
        code = self._codes.get(address)
        if code is None:
            code = self.add(self._name_of(address), "", "")
            if self._known(address):
                self._codes[address] = code
        return code

    def add(self, name: str, controller: str, role: str, address: bytes = b"") -> int:
        """Add a name with its controller and role, and return their code.

        Args:
            name: of an account or a contract.
            controller: the person behind the account; empty for contracts.
            role: that the account plays; empty for contracts.
            address: 20 bytes, by which `code` finds it; without it nothing does.
        """
        self._controllers.add(controller)
        self._roles.add(role)
        code = self._names.add(name)
        if address:
            self._codes[address] = code
        return code

    def names(self, codes: Any) -> Column:
        """Return a column of names."""
        return self._names.column(codes)

    def accounts(self, codes: Any) -> Columns:
        """Return the three columns that say who sent a transaction."""
        return {
            "account": self._names.column(codes),
            "controller": self._controllers.column(codes),
            "role": self._roles.column(codes),
        }
