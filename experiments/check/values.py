"""Values: what somebody writes on the command line for a parameter of a function, read by its type."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from slashpoint.sim.contract.codec import ARRAY
from slashpoint.sim.errors import Misconfigured

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Parameter = dict[str, Any]  # of an ABI
    Find = Callable[[str], bytes]  # the address of a name; raises Misconfigured

UNITS = {
    "": 1, "wei": 1, "gwei": 10**9, "ether": 10**18, "eth": 10**18, "second": 1, "minute": 60, "hour": 3600,
    "day": 86_400, "week": 604_800, "s": 1, "min": 60, "h": 3600, "d": 86_400, "w": 604_800,
}  # fmt: skip
NUMBER = re.compile(r"([-+]?(?:\d[\d_]*)?(?:\.\d+)?(?:[eE]\+?\d{1,2})?)\s*([a-zA-Z]*)")
HEX = re.compile(r"0x[0-9a-fA-F]*")
NOW = re.compile(r"now\s*(?:([-+])\s*(.+))?")
OPEN, CLOSE = "([{", ")]}"


def split(text: str) -> list[str]:
    """Return the parts between commas, but for those within quotes or brackets.

    Raises:
        Misconfigured: a quote or a bracket is not closed.
    """
    parts, depth, quote, start = [], 0, "", 0
    for place, one in enumerate(text):
        if quote:
            quote = "" if one == quote and text[place - 1] != "\\" else quote
        elif one in "\"'" and (depth or not text[start:place].strip()):
            quote = one
        elif one in OPEN:
            depth += 1
        elif one in CLOSE:
            depth -= 1
            if depth < 0:
                raise Misconfigured(f"{text!r}: {one!r} closes what was not opened")
        elif one == "," and not depth:
            parts.append(text[start:place].strip())
            start = place + 1
    if quote or depth:
        raise Misconfigured(f"{text!r}: {'a quote' if quote else 'a bracket'} is not closed")
    parts.append(text[start:].strip())
    return [] if parts == [""] else parts


class Reader:
    """Reads values by their types.

    Args:
        find: the address of an account's or a contract's name.
        now: Unix seconds, for `now+3days`.
    """

    def __init__(self, find: Find, now: int) -> None:
        self._find, self._now = find, now

    def all(self, parameters: Sequence[Parameter], texts: Sequence[str]) -> list[Any]:
        """Return the values of parameters, given as one text each; both are of one length."""
        found = []
        for parameter, text in zip(parameters, texts, strict=True):
            try:
                found.append(self.one(parameter, text))
            except Misconfigured as why:
                raise Misconfigured(f"{parameter.get('name') or 'a parameter'} ({parameter['type']}): {why}") from None
        return found

    def one(self, parameter: Parameter, text: Any) -> Any:
        """Return a value: `text` is as typed, or, inside JSON, a value of JSON."""
        kind: str = parameter["type"]
        if array := ARRAY.fullmatch(kind):
            element = {**parameter, "type": array[1]}
            return [self.one(element, each) for each in _elements(text, kind)]
        if kind == "tuple":
            return self._struct(parameter, text)
        if kind.startswith(("uint", "int")):
            return self._number(text, kind)
        if kind == "bool":
            return _boolean(text)
        if not isinstance(text, str):
            raise Misconfigured(f"{text!r} is no {kind}")
        if kind == "address":
            return self._find(_unquoted(text))
        if kind == "string":
            return _unquoted(text)
        return _hex(_unquoted(text), kind)

    def _struct(self, parameter: Parameter, text: Any) -> list[Any]:
        """Return the fields of a struct in order, from an object or a list."""
        parts = parameter["components"]
        names = [each.get("name") or f"_{i}" for i, each in enumerate(parts)]
        given = _json(text) if isinstance(text, str) else text
        if isinstance(given, dict):
            if strange := [name for name in given if name not in names]:
                raise Misconfigured(f"it has no field {strange[0]!r}; it has {', '.join(names)}")
            if missing := [name for name in names if name not in given]:
                raise Misconfigured(f"the field {missing[0]} is missing; it has {', '.join(names)}")
            given = [given[name] for name in names]
        if not isinstance(given, list) or len(given) != len(parts):
            raise Misconfigured(f"{text!r} is no struct of the fields {', '.join(names)}: write it as JSON")
        found = []
        for name, part, each in zip(names, parts, given, strict=True):
            try:
                found.append(self.one(part, each))
            except Misconfigured as why:
                raise Misconfigured(f"{name} ({part['type']}): {why}") from None
        return found

    def _number(self, text: Any, kind: str) -> int:
        """Return a whole number, in range."""
        number = text if isinstance(text, int) and not isinstance(text, bool) else self._whole(text)
        bits = int(kind.removeprefix("u").removeprefix("int"))
        low, high = (0, 2**bits) if kind[0] == "u" else (-(2 ** (bits - 1)), 2 ** (bits - 1))
        if not low <= number < high:
            raise Misconfigured(f"{text} is no {kind}: it is {'negative' if number < low == 0 else 'out of its range'}")
        return number

    def _whole(self, text: Any) -> int:
        if not isinstance(text, str):
            raise Misconfigured(
                f"{text!r} is no whole number: write large and fractional ones as text, such as 1.5ether"
            )
        said = _unquoted(text)
        if match := NOW.fullmatch(said):
            return self._now + (amount(match[2]) * (-1 if match[1] == "-" else 1) if match[2] else 0)
        return amount(said)


def amount(text: str) -> int:
    """Return a whole number that may have a unit: 5, 1_000, 0x10, 1e18, 1.5ether, 3days.

    Raises:
        Misconfigured: it is none.
    """
    said = text.strip()
    if HEX.fullmatch(said) and len(said) > 2:
        return int(said, 16)
    match = NUMBER.fullmatch(said)
    unit = match[2].lower() if match else ""
    unit = unit if unit in UNITS else unit.removesuffix("s")
    if match is None or unit not in UNITS:
        units = ", ".join(one for one in UNITS if len(one) > 2)
        raise Misconfigured(f"{text!r} is no number: it takes digits, and perhaps one of {units} behind them")
    try:
        exact = Fraction(match[1].replace("_", "")) * UNITS[unit]
    except ValueError:
        raise Misconfigured(f"{text!r} is no number") from None
    if exact.denominator != 1:
        raise Misconfigured(f"{text!r} is no whole number of the smallest unit")
    return int(exact)


def _elements(text: Any, kind: str) -> list[Any]:
    """Return the elements of an array, given in JSON, or in brackets with commas between."""
    if isinstance(text, str) and text[:1] + text[-1:] == "[]":
        try:
            text = json.loads(text)
        except (json.JSONDecodeError, RecursionError):
            text = split(text[1:-1])
    if not isinstance(text, list):
        raise Misconfigured(f"{text!r} is no {kind}: write it in brackets, such as [1,2]")
    size = ARRAY.fullmatch(kind)
    if size and size[2] and len(text) != int(size[2]):
        raise Misconfigured(f"it has {len(text)} elements, not {size[2]}")
    return text


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as why:
        if text[:1] in {"[", "("} and text[-1:] in {"]", ")"}:
            return split(text[1:-1])
        raise Misconfigured(f"{text!r} is no JSON: {why.msg} at character {why.pos + 1}") from None
    except RecursionError:
        raise Misconfigured("it is nested too deeply") from None


def _boolean(text: Any) -> bool:
    if isinstance(text, bool):
        return text
    if isinstance(text, str) and text.lower() in {"true", "false"}:
        return text.lower() == "true"
    raise Misconfigured(f"{text!r} is no bool: it is true or false")


def _unquoted(text: str) -> str:
    text = text.strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text


def _hex(text: str, kind: str) -> bytes:
    """Return bytes that are given in hex, of the length that the type has."""
    if not HEX.fullmatch(text) or len(text) % 2:
        raise Misconfigured(f"{text!r} is no {kind}: write it in hex, two digits a byte, as 0x…")
    data = bytes.fromhex(text[2:])
    size = kind.removeprefix("bytes")
    if size.isdigit() and len(data) != int(size):
        raise Misconfigured(f"{text!r} has {len(data)} bytes: a {kind} has {size}")
    return data
