"""Posters: who posts which of the scenario's jobs, and what they own to pay for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slashpoint.sim.rollup import GAS_OF_A_BYTE

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from slashpoint.agents.person import Account
    from slashpoint.sim.market import Market
    from slashpoint.sim.world import World


def commission(world: World, posters: Sequence[Account], times: Sequence[float]) -> None:
    """Deal the jobs out to those who post, one after another.

    Args:
        world: where they live.
        posters: their accounts.
        times: when each job is to be posted, Unix seconds.
    """
    for number, time in enumerate(times):
        mine = world.demand.setdefault(posters[number % len(posters)].name, [])
        mine.append((len(mine), time))


def provide(world: World, market: Market, posters: Sequence[Account], given: Collection[str]) -> None:
    """Give each poster what its jobs cost and it does not own, out of what is left of the supply.

    Args:
        world: where they live.
        market: where they post.
        posters: their accounts.
        given: assets, in lower case, of which posters own what everybody does: whoever set it is obeyed.
    """
    for account in sorted(posters, key=lambda one: one.name):
        jobs = len(world.demand.get(account.name, ()))
        short = {
            asset: jobs * cost - world.booked[asset][account.address]
            for asset, cost in costs(world, market).items()
            if asset.lower() not in given
        }
        left = {asset: world.left_of(asset) for asset in world.tokens}
        more = {asset: min(amount, left.get(asset, amount)) for asset, amount in short.items() if amount > 0}
        if more:
            world.endow(account, more.pop("ETH", 0), more)
        if jobs:
            needed = {market.asset: ("does not own what a job costs,", market.terms.price)}
            if market.asset != "ETH":
                needed["ETH"] = ("does not own what the gas of a job may cost,", costs(world, market)["ETH"])
            for asset, (what, amount) in needed.items():
                owned = world.booked[asset][account.address]
                if amount > owned:
                    world.notes.append(
                        f"infeasible: {account.name} {what} {world.whole(asset, amount):g} {asset} "
                        f"(it owns {world.whole(asset, owned):g})"
                    )


def costs(world: World, market: Market) -> dict[str, int]:
    """Return what a job takes of its poster, by asset: its price, and gas at twice the first base fee.

    On a rollup also what as many bytes cost on layer 1 as there is gas for, at 16 a byte.
    """
    chain, gas = world.chain, market.terms.poster_gas
    data = chain.data_fee.of(gas // GAS_OF_A_BYTE) if chain.data_fee else 0
    found = {"ETH": gas * (2 * chain.base_fee + chain.tip) + data}
    found[market.asset] = found.get(market.asset, 0) + market.terms.price
    return found
