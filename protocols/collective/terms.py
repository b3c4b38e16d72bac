"""The terms of collective learning: the rules of its contract, and what conveners offer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from slashpoint.sim.domain import Among, Amount, Bps, Count, Factor, Positive, Share, Window, Within
from slashpoint.sim.market import Terms

if TYPE_CHECKING:
    from collections.abc import Iterable


ELECTORATES, ORDERS = ("voters", "learners"), ("rotation", "beacon")


@dataclass(kw_only=True)
class CollectiveTerms(Terms):
    """The rules of collective learning and what its conveners offer. Amounts in whole MDC, times in seconds."""

    name: str = "collective"
    rounds: Annotated[int, Within(1, 65_535)]
    threshold_bps: Bps  # approvals, as a share of the electorate
    strict: bool  # above the threshold, rather than at it
    electorate: Annotated[str, Among(*ELECTORATES)]  # voters | learners
    commit_votes: bool  # votes are committed, then revealed
    order: Annotated[str, Among(*ORDERS)]  # rotation | beacon
    distinct: bool  # the current model cannot be proposed again
    min_learners: Annotated[int, Within(1, 65_535)]
    max_learners: Annotated[int, Within(1, 65_535)]
    quorum_bps: Bps  # of the electorate
    stake: Amount  # of each learner
    absence_bps: Bps  # of the stake, for a turn or a vote that was missed
    poke_bounty_bps: Bps  # of a fine, to whoever carried it out
    proposer_reward: Amount  # a round, when accepted
    voter_reward: Amount  # a round, shared by those who voted for what came of it
    enrol_window: Window
    propose_window: Window
    vote_window: Window
    margin: Count  # right answers by which a model must beat the current one to be approved
    alpha: Positive  # of the Dirichlet distribution that shards differ by
    dp_noise: Factor  # standard deviation, times the clip; 0 is none
    dp_clip: Factor  # the longest change, in the norm of the weights
    dp_epsilon: Positive  # of a learner, for one experiment
    dp_delta: Share

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.max_learners < self.min_learners:
            raise ValueError(f"protocol.max_learners={self.max_learners}: min_learners={self.min_learners} do not fit")
        if self.dp_noise and not (self.dp_clip > 0 and 0 < self.dp_delta < 1):
            raise ValueError(f"protocol.dp_clip={self.dp_clip}, dp_delta={self.dp_delta}: positive, and delta below 1")

    def rules(self) -> dict[str, Any]:
        """Return the contract's `Rules`, in its units."""
        return {
            "strict": self.strict, "countsProposer": self.electorate == "learners", "sealedVotes": self.commit_votes,
            "beaconOrder": self.order == "beacon", "distinct": self.distinct, "minLearners": self.min_learners,
            "quorumBps": self.quorum_bps, "absenceBps": self.absence_bps, "pokeBountyBps": self.poke_bounty_bps,
        }  # fmt: skip

    @property
    def rewards(self) -> int:
        """What all rounds pay at most, smallest units."""
        return self.rounds * (self.to_units(self.proposer_reward) + self.to_units(self.voter_reward))

    @property
    def payout(self) -> float:
        """A learner's part of what all rounds pay, MDC; else of what the model is worth at 1 USD a token."""
        paid = self.rounds * (self.proposer_reward + self.voter_reward)
        return (paid or self.value_usd) / max(1, self.seats.get("learner", 0))

    @property
    def price(self) -> int:
        """The rewards of all rounds."""
        return self.rewards

    def infeasible(self) -> Iterable[str]:
        """Why nobody could or would take part, if so."""
        richest = self.endowment.get("mdc", 0.0)
        if self.stake > richest:
            yield f"no learner owns the stake of {self.stake:g} MDC (endowment {richest:g} MDC)"
        if self.seats.get("learner", 0) < self.min_learners:
            yield f"{self.seats.get('learner', 0)} learners are fewer than the {self.min_learners} that it takes"
