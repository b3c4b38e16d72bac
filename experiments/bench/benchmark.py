"""What a benchmark is: a module of `benchmarks/` with a `SETTING`, and contenders that do the same work.

A contender is a function marked `@contender`: it sets a case up and returns what does the work once and says how fast
it was. Whoever needs a package that is not here, or cannot take part for another reason, is a row that says so.
"""

from __future__ import annotations

import ast
import importlib
import importlib.metadata
import math
import pkgutil
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slashpoint.sim.errors import Misconfigured

PACKAGE = "slashpoint.benchmarks"
Case = int | str
Once = Callable[[], float | Mapping[str, float]]  # a rate in the setting's unit, or figures by their units


class Absent(Exception):
    """A contender cannot take part here; the message says why, and what would let it."""


@dataclass(frozen=True)
class Setting:
    """What a benchmark measures, over which cases."""

    unit: str  # of the rate: what is done per second
    case: str  # what the cases count or name
    cases: tuple[Case, ...]
    long: tuple[Case, ...] = ()  # further ones, for those with time
    base: str = ""  # the contender that ratios are taken over


@dataclass(frozen=True)
class Contender:
    """Somebody who does the work, made by marking the function that sets a case up."""

    start: Callable[[Any], Once]
    name: str
    package: str  # requirement that must be installed; none if empty
    install: str  # how to get it
    most: float  # the largest case that it is asked
    most_long: float  # the same with time

    @property
    def version(self) -> str:
        """Of its package, as installed.

        Raises:
            Absent: it is not installed.
        """
        if not self.package:
            return ""
        try:
            return importlib.metadata.version(re.split(r"[^\w.-]", self.package, maxsplit=1)[0])
        except importlib.metadata.PackageNotFoundError:
            raise Absent(f"not installed: {self.install}") from None

    def takes(self, case: Case, *, long: bool) -> bool:
        """Return whether it is asked a case."""
        return isinstance(case, str) or case <= (self.most_long if long else self.most)


def contender(
    name: str, package: str = "", install: str = "", *, most: float = math.inf, most_long: float = 0
) -> Callable[[Callable[[Any], Once]], Contender]:
    """Mark the function that sets a case up for a contender.

    Args:
        name: as tables show it.
        package: a requirement, such as `verbs==0.4.1`: without it the contender's row says how to get it.
        install: how, when not by pip.
        most: the largest case that it is asked: nobody waits for what is slow and known to be.
        most_long: the same with `--long`, if that is larger.
    """
    how = install or f"pip install {shlex.quote(package)}"
    return lambda start: Contender(start, name, package, how, most, max(most, most_long))


@dataclass(frozen=True)
class Benchmark:
    """A module of `benchmarks/`, loaded."""

    name: str
    module: str
    setting: Setting
    contenders: Mapping[str, Contender]


def names() -> dict[str, str]:
    """Each benchmark with the first line of its docstring; none is imported."""
    (folder,) = map(Path, importlib.import_module(PACKAGE).__path__)
    found = sorted(module.name for module in pkgutil.iter_modules([str(folder)]) if not module.ispkg)
    sources = {name: (folder / f"{name}.py").read_text(encoding="utf-8") for name in found}
    return {name: (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0] for name, source in sources.items()}


def load(name: str) -> Benchmark:
    """Return a benchmark by its name.

    Raises:
        Misconfigured: there is none; the message lists those that exist.
    """
    if name not in (there := names()):
        raise Misconfigured(f"there is no benchmark {name!r}; there are {', '.join(there)}")
    module = importlib.import_module(f"{PACKAGE}.{name}")
    contenders = {value.name: value for value in vars(module).values() if isinstance(value, Contender)}
    return Benchmark(name, module.__name__, module.SETTING, contenders)
