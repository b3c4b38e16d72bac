"""A transaction as a tree of calls, in words: who called what with which arguments, what it answered, why it failed."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from slashpoint.sim.contract import Revert
from slashpoint.sim.engine import Log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from slashpoint.sim.contract import Artifact, Contract
    from slashpoint.sim.contract.entry import Function
    from slashpoint.sim.engine.tree import CallFrame, FrameLog

PRECOMPILED = {  # by address: contracts that the EVM itself is
    1: "ecrecover", 2: "sha256", 3: "ripemd160", 4: "identity", 5: "modexp",
    6: "bn256Add", 7: "bn256ScalarMul", 8: "bn256Pairing", 9: "blake2f", 10: "kzgPointEvaluation",
}  # fmt: skip
LONG = 66  # characters of a text that are shown
ADDRESS = 20  # bytes
ENDS = 8, 6  # hex digits of long bytes that are shown
MANY_ZEROS = 10**12  # what is divided by it is shown as 120e18


class Line(NamedTuple):
    """One line of a tree."""

    depth: int
    kind: str  # call, event, answer, failure
    text: str
    gas: int | None = None  # used by a call and all below it


class Namer(NamedTuple):
    """Knows the contracts and the accounts of a world."""

    contract_at: Callable[[bytes], Contract | None]
    name_of: Callable[[bytes], str]  # empty where it has none
    others: Sequence[Artifact] = ()  # whose functions and events a contract may have that was born in the run

    def name(self, address: bytes) -> str:
        """Return the name at an address: of an account, a contract, a precompiled one, else a short hex."""
        return self.name_of(address) or PRECOMPILED.get(int.from_bytes(address, "big")) or _hex(address, *ENDS)

    def call(self, frame: CallFrame) -> tuple[Function, dict[str, Any]] | None:
        """Return the function that a frame calls, with its arguments; None where nobody knows it."""
        contract = self.contract_at(frame.code) or self.contract_at(frame.to)
        artifacts = [contract.artifact_] if contract is not None else self.others
        found = (each.interface.decode_call(frame.data) for each in artifacts)
        return next((each for each in found if each is not None), None)

    def event(self, log: FrameLog) -> tuple[str, dict[str, Any]]:
        """Return the name of an event, and its arguments; its topics where nobody knows it."""
        contract = self.contract_at(log.address)
        if contract is not None:
            event, args = contract.decode_log_(Log(0, log.address, log.topics, log.data))
            return event.name, args
        for record in (
            each for artifact in self.others for named in artifact.interface.events.values() for each in named
        ):
            if log.topics and record.hash == log.topics[0]:
                with suppress(ValueError):
                    return record.name, record.decode(Log(0, log.address, log.topics, log.data))
        return "", {"topics": log.topics, "data": log.data}

    def show(self, value: Any) -> str:
        """Return a value as people read it: accounts by name, long bytes and texts cut, 120e18 for many zeros."""
        match value:
            case bytes():
                return (self.name_of(value) if len(value) == ADDRESS else "") or _hex(value)
            case bool():
                return str(value).lower()
            case int():
                return _number(value)
            case str():
                return f'"{value if len(value) <= LONG else f"{value[:LONG]}…"}"'
            case tuple():
                names = getattr(value, "_fields", None)
                if names is None:
                    return f"[{', '.join(map(self.show, value))}]"
                return f"({self.arguments(dict(zip(names, value, strict=True)))})"
            case _:
                return str(value)

    def arguments(self, args: dict[str, Any]) -> str:
        """Return arguments by name."""
        return ", ".join(f"{name}={self.show(value)}" for name, value in args.items())


def _hex(value: bytes, first: int = 2 * ADDRESS, last: int = 0) -> str:
    if len(value) > ADDRESS:
        first, last = ENDS
    digits = value.hex()
    return f"0x{digits if len(digits) <= first + last else f'{digits[:first]}…{digits[-last:]}'}"


def _number(value: int) -> str:
    if value >= 2**255 and (2**256 - value) < 2**16:
        return f"2**256-{2**256 - value}"
    if value >= 2**128:
        return _hex(value.to_bytes(32, "big").lstrip(b"\0"))  # an identity rather than an amount
    if value and value % MANY_ZEROS == 0:
        digits = str(value).rstrip("0")
        zeros = len(str(value)) - len(digits)
        digits, zeros = (digits, zeros) if zeros < 18 else (digits + "0" * (zeros - 18), 18)
        return f"{digits}e{zeros}"
    return str(value)


def lines(frame: CallFrame, namer: Namer, depth: int = 0) -> Iterator[Line]:
    """Yield a frame, its events, the calls that it made, and how it ended.

    An event comes before the first call that emits a later one: py-evm numbers events, and not calls.

    Args:
        frame: of a transaction, or one below.
        namer: of the world.
        depth: of the frame.
    """
    yield Line(depth, "call", _called(frame, namer), frame.gas)
    own = list(frame.logs)
    for child in frame.calls:
        first = first_log(child)
        while own and own[0].number < first < math.inf:
            yield Line(depth + 1, "event", _event(own.pop(0), namer))
        yield from lines(child, namer, depth + 1)
    for log in own:
        yield Line(depth + 1, "event", _event(log, namer))
    if frame.error:
        yield Line(depth + 1, "failure", _failure(frame, namer))
    elif answer := _answer(frame, namer):
        yield Line(depth + 1, "answer", answer)


def _called(frame: CallFrame, namer: Namer) -> str:
    """Return who is called, and with what."""
    whose = namer.name(frame.to)
    wei = f" with {_number(frame.value)} wei" if frame.value and frame.kind != "delegatecall" else ""
    if frame.kind == "create":
        return f"creates {whose}{wei} ({len(frame.data):,} bytes)"
    how = "" if frame.kind == "call" else f" (code of {namer.name(frame.code)})"
    how = " (may change nothing)" if frame.static else how
    if whose in PRECOMPILED.values():
        return f"{whose}({len(frame.data):,} bytes)"
    if not frame.data:
        return f"{whose} is paid{wei or ' nothing'}{how}"
    found = namer.call(frame)
    if found is None:
        return f"{whose}.0x{frame.data[:4].hex()}(… {len(frame.data):,} bytes){wei}{how}"
    function, args = found
    return f"{whose}.{function.name}({namer.arguments(args)}){wei}{how}"


def first_log(frame: CallFrame) -> float:
    """Return the number of the first event that a frame or one below it emitted; infinity where none did."""
    return min([*(log.number for log in frame.logs), *map(first_log, frame.calls)], default=math.inf)


def _event(log: FrameLog, namer: Namer) -> str:
    name, args = namer.event(log)
    whose = "" if namer.contract_at(log.address) else f" of {namer.name(log.address)}"
    return f"event{whose} {name}({namer.arguments(args)})"


def _failure(frame: CallFrame, namer: Namer) -> str:
    """Return why a frame failed: its decoded error, else what the EVM calls it."""
    if frame.error != "Revert":
        return f"fails: {frame.error}"
    contract = namer.contract_at(frame.code) or namer.contract_at(frame.to)
    artifacts = [contract.artifact_] if contract is not None else namer.others
    known = (each.interface.decode_error(frame.output) for each in artifacts)
    nameless = Revert(f"0x{frame.output.hex()}" if frame.output else "", {})
    why = next((each for each in known if not each.name.startswith("0x")), nameless)
    if why.args:
        return f"reverts: {why.name}({namer.arguments(why.args)})"
    return f"reverts: {why}"


def _answer(frame: CallFrame, namer: Namer) -> str:
    """Return what a function answered; nothing where it answers nothing."""
    if not frame.output or frame.kind == "create":
        return ""
    found = namer.call(frame)
    if found is None or not found[0].abi.get("outputs"):
        return f"answers {_hex(frame.output)}" if found is None else ""
    try:
        return f"answers {namer.show(found[0].answer(frame.output))}"
    except ValueError:
        return f"answers {_hex(frame.output)}"
