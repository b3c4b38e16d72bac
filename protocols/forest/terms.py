"""The terms of the communal forest: the rules of its contract, and what stewards and people do by them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from slashpoint.sim.domain import Among, Amount, Bps, Count, Factor, Positive, Share, Window, Within
from slashpoint.sim.errors import choices
from slashpoint.sim.learning import estimators
from slashpoint.sim.market import Terms

if TYPE_CHECKING:
    from collections.abc import Iterable

ON_CHAIN, OFF_CHAIN = "onchain", "offchain"
DATA, CID = "data", "cid"
NONE, KNN, AUTOENCODER, LOO = "none", "knn", "autoencoder", "loo"
FLAT, LEAVE_ONE_OUT, SHAPLEY = "flat", "leave_one_out", "shapley"
Some16 = Annotated[int, Within(1, 65_535)]


@dataclass(kw_only=True)
class ForestTerms(Terms):
    """The rules of the communal forest and what its stewards offer. Amounts in whole MDC, times in seconds."""

    name: str = "forest"
    place: Annotated[str, Among(ON_CHAIN, OFF_CHAIN)]  # onchain | offchain: who answers, the contract or workers
    storage: Annotated[str, Among(DATA, CID)]  # data | cid: what a transaction carries of the records
    encrypted: bool  # records in the content store are ciphertext, whose keys the workers are given
    epochs: Some16
    fee: Amount  # of a packet of records, to the treasury
    deposit: Amount  # of a packet, back once it is in a model
    filter: Annotated[str, Among(NONE, KNN, AUTOENCODER, LOO)]  # what workers reject packets by
    tau: Factor  # loo: how much a packet may add to the hold-out's error, as a share of it
    audit_model: str  # loo: the algorithm that influence is measured with
    strangeness: Share  # knn, autoencoder: the share of strange records from which a packet is rejected
    quota: Annotated[int, Within(0, 65_535)]  # packets of one identity for one epoch; 0 is no limit
    packet: Some16  # records in a packet, at most
    max_packets: Some16  # of one model
    holdout: Annotated[int, Within(1, 10_000)]  # records that the steward publishes, for the workers to measure by
    retrain_batch: Annotated[int, Within(0, 65_535)]  # new packets that make a new training worth it
    forgetting: bool  # owners may have their records forgotten
    forget_rate: Share  # of the packets in a model: those whose owners have them forgotten in the next epoch
    workers: Some16  # equal reports that publish a model
    commit_reports: bool  # workers commit to their reports before anybody reveals one
    answers: Some16  # equal answers that fulfil a request
    max_workers: Some16
    bond: Amount  # of each worker
    slash_bps: Bps  # of the bond, for a report or an answer that was outvoted
    challenge_bond: Amount  # of a user who challenges an answer
    challenge_window: Annotated[float, Within(0, 10**8)]  # 0: answers are final
    answer_window: Window
    open_dataset: bool  # anybody may replace the dataset
    open_algorithm: bool  # anybody may replace the algorithm at once
    allowed: tuple[str, ...]  # algorithms that workers may propose
    proposal: str  # the one of them that honest workers propose and vote for; empty for none
    algorithm_delay: Annotated[float, Within(0, 10**8)]  # from a proposal to its activation
    vote_bps: Bps  # of the workers, for a proposal
    training_reward: Amount  # an epoch, shared by the workers whose report was published
    prediction_fee: Amount
    worker_bps: Bps  # of a prediction's fee, to who answered
    dividend_bps: Bps  # of it, to those whose records are in the model
    dividend: Annotated[str, Among(NONE, FLAT, LEAVE_ONE_OUT, SHAPLEY)]  # how these share it
    questions: Count  # of each user, an epoch
    collect_window: Window
    train_window: Window  # to report, and again to reveal
    serve_window: Window
    alpha: Positive  # of the Dirichlet distribution that contributors' data differ by

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.worker_bps + self.dividend_bps > 10_000:
            raise ValueError(
                f"protocol.worker_bps={self.worker_bps}, dividend_bps={self.dividend_bps}: together more than 10000"
            )
        if self.max_workers < self.workers:
            raise ValueError(f"protocol.max_workers={self.max_workers}: fewer than the {self.workers} who must agree")
        if self.encrypted and self.storage == DATA:
            raise ValueError("protocol.encrypted=true: what is encrypted lies in the content store; set storage=cid")
        if self.dividend_bps and self.dividend == NONE:
            raise ValueError(f"protocol.dividend_bps={self.dividend_bps}: choose a dividend, flat for one")

        known = estimators.names()
        if unknown := [name for name in self.allowed if name not in known]:
            raise ValueError(f"protocol.allowed=[{','.join(self.allowed)}]: {choices(unknown[0], known)}")
        audits = [name for name in known if name not in estimators.classifiers()]
        if self.audit_model not in audits:
            raise ValueError(f"protocol.audit_model={self.audit_model}: {choices(self.audit_model, audits)}")

        if self.proposal and self.proposal not in self.allowed:
            raise ValueError(f"protocol.proposal={self.proposal}: {choices(self.proposal, self.allowed)}")
        if self.proposal and self.place == ON_CHAIN:
            raise ValueError(f"protocol.proposal={self.proposal}: with place=onchain the contract walks trees alone")

    def rules(self, size: int) -> dict[str, Any]:
        """Return the contract's `Rules`, in its units. `size` is of a packed record, bytes."""
        return {
            "onChain": self.place == ON_CHAIN, "byCid": self.storage == CID, "openDataset": self.open_dataset,
            "openAlgorithm": self.open_algorithm, "committed": self.commit_reports, "forgetting": self.forgetting,
            "agreeing": self.workers, "answers": self.answers, "quota": self.quota, "maxPackets": self.max_packets,
            "retrainBatch": self.retrain_batch, "dividendBps": self.dividend_bps, "workerBps": self.worker_bps,
            "slashBps": self.slash_bps, "voteBps": self.vote_bps, "packetBytes": self.packet * size,
            "answerWindow": round(self.answer_window), "challengeWindow": round(self.challenge_window),
            "algorithmDelay": round(self.algorithm_delay), "fee": self.to_units(self.fee),
            "deposit": self.to_units(self.deposit), "predictionFee": self.to_units(self.prediction_fee),
            "bond": self.to_units(self.bond), "challengeBond": self.to_units(self.challenge_bond),
        }  # fmt: skip

    def offer(self) -> dict[str, Any]:
        """Return the contract's `Terms`, in its units."""
        return {
            "epochs": self.epochs, "maxWorkers": self.max_workers, "collectWindow": round(self.collect_window),
            "trainWindow": round(self.train_window), "serveWindow": round(self.serve_window),
            "reward": self.to_units(self.training_reward),
        }  # fmt: skip

    @property
    def payout(self) -> float:
        """A worker's part of what all trainings pay, MDC; else of what the model is worth at 1 USD a token."""
        return (self.epochs * self.training_reward or self.value_usd) / max(1, self.seats.get("worker", 0))

    @property
    def price(self) -> int:
        """The rewards of all trainings."""
        return self.epochs * self.to_units(self.training_reward)

    @property
    def last_collecting(self) -> float:
        """Seconds from a model's beginning to the end of its last collecting, if everybody takes all the time."""
        answering = 2 * self.answer_window + self.challenge_window if self.place == OFF_CHAIN else 0.0
        epoch = self.collect_window + 2 * self.train_window + self.serve_window + answering
        return (self.epochs - 1) * epoch + self.collect_window

    def infeasible(self) -> Iterable[str]:
        """Why nobody could or would take part, if so."""
        richest = self.endowment.get("mdc", 0.0)
        if self.bond > richest:
            yield f"no worker owns the bond of {self.bond:g} MDC (endowment {richest:g} MDC)"
        if self.fee + self.deposit > richest:
            yield f"no contributor owns fee and deposit, {self.fee + self.deposit:g} MDC (endowment {richest:g} MDC)"
        if self.seats.get("worker", 0) < self.workers:
            yield f"{self.seats.get('worker', 0)} workers are fewer than the {self.workers} that must agree"
        crew = min(self.max_workers, self.seats.get("worker", 0))
        if self.place == OFF_CHAIN and crew < self.answers:
            yield f"{crew} workers are fewer than the {self.answers} whose equal answers fulfil a request"
        for what in ("prediction_fee", "challenge_bond"):
            if (amount := getattr(self, what)) > richest:
                yield f"no user owns the {what} of {amount:g} MDC (endowment {richest:g} MDC)"
        if self.forget_rate and not self.forgetting:
            yield f"forget_rate={self.forget_rate:g} has no effect: forgetting=false lets nobody have records forgotten"
        if self.proposal and self.algorithm_delay >= self.last_collecting:
            which = "only" if self.epochs == 1 else "last"
            yield f"proposal={self.proposal} has no effect: the {which} collecting is over before algorithm_delay is"
        if self.proposal in estimators.classifiers():
            yield f"protocol.proposal={self.proposal} is a classifier: it treats numbers as classes"
        if not self.questions or not self.seats.get("user", 0):
            which = "seats.user" if self.questions else "questions"
            yield f"protocol.{which}=0: no prediction is ever asked, and no fee of one is paid"
        if not self.vote_bps and not self.open_algorithm:
            yield "vote_bps=0: any worker changes the algorithm alone, to one that is allowed"

    def idle(self) -> Iterable[tuple[str, str]]:
        """Yield the settings that change nothing beside the others, each with which of these is why."""
        if self.filter != LOO:
            yield from ((name, f"protocol.filter={self.filter}, not {LOO}") for name in ("audit_model", "tau"))
        if self.filter not in {KNN, AUTOENCODER}:
            yield "strangeness", f"protocol.filter={self.filter}, not {KNN} or {AUTOENCODER}"

    def late(self, block_time: float, training: float) -> Iterable[str]:
        """Yield which windows are over before a transaction can be in a block.

        Args:
            block_time: seconds.
            training: seconds that one takes on the reference device.
        """
        names = ["collect_window", "train_window", "serve_window"]
        if self.place == OFF_CHAIN:
            names += ["answer_window", *(["challenge_window"] if self.challenge_window else ())]
        for name in names:
            if (window := getattr(self, name)) <= block_time:
                yield f"protocol.{name}={window:g}: over before a transaction is in a block of {block_time:g} s"
        first, last = ((1 + self._audited(epoch)) * training for epoch in (1, self.epochs))
        if block_time < self.train_window <= block_time + last:
            work = "to train, and to judge each packet by training without it," if self.filter == LOO else "to train"
            takes = f"{first:g} s" + (f", up to {last:g} s in the last epoch," if last > first else "")
            yield (
                f"protocol.train_window={self.train_window:g}: {work} takes {takes} on the reference device, "
                f"and a report waits for a block of {block_time:g} s"
            )

    def _audited(self, epoch: int) -> int:
        """Return how many packets a training without each judges, if all contributors hand in; `epoch` from 1."""
        handed = epoch * self.seats.get("contributor", 0)
        return min(self.max_packets, handed) if self.filter == LOO else 0
