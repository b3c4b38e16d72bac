"""Looking into a world from outside: forks that leave no trace, calls that are only tried, a web3.py client."""

from __future__ import annotations

import importlib.util

import pytest

from slashpoint.experiments.config import compose
from slashpoint.experiments.run import build
from slashpoint.sim.engine import Status, Tx
from slashpoint.sim.ledger import Ledger
from slashpoint.sim.testing.assembly import assemble
from slashpoint.sim.world import World


def world(engine: str, *overrides: str, blocks: int = 12) -> World:
    """A market in which one job has been posted and answered."""
    config = compose(["scenario=small", "scenario.jobs=1", f"engine={engine}", "chain.addresses=keys", *overrides])
    lived = build(config, Ledger())
    for _ in range(blocks):
        lived.step()
    return lived


@pytest.mark.parametrize("engine", ["pyevm", "eth_tester", "native"])
def test_a_fork_leaves_no_trace(engine: str) -> None:
    if engine == "native":
        pytest.importorskip("slashpoint_revm")
    lived = world(engine)
    token, ann, bob = lived.tokens["MDC"], *sorted(lived.accounts)[:2]
    before = token.balanceOf(ann), token.balanceOf(bob)
    call = token.transfer(bob, before[0])
    with lived.fork() as chain:
        context = lived.chain.context(lived.chain.number + 1, lived.chain.time + lived.chain.period)
        sent = Tx(ann, call.to, call.data, 0, 100_000, 10**12, 0, chain.nonce(ann))
        assert chain.run_block(context, [sent]).status[0] == Status.SUCCESS
        token.forget_()
        assert token.balanceOf(ann) == 0
        assert token.balanceOf(bob) == sum(before)
    assert (token.balanceOf(ann), token.balanceOf(bob)) == before
    lived.step()  # and life goes on
    lived.check()
    assert lived.violations == []
    lived.forget()


def test_a_call_can_be_tried() -> None:
    lived = world("pyevm")
    token, ann = lived.tokens["MDC"], min(lived.accounts)
    rich = token.balanceOf(ann)
    assert lived.tries(token.transfer(ann, rich), ann).status == Status.SUCCESS
    assert lived.tries(token.transfer(ann, rich + 1), ann).status == Status.REVERTED
    assert token.balanceOf(ann) == rich
    lived.forget()


def test_web3_speaks_to_the_running_chain() -> None:
    lived = world("eth_tester")
    client = lived.web3()
    active = max(row[0] for row in lived.ledger.transactions.rows)
    assert client.eth.block_number == active
    ann = min(lived.accounts)
    assert client.eth.get_balance(client.to_checksum_address(ann)) == lived.engine.balance(ann)
    token = lived.tokens["MDC"]
    contract = client.eth.contract(address=client.to_checksum_address(token.address_), abi=token.artifact_.abi)
    fee = {"maxFeePerGas": 10**12, "maxPriorityFeePerGas": 0}  # eth-tester would offer 1 gwei, which may be too little
    assert contract.functions.balanceOf(client.to_checksum_address(ann)).call(fee) == token.balanceOf(ann)
    with pytest.raises(RuntimeError, match="engine=eth_tester"):
        world("pyevm").web3()
    lived.forget()


LOTTERY = b"\x77" * 20


def draws(engine: str, *overrides: str, blocks: int = 12) -> list[bytes]:
    """What a lottery draws by the hashes of the blocks 1, 3, 0 and 257 before the last one."""
    lived = world(engine, *overrides, blocks=blocks)
    draw = (0, "CALLDATALOAD", "NUMBER", "SUB", "BLOCKHASH", 0, "MSTORE", 32, 0, "RETURN")
    lived.engine.place(LOTTERY, code=assemble(*draw))
    context = lived.chain.context(lived.chain.number, lived.chain.time)
    asked = [Tx(bytes(20), LOTTERY, ago.to_bytes(32, "big"), gas=10**6) for ago in (1, 3, 0, 257)]
    drawn = [lived.engine.call(tx, context).output for tx in asked]
    lived.forget()
    return drawn


def test_a_lottery_by_block_hashes_draws_from_the_seed_on_every_engine() -> None:
    drawn = draws("pyevm")
    assert drawn[2:] == [bytes(32)] * 2
    assert len({*drawn}) == 3
    assert draws("eth_tester") == drawn
    assert not {*draws("pyevm", "seed=7")[:2]} & {*drawn}
    assert draws("pyevm", blocks=14)[1] == drawn[0]  # a block keeps its hash
    assert draws("pyevm", "scenario.scale=2") == drawn  # though more people were endowed in blocks of their own before
    if importlib.util.find_spec("slashpoint_revm"):
        assert draws("native") == drawn
