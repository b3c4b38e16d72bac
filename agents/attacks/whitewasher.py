"""Whitewasher: a new identity after every punishment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from slashpoint.agents.conduct import Conduct
from slashpoint.sim.domain import Within

if TYPE_CHECKING:
    from slashpoint.agents.conduct import Answered
    from slashpoint.agents.me import Me
    from slashpoint.sim.market import Job


@dataclass
class Whitewasher(Conduct):
    """Has k accounts and acts under one, until that has lost its stake; then under the next, as if nothing had been.

    It changes no answer itself: compose it with what is punished, `attack=[whitewasher,garbage]`. Source: Friedman and
    Resnick, The Social Cost of Cheap Pseudonyms (2001). Exposed by: a price for each identity; pay that grows with age.
    """

    modifies: ClassVar[bool] = True

    k: Annotated[int, Within(1, 1000)] = 3  # accounts

    def identities(self, role: type) -> int:
        """As many in every role."""
        return self.k

    def enter(self, me: Me, job: Job) -> Answered[bool]:
        """Only the first account that is not burnt, once all have looked."""
        held = me.balance(job.market.asset) + job.market.owed(me.address)
        first, jobs = me.knowledge.knows(("first", me.name), (held, ()))
        at_stake = sum(one.stake for one in jobs if one.closed is None)
        burnt = held + at_stake < first - job.stake / 2
        me.knowledge.tells(("burnt", me.name), burnt)
        yield me.until(me.now + me.block_time / 2)
        name, _, number = me.name.partition("+")
        earlier = [name if i == 0 else f"{name}+{i}" for i in range(int(number or 0))]
        if burnt or not all(me.knowledge.knows(("burnt", one), False) for one in earlier):
            return False
        me.knowledge.tells(("first", me.name), (first, (*jobs, job)))
        return super().enter(me, job)
