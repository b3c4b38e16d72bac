"""Interfaces: what an ABI offers, by name, by selector and by topic."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, TypeVar

from slashpoint.sim.contract.entry import SELECTOR, Entry, Function, Record
from slashpoint.sim.contract.revert import PANICS, Revert, common_errors

if TYPE_CHECKING:
    from collections.abc import Iterable

Named = TypeVar("Named", bound=Entry)


class Interface:
    """What an ABI offers. Overloads share a name."""

    def __init__(self, abi: Iterable[dict[str, Any]]) -> None:
        kinds: dict[str, list[dict[str, Any]]] = {}
        for each in abi:
            kinds.setdefault(each.get("type", "function"), []).append(each)  # before Solidity 0.5 it may go without
        self.functions = _by_name(map(Function, kinds.get("function", [])))
        self.events = _by_name(map(Record, kinds.get("event", [])))
        self._errors = [Entry(each) for each in kinds.get("error", [])]
        inputs: list[dict[str, Any]] = next((each.get("inputs", []) for each in kinds.get("constructor", [])), [])
        self.constructor = Function({"name": "constructor", "inputs": inputs})

    @functools.cached_property
    def errors(self) -> dict[bytes, Entry]:
        """Return the errors by selector: its own, and those that any contract may pass on."""
        return {**common_errors(), **{each.hash[:SELECTOR]: each for each in self._errors}}

    @functools.cached_property
    def selectors(self) -> dict[bytes, Function]:
        """Return the functions by selector."""
        return {each.selector: each for overloads in self.functions.values() for each in overloads}

    def decode_call(self, data: bytes) -> tuple[Function, dict[str, Any]] | None:
        """Return the function that calldata call, with its arguments by name; None where it is none of these."""
        function = self.selectors.get(data[:SELECTOR])
        if function is None:
            return None
        try:
            return function, dict(zip(function.names, function.coder.unpack(data, SELECTOR), strict=True))
        except ValueError:
            return None

    def decode_error(self, data: bytes) -> Revert:
        """Return the error that revert data hold, with its arguments."""
        error = self.errors.get(data[:SELECTOR])
        if error is not None:
            try:
                args = dict(zip(error.names, error.coder.unpack(data, SELECTOR), strict=True))
            except ValueError:
                return Revert(f"0x{data.hex()}", {})
            if error.name == "Panic":
                args["meaning"] = PANICS.get(args["code"], "unknown")
            return Revert(error.name, args)
        return Revert(f"0x{data.hex()}" if data else "", {})


def _by_name(entries: Iterable[Named]) -> dict[str, list[Named]]:
    named: dict[str, list[Named]] = {}
    for each in entries:
        named.setdefault(each.name, []).append(each)
    return named
