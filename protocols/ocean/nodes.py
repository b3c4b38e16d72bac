"""Nodes: who runs jobs where the data lie, and executes others' again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from slashpoint.agents.roles import Server
from slashpoint.protocols.ocean import algorithms
from slashpoint.protocols.ocean.market import NO_ALGORITHM, NO_DATA, Ocean
from slashpoint.sim.market import Subject

if TYPE_CHECKING:
    from collections.abc import Generator

    from slashpoint.agents.me import Me
    from slashpoint.sim.facts import Fact
    from slashpoint.sim.market import Job

    Steps = Generator[Any, Any, Any]


class Provider(Server[Ocean]):
    """Runs jobs that name its node, and stands by for others' to be executed again."""

    duties: ClassVar[frozenset[str]] = frozenset({"enter", "work", "claim", "judge", "reveal"})

    def live(self, me: Me) -> Steps:
        """Register, then serve."""
        yield me.sends(self.market.registers(me))
        yield from super().live(me)

    def serve(self, me: Me, job: Job) -> Steps:
        """One job, as its provider or as one who stands by."""
        order = self.market.ordered[job.key]
        if not (yield from self.ask(me, "enter", job)):
            return
        if order.provider == me.address:
            yield from self.run(me, job)
        elif self.market.terms.auditors and not order.free:
            yield from self.stand_by(me, job)
        yield me.sees(self.market.JobClosed)
        yield from self.collect(me, job)

    # --- one's own jobs -----------------------------------------------------------------------------------------

    def run(self, me: Me, job: Job) -> Steps:
        """Lock, run, claim, and answer for it."""
        market = self.market
        if not (yield from self.locks(me, job)):
            return
        if job.key not in market.data:  # free jobs begin without a lock, which the publisher may hear of later
            yield me.until(me.now + me.block_time)
        if status := self.provision(me, job):
            yield me.sends(market.submits(me, job, 0, None, status), by=job.deadline)
            return
        start = me.now
        work = yield from self.ask(me, "work", job, by=job.deadline)
        if work is None:
            return
        output = market.executes(job, work.model)
        bill = yield from self.bill(me, job, me.now - start)
        if bill is None:
            return
        answer = yield from self.ask(me, "reveal", job, "work")
        if answer is True:
            market.hands_over(job, me.publishes(output))
        yield me.sends(market.submits(me, job, bill, output), tip=work.tip, by=job.deadline)
        if market.terms.auditors and answer:
            yield from self.defend(me, job, output)

    def locks(self, me: Me, job: Job) -> Steps:
        """Lock what the job may cost, once the consumer has agreed to the data; whether it worked."""
        market, order = self.market, self.market.ordered[job.key]
        if order.free:
            return True
        if market.terms.data_committed:
            what, _ = yield me.first(agreed=me.sees(market.SampleAgreed), closed=me.sees(market.JobClosed))
            if what == "closed":
                return False
        if not market.contract.trusts(order.asset, order.algorithm):
            return False
        return (yield me.sends(market.locks(job), by=job.deadline)).ok

    def provision(self, me: Me, job: Job) -> int:
        """Return why a job cannot be run, as operators publish it; 0 where it can."""
        market, data = self.market, self.market.data.get(job.key)
        committed = market.committed(job)
        if data is None or (committed is not None and committed != data.checksum):
            return NO_DATA
        return 0 if me.fetches(market.ordered[job.key].text) else NO_ALGORITHM

    def bill(self, me: Me, job: Job, passed: float) -> Steps:
        """Return the minutes to bill: those that passed, or those of the reference device.

        Args:
            me: the account that acts.
            job: what it is about.
            passed: seconds.
        """
        market, most = self.market, self.market.ordered[job.key].minutes
        measured = min(most, market.minutes(market.seconds(job) if market.terms.metered else passed))
        if market.ordered[job.key].free:
            return 0
        claim = yield from self.ask(me, "claim", replace(job, scale=most, unit="minutes"), measured)
        return None if claim is None else min(most, max(0, claim))

    def defend(self, me: Me, job: Job, output: bytes) -> Steps:
        """Reveal the result where the job is executed again.

        Args:
            me: the account that acts.
            job: what it is about.
            output: what one claimed for.
        """
        market = self.market
        what, begun = yield me.first(reveal=me.sees(market.RevealBegun), closed=me.sees(market.JobClosed))
        if what == "reveal":
            market.hands_over(job, me.publishes(output))
            yield me.sends(market.reveals_result(me, job, output), by=float(begun.due))

    # --- others' jobs -------------------------------------------------------------------------------------------

    def stand_by(self, me: Me, job: Job) -> Steps:
        """Enlist, and execute again where one is drawn."""
        market = self.market
        if not (yield me.sends(market.enlists(job), by=job.deadline)).ok:
            return
        what, begun = yield me.first(begun=me.sees(market.AuditBegun), closed=me.sees(market.JobClosed))
        if what == "begun" and me.address in begun.panel:
            yield from self.audit(me, job, begun)

    def audit(self, me: Me, job: Job, begun: Fact) -> Steps:
        """Execute a job again, judge what it gives, and say so.

        Args:
            me: the account that acts.
            job: what it is about.
            begun: the event of the audit's beginning.
        """
        market, due = self.market, float(begun.due)
        work = yield from self.ask(me, "work", job, by=due)
        if work is None:
            return
        output = market.executes(job, work.model)
        owner = market.ordered[job.key].provider
        subject = Subject(owner, owner, algorithms.model_of(output), None, job.scale)
        score = yield from self.ask(me, "judge", job, subject, by=due)
        if score is None:
            return
        said = me.publishes(output), min(market.ordered[job.key].minutes, market.minutes(market.seconds(job))), score
        if not (yield me.sends(market.judges(me, job, *said), by=due)).ok:
            return
        what, reveal = yield me.first(reveal=me.sees(market.RevealBegun), closed=me.sees(market.JobClosed))
        if what == "reveal" and (yield from self.ask(me, "reveal", job, "report")):
            yield me.sends(market.reveals(me, job, *said), by=float(reveal.due))
