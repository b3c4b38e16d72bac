"""Roles of collective learning: who convenes an experiment, who learns in it, who calls timeouts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from slashpoint.agents.roles import Keeper, Poster, Server
from slashpoint.protocols.collective.market import Collective
from slashpoint.sim.learning import privacy
from slashpoint.sim.market import Subject

if TYPE_CHECKING:
    from collections.abc import Generator

    from slashpoint.agents.me import Me
    from slashpoint.sim.market import Job, Work

    Steps = Generator[Any, Any, Any]


class Convener(Poster[Collective]):
    """Calls for learners, and pays for what they accept."""

    def commission(self, me: Me, number: int) -> Steps:
        """One experiment, from untrained weights to its end.

        Args:
            me: the account that acts.
            number: of the person's jobs, from 0.
        """
        problem, _ = me.tasks(number)
        job = self.market.draft(me, problem)
        untrained = yield me.trains(job, effort=0.0)
        receipt = yield me.sends(self.market.posts(job, me.publishes(untrained)))
        if receipt.ok:
            yield me.sees(self.market.ExperimentClosed, job=job)
            yield from self.collect(me, job)


class Learner(Server[Collective]):
    """Trains on its own shard when it is its turn, and votes by its own vote set when it is another's."""

    duties: ClassVar[frozenset[str]] = frozenset({"enter", "work", "claim", "judge", "reveal"})

    def serve(self, me: Me, job: Job) -> Steps:
        """One seat, from joining to the end."""
        market = self.market
        if not (yield from self.ask(me, "enter", job)) or not me.in_time(job.deadline):
            return
        if not (yield me.sends(market.joins(job), by=job.deadline)).ok:
            return
        rounds = me.hears(market.RoundBegan, job=job)
        while True:
            what, began = yield me.first(
                closed=me.sees(market.ExperimentClosed),
                left=me.sees(market.Left, learner=me.address),
                began=rounds.next(),
            )
            if what != "began":
                break
            me.spawn(self.propose if began.proposer == me.address else self.vote, market.view(job, began))
        if what == "left":
            yield me.sees(market.ExperimentClosed)
        yield from self.collect(me, job)

    def propose(self, me: Me, job: Job) -> Steps:
        """Train, measure and propose a model in one's own turn."""
        if self.exhausted(me, job):
            return (yield from self.rest(me, job))
        work = yield from self.ask(me, "work", job, by=job.deadline)
        if work is None or (work.model is None and work.copied is None):
            return None
        if work.copied is None:
            work = self.private(me, job, work)
            own = Subject(job.round, me.address, work.model, None, self.market.problem(job, me).scale)
            measured = yield me.measures(own, job)
            cid = me.publishes(work.model or b"")
        else:
            measured, cid = 0, work.copied
        claim = yield from self.ask(me, "claim", job, measured)
        if claim is not None and me.in_time(job.deadline):
            yield me.sends(self.market.submits(job, cid, claim), tip=work.tip, by=job.deadline)
        return None

    def vote(self, me: Me, job: Job) -> Steps:
        """Another's turn: compare what it proposes with what there is."""
        market, terms = self.market, self.market.terms
        what, proposed = yield me.first(
            proposed=me.sees(market.Proposed, round=job.round),
            over=me.sees(market.ProposerSkipped, round=job.round),
        )
        if what == "over":
            return
        subject = market.proposal(job, me, proposed)
        score = yield from self.ask(me, "judge", job, subject, by=float(proposed.due))
        if score is None:
            return
        before = yield me.measures(replace(subject, id="current", model=job.base), job)
        approve = self.approves(me, job, subject, score - before)
        receipt = yield me.sends(market.judges(me, job, approve=approve, score=score), by=float(proposed.due))
        if not receipt.ok or not terms.commit_votes:
            return
        _, all_in = yield me.first(all=me.sees(market.AllCommitted, round=job.round), by=float(proposed.due))
        until = float(all_in.due) if all_in is not None else proposed.due + terms.vote_window
        if (yield from self.ask(me, "reveal", job, "report")):
            yield me.sends(market.reveals(me, job, approve=approve, score=score), by=until)

    def approves(self, me: Me, job: Job, subject: Subject, better: int) -> bool:
        """Whether to approve a model that is right so many times more often than the current one.

        Args:
            me: the account that acts.
            job: what it is about.
            subject: the work in question.
            better: right answers more than the present model's.
        """
        return bool(better >= self.market.terms.margin)

    # --- privacy ------------------------------------------------------------------------------------------------

    def exhausted(self, me: Me, job: Job) -> bool:
        """Whether one more release would exceed one's privacy budget."""
        terms = self.market.terms
        if not terms.dp_noise:
            return False
        released: int = self.market.releases(job, me.address)
        return released >= privacy.affordable(terms.dp_epsilon, terms.dp_noise, terms.dp_delta)

    def rest(self, me: Me, job: Job) -> Steps:
        """Let a turn go without a new model: propose the present one again, where that is allowed."""
        if self.market.terms.distinct:
            yield me.sends(self.market.passes(job), by=job.deadline)
        else:
            own = Subject(job.round, me.address, job.base, None, self.market.problem(job, me).scale)
            score = yield me.measures(own, job)
            yield me.sends(self.market.submits(job, me.publishes(job.base or b""), score), by=job.deadline)

    def private(self, me: Me, job: Job, work: Work) -> Work:
        """Work as it may leave one's machine: with noise, where there is any to be.

        Args:
            me: the account that acts.
            job: what it is about.
            work: what one is about to propose.
        """
        terms = self.market.terms
        if not terms.dp_noise or work.model is None or job.base is None:
            return work
        before, after = me.weights(job.base), me.weights(work.model)
        if before is None or after is None:
            return work
        change = privacy.release(
            after - before, terms.dp_clip, terms.dp_noise, me.luck("noise", me.name, *job.round_key)
        )
        return replace(work, model=me.assembles(before + change))


ROLES = (Convener, Learner, Keeper)
