"""What must hold in every ModelMarket, whatever people do.

Each check reads the latest block's events about the requests that it stirred, so its cost follows the traffic.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from slashpoint.sim.invariants import invariant
from slashpoint.sim.learning import correct
from slashpoint.sim.market import Job, commitment
from slashpoint.sim.market.vault import BOUNTY, FEE, REFUND, REWARD, STAKE, Vaulted
from slashpoint.sim.units import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slashpoint.sim.world import World

CLOSED = 5  # the first of the contract's final states
BPS = 10_000
GRACE_BLOCKS = 4  # blocks that a keeper may take to be heard, once a window is over


@dataclass
class ModelMarketInvariants(Vaulted):
    """A ModelMarket's own account of its states, and what must hold of them."""

    terms: Any  # the rules
    states: dict[int, int] = field(default_factory=dict)  # by request: the latest
    held: dict[int, int] = field(default_factory=dict)  # by request: what it said that it holds
    overdue: set[int] = field(default_factory=set)  # requests that were complained of

    def _trainers(self, job: Job, before: float = float("inf")) -> list[bytes]:
        """Whose submissions stood, in the order of submission."""
        standing: list[bytes] = []
        facts = [*self._events_of("ModelSubmitted", job), *self._events_of("SubmissionCancelled", job)]
        for fact in sorted(facts, key=lambda fact: fact.number):
            if fact.number < before:
                (standing.append if fact.event == "ModelSubmitted" else standing.remove)(fact.trainer)
        return standing

    # --- money --------------------------------------------------------------------------------------------------

    @invariant
    def escrow_is_what_requests_hold(self, world: World) -> Iterator[str]:
        """The escrow is the sum of what the requests hold; one that is over holds nothing, and stays over."""
        for request in self._now(world):
            book = self.contract.requestOf(request)
            state, before = int(book.state), self.states.get(request, 0)
            self.states[request], self.held[request] = state, book.held
            if state < before or (before >= CLOSED and state != before):
                yield f"request {request} went from state {before} to {state}"
            if state >= CLOSED and book.held:
                yield f"request {request} is over and holds {book.held}"
        if self._now(world) and (escrow := self.contract.escrow()) != (held := sum(self.held.values())):
            yield f"the escrow is {escrow}, and the requests hold {held}"

    @invariant
    def rewards_end_as_the_rules_say(self, world: World) -> Iterator[str]:
        """A reward is paid exactly once: to the winner, to the trainers, to the slashed pool, or back."""
        for job in self._over(world):
            closed = self._events_of("RequestClosed", job)
            if len(closed) != 1:
                yield f"request {job.id} ended {len(closed)} times"
            late = closed[0].time >= job.deadline_ns or bool(self._events_of("SplitDrawn", job))
            found: Counter[tuple[int, str]] = Counter()
            for fact in self._events_of("Credited", job):
                if fact.cause == REWARD:
                    found[REWARD, "winner" if fact.who == job.winner else "trainers"] += fact.amount
                elif fact.cause == REFUND:
                    found[REFUND, "requester" if fact.who == job.poster else "stranger"] += fact.amount
            for fact in self._events_of("Retained", job):
                if fact.cause in {REWARD, FEE}:
                    found[fact.cause, "treasury"] += fact.amount
            due = self._due(job, late=late)
            for cause, who in sorted(found.keys() | due.keys()):
                if found[cause, who] != due[cause, who]:
                    what = {REWARD: "reward", REFUND: "refund", FEE: "fee"}[cause]
                    yield (
                        f"request {job.id} ({job.outcome}): {what} to the {who} is {found[cause, who]}, "
                        f"not {due[cause, who]}"
                    )

    def _due(self, job: Job, *, late: bool) -> Counter[tuple[int, str]]:
        """Return what of a request's reward and its requester's stake goes where, by its outcome."""
        reward, deposit = job.reward, self.terms.to_units(self.terms.requester_stake)
        fee = reward * self.terms.fee_bps // BPS
        slashed = {fact.who for fact in self._events_of("StakeSlashed", job)}
        trainers = self._trainers(job)
        heirs = "trainers" if set(trainers) - slashed else "treasury"
        match job.outcome:
            case "success":
                return Counter({
                    (REWARD, "winner"): reward - fee, (FEE, "treasury"): fee, (REFUND, "requester"): deposit
                })  # fmt: skip
            case "cancelled":
                mine = (0 if trainers else reward) + (0 if late and (trainers or job.drawn) else deposit)
                return Counter({(REWARD, heirs): reward if trainers else 0, (REFUND, "requester"): mine})
            case "requester punished":
                return Counter({(REWARD, heirs): reward} if self.terms.slash_to == "victims" else {})
            case "refunded" if job.drawn and not trainers and not self._events_of("TrainingPublished", job):
                return Counter({(REFUND, "requester"): reward})
        return Counter({(REFUND, "requester"): reward + deposit})

    @invariant
    def stakes_are_lost_for_a_reason(self, world: World) -> Iterator[str]:
        """A stake is lost for a missed or failed duty, and by losers where the rules keep it; else it is back."""
        for job in self._over(world):
            slashed = {fact.who for fact in self._events_of("StakeSlashed", job)} - {job.poster}
            reported = {fact.trainer for fact in self._events_of("AccuracyClaimed", job)}
            picked = {fact.trainer for fact in self._events_of("CandidatePicked", job)}
            for who in sorted(slashed):
                if who in reported and who not in picked:
                    yield f"request {job.id}: {world.name_of(who)} reported, was never picked, and lost its stake"
            back: Counter[bytes] = Counter()
            for fact in self._events_of("Credited", job):
                back[fact.who] += fact.amount if fact.cause == STAKE else 0
            kept = not self.terms.loser_refund and job.outcome in {"success", "refunded"}
            for who in self._trainers(job):
                due = 0 if who in slashed or (kept and who != job.winner) else job.stake
                if who != job.poster and back[who] != due:
                    yield f"request {job.id}: {world.name_of(who)} had {back[who]} of its stake back, not {due}"

    @invariant
    def bounties_are_for_slashing_others(self, world: World) -> Iterator[str]:
        """Nobody earns a bounty for its own slash."""
        for job in filter(None, self._now(world).values()):
            paid = {fact.number for fact in self._events_of("Credited", job) if fact.cause == BOUNTY}
            for fact in self._events_of("StakeSlashed", job):
                if fact.by == fact.who and fact.number + 1 in paid and fact.time == self.last_event_time:
                    yield f"request {job.id}: {world.name_of(fact.who)} earned a bounty for its own slash"

    # --- duties -------------------------------------------------------------------------------------------------

    @invariant
    def deeds_are_in_time(self, world: World) -> Iterator[str]:
        """Submissions come before the deadline, the truth within a window of it."""
        for job in filter(None, self._now(world).values()):
            until = job.deadline_ns + round(self.terms.response_window) * SECOND
            for fact in self._events_of("ModelSubmitted", job):
                if fact.time == self.last_event_time and fact.time >= job.deadline_ns:
                    yield f"request {job.id}: {world.name_of(fact.trainer)} submitted after the deadline"
            for fact in self._events_of("TruthUploaded", job):
                if fact.time == self.last_event_time and not job.deadline_ns <= fact.time < until:
                    yield f"request {job.id}: the truth was opened out of its window"

    @invariant
    def a_split_is_drawn_once(self, world: World) -> Iterator[str]:
        """A later block than the request's draws its test rows, once, before its training rows are published."""
        for job in filter(None, self._now(world).values()):
            draws, published = self._events_of("SplitDrawn", job), self._events_of("TrainingPublished", job)
            if len(draws) > 1 or len(published) > len(draws) or any(fact.time <= job.born for fact in draws):
                yield f"request {job.id}: its test rows were drawn {len(draws)} times, and published {len(published)}"

    @invariant
    def the_truth_is_what_was_drawn(self, world: World) -> Iterator[str]:
        """The truth is, of the labels that were opened, the drawn rows'; the others' are as they were published."""
        for job in filter(None, self._now(world).values()):
            opened, published = world.facts.of("reveals_truth", job.key), self._events_of("TrainingPublished", job)
            if not job.rows or not opened or opened[-1].time != self.last_event_time:
                continue
            if bytes(self.contract.truthOf(job.id)) != job.tested(opened[-1].carries):
                yield f"request {job.id}: its truth is not what was drawn"
            if not published or published[-1].trainSeal != self.rest(job, opened[-1].carries):
                yield f"request {job.id}: its training rows were published with other labels than it opened"

    @staticmethod
    def rest(job: Job, labels: bytes) -> bytes:
        """Return the commitment of the labels of all rows but the test set's.

        Args:
            job: what it is about.
            labels: one byte an item.
        """
        others = bytearray(labels)
        for row in job.drawn:
            others[row] = 0xFF
        return hashlib.sha256(others).digest()

    @invariant
    def reports_are_of_trainers(self, world: World) -> Iterator[str]:
        """Each trainer reports once, for itself, no more than there is."""
        for job in filter(None, self._now(world).values()):
            facts = self._events_of("AccuracyClaimed", job)
            if not facts or facts[-1].time != self.last_event_time:
                continue
            trainers = self._trainers(job)
            for who, times in Counter(fact.trainer for fact in facts).items():
                if who not in trainers or times > 1:
                    yield f"request {job.id}: {world.name_of(who)} reported {times} times, of {len(trainers)} trainers"
            for fact in facts:
                if fact.by != fact.trainer or fact.correct > job.scale:
                    yield f"request {job.id}: {world.name_of(fact.by)} reported {fact.correct} for another"

    @invariant
    def candidates_are_the_best_claims(self, world: World) -> Iterator[str]:
        """A candidate has the best claim of those who reported and stand; of equals it submitted first."""
        for job in filter(None, self._now(world).values()):
            picks = self._events_of("CandidatePicked", job)
            if not picks or picks[-1].time != self.last_event_time:
                continue
            pick = picks[-1]
            out = {fact.who for fact in self._events_of("StakeSlashed", job) if fact.number < pick.number}
            claims = {fact.trainer: fact.correct for fact in self._events_of("AccuracyClaimed", job)}
            enough = [
                (-claims[who], place, who)
                for place, who in enumerate(self._trainers(job))
                if who in claims and who not in out and claims[who] * BPS >= self.terms.min_accuracy_bps * job.scale
            ]
            if not enough or min(enough)[2] != pick.trainer or claims[pick.trainer] != pick.correct:
                best = world.name_of(min(enough)[2]) if enough else "nobody"
                name = world.name_of(pick.trainer)
                yield f"request {job.id}: {name} was picked with {pick.correct}, the best is {best}"

    @invariant
    def the_paid_revealed_both_commitments(self, world: World) -> Iterator[str]:
        """The winner was the candidate, and revealed what it committed to; its predictions are as right as claimed."""
        for job in self._over(world):
            for fact in self._events_of("ModelAccepted", job):
                who, name = fact.trainer, world.name_of(fact.trainer)
                picks = self._events_of("CandidatePicked", job)
                if not picks or picks[-1].trainer != who:
                    yield f"request {job.id}: {name} was paid, and was not the candidate"
                    continue
                opened = [deed for deed in world.facts.of("reveals", job.key) if deed.by == who]
                if opened:
                    yield from self._opening(job, name, who, opened[-1].carries)

    def _opening(self, job: Job, name: str, who: bytes, opening: Any) -> Iterator[str]:
        predictions, cid, salt = opening
        book, salted = self.contract.submissionOf(job.id, who), self.terms.salted
        if commitment(cid, salt, who, salted=salted) != book.modelSeal:
            yield f"request {job.id}: {name} was paid for another model than it committed to"
        if commitment(hashlib.sha256(predictions).digest(), salt, who, salted=salted) != book.predictionSeal:
            yield f"request {job.id}: {name} was paid for other predictions than it committed to"
        if (right := correct(predictions, bytes(self.contract.truthOf(job.id)))) != book.correct:
            yield f"request {job.id}: {name} was paid for {book.correct} correct, and had {right}"

    @invariant
    def requesters_who_reveal_lose_nothing(self, world: World) -> Iterator[str]:
        """A requester whose truth was taken loses its reward to a winner only, and never its stake."""
        for job in self._over(world):
            if self._events_of("TruthUploaded", job) and job.outcome not in {"success", "refunded"}:
                yield f"request {job.id} ended as {job.outcome!r} after its truth was opened"

    @invariant(period=8)
    def requests_end_in_time(self, world: World) -> Iterator[str]:
        """A request is over within deadline + window × (2 + submissions), given an honest keeper who is heard."""
        for job in self.jobs.values():
            if job.closed is not None or job.id in self.overdue:
                continue
            windows = 2 + len(self._events_of("ModelSubmitted", job))
            window = round(self.terms.response_window) * SECOND + GRACE_BLOCKS * world.chain.period
            if world.chain.time <= job.deadline_ns + windows * window:
                continue
            if not self.heard(job):
                continue
            self.overdue.add(job.id)
            late = (world.chain.time - job.deadline_ns) // SECOND
            yield f"request {job.id} is not over {late} s past its deadline"
