"""Raw speed: pre-encoded ERC-20 transfers per second, in blocks of 100, 1,000 and 10,000, beside verbs if it is there.

    python benchmarks/raw.py [--json] [--long]

The native engine checks nonces, funds and the block's gas limit, charges fees, and records receipts, logs and every
movement of wei; verbs (PyPI `verbs`, tried with 0.4.1) has free gas and no limit. All variants are interleaved in one
process; medians over the repetitions, with their range.

    verbs           submit, process, fetch the events
    native          a list of transactions down, status and gas back
    native, logs    the same, with every log as a Python object
    native, columns columns down, status, gas and decoded event columns back
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import sys
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
import slashpoint_revm

from slashpoint.sim.engine import BlockContext, Tx
from slashpoint.sim.engine.columns import CallColumns
from slashpoint.sim.engine.native import Native
from slashpoint.sim.luck import Luck
from slashpoint.sim.units import ETH, GWEI

if TYPE_CHECKING:
    from collections.abc import Callable

TOKEN = json.loads((Path(__file__).parents[1] / "contracts/build/ModelCoin.json").read_text())
TRANSFER = bytes.fromhex("a9059cbb") + bytes(12)
GAS, MAX_FEE = 80_000, 10 * GWEI
HOLDERS = [(0x1000 + i).to_bytes(20, "big") for i in range(1_000)]
SIZES = (100, 1_000, 10_000)


class Traffic:
    """The same random transfers for everybody."""

    def __init__(self, name: str) -> None:
        self._rng = Luck("raw", name).generator()
        self._nonces = dict.fromkeys(HOLDERS, 0)
        self._nonces[HOLDERS[0]] = 1 + len(HOLDERS)

    def block(self, size: int) -> list[tuple[bytes, bytes, int]]:
        """Sender, calldata and nonce of so many transfers."""
        rows = []
        for sender, receiver, amount in self._rng.integers(
            (len(HOLDERS), len(HOLDERS), 10**6), size=(size, 3)
        ).tolist():
            who = HOLDERS[sender]
            rows.append((who, TRANSFER + HOLDERS[receiver] + amount.to_bytes(32, "big"), self._nonces[who]))
            self._nonces[who] += 1
        return rows


def initcode() -> bytes:
    """The token's, without airdrop."""
    return bytes.fromhex(TOKEN["bytecode"].removeprefix("0x")) + bytes(32)


def native(name: str, runs: Callable[[Native, bytes, list[Tx]], float]) -> Callable[[int], float]:
    """A native engine whose holders have coins; returns what times a block on it."""
    engine, traffic = Native(), Traffic(name)
    for holder in HOLDERS:
        engine.fund(holder, 10**6 * ETH)
    deploy = Tx(HOLDERS[0], None, initcode(), gas=5_000_000, max_fee=MAX_FEE)
    roomy = BlockContext(1, 1, GWEI, 10**9)
    token = engine.run_block(roomy, [deploy]).output[0]
    engine.register(token, slashpoint_revm.Abi(json.dumps(TOKEN["abi"])))
    grants = [
        Tx(HOLDERS[0], token, TRANSFER + holder + (900 * ETH).to_bytes(32, "big"), 0, GAS, MAX_FEE, 0, 1 + i)
        for i, holder in enumerate(HOLDERS)
    ]
    assert engine.run_block(roomy, grants).status.all()

    def block(size: int) -> float:
        txs = [Tx(who, token, data, 0, GAS, MAX_FEE, GWEI, nonce) for who, data, nonce in traffic.block(size)]
        return runs(engine, token, txs)

    return block


def rows(engine: Native, _: bytes, txs: list[Tx]) -> float:
    """A list of transactions down, status and gas back."""
    context = BlockContext(2, 2, GWEI, GAS * len(txs))
    began = perf_counter()
    result = engine.run_block(context, txs)
    took = perf_counter() - began
    assert result.status.all()
    return took


