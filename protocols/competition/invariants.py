"""What must hold in every competition, whatever people do.

Each check reads the latest block's events about the competitions that it stirred, so its cost follows the traffic.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from slashpoint.protocols.competition.committee import Seated
from slashpoint.sim.contract import keccak
from slashpoint.sim.invariants import invariant
from slashpoint.sim.learning import correct
from slashpoint.sim.market import commitment
from slashpoint.sim.market.vault import BOUNTY, REFUND, REWARD, SLASH, STAKE
from slashpoint.sim.units import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from slashpoint.sim.facts import Fact
    from slashpoint.sim.market import Job
    from slashpoint.sim.world import World

SETTLED = "settled"
BPS = 10_000
DIGEST = 224  # bits of a digest that two reports are compared by
GRACE_BLOCKS = 4  # blocks that a keeper may take for each of its calls, once the windows are over


@dataclass
class CompetitionInvariants(Seated):
    """A competition's own account of its models and reports, and what must hold of them."""

    truths: dict[str, bytes] = field(default_factory=dict)  # job's key → labels that anybody can read
    held: dict[int, int] = field(default_factory=dict)  # by competition: what it said that it holds
    overdue: set[int] = field(default_factory=set)  # competitions that were complained of

    def _reports(self, job: Job, model: int) -> Sequence[Fact]:
        return [fact for fact in self._events_of("Reported", job) if fact.model == model]

    def _credited(self, job: Job, cause: int) -> Counter[bytes]:
        sums: Counter[bytes] = Counter()
        for fact in self._events_of("Credited", job):
            sums[fact.who] += fact.amount if fact.cause == cause else 0
        return sums

    # --- models and reports -------------------------------------------------------------------------------------

    @invariant
    def models_are_their_owners(self, world: World) -> Iterator[str]:
        """A model is handed in by a competitor for itself, in time, within the byte limit, as committed, once."""
        for job in self._stirred(world):
            members = {fact.competitor for fact in self._events_of("Registered", job)}
            opened, clock = self._events_of("ModelOpened", job), self.clock(job)
            for fact in self._fresh("ModelOpened", job):
                where, name = f"competition {job.id}, model {fact.model}", world.name_of(fact.owner)
                if fact.by != fact.owner or fact.owner not in members:
                    yield f"{where}: {world.name_of(fact.by)} handed it in for {name}"
                if fact.time >= (clock.open if self.terms.commit_models else clock.compete) * SECOND:
                    yield f"{where} came too late"
                if fact.size > self.terms.byte_limit:
                    yield f"{where} has {fact.size} bytes"
                if self.terms.unique and sum(one.hash == fact.hash for one in opened) > 1:
                    yield f"{where} was handed in before"
                if self.terms.commit_models:
                    yield from self._opening(job, where, fact)

    def _opening(self, job: Job, where: str, fact: Fact) -> Iterator[str]:
        submitted = self.world.facts.of("submits", job.key)
        commitments = [(one.carries, one.time) for one in submitted if one.by == fact.owner]
        said = [one for one in self.world.facts.of("reveals", job.key) if one.by == fact.by and one.time == fact.time]
        fits = {
            commitment(fact.hash, one.carries[1], fact.owner, salted=True)
            for one in said
            if isinstance(one.carries[0], bytes) and self._hash(one.carries[0]) == fact.hash
        }
        if not any(committed in fits and time < self.clock(job).compete * SECOND for committed, time in commitments):
            yield f"{where} is another than was committed in time"

    def _hash(self, carried: bytes) -> bytes:
        return hashlib.sha256(carried).digest() if self.terms.models_on_chain else carried

    @invariant
    def reports_are_the_miners(self, world: World) -> Iterator[str]:
        """A miner reports once on a model that is there, for itself, in time, a count that can be."""
        for job in self._stirred(world):
            models = {fact.model for fact in self._events_of("ModelOpened", job)}
            members = {fact.competitor for fact in self._events_of("Registered", job)}
            clock = self.clock(job)
            for fact in self._fresh("Reported", job):
                where = f"competition {job.id}, model {fact.model}: {world.name_of(fact.miner)}"
                if sum(one.miner == fact.miner for one in self._reports(job, fact.model)) > 1:
                    yield f"{where} reported again"
                if fact.model not in models:
                    yield f"{where} reported on no model"
                if not 0 <= fact.correct <= job.scale:
                    yield f"{where} reported {fact.correct} of {job.scale}"
                if fact.by != fact.miner or (fact.miner in members and not self.terms.dual_role):
                    yield f"{where} is no miner, or {world.name_of(fact.by)} reported for it"
                early = self.terms.commit_reports and fact.time < clock.report * SECOND
                if early or fact.time >= (clock.reveal if self.terms.commit_reports else clock.report) * SECOND:
                    yield f"{where} reported out of time"
                if self.terms.commit_reports and not self._sealed(job, fact):
                    yield f"{where} revealed another report than it committed to"
            for fact in (*self._fresh("ReportCommitted", job), *self._fresh("Reported", job)):
                if self.terms.committee and fact.miner not in self.committee(job, fact.model):
                    yield f"competition {job.id}: {world.name_of(fact.miner)} was not drawn for model {fact.model}"

    def _sealed(self, job: Job, fact: Fact) -> bool:
        facts = self.world.facts
        commitments = {one.carries for one in facts.of("judges", job.key) if one.by == fact.miner}
        said = [one for one in facts.of("reveals", job.key) if one.by == fact.by and one.time == fact.time]
        return any(
            commitment(payload(fact.model, one.carries[0]), one.carries[1], fact.miner, salted=True) in commitments
            and self._says(job, fact, one.carries[0])
            for one in said
        )

    def _says(self, job: Job, fact: Fact, said: int | bytes) -> bool:
        """Whether what was opened is what the contract took it for."""
        if not self.terms.proof_of_evaluation:
            return bool(fact.correct == said)
        if not isinstance(said, bytes) or len(said) != job.scale:
            return False
        return bool((fact.correct, fact.answers) == (correct(said, self.truths[job.key]), keccak(said)))

    @invariant
    def the_truth_is_as_sealed(self, world: World) -> Iterator[str]:
        """The test labels are opened by the host, once all models are in, and are those that it committed to."""
        for job in self._stirred(world):
            for fact in self._fresh("TruthRevealed", job):
                clock, where = self.clock(job), f"competition {job.id}"
                if fact.by != job.poster:
                    yield f"{where}: {world.name_of(fact.by)} opened the truth"
                if not clock.compete * SECOND <= fact.time < clock.open * SECOND:
                    yield f"{where}: the truth was opened out of time"
                if len(fact.labels) != job.scale:
                    yield f"{where}: {len(fact.labels)} labels were opened for {job.scale} test items"

    # --- counting -----------------------------------------------------------------------------------------------

    @invariant
    def scores_follow_the_reports(self, world: World) -> Iterator[str]:
        """Each model is judged once, after all may have reported, and as its reports say."""
        for job in self._stirred(world):
            claims = {fact.model: fact.claimed for fact in self._events_of("ModelOpened", job)}
            judged = [fact.model for fact in self._events_of("ModelJudged", job)]
            for fact in self._fresh("ModelJudged", job):
                where = f"competition {job.id}, model {fact.model}"
                said = self.said(job, fact.model)
                agreeing, score = self.agreement(said)
                valid = self.agreed(said) and (not self.terms.claim_binds or score >= claims.get(fact.model, 0))
                if (found := (fact.valid, fact.score, fact.median, fact.agreeing, fact.reports)) != (
                    due := (valid, score, median(said) >> DIGEST, agreeing, len(said))
                ):
                    yield f"{where} was judged {found}, and its reports say {due}"
                if fact.time < self.clock(job).reveal * SECOND or judged.count(fact.model) > 1:
                    yield f"{where} was judged too early, or again"

    def said(self, job: Job, model: int) -> list[int]:
        """Return what the reports on a model say, in ascending order.

        Args:
            job: what it is about.
            model: the model's number.
        """
        return sorted(map(worth, self._reports(job, model)))

    def agreement(self, said: Sequence[int]) -> tuple[int, int]:
        """How many agree within the tolerance at most, and the count of the middle one of those."""
        best = (0, 0)
        for low, least in enumerate(said):
            group = [one for one in said[low:] if one - least <= self.terms.tolerance << DIGEST]
            if len(group) > best[0]:
                best = (len(group), group[(2 * low + len(group) - 1) // 2 - low] >> DIGEST)
        return best

    def agreed(self, said: Sequence[int]) -> bool:
        """Whether a quorum says the same."""
        n, agreeing = len(said), self.agreement(said)[0]
        return bool(n >= self.terms.min_reports and agreeing * BPS >= self.terms.quorum_bps * n)

    def near(self, job: Job, model: int) -> list[bytes]:
        """Whose reports on a model are near enough to the median to earn.

        Args:
            job: what it is about.
            model: the model's number.
        """
        reports, at = self._reports(job, model), median(self.said(job, model))
        return [one.miner for one in reports if abs(worth(one) - at) <= self.terms.pay_within << DIGEST]

    # --- money --------------------------------------------------------------------------------------------------

    @invariant
    def escrow_is_what_competitions_hold(self, world: World) -> Iterator[str]:
        """The escrow is the sum of what the competitions hold, and one that is over holds nothing."""
        for each in self._now(world):
            book = self.contract.competitionOf(each)
            self.held[each] = book.held
            if book.ended and book.held:
                yield f"competition {each} is over and holds {book.held}"
        if self._now(world) and (escrow := self.contract.escrow()) != (held := sum(self.held.values())):
            yield f"the escrow is {escrow}, and the competitions hold {held}"

    @invariant
    def the_best_is_paid(self, world: World) -> Iterator[str]:
        """Nobody earns before the end, and then the owner of the best model and the miners do, as the rules say."""
        for job in self._stirred(world):
            due = self.earnings(job) if job.outcome == SETTLED else Counter()
            paid = self._credited(job, REWARD)
            for who in sorted(paid.keys() | due.keys()):
                if paid[who] != due[who]:
                    yield f"competition {job.id}: {world.name_of(who)} earned {paid[who]}, not {due[who]}"
            unjudged = {f.model for f in self._events_of("ModelOpened", job)} - {
                f.model for f in self._events_of("ModelJudged", job)
            }
            if job.outcome == SETTLED and unjudged:
                yield f"competition {job.id} was settled before all models were judged"

    def earnings(self, job: Job) -> Counter[bytes]:
        """Return what everybody should have of the pool."""
        pool = job.reward + job.stake * len(self._events_of("Registered", job))
        valid = [fact for fact in self._events_of("ModelJudged", job) if fact.valid]
        if not valid:
            return Counter()
        owners = {fact.model: fact.owner for fact in self._events_of("ModelOpened", job)}
        best = min(valid, key=lambda fact: (-fact.score, fact.model))
        paid = Counter(who for fact in valid for who in self.near(job, fact.model))
        first = pool * self.terms.winner_bps // BPS
        share = (pool - first) // paid.total()
        due = Counter({who: times * share for who, times in paid.items()})
        due[owners[best.model]] += first
        return due

    @invariant
    def stakes_come_back(self, world: World) -> Iterator[str]:
        """Once it is over: bonds are back, except of miners who misreported or were silent, and buy-ins unless won."""
        for job in self._over(world):
            settled = job.outcome == SETTLED
            due = Counter({fact.competitor: 0 if settled else job.stake for fact in self._events_of("Registered", job)})
            gone = self.absent(job)
            back_for = [who for who in self.enrolled(job) if who not in gone]
            for fact in self._events_of("ModelJudged", job):
                all_of = [one.miner for one in self._reports(job, fact.model)]
                back_for += self.near(job, fact.model) if self.agreed(self.said(job, fact.model)) else all_of
            due.update({who: times * self.terms.to_units(self.terms.bond) for who, times in Counter(back_for).items()})
            back = self._credited(job, STAKE)
            for who in sorted(back.keys() | due.keys()):
                if back[who] != due[who]:
                    yield f"competition {job.id}: {world.name_of(who)} had {back[who]} back, not {due[who]}"

    @invariant
    def the_host_pays_for_silence(self, world: World) -> Iterator[str]:
        """The host has its stake back, and its prize if nobody won; both go to the competitors if it kept the truth."""
        for job in self._over(world):
            stake = self.terms.to_units(self.terms.host_stake)
            opened = Counter(fact.owner for fact in self._events_of("ModelOpened", job))
            silent = bool(opened) and self.terms.commit_truth and not self._events_of("TruthRevealed", job)
            refund, shares = self._credited(job, REFUND), self._credited(job, SLASH)
            due = 0 if silent else stake if job.outcome == SETTLED else stake + job.reward
            if refund.total() != due or refund[job.poster] != due:
                yield f"competition {job.id}: the host had {refund[job.poster]} back, not {due}"
            share = (stake + job.reward - self._bounty(job, stake)) // opened.total() if silent else 0
            for who in sorted(shares.keys() | opened.keys()):
                if shares[who] != share * opened[who]:
                    yield f"competition {job.id}: {world.name_of(who)} had {shares[who]} of the host's, not a share"

    def _bounty(self, job: Job, lost: int) -> int:
        """Return what the end of a competition earns whoever called it, where its host loses its stake by it."""
        by = self._events_of("CompetitionClosed", job)[0].by
        return 0 if by == job.poster else lost * self.terms.poke_bounty_bps // BPS

    @invariant
    def bounties_are_for_others_losses(self, world: World) -> Iterator[str]:
        """Whoever carries out a loss has the part of it that the rules say, unless it is its own."""
        for job in self._over(world):
            due: Counter[bytes] = Counter()
            for fact in self._events_of("Forfeited", job):
                due[fact.by] += fact.amount * self.terms.poke_bounty_bps // BPS if fact.by != fact.miner else 0
            if job.outcome == "truth withheld":
                closed = self._events_of("CompetitionClosed", job)[0]
                due[closed.by] += self._bounty(job, self.terms.to_units(self.terms.host_stake))
            paid = self._credited(job, BOUNTY)
            for who in sorted(paid.keys() | due.keys()):
                if paid[who] != due[who]:
                    yield f"competition {job.id}: {world.name_of(who)} had bounties of {paid[who]}, not {due[who]}"

    @invariant(period=10)
    def competitions_end(self, world: World) -> Iterator[str]:
        """A competition is over soon after its windows are, given an honest keeper who is heard."""
        for job in self.jobs.values():
            if job.closed is not None or job.id in self.overdue:
                continue
            calls = len(self._events_of("ModelOpened", job)) + len(self._events_of("ModelCommitted", job)) + 2
            bound = self.clock(job).reveal * SECOND + calls * GRACE_BLOCKS * world.chain.period
            if world.chain.time > bound and self.heard(job):
                self.overdue.add(job.id)
                yield f"competition {job.id} should be over since its windows are"


def payload(model: int, said: int | bytes) -> bytes:
    """Return what is committed of a report: SHA-256 of the model's number and the count or the answers, packed.

    Args:
        model: the model's number.
        said: the count, or the answers.
    """
    words = said.to_bytes(32, "big") if isinstance(said, int) else said
    return hashlib.sha256(model.to_bytes(32, "big") + words).digest()


def worth(report: Fact) -> int:
    """Return a report as a number: its count, and below that the head of the digest of its answers, if it has any."""
    head = int.from_bytes(report.answers, "big") >> 256 - DIGEST
    return int(report.correct << DIGEST) + head


def median(said: Sequence[int]) -> int:
    """Return the lower middle of sorted numbers; 0 of none."""
    return said[(len(said) - 1) // 2] if said else 0
