"""The elementary types of the contract ABI: one word each, and the two blobs, `bytes` and `string`."""

from __future__ import annotations

import re
import reprlib
from operator import index
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

WORD = 32  # bytes
ADDRESS = 20  # bytes
_BEFORE_ADDRESS = bytes(WORD - ADDRESS)
FUNCTION = 24  # bytes: an address and a selector
ELEMENTARY = re.compile(r"(uint|int|bytes)(\d+)|address|bool|bytes|string|function")


class Coder(NamedTuple):
    """How the values of one type are written."""

    type: str  # canonical: structs as (…)
    size: int  # bytes of its head; WORD, for the pointer, where it is dynamic
    dynamic: bool
    pack: Callable[[Any], bytes]  # raises TypeError
    unpack: Callable[[bytes, int], Any]  # from where it begins in the data; raises ValueError


def coder(kind: str) -> Coder:
    """Return the coder of an elementary type.

    Raises:
        ValueError: there is no such type (or a fixed-point one, which Solidity cannot compute with either).
    """
    match = ELEMENTARY.fullmatch(kind)
    if match is None or not _sized(match[1], match[2]):
        raise ValueError(f"the type {kind!r} cannot be encoded")
    if kind in {"bytes", "string"}:
        return _blob(kind)
    if match[1] in {"uint", "int"}:
        return _integer(kind, int(match[2]), signed=match[1] == "int")
    if kind == "bool":
        return Coder(kind, WORD, False, _pack_bool, lambda data, at: data[at + WORD - 1] == 1)
    if kind == "address":
        return Coder(kind, WORD, False, _pack_address, lambda data, at: data[at + WORD - ADDRESS : at + WORD])
    return _fixed_bytes(kind, int(match[2] or FUNCTION))


def _sized(kind: str | None, size: str | None) -> bool:
    """Return whether there is a type of this size: integers of 8, 16 … 256 bits, bytes of 1 to 32."""
    if kind is None or size is None:
        return True
    return 1 <= int(size) <= WORD if kind == "bytes" else 8 <= int(size) <= 8 * WORD and int(size) % 8 == 0


def _integer(kind: str, bits: int, *, signed: bool) -> Coder:
    low, high = (-(1 << bits - 1), 1 << bits - 1) if signed else (0, 1 << bits)

    def pack(value: Any) -> bytes:
        number: int = value if value.__class__ is int else index(value)
        if not low <= number < high:
            raise TypeError(f"{number} is no {kind}")
        return number.to_bytes(WORD, "big") if number >= 0 else number.to_bytes(WORD, "big", signed=True)

    return Coder(kind, WORD, False, pack, lambda data, at: int.from_bytes(data[at : at + WORD], "big", signed=signed))


def _fixed_bytes(kind: str, size: int) -> Coder:
    pad = bytes(WORD - size)

    def pack(value: Any) -> bytes:
        if not isinstance(value, bytes) or len(value) != size:
            raise TypeError(f"{reprlib.repr(value)} is no {kind}: it takes exactly {size} bytes")
        return value + pad

    return Coder(kind, WORD, False, pack, lambda data, at: data[at : at + size])


def _pack_bool(value: Any) -> bytes:
    if value not in {True, False}:
        raise TypeError(f"{reprlib.repr(value)} is no bool")
    return bytes(WORD - 1) + (b"\1" if value else b"\0")


def _pack_address(value: Any) -> bytes:
    return _BEFORE_ADDRESS + (value if value.__class__ is bytes and len(value) == ADDRESS else address(value))


def address(value: Any) -> bytes:
    """Return the 20 bytes of an address that is given as such, or as their hex; raises TypeError."""
    given = value
    if isinstance(value, str):
        try:
            given = bytes.fromhex(value.removeprefix("0x"))
        except ValueError:
            given = None
    if not isinstance(given, bytes) or len(given) != ADDRESS:
        raise TypeError(f"{reprlib.repr(value)} is no address: it takes 20 bytes, or their hex")
    return given


def _blob(kind: str) -> Coder:
    """Return the coder of `bytes` or `string`.

    The EVM checks no `string`, so that a sender may write any bytes into one. It is read as a str that keeps them all:
    a byte that is no UTF-8 becomes one of the surrogates U+DC80 to U+DCFF (PEP 383, as in Python's file names), which
    become the same bytes when it is written. A `string` is also written from bytes.
    """

    def pack(value: Any) -> bytes:
        data = value.encode(errors="surrogateescape") if kind == "string" and isinstance(value, str) else value
        if not isinstance(data, bytes):
            raise TypeError(f"{reprlib.repr(value)} is no {kind}")
        return len(data).to_bytes(WORD, "big") + data + bytes(-len(data) % WORD)

    def unpack(data: bytes, at: int) -> bytes | str:
        start, size = at + WORD, length(data, at)
        if start + size > len(data):
            raise ValueError(f"a {kind} of {size} bytes ends after the data")
        value = data[start : start + size]
        return value.decode(errors="surrogateescape") if kind == "string" else value

    return Coder(kind, WORD, True, pack, unpack)


def length(data: bytes, at: int) -> int:
    """Return the number that a word holds, as far as it can be a place or a length in these data.

    Args:
        data: the encoded values.
        at: where the word begins, bytes.
    """
    number = int.from_bytes(data[at : at + WORD], "big")
    if at + WORD > len(data) or number > len(data):
        raise ValueError("a length or a pointer leads out of the data")
    return number
