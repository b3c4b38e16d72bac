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
BINDING = ("dispute", "channel", "bind_payee")  # rules that hold of a deposit
MAX_AUDITORS = 9  # of the contract
ROUND_TRIP = 8  # seconds for a message and its answer, where latencies are up to two seconds
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
    block_seconds: float = field(default=0.0, init=False)  # `deploy` sets it to the chain's

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.pays_from == WALLET and (needless := [one for one in BINDING if getattr(self, one)]):
            remedy = " ".join(f"protocol.{one}=false" for one in needless)
            raise ValueError(f"protocol.pays_from=wallet: no deposit binds anybody there; set {remedy}")
        if self.dispute and not self.channel:
            raise ValueError(
                "protocol.dispute=true, channel=false: a claim is paid out of a channel; "
                "set protocol.channel=true, or dispute=false"
            )
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
        if self.negotiation_window >= self.work_window:
            raise ValueError(
                f"protocol.negotiation_window={self.negotiation_window:g} leaves no time for work: it must be below "
                f"protocol.work_window={self.work_window:g}"
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
        if not self.seats.get("requestor", 0):
            yield "nobody posts jobs: protocol.seats.requestor=0"
        if self.pays_from == DEPOSIT and not self.seats.get("spender", 0):
            paid = "providers wait for their channels to be settled" if self.channel else "providers stay unpaid"
            yield f"protocol.seats.spender=0: nobody pays out of deposits or closes them, and {paid}"
        yield from self._too_little_money()
        yield from self._too_little_time()

    def _too_little_money(self) -> Iterable[str]:
        seconds = self.cap(self.benchmark(self.job_seconds, 1.0))
        needed = self.redundancy * self.price_of(seconds, seconds) / 10**self.decimals
        if self.pays_from == DEPOSIT and needed > self.budget:
            yield (
                f"protocol.budget={self.budget:g}: the agreements of a job take up to {needed:g} MDC at the speed of "
                f"the reference device (cap_factor={self.cap_factor:g}, redundancy={self.redundancy})"
            )

    def _too_little_time(self) -> Iterable[str]:
        if self.work_window <= self.negotiation_window + self.job_seconds:
            yield (
                f"protocol.work_window={self.work_window:g}: the work takes {self.job_seconds:g} s on the reference "
                f"device, after negotiation_window={self.negotiation_window:g}"
            )
        for name in ("negotiation_window", "accept_timeout"):
            if (window := getattr(self, name)) < ROUND_TRIP:
                yield f"protocol.{name}={window:g}: a message and its answer may take {ROUND_TRIP} s"
        paid_after = self.batch_period + 2 * self.block_seconds
        if self.payment_timeout <= paid_after and self.payable_interval < self.job_seconds:
            yield (
                f"protocol.payment_timeout={self.payment_timeout:g}: a spender gathers payments for "
                f"batch_period={self.batch_period:g} s and needs two blocks, so providers stop unpaid"
            )
        for name in ("dispute_window", "ruling_window"):
            if self.dispute and (window := getattr(self, name)) <= self.block_seconds:
                yield f"protocol.{name}={window:g} is over before a transaction is in a block"
        if self.dispute and not self.seats.get("auditor", 0):
            yield "protocol.seats.auditor=0: nobody rules on disputes, and every claim stands"

    def idle(self) -> Iterable[tuple[str, str]]:
        """Yield the settings that change nothing beside the others, each with which of these is why."""
        if not self.dispute:
            for name in ("dispute_window", "ruling_window", "bond", "dispute_fee"):
                yield name, "protocol.dispute=false, so that nobody claims what was not accepted"
            if not self.check_usage:
                yield (
                    "tolerance_bps",
                    "protocol.dispute=false, check_usage=false: nobody compares with the benchmark",
                )
        if self.pays_from == WALLET:
            for name in ("budget", "flat_fee", "fee_by_use"):
                yield name, "protocol.pays_from=wallet, so that nothing is in the deposit"
        if self.top_pool > 1 and self.seats.get("provider", 0) <= 1:
            yield "top_pool", "there is one provider to choose"
        if not self.flat_fee:
            yield "fee_by_use", "protocol.flat_fee=0: there is no fee to divide"
        if self.newcomers and self.newcomers == self.seats.get("provider", 0):
            yield "newcomers", "all providers are unlisted, and who is unlisted is barred only where another is listed"
