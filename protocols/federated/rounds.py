"""Rounds of federated jobs, as nodes know them: what was handed in and opened, and what the machine makes of it."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from slashpoint.protocols.federated.invariants import FederatedInvariants
from slashpoint.protocols.federated.machine import BPS, Input, Machine, Output, Voucher
from slashpoint.protocols.federated.terms import FederatedTerms
from slashpoint.sim.market import Job, Subject

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from slashpoint.protocols.federated.data import Holdings


@dataclass
class Rounds(FederatedInvariants):
    """A federated market's record of its rounds. A turn is a job's key and the round's number."""

    data: Holdings = field(kw_only=True)
    bases: dict[str, bytes] = field(default_factory=dict)  # job's key → CID of the latest base
    inputs: dict[tuple[str, int], list[Input]] = field(default_factory=lambda: defaultdict(list))  # by turn
    beacons: dict[tuple[str, int], bytes] = field(default_factory=dict)  # by turn
    opened: dict[tuple[str, int], bytes] = field(default_factory=dict)  # by turn: the sponsor's labels
    outputs: dict[bytes, Output] = field(default_factory=dict)  # by their vouchers' root: what nodes serve proofs from
    settled: dict[tuple[str, int], bytes] = field(default_factory=dict)  # by turn: the vouchers' root

    def revealed(self, job: Job) -> bytes | None:
        """Return the labels of the round's validation set, once they are open."""
        if self.terms.commit_updates:
            return self.opened.get(job.round_key)
        return self.data.labels_of(job, self.opened[job.key, 0], job.round) if job.round else None

    def publishes(self, job: Job, output: Output) -> tuple[bytes, bytes, int, int]:
        """Let nodes know what is behind an output's hashes.

        Args:
            job: what it is about.
            output: what the machine made of the round.
        """
        packed = output.packed(job.id)
        self.outputs[packed[1]] = output
        return packed

    def vouchers(self, job: Job, who: bytes) -> list[tuple[Voucher, Output]]:
        """Return what the round of a job owes to somebody.

        Args:
            job: what it is about.
            who: an address.
        """
        output = self.outputs.get(self.settled.get(job.round_key, b""))
        return [] if output is None else [(one, output) for one in output.vouchers if one.who == who]

    @staticmethod
    def offered(job: Job) -> FederatedTerms:
        """Return the terms that a job was posted with."""
        assert isinstance(job.terms, FederatedTerms)
        return job.terms

    def machine(self, job: Job) -> Machine:
        """Return the program of a round."""
        terms, task, held = self.offered(job), self.world.training_cache.task, self.data.validation(job, job.round)
        labels = self.revealed(job)
        need = math.ceil(terms.min_gain_bps * held.scale / BPS)
        return Machine(
            task, lambda model: self.world.training_cache.score(model, held, labels), terms.aggregator, terms.corrupt,
            terms.gate, need, terms.audit_bps, terms.reward_rule, job.reward, self.beacons.get(job.round_key, b""),
            not terms.checked,
        )  # fmt: skip

    def handed(self, job: Job) -> Sequence[Subject]:
        """Return the round's updates whose CIDs are public."""
        scale, store = self.data.validation(job, job.round).scale, self.world.store
        return [
            Subject((job.round, one.place), one.client, store.get(one.cid), None, scale)
            for one in self.inputs[job.round_key]
        ]

    def audited(self, job: Job) -> Sequence[Subject]:
        """Return the round's updates that are to be validated."""
        machine = self.machine(job)
        handed = zip(self.handed(job), self.inputs[job.round_key], strict=True)
        return [subject for subject, one in handed if machine.audited(one)]

    def concludes(self, job: Job, counts: Mapping[int, int]) -> Output:
        """Return what the machine makes of a round; counts by place, the base's at -1.

        Args:
            job: what it is about.
            counts: right answers by place; the base's at -1.
        """
        models = {subject.id[1]: subject.model for subject in self.handed(job)}
        return self.machine(job).run(job.round, job.base or b"", self.inputs[job.round_key], models, counts)

    def honest(self, job: Job, number: int) -> Output:
        """Return what the machine makes of a round whose updates are counted as they should be.

        Args:
            job: what it is about.
            number: the round's number, from 1.
        """
        base = next(fact.base for fact in self._events_of("RoundOpened", job) if fact.round == number)
        view = job.at(number, self.world.store.get(base) or b"", job.deadline)
        score = self.machine(view).score
        counts = {one.id[1]: score(one.model or b"") for one in self.audited(view)}
        return self.concludes(view, counts | {-1: score(view.base or b"")})
