"""A whole run is the same on every engine: signed, readable and native."""

from __future__ import annotations

import importlib.util

import pytest

import slashpoint

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
