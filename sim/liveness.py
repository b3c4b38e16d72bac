"""Liveness: what must have come to an end once a run is over. What was cut short before its time is not stuck."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from slashpoint.sim.engine import Status
from slashpoint.sim.invariants import invariant
from slashpoint.sim.units import SECOND, nanoseconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slashpoint.sim.intention import Poke
    from slashpoint.sim.state import State

GRACE_BLOCKS = 16  # blocks in which somebody should have done what is due
RETRIES = 3  # failed calls about one job after which a race that was lost does not explain them


@invariant(final=True)
def liveness(world: State) -> Iterator[str]:
    """At the end no job is overdue, calls that move jobs on got through, and what contracts hold can be withdrawn."""
    yield from _overdue(world)
    yield from _in_vain(world)
    yield from _locked(world)


def _overdue(world: State) -> Iterator[str]:
    """Yield jobs that are open although what would move them on has been due for long, or nothing ever will be."""
    now, grace = world.chain.time, GRACE_BLOCKS * world.chain.period
    for market in world.markets:
        for job in market.jobs.values():
            if job.closed is not None:
                continue
            due = market.poke(job)
            since = max(job.moved, nanoseconds(due[0]) if due else 0)
            if now - since > grace:
                what = f"{due[1].function} has been due" if due else "nothing is due, and nothing happened"
                yield f"{market.name}: job {job.key} is open; {what} for {(now - since) / SECOND:,.0f} s"


def unkept(world: State) -> Iterator[str]:
    """Yield why jobs are overdue, where it is that nobody was given a keeper's seat."""
    if any(market.terms.seats.get("keeper") == 0 for market in world.markets) and any(_overdue(world)):
        yield "protocol.seats.keeper=0: nobody here calls what is overdue"


def _in_vain(world: State) -> Iterator[str]:
    """Yield calls to move jobs on that failed each time, whoever made them."""
    worked = {one.pending.call.function for one in world.pokes if not one.failure}
    failed: dict[tuple[str, str], list[Poke]] = defaultdict(list)
    for one in world.pokes:
        account, function = one.pending.account, one.pending.call.function
        if function not in worked and not account.person.attacker:
            failed[account.role, function].append(one)
    for (role, function), calls in failed.items():
        if len(calls) - len({one.pending.call.job for one in calls}) >= RETRIES:
            yield f"{role}: all {len(calls)} calls of {function} failed, the last by {calls[-1].failure}"


def _locked(world: State) -> Iterator[str]:
    """Yield money that somebody is owed and cannot withdraw, or that nobody can when all is over."""
    for market in world.markets:
        owed = {account: amount for account in world.accounts if (amount := market.owed(account))}
        for who, amount in owed.items() if market.pulls else ():
            call = market.withdraws(None)
            result = world.tries(call, who)
            if result.status != Status.SUCCESS:
                why = (world.contract_at(call.to) or market.contract).decode_error_(result.output)
                yield f"{world.name_of(who)} is owed {_whole(world, market.asset, amount)} and cannot withdraw: {why}"
        if all(job.closed is not None for job in market.jobs.values()):
            for asset, held in market.holdings().items():
                rest = held - market.kept().get(asset, 0) - (sum(owed.values()) if asset == market.asset else 0)
                if rest > 0:
                    stuck = _whole(world, asset, rest)
                    yield f"{market.name} holds {stuck} that nobody can withdraw; all jobs are over"


def _whole(world: State, asset: str, amount: int) -> str:
    return f"{world.whole(asset, amount):.6g} {asset}"
