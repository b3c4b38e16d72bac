"""A mind: what the accounts of one person know together; as a circle, what the members of a cartel do."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Hashable

    from slashpoint.agents.me import Me
    from slashpoint.sim.script import Script


class Knowledge:
    """Shared knowledge, and work that is done (and paid for) once for all who share it."""

    def __init__(self) -> None:
        self.addresses: set[bytes] = set()
        self._said: dict[Hashable, Any] = {}
        self._done: dict[Hashable, Script] = {}

    def tells(self, key: Hashable, value: Any) -> None:
        """Let the others know."""
        self._said[key] = value

    def knows(self, key: Hashable, default: Any = None) -> Any:
        """What somebody told, else `default`."""
        return self._said.get(key, default)

    def once(self, key: Hashable, me: Me, answer: Callable[..., Any], *args: Any) -> Generator[Any, Any, Any]:
        """The value of `answer(*args)`, which the first who asks computes (and pays for) and all share."""
        script = self._done.get(key)
        if script is None:
            script = self._done[key] = me.detached(_steps(answer, args), f"once {key}")
        return (yield script)


def _steps(answer: Callable[..., Any], args: tuple[Any, ...]) -> Generator[Any, Any, Any]:
    value = answer(*args)
    if inspect.isgenerator(value):
        value = yield from value
    return value
