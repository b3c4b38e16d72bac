"""Roles of Lilypad: who has a job run, runs it, matches the two, does it again to judge, and calls timeouts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from slashpoint.agents.roles import Keeper, Poster, Server
from slashpoint.protocols.lilypad.market import Lilypad

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from slashpoint.agents.me import Me
    from slashpoint.sim.facts import Fact
    from slashpoint.sim.learning import Problem
    from slashpoint.sim.market import Job, Work

    Steps = Generator[Any, Any, Any]

MOST_COUNT = 2**32 - 1


class Client(Poster[Lilypad]):
    """Has a job run by a stranger, pays for the result, and has it checked now and then."""

    duties: ClassVar[frozenset[str]] = frozenset({"settle"})

    def commission(self, me: Me, number: int) -> Steps:
        """One job from its offer to its end.

        Args:
            me: the account that acts.
            number: of the person's jobs, from 0.
        """
        market = self.market
        problem, files = me.tasks(number)
        job = self.drafts(me, problem)
        inputs = me.publishes(files["train"])
        receipt = yield me.sends(market.posts(job, me.publishes(market.spec(job, inputs)), inputs))
        if receipt.ok:
            yield me.spawn(self.serve, job)

    def drafts(self, me: Me, problem: Problem) -> Job:
        """Return the job that it offers.

        Args:
            me: the account that acts.
            problem: what is to be learnt.
        """
        return self.market.draft(me, problem)

    def serve(self, me: Me, job: Job) -> Steps:
        """Agree to matches, judge what comes in, and take what is left."""
        market = self.market
        news = me.hears(market.DealMatched, market.ResultSubmitted, job=job)
        while True:
            what, fact = yield me.first(news=news.next(), closed=me.sees(market.DealClosed))
            if what == "closed":
                break
            if fact.event == "DealMatched":
                yield from self.collect(me, job)  # what an earlier run gave back, which this one takes again
                yield me.sends(market.agrees(job), by=float(fact.due))
            elif market.terms.verification == "mediation":
                yield from self.judge(me, market.view(job, fact), fact)
        yield from self.collect(me, job)

    def judge(self, me: Me, job: Job, submitted: Fact) -> Steps:
        """Accept a result, or have it checked; accept it where nobody mediates, which is better than silence.

        Args:
            me: the account that acts.
            job: what it is about, with the time for it.
            submitted: the event of handing it in.
        """
        said = yield from self.ask(me, "settle", job, self.market.subject(job, submitted))
        if said in {"accept", "check", "dispute"}:
            call = self.market.accepts(job) if said == "accept" else self.market.checks(job)
            receipt = yield me.sends(call, by=job.deadline)
            if receipt.revert is not None and receipt.revert.name == "NoMediator":
                yield me.sends(self.market.accepts(job), by=job.deadline)


class Provider(Server[Lilypad]):
    """Offers machines for jobs, runs those that it gets, and reports what they took."""

    duties: ClassVar[frozenset[str]] = frozenset({"enter", "work", "claim", "reveal"})

    def serve(self, me: Me, job: Job) -> Steps:
        """Offer in each run of a job."""
        market = self.market
        offers = me.hears(market.JobOffered, job=job)
        while True:
            what, fact = yield me.first(offer=offers.next(), closed=me.sees(market.DealClosed))
            if what == "closed":
                break
            yield from self.tender(me, market.view(job, fact), fact)
        yield from self.collect(me, job)

    def tender(self, me: Me, job: Job, offered: Fact) -> Steps:
        """Offer in one run, and run the job if one is matched.

        Args:
            me: the account that acts.
            job: what it is about.
            offered: the event of the job's offer.
        """
        market = self.market
        if market.terms.reproducible_only and offered.engine == 0 and not market.terms.tolerance:
            return
        if not (yield from self.ask(me, "enter", job, by=job.deadline)) or not me.in_time(job.deadline):
            return
        if not (yield me.sends(market.bids(job, self.price(me, job)), by=job.deadline)).ok:
            return
        matched = me.sees(market.DealMatched, run=job.round)
        what, fact = yield me.first(matched=matched, closed=me.sees(market.DealClosed))
        if what == "closed" or me.address not in fact.providers:
            return
        if (yield me.sends(market.agrees(job), by=float(fact.due))).ok:
            agreed = me.sees(market.DealAgreed, run=job.round)
            what, fact = yield me.first(agreed=agreed, closed=me.sees(market.DealClosed))
            if what == "agreed":
                yield from self.execute(me, market.view(job, fact))

    def price(self, me: Me, job: Job) -> int:
        """Return what it asks for an instruction, smallest units.

        Args:
            me: the account that acts.
            job: what it is about.
        """
        return self.market.asks(me, job)

    def execute(self, me: Me, job: Job) -> Steps:
        """Run the job, and hand its result in.

        Args:
            me: the account that acts.
            job: what it is about, with the time for it.
        """
        work = yield from self.ask(me, "work", job, by=job.deadline)
        if work is None or (work.model is None and work.copied is None):
            return
        count = yield from self.ask(me, "claim", job, self.market.instructions(job))
        if count is None or not me.in_time(job.deadline):
            return
        count = max(0, min(count, MOST_COUNT))
        if self.market.terms.commits:
            yield from self.commit(me, job, work, count)
            return
        if (yield from self.ask(me, "reveal", job, "work")) is True and work.model is not None:
            me.publishes(work.model)
        yield me.sends(self.market.submits(me, job, work, count), tip=work.tip, by=job.deadline)

    def commit(self, me: Me, job: Job, work: Work, count: int) -> Steps:
        """Commit to a result, and reveal it when all are in.

        Args:
            me: the account that acts.
            job: what it is about, with the time for it.
            work: what was made.
            count: of instructions.
        """
        market = self.market
        receipt = yield me.sends(market.submits(me, job, work, count), tip=work.tip, by=job.deadline)
        if not receipt.ok or work.model is None:
            return
        began = me.sees(market.RevealBegan, run=job.round)
        what, fact = yield me.first(began=began, closed=me.sees(market.DealClosed))
        if what == "closed":
            return
        if answer := (yield from self.ask(me, "reveal", job, "work")):
            if answer is True:
                me.publishes(work.model)
            yield me.sends(market.reveals(me, job, work, count), by=float(fact.due))


class Mediator(Server[Lilypad]):
    """Does jobs again whose results are checked, and says whether they are right."""

    duties: ClassVar[frozenset[str]] = frozenset({"enter", "judge"})

    def serve(self, me: Me, job: Job) -> Steps:
        """Be there for one job, and decide if one is drawn."""
        market = self.market
        if market.terms.verification != "mediation":
            return
        if not (yield from self.ask(me, "enter", job, by=job.deadline)) or not me.in_time(job.deadline):
            return
        if not (yield me.sends(market.enrols(job), by=job.deadline)).ok:
            return
        requests = me.hears(market.MediationRequested, job=job)
        while True:
            what, fact = yield me.first(request=requests.next(), closed=me.sees(market.DealClosed))
            if what == "closed":
                break
            if fact.mediator == me.address:
                yield from self.mediate(me, job, float(fact.due))
        yield from self.collect(me, job)

    def mediate(self, me: Me, job: Job, due: float) -> Steps:
        """Judge a result, and tell the contract.

        Args:
            me: the account that acts.
            job: what it is about.
            due: Unix seconds, when it is too late.
        """
        submitted = yield me.sees(self.market.ResultSubmitted)
        view = self.market.view(job, submitted)
        alike = yield from self.ask(me, "judge", view, self.market.subject(view, submitted), by=due)
        if alike is not None and me.in_time(due):
            accepted = alike >= job.scale - self.market.terms.tolerance
            yield me.sends(self.market.judges(job, accepted=accepted), by=due)


class Solver(Server[Lilypad]):
    """Matches each job with the cheapest offers."""

    def serve(self, me: Me, job: Job) -> Steps:
        """Match each run of a job, when its offers are in."""
        market = self.market
        offers = me.hears(market.JobOffered, job=job)
        while True:
            what, fact = yield me.first(offer=offers.next(), closed=me.sees(market.DealClosed))
            if what == "closed":
                break
            yield me.until(float(fact.due))
            if picks := self.picks(me, job):
                yield me.sends(market.matches(job, picks), by=fact.due + market.terms.agree_window)
        yield from self.collect(me, job)

    def picks(self, me: Me, job: Job) -> Sequence[int]:
        """Return the offers that it takes.

        Args:
            me: the account that acts.
            job: what it is about.
        """
        return self.market.cheapest(job)


ROLES = (Client, Provider, Mediator, Solver, Keeper)
