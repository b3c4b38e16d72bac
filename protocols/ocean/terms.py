"""The terms of the data market: the rules of its contract, and what its people offer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from slashpoint.sim.domain import Among, Amount, Bps, Count, Share, Window, Within
from slashpoint.sim.market import Terms
from slashpoint.sim.units import to_units

if TYPE_CHECKING:
    from collections.abc import Iterable

TRUST, RANKS = ("any", "publishers", "hashes", "none"), ("orders", "none")
BPS = 10_000
FREE_MINUTES = 1  # of the environment that asks for no fee, and of a job in the free tier


@dataclass(kw_only=True)
class OceanTerms(Terms):
    """The rules of the data market and what its people offer. Amounts in whole MDC, times in seconds."""

    name: str = "ocean"
    data_price: Amount  # of a datatoken of data
    algorithm_price: Amount  # of one of an algorithm; 0: a dispenser gives it away
    swap_fee: Share  # the community's part of a swap
    consume_fee: Share  # the community's part of the datatoken that an order takes
    escrow_fee_bps: Bps  # the community's part of what a provider claims
    prices: dict[str, Amount] = field(default_factory=dict)  # of each resource of a node, a minute
    amounts: dict[str, Count] = field(default_factory=dict)  # of each resource
    provider_fee: Amount  # for an order, beside the bill; none for an environment of one minute
    max_minutes: Annotated[int, Within(1, 10_000)]  # that a consumer authorises, at most
    slack: Annotated[float, Within(1, 1000)]  # times the reference device's minutes: what a consumer authorises
    metered: bool  # minutes are those of the reference device, the same for everybody, rather than those that passed
    trust: Annotated[str, Among(*TRUST)]  # any | publishers | hashes | none
    allow_raw: bool  # algorithms that nobody published may run
    rank: Annotated[str, Among(*RANKS)]  # orders | none: by what consumers choose among data
    output_cap: Annotated[int, Within(0, 2**24)]  # bytes of a result that leave the node; 0: no limit
    filters: bool  # of a result nothing leaves the node but a model
    fees_bound: bool  # a provider's fee is signed for one order, and spent by it
    orders_stored: bool  # only one's own order, of this asset, in its time, is used again
    algorithms_checked: bool  # by the contract, too
    price_held: bool  # until the job is over
    data_committed: bool  # the publisher commits to a job's data, and the consumer agrees to their sample, first
    pays_ok_only: bool  # a run that failed is paid nothing
    free_for_buyers: bool  # the free tier is for those who have ordered before
    free_jobs: Annotated[int, Within(0, 65_535)]  # of a consumer, in the free tier
    order_seconds: Annotated[float, Within(0, 10**8)]  # for which an order may be used again
    lock_window: Window  # from an order: to serve the data, to agree, and to lock
    job_seconds: Window  # after it: to run and to claim
    dispute_window: Annotated[float, Within(0, 10**8)]  # from a claim; 0: claims are final
    audit_window: Window  # to execute again, and again to reveal
    audit_bps: Bps  # of claims, that are audited though nobody disputes
    auditors: Annotated[int, Within(0, 16)]  # who execute a job again, at most
    collateral: Amount  # of a provider, for each job that it locks
    audit_bond: Amount  # of whoever stands by
    dispute_bond: Amount  # of a consumer who disputes
    audit_fee: Amount  # of a consumer, to those who stand by
    metric_bps: Bps  # right answers on the sample, that data are described to give
    sample_bps: Bps  # of a sample's labels that a consumer must find right to agree

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.prices.keys() != self.amounts.keys():
            odd = sorted(self.prices.keys() ^ self.amounts.keys())
            raise ValueError(f"protocol.prices and protocol.amounts: {odd[0]} has a price or an amount, and not both")
        if 0 < self.dispute_window < 1:
            why = "it must be 0 (claims are final) or at least 1: the contract counts whole seconds"
            raise ValueError(f"protocol.dispute_window={self.dispute_window:g}: {why}")
        if self.audit_bps and not self.auditors:
            raise ValueError(f"protocol.audit_bps={self.audit_bps}: auditors=0, so nobody could audit")
        for role in ("author", "publisher"):
            if self.seats.get(role) == 0:
                raise ValueError(f"protocol.seats.{role}=0: there must be at least 1, or nothing can be ordered")
        if self.dispute_window and not self.auditors:
            raise ValueError(f"protocol.dispute_window={self.dispute_window:g}: auditors=0, so nobody could decide")

    @property
    def audited(self) -> bool:
        """Whether a job may be executed again."""
        return bool(self.auditors and (self.audit_bps or self.dispute_window))

    @property
    def rate(self) -> int:
        """What a node asks for a minute, smallest units: the sum of each resource's price times its amount."""
        return sum(self.to_units(price) * self.amounts[name] for name, price in self.prices.items())

    def rules(self) -> dict[str, Any]:
        """Return the contract's `Rules`, in its units."""
        return {
            "swapFee": to_units(self.swap_fee, 18), "consumeFee": to_units(self.consume_fee, 18),
            "escrowFeeBps": self.escrow_fee_bps, "bindsFees": self.fees_bound, "storesOrders": self.orders_stored,
            "checksAlgorithms": self.algorithms_checked, "holdsPrice": self.price_held,
            "commitsData": self.data_committed, "paysOkOnly": self.pays_ok_only,
            "freeForBuyers": self.free_for_buyers, "freeJobs": self.free_jobs,
            "orderSeconds": round(self.order_seconds), "lockWindow": round(self.lock_window),
            "jobSeconds": round(self.job_seconds), "disputeWindow": round(self.dispute_window),
            "auditWindow": round(self.audit_window), "auditBps": self.audit_bps, "auditors": self.auditors,
            "collateral": self.to_units(self.collateral), "auditBond": self.to_units(self.audit_bond),
            "disputeBond": self.to_units(self.dispute_bond), "auditFee": self.to_units(self.audit_fee),
        }  # fmt: skip

    def asking(self, minutes: int) -> int:
        """Return what a provider asks beside its bill for an environment of so many minutes, smallest units."""
        return self.to_units(self.provider_fee) if minutes > FREE_MINUTES else 0

    @property
    def payout(self) -> float:
        """What a job pays at most: for the data, and to whoever runs it, MDC."""
        bill: float = self.max_minutes * self.rate / 10**self.decimals
        return self.data_price + self.provider_fee + bill

    @property
    def price(self) -> int:
        """What a job takes of its consumer at most, with what it may put up in a dispute."""
        swaps = self.to_units((self.data_price + self.algorithm_price) * (1 + self.swap_fee))
        others = self.provider_fee + self.audit_fee + self.dispute_bond
        return swaps + self.to_units(others) + self.max_minutes * self.rate

    def idle(self) -> Iterable[tuple[str, str]]:
        """Yield the settings that change nothing beside the others, each with which of these is why."""
        if not self.auditors:
            yield from ((name, "protocol.auditors=0: nobody stands by") for name in ("audit_window", "audit_bond"))
        if not self.dispute_window:
            yield "dispute_bond", "protocol.dispute_window=0: claims are final"
        if not self.data_committed:
            yield "sample_bps", "protocol.data_committed=false: nobody agrees to a sample"
        if not self.free_jobs:
            yield "free_for_buyers", "protocol.free_jobs=0: there is no free tier"

    def infeasible(self) -> Iterable[str]:
        """Why nobody could or would take part, if so."""
        richest = self.endowment.get("mdc", 0.0)
        if max(self.collateral, self.audit_bond) > richest:
            bonds = f"collateral={self.collateral:g}, audit_bond={self.audit_bond:g}"
            yield f"no provider owns what it must put up ({bonds}, endowment {richest:g} MDC)"
        if self.trust == "none":
            yield "trust=none: no algorithm may run on any data"
        if not self.seats.get("provider", 0):
            yield "there is no provider"
        if self.audited and self.seats.get("provider", 0) == 1:
            yield f"protocol.seats.provider=1: nobody else could audit its jobs (auditors={self.auditors})"
        if self.audited and self.metric_bps == BPS:
            why = "honest data break this promise if their model is wrong once on the sample, and are junk in an audit"
            yield f"protocol.metric_bps={BPS}: {why}"

    def late(self, block_time: float, work: float) -> Iterable[str]:
        """Yield which windows are over before what they are for can be in a block.

        Args:
            block_time: seconds from a block to the next.
            work: seconds that a job takes on the reference device.
        """
        steps = 3 if self.data_committed else 1  # from the order: to serve the data, to agree, to lock
        ready, worked = steps * block_time, (work // block_time + 1) * block_time
        takes = f"the work takes {work:g} s on the reference device"
        if self.lock_window <= ready:
            why = f"over before a lock is in a block ({steps} of {block_time:g} s), and every job lapses"
            yield f"protocol.lock_window={self.lock_window:g}: {why}"
        elif self.lock_window + self.job_seconds <= ready + worked:
            why = f"over before a claim is in a block ({takes}), and honest providers lose their collateral"
            yield f"protocol.job_seconds={self.job_seconds:g}, lock_window={self.lock_window:g}: {why}"
        if self.audited and self.audit_window <= block_time:
            why = f"over before a reveal is in a block of {block_time:g} s: audits end void, and honest nodes lose"
            yield f"protocol.audit_window={self.audit_window:g}: {why}"
        elif self.audited and self.audit_window <= worked:
            why = f"over before an auditor's answer is in a block ({takes}), and honest auditors lose their bonds"
            yield f"protocol.audit_window={self.audit_window:g}: {why}"
        if 0 < self.dispute_window <= block_time:
            why = f"over before a dispute is in a block of {block_time:g} s"
            yield f"protocol.dispute_window={self.dispute_window:g}: {why}"
