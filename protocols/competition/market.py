"""Competition: a prize for the best model, which lies on chain in bytes; miners measure all of them and are paid, too.

Source: the description of DeML's competition, and its DeML.sol. Where they are silent or disagree: money is MDC and is
withdrawn; accuracy is a count of test items; the best validated test score wins; agreement is the largest share of the
reports on a model within a tolerance, and 51 % is of those who reported; equal scores go to the earlier model; miners
are paid by the report on a model that was validated. Without a validated model everybody has its money back.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from slashpoint.protocols.competition.invariants import CompetitionInvariants, payload
from slashpoint.protocols.competition.terms import BYTE_GAS, CompetitionTerms
from slashpoint.sim.contract import Artifact
from slashpoint.sim.learning import Measured
from slashpoint.sim.market import Job, Subject, commitment
from slashpoint.sim.units import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from slashpoint.sim.contract import Call, Event
    from slashpoint.sim.facts import Fact
    from slashpoint.sim.learning import Problem
    from slashpoint.sim.market import Actor, Work
    from slashpoint.sim.world import World

SETTLED, VOID, WITHHELD, CANCELLED = range(7, 11)  # the contract's final states
OUTCOMES = {SETTLED: "settled", VOID: "void", WITHHELD: "truth withheld", CANCELLED: "cancelled"}


class Deadlines(NamedTuple):
    """When a competition's windows end, Unix seconds."""

    register: float
    compete: float
    open: float
    report: float
    reveal: float


