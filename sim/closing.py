"""The closing tables: what is measured once a run is over, of models, jobs, accounts, and who holds what."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from slashpoint.sim.learning import leakage
from slashpoint.sim.ledger import AccountRow, HoldingRow, JobRow, ModelRow
from slashpoint.sim.store import cid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from slashpoint.sim.learning import Order, Problem, Task
    from slashpoint.sim.state import State


class Trained(NamedTuple):
    """A model that somebody trained during the run."""

    time: int  # nanoseconds: when it was ready
    account: str  # name
    controller: str  # name
    job: str  # key
    order: Order  # what was trained, and on what
    seconds: float  # simulated, on its device


def take(world: State, models: Sequence[Trained]) -> None:
    """Write the closing tables.

    Args:
        world: whose run is over.
        models: all that anybody got.
    """
    _models(world, models)
    _jobs(world, models)
    _accounts(world)
    for address, name in sorted(world.names.items(), key=lambda item: item[1]):
        _holdings(world, address, name)


def _models(world: State, models: Iterable[Trained]) -> None:
    cache = world.training_cache
    for one in models:
        order = one.order
        model = cache.model(order)
        world.ledger.models.append(
            ModelRow(
                time_ns=one.time,
                account=one.account,
                controller=one.controller,
                job=one.job,
                cid=cid(model).hex(),
                effort=order.effort,
                seconds=one.seconds,
                correct=cache.score(model, order.problem),
                scale=order.problem.scale,
                kind=cache.task.kind,
                bytes=len(model),
            )
        )


def _jobs(world: State, models: Iterable[Trained]) -> None:
    for market in world.markets:
        for job in market.jobs.values():
            got = job.received if job.fetched else market.delivered(job)
            score = None if got is None else world.training_cache.score(got, job.task)
            value = job.terms.value(score / job.scale) if score is not None else None
            fooled = None if got is None else _fooled(world, got, job, models)
            world.ledger.jobs.append(
                JobRow(
                    job=job.key,
                    market=market.name,
                    poster=world.name_of(job.poster),
                    reward=job.reward,
                    stake=job.stake,
                    scale=job.scale,
                    unit=job.unit,
                    asset=market.asset,
                    born_ns=job.born,
                    deadline_ns=job.deadline_ns,
                    closed_ns=job.closed,
                    outcome=job.outcome,
                    winner=world.name_of(job.winner) if job.winner else None,
                    delivered=score,
                    value_usd=value,
                    fooled=fooled,
                    membership=None if got is None else _told(world, leakage.membership, got, job),
                    copied=None if got is None else _told(world, leakage.copied, got, job),
                    rmse=None if got is None else _told(world, _rmse, got, job),
                )
            )


def _fooled(world: State, model: bytes, job: Any, models: Iterable[Trained]) -> float | None:
    """Return how well the worst of the backdoors that were trained for a job opens a model."""
    poisons = {one.order.poison for one in models if one.job == job.key}
    try:
        opened = (world.training_cache.task.fooled(model, job.task, one) for one in poisons if one and one.mark)
        return max(opened, default=None)
    except NotImplementedError:  # a surrogate: nothing is marked there
        return None


def _told(world: State, measure: Callable[[Task, bytes, Problem], float], model: bytes, job: Any) -> float | None:
    """Return what a measure says of what was delivered for a job; None where its task has nothing to measure by."""
    try:
        told = measure(world.training_cache.task, model, job.task)
    except NotImplementedError:  # a surrogate has no rows, and classes have no error
        return None
    return None if math.isnan(told) else told


def _rmse(task: Task, model: bytes, problem: Problem) -> float:
    return task.errors(model, problem).rmse


def _accounts(world: State) -> None:
    for account in sorted(world.accounts.values(), key=lambda account: account.name):
        person = account.person
        world.ledger.accounts.append(
            AccountRow(
                account=account.name,
                controller=account.controller,
                roles="+".join(account.roles),
                strategy=person.strategy,
                attacker=person.attacker,
                address="0x" + account.address.hex(),
            )
        )


def _holdings(world: State, address: bytes, name: str) -> None:
    ledger = world.ledger
    holds = partial(HoldingRow, account=name, kind="balance", contract=None)
    ledger.holdings.append(holds(asset="ETH", amount=world.engine.balance(address)))
    for symbol, token in world.tokens.items():
        if held := token.balanceOf(address):
            ledger.holdings.append(holds(asset=symbol, amount=held))
    for market in world.markets:
        if address in world.accounts and (owed := market.owed(address)):
            ledger.holdings.append(holds(asset=market.asset, amount=owed, kind="owed", contract=market.name))
