"""Lilypad: a stranger runs one's job for money, and its result is checked now and then, or by running it several times.

Sources: Lilypad's contracts (v2, with the holes of v0 and v3 that have a name here) for the money, and Bacalhau's
deterministic verifier for redundant execution. A job is a training; its result is the model, its count of instructions
what its provider says that it took.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

from slashpoint.protocols.lilypad.invariants import LilypadInvariants, payload
from slashpoint.protocols.lilypad.terms import ENGINES, VERIFICATIONS
from slashpoint.sim.contract import Artifact
from slashpoint.sim.errors import Misconfigured
from slashpoint.sim.learning import correct
from slashpoint.sim.market import Job, Subject, commitment
from slashpoint.sim.units import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from slashpoint.protocols.lilypad.terms import LilypadTerms
    from slashpoint.sim.contract import Call
    from slashpoint.sim.facts import Fact
    from slashpoint.sim.learning import Problem
    from slashpoint.sim.market import Actor, Work
    from slashpoint.sim.world import World

NONE, OFFERED, MATCHED, AGREED, REVEALING, SUBMITTED, MEDIATION = range(7)
REJECTED = "mediation rejected"
OUTCOMES = dict(
    enumerate(
        ("accepted", "mediation accepted", REJECTED, "verified", "void", "unmatched", "timeout agree",
         "timeout submit", "timeout judge", "timeout mediate"), start=7,
    )
)  # fmt: skip


@dataclass
class Lilypad(LilypadInvariants):
    """Deals about jobs, on MDC."""

    terms: LilypadTerms
    results: dict[str, bytes] = field(default_factory=dict)  # job's key → CID of the result that was paid for

    opening_event: ClassVar[str] = "JobOffered"
    closing_events: ClassVar[tuple[str, ...]] = ("DealClosed",)
    arguments: ClassVar[Mapping[str, str]] = {"deadline": "due"}
    asset: ClassVar[str] = "MDC"
    outcomes: ClassVar[Mapping[int, str]] = OUTCOMES
    duties: ClassVar[Mapping[str, str]] = {
        "enter": "make an offer for a job, or be one of its mediators",
        "work": "run the job",
        "claim": "instructions that it took (count)",
        "judge": "outputs in which a result is as one's own run of the job has them (count)",
        "reveal": "work: publish a result, or reveal a committed one",
        "settle": "accept a result, or have it checked",
    }
    expects: ClassVar[tuple[str, ...]] = ("JobOffered", "ResourceOffered", "DealMatched", "DealAgreed", "DealClosed")

    @classmethod
    def deploy(cls, world: World, terms: LilypadTerms) -> Lilypad:
        """Put token and contract on a world's chain."""
        if terms.tolerance >= (scale := world.training_cache.task.scale):
            raise Misconfigured(
                f"protocol.tolerance={terms.tolerance}: a result has {scale} outputs (task.scale), and any would pass"
            )
        world.notes.extend(f"infeasible: {why}" for why in terms.late(world.chain.period / SECOND))
        token = cls.deploy_coin(world, terms)
        return cls(world, world.deploy(Artifact.ours("Lilypad"), token.address_, terms.rules()), terms)

    # --- verbs --------------------------------------------------------------------------------------------------

    def draft(self, me: Actor, problem: Problem) -> Job:
        """Return a job that is about to be offered.

        Args:
            me: the account that acts.
            problem: what is to be learnt.
        """
        job = super().draft(me, problem)
        job.reward = self.terms.to_units(self.terms.payout)
        job.stake = max(job.reward * self.terms.multiple, self.terms.to_units(self.terms.min_collateral))
        job.exact, job.redone = self.terms.deterministic, True
        return job

    def spec(self, job: Job, inputs: bytes) -> bytes:
        """Return a job's specification, as the content store has it.

        Args:
            job: what it is about.
            inputs: the CID of its inputs.
        """
        terms = self.terms
        said = {
            "engine": terms.engine if job.exact else "docker", "inputs": [inputs.hex()], "outputs": ["model"],
            "job": job.key, "deterministic": job.exact, "timeout": terms.submit_window,
            "instructions": terms.capped(job.scale), "deal": {"concurrency": terms.providers,
            "confidence": terms.confidence, "minBids": terms.min_bids},
        }  # fmt: skip
        return json.dumps(said, sort_keys=True).encode()

    def posts(self, job: Job, spec: bytes, inputs: bytes) -> Call:
        """Offer a job.

        Args:
            job: what it is about.
            spec: the CID of its specification.
            inputs: the CID of its inputs.
        """
        terms, units = self.terms, self.terms.to_units
        engine = terms.engine if job.exact else "docker"
        asked = {
            "verification": VERIFICATIONS.index(terms.verification), "engine": ENGINES.index(engine),
            "specCid": spec, "inputCid": inputs, "instructions": terms.capped(job.scale),
            "concurrency": terms.providers, "confidence": terms.confidence if terms.redundant else 0,
            "minBids": terms.min_bids, "tolerance": terms.tolerance, "commitResults": terms.commit_results,
            "multiple": terms.multiple, "bidWindow": round(terms.bid_window), "agreeWindow": round(terms.agree_window),
            "submitWindow": round(terms.submit_window), "revealWindow": round(terms.reveal_window),
            "judgeWindow": round(terms.judge_window), "mediateWindow": round(terms.mediate_window),
            "maxPrice": self.highest(job), "payment": units(terms.payment),
            "agreeCollateral": units(terms.agree_collateral), "submitCollateral": units(terms.submit_collateral),
            "judgeCollateral": units(terms.judge_collateral), "mediateCollateral": units(terms.mediate_collateral),
            "mediationFee": units(terms.mediation_fee), "solverFee": units(terms.solver_fee), "context": job.key,
        }  # fmt: skip
        return self.does("posts", job, self.contract.offerJob(asked, gas=600_000), carries=spec)

    def bids(self, job: Job, price: int) -> Call:
        """Offer to do a job.

        Args:
            job: what it is about.
            price: of an instruction, smallest units.
        """
        return self.does("registers", job, self.contract.bid(job.id, price, gas=250_000), carries=price)

    def enrols(self, job: Job) -> Call:
        """Be one of those of whom a mediator is drawn."""
        return self.does("registers", job, self.contract.enrol(job.id, gas=250_000))

    def matches(self, job: Job, picks: Sequence[int]) -> Call:
        """Match a job with offers.

        Args:
            job: what it is about.
            picks: indices of the offers that are taken, in rising order.
        """
        gas = 200_000 + 60_000 * len(self.contract.offersOf(job.id)) + 80_000 * len(picks)
        return self.does("pokes", job, self.contract.matchOffers(job.id, picks, gas=gas), carries=tuple(picks))

    def agrees(self, job: Job) -> Call:
        """Agree to a match, and put up what that takes."""
        return self.does("registers", job, self.contract.agree(job.id, gas=220_000 + 60_000 * self._crowd(job)))

    def submits(self, me: Actor, job: Job, work: Work, count: int) -> Call:
        """Hand in a result by its hash, or the commitment to it, with the instructions that it took.

        Args:
            me: the account that acts.
            job: what it is about.
            work: what was made.
            count: of instructions.
        """
        result = work.copied if work.copied is not None else cid(work)
        if self.terms.commits:
            committed = result if work.copied is not None else self.committed(me, job, work, count)
            call = self.contract.commitResult(job.id, committed, gas=250_000)
            return self.does("submits", job, call, subject=me.address, carries=committed)
        outputs = self.outputs_of[job.key, job.round, me.address] = self.outputs(work)
        call = self.contract.submitResult(job.id, result, count, outputs, gas=self._ending(job) + 1_000 * len(outputs))
        return self.does("submits", job, call, subject=me.address, carries=result)

    def reveals(self, me: Actor, job: Job, work: Work, count: int) -> Call:
        """Reveal a committed result.

        Args:
            me: the account that acts.
            job: what it is about.
            work: what was made.
            count: of instructions.
        """
        outputs = self.outputs_of[job.key, job.round, me.address] = self.outputs(work)
        salt = me.salt(*job.round_key)
        gas = 200_000 + 1_000 * len(outputs)
        call = self.contract.revealResult(job.id, cid(work), count, outputs, salt, gas=gas)
        return self.does("reveals", job, call, subject=me.address, carries=(cid(work), count, outputs, salt))

    def accepts(self, job: Job) -> Call:
        """Accept a result, and pay for it."""
        return self.does("settles", job, self.contract.acceptResult(job.id, gas=self._ending(job)))

    def checks(self, job: Job) -> Call:
        """Have a result checked by a mediator."""
        return self.does("disputes", job, self.contract.checkResult(job.id, gas=400_000))

    def judges(self, job: Job, *, accepted: bool) -> Call:
        """Say as its mediator whether a result is right.

        Args:
            job: what it is about.
            accepted: whether it is as one's own run of the job.
        """
        call = self.contract.mediate(job.id, accepted, gas=self._ending(job))
        return self.does("judges", job, call, carries=accepted)

    # --- reading ------------------------------------------------------------------------------------------------

    def _crowd(self, job: Job) -> int:
        return len(self.contract.seatsOf(job.id))

    def _ending(self, job: Job) -> int:
        """Gas for what may be the end of a deal, with votes that are compared."""
        seats, outputs = self._crowd(job), job.scale if self.terms.tolerance else 0
        enrolled = len(self.contract.mediatorsOf(job.id))
        return 300_000 + 60_000 * enrolled + 120_000 * seats + seats * seats * (10_000 + 1_000 * outputs)

    def highest(self, job: Job) -> int:
        """Return the highest price of an instruction, smallest units: the payment covers the job's scale of them."""
        return self.terms.to_units(self.terms.payment) // job.scale

    def asks(self, me: Actor, job: Job) -> int:
        """Return what an honest provider asks for an instruction, smallest units; it differs from job to job.

        Args:
            me: the account that acts.
            job: what it is about.
        """
        luck = self.world.luck("price", me.name, *job.round_key)
        return round(self.highest(job) * (1 - self.terms.spread * luck.random()))

    def instructions(self, job: Job) -> int:
        """Return the instructions that a job takes; a count."""
        return self.terms.instructions(job.scale)

    def inspects(self, job: Job) -> bool:
        """Return whether an honest client has this job checked: it does so with the probability `check`."""
        return bool(self.world.luck("check", *job.round_key).random() < self.terms.check)

    def compares(self, job: Job, subject: Subject, own: bytes) -> int:
        """Return in how many outputs a result is as one's own; not in all, if it should be equal and is not.

        Where counts of instructions are compared, a wrong one makes the result wrong.

        Args:
            job: what it is about.
            subject: the result in question.
            own: the model that one's own run of the job made.
        """
        if subject.model is None or (self.terms.compare_counts and subject.claimed != self.instructions(job)):
            return 0
        if subject.model == own:
            return job.scale
        predict = self.world.training_cache.task.predict
        return min(correct(predict(subject.model, job.task), predict(own, job.task)), job.scale - job.exact)

    def outputs(self, work: Work) -> bytes:
        """Return the quantised outputs of a result, one byte each; nothing where hashes are compared."""
        return (work.predictions or b"") if self.terms.tolerance and self.terms.redundant else b""

    def committed(self, me: Actor, job: Job, work: Work, count: int) -> bytes:
        """Return the commitment to a result.

        Args:
            me: the account that acts.
            job: what it is about.
            work: what was made.
            count: of instructions.
        """
        return commitment(
            payload(cid(work), count, self.outputs(work)), me.salt(*job.round_key), me.address, salted=True
        )

    def view(self, job: Job, fact: Fact) -> Job:
        """Return a job as the present run has it, with the deadline that an event set.

        Args:
            job: what it is about.
            fact: an event with a run and a due time.
        """
        return replace(job, round=fact.run, deadline=float(fact.due))

    def subject(self, job: Job, submitted: Fact) -> Subject:
        """Return a result, as who judges it has it.

        Args:
            job: what it is about.
            submitted: the event of handing it in.
        """
        return Subject(
            submitted.run, submitted.provider, self.world.store.get(submitted.result), submitted.count, job.scale
        )

    def handed(self, job: Job) -> Sequence[Subject]:
        """Return the results that anybody can read already, others' too."""
        return [
            Subject(fact.run, fact.provider, self.world.store.get(fact.result), fact.count, job.scale)
            for event in ("ResultSubmitted", "ResultRevealed")
            for fact in self._events_of(event, job)
            if fact.run == job.round
        ]

    def cheapest(self, job: Job) -> list[int]:
        """Return the indices of the cheapest offers that do a job, in rising order; none where there are too few."""
        offers = [offer.price for offer in self.contract.offersOf(job.id)]
        need = self.contract.dealOf(job.id).concurrency
        if len(offers) < max(need, self.terms.min_bids):
            return []
        return sorted(sorted(range(len(offers)), key=lambda i: (offers[i], i))[:need])

    def begins(self, fact: Fact) -> tuple[str, bytes, float]:
        """Return what an opening event says; a repeated run opens nothing new."""
        return fact.context, fact.client, float(fact.due)

    def notes(self, fact: Fact, job: Job) -> None:
        """Keep the CID of the result that was paid for."""
        if fact.event == "DealClosed":
            self.results[job.key] = fact.result

    def causes(
        self, call: Call, asset: str, sender: bytes, receiver: bytes, amount: int
    ) -> Iterable[tuple[str, int, str | None]]:
        """Return why tokens moved; a withdrawal is split into what it was credited for."""
        job = call.job
        key = job.key if job is not None else None
        if call.function == "withdraw" and sender == self.contract.address_:
            return self.withdrawn(receiver, amount, key)
        if receiver == self.contract.address_ and key is not None:
            self.put_in[key][sender] += amount
            return [("deposit" if job is not None and sender == job.poster else "stake", amount, key)]
        return [("unknown", amount, key)]

    def poke(self, job: Job) -> tuple[float, Call] | None:
        """Return the timeout, the match or the count of results that anybody may call next."""
        if job.closed is not None:
            return None
        deal = self.contract.dealOf(job.id)
        due, gas = float(deal.due), self._ending(job)
        if deal.state == OFFERED:
            picks = self.cheapest(job)
            wait = round(self.terms.agree_window) if picks else 0
            if picks and self.world.chain.time < (due + wait) * SECOND:
                return due + wait / 2, self.matches(job, picks)  # where no solver did
            call = self.contract.expire(job.id, gas=200_000 + 60_000 * (len(self.contract.offersOf(job.id)) + 8))
            return due + wait, self.does("pokes", job, call)
        if deal.state == REVEALING:
            when = job.born / 10**9 if deal.revealed == deal.submitted else due
            return when, self.does("pokes", job, self.contract.tally(job.id, gas=gas + 100_000))
        function = {
            MATCHED: "timeoutAgree", AGREED: "timeoutSubmit", SUBMITTED: "timeoutJudge", MEDIATION: "timeoutMediate",
        }[deal.state]  # fmt: skip
        return due, self.does("pokes", job, self.contract.function_(function)(job.id, gas=gas + 100_000))

    def delivered(self, job: Job) -> bytes | None:
        """Return the result that the client can read, whether or not it paid for it; of several, the one that won.

        None where there is none, and where the mediator rejected it: the client knows that it is wrong.
        """
        handed = [fact.result for fact in self._events_of("ResultSubmitted", job)]
        rejected = any(OUTCOMES.get(fact.state) == REJECTED for fact in self._events_of("DealClosed", job))
        found = handed[-1] if handed else self.results.get(job.key)
        return None if found is None or rejected else self.world.store.get(found)


def cid(work: Work) -> bytes:
    """Return the CID of a result, 32 bytes."""
    return hashlib.sha256(work.model or b"").digest()
