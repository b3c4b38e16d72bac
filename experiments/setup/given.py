"""Attacks that are given from Python, as objects or classes: those of the catalogue have a name on the command line."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from slashpoint.experiments.setup import catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


def overrides_of(attacks: Sequence[Any], project: Path | None) -> list[str] | None:
    """Return what asks for attacks on the command line; None where one of them has no name there.

    Args:
        attacks: names and conducts.
        project: a project's folder.
    """
    names = [one if isinstance(one, str) else _name(one, project) for one in attacks]
    if "" in names or len(set(names)) < len(names):
        return None
    try:
        parameters = [f"attack.{name}.{said}" for name, one in zip(names, attacks) for said in _parameters(one)]
    except TypeError:
        return None  # a parameter that no grammar has
    return [f"attack=[{','.join(names)}]", *parameters]


def in_python(arguments: Sequence[Any], attacks: Sequence[Any]) -> str:
    """Return the call that repeats a run with an attack that has no name, such as a class in a notebook."""
    kinds = [type(one) for one in attacks if not isinstance(one, str)]
    where = ", ".join(dict.fromkeys(f"{kind.__name__} is of {kind.__module__}" for kind in kinds))
    return f"slashpoint.simulate({', '.join(map(repr, arguments))})  # {where}"


def _name(attack: Any, project: Path | None) -> str:
    """Return the option whose class an attack is of; empty if there is none."""
    name = type(attack).__module__.rpartition(".")[2]
    known = catalogue.exists("attack", name, project) and catalogue.load("attack", name, project) is type(attack)
    return name if known else ""


def _parameters(attack: Any) -> Iterator[str]:
    """Yield what differs from the defaults."""
    if isinstance(attack, str):
        return
    usual = type(attack)()
    for one in fields(attack):
        if one.init and getattr(attack, one.name) != getattr(usual, one.name):
            yield f"{one.name}={_value(getattr(attack, one.name))}"


def _value(value: Any) -> str:
    """Return a value in Hydra's grammar."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case int() | float():
            return repr(value)
        case str():
            escaped = value.replace("\\", "\\\\").replace("'", "\\'")
            return f"'{escaped}'"
        case tuple() | list():
            return f"[{','.join(map(_value, value))}]"
        case dict():
            return f"{{{','.join(f'{_value(key)}:{_value(one)}' for key, one in value.items())}}}"
    raise TypeError(f"{type(value).__name__} is no value of a configuration")
