"""A transaction as a tree of calls, in words: who called what with which arguments, what it answered, why it failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from slashpoint.sim.contract import Revert
from slashpoint.sim.engine import Log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from slashpoint.sim.contract import Contract
    from slashpoint.sim.engine.tree import CallFrame, FrameLog

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
    name_of: Callable[[bytes], str]

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


def _hex(value: bytes) -> str:
    first, last = ENDS
    digits = value.hex()
    return f"0x{digits if len(digits) <= 2 * ADDRESS else f'{digits[:first]}…{digits[-last:]}'}"


def _number(value: int) -> str:
    if value >= 2**255 and (2**256 - value) < 2**16:
        return f"2**256-{2**256 - value}"
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
    contract = namer.contract_at(frame.code) or namer.contract_at(frame.to)
    yield Line(depth, "call", _called(frame, contract, namer), frame.gas)
    own = list(frame.logs)
    for child in frame.calls:
        while own and own[0].number < first_log(child):
            yield Line(depth + 1, "event", _event(own.pop(0), namer))
        yield from lines(child, namer, depth + 1)
    for log in own:
        yield Line(depth + 1, "event", _event(log, namer))
    if frame.error:
        yield Line(depth + 1, "failure", _failure(frame, contract, namer))
    elif answer := _answer(frame, contract, namer):
        yield Line(depth + 1, "answer", answer)


def _called(frame: CallFrame, contract: Contract | None, namer: Namer) -> str:
    """Return who is called, and with what."""
    whose = namer.name_of(frame.to)
    wei = f" with {_number(frame.value)} wei" if frame.value and frame.kind != "delegatecall" else ""
    if frame.kind == "create":
        return f"creates {whose}{wei} ({len(frame.data):,} bytes)"
    how = "" if frame.kind == "call" else f" (code of {namer.name_of(frame.code)})"
    how = " (may change nothing)" if frame.static else how
    if not frame.data:
        return f"{whose} is paid{wei or ' nothing'}{how}"
    found = contract.artifact_.interface.decode_call(frame.data) if contract is not None else None
    if found is None:
        return f"{whose}.0x{frame.data[:4].hex()}(… {len(frame.data):,} bytes){wei}{how}"
    function, args = found
    return f"{whose}.{function.name}({namer.arguments(args)}){wei}{how}"


def first_log(frame: CallFrame) -> float:
    """Return the number of the first event that a frame or one below it emitted; -1 where none did."""
    return min([*(log.number for log in frame.logs), *map(first_log, frame.calls)], default=-1.0)


def _event(log: FrameLog, namer: Namer) -> str:
    contract = namer.contract_at(log.address)
    if contract is None:
        return f"event of {namer.name_of(log.address)}: {', '.join(f'0x{one.hex()}' for one in log.topics)}"
    event, args = contract.decode_log_(Log(0, log.address, log.topics, log.data))
    return f"event {event.name}({namer.arguments(args)})"


def _failure(frame: CallFrame, contract: Contract | None, namer: Namer) -> str:
    """Return why a frame failed: its decoded error, else what the EVM calls it."""
    if frame.error != "Revert":
        return f"fails: {frame.error}"
    why = contract.decode_error_(frame.output) if contract is not None else Revert(f"0x{frame.output.hex()}", {})
    if why.args:
        return f"reverts: {why.name}({namer.arguments(why.args)})"
    return f"reverts: {why}"


def _answer(frame: CallFrame, contract: Contract | None, namer: Namer) -> str:
    """Return what a function answered; nothing where it answers nothing."""
    if not frame.output or frame.kind == "create":
        return ""
    found = contract.artifact_.interface.decode_call(frame.data) if contract is not None else None
    if found is None or not found[0].abi.get("outputs"):
        return f"answers {_hex(frame.output)}" if found is None else ""
    try:
        return f"answers {namer.show(found[0].answer(frame.output))}"
    except ValueError:
        return f"answers {_hex(frame.output)}"
