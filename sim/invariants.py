"""Invariants: generators of complaints about a world. Silence means that it holds."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, overload

from slashpoint.sim.errors import Misconfigured

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from slashpoint.sim.world import World

Check = TypeVar("Check", bound="Callable[..., Iterator[str]]")  # a function of a world, or a method


class Invariant(Protocol):
    """A marked generator function of a world; `period` is in blocks that had transactions, 0 for the end alone."""

    __name__: str
    period: int

    def __call__(self, world: World, /) -> Iterator[str]:
        """Complaints."""
        ...


@overload
def invariant(check: Check, /) -> Check: ...
@overload
def invariant(*, period: int = 1, final: bool = False) -> Callable[[Check], Check]: ...
def invariant(check: Any = None, /, *, period: int = 1, final: bool = False) -> Any:
    """Mark a generator function as an invariant: each `yield` is a complaint in words.

    It is asked after every `period`-th block that had transactions, and once at the end of a run; if `final`, there
    alone.
    """

    def mark(check: Check) -> Check:
        if period < 1 or period % 1:
            raise Misconfigured(f"the invariant {check.__name__}: period={period!r}: it must be a positive integer")
        check.period = 0 if final else period  # type: ignore[attr-defined]
        return check

    return mark if check is None else mark(check)


def invariants_of(owner: Any) -> list[Invariant]:
    """The marked functions of a module, or the marked methods of an object, by name."""
    found = [getattr(owner, name) for name in sorted(dir(owner))]
    marked: list[Any] = [one for one in found if callable(one) and hasattr(one, "period")]
    return [one for one in marked if not inspect.ismodule(owner) or one.__module__ == owner.__name__]


@invariant
def wei_is_conserved(world: World) -> Iterator[str]:
    """Each touched account holds what the recorded movements, burns and tips say, to the wei."""
    touched, wei = list(world.touched["ETH"]), world.booked["ETH"]
    rows = zip(touched, world.engine.balances(touched))
    for address, held in sorted([row for row in rows if row[1] != wei[row[0]]]):
        yield f"{world.name_of(address)} holds {held} wei, but {wei[address]} were recorded"


@invariant(period=16)
def tokens_are_conserved(world: World) -> Iterator[str]:
    """Each account that moved a token holds what the recorded transfers say, and supplies do not change."""
    for asset, token in world.tokens.items():
        booked = world.booked[asset]
        for address in sorted(world.touched[asset]):
            if (held := token.balanceOf(address)) != booked[address]:
                yield f"{world.name_of(address)} holds {held} {asset}, but {booked[address]} were recorded"
        if (total := sum(booked.values())) != (supply := token.totalSupply()):
            yield f"{asset}: {total} were recorded, the supply is {supply}"


@invariant
def nonces_count_transactions(world: World) -> Iterator[str]:
    """An account's nonce on chain is the number of its transactions that ran."""
    accounts = world.accounts
    touched = [address for address in world.touched["ETH"] if address in accounts]
    rows = zip(touched, world.engine.nonces(touched))
    for address, nonce in sorted([row for row in rows if row[1] != accounts[row[0]].executed]):
        yield f"{accounts[address].name} ran {accounts[address].executed} transactions, its nonce is {nonce}"


@invariant
def markets_are_solvent(world: World) -> Iterator[str]:
    """A market's contract holds exactly what it owes."""
    for market in world.markets:
        owes = market.liabilities()
        for asset, held in market.holdings().items():
            if held != (owed := sum(owes[asset].values())):
                parts = ", ".join(f"{who} {amount}" for who, amount in owes[asset].items())
                yield f"{market.name} holds {held} {asset} and owes {owed} ({parts})"
