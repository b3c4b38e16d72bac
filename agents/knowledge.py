"""Shared knowledge: of the accounts of one person, and of the members of a coalition."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Hashable

    from slashpoint.sim.script import Script


class Starter(Protocol):
    """Somebody who can start a script, such as `Me`."""

    def detached(self, steps: Generator[Any, Any, Any], name: str) -> Script:
        """Start a script that belongs to nobody."""
        ...


class Knowledge:
    """Shared knowledge, and work that is done (and paid for) once for all who share it."""

    def __init__(self) -> None:
        self.addresses: set[bytes] = set()
        self._said: dict[Hashable, Any] = {}
        self._done: dict[Hashable, Script] = {}

    def tells(self, key: Hashable, value: Any) -> None:
        """Let all who share this know a value under a key.

        Args:
            key: what it is about.
            value: what is known.
        """
        self._said[key] = value

    def knows(self, key: Hashable, default: Any = None) -> Any:
        """Return what somebody told under a key, else `default`.

        Args:
            key: what it is about.
            default: what is returned where nobody told.
        """
        return self._said.get(key, default)

    def once(self, key: Hashable, me: Starter, answer: Callable[..., Any], *args: Any) -> Generator[Any, Any, Any]:
        """Return the value of `answer(*args)`, which the first who asks computes (and pays for) and all share.

        Args:
            key: what it is about.
            me: the account that acts.
            answer: a function, perhaps a generator's.
            args: what it takes.
        """
        script = self._done.get(key)
        if script is None:
            script = self._done[key] = me.detached(_steps(answer, args), f"once {key}")
        return (yield script)


def _steps(answer: Callable[..., Any], args: tuple[Any, ...]) -> Generator[Any, Any, Any]:
    value = answer(*args)
    if inspect.isgenerator(value):
        value = yield from value
    return value
