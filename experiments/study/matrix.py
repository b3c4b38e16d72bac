"""The matrix: every attack against every variant of some protocols, in money, with intervals.

A reader looks over the whole table for what pays. So the intervals of a column hold all together at 95 %: each of m
cells has one of 1 - 0.05 / m (Bonferroni), where m is how many cells have a seat for their attack, which is known
before the first run. The verdict beside an interval is what that interval says.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd
from omegaconf import OmegaConf

from slashpoint.experiments.setup import catalogue
from slashpoint.experiments.setup.config import NoSeat, compose, plugin, seatable
from slashpoint.experiments.study.cells import Cell, cells
from slashpoint.experiments.study.executor import cause, evaluate
from slashpoint.experiments.study.pairs import compared, line, one_seat, paired, seats
from slashpoint.experiments.study.stats import PAYS, UNDECIDED, each_of, p_value, spend, t_interval, verdict
from slashpoint.sim.errors import Misconfigured
from slashpoint.sim.luck import Luck

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from slashpoint.experiments.study.stats import Interval

FRESH = 1_000_000  # the first seed of those that did not take part in picking
NO_SEAT, NEVER_ASKED, NO_EFFECT, FAILED = "n/a", "never asked", "no effect", "failed"
CENT = 0.01  # USD: a gain of less in a run is not worth a word
COLUMNS = {
    "attack": "the conducts, leftmost asked first",
    "protocol": "its name",
    "variant": "of the protocol",
    "verdict": "n/a: no role has such a duty, or the task does not allow it; never asked: nothing that it overrides "
    "came up; no effect: all transactions, transfers and worths are equal; failed: a run crashed; pays, loses: the "
    "gain's whole interval is above the materiality, or below its negative; negligible: between; else undecided",
    "gain": "mean over runs of what a person gained by the attack, USD: its surplus (profit, the price of its first "
    "holdings, the worth of models delivered to it) less the same seat's played honestly",
    "gain_low": "lower end of its interval, which holds at 95 % together with those of all cells of the table",
    "gain_high": "upper end",
    "loss": "mean over runs of what all others lost by it together, USD",
    "loss_low": "lower end of its interval, which holds together with those of all losses of the table",
    "loss_high": "upper end",
    "level": "of each interval by itself: 1 - 0.05 / cells that have a seat (Bonferroni)",
    "seat": "scenario.seat in the words of the setting that names it; else empty, and the attack is run from all",
    "n": "seeds; with each the attack is run once from every seat of its role, beside one run in which nobody attacks",
    "few_seeds": "whether there is an interval, but of fewer than five seeds",
    "fresh": "whether the numbers are of seeds that did not take part in picking the row as one of the best",
    "underpowered": "whether the cap on seeds came before the half-width that was asked for",
    "p": "of a gain within the materiality, two-sided, times the cells that have a seat, at most 1: below 0.05 exactly "
    "where the verdict is pays or loses",
    "violations": "complaints of invariants in the runs, twins included, and runs that moved money for no known cause",
    "complaint": "the first of them",
    "error": "what a run that failed said last",
    "line": "repeats the first run",
}


def matrix(
    attacks: Sequence[str] = (),
    variants: Sequence[str] | None = None,
    overrides: Sequence[str] = (),
    *,
    cap: int = 64,
    half_width: float | None = None,
    materiality: float = CENT,
    top: int = 3,
    workers: int = 1,
    cache: Path | None = None,
    project: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Measure attacks; seeds are spent on each until its gain is known well enough, or up to a cap.

    Args:
        attacks: names, several of one person joined by +; by default each there is.
        variants: of each protocol; by default all that it has.
        overrides: of the markets, in Hydra's grammar: `protocol=a,b` asks for two; `scenario=small` unless they say
            otherwise.
        cap: seeds for a cell at most.
        half_width: of the interval of a gain, USD; by default a tenth of what a job of the protocol pays.
        materiality: USD: of a gain that is surely no larger nothing is said but that it is negligible.
        top: how many of the best are measured again on fresh seeds, and reported from these.
        workers: processes.
        cache: where rows are kept.
        project: a project's folder.
        progress: told how many runs of a round are done, of how many.

    Returns:
        A row for each attack, protocol and variant; columns as in COLUMNS.

    Raises:
        Misconfigured: an attack, a protocol or an override is not known, or the materiality is no amount.
    """
    settings = cells(attacks, variants, overrides, project)
    lab = _Lab(settings, cap, half_width, materiality, workers, cache, project, progress)
    lab.measure(lab.seated)
    found = lab.rows()
    best = sorted(
        (cell for cell, row in found.items() if row["gain"] > materiality and row["verdict"] in {PAYS, UNDECIDED}),
        key=lambda cell: (-found[cell]["gain"], cell),
    )[:top]
    lab.measure(best, FRESH)
    return lab.table()


