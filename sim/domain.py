"""Domains: what a setting may be, declared in its type where it is defined, and checked before anything runs.

    @dataclass
    class Terms:
        stake: Amount  # whole tokens
        order: Annotated[str, Among("rotation", "beacon")]
        patience: Annotated[float, Within(0, 100)]  # blocks

A number without a domain is finite and below 2**63.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Protocol, Union, get_args, get_origin, get_type_hints

from slashpoint.sim.errors import choices

KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
KINDS |= {tuple: "a list", dict: "a mapping"}


class Domain(Protocol):
    """A set of values, which says of one that is not in it what is wrong."""

    def refuses(self, value: Any) -> str:
        """Return what a value must be, if it is not; else nothing."""
        ...


@dataclass(frozen=True)
class Within:
    """Numbers from `low` to `high`; `beyond` excludes one end, or `both`."""

    low: float
    high: float
    beyond: str = ""  # low | high | both

    def refuses(self, value: float) -> str:
        """Return what a number must be."""
        above = value > self.low if self.beyond in {"low", "both"} else value >= self.low
        below = value < self.high if self.beyond in {"high", "both"} else value <= self.high
        return "" if above and below else f"it must be {self}"

    def __str__(self) -> str:
        """Return it in words, for messages."""
        low = f"above {self.low:,.15g}" if self.beyond in {"low", "both"} else f"at least {self.low:,.15g}"
        return f"{low} and {'below' if self.beyond in {'high', 'both'} else 'at most'} {self.high:,.15g}"


class Among:
    """A domain of some texts, named one by one."""

    def __init__(self, *names: str) -> None:
        self.names = names

    def refuses(self, value: str) -> str:
        """Return what a text must be."""
        return "" if value in self.names else choices(value, self.names)

    def __str__(self) -> str:
        """Return it in words, for messages."""
        *most, last = self.names
        return f"{', '.join(most)} or {last}" if most else last


Share = Annotated[float, Within(0, 1)]
Part = Annotated[float, Within(0, 1, "low")]  # a share that is not nothing
Bps = Annotated[int, Within(0, 10_000)]  # hundredths of a per cent
Count = Annotated[int, Within(0, 10**6)]
Some = Annotated[int, Within(1, 10**6)]
Seconds = Annotated[float, Within(0, 10**9)]  # thirty years
Window = Annotated[float, Within(1, 10**8)]  # seconds that a contract waits, three years at most
Amount = Annotated[float, Within(0, 10**12)]  # whole tokens, or USD
Price = Annotated[float, Within(0, 10**12, "low")]  # USD
Gwei = Annotated[float, Within(0, 10**9)]
Factor = Annotated[float, Within(0, 10**6)]
Positive = Annotated[float, Within(0, 10**6, "low")]
Bytes = Annotated[int, Within(1, 2**24)]


def check(settings: Any, where: str) -> None:
    """Refuse settings with a value that its type does not allow.

    Args:
        settings: a dataclass.
        where: what stands before its fields' names in messages, as in `protocol.stake`.

    Raises:
        ValueError: names the field, its value and what it must be.
    """
    kind: Any = type(settings)
    hints = domains(kind)
    for one in fields(settings):
        if one.init:
            _check(getattr(settings, one.name), hints.get(one.name, Any), f"{where}.{one.name}")


@cache
def domains(kind: Any) -> Mapping[str, Any]:
    """Return the types of a dataclass's fields, with their domains; none where they cannot be told."""
    try:
        return get_type_hints(kind, include_extras=True)
    except NameError:  # a type that is imported for type checkers alone
        return {}


@cache
def limits(kind: Any) -> Mapping[str, Any]:
    """Return the first domain of each field of a dataclass that has one."""
    found = {name: _apart(hint)[1] for name, hint in domains(kind).items()}
    return {name: many[0] for name, many in found.items() if many}


def in_words(hint: Any) -> str:
    """Return what a type allows, in words: its kinds and its domains."""
    kinds, limits = _apart(hint)
    names = [KINDS[get_origin(one) or one] for one in map(_bare, kinds) if (get_origin(one) or one) in KINDS]
    return ": ".join(part for part in (" or ".join(names), ", ".join(map(str, limits))) if part)


def _check(value: Any, hint: Any, where: str) -> None:
    kinds, limits = _apart(hint)
    fitting = [one for one in kinds if _is(value, one)]
    if len(kinds) > 1 and not limits and fitting:  # alternatives, each with domains of its own
        _check(value, fitting[0], where)
        return
    if not fitting and not (limits and len(kinds) > 1):  # domains of alternatives say themselves what they are of
        names = [KINDS[get_origin(one) or one] for one in map(_bare, kinds) if (get_origin(one) or one) in KINDS]
        raise ValueError(f"{where}={value}: it must be {' or '.join(names)}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{where}={value}: a number is finite")
    for why in filter(None, (one.refuses(value) for one in limits or _usual(value))):
        raise ValueError(f"{where}={value}: {why}")
    for name, item, inner in _items(value, kinds[0]):
        _check(item, inner, f"{where}{name}")


def _apart(hint: Any) -> tuple[Sequence[Any], list[Domain]]:
    """Return a type's alternatives, most have one, and its domains."""
    if get_origin(hint) is Annotated:
        kind, *limits = get_args(hint)
        return _apart(kind)[0], [one for one in limits if hasattr(one, "refuses")]
    return (get_args(hint) if get_origin(hint) in {Union, UnionType} else [hint]), []


def _bare(hint: Any) -> Any:
    """Return a type without its domains."""
    return get_args(hint)[0] if get_origin(hint) is Annotated else hint


def _is(value: Any, hint: Any) -> bool:
    """Return whether a value is of a type, where that is one of KINDS. A whole number is a number, true is not."""
    kind = get_origin(_bare(hint)) or _bare(hint)
    if kind is NoneType:
        return value is None
    if kind not in KINDS:
        return True
    if isinstance(value, bool):
        return bool(kind is bool)
    wider: dict[Any, Any] = {float: (int, float), tuple: (tuple, list), dict: Mapping}
    return isinstance(value, wider.get(kind, kind))


def _usual(value: Any) -> list[Domain]:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return [Within(-(2**63), 2**63, "both")] if number else []


def _items(value: Any, kind: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield what is inside a list or a mapping: its name, the value and its type."""
    types = get_args(kind)
    if isinstance(value, Mapping) and len(types) == 2:
        yield from ((f".{name}", item, types[1]) for name, item in value.items())
    elif isinstance(value, (tuple, list)) and len(types) == 2 and types[1] is Ellipsis:
        yield from ((f"[{i}]", item, types[0]) for i, item in enumerate(value))
    elif isinstance(value, (tuple, list)) and len(types) == len(value):
        yield from ((f"[{i}]", item, kind) for i, (item, kind) in enumerate(zip(value, types)))
