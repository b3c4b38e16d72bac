"""A market of several contracts: factories, what is born of them in a run, and the money that all of them hold."""

from __future__ import annotations

import re
import shutil
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import slashpoint
from slashpoint.agents.me import Me
from slashpoint.experiments.setup.compile import compile_contracts
from slashpoint.experiments.setup.config import compose
from slashpoint.experiments.setup.run import build
from slashpoint.sim.contract import Artifact, Contract
from slashpoint.sim.contract.clones import IMPLEMENTATION_SLOT
from slashpoint.sim.engine import Tx
from slashpoint.sim.engine.keys import address_of
from slashpoint.sim.errors import Misconfigured
from slashpoint.sim.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slashpoint.sim.world import World

FAIR = Path(__file__).parent / "projects" / "fair"  # a factory, clones, tills that are no clones, tokens, a library
KEYS = "chain.addresses=keys"


@cache
def run(engine: str = "pyevm") -> slashpoint.Result:
    return slashpoint.simulate("fair", [], "small", 0, [f"engine={engine}", KEYS], FAIR)


@pytest.fixture
def world() -> Iterator[World]:
    """A fair in which three jobs were posted, worked on and paid."""
    world = build(compose(["protocol=fair", "scenario=small", "engine=pyevm", KEYS], FAIR), Ledger(None), project=FAIR)
    world.run(3, 2000)
    yield world
    world.forget()


def market(world: World) -> Any:
    return world.markets[0]


def worker(world: World) -> Me:
    return Me(world, next(one for one in world.accounts.values() if one.name == "worker/0"))  # type: ignore[arg-type]


def test_the_builds_of_the_fair_are_of_their_sources() -> None:
    assert compile_contracts(check=True, contracts=FAIR / "contracts") == 0


def test_an_honest_fair_keeps_every_invariant_and_explains_all_its_money() -> None:
    result = run()
    assert list(result.violations["complaint"]) == []
    jobs = result.ledger["jobs"]
    assert jobs["outcome"].tolist() == ["Paid"] * 3
    assert jobs["delivered"].notna().all()
    assert "unknown" not in set(result.ledger["transfers"]["cause"])


@pytest.mark.parametrize("engine", ["native", "eth_tester"])
def test_clones_are_decoded_equally_on_every_engine(engine: str) -> None:
    assert run(engine).chain_hash == run().chain_hash


def test_logs_of_clones_are_events_although_the_factory_speaks_after_them() -> None:
    events = run().ledger["events"]
    told = events[["contract", "event"]].value_counts()
    assert all(told[f"Stall/{i}", event] == 1 for i in range(3) for event in ("Ready", "HandedIn", "Paid"))
    assert all(told[f"Till/{i}", event] == 1 for i in range(3) for event in ("Filled", "Emptied"))
    handed = events[events["event"] == "HandedIn"]
    assert handed["job"].notna().all(), "what a clone says is about the job that it is"


def test_reverts_of_clones_are_decoded() -> None:
    rows = run().ledger["transactions"]
    reasons = rows[(rows["function"] == "handIn") & (rows["status"] == "reverted")]["reason"]
    assert len(reasons) == 6
    assert reasons.str.startswith("TooLate(due=").all()


def test_calls_of_clones_are_one_row_a_kind_in_the_table_of_gas() -> None:
    metrics = run().metrics
    keys = set(metrics[metrics["name"] == "gas_by_function"]["key"])
    assert "Stall:handIn" in keys or ("Stall", "handIn") in keys, keys


def test_a_token_that_is_born_in_a_run_is_money() -> None:
    moved = run().ledger["transfers"]
    minted = moved[moved["asset"].str.startswith("VOUCHER/")]
    assert minted["amount"].tolist() == [5 * 10**18] * 3
    assert set(minted["cause"]) == {"airdrop"}
    holdings = run().ledger["holdings"]
    assert (holdings["asset"] == "VOUCHER/0").sum() == 1
    assert set(run().ledger["events"]["event"]) >= {"Named"}, "its other events are heard too"


def test_wei_for_a_constructor_and_wei_between_contracts_of_a_market_are_booked() -> None:
    moved = run().ledger["transfers"]
    assert moved[(moved["sender"] == "genesis") & (moved["receiver"] == "Fair")]["amount"].tolist() == [3 * 10**18]
    inside = moved[moved["cause"] == "internal"]
    assert sorted(zip(inside["sender"], inside["receiver"])) == sorted(
        [("Fair", f"Stall/{i}") for i in range(3)] + [(f"Stall/{i}", f"Till/{i}") for i in range(3)]
    )


def test_a_market_that_loses_money_of_a_clone_is_insolvent(world: World) -> None:
    fact = world.facts.of(market(world).Paid, None)[0]
    world.engine.fund(fact.at, 7)
    world.booked["ETH"][fact.at] += 7
    world.check()
    assert any(name == "markets_are_solvent" for _, name, _ in world.violations)


def test_an_event_of_a_kind_is_heard_from_all_of_its_clones(world: World) -> None:
    facts = world.facts.of(market(world).HandedIn, None)
    assert len({fact.at for fact in facts}) == 3
    assert all(market(world).at(fact.at).worker() == fact.args["worker"] for fact in facts)


def test_events_are_found_in_each_contract_and_a_misspelt_one_lists_all(world: World) -> None:
    fair = market(world)
    assert fair.StallOpened.contract_name == "Fair"
    assert fair.event("Till.Filled") == fair.Filled
    with pytest.raises(AttributeError, match=r"no event 'Payd'; it has Fair\.StallOpened.*Stall\.Paid.*Till\.Filled"):
        _ = fair.Payd


