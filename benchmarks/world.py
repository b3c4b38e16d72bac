"""A crowd: one request to a ModelMarket and ever more trainers who answer it, on each engine.

Everybody is honest and the surrogate stands in for training. Timed is `World.run`: scripts, chain, EVM, facts,
invariants and ledger, fixed costs included; deployment and the first funding are not. The chain's gas limit is raised,
because a request pays all of its trainers in one transaction: what is measured is the machine, not block space.
"""

from __future__ import annotations

from time import perf_counter

from slashpoint.experiments.bench.benchmark import Once, Setting, contender

SETTING = Setting("transactions/s", "trainers", (10, 100, 1_000), base="pyevm")


def crowd(engine: str, trainers: int, *more: str) -> Once:
    """Return what runs a fresh world in every turn.

    Args:
        engine: its name.
        trainers: how many.
    """
    from slashpoint.experiments.setup.config import compose
    from slashpoint.experiments.setup.run import build
    from slashpoint.sim.ledger import Ledger, read

    config = compose((
        "scenario=small", "scenario.jobs=1", f"engine={engine}", f"protocol.seats.trainer={trainers}",
        "protocol.endowment.mdc=500", "chain.gas_limit=1000000000", "chain.background=0", *more,
    ))  # fmt: skip

    def once() -> float:
        ledger = Ledger()
        world = build(config, ledger)
        began = perf_counter()
        world.run(jobs=1, blocks=2_000)
        took = perf_counter() - began
        world.forget()
        ledger.close()
        status = read(ledger)["transactions"]["status"]
        assert (status == "success").all()
        return len(status) / took

    return once


@contender("native", "slashpoint-revm", "make native")
def native(trainers: int) -> Once:
    return crowd("native", trainers)


@contender("pyevm", most=100, most_long=1_000)
def pyevm(trainers: int) -> Once:
    return crowd("pyevm", trainers)


@contender("eth_tester", most=10, most_long=100)
def eth_tester(trainers: int) -> Once:
    return crowd("eth_tester", trainers, "chain.addresses=keys")  # it signs
