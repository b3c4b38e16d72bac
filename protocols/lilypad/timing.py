"""What must hold of the time that deals give: whole windows, no timeout before its time, draws that nobody foresees."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from slashpoint.sim.contract import keccak
from slashpoint.sim.invariants import invariant
from slashpoint.sim.market.vault import BOUNTY, Vaulted
from slashpoint.sim.units import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from slashpoint.sim.facts import Fact
    from slashpoint.sim.market import Job
    from slashpoint.sim.world import World

GRACE_BLOCKS = 4  # blocks that a keeper may take to be heard, once a window is over
WORD = 32
OPENS = {  # what sets a deal's due time, and the window that is then open
    "JobOffered": "bid", "DealMatched": "agree", "DealAgreed": "submit", "RevealBegan": "reveal",
    "ResultSubmitted": "judge", "MediationRequested": "mediate",
}  # fmt: skip
WAITS = {  # outcomes that take the end of a window, and what opened it
    "unmatched": "JobOffered", "timeout agree": "DealMatched", "timeout submit": "DealAgreed",
    "timeout judge": "ResultSubmitted", "timeout mediate": "MediationRequested",
}  # fmt: skip


@dataclass
class Timely(Vaulted):
    """What must hold of a deal's windows, and of what depends on them."""

    terms: Any  # the rules
    overdue: set[int] = field(default_factory=set)  # deals that were complained of

    def _fresh(self, event: str, job: Job) -> list[Fact]:
        """Return the latest block's events."""
        return [*takewhile(lambda fact: fact.time == self.last_event_time, reversed(self._events_of(event, job)))][::-1]

    def _stirred(self, world: World) -> list[Job]:
        return [job for job in self._now(world).values() if job is not None]

    def _last(self, event: str, job: Job) -> Fact:
        return self._events_of(event, job)[-1]

    @invariant
    def slashed_for_a_reason(self, world: World) -> Iterator[str]:
        """Who acted in time loses nothing to a timeout; results cost collateral only by a verdict or a vote."""
        for job in self._stirred(world):
            for fact in self._fresh("Slashed", job):
                who, name = fact.who, world.name_of(fact.who)
                run = self.contract.dealOf(job.id).run
                closing = self._fresh("DealClosed", job)
                state = job.outcome if closing else ""
                acted = {
                    "timeout agree": {one.party for one in self._events_of("Agreed", job) if one.run == run},
                    "timeout submit": {job.poster, *(one.provider for one in self._events_of("ResultSubmitted", job))},
                    "timeout mediate": {one.mediator for one in self._events_of("MediationDecided", job)},
                    "accepted": {who}, "mediation accepted": {who}, "unmatched": {who},
                }.get(state or "", set())  # fmt: skip
                if who in acted:
                    yield f"deal {job.id}: {name} lost {fact.amount}, and had done its part"

    @invariant(period=8)
    def deals_end_in_time(self, world: World) -> Iterator[str]:
        """A deal is over when its windows are, given an honest keeper who is heard."""
        terms, grace = self.terms, GRACE_BLOCKS * world.chain.period
        mediations = (1 + terms.redraws) * round(terms.mediate_window)
        run = round(terms.bid_window) + 2 * round(terms.agree_window) + round(terms.submit_window)
        run += round(terms.reveal_window) if terms.redundant else round(terms.judge_window) + mediations
        runs = 1 + (terms.reruns if terms.redundant else 0)
        for job in self.jobs.values():
            bound = job.born + runs * (run * SECOND + (6 + terms.redraws) * grace)
            if job.closed is None and job.id not in self.overdue and world.chain.time > bound and self.heard(job):
                self.overdue.add(job.id)
                yield f"deal {job.id} is not over {(world.chain.time - bound) // SECOND} s after its last window"

    @invariant
    def windows_are_as_long_as_agreed(self, world: World) -> Iterator[str]:
        """Whoever has to do something has the whole window for it, in a run that may still be."""
        for job in self._stirred(world):
            for event, window in OPENS.items():
                for fact in self._fresh(event, job):
                    agreed = round(getattr(self.terms, f"{window}_window"))
                    open_for = fact.due - fact.time // SECOND
                    whole = event != "MediationRequested" or self.terms.full_mediation
                    if open_for != agreed and whole and not self._instant(event):
                        yield f"deal {job.id}: {event} opened the {window} window for {open_for} s, not {agreed}"
            runs = self.terms.reruns if self.terms.redundant else 0
            for fact in self._fresh("JobOffered", job):
                if fact.run > runs:
                    yield f"deal {job.id} is in run {fact.run}, and no vote is repeated more than {runs} times"

    def _instant(self, event: str) -> bool:
        """Return whether what an event opens is over with it: a result that nobody verifies."""
        return bool(event == "ResultSubmitted" and self.terms.verification == "none")

    @invariant
    def nothing_is_called_late_before_its_time(self, world: World) -> Iterator[str]:
        """A match, a timeout, another mediator: each waits until the window before it is over."""
        for job in self._stirred(world):
            early = [(fact, "JobOffered", "was matched") for fact in self._fresh("DealMatched", job)]
            if (closing := self._fresh("DealClosed", job)) and (opened := WAITS.get(job.outcome or "")):
                early.append((closing[-1], opened, f"ended as {job.outcome}"))
            drawn = self._events_of("MediationRequested", job)
            if len(drawn) > 1 and drawn[-1].time == self.last_event_time:
                early.append((drawn[-1], "MediationRequested", "has another mediator"))
            for fact, opened, what in early:
                before = [one for one in self._events_of(opened, job) if one is not fact][-1]
                if fact.time < before.due * SECOND:
                    yield f"deal {job.id} {what} {before.due - fact.time // SECOND} s before its window was over"

    @invariant
    def bounties_go_to_callers(self, world: World) -> Iterator[str]:
        """A bounty is for whoever called a timeout, and not for who was late."""
        for job in self._stirred(world):
            late = {fact.who for fact in self._fresh("Slashed", job)}
            for fact in self._fresh("Credited", job):
                if fact.cause == BOUNTY and (fact.who != fact.by or fact.who in late):
                    yield f"deal {job.id}: {world.name_of(fact.who)} has the bounty that is {world.name_of(fact.by)}'s"

    @invariant
    def mediators_are_drawn_by_the_beacon(self, world: World) -> Iterator[str]:
        """The block's randomness draws among those who are enrolled and not late; late ones are replaced as agreed."""
        for job in self._stirred(world):
            drawn = self._events_of("MediationRequested", job)
            for at, fact in enumerate(drawn):
                if fact.time != self.last_event_time or not self.terms.beacon_mediator:
                    continue
                there = self._enrolled(job, drawn[:at])
                seed = world.chain.context(world.chain.number, fact.time).prevrandao
                words = (int(job.id).to_bytes(WORD, "big"), at.to_bytes(WORD, "big"))
                first = int.from_bytes(keccak(seed + b"".join(words)), "big") % len(there)
                parties = {job.poster, self._last("ResultSubmitted", job).provider} if self.terms.conflict_check else ()
                right = next((one for one in there[first:] + there[:first] if one not in parties), None)
                if fact.mediator != right:
                    yield f"deal {job.id}: {world.name_of(fact.mediator)} mediates, and the beacon draws another"
            if job.outcome == "timeout mediate" and self._fresh("DealClosed", job):
                parties = {job.poster, self._last("ResultSubmitted", job).provider}
                free = [one for one in self._enrolled(job, drawn) if one not in parties]
                if free and len(drawn) < 1 + self.terms.redraws:
                    yield f"deal {job.id} ended after {len(drawn)} mediators, and another was there"

    def _enrolled(self, job: Job, late: Sequence[Fact]) -> list[bytes]:
        """Return who may be drawn, in the contract's order: the last takes the place of one that was late.

        Args:
            job: what they are enrolled for.
            late: the draws of those who were.
        """
        there = [fact.mediator for fact in self._events_of("MediatorEnrolled", job)]
        for fact in late:
            there[there.index(fact.mediator)] = there[-1]
            there.pop()
        return there
