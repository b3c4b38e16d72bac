"""The inventory: what is measured once a run is over, of models, jobs, accounts, and who holds what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slashpoint.sim.store import cid

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from slashpoint.sim.learning import Order
    from slashpoint.sim.world import World

Got = tuple[int, str, str, str, "Order", float]  # a model: when, account, controller, job's key, its order, seconds


def take(world: World, models: Sequence[Got]) -> None:
    """Write it down in the ledger.

    Args:
        world: whose run is over.
        models: all that anybody got.
    """
    _models(world, models)
    _jobs(world, models)
    _accounts(world)
    for address, name in sorted(world.names.items(), key=lambda item: item[1]):
        _holdings(world, address, name)


def _models(world: World, models: Iterable[Got]) -> None:
    workshop = world.training_cache
    for time, account, controller, job, order, seconds in models:
        model = workshop.model(order)
        right = workshop.score(model, order.problem)
        world.ledger.models.append((
            time, account, controller, job, cid(model).hex(), order.effort, seconds, right, order.problem.scale,
            workshop.task.kind, len(model),
        ))  # fmt: skip


def _jobs(world: World, models: Iterable[Got]) -> None:
    for market in world.markets:
        for job in market.jobs.values():
            got = job.received if job.fetched else market.delivered(job)
            score = None if got is None else world.training_cache.score(got, job.task)
            value = job.terms.value(score / job.scale) if score is not None else None
            fooled = None if got is None else _fooled(world, got, job, models)
            world.ledger.jobs.append((
                job.key, market.name, world.name_of(job.poster), job.reward, job.stake, job.scale, job.unit,
                market.asset, job.born, job.deadline_ns, job.closed, job.outcome,
                world.name_of(job.winner) if job.winner else None, score, value, fooled,
            ))  # fmt: skip


def _fooled(world: World, model: bytes, job: Any, models: Iterable[Got]) -> float | None:
    """How well the worst of the backdoors that were trained for a job opens a model."""
    poisons = {order.poison for *_, key, order, _ in models if key == job.key}
    try:
        opened = (world.training_cache.task.fooled(model, job.task, one) for one in poisons if one and one.mark)
        return max(opened, default=None)
    except NotImplementedError:  # a surrogate: nothing is marked there
        return None


def _accounts(world: World) -> None:
    for account in sorted(world.accounts.values(), key=lambda account: account.name):
        person = account.person
        world.ledger.accounts.append((
            account.name, account.controller, "+".join(account.roles), person.strategy, person.attacker,
            "0x" + account.address.hex(),
        ))  # fmt: skip


def _holdings(world: World, address: bytes, name: str) -> None:
    ledger = world.ledger
    ledger.holdings.append((name, "ETH", "balance", world.engine.balance(address), None))
    for symbol, token in world.tokens.items():
        if held := token.balanceOf(address):
            ledger.holdings.append((name, symbol, "balance", held, None))
    for market in world.markets:
        if address in world.accounts and (owed := market.owed(address)):
            ledger.holdings.append((name, market.asset, "owed", owed, market.name))
