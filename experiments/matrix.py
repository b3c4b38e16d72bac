"""The matrix: every attack against every variant of some protocols, in money, with intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd
from omegaconf import OmegaConf

from slashpoint.experiments import catalogue
from slashpoint.experiments.config import compose, plugin
from slashpoint.experiments.executor import cause, evaluate
from slashpoint.experiments.pairs import NoSeat, compared, line, paired, seats
from slashpoint.experiments.stats import LEVEL, Interval, holm, p_value, spend, t_interval
from slashpoint.sim.luck import Luck

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

VARIANTS = ("seed", "hardened")
FRESH = 1_000_000  # the first seed of those that did not take part in picking
NO_SEAT, NEVER_ASKED, NO_EFFECT, FAILED = "n/a", "never asked", "no effect", "failed"
PAYS, LOSES, UNDECIDED = "pays", "loses", "undecided"
COLUMNS = {
    "attack": "the conducts, leftmost asked first",
    "protocol": "its name",
    "variant": "of the protocol",
    "verdict": "n/a: no role has such a duty, or the task is none to lie about so; never asked: nothing it lies about "
    "came up; no effect: all transactions, transfers and worths are equal; failed: a run crashed; pays, loses: with p "
    "below 0.05; else undecided",
    "gain": "mean over runs of what a person gained by cheating, USD: its surplus (profit, the price of its first "
    "holdings, the worth of models delivered to it) less the same seat's played honestly",
    "gain_low": "lower end of its 95 % interval",
    "gain_high": "upper end",
    "loss": "mean over runs of what all others lost by it together, USD",
    "loss_low": "lower end of its 95 % interval",
    "loss_high": "upper end",
    "n": "seeds; with each the cheat takes every seat of its role by turns, beside one run in which nobody cheats",
    "fresh": "whether the numbers are of seeds that did not take part in picking the row as one of the best",
    "underpowered": "whether the cap on seeds came before the half-width that was asked for",
    "p": "of no gain, two-sided, corrected by Holm for the cells of the matrix",
    "violations": "complaints of invariants in the runs with the attack, and runs that moved money for no known cause",
    "complaint": "the first of them",
    "error": "what a run that failed said last",
    "line": "repeats the first run",
}
Cell = tuple[str, str, str]  # attack, protocol, variant


def matrix(
    attacks: Sequence[str] = (),
    variants: Sequence[str] = VARIANTS,
    overrides: Sequence[str] = (),
    *,
    cap: int = 64,
    half_width: float | None = None,
    top: int = 3,
    workers: int = 1,
    cache: Path | None = None,
    project: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Measure attacks; seeds are spent on each until its gain is known well enough, or up to a cap.

    Args:
        attacks: names, several of one person joined by +; by default each there is.
        variants: of each protocol.
        overrides: of the markets, in Hydra's grammar: `protocol=a,b` asks for two; `scenario=small` unless they say
            otherwise.
        cap: seeds for a cell at most.
        half_width: of the interval of a gain, USD; by default a tenth of what a job of the protocol pays.
        top: how many of the best are measured again on fresh seeds, and reported from these.
        workers: processes.
        cache: where rows are kept.
        project: a project's folder.
        progress: told how many runs of a round are done, of how many.

    Returns:
        A row for each attack, protocol and variant; columns as in COLUMNS.

    Raises:
        Misconfigured: an attack, a protocol or an override is not known.
    """
    names = list(attacks) or catalogue.names("attack", project)
    base = [one for one in overrides if not one.startswith("protocol=")]
    base = base if any(one.startswith("scenario=") for one in base) else ["scenario=small", *base]
    chosen_ones = next(
        (one.removeprefix("protocol=") for one in overrides if one.startswith("protocol=")), "modelmarket"
    )
    settings: dict[Cell, tuple[str, ...]] = {
        (attack, protocol, variant): (
            *base, f"protocol={protocol}", f"protocol.variant={variant}", f"attack=[{attack.replace('+', ',')}]"
        )
        for protocol in chosen_ones.strip("[]").split(",")
        for attack in names
        for variant in variants
    }  # fmt: skip
    lab = _Lab(settings, cap, half_width, workers, cache, project, progress)
    lab.measure([cell for cell in settings if lab.seated(cell)])
    found = lab.rows()
    best = sorted(
        (cell for cell, row in found.items() if row["gain"] > 0 and row["verdict"] == UNDECIDED),
        key=lambda cell: (-found[cell]["gain"], cell),
    )[:top]
    lab.measure(best, FRESH)
    return _judged(pd.DataFrame(list(lab.rows().values()), columns=list(COLUMNS)))


