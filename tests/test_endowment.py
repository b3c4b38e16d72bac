"""First money: nobody owns more than there is, and who posts jobs owns what they cost."""

from __future__ import annotations

import pytest

from slashpoint.experiments.cli import HELD, MISCONFIGURED, UNDECIDED, main
from slashpoint.experiments.setup.config import compose
from slashpoint.experiments.setup.run import simulate
from slashpoint.experiments.study.executor import Point, evaluate
from slashpoint.sim.errors import Misconfigured
from slashpoint.sim.units import ETH

POSTING = ("scenario.jobs=2", "scenario.interval=12", "scenario.blocks=12")  # and no more
DEAR = {
    "modelmarket": "protocol.reward=700",
    "competition": "protocol.prize=700",
    "federated": "protocol.reward=50",
    "collective": "protocol.proposer_reward=50",
}  # a job for which the usual endowment of 1,000 MDC would do, and two for which it would not


def held(result, who: str, asset: str = "MDC") -> int:
    rows = result.ledger["holdings"].query("account == @who and asset == @asset and kind == 'balance'")
    return sum(rows["amount"])


def unposted(result) -> list[str]:
    return [warning for warning in result.warnings if "jobs posted" in warning]


def test_endowments_beyond_the_supply_are_refused_by_name() -> None:
    """The token has a fixed supply of a million."""
    with pytest.raises(Misconfigured, match=r"trainer/0 is to own 400000 MDC, and of their supply 200000 are left"):
        simulate(scenario="small", overrides=["engine=pyevm", "protocol.endowment.mdc=400000"])


@pytest.mark.parametrize("protocol", DEAR)
def test_who_posts_owns_what_its_jobs_cost_and_no_more(protocol: str) -> None:
    result = simulate(protocol, scenario="small", overrides=[*POSTING, DEAR[protocol]])
    assert len(jobs := result.ledger["jobs"]) == 2
    assert held(result, jobs["poster"].iloc[0]) == 0
    assert not unposted(result)


@pytest.mark.parametrize("protocol", DEAR)
def test_what_sufficed_stays_as_it_was(protocol: str) -> None:
    funding = simulate(protocol, scenario="small", overrides=POSTING).ledger["transfers"].query("cause == 'funding'")
    given = funding[funding["sender"] == "genesis"]
    assert {asset: set(rows["amount"] // ETH) for asset, rows in given.groupby("asset")} == {"ETH": {10}, "MDC": {1000}}


@pytest.mark.parametrize("protocol", DEAR)
def test_a_given_endowment_is_obeyed_and_the_run_says_how_many_jobs_were_posted(protocol: str) -> None:
    said = [*POSTING, DEAR[protocol], "protocol.endowment.mdc=1000"]
    result = simulate(protocol, scenario="small", overrides=said)
    assert len(result.ledger["jobs"]) == 1
    assert unposted(result) == ["1 of 2 jobs posted: ERC20InsufficientBalance"]


def test_an_endowment_given_in_one_asset_leaves_the_other_to_what_jobs_cost() -> None:
    said = [*POSTING, DEAR["modelmarket"], "protocol.endowment.eth=5"]
    assert compose(said).scenario.given == ["eth"]
    assert compose([*said, "protocol.endowment={mdc:1500}"]).scenario.given == ["eth", "mdc"]
    assert not unposted(simulate(scenario="small", overrides=said))


def test_an_asset_that_nobody_is_endowed_with_is_refused() -> None:
    with pytest.raises(Misconfigured, match=r"scenario.given=\[gold\]: there are eth, mdc"):
        compose(["scenario.given=[gold]"])
    with pytest.raises(Misconfigured, match=r"scenario.given=mdc: it must be a list"):
        compose(["scenario.given=mdc"])


def test_gas_counts_among_what_jobs_cost() -> None:
    """At a base fee of 2,000 gwei ten ether do not carry a request to its end."""
    dear = ["scenario.jobs=2", "chain.base_fee_gwei=2000"]
    usual = simulate(scenario="small", overrides=[*dear, "protocol.endowment.eth=1"])
    assert unposted(usual)
    result = simulate(scenario="small", overrides=dear)
    assert held(result, "requester/0", "ETH") > 0
    assert not unposted(result)


@pytest.mark.parametrize(("protocol", "who"), [("modelmarket", "requester/0"), ("ocean", "consumer/0")])
def test_too_little_ether_for_gas_is_said_to_be_infeasible_and_in_ether(protocol: str, who: str) -> None:
    said = [*POSTING, "protocol.endowment.eth=0.0003"]
    result = simulate(protocol, scenario="small", overrides=said)
    assert (
        f"infeasible: {who} does not own what the gas of a job may cost, 0.0084 ETH (it owns 0.0003)"
        in result.run.notes
    )
    doubts = "".join(result.warnings)
    assert "the sender has 0.000" in doubts
    assert "wei" not in doubts
    assert not [note for note in simulate(protocol, scenario="small", overrides=POSTING).run.notes if "infeas" in note]


def test_where_nobody_could_send_a_job_none_is_said_to_be_sent() -> None:
    result = simulate("ocean", scenario="small", overrides=[*POSTING, "protocol.endowment.eth=0.001"])
    assert unposted(result) == ["0 of 2 jobs posted: none was sent"]


def test_what_the_supply_does_not_cover_is_not_posted_and_said_to_be_infeasible() -> None:
    result = simulate(scenario="small", overrides=[*POSTING, "protocol.reward=1000000"])
    assert unposted(result) == ["0 of 2 jobs posted: ERC20InsufficientBalance"]
    (note,) = [note for note in result.run.notes if "infeasible" in note]
    assert note == "infeasible: requester/0 does not own what a job costs, 1.00002e+06 MDC (it owns 995000)"


def test_rows_say_how_many_jobs_were_posted() -> None:
    said = ("scenario=small", *POSTING, DEAR["modelmarket"])
    rows = evaluate([Point(said), Point((*said, "protocol.endowment.mdc=1000"))])
    assert list(rows["unposted"]) == ["", "1 of 2 jobs posted: ERC20InsufficientBalance"]
    assert "1 of 2 jobs posted" in rows["notes"][1]


def test_a_sweep_says_of_which_settings_jobs_were_not_posted(tmp_path, capsys) -> None:
    said = ["scenario=small", *POSTING, "protocol.reward=100,700", "protocol.endowment.mdc=1000", "seed=0"]
    assert main(["sweep", *said, "--metric", "posted", "--quiet", "--out", str(tmp_path)]) == MISCONFIGURED
    assert main(["sweep", *said, "--metric", "jobs_per_hour", "--quiet", "--out", str(tmp_path)]) == HELD
    told = capsys.readouterr().out.splitlines()
    assert "note      1 of 2 jobs posted: ERC20InsufficientBalance (protocol.reward=700)" in told
    assert "note      nothing was trained: accuracy comes from a formula fitted to digits" in told


def test_under_strict_jobs_that_were_not_posted_fail(tmp_path, capsys) -> None:
    said = ["scenario=small", *POSTING, DEAR["modelmarket"], "protocol.endowment.mdc=1000"]
    assert main(["run", *said, "--quiet", "--out", str(tmp_path)]) == HELD
    assert "1 of 2 jobs posted" in capsys.readouterr().out
    assert main(["run", *said, "--quiet", "--strict", "--out", str(tmp_path)]) == UNDECIDED


def test_an_attacker_with_many_accounts_posts_its_jobs_all_the_same() -> None:
    """Its money is shared among its accounts, of which one posts."""
    result = simulate(attack="cancel_dilution", scenario="small")
    assert len(result.ledger["jobs"]) == 3
