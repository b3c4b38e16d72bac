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
    return slashpoint.simulate("oceanv4", list(attack), "small", 0, said, OCEAN)


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
    orders = moved[moved["asset"].str.startswith("DT/") & (moved["sender"].str.startswith("consumer"))]
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


FINDINGS = runpy.run_path(str(OCEAN / "findings.py"))["FINDINGS"]
WRITTEN = (OCEAN / "findings.out").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [one.__name__ for one in FINDINGS])
def test_a_finding_says_what_is_written_beside_it(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(OCEAN / "findings.py"))["main"]([name])
    said = capsys.readouterr().out
    assert said.startswith(f"{name}: ")
    assert said in WRITTEN


def test_a_finding_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(SystemExit, match=r"there is no finding nonsense; there are signature, "):
        runpy.run_path(str(OCEAN / "findings.py"))["main"](["nonsense"])


def profit(result: slashpoint.Result, who: str) -> float:
    return result.metric("profit", who)


@pytest.mark.parametrize("attack", ["empty_proof", "relock", "overclaim"])
def test_a_node_takes_whole_deposits_and_no_invariant_of_the_contract_breaks(attack: str) -> None:
    honest, result = run(), run(attack)
    assert list(result.violations["complaint"]) == []
    taken = profit(result, "provider/0") - profit(honest, "provider/0")
    assert taken > 200, "three locks of 300 OCEAN, at 0.25 USD, but for what was billed and gas"
    lost = sum(profit(honest, one) - profit(result, one) for one in ("consumer/0", "consumer/1"))
    assert taken == pytest.approx(lost, rel=0.05)


def test_money_that_is_left_in_the_escrow_is_taken_with_a_careless_authority() -> None:
    careless = run("relock", careful="false")
    assert profit(careless, "provider/0") > 200
    assert profit(run(careful="false"), "provider/0") < 10


def test_an_order_without_a_fee_is_served_only_where_the_node_does_not_look() -> None:
    saved = profit(run("unsigned_fee", checks="false"), "consumer/0") - profit(run(checks="false"), "consumer/0")
    assert saved > 0.25 * 2 * 2 * 0.9, "two orders' fees of 2 OCEAN"
    caught = run("unsigned_fee")
    jobs = caught.ledger["jobs"]
    mine = jobs[jobs["poster"] == "consumer/0"]
    assert len(mine) == 2
    assert mine["delivered"].isna().all()
    assert set(caught.violations["invariant"]) == {"liveness"}, "nobody gives the order's price back"


def test_wash_orders_cost_gas_alone() -> None:
    honest, result = run(), run("minted_orders")
    orders = result.ledger["events"]["event"].value_counts()["OrderStarted"]
    assert orders == 3 + 10
    moved = result.ledger["transfers"]
    mine = moved[(moved["sender"] == "publisher/0") & (moved["asset"] == "OCEAN")]
    assert mine.empty
    assert -3 < profit(result, "publisher/0") - profit(honest, "publisher/0") < 0


def test_each_invariant_of_the_contracts_can_break() -> None:
    at = runpy.run_path(str(OCEAN / "findings.py"))["Stage"]()
    at.world.violations.clear()
    at.does(at.bob, at.coin.transfer(at.escrow.address_, 1))
    broken = {name for _, name, _ in at.world.violations}
    assert broken >= {"escrow_adds_up", "markets_are_solvent"}, "a gift, which nobody owns"
    at.buys(at.bob, at.token)
    at.does(at.bob, at.market.at(at.token).transfer(at.market.community, 1))
    at.pays_in(at.ann, 10**18, 10**18, 3600, 1)
    at.does(at.node, at.lock(1, 10**18, 3600))
    broken |= {name for _, name, _ in at.world.violations}
    assert "an_order_takes_one_data_token" in broken
    assert "locked_is_the_sum_of_live_locks" not in broken
    at.market.locks.clear()
    at.world.facts._index[at.market.Lock, None].clear()
    at.world.check()
    broken |= {name for _, name, _ in at.world.violations}
    assert broken >= {"locked_is_the_sum_of_live_locks", "claims_stay_within_their_locks"}
