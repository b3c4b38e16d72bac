"""A rollup's data fee: the OP stack's own vectors, and who pays it in a run."""

from __future__ import annotations

import re

import numpy as np
import pytest

from slashpoint.agents.scenario import most_blocks
from slashpoint.experiments.cli import main
from slashpoint.experiments.report.tables import fees
from slashpoint.experiments.setup.folder import open_run
from slashpoint.experiments.setup.run import simulate
from slashpoint.sim.chain import Chain
from slashpoint.sim.engine import BlockContext, Status, Tx, make_engine
from slashpoint.sim.engine.envelope import envelope
from slashpoint.sim.ledger.money import Cause
from slashpoint.sim.luck import Luck
from slashpoint.sim.metrics.gas import costs, data_fees_by_phase
from slashpoint.sim.metrics.run import lines
from slashpoint.sim.rollup import DataFee, compressed_length, estimated_size
from slashpoint.sim.rules import ChainRules

# op-geth, core/types/rollup_cost_test.go and transaction_test.go
EMPTY_TX = bytes.fromhex("dd80808094095e7baea6a6c7c4c2dfeb977efac326af552d878080808080")
CALL_TX = bytes.fromhex(
    "02f901550a758302df1483be21b88304743f94f80e51afb613d764fa61751affd3313c190a86bb870151bd62fd12adb8e41ef24f3f"
    "000000000000000000000000000000000000000000000000000000000000006e"
    "000000000000000000000000af88d065e77c8cc2239327c5edb3a432268e5831"
    "000000000000000000000000000000000000000000000000000000000003c1e5"
    "0000000000000000000000000000000000000000000000000000000000000000"
    "00000000000000000000000000000000000000000000000000000000000000a0"
    "0000000000000000000000000000000000000000000000000000000000000014"
    "8c89ed219d02f1a5be012c689b4f5b731827bebe000000000000000000000000"
    "c001a033fd89cb37c31b2cba46b6466e040c61fc9b2a3675a7f5f493ebd5ad77c497f8"
    "a07cdf65680e238392693019b4092f610222e71b7cec06449cb922b93b6a12744e"
)


@pytest.mark.parametrize(
    ("data", "length"), [(b"", 0), (b"\1" * 1000, 21), (bytes(1000), 21), (EMPTY_TX, 31), (CALL_TX, 202)]
)
def test_lengths_under_fastlz_are_those_of_the_op_stack(data: bytes, length: int) -> None:
    assert compressed_length(data) == length


def rules(base_fee: float, blob_fee: float, scalar: int, blob_scalar: int, **more) -> ChainRules:
    return ChainRules(
        l1_base_fee_gwei=base_fee, l1_blob_base_fee_gwei=blob_fee, l1_base_fee_scalar=scalar,
        l1_blob_base_fee_scalar=blob_scalar, **more,
    )  # fmt: skip


def test_fees_are_those_of_the_op_stack() -> None:
    small = DataFee(rules(1.0, 0.01, 2, 3))
    assert [small.of(length) for length in (31, 100, 150, 170)] == [3_203_000] * 4  # the least size is 100 bytes
    assert all(small.of(length) > 3_203_000 for length in (171, 175, 200))
    assert DataFee(rules(0.002, 0.003, 20, 15)).of(235) == 105_484
    assert estimated_size(235) * 16 // 10**6 == 2463


def test_a_chain_without_scalars_is_no_rollup() -> None:
    assert not DataFee(ChainRules())
    assert DataFee(rules(1.0, 0.0, 1, 0))


def test_signed_bytes_have_the_length_of_a_real_signed_transaction() -> None:
    from eth_account import Account

    key = Account.from_key(b"\7" * 32)
    for data, value in ((b"", 10**18), (bytes(range(1, 200)), 0)):
        to, nonce, gas, tip, fee = b"\5" * 20, 300, 90_000, 10**6, 10**9
        signed = key.sign_transaction(
            {"chainId": 1, "nonce": nonce, "maxPriorityFeePerGas": tip, "maxFeePerGas": fee, "gas": gas,
             "to": to, "value": value, "data": data, "type": 2}
        ).raw_transaction  # fmt: skip
        tx = Tx(bytes.fromhex(key.address[2:]), to, data, value, gas, fee, tip, nonce)
        assert abs(len(envelope(tx)) - len(signed)) <= 2  # r and s may begin with a zero byte
        assert envelope(tx)[: len(signed) - 70] == bytes(signed)[: len(signed) - 70]


@pytest.fixture(params=["pyevm", "native"])
def chain(request):
    if request.param == "native":
        pytest.importorskip("slashpoint_revm")
    return Chain(make_engine(request.param), rules(1.0, 0.001, 5227, 1_014_213, background=0.0), Luck(0))


RICH, POOR, OTHER = b"\1" * 20, b"\2" * 20, b"\3" * 20


def taken(chain: Chain, sender: bytes) -> int:
    tx = Tx(sender, OTHER, b"", 1, 21_000, chain.base_fee, 0, 0)
    return chain._take(tx)


def test_everybody_pays_before_a_transaction_runs_and_never_more_than_it_has(chain: Chain) -> None:
    tx = Tx(RICH, OTHER, b"", 1, 21_000, chain.base_fee, 0, 0)
    fee = chain.data_fee.of(compressed_length(envelope(tx)))
    chain.engine.fund(RICH, 10**18)
    chain.engine.fund(POOR, fee - 1)
    assert taken(chain, RICH) == fee > 0
    assert chain.engine.balance(RICH) == 10**18 - fee
    assert taken(chain, POOR) == fee - 1
    context = BlockContext(1, chain.rules.genesis + 12, chain.base_fee, 10**7)
    result = chain.engine.run_block(context, [Tx(POOR, OTHER, b"", 0, 21_000, chain.base_fee, 0, 0)])
    assert result.status.tolist() == [Status.INVALID]


