"""A recorder before an engine: what was executed to make contracts stand, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

from slashpoint.experiments.check.stage import build

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slashpoint.experiments.check.request import Request
    from slashpoint.experiments.check.stage import Stage
    from slashpoint.sim.engine import BlockContext, BlockResult, Engine, Tx


class Executed(NamedTuple):
    """A transaction, and what came of it."""

    context: BlockContext
    tx: Tx
    created: bytes  # the address of the contract that it created, 20 bytes; nothing where it called one


class Recorder:
    """Passes everything on to an engine, and remembers the transactions."""

    def __init__(self, engine: Engine) -> None:
        self.executed: list[Executed] = []
        self._engine = engine

    def run_block(self, context: BlockContext, txs: Sequence[Tx]) -> BlockResult:
        """Execute a block, and remember each transaction of it."""
        result = self._engine.run_block(context, txs)
        for i, tx in enumerate(txs):
            self.executed.append(Executed(context, tx, b"" if tx.to else bytes(result.output[i])))
        return result

    def __getattr__(self, name: str) -> Any:
        """Return what the engine has."""
        return getattr(self._engine, name)


def recorded(request: Request) -> tuple[Stage, list[Executed]]:
    """Return what a request deploys, and the transactions that made it stand."""
    recorders: list[Recorder] = []

    def through(engine: Engine) -> Engine:
        recorders.append(Recorder(engine))
        return cast("Engine", recorders[0])

    stage = build(request, through)
    return stage, recorders[0].executed.copy()
