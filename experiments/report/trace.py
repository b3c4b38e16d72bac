"""One transaction of a run, made again up to its block and watched: the tree of its calls."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from omegaconf import OmegaConf

from slashpoint.experiments.report.call_tree import Line, Namer, lines
from slashpoint.experiments.setup.rerun import restored
from slashpoint.experiments.setup.run import build
from slashpoint.sim.contract.artifact import BUILD, Artifact
from slashpoint.sim.engine.pyevm import FORKS, PyEvm
from slashpoint.sim.engine.tree import CallFrame, call_tree
from slashpoint.sim.errors import Misconfigured
from slashpoint.sim.ledger import Ledger
from slashpoint.sim.units import SECOND
from slashpoint.sim.world import World, frozen_garbage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from slashpoint.sim.metrics.run import Run


class Transaction(NamedTuple):
    """A transaction that ran, as the ledger has it."""

    name: str  # block and place in it, as 12/0
    seconds: float  # since the genesis
    account: str
    call: str  # contract and function
    job: str  # key, or nothing
    gas: int
    status: str
    reason: str  # why it failed

    @property
    def place(self) -> tuple[int, int]:
        """Return its block, and its index there."""
        block, _, index = self.name.partition("/")
        return int(block), int(index)


class _Reached(Exception):
    """The block that was asked for has run."""


def transactions(run: Run) -> list[Transaction]:
    """Return the transactions of a run that were executed, in their order."""
    genesis = run.config["chain"]["genesis"]
    table = run.tables["transactions"]
    return [
        Transaction(
            f"{row['block']}/{row['index']}", row["time_ns"] / SECOND - genesis, row["account"],
            f"{row['contract']}.{row['function']}", row["job"] if isinstance(row["job"], str) else "",
            row["gas"], row["status"], row["reason"] if isinstance(row["reason"], str) else "",
        )
        for row in table[table["index"] >= 0].to_dict("records")
    ]  # fmt: skip


def find_transaction(run: Run, said: str) -> Transaction:
    """Return the transaction that a user means: `12/0`, or `12` where one alone is in the block.

    Args:
        run: that it is in.
        said: by the user.

    Raises:
        Misconfigured: none, or several.
    """
    there = transactions(run)
    found = [one for one in there if said in {one.name, one.name.partition("/")[0]}]
    if len(found) == 1:
        return found[0]
    if found:
        raise Misconfigured(f"block {said} holds {len(found)} transactions: say which, as {found[0].name}")
    named = f"the first is {there[0].name}, the last {there[-1].name}" if there else "no transaction ran"
    raise Misconfigured(f"there is no transaction {said!r} in this run; {named} (block/place in the block)")


def trace(folder: Path, run: Run, wanted: Transaction, progress: Callable[[World], None] | None = None) -> list[Line]:
    """Return the tree of calls of a transaction: its run is made again on py-evm, up to its block.

    Args:
        folder: of the run.
        run: that it holds.
        wanted: one of its transactions.
        progress: called after every block.

    Raises:
        Misconfigured: the run cannot be made again, or no longer comes to the same.
    """
    with restored(folder, run) as (config, project, _, _):
        if config.chain.fork not in FORKS:
            raise Misconfigured(f"chain.fork={config.chain.fork}: pyevm, which traces, knows {', '.join(FORKS)}")
        OmegaConf.update(config, "engine", "pyevm")
        with frozen_garbage():
            world = build(config, Ledger(None), project=project)
        try:
            return _watched(world, config, wanted, progress)
        finally:
            world.forget()


def _watched(world: World, config: Any, wanted: Transaction, progress: Callable[[World], None] | None) -> list[Line]:
    engine, (block, index) = world.engine, wanted.place
    assert isinstance(engine, PyEvm)
    seen: dict[int, CallFrame] = {}

    def watch(place: int, frame: Any) -> None:
        if world.chain.number == block and place == index:
            seen[place] = call_tree(frame)

    def after(now: World) -> None:
        if progress is not None:
            progress(now)
        if now.chain.number >= block:
            raise _Reached

    engine.watch = watch
    with suppress(_Reached):
        world.run(config.scenario.jobs, block + 1, after)
    if index not in seen:
        raise Misconfigured(f"{wanted.name}: made again, the run has no such transaction: slashpoint rerun says why")
    others = [
        *(each.artifact_ for each in world.contracts.values()),
        *(Artifact.load(path) for path in sorted(BUILD.glob("*.json"))),
    ]
    return list(lines(seen[index], Namer(world.contract_at, lambda one: world.names.get(one, ""), others)))
