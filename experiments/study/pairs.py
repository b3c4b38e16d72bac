"""Pairs: a market with an attacker, and the same market, people and luck with none."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from slashpoint.agents.population import Population
from slashpoint.experiments.report.text import command
from slashpoint.experiments.setup import catalogue
from slashpoint.experiments.setup.config import NoSeat, attacks, compose
from slashpoint.experiments.study.executor import Point, column

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

PROBE = 1_000_003  # a seed that nobody would name a seat by: whether the seat follows it tells who chose the seat
CHANGES = (
    "seed",
    "honest",
    "attackers",
    "overridden",
    "trace_hash",
)  # what a change is found from, beside each surplus
SURPLUS = column("surplus", "?")[:-1]  # what the columns of each person's surplus begin with
PAIRED = {"gain": "USD", "loss": "USD"}  # metrics of a pair of runs, with their units
COLUMNS = {
    "gain": "what a person gained by the attack, USD: its surplus (profit, what its first holdings rose or fell in "
    "price, and what the models delivered to it are worth to it) less the same seat's with everybody honest",
    "loss": "what all others lost together by it, USD, in the same terms",
    "same": "whether all transactions and transfers are equal with and without the attack",
    "overridden": "how often attackers were asked for a duty that they override",
}


def units(project: Path | None = None) -> dict[str, str]:
    """Return the unit of each metric by its name: of a run, ours and a project's, and of a pair of runs."""
    return PAIRED | {one.__name__: one.unit for one in catalogue.metrics(project)}


def twin(overrides: Sequence[str]) -> tuple[str, ...]:
    """Return the same setting with no attacker, and so with no seat for one."""
    about_cheats = ("attack=", "attack.", "scenario.seat=")
    return (*(one for one in overrides if not one.lstrip("+~").startswith(about_cheats)), "attack=[]")


def cheated(overrides: Sequence[str]) -> bool:
    """Whether a setting names an attack."""
    return any(one.startswith("attack=") and one not in {"attack=[]", "attack=", "attack={}"} for one in overrides)


def seats(overrides: Sequence[str], project: Path | None = None) -> tuple[int, ...]:
    """Return the values of `scenario.seat` that put the attack once into every seat of its role.

    Args:
        overrides: a setting with an attack, without its seed.
        project: a project's folder.

    Raises:
        Misconfigured: the setting cannot run.
        NoSeat: the attack has no seat in it.
    """
    config = compose((*overrides, f"seed={PROBE}"), project)
    given, scenario = config.protocol.seats, config.scenario
    crowd = {str(role): int(number) * scenario.scale for role, number in given.items()}
    population = Population(crowd, {}, attackers=scenario.attackers, leave_out=frozenset(scenario.absent))
    market, _, roles = catalogue.rules(config.protocol.name, project)
    try:
        return population.turns(roles, attacks(config, project), market)
    except ValueError as error:
        raise NoSeat(str(error)) from error


def one_seat(overrides: Sequence[str], project: Path | None = None) -> str:
    """Return the seat that a setting names, in its words; empty where the attack is run from all, or there is none.

    Args:
        overrides: the setting.
        project: a project's folder.
    """
    if not cheated(overrides):
        return ""
    said = [one.partition("=")[2] for one in overrides if one.lstrip("+").startswith("scenario.seat=")]
    seat = _seat(overrides, PROBE, project)
    return said[-1] if said else "" if seat == PROBE else str(seat)


def _seat(overrides: Sequence[str], seed: int, project: Path | None) -> int:
    return int(compose((*overrides, f"seed={seed}"), project).scenario.seat)


def paired(overrides: Sequence[str], seeds: Iterable[int], project: Path | None = None, **labels: Any) -> list[Point]:
    """Return for each seed the market with the attack once in every seat of its role, then its twin with none.

    Who is the luckiest or ablest of those who compete decides what an attacker gains in one seat, and cancels out over
    all of them: so the mean over the seats of a seed is one observation. A setting that names `scenario.seat` has that
    seat only. A setting without an attack is its own twin.

    Args:
        overrides: the setting, without its seed.
        seeds: of the worlds.
        project: a project's folder.
        labels: of all points.

    Returns:
        Points with the labels `seed`, `honest`, `seat` (None without an attack) and the `line` that repeats the run.

    Raises:
        Misconfigured: the setting cannot run, or the attack has no seat in it (NoSeat).
    """
    setting, named = tuple(overrides), one_seat(overrides, project)
    turns: dict[int | None, tuple[str, ...]] = {None: setting}
    if cheated(setting):
        turns = {seat: (*setting, f"scenario.seat={seat}") for seat in seats(setting, project)}
    points = []
    for seed in seeds:
        here = {_seat(setting, seed, project): setting} if named else turns
        for honest, seat, said in [*((False, *turn) for turn in here.items()), (True, None, twin(setting))]:
            run = (*said, f"seed={seed}")
            about = {"seed": seed, "seat": seat, "honest": honest, "line": line(run)}
            points.append(Point(run, project, labels | about))
    return points


def changes(rows: pd.DataFrame) -> pd.DataFrame:
    """Return what the attack changed in each run: COLUMNS and its seed, by the index of the rows of `paired`.

    A seed of which a run failed has no changes, for what is left of it is not the mean over its seats.
    """
    broken = set(rows["seed"][rows["error"] != ""])
    columns = [name for name in rows if name in CHANGES or str(name).startswith(SURPLUS)]
    rows = rows.loc[~rows["seed"].isin(broken), columns]
    honest = {row["seed"]: row for row in rows[rows["honest"].astype(bool)].to_dict("records")}
    attacking = rows[~rows["honest"].astype(bool) & rows["seed"].isin(honest)]
    found = [{"seed": row["seed"], **_change(row, honest[row["seed"]])} for row in attacking.to_dict("records")]
    return pd.DataFrame(found, attacking.index, columns=["seed", *COLUMNS])


def compared(rows: pd.DataFrame) -> pd.DataFrame:
    """Return what the attack changed by seed: COLUMNS, of the rows of `paired`. One observation a seed."""
    over = {"gain": "mean", "loss": "mean", "same": "all", "overridden": "sum"}
    return changes(rows).groupby("seed").agg(over)


def _change(row: Mapping[Any, Any], honest: Mapping[Any, Any]) -> dict[str, Any]:
    attackers = set(str(row["attackers"]).split())
    seats = {name.removeprefix(SURPLUS) for name in row if str(name).startswith(SURPLUS)}
    change = {who: _money(row, who) - _money(honest, who) for who in seats}  # a seat that is not there earns nothing
    gain = sum(change[who] for who in sorted(attackers)) / len(attackers) if attackers else 0.0
    loss = 0.0 - sum(change[who] for who in sorted(seats - attackers))
    return {
        "gain": gain,
        "loss": loss,
        "same": bool(row["trace_hash"] == honest["trace_hash"]),
        "overridden": row["overridden"],
    }


def _money(row: Mapping[Any, Any], who: str) -> float:
    value = float(row.get(SURPLUS + who, 0.0))
    return 0.0 if math.isnan(value) else value


def line(overrides: Iterable[str]) -> str:
    """Return the command that repeats a run."""
    return command("run", overrides)
