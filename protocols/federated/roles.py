"""Roles of federated training: who pays for updates, who trains them, who validates them, who decides disputes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from slashpoint.agents.roles import Keeper, Poster, Role, Server
from slashpoint.protocols.federated.market import Federated
from slashpoint.protocols.federated.trainer import TRUSTED, trainer, uploads
from slashpoint.sim.market import Subject

if TYPE_CHECKING:
    from collections.abc import Generator

    from slashpoint.agents.me import Me
    from slashpoint.sim.learning import Problem
    from slashpoint.sim.market import Job, Work

    Steps = Generator[Any, Any, Any]


class Sponsor(Poster[Federated]):
    """Offers jobs: publishes the initial model, the trainer and validation inputs, and opens labels round by round."""

    duties: ClassVar[frozenset[str]] = frozenset({"truth", "reveal"})

    def commission(self, me: Me, number: int) -> Steps:
        """One job from its draft to its end.

        Args:
            me: the account that acts.
            number: of the person's jobs, from 0.
        """
        problem, _ = me.tasks(number)
        job = self.drafts(me, problem)
        labels = yield from self.ask(me, "truth", replace(job, task=self.market.data.validation(job)))
        base = yield me.trains(job, effort=0.0)
        salt = me.salt(job.key)
        files = base, self.executable(), self.market.listing(job)["validation"]
        initial, executable, validation = (me.publishes(one) for one in files)
        receipt = yield me.sends(self.market.posts(job, initial, executable, validation, labels, salt))
        if receipt.ok:
            yield me.spawn(self.serve, job, labels, salt)

    def drafts(self, me: Me, problem: Problem) -> Job:
        """Return the terms that it offers.

        Args:
            me: the account that acts.
            problem: what is to be learnt.
        """
        return self.market.draft(me, problem)

    def executable(self) -> bytes:
        """Return the trainer that clients are to run."""
        return trainer()

    def serve(self, me: Me, job: Job, labels: bytes, salt: bytes) -> Steps:
        """Open the labels of each round when its updates are in; collect what is left.

        Args:
            me: the account that acts.
            job: what it is about.
            labels: one byte an item.
            salt: 32 bytes, secret until they are revealed.
        """
        rounds = me.hears(self.market.RoundSealed, job=job)
        while True:
            what, fact = yield me.first(over=rounds.next(), closed=me.sees(self.market.JobClosed))
            if what == "closed":
                break
            view = self.market.view(job, fact)
            if (yield from self.ask(me, "reveal", view, "truth")):
                yield me.sends(self.market.reveals_truth(view, labels, salt), by=view.deadline)
        yield from self.collect(me, job)


class Client(Server[Federated]):
    """Trains on data of its own, hands in what came of it, and is paid by voucher."""

    duties: ClassVar[frozenset[str]] = frozenset({"enter", "work", "reveal"})

    def serve(self, me: Me, job: Job) -> Steps:
        """One job from its listing to its end."""
        market = self.market
        executable = market.trainers[job.key]
        if market.terms.allow_list and executable not in TRUSTED:
            return
        if not (yield from self.ask(me, "enter", job, by=job.deadline)):
            return
        yield from self.enquire(me, job)
        if not me.in_time(job.deadline) or not (yield me.sends(market.accepts(job), by=job.deadline)).ok:
            return
        rounds, cashing = me.hears(market.RoundOpened, job=job), []
        while True:
            what, fact = yield me.first(round=rounds.next(), closed=me.sees(market.JobClosed))
            if what == "closed" or not market.stands(job, me.address):
                break
            view = market.view(job, fact)
            if (yield from self.take_part(me, view, me.fetches(executable) or b"")):
                cashing.append(me.spawn(self.cash, view))
        yield from cashing
        yield me.sees(market.JobClosed)
        yield from self.collect(me, job)

    def enquire(self, me: Me, job: Job) -> Steps:
        """Ask the sponsor, and wait for the answer as long as there is a place to be had by it."""
        answered = self.market.asks(me, job, b"is this open to people like me?")
        yield me.until(job.deadline if answered is None else min(answered, job.deadline))

    def take_part(self, me: Me, view: Job, executable: bytes) -> Steps:
        """One round until its updates are open: whether there is something to be paid for.

        Args:
            me: the account that acts.
            view: the job as the round has it.
            executable: the CID of the trainer.
        """
        market = self.market
        work = yield from self.ask(me, "work", view, by=view.deadline)
        if uploads(executable):
            me.publishes(market.raw(view, me))
        if work is None or not me.in_time(view.deadline):
            return False
        if not market.terms.commit_updates:
            self.publish(me, work)
        if not (yield from self.hands_in(me, view, work)):
            return False
        if not market.terms.commit_updates:
            return True
        what, fact = yield me.first(
            over=me.sees(market.RoundSealed, round=view.round), closed=me.sees(market.JobClosed)
        )
        if what == "closed" or not (answer := (yield from self.ask(me, "reveal", view, "work"))):
            return False
        if answer != "unpinned":
            self.publish(me, work)
        return (yield me.sends(market.reveals(me, view, work), by=float(fact.due))).ok

    def hands_in(self, me: Me, view: Job, work: Work) -> Steps:
        """Send the update, or its commitment: whether it was taken.

        Args:
            me: the account that acts.
            view: the job as the round has it.
            work: what was made.
        """
        return (yield me.sends(self.market.submits(me, view, work), tip=work.tip, by=view.deadline)).ok

    @staticmethod
    def publish(me: Me, work: Work) -> None:
        """Let everybody have the model.

        Args:
            me: the account that acts.
            work: what was made.
        """
        if work.model is not None:
            me.publishes(work.model)

    def cash(self, me: Me, view: Job) -> Steps:
        """Have the round's voucher paid, if there is one.

        Args:
            me: the account that acts.
            view: the job as the round has it.
        """
        market = self.market
        settled = me.sees(market.RoundSettled, round=view.round)
        what, _ = yield me.first(settled=settled, closed=me.sees(market.JobClosed))
        for voucher, output in market.vouchers(view, me.address) if what == "settled" else ():
            yield me.sends(market.cashes(view, voucher, output))


class Validator(Server[Federated]):
    """Measures updates, claims what the machine makes of them, and disputes a quorum that says otherwise."""

    duties: ClassVar[frozenset[str]] = frozenset({"enter", "judge", "settle"})

    def serve(self, me: Me, job: Job) -> Steps:
        """Take a place on one job's panel, and validate its rounds."""
        market = self.market
        if not (yield from self.ask(me, "enter", job, by=job.deadline)):
            return
        if not me.in_time(job.deadline) or not (yield me.sends(market.joins(job), by=job.deadline)).ok:
            return
        rounds = me.hears(market.InputsComplete, job=job)
        while True:
            what, fact = yield me.first(complete=rounds.next(), closed=me.sees(market.JobClosed))
            if what == "closed":
                break
            if not market.fell(job, me.address):
                me.spawn(self.validate, market.view(job, fact))
        yield from self.collect(me, job)

    def validate(self, me: Me, view: Job) -> Steps:
        """One round from its inputs to its settlement.

        Args:
            me: the account that acts.
            view: the job as the round has it.
        """
        market = self.market
        output = yield from self.concludes(me, view)
        if output is None or not me.in_time(view.deadline):
            return
        me.publishes(output.model)
        yield me.sends(market.judges(view, output), by=view.deadline)
        what, fact = yield me.first(
            quorum=me.sees(market.QuorumReached, round=view.round),
            settled=me.sees(market.RoundSettled, round=view.round),
            closed=me.sees(market.JobClosed),
        )  # fmt: skip
        if what != "quorum" or fact.claim == market.contract.claimOf(view.id, view.round, me.address):
            return
        claimed = Subject((view.round, "claim"), fact.by, None, None, market.data.validation(view, view.round).scale)
        if (yield from self.ask(me, "settle", view, claimed)) == "dispute" and me.in_time(fact.due):
            yield me.sends(market.disputes(view, output), by=float(fact.due))

    def concludes(self, me: Me, view: Job) -> Steps:
        """Return what the machine makes of one's counts.

        Args:
            me: the account that acts.
            view: the job as the round has it.
        """
        base = Subject((view.round, "base"), view.poster, view.base, None, 0)
        counts = {-1: (yield me.measures(base, view))}
        for subject in self.market.audited(view):
            count = yield from self.ask(me, "judge", view, subject)
            if count is None or me.now > view.deadline:
                return None
            counts[subject.id[1]] = count
        return self.market.concludes(view, counts)


class Referee(Role[Federated]):
    """Stands in for a fraud proof: runs the machine again for whatever is disputed, and says what is so."""

    def live(self, me: Me) -> Steps:
        """Decide each dispute, beside the others."""
        disputes = me.hears(self.market.OutputDisputed)
        while True:
            fact = yield disputes.next()
            if fact.job is not None:
                me.spawn(self.decide, fact.job, fact.round)

    def decide(self, me: Me, job: Job, number: int) -> Steps:
        """Run the round's machine again, and tell the contract.

        Args:
            me: the account that acts.
            job: what it is about.
            number: the round's number, from 1.
        """
        output = self.market.honest(job, number)
        me.publishes(output.model)
        yield me.sends(self.market.resolves(job, output))


ROLES = (Sponsor, Client, Validator, Keeper, Referee)
