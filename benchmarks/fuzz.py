"""Random programs and transactions on the native engine beside a reference: any difference fails, and rates are told.

Each turn plays fresh episodes (contracts of random code, calls, creations, deaths, access lists, blocks) on both and
compares status, gas, output, logs, balances, storage and movements of wei. py-evm knows Cancun and Prague; `eels` is
the executable specification, which knows Osaka too and is best kept in an environment of its own, because its
dependencies change how others sign. `--long --repetitions 20` compares some fifty thousand transactions a fork.
"""

from __future__ import annotations

import itertools
import sys
from time import perf_counter
from typing import TYPE_CHECKING

from slashpoint.experiments.bench.benchmark import Absent, Once, Setting, contender

if TYPE_CHECKING:
    from collections.abc import Callable

    from slashpoint.sim.engine import Engine

SETTING = Setting("transactions/s", "fork", ("cancun", "prague", "osaka"))
TRANSACTIONS = 500  # of a turn, at least


def beside(fork: str, reference: Callable[[], Engine], calls: int) -> Once:
    """Return what plays episodes on the reference and the native engine, of other seeds in every turn.

    Args:
        fork: prague, …
        reference: makes the engine that is right by definition.
        calls: without a trace, after each block.
    """
    from importlib.util import find_spec

    from slashpoint.sim.engine import make_engine
    from slashpoint.sim.luck import Luck
    from slashpoint.sim.testing.fuzz import Episode

    if find_spec("slashpoint_revm") is None:
        raise Absent("the native engine, which is doubted here, is not installed: make native")
    sys.setrecursionlimit(20_000)  # both references call themselves for each call of the EVM
    seeds = itertools.count()

    def once() -> dict[str, float]:
        began, executed = perf_counter(), 0
        while executed < TRANSACTIONS:
            seed = next(seeds)
            episode = Episode(Luck("fuzz", fork, seed).generator(), reference(), make_engine("native", fork))
            difference = next(episode.play(calls=calls), "")
            assert not difference, f"Luck('fuzz', {fork!r}, {seed}): {difference}"
            executed += episode.executed
        return {SETTING.unit: executed / (perf_counter() - began), "compared": executed}

    return once


@contender("against pyevm")
def pyevm(fork: str) -> Once:
    from slashpoint.sim.engine import make_engine

    if fork == "osaka":
        raise Absent("py-evm stops at Prague")
    return beside(fork, lambda: make_engine("pyevm", fork), calls=2)


@contender("against eels", "ethereum-execution")
def eels(fork: str) -> Once:
    from slashpoint.benchmarks.peers.eels import Eels

    return beside(fork, lambda: Eels(fork), calls=0)  # the specification has no calls
