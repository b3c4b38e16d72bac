"""What must hold in every deal, whatever people do.

Each check reads the latest block's events about the deals that it stirred, so its cost follows the traffic.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from slashpoint.protocols.lilypad.timing import Timely
from slashpoint.sim.invariants import invariant
from slashpoint.sim.learning import Order
from slashpoint.sim.market import Subject, commitment
from slashpoint.sim.market.vault import BOUNTY, REWARD
from slashpoint.sim.units import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slashpoint.sim.facts import Fact
    from slashpoint.sim.market import Job
    from slashpoint.sim.world import World

ACCEPTED = 7  # the first of the contract's final states
REFUNDED = ("mediation rejected", "void", "unmatched", "timeout agree", "timeout submit", "timeout mediate")
BPS = 10_000
WORD = 32


@dataclass
class LilypadInvariants(Timely):
    """What must hold of deals, and what of their money the literal rules leave where nobody can take it."""

    terms: Any  # the rules
    held: dict[int, int] = field(default_factory=dict)  # by deal: what it said that it holds
    locked: dict[int, int] = field(default_factory=dict)  # by deal that is over: what by the rules is nobody's
    put_in: dict[str, Counter[bytes]] = field(default_factory=lambda: defaultdict(Counter))  # by job's key: who, what
    outputs_of: dict[tuple[str, int, bytes], bytes] = field(default_factory=dict)  # by job, run, provider: as revealed

    def kept(self) -> dict[str, int]:
        """Return the treasury, and what the literal rules lock for good, by asset."""
        return {self.asset: self.contract.treasury() + sum(self.locked.values())}

    # --- money --------------------------------------------------------------------------------------------------

    def _locks(self, job: Job) -> int:
        """Return what a deal that is over holds for good, by the literal rules; smallest units."""
        terms, units = self.terms, self.terms.to_units
        judge = units(terms.judge_collateral) if terms.verification == "mediation" else 0
        swapped = judge - units(terms.submit_collateral) if judge and not terms.own_refunds else 0
        if job.outcome == "timeout judge":
            return 0 if terms.silence_pays else units(terms.payment)
        if job.outcome == "timeout submit":
            return swapped
        if job.outcome != "timeout agree":
            return 0
        matched, bond = self._last("DealMatched", job), units(terms.agree_collateral)
        caller, locked = self._last("DealClosed", job).by, 0
        for fact in self._events_of("Agreed", job):
            if fact.run != matched.run:
                continue
            client = fact.party == job.poster
            put_up = len(matched.providers) * units(terms.payment) + units(terms.solver_fee) + judge
            amount = bond + (put_up if client else units(terms.submit_collateral))
            refunded = fact.party == caller or not terms.caller_refunds
            locked += (swapped if client else 0) if refunded else amount
        return locked

    @invariant
    def escrow_is_what_deals_hold(self, world: World) -> Iterator[str]:
        """The escrow is the sum of what the deals hold; one that is over holds what the rules lock, else nothing."""
        for each, job in self._now(world).items():
            deal = self.contract.dealOf(each)
            self.held[each] = deal.held
            if job is not None and job.closed is not None:
                self.locked[each] = self._locks(job)
                if deal.held != self.locked[each]:
                    yield f"deal {each} is over and holds {deal.held}, not {self.locked[each]}"
        if self._now(world) and (escrow := self.contract.escrow()) != (held := sum(self.held.values())):
            yield f"the escrow is {escrow}, and the deals hold {held}"

    @invariant
    def deals_pay_out_what_came_in(self, world: World) -> Iterator[str]:
        """At the end everything that was put up for a deal has gone to somebody, or is locked by the rules."""
        for job in self._over(world):
            gone = sum(fact.amount for name in ("Credited", "Retained") for fact in self._events_of(name, job))
            if (put_up := self.put_in[job.key].total()) != gone + self._locks(job):
                yield f"deal {job.id}: {put_up} was put up, and {gone} was paid out"

    @invariant
    def pay_is_for_what_was_done(self, world: World) -> Iterator[str]:
        """A result that counts is paid by price and count; so are the mediator and the solver, and nobody else."""
        for job in self._over(world):
            paid: Counter[bytes] = Counter()
            for fact in self._events_of("Credited", job):
                paid[fact.who] += fact.amount if fact.cause == REWARD else 0
            due = self._earned(job)
            for who in sorted(paid.keys() | due.keys()):
                if paid[who] != due[who]:
                    yield f"deal {job.id}: {world.name_of(who)} was paid {paid[who]}, and {due[who]} was due"

    def _earned(self, job: Job) -> Counter[bytes]:
        """Return what each is to be paid for a deal that is over."""
        terms, units, due = self.terms, self.terms.to_units, Counter[bytes]()
        agreed = {fact.run for fact in self._events_of("DealAgreed", job)}
        for fact in self._events_of("DealMatched", job):
            due[fact.solver] += units(terms.solver_fee) * (fact.run in agreed)
        for fact in self._events_of("MediationDecided", job):
            due[fact.mediator] += units(terms.mediation_fee)
        if self._paid_for(job):
            for fact in self._winners(job):
                cost = self._cost(job, fact)
                due[fact.provider] += cost if terms.treasury_twice else cost - cost * terms.treasury_bps // BPS
        return due

    def _cost(self, job: Job, result: Fact) -> int:
        """Return what a result costs, by its provider's price and its count: at most the cap, and the payment.

        Args:
            job: what it is of.
            result: the event of handing it in, or of revealing it.
        """
        offers = [fact for fact in self._events_of("ResourceOffered", job) if fact.run == result.run]
        match = self._last("DealMatched", job)
        whose = result.provider if result.provider in match.providers else match.providers[0]
        price: int = next(fact.price for fact in offers if fact.provider == whose)
        count = self.terms.capped(job.scale)  # a commitment says none, and puts up for the most
        cost: int = price * min(getattr(result, "count", count), count)
        return min(cost, int(self.terms.to_units(self.terms.payment)))

    def _collateral(self, job: Job, result: Fact) -> int:
        """Return what a result's provider must have put up for it.

        Args:
            job: what it is of.
            result: the event of handing it in.
        """
        scaler = int(self.terms.scaler) if self.terms.truncates else self.terms.scaler
        scaled = self._cost(job, result) * int(self.terms.multiple) * round(scaler * BPS) // BPS
        return max(scaled, int(self.terms.to_units(self.terms.min_collateral)))

    def _winners(self, job: Job) -> list[Fact]:
        """Return the results that a deal that is over paid for."""
        if not self.terms.redundant:
            return [self._last("ResultSubmitted", job)]
        results, winner = (
            self._revealed(job, self._last("ResultsTallied", job).run),
            self._last("DealClosed", job).winner,
        )
        best = next(fact for fact in results if fact.provider == winner)
        return [fact for fact in results if self._equal(job, best, fact)]

    @invariant
    def everybody_leaves_with_what_is_due(self, world: World) -> Iterator[str]:
        """Over a whole deal, each has what it earned, less what it paid for, and less what it lost; not a unit more."""
        terms, units = self.terms, self.terms.to_units
        for job in self._over(world):
            if self._locks(job) or (terms.treasury_twice and terms.treasury_bps):
                continue
            net, due = Counter[bytes](), self._earned(job)
            net.subtract(self.put_in[job.key])
            for fact in self._events_of("Credited", job):
                net[fact.who] += fact.amount
                due[fact.who] += fact.amount * (fact.cause == BOUNTY)
            for fact in self._events_of("Slashed", job):
                due[fact.who] -= fact.amount
            due[job.poster] -= units(terms.solver_fee) * len(self._events_of("DealAgreed", job))
            due[job.poster] -= units(terms.mediation_fee) * len(self._events_of("MediationDecided", job))
            if self._paid_for(job):
                due[job.poster] -= sum(self._cost(job, fact) for fact in self._winners(job))
            elif job.outcome == "mediation rejected" and terms.cheater_pays:
                result = self._last("ResultSubmitted", job)
                reimbursed = min(units(terms.mediation_fee), self._collateral(job, result))
                due[job.poster] += reimbursed
                due[result.provider] -= reimbursed
            for who in sorted(net.keys() | due.keys()):
                if net[who] != due[who]:
                    yield f"deal {job.id}: {world.name_of(who)} leaves it with {net[who]:+}, and {due[who]:+} is due"

    def _paid_for(self, job: Job) -> bool:
        """Return whether a deal that is over paid for results."""
        unpaid = job.outcome == "timeout judge" and not self.terms.silence_pays
        return job.outcome not in REFUNDED and not unpaid

    @invariant
    def clients_pay_for_no_rejected_result(self, world: World) -> Iterator[str]:
        """Without a result a client has its payments back: all but the solver's fee and the mediation's."""
        terms, units = self.terms, self.terms.to_units
        for job in self._over(world):
            if job.outcome not in REFUNDED or self._locks(job):
                continue
            runs = len(self._events_of("DealAgreed", job))
            back = sum(fact.amount for fact in self._events_of("Credited", job) if fact.who == job.poster)
            lost = sum(fact.amount for fact in self._events_of("Slashed", job) if fact.who == job.poster)
            fees = runs * units(terms.solver_fee)
            if job.outcome == "mediation rejected":
                collateral = self._collateral(job, self._last("ResultSubmitted", job))
                fee = units(terms.mediation_fee)
                fees += fee - min(fee, collateral) * terms.cheater_pays
            put_up = self.put_in[job.key][job.poster]
            if put_up - back > fees + lost:
                yield f"deal {job.id}: the client put up {put_up}, had {back} back, and got no result"

    # --- matching -----------------------------------------------------------------------------------------------

    @invariant
    def matches_take_the_cheapest(self, world: World) -> Iterator[str]:
        """A match is of distinct offers, as many as were asked for; the cheapest, where the rules say so."""
        for job in self._stirred(world):
            for match in self._fresh("DealMatched", job):
                offers = self._events_of("ResourceOffered", job)
                prices = {fact.provider: fact.price for fact in offers if fact.run == match.run}
                where, picked = f"deal {job.id}, run {match.run}", [prices.get(who, -1) for who in match.providers]
                if -1 in picked or len(set(match.providers)) != self.terms.providers + 2 * match.run:
                    yield f"{where}: matched were {len(match.providers)}, not all with an offer"
                elif max(picked) > self.terms.to_units(self.terms.payment) // job.scale:
                    yield f"{where}: {max(picked)} is more than the highest price"
                elif self.terms.cheapest and sorted(picked) != sorted(prices.values())[: len(picked)]:
                    yield f"{where}: there were cheaper offers than those that were taken"

    @invariant
    def results_are_the_providers(self, world: World) -> Iterator[str]:
        """Results come from who was matched, in time, with their collateral."""
        for job in self._stirred(world):
            for event in ("ResultSubmitted", "ResultCommitted", "ResultRevealed"):
                for fact in self._fresh(event, job):
                    match, where = self._last("DealMatched", job), f"deal {job.id}, run {fact.run}"
                    if fact.provider not in match.providers and not self.terms.open_results:
                        yield f"{where}: {world.name_of(fact.provider)} handed in, and was not matched"
                    if fact.by != fact.provider:
                        yield f"{where}: {world.name_of(fact.by)} handed in for {world.name_of(fact.provider)}"
                    began = self._last("RevealBegan" if event == "ResultRevealed" and self.terms.commits
                                       else "DealAgreed", job)  # fmt: skip
                    if fact.time >= began.due * SECOND:
                        yield f"{where}: {world.name_of(fact.provider)} handed in too late"
            yield from self._uncovered(world, job)

    def _uncovered(self, world: World, job: Job) -> Iterator[str]:
        """Yield results that were handed in with too little collateral, on top of what was put up before."""
        terms, units = self.terms, self.terms.to_units
        handed = "ResultSubmitted" if not terms.redundant else "ResultCommitted" if terms.commits else "ResultRevealed"
        for fact in self._fresh(handed, job):
            bids = sum(one.provider == fact.provider for one in self._events_of("ResourceOffered", job))
            due = self._collateral(job, fact) + units(terms.submit_collateral) + bids * units(terms.agree_collateral)
            if (put_up := self.put_in[job.key][fact.provider]) < due:
                yield f"deal {job.id}: {world.name_of(fact.provider)} put up {put_up}, and {due} was due"

    # --- judging ------------------------------------------------------------------------------------------------

    @invariant
    def only_the_drawn_mediator_decides(self, world: World) -> Iterator[str]:
        """A verdict is the last drawn mediator's, who enrolled, in time; no party's, where the rules say so."""
        for job in self._stirred(world):
            for fact in self._fresh("MediationDecided", job):
                drawn, where = self._last("MediationRequested", job), f"deal {job.id}"
                if not fact.by == fact.mediator == drawn.mediator:
                    yield f"{where}: {world.name_of(fact.by)} decided, and {world.name_of(drawn.mediator)} was drawn"
                if fact.time >= drawn.due * SECOND:
                    yield f"{where}: the verdict came too late"
                if job.outcome != (verdict := "mediation accepted" if fact.accepted else "mediation rejected"):
                    yield f"{where}: the verdict was {verdict}, and the outcome {job.outcome}"
            for fact in self._fresh("MediationRequested", job):
                enrolled = {one.mediator for one in self._events_of("MediatorEnrolled", job)}
                provider = self._last("ResultSubmitted", job).provider
                if fact.mediator not in enrolled:
                    yield f"deal {job.id}: {world.name_of(fact.mediator)} mediates, and never enrolled"
                if self.terms.conflict_check and fact.mediator in {job.poster, provider}:
                    yield f"deal {job.id}: {world.name_of(fact.mediator)} mediates in a deal of its own"

    @invariant
    def honest_verdicts_are_right(self, world: World) -> Iterator[str]:
        """Where a job is exact and its mediator honest, a result passes if it is what the job gives, else it fails."""
        for job in self._stirred(world):
            for fact in self._fresh("MediationDecided", job) if job.exact else ():
                account, submitted = world.accounts.get(fact.mediator), self._last("ResultSubmitted", job)
                if account is None or account.person.attacker:
                    continue
                model = world.store.get(submitted.result)
                subject = Subject(submitted.run, submitted.provider, model, submitted.count, job.scale)
                own = world.training_cache.model(Order("", job.task))
                right = self.compares(job, subject, own) >= job.scale - self.terms.tolerance
                if fact.accepted != right:
                    yield f"deal {job.id}: a result was right={right}, and an honest mediator said {fact.accepted}"

    # --- redundancy ---------------------------------------------------------------------------------------------

    def _revealed(self, job: Job, run: int) -> list[Fact]:
        return [fact for fact in self._events_of("ResultRevealed", job) if fact.run == run]

    def _equal(self, job: Job, one: Fact, two: Fact) -> bool:
        """Return whether two revealed results count as the same.

        Args:
            job: what they are of.
            one: the event of a reveal.
            two: another.
        """
        if self.terms.compare_counts and one.count != two.count:
            return False
        left, right = (self.outputs_of.get((job.key, each.run, each.provider), b"") for each in (one, two))
        near = len(left) == len(right) > 0 and sum(map(int.__ne__, left, right)) <= self.terms.tolerance
        return bool(one.result == two.result or near)

    @invariant
    def reveals_are_what_was_committed(self, world: World) -> Iterator[str]:
        """A result that was revealed is the one that its provider committed to."""
        for job in self._stirred(world) if self.terms.commits else ():
            said = {(fact.by, fact.event): fact.carries for verb in ("submits", "reveals")
                    for fact in self.world.facts.of(verb, job.key)}  # fmt: skip
            for fact in self._fresh("ResultRevealed", job):
                if (fact.by, "reveals") not in said:
                    continue  # sent past the market's verbs
                result, count, outputs, salt = said[fact.by, "reveals"]
                if commitment(payload(result, count, outputs), salt, fact.by, salted=True) != said[fact.by, "submits"]:
                    yield f"deal {job.id}: {world.name_of(fact.by)} revealed another result than it committed to"

    @invariant
    def losers_pay(self, world: World) -> Iterator[str]:
        """Where that is the rule, whose result lost the vote loses its collateral."""
        for job in self._over(world):
            if job.outcome != "verified" or not self.terms.slash_minority:
                continue
            run, right = self._last("ResultsTallied", job).run, {fact.provider for fact in self._winners(job)}
            slashed = {fact.who for fact in self._events_of("Slashed", job)}
            names = ("ResultCommitted", "ResultRevealed")
            handed = {one.provider for name in names for one in self._events_of(name, job) if one.run == run}
            for who in sorted(handed - right - slashed):
                yield f"deal {job.id}: {world.name_of(who)}'s result lost the vote, and it kept its collateral"

    @invariant
    def the_largest_group_wins(self, world: World) -> Iterator[str]:
        """Of redundant results the largest group of equal ones wins: no tie, not a single one, at the confidence."""
        for job in self._stirred(world):
            for fact in self._fresh("ResultsTallied", job):
                results, where = self._revealed(job, fact.run), f"deal {job.id}, run {fact.run}"
                sizes = [sum(self._equal(job, one, two) for two in results) for one in results]
                largest = max(sizes, default=0)
                top = [one for one, size in zip(results, sizes, strict=True) if size == largest]
                tie = any(not self._equal(job, top[0], one) for one in top)
                valid = largest > 1 and not tie and largest >= self.terms.confidence and any(top[0].result)
                said, is_so = (fact.revealed, fact.largest, fact.valid), (len(results), largest, valid)
                if said != is_so:
                    yield f"{where}: results, largest group and validity are {is_so}, and it says {said}"
                seats, began = self.terms.providers + 2 * fact.run, self._events_of("RevealBegan", job)
                if len(results) < seats and began and fact.time < began[-1].due * SECOND:
                    committed = sum(one.run == fact.run for one in self._events_of("ResultCommitted", job))
                    if len(results) < committed:
                        yield f"{where} was counted before all had revealed"


def payload(result: bytes, count: int, outputs: bytes) -> bytes:
    """Return what is committed of a result: SHA-256 of CID, count and outputs as the contract packs them.

    Args:
        result: the CID, 32 bytes.
        count: of instructions.
        outputs: one byte each.
    """
    padded = outputs + bytes(-len(outputs) % WORD)
    words = (count, 3 * WORD, len(outputs))
    return hashlib.sha256(result + b"".join(word.to_bytes(WORD, "big") for word in words) + padded).digest()
