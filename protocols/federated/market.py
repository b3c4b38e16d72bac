"""Federated: a sponsor pays people for updates of a model that they train on data which never leave them.

Source: DeML (ETHGlobal New York 2023): its description, `PaymentGateway.sol`, `echo.py`; Cartesi's rollups (inputs,
epochs, claims, quorum, vouchers); Lilypad's callback. A job goes on in rounds. In each, clients train from the round's
base on a shard of their own and hand in models; validators run the machine (`machine.py`) on the round's
inputs and the sponsor's validation set; what a quorum says, and nobody disputes, is paid and is the next base.

Where the source is silent: rounds, the gain threshold, panels of validators by job, disputes that a referee decides in
the place of a fraud proof. `protocols/federated/README.md` lists each with its reason.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from slashpoint.protocols.federated.data import Holdings
from slashpoint.protocols.federated.machine import Input, Output, Voucher
from slashpoint.protocols.federated.mailbox import Mailbox
from slashpoint.protocols.federated.rounds import Rounds
from slashpoint.sim.contract import Artifact
from slashpoint.sim.engine.keys import address_of
from slashpoint.sim.market import Job, commitment
from slashpoint.sim.market.tree import Tree, leaf, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from slashpoint.protocols.federated.terms import FederatedTerms
    from slashpoint.sim.contract import Call, Event
    from slashpoint.sim.facts import Fact
    from slashpoint.sim.learning import Problem
    from slashpoint.sim.market import Actor, Work
    from slashpoint.sim.world import World

COMPLETED, EXPIRED, CANCELLED, WITHHELD, VOID = range(7, 12)  # the contract's final states
OUTCOMES = {
    COMPLETED: "completed", EXPIRED: "expired", CANCELLED: "cancelled", WITHHELD: "labels withheld", VOID: "void"
}  # fmt: skip
REFEREE = "referee/0"  # who decides disputes


@dataclass
class Federated(Rounds):
    """The market for federated training on MDC."""

    terms: FederatedTerms
    mailbox: Mailbox = field(default_factory=lambda: Mailbox(0.0))
    trainers: dict[str, bytes] = field(default_factory=dict)  # job's key → CID of what clients are to run

    opening_event: ClassVar[str] = "JobPosted"
    closing_events: ClassVar[tuple[str, ...]] = ("JobClosed",)
    asset: ClassVar[str] = "MDC"
    outcomes: ClassVar[Mapping[int, str]] = OUTCOMES
    duties: ClassVar[Mapping[str, str]] = {
        "enter": "take a place as a client, or on the panel of validators",
        "work": "train the round's base on one's own shard",
        "judge": "correct answers of an update on the validation set (count)",
        "reveal": "truth: the round's validation labels; work: the committed update",
        "truth": "labels of the validation set (bytes)",
        "settle": "dispute a quorum's claim that is not one's own",
    }
    expects: ClassVar[tuple[str, ...]] = (
        "JobPosted", "JobAccepted", "ValidatorJoined", "RoundOpened", "UpdateSubmitted", "InputAdded", "OutputClaimed",
        "RoundSettled", "VoucherExecuted", "JobClosed",
    )  # fmt: skip

    @classmethod
    def deploy(cls, world: World, terms: FederatedTerms) -> Federated:
        """Put token and market on a world's chain."""
        token = cls.deploy_coin(world, terms)
        referee = address_of(REFEREE, world.rules.addresses)
        contract = world.deploy(Artifact.ours("Federated"), token.address_, referee, terms.rules())
        mailbox = Mailbox(terms.mail_seconds, terms.mail_limit)
        return cls(world, contract, terms, data=Holdings(world, terms), mailbox=mailbox)

    @property
    def news(self) -> tuple[Event, ...]:
        """Whatever changes a job's state."""
        return (
            self.RoundOpened, self.RoundSealed, self.InputsComplete, self.QuorumReached, self.OutputDisputed,
            self.JobClosed,
        )  # fmt: skip

    # --- data ---------------------------------------------------------------------------------------------------

    def problem(self, job: Job, me: Actor) -> Problem:
        """Return a client's own shard; for others the round's validation set, all of it before the first round."""
        mine = self.data.shards(job).get(me.name.partition("+")[0])
        return mine if mine is not None else self.data.validation(job, job.round or None)

    def answers(self, job: Job, me: Actor) -> bytes | None:
        """For those who judge updates, the labels that the sponsor opened."""
        return None if me.name.partition("+")[0] in self.data.shards(job) else self.revealed(job)

    def listing(self, job: Job) -> Mapping[str, bytes]:
        """Return what a sponsor publishes with a job: the inputs of its validation set."""
        return {"validation": self.world.training_cache.task.files(self.data.validation(job))["test"]}

    def raw(self, job: Job, me: Actor) -> bytes:
        """Return what an executable that uploads would send away: somebody's rows as they are."""
        return self.world.training_cache.task.files(self.problem(job, me))["train"]

    def view(self, job: Job, fact: Fact) -> Job:
        """Return a job as the round that an event is about has it, until that event's window is over."""
        return job.at(fact.round, self.world.store.get(self.bases[job.key]) or b"", float(fact.due))

    def stands(self, job: Job, who: bytes) -> bool:
        """Whether somebody has a place as a client.

        Args:
            job: what it is about.
            who: an address.
        """
        client = self.contract.clientOf(job.id, who)
        return bool(client.place) and not client.out

    def fell(self, job: Job, who: bytes) -> bool:
        """Whether somebody lost a bond.

        Args:
            job: what it is about.
            who: an address.
        """
        return any(fact.who == who for fact in self._events_of("BondSlashed", job))

    # --- verbs --------------------------------------------------------------------------------------------------

    def draft(self, me: Actor, problem: Problem) -> Job:
        """Return a job that is about to be posted.

        Args:
            me: the account that acts.
            problem: what is to be learnt.
        """
        job = super().draft(me, problem)
        job.reward, job.stake = self.terms.to_units(self.terms.reward), self.terms.to_units(self.terms.client_bond)
        return job

    def posts(self, job: Job, base: bytes, executable: bytes, validation: bytes, labels: bytes, salt: bytes) -> Call:
        """Lock rewards and fees; CIDs of the initial model, the trainer and the validation inputs, and the labels.

        Args:
            job: what it is about.
            base: the CID of the initial model.
            executable: the CID of the trainer.
            validation: the CID of the validation inputs.
            labels: one byte an item.
            salt: 32 bytes, secret until they are revealed.
        """
        terms = {
            "dataType": hashlib.sha256(self.world.training_cache.task.name.encode()).digest(), "modelCid": base,
            "trainerCid": executable, "validationCid": validation,
            "labelsRoot": self._label_tree(job, labels, salt).root, "reward": job.reward, "bond": job.stake,
            "maxClients": self.terms.max_clients, "rounds": self.terms.rounds,
            "minGainBps": self.offered(job).min_gain_bps, "auditBps": self.terms.audit_bps, "context": job.key,
        }  # fmt: skip
        if not self.terms.commit_updates:
            self.opened[job.key, 0] = labels
        return self.does("posts", job, self.contract.postJob(terms, gas=600_000), carries=base)

    def _label_tree(self, job: Job, labels: bytes, salt: bytes) -> Tree:
        rounds = range(1, self.terms.rounds + 1)
        parts = (hashlib.sha256(self.data.labels_of(job, labels, number)).digest() for number in rounds)
        return Tree([leaf(number, part, salt) for number, part in zip(rounds, parts, strict=True)])

    def cancels(self, job: Job) -> Call:
        """Give a job up, as its sponsor."""
        return self.does("cancels", job, self.contract.cancelJob(job.id, gas=self._gas_to_close(job)))

    def takes_back(self, job: Job, amount: int) -> Call:
        """Take money out of the escrow.

        Args:
            job: what it is about.
            amount: smallest units.
        """
        return self.does("cancels", job, self.contract.takeBack(job.id, amount, gas=150_000))

    def accepts(self, job: Job) -> Call:
        """Take a place as a client."""
        return self.does("registers", job, self.contract.acceptJob(job.id, gas=300_000))

    def joins(self, job: Job) -> Call:
        """Take a place on the panel."""
        return self.does("registers", job, self.contract.joinPanel(job.id, gas=300_000))

    def submits(self, me: Actor, job: Job, work: Work) -> Call:
        """Hand in an update: its CID or its commitment, or what another sent.

        Args:
            me: the account that acts.
            job: what it is about.
            work: what was made.
        """
        update = work.copied
        if update is None:
            update = hashlib.sha256(work.model or b"").digest()
            if self.terms.commit_updates:
                update = commitment(update, me.salt(*job.round_key), me.address, salted=True)
        payload = b"" if self.terms.checked else words(me.address, job.reward)
        return self.hands_in(job, update, payload)

    def hands_in(self, job: Job, update: bytes, payload: bytes) -> Call:
        """Hand in whatever one likes.

        Args:
            job: what it is about.
            update: a CID, or the commitment to one.
            payload: what the machine is to read beside it.
        """
        call = self.contract.submitUpdate(job.id, update, payload, gas=400_000)
        return self.does("submits", job, call, carries=update)

    def reveals(self, me: Actor, job: Job, work: Work) -> Call:
        """Reveal a committed update of the round.

        Args:
            me: the account that acts.
            job: what it is about.
            work: what was made.
        """
        model, salt = hashlib.sha256(work.model or b"").digest(), me.salt(*job.round_key)
        return self.does("reveals", job, self.contract.openUpdate(job.id, model, salt, gas=300_000), carries=model)

    def reveals_truth(self, job: Job, labels: bytes, salt: bytes) -> Call:
        """Reveal the round's validation labels with their proof.

        Args:
            job: what it is about.
            labels: one byte an item.
            salt: 32 bytes, secret until they are revealed.
        """
        part = self.data.labels_of(job, labels, job.round)
        proof = self._label_tree(job, labels, salt).proof(job.round - 1)
        call = self.contract.revealLabels(job.id, part, salt, proof, gas=250_000 + 50 * len(part))
        return self.does("reveals_truth", job, call, carries=part)

    def judges(self, job: Job, output: Output) -> Call:
        """Claim what the machine made of a round.

        Args:
            job: what it is about.
            output: what the machine made of the round.
        """
        packed = self.publishes(job, output)
        gas = 400_000 if self.terms.dispute_window else self._gas_to_close(job)
        return self.does("judges", job, self.contract.submitClaim(job.id, packed, gas=gas), carries=packed)

    def disputes(self, job: Job, output: Output) -> Call:
        """Contradict a quorum's claim, behind a bond.

        Args:
            job: what it is about.
            output: what the machine made of the round.
        """
        packed = self.publishes(job, output)
        return self.does("disputes", job, self.contract.dispute(job.id, packed, gas=300_000), carries=packed)

    def resolves(self, job: Job, output: Output) -> Call:
        """Say what is true of a round, as the referee (or where callbacks are open).

        Args:
            job: what it is about.
            output: what the machine made of the round.
        """
        packed = self.publishes(job, output)
        call = self.contract.resolve(job.id, packed, gas=self._gas_to_close(job))
        return self.does("settles", job, call, carries=packed)

    def cashes(self, job: Job, voucher: Voucher, output: Output) -> Call:
        """Have a voucher of a settled round paid.

        Args:
            job: what it is about.
            voucher: one of the output's.
            output: what the machine made of the round.
        """
        packed = (voucher.round, voucher.place, voucher.who, voucher.amount)
        call = self.contract.executeVoucher(job.id, packed, output.proof(job.id, voucher), gas=200_000)
        return self.does("withdraws", job, call)

    def asks(self, me: Actor, job: Job, text: bytes) -> float | None:
        """Write to the sponsor; when the answer comes (Unix seconds), None when one has written too often.

        Args:
            me: the account that acts.
            job: what it is about.
            text: the message.
        """
        now = self.world.env.now / 10**9
        answered = self.mailbox.asks(now, me.name, job.key, text)
        if answered is not None and self.terms.mail_usd:
            self.world.recorder.postage(self.world.accounts[me.address], self.terms.mail_usd, job.key)
        return answered

    def _gas_to_close(self, job: Job) -> int:
        return 400_000 + 70_000 * (self.terms.max_clients + self.terms.max_validators)

    # --- what the contract says ---------------------------------------------------------------------------------

    def begins(self, fact: Fact) -> tuple[str, bytes, float]:
        """Return what an opening event says."""
        args = fact.args
        return args["terms"].context, args["sponsor"], float(args["due"])

    def notes(self, fact: Fact, job: Job) -> None:
        """Keep what a round's events say."""
        args = fact.args
        turn = job.key, args.get("round", 0)
        match fact.event:
            case self.opening_event:
                self.bases[job.key], self.trainers[job.key] = args["terms"].modelCid, args["terms"].trainerCid
            case "InputAdded":
                self.inputs[turn].append(Input(args["place"], args["client"], args["cid"], args["payload"]))
            case "InputsComplete":
                self.beacons[turn] = args["beacon"]
            case "LabelsRevealed":
                self.opened[turn] = args["labels"]
            case "RoundSettled":
                output = args["output"]
                self.bases[job.key], self.settled[turn] = output.base, output.vouchers

    def causes(
        self, call: Call, asset: str, sender: bytes, receiver: bytes, amount: int
    ) -> Iterable[tuple[str, int, str | None]]:
        """Return why tokens moved; a withdrawal is split into what it was credited for."""
        job = call.job.key if call.job is not None else None
        if receiver == self.contract.address_:
            cause = {"postJob": "deposit", "acceptJob": "stake", "joinPanel": "stake", "dispute": "stake"}
            return [(cause.get(call.function, "unknown"), amount, job)]
        if call.function == "withdraw" and sender == self.contract.address_:
            return self.withdrawn(receiver, amount, job)
        return [("unknown", amount, job)]

    def poke(self, job: Job) -> tuple[float, Call] | None:
        """Return what anybody may call next: the end of a window."""
        book = self.contract.jobOf(job.id)
        if book.state >= COMPLETED:
            return None
        return float(book.due), self.does("pokes", job, self.contract.advance(job.id, gas=self._gas_to_close(job)))

    def delivered(self, job: Job) -> bytes | None:
        """Return the latest base; where the sponsor ended the job itself, the mean of what it was handed since."""
        latest = self.world.store.get(self.bases[job.key])
        number = max((turn[1] for turn in self.inputs if turn[0] == job.key), default=0)
        if number and (job.key, number) not in self.settled:
            task = self.world.training_cache.task
            found = [self.world.store.get(one.cid) for one in self.inputs[job.key, number]]
            vectors = [vector for model in found if model is not None and (vector := task.weights(model)) is not None]
            return task.assemble(np.mean(vectors, axis=0)) if vectors else latest
        return latest if number else None