def confirm(
    table: pd.DataFrame, count: int, overrides: Sequence[str] = (), *, cap: int = 16, **how: Any
) -> pd.DataFrame:
    """The most harmful cells of a matrix once more, on the standard tier and with fresh seeds.

    Args:
        table: of `matrix`.
        count: how many, those first whose attack costs all others most.
        overrides: those of the matrix; its scenario gives way to `standard`.
        cap: seeds for each.
        how: workers, cache, project and progress, as `matrix` takes them.
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
    given = {"workers": 1, "cache": None, "project": None, "progress": None} | how
    lab = _Lab(settings, cap, None, **given)
    lab.measure(list(settings), FRESH)
    return _judged(pd.DataFrame(list(lab.rows().values()), columns=list(COLUMNS)))


@dataclass
class _Lab:
    """Where cells are measured, and what was found of each."""

    settings: Mapping[Cell, tuple[str, ...]]
    cap: int
    half_width: float | None
    workers: int
    cache: Path | None
    project: Path | None
    progress: Callable[[int, int], None] | None
    runs: dict[Cell, list[pd.DataFrame]] = field(default_factory=dict)
    fresh: set[Cell] = field(default_factory=set)
    underpowered: dict[Cell, bool] = field(default_factory=dict)

    def seated(self, cell: Cell) -> bool:
        """Whether some role of the protocol has a duty that the attack lies about."""
        try:
            return bool(seats(self.settings[cell], self.project))
        except NoSeat:
            return False

    def measure(self, cells: Sequence[Cell], first: int = 0) -> None:
        """Spend seeds on cells, from `first` on; what was known of them is forgotten."""
        for cell in cells:
            self.runs[cell] = []
        self.fresh.update(cells if first else ())
        for protocol in dict.fromkeys(cell[1] for cell in cells):
            mine = [cell for cell in cells if cell[1] == protocol]
            narrow = _tenth(self.settings[mine[0]], self.project) if self.half_width is None else self.half_width
            spent = spend(self._sample, mine, half_width=narrow, cap=self.cap, first=first)
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
        """A row for each cell, not judged yet."""
        return {
            cell: _row(cell, setting, self.runs.get(cell, ()))
            | {"fresh": cell in self.fresh, "underpowered": self.underpowered.get(cell, False)}
            for cell, setting in self.settings.items()
        }


def _row(cell: Cell, setting: Sequence[str], runs: Sequence[pd.DataFrame]) -> dict[str, Any]:
    """A cell before it is judged: its verdict is undecided where there is a number."""
    rows = pd.concat(runs, ignore_index=True) if runs else None
    row: dict[str, Any] = dict.fromkeys(COLUMNS, math.nan)
    row |= {"attack": cell[0], "protocol": cell[1], "variant": cell[2], "verdict": NO_SEAT, "n": 0}
    row |= {"violations": 0, "complaint": "", "error": "", "line": line([*setting, "seed=0"])}
    if rows is None:
        return row
    changes, cheating = compared(rows), rows[~rows["honest"].astype(bool)]
    row |= _columns("gain", t_interval(changes["gain"])) | _columns("loss", t_interval(changes["loss"]))
    said = cheating["complaint"].where(cheating["complaint"] != "", cheating["unknown"])
    complaints, errors = said[said != ""], rows["error"][rows["error"] != ""]
    violations = int(cheating["violations"].sum() + (cheating["unknown"] != "").sum())
    row |= {"n": len(changes), "violations": violations, "verdict": UNDECIDED}
    row["p"] = p_value(changes["gain"])
    row["line"] = cheating["line"].iloc[0]
    if len(complaints):
        row["complaint"] = complaints.iloc[0]
        row["line"] = cheating["line"][complaints.index[0]]
    if len(errors):
        row |= {"verdict": FAILED, "error": cause(errors.iloc[0])}
        row["line"] = rows["line"][errors.index[0]]
        if "Misconfigured" in row["error"]:  # such as a lie about weights where the task has none
            row |= {"verdict": NO_SEAT, "n": 0}
    elif changes["same"].all() and not changes[["gain", "loss"]].any(axis=None):  # who withholds bytes sends the same
        row["verdict"] = NO_EFFECT if changes["lies"].any() else NEVER_ASKED
    return row


def _columns(name: str, interval: Interval) -> dict[str, float]:
    return {name: interval.mean, f"{name}_low": interval.low, f"{name}_high": interval.high}


def _judged(table: pd.DataFrame) -> pd.DataFrame:
    """The table with p corrected for all cells with a number, and verdicts by it."""
    numbers = table.index[table["verdict"] == UNDECIDED]
    corrected = holm(list(table["p"][numbers]))
    table["p"] = pd.Series(corrected, numbers, dtype=float)
    for at, p in zip(numbers, corrected):
        if p < 1 - LEVEL:
            table.loc[at, "verdict"] = PAYS if table["gain"][at] > 0 else LOSES
    return table


def _tenth(setting: Sequence[str], project: Path | None) -> float:
    """A tenth of what a job pays, at the first price, USD."""
    config = compose(setting, project)
    prices = plugin("prices", config, project)
    prices.begin(Luck(config.seed)("prices"), float(config.chain.genesis))
    module = catalogue.part(catalogue.PROTOCOL, config.protocol.name, project)
    given: Any = OmegaConf.to_container(config.protocol)
    return float(module.TERMS(**given).purse * prices.usd(module.MARKET.asset, float(config.chain.genesis)) / 10)
