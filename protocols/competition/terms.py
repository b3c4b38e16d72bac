"""The terms of a competition: the rules of its contract, and what hosts offer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from slashpoint.sim.domain import Among, Amount, Bps, Window, Within
from slashpoint.sim.market import Terms

if TYPE_CHECKING:
    from collections.abc import Iterable


WORD = 2**32 - 1  # the contract's uint32
BYTE_GAS = 800  # of a model, stored and paid for as calldata


@dataclass(kw_only=True)
class CompetitionTerms(Terms):
    """The rules of competitions and what their hosts offer. Amounts in whole MDC, times in seconds."""

    name: str = "competition"
    prize: Amount
    buy_in: Amount  # of each competitor
    host_stake: Amount  # lost with the prize by a host that withholds the truth
    bond: Amount  # of each report
    winner_bps: Bps  # of prize and buy-ins; the rest is the miners'
    quorum_bps: Annotated[int, Within(5000, 10_000, "low")]  # of the reports on a model, that must agree
    min_reports: Annotated[int, Within(1, 65_535)]  # on a model
    max_reports: Annotated[int, Within(1, 65_535)]  # on a model
    max_competitors: Annotated[int, Within(1, 65_535)]
    max_models: Annotated[int, Within(0, 65_535)]  # of a competitor; 0 is no limit
    tolerance: Annotated[int, Within(0, WORD)]  # right answers by which reports that agree may differ
    pay_within: Annotated[int, Within(0, WORD)]  # right answers off the median report; farther off loses the bond
    commit_models: bool  # hashes first, bytes after all are in
    commit_truth: bool  # test labels are opened after all models are in
    commit_reports: bool
    dual_role: bool  # a competitor may be a miner
    unique: bool  # the same bytes cannot be handed in twice
    claim_binds: bool  # a model that is worse than was claimed is not validated
    proof_of_evaluation: bool  # a report is a model's answers, and agrees with its equals alone
    models_on_chain: bool  # their bytes; else their CIDs, and whoever made one keeps it available
    committee: Annotated[int, Within(0, 65_535)]  # miners drawn for each model; 0: they choose themselves
    draw: Annotated[str, Among("beacon", "reveals")]  # a block draws committees, or the opened models' salts
    poke_bounty_bps: Bps  # of a bond or stake that is lost, to whoever carries it out
    byte_limit: Annotated[int, Within(1, 2**26)]
    register_window: Window
    compete_window: Window
    open_window: Window  # for models and truth, where any is committed
    report_window: Window
    reveal_window: Window  # where reports are committed

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.min_reports > self.max_reports:
            raise ValueError(f"protocol.min_reports={self.min_reports}: between 1 and max_reports={self.max_reports}")
        if self.pay_within < self.tolerance:
            raise ValueError(f"protocol.pay_within={self.pay_within}: reports that agree would earn nothing")
        if self.proof_of_evaluation and (self.pay_within or not (self.commit_reports and self.commit_truth)):
            raise ValueError("protocol.proof_of_evaluation=true: takes committed reports and truth, and pay_within=0")
        if self.committee and not self.min_reports <= self.committee <= self.max_reports:
            raise ValueError(f"protocol.committee={self.committee}: 0, or between min_reports and max_reports")
        if self.committee and self.draw == "reveals" and not self.commit_models:
            raise ValueError("protocol.draw=reveals: takes commit_models=true, whose salts draw")

    def rules(self) -> dict[str, Any]:
        """Return the contract's `Rules`, in its units."""
        return {
            "winnerBps": self.winner_bps, "quorumBps": self.quorum_bps, "minReports": self.min_reports,
            "maxReports": self.max_reports, "maxCompetitors": self.max_competitors, "maxModels": self.max_models,
            "tolerance": self.tolerance, "payWithin": self.pay_within, "bond": self.to_units(self.bond),
            "hostStake": self.to_units(self.host_stake),
            "sealedModels": self.commit_models, "sealedTruth": self.commit_truth,
            "sealedReports": self.commit_reports, "dualRole": self.dual_role, "unique": self.unique,
            "claimBinds": self.claim_binds, "proofOfEvaluation": self.proof_of_evaluation,
            "modelsOnChain": self.models_on_chain, "beacon": self.draw == "beacon", "committee": self.committee,
            "pokeBountyBps": self.poke_bounty_bps,
        }  # fmt: skip

    @property
    def payout(self) -> float:
        """What a host offers, MDC."""
        return self.prize

    @property
    def price(self) -> int:
        """Return prize and stake, smallest units."""
        return self.to_units(self.prize) + self.to_units(self.host_stake)

    def infeasible(self) -> Iterable[str]:
        """Why nobody could or would take part, if so."""
        richest = self.endowment.get("mdc", 0.0)
        if self.buy_in > richest:
            yield f"no competitor owns the buy-in of {self.buy_in:g} MDC (endowment {richest:g} MDC)"
        if self.bond * (self.seats.get("competitor", 0) + bool(self.committee)) > richest:
            yield f"no miner owns a bond of {self.bond:g} MDC for each model (endowment {richest:g} MDC)"
        if self.seats.get("miner", 0) < self.min_reports:
            yield f"{self.seats.get('miner', 0)} miners are fewer than the {self.min_reports} reports that it takes"
