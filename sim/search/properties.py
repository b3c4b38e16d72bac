"""Properties: views by which a contract says of itself that something must hold."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slashpoint.sim.search.setup import Setup

NAMED = re.compile(r"(invariant|echidna|property)_?\w*")  # Foundry's, Echidna's and Medusa's ways to call them
TRUE = (1).to_bytes(32, "big")


class Property(NamedTuple):
    """A function without parameters that must not fail, and must not answer false."""

    name: str  # such as Vault.invariant_solvent
    to: bytes  # the contract's address
    data: bytes  # calldata
    boolean: bool  # whether it answers true or false; otherwise it only must not revert

    def holds(self, setup: Setup) -> bool:
        """Return whether it holds now."""
        ok, answer = setup.ask(self.to, self.data)
        return ok and (not self.boolean or answer[:32] == TRUE)


def properties(setup: Setup) -> Iterator[Property]:
    """Yield the properties of a setup's contracts: functions without parameters, views or not, of these names."""
    for name, contract in setup.contracts.items():
        for overloads in contract.artifact_.interface.functions.values():
            for function in overloads:
                if not function.arity and NAMED.fullmatch(function.name):
                    boolean = [each["type"] for each in function.abi.get("outputs", [])] == ["bool"]
                    yield Property(f"{name}.{function.name}", contract.address_, function.selector, boolean)
