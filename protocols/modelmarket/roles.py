"""Roles of ModelMarket: who asks for models, who trains them, who calls timeouts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from slashpoint.agents.roles import Keeper, Poster, Server
from slashpoint.protocols.modelmarket.market import ModelMarket
from slashpoint.protocols.modelmarket.terms import BEACON
from slashpoint.sim.learning import correct

if TYPE_CHECKING:
    from collections.abc import Generator

    from slashpoint.agents.me import Me
    from slashpoint.sim.market import Job

    Steps = Generator[Any, Any, Any]


PATIENCE = 4  # blocks in which a keeper should have drawn the test rows


class Requester(Poster[ModelMarket]):
    """Commissions models: locks a reward, and opens the labels at the deadline."""

    duties: ClassVar[frozenset[str]] = frozenset({"truth", "reveal"})

    def commission(self, me: Me, number: int) -> Steps:
        """One request from its draft to its end.

        Args:
            me: the account that acts.
            number: of the person's jobs, from 0.
        """
        problem, files = me.tasks(number)
        blind = self.market.terms.split == BEACON
        train, test = ("all", "all") if blind else ("train", "test")
        job = self.market.draft(me, problem, me.publishes(files[train]), me.publishes(files[test]))
        given = me.labels(job) if blind else b""
        labels = yield from self.ask(me, "truth", job)
        salt = me.salt(job.key)
        receipt = yield me.sends(self.market.posts(job, labels, salt))
        if receipt.ok:
            if blind:
                me.spawn(self.publish, job, given)
            yield me.spawn(self.serve, job, labels, salt)

    def publish(self, me: Me, job: Job, labels: bytes) -> Steps:
        """Give the training rows out, truly labelled, once the test rows are drawn; draw them if nobody does.

        Args:
            me: the account that acts.
            job: what it is about.
            labels: one byte an item.
        """
        if not (yield me.sees(self.market.SplitDrawn, by=me.now + PATIENCE * me.block_time)):
            yield me.sends(self.market.draws(job), by=job.deadline)
        if (yield me.sees(self.market.SplitDrawn, by=job.deadline)):
            train = me.publishes(me.files(job.task)["train"])
            yield me.sends(self.market.publishes(job, train, labels), by=job.deadline)

    def serve(self, me: Me, job: Job, labels: bytes, salt: bytes) -> Steps:
        """Open the labels in time, then wait for the end.

        Args:
            me: the account that acts.
            job: what it is about.
            labels: one byte an item.
            salt: 32 bytes, secret until they are revealed.
        """
        what, _ = yield me.first(closed=me.sees(self.market.RequestClosed), by=job.deadline)
        if what == "late" and (yield from self.ask(me, "reveal", job, "truth")):
            yield me.sends(
                self.market.reveals_truth(job, labels, salt), by=job.deadline + self.market.terms.response_window
            )
        yield me.sees(self.market.RequestClosed)
        yield from self.collect(me, job)


class Trainer(Server[ModelMarket]):
    """Train for a request, commit, claim, and reveal when chosen."""

    duties: ClassVar[frozenset[str]] = frozenset({"enter", "work", "claim", "reveal"})

    def serve(self, me: Me, job: Job) -> Steps:
        """One submission from training to its end."""
        market = self.market
        if not (yield from self.ask(me, "enter", job)):
            return
        if market.terms.split == BEACON and not (yield me.sees(market.TrainingPublished, by=job.deadline)):
            return
        work = yield from self.ask(me, "work", job, by=job.deadline)
        if work is None or not me.in_time(job.deadline):
            return
        receipt = yield me.sends(market.submits(me, job, work), tip=work.tip, by=job.deadline)
        if not receipt.ok:
            return
        what, fact = yield me.first(truth=me.sees(market.TruthUploaded), closed=me.sees(market.RequestClosed))
        if what == "truth":
            measured = correct(work.predictions, market.truth(job)) if work.predictions is not None else 0
            claim = yield from self.ask(me, "claim", job, measured)
            if claim is not None:
                yield me.sends(market.claims(job, claim), by=float(fact.due))
                yield from self.contend(me, job, work)
            yield me.sees(market.RequestClosed)
        yield from self.collect(me, job)

    def contend(self, me: Me, job: Job, work: Any) -> Steps:
        """Reveal model and predictions when picked as the candidate.

        Args:
            me: the account that acts.
            job: what it is about.
            work: what one submitted.
        """
        picked = me.sees(self.market.CandidatePicked, trainer=me.address)
        what, fact = yield me.first(picked=picked, closed=me.sees(self.market.RequestClosed))
        if what == "picked" and (answer := (yield from self.ask(me, "reveal", job, "work"))):
            if work.model is not None and answer != "unpinned":
                me.publishes(work.model)
            yield me.sends(self.market.reveals(me, job, work), by=float(fact.due))


ROLES = (Requester, Trainer, Keeper)
