"""Measure how fast this is, beside its peers: medians, quartiles and ratios of turns taken in one run.

slashpoint bench                      all of benchmarks/
slashpoint bench raw market           some
slashpoint bench --long               larger cases, which take minutes
slashpoint bench --list               what there is
slashpoint bench market --profile native   where the time of a contender's largest case goes, instead

A peer that is not installed is a row that says how to get it. Exit code 1: a contender failed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slashpoint.experiments.report.text import emit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    import pandas as pd

    from slashpoint.experiments.bench.benchmark import Benchmark
    from slashpoint.experiments.report.screen import Screen


def arguments(parser: ArgumentParser) -> None:
    """Add what it takes."""
    from slashpoint.experiments.study.options import whole

    parser.add_argument("names", nargs="*", metavar="BENCHMARK", help="a module of benchmarks/ (all, if none)")
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--list", action="store_true", help="only tell what there is")
    parser.add_argument("--long", action="store_true", help="larger cases: minutes")
    parser.add_argument("--repetitions", type=whole(1, 1000), default=5, metavar="N", help="turns (%(default)s)")
    instead.add_argument("--profile", metavar="CONTENDER", help="profile its largest case once instead of measuring")
    parser.add_argument("--json", action="store_true", help="print one JSON document, and nothing else, on stdout")
    parser.add_argument("--quiet", action="store_true", help="no progress")


def main(args: Namespace) -> int:
    """Measure; returns the exit code."""
    import pandas as pd

    from slashpoint.experiments.bench.benchmark import load, names
    from slashpoint.experiments.bench.comparison import GROWTH, ROWS, measure
    from slashpoint.experiments.cli import FAILED, HELD
    from slashpoint.experiments.report.screen import screen
    from slashpoint.experiments.setup.progress import counting
    from slashpoint.experiments.setup.provenance import machine, versions
    from slashpoint.experiments.study.options import document

    console = screen()
    benchmarks = [load(name) for name in args.names or ([] if args.list else names())]
    if args.list:
        chosen = {name: about for name, about in names().items() if name in args.names or not args.names}
        return _list(chosen, console, json=args.json)
    if args.profile:
        for benchmark in benchmarks:
            _profile(benchmark, args.profile, long=args.long)
        return HELD
    tables: list[tuple[pd.DataFrame, pd.DataFrame]] = []
    if not args.json:
        console.print(", ".join(machine().values()), style="dim")
    for benchmark in benchmarks:
        with counting(benchmark.name, what="turns", shown=not args.quiet) as update:
            found, grown = measure(benchmark, long=args.long, repetitions=args.repetitions, progress=update)
        tables.append((found, grown))
        if not args.json:
            _show(benchmark, found, grown, console)
    rows, growth = (pd.concat(parts, ignore_index=True) for parts in zip(*tables))
    failed = rows["note"].str.startswith("failed").any()
    if args.json:
        facts = {"machine": machine(), "versions": versions()}
        emit(document({"rows": rows, "growth": growth}, GROWTH | ROWS, **facts))
    return FAILED if failed else HELD


def _list(found: dict[str, str], console: Screen, *, json: bool) -> int:
    import json as writer

    if json:
        emit(writer.dumps(found, indent=2))
    else:
        for name, about in found.items():
            console.tell(f"{name:<11}{about}")
    return 0


def _profile(benchmark: Benchmark, name: str, *, long: bool) -> None:
    """Print where the time of a contender's largest case goes, by cProfile, which favours C."""
    import cProfile
    import pstats

    from slashpoint.sim.errors import Misconfigured

    if name not in benchmark.contenders:
        raise Misconfigured(f"{benchmark.name} has no contender {name!r}; there are {', '.join(benchmark.contenders)}")
    who, setting = benchmark.contenders[name], benchmark.setting
    first, *_, last = [c for c in setting.cases + setting.long * long if who.takes(c, long=long)] * 2
    who.start(first)()  # imports, and what is made on first use
    once = who.start(last)
    with cProfile.Profile() as profile:
        once()
    pstats.Stats(profile).sort_stats("tottime").print_stats(15)


def _show(benchmark: Benchmark, rows: pd.DataFrame, growth: pd.DataFrame, console: Screen) -> None:
    from slashpoint.experiments.report.screen import Grid

    setting = benchmark.setting
    table = rows[rows["note"] == ""].to_dict("records")
    turns = max((row["n"] for row in table), default=0)
    shown = Grid(f"{benchmark.name}: {setting.unit}, turns: {turns}", setting.case, "", median=True, quartiles=True)
    shown.columns[1].no_wrap = True
    shown.add_column(f"over {setting.base}" if setting.base else "", justify="right", no_wrap=True)
    before = None
    for row in table:
        case, before = row["case"] if row["case"] != before else "", row["case"]
        unit = f" {row['unit']}" * (row["unit"] != setting.unit)
        ratio = ""
        if row["ratio"] == row["ratio"]:
            ratio = f"{row['ratio']:.3g} ({row['ratio_low']:.3g}–{row['ratio_high']:.3g})"
        spread = f"{_number(row['low'])}–{_number(row['high'])}"
        shown.add_row(case, f"{row['contender']} {row['version']}", _number(row["median"]) + unit, spread, ratio)
    console.print(shown)
    for row in rows[rows["note"] != ""].to_dict("records"):
        who = f"{row['contender']}, {row['case']}" if row["case"] else row["contender"]
        console.tell(f"  {who}: {row['note']}")
    for row in growth.to_dict("records"):
        spread = f"({row['exponent_low']:.2f}–{row['exponent_high']:.2f})"
        console.print(f"  {row['contender']}: seconds ∝ {setting.case}^{row['exponent']:.2f} {spread}")
    console.print()


def _number(figure: float) -> str:
    return f"{figure:,.0f}" if abs(figure) >= 100 else f"{figure:.3g}"
