"""What must hold in the data market, whatever people do.

Each check reads the latest block's events about the jobs that it stirred, so its cost follows the traffic.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from slashpoint.protocols.ocean.rights import Rights
from slashpoint.sim.invariants import invariant
from slashpoint.sim.learning.codec import decode
from slashpoint.sim.market.vault import FEE, REWARD, SLASH, STAKE
from slashpoint.sim.taint import Taint, leaks
from slashpoint.sim.units import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slashpoint.sim.market import Job
    from slashpoint.sim.world import World

LOCKED, DONE, FAILED, EXPIRED, LAPSED, OVERTURNED, JUNK, VOID = 4, 8, 9, 10, 11, 12, 13, 14  # the contract's states
TOKEN = 10**18
BPS = 10_000
NEVER = 2**256 - 1  # what money that is for no job says as its number
LARGE = 4096  # bytes of content that could be rows
GRACE_BLOCKS = 4  # blocks that a keeper may take to be heard, once a window is over


@dataclass
class OceanInvariants(Rights):
    """The data market's own account of its jobs, and what must hold of them."""

    held: dict[int, tuple[int, int]] = field(default_factory=dict)  # by job: what it said that it holds, and its lock
    overdue: set[int] = field(default_factory=set)  # jobs that were complained of
    _read: set[bytes] = field(default_factory=set)  # CIDs of the content that was searched for rows
    _taints: dict[str, Taint] = field(default_factory=dict)  # by job's key

    def _credited(self, job: Job, cause: int) -> Counter[bytes]:
        found: Counter[bytes] = Counter()
        for fact in self._events_of("Credited", job):
            found[fact.who] += fact.amount if fact.cause == cause else 0
        return found

    # --- money --------------------------------------------------------------------------------------------------

    @invariant
    def escrow_is_what_it_is_for(self, world: World) -> Iterator[str]:
        """The escrow is deposits, reserves and what jobs hold; what is locked of deposits is the live jobs' locks."""
        if self.last_event_time != world.chain.time:
            return
        for each in self._now(world):
            if each == NEVER:
                continue
            state, _, _, _, locked, held = self.contract.jobOf(each)
            self.held[each] = held, locked
            if state >= DONE and (held or locked):
                yield f"job {each} is over and holds {held}, and {locked} of a deposit"
        funds = [self.contract.fundsOf(who) for who in self.payers]
        reserves = {one: self.contract.assetOf(one).reserve for one in self.assets}
        for one, due in self.reserves.items():
            if reserves[one] != due:
                yield f"the reserve of asset {one} is {reserves[one]}, and its datatokens that are left cost {due}"
        for_jobs, locks = (sum(one[i] for one in self.held.values()) for i in (0, 1))
        known = sum(one.available + one.locked for one in funds) + sum(reserves.values()) + for_jobs
        if (escrow := self.contract.escrow()) != known:
            yield f"the escrow is {escrow}, and deposits, reserves and jobs are {known}"
        if (locked := sum(one.locked for one in funds)) != locks:
            yield f"{locked} of the deposits is locked, and the live locks are {locks}"

    @invariant
    def claims_are_within_locks(self, world: World) -> Iterator[str]:
        """What a lock pays is the claimed minutes at the order's rate, at most the lock; the community has its part."""
        for job in self._stirred(world):
            for fact in self._fresh("Unlocked", job):
                if fact.paid > fact.amount:
                    yield f"job {job.id}: {fact.paid} was paid of a lock of {fact.amount}"
                fee = sum(one.amount for one in self._fresh("Retained", job) if one.cause == FEE)
                minutes = sum(one.args["minutes_"] for one in self._events_of("Claimed", job))
                closed = self._fresh("JobClosed", job)
                if closed and closed[0].state in {DONE, JUNK} and fact.paid != minutes * self.ordered[job.key].rate:
                    yield f"job {job.id}: {fact.paid} was paid for {minutes} minutes"
                due = fact.paid * self.terms.escrow_fee_bps // BPS
                if closed and closed[0].state in {DONE, OVERTURNED}:
                    due += self._part(self._held(job))
                if closed and closed[0].state == OVERTURNED and not self._credited(job, REWARD)[job.holder]:
                    due -= self._part(self._held(job))  # wrong data too: the auditors may say so
                if fee != due:
                    yield f"job {job.id}: the community had {fee} of {fact.paid} and of the data's price, not {due}"

    @invariant
    def locks_are_authorised(self, world: World) -> Iterator[str]:
        """A lock is within what its payer allowed last, and on nobody but the payer of the order."""
        for job in self._stirred(world):
            for fact in self._fresh("Locked", job):
                allowed = [
                    one
                    for one in self.world.facts.of(self.contract.event_("Authorized"), None)
                    if (one.payer, one.payee) == (job.poster, fact.provider) and one.number < fact.number
                ]
                most, seconds = allowed[-1] if allowed else None, fact.expiry - fact.time / SECOND
                if most is None or fact.amount > most.amount or seconds > most.args["seconds_"]:
                    yield f"job {job.id}: {world.name_of(fact.provider)} locked {fact.amount}, which nobody allowed"
                if fact.provider != self.ordered[job.key].provider:
                    yield f"job {job.id}: {world.name_of(fact.provider)} locked, and the order names another"

    @invariant
    def orders_take_one_datatoken(self, world: World) -> Iterator[str]:
        """An order takes exactly 1e18 of the data's datatoken; the community has its part, the publisher the rest."""
        if self.last_event_time != world.chain.time:
            return
        community = round(self.terms.rules()["consumeFee"])
        for fact in self._fresh("OrderSplit", None):
            if (fact.amount + fact.community, fact.community) != (TOKEN, community):
                yield f"an order of asset {fact.asset} took {fact.amount} and {fact.community}, not 1e18 in all"
        for fact in self._fresh("Swapped", None):
            base = self.assets[fact.asset].price * fact.amount
            base = -(-base // TOKEN) if fact.bought else base // TOKEN
            if (fact.base, fact.fee) != (base, base * self.terms.rules()["swapFee"] // TOKEN):
                yield f"{fact.amount} of asset {fact.asset} changed hands for {fact.base} and a fee of {fact.fee}"

    @invariant
    def datatokens_are_worth_their_price(self, world: World) -> Iterator[str]:
        """Where prices are held, what is left of data's datatokens could all be sold back: the reserve is enough."""
        if not self.terms.price_held or self.last_event_time != world.chain.time:
            return
        for number in {fact.asset for event in ("OrderSplit", "Swapped") for fact in self._fresh(event, None)}:
            asset = self.assets[number]
            if asset.algorithm:
                continue
            asset.datatoken.forget_()
            left, reserve = asset.datatoken.totalSupply(), self.contract.assetOf(number).reserve
            if reserve < (due := left * asset.price // TOKEN):
                yield f"the datatokens of asset {number} that are left cost {due}, and its reserve is {reserve}"

    @invariant
    def everybody_is_paid_by_the_outcome(self, world: World) -> Iterator[str]:
        """The bill is the provider's, or theirs who did its work; bonds come back or are shared."""
        for job in self._over(world):
            closed = self._fresh("JobClosed", job)
            if not closed or self.ordered[job.key].free:
                continue
            state, provider = closed[0].state, self.ordered[job.key].provider
            paid = sum(one.paid for one in self._events_of("Unlocked", job))
            fees = Counter[bytes]()
            for one in self._events_of("FeePaid", job):
                fees[one.payee] += one.amount
            net = paid - paid * self.terms.escrow_fee_bps // BPS
            due = fees[provider] + (net if state != OVERTURNED else 0)
            if (had := self._credited(job, REWARD)[provider]) != due:
                yield f"job {job.id}: {world.name_of(provider)} was paid {had}, not {due}"
            fined = {one.who for one in self._events_of("Fined", job)}
            bond = self.terms.to_units(self.terms.audit_bond)
            bonds = {one.auditor: bond for one in self._events_of("Enlisted", job)}
            if self._events_of("Locked", job):
                bonds[provider] = self.terms.to_units(self.terms.collateral)
            back = self._credited(job, STAKE)
            for who, bond in bonds.items():
                if back[who] != (0 if who in fined else bond):
                    yield f"job {job.id}: {world.name_of(who)} had {back[who]} of its bond of {bond} back"
            yield from self._priced(world, job, state)
            yield from self._slashed(world, job, state)

    def _priced(self, world: World, job: Job, state: int) -> Iterator[str]:
        """Complain of a price that was held, and is not whose it should be."""
        price = self._held(job)
        had = self._credited(job, REWARD)[job.holder]
        due = price - self._part(price) if state in {DONE, OVERTURNED} else 0
        if had != due and not (state == OVERTURNED and had == 0):  # wrong data too: the auditors may say so
            yield f"job {job.id}: {world.name_of(job.holder)} was paid {had} for its data, not {due}"

    def _slashed(self, world: World, job: Job, state: int) -> Iterator[str]:
        """Complain of a part of a lost collateral or dispute bond that is not with the consumer, or who found out."""
        begun, terms, due = self._events_of("AuditBegun", job), self.terms, Counter[bytes]()
        said = {one.who: (one.cid, one.args["minutes_"]) for one in self._events_of("AnswerRevealed", job)}
        panel = [who for one in begun for who in one.panel if who in said]
        answers = Counter(said[who] for who in panel)
        lost = 0
        if state == OVERTURNED:
            collateral = terms.to_units(terms.collateral)
            lost = collateral // 2
            due[job.poster] += collateral - lost
        elif state == DONE and any(one.disputed for one in begun):
            lost = terms.to_units(terms.dispute_bond)
        right = max(answers, key=lambda each: answers[each], default=None)
        if state == DONE:
            right = said.get(self.ordered[job.key].provider)
        good = [who for who in panel if said[who] == right]
        for who in good:
            due[who] += lost // len(good)
        had = self._credited(job, SLASH)
        for who in sorted({*had, *due}):
            if had[who] != due[who]:
                yield f"job {job.id}: {world.name_of(who)} had {had[who]} of what others lost, not {due[who]}"

    def _held(self, job: Job) -> int:
        """Return the data's price that waits for a job's end: none where another job's pays for it."""
        reused = any(fact.order != fact.id for fact in self._events_of("OrderStarted", job))
        return self.assets[self.ordered[job.key].asset].price if self.terms.price_held and not reused else 0

    def _part(self, price: int) -> int:
        """Return the community's part of a price."""
        return price * int(self.terms.rules()["consumeFee"]) // TOKEN

    # --- who may what -------------------------------------------------------------------------------------------

    @invariant
    def started_algorithms_are_trusted(self, world: World) -> Iterator[str]:
        """No job is started whose algorithm the data's publisher does not trust."""
        for job in self._stirred(world):
            order = self.ordered[job.key]
            for fact in self._fresh("Locked", job):
                if not self.may_run(order.asset, order.algorithm, fact):
                    yield f"job {job.id} runs algorithm {order.algorithm}, which asset {order.asset} does not trust"

    @invariant
    def fees_and_orders_are_ones_own(self, world: World) -> Iterator[str]:
        """Where the rules bind them: a fee is as quoted, and an order that is used again is the consumer's own."""
        for job in self._stirred(world):
            for fact in self._fresh("FeePaid", job) if self.terms.fees_bound else ():
                if fact.amount != (due := self.terms.asking(self.ordered[job.key].minutes)):
                    yield f"job {job.id}: the fee was {fact.amount}, and {due} is asked"
                if fact.time >= fact.validUntil * SECOND:
                    yield f"job {job.id}: the fee was no longer valid"
            for fact in self._fresh("OrderStarted", job) if self.terms.orders_stored else ():
                first = self.jobs.get(fact.order)
                if fact.order != fact.id and (first is None or first.poster != fact.consumer):
                    yield f"job {job.id} uses order {fact.order}, which is not {world.name_of(fact.consumer)}'s"
                elif fact.order != fact.id and self.terms.data_price and not self.stands(fact.order):
                    yield f"job {job.id} uses order {fact.order}, whose price may still go back, or has"

    @invariant
    def the_free_tier_is_small(self, world: World) -> Iterator[str]:
        """Nobody has more free jobs than the rules give."""
        if self.last_event_time != world.chain.time or not any(f.free for f in self._fresh("OrderStarted", None)):
            return
        used = Counter(one.consumer for one in world.facts.of(self.contract.event_("OrderStarted"), None) if one.free)
        for who, number in used.items():
            if number > self.terms.free_jobs:
                yield f"{world.name_of(who)} had {number} free jobs, and {self.terms.free_jobs} are free"

    # --- audits -------------------------------------------------------------------------------------------------

    @invariant
    def panels_are_drawn_from_those_who_stand_by(self, world: World) -> Iterator[str]:
        """A panel has as many as the rules say, all of them enlisted, none of them twice or the provider."""
        for job in self._stirred(world):
            for fact in self._fresh("AuditBegun", job):
                pool = {one.auditor for one in self._events_of("Enlisted", job)}
                size = min(self.terms.auditors, len(pool))
                if len(set(fact.panel)) != len(fact.panel) or len(fact.panel) != size or not set(fact.panel) <= pool:
                    yield f"job {job.id}: {len(fact.panel)} auditors were drawn, of {len(pool)} who stand by"
                if self.ordered[job.key].provider in fact.panel:
                    yield f"job {job.id}: the provider is its own auditor"

    @invariant
    def the_majority_decides(self, world: World) -> Iterator[str]:
        """A provider is overturned where it reveals nothing, or more auditors agree on another result than on its."""
        for job in self._over(world):
            closed, begun = self._fresh("JobClosed", job), self._events_of("AuditBegun", job)
            if not closed or not begun:
                continue
            said = {one.who: (one.cid, one.args["minutes_"]) for one in self._events_of("AnswerRevealed", job)}
            own = said.pop(self.ordered[job.key].provider, None)
            votes, state = Counter(said.values()), closed[0].state
            best, agree = max(votes.values(), default=0), 0 if own is None else votes[own]
            if state != VOID and (state == OVERTURNED) != (agree < best or own is None):
                yield f"job {job.id} ended in state {state}; {agree} of {votes.total()} agree with its provider"
            if (state == VOID) != (own is None and not votes):
                yield f"job {job.id} ended in state {state}, and {votes.total()} auditors said what came out"
            fined = {one.who for one in self._events_of("Fined", job)}
            for who, answer in said.items():
                if who in fined and 2 * votes[answer] > votes.total():
                    yield f"job {job.id}: {world.name_of(who)} was right and was fined"

    @invariant
    def disputes_are_in_time(self, world: World) -> Iterator[str]:
        """Where claims may be disputed, nobody is paid before the window is over, or those who were asked have said."""
        for job in self._over(world) if self.terms.dispute_window else ():
            closed, claimed = self._fresh("JobClosed", job), self._events_of("Claimed", job)
            if not closed or closed[0].state != DONE or self._events_of("AuditBegun", job):
                continue
            if claimed and not self.ordered[job.key].free and closed[0].time < claimed[0].due * SECOND:
                yield f"job {job.id} was paid {claimed[0].due - closed[0].time // SECOND} s before its window was over"

    # --- time and data ------------------------------------------------------------------------------------------

    @invariant(period=16)
    def jobs_end_in_time(self, world: World) -> Iterator[str]:
        """Given a keeper, a job is over by its expiry, or the windows that follow its claim."""
        terms = self.terms
        windows = terms.dispute_window + 2 * terms.audit_window if terms.auditors else 0.0
        for job in self.jobs.values():
            if job.closed is not None or job.id in self.overdue:
                continue
            bound = job.deadline_ns + round(windows * SECOND) + 4 * GRACE_BLOCKS * world.chain.period
            if world.chain.time > bound and self.heard(job):
                self.overdue.add(job.id)
                yield f"job {job.id} is not over {(world.chain.time - job.deadline_ns) // SECOND} s past its expiry"

    @invariant(period=4)
    def data_never_leave_their_owners(self, world: World) -> Iterator[str]:
        """No row of a job's data is in what its consumer, or anybody else, can read of it."""
        fresh = [key for key in world.store if key not in self._read]
        self._read.update(fresh)
        blobs = [content for key in fresh if (content := world.store.get(key)) is not None]
        for job in self.jobs.values() if blobs else ():
            odd = [one for one in blobs if self._odd(one)]
            if self.taint(job).owners(blobs) or any(self.leaked(job, one) for one in odd):
                yield f"job {job.id}: rows of {world.name_of(job.holder)} can be read"

    def taint(self, job: Job) -> Taint:
        """Return the search for a job's rows."""
        if job.key not in self._taints:
            owner = self.world.name_of(job.holder)
            self._taints[job.key] = Taint(self.world.training_cache.task, [(owner, job.task)])
        return self._taints[job.key]

    def _odd(self, content: bytes) -> bool:
        """Whether content is no model and large enough for rows: then copies are looked for, too, which takes time."""
        return len(content) > LARGE and self.world.training_cache.task.weights(content) is None

    def leaked(self, job: Job, content: bytes) -> int:
        """Count the rows of a job's data that are in some content, as they are or as copies.

        Args:
            job: whose rows they are.
            content: what somebody can read.
        """
        files = decode(self.world.training_cache.task.files(job.task)["train"])
        return leaks(content, next(one for one in files.values() if one.ndim > 1).reshape(len(job.task.train), -1))
