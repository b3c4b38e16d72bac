"""The published contracts of a data market, bound in examples/ocean: what holds on the real code, and what does not."""

from __future__ import annotations

import json
import runpy
from functools import cache
from pathlib import Path

import pytest

import slashpoint

OCEAN = Path(__file__).parents[1] / "examples" / "ocean"


@cache
def run(*attack: str, engine: str = "auto", jobs: int = 3, **terms: str) -> slashpoint.Result:
    said = [f"engine={engine}", f"scenario.jobs={jobs}", *(f"protocol.{name}={value}" for name, value in terms.items())]
    return slashpoint.simulate("ocean", list(attack), "small", 0, said, OCEAN)


@pytest.mark.skipif(not (OCEAN / "node_modules").exists(), reason="npm ci was not run in examples/ocean")
def test_the_artifacts_are_those_of_the_package() -> None:
    taken = runpy.run_path(str(OCEAN / "extract.py"))["artifacts"]()
    assert taken == {path.name: path.read_text() for path in (OCEAN / "artifacts").glob("*.json")}


def test_the_artifacts_say_which_version_they_are_from() -> None:
    origin = json.loads((OCEAN / "artifacts" / "package.json").read_text())
    locked = json.loads((OCEAN / "package-lock.json").read_text())["packages"]["node_modules/@oceanprotocol/contracts"]
    assert {**origin, **locked} == origin, "version, licence and integrity are those of the lock"
    assert "resolved" not in locked, "a lock names no registry"
    assert sum(path.stat().st_size for path in (OCEAN / "artifacts").iterdir()) < 10**6


def test_the_honest_story_is_told_from_publishing_to_the_claim() -> None:
    result = run()
    assert list(result.violations["complaint"]) == []
    jobs, moved = result.ledger["jobs"], result.ledger["transfers"]
    assert jobs["outcome"].tolist() == ["Claimed"] * 3
    assert jobs["delivered"].notna().all()
    assert "unknown" not in set(moved["cause"])
    rows = result.ledger["transactions"]
    assert (rows["status"] == "success").all()
    told = set(result.ledger["events"]["event"])
    assert told >= {"NFTCreated", "TokenCreated", "ExchangeCreated", "Swapped", "ProviderFee", "OrderStarted"}
    assert told >= {"Deposit", "Auth", "Lock", "Claimed", "Withdraw"}


def test_an_order_takes_one_data_token_and_leaves_three_per_cent_to_the_community() -> None:
    moved = run().ledger["transfers"]
    orders = moved[(moved["asset"] == "DT/0") & (moved["sender"].str.startswith("consumer"))]
    assert sorted(orders["amount"].tolist()) == [3 * 10**16] * 3 + [97 * 10**16] * 3
    swaps = moved[(moved["asset"] == "OCEAN") & (moved["receiver"] == "FixedRateExchange")]
    assert swaps["amount"].tolist() == [10_010 * 10**15] * 3, "the rate and 0.1 %"


def test_the_escrow_keeps_a_thousandth_of_what_is_claimed_for_the_community() -> None:
    result = run()
    events = result.ledger["events"]
    claimed = [int(json.loads(args)["amount"]) for args in events[events["event"] == "Claimed"]["args"]]
    moved = result.ledger["transfers"]
    fees = moved[(moved["sender"] == "Escrow") & (moved["receiver"] == "OPFCommunityFeeCollector")]
    assert fees["amount"].tolist() == [amount // 1000 for amount in claimed]


@pytest.mark.parametrize("engine", ["native", pytest.param("eth_tester", marks=pytest.mark.slow)])
def test_the_real_contracts_do_the_same_on_every_engine(engine: str) -> None:
    assert run(engine=engine, jobs=1).chain_hash == run(engine="pyevm", jobs=1).chain_hash
