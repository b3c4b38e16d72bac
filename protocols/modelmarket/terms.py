"""The terms of ModelMarket: the rules of its contract, and what requesters offer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from slashpoint.sim.domain import Among, Amount, Bps, Window, Within
from slashpoint.sim.market import Terms

if TYPE_CHECKING:
    from collections.abc import Iterable


CHOSEN, BEACON = "chosen", "beacon"  # who decides which rows are the test set: the requester, or a later block
SLASH_TO = ("treasury", "victims", "burn")


@dataclass(kw_only=True)
class ModelMarketTerms(Terms):
    """The rules of a ModelMarket and what its requesters offer. Amounts in whole MDC, times in seconds."""

    name: str = "modelmarket"
    reward: Amount  # to the winner
    stake: Amount  # of each trainer
    requester_stake: Amount  # slashed when the truth does not come
    submission_window: Annotated[float, Within(60, 10**8)]
    response_window: Window  # to open the truth, to claim, to open a model
    loser_refund: bool  # an honest loser's stake goes back
    split: Annotated[str, Among(CHOSEN, BEACON)]  # chosen | beacon: who decides which rows are the test set
    slash_to: Annotated[str, Among(*SLASH_TO)]  # treasury | victims | burn
    poke_bounty_bps: Bps  # of a slash, to whoever triggered a timeout
    min_accuracy_bps: Bps  # a claim below cannot win
    fee_bps: Bps  # of the reward, to the treasury
    salted: bool  # commitments carry a salt and an address
    max_submissions: Annotated[int, Within(0, 65_535)]  # to a request; 0 is no limit
    airdrop: bool  # anybody may claim 1000 MDC once

    @property
    def payout(self) -> float:
        """Return the reward of a request, MDC."""
        return self.reward

    def rules(self) -> dict[str, Any]:
        """Return the contract's `Rules`, in its units."""
        return {
            "window": round(self.response_window), "minSubmission": 60,
            "requesterStake": self.to_units(self.requester_stake), "loserRefund": self.loser_refund,
            "slashTo": SLASH_TO.index(self.slash_to),
            "pokeBountyBps": self.poke_bounty_bps, "minAccuracyBps": self.min_accuracy_bps, "feeBps": self.fee_bps,
            "salted": self.salted, "maxSubmissions": self.max_submissions,
            "beacon": self.split == BEACON,
        }  # fmt: skip

    @property
    def price(self) -> int:
        """Return reward and requester's stake, smallest units."""
        return self.to_units(self.reward) + self.to_units(self.requester_stake)

    def infeasible(self) -> Iterable[str]:
        """Why nobody could or would take part, if so."""
        richest = self.endowment.get("mdc", 0.0)
        if self.stake > richest:
            yield f"no trainer owns the stake of {self.stake:g} MDC (endowment {richest:g} MDC)"
        if self.reward == 0:
            yield "the reward is zero"