def confirm(
    table: pd.DataFrame, count: int, overrides: Sequence[str] = (), *, cap: int = 16, **how: Any
) -> pd.DataFrame:
    """Return the most harmful cells of a matrix once more, on the standard tier and with fresh seeds.

    Args:
        table: of `matrix`.
        count: how many, those first whose attack costs all others most.
        overrides: those of the matrix; its scenario gives way to `standard`.
        cap: seeds for each.
        how: materiality, workers, cache, project and progress, as `matrix` takes them.
    """
    worst = table[table["n"] > 0].sort_values(
        ["loss", "attack", "protocol", "variant"], ascending=[False, True, True, True]
    )
    base = [one for one in overrides if not one.startswith(("scenario=", "protocol="))]
    settings = {
        (attack, protocol, variant): (
            "scenario=standard", *base, f"protocol={protocol}", f"protocol.variant={variant}",
            f"attack=[{attack.replace('+', ',')}]",
        )
        for attack, protocol, variant in worst[["attack", "protocol", "variant"]].head(count).to_numpy(object).tolist()
    }  # fmt: skip
    lab = _Lab(settings, cap, None, **how)
    lab.measure(lab.seated, FRESH)
    return lab.table()


@dataclass
class _Lab:
    """Where cells are measured, and what was found of each."""

    settings: Mapping[Cell, tuple[str, ...]]
    cap: int
    half_width: float | None
    materiality: float = CENT
    workers: int = 1
    cache: Path | None = None
    project: Path | None = None
    progress: Callable[[int, int], None] | None = None
    runs: dict[Cell, list[pd.DataFrame]] = field(default_factory=dict)
    fresh: set[Cell] = field(default_factory=set)
    underpowered: dict[Cell, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what is no amount of money."""
        if not 0 <= self.materiality < math.inf:
            raise Misconfigured(f"materiality={self.materiality}: it must be an amount in USD, 0 or more")

    @cached_property
    def seated(self) -> list[Cell]:
        """The cells with a role that has a duty which the attack overrides: those whose intervals hold together."""
        return [cell for cell, setting in self.settings.items() if _has_seat(cell, setting, self.project)]

    def measure(self, cells: Sequence[Cell], first: int = 0) -> None:
        """Spend seeds on cells, from `first` on; what was known of them is forgotten."""
        for cell in cells:
            self.runs[cell] = []
        self.fresh.update(cells if first else ())
        for protocol in dict.fromkeys(cell[1] for cell in cells):
            mine = [cell for cell in cells if cell[1] == protocol]
            narrow = _tenth(self.settings[mine[0]], self.project) if self.half_width is None else self.half_width
            level = each_of(len(self.seated))
            spent = spend(self._sample, mine, half_width=narrow, cap=self.cap, level=level, first=first)
            self.underpowered |= {cell: one.underpowered for cell, one in spent.items()}

    def _sample(self, cells: Sequence[Cell], seeds: range) -> Mapping[Cell, Sequence[float]]:
        points = [point for cell in cells for point in paired(self.settings[cell], seeds, self.project, cell=cell)]
        rows = evaluate(points, workers=self.workers, cache=self.cache, progress=self.progress)
        found = {}
        for cell in cells:
            mine = rows[[one == cell for one in rows["cell"]]]
            self.runs[cell].append(mine)
            found[cell] = [] if (mine["error"] != "").any() else list(compared(mine)["gain"])
        return found

    def rows(self) -> dict[Cell, dict[str, Any]]:
        """Return a row for each cell."""
        return {
            cell: self._row(cell, setting)
            | {"fresh": cell in self.fresh, "underpowered": self.underpowered.get(cell, False)}
            for cell, setting in self.settings.items()
        }

    def table(self) -> pd.DataFrame:
        """Return the rows; columns as in COLUMNS."""
        return pd.DataFrame(list(self.rows().values()), columns=list(COLUMNS))

    def _row(self, cell: Cell, setting: Sequence[str]) -> dict[str, Any]:
        row: dict[str, Any] = dict.fromkeys(COLUMNS, math.nan)
        row |= {"attack": cell[0], "protocol": cell[1], "variant": cell[2], "verdict": NO_SEAT, "n": 0}
        row |= {"violations": 0, "complaint": "", "error": "", "line": line([*setting, "seed=0"]), "few_seeds": False}
        row |= {"level": each_of(len(self.seated)), "seat": ""}
        if not self.runs.get(cell):
            return row
        rows = pd.concat(self.runs[cell], ignore_index=True)
        changes = compared(rows)
        row |= {"n": len(changes), "seat": one_seat(setting, self.project)} | self._judged(changes) | _troubles(rows)
        if "Misconfigured" in row["error"]:  # such as a lie about weights where the task has none
            row |= {"verdict": NO_SEAT, "n": 0}
        return row

    def _judged(self, changes: pd.DataFrame) -> dict[str, Any]:
        """Return the numbers of a cell, and what they say."""
        cells = len(self.seated)
        gain, loss = (t_interval(changes[name], each_of(cells)) for name in ("gain", "loss"))
        found = _columns("gain", gain) | _columns("loss", loss)
        p = cells * p_value(changes["gain"], self.materiality)
        found |= {"few_seeds": gain.few, "p": p if math.isnan(p) else min(1.0, p)}
        if changes["same"].all() and not changes[["gain", "loss"]].any(axis=None):  # who withholds bytes sends the same
            return found | {"verdict": NO_EFFECT if changes["overridden"].any() else NEVER_ASKED}
        return found | {"verdict": verdict(gain, self.materiality)}


def _has_seat(cell: Cell, setting: Sequence[str], project: Path | None) -> bool:
    if not seatable(cell[0], cell[1], project):  # most of a table of all attacks: composing them would take minutes
        return False
    try:
        return bool(seats(setting, project))
    except NoSeat:
        return False


def _troubles(rows: pd.DataFrame) -> dict[str, Any]:
    """Return what went wrong in the runs of a cell, and the line that repeats it, else that of the first run."""
    said = rows["complaint"].where(rows["complaint"] != "", rows["unknown"])
    complaints, errors = said[said != ""], rows["error"][rows["error"] != ""]
    violations = int(rows["violations"].sum() + (rows["unknown"] != "").sum())
    found: dict[str, Any] = {"violations": violations, "line": rows["line"].iloc[0]}
    if len(complaints):
        found |= {"complaint": complaints.iloc[0], "line": rows["line"][complaints.index[0]]}
    if len(errors):
        at = errors.index[0]
        found |= {"verdict": FAILED, "p": math.nan, "error": cause(errors[at]), "line": rows["line"][at]}
    return found


def _columns(name: str, interval: Interval) -> dict[str, Any]:
    return {name: interval.mean, f"{name}_low": interval.low, f"{name}_high": interval.high}


def _tenth(setting: Sequence[str], project: Path | None) -> float:
    """Return a tenth of what a job pays, at the first price, USD."""
    config = compose(setting, project)
    prices = plugin("prices", config, project)
    prices.begin(Luck(config.seed)("prices"), float(config.chain.genesis))
    rules = catalogue.rules(config.protocol.name, project)
    given: Any = OmegaConf.to_container(config.protocol)
    return float(rules.TERMS(**given).payout * prices.usd(rules.MARKET.asset, float(config.chain.genesis)) / 10)
