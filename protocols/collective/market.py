"""Collective: learners who share no data take turns to propose a model, and vote on it with data of their own.

Source: Fetch.ai's collective learning (its `standalone_driver` and pages), which keeps no money: stakes, rewards and
fines are ours, and none in the literal variant. Where its parts disagree (above the threshold or at it, of all learners
or of the voters) the literal variant follows the driver's code.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from slashpoint.protocols.collective.invariants import CollectiveInvariants
from slashpoint.sim.contract import Artifact
from slashpoint.sim.market import Job, Subject, commitment

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from slashpoint.protocols.collective.terms import CollectiveTerms
    from slashpoint.sim.contract import Call, Event
    from slashpoint.sim.facts import Fact
    from slashpoint.sim.learning import Problem
    from slashpoint.sim.market import Actor
    from slashpoint.sim.world import World

ENROL, PROPOSE, COMMIT, VOTE, FINISHED, ABORTED = range(1, 7)
OUTCOMES = {FINISHED: "finished", ABORTED: "aborted"}


@dataclass
class Collective(CollectiveInvariants):
    """Experiments in collective learning, on MDC."""

    terms: CollectiveTerms
    models: dict[str, bytes] = field(default_factory=dict)  # job's key → CID of the current model
    shards: dict[str, dict[str, Problem]] = field(default_factory=dict)  # job's key → by person

    opening_event: ClassVar[str] = "ExperimentCreated"
    closing_events: ClassVar[tuple[str, ...]] = ("ExperimentClosed",)
    asset: ClassVar[str] = "MDC"
    outcomes: ClassVar[Mapping[int, str]] = OUTCOMES
    duties: ClassVar[Mapping[str, str]] = {
        "enter": "take a seat in an experiment",
        "work": "train from the current model on one's own shard, to propose it",
        "claim": "right answers of one's own proposal on one's own vote set (count)",
        "judge": "right answers of a proposal on one's own vote set (count)",
        "reveal": "report: a committed vote",
    }
    expects: ClassVar[tuple[str, ...]] = (
        "ExperimentCreated", "Joined", "RoundBegan", "Proposed", "VoteRevealed", "RoundTallied", "GlobalUpdated",
        "ExperimentClosed",
    )  # fmt: skip

    @classmethod
    def deploy(cls, world: World, terms: CollectiveTerms) -> Collective:
        """Put token and contract on a world's chain.

        Raises:
            ValueError: the world's task is not really trained.
        """
        cls.needs_weights(world)
        token = cls.deploy_coin(world, terms)
        return cls(world, world.deploy(Artifact.ours("Collective"), token.address_, terms.rules()), terms)

    @property
    def news(self) -> tuple[Event, ...]:
        """Whatever changes what is due."""
        return (
            self.Joined, self.RoundBegan, self.Proposed, self.VoteCommitted, self.VoteRevealed, self.ExperimentClosed
        )  # fmt: skip

    # --- verbs --------------------------------------------------------------------------------------------------

    def draft(self, me: Actor, problem: Problem) -> Job:
        """Return an experiment that is about to be posted.

        Args:
            me: the account that acts.
            problem: what is to be learnt.
        """
        job = super().draft(me, problem)
        job.reward, job.stake = self.terms.rewards, self.terms.to_units(self.terms.stake)
        return job

    def posts(self, job: Job, model: bytes) -> Call:
        """Lock the rewards and name the first model by its CID.

        Args:
            job: what it is about.
            model: the CID of the first model.
        """
        terms, task = self.terms, self.world.training_cache.task
        asked = {
            "archHash": hashlib.sha256(f"{task.name} {task.kind}".encode()).digest(), "initCid": model,
            "thresholdBps": terms.threshold_bps, "rounds": terms.rounds, "maxLearners": terms.max_learners,
            "enrolWindow": round(terms.enrol_window), "proposeWindow": round(terms.propose_window),
            "voteWindow": round(terms.vote_window), "stake": job.stake,
            "proposerReward": terms.to_units(terms.proposer_reward), "voterReward": terms.to_units(terms.voter_reward),
            "context": job.key,
        }  # fmt: skip
        return self.does("posts", job, self.contract.createExperiment(asked, gas=500_000), carries=model)

    def joins(self, job: Job) -> Call:
        """Take a seat, and put up its stake."""
        return self.does("registers", job, self.contract.join(job.id, gas=220_000))

    def leaves(self, job: Job) -> Call:
        """Give one's seat up, for the stake."""
        return self.does("retracts", job, self.contract.exit(job.id, gas=150_000 + 10_000 * self._crowd(job)))

    def submits(self, job: Job, model: bytes, score: int) -> Call:
        """Propose a model by its CID in one's round.

        Args:
            job: what it is about.
            model: the model's CID.
            score: right answers on one's own vote set.
        """
        call = self.contract.propose(job.id, job.round, model, score, gas=130_000)
        return self.does("submits", job, call, subject=job.round, carries=model)

    def passes(self, job: Job) -> Call:
        """Let one's turn as a proposer go."""
        call = self.contract.passTurn(job.id, job.round, gas=self._ending(job))
        return self.does("cancels", job, call, subject=job.round)

    def judges(self, me: Actor, job: Job, *, approve: bool, score: int) -> Call:
        """Vote on the round's proposal, committed where votes are.

        Args:
            me: the account that acts.
            job: what it is about.
            approve: whether the proposal is better.
            score: right answers on one's own vote set.
        """
        if not self.terms.commit_votes:
            call = self.contract.vote(job.id, job.round, approve, score, gas=150_000)
            return self.does("judges", job, call, subject=job.round, carries=approve)
        vote, salt = ballot(job.round, score, approve=approve), me.salt(*job.round_key)
        committed = commitment(vote, salt, me.address, salted=True)
        call = self.contract.commitVote(job.id, job.round, committed, gas=160_000)
        return self.does("judges", job, call, subject=job.round, carries=committed)

    def reveals(self, me: Actor, job: Job, *, approve: bool, score: int) -> Call:
        """Reveal one's committed vote of the round.

        Args:
            me: the account that acts.
            job: what it is about.
            approve: whether the proposal is better.
            score: right answers on one's own vote set.
        """
        salt = me.salt(*job.round_key)
        call = self.contract.revealVote(job.id, job.round, approve, score, salt, gas=150_000)
        return self.does("reveals", job, call, subject=job.round, carries=(approve, score, salt))

    def skips(self, job: Job, number: int) -> Call:
        """Say that a round's proposer let its time pass.

        Args:
            job: what it is about.
            number: the round's number, from 1.
        """
        return self.does("pokes", job, self.contract.skipProposer(job.id, number, gas=self._ending(job)))

    def tallies(self, job: Job, number: int) -> Call:
        """Have a round's votes counted.

        Args:
            job: what it is about.
            number: the round's number, from 1.
        """
        return self.does("pokes", job, self.contract.tally(job.id, number, gas=self._ending(job)))

    # --- reading ------------------------------------------------------------------------------------------------

    def _crowd(self, job: Job) -> int:
        return len(self.contract.learnersOf(job.id))

    def _ending(self, job: Job) -> int:
        """Gas for the end of a round, which may be that of the experiment."""
        return 250_000 + 110_000 * self._crowd(job)

    def view(self, job: Job, began: Fact) -> Job:
        """Return a job as the round that began has it.

        Args:
            job: what it is about.
            began: the event of the round's beginning.
        """
        return job.at(began.round, self.world.store.get(began.cid) or b"", float(began.due))

    def problem(self, job: Job, me: Actor) -> Problem:
        """Return a learner's shard, of which it trains on most and votes by the rest; a person has one."""
        if job.key not in self.shards:
            people = sorted({one.controller for one in self.world.accounts.values() if "learner" in one.roles}) or [""]
            luck = self.world.luck("shards", job.key)
            parts = self.world.training_cache.task.shards(job.task, len(people), self.terms.alpha, luck)
            self.shards[job.key] = dict(zip(people, parts, strict=True))
        return self.shards[job.key].get(self.world.accounts[me.address].controller, job.task)

    def proposal(self, job: Job, me: Actor, proposed: Fact) -> Subject:
        """Return a proposal, as one of its voters has it.

        Args:
            job: what it is about.
            me: the account that acts.
            proposed: the event of the proposal.
        """
        model, scale = self.world.store.get(proposed.cid), self.problem(job, me).scale
        return Subject(proposed.round, proposed.proposer, model, proposed.score, scale)

    def handed(self, job: Job) -> Sequence[Subject]:
        """Return what was proposed in place of the round's current model, now or before."""
        bases = {fact.round: fact.cid for fact in self._events_of("RoundBegan", job)}
        return [
            Subject(fact.round, fact.proposer, self.world.store.get(fact.cid), fact.score, job.scale)
            for fact in self._events_of("Proposed", job)
            if bases[fact.round] == bases[job.round] != fact.cid
        ]

    def begins(self, fact: Fact) -> tuple[str, bytes, float]:
        """Return what an opening event says."""
        args = fact.args
        return args["context"], args["convener"], float(args["due"])

    def notes(self, fact: Fact, job: Job) -> None:
        """Keep the CID of the latest model."""
        if fact.event == self.opening_event:
            self.models[job.key] = fact.args["initCid"]
        elif fact.event == "GlobalUpdated":
            self.models[job.key] = fact.args["cid"]

    def causes(
        self, call: Call, asset: str, sender: bytes, receiver: bytes, amount: int
    ) -> Iterable[tuple[str, int, str | None]]:
        """Return why tokens moved; a withdrawal is split into what it was credited for."""
        job = call.job.key if call.job is not None else None
        if receiver == self.contract.address_ and call.function in {"createExperiment", "join"}:
            return [("deposit" if call.function == "createExperiment" else "stake", amount, job)]
        if call.function == "withdraw" and sender == self.contract.address_:
            return self.withdrawn(receiver, amount, job)
        return [("unknown", amount, job)]

    def poke(self, job: Job) -> tuple[float, Call] | None:
        """Return what anybody may call next: begin, skip who does not propose, or count the votes."""
        if job.closed is not None:
            return None
        book, crowd = self.contract.experimentOf(job.id), self._crowd(job)
        state, due, born = self.contract.stateOf(job.id), float(book.due), job.born / 10**9
        if state == ENROL:
            call = self.contract.begin(job.id, gas=self._ending(job))
            return born if crowd == self.terms.max_learners else due, self.does("pokes", job, call)
        if state == PROPOSE:
            return due, self.skips(job, book.round)
        expected = book.committed if self.terms.commit_votes else crowd - 1
        if state == VOTE:
            when = born if book.revealed == expected else float(self.contract.dueOf(job.id))
        else:
            when = due + (self.terms.vote_window if book.committed else 0)
        return when, self.tallies(job, book.round)

    def delivered(self, job: Job) -> bytes | None:
        """Return the model that the learners ended with, if it can be had."""
        return self.world.store.get(self.models[job.key]) if job.outcome == OUTCOMES[FINISHED] else None


def ballot(number: int, score: int, *, approve: bool) -> bytes:
    """Return what is committed of a vote: SHA-256 of round, choice and score as the contract packs them.

    Args:
        number: the round's number, from 1.
        score: right answers on one's own vote set.
        approve: whether the proposal is better.
    """
    return hashlib.sha256(b"".join(word.to_bytes(32, "big") for word in (number, approve, score))).digest()
