"""The contract ABI's encoding: values to bytes and back, each type's coder built once.

It is its own because it is on the path of every transaction and event: for three words eth-abi takes 11 µs, and this
one 1; importing eth-abi takes 0.4 s. The tests hold it against eth-abi. Addresses are 20 bytes, structs NamedTuples.
Source: the Solidity documentation, "Contract ABI Specification".
"""

from __future__ import annotations

import functools
import re
import reprlib
from collections import namedtuple
from dataclasses import is_dataclass
from keyword import iskeyword
from typing import TYPE_CHECKING, Any

from slashpoint.sim.contract import words
from slashpoint.sim.contract.words import WORD, Coder, length

if TYPE_CHECKING:
    from collections.abc import Sequence

    Parameter = dict[str, Any]  # of an ABI: name, type, components …

ARRAY = re.compile(r"(.*)\[(\d*)\]")


def coder(parameter: Parameter) -> Coder:
    """Return the coder of a parameter's type.

    Raises:
        ValueError: there is no such type (or a fixed-point one, which Solidity lacks too).
    """
    kind: str = parameter["type"]
    if array := ARRAY.fullmatch(kind):
        element = coder({**parameter, "type": array[1]})
        return _array(element, int(array[2])) if array[2] else _list(element)
    if kind == "tuple":
        return _struct(parameter)
    return words.coder(kind)


def sequence(parameters: Sequence[Parameter]) -> Coder:
    """Return the coder of a list of parameters: takes a sequence of as many values, gives a tuple."""
    return _sequence([coder(each) for each in parameters], names_of(parameters))


def names_of(parameters: Sequence[Parameter]) -> tuple[str, ...]:
    """Return the names of parameters; the nameless third is `_2`."""
    return tuple(each.get("name") or f"_{i}" for i, each in enumerate(parameters))


def record(name: str, parameters: Sequence[Parameter]) -> type[Any]:
    """Return the NamedTuple of these parameters: one type for all of one name and fields.

    A field `from` is called `from_`, and `_to` is called `to`.

    Args:
        name: of the type.
        parameters: of the ABI, one a field.
    """
    return _record(name, names_of(parameters))


@functools.cache
def _record(name: str, names: tuple[str, ...]) -> type[Any]:
    clean = [f"{each}_" if iskeyword(each) else each.lstrip("_") for each in names]
    return namedtuple(name if name.isidentifier() else "Values", clean, rename=True)  # noqa: PYI024 - the ABI's fields


def _array(element: Coder, count: int) -> Coder:
    return _sequence([element] * count, tuple(f"[{i}]" for i in range(count)))._replace(type=f"{element.type}[{count}]")


def _list(element: Coder) -> Coder:
    def pack(values: Any) -> bytes:
        return len(values).to_bytes(WORD, "big") + _array(element, len(values)).pack(values)

    def unpack(data: bytes, at: int) -> tuple[Any, ...]:
        count = length(data, at)
        if at + WORD + count * max(element.size, 1) > len(data):
            raise ValueError(f"{count} elements end after the data")
        values: tuple[Any, ...] = _array(element, count).unpack(data, at + WORD)
        return values

    return Coder(f"{element.type}[]", WORD, True, pack, unpack)


def _struct(parameter: Parameter) -> Coder:
    """Return the coder of a struct: written from a sequence, a dict or a dataclass, read as a NamedTuple."""
    parts = parameter["components"]
    names = names_of(parts)
    fields = sequence(parts)
    kind = record(parameter.get("internalType", "").removeprefix("struct ").split("[")[0].split(".")[-1], parts)

    def pack(value: Any) -> bytes:
        if isinstance(value, dict):
            if value.keys() != set(names):
                raise TypeError(f"it has the fields {', '.join(names)}, not {', '.join(map(str, value))}")
            value = [value[name] for name in names]
        elif is_dataclass(value):
            value = [getattr(value, name) for name in kind._fields]
        return fields.pack(value)

    return fields._replace(pack=pack, unpack=lambda data, at: kind._make(fields.unpack(data, at)))


def _sequence(coders: list[Coder], names: tuple[str, ...]) -> Coder:
    """Return the coder of values one after the other: heads first, then the tails that dynamic ones point to."""
    size = sum(each.size for each in coders)
    dynamic = any(each.dynamic for each in coders)
    packs = [each.pack for each in coders]
    unpacks = []
    at = 0
    for each in coders:
        unpacks.append((each.unpack, at, each.dynamic))
        at += each.size

    def pack(values: Any) -> bytes:
        try:
            parts = [pack(value) for pack, value in zip(packs, values, strict=True)]
        except (TypeError, ValueError, AttributeError) as why:
            raise _blame(why, coders, names, values) from None
        if not dynamic:
            return b"".join(parts)
        heads, tails, end = [], [], size
        for each, part in zip(coders, parts, strict=True):
            if each.dynamic:
                heads.append(end.to_bytes(WORD, "big"))
                tails.append(part)
                end += len(part)
            else:
                heads.append(part)
        return b"".join(heads + tails)

    def unpack(data: bytes, start: int) -> tuple[Any, ...]:
        if start + size > len(data):
            raise ValueError(f"{len(data) - start} bytes are no ({','.join(each.type for each in coders)})")
        if not dynamic:
            return tuple([read(data, start + offset) for read, offset, _ in unpacks])
        return tuple(
            [
                read(data, start + (length(data, start + offset) if pointed else offset))
                for read, offset, pointed in unpacks
            ]
        )

    head = WORD if dynamic else size
    return Coder(f"({','.join(each.type for each in coders)})", head, dynamic, pack, unpack)


def _blame(why: Exception, coders: list[Coder], names: tuple[str, ...], values: Any) -> TypeError:
    """Return the complaint about the first value that its coder does not take, with its name before it."""
    try:
        given = list(values)
    except TypeError:
        return TypeError(f"{reprlib.repr(values)} has no parts; it takes {', '.join(names)}")
    if len(given) != len(coders):
        return TypeError(f"it takes {len(coders)} values ({', '.join(names)}), not {len(given)}")
    for each, name, value in zip(coders, names, given, strict=True):
        try:
            each.pack(value)
        except (TypeError, ValueError, AttributeError) as complaint:
            return TypeError(f"{name}: {complaint}")
    return TypeError(str(why))
