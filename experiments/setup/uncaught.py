"""What a project raises where nobody can catch it: while an object is destroyed, at the end of a thread.

Python prints it and goes on; a command that went on so must not say that all is well.
"""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from slashpoint.sim.errors import from_project, location, named

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FOUND: list[str] = []  # in words, here and in workers


@contextmanager
def noticed() -> Iterator[list[str]]:
    """Collect in FOUND what projects raise where nothing can catch it, beside printing it as Python does."""

    def noting(before: Callable[[Any], object]) -> Callable[[Any], None]:
        def hook(args: Any) -> None:
            before(args)
            if args.exc_value is not None and from_project(args.exc_value):
                FOUND.append(f"{location(args.exc_value)} raised {named(args.exc_value)}, where nothing can catch it")

        return hook

    FOUND.clear()
    objects, threads = sys.unraisablehook, threading.excepthook
    sys.unraisablehook, threading.excepthook = noting(objects), noting(threads)
    try:
        yield FOUND
    finally:
        sys.unraisablehook, threading.excepthook = objects, threads
