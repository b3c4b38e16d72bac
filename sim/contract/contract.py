"""A contract at an address: its views answer, its other functions build calls, its logs and reverts are read."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from slashpoint.sim.contract.call import GAS, Call
from slashpoint.sim.contract.entry import Event
from slashpoint.sim.contract.revert import Revert
from slashpoint.sim.contract.rows import CallRows, matrix
from slashpoint.sim.contract.words import address
from slashpoint.sim.engine import ZERO_ADDRESS, Status, Tx

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping, Sequence

    from slashpoint.sim.contract.artifact import Artifact
    from slashpoint.sim.contract.entry import Function, Record
    from slashpoint.sim.contract.interface import Named
    from slashpoint.sim.contract.rows import Values
    from slashpoint.sim.engine import Engine, Log

VIEW_GAS = 50_000_000  # a view pays nothing


class ViewFailed(RuntimeError):
    """A view reverted; `revert` says why."""

    def __init__(self, what: str, revert: Revert) -> None:
        super().__init__(f"{what}: {revert}")
        self.revert = revert


class Method:
    """The functions of one name of a contract at an address, told apart by the number of arguments."""

    __slots__ = ("_contract", "_overloads")

    def __init__(self, contract: Contract, overloads: Sequence[Function]) -> None:
        self._contract, self._overloads = contract, overloads

    def __call__(
        self, *args: Any, value: int | None = None, gas: int | None = None, sender: bytes | str | None = None
    ) -> Any:
        """Return what a view answers, or the `Call` of what is no view.

        Args:
            args: the function's arguments, in its order.
            value: wei that the call sends along; a view takes none.
            gas: the limit that the call declares, or that the view may use.
            sender: who asks the view, its `msg.sender`: 20 bytes or their hex; by default nobody, address 0.

        Raises:
            TypeError: the arguments are not the function's, a view is given wei, or a call a sender.
            ViewFailed: the view reverted.
        """
        function = self._overloads[0] if len(self._overloads) == 1 else self._choose(len(args))
        contract = self._contract
        data = function.encode(args)  # refuses another number of them
        if function.view:
            if value is not None:
                raise TypeError(f"{contract.name_}.{function} is a view: nobody sends it wei")
            return contract.ask_(function, data, sender, gas)
        if sender is not None:
            raise TypeError(f"{contract.name_}.{function} is no view: its sender is the account that sends the call")
        to, name = contract.address_, contract.name_
        return Call(to, data, function.name, function.names, args, value or 0, GAS if gas is None else gas, name)

    def rows(self, *columns: Values, value: int = 0, gas: int = GAS) -> CallRows:
        """Return many calls, one for each row of the columns; `value` and `gas` are those of every one.

        Args:
            columns: one for each parameter, all of one length.
            value: wei sent along with each.
            gas: that each declares.

        Raises:
            TypeError: the columns are not the function's.
        """
        function = self._overloads[0] if len(self._overloads) == 1 else self._choose(len(columns))
        to, name = self._contract.address_, self._contract.name_
        data = matrix(function, columns)
        call = Call(to, b"", function.name, (), (), value, gas, name)
        return CallRows(call, data, dict(zip(function.names, columns, strict=True)))

    def _choose(self, arity: int) -> Function:
        fitting = [each for each in self._overloads if each.arity == arity]
        if len(fitting) != 1:
            all_of_them = ", ".join(each.signature for each in self._overloads)
            raise TypeError(
                f"{self._contract.name_} has {len(fitting)} of {all_of_them} with {arity} arguments; "
                "choose with contract.function_(signature)"
            )
        return fitting[0]

    def __repr__(self) -> str:
        """Return its name, with its contract's or its address."""
        return f"{self._contract.name_}.{' | '.join(map(str, self._overloads))}"


