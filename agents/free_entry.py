"""Free entry: people take part while that promises more than what they could do instead.

Everybody reads the same record: what those who won took in for each job that is over, and what taking part cost (gas,
computing, and what losers lost, a head). All count on an equal part of what is won, so the number that pays is the
largest n with won / n − cost ≥ outside option. Where more took part than pay, each of those leaves with the chance
that, on average, leaves as many as pay; where fewer did, the others enter likewise; where just as many, nobody moves.
"""

from __future__ import annotations

import math
from statistics import fmean
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slashpoint.agents.person import Account
    from slashpoint.sim.job_accounts import JobAccounts
    from slashpoint.sim.market import Job
    from slashpoint.sim.world import World

WITHDRAWAL_BLOCKS = 10  # blocks after its end until what a job brought has been withdrawn


def enters(world: World, accounts: JobAccounts, account: Account, job: Job) -> bool:
    """Whether a person takes part in a job. Before any is over everybody does: nobody knows better.

    Args:
        world: where they live.
        accounts: who gained what by the jobs that are over.
        account: who would enter.
        job: what it is about.
    """
    settled = world.env.now - WITHDRAWAL_BLOCKS * world.chain.period
    over = [one for one in job.market.jobs.values() if one.closed is not None and one.closed <= settled]
    records = [accounts.of(one.key, account.role) for one in sorted(over, key=lambda one: (one.closed, one.key))]
    played = [record for record in records if record]  # where nobody took part nothing is known of what it pays
    if not played:
        return True
    person, last = account.person, records[-1]
    gains = [[world.dollars(one.takings) for one in record.values()] for record in played]
    won = fmean(sum(max(gain, 0.0) for gain in record) for record in gains)
    lost = fmean(max(-gain, 0.0) for record in gains for gain in record)
    mine = [record[person.name] for record in played if person.name in record]
    known = mine or [one for record in played for one in record.values()]  # of others, who has no experience
    spent = fmean(world.dollars(one.costs) for one in known)
    best = paying(won, lost + spent + person.traits.outside_usd)
    chance = person.luck("entry", account.role, job.key).random()
    if person.name in last:
        return bool(chance * len(last) < best)
    peers = sum(one.role == account.role and one.name == one.controller for one in world.accounts.values())
    return bool(chance * (peers - len(last)) < best - len(last))


def paying(won: float, least: float) -> float:
    """How many people may share what is won so that each gets at least so much.

    Args:
        won: USD that winners took in, a job.
        least: USD that each must get.
    """
    if won <= 0:
        return 0
    return math.floor(won / least) if least > 0 else math.inf
