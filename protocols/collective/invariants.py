"""What must hold in every experiment in collective learning, whatever people do.

Each check reads the latest block's events about the experiments that it stirred, so its cost follows the traffic.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left, bisect_right
from collections import Counter
from dataclasses import dataclass, field
from itertools import groupby, takewhile
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from slashpoint.sim.invariants import invariant
from slashpoint.sim.learning import privacy
from slashpoint.sim.market import commitment
from slashpoint.sim.market.vault import BOUNTY, REFUND, REWARD, STAKE, Vaulted
from slashpoint.sim.units import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from slashpoint.sim.facts import Fact
    from slashpoint.sim.market import Job
    from slashpoint.sim.world import World

FINISHED, ABORTED = 5, 6  # the contract's final states
BPS = 10_000
_round = attrgetter("round")
GRACE_BLOCKS = 4  # blocks that a keeper may take to be heard, once a window is over


@dataclass
class CollectiveInvariants(Vaulted):
    """An experiment's own account of its rounds, and what must hold of them."""

    terms: Any  # the rules
    held: dict[int, int] = field(default_factory=dict)  # by experiment: what it said that it holds
    overdue: set[int] = field(default_factory=set)  # experiments that were complained of

    def releases(self, job: Job, who: bytes) -> int:
        """How often somebody proposed a model of its own, rather than the current one again.

        Args:
            job: what it is about.
            who: an address.
        """
        bases = {fact.round: fact.cid for fact in self._events_of("RoundBegan", job)}
        return sum(fact.proposer == who and fact.cid != bases[fact.round] for fact in self._events_of("Proposed", job))

    def _fresh(self, event: str, job: Job) -> list[Fact]:
        """Return the latest block's events."""
        return [*takewhile(lambda fact: fact.time == self.last_event_time, reversed(self._events_of(event, job)))][::-1]

    def _stirred(self, world: World) -> list[Job]:
        return [job for job in self._now(world).values() if job is not None]

    def _round(self, event: str, job: Job, number: int) -> Sequence[Fact]:
        facts = self._events_of(event, job)  # rounds only go on
        return facts[bisect_left(facts, number, key=_round) : bisect_right(facts, number, key=_round)]

    def _members(self, job: Job, before: int) -> list[bytes]:
        """Who had a seat just before a fact (by its number), in the order of joining."""
        there: list[bytes] = []
        facts = [*self._events_of("Joined", job), *self._events_of("Left", job)]
        for fact in sorted(facts, key=lambda fact: fact.number):
            if fact.number < before:
                (there.append if fact.event == "Joined" else there.remove)(fact.learner)
        return there

    # --- money --------------------------------------------------------------------------------------------------

    @invariant
    def escrow_is_what_experiments_hold(self, world: World) -> Iterator[str]:
        """The escrow is the sum of what the experiments hold, and one that is over holds nothing."""
        for each in self._now(world):
            book = self.contract.experimentOf(each)
            self.held[each] = book.held
            if book.state >= FINISHED and book.held:
                yield f"experiment {each} is over and holds {book.held}"
        if self._now(world) and (escrow := self.contract.escrow()) != (held := sum(self.held.values())):
            yield f"the escrow is {escrow}, and the experiments hold {held}"

    @invariant
    def rewards_follow_the_tally(self, world: World) -> Iterator[str]:
        """A proposer is paid when accepted, and those who voted for what came of it share the voters' reward."""
        for job in self._stirred(world):
            for tally in self._fresh("RoundTallied", job):
                began = self._round("RoundBegan", job, tally.round)[0]
                votes = {fact.voter: fact.approve for fact in self._round("VoteRevealed", job, tally.round)}
                right = [who for who, approve in votes.items() if approve == tally.accepted]
                due = Counter({who: self.terms.to_units(self.terms.voter_reward) // len(right) for who in right})
                due[began.proposer] += self.terms.to_units(self.terms.proposer_reward) * tally.accepted
                paid: Counter[bytes] = Counter()
                for fact in self._fresh("Credited", job):
                    paid[fact.who] += fact.amount if fact.cause == REWARD else 0
                for who in sorted(paid.keys() | due.keys()):
                    if paid[who] != due[who]:
                        name = world.name_of(who)
                        yield f"experiment {job.id}, round {tally.round}: {name} was paid {paid[who]}, not {due[who]}"

    @invariant
    def stakes_come_back(self, world: World) -> Iterator[str]:
        """At the end everybody has its stake back, less its own fines; the convener what nobody earned."""
        for job in self._over(world):
            sums: dict[int, Counter[bytes]] = {cause: Counter() for cause in (STAKE, REFUND, REWARD, BOUNTY)}
            for fact in self._events_of("Credited", job):
                sums.setdefault(fact.cause, Counter())[fact.who] += fact.amount
            fines: Counter[bytes] = Counter()
            for fact in self._events_of("Slashed", job):
                fines[fact.learner] += fact.amount
            staked = Counter(fact.learner for fact in self._events_of("Joined", job))
            for who in sorted(staked.keys() | sums[STAKE].keys()):
                if (back := sums[STAKE][who]) != (due := staked[who] * job.stake - fines[who]):
                    yield f"experiment {job.id}: {world.name_of(who)} had {back} of its stake back, not {due}"
            due = job.reward - sums[REWARD].total()
            if (back := sums[REFUND][job.poster]) != due or sums[REFUND].total() != back:
                yield f"experiment {job.id}: the convener had {back} back, not {due}"

    @invariant
    def fines_are_for_absence(self, world: World) -> Iterator[str]:
        """Fined are a proposer that let its time pass and a voter that did not vote; nobody earns by its own fine."""
        for job in self._stirred(world):
            for fine in self._fresh("Slashed", job):
                who, name = fine.learner, world.name_of(fine.learner)
                acted = {fact.voter for fact in self._round("VoteRevealed", job, fine.round)}
                acted |= {fact.proposer for fact in self._round("Proposed", job, fine.round)}
                if who in acted:
                    yield f"experiment {job.id}, round {fine.round}: {name} did its duty and was fined"
                began = self._round("RoundBegan", job, fine.round)[0]
                if who == began.proposer and fine.time < began.due * SECOND:
                    yield f"experiment {job.id}, round {fine.round}: {name} was skipped before its time was over"
                if fine.by == who and any(
                    one.cause == BOUNTY and one.number == fine.number + 1 for one in self._fresh("Credited", job)
                ):
                    yield f"experiment {job.id}, round {fine.round}: {name} earned a bounty for its own fine"

    # --- rounds -------------------------------------------------------------------------------------------------

    @invariant
    def proposals_are_the_proposers(self, world: World) -> Iterator[str]:
        """A round has one proposal at most, by its proposer, in time; where models must differ it is another one."""
        for job in self._stirred(world):
            for fact in self._fresh("Proposed", job):
                began, where = self._round("RoundBegan", job, fact.round)[0], f"experiment {job.id}, round {fact.round}"
                if len(self._round("Proposed", job, fact.round)) > 1:
                    yield f"{where} has several proposals"
                if not fact.by == fact.proposer == began.proposer:
                    yield f"{where}: {world.name_of(fact.by)} proposed, and it was {world.name_of(began.proposer)}'s"
                if fact.time >= began.due * SECOND:
                    yield f"{where}: the proposal came too late"
                if self.terms.distinct and fact.cid == began.cid:
                    yield f"{where}: the current model was proposed again"

    @invariant
    def turns_rotate(self, world: World) -> Iterator[str]:
        """Rounds are counted from 0, and their proposers have seats: in turn, where the order is a rotation."""
        for job in self._stirred(world):
            begun = self._events_of("RoundBegan", job)
            for fact in self._fresh("RoundBegan", job):
                members, where = self._members(job, fact.number), f"experiment {job.id}, round {fact.round}"
                if fact.round != begun.index(fact):
                    yield f"{where} is the {begun.index(fact)}-th"
                if fact.proposer not in members:
                    yield f"{where}: {world.name_of(fact.proposer)} is to propose, and has no seat"
                elif self.terms.order == "rotation" and fact.proposer != members[fact.round % len(members)]:
                    yield f"{where}: it is not the turn of {world.name_of(fact.proposer)}"

    @invariant
    def votes_are_the_voters(self, world: World) -> Iterator[str]:
        """Each learner but the proposer votes once, for itself, in time, and as it committed to."""
        for job in self._stirred(world):
            for number, fresh in groupby(self._fresh("VoteRevealed", job), key=_round):
                votes, where = [*fresh], f"experiment {job.id}, round {number}"
                proposer = self._round("RoundBegan", job, number)[0].proposer
                members = {*self._members(job, votes[0].number)}  # nobody comes or goes while there are votes
                times = Counter(fact.voter for fact in self._round("VoteRevealed", job, number))
                commitments = self._commitments(job, number)
                until = self._latest(job, number)
                for fact in votes:
                    who, name = fact.voter, world.name_of(fact.voter)
                    if times[who] > 1:
                        yield f"{where}: {name} voted again"
                    if who == proposer:
                        yield f"{where}: {name} voted on its own proposal"
                    if fact.by != who or who not in members:
                        yield f"{where}: {world.name_of(fact.by)} voted for {name}"
                    if fact.time >= until:
                        yield f"{where}: {name} voted out of time"
                    if self.terms.commit_votes and not self._binds(commitments.get(who), fact):
                        yield f"{where}: {name} revealed another vote than it committed to"

    def _latest(self, job: Job, number: int) -> int:
        """From when (nanoseconds) nobody can vote any more."""
        windows = 2 if self.terms.commit_votes else 1
        proposed = self._round("Proposed", job, number)
        return proposed[0].time + windows * round(self.terms.vote_window) * SECOND if proposed else 0

    def _commitments(self, job: Job, number: int) -> dict[bytes, tuple[bytes, bytes]]:
        """By voter: what it committed to in a round, and the salt that it opened with."""
        committed_, opened = (
            {deed.by: deed.carries for deed in self.world.facts.of(verb, job.key) if deed.subject == number}
            for verb in ("judges", "reveals")
        )
        return {who: (committed, opened[who][2]) for who, committed in committed_.items() if who in opened}

    @staticmethod
    def _binds(kept: tuple[bytes, bytes] | None, vote: Fact) -> bool:
        """Whether a vote is what was committed."""
        words = b"".join(word.to_bytes(32, "big") for word in (vote.round, vote.approve, vote.score))
        payload = hashlib.sha256(words).digest()
        return kept is not None and commitment(payload, kept[1], vote.voter, salted=True) == kept[0]

    @invariant
    def the_accepted_had_the_votes(self, world: World) -> Iterator[str]:
        """A tally counts the votes there are, once all are there or their time is over, and accepts by the rules."""
        for job in self._stirred(world):
            for tally in self._fresh("RoundTallied", job):
                votes = self._round("VoteRevealed", job, tally.round)
                voters, where = len(self._members(job, tally.number)) - 1, f"experiment {job.id}, round {tally.round}"
                approvals = sum(fact.approve for fact in votes)
                if (tally.approvals, tally.votes) != (approvals, len(votes)):
                    yield f"{where}: {tally.approvals} of {tally.votes} were counted, of {approvals} of {len(votes)}"
                if tally.accepted != self.accepts(approvals, len(votes), voters):
                    yield f"{where}: {approvals} of {voters} voters approved, and it says accepted={tally.accepted}"
                if tally.time < self._ripe(job, tally.round, voters, len(votes)) * SECOND:
                    yield f"{where} was counted before all had voted"

    def _ripe(self, job: Job, number: int, voters: int, votes: int) -> int:
        """From when (Unix seconds) the votes of a round may be counted."""
        due = int(self._round("Proposed", job, number)[0].due)
        if not self.terms.commit_votes:
            return 0 if votes == voters else due
        committed = len(self._round("VoteCommitted", job, number))
        if votes == committed:
            return 0 if committed == voters else due
        closed = self._round("AllCommitted", job, number)
        return int(closed[0].due) if closed else due + round(self.terms.vote_window)

    def accepts(self, approvals: int, votes: int, voters: int) -> bool:
        """Whether so many approvals, of so many votes, of so many who may vote, make a model the current one.

        Args:
            approvals: how many voted yes.
            votes: predictions of several models.
            voters: how many might have voted.
        """
        all_ = voters + (self.terms.electorate == "learners")
        share, bar = approvals * BPS, self.terms.threshold_bps * all_
        enough = votes * BPS >= self.terms.quorum_bps * all_
        return bool(enough and (share > bar if self.terms.strict else share >= bar))

    @invariant
    def history_is_one_chain(self, world: World) -> Iterator[str]:
        """The model changes by an accepted tally only, and its history is a chain of hashes."""
        for job in self._stirred(world):
            if job.closed is None and not self._fresh("RoundTallied", job):
                continue
            opened = self._events_of("ExperimentCreated", job)[0]
            cid, head = opened.initCid, hashlib.sha256(opened.archHash + opened.initCid).digest()
            accepted = {fact.round for fact in self._events_of("RoundTallied", job) if fact.accepted}
            for fact in self._events_of("GlobalUpdated", job):
                where = f"experiment {job.id}, round {fact.round}"
                proposed = [one for one in self._round("Proposed", job, fact.round) if one.cid == fact.cid]
                if fact.round not in accepted or not proposed:
                    yield f"{where}: the model changed to what was not accepted"
                link = head + fact.round.to_bytes(32, "big") + fact.cid + fact.proposer.rjust(32, b"\0")
                cid, head = fact.cid, hashlib.sha256(link).digest()
                if fact.head != head:
                    yield f"{where}: the link is not the hash of what came before"
            book = self.contract.experimentOf(job.id)
            if (book.cid, book.head) != (cid, head):
                yield f"experiment {job.id}: its model or its history is another than what was told"

    @invariant
    def some_honest_voter_approved(self, world: World) -> Iterator[str]:
        """Where the votes of attackers alone are not enough, an accepted model was found better by somebody honest."""
        attackers = {address for address, one in world.accounts.items() if one.person.attacker}
        for job in self._stirred(world):
            for tally in self._fresh("RoundTallied", job):
                votes = self._round("VoteRevealed", job, tally.round)
                voters = len(self._members(job, tally.number)) - 1
                bribed = sum(fact.voter in attackers for fact in votes if fact.approve)
                honest = any(fact.approve and fact.voter not in attackers for fact in votes)
                if tally.accepted and not honest and not self.accepts(bribed, len(votes), voters):
                    yield f"experiment {job.id}, round {tally.round}: accepted, and nobody honest approved"

    @invariant
    def budgets_are_kept(self, world: World) -> Iterator[str]:
        """No honest learner releases more than its privacy budget affords."""
        terms = self.terms
        for job in self._stirred(world) if terms.dp_noise else ():
            for who in {fact.proposer for fact in self._fresh("Proposed", job)}:
                account, releases = world.accounts.get(who), self.releases(job, who)
                if account is None or account.person.attacker:
                    continue
                if not privacy.within(releases, terms.dp_epsilon, terms.dp_noise, terms.dp_delta):
                    spent = privacy.epsilon(releases, terms.dp_noise, terms.dp_delta)
                    yield f"experiment {job.id}: {account.name} spent ε = {spent:.3g} in {releases} releases"

    @invariant(period=8)
    def experiments_end_in_time(self, world: World) -> Iterator[str]:
        """An experiment is over when its windows are, given an honest keeper who is heard."""
        terms, grace = self.terms, GRACE_BLOCKS * world.chain.period
        for job in self.jobs.values():
            if job.closed is not None or job.id in self.overdue:
                continue
            windows = round(terms.propose_window) + (2 if terms.commit_votes else 1) * round(terms.vote_window)
            bound = job.deadline_ns + grace + terms.rounds * (windows * SECOND + 2 * grace)
            if world.chain.time > bound and self.heard(job):
                self.overdue.add(job.id)
                yield f"experiment {job.id} is not over {(world.chain.time - bound) // SECOND} s after its last window"
