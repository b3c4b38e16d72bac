"""Forest: everybody's records make one communal model, which answers for a fee.

Source: the proposal of a pallet for machine learning (w3f Open Grants 399), with its reviewers' doubts. People hand in
records in a fixed format for a fee; the dataset and a block's randomness say what the forest is, so that any worker
grows the same bytes; users ask it, and pay. What the proposal leaves open is a parameter each.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, cast

import numpy as np

from slashpoint.protocols.forest import trees
from slashpoint.protocols.forest.books import Book, follow
from slashpoint.protocols.forest.invariants import ForestInvariants
from slashpoint.protocols.forest.reports import Report, measured
from slashpoint.protocols.forest.secrets import KeyRing, crypted
from slashpoint.protocols.forest.terms import CID, LOO, ON_CHAIN
from slashpoint.sim.contract import Artifact
from slashpoint.sim.learning import Problem, forests
from slashpoint.sim.market import Job, commitment
from slashpoint.sim.units import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

    from slashpoint.protocols.forest.terms import ForestTerms
    from slashpoint.sim.contract import Call, Contract, Event
    from slashpoint.sim.facts import Fact
    from slashpoint.sim.learning.diabetes import Diabetes
    from slashpoint.sim.market import Actor, Subject, Work
    from slashpoint.sim.world import World

    Rows = npt.NDArray[np.int32]  # whole numbers, shape (rows, features)

COLLECT, TRAIN, REVEAL, SERVE, CLOSED = range(1, 6)
RECORDS = 1  # the scope of a grant that lets read records
PAID_IN = {"submitData": "fee", "submitDataCid": "fee", "requestPrediction": "fee", "makePrediction": "fee"}
PAID_IN |= {"createModel": "deposit", "enlist": "stake", "challenge": "stake"}


@dataclass
class CommunalForest(ForestInvariants):
    """Communal models, on MDC."""

    terms: ForestTerms
    rights: Contract | None = None  # whom owners let read
    books: dict[int, Book] = field(default_factory=dict)  # by model
    ring: KeyRing = field(default_factory=KeyRing)
    shards: dict[str, dict[tuple[str, int], Problem]] = field(default_factory=dict)  # by job's key, person and epoch
    trainings: dict[tuple[int, int], Job] = field(default_factory=dict)  # by model and epoch: the job as it is trained
    datasets: dict[tuple[int, int], list[int]] = field(default_factory=dict)  # the packets that it is trained on

    opening_event: ClassVar[str] = "ModelCreated"
    closing_events: ClassVar[tuple[str, ...]] = ("ModelClosed",)
    asset: ClassVar[str] = "MDC"
    duties: ClassVar[dict[str, str]] = {
        "enter": "take part in a model",
        "work": "contributor: records of one's own; worker: the forest of the epoch",
        "judge": "worth of a packet of records to the model (500 is none, of 1000)",
        "reveal": "report: a committed report on the epoch's model",
        "claim": "the model's answer to a request (label, in ten-thousandths)",
        "settle": "accept an answer, or dispute it",
    }
    expects: ClassVar[tuple[str, ...]] = (
        "ModelCreated", "Enlisted", "DataSubmitted", "TrainingDue", "Reported", "DataIncluded", "ModelRetrained",
        "PredictionReady", "ModelClosed",
    )  # fmt: skip

    @classmethod
    def deploy(cls, world: World, terms: ForestTerms) -> CommunalForest:
        """Put token and contracts on a world's chain.

        Raises:
            ValueError: the world's task has no records, or what it learns cannot be put on chain.
        """
        task = world.training_cache.task
        if task.format is None:
            raise ValueError(f"task={task.name} has no records to hand over: choose task=diabetes")
        if not 0 < terms.holdout < (rows := len(cast("Diabetes", task).table[0]) - task.scale):
            raise ValueError(f"protocol.holdout={terms.holdout}: leaves nothing to train on of {rows} records")
        if terms.place == ON_CHAIN and task.kind != "forest":
            raise ValueError(f"protocol.place=onchain: the contract walks trees, and task.model={task.kind} has none")
        late = terms.late(world.chain.period / SECOND, task.seconds)
        world.notes.extend(f"infeasible: {why}" for why in late)
        token = cls.deploy_coin(world, terms)
        rights = world.deploy(Artifact.ours("ReadingRights"))
        contract = world.deploy(Artifact.ours("Forest"), token.address_, terms.rules(task.format.size))
        return cls(world, contract, terms, rights=rights)

    @property
    def news(self) -> tuple[Event, ...]:
        """Whatever changes what is due."""
        return (
            self.ReportCommitted, self.AllCommitted, self.Reported, self.Serving, self.EpochBegan, self.Answered,
            self.PredictionRequested, self.PredictionReady, self.Challenged, self.PredictionSettled, self.ModelClosed,
            self.TrainingDue,
        )  # fmt: skip

    # --- verbs --------------------------------------------------------------------------------------------------

    def draft(self, me: Actor, problem: Problem) -> Job:
        """Return a model that is about to be posted.

        Args:
            me: the account that acts.
            problem: what is to be learnt.
        """
        job = super().draft(me, problem)
        job.reward, job.stake = self.terms.price, self.terms.to_units(self.terms.bond)
        return job

    def posts(self, job: Job) -> Call:
        """Lock the rewards of all epochs, and say which algorithm is in force and which others may be."""
        gas = 450_000 + 30_000 * len(self.algorithms)
        call = self.contract.createModel(self.terms.offer(), [*self.algorithms], job.key, gas=gas)
        return self.does("posts", job, call)

    def enlists(self, job: Job) -> Call:
        """Offer one's work, and put up the bond."""
        return self.does("registers", job, self.contract.enlist(job.id, gas=220_000))

    def submits(self, me: Actor, job: Job, work: Work) -> Call:
        """Hand records in: in the transaction, or by their CID; or what another hands in, by copying its call.

        Args:
            me: the account that acts.
            job: what it is about.
            work: what was made: its model is packed records.
        """
        rows = work.model or b""
        count = len(rows) // self._size
        if self.terms.storage != CID:
            rows = work.copied or rows
            gas = 400_000 + 800 * len(rows) + 6_000 * self._packets(job)
            call = self.contract.submitData(job.id, rows, len(rows) // self._size, gas=gas)
            return self.does("submits", job, call, carries=rows)
        cid = work.copied or self.hides(me, rows, "packet", *job.round_key)
        tag = hashlib.sha256(me.salt("tag") + me.address).digest()
        call = self.contract.submitDataCid(job.id, cid, count, tag, gas=400_000 + 6_000 * self._packets(job))
        return self.does("submits", job, call, carries=cid)

    def forgets(self, job: Job, packet: int) -> Call:
        """Have a packet of one's own forgotten; its key is destroyed and its file let go.

        Args:
            job: what it is about.
            packet: its number.
        """
        return self.does("retracts", job, self.contract.forget(job.id, packet, gas=120_000), subject=packet)

    def commits(self, me: Actor, job: Job, report: Report) -> Call:
        """Commit to a report on the round's model.

        Args:
            me: the account that acts.
            job: as the round has it.
            report: what is committed to.
        """
        committed = commitment(report.digest, me.salt("report", *job.round_key), me.address, salted=True)
        call = self.contract.commitReport(job.id, job.round, committed, gas=130_000)
        return self.does("judges", job, call, subject=job.round, carries=committed)

    def reveals(self, me: Actor, job: Job, report: Report) -> Call:
        """Reveal what one committed to.

        Args:
            me: the account that acts.
            job: as the round has it.
            report: what was committed to.
        """
        salt = me.salt("report", *job.round_key)
        self.opened.setdefault((job.id, job.round, me.address), []).append((report, salt))
        gas = 330_000 + 1_500 * len(report.marks)
        call = self.contract.revealReport(job.id, job.round, report.words, salt, gas=gas)
        return self.does("reveals", job, call, subject=job.round, carries=report.cid)

    def publishes(self, job: Job, report: Report) -> Call:
        """Report in the open, where reports are not committed.

        Args:
            job: as the round has it.
            report: what one says.
        """
        gas = 400_000 + 35_000 * len(report.marks) + 80_000 * len(self.books[job.id].crew)
        call = self.contract.publishModel(job.id, job.round, report.words, gas=gas)
        return self.does("judges", job, call, subject=job.round, carries=report.cid)

    def uploads(self, job: Job, pieces: Sequence[bytes], place: int) -> Call:
        """Upload one of a forest's chunks.

        Args:
            job: what it is about.
            pieces: all chunks.
            place: which one.
        """
        proof = trees.merkle(pieces).proof(place)
        call = self.contract.uploadTrees(job.id, pieces[place], proof, gas=250_000 + 260 * len(pieces[place]))
        return self.does("registers", job, call, subject=place)

    def asks(self, me: Actor, job: Job, features: Sequence[int]) -> Call:
        """Ask the model, and pay for the answer.

        Args:
            me: the account that acts.
            job: what it is about.
            features: whole numbers, in the units of the records.
        """
        if self.terms.place == ON_CHAIN:
            gas = 400_000 + self.books[job.id].nodes_gas
            call = self.contract.makePrediction(job.id, [*features], gas=min(gas, 16_000_000))
            return self.does("posts", job, call, carries=tuple(features))
        cid = self.hides(me, packed(features), "question", job.key, *features)
        return self.does("posts", job, self.contract.requestPrediction(job.id, cid, gas=220_000), carries=cid)

    def fulfils(self, job: Job, request: int, value: int) -> Call:
        """Answer a request.

        Args:
            job: what it is about.
            request: its number.
            value: the label, in units of the records.
        """
        gas = 300_000 + 60_000 * len(self.books[job.id].crew)
        value = max(-(2**31), min(2**31 - 1, value))
        return self.does("claims", job, self.contract.fulfill(request, value, gas=gas), subject=request, carries=value)

    def challenges(self, job: Job, request: int) -> Call:
        """Doubt an answer to one's own request.

        Args:
            job: what it is about.
            request: its number.
        """
        return self.does("disputes", job, self.contract.challenge(request, gas=150_000), subject=request)

    def settles(self, job: Job, request: int) -> Call:
        """End a request whose time is over.

        Args:
            job: what it is about.
            request: its number.
        """
        gas = 250_000 + 90_000 * len(self.books[job.id].crew)
        return self.does("pokes", job, self.contract.settle(request, gas=gas), subject=request)

    def proposes(self, job: Job, name: str) -> Call:
        """Propose another algorithm by its name; or put it in force, where anybody may at once."""
        call = self.contract.proposeAlgorithm(job.id, algorithm(name), gas=120_000)
        return self.does("registers", job, call, subject=name)

    def votes(self, job: Job, name: str) -> Call:
        """Vote for a proposed algorithm by its name."""
        return self.does("judges", job, self.contract.voteAlgorithm(job.id, algorithm(name), gas=120_000), subject=name)

    def activates(self, job: Job, name: str) -> Call:
        """Put an algorithm in force that has the votes and the time, by its name."""
        call = self.contract.activateAlgorithm(job.id, algorithm(name), gas=120_000)
        return self.does("pokes", job, call, subject=name)

    def advances(self, job: Job) -> Call:
        """Let a model go on."""
        gas = 500_000 + 60_000 * self._packets(job) + 120_000 * len(self.books[job.id].crew)
        return self.does("pokes", job, self.contract.advance(job.id, gas=gas))

    # --- what is off the chain ----------------------------------------------------------------------------------

    @property
    def task(self) -> Diabetes:
        """The world's task, which has records: `deploy` refuses others."""
        return cast("Diabetes", self.world.training_cache.task)

    @cached_property
    def algorithms(self) -> dict[bytes, str]:
        """What workers know how to train, by CID, the task's own first: a contract that answers walks trees alone."""
        others = () if self.terms.place == ON_CHAIN else self.terms.allowed
        return {algorithm(name): name for name in (self.task.kind, *others)}

    @property
    def _size(self) -> int:
        return self.task.format.size

    def _packets(self, job: Job) -> int:
        return len(self.books[job.id].packets) if job.id in self.books else 0

    def hides(self, me: Actor, content: bytes, *purpose: object) -> bytes:
        """Put content into the content store, as ciphertext where it is to be; return its CID.

        Args:
            me: whose it is.
            content: any bytes.
            purpose: what it is for, which its key follows from.
        """
        if not self.terms.encrypted:
            return self.world.store.put(content, me.name)
        key = me.salt("key", *purpose)
        cid = self.world.store.put(crypted(content, key), me.name)
        self.ring.adds(cid, me.address, key)
        return cid

    def reads(self, cid: bytes, who: bytes, job: Job | None = None) -> bytes | None:
        """Return what somebody can read of a content; None where it is gone, or ciphertext without a key.

        Args:
            cid: the content's.
            who: the address of the reader.
            job: whose workers have the keys.
        """
        found = self.world.store.get(cid)
        if found is None or not self.terms.encrypted:
            return found
        owner, key = self.ring.keys.get(cid, (b"", None))
        trusted = job is not None and who in self.books[job.id].crew
        if key is None or not (trusted or self.may_read(owner, who)):
            return None
        return crypted(found, key)

    def reporters(self, job: Job, epoch: int, cid: bytes) -> list[bytes]:
        """Return the workers who reported a model, in that order.

        Args:
            job: what it is about.
            epoch: its number.
            cid: the model's.
        """
        reports = self._events_of("Reported", job)
        return [fact.worker for fact in reports if (fact.epoch, fact.cid) == (epoch, cid)]

    def may_read(self, owner: bytes, who: bytes, scope: int = RECORDS) -> bool:
        """Return whether an owner's grant lets somebody read, as of the latest block.

        Args:
            owner: an address.
            who: the address of the reader.
            scope: what is to be read.
        """
        assert self.rights is not None
        return bool(self.rights.mayRead(owner, who, scope))

    # --- reading ------------------------------------------------------------------------------------------------

    def collecting(self, job: Job, epoch: int, due: float) -> Job:
        """Return a job as an epoch has it in which records are collected.

        Args:
            job: what it is about.
            epoch: its number, from 0.
            due: Unix seconds.
        """
        return replace(job, round=epoch, base=None, deadline=due)

    def training(self, job: Job, due: Fact) -> Job:
        """Return a job as a training has it: the standing records and the block's randomness, exact work.

        Args:
            job: what it is about.
            due: the event that says so.
        """
        book = self.books[job.id]
        rows = self.rows(job, book.standing) if book.swapped is None else self.world.store.get(book.swapped) or b""
        kind = self.algorithms.get(due.algorithm, self.task.kind)
        task = pooled(job.task, due.dataset, due.seed, rows, "" if kind == self.task.kind else kind)
        return replace(job, round=due.epoch, base=None, deadline=float(due.due), exact=True, task=task)

    def sifted(self, job: Job, marks: bytes) -> Job:
        """Return a training without the packets that some marks reject.

        Args:
            job: as the training has it.
            marks: one byte a packet of its dataset; 0 rejects it.
        """
        book, packets = self.books[job.id], self.datasets[job.id, job.round]
        passed = [number for number, mark in zip(packets, marks) if mark]
        if book.swapped is not None or len(passed) == len(packets):
            return job
        rows = self.rows(job, passed)
        return replace(job, task=pooled(job.task, book.dataset, job.task.seed, rows, job.task.algorithm))

    def rows(self, job: Job, packets: Iterable[int]) -> bytes:
        """Return the packed records of some packets, as the workers have them.

        Args:
            job: what it is about.
            packets: their numbers.
        """
        return b"".join(self.packet(job, packet) for packet in packets)

    def packet(self, job: Job, number: int) -> bytes:
        """Return the whole records of a packet, as the workers have them; nothing where it is not available.

        Args:
            job: what it is about.
            number: the packet's.
        """
        book = self.books[job.id]
        if self.terms.storage != CID:
            found = bytes(self.contract.rowsOf(job.id, number))
        else:
            found = self.reads(book.packets[number].leaf, next(iter(book.crew), b""), job) or b""
        return found[: len(found) // self._size * self._size]

    def problem(self, job: Job, me: Actor) -> Problem:
        """Return a worker's problem, which is everybody's, or a contributor's own records of the epoch."""
        if job.exact:
            return job.task
        if job.key not in self.shards:
            people = sorted({one.controller for one in self.world.accounts.values() if "contributor" in one.roles})
            parts = [(who, epoch) for epoch in range(self.terms.epochs) for who in people]
            luck = self.world.luck("shards", job.key)
            rest = replace(job.task, train=job.task.train[self.terms.holdout :])
            found = self.task.shards(rest, len(parts), self.terms.alpha, luck)
            self.shards[job.key] = {
                part: replace(shard, train=shard.train[: self.terms.packet], product="records")
                for part, shard in zip(parts, found, strict=True)
            }
        mine = self.world.accounts[me.address].controller
        return self.shards[job.key].get((mine, job.round), job.task)

    def questions(self, job: Job) -> Rows:
        """Return what users may want to know: the features of the test items, shape (scale, features)."""
        return self.task.table[0][job.task.test]

    def answer(self, job: Job, request: int, model: bytes | None = None) -> int:
        """Return what the model in force says to a request; 0 where either cannot be had.

        Args:
            job: what it is about.
            request: its number.
            model: another model to ask.
        """
        book = self.books[job.id]
        content = self.reads(book.requests[request].input, next(iter(book.crew), b""), job)
        model = model if model is not None else self.world.store.get(book.cid)
        if content is None or model is None:
            return 0
        features = np.frombuffer(content, ">i4").astype(np.int64)[None]
        if features.shape[1] != self.questions(job).shape[1]:
            return 0
        return int(self.task.answer(model, features)[0])

    def measure(self, subject: Subject, job: Job, me: Actor) -> int:
        """Return how good a piece of work is: of a packet its worth, of an answer whether it is the model's."""
        return measured(self, subject, job)

    def measuring(self, subject: Subject, job: Job, me: Actor) -> float:
        """Return the seconds that it takes: for a packet's influence, at most those of a training without it."""
        packet = isinstance(subject.id, tuple) and subject.id[0] == "packet" and self.terms.filter == LOO
        return self.task.seconds if packet else super().measuring(subject, job, me)

    def handed(self, job: Job) -> Sequence[Subject]:
        """Return the packets of this epoch that anybody can read: those on chain, and those in the clear."""
        if job.exact or self.terms.encrypted:
            return ()
        return [one for one in self.books[job.id].subjects(self, job) if one.model]

    def begins(self, fact: Fact) -> tuple[str, bytes, float]:
        """Return what an opening event says."""
        args = fact.args
        return args["context"], args["steward"], float(args["due"])

    def notes(self, fact: Fact, job: Job) -> None:
        """Keep what stands, what is open and which model is in force."""
        book = self.books.setdefault(job.id, Book())
        follow(book, fact)
        if fact.event == "DatasetUpdated" and self.terms.open_dataset:
            book.swapped = fact.root
        if fact.event == "TrainingDue":
            self.datasets[job.id, fact.epoch] = [*book.standing]
            self.trainings[job.id, fact.epoch] = self.training(job, fact)
        if fact.event == "ModelRetrained" and self.terms.place == ON_CHAIN:
            book.nodes_gas = self._inference_gas(fact.cid)
        if fact.event == "Forgotten" and self.terms.storage == CID:
            self._lets_go(book.packets[fact.packet].leaf)

    def _lets_go(self, cid: bytes) -> None:
        self.ring.drops(cid)
        for who in [*self.world.store.pinned_by(cid)]:
            self.world.store.unpin(cid, who)

    def _inference_gas(self, cid: bytes) -> int:
        """Bound the gas that a prediction takes, by what the trees are: for each a walk, and its bytes."""
        model = self.world.store.get(cid)
        forest = forests.decode(model) if model is not None else None
        if forest is None:
            return 0
        return sum(2_000 + 8 * len(tree) for tree in forest.trees) + 400 * forest.depth * len(forest.trees)

    def causes(
        self, call: Call, asset: str, sender: bytes, receiver: bytes, amount: int
    ) -> Iterable[tuple[str, int, str | None]]:
        """Return why tokens moved; a withdrawal is split into what it was credited for."""
        job = call.job.key if call.job is not None else None
        if receiver == self.contract.address_ and call.function in PAID_IN:
            if call.function.startswith("submitData"):
                fee = min(amount, self.terms.to_units(self.terms.fee))
                parts = (("fee", fee, job), ("stake", amount - fee, job))
                return [part for part in parts if part[1]]
            return [(PAID_IN[call.function], amount, job)]
        if call.function == "withdraw" and sender == self.contract.address_:
            return self.withdrawn(receiver, amount, job)
        return [("unknown", amount, job)]

    def poke(self, job: Job) -> tuple[float, Call] | None:
        """Return what anybody may call next: settle a request, or let the model go on."""
        if job.closed is not None:
            return None
        book = self.books[job.id]
        pending = book.pending()
        if pending is not None and (book.state == SERVE and (book.requests[pending].due <= book.due or book.open)):
            request = book.requests[pending]
            return float(job.born / 10**9 if request.ripe(len(book.crew)) else request.due), self.settles(job, pending)
        when = job.born / 10**9 if book.state == REVEAL and book.reported == book.committed else float(book.due)
        return when, self.advances(job)

    def delivered(self, job: Job) -> bytes | None:
        """Return the last model that was published, if it can be had."""
        cid = self.books[job.id].cid
        return self.world.store.get(cid) if any(cid) else None


def algorithm(name: str) -> bytes:
    """Return the CID that an algorithm's name is known by, 32 bytes."""
    return hashlib.sha256(name.encode()).digest()


def packed(features: Sequence[int]) -> bytes:
    """Return features as bytes: four each, big-endian."""
    return np.asarray(features, ">i4").tobytes()


def pooled(task: Problem, dataset: bytes, seed: bytes, rows: bytes, kind: str = "") -> Problem:
    """Return the problem of training on others' records by public randomness.

    Args:
        task: whose test items it has.
        dataset: the Merkle root over the packets, 32 bytes.
        seed: of the training, 32 bytes.
        rows: the packed records.
        kind: the name of the algorithm, where it is not the task's own.
    """
    key = hashlib.sha256(task.key.encode() + dataset + seed + rows + kind.encode()).hexdigest()[:16]
    return replace(task, key=key, seed=seed, records=rows, algorithm=kind)
