"""Invariants: generators of complaints about a world. Silence means that it holds."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, overload

from slashpoint.sim.errors import Misconfigured

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from slashpoint.sim.state import State

Check = TypeVar("Check", bound="Callable[..., Iterator[str]]")  # a function of a world, or a method


class Invariant(Protocol):
    """A marked generator function of a world; `period` is in blocks that had transactions, 0 for the end alone."""

    __name__: str
    period: int

    def __call__(self, world: State, /) -> Iterator[str]:
        """Yield what is wrong, in words."""
        ...


@overload
def invariant(check: Check, /) -> Check: ...
@overload
def invariant(*, period: int = 1, final: bool = False) -> Callable[[Check], Check]: ...
def invariant(check: Any = None, /, *, period: int = 1, final: bool = False) -> Any:
    """Mark a generator function as an invariant: each `yield` is a complaint in words.

    Args:
        check: the function, where the mark has no arguments.
        period: it is asked after every `period`-th block that had transactions, and once at the end of a run.
        final: ask it at the end alone.
    """

    def mark(check: Check) -> Check:
        if period < 1 or period % 1:
            raise Misconfigured(f"the invariant {check.__name__}: period={period!r}: it must be a positive integer")
        check.period = 0 if final else period  # type: ignore[attr-defined]
        return check

    return mark if check is None else mark(check)


def invariants_of(owner: Any) -> list[Invariant]:
    """Return the marked functions of a module, or the marked methods of an object, by name."""
    found = [getattr(owner, name) for name in sorted(dir(owner))]
    marked: list[Any] = [one for one in found if callable(one) and hasattr(one, "period")]
    return [one for one in marked if not inspect.ismodule(owner) or one.__module__ == owner.__name__]
