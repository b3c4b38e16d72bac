from dataclasses import dataclass
from typing import ClassVar

from slashpoint import Conduct

from ..protocols import oceanv4


class Provider(oceanv4.Provider):
    """Works and bills as it should, and takes in the same block what its claim gives back to the consumer."""

    def collects(self, me, job, minutes, cid):
        """Send three calls at once: their order in the block is that of their nonces."""
        market, coin, payer = self.market, self.market.coin.address_, job.poster
        rest = market.pay(market.terms.minutes) - market.pay(minutes)
        if not market.terms.careful:
            rest += market.owed(payer)
        number = job.id[1] ^ 1
        me.sends(market.claims(job, minutes, cid))
        me.sends(market.does("claims", job, market.escrow.createLock(number, coin, payer, rest, 60)))
        yield me.sends(
            market.does("withdraws", job, market.escrow.claimLockAndWithdraw(number, coin, payer, rest, b""))
        )


@dataclass
class Relock(Conduct):
    """Locks and claims again as soon as a claim has freed its authority: the limit is on locks that stand, not in all.

    Source: Escrow.claimLock takes the lock off the authority. Exposed by: nothing; the consumer's withdrawal comes a
    block too late. Where consumers leave money in the escrow (protocol.careful=false) it takes all of it.
    """

    script: ClassVar[type | None] = Provider
