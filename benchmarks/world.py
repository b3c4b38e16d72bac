"""A whole world: agent-transactions per second of wall time with 10, 100 and 1,000 trainers, on each engine here.

    python benchmarks/world.py [--json] [--engine ENGINE] [--profile]

One request to a ModelMarket, honest people, the surrogate instead of training: scripts, chain, EVM, ledger and
invariants are timed (`World.run`); deployment and the first funding (`build`) are timed apart. Block space is no limit
here, so that what is measured is the machine. Engines and sizes are interleaved; medians over the repetitions, with
their range. `--profile` prints where the time of the largest world goes instead.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import pstats
import statistics
from importlib.util import find_spec
from time import perf_counter
from typing import TYPE_CHECKING

from slashpoint.experiments.config import compose
from slashpoint.experiments.run import build
from slashpoint.sim.ledger import Ledger, read

if TYPE_CHECKING:
    from slashpoint.sim.world import World

SIZES = (10, 100, 1_000)
REPETITIONS = {10: 7, 100: 5, 1_000: 3}
ENGINES = ("native", "pyevm", "eth_tester")
SLOW = {("eth_tester", 1_000)}  # minutes


def world(engine: str, trainers: int) -> tuple[World, Ledger]:
    """A deployed world and its ledger."""
    said = (
        "scenario=small", "scenario.jobs=1", f"engine={engine}", f"protocol.seats.trainer={trainers}",
        "protocol.endowment.mdc=500", "chain.gas_limit=1000000000", "chain.background=0",
    )  # fmt: skip
    if engine == "eth_tester":
        said += ("chain.addresses=keys",)  # it signs
    ledger = Ledger()
    return build(compose(said), ledger), ledger


def once(engine: str, trainers: int) -> tuple[float, float, int]:
    """Seconds to build, seconds to live, and the transactions that people had in blocks."""
    began = perf_counter()
    alive, ledger = world(engine, trainers)
    built = perf_counter()
    alive.run(jobs=1, blocks=2_000)
    lived = perf_counter()
    alive.forget()
    ledger.close()
    status = read(ledger)["transactions"]["status"]
    assert (status == "success").all()
    return built - began, lived - built, len(status)


def measure(engines: list[str]) -> list[dict[str, float | int | str]]:
    """A row for each engine and size."""
    cells = [(size, engine) for size in SIZES for engine in engines if (engine, size) not in SLOW]
    taken: dict[tuple[int, str], list[tuple[float, float, int]]] = {cell: [] for cell in cells}
    for engine in engines:
        once(engine, 2)  # imports, and what is made on first use
    for repetition in range(max(REPETITIONS.values())):
        for size, engine in cells:
            if repetition < REPETITIONS[size]:
                taken[size, engine].append(once(engine, size))
    rows: list[dict[str, float | int | str]] = []
    for (size, engine), runs in taken.items():
        rates = sorted(transactions / seconds for _, seconds, transactions in runs)
        rows.append({
            "engine": engine, "trainers": size, "transactions": runs[0][2], "n": len(runs),
            "build_s": round(statistics.median(built for built, _, _ in runs), 3),
            "run_s": round(statistics.median(lived for _, lived, _ in runs), 3),
            "tx_per_s": round(statistics.median(rates)), "low": round(rates[0]), "high": round(rates[-1]),
        })  # fmt: skip
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one JSON document")
    parser.add_argument("--engine", choices=ENGINES, action="append", help="only this one; may be repeated")
    parser.add_argument("--profile", action="store_true", help="where the time of the largest world goes")
    args = parser.parse_args()
    here = [name for name in ENGINES if name != "native" or find_spec("slashpoint_revm")]
    engines = args.engine or here
    if args.profile:
        once(engines[0], 2)
        alive, _ = world(engines[0], SIZES[-1])
        with cProfile.Profile() as profile:
            alive.run(jobs=1, blocks=2_000)
        pstats.Stats(profile).sort_stats("tottime").print_stats(12)
        return
    rows = measure(engines)
    if args.json:
        print(json.dumps(rows))
        return
    print("engine      trainers     txs   n  build s   run s    tx/s         range")
    for row in rows:
        print(
            f"{row['engine']:<11}{row['trainers']:>9,}{row['transactions']:>8,}{row['n']:>4}{row['build_s']:>9.2f}"
            f"{row['run_s']:>8.2f}{row['tx_per_s']:>8,}{row['low']:>8,}–{row['high']:,}"
        )


if __name__ == "__main__":
    main()