@dataclass
class Competition(CompetitionInvariants):
    """Competitions for models on MDC."""

    terms: CompetitionTerms
    clocks: dict[str, Deadlines] = field(default_factory=dict)  # job's key →

    opening_event: ClassVar[str] = "CompetitionCreated"
    closing_events: ClassVar[tuple[str, ...]] = ("CompetitionClosed",)
    asset: ClassVar[str] = "MDC"
    outcomes: ClassVar[Mapping[int, str]] = OUTCOMES
    duties: ClassVar[Mapping[str, str]] = {
        "enter": "register as a competitor, or serve as a miner",
        "work": "train on the published rows, for the test",
        "claim": "right answers of one's own model on the test (count)",
        "judge": "right answers of a model on the test (count)",
        "reveal": "truth: the test labels; work: the committed model; report: the committed count, or answers",
        "truth": "labels of the test set (bytes)",
    }
    expects: ClassVar[tuple[str, ...]] = (
        "CompetitionCreated", "Registered", "ModelOpened", "Reported", "ModelJudged", "CompetitionClosed"
    )  # fmt: skip

    @classmethod
    def deploy(cls, world: World, terms: CompetitionTerms) -> Competition:
        """Put token and contract on a world's chain."""
        token = cls.deploy_coin(world, terms)
        return cls(world, world.deploy(Artifact.ours("Competition"), token.address_, terms.rules()), terms)

    @property
    def news(self) -> tuple[Event, ...]:
        """Whatever changes what is due."""
        return (
            self.ModelCommitted, self.ModelOpened, self.TruthRevealed, self.Enrolled, self.CommitteesDrawn,
            self.ModelJudged, self.CompetitionClosed,
        )  # fmt: skip

    # --- verbs --------------------------------------------------------------------------------------------------

    def draft(self, me: Actor, problem: Problem) -> Job:
        """Return a competition that is about to be posted.

        Args:
            me: the account that acts.
            problem: what is to be learnt.
        """
        job = super().draft(me, problem)
        job.reward, job.stake = self.terms.to_units(self.terms.prize), self.terms.to_units(self.terms.buy_in)
        return job

    def posts(self, job: Job, train: bytes, test: bytes, labels: bytes, salt: bytes) -> Call:
        """Lock prize and stake; CIDs of the data, and of the test labels, or their commitment.

        Args:
            job: what it is about.
            train: the CID of the training rows.
            test: the CID of the test rows.
            labels: of the test, one byte an item.
            salt: 32 bytes, secret until they are revealed.
        """
        terms, cid = self.terms, hashlib.sha256(labels).digest()
        asked = {
            "trainCid": train, "testCid": test,
            "truth": hashlib.sha256(cid + salt).digest() if terms.commit_truth else cid, "scale": job.scale,
            "byteLimit": terms.byte_limit, "registerWindow": round(terms.register_window),
            "competeWindow": round(terms.compete_window), "openWindow": round(terms.open_window),
            "reportWindow": round(terms.report_window), "revealWindow": round(terms.reveal_window),
            "prize": job.reward, "buyIn": job.stake, "context": job.key,
        }  # fmt: skip
        return self.does("posts", job, self.contract.createCompetition(asked, gas=700_000), carries=train)

    def cancels(self, job: Job) -> Call:
        """Call one's competition off, before anybody registered."""
        return self.does("cancels", job, self.contract.cancelCompetition(job.id, gas=self._ending(job)))

    def registers(self, job: Job) -> Call:
        """Buy in as a competitor."""
        return self.does("registers", job, self.contract.register(job.id, gas=250_000))

    def enrols(self, job: Job) -> Call:
        """Be there, as a miner, to be drawn."""
        return self.does("registers", job, self.contract.enrol(job.id, gas=250_000))

    def draws(self, job: Job) -> Call:
        """Have the committees drawn, as anybody may."""
        return self.does("pokes", job, self.contract.drawCommittees(job.id, gas=120_000))

    def submits(self, me: Actor, job: Job, work: Work, claimed: int = 0, twist: str = "") -> Call:
        """Hand in a model: its commitment, or its bytes with the claim.

        Args:
            me: the account that acts.
            job: what it is about.
            work: what was made.
            claimed: right test answers that are claimed.
            twist: tells several commitments of one account apart.
        """
        if self.terms.commit_models:
            cid = hashlib.sha256(work.model or b"").digest()
            salt = me.salt(job.key, twist)
            committed = work.copied or commitment(cid, salt, me.address, salted=True)
            call = self.contract.commitModel(job.id, committed, gas=250_000)
            return self.does("submits", job, call, carries=committed)
        model = work.copied or self.carried(work.model or b"")
        call = self.contract.submitModel(job.id, model, claimed, gas=400_000 + BYTE_GAS * len(model))
        return self.does("submits", job, call, carries=model)

    def reveals(self, me: Actor, job: Job, index: int, model: bytes, claimed: int, twist: str = "") -> Call:
        """Reveal a committed model, with the claim.

        Args:
            me: the account that acts.
            job: what it is about.
            index: the model's number.
            model: the model's bytes.
            claimed: right test answers that are claimed.
            twist: tells several commitments of one account apart.
        """
        carried, salt = self.carried(model), me.salt(job.key, twist)
        call = self.contract.openModel(job.id, index, carried, claimed, salt, gas=300_000 + BYTE_GAS * len(carried))
        return self.does("reveals", job, call, subject=index, carries=(carried, salt))

    def carried(self, model: bytes) -> bytes:
        """Return what goes on chain of a model: its bytes, or its CID."""
        return model if self.terms.models_on_chain else hashlib.sha256(model).digest()

    def reveals_truth(self, job: Job, labels: bytes, salt: bytes) -> Call:
        """Reveal the test labels that were committed.

        Args:
            job: what it is about.
            labels: one byte an item.
            salt: 32 bytes, secret until they are revealed.
        """
        call = self.contract.revealTruth(job.id, labels, salt, gas=120_000 + 80 * len(labels))
        return self.does("reveals_truth", job, call, carries=labels)

    def judges(self, me: Actor, job: Job, model: int, correct: int) -> Call:
        """Report on a model, committed where reports are.

        Args:
            me: the account that acts.
            job: what it is about.
            model: the model's number.
            correct: right test answers, a count.
        """
        gas = 300_000 + (5_000 + 500 * self.terms.max_reports if self.terms.committee else 0)
        if not self.terms.commit_reports:
            call = self.contract.report(job.id, model, correct, gas=gas)
            return self.does("judges", job, call, subject=model, carries=correct)
        said = payload(model, self.shown(job, correct) if self.terms.proof_of_evaluation else correct)
        committed = commitment(said, me.salt(job.key, "report", model), me.address, salted=True)
        call = self.contract.commitReport(job.id, model, committed, gas=gas)
        return self.does("judges", job, call, subject=model, carries=committed)

    def reveals_report(self, me: Actor, job: Job, model: int, correct: int, labels: bytes | None = None) -> Call:
        """Reveal one's committed report; of answers, with the labels: the true ones, unless others are given.

        Args:
            me: the account that acts.
            job: what it is about.
            model: the model's number.
            correct: right test answers, a count.
            labels: one byte an item.
        """
        salt = me.salt(job.key, "report", model)
        if not self.terms.proof_of_evaluation:
            call = self.contract.revealReport(job.id, model, correct, salt, gas=120_000)
            return self.does("reveals", job, call, subject=model, carries=(correct, salt))
        answers, labels = self.shown(job, correct), labels or self.truths[job.key]
        gas = 150_000 + 600 * len(answers)
        call = self.contract.revealAnswers(job.id, model, answers, labels, salt, gas=gas)
        return self.does("reveals", job, call, subject=model, carries=(answers, salt))

    def shown(self, job: Job, correct: int) -> bytes:
        """Return the answers behind a count; who did not measure makes them up: the first so many are right.

        Args:
            job: what it is about.
            correct: right test answers, a count.
        """
        if isinstance(correct, Measured):
            return correct.answers
        labels = self.truths[job.key]
        return labels[:correct] + bytes(label ^ 1 for label in labels[correct:])

    def settles(self, job: Job) -> Call:
        """Have everybody paid by the final ranking."""
        return self.does("pokes", job, self.contract.settle(job.id, gas=self._ending(job)))

    def judges_next(self, job: Job) -> Call:
        """Have the reports on the next model counted."""
        at = self.contract.competitionOf(job.id).judged
        gas = 250_000 + 130_000 * (len(self.contract.reportsOn(job.id, at)) + self.terms.committee)
        return self.does("pokes", job, self.contract.judgeNext(job.id, gas=gas), subject=at)

    # --- reading ------------------------------------------------------------------------------------------------

    def _ending(self, job: Job) -> int:
        people = len(self._events_of("Registered", job)) + 2 * len(self._events_of("Enrolled", job))
        people += len({fact.miner for fact in self._events_of("Reported", job)})
        return 250_000 + 60_000 * people + 40_000 * len(self._events_of("ModelOpened", job))

    def clock(self, job: Job) -> Deadlines:
        """Return when the windows of a competition end."""
        return self.clocks[job.key]

    def answers(self, job: Job, me: Actor) -> bytes | None:
        """Return the test labels, as far as they are public."""
        return self.truths.get(job.key)

    def subject(self, job: Job, opened: Fact) -> Subject:
        """Return a model that lies open.

        Args:
            job: what it is about.
            opened: the event of its reveal.
        """
        model = self.bytes_of(job, opened)
        return Subject(opened.model, opened.owner, model, opened.claimed, job.scale)

    def bytes_of(self, job: Job, opened: Fact) -> bytes | None:
        """Return a model by its opening; None where nobody keeps it, or it is larger than it may be.

        Args:
            job: what it is about.
            opened: the event of its reveal.
        """
        if self.terms.models_on_chain:
            return bytes(self.contract.bytesOf(job.id, opened.model))
        model = self.world.store.get(opened.hash)
        return None if model is None or len(model) > self.terms.byte_limit else model

    def handed(self, job: Job) -> Sequence[Subject]:
        """Return the models that lie open."""
        return [self.subject(job, fact) for fact in self._events_of("ModelOpened", job)]

    def leaderboard(self, job: Job) -> list[tuple[int, bytes, int]]:
        """Return the validated models, best first: (score, owner, number); of equals the earlier one."""
        owners = {fact.model: fact.owner for fact in self._events_of("ModelOpened", job)}
        valid = [fact for fact in self._events_of("ModelJudged", job) if fact.valid]
        return sorted(
            ((fact.score, owners[fact.model], fact.model) for fact in valid), key=lambda row: (-row[0], row[2])
        )

    def history(self, job: Job, who: bytes) -> list[tuple[int, int, int | None]]:
        """Somebody's submissions in their order: (number, claimed, score); the score is None unless validated.

        Args:
            job: what it is about.
            who: an address.
        """
        scores = {number: score for score, _, number in self.leaderboard(job)}
        mine = [fact for fact in self._events_of("ModelOpened", job) if fact.owner == who]
        return [(fact.model, fact.claimed, scores.get(fact.model)) for fact in mine]

    def begins(self, fact: Fact) -> tuple[str, bytes, float]:
        """Return what an opening event says."""
        args = fact.args
        return args["terms"].context, args["host"], float(args["competeEnd"])

    def notes(self, fact: Fact, job: Job) -> None:
        """Keep when windows end, and the labels once they are public."""
        args = fact.args
        if fact.event == self.opening_event:
            self.clocks[job.key] = Deadlines(*(float(args[f"{window}End"]) for window in Deadlines._fields))
            labels = None if self.terms.commit_truth else self.world.store.get(args["terms"].truth)
            if labels is not None:
                self.truths[job.key] = labels
        elif fact.event == "TruthRevealed":
            self.truths[job.key] = args["labels"]

    def causes(
        self, call: Call, asset: str, sender: bytes, receiver: bytes, amount: int
    ) -> Iterable[tuple[str, int, str | None]]:
        """Return why tokens moved; a withdrawal is split into what it was credited for."""
        job = call.job.key if call.job is not None else None
        if receiver == self.contract.address_ and call.function == "createCompetition":
            stake = min(amount, self.terms.to_units(self.terms.host_stake))
            return [("deposit", amount - stake, job)] + ([("stake", stake, job)] if stake else [])
        if receiver == self.contract.address_ and call.function in {"register", "enrol", "report", "commitReport"}:
            return [("stake", amount, job)]
        if call.function == "withdraw" and sender == self.contract.address_:
            return self.withdrawn(receiver, amount, job)
        return [("unknown", amount, job)]

    def poke(self, job: Job) -> tuple[float, Call] | None:
        """Return what anybody may call next: draw committees, count the reports on a model, or pay out."""
        if job.closed is not None:
            return None
        clock = self.clock(job)
        if not self._events_of("ModelOpened", job) or job.key not in self.truths:
            return clock.open, self.settles(job)
        drawn = not self._events_of("Enrolled", job) or self._events_of("CommitteesDrawn", job)
        if not drawn and self.world.chain.time < clock.report * SECOND:
            return clock.open, self.draws(job)
        models = len(self._events_of("ModelCommitted" if self.terms.commit_models else "ModelOpened", job))
        left = self.contract.competitionOf(job.id).judged < models
        return clock.reveal, self.judges_next(job) if left else self.settles(job)

    def delivered(self, job: Job) -> bytes | None:
        """Return the model that won."""
        best = self.leaderboard(job)[:1] if job.outcome == OUTCOMES[SETTLED] else []
        opened = {fact.model: fact for fact in self._events_of("ModelOpened", job)}
        return self.bytes_of(job, opened[best[0][2]]) if best else None
