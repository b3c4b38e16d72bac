"""Signals: Ctrl-C, SIGTERM and a closed terminal stop a command in order; a second one, a while later, at once."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from slashpoint.sim.errors import Stopped

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 1.0  # seconds in which further signals are taken for the first one: some keyboards and CIs send several
SIGNALLED = 128  # and the number of the signal: what a shell shows of whoever one ended, such as 130 for Ctrl-C
WORDS = {"SIGINT": "interrupted", "SIGTERM": "terminated", "SIGHUP": "the terminal was closed"}  # no SIGHUP on Windows


@contextmanager
def stoppable() -> Iterator[None]:
    """Let signals raise `Stopped`, once; but for those that whoever started us told us to ignore (nohup, `&`)."""
    first: float | None = None

    def stop(number: int, _frame: object) -> None:
        nonlocal first
        now = time.monotonic()
        if first is None:
            first = now
            raise Stopped(number)
        if now - first >= PATIENCE:  # whatever is being finished takes too long, or somebody's code swallowed the first
            os.write(2, b"slashpoint: stopped at once\n")
            os._exit(SIGNALLED + number)

    numbers = [getattr(signal, name) for name in WORDS if hasattr(signal, name)]
    mine = threading.current_thread() is threading.main_thread()
    before = {number: signal.getsignal(number) for number in numbers} if mine else {}
    heeded = {number: handler for number, handler in before.items() if handler is not signal.SIG_IGN}
    for number in heeded:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in heeded.items():
            signal.signal(number, handler)
