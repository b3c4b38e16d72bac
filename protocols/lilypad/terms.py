"""The terms of Lilypad: the rules of its contract, and what clients offer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from slashpoint.sim.domain import Among, Amount, Bps, Factor, Part, Share, Window, Within
from slashpoint.sim.market import Terms

if TYPE_CHECKING:
    from collections.abc import Iterable

VERIFICATIONS, ENGINES = ("none", "mediation", "redundancy"), ("docker", "wasm")  # in the contract's order
BPS = 10_000
MOST_RUNS = 4
WINDOWS = ("bid", "agree", "submit", "reveal", "judge", "mediate")
ONLY = {  # what nothing but a way of verification makes use of
    "redundancy": ("concurrency", "confidence", "commit_results", "reveal_window", "slash_minority", "reruns"),
    "mediation": (
        "check", "mediation_fee", "judge_collateral", "mediate_collateral", "beacon_mediator", "conflict_check",
        "full_mediation", "silence_pays", "own_refunds", "cheater_pays", "redraws", "judge_window", "mediate_window",
    ),
}  # fmt: skip


@dataclass(kw_only=True)
class LilypadTerms(Terms):
    """The rules of Lilypad and what its clients offer. Amounts in whole MDC, times in seconds."""

    name: str = "lilypad"
    verification: Annotated[str, Among(*VERIFICATIONS)]
    check: Share  # probability that an honest client has a result checked
    payment: Amount  # payment collateral of the client for each provider: no more is paid
    load: Part  # instructions that a job takes, as a share of those that the payment covers
    spread: Share  # providers ask for up to so much less than the highest price
    multiple: Annotated[int, Within(0, 65_535)]  # of a result's cost: its collateral
    min_collateral: Amount  # of a result, whatever it costs
    mediation_fee: Amount
    solver_fee: Amount
    agree_collateral: Amount  # of client and bidders
    submit_collateral: Amount  # of a provider
    judge_collateral: Amount  # of the client
    mediate_collateral: Amount  # of a mediator
    concurrency: Annotated[int, Within(2, 32)]  # providers of a redundant job
    confidence: Annotated[int, Within(0, 32)]  # equal results that it takes
    min_bids: Annotated[int, Within(0, 32)]
    tolerance: Annotated[int, Within(0, 65_535)]  # outputs in which equal results may differ
    engine: Annotated[str, Among(*ENGINES)]
    deterministic: bool  # whether a client's jobs give everybody the same result
    reproducible_only: bool  # providers refuse jobs whose engine does not make results reproducible
    commit_results: bool  # redundant results are committed, then revealed
    cap: Factor  # instructions that are paid for at most, times a benchmark's; 0: no cap
    cheapest: bool
    open_results: bool
    compare_counts: bool
    beacon_mediator: bool
    conflict_check: bool
    full_mediation: bool
    silence_pays: bool
    own_refunds: bool
    caller_refunds: bool
    cheater_pays: bool
    slash_minority: bool
    treasury_twice: bool
    truncates: bool
    redraws: Annotated[int, Within(0, 32)]
    reruns: Annotated[int, Within(0, MOST_RUNS)]
    scaler: Annotated[float, Within(0, 6)]  # times a result's collateral
    treasury_bps: Bps  # of each payment
    poke_bounty_bps: Bps  # of what a timeout slashes, to whoever called it
    bid_window: Window
    agree_window: Window
    submit_window: Window
    reveal_window: Window
    judge_window: Window
    mediate_window: Window

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.confidence > self.concurrency:
            raise ValueError(f"protocol.confidence={self.confidence}: concurrency={self.concurrency} is fewer")
        if self.agree_collateral > self.payment:
            raise ValueError(f"protocol.agree_collateral={self.agree_collateral}: payment={self.payment} is less")
        if not self.own_refunds and self.submit_collateral > self.judge_collateral:
            raise ValueError(
                f"protocol.submit_collateral={self.submit_collateral}: with own_refunds=false it is refunded in place "
                f"of judge_collateral={self.judge_collateral}, which is less: the contract has no such money"
            )
        if self.engine == "wasm" and not self.deterministic:
            raise ValueError("protocol.engine=wasm: its results are reproducible, so deterministic=false needs docker")

    @property
    def redundant(self) -> bool:
        """Whether several providers do the same job."""
        return self.verification == "redundancy"

    @property
    def commits(self) -> bool:
        """Whether results are committed before they are handed in."""
        return self.redundant and self.commit_results

    @property
    def providers(self) -> int:
        """How many do a job in its first run."""
        return self.concurrency if self.redundant else 1

    def rules(self) -> dict[str, Any]:
        """Return the contract's `Rules`, in its units."""
        return {
            "cheapest": self.cheapest, "openResults": self.open_results, "compareCounts": self.compare_counts,
            "beaconMediator": self.beacon_mediator, "conflictCheck": self.conflict_check,
            "fullMediation": self.full_mediation, "silencePays": self.silence_pays, "ownRefunds": self.own_refunds,
            "callerRefunds": self.caller_refunds, "cheaterPays": self.cheater_pays,
            "slashMinority": self.slash_minority, "treasuryTwice": self.treasury_twice, "truncates": self.truncates,
            "redraws": self.redraws, "reruns": self.reruns, "collateralBps": round(self.scaler * BPS),
            "treasuryBps": self.treasury_bps, "pokeBountyBps": self.poke_bounty_bps,
            "minCollateral": self.to_units(self.min_collateral),
        }  # fmt: skip

    def instructions(self, scale: int) -> int:
        """Return the instructions that a job takes, of `scale` that the payment covers; a count."""
        return max(1, round(self.load * scale))

    def capped(self, scale: int) -> int:
        """Return the instructions that are paid for at most, of `scale` that the payment covers; a count."""
        capped = math.ceil(self.instructions(scale) * self.cap - 1e-9)
        return min(scale, max(1, capped)) if self.cap else scale

    @property
    def payout(self) -> float:
        """What a job pays one provider at the highest price, MDC."""
        return self.payment * self.load

    @property
    def price(self) -> int:
        """What a job takes of its client at most, until it is over."""
        most = self.providers + (2 * self.reruns if self.redundant else 0)
        others = (self.judge_collateral, self.agree_collateral, self.solver_fee, self.mediation_fee)
        return most * self.to_units(self.payment) + sum(map(self.to_units, others))

    def infeasible(self) -> Iterable[str]:
        """Why nobody could or would take part, if so."""
        seats, richest = self.seats, self.endowment.get("mdc", 0.0)
        if seats.get("provider", 0) < self.providers:
            yield f"{seats.get('provider', 0)} providers are fewer than the {self.providers} that do a job"
        if self.min_bids > seats.get("provider", 0):
            yield f"{seats.get('provider', 0)} providers never make the {self.min_bids} offers of protocol.min_bids"
        if self.engine == "docker" and self.reproducible_only and not self.tolerance:
            yield "no honest provider offers to run jobs of protocol.engine=docker, while reproducible_only is true"
        if self.verification == "mediation" and self.mediate_collateral > richest:
            yield f"no mediator owns the collateral of {self.mediate_collateral:g} MDC (endowment {richest:g} MDC)"
        if not seats.get("solver", 0) and not seats.get("keeper", 0):
            yield "nobody matches jobs with providers (protocol.seats.solver=0, keeper=0)"
        if self.verification == "mediation" and not seats.get("mediator", 0):
            yield "nobody mediates (protocol.seats.mediator=0): a check is refused, and the client accepts"
        if self.cap and self.cap < 1:
            yield f"protocol.cap={self.cap:g}: who reports what a job takes is paid for {self.cap:.0%} of it"
        if self.treasury_twice and self.treasury_bps:
            yield (
                f"protocol.treasury_bps={self.treasury_bps}: treasury_twice=true takes it twice, so that deals cannot "
                "be paid in full; see hole 10 in protocols/lilypad/README.md"
            )
        if not self.deterministic and not self.tolerance:
            yield from self._too_strict()
        need = max(self.payout * self.multiple * self.scaler, self.min_collateral) + self.submit_collateral
        if need > richest:
            yield f"no provider owns its collaterals of {need:g} MDC (endowment {richest:g} MDC)"

    def _too_strict(self) -> Iterable[str]:
        differs = "protocol.deterministic=false, tolerance=0: an honest result differs from"
        remedy = "set protocol.tolerance to the outputs in which they may differ"
        if self.verification == "mediation" and self.check:
            yield f"{differs} its mediator's, so that who has it checked has it rejected; {remedy}"
        if self.redundant:
            yield f"{differs} any other, so that no vote has a majority; {remedy}"

    def idle(self) -> Iterable[tuple[str, str]]:
        """Yield the settings that change nothing beside the others, each with which of these is why."""
        for needed, names in ONLY.items():
            if self.verification != needed:
                yield from ((name, f"protocol.verification={self.verification}, not {needed}") for name in names)
        if self.redundant and not self.commit_results:
            yield "reveal_window", "protocol.commit_results=false, so that nothing is revealed"
        if self.redundant:
            yield "open_results", "protocol.verification=redundancy takes results of the matched providers alone"
        if self.cap * self.load >= 1:
            yield "cap", f"protocol.load={self.load:g}, so that the payment ends before this cap"
        if self.min_bids <= self.providers:
            yield "min_bids", f"no match is of fewer than {self.providers} offers anyway"
        if self.treasury_twice and not self.treasury_bps:
            yield "treasury_twice", "protocol.treasury_bps=0: there is no share to take twice"
        if self.truncates and self.scaler == int(self.scaler):
            yield "truncates", f"protocol.scaler={self.scaler:g} has nothing to cut off"
        if self.deterministic and not self.reproducible_only:
            yield "engine", "protocol.reproducible_only=false: providers take either"

    def late(self, block_time: float) -> Iterable[str]:
        """Yield which windows are over before a transaction can be in a block; `block_time` in seconds."""
        unused = {name for name, _ in self.idle()}
        for name in (f"{one}_window" for one in WINDOWS):
            if name not in unused and (window := getattr(self, name)) <= block_time:
                yield f"protocol.{name}={window:g}: over before a transaction is in a block of {block_time:g} s"
