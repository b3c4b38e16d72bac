"""The terms of federated training: the rules of its market, and what a sponsor offers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from slashpoint.protocols.federated.machine import REWARD_RULES
from slashpoint.sim.domain import Among, Amount, Bps, Count, Positive, Seconds, Window, Within
from slashpoint.sim.learning.defences import aggregate
from slashpoint.sim.market import Terms

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(kw_only=True)
class FederatedTerms(Terms):
    """The rules of a market for federated training, and what its sponsors offer. Amounts in whole MDC, times in s."""

    name: str = "federated"
    reward: Amount  # for an accepted update
    rounds: Annotated[int, Within(1, 10_000)]
    max_clients: Annotated[int, Within(1, 256)]  # at most 256
    max_validators: Annotated[int, Within(1, 1000)]
    client_bond: Amount
    validator_bond: Amount
    validator_fee: Amount  # to each validator whose claim settles a round
    dispute_bond: Amount
    enrol_window: Window
    train_window: Window
    open_window: Window  # to open updates and labels, where they are committed
    claim_window: Window  # to report a round, and to decide a dispute
    dispute_window: Annotated[float, Within(0, 10**8)]  # between a quorum and its settlement; 0 settles at once
    alpha: Positive  # of the Dirichlet distribution that the data are split by
    aggregator: str  # mean | median | trimmed_mean | krum | multi_krum | geometric_median | centered_clipping …
    corrupt: Count  # updates that the aggregator is to bear
    reward_rule: Annotated[str, Among(*REWARD_RULES)]  # how accepted updates share their prices
    gate: bool  # an update must not fall short of the base by min_gain_bps on the validation set
    min_gain_bps: Bps  # of the validation set
    max_gain_bps: Bps  # the highest threshold that the market lets a sponsor ask for
    audit_bps: Bps  # how likely an update is to be validated
    slash_failed: bool  # who fails validation loses bond and place
    validation_share: Annotated[float, Within(0, 1, "both")]  # of the training rows: the sponsor's, for validation
    rotate: bool  # each round has a part of the validation set to itself
    commit_updates: bool  # updates and labels are committed until the round's training is over
    checked: bool  # vouchers pay only those who handed in, and no more than the listed price
    reserved: bool  # the sponsor cannot touch the escrow before the job is over
    open_callback: bool  # anybody may report a round's outputs
    unique: bool  # no update is a model that the job has seen
    allow_list: bool  # clients run only trainers that they know by hash
    mail_seconds: Seconds  # that a sponsor takes to answer a message
    mail_limit: Count  # messages from an account about a job; 0 is no limit
    mail_usd: Amount  # price of a message

    def __post_init__(self) -> None:
        super().__post_init__()
        try:
            aggregate(self.aggregator, np.zeros((3, 2)), self.corrupt)  # it refuses what it does not know
        except ValueError as error:
            raise ValueError(f"protocol.aggregator={self.aggregator}: {error}") from error

    def rules(self) -> dict[str, Any]:
        """Return the contract's `FederatedRules`, in its units."""
        return {
            "enrolWindow": round(self.enrol_window), "trainWindow": round(self.train_window),
            "openWindow": round(self.open_window), "claimWindow": round(self.claim_window),
            "disputeWindow": round(self.dispute_window), "maxValidators": self.max_validators,
            "validatorBond": self.to_units(self.validator_bond), "validatorFee": self.to_units(self.validator_fee),
            "disputeBond": self.to_units(self.dispute_bond), "maxGainBps": self.max_gain_bps,
            "sealedUpdates": self.commit_updates, "checked": self.checked, "reserved": self.reserved,
            "openCallback": self.open_callback, "unique": self.unique, "slashFailed": self.slash_failed,
        }  # fmt: skip

    @property
    def payout(self) -> float:
        """What a client earns whose updates are all accepted at the listed price, MDC."""
        return self.reward * self.rounds

    @property
    def price(self) -> int:
        """Return what all rounds may cost at most, smallest units."""
        paid = self.to_units(self.reward) * self.max_clients + self.to_units(self.validator_fee) * self.max_validators
        return self.rounds * paid

    @property
    def poster_gas(self) -> int:
        """Labels are opened once a round."""
        return 4_000_000 + 500_000 * self.rounds

    def infeasible(self) -> Iterable[str]:
        """Why nobody could or would take part, if so."""
        richest = self.endowment.get("mdc", 0.0)
        for whose, bond in (("client", self.client_bond), ("validator", self.validator_bond)):
            if bond > richest:
                yield f"no {whose} owns the bond of {bond:g} MDC (endowment {richest:g} MDC)"
        if self.reward == 0:
            yield "the reward is zero"
        if self.min_gain_bps > self.max_gain_bps:
            yield f"a threshold of {self.min_gain_bps} bps is over the market's {self.max_gain_bps} bps"
