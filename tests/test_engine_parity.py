"""Engines against one another: eth-tester, with signatures and tries, tells the same as py-evm without."""

from __future__ import annotations

from functools import partial

import pytest

from slashpoint.sim.engine import BlockContext, Signer, Status, Tx, make_engine
from slashpoint.sim.engine.eth_tester import EthTester
from slashpoint.sim.engine.keys import address_of, key_of
from slashpoint.sim.engine.pyevm import PyEvm
from slashpoint.sim.luck import Luck
from slashpoint.sim.testing import check_engine, engine_trace
from slashpoint.sim.testing.assembly import assemble, initcode, returns
from slashpoint.sim.testing.stage import Stage
from slashpoint.sim.testing.traffic import run_traffic
from slashpoint.sim.units import ETH, GWEI

ALICE, BOB = address_of("alice", "keys"), address_of("bob", "keys")


def test_the_rules_are_answered_alike():
    ours, theirs = engine_trace(PyEvm), engine_trace(EthTester)
    for rule, answers in ours.items():
        assert theirs[rule] == answers, rule


@pytest.mark.slow
@pytest.mark.parametrize("fork", ["cancun", "prague"])
def test_eth_tester_conforms(fork):
    check_engine(partial(EthTester, fork), fork)


@pytest.mark.parametrize(("fork", "seed"), [("prague", 1), ("prague", 2), ("cancun", 3)])
def test_random_traffic_is_answered_alike(fork, seed):
    traces = []
    for make in (PyEvm, EthTester):
        stage = Stage(make(fork), fork)
        run_traffic(stage, Luck("parity", seed))
        traces.append(stage.trace)
    assert traces[0] == traces[1]


@pytest.fixture
def engine():
    engine = make_engine("eth_tester")
    engine.learn("alice", "bob")
    engine.fund(ALICE, ETH)
    return engine


def _block(number, **fields):
    return BlockContext(number, 1_000 + number, GWEI, 30_000_000, **fields)


def _pay(nonce, wei=1):
    return Tx(ALICE, BOB, value=wei, max_fee=2 * GWEI, nonce=nonce)


def test_it_signs_only_for_those_whom_it_knows():
    engine = EthTester()
    assert isinstance(engine, Signer)
    engine.fund(ALICE, ETH)
    with pytest.raises(ValueError, match=r"nobody knows the key of 0x88819b0f.*chain\.addresses=keys"):
        engine.run_block(_block(1), [_pay(0)])


def test_it_has_no_clock_and_no_luck_of_its_own():
    heads = set()
    for _ in range(2):
        engine = EthTester()
        engine.learn("alice")
        engine.fund(ALICE, ETH)
        engine.run_block(_block(3, prevrandao=b"\7" * 32), [_pay(0)])
        web3 = engine.web3()
        web3.eth.wait_for_transaction_receipt(
            web3.eth.send_transaction({"from": web3.eth.accounts[0], "to": web3.eth.accounts[0]})
        )
        heads.add(web3.eth.get_block("latest")["hash"])
    assert len(heads) == 1


def test_web3_sees_the_chain(engine):
    init = initcode(assemble(*returns(7)))
    creating = Tx(ALICE, None, init, gas=200_000, max_fee=2 * GWEI, nonce=1)
    result = engine.run_block(_block(4), [_pay(0, 5), creating])
    web3 = engine.web3()
    block = web3.eth.get_block(4, full_transactions=True)
    assert web3.eth.chain_id == 1
    assert (block["timestamp"], block["baseFeePerGas"], block["gasUsed"]) == (1_004, GWEI, result.gas.sum())
    receipt = web3.eth.get_transaction_receipt(block["transactions"][1]["hash"])
    assert bytes.fromhex(receipt["contractAddress"][2:]) == result.output[1]
    assert web3.eth.get_balance(web3.to_checksum_address(BOB)) == 5
    assert int.from_bytes(web3.eth.call({"to": receipt["contractAddress"]}), "big") == 7


def test_what_web3_sends_is_on_the_chain(engine):
    engine.run_block(_block(1), [_pay(0)])
    web3 = engine.web3()
    signed = web3.eth.account.sign_transaction(
        {
            "to": web3.to_checksum_address(BOB), "value": 3, "gas": 21_000, "nonce": 1, "chainId": web3.eth.chain_id,
            "maxFeePerGas": 2 * GWEI, "maxPriorityFeePerGas": 1,
        },
        key_of("alice"),
    )  # fmt: skip
    receipt = web3.eth.wait_for_transaction_receipt(web3.eth.send_raw_transaction(signed.raw_transaction))
    assert (receipt["blockNumber"], engine.balance(BOB), engine.nonce(ALICE)) == (2, 4, 2)
    assert engine.run_block(_block(3), [_pay(2)]).status[0] == Status.SUCCESS


def test_a_restored_chain_is_the_one_that_web3_sees(engine):
    engine.run_block(_block(1), [_pay(0)])
    snapshot, web3 = engine.snapshot(), engine.web3()
    for wei in (10, 20):
        engine.run_block(_block(2), [_pay(1, wei)])
        assert web3.eth.get_balance(web3.to_checksum_address(BOB)) == 1 + wei
        engine.restore(snapshot)
        assert web3.eth.block_number == 1
        assert engine.balance(BOB) == 1


def test_blocks_go_forward(engine):
    engine.run_block(_block(5), [])
    with pytest.raises(ValueError, match="block 5 is not after 5"):
        engine.run_block(_block(5), [])
    with pytest.raises(ValueError, match="no fork 'osaka'; there are cancun, prague"):
        EthTester("osaka")
