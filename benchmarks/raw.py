"""Raw transfers: pre-encoded ERC-20 transfers per second through an engine, without agents.

A thousand holders, random payments, in blocks of a size. The native engine checks nonces, funds and the block's gas
limit, charges fees, and records receipts, logs and every movement of wei; "logs" hands every log over as an object,
"columns" takes columns and returns columns of decoded events. verbs submits, processes and fetches the events: free
gas, no limit. simular, pyrevm and titanoboa have no blocks and run one by one (pyrevm and titanoboa keep slots warm
between transactions, so that their gas is wrong and their work less); anvil takes a block as one batch over HTTP.
"""

from __future__ import annotations

import json
from time import perf_counter
from typing import TYPE_CHECKING

from slashpoint.benchmarks.transfers import TRANSFER, coin
from slashpoint.experiments.bench.benchmark import Once, Setting, contender
from slashpoint.sim.units import ETH, GWEI

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from slashpoint.sim.engine import Tx
    from slashpoint.sim.engine.native import Native

SETTING = Setting("transfers/s", "block", (100, 1_000, 10_000), base="verbs")
GAS, MAX_FEE = 80_000, 10 * GWEI
HOLDERS = [(0x1000 + i).to_bytes(20, "big") for i in range(1_000)]
TRANSFERS = 10_000  # of a turn


def payments(size: int) -> Iterator[list[tuple[bytes, bytes]]]:
    """Yield blocks of random payments, the same for everybody: sender and calldata."""
    from slashpoint.sim.luck import Luck

    rng = Luck("raw").generator()
    while True:
        drawn = rng.integers((len(HOLDERS), len(HOLDERS), 10**6), size=(size, 3)).tolist()
        yield [(HOLDERS[a], TRANSFER + HOLDERS[b] + amount.to_bytes(32, "big")) for a, b, amount in drawn]


def grants() -> list[bytes]:
    """Return calldata that gives every holder coins."""
    return [TRANSFER + holder + (900 * ETH).to_bytes(32, "big") for holder in HOLDERS]


