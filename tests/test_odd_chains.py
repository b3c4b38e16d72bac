"""Odd but legal chains: no run crashes, nobody is accused of what the setting does; the rest is refused by name."""

from __future__ import annotations

import numpy as np
import pytest

from slashpoint.experiments.cli import HELD, main
from slashpoint.experiments.setup.config import compose
from slashpoint.experiments.setup.run import run, simulate
from slashpoint.sim.chain import MOST_WEI, next_base_fee
from slashpoint.sim.errors import Misconfigured
from slashpoint.sim.recorder.transactions import product

ODD = [
    "scenario.blocks=0",
    "scenario.blocks=1",
    "chain.block_time=1e-9",
    "chain.block_time=0.3",
    "chain.block_time=7.7",
    "chain.block_time=100",
    "chain.block_time=500",
    "chain.block_time=1e6",
    "chain.gas_limit=21000",
    "chain.gas_limit=430000",
    "chain.gas_limit=1000000000000",
    "chain.base_fee_gwei=0",
    "chain.elasticity=1",
    "chain.elasticity=1000",
    "chain.denominator=1",
    "chain.denominator=1000000",
    "chain.background=1e6",
    "chain.volatility=10",
    "chain.reversion=1",
    "chain.tip_gwei=0",
    "chain.genesis=100000000",
    "scenario.crowd={members: 20, eager: 1.0, sigma: 10.0}",
    "scenario.crowd={members: 20, eager: 1.0, tip_gwei: 1e-9, cap_gwei: 1e-9}",
    "scenario.crowd={members: 20, eager: 1.0, tip_gwei: 0, cap_gwei: 0}",
]
DEAR = ["chain.base_fee_gwei=1e6", "chain.base_fee_gwei=1e9", "chain.tip_gwei=1e9"]
LATE = ["chain.block_time=1e6 scenario.blocks=8000", "scenario.blocks=1000000000"]


def played(said: str, *more: str):
    return simulate(scenario="small", overrides=["scenario.jobs=1", "scenario.blocks=300", said, *more])


@pytest.mark.parametrize("said", ODD)
def test_no_invariant_accuses_an_odd_chain(said: str) -> None:
    assert list(played(said).violations["complaint"]) == []


@pytest.mark.parametrize("said", ["scenario.blocks=0", "chain.gas_limit=21000"])
def test_where_nothing_happened_there_is_a_report_of_it(said: str, tmp_path) -> None:
    assert main(["run", "scenario=small", said, "--quiet", "--out", str(tmp_path)]) == HELD
    assert list(tmp_path.rglob("report.html"))


@pytest.mark.parametrize("engine", ["pyevm", "eth_tester"])
@pytest.mark.parametrize("said", ["scenario.blocks=0", "chain.block_time=0.3", "chain.gas_limit=21000"])
def test_nor_on_another_engine(said: str, engine: str) -> None:
    assert list(played(said, f"engine={engine}", "chain.addresses=keys").violations["complaint"]) == []


@pytest.mark.parametrize("said", DEAR)
def test_of_a_chain_that_nobody_can_pay_only_liveness_complains(said: str) -> None:
    """The keeper's calls are dropped: no rule of the protocol is broken, and yet the world is stuck."""
    violations = played(said).violations
    assert set(violations["invariant"]) == {"liveness"}
    assert violations["complaint"].str.contains("keeper: all .* calls of .* failed, the last by may cost").any()


@pytest.mark.parametrize("said", LATE)
def test_a_run_that_could_outlive_the_ledgers_clock_is_refused(said: str) -> None:
    with pytest.raises(Misconfigured, match=r"they end after the year 2262.* at most [0-9,]+ blocks do not"):
        compose(["scenario=small", *said.split()])


def test_the_base_fee_of_full_blocks_has_an_end(tmp_path) -> None:
    (tmp_path / "full.csv").write_text("share\n1\n")
    setting = [f"chain.replay={tmp_path / 'full.csv'}", "chain.base_fee_gwei=1e8", "scenario.blocks=300"]
    result = run(compose(["scenario=small", *setting]))
    assert result.ledger["blocks"]["base_fee"].max() == MOST_WEI
    assert next_base_fee(MOST_WEI, 100, 100) == MOST_WEI


def test_fees_beyond_64_bits_are_exact() -> None:
    gas = np.array([10**6, 21_000])
    assert list(product(gas, np.array([2**60, 3]))) == [10**6 * 2**60, 63_000]
    assert list(product(gas, 2**60)) == [10**6 * 2**60, 21_000 * 2**60]


@pytest.mark.parametrize(
    "protocol", ["modelmarket", "competition", "federated", pytest.param("collective", marks=pytest.mark.slow)]
)
def test_without_a_keeper_no_protocol_is_blamed_for_what_nobody_called(protocol: str) -> None:
    """That all windows end in time takes somebody who pokes."""
    said = [f"protocol={protocol}", "scenario=small", "scenario.jobs=1", "scenario.absent=[keeper/0]"]
    violations = run(compose([*said, "scenario.blocks=500"])).violations
    assert set(violations["invariant"]) == {"liveness"}
