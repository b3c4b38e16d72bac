"""Measure every attack against every variant of some protocols: who profits, who pays, and how sure that is.

slashpoint matrix                                  all attacks, both variants of the default protocol
slashpoint matrix protocol=modelmarket,competition --confirm 10
slashpoint matrix lazy sybil+overclaim             some; a+b: one person does both
slashpoint matrix lazy --picture gains.svg         the gains as a heat map, too
slashpoint matrix overclaim protocol.stake=1 -j 2  an argument with = changes a setting, in Hydra's grammar

For each seed the attack is run once from every seat of its role, beside one run in which all are honest; the average
over the seats is one observation. Seeds are added until the gain's interval is no wider than ± a tenth of the reward,
or up to a cap; the best attacks are measured again on fresh seeds. With 95 % confidence all intervals of a column are
right at the same time. The verdict is what the gain's interval says: the attack pays or loses, by more than
--materiality; or the gain is negligible, within it; or it is undecided.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from slashpoint.experiments.report.text import emit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator
    from pathlib import Path

    import pandas as pd

    from slashpoint.experiments.report.screen import Grid

VERDICTS = {  # those that are no number's
    "never asked": "the protocol never asked the attacker for the duty that the attack changes",
    "no effect": "every transaction was the same as without the attack",
    "n/a": "no role of the protocol has the duty that the attack changes",
}


def arguments(parser: ArgumentParser) -> None:
    """Add what it takes."""
    from slashpoint.experiments.study.matrix import CENT
    from slashpoint.experiments.study.options import amount, file, many_runs, names, whole

    parser.add_argument("what", nargs="*", metavar="ATTACK|OVERRIDE", help="attacks (all, if none), key=value")
    parser.add_argument("--variants", type=names, metavar="A,B", help="of each protocol (all that it has)")
    parser.add_argument(
        "--seeds-cap", type=whole(1), default=64, metavar="N", help="at most so many seeds for a cell (%(default)s)"
    )
    parser.add_argument(
        "--half-width", type=amount, metavar="USD", help="half the width of a gain's interval (a tenth of the reward)"
    )
    parser.add_argument(
        "--materiality",
        type=float,
        default=CENT,
        metavar="USD",
        help="gains and losses below it are negligible (%(default)s)",
    )
    parser.add_argument(
        "--confirm", type=whole(0), default=0, metavar="N", help="measure the N most harmful again, scenario=standard"
    )
    parser.add_argument(
        "--picture", type=file, metavar="FILE", help="draw the gains as a heat map: .svg, .png, or .html (offline)"
    )
    many_runs(parser)


def main(args: Namespace) -> int:
    """Measure; returns the exit code."""
    from slashpoint.experiments.cli import CRASHED, FAILED, HELD, worst
    from slashpoint.experiments.report.screen import screen
    from slashpoint.experiments.setup.compile import warn_of_stale
    from slashpoint.experiments.setup.progress import counting
    from slashpoint.experiments.setup.project import in_use
    from slashpoint.experiments.study.executor import CACHE
    from slashpoint.experiments.study.matrix import COLUMNS, confirm, matrix
    from slashpoint.experiments.study.matrix import FAILED as CRASH
    from slashpoint.experiments.study.options import document

    overrides = [one for one in args.what if "=" in one]
    how: dict[str, Any] = {"workers": args.jobs, "cache": args.out / CACHE, "project": in_use()}
    warn_of_stale(how["project"])
    if args.picture is not None:
        _check_picture(args.picture)
    how["materiality"] = args.materiality
    with counting("matrix", shown=not args.quiet) as update:
        table = matrix(
            [one for one in args.what if "=" not in one], args.variants, overrides,
            cap=args.seeds_cap, half_width=args.half_width, progress=update, **how,
        )  # fmt: skip
    tables = {"rows": table}
    if args.confirm:
        with counting("confirming", shown=not args.quiet) as update:
            tables["confirmed"] = confirm(
                table, args.confirm, overrides, cap=min(16, args.seeds_cap), progress=update, **how
            )
    if args.picture is not None:
        from slashpoint.experiments.study.heatmap import draw

        draw(tables["rows"], args.picture)
    if args.json:
        emit(document(tables, COLUMNS, materiality=args.materiality, project=how["project"]))
    else:
        console = screen()
        for name, each in tables.items():
            title = "attack × protocol × variant" if name == "rows" else "the most harmful, on the standard tier"
            console.print(_grid(each, title))
            for line in _caption(each, args):
                console.print(line, style="dim italic")
        for row in (row for each in tables.values() for row in _troubled(each)):
            where = f"{row['attack']} × {row['protocol']} × {row['variant']}"
            console.tell(f"{where}: {row['error'] or row['complaint']}", style="red")
            console.tell(f"  {row['line']}")
    crashed = any((each["verdict"] == CRASH).any() for each in tables.values())
    violated = any(each["violations"].any() for each in tables.values())
    return worst([CRASHED if crashed else HELD, FAILED if violated else HELD])


def _check_picture(path: Path) -> None:
    """Refuse, before anything is run, a kind of picture that cannot be drawn."""
    from slashpoint.experiments.study.heatmap import KINDS
    from slashpoint.sim.errors import Misconfigured

    if path.suffix not in KINDS:
        raise Misconfigured(f"--picture {path}: its name must end in one of {', '.join(KINDS)}")


def _troubled(table: pd.DataFrame) -> list[dict[Any, Any]]:
    from slashpoint.experiments.study.matrix import FAILED

    return [row for row in table.to_dict("records") if row["verdict"] == FAILED or row["complaint"]]


def _caption(table: pd.DataFrame, args: Namespace) -> Iterator[str]:
    from slashpoint.experiments.study.matrix import CENT
    from slashpoint.experiments.study.stats import FEW_TOLD, unseen

    cells = round(0.05 / (1 - table["level"].iloc[0]))
    yield "gain (deviation payoff): what an attacker ends with, less what the same seat has when honest, USD a run:"
    yield "profit, the change in price of what it owned at first, and the worth of the models delivered to it."
    yield "others lose (externality): what all others have less; negative: they gain. pays: a profitable deviation"
    yield f"p: of a gain of zero. 95 % intervals, right for all {cells} cells of a column at the same time;"
    yield f"negligible: within ±{args.materiality:g} USD"
    if table["few_seeds"].any():
        yield FEW_TOLD
    for seat in dict.fromkeys(filter(None, table["seat"])):
        yield f"the attacker takes no seat but scenario.seat={seat}: chance decides who sits there"
    same = table["n"][(table["n"] > 1) & (table["gain_high"] - table["gain_low"] < CENT)]
    if len(same):
        unknown = (
            f"what happened in none of {same.min()} seeds may still happen in up to {unseen(same.min()):.0%} of runs"
        )
        yield f"± 0.00: the seeds agree to the cent; {unknown}"
    for verdict, meaning in VERDICTS.items():
        if (table["verdict"] == verdict).any():
            yield f"{verdict}: {meaning}"
    if table["underpowered"].any():
        yield f"*: underpowered, {args.seeds_cap} seeds were not enough for the half-width"
    if table["fresh"].any():
        yield "fresh: picked as one of the best, then measured on seeds that had no part in it"


def _grid(table: pd.DataFrame, title: str) -> Grid:
    from slashpoint.experiments.report.screen import Grid
    from slashpoint.experiments.study.stats import FEW_MARK, PAYS

    heads = dict.fromkeys(("gain", "others lose", "seeds", "p"), True)
    shown = Grid(title, "attack", "protocol", "variant", "verdict", **heads)
    for column in shown.columns[:4]:
        column.no_wrap = True
    shown.add_column("")
    for row in table.to_dict("records"):
        gain, loss = (_interval(row, name) for name in ("gain", "loss"))
        p = f"{row['p']:.2g}" if row["p"] == row["p"] else "-"
        notes = (
            FEW_MARK if row["few_seeds"] else "",
            "*" if row["underpowered"] else "",
            "fresh" if row["fresh"] else "",
            "violated" * bool(row["complaint"]),
        )
        style = "red" if row["verdict"] == PAYS else ""
        shown.add_row(
            row["attack"],
            row["protocol"],
            row["variant"],
            row["verdict"],
            gain,
            loss,
            str(row["n"]),
            p,
            " ".join(note for note in notes if note),
            style=style,
        )
    return shown


def _interval(row: dict[Any, Any], name: str) -> str:
    from slashpoint.experiments.study.matrix import CENT

    mean, half = row[name], (row[f"{name}_high"] - row[f"{name}_low"]) / 2
    form = ".1g" if 0 < abs(mean) < CENT / 2 else ",.2f"  # a gain of a thousandth of a cent is not one of nothing
    if not row["n"]:
        return "-"
    return f"{mean:+{form}}" if math.isnan(half) else f"{mean:+{form}} ± {half:{form}}"
