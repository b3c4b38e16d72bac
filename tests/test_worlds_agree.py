"""A whole run is the same on every engine: signed, readable and native."""

from __future__ import annotations

import importlib.util

import pytest

import slashpoint
from slashpoint.experiments.setup.catalogue import presets

OVERRIDES = ("scenario.jobs=1", "chain.addresses=keys")


@pytest.fixture(scope="module")
def reference() -> str:
    return slashpoint.simulate(scenario="small", attack="overclaim", overrides=[*OVERRIDES, "engine=pyevm"]).full_hash


@pytest.mark.parametrize("engine", ["eth_tester", "native"])
def test_a_whole_run_has_one_hash(reference: str, engine: str) -> None:
    if engine == "native" and importlib.util.find_spec("slashpoint_revm") is None:
        pytest.skip("the native engine is not built")
    run = slashpoint.simulate(scenario="small", attack="overclaim", overrides=[*OVERRIDES, f"engine={engine}"])
    assert run.full_hash == reference
    assert run.violations.empty


def test_the_hash_says_what_happened(reference: str) -> None:
    assert reference != slashpoint.simulate(scenario="small", overrides=[*OVERRIDES, "engine=pyevm"]).full_hash


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["literal", "hardened"])
@pytest.mark.parametrize("protocol", sorted(presets("protocol")))
def test_every_protocol_has_one_hash_on_all_engines(protocol: str, variant: str) -> None:
    """Signed, readable and native: the same gas of every transaction, the same ledger to the last byte."""
    engines = ["pyevm", "eth_tester", *(["native"] if importlib.util.find_spec("slashpoint_revm") else [])]
    said = [*OVERRIDES, f"protocol.variant={variant}"]
    runs = [slashpoint.simulate(protocol, scenario="small", overrides=[*said, f"engine={one}"]) for one in engines]
    assert len({run.full_hash for run in runs}) == 1
    assert len({tuple(run.ledger["transactions"]["gas"]) for run in runs}) == 1
