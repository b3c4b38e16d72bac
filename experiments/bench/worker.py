"""A contender of a benchmark in a process of its own. Light: it is what such a process imports first."""

from __future__ import annotations

import importlib
import traceback
from typing import TYPE_CHECKING, Any

from slashpoint.experiments.bench.benchmark import Absent, Contender
from slashpoint.experiments.study.workers import Died, Worker

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from slashpoint.experiments.bench.benchmark import Case


class Failed(RuntimeError):
    """A contender could not do its work."""


class ContenderProcess:
    """A contender in a process of its own."""

    def __init__(self, module: str, name: str) -> None:
        self._worker = Worker(serve, module, name)

    def does(self, case: Case) -> dict[str, float]:
        """Do a case once; returns the figures, a bare rate under the empty unit.

        Raises:
            Absent: it cannot take part here.
            Failed: it tried.
        """
        try:
            kind, answer = self._worker.asks(case)
        except Died as died:
            raise Failed(f"failed: its process was {died}") from None
        if kind == "absent":
            raise Absent(answer)
        if kind == "failed":
            raise Failed(f"failed: {answer}")
        return answer  # type: ignore[no-any-return] # what came through the pipe

    def leave(self) -> None:
        """End the process."""
        self._worker.end()


def serve(connection: Connection, module: str, name: str) -> None:
    """Do cases as they come, in this process, which has nothing else to do; set each up on its first turn."""
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
