"""Contenders taking turns: each in a process of its own, the ratios of their rates, and how their cost grows.

Turns spread the machine's moods over everybody; processes keep one's garbage, threads and patches out of another's
figures, and make memory somebody's.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from slashpoint.experiments.bench.benchmark import Absent
from slashpoint.experiments.bench.worker import ContenderProcess, Failed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from slashpoint.experiments.bench.benchmark import Benchmark, Case

REPETITIONS = 5
ROWS = {
    "benchmark": "a module of benchmarks/",
    "case": "how large the work is, or on what it is done",
    "contender": "who did it",
    "version": "of the contender's package",
    "unit": "what the figures count",
    "median": "figure of the middle repetition",
    "low": "lower quartile of the repetitions",
    "high": "upper quartile of the repetitions",
    "n": "repetitions",
    "base": "whom ratios are taken over",
    "ratio": "median over repetitions of the rate over the base's in the same repetition",
    "ratio_low": "its lower quartile",
    "ratio_high": "its upper quartile",
    "note": "why there is no figure",
}
GROWTH = {
    "benchmark": "a module of benchmarks/",
    "contender": "who did it",
    "cases": "how many the curve was fitted to",
    "exponent": "median over repetitions of x in: seconds of a case ∝ case^x (least squares on logarithms)",
    "exponent_low": "its lower quartile",
    "exponent_high": "its upper quartile",
}
Samples = dict[tuple["Case", str], list[dict[str, float]]]  # of each repetition, figures by their units


def measure(
    benchmark: Benchmark,
    *,
    long: bool = False,
    repetitions: int = REPETITIONS,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Let everybody do each case by turns; returns the tables `ROWS` and `GROWTH`.

    Everybody does the first case once beforehand, uncounted: imports, and what is made on first use.

    Args:
        benchmark: what is measured.
        long: larger cases too, which take minutes.
        repetitions: turns of each contender, after one that does not count.
        progress: called with how many turns are done, of how many.
    """
    setting = benchmark.setting
    cases = setting.cases + (setting.long if long else ())
    notes: dict[tuple[Case, str], str] = {}
    workers: dict[str, ContenderProcess] = {}
    for name, one in benchmark.contenders.items():
        try:
            assert one.version is not None
            workers[name] = ContenderProcess(benchmark.module, name)
        except Absent as why:
            notes["", name] = str(why)
    turns = [(case, name) for case in cases for name in workers if benchmark.contenders[name].takes(case, long=long)]
    samples: Samples = defaultdict(list)
    rounds = [[turn for turn in turns if turn[0] == cases[0]], *[turns] * repetitions]
    done, total = 0, sum(map(len, rounds))
    try:
        for number, these in enumerate(rounds):
            for case, name in these:
                done += 1
                if (case, name) in notes or ("", name) in notes:
                    continue
                try:
                    figures = workers[name].does(case)
                except (Absent, Failed) as why:
                    notes[case, name] = str(why)
                else:
                    if number:
                        samples[case, name].append(figures if setting.unit in figures else {setting.unit: figures[""]})
                if progress is not None:
                    progress(done, total)
    finally:
        for worker in workers.values():
            worker.leave()
    return rows(benchmark, samples, notes), growth(benchmark, samples)


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Return the median and the quartiles around it."""
    low, middle, high = np.quantile(values, (0.25, 0.5, 0.75)).tolist()
    return middle, low, high


def rows(benchmark: Benchmark, samples: Samples, notes: Mapping[tuple[Case, str], str]) -> pd.DataFrame:
    """Return a row for each case, contender and unit, then one for whatever gave no figure.

    Args:
        benchmark: what was measured.
        samples: figures by case and contender, each by unit.
        notes: why there are none.
    """
    setting, contenders = benchmark.setting, benchmark.contenders
    table: list[dict[str, Any]] = []
    row: dict[str, Any]
    for (case, name), repeated in samples.items():
        if (case, name) in notes:
            continue
        who = {"benchmark": benchmark.name, "case": str(case), "contender": name, "version": contenders[name].version}
        base = samples.get((case, setting.base), ())
        for unit in repeated[0]:
            middle, low, high = quartiles([figures[unit] for figures in repeated])
            row = {**who, "unit": unit, "median": middle, "low": low, "high": high, "n": len(repeated), "note": ""}
            if unit == setting.unit and len(base) == len(repeated):
                ratios = [ours[unit] / theirs[unit] for ours, theirs in zip(repeated, base)]
                row |= dict(zip(("ratio", "ratio_low", "ratio_high"), quartiles(ratios)), base=setting.base)
            table.append(row)
    table += [
        {"benchmark": benchmark.name, "case": str(case), "contender": name, "n": 0, "note": why}
        for (case, name), why in notes.items()
    ]
    return pd.DataFrame(table, columns=list(ROWS))


def growth(benchmark: Benchmark, samples: Samples) -> pd.DataFrame:
    """Return how the cost of a case grows with the case, for whoever did several that are numbers.

    Args:
        benchmark: what was measured.
        samples: figures by case and contender, each by unit.
    """
    unit, table = benchmark.setting.unit, []
    for name in benchmark.contenders:
        curve = [(case, found) for (case, who), found in samples.items() if who == name and isinstance(case, int)]
        count = min((len(found) for _, found in curve), default=0)
        if len(curve) < 2 or not count:
            continue
        sizes = np.log([case for case, _ in curve])
        seconds = [[case / found[i][unit] for case, found in curve] for i in range(count)]
        exponents = [float(np.polyfit(sizes, np.log(one), 1)[0]) for one in seconds]
        table.append((benchmark.name, name, len(curve), *quartiles(exponents)))
    return pd.DataFrame(table, columns=list(GROWTH))
