"""Vetting: what a project's code says and nothing would ever read, such as a misspelt duty, is refused by name."""

from __future__ import annotations

import dataclasses
import inspect
import sys
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

from slashpoint.sim.errors import Misconfigured, choices

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import ModuleType

    from slashpoint.agents.conduct import Conduct

NEAR = 0.7  # how alike two names are, by difflib, for one to be taken for the other, misspelt


def vet(kind: type, base: type, *others: type) -> None:
    """Refuse a class with a public name that nothing reads and that is nearly one of its base's, such as `clam`.

    A name is read where its base class has it too, or where code of its module, or of other classes', mentions it.

    Args:
        kind: somebody's class.
        base: what of ours it is a kind of.
        others: classes that use it.

    Raises:
        Misconfigured: says which name was probably meant.
    """
    _vet((kind, base, *others))


@cache
def _vet(kinds: tuple[Any, ...]) -> None:
    kind, base, *others = kinds
    family = [one for one in kind.__mro__ if one.__module__.partition(".")[0] != "slashpoint" and one is not object]
    modules = {one.__module__ for one in (*family, *others)}
    read = {name for module in modules for name in mentioned(vars(sys.modules[module]).values(), module)}
    known = [name for name in dir(base) if not name.startswith("_")]
    known += [one.name for one in dataclasses.fields(base)] if dataclasses.is_dataclass(base) else []
    for one in family:
        above = one.__mro__[1:]
        for name, value in own(one):
            overrides = any(name in vars(each) or name in getattr(each, "__annotations__", ()) for each in above)
            if overrides or name in read or hasattr(value, "period"):
                continue
            if near := get_close_matches(name, known, 1, NEAR):
                raise Misconfigured(
                    f"{_where(one)}: {one.__name__}.{name}: nothing reads it; did you mean {near[0]}? What only its "
                    f"own code is to know begins with an underscore"
                )


def vet_conduct(kind: type[Conduct], base: type[Conduct]) -> None:
    """Refuse a conduct whose powers or seats are none, or whose duties are no methods.

    Args:
        kind: somebody's conduct.
        base: the honest one.

    Raises:
        Misconfigured: says what there is.
    """
    from slashpoint.agents.conduct import DUTIES, POWERS, overridden_duties
    from slashpoint.agents.roles import Role

    vet(kind, base, *((kind.script,) if isinstance(kind.script, type) else ()))
    where = f"{_where(kind)}: {kind.__name__}"
    for power in _texts(kind.powers, f"{where}.powers"):
        if power not in POWERS:
            raise Misconfigured(f"{where}.powers: there is no power {power!r}; {choices(power, POWERS)}")
    seats: Any = kind.seats
    if not isinstance(seats, Mapping):
        raise Misconfigured(f"{where}.seats: it must be a mapping from duties to numbers, such as {{'work': 1}}")
    for duty, number in seats.items():
        if not isinstance(number, int) or isinstance(number, bool) or number < 1:
            raise Misconfigured(f"{where}.seats: {duty}: {number!r}: it must be a whole number, at least 1")
        if duty not in DUTIES and get_close_matches(str(duty), DUTIES, 1, NEAR):
            raise Misconfigured(f"{where}.seats: there is no duty {duty!r}; {choices(str(duty), DUTIES)}")
    script: Any = kind.script
    if script is not None and not (isinstance(script, type) and issubclass(script, Role)):
        raise Misconfigured(f"{where}.script: it must be a subclass of a role")
    for name in (*DUTIES, "identities"):
        asked = [*inspect.signature(getattr(base, name)).parameters]
        try:
            inspect.signature(getattr(kind, name)).bind(*asked)
        except TypeError as error:
            raise Misconfigured(f"{where}.{name}: it must be a method that takes {', '.join(asked)}") from error
    if not (overridden_duties(kind) or kind.modifies or kind.script or kind.identities is not base.identities):
        raise Misconfigured(f"{where} is honest: it answers none of {', '.join(DUTIES)} in its own way")


def vet_marked(module: ModuleType, found: Iterable[Any], mark: str) -> None:
    """Refuse a module in which a public function lacks the mark that would let it be found.

    Args:
        module: of a project.
        found: its marked functions.
        mark: the decorator.

    Raises:
        Misconfigured: names the function.
    """
    marked, read = list(found), mentioned(vars(module).values(), module.__name__)
    bare = [
        name
        for name, value in vars(module).items()
        if isinstance(value, FunctionType) and value.__module__ == module.__name__ and not name.startswith("_")
        if value not in marked and name not in read
    ]
    if bare:
        raise Misconfigured(
            f"{module.__file__}: {bare[0]}: nothing asks it; write @{mark} above it, or let its name begin with an "
            "underscore"
        )


def vet_names(found: Iterable[Any], taken: Iterable[str], what: str) -> None:
    """Refuse functions of a project with a name that is taken.

    Args:
        found: its functions.
        taken: names that there are already.
        what: what they are called in the message.

    Raises:
        Misconfigured: names the function and its file.
    """
    names = set(taken)
    for one in found:
        if one.__name__ in names:
            where = sys.modules[one.__module__].__file__
            raise Misconfigured(f"{where}: there is the {what} {one.__name__} already: give it another name")


def own(kind: type) -> Iterator[tuple[str, Any]]:
    """Yield the public names that a class itself brings, parameters too, with their values."""
    for name in {**vars(kind), **getattr(kind, "__annotations__", {})}:
        if not name.startswith("_"):
            yield name, vars(kind).get(name)


def mentioned(values: Iterable[Any], module: str) -> set[str]:
    """Return the names that functions and classes of a module mention.

    Args:
        values: what the module defines.
        module: the module's name.
    """
    found: set[str] = set()
    for value in list(values):
        if isinstance(value, type) and value.__module__ == module:
            found |= mentioned(vars(value).values(), module)
        elif isinstance(value, property):
            found |= mentioned((value.fget, value.fset), module)
        elif isinstance(function := inspect.unwrap(getattr(value, "__func__", value)), FunctionType):
            made = function.__code__.co_filename == "<string>"  # by @dataclass, of every field
            found |= _names(function.__code__) if function.__module__ == module and not made else set()
    return found


def _names(code: CodeType) -> set[str]:
    inner = [one for one in code.co_consts if isinstance(one, CodeType)]
    texts = {one for one in code.co_consts if isinstance(one, str) and one.isidentifier()}
    return {*code.co_names, *texts, *(name for one in inner for name in _names(one))}


def _texts(values: Any, where: str) -> list[str]:
    if isinstance(values, (set, frozenset, tuple, list)) and all(isinstance(one, str) for one in values):
        return sorted(values)
    raise Misconfigured(f"{where}: it must be a set of names, such as frozenset({{'mempool'}})")


def _where(kind: type) -> str:
    return getattr(sys.modules[kind.__module__], "__file__", None) or kind.__module__
