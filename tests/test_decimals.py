"""Tokens that have not eighteen decimals: endowments, terms, books and prices go by what each token says."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from slashpoint.experiments.report.explain import story
from slashpoint.experiments.setup.config import compose
from slashpoint.experiments.setup.run import build, simulate
from slashpoint.sim.contract import Revert, ViewFailed
from slashpoint.sim.contract.artifact import BUILD, standing_in
from slashpoint.sim.contract.token import decimals_of
from slashpoint.sim.errors import Misconfigured
from slashpoint.sim.ledger import Ledger, read
from slashpoint.sim.metrics.run import Run
from slashpoint.sim.units import to_units

PROTOCOLS = ("modelmarket", "competition", "federated", "collective")
SUPPLY, AIRDROP = 10**24, 10**21  # of the build that is patched


def token(folder: Path, decimals: int) -> Path:
    """ModelCoin with other decimals, and a million of it all the same: its build with three constants replaced."""
    found = json.loads((BUILD / "ModelCoin.json").read_text())
    for amount, size in ((SUPPLY, 10), (AIRDROP, 9)):
        was, now = (
            f"{0x5F + size:x}{number.to_bytes(size).hex()}" for number in (amount, amount // 10 ** (18 - decimals))
        )
        assert was in found["bytecode"]
        found["bytecode"] = found["bytecode"].replace(was, now)
    assert found["bytecode"].count("5b60405160128152") == 1  # what `decimals` returns
    found["bytecode"] = found["bytecode"].replace("5b60405160128152", f"5b604051{0x60:x}{decimals:02x}8152")
    path = folder / f"ModelCoin{decimals}.json"
    path.write_text(json.dumps(found))
    return path


def lived(protocol: str, path: Path | None, *overrides: str) -> Run:
    with standing_in(*([path] if path else [])):
        result = simulate(protocol=protocol, scenario="small", overrides=["engine=pyevm", *overrides])
    assert result.violations.empty
    return result.run


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_market_with_a_token_of_six_decimals_moves_the_same_money(tmp_path: Path, protocol: str) -> None:
    usual, six = lived(protocol, None), lived(protocol, token(tmp_path, 6))
    mine = {who: amount for (who, asset), amount in six.net.items() if asset == "MDC"}
    assert any(mine.values())
    for who, amount in mine.items():
        assert amount / 10**6 == pytest.approx(usual.net[who, "MDC"] / 10**18, abs=1e-4), who
    for (who, asset), amount in usual.endowments.items():
        assert six.whole(asset, six.endowments[who, asset]) == pytest.approx(usual.whole(asset, amount), abs=1e-4)
    for who, amount in mine.items():  # what gas cost differs a little: calldata have other zeros
        assert six.usd("MDC", amount) == pytest.approx(usual.usd("MDC", usual.net[who, "MDC"]), abs=1e-4)
    assert six.tables.meta["decimals"] == '{"ETH": 18, "USD": 18, "MDC": 6}'


def test_a_token_without_decimals_is_counted_in_whole_ones(tmp_path: Path) -> None:
    run = lived("modelmarket", token(tmp_path, 0))
    reward = run.tables["jobs"]["reward"].iloc[0]
    assert reward == compose(["scenario=small"]).protocol.reward
    assert run.usd("MDC", 7) == pytest.approx(7 * run.prices["MDC"])
    told = "\n".join(line for moment in story(run, run.tables["jobs"]["job"].iloc[0]) for line in moment.then)
    assert f"{reward:,} MDC (reward)" in told


def test_payers_and_free_entry_count_in_the_tokens_own_units(tmp_path: Path) -> None:
    crowd = ("scenario.crowd.members=5", "scenario.crowd.eager=1", "scenario.free_entry=true", "scenario.jobs=2")
    run = lived("modelmarket", token(tmp_path, 6), *crowd)
    transfers = run.tables["transfers"]
    payments = transfers[transfers["cause"] == "payment"]["amount"]
    assert 0 < payments.max() < 1_000
    given = transfers[transfers["receiver"].str.startswith("payer/") & (transfers["asset"] == "MDC")]["amount"]
    assert given.iloc[0] == 10**6


def test_what_is_no_whole_number_of_smallest_units_is_refused_before_the_run(tmp_path: Path) -> None:
    with (
        standing_in(token(tmp_path, 0)),
        pytest.raises(Misconfigured, match=r"2\.5 of an asset with 0 decimals is no w"),
    ):
        build(compose(["scenario=small", "protocol.reward=2.5"]), Ledger(None))


@pytest.mark.parametrize(
    ("amount", "decimals", "units"), [(0.1, 6, 10**5), (12.3456789, 6, 12_345_679), (1e3, 18, 10**21)]
)
def test_units_are_rounded_where_nobody_can_tell(amount: float, decimals: int, units: int) -> None:
    assert to_units(amount, decimals) == units


@pytest.mark.parametrize(("amount", "decimals"), [(0.5, 0), (10.4, 0), (4e-7, 6), (1.5, 0)])
def test_units_are_refused_where_rounding_would_tell(amount: float, decimals: int) -> None:
    with pytest.raises(ValueError, match=f"with {decimals} decimals is no whole number"):
        to_units(amount, decimals)


def test_a_run_that_was_cut_short_knows_its_decimals(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "run")
    with standing_in(token(tmp_path, 6)):
        build(compose(["scenario=small"]), ledger)
    ledger.close(complete=False, why="Ctrl-C")
    assert Run(read(tmp_path / "run"), {"MDC": 2.0}).usd("MDC", 3 * 10**6) == 6.0


@pytest.mark.parametrize(
    ("said", "decimals"),
    [(None, 18), (0, 0), (77, 77), (78, "Odd has 78 decimals"), (ViewFailed("x", Revert("", {})), "read")],
)
def test_a_token_says_its_decimals_or_has_eighteen(said: Any, decimals: Any) -> None:
    def asked(*_: Any) -> int:
        if isinstance(said, Exception):
            raise said
        return int(said)

    functions = {} if said is None else {"decimals": []}
    odd: Any = SimpleNamespace(
        name_="Odd", decimals=asked, artifact_=SimpleNamespace(interface=SimpleNamespace(functions=functions))
    )
    if isinstance(decimals, int):
        assert decimals_of(odd) == decimals
    else:
        with pytest.raises(ValueError, match=decimals):
            decimals_of(odd)
