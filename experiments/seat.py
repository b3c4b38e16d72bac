"""A contender of a benchmark in a process of its own. Light: it is what such a process imports first."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import sys
import traceback
from typing import TYPE_CHECKING, Any

from slashpoint.experiments.bench import Absent, Contender

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from slashpoint.experiments.bench import Case


class Failed(RuntimeError):
    """A contender could not do its work."""


class Seat:
    """A contender in a process of its own."""

    def __init__(self, module: str, name: str) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, module, name), daemon=True)
        self._process.start()
        theirs.close()

    def does(self, case: Case) -> dict[str, float]:
        """Do a case once; returns the figures, a bare rate under the empty unit.

        Raises:
            Absent: it cannot take part here.
            Failed: it tried.
        """
        try:
            self._connection.send(case)
            kind, answer = self._connection.recv()
        except (EOFError, OSError):
            raise Failed("failed: its process died") from None
        if kind == "absent":
            raise Absent(answer)
        if kind == "failed":
            raise Failed(f"failed: {answer}")
        return answer  # type: ignore[no-any-return] # what came through the pipe

    def leave(self) -> None:
        """End the process."""
        self._connection.close()
        self._process.join(1)
        self._process.terminate()


def serve(connection: Connection, module: str, name: str) -> None:
    """Do cases as they come, in this process, which has nothing else to do; set each up on its first turn."""
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # stdout is for the tables
    started: dict[Case, Any] = {}
    while True:
        try:
            case = connection.recv()
        except EOFError:
            return
        try:
            if case not in started:
                found = vars(importlib.import_module(module)).values()
                (who,) = (one for one in found if isinstance(one, Contender) and one.name == name)
                started[case] = who.start(case)
            figures = started[case]()
            connection.send(("done", figures if isinstance(figures, dict) else {"": float(figures)}))
        except Absent as why:
            connection.send(("absent", str(why)))
        except BaseException as error:  # noqa: BLE001 - a peer may panic, and others are still to be measured
            traceback.print_exc()
            connection.send(("failed", f"{type(error).__name__}: {error}"))
