"""Entries of an ABI: functions, events and errors, each with its coder."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eth_hash.auto import keccak

from slashpoint.sim.contract.codec import coder, names_of, record, sequence

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from slashpoint.sim.contract.words import Coder
    from slashpoint.sim.engine import Log

SELECTOR = 4  # bytes


@dataclass(frozen=True, slots=True, eq=False)
class Event:
    """One kind of event of one contract: an identity that two places may compare and use as a key."""

    contract_address: bytes
    contract_name: str
    name: str
    topic0: bytes
    fields: tuple[str, ...]

    def __repr__(self) -> str:
        """Return the contract's name with the signature: `ModelMarket.RequestCreated(id, requester)`."""
        return f"{self.contract_name}.{self.name}({', '.join(self.fields)})"


class Entry:
    """A function, event or error of an ABI. Its coder is built on first use."""

    def __init__(self, abi: dict[str, Any]) -> None:
        self.abi = abi
        self.name: str = abi["name"]
        self.inputs: list[dict[str, Any]] = abi.get("inputs", [])
        self.names = names_of(self.inputs)
        self.arity = len(self.inputs)

    @functools.cached_property
    def coder(self) -> Coder:
        """Return the coder of its parameters."""
        return sequence(self.inputs)

    @functools.cached_property
    def hash(self) -> bytes:
        """Return keccak-256 of its signature: 32 bytes, whose first four are the selector."""
        return keccak(self.signature.encode())

    @property
    def signature(self) -> str:
        """Return name and types, such as `transfer(address,uint256)`."""
        return f"{self.name}{self.coder.type}"

    def __str__(self) -> str:
        """Return types and names, such as `transfer(address to, uint256 value)`."""
        inside = ", ".join(f"{each['type']} {each.get('name', '')}".strip() for each in self.inputs)
        return f"{self.name}({inside})"


class Function(Entry):
    """A function: how its calls are written and its answers read."""

    @functools.cached_property
    def view(self) -> bool:
        """Return whether it changes nothing: compilers before Solidity 0.4.16 said `constant` instead."""
        if "stateMutability" in self.abi:
            return self.abi["stateMutability"] in {"view", "pure"}
        return bool(self.abi.get("constant"))

    @functools.cached_property
    def selector(self) -> bytes:
        """Return the four bytes that calls of it begin with."""
        return self.hash[:SELECTOR]

    def encode(self, values: Sequence[Any]) -> bytes:
        """Call data. Raises TypeError, naming the function."""
        try:
            return self.selector + self.coder.pack(values)
        except TypeError as why:
            raise TypeError(f"{self}: {why}") from None

    @functools.cached_property
    def answer(self) -> Callable[[bytes], Any]:
        """Decode return data: a single value alone, several as a NamedTuple, none as None. Raises ValueError."""
        outputs = self.abi.get("outputs", [])
        read = sequence(outputs).unpack
        if not outputs:
            return lambda _: None
        if len(outputs) == 1:
            return lambda data: read(data, 0)[0]
        kind = record(self.name[:1].upper() + self.name[1:], outputs)
        return lambda data: kind._make(read(data, 0))


class Record(Entry):
    """An event: how its logs are read."""

    @property
    def anonymous(self) -> bool:
        """Return whether its logs go without its topic."""
        return bool(self.abi.get("anonymous"))

    @functools.cached_property
    def topics(self) -> int:
        """Return how many topics its logs have."""
        return len([each for each in self.inputs if each.get("indexed")]) + (not self.anonymous)

    @functools.cached_property
    def _plan(self) -> tuple[Callable[[bytes, int], Any], list[tuple[str, Callable[[bytes, int], Any] | None, int]]]:
        """Return what reads the data, and for each field what reads it from which topic, or its place in the data."""
        plan: list[tuple[str, Callable[[bytes, int], Any] | None, int]] = []
        topic, place = int(not self.anonymous), 0
        for each, name in zip(self.inputs, self.names, strict=True):
            if each.get("indexed"):
                kind = coder(each)
                word = kind.type.count("(") + kind.type.count("[") == 0 and not kind.dynamic
                plan.append((name, kind.unpack if word else _hash_alone, topic))
                topic += 1
            else:
                plan.append((name, None, place))
                place += 1
        return sequence([each for each in self.inputs if not each.get("indexed")]).unpack, plan

    def decode(self, log: Log) -> dict[str, Any]:
        """Return its arguments by name, in the ABI's order; of an indexed dynamic one there is only the hash.

        Raises:
            ValueError: the log is not of this event.
        """
        read, plan = self._plan
        values = read(log.data, 0)
        topics = log.topics
        if len(topics) != self.topics:
            raise ValueError(f"a log of {self} has {self.topics} topics, not {len(topics)}")
        return {name: values[i] if take is None else take(topics[i], 0) for name, take, i in plan}


def _hash_alone(topic: bytes, _: int) -> bytes:
    return topic