class Contract:
    """A contract at an address; for a proxy, the implementation's artifact at the proxy's address.

    Its attributes are the functions and events of its ABI, whatever they are called: `market.status(3)`, `nft.name()`,
    `market.RequestCreated`. What every contract has besides ends in an underscore, as `from_` does in a struct:
    `nft.address_`, `nft.name_`. Overloads are told apart by their signatures, in `function_` and `event_`, and there
    everything has a door: also what shares its name with one of these, and an event that shares it with a function.
    Views are remembered until `forget_`.
    """

    def __init__(
        self, artifact: Artifact, address: bytes, engine: Engine, name: str = "", kind: Contract | None = None
    ) -> None:
        self.artifact_, self.address_, self.engine_ = artifact, address, engine
        self.name_ = name or artifact.name
        self.__answers: dict[Hashable, Any] = {}  # names that no function of an ABI has: Python adds the class's
        self.__said: tuple[dict[bytes, tuple[Event, list[Record]]], list[tuple[Event, Record]]]
        if kind is not None:  # what clones say are the events of their kind, so that one name stands for all of them
            self.__said = kind.__said  # noqa: SLF001 - its own class
            return
        events: dict[bytes, tuple[Event, list[Record]]] = {}  # by topic; what is indexed may differ
        anonymous: list[tuple[Event, Record]] = []
        for records in artifact.interface.events.values():
            for each in records:
                event = Event(address, self.name_, each.name, each.hash, each.names)
                event, known = events.setdefault(each.hash, (event, []))
                if each.anonymous:
                    anonymous.append((event, each))
                else:
                    known.append(each)
        self.__said = events, anonymous

    def __getattr__(self, name: str) -> Any:
        """Return a function or an event of the ABI, kept as an attribute from then on."""
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        interface = self.artifact_.interface
        found: Method | Event
        if name in interface.functions:
            found = Method(self, interface.functions[name])
        elif name in interface.events:
            found = self.event_(name)
        else:
            ours = f" (the contract's own is {name}_)" if f"{name}_" in dir(self) else ""
            offered = ", ".join(sorted(interface.functions.keys() | interface.events.keys()))
            raise AttributeError(f"{self.name_} has no {name!r}{ours}; it has {offered}")
        self.__dict__[name] = found
        return found

    def __repr__(self) -> str:
        """Return its name, with its contract's or its address."""
        return f"{self.name_} at 0x{self.address_.hex()}"

    def function_(self, name: str) -> Method:
        """Return a function by its name, or one overload by its signature, as in `transfer(address,uint256)`."""
        return Method(self, _chosen(self.name_, "function", name, self.artifact_.interface.functions))

    def event_(self, name: str) -> Event:
        """Return an event by its name, or by its signature, as in `Transfer(address,address,uint256)`.

        Raises:
            AttributeError: there is none, or several have this name.
        """
        found = {each.hash for each in _chosen(self.name_, "event", name, self.artifact_.interface.events)}
        if len(found) > 1:
            several = sorted(each.signature for each in self.artifact_.interface.events[name])
            raise AttributeError(f"{self.name_} has {', '.join(several)}; choose with event_(signature)")
        return self.__said[0][found.pop()][0]

    def ask_(self, function: Function, data: bytes, sender: bytes | str | None = None, gas: int | None = None) -> Any:
        """Return what a view answers to these call data when `sender` asks: asked once, until `forget_`.

        Args:
            function: the view.
            data: calldata.
            sender: an address; nobody's unless given.
            gas: that it may use.
        """
        key: Hashable = data if sender is None and gas is None else (data, sender, gas)
        if key in self.__answers:
            return self.__answers[key]
        who = ZERO_ADDRESS if sender is None else address(sender)
        result = self.engine_.call(Tx(who, self.address_, data, gas=VIEW_GAS if gas is None else gas))
        if result.status != Status.SUCCESS:
            revert = Revert(result.reason, {}) if result.reason else self.decode_error_(result.output)
            raise ViewFailed(f"{self.name_}.{function}", revert)
        try:
            answer = function.answer(result.output)
        except ValueError as why:
            lives = "" if self.engine_.code(self.address_) else ": no code lives there"
            raise ViewFailed(f"{self!r}.{function}", Revert(f"{why}{lives}", {})) from None
        self.__answers[key] = answer
        return answer

    def forget_(self) -> None:
        """Ask again: the state may have changed."""
        self.__answers.clear()

    def decode_log_(self, log: Log) -> tuple[Event, dict[str, Any]]:
        """Return the event of a log and its arguments by name, indexed ones too.

        An anonymous event is known by its shape, where only one of the ABI fits. A log that is of no event in the ABI,
        as a proxy's or a library's may be, is an event called by its first topic in hex, whose arguments are the
        `topics` and the `data`.
        """
        topics, (events, anonymous) = log.topics, self.__said
        event, records = events.get(topics[0], _NO_EVENT) if topics else _NO_EVENT
        for record in records:
            try:
                return event, record.decode(log)
            except ValueError:
                pass  # another event of the same signature: what is indexed in it differs
        if anonymous and len(fitting := list(self.__nameless(log))) == 1:
            return fitting[0]
        topic = topics[0] if topics else b""
        stranger = Event(self.address_, self.name_, f"0x{topic.hex()}", topic, ("topics", "data"))
        return stranger, {"topics": topics, "data": log.data}

    def __nameless(self, log: Log) -> Iterator[tuple[Event, dict[str, Any]]]:
        """Yield what a log says as each anonymous event that it may be of."""
        for event, record in self.__said[1]:
            with suppress(ValueError):
                yield event, record.decode(log)

    def decode_error_(self, data: bytes) -> Revert:
        """Return what revert data of this contract say."""
        return self.artifact_.interface.decode_error(data)


_NO_EVENT: tuple[Any, tuple[Record, ...]] = (None, ())


def _chosen(contract: str, kind: str, name: str, entries: Mapping[str, list[Named]]) -> list[Named]:
    """Return those of a name, or the one of a signature."""
    chosen = [each for each in entries.get(name.partition("(")[0], ()) if name in {each.name, each.signature}]
    if not chosen:
        offered = ", ".join(sorted(each.signature for overloads in entries.values() for each in overloads))
        raise AttributeError(f"{contract} has no {kind} {name!r}; it has {offered or 'none'}")
    return chosen
