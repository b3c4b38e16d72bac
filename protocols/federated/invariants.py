"""What must hold in every market for federated training, whatever people do."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from slashpoint.sim.invariants import invariant
from slashpoint.sim.market.vault import FEE, REFUND, REWARD, STAKE, Vaulted
from slashpoint.sim.taint import Taint, rows
from slashpoint.sim.units import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slashpoint.protocols.federated.machine import Output
    from slashpoint.sim.facts import Fact
    from slashpoint.sim.market import Job
    from slashpoint.sim.world import World

OVER = 7  # the first of the contract's final states
ENROLLING = 1
GRACE_BLOCKS = 4  # blocks that a keeper may take to be heard, once a window is over


@dataclass
class FederatedInvariants(Vaulted):
    """A federated market's own account of its jobs, and what must hold of them."""

    terms: Any  # the rules
    states: dict[int, tuple[int, int]] = field(default_factory=dict)  # by job: state and round, the latest
    held: dict[int, int] = field(default_factory=dict)  # by job: what it said that it and its pots hold
    overdue: set[int] = field(default_factory=set)  # jobs that were complained of
    _rounds: dict[tuple[str, str], dict[int, list[Fact]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )  # by event and job's key, then by round
    _taints: dict[str, Taint] = field(default_factory=dict)  # by job's key
    _public: set[bytes] = field(default_factory=set)  # rows that a sponsor holds: in another job they are a client's
    _read: set[bytes] = field(default_factory=set)  # what of the content store was searched
    _sent: list[bytes] = field(default_factory=list)  # call data that is still to be searched
    _mail: int = 0  # messages that were searched

    def __post_init__(self) -> None:
        self.world.watchers.append(lambda pending: self._sent.append(pending.call.data))

    def _fresh(self, event: str, world: World) -> Iterator[tuple[Job, Fact]]:
        """Return the latest block's events of a name."""
        for job in filter(None, self._now(world).values()):
            for fact in reversed(self._events_of(event, job)):
                if fact.time != self.last_event_time:
                    break
                yield job, fact

    def _rounds_with(self, event: str, world: World) -> list[tuple[Job, int]]:
        """Return the rounds of which the latest block has an event."""
        found = {(job.key, fact.round): (job, int(fact.round)) for job, fact in self._fresh(event, world)}
        return list(found.values())

    def _of_round(self, event: str, job: Job, number: int) -> list[Fact]:
        by_round, events = self._rounds[event, job.key], self._events_of(event, job)
        for i in range(sum(map(len, by_round.values())), len(events)):
            by_round[events[i].round].append(events[i])
        return by_round[number]

    def honest(self, job: Job, number: int) -> Output:
        """Return what the machine makes of a round when it is run as it should be.

        Args:
            job: what it is about.
            number: the round's number, from 1.
        """
        raise NotImplementedError

    # --- money --------------------------------------------------------------------------------------------------

    @invariant
    def escrow_is_what_jobs_hold(self, world: World) -> Iterator[str]:
        """The escrow is what jobs and their pots hold; a job that is over holds nothing, and stays over."""
        now = self._now(world)
        for one in now:
            book, (state, number) = self.contract.jobOf(one), self.states.get(one, (0, 0))
            self.states[one] = int(book.state), int(book.round)
            pots = sum(int(self.contract.potOf(one, at).left) for at in range(1, int(book.round) + 1))
            self.held[one] = int(book.held) + pots
            if book.round < number or (state >= OVER and (book.state, book.round) != (state, number)):
                yield f"job {one} went from state {state} in round {number} to {book.state} in round {book.round}"
            if book.state >= OVER and book.held:
                yield f"job {one} is over and holds {book.held}"
        if now and (escrow := self.contract.escrow()) != (held := sum(self.held.values())):
            yield f"the escrow is {escrow}, and jobs and pots hold {held}"

    @invariant
    def rounds_pay_for_updates(self, world: World) -> Iterator[str]:
        """Only what a settled round owes is paid, once for each client, who handed in, and at the listed price."""
        for job, number in self._rounds_with("VoucherExecuted", world):
            settled = self._of_round("RoundSettled", job, number)
            paid = self._of_round("VoucherExecuted", job, number)
            total, owed = sum(one.amount for one in paid), settled[0].output.total if settled else 0
            if total > owed:
                yield f"job {job.id} round {number}: {total} was paid, of {owed}"
            if not self.terms.checked:
                continue
            inputs = {one.client for one in self._of_round("InputAdded", job, number)}
            for who, times in Counter(one.who for one in paid).items():
                if who not in inputs or times > 1:
                    yield f"job {job.id} round {number}: {world.name_of(who)} was paid without an update, or twice"
            if total > len(inputs) * job.reward:
                yield f"job {job.id} round {number}: {total} was paid for {len(inputs)} updates"

    @invariant
    def what_is_unspent_goes_back(self, world: World) -> Iterator[str]:
        """When a job is over its sponsor has back what no round owes, and everybody a bond that was not lost."""
        for job in self._over(world):
            if not (closed := self._events_of("JobClosed", job)) or closed[-1].time != self.last_event_time:
                continue
            if self.terms.reserved and job.outcome == "cancelled" and self._events_of("RoundOpened", job):
                yield f"job {job.id} was cancelled when people had begun to train"
            spent = sum(fact.amount for fact in self._events_of("VoucherExecuted", job))
            rounds = range(1, closed[-1].rounds + 1)
            spent += sum(int(self.contract.potOf(job.id, number).left) for number in rounds)
            found: Counter[bytes] = Counter()
            back: Counter[bytes] = Counter()
            for fact in self._events_of("Credited", job):
                spent += fact.amount if fact.cause == FEE else 0
                found[fact.who] += fact.amount if fact.cause == REFUND else 0
                back[fact.who] += fact.amount if fact.cause == STAKE else 0
            paid = {fact.number for fact in self._events_of("VoucherExecuted", job)}
            for fact in self._events_of("Credited", job):  # labels withheld: paid without vouchers
                spent += fact.amount if fact.cause == REWARD and fact.number - 1 not in paid else 0
            left = self.terms.price - spent
            if found != Counter({job.poster: left}):
                back_to = {world.name_of(who): amount for who, amount in found.items() if amount}
                yield f"job {job.id} ({job.outcome}): {back_to} went back, of {left} unspent"
            yield from self._bonds(world, job, back)

    def _bonds(self, world: World, job: Job, back: Counter[bytes]) -> Iterator[str]:
        due: Counter[bytes] = Counter()
        for fact in self._events_of("JobAccepted", job):
            due[fact.client] += job.stake
        for fact in self._events_of("ValidatorJoined", job):
            due[fact.validator] += self.terms.to_units(self.terms.validator_bond)
        for fact in self._events_of("OutputDisputed", job):
            due[fact.disputer] += self.terms.to_units(self.terms.dispute_bond)
        lost: Counter[bytes] = Counter()
        for fact in self._events_of("BondSlashed", job):
            lost[fact.who] += fact.amount
        for who in sorted(due):
            if due[who] != back[who] + lost[who]:
                yield f"job {job.id}: {world.name_of(who)} put up {due[who]}, had {back[who]} back and lost {lost[who]}"

    # --- duties -------------------------------------------------------------------------------------------------

    @invariant
    def bonds_are_lost_for_a_reason(self, world: World) -> Iterator[str]:
        """Who loses a bond handed nothing in, failed validation, or claimed what was not so."""
        for job, fact in self._fresh("BondSlashed", world):
            before = [one.round for one in self._events_of("RoundOpened", job) if one.number < fact.number]
            number = max(before, default=0)
            if fact.who not in {one.client for one in self._events_of("JobAccepted", job)}:
                settled = self._of_round("RoundSettled", job, number)
                claims = self._of_round("OutputClaimed", job, number)
                said = [one.output for one in claims if one.validator == fact.who]
                for one in self._of_round("OutputDisputed", job, number):
                    if one.disputer == fact.who and fact.amount == self.terms.to_units(self.terms.dispute_bond):
                        said = [other.output for other in claims if other.claim == one.claim][:1] or [None]
                if not settled or said in ([], [settled[0].output]):
                    yield f"job {job.id}: {world.name_of(fact.who)} claimed what was so, and lost its bond"
                continue
            handed = {one.client: one.place for one in self._of_round("InputAdded", job, number)}
            settled = self._of_round("RoundSettled", job, number)
            failed = settled[0].output.failed if settled and self.terms.slash_failed else 0
            if fact.who in handed and not failed >> handed[fact.who] & 1:
                yield f"job {job.id} round {number}: {world.name_of(fact.who)} handed in, and lost its bond"

    @invariant
    def updates_are_in_time_and_new(self, world: World) -> Iterator[str]:
        """Clients hand in before the window is over, once a round, and what the job has not seen."""
        for job, number in self._rounds_with("UpdateSubmitted", world):
            opened = self._of_round("RoundOpened", job, number)
            members = {one.client for one in self._events_of("JobAccepted", job)}
            handed = self._of_round("UpdateSubmitted", job, number)
            late = {one.client for one in handed if not opened or one.time >= opened[0].due * SECOND}
            for who, times in Counter(one.client for one in handed).items():
                if who in late or times > 1 or who not in members:
                    yield f"job {job.id} round {number}: {world.name_of(who)} handed in late, twice or uninvited"
        for job, number in self._rounds_with("InputAdded", world) if self.terms.unique else ():
            known = Counter(one.cid for one in self._events_of("InputAdded", job))
            known.update({one.base for one in self._events_of("RoundOpened", job) if one.round <= number})
            for fact in self._of_round("InputAdded", job, number):
                if known[fact.cid] > 1:
                    yield f"job {job.id} round {number}: an update of {world.name_of(fact.client)} was there before"

    @invariant
    def rounds_settle_by_quorum(self, world: World) -> Iterator[str]:
        """A round is settled by what more than half of its panel claimed, or by the referee."""
        for job, fact in self._fresh("RoundSettled", world):
            number, said = fact.round, fact.output
            if self.terms.open_callback:
                continue
            if self._of_round("OutputDisputed", job, number):
                referee = world.names[fact.by].startswith("referee")
                if not referee or [tuple(said)] != [one.carries for one in world.facts.of("settles", job.key)[-1:]]:
                    yield f"job {job.id} round {number} was disputed, and settled by {world.name_of(fact.by)}"
                continue
            reached = self._of_round("QuorumReached", job, number)
            joined = [one.validator for one in self._events_of("ValidatorJoined", job)]
            slashed = [one.who for one in self._events_of("BondSlashed", job) if one.number < fact.number]
            panel = len(set(joined) - set(slashed))
            claims = self._of_round("OutputClaimed", job, number)
            votes = sum(one.output == said for one in claims if reached and one.number < reached[0].number)
            if votes < 1 + panel // 2:
                yield f"job {job.id} round {number} was settled by {votes} of {panel} claims"
            if reached and fact.time < reached[0].time + round(self.terms.dispute_window) * SECOND:
                yield f"job {job.id} round {number} was settled before its claim could be disputed"

    @invariant
    def rounds_follow_from_each_other(self, world: World) -> Iterator[str]:
        """After a round, whoever had nothing in it is out, the right are paid their fee, and its model is the base."""
        fee = self.terms.to_units(self.terms.validator_fee)
        for job, fact in self._fresh("RoundSettled", world):
            inputs = {one.client for one in self._of_round("InputAdded", job, fact.round)}
            slashed = {one.who for one in self._events_of("BondSlashed", job)}
            for one in self._events_of("JobAccepted", job):
                if one.client not in inputs | slashed:
                    name = world.name_of(one.client)
                    yield f"job {job.id} round {fact.round}: {name} handed nothing in, and keeps its place"
            claims = self._of_round("OutputClaimed", job, fact.round)
            right = Counter(one.validator for one in claims if one.output == fact.output and fee)
            latest = (one for one in self._events_of("Credited", job) if one.time == self.last_event_time)
            paid = Counter(one.who for one in latest if one.cause == FEE)
            if paid != right and self.terms.reserved:
                yield f"job {job.id} round {fact.round}: {paid.total()} were paid a fee, and {right.total()} were right"
            after = [one.base for one in self._events_of("RoundOpened", job) if one.number > fact.number]
            after += [one.model for one in self._events_of("JobClosed", job) if one.number > fact.number]
            if after[:1] != [fact.output.base]:
                yield f"job {job.id} round {fact.round}: the next does not start from what was settled"

    @invariant
    def honest_panels_say_what_is_so(self, world: World) -> Iterator[str]:
        """Where most of a panel is honest, or one of it is and can dispute, a round is what the machine makes of it."""
        for job, fact in self._fresh("RoundSettled", world):
            panel = [world.accounts[one.validator] for one in self._events_of("ValidatorJoined", job)]
            upright = sum(not one.person.attacker for one in panel)
            if self.terms.open_callback or not (2 * upright > len(panel) or (upright and self.terms.dispute_window)):
                continue
            if self.honest(job, fact.round).packed(job.id) != tuple(fact.output):
                yield f"job {job.id} round {fact.round} was settled as the machine never says"

    @invariant(period=8)
    def jobs_end_in_time(self, world: World) -> Iterator[str]:
        """A job is over within its enrolment and its rounds' windows, given an honest keeper who is heard."""
        terms = self.terms
        opening = terms.open_window if terms.commit_updates else 0
        windows = terms.train_window + opening + 2 * terms.claim_window + terms.dispute_window
        for job in self.jobs.values():
            if job.closed is not None or job.id in self.overdue:
                continue
            blocks = GRACE_BLOCKS * world.chain.period * (1 + 5 * terms.rounds)
            bound = job.deadline_ns + round(terms.rounds * windows * SECOND) + blocks
            if world.chain.time > bound and self.heard(job):
                self.overdue.add(job.id)
                yield f"job {job.id} is not over {(world.chain.time - job.deadline_ns) // SECOND} s past its enrolment"

    # --- data ---------------------------------------------------------------------------------------------------

    @invariant(period=4)
    def data_never_leave_their_owners(self, world: World) -> Iterator[str]:
        """No raw row of a client's shard is in the content store, in call data or in a message."""
        market: Any = self
        fresh = [key for key in world.store if key not in self._read]
        letters = [one.text for one in market.mailbox.messages[self._mail :]]
        blobs = [*filter(None, map(world.store.get, fresh)), *self._sent, *letters]
        self._read.update(fresh)
        self._mail += len(letters)
        self._sent.clear()
        task = world.training_cache.task
        for job in (*self.drafts.values(), *self.jobs.values()):
            if job.key not in self._taints:
                self._taints[job.key] = Taint(task, market.data.shards(job).items())
                self._public.update(rows(task, market.data.validation(job), "test"))
        for job in self.jobs.values() if blobs else ():
            for owner in sorted(self._taints[job.key].owners(blobs, self._public)):
                yield f"job {job.id}: rows of {owner} are where others can read them"
