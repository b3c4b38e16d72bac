"""Pairs: a market with somebody who cheats, and the same market, people and luck with nobody who does."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from slashpoint.experiments.executor import Point, column
from slashpoint.experiments.text import command

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

SURPLUS = column("surplus", "?")[:-1]  # what the columns of each person's surplus begin with
COLUMNS = {
    "gain": "what a person gained by cheating, USD: its surplus (profit, what its first holdings rose or fell in "
    "price, and what the models delivered to it are worth to it) less the same seat's with everybody honest",
    "loss": "what all others lost together by it, USD, in the same terms",
    "same": "whether all transactions and transfers are equal with and without the attack",
    "lies": "how often those who cheat were asked something that they answer in their own way",
}


def twin(overrides: Sequence[str]) -> tuple[str, ...]:
    """The same setting with nobody who cheats."""
    return (*(one for one in overrides if not one.lstrip("+~").startswith(("attack=", "attack."))), "attack=[]")


def cheated(overrides: Sequence[str]) -> bool:
    """Whether a setting names an attack."""
    return any(one.startswith("attack=") and one not in {"attack=[]", "attack=", "attack={}"} for one in overrides)


def paired(
    overrides: Sequence[str], seeds: Iterable[int], project: Path | None = None, *, seats: int = 1, **labels: Any
) -> list[Point]:
    """For each seed the market with the cheat and its twin: labels `honest`, and the `line` that repeats the run.

    Args:
        overrides: the setting.
        seeds: of the worlds.
        project: a project's folder.
        seats: in how many seats the cheat sits by turns in each world. Who is the luckiest or the ablest of those who
            compete decides what it gains in one seat, and cancels out over all of them: all together are one number.
        labels: of all points.
    """
    turns = [(f"scenario.seat={seat}",) for seat in range(seats)] if seats > 1 else [()]
    settings = [*((False, (*overrides, *turn)) for turn in turns), (True, twin(overrides))]
    return [
        Point(run := (*setting, f"seed={seed}"), project, {**labels, "seed": seed, "honest": honest, "line": line(run)})
        for seed in seeds
        for honest, setting in settings
    ]


def compared(rows: pd.DataFrame) -> pd.DataFrame:
    """What cheating changed: COLUMNS by seed, of the rows of `paired` that did not fail; the mean over the seats."""
    rows = rows[rows["error"] == ""]
    honest = {row["seed"]: row for row in rows[rows["honest"]].to_dict("records")}
    found = [
        {"seed": row["seed"], **_change(row, honest[row["seed"]])}
        for row in rows[~rows["honest"].astype(bool)].to_dict("records")
        if row["seed"] in honest
    ]
    over = {"gain": "mean", "loss": "mean", "same": "all", "lies": "sum"}
    return pd.DataFrame(found, columns=["seed", *COLUMNS]).groupby("seed").agg(over)


def _change(row: Mapping[Any, Any], honest: Mapping[Any, Any]) -> dict[str, Any]:
    cheats = set(str(row["cheats"]).split())
    seats = {name.removeprefix(SURPLUS) for name in row if str(name).startswith(SURPLUS)}
    change = {who: _money(row, who) - _money(honest, who) for who in seats}  # a seat that is not there earns nothing
    gain = sum(change[who] for who in sorted(cheats)) / len(cheats) if cheats else 0.0
    loss = 0.0 - sum(change[who] for who in sorted(seats - cheats))
    return {"gain": gain, "loss": loss, "same": bool(row["deeds_hash"] == honest["deeds_hash"]), "lies": row["lies"]}


def _money(row: Mapping[Any, Any], who: str) -> float:
    value = float(row.get(SURPLUS + who, 0.0))
    return 0.0 if math.isnan(value) else value


def line(overrides: Iterable[str]) -> str:
    """The command that repeats a run."""
    return command("run", overrides)
