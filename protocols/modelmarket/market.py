"""ModelMarket: a request for a model, answered by committed predictions, judged by committed labels.

Source: the ModelMarket dApp (its README, `MLModelMarketplace.sol`, `ModelCoin.sol`). A requester locks a reward and
commits to a test set's labels; trainers commit to models and predictions behind a stake; the labels are revealed;
trainers claim their counts; the best claim must reveal what it committed to.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from slashpoint.protocols.modelmarket.invariants import ModelMarketInvariants
from slashpoint.protocols.modelmarket.terms import BEACON, ModelMarketTerms
from slashpoint.sim.contract import Artifact
from slashpoint.sim.ledger.money import Edge
from slashpoint.sim.market import Job, commitment

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from slashpoint.sim.contract import Call, Event
    from slashpoint.sim.facts import Fact
    from slashpoint.sim.learning import Problem
    from slashpoint.sim.market import Actor, Work
    from slashpoint.sim.world import World

OPEN, AWAIT_TRUTH, GROUNDED, CANDIDATE, SUCCESS, REFUNDED, CANCELLED, PUNISHED = range(1, 9)
OUTCOMES = {SUCCESS: "success", REFUNDED: "refunded", CANCELLED: "cancelled", PUNISHED: "requester punished"}
DEAD = bytes(18) + b"\xde\xad"  # where the contract burns


@dataclass
class ModelMarket(ModelMarketInvariants):
    """The request market on MDC."""

    terms: ModelMarketTerms
    accepted: dict[str, bytes] = field(default_factory=dict)  # job's key → CID of the model that won

    opening_event: ClassVar[str] = "RequestCreated"
    closing_events: ClassVar[tuple[str, ...]] = ("RequestClosed",)
    asset: ClassVar[str] = "MDC"
    outcomes: ClassVar[Mapping[int, str]] = OUTCOMES
    duties: ClassVar[Mapping[str, str]] = {
        "enter": "take part in a request",
        "work": "train, and predict the test set's labels",
        "claim": "correct predictions (count)",
        "reveal": "truth: labels; work: predictions and model",
        "truth": "labels of the test set (bytes)",
    }

    expects: ClassVar[tuple[str, ...]] = (
        "RequestCreated", "ModelSubmitted", "TruthUploaded", "AccuracyClaimed", "CandidatePicked", "ModelAccepted",
    )  # fmt: skip

    @classmethod
    def deploy(cls, world: World, terms: ModelMarketTerms) -> ModelMarket:
        """Put token and market on a world's chain."""
        token = cls.deploy_coin(world, terms, airdrop=terms.airdrop)
        contract = world.deploy(Artifact.ours("ModelMarket"), token.address_, terms.rules())
        world.names[DEAD] = Edge.BURNT.value
        return cls(world, contract, terms)

    @property
    def news(self) -> tuple[Event, ...]:
        """Whatever changes a request's state."""
        return self.TruthUploaded, self.AccuracyClaimed, self.CandidatePicked, self.RequestClosed

    # --- verbs --------------------------------------------------------------------------------------------------

    def draft(self, me: Actor, problem: Problem, train: bytes = b"", test: bytes = b"") -> Job:
        """Return a job that is about to be posted; `train` and `test` are the CIDs of its data.

        Where a block is to draw the test items, they are both of all rows, and all rows' labels are to be committed.

        Args:
            me: the account that acts.
            problem: what is to be learnt.
            train: the CID of the training rows.
            test: the CID of the test rows.
        """
        job = super().draft(me, problem)
        job.reward, job.stake = self.terms.to_units(self.terms.reward), self.terms.to_units(self.terms.stake)
        job.unit = "correct"
        if self.terms.split == BEACON:
            job.rows = len(self.world.training_cache.task.pool(problem))
        job.id = (train, test)
        return job

    def posts(self, job: Job, labels: bytes, salt: bytes) -> Call:
        """Lock the reward, and the commitment of the labels.

        Args:
            job: what it is about.
            labels: one byte an item.
            salt: 32 bytes, secret until they are revealed.
        """
        train, test = job.id
        payload = hashlib.sha256(labels).digest()
        terms = {
            "reward": job.reward, "stake": job.stake, "submissionWindow": round(self.terms.submission_window),
            "size": job.scale, "rows": job.rows, "trainCid": train, "testCid": test,
            "truthSeal": hashlib.sha256(payload + salt if self.terms.salted else payload).digest(), "context": job.key,
        }  # fmt: skip
        return self.does("posts", job, self.contract.createRequest(terms, gas=420_000))

    def draws(self, job: Job) -> Call:
        """Let the block that this is in say which rows are the test set."""
        return self.does("pokes", job, self.contract.drawSplit(job.id, gas=80_000))

    def publishes(self, job: Job, train: bytes, labels: bytes) -> Call:
        """Say where the training rows are (a CID), and commit to their labels: those of all rows, as they are there.

        Args:
            job: what it is about.
            train: the CID of the training rows.
            labels: one byte an item.
        """
        call = self.contract.publishTraining(job.id, train, self.rest(job, labels), gas=80_000)
        return self.does("registers", job, call)

    def cancels(self, job: Job) -> Call:
        """Give one's request up before its truth is out."""
        return self.does("cancels", job, self.contract.cancelRequest(job.id, gas=150_000 + 60_000 * self._crowd(job)))

    def submits(self, me: Actor, job: Job, work: Work) -> Call:
        """Commit to a model and its predictions, and put up the stake; or hand in what another committed to.

        Args:
            me: the account that acts.
            job: what it is about.
            work: what was made.
        """
        if work.copied is not None:
            model, predictions = work.copied
        else:
            salt, salted = me.salt(job.key), self.terms.salted
            model = commitment(hashlib.sha256(work.model or b"").digest(), salt, me.address, salted=salted)
            predictions = commitment(hashlib.sha256(work.predictions or b"").digest(), salt, me.address, salted=salted)
        call = self.contract.submitModel(job.id, model, predictions, gas=280_000)
        return self.does("submits", job, call, carries=(model, predictions))

    def retracts(self, job: Job) -> Call:
        """Take one's submission back before the deadline."""
        return self.does("retracts", job, self.contract.cancelSubmission(job.id, gas=200_000))

    def reveals_truth(self, job: Job, labels: bytes, salt: bytes) -> Call:
        """Reveal the labels that were committed.

        Args:
            job: what it is about.
            labels: one byte an item.
            salt: 32 bytes, secret until they are revealed.
        """
        call = self.contract.uploadTruth(job.id, labels, salt, gas=160_000 + 1_700 * job.scale + 80 * job.rows)
        return self.does("reveals_truth", job, call, carries=labels)

    def claims(self, job: Job, count: int) -> Call:
        """Report how many predictions are right.

        Args:
            job: what it is about.
            count: right predictions.
        """
        return self.does("claims", job, self.contract.claimAccuracy(job.id, count, gas=80_000), carries=count)

    def reveals(self, me: Actor, job: Job, work: Work) -> Call:
        """Reveal one's model and predictions as the candidate.

        Args:
            me: the account that acts.
            job: what it is about.
            work: what was made.
        """
        predictions, cid = work.predictions or b"", hashlib.sha256(work.model or b"").digest()
        gas = 260_000 + 700 * len(predictions) + 70_000 * self._crowd(job)
        salt = me.salt(job.key)
        call = self.contract.openModel(job.id, predictions, cid, salt, gas=gas)
        return self.does("reveals", job, call, carries=(predictions, cid, salt))

    def times_out(self, job: Job) -> Call:
        """Say that whoever is to act next did not."""
        call = self.contract.enforceTimeout(job.id, gas=200_000 + 90_000 * self._crowd(job))
        return self.does("pokes", job, call)

    # --- reading ------------------------------------------------------------------------------------------------

    def _crowd(self, job: Job) -> int:
        return int(self.contract.status(job.id).submissions)

    def unsalted_commitment(self, job: Job) -> bytes | None:
        """Return the commitment of the test set's labels, unless it is salted or of all rows."""
        return None if self.terms.salted or job.rows else bytes(self.contract.requestOf(job.id).truthSeal)

    def truth(self, job: Job) -> bytes:
        """Return the labels that the requester opened."""
        return bytes(self.contract.truthOf(job.id))

    def begins(self, fact: Fact) -> tuple[str, bytes, float]:
        """Return what an opening event says."""
        args = fact.args
        return args["context"], args["requester"], float(args["deadline"])

    def notes(self, fact: Fact, job: Job) -> None:
        """Keep which rows were drawn, and the model that was accepted."""
        if fact.event == "SplitDrawn":
            job.drawn = tuple(self.contract.testRowsOf(job.id))
            job.task = self.world.training_cache.task.resplit(job.task, job.drawn)
        elif fact.event == "ModelAccepted":
            self.accepted[job.key] = fact.args["modelCid"]

    def causes(
        self, call: Call, asset: str, sender: bytes, receiver: bytes, amount: int
    ) -> Iterable[tuple[str, int, str | None]]:
        """Return why tokens moved; a withdrawal is split into what it was credited for."""
        job = call.job.key if call.job is not None else None
        if call.function == "createRequest" and receiver == self.contract.address_:
            stake = min(amount, self.terms.to_units(self.terms.requester_stake))
            return [("deposit", amount - stake, job)] + ([("stake", stake, job)] if stake else [])
        if call.function == "submitModel" and receiver == self.contract.address_:
            return [("stake", amount, job)]
        if call.function == "claimAirdrop":
            return [("airdrop", amount, None)]
        if call.function == "withdraw" and sender == self.contract.address_:
            return self.withdrawn(receiver, amount, job)
        if sender == self.contract.address_:
            return [("burn", amount, job)]
        return [("unknown", amount, job)]

    def poke(self, job: Job) -> tuple[float, Call] | None:
        """Return what anybody may call next: a pick, or a timeout."""
        state, due, submissions, _ = self.contract.status(job.id)
        if state > CANDIDATE:
            return None
        if state == GROUNDED:
            reported = len(self.world.facts.of(self.AccuracyClaimed, job.key))
            gas = 200_000 + 90_000 * submissions  # nobody good enough: it refunds and closes
            when = job.born / 10**9 if reported >= submissions else float(due)
            return when, self.does("pokes", job, self.contract.pickCandidate(job.id, gas=gas))
        if state == OPEN and job.undrawn:
            return job.born / 10**9, self.draws(job)
        late = float(due) if state == CANDIDATE or not submissions else job.deadline + self.terms.response_window
        return late, self.times_out(job)

    def delivered(self, job: Job) -> bytes | None:
        """Return the model that won, if its CID was published and is kept."""
        cid = self.accepted.get(job.key)
        return None if cid is None else self.world.store.get(cid)
