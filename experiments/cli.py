"""The command `slashpoint`: its verbs are the modules of `experiments/verbs`, each with `arguments` and `main`.

Exit codes: 0 all held, 1 an invariant or an expectation failed, 2 bad configuration, 3 crash, 4 inconclusive under
`--strict`, 130 and 143 after Ctrl-C and SIGTERM. Of several runs the worst counts: 3, then 1, then 4.
"""

from __future__ import annotations

import importlib
import pkgutil
import signal
import sys
import traceback
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import TYPE_CHECKING, Any

import slashpoint
from slashpoint.experiments import verbs
from slashpoint.sim.errors import Misconfigured, OutOfRoom

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

HELD, FAILED, MISCONFIGURED, CRASHED, INCONCLUSIVE = 0, 1, 2, 3, 4
INTERRUPTED, TERMINATED = 130, 143


class Terminated(BaseException):
    """SIGTERM arrived. Not an Exception: nothing on the way may take it for an error of its own."""


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the command line says; returns the exit code."""
    given = list(sys.argv[1:] if argv is None else argv)
    names = sorted(module.name for module in pkgutil.iter_modules(verbs.__path__))
    if not given or given[0] in {"-h", "--help"}:
        print(_overview(names), file=sys.stdout if given else sys.stderr)
        return HELD if given else MISCONFIGURED
    if given[0] == "--version":
        print(f"slashpoint {slashpoint.__version__}")
        return HELD
    if given[0] not in names:
        print(f"slashpoint: there is no verb {given[0]!r}; there are {', '.join(names)}", file=sys.stderr)
        return MISCONFIGURED
    verb = importlib.import_module(f"{verbs.__name__}.{given[0]}")
    parser = ArgumentParser(f"slashpoint {given[0]}", description=verb.__doc__)
    parser.formatter_class = RawDescriptionHelpFormatter
    verb.arguments(parser)
    return _guarded(verb, parser.parse_intermixed_args(given[1:]))


def worst(codes: Iterable[int]) -> int:
    """The exit code of several runs."""
    return max(codes, key=(HELD, INCONCLUSIVE, FAILED, CRASHED).index, default=HELD)


def _overview(names: Sequence[str]) -> str:
    lines = [(name, importlib.import_module(f"{verbs.__name__}.{name}").__doc__ or "") for name in names]
    told = "\n".join(f"  {name:<10}{doc.splitlines()[0]}" for name, doc in lines)
    about = (slashpoint.__doc__ or "").splitlines()[0]
    return f"{about}\n\n{told}\n\nslashpoint VERB --help says more; --version says which this is."


def _guarded(verb: Any, args: Any) -> int:
    """Run a verb; turn what ends it into words and an exit code."""
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        code: int = verb.main(args)
    except Misconfigured as error:
        return _told(f"slashpoint: {error}", error, MISCONFIGURED)
    except OutOfRoom as error:
        return _told(f"slashpoint: {error}", error, CRASHED)
    except KeyboardInterrupt as error:
        return _told("slashpoint: interrupted", error, INTERRUPTED)
    except Terminated as error:
        return _told("slashpoint: terminated", error, TERMINATED)
    except Exception:  # noqa: BLE001 - whatever it is, its exit code is 3
        traceback.print_exc()
        return CRASHED
    finally:
        signal.signal(signal.SIGTERM, before)
    return code


def _told(what: str, error: BaseException, code: int) -> int:
    print(what, *getattr(error, "__notes__", ()), sep="\n", file=sys.stderr)
    return code


def _terminate(_number: int, _frame: object) -> None:
    raise Terminated