@pytest.fixture(scope="module")
def run():
    return simulate(scenario="small", seed=1, overrides=["chain=l2"])


def test_a_rollups_run_books_both_fees_and_loses_no_wei(run) -> None:
    assert list(run.violations["complaint"]) == []  # among them: balances are what was booked
    transfers, sent = run.ledger["transfers"], run.run.executed
    data = transfers[transfers["cause"] == Cause.DATA]
    assert len(data) == len(sent)
    assert set(data["receiver"]) == {"layer 1"}
    assert set(zip(data["block"], data["tx"], strict=True)) == set(zip(sent["block"], sent["index"], strict=True))


def test_data_fees_count_as_cost(run) -> None:
    paid = run.run.paid(Cause.GAS, Cause.TIP, Cause.DATA)["ETH"]
    assert sum(run.run.fees(run.run.executed)) == paid > run.run.paid(Cause.GAS, Cause.TIP)["ETH"]
    assert run.run.usd("ETH", paid) == pytest.approx(costs(run.run, "verb")["usd"].sum())
    assert run.run.usd("ETH", paid) == pytest.approx(run.metric("gas_cost"))


def test_the_table_of_gas_shows_what_was_paid_for_data(run) -> None:
    data = run.run.usd("ETH", run.run.paid(Cause.DATA)["ETH"])
    assert data_fees_by_phase(run.run).sum() == pytest.approx(data)
    table, plain = fees(run.run), fees(simulate(scenario="small", overrides=["scenario.jobs=1"]).run)
    assert [column.header for column in table.columns][-2:] == ["USD", "data fee, USD"]
    assert "data fee, USD" not in [column.header for column in plain.columns]
    cells = zip(table.columns[-2].cells, table.columns[-1].cells, strict=True)
    assert all(0 < float(str(part)) < float(str(usd)) for usd, part in cells)


def test_a_keeper_whose_calls_fail_waits_longer_each_time() -> None:
    dear = ["chain=l2", "chain.l1_base_fee_gwei=1e9", "scenario.jobs=1", "protocol=golem"]
    sent = simulate(scenario="small", overrides=dear).ledger["transactions"]
    pokes = sent[sent["verb"] == "pokes"]["time_ns"].to_numpy() / 10**9
    assert 5 < len(pokes) < 20
    assert (np.diff(pokes[1:]) >= 1.9 * np.diff(pokes[:-1])).sum() > 5


def test_more_bytes_cost_more(run) -> None:
    rows = run.ledger["transfers"]
    fee = {(block, tx): wei for block, tx, wei in lines(rows[rows["cause"] == Cause.DATA], "block", "tx", "amount")}
    by_function: dict[str, list[int]] = {}
    for block, index, function in lines(run.run.executed, "block", "index", "function"):
        by_function.setdefault(function, []).append(fee[block, index])
    assert min(by_function["uploadTruth"]) > max(by_function["withdraw"])


def test_a_rollup_is_the_same_on_all_engines() -> None:
    pytest.importorskip("slashpoint_revm")
    said = ["chain=l2", "chain.addresses=keys", "scenario.jobs=1"]
    engines = ("native", "pyevm", "eth_tester")
    hashes = {simulate(scenario="small", overrides=[*said, f"engine={one}"]).full_hash for one in engines}
    assert len(hashes) == 1


def test_crowds_pay_for_their_bytes_too() -> None:
    crowd = "scenario.crowd={members: 20, eager: 0.5}"
    found = simulate(scenario="small", overrides=["chain=l2", "scenario.jobs=1", "scenario.blocks=60", crowd])
    transfers = found.ledger["transfers"]
    payers = {who for who in transfers[transfers["cause"] == Cause.DATA]["sender"] if who.startswith("payer")}
    assert payers
    assert list(found.violations["complaint"]) == []


def test_an_end_is_final_after_the_chains_delay(run) -> None:
    assert run.metric("time_to_finality", "median") == run.metric("time_to_settle", "median") + 1500


@pytest.mark.parametrize(("asked", "block_time", "blocks"), [
    (None, 12.0, 2000), (None, 2.0, 12_000), (None, 500.0, 2000), (None, 1e-9, 24_000), (7, 2.0, 7), (0, 12.0, 0),
])  # fmt: skip
def test_a_run_may_last_as_long_on_quick_chains(asked: int | None, block_time: float, blocks: int) -> None:
    assert most_blocks(asked, block_time) == blocks


@pytest.mark.parametrize("said", ["chain.l1_base_fee_gwei=1000", "chain.l1_blob_base_fee_scalar=5227"])
def test_half_a_rollup_is_refused(said: str, capsys) -> None:
    assert main(["run", "scenario=small", said]) == 2
    assert said.split("=", maxsplit=1)[0] in capsys.readouterr().err


def test_a_story_on_a_rollup_counts_data_too(run, tmp_path, capsys) -> None:
    assert main(["run", "scenario=small", "scenario.jobs=1", "chain=l2", "--out", str(tmp_path), "--quiet"]) == 0
    capsys.readouterr()
    assert main(["explain", "last", "--out", str(tmp_path), open_run("last", tmp_path).tables["jobs"]["job"][0]]) == 0
    assert re.search(r"createRequest\(\), [\d,]+ gas and data = 0\.00\d+ USD", capsys.readouterr().out)
