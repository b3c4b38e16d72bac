"""The terms of Golem: the rules of its contract, and what requestors and providers agree on."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from slashpoint.sim.domain import Among, Amount, Bps, Count, Seconds, Share, Some, Window, Within
from slashpoint.sim.market import Terms

if TYPE_CHECKING:
    from collections.abc import Iterable

DEPOSIT, WALLET = "deposit", "wallet"  # what providers are paid from
MAX_AUDITORS = 9  # of the contract
SLACK = 300  # seconds for transactions between the last window and the end of a deposit


@dataclass(kw_only=True)
class GolemTerms(Terms):
    """The rules of Golem and what its people agree on. Amounts in whole MDC, times in seconds."""

    name: str = "golem"
    per_cpu_second: Amount
    per_second: Amount
    fixed_price: Amount  # for the start of an activity
    budget: Amount  # of a job's deposit, for its providers
    cap_factor: Annotated[float, Within(1, 100)]  # usage at most, times the benchmark
    negotiation_window: Window
    work_window: Window
    interval: Window  # between two debit notes, at least
    accept_timeout: Window
    payable_interval: Window  # between two notes that are to be paid
    payment_timeout: Window
    batch_period: Seconds  # between two payments of a spender
    max_early_notes: Count  # that come too early, until the requestor ends the agreement
    redundancy: Annotated[int, Within(1, 16)]  # providers of a job
    pays_from: Annotated[str, Among(DEPOSIT, WALLET)]  # deposit | wallet
    flat_fee: Amount  # of a spender
    spender_set: bool  # a deposit is extended only while it is there
    fee_by_use: bool  # the fee is in proportion to what was paid out
    bind_payee: bool  # a deposit pays providers with a signed agreement, what was accepted
    channel: bool  # an agreement reserves its cap in the deposit
    dispute: bool  # claims of what was not accepted, and auditors who rule on them
    public_end: bool  # anybody ends a deposit when its time is over
    check_usage: bool  # requestors accept no more usage than time has passed, and than the benchmark
    bound_reviews: bool  # a review counts once, of who accepted a note of the agreement's provider
    dispute_window: Window
    ruling_window: Window
    tolerance_bps: Bps  # by which a claim may exceed what auditors find
    bond: Amount  # of a provider, on each channel
    dispute_fee: Amount  # put up by who disputes, paid by who loses
    uptime_weight: Share
    success_weight: Share
    min_score: Share
    top_pool: Some  # of whom a random one is chosen
    newcomers: Count  # providers, the last ones, whom nobody knows at first
    tasks_to_list: Some  # of an auditor, that a newcomer does before it is listed
    audit_period: Window  # between two tasks of an auditor
    job_seconds: float = field(default=0.0, init=False)  # on the reference device: `deploy` sets it to the task's

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.dispute and not self.channel:
            raise ValueError("protocol.dispute=true: a claim is paid out of a channel: protocol.channel=true")
        if self.pays_from == WALLET and (self.channel or self.bind_payee):
            raise ValueError("protocol.pays_from=wallet: nothing is bound there: channel and bind_payee are false")
        if self.channel and not self.bind_payee:
            raise ValueError(
                "protocol.channel=true, bind_payee=false: a channel would pay again what its deposit has paid; "
                "set protocol.bind_payee=true, or channel=false"
            )
        if self.dispute and self.dispute_fee > self.bond:
            raise ValueError(
                f"protocol.bond={self.bond:g} does not cover protocol.dispute_fee={self.dispute_fee:g}, "
                "which the loser of a dispute pays"
            )
        if (auditors := self.seats.get("auditor", 0)) > MAX_AUDITORS:
            raise ValueError(f"protocol.seats.auditor={auditors}: the contract takes {MAX_AUDITORS} at most")
        if self.newcomers > (providers := self.seats.get("provider", 0)):
            raise ValueError(f"protocol.newcomers={self.newcomers}: there are {providers} providers (seats.provider)")
        if not self.uptime_weight + self.success_weight:
            raise ValueError("protocol.uptime_weight=0, success_weight=0: one of them must be above 0")

    def rules(self) -> dict[str, Any]:
        """Return the contract's `Rules`, in its units."""
        return {
            "spenderSet": self.spender_set, "feeByUse": self.fee_by_use, "bindPayee": self.bind_payee,
            "channel": self.channel, "dispute": self.dispute, "publicEnd": self.public_end,
            "disputeWindow": round(self.dispute_window), "rulingWindow": round(self.ruling_window),
            "toleranceBps": self.tolerance_bps, "bond": self.to_units(self.provider_bond),
            "disputeFee": self.to_units(self.dispute_fee) if self.dispute else 0,
        }  # fmt: skip

    @property
    def provider_bond(self) -> float:
        """Return what a provider puts up for an agreement, MDC: only claims can lose it."""
        return self.bond if self.dispute else 0.0

    @property
    def bound(self) -> bool:
        """Return whether agreements are known to the contract."""
        return self.bind_payee

    def benchmark(self, seconds: float, speed: float) -> int:
        """Return the CPU seconds that a task takes somebody.

        Args:
            seconds: on the reference device.
            speed: times the reference device.
        """
        return math.ceil(seconds / speed)

    def cap(self, benchmark: int) -> int:
        """Return the most usage that an agreement allows, seconds."""
        return math.ceil(benchmark * self.cap_factor)

    def price_of(self, cpu: int, duration: int) -> int:
        """Return the price of usage, smallest units.

        Args:
            cpu: CPU seconds.
            duration: seconds.
        """
        per_cpu, per_second = self.to_units(self.per_cpu_second), self.to_units(self.per_second)
        return cpu * per_cpu + duration * per_second + self.to_units(self.fixed_price)

    @property
    def after_work(self) -> float:
        """Return the seconds from the deadline for work to the end of a deposit: every window that may still come."""
        ruled = self.dispute_window + self.ruling_window if self.dispute else 0.0
        return self.accept_timeout + self.payment_timeout + ruled + SLACK

    def exposure(self, latency: float, cap: int) -> int:
        """Return the most that a provider who keeps to the rules loses of one activity, smallest units.

        It has at most an interval and an accept timeout of work that was not accepted. Where no channel holds the
        money, what was accepted may stay unpaid until the first payable note is overdue. A bond that auditors take is
        lost besides.

        Args:
            latency: seconds for a message there and its answer.
            cap: the most usage that the agreement allows, seconds.
        """
        unaccepted = self.interval + self.accept_timeout + latency
        unpaid = 0.0 if self.channel else self.payable_interval + self.interval + self.payment_timeout
        seconds = min(cap, math.ceil(unaccepted + unpaid) + 1)
        return self.price_of(seconds, seconds)

    @property
    def payout(self) -> float:
        """Return what a provider's activity earns by the reference device's benchmark of an hour's quarter, MDC."""
        return self.fixed_price + 900 * (self.per_cpu_second + self.per_second)

    @property
    def price(self) -> int:
        """Return what a job locks in its deposit, smallest units."""
        return self.to_units(self.budget) + self.to_units(self.flat_fee)

    @property
    def poster_gas(self) -> int:
        """Return what a requestor's calls declare together, gas."""
        return 1_500_000

    def infeasible(self) -> Iterable[str]:
        """Why nobody could or would take part, if so."""
        richest = self.endowment.get("mdc", 0.0)
        if self.provider_bond > richest:
            yield f"no provider owns the bond of {self.bond:g} MDC (endowment {richest:g} MDC)"
        if self.seats.get("provider", 0) < self.redundancy:
            yield f"{self.seats.get('provider', 0)} providers are fewer than redundancy={self.redundancy}"
        seconds = self.cap(self.benchmark(self.job_seconds, 1.0))
        needed = self.redundancy * self.price_of(seconds, seconds) / 10**self.decimals
        if self.pays_from == DEPOSIT and needed > self.budget:
            yield (
                f"protocol.budget={self.budget:g}: the agreements of a job take up to {needed:g} MDC at the speed of "
                f"the reference device (cap_factor={self.cap_factor:g}, redundancy={self.redundancy})"
            )
