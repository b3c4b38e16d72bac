"""A contract at an address: its views answer, its other functions build calls, its logs and reverts are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slashpoint.sim.contract.entry import Event, Function
from slashpoint.sim.contract.revert import Revert
from slashpoint.sim.contract.rows import CallRows, matrix
from slashpoint.sim.engine import ZERO_ADDRESS, Status, Tx

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slashpoint.sim.contract.artifact import Artifact
    from slashpoint.sim.contract.entry import Record
    from slashpoint.sim.contract.rows import Values
    from slashpoint.sim.engine import Engine, Log

GAS = 500_000  # what a call declares unless it says otherwise
VIEW_GAS = 50_000_000  # a view pays nothing


class ViewFailed(RuntimeError):
    """A view reverted; `revert` says why."""

    def __init__(self, what: str, revert: Revert) -> None:
        super().__init__(f"{what}: {revert}")
        self.revert = revert


@dataclass(slots=True)
class Call:
    """An intention: a function of a contract with its arguments, not yet sent.

    The last four fields are what others may see of it while it waits, whatever the protocol.
    """

    to: bytes
    data: bytes
    function: str
    names: tuple[str, ...]  # of its parameters
    values: Sequence[Any]  # of its arguments
    value: int = 0  # wei
    gas: int = GAS  # the limit that it declares
    contract: str = ""  # name
    verb: str = ""  # submits, claims …
    job: Any = None
    subject: Any = None
    carries: Any = None  # what it gives away: sealed bytes, a number, a preimage

    @property
    def args(self) -> dict[str, Any]:
        """Its arguments by name."""
        return dict(zip(self.names, self.values, strict=True))

    def tagged(self, verb: str, job: Any = None, subject: Any = None, carries: Any = None) -> Call:
        """Fill the neutral fields in; returns the call itself."""
        self.verb, self.job, self.subject, self.carries = verb, job, subject, carries
        return self


class Method:
    """The functions of one name of a contract at an address, told apart by the number of arguments."""

    __slots__ = ("_contract", "_overloads")

    def __init__(self, contract: Contract, overloads: Sequence[Function]) -> None:
        self._contract, self._overloads = contract, overloads

    def __call__(self, *args: Any, value: int = 0, gas: int = GAS) -> Any:
        """The answer of a view, or the `Call` of what is none; `value` (wei) and `gas` (its limit) are a call's.

        Raises:
            TypeError: the arguments are not the function's.
            ViewFailed: the view reverted.
        """
        function = self._overloads[0] if len(self._overloads) == 1 else self._choose(len(args))
        contract = self._contract
        data = function.encode(args)  # refuses another number of them
        if function.view:
            return contract.ask(function, data)
        return Call(contract.address, data, function.name, function.names, args, value, gas, contract.name)

    def rows(self, *columns: Values, value: int = 0, gas: int = GAS) -> CallRows:
        """Many calls, one for each row of the columns; `value` and `gas` are those of every one.

        Raises:
            TypeError: the columns are not the function's.
        """
        function = self._overloads[0] if len(self._overloads) == 1 else self._choose(len(columns))
        to, name = self._contract.address, self._contract.name
        data = matrix(function, columns)
        call = Call(to, b"", function.name, (), (), value, gas, name)
        return CallRows(call, data, dict(zip(function.names, columns, strict=True)))

    def _choose(self, arity: int) -> Function:
        fitting = [each for each in self._overloads if each.arity == arity]
        if len(fitting) != 1:
            all_of_them = ", ".join(each.signature for each in self._overloads)
            raise TypeError(
                f"{self._contract.name} has {len(fitting)} of {all_of_them} with {arity} arguments; "
                "choose with contract.function(signature)"
            )
        return fitting[0]

    def __repr__(self) -> str:
        """`ModelMarket.withdraw()`."""
        return f"{self._contract.name}.{' | '.join(map(str, self._overloads))}"


class Contract:
    """A contract at an address; for a proxy, the implementation's artifact at the proxy's address.

    Functions and events of its ABI are attributes (`market.status(3)`, `market.RequestCreated`). What an attribute of
    its own hides, and overloads, are reached by `function` and `event`. Views are remembered until `forget`.
    """

    def __init__(self, artifact: Artifact, address: bytes, engine: Engine, name: str = "") -> None:
        self.artifact, self.address, self.engine = artifact, address, engine
        self.name = name or artifact.name
        self._answers: dict[bytes, Any] = {}
        self._events: dict[bytes, tuple[Event, Record]] = {}  # by topic
        for records in artifact.interface.events.values():
            for each in records:
                self._events[each.hash] = Event(address, self.name, each.name, each.hash, each.names), each
        self._named = {event.name: event for event, _ in reversed(self._events.values())}

    def __getattr__(self, name: str) -> Any:
        """A function or an event of the ABI, kept as an attribute from then on."""
        if name.startswith("__"):
            raise AttributeError(name)
        interface = self.artifact.interface
        found: Method | Event
        if name in interface.functions:
            found = Method(self, interface.functions[name])
        elif name in self._named:
            found = self._named[name]
        else:
            offered = ", ".join(sorted(interface.functions.keys() | self._named.keys()))
            raise AttributeError(f"{self.name} has no {name!r}; it has {offered}")
        self.__dict__[name] = found
        return found

    def __repr__(self) -> str:
        """`ModelMarket at 0x…`."""
        return f"{self.name} at 0x{self.address.hex()}"

    def function(self, name: str) -> Method:
        """A function by its name, or one overload by its signature, as in `transfer(address,uint256)`."""
        functions = self.artifact.interface.functions
        chosen = [each for each in functions.get(name.partition("(")[0], ()) if name in {each.name, each.signature}]
        if not chosen:
            offered = ", ".join(each.signature for overloads in functions.values() for each in overloads)
            raise AttributeError(f"{self.name} has no function {name!r}; it has {offered}")
        return Method(self, chosen)

    def event(self, name: str) -> Event:
        """An event by its name."""
        if name not in self._named:
            raise AttributeError(f"{self.name} has no event {name!r}; it has {', '.join(sorted(self._named))}")
        return self._named[name]

    def ask(self, function: Function, data: bytes) -> Any:
        """What a view answers to these call data: asked once, until `forget`."""
        if data in self._answers:
            return self._answers[data]
        result = self.engine.call(Tx(ZERO_ADDRESS, self.address, data, gas=VIEW_GAS))
        if result.status != Status.SUCCESS:
            revert = Revert(result.reason, {}) if result.reason else self.decode_error(result.output)
            raise ViewFailed(f"{self.name}.{function}", revert)
        try:
            answer = function.answer(result.output)
        except ValueError as why:
            lives = "" if self.engine.code(self.address) else ": no code lives there"
            raise ViewFailed(f"{self!r}.{function}", Revert(f"{why}{lives}", {})) from None
        self._answers[data] = answer
        return answer

    def forget(self) -> None:
        """Ask again: the state may have changed."""
        self._answers.clear()

    def decode_log(self, log: Log) -> tuple[Event, dict[str, Any]]:
        """The event of a log and its arguments by name, indexed ones too.

        A log that is of no event in the ABI, as a proxy's or a library's may be, is an event called by its first topic
        in hex, whose arguments are the `topics` and the `data`.
        """
        known = self._events.get(log.topics[0]) if log.topics else None
        if known is not None:
            try:
                return known[0], known[1].decode(log)
            except ValueError:
                pass  # another event of the same signature: what is indexed in it differs
        topic = log.topics[0] if log.topics else b""
        stranger = Event(self.address, self.name, f"0x{topic.hex()}", topic, ("topics", "data"))
        return stranger, {"topics": log.topics, "data": log.data}

    def decode_error(self, data: bytes) -> Revert:
        """What revert data of this contract say."""
        return self.artifact.interface.decode_error(data)
