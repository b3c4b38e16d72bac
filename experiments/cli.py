"""The command `slashpoint`: its verbs are the modules of `experiments/verbs`, each with `arguments` and `main`.

Exit codes: 0 all held, 1 an invariant or an expectation failed (that nothing is stuck is one), 2 bad configuration,
3 crash, 4 undecided (in `gate` always, unless --allow-undecided; in `check` if no call succeeded; elsewhere under
--strict); 130, 143 and 129 after Ctrl-C, SIGTERM and a closed terminal, 141 when nobody reads what is printed. Of
several runs the worst counts: 3, then 1, then 4. What other people's code raises is a crash, whatever it is.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys
from argparse import ArgumentError, ArgumentParser, Namespace, RawDescriptionHelpFormatter, _StoreAction
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Any, TextIO

import slashpoint
from slashpoint.experiments import verbs
from slashpoint.experiments.report.text import apart, complain
from slashpoint.experiments.setup.signals import SIGNALLED, WORDS, stoppable
from slashpoint.experiments.setup.uncaught import noticed
from slashpoint.sim.errors import (
    BrokenProject,
    Misconfigured,
    OutOfRoom,
    Stopped,
    contained,
    from_project,
    traced,
    unwritten,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

HELD, FAILED, MISCONFIGURED, CRASHED, UNDECIDED = 0, 1, 2, 3, 4
UNREAD = SIGNALLED + 13  # as of who is ended by SIGPIPE


class _Once(_StoreAction):
    """An option with a value, refused where it is given twice: argparse would keep the last and say nothing."""

    given = False

    def __call__(self, parser: ArgumentParser, namespace: Namespace, values: Any, option: str | None = None) -> None:
        if option and self.given:
            raise ArgumentError(self, "it is there twice; give it once")
        self.given = bool(option)
        super().__call__(parser, namespace, values, option)


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the command line says; returns the exit code."""
    given = list(sys.argv[1:] if argv is None else argv)
    try:
        code = _guarded(given)
    except SystemExit:  # of the parser of arguments, which has said why
        _printed(HELD)
        raise
    return _printed(code)


def worst(codes: Iterable[int]) -> int:
    """Return the exit code of several runs."""
    return max(codes, key=(HELD, UNDECIDED, FAILED, CRASHED).index, default=HELD)


def _guarded(given: Sequence[str]) -> int:
    """Do it; turn what ends it into words and an exit code."""
    try:
        with stoppable(), noticed() as swallowed:
            code = _dispatched(given)
        return _told(swallowed[0], CRASHED) if swallowed else code
    except Misconfigured as error:
        return _told(str(error), CRASHED if isinstance(error, BrokenProject) else MISCONFIGURED, error)
    except OutOfRoom as error:
        return _told(str(error), CRASHED, error)
    except Stopped as error:
        return _told(WORDS[str(error)], SIGNALLED + error.number, error)
    except Exception as error:  # noqa: BLE001 - whatever it is, its exit code is 3
        if _unread(error):
            return UNREAD
        if isinstance(error, OSError) and error.errno and not from_project(error):
            return _told(unwritten(error), CRASHED, error)
        with suppress(OSError):
            complain(traced(error).rstrip())
        return CRASHED


def _dispatched(given: Sequence[str]) -> int:
    """Find the verb, read its arguments, do it."""
    names = sorted(module.name for module in pkgutil.iter_modules(verbs.__path__))
    if not given or given[0] in {"-h", "--help"}:
        _alone(given)
        print(_overview(names), file=sys.stdout if given else sys.stderr)
        return HELD if given else MISCONFIGURED
    if given[0] == "--version":
        _alone(given)
        print(f"slashpoint {slashpoint.__version__}")
        return HELD
    if given[0] not in names:
        raise Misconfigured(f"there is no verb {given[0]!r}; there are {', '.join(names)}")
    verb = importlib.import_module(f"{verbs.__name__}.{given[0]}")
    parser = ArgumentParser(f"slashpoint {given[0]}", description=verb.__doc__, allow_abbrev=False)
    parser.formatter_class = RawDescriptionHelpFormatter
    parser.register("action", None, _Once)
    verb.arguments(parser)
    args = parser.parse_intermixed_args(given[1:])
    with contained(), apart() if getattr(args, "json", False) else nullcontext():
        code: int = verb.main(args)
    return code


def _alone(given: Sequence[str]) -> None:
    """Refuse what follows an option that does without."""
    if len(given) > 1:
        raise Misconfigured(f"{given[0]} takes nothing, but {' '.join(given[1:])!r} follows it: leave one out")


def _overview(names: Sequence[str]) -> str:
    lines = [(name, importlib.import_module(f"{verbs.__name__}.{name}").__doc__ or "") for name in names]
    summaries = "\n".join(f"  {name:<10}{doc.splitlines()[0]}" for name, doc in lines)
    about = (slashpoint.__doc__ or "").splitlines()[0]
    return f"{about}\n\n{summaries}\n\nslashpoint VERB --help says more; --version says which this is."


def _told(what: str, code: int, error: BaseException | None = None) -> int:
    """Say in a sentence what ended it, where somebody can still read it."""
    with suppress(OSError):
        complain(f"slashpoint: {what}", *getattr(error, "__notes__", ()))
    return code


def _unread(error: BaseException | None) -> bool:
    """Whether an error means that nobody reads what we print: such a pipe, or the SystemExit that rich makes of it."""
    while error is not None:
        if isinstance(error, BrokenPipeError):
            return not from_project(error)
        error = error.__cause__ or error.__context__
    return False


def _printed(code: int) -> int:
    """Send on what was printed; returns the exit code, another where that fails."""
    error = _flushed(sys.stdout)
    if error is not None and code < SIGNALLED:  # where a closed terminal ended it, nobody reads, either
        code = UNREAD if isinstance(error, BrokenPipeError) else _told(unwritten(error), CRASHED)
    _flushed(sys.stderr)
    return code


def _flushed(stream: TextIO | None) -> OSError | None:
    """Send on what a stream holds; what cannot be is dropped, or Python would try again at its end, and complain."""
    if stream is None:  # closed by whoever started us
        return None
    try:
        stream.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        return error
    return None
