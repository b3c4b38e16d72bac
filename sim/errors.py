"""Errors that are the user's to mend, and what other people's code may raise."""

from __future__ import annotations

import errno
import os
import signal
import traceback
from contextlib import contextmanager
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

REMEDIES = {
    errno.ENOSPC: "free some space, or choose another place",
    errno.EDQUOT: "free some of what is yours there, or choose another place",
    errno.EROFS: "choose another place",
    errno.ENOENT: "is its folder there?",
    errno.EACCES: "choose another place, or ask its owner",
    errno.EPERM: "choose another place, or ask its owner",
    errno.ENAMETOOLONG: "choose a shorter path",
    errno.ENOTDIR: "a file is where a folder should be: move it, or choose another place",
    errno.EEXIST: "a file is where a folder should be: move it, or choose another place",
    errno.EISDIR: "a folder is where a file should be: move it, or choose another place",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
}
FEW = 16  # names that a message lists in full
WHOLE_TRACE = "SLASHPOINT_TRACE"  # the variable that asks for all lines of a traceback
PROJECT = "slashpoint_project_"  # what the private names of a project's modules begin with


class Misconfigured(ValueError):
    """What was asked for cannot be: the message names the culprit and the remedy. The command exits with 2."""


class BrokenProject(Misconfigured):
    """A file of a project raised when it was loaded. The command exits with 3."""


class WrongAnswer(TypeError):
    """A duty was answered with what is no answer to it: the message names the method, so no traceback is needed."""


class OutOfRoom(Exception):
    """What was to be kept could not be written: the disk is full, say. The command says so and exits with 3."""


def legible(text: object) -> str:
    """Return text that can be printed and stored: lone surrogates, which stand for bytes that are no UTF-8, escaped."""
    return str(text).encode(errors="backslashreplace").decode()


class Escaped(Exception):
    """Other people's code raised what is no `Exception`, such as SystemExit: here it ends no more than its run.

    Args:
        what: `named` of what was raised.
        where: file and line.
    """

    def __init__(self, what: str, where: str) -> None:
        super().__init__(what, where)
        self.what = what
        self.where = where

    def __str__(self) -> str:
        return f"{self.where} raised {self.what}: it may not end the program"


class Stopped(BaseException):
    """A signal asked the command to stop. Not an Exception: nothing on the way may take it for an error of its own."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


@contextmanager
def contained() -> Iterator[None]:
    """Raise as an `Escaped` whatever `except Exception` would miss, but for what the user sent: a signal, Ctrl-C.

    Usable as a decorator too.
    """
    try:
        yield
    except (Exception, Stopped):
        raise
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt) and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            raise  # Ctrl-C in a notebook; where that is another's business, code raised this
        escaped = Escaped(named(error), location(error))
        for note in getattr(error, "__notes__", ()):
            escaped.add_note(note)
        raise escaped.with_traceback(error.__traceback__) from None


def named(error: BaseException) -> str:
    """Return an error's class and message, also where the message cannot be made; of what escaped, its own."""
    if isinstance(error, Escaped):
        return error.what
    kind = type(error).__name__
    try:
        said = str(error)
    except Exception as worse:  # noqa: BLE001 - it is other people's
        said = f"(its message cannot be made: {type(worse).__name__})"
    return legible(f"{kind}: {said}" if said else kind)


def unwritten(error: OSError, what: object = None) -> str:
    """Return what the system refused, of which file (or whatever `what` says), and what helps.

    Args:
        error: the system's.
        what: the file, unless the error names it.
    """
    about = what or error.filename or "what was to be printed"
    helps = REMEDIES.get(error.errno or 0, "")
    said = os.strerror(error.errno) if error.errno else str(error)  # other libraries say it at length
    return legible(f"{about}: {said}{helps and '; '}{helps}")


def traced(error: BaseException) -> str:
    """Return an error's traceback, as text; of an error of a project's code, only the project's own lines.

    All lines are there if the environment has `SLASHPOINT_TRACE`.
    """
    told, left = traceback.TracebackException.from_exception(error), 0
    if not os.environ.get(WHOLE_TRACE) and (isinstance(error, WrongAnswer) or from_project(error)):
        left = _shorten(told, error)
    text = "".join(told.format())
    about = f"(most recent call last; {left} lines outside of the project left out, {WHOLE_TRACE}=1 shows them)"
    return legible(text.replace("(most recent call last)", about, 1) if left else text)


def _shorten(told: traceback.TracebackException | None, error: BaseException | None) -> int:
    """Take away all calls that are not a project's, in what caused an error too; return how many these were."""
    if told is None or error is None:
        return 0
    own = {at for at, module in _lines(error) if module.startswith(PROJECT)}
    before = len(told.stack)
    told.stack[:] = [one for one in told.stack if f"{one.filename}:{one.lineno}" in own]
    causes = _shorten(told.__cause__, error.__cause__) + _shorten(told.__context__, error.__context__)
    return before - len(told.stack) + causes


def location(error: BaseException) -> str:
    """Return file and line of what raised an error: the last of a project's lines on the way, else the last line."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    lines = list(_lines(error))
    own = [at for at, module in lines if module.startswith(PROJECT)]
    return (own or [at for at, _ in lines] or ["an unknown place"])[-1]


def from_project(error: BaseException) -> bool:
    """Return whether a file of a project was on the way of an error."""
    return any(module.startswith(PROJECT) for _, module in _lines(error))


def _lines(error: BaseException) -> Iterator[tuple[str, str]]:
    """Yield file and line, and the module's name, of each call that an error passed through, the outermost first."""
    trace = error.__traceback__
    while trace is not None:
        frame = trace.tb_frame
        yield f"{frame.f_code.co_filename}:{trace.tb_lineno}", str(frame.f_globals.get("__name__"))
        trace = trace.tb_next


def choices(name: str, there: Iterable[str]) -> str:
    """Return what could have been meant, in words: all that there are, or of many the nearest.

    Args:
        name: what was asked for.
        there: all names that there are.
    """
    names = list(there)
    near = get_close_matches(name, names)
    if len(names) > FEW and near:
        return f"did you mean {' or '.join(near)}?"
    return f"there are {', '.join(names) or 'none'}"
