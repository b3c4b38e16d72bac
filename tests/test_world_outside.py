"""Looking into a world from outside: forks that leave no trace, calls that are only tried, a web3.py client."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

import pytest
from eth_utils.exceptions import ValidationError
from hexbytes import HexBytes

from slashpoint.experiments.setup.config import compose
from slashpoint.experiments.setup.run import build
from slashpoint.sim.engine import Status, Tx
from slashpoint.sim.ledger import Ledger
from slashpoint.sim.testing.assembly import assemble
from slashpoint.sim.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from web3 import Web3
    from web3.types import TxParams

STRANGER = "0x" + "11" * 20


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
    assert contract.functions.balanceOf(client.to_checksum_address(ann)).call() == token.balanceOf(ann)
    with pytest.raises(RuntimeError, match="engine=eth_tester"):
        world("pyevm").web3()
    lived.forget()


@pytest.fixture(scope="module")
def market() -> Iterator[tuple[World, Web3, Any, dict[int, int]]]:
    """A market whose base fee is above a gwei, a client, its contract of the token, and somebody's tokens by block."""
    lived = world("eth_tester", "chain.base_fee_gwei=50", blocks=0)
    client, token, ann = lived.web3(), lived.tokens["MDC"], min(lived.accounts)
    had = {}
    for _ in range(12):
        lived.step()
        token.forget_()
        had[client.eth.block_number] = token.balanceOf(ann)
    contract = client.eth.contract(address=client.to_checksum_address(token.address_), abi=token.artifact_.abi)
    yield lived, client, contract, had
    lived.forget()


def test_a_web3_client_asks_for_nothing_and_at_any_block(market: tuple[World, Web3, Any, dict[int, int]]) -> None:
    lived, client, contract, had = market
    ann = client.to_checksum_address(min(lived.accounts))
    asked = contract.functions.balanceOf(ann)
    assert asked.call() == asked.call({"from": STRANGER}) == had[client.eth.block_number]
    assert {block: asked.call(block_identifier=block) for block in had} == had
    assert len({*had.values()}) > 1
    assert client.eth.get_balance(ann, min(had)) > client.eth.get_balance(ann)  # fees were paid
    with pytest.raises(ValidationError, match="lower than block's base fee"):
        asked.call({"gasPrice": 10**9})  # who names a fee means it


def test_a_web3_client_pays_what_it_is_told(market: tuple[World, Web3, Any, dict[int, int]]) -> None:
    _, client, contract, had = market
    ann, bob = client.eth.accounts[:2]
    transfer = contract.functions.transfer(bob, 0)
    assert transfer.estimate_gas() == transfer.estimate_gas({"from": STRANGER})
    assert transfer.estimate_gas({"from": ann}, block_identifier=max(had) - 1) > 21_000
    long: TxParams = {"from": ann, "to": bob, "data": HexBytes(b"\1" * 1_000)}
    assert client.eth.estimate_gas(long) == 21_000 + 40 * 1_000  # the floor of EIP-7623
    for sent in (
        transfer.transact({"from": ann}),
        client.eth.send_transaction({**long, "gas": client.eth.estimate_gas(long)}),
        client.eth.send_transaction({"from": ann, "to": bob, "gasPrice": client.eth.gas_price}),
    ):
        assert client.eth.wait_for_transaction_receipt(sent)["status"] == 1


def test_a_web3_client_finds_events_from_the_earliest_block_on(market: tuple[World, Web3, Any, dict[int, int]]) -> None:
    contract = market[2]
    said = contract.events.Transfer.get_logs(from_block=0)
    assert len(said) > 3
    assert contract.events.Transfer.get_logs(from_block="earliest") == said
    assert contract.events.Transfer.create_filter(from_block="earliest").get_all_entries() == said


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
