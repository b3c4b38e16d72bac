"""The teller: steps, events and reverts in words that their author would use."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from slashpoint.sim.contract.interface import Interface
from slashpoint.sim.errors import legible

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from slashpoint.sim.contract import Contract, Revert
    from slashpoint.sim.contract.entry import Function
    from slashpoint.sim.engine import Log
    from slashpoint.sim.search import Finding, Played, Setup, Step

LONGEST = 66  # characters of a value: bytes32 in hex
LONG = re.compile(r"(?<![\w.])\d{13,}(?![\w.]\d)")  # a number that nobody reads
TIMES = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
THEIRS = "mallory's contract"  # the puppet
SILENT = "no reason given"  # of empty revert data


@dataclass(frozen=True)
class Line:
    """One step in words, and what it did."""

    time: str  # since the sequence began
    who: str
    call: str
    wei: str
    played: Played
    outcome: tuple[str, ...] = ()  # events, or the reason why it failed

    def document(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        step, played = self.played.step, self.played
        told = {"time": self.time, "who": self.who, "call": self.call, "outcome": list(self.outcome)}
        return {**step.document(), **told, "succeeded": played.ok, "gas": played.gas}


@dataclass(frozen=True)
class Story:
    """A finding, or a saved sequence, played step by step."""

    lines: list[Line]
    changes: list[tuple[str, str, int]] = field(default_factory=list)  # who, asset, by how much in smallest units


class Teller:
    """Knows the names of addresses, functions, events and errors of a setup."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._contracts: dict[bytes, tuple[str, Contract]] = {
            each.address_: (name, each) for name, each in setup.contracts.items()
        }
        self._names = {address: name for name, address in setup.accounts.items()}
        self._names |= {address: name for address, (name, _) in self._contracts.items()}
        if setup.puppet:
            self._names[setup.contracts[setup.puppet].address_] = THEIRS
        self._alone = len([name for name in setup.contracts if name != setup.puppet]) == 1

    def story(self, steps: Sequence[Step]) -> Story:
        """Play steps, tell each, and go back to where the setup was."""
        setup = self._setup
        owners = {name: address for address, name in self._names.items()}
        before = {name: setup.worth(each) for name, each in owners.items()}
        setup.mark()
        try:
            lines = list(self._lines(steps))
            after = {name: setup.worth(each) for name, each in owners.items()}
        finally:
            setup.back()
        moved = [(who, asset, after[who][asset] - held[asset]) for who, held in before.items() for asset in held]
        return Story(lines, [each for each in moved if each[2]])

    def _lines(self, steps: Sequence[Step]) -> Iterator[Line]:
        clock, armed = 0, ""
        for step in steps:
            clock += step.wait
            who, call, armed = self._told(step, armed)
            played = self._setup.play(step)
            yield Line(_duration(clock), who, call, amount(step.value), played, tuple(self._outcome(played)))

    def _told(self, step: Step, armed: str) -> tuple[str, str, str]:
        """Return who calls, what, and the call for which their contract is armed from then on."""
        who = self.name(step.sender)
        puppet = self._setup.contracts.get(self._setup.puppet)
        if puppet is None or step.to != puppet.address_:
            return who, self.call(step.to, step.data), armed
        function = function_of(puppet, step.data)
        try:
            values: tuple[Any, ...] = function.coder.unpack(step.data, 4) if function else ()
        except ValueError:
            return who, self.call(step.to, step.data), armed
        through = f"{who} (through a contract)"
        if function and function.name == "act":
            again = f" and calls back {armed} when paid" if armed else ""
            return through, f"{self.call(values[0], values[1])}{again}", armed
        if function and function.name == "arm":
            armed = self.call(values[0], values[1]) if values[2] else ""
            times = "once" if values[2] == 1 else f"up to {self.value(values[2])} times"
            said = f"gets ready to call back {armed}, {times}" if armed else "will call nothing back"
            return through, said, armed
        return who, self.call(step.to, step.data), armed

    def call(self, to: bytes, data: bytes) -> str:
        """Return a call in words, such as `Bank.withdraw(5)`.

        Args:
            to: whom it calls, 20 bytes.
            data: calldata.
        """
        name, contract = self._contracts.get(to, (self.name(to), None))
        if not data:
            return f"sends wei to {name}"
        function = function_of(contract, data) if contract else None
        if function is None:
            return f"{name}.0x{data[:4].hex()}({_short(data[4:].hex())})"
        before = self._before(name)
        try:
            values = function.coder.unpack(data, 4)
        except ValueError:
            return f"{before}{function.name}(arguments that cannot be read: {_short(data[4:].hex())})"
        return f"{before}{function.name}({', '.join(map(self.value, values))})"

    def _before(self, contract: str) -> str:
        """Return what stands before the name of a function or an event: nothing, where one contract stands alone."""
        return "" if self._alone else f"{contract}."

    def name(self, address: bytes) -> str:
        """Return what an address is called, or its hex."""
        return self._names.get(address, f"0x{address.hex()}")

    def value(self, value: Any) -> str:
        """Return a decoded value in words."""
        if isinstance(value, bytes):
            return (
                self._names.get(value, _short(f"0x{value.hex()}")) if len(value) == 20 else _short(f"0x{value.hex()}")
            )
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, int):
            return amount(value)
        if isinstance(value, (tuple, list)):
            return f"[{', '.join(map(self.value, value))}]"
        return _short(f'"{legible(value)}"')

    def _outcome(self, played: Played) -> Iterator[str]:
        if not played.ok:
            yield f"fails: {self.reason(played.output, played.reason)}"
        for log in played.logs:
            yield self._event(log)

    def _event(self, log: Log) -> str:
        name, contract = self._contracts.get(log.address, (self.name(log.address), None))
        if contract is None:
            return f"{name} says {_short('0x' + (log.topics[0] if log.topics else log.data).hex())}"
        event, args = contract.decode_log_(log)
        told = ", ".join(f"{key}={self.value(value)}" for key, value in args.items())
        return f"{self._before(name)}{event.name}({told})"

    def reason(self, data: bytes, halted: str = "") -> str:
        """Return why a call failed, with the arguments of its error.

        Args:
            data: revert data.
            halted: why it halted, where it did.
        """
        if halted:
            return halted
        revert = self.revert(data)
        match revert.name:
            case "":
                return SILENT
            case "Error":
                return f'"{legible(revert.args["message"])}"'
            case "Panic":
                return f"panic: {revert.args['meaning']}"
            case name if name.startswith("0x"):
                return _short(name)
            case name:
                return f"{name}({', '.join(f'{key}={self.value(value)}' for key, value in revert.args.items())})"

    def cause(self, data: bytes) -> str:
        """Return why a call failed, without the arguments of a custom error: what is counted together."""
        revert = self.revert(data)
        if revert.name in {"", "Error", "Panic"}:
            return self.reason(data)
        return revert.name[:10] if revert.name.startswith("0x") else revert.name

    def revert(self, data: bytes) -> Revert:
        """Return the error that revert data hold: any of the contracts' may be passed on."""
        return self._errors.decode_error(data)

    @cached_property
    def _errors(self) -> Interface:
        return Interface([entry for _, each in self._contracts.values() for entry in each.artifact_.abi])