def logs(engine: Native, _: bytes, txs: list[Tx]) -> float:
    """The same, with every log as a Python object."""
    context = BlockContext(2, 2, GWEI, GAS * len(txs))
    began = perf_counter()
    seen = list(engine.run_block(context, txs).logs)
    took = perf_counter() - began
    assert len(seen) == len(txs)
    return took


def columns(engine: Native, token: bytes, txs: list[Tx]) -> float:
    """Columns down, columns of decoded events back."""
    context = BlockContext(2, 2, GWEI, GAS * len(txs))
    count = len(txs)
    calls = CallColumns(
        sender=b"".join(tx.sender for tx in txs),
        to=token * count,
        data=b"".join(tx.data for tx in txs),
        ends=np.arange(1, count + 1, dtype=np.uint64) * np.uint64(len(txs[0].data)),
        value=bytes(32 * count),
        gas=np.full(count, GAS, np.uint64),
        max_fee=np.full(count, MAX_FEE, np.uint64),
        tip=np.full(count, GWEI, np.uint64),
        nonce=np.array([tx.nonce for tx in txs], np.uint64),
    )
    began = perf_counter()
    events = engine.run_columns(context, calls).event_columns()
    took = perf_counter() - began
    assert len(events[token, "Transfer"].tx) == count
    return took


def verbs() -> Callable[[int], float]:
    """The same transfers on verbs; returns what times a block on it."""
    from verbs.envs import EmptyEnvGasPriority

    environment, traffic = EmptyEnvGasPriority(1), Traffic("verbs")
    for holder in HOLDERS:
        environment.create_account(holder, 10**6 * ETH)
    token = environment.deploy_contract(HOLDERS[0], "ModelCoin", initcode())
    for holder in HOLDERS:
        environment.execute(HOLDERS[0], token, TRANSFER + holder + (900 * ETH).to_bytes(32, "big"), 0)

    def block(size: int) -> float:
        txs = [(who, token, data, False, None, None, None) for who, data, _ in traffic.block(size)]
        began = perf_counter()
        environment.submit_transactions(txs)
        environment.process_block()
        seen = environment.get_last_events()
        took = perf_counter() - began
        assert len(seen) == size
        return took

    return block


def measure(repetitions: int = 5, transfers: int = 30_000) -> list[dict[str, object]]:
    """Transfers per second by variant and size of block: median, least and most over the repetitions."""
    variants = {
        "native": native("rows", rows),
        "native, logs": native("logs", logs),
        "native, columns": native("columns", columns),
    }
    if importlib.util.find_spec("verbs"):
        variants = {"verbs": verbs(), **variants}
    table: list[dict[str, object]] = []
    for size in SIZES:
        rates: dict[str, list[float]] = {name: [] for name in variants}
        for repetition in range(repetitions + 1):
            for name, block in variants.items():
                rate = transfers / sum(block(size) for _ in range(transfers // size))
                if repetition:  # the first warms up
                    rates[name].append(rate)
        base = statistics.median(rates["verbs"]) if "verbs" in rates else None
        for name, seen in rates.items():
            middle = statistics.median(seen)
            ratio = middle / base if base else None
            table.append(
                {"block": size, "variant": name, "rate": middle, "least": min(seen), "most": max(seen), "ratio": ratio}
            )
    return table


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--long", action="store_true", help="four times as many transfers")
    options = parser.parse_args()
    table = measure(transfers=120_000 if options.long else 30_000)
    if options.json:
        json.dump(table, sys.stdout, indent=1)
        return
    for row in table:
        ratio = f"{row['ratio']:5.2f} x verbs" if row["ratio"] else ""
        spread = f"({row['least']:9,.0f} - {row['most']:9,.0f})"
        print(f"{row['block']:6} {row['variant']:16} {row['rate']:9,.0f}/s {spread} {ratio}")


if __name__ == "__main__":
    main()
