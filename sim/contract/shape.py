"""What an artifact must look like: complaints that name the entry, the parameter or the digit that is wrong."""

from __future__ import annotations

import re
from functools import cache
from math import prod
from typing import TYPE_CHECKING, Any

from slashpoint.sim.contract import codec, words
from slashpoint.sim.errors import choices

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NAMED = ("function", "event", "error")
KINDS = (*NAMED, "constructor", "fallback", "receive")
LINK = 20  # bytes: a library's address
FIXED = re.compile(r"\[(\d+)\]")  # the size of an array in its type
MOST_ELEMENTS, DIGITS = 2**16, 9  # two megabytes of words: a transaction has 128 kB; digits of a size that is read


class Malformed(ValueError):
    """An artifact that is none."""


def abi(entries: Any) -> tuple[dict[str, Any], ...]:
    """Return the entries of an ABI; raises Malformed where one is none."""
    if not isinstance(entries, list):
        raise Malformed(f"its abi is {_kind(entries)}, not a list")
    for i, entry in enumerate(entries):
        if not isinstance(entry, dict):
            raise Malformed(f"entry {i} of its abi is {_kind(entry)}, not an object")
        kind, name = entry.get("type", "function"), entry.get("name")
        if kind not in KINDS:
            raise Malformed(f"entry {i} of its abi is of type {kind!r}; {choices(str(kind), KINDS)}")
        if kind in NAMED and not (isinstance(name, str) and name):
            raise Malformed(f"entry {i} of its abi, {'an' if kind[0] == 'e' else 'a'} {kind}, has no name")
        for part in ("inputs", "outputs"):
            parameters(entry.get(part, []), f"the {part} of {name or kind}")
    return tuple(entries)


def parameters(given: Any, where: str) -> None:
    """Refuse parameters that cannot be encoded.

    Args:
        given: the ABI's list of parameters.
        where: what a message names when the list is wrong.
    """
    if not isinstance(given, list):
        raise Malformed(f"{where} are {_kind(given)}, not a list")
    for i, each in enumerate(given):
        kind = each.get("type") if isinstance(each, dict) else None
        if not isinstance(kind, str):
            raise Malformed(f"{where}: parameter {i} has no type")
        name = each.get("name") or f"parameter {i}"
        if not isinstance(name, str):
            raise Malformed(f"{where}: parameter {i} is called {name!r}, which is no text")
        if _too_many(kind):
            raise Malformed(f"{where}: {name}: {kind[:40]} has more elements than a transaction can carry")
        if _element(kind) != "tuple":
            if why := _unknown(_element(kind)):
                raise Malformed(f"{where}: {name}: {why}")
        elif "components" not in each:
            raise Malformed(f"{where}: {name} is a tuple without components")
        else:
            parameters(each["components"], f"{where}: the components of {name}")


@cache
def _element(kind: str) -> str:
    """Return the type of what an array of arrays holds in the end."""
    while array := codec.ARRAY.fullmatch(kind):
        kind = str(array[1])
    return kind


@cache
def _too_many(kind: str) -> bool:
    """Return whether a type's arrays of fixed sizes have more elements than a transaction has room for words."""
    sizes = FIXED.findall(kind)
    return any(len(size) > DIGITS for size in sizes) or prod(map(int, sizes)) > MOST_ELEMENTS


@cache
def _unknown(kind: str) -> str:
    """Return why there is no such elementary type, if so."""
    try:
        words.coder(kind)
    except ValueError as why:
        return str(why)
    return ""


def bytecode(code: Any, links: Mapping[str, Sequence[int]]) -> str:
    """Return the hexadecimal digits of code in which addresses of libraries are missing; raises Malformed.

    Args:
        code: as the artifact has it.
        links: where the address of each library goes, bytes.
    """
    if not isinstance(code, str):
        raise Malformed(f"its bytecode is {_kind(code)}, not text")
    digits: str = code.strip().removeprefix("0x")
    filled = digits
    for library, places in links.items():
        for place in places:
            if not 0 <= 2 * place <= len(digits) - 2 * LINK:
                raise Malformed(f"the address of {library} is to go to byte {place}, which its bytecode has not")
            filled = f"{filled[: 2 * place]}{'0' * 2 * LINK}{filled[2 * (place + LINK) :]}"
    if "__" in filled:
        raise Malformed(
            f"its bytecode lacks the address of a library at digit {filled.index('__')}: no link says which"
        )
    if len(digits) % 2:
        raise Malformed(f"its bytecode has {len(digits)} digits: bytes have two each")
    try:
        bytes.fromhex(filled)
    except ValueError:
        wrong = next(i for i, digit in enumerate(filled) if digit not in "0123456789abcdefABCDEF")
        raise Malformed(f"its bytecode is no hex: {filled[wrong]!r} at digit {wrong}") from None
    return digits


def links(references: Any) -> dict[str, tuple[int, ...]]:
    """Return where the address of each library goes, in bytes, by `file:Library`; raises Malformed."""
    try:
        found = {
            f"{file}:{library}": tuple(place["start"] for place in places)
            for file, libraries in (references or {}).items()
            for library, places in libraries.items()
        }
    except (AttributeError, KeyError, TypeError):
        raise Malformed("its linkReferences are not those of a compiler") from None
    if not all(isinstance(place, int) for places in found.values() for place in places):
        raise Malformed("its linkReferences are not those of a compiler")
    return found


def _kind(value: Any) -> str:
    """Return what a JSON value is."""
    kinds = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")