def function_of(contract: Contract, data: bytes) -> Function | None:
    """Return the function that calldata are for."""
    found = (each for overloads in contract.artifact_.interface.functions.values() for each in overloads)
    return next((each for each in found if each.selector == data[:4]), None)


def title(finding: Finding) -> str:
    """Return what kind of thing is wrong, with its subject."""
    return {
        "property": f"a property fails: {finding.subject}",
        "assertion": f"an assertion fails: {finding.subject}",
        "gain": f"somebody takes what is others': {finding.subject}",
        "stuck": f"money is stuck: {finding.subject}",
        "conservation": f"balances do not add up: {finding.subject}",
    }[finding.kind]


def amount(number: int) -> str:
    """Return a whole number, exactly, and shorter where powers of ten or two are in it."""
    if number < 0:
        return f"-{amount(-number)}"
    if number > 2**64 and (number + 1).bit_count() == 1:
        return f"2^{number.bit_length()}-1"
    if number > 2**64 and number.bit_count() == 1:
        return f"2^{number.bit_length() - 1}"
    digits = str(number)
    stripped = digits.rstrip("0")
    zeros = len(digits) - len(stripped)
    if zeros < 12:
        return digits
    exponent = len(digits) - 1
    fraction = stripped[1:]
    return f"{stripped[0]}{'.' + fraction if fraction else ''}e{exponent}"


def readable(text: str) -> str:
    """Return a sentence whose long numbers are written as `amount` does."""
    return LONG.sub(lambda found: amount(int(found[0])), text)


def _duration(seconds: int) -> str:
    """Return a time since the beginning, its two largest units."""
    parts = []
    for size, unit in TIMES:
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return "+" + (" ".join(parts[:2]) or "0s")


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
