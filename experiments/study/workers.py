"""Worker processes: each does one thing at a time, so that one that dies takes no more than that with it.

They end with whoever started them, however that ends: each watches its parent. They leave stdout to it, and signals of
the keyboard and of the terminal too. Light: it is what such a process imports first.
"""

from __future__ import annotations

import atexit
import ctypes
import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from contextlib import contextmanager
from multiprocessing.connection import wait
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

from slashpoint.experiments.setup import uncaught as unraised

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from multiprocessing.connection import Connection

Job = TypeVar("Job")
Answer = TypeVar("Answer")
TERMINAL = [getattr(signal, name) for name in ("SIGINT", "SIGHUP") if hasattr(signal, name)]  # what all processes get
MOMENT = 5  # seconds that a process takes at most to end
PR_SET_PDEATHSIG = 1  # of Linux: the signal to get when the parent dies
_idle: list[Worker] = []  # kept for the next call: starting one takes seconds of imports


class Died(Exception):
    """A worker ended before its answer; the message says by what."""


class Worker:
    """A process that serves a connection.

    Args:
        serve: what it does: a function of a module, of the connection and `args`.
        args: what can be pickled.
    """

    def __init__(self, serve: Callable[..., None], *args: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        from_main = threading.current_thread() is threading.main_thread()
        self._process = context.Process(target=_live, args=(serve, from_main, theirs, *args), daemon=True)
        with _held(), _nameless():
            self._process.start()
        theirs.close()

    def asks(self, what: object) -> Any:
        """Send it something and wait for the answer.

        Raises:
            Died: there is none.
        """
        try:
            self.connection.send(what)
        except OSError:
            raise Died(self.why()) from None
        return self.answer()

    def answer(self) -> Any:
        """Wait for an answer.

        Raises:
            Died: there is none.
        """
        try:
            return self.connection.recv()
        except (EOFError, OSError):
            raise Died(self.why()) from None

    def why(self) -> str:
        """Say how the process ended."""
        self._process.join(MOMENT)
        code = self._process.exitcode
        if code is None:
            return "silent: it closed its connection"
        names = {one.value: one.name for one in signal.Signals}
        return f"killed by {names.get(-code, -code)}" if code < 0 else f"ended from within, with exit code {code}"

    def end(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()
        self._process.join()
        self.connection.close()


def each(function: Callable[[Job], Answer], jobs: Sequence[Job], workers: int) -> Iterator[tuple[Job, Answer | Died]]:
    """Do jobs in several processes.

    Args:
        function: of a module.
        jobs: what it is called with; they can be pickled, and so can the answers.
        workers: how many processes, at most.

    Yields:
        Each job with its answer, as they come. What `function` raises is raised here.
    """
    waiting, busy = deque(jobs), dict[Any, tuple[Worker, Job]]()
    try:
        while waiting or busy:
            while waiting and len(busy) < workers:
                worker = _idle.pop() if _idle else Worker(_serve)
                try:
                    worker.connection.send((function, waiting[0], Path.cwd()))
                except OSError:
                    worker.end()  # it died idle, and nothing was lost
                    continue
                busy[worker.connection] = worker, waiting.popleft()
            for connection in wait(list(busy)):
                worker, job = busy.pop(connection)
                try:
                    answer, error, swallowed = worker.answer()
                except Died as died:
                    worker.end()
                    yield job, died
                    continue
                _idle.append(worker)
                unraised.FOUND.extend(swallowed)
                if error is not None:
                    raise error
                yield job, answer
    finally:
        for worker, _ in busy.values():
            worker.end()


@atexit.register  # before multiprocessing's own, which would wait for whoever ignores SIGTERM
def _end_idle() -> None:
    while _idle:
        _idle.pop().end()


def _serve(connection: Connection) -> None:
    """Call functions as they come."""
    with unraised.noticed() as swallowed:
        while True:
            try:
                function, job, where = connection.recv()
            except EOFError:
                return
            os.chdir(where)  # its asker may have gone elsewhere
            answer, raised = None, None
            try:
                answer = function(job)
            except Exception as error:  # noqa: BLE001 - it is raised where it was asked for
                raised = error
            connection.send((answer, raised, list(swallowed)))
            swallowed.clear()


def _live(serve: Callable[..., None], from_main: bool, connection: Connection, *args: Any) -> None:
    """Be a worker: the first thing in its process.

    Args:
        serve: what it does then.
        from_main: whether the main thread of its parent started it; for the kernel a parent is a thread.
        connection: to its parent.
        args: what else `serve` takes.
    """
    for number in TERMINAL:
        signal.signal(number, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, TERMINAL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if sys.platform == "linux" and from_main:  # the kernel is quicker, and kills what holds the interpreter's lock too
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # stdout is for results
    serve(connection, *args)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)


@contextmanager
def _nameless() -> Iterator[None]:
    """Hide the program: a worker needs nothing of it, and a script without the guard of `__main__` would run again."""
    program = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = program


@contextmanager
def _held() -> Iterator[None]:
    """Keep the terminal's signals back, so that a process that is born in between does not hear them before it can."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, TERMINAL)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
