"""Reverts: revert data as a named error with named arguments."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

from slashpoint.sim.contract.entry import SELECTOR, Entry
from slashpoint.sim.errors import legible

PANICS = {  # the Solidity documentation, "Panic via assert and Error via require"
    0x01: "assertion failed",
    0x11: "arithmetic overflow or underflow",
    0x12: "division by zero",
    0x21: "no such enum value",
    0x22: "storage byte array badly encoded",
    0x31: "pop of an empty array",
    0x32: "index out of bounds",
    0x41: "too much memory",
    0x51: "call of an uninitialised function",
}
COMMON_ERRORS = (  # of any contract: Solidity's own, and OpenZeppelin's, which bubble up from tokens (ERC-6093)
    "Error(string message)",
    "Panic(uint256 code)",
    "ERC20InsufficientBalance(address sender,uint256 balance,uint256 needed)",
    "ERC20InvalidSender(address sender)",
    "ERC20InvalidReceiver(address receiver)",
    "ERC20InsufficientAllowance(address spender,uint256 allowance,uint256 needed)",
    "ERC20InvalidApprover(address approver)",
    "ERC20InvalidSpender(address spender)",
    "SafeERC20FailedOperation(address token)",
    "OwnableUnauthorizedAccount(address account)",
    "OwnableInvalidOwner(address owner)",
    "ReentrancyGuardReentrantCall()",
    "EnforcedPause()",
    "AddressEmptyCode(address target)",
    "FailedCall()",
    "InsufficientBalance(uint256 balance,uint256 needed)",
)


@dataclass(frozen=True, slots=True)
class Revert:
    """Why a call was undone: a custom error with its arguments by name, or whatever there is instead of one.

    `Error(string)` has the argument `message`; `Panic(uint256)` the `code` and its `meaning`. Data of an unknown error
    are its name, in hex; without data the name is ''.
    """

    name: str
    args: dict[str, Any]

    def __str__(self) -> str:
        """Return such as `WrongStake(sent=1, required=2)`; bytes of a message that are no UTF-8 are escaped."""
        if not self.args:
            return f"{self.name}()" if self.name.isidentifier() else self.name or "reverted without a reason"
        shown = ((name, f"0x{value.hex()}" if isinstance(value, bytes) else value) for name, value in self.args.items())
        return legible(f"{self.name}({', '.join(f'{name}={value}' for name, value in shown)})")


@functools.cache
def common_errors() -> dict[bytes, Entry]:
    """Return the errors that any contract may pass on, by selector."""
    found = {}
    for text in COMMON_ERRORS:
        name, _, inside = text.removesuffix(")").partition("(")
        pairs = [each.split() for each in inside.split(",") if each]
        entry = Entry({"name": name, "inputs": [{"type": kind, "name": label} for kind, label in pairs]})
        found[entry.hash[:SELECTOR]] = entry
    return found