def turns(size: int, run: Callable[[list[tuple[bytes, bytes]]], float], transfers: int = TRANSFERS) -> Once:
    """Return what runs so many transfers in blocks, `run` telling the seconds of each.

    Args:
        size: transactions of a block.
        run: runs a block and returns its seconds.
        transfers: of a turn.
    """
    blocks = payments(size)
    count = max(1, transfers // size)
    return lambda: count * size / sum(run(next(blocks)) for _ in range(count))


def one_by_one(size: int, transact: Callable[[bytes, bytes], object], transfers: int) -> Once:
    """Return what runs so many transfers where there are no blocks.

    Args:
        size: transactions that are drawn at once.
        transact: sends one, by sender and calldata.
        transfers: of a turn.
    """

    def run(block: list[tuple[bytes, bytes]]) -> float:
        began = perf_counter()
        for sender, data in block:
            transact(sender, data)
        return perf_counter() - began

    return turns(size, run, transfers)


def on_native(size: int, run: Callable[[Native, bytes, list[Tx]], float]) -> Once:
    """Return a native engine whose holders have coins.

    Args:
        size: transactions of a block.
        run: runs a block on an engine and returns its seconds.
    """
    import slashpoint_revm

    from slashpoint.sim.engine import BlockContext, Tx
    from slashpoint.sim.engine.native import Native

    engine, artifact = Native(), coin()
    for holder in HOLDERS:
        engine.fund(holder, 10**6 * ETH)
    roomy = BlockContext(1, 1, GWEI, 10**9)
    deploy = Tx(HOLDERS[0], None, artifact.deploy_data(False), 0, 5_000_000, MAX_FEE)
    token = engine.run_block(roomy, [deploy]).output[0]
    engine.register(token, slashpoint_revm.Abi(json.dumps(artifact.abi)))
    given = [Tx(HOLDERS[0], token, data, 0, GAS, MAX_FEE, 0, 1 + i) for i, data in enumerate(grants())]
    assert engine.run_block(roomy, given).status.all()
    nonces = {holder: engine.nonce(holder) for holder in HOLDERS}

    def block(paid: list[tuple[bytes, bytes]]) -> float:
        txs = []
        for sender, data in paid:
            txs.append(Tx(sender, token, data, 0, GAS, MAX_FEE, GWEI, nonces[sender]))
            nonces[sender] += 1
        return run(engine, token, txs)

    return turns(size, block)


@contender("native", "slashpoint-revm", "make native")
def native(size: int) -> Once:
    from slashpoint.sim.engine import BlockContext

    def run(engine: Native, _: bytes, txs: list[Tx]) -> float:
        began = perf_counter()
        result = engine.run_block(BlockContext(2, 2, GWEI, GAS * len(txs)), txs)
        took = perf_counter() - began
        assert result.status.all()
        return took

    return on_native(size, run)


@contender("native, logs", "slashpoint-revm", "make native")
def native_logs(size: int) -> Once:
    from slashpoint.sim.engine import BlockContext

    def run(engine: Native, _: bytes, txs: list[Tx]) -> float:
        began = perf_counter()
        seen = list(engine.run_block(BlockContext(2, 2, GWEI, GAS * len(txs)), txs).logs)
        took = perf_counter() - began
        assert len(seen) == len(txs)
        return took

    return on_native(size, run)


@contender("native, columns", "slashpoint-revm", "make native")
def native_columns(size: int) -> Once:
    import numpy as np

    from slashpoint.sim.engine import BlockContext
    from slashpoint.sim.engine.columns import CallColumns

    def run(engine: Native, token: bytes, txs: list[Tx]) -> float:
        count = len(txs)
        calls = CallColumns(
            sender=b"".join(tx.sender for tx in txs), to=token * count, data=b"".join(tx.data for tx in txs),
            ends=np.arange(1, count + 1, dtype=np.uint64) * np.uint64(len(txs[0].data)), value=bytes(32 * count),
            gas=np.full(count, GAS, np.uint64), max_fee=np.full(count, MAX_FEE, np.uint64),
            tip=np.full(count, GWEI, np.uint64), nonce=np.array([tx.nonce for tx in txs], np.uint64),
        )  # fmt: skip
        began = perf_counter()
        events = engine.run_columns(BlockContext(2, 2, GWEI, GAS * count), calls).event_columns()
        took = perf_counter() - began
        assert len(events[token, "Transfer"].tx) == count
        return took

    return on_native(size, run)


@contender("verbs", "verbs==0.4.1")
def verbs(size: int) -> Once:
    from verbs.envs import EmptyEnvGasPriority

    environment = EmptyEnvGasPriority(1)
    for holder in HOLDERS:
        environment.create_account(holder, 10**6 * ETH)
    token = environment.deploy_contract(HOLDERS[0], "ModelCoin", coin().deploy_data(False))
    for data in grants():
        environment.execute(HOLDERS[0], token, data, 0)

    def run(paid: list[tuple[bytes, bytes]]) -> float:
        txs = [(sender, token, data, False, None, None, None) for sender, data in paid]
        began = perf_counter()
        environment.submit_transactions(txs)
        environment.process_block()
        seen = environment.get_last_events()
        took = perf_counter() - began
        assert len(seen) == size
        return took

    return turns(size, run)


@contender("simular", "simular-evm==0.3.0", most=100)
def simular(size: int) -> Once:
    from simular import PyAbi, PyEvm

    engine, artifact = PyEvm(), coin()
    abi = PyAbi.from_abi_bytecode(json.dumps(artifact.abi), artifact.deploy_data(False)[:-32])
    names = {holder: "0x" + holder.hex() for holder in HOLDERS}
    for name in names.values():
        engine.create_account(name, 10**6 * ETH)
    token = engine.deploy("(false)", names[HOLDERS[0]], 0, abi)

    def transact(sender: bytes, data: bytes) -> object:  # it takes no calldata, only arguments in words
        arguments = f"({names[data[16:36]]}, {int.from_bytes(data[36:], 'big')})"
        return engine.transact("transfer", arguments, names[sender], token, 0, abi)

    for data in grants():
        transact(HOLDERS[0], data)
    return one_by_one(size, transact, 5_000)


@contender("pyrevm", "pyrevm==0.3.7", most=100)
def pyrevm(size: int) -> Once:
    from pyrevm import EVM

    engine = EVM(gas_limit=2**40, spec_id="CANCUN")
    names = {holder: "0x" + holder.hex() for holder in HOLDERS}
    for name in names.values():
        engine.set_balance(name, 10**6 * ETH)
    token = engine.deploy(names[HOLDERS[0]], coin().deploy_data(False))
    for data in grants():
        engine.message_call(names[HOLDERS[0]], token, data)
    return one_by_one(size, lambda sender, data: engine.message_call(names[sender], token, data), 5_000)


@contender("titanoboa", "titanoboa==0.2.8", most=100)
def titanoboa(size: int) -> Once:
    import boa

    engine = boa.Env()
    names = {holder: boa.util.abi.Address("0x" + holder.hex()) for holder in HOLDERS}
    for name in names.values():
        engine.set_balance(name, 10**6 * ETH)
    token, _ = engine.deploy_code(sender=names[HOLDERS[0]], bytecode=coin().deploy_data(False))

    def transact(sender: bytes, data: bytes) -> None:
        assert not engine.execute_code(token, sender=names[sender], data=data).is_error

    for data in grants():
        transact(HOLDERS[0], data)
    return one_by_one(size, transact, 200)


@contender("anvil", most=1_000)
def anvil(size: int) -> Once:
    from slashpoint.benchmarks.peers.anvil import Anvil

    node = Anvil(10 * len(HOLDERS) * GAS)
    names = {holder: "0x" + holder.hex() for holder in HOLDERS}
    nonces = dict.fromkeys(HOLDERS, 0)
    node.ask(*(("anvil_setBalance", [name, hex(10**6 * ETH)]) for name in names.values()))

    def send(sender: bytes, data: bytes, gas: int = GAS, **more: str) -> tuple[str, list[object]]:
        nonces[sender] += 1  # a node asked in batches does not count for us
        known = {"from": names[sender], "data": "0x" + data.hex(), "gas": hex(gas), "nonce": hex(nonces[sender] - 1)}
        return "eth_sendTransaction", [{**known, **more}]

    (deployed,) = node.ask(send(HOLDERS[0], coin().deploy_data(False), 5_000_000))
    node.ask(("evm_mine", []))
    token = node.ask(("eth_getTransactionReceipt", [deployed]))[0]["contractAddress"]
    node.ask(*(send(HOLDERS[0], data, to=token) for data in grants()))
    node.ask(("evm_mine", []))

    def run(paid: list[tuple[bytes, bytes]]) -> float:
        began = perf_counter()
        node.ask(*(send(sender, data, to=token) for sender, data in paid))
        node.ask(("evm_mine", []))
        (receipts,) = node.ask(("eth_getBlockReceipts", ["latest"]))
        took = perf_counter() - began
        assert [receipt["status"] for receipt in receipts] == ["0x1"] * size, len(receipts)
        return took

    return turns(size, run, 1_000)
