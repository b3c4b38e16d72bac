"""Roles of competitions: who puts up a prize, who competes for it, who measures the models, who calls timeouts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from slashpoint.agents.roles import Keeper, Poster, Server
from slashpoint.protocols.competition.market import Competition
from slashpoint.sim.market import Subject

if TYPE_CHECKING:
    from collections.abc import Generator

    from slashpoint.agents.me import Me
    from slashpoint.sim.market import Job, Work

    Steps = Generator[Any, Any, Any]

SOON = 4  # blocks before the end of a window, in which a committed model is opened whether or not the truth is there


class Host(Poster[Competition]):
    """Puts up a prize for a model of its data, and opens the test labels when all models are in."""

    duties: ClassVar[frozenset[str]] = frozenset({"truth", "reveal"})

    def commission(self, me: Me, number: int) -> Steps:
        """One competition, from its draft to its end.

        Args:
            me: the account that acts.
            number: of the person's jobs, from 0.
        """
        market = self.market
        problem, files = me.tasks(number)
        job = market.draft(me, problem)
        labels = yield from self.ask(me, "truth", job)
        salt = me.salt(job.key)
        if not market.terms.commit_truth:
            me.publishes(labels)
        receipt = yield me.sends(
            market.posts(job, me.publishes(files["train"]), me.publishes(files["test"]), labels, salt)
        )
        if receipt.ok:
            yield me.spawn(self.serve, job, labels, salt)

    def serve(self, me: Me, job: Job, labels: bytes, salt: bytes) -> Steps:
        """Open the labels, then wait for the end.

        Args:
            me: the account that acts.
            job: what it is about.
            labels: one byte an item.
            salt: 32 bytes, secret until they are revealed.
        """
        market = self.market
        if market.terms.commit_truth:
            what, _ = yield me.first(closed=me.sees(market.CompetitionClosed), by=job.deadline)
            if what == "late" and (yield from self.ask(me, "reveal", job, "truth")):
                yield me.sends(market.reveals_truth(job, labels, salt), by=market.clock(job).open)
        yield me.sees(market.CompetitionClosed)
        yield from self.collect(me, job)


class Competitor(Server[Competition]):
    """Buys in, trains, hands a model in."""

    duties: ClassVar[frozenset[str]] = frozenset({"enter", "work", "claim", "reveal"})

    def serve(self, me: Me, job: Job) -> Steps:
        """One competition, from buying in to the end."""
        market = self.market
        begin = market.clock(job).register
        if not (yield from self.ask(me, "enter", job)) or not me.in_time(begin):
            return
        if not (yield me.sends(market.registers(job), by=begin)).ok:
            return
        yield me.until(begin)
        work = yield from self.ask(me, "work", job, by=job.deadline)
        if work is not None and (work.model is not None or work.copied is not None):
            yield from self.hand_in(me, job, work)
        yield me.sees(market.CompetitionClosed)
        yield from self.collect(me, job)

    def hand_in(self, me: Me, job: Job, work: Work) -> Steps:
        """Submit, and reveal what was committed.

        Args:
            me: the account that acts.
            job: what it is about.
            work: what was made.
        """
        market = self.market
        if not market.terms.commit_models:
            claimed = yield from self.claims(me, job, work)
            if claimed is not None and me.in_time(job.deadline):
                if not market.terms.models_on_chain and work.model is not None:
                    me.publishes(work.model)
                yield me.sends(market.submits(me, job, work, claimed), tip=work.tip, by=job.deadline)
            return
        if not me.in_time(job.deadline):
            return
        receipt = yield me.sends(market.submits(me, job, work), tip=work.tip, by=job.deadline)
        if not receipt.ok:
            return
        mine = market.contract.historyOf(job.id, me.address)[-1]
        yield me.until(job.deadline)
        end = market.clock(job).open
        if market.terms.commit_truth:
            yield me.sees(market.TruthRevealed, by=end - SOON * me.block_time)
        claimed = yield from self.claims(me, job, work)
        if claimed is None or work.model is None:
            return
        if opens := (yield from self.ask(me, "reveal", job, "work")):
            if not market.terms.models_on_chain and opens != "unpinned":
                me.publishes(work.model)
            yield me.sends(market.reveals(me, job, mine, work.model, claimed), by=end)

    def claims(self, me: Me, job: Job, work: Work) -> Steps:
        """Return what one says of one's own model: nothing that could bind, while nobody can measure.

        Args:
            me: the account that acts.
            job: what it is about.
            work: what was made.
        """
        measured = 0
        if self.market.answers(job, me) is not None and work.model is not None:
            measured = yield me.measures(Subject("own", me.address, work.model, None, job.scale), job)
        return (yield from self.ask(me, "claim", job, measured))


class Miner(Server[Competition]):
    """Takes models as they lie open, measures them on the test and reports."""

    duties: ClassVar[frozenset[str]] = frozenset({"enter", "judge", "reveal"})

    def serve(self, me: Me, job: Job) -> Steps:
        """One competition, from the first model to the end."""
        market = self.market
        if not (yield from self.ask(me, "enter", job)):
            return
        if market.terms.committee:
            yield from self.enrol(me, job)
        if market.terms.commit_truth:
            yield me.first(truth=me.sees(market.TruthRevealed), closed=me.sees(market.CompetitionClosed))
        if job.closed is None:
            reported = yield from self.mine(me, job)
            if market.terms.commit_reports and reported:
                yield me.until(market.clock(job).report)
                yield from self.reveal(me, job, reported)
        yield me.sees(market.CompetitionClosed)
        yield from self.collect(me, job)

    def enrol(self, me: Me, job: Job) -> Steps:
        """Put up a bond to be drawn, and wait for the draw."""
        market, clock = self.market, self.market.clock(job)
        yield me.until(clock.register)
        if (yield me.sends(market.enrols(job), by=job.deadline)).ok:
            yield me.sees(market.CommitteesDrawn, by=clock.report)

    def mine(self, me: Me, job: Job) -> Steps:
        """Report on every model that is one's to report on, one after another; what was reported, by model."""
        market, reported = self.market, dict[int, int]()
        end = market.clock(job).report
        models = me.hears(market.ModelOpened, job=job)
        while True:
            what, fact = yield me.first(model=models.next(), by=end)
            if what == "late":
                return reported
            if market.terms.committee and me.address not in market.committee(job, fact.model):
                continue
            correct = yield from self.ask(me, "judge", job, market.subject(job, fact), by=end)
            if correct is None or not me.in_time(end):
                continue
            if (yield from self.files(me, job, fact.model, correct, end)).ok:
                reported[fact.model] = correct

    def files(self, me: Me, job: Job, model: int, correct: int, end: float) -> Steps:
        """Send one report, and return its receipt.

        Args:
            me: the account that acts.
            job: what it is about.
            model: the model's number.
            correct: right test answers, a count.
            end: Unix seconds, when it is too late.
        """
        return (yield me.sends(self.market.judges(me, job, model, correct), by=end))

    def reveal(self, me: Me, job: Job, reported: dict[int, int]) -> Steps:
        """Reveal the reports that one committed to.

        Args:
            me: the account that acts.
            job: what it is about.
            reported: right answers by the model's number.
        """
        for model, correct in reported.items():
            if (yield from self.ask(me, "reveal", job, "report")):
                yield me.sends(self.market.reveals_report(me, job, model, correct), by=self.market.clock(job).reveal)


ROLES = (Host, Competitor, Miner, Keeper)
