"""Conservation: what must hold of balances, nonces and debts in every world, whatever its protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slashpoint.sim.invariants import invariant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slashpoint.sim.state import State


@invariant
def wei_is_conserved(world: State) -> Iterator[str]:
    """Each touched account holds what the recorded movements, burns and tips say, to the wei."""
    touched, wei = list(world.touched["ETH"]), world.booked["ETH"]
    rows = zip(touched, world.engine.balances(touched))
    for address, held in sorted([row for row in rows if row[1] != wei[row[0]]]):
        yield f"{world.name_of(address)} holds {held} wei, but {wei[address]} were recorded"


@invariant(period=16)
def tokens_are_conserved(world: State) -> Iterator[str]:
    """Each account that moved a token holds what the recorded transfers say, and supplies do not change."""
    for asset, token in world.tokens.items():
        booked = world.booked[asset]
        for address in sorted(world.touched[asset]):
            if (held := token.balanceOf(address)) != booked[address]:
                yield f"{world.name_of(address)} holds {held} {asset}, but {booked[address]} were recorded"
        if (total := sum(booked.values())) != (supply := token.totalSupply()):
            yield f"{asset}: {total} were recorded, the supply is {supply}"


@invariant
def nonces_count_transactions(world: State) -> Iterator[str]:
    """Each account's nonce on chain is the number of its transactions that ran."""
    accounts = world.accounts
    touched = [address for address in world.touched["ETH"] if address in accounts]
    rows = zip(touched, world.engine.nonces(touched))
    for address, nonce in sorted([row for row in rows if row[1] != accounts[row[0]].executed]):
        yield f"{accounts[address].name} ran {accounts[address].executed} transactions, its nonce is {nonce}"


@invariant
def markets_are_solvent(world: State) -> Iterator[str]:
    """Each market's contract holds exactly what it owes."""
    for market in world.markets:
        owes = market.liabilities()
        for asset, held in market.holdings().items():
            if held != (owed := sum(owes[asset].values())):
                parts = ", ".join(f"{who} {amount}" for who, amount in owes[asset].items())
                yield f"{market.name} holds {held} {asset} and owes {owed} ({parts})"
