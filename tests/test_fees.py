"""The table of fees: what a phase costs on layer 1 and on a rollup is what runs on each paid."""

from __future__ import annotations

import pytest

from slashpoint.experiments.cli import main
from slashpoint.experiments.setup.run import simulate
from slashpoint.experiments.study.fees import CHAINS, fees
from slashpoint.sim.metrics.gas import data_fees_by_phase, fees_by_phase, gas_by_phase


def test_phases_cost_what_runs_on_each_chain_paid() -> None:
    table = fees(["modelmarket"], ["scenario.jobs=1", "seed=2"]).set_index("phase")
    l1, l2 = (simulate(scenario="small", seed=2, overrides=["scenario.jobs=1", f"chain={one}"]).run for one in CHAINS)
    assert table["gas"].to_dict() == gas_by_phase(l1).to_dict()
    assert table["usd_l1"].to_dict() == pytest.approx(fees_by_phase(l1).to_dict())
    assert table["usd_l2"].to_dict() == pytest.approx(fees_by_phase(l2).to_dict())
    assert table["data_l2"].to_dict() == pytest.approx(data_fees_by_phase(l2).to_dict())
    assert (table["usd_l1"] > table["usd_l2"]).all()
    assert (table["usd_l2"] > table["data_l2"]).all()


@pytest.mark.parametrize(("said", "named"), [("golme", "golem"), ("chain=l2", "chain"), ("attack=lazy", "attack")])
def test_what_it_compares_cannot_be_set(said: str, named: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fees", said]) == 2
    assert named in capsys.readouterr().err
