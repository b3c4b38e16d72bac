"""The EVM behind one interface (`interface`), and the engines that implement it."""

from __future__ import annotations

import importlib.util
import os

from slashpoint.sim.engine.interface import (
    ERC20_TRANSFER,
    ZERO_ADDRESS,
    BlockContext,
    BlockResult,
    ByColumns,
    CallResult,
    Engine,
    Log,
    Movement,
    Signer,
    Status,
    TokenTransfers,
    Transfer,
    Tx,
)

__all__ = [
    "ENGINES",
    "ERC20_TRANSFER",
    "ZERO_ADDRESS",
    "BlockContext",
    "BlockResult",
    "ByColumns",
    "CallResult",
    "Engine",
    "Log",
    "Movement",
    "Signer",
    "Status",
    "TokenTransfers",
    "Transfer",
    "Tx",
    "make_engine",
]

ENGINES = ("auto", "native", "pyevm", "eth_tester")


def make_engine(name: str = "auto", fork: str = "prague") -> Engine:
    """Return an engine by its name.

    Args:
        name: one of ENGINES; `auto` is the native one where it is installed and SLASHPOINT_NATIVE is not 0, else pyevm.
        fork: of Ethereum, such as prague.

    Raises:
        ValueError: the engine, or its fork, does not exist.
        ImportError: `native` was asked for and is not installed.
    """
    if name == "auto":
        native = os.environ.get("SLASHPOINT_NATIVE") != "0" and importlib.util.find_spec("slashpoint_revm")
        name = "native" if native else "pyevm"
    match name:  # imported where they are made: each takes half a second
        case "native":
            from slashpoint.sim.engine.native import Native

            return Native(fork)
        case "pyevm":
            from slashpoint.sim.engine.pyevm import PyEvm

            return PyEvm(fork)
        case "eth_tester":
            from slashpoint.sim.engine.eth_tester import EthTester

            return EthTester(fork)
        case _:
            raise ValueError(f"there is no engine {name!r}; there are {', '.join(ENGINES)}")
