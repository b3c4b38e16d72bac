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

Metrics are those of `slashpoint list metrics`, and `gain` and `loss`: what a person gained by cheating over the same
seat played honestly, and what all others lost by it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from omegaconf import OmegaConf

from slashpoint.experiments import catalogue
from slashpoint.experiments.catalogue import METRICS
from slashpoint.experiments.config import compose
from slashpoint.sim.errors import Misconfigured, choices
from slashpoint.sim.metrics import builtin, metrics_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PAIRED = {"gain": "USD", "loss": "USD"}  # metrics of a pair of runs, with their units


@dataclass(frozen=True)
class Expectation:
    """A bound on a metric."""

    metric: str
    key: str = ""  # of the metric; of several keys the worst counts when none is named
    at_least: float | None = None  # in the metric's unit
    at_most: float | None = None
    every: bool = False  # each run keeps the bound, not only their mean

    def __post_init__(self) -> None:
        """Refuse what has no bound, or two."""
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError(f"{self.metric}: give at_least or at_most")

    @property
    def sign(self) -> int:
        """1 where more is better."""
        return 1 if self.at_most is None else -1

    @property
    def bound(self) -> float:
        """The number."""
        return float(self.at_least if self.at_most is None else self.at_most)  # type: ignore[arg-type] # one is given

    def __str__(self) -> str:
        """In words."""
        what = f"{self.metric} {self.key}".strip()
        return f"{what} {'≥' if self.sign > 0 else '≤'} {self.bound:g}{' in every run' * self.every}"


@dataclass(frozen=True)
class Scenario:
    """A market and what is expected of it."""

    name: str
    overrides: tuple[str, ...] = ()
    seeds: int = 12
    expect: tuple[Expectation, ...] = ()

    @property
    def paired(self) -> bool:
        """Whether something is expected of the difference to the market without the attack."""
        return any(one.metric in PAIRED for one in self.expect)


@dataclass(frozen=True)
class Suite:
    """Scenarios that are judged together."""

    name: str
    scenarios: tuple[Scenario, ...]
    confidence: float = 0.95
    units: Mapping[str, str] = field(default_factory=dict)  # of the metrics

    @property
    def level(self) -> float:
        """Of each interval, so that all expectations on means together are wrong as rarely as `confidence` says."""
        means = sum(not one.every for scenario in self.scenarios for one in scenario.expect)
        return 1 - (1 - self.confidence) / max(1, means)


def load(name: str, project: Path | None = None, seeds: int | None = None) -> Suite:
    """A suite by its name, or from a file.

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
        raise Misconfigured(f"there is no suite {name!r}; there are {', '.join(sorted(there)) or 'none'}")
    try:
        return _read(path, project, seeds)
    except (TypeError, ValueError, AttributeError) as error:
        raise Misconfigured(f"{path}: {error}") from error


def _read(path: Path, project: Path | None, seeds: int | None) -> Suite:
    try:
        said: Any = OmegaConf.to_container(OmegaConf.load(path))
    except Exception as error:  # the parser has errors of its own
        raise ValueError(error) from error
    if odd := set(said) - {"seeds", "confidence", "base", "scenarios"}:
        raise ValueError(f"{', '.join(sorted(odd))}: nothing reads it")
    extra = (one for module in catalogue.parts(METRICS, project) for one in metrics_of(module))
    units = PAIRED | {one.__name__: one.unit for one in (*builtin(), *extra)}
    scenarios = []
    for name, given in said.get("scenarios", {}).items():
        given = {"seeds": said.get("seeds", 12), **(given or {})}
        if odd := set(given) - {one.name for one in fields(Scenario)} | set(given) & {"name"}:
            raise ValueError(f"scenarios.{name}: {', '.join(sorted(odd))}: nothing reads it")
        expect = tuple(Expectation(**one) for one in given.get("expect") or ())
        for one in expect:
            if one.metric not in units:
                raise ValueError(f"scenarios.{name}: no metric {one.metric!r}; {choices(one.metric, sorted(units))}")
        overrides = (*said.get("base", ()), *(given.get("overrides") or ()))
        scenario = Scenario(name, overrides, seeds or int(given["seeds"]), expect)
        if scenario.seeds < 2:
            raise ValueError(f"scenarios.{name}.seeds={scenario.seeds}: an interval takes two runs")
        compose(scenario.overrides, project)
        scenarios.append(scenario)
    if not scenarios:
        raise ValueError("it has no scenarios")
    return Suite(path.stem, tuple(scenarios), float(said.get("confidence", 0.95)), units)
