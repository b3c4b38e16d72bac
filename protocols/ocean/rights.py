"""Rights: who may do what and when in the data market, what draws must come from, and what is forgotten after use.

Each check reads the latest block's events about the jobs that it stirred, and asks the contract about their people.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import takewhile
from typing import TYPE_CHECKING

from slashpoint.protocols.ocean.shelf import Shelf
from slashpoint.sim.contract import keccak
from slashpoint.sim.invariants import invariant
from slashpoint.sim.units import SECOND

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from slashpoint.sim.facts import Fact
    from slashpoint.sim.market import Job
    from slashpoint.sim.world import World

BPS = 10_000
EVER = 2**63
FINISHED = 70
EXPIRED, LAPSED = 10, 11  # the contract's states


@dataclass
class Rights(Shelf):
    """What people may do, as the market's own account of its jobs has it."""

    live: dict[tuple[bytes, bytes], dict[int, int]] = field(default_factory=lambda: defaultdict(dict))  # locks by job
    fees: Counter[bytes] = field(default_factory=Counter)  # consumer → fees that it paid
    free: Counter[bytes] = field(default_factory=Counter)  # consumer → jobs in the free tier

    def _fresh(self, event: str, job: Job | None) -> list[Fact]:
        """Return the latest block's events."""
        found = self.world.facts.of(self.contract.event_(event), None if job is None else job.key)
        return [*takewhile(lambda fact: fact.time == self.last_event_time, reversed(found))][::-1]

    def _stirred(self, world: World) -> list[Job]:
        return [job for job in self._now(world).values() if job is not None]

    def notes(self, fact: Fact, job: Job) -> None:
        """Keep whose locks are live, and what was used once."""
        super().notes(fact, job)
        order = self.ordered.get(job.key)
        match fact.event:
            case "OrderStarted":
                self.free[job.poster] += fact.args["free"]
            case "FeePaid":
                self.fees[job.poster] += 1
            case "Locked" if order is not None:
                self.live[job.poster, order.provider][job.id] = fact.args["amount"]
            case "Unlocked" if order is not None:
                self.live[job.poster, order.provider].pop(job.id, None)

    # --- who, and when ------------------------------------------------------------------------------------------

    def _only(self, job: Job, event: str) -> Fact | None:
        """Return a job's event of a kind that it has at most one of."""
        found = self._events_of(event, job)
        return found[0] if found else None

    def _due(self, job: Job, event: str) -> int:
        """Return when a window ends that an event of a job begins, nanoseconds; never where there is none."""
        found = self._only(job, event)
        return EVER if found is None else found.args["due"] * SECOND

    def _allowed(self, job: Job, fact: Fact) -> tuple[Container[bytes] | None, int, int]:
        """Return who may do what an event says, none for anybody, from when and until when, nanoseconds.

        Args:
            job: what it is about.
            fact: the event.
        """
        order, (begun, *_) = self.ordered[job.key], self._events_of("OrderStarted", job)
        expiry = begun.args["expiry"] * SECOND
        locking = expiry if order.free else expiry - round(self.terms.job_seconds) * SECOND
        audit = self._only(job, "AuditBegun")
        panel = {*audit.panel} if audit is not None else set()
        match fact.event:
            case "DataServed":
                return {self.assets[order.asset].publisher}, begun.time, locking
            case "SampleAgreed":
                return {job.poster}, begun.time, EVER
            case "Locked":
                return {order.provider}, begun.time, locking
            case "Enlisted":
                nodes = self.nodes.keys() - {order.provider, job.poster}
                claimed = self._only(job, "Claimed")
                return nodes, begun.time, EVER if claimed is None or claimed.number > fact.number else 0
            case "Claimed":
                return {order.provider}, begun.time, expiry
            case "AuditBegun" if fact.disputed:
                return {job.poster}, begun.time, self._due(job, "Claimed")
            case "AnswerCommitted":
                return panel, begun.time, self._due(job, "AuditBegun")
            case "AnswerRevealed":
                return {*panel, order.provider}, begun.time, self._due(job, "RevealBegun")
            case "JobClosed" if fact.state in {EXPIRED, LAPSED}:
                return None, expiry if fact.state == EXPIRED else locking, EVER
        return None, begun.time, EVER

    @invariant
    def people_do_what_they_may_when_they_may(self, world: World) -> Iterator[str]:
        """Each step of a job is by whom the rules name, within its window; lists and reserves are their publisher's."""
        for job in self._stirred(world):
            for event in STEPS:
                for fact in self._fresh(event, job):
                    who, since, until = self._allowed(job, fact)
                    if who is not None and fact.by not in who:
                        yield f"job {job.id}: {event} by {world.name_of(fact.by)}, who may not"
                    if not since <= fact.time < until:
                        yield f"job {job.id}: {event} at {fact.time // SECOND}, out of its time"
        for event in ("TrustChanged", "Collected") if self.last_event_time == world.chain.time else ():
            for fact in self._fresh(event, None):
                if fact.by != self.assets[fact.asset].publisher:
                    yield f"{event} of asset {fact.asset} by {world.name_of(fact.by)}, who did not publish it"

    # --- draws --------------------------------------------------------------------------------------------------

    @invariant
    def draws_are_the_blocks(self, world: World) -> Iterator[str]:
        """Which claims are audited, and by whom, is drawn by the block's randomness, as anybody can check."""
        for job in self._stirred(world):
            begun = self._fresh("AuditBegun", job)
            for fact in self._fresh("Claimed", job):
                pool = self._events_of("Enlisted", job)
                if not pool or fact.status != FINISHED:
                    continue
                drawn = self._drawn(world, fact, job.id) % BPS < self.terms.audit_bps
                if drawn != any(not one.disputed for one in begun):
                    yield f"job {job.id} is audited, or is not, against what its block drew"
            for fact in begun:
                pool = [one.auditor for one in self._events_of("Enlisted", job) if one.number < fact.number]
                for i in range(len(fact.panel)):
                    j = i + self._drawn(world, fact, job.id, i) % (len(pool) - i)
                    pool[i], pool[j] = pool[j], pool[i]
                if [*fact.panel] != pool[: len(fact.panel)]:
                    yield f"job {job.id}: its panel is not the one that its block drew"

    def _drawn(self, world: World, fact: Fact, *words: int) -> int:
        """Return what a block drew for some words.

        Args:
            world: that it is of.
            fact: an event of the block.
            words: unsigned integers.
        """
        beacon = world.chain.context(0, fact.time).prevrandao
        return int.from_bytes(keccak(beacon + b"".join(one.to_bytes(32, "big") for one in words)), "big")

    # --- what is used -------------------------------------------------------------------------------------------

    @invariant
    def what_was_used_is_counted(self, world: World) -> Iterator[str]:
        """A fee's number is used once; authorisations count the live locks, and no more or less; so free jobs."""
        for job in self._stirred(world):
            if self._fresh("Locked", job) or self._fresh("Unlocked", job):
                yield from self._authorised(world, job)
            if not self._fresh("OrderStarted", job):
                continue
            payer, name = job.poster, world.name_of(job.poster)
            if self.terms.fees_bound and (used := self.contract.nonces(payer)) != self.fees[payer]:
                yield f"{name} paid {self.fees[payer]} fees, and the number of the next one is {used}"
            if self.free[payer] and (used := self.contract.freeUsed(payer)) != self.free[payer]:
                yield f"{name} had {self.free[payer]} free jobs, and {used} are counted"

    def _authorised(self, world: World, job: Job) -> Iterator[str]:
        """Complain of an authorisation whose count is not its live locks, or is above its limits as something locks."""
        node = self.ordered[job.key].provider
        auth, live = self.contract.authOf(job.poster, node), self.live[job.poster, node]
        names = f"{world.name_of(node)}'s locks of {world.name_of(job.poster)}'s deposit"
        if (auth.amount, auth.locks) != (due := (sum(live.values()), len(live))):
            yield f"{names} are {due[0]} in {due[1]}, and {auth.amount} in {auth.locks} are counted"
        said = [one for one in self._fresh("Authorized", None) if (one.payer, one.payee) == (job.poster, node)]
        if self._fresh("Locked", job) and not said and (due[0] > auth.maxAmount or due[1] > auth.maxLocks):
            yield f"{names} are {due[0]} in {due[1]}, and {auth.maxAmount} in {auth.maxLocks} are allowed"


STEPS = (
    "DataServed", "SampleAgreed", "Locked", "Enlisted", "Claimed", "AuditBegun", "AnswerCommitted", "AnswerRevealed",
    "JobClosed",
)  # fmt: skip
