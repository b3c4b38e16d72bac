"""Stuck money: what people paid in, and nobody can get out again, however long they wait."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from slashpoint.sim.search.draws import Draws
from slashpoint.sim.search.finding import Finding, Kind
from slashpoint.sim.search.money import WEI, Money
from slashpoint.sim.search.sane import sane, successful, without_gifts
from slashpoint.sim.search.seeker import negligible

if TYPE_CHECKING:
    from slashpoint.sim.search.seeker import Seeker
    from slashpoint.sim.search.setup import Setup
    from slashpoint.sim.search.step import Step

    Steps = tuple[Step, ...]


class Holding(NamedTuple):
    """Money of one asset in one contract."""

    contract: str
    asset: str

    def __str__(self) -> str:
        """Return what a finding calls it."""
        return f"{self.contract}: {self.asset}"


def holdings(setup: Setup) -> dict[Holding, int]:
    """Return what contracts hold: of their own token nothing counts, and the puppet's is the attacker's."""
    return {
        Holding(name, asset): amount
        for name, contract in setup.contracts.items()
        if name != setup.puppet
        for asset, amount in setup.worth(contract.address_).items()
        if asset != name
    }


def stuck(seeker: Seeker, steps: Steps, effort: int, only: str | None = None, tries: int = 1) -> Finding | None:
    """Return what is stuck after a sequence, if anything is.

    What the deployer paid in, and what the puppet did, is not counted: the one is a matter of the house, the other may
    be stuck because a contract paid it.

    Args:
        seeker: who tries to get the money out.
        steps: the sequence.
        effort: calls that trying may take.
        only: the subject to look at; all if none is given.
        tries: how often it is tried afresh; what stays must be the same each time, else it was only not got out yet.
    """
    setup = seeker.setup
    seeker.values.fresh()
    steps = successful(setup, without_gifts(setup, seeker.calls, steps))
    steps = sane(setup, seeker.calls, steps)
    start = holdings(setup)
    setup.mark()
    paid, excluded = _paid(seeker, steps)
    found = None
    for each, amount in holdings(setup).items():
        came = min(amount - start[each], paid[each.asset])
        if came - excluded[each.asset] <= negligible(came) or only not in {None, str(each)}:
            continue
        least = start[each] + excluded[each.asset] + negligible(came)
        contract = setup.contracts[each.contract].address_

        def left(each: Holding = each, contract: bytes = contract) -> int:
            return setup.worth(contract)[each.asset]

        stays: list[int] = []
        moves: Steps = ()
        for attempt in range(tries):
            draws = Draws("stuck", seeker.seed, str(each), attempt)
            remains, moves = seeker.seek(seeker.moves.people, left, least, effort, draws)
            stays.append(remains)
            if stays[-1] <= least or stays[-1] - stays[0] not in range(-negligible(came), negligible(came) + 1):
                break
        else:
            remains = min(stays)
            unit = "wei" if each.asset == WEI else f"units of {each.asset}"
            never = "nothing ever left it" if remains >= amount else f"of {amount} that it held"
            why = f"{remains - start[each]} {unit} stay in {each.contract} for ever, {never}"
            if remains < amount and any(seeker.takes_arguments(step, each.contract) for step in moves):
                seeker.doubts[str(each)] = why  # a part left; with other arguments more may leave
            else:
                found = Finding(Kind.STUCK, str(each), why, steps)
                break
    setup.back()
    return found


def _paid(seeker: Seeker, steps: Steps) -> tuple[Counter[str], Counter[str]]:
    """Play a sequence; return what people paid by asset, and what of it the deployer and the puppet did."""
    setup = seeker.setup
    money = Money(setup)
    outsiders = {next(iter(setup.accounts.values())), seeker.moves.puppet}
    paid: Counter[str] = Counter()
    excluded: Counter[str] = Counter()
    for played in setup.play_all(steps):
        seeker.values.learn(played)
        for whom, asset, amount in money.movements(played):
            if amount < 0 and whom in money.names:
                paid[asset] -= amount
                if whom in outsiders:
                    excluded[asset] -= amount
    return paid, excluded
