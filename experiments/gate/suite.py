"""A suite: scenarios with what is expected of them, as YAML in `conf/gate/`.

    seeds: 12               # runs of each scenario
    confidence: 0.95        # of all expectations of the suite together
    base: [scenario=small]  # overrides of every scenario
    scenarios:
      overclaim:
        overrides: [attack=overclaim]
        expect:
          - {metric: gain, at_most: 0}                      # the interval of the mean decides
          - {metric: stuck_funds, at_most: 0, every: true}  # each run, and each key, decides

Metrics are those of `slashpoint list metrics`, and `gain` and `loss`: what a person gained by the attack over the same
seat played honestly, and what all others lost by it. A scenario whose attack may leave everything as it is says
`allow_no_effect: true`.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from dataclasses import MISSING, dataclass, field, fields
from typing import TYPE_CHECKING, Any, TypeVar

from slashpoint.experiments.setup import catalogue, strict_yaml
from slashpoint.experiments.setup.config import compose
from slashpoint.experiments.setup.project import unknown
from slashpoint.experiments.study.pairs import PAIRED, cheated, seats, units
from slashpoint.sim.errors import Misconfigured, choices

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

SEEDS, CONFIDENCE = 12, 0.95  # where a suite says nothing
MOST_SEEDS = 10_000  # of a scenario
Made = TypeVar("Made")
IN_WORDS = {"gain": ("attacker's gain", " USD"), "loss": ("others' loss", " USD")}  # of pairs of runs


@dataclass(frozen=True)
class Expectation:
    """A bound on a metric."""

    metric: str
    key: str = ""  # of the metric; of several keys the worst counts when none is named
    at_least: float | None = None  # in the metric's unit
    at_most: float | None = None
    every: bool = False  # each run keeps the bound, not only their mean

    def __post_init__(self) -> None:
        """Refuse what can never fail, and what nobody can decide."""
        for name in ("metric", "key"):
            _must(isinstance(getattr(self, name), str), name, getattr(self, name), "text")
        _must(isinstance(self.every, bool), "every", self.every, "true or false")
        if (self.at_least is None) == (self.at_most is None):
            raise Misconfigured(f"{self.metric}: give at_least or at_most, and one of both")
        name = "at_most" if self.at_least is None else "at_least"
        _must(_is_number(getattr(self, name)), name, getattr(self, name), "a finite number")
        if self.key and self.metric in PAIRED:
            raise Misconfigured(f"key: {self.key}: {self.metric} has no keys")

    @property
    def sign(self) -> int:
        """1 where more is better."""
        return 1 if self.at_most is None else -1

    @property
    def bound(self) -> float:
        """The number."""
        return float(self.at_least if self.at_most is None else self.at_most)  # type: ignore[arg-type] # one is given

    @property
    def about(self) -> tuple[object, ...]:
        """What two expectations of a scenario must not have in common."""
        return self.metric, self.key, self.every, self.sign

    def __str__(self) -> str:
        """In words."""
        what, unit = IN_WORDS.get(self.metric, (f"{self.metric} {self.key}".strip(), ""))
        return f"{what} {'≥' if self.sign > 0 else '≤'} {self.bound:.15g}{unit}{' in every run' * self.every}"


@dataclass(frozen=True)
class Scenario:
    """A market and what is expected of it."""

    name: str
    overrides: tuple[str, ...] = ()
    seeds: int = SEEDS
    expect: tuple[Expectation, ...] = ()
    allow_no_effect: bool = False  # that the attack leaves every run as it is without it

    def __post_init__(self) -> None:
        """Refuse what cannot be run, or says nothing."""
        _must(_is_line(self.name), "name", self.name, "a line of text; put a number into quotes")
        _must(_is_whole(self.seeds), "seeds", self.seeds, "a whole number")
        if not 2 <= self.seeds <= MOST_SEEDS:
            raise Misconfigured(f"seeds: {self.seeds}: an interval takes two runs, and {MOST_SEEDS:,} are the most")
        _must(isinstance(self.allow_no_effect, bool), "allow_no_effect", self.allow_no_effect, "true or false")
        _said_once(self.overrides)
        seen: dict[tuple[object, ...], Expectation] = {}
        for one in self.expect:
            if other := seen.get(one.about):
                raise Misconfigured(f"{one}: it is expected already that {other}")
            seen[one.about] = one
            if one.metric in PAIRED and not self.attacked:
                raise Misconfigured(f"{one}: it can never fail, for the scenario has no attack=")
        if self.allow_no_effect and not self.attacked:
            raise Misconfigured("allow_no_effect: the scenario has no attack=")

    @property
    def attacked(self) -> bool:
        """Whether somebody attacks in it, so that each run has a twin in which nobody does."""
        return cheated(self.overrides)


@dataclass(frozen=True)
class Suite:
    """Scenarios that are judged together."""

    name: str
    scenarios: tuple[Scenario, ...]
    confidence: float = CONFIDENCE
    units: Mapping[str, str] = field(default_factory=dict)  # of the metrics

    def __post_init__(self) -> None:
        """Refuse a suite that has nothing to judge, or judges nothing."""
        if not self.scenarios:
            raise Misconfigured("it has no scenarios")
        if not _is_number(self.confidence) or not 0.5 <= self.confidence < 1:
            raise Misconfigured(f"confidence: {self.confidence}: it must be a number from 0.5 to below 1, such as 0.95")

    @property
    def means(self) -> int:
        """How many expectations are decided by an interval."""
        return sum(not one.every for scenario in self.scenarios for one in scenario.expect)

    @property
    def level(self) -> float:
        """Of each interval, so that all expectations on means together are wrong as rarely as `confidence` says."""
        return 1 - (1 - self.confidence) / max(1, self.means)


def load(name: str, project: Path | None = None, seeds: int | None = None) -> Suite:
    """Return a suite by its name, or from a file.

    Args:
        name: of a file of `conf/gate/`, ours or the project's, or the path of one.
        project: a project's folder.
        seeds: of each scenario, whatever the file says.

    Raises:
        Misconfigured: there is none, or it cannot be run; the message says what to do.
    """
    from pathlib import Path

    there = catalogue.presets("gate", project)
    path = Path(name) if name.endswith((".yaml", ".yml")) else there.get(name)
    if path is None or not path.is_file():
        raise unknown(f"there is no suite {name!r}; {choices(name, sorted(there))}", project)
    with _within(str(path)):
        return _suite(path, project, seeds)


def _suite(path: Path, project: Path | None, seeds: int | None) -> Suite:
    said = _mapping(strict_yaml.load(path), ("seeds", "confidence", "base", "scenarios"))
    usual = {"seeds": said.get("seeds", SEEDS)}
    base = _texts("base", said.get("base"))
    known = units(project)
    scenarios = []
    for name, given in _mapping(said.get("scenarios") or {}).items():
        with _within(f"scenarios.{name}"):
            given = usual | (_mapping(given) if given is not None else {})
            scenario = _scenario(name, given if seeds is None else given | {"seeds": seeds}, base, known)
            _check(scenario, project)
            scenarios.append(scenario)
    return Suite(path.stem, tuple(scenarios), said.get("confidence", CONFIDENCE), known)


def _scenario(name: str, given: dict[str, Any], base: tuple[str, ...], units: Mapping[str, str]) -> Scenario:
    expectations, expect = given.get("expect"), []
    _must(expectations is None or isinstance(expectations, list), "expect", expectations, "a list")
    for number, one in enumerate(expectations or (), 1):
        with _within(f"expect, number {number}"):
            expect.append(_made(Expectation, _mapping(one)))
            if (metric := expect[-1].metric) not in units:
                raise Misconfigured(f"no metric {metric!r}; {choices(metric, sorted(units))}")
    overrides = (*base, *_texts("overrides", given.get("overrides")))
    return _made(Scenario, given | {"overrides": overrides, "expect": tuple(expect)}, name=name)


def _check(scenario: Scenario, project: Path | None) -> None:
    """Refuse what does not compose, an attack that does not stand where it is looked for, and one without a seat."""
    config = compose(scenario.overrides, project)
    if bool(config.attack) != scenario.attacked:
        raise Misconfigured("an attack is chosen by attack=x or attack=[x,y] in overrides, or there is none")
    if scenario.attacked:
        seats(scenario.overrides, project)


def _made(kind: type[Made], given: Mapping[str, Any], **more: Any) -> Made:
    """Return an object of a dataclass from a mapping that has its fields, but for those in `more`."""
    known = {one.name: one.default is MISSING for one in fields(kind) if one.name not in more}  # type: ignore[arg-type]
    _known(given, known)
    if missing := [name for name, needed in known.items() if needed and name not in given]:
        raise Misconfigured(f"{missing[0]} is missing")
    return kind(**given, **more)


def _mapping(value: Any, known: Iterable[str] | None = None) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Misconfigured(f"{_short(value)}: it must be a mapping, of names to what they mean")
    if known is not None:
        _known(value, known)
    return value


def _known(given: Iterable[object], known: Iterable[str]) -> None:
    for name in given:
        if name not in tuple(known):
            raise Misconfigured(f"{name}: nothing reads it; {choices(str(name), known)}")


def _texts(name: str, value: Any) -> tuple[str, ...]:
    good = value is None or (isinstance(value, list) and all(isinstance(one, str) for one in value))
    _must(good, name, value, "a list of overrides, such as [scenario=small]")
    return tuple(value or ())


def _said_once(overrides: tuple[str, ...]) -> None:
    """Refuse a key that is given twice, of which the last would win, and a seed, of which the suite has its own."""
    said_by_key: dict[str, str] = {}
    for one in overrides:
        key = one.lstrip("+~").partition("=")[0]
        if key == "seed":
            raise Misconfigured(f"{one}: the seeds of a scenario are 0, 1, 2 and so on; say how many by seeds")
        if key in said_by_key:
            raise Misconfigured(f"{said_by_key[key]} and {one}: say {key} once, in base or in overrides")
        said_by_key[key] = one


def _must(holds: bool, name: str, value: object, what: str) -> None:
    if not holds:
        raise Misconfigured(f"{name}: {_short(value)}: it must be {what}")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"


def _is_number(value: object) -> bool:
    return (_is_whole(value) or isinstance(value, float)) and math.isfinite(float(value))  # type: ignore[arg-type]


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**300


def _is_line(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip()) and value.isprintable()


@contextmanager
def _within(where: str) -> Iterator[None]:
    """Say where it is that something is refused."""
    try:
        yield
    except (ValueError, OSError) as error:
        raise Misconfigured(f"{where}: {error}") from error
