"""Fuzz the native engine against a reference: `python benchmarks/fuzz.py --against eels --transactions 20000`.

`--against pyevm` knows Cancun and Prague. `--against eels` is the executable specification, which knows Osaka too; it
needs `pip install ethereum-execution`, best in an environment of its own, because its dependencies change how others
sign. Exits with 1 if any transaction differs, and prints the line that repeats it.
"""

from __future__ import annotations

import argparse
import sys
import time

from slashpoint.sim.engine import Engine, make_engine
from slashpoint.sim.luck import Luck
from slashpoint.sim.testing.fuzz import Episode


def reference(name: str, fork: str) -> Engine:
    """The engine to believe."""
    if name == "eels":
        from eels import Eels

        return Eels(fork)
    return make_engine(name, fork)


def main() -> int:
    """Play episodes until there were enough transactions; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", choices=("pyevm", "eels"), default="pyevm")
    parser.add_argument("--engine", default="native", help="the engine to doubt")
    parser.add_argument("--forks", default="cancun,prague", help="separated by commas")
    parser.add_argument("--transactions", type=int, default=2_000, help="for each fork, at least")
    parser.add_argument("--seed", type=int, default=0, help="of the first episode")
    options = parser.parse_args()
    sys.setrecursionlimit(20_000)  # both references call themselves for each call of the EVM
    differ = 0
    for fork in options.forks.split(","):
        began, executed, seed = time.perf_counter(), 0, options.seed
        while executed < options.transactions:
            luck = Luck("fuzz", fork, seed)
            episode = Episode(luck.generator(), reference(options.against, fork), make_engine(options.engine, fork))
            calls = 0 if options.against == "eels" else 2
            if difference := next(episode.play(calls=calls), ""):
                differ += 1
                print(f"DIFFERENT: {difference}")
                print(f"  fuzz.py --against {options.against} --forks {fork} --transactions 1 --seed {seed}")
            executed += episode.executed
            seed += 1
        rate = executed / (time.perf_counter() - began)
        print(
            f"{fork}: {executed} transactions against {options.against}, {rate:.0f}/s, seeds {options.seed}-{seed - 1}"
        )
    print(f"{differ} episodes differ")
    return int(differ > 0)


if __name__ == "__main__":
    sys.exit(main())