def test_an_event_that_several_other_contracts_have_is_named_with_its_contract(world: World) -> None:
    fair, (stall,) = market(world), market(world).others
    fair.others = (stall, Contract(stall.artifact_, b"\1" * 20, world.engine, "Booth"))
    del fair.__dict__["sources"]
    with pytest.raises(AttributeError, match=r"several contracts have the event HandedIn.*Stall\.HandedIn or Booth\."):
        _ = fair.HandedIn
    assert fair.event("Booth.HandedIn").contract_name == "Booth"


def test_errors_that_come_back_through_another_contract_are_decoded(world: World) -> None:
    fair, receipts = market(world), []
    stall = world.facts.of(fair.HandedIn, None)[0].at

    def hands_in(me: Me) -> Iterator[Any]:
        receipts.append((yield me.sends(fair.contract.handInFor(stall, bytes(32)))))

    worker(world).spawn(hands_in)
    for _ in range(3):
        world.step()
    assert str(receipts[0].revert).startswith("TooLate(due=")


def test_views_answer_whoever_asks(world: World) -> None:
    fair = market(world)
    job = next(iter(fair.jobs.values()))
    assert fair.at(job.id).mine(sender=job.poster) is True
    assert fair.at(job.id).mine() is False


def test_clones_and_proxies_are_known_by_the_code_at_their_address(world: World) -> None:
    stall = market(world).others[0].address_
    codes = {
        b"\1" * 20: bytes.fromhex(f"363d3d373d3d3d363d73{stall.hex()}5af43d82803e903d91602b57fd5bf3"),
        b"\2" * 20: bytes.fromhex(f"365f5f375f5f365f73{stall.hex()}5af43d5f5f3e5f3d91602a57fd5bf3"),
        b"\3" * 20: bytes.fromhex(f"363d3d373d3d3d363d73{stall.hex()}5af43d82803e903d91602b57fd5bf3") + b"arguments",
        b"\4" * 20: world.engine.code(stall),
    }
    for address, code in codes.items():
        world.engine.place(address, code=code)
    world.engine.place(b"\5" * 20, code=b"\x60\0", storage={IMPLEMENTATION_SLOT: int.from_bytes(stall, "big")})
    for address in (*codes, b"\5" * 20):
        contract = world.contract_at(address)
        assert contract is not None, address
        assert contract.artifact_.name == "Stall"
        assert world.market_of[address] is market(world)


def test_what_nobody_knows_stays_unknown(world: World) -> None:
    world.engine.place(b"\6" * 20, code=b"\x60\1")
    assert world.contract_at(b"\6" * 20) is None
    assert world.contract_at(b"\7" * 20) is None
    with pytest.raises(KeyError, match="nobody knows what lives at 0x0707"):
        market(world).at(b"\7" * 20)


def test_a_library_that_is_not_linked_is_named(world: World) -> None:
    fair = Artifact.load(FAIR / "contracts" / "build" / "Fair.json")
    with pytest.raises(ValueError, match=r"Fair cannot be deployed before it is linked with .*Odds"):
        world.deploy(fair, bytes(20), bytes(20), 0)


def test_an_account_with_a_key_signs_what_contracts_recover(world: World) -> None:
    me = worker(world)
    signature = me.signs(bytes(range(32)))
    assert signature == me.signs(bytes(range(32))), "the same each time"
    data = bytes(range(32)) + signature.v.to_bytes(32, "big") + signature.r + signature.s
    recovered = world.engine.call(Tx(me.address, (1).to_bytes(20, "big"), data, gas=100_000)).output
    assert recovered[12:] == me.address == address_of(me.name, "keys")
    assert signature.packed == signature.r + signature.s + bytes([signature.v])


def test_an_account_without_a_key_says_what_to_set() -> None:
    world = build(compose(["protocol=fair", "scenario=small", "engine=pyevm"], FAIR), Ledger(None), project=FAIR)
    with pytest.raises(Misconfigured, match="worker/0 signs, and has no key: set chain.addresses=keys"):
        worker(world).signs(bytes(32))
    world.forget()


def test_what_the_docs_say_of_several_contracts_is_what_the_fair_does() -> None:
    text = (FAIR.parents[2] / "docs" / "concepts.md").read_text()
    section = text[
        text.index("### A market of several contracts") : text.index("### A protocol that shares a contract")
    ]
    shown = [line.strip() for line in section.splitlines() if line.startswith("    ")]
    written = {line.strip() for line in (FAIR / "protocols" / "fair.py").read_text().splitlines()}
    assert len(shown) == 8
    assert [line for line in shown if line not in written] == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("market.HandedIn", "market.HandedOut", "Client: market.HandedOut: Fair has no such thing"),
        ('"Paid", "Closed"', '"Paid", "Shut"', "Fair.closing_events: there is no event 'Shut'"),
        ("contract.issue", "contract.isue", "Client: contract.isue: Fair has no such function"),
        ('"VoucherBorn": Birth', '"VoucherBorne": Birth', "Fair.births: there is no event 'VoucherBorne'"),
        ('Birth("till", till)', 'Birth("tills", till)', "Fair.births: Paid has no argument 'tills'"),
    ],
)
def test_what_a_market_of_several_contracts_misspells_is_told_before_anything_runs(
    tmp_path: Path, old: str, new: str, told: str
) -> None:
    shutil.copytree(FAIR, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    file = tmp_path / "protocols" / "fair.py"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    with pytest.raises(Misconfigured, match=re.escape(told)):
        slashpoint.simulate("fair", [], "small", 0, [], tmp_path)
