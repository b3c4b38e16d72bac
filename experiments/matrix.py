"""The matrix: every attack against every variant of a protocol, in money, with intervals."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from slashpoint.agents.population import seating
from slashpoint.experiments import catalogue
from slashpoint.experiments.config import attacks as chosen
from slashpoint.experiments.config import compose, plugin
from slashpoint.experiments.executor import cause, evaluate
from slashpoint.experiments.pairs import compared, line, paired
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
    "variant": "of the protocol",
    "verdict": "n/a: no role has such a duty; never asked: nothing it lies about came up; no effect: all transactions "
    "and transfers are equal; failed: a run crashed; pays, loses: with p below 0.05; else undecided",
    "gain": "mean over runs of what a person gained by cheating, USD: profit less the same seat's played honestly",
    "gain_low": "lower end of its 95 % interval",
    "gain_high": "upper end",
    "loss": "mean over runs of what all others lost by it together, USD",
    "loss_low": "lower end of its 95 % interval",
    "loss_high": "upper end",
    "n": "runs with the attack, each paired with one of the same seed without",
    "fresh": "whether the numbers are of seeds that did not take part in picking the row as one of the best",
    "underpowered": "whether the cap on seeds came before the half-width that was asked for",
    "p": "of no gain, two-sided, corrected by Holm for the cells of the matrix",
    "violations": "complaints of invariants in the runs with the attack",
    "complaint": "the first of them",
    "error": "what a run that failed said last",
    "line": "repeats the first run",
}
Cell = tuple[str, str]  # attack, variant


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
        variants: of the protocol.
        overrides: of the market, in Hydra's grammar; `scenario=small` unless they say otherwise.
        cap: seeds for a cell at most.
        half_width: of the interval of a gain, USD; by default a tenth of the reward.
        top: how many of the best are measured again on fresh seeds, and reported from these.
        workers: processes.
        cache: where rows are kept.
        project: a project's folder.
        progress: told how many runs of a round are done, of how many.

    Returns:
        A row for each attack and variant; columns as in COLUMNS.

    Raises:
        Misconfigured: an attack or an override is not known.
    """
    base = tuple(overrides) if any(one.startswith("scenario=") for one in overrides) else ("scenario=small", *overrides)
    names = list(attacks) or catalogue.names("attack", project)
    settings: dict[Cell, tuple[str, ...]] = {
        (attack, variant): (*base, f"protocol.variant={variant}", f"attack=[{attack.replace('+', ',')}]")
        for attack in names
        for variant in variants
    }
    seated = {cell: _has_seat(setting, project) for cell, setting in settings.items()}
    runs: dict[Cell, list[pd.DataFrame]] = {cell: [] for cell in settings}
    narrow = _tenth(next(iter(settings.values())), project) if half_width is None else half_width

    def sample(cells: Sequence[Cell], seeds: range) -> Mapping[Cell, Sequence[float]]:
        points = [
            point for cell in cells for point in paired(settings[cell], seeds, project, attack=cell[0], variant=cell[1])
        ]
        rows = evaluate(points, workers=workers, cache=cache, progress=progress)
        found = {}
        for cell in cells:
            mine = rows[(rows["attack"] == cell[0]) & (rows["variant"] == cell[1])]
            runs[cell].append(mine)
            found[cell] = [] if (mine["error"] != "").any() else list(compared(mine)["gain"])
        return found

    spent = spend(sample, [cell for cell in settings if seated[cell]], half_width=narrow, cap=cap)
    found = {cell: _row(cell, settings[cell], runs[cell]) for cell in settings}
    best = sorted(
        (cell for cell, row in found.items() if row["gain"] > 0 and row["verdict"] == UNDECIDED),
        key=lambda cell: (-found[cell]["gain"], cell),
    )[:top]
    for cell in best:
        runs[cell] = []
    spent |= spend(sample, best, half_width=narrow, cap=cap, first=FRESH)
    for cell in best:
        found[cell] = _row(cell, settings[cell], runs[cell]) | {"fresh": True}
    for cell, one in spent.items():
        found[cell]["underpowered"] = one.underpowered
    return _judged(pd.DataFrame(list(found.values()), columns=list(COLUMNS)))


def _row(cell: Cell, setting: Sequence[str], runs: Sequence[pd.DataFrame]) -> dict[str, Any]:
    """A cell before it is judged: its verdict is undecided where there is a number."""
    rows = pd.concat(runs, ignore_index=True) if runs else None
    row: dict[str, Any] = dict.fromkeys(COLUMNS, math.nan)
    row |= {"attack": cell[0], "variant": cell[1], "verdict": NO_SEAT, "n": 0, "fresh": False, "underpowered": False}
    row |= {"violations": 0, "complaint": "", "error": "", "line": line([*setting, "seed=0"])}
    if rows is None:
        return row
    changes, cheating = compared(rows), rows[~rows["honest"].astype(bool)]
    row |= _columns("gain", t_interval(changes["gain"])) | _columns("loss", t_interval(changes["loss"]))
    complaints, errors = cheating["complaint"][cheating["complaint"] != ""], rows["error"][rows["error"] != ""]
    row |= {"n": len(changes), "violations": int(cheating["violations"].sum()), "verdict": UNDECIDED}
    row["p"] = p_value(changes["gain"])
    row["line"] = line([*setting, f"seed={cheating['seed'].iloc[0]}"])
    if len(complaints):
        row["complaint"] = complaints.iloc[0]
        row["line"] = line([*setting, f"seed={cheating['seed'][complaints.index[0]]}"])
    if len(errors):
        row |= {"verdict": FAILED, "error": cause(errors.iloc[0])}
        row["line"] = line([*setting, f"seed={rows['seed'][errors.index[0]]}"])
    elif changes["same"].all():
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


def _has_seat(setting: Sequence[str], project: Path | None) -> bool:
    config = compose(setting, project)
    roles = catalogue.part(catalogue.ROLES, config.protocol.name, project).ROLES
    return bool(seating(roles, chosen(config, project)))


def _tenth(setting: Sequence[str], project: Path | None) -> float:
    """A tenth of the reward at the first price, USD."""
    config = compose(setting, project)
    prices = plugin("prices", config, project)
    prices.begin(Luck(config.seed)("prices"), float(config.chain.genesis))
    market = catalogue.part(catalogue.PROTOCOL, config.protocol.name, project).MARKET
    return float(config.protocol.reward * prices.usd(market.asset, float(config.chain.genesis)) / 10)
