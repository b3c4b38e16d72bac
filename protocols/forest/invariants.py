"""What must hold of every communal model, whatever people do.

Each check reads the latest block's events about the models that it stirred, so its cost follows the traffic.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import takewhile
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from slashpoint.protocols.forest.books import CLOSED, FULFILLED, OVERTURNED, REFUNDED
from slashpoint.protocols.forest.reports import report
from slashpoint.protocols.forest.terms import ON_CHAIN
from slashpoint.protocols.forest.turns import TurnInvariants
from slashpoint.sim.invariants import invariant
from slashpoint.sim.learning import Order
from slashpoint.sim.market.tree import Tree
from slashpoint.sim.market.vault import REFUND, STAKE
from slashpoint.sim.units import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slashpoint.sim.facts import Fact
    from slashpoint.sim.market import Job
    from slashpoint.sim.world import World

GRACE_BLOCKS = 4  # blocks that a keeper may take to be heard, once a window is over


@dataclass
class ForestInvariants(TurnInvariants):
    """A communal model's own account of its epochs, and what must hold of them."""

    trainings: dict[tuple[int, int], Job] = field(default_factory=dict)  # by model and epoch: the job as it is trained
    algorithms: ClassVar[Any]  # what workers know how to train, by CID
    sifted: ClassVar[Any]  # a training without the packets that some marks reject
    held: dict[int, int] = field(default_factory=dict)  # by model: what it said that it holds
    overdue: set[int] = field(default_factory=set)  # models that were complained of

    def fresh(self, event: str, job: Job) -> list[Fact]:
        """Return the latest block's events."""
        return [*takewhile(lambda fact: fact.time == self.last_event_time, reversed(self._events_of(event, job)))][::-1]

    def _stirred(self, world: World) -> list[Job]:
        return [job for job in self._now(world).values() if job is not None]

    # --- money --------------------------------------------------------------------------------------------------

    @invariant
    def escrow_is_what_models_hold(self, world: World) -> Iterator[str]:
        """The escrow is the sum of what the models hold, and one that is over holds nothing."""
        for each in self._now(world):
            model = self.contract.modelOf(each)
            self.held[each] = model.held
            if model.state == CLOSED and model.held:
                yield f"model {each} is over and holds {model.held}"
        if self._now(world) and (escrow := self.contract.escrow()) != (held := sum(self.held.values())):
            yield f"the escrow is {escrow}, and the models hold {held}"

    @invariant
    def deposits_follow_the_marks(self, world: World) -> Iterator[str]:
        """A rejected packet loses its deposit, every other has it back once, and every worker its bond less fines."""
        deposit, bond = (self.terms.to_units(one) for one in (self.terms.deposit, self.terms.bond))
        for job in self._over(world):
            due: Counter[bytes] = Counter()
            for packet in self.books[job.id].packets:
                due[packet.owner] += deposit if packet.stands or packet.included or packet.forgotten else 0
            for fact in self._events_of("Enlisted", job):
                due[fact.worker] += bond
            for fact in self._events_of("Slashed", job):
                due[fact.who] -= fact.amount
            challenged = {fact.request for fact in self._events_of("Challenged", job)}
            for fact in self._events_of("PredictionSettled", job):
                user, lost = self.books[job.id].requests[fact.request].user, fact.phase == FULFILLED
                due[user] += self.terms.to_units(self.terms.challenge_bond) * (fact.request in challenged and not lost)
            back: Counter[bytes] = Counter()
            for fact in self._events_of("Credited", job):
                back[fact.who] += fact.amount if fact.cause == STAKE else 0
            for who in sorted(due.keys() | back.keys()):
                if due[who] != back[who]:
                    yield f"model {job.id}: {world.name_of(who)} had {back[who]} of its stakes back, not {due[who]}"

    @invariant
    def requests_end_once(self, world: World) -> Iterator[str]:
        """Every request is fulfilled, overturned or refunded once, and its fee comes back unless it was fulfilled."""
        fee = self.terms.to_units(self.terms.prediction_fee)
        for job in self._over(world):
            ends = Counter(fact.request for fact in self._events_of("PredictionSettled", job))
            refunds: Counter[bytes] = Counter()
            for fact in self._events_of("Credited", job):
                refunds[fact.who] += fact.amount if fact.cause == REFUND and fact.who != job.poster else 0
            due: Counter[bytes] = Counter()
            for number, request in self.books[job.id].requests.items():
                if ends[number] != 1:
                    yield f"model {job.id}: request {number} ended {ends[number]} times"
                due[request.user] += fee if request.phase in {OVERTURNED, REFUNDED} else 0
                if request.phase == FULFILLED and request.value not in request.answers.values():
                    yield f"model {job.id}: nobody answered request {number} with {request.value}"
            for who in sorted(due.keys() | refunds.keys()):
                if due[who] != refunds[who] and who != job.poster:
                    yield f"model {job.id}: {world.name_of(who)} had {refunds[who]} of its fees back, not {due[who]}"

    @invariant
    def the_majority_decides(self, world: World) -> Iterator[str]:
        """A challenged answer is what most say, and nobody's where two have equally many; what was not stands."""
        for job in self._stirred(world):
            challenged = {fact.request for fact in self._events_of("Challenged", job)}
            for fact in self.fresh("PredictionSettled", job):
                request = self.books[job.id].requests[fact.request]
                votes = Counter(request.answers.values())
                most = [value for value, often in votes.items() if often == max(votes.values())]
                if fact.request in challenged and (fact.phase == REFUNDED) != (len(most) > 1):
                    yield f"model {job.id}: request {fact.request} ended in {fact.phase} with {len(most)} majorities"
                if fact.request in challenged and votes[fact.value] < max(votes.values()):
                    yield f"model {job.id}: request {fact.request} was decided by a minority"
                if fact.phase == FULFILLED and votes[fact.value] < self.terms.answers:
                    yield f"model {job.id}: request {fact.request} was fulfilled by {votes[fact.value]} answers"

    # --- records ------------------------------------------------------------------------------------------------

    @invariant
    def the_dataset_is_what_stands(self, world: World) -> Iterator[str]:
        """The root of a training is over the packets that are neither rejected nor forgotten, and over no others."""
        for job in self._stirred(world):
            for due in self.fresh("TrainingDue", job):
                packets = self.contract.packetsOf(job.id)
                root = Tree([one.leaf for one in packets if one.status in {1, 2}]).root
                swapped = self.terms.open_dataset and bool(self._events_of("DatasetUpdated", job))
                if due.dataset != root and not swapped:
                    yield f"model {job.id}, epoch {due.epoch}: the dataset's root is not that of the packets that stand"
                gone = {fact.packet for fact in self._events_of("Forgotten", job)}
                if any(packets[number].status != 4 for number in gone):
                    yield f"model {job.id}, epoch {due.epoch}: a forgotten packet is still in the dataset"

    @invariant
    def packets_are_counted(self, world: World) -> Iterator[str]:
        """Nobody hands in more packets for an epoch than its quota, and each pays the fee."""
        for job in self._stirred(world):
            for fact in self.fresh("DataSubmitted", job):
                epoch = self.books[job.id].packets[fact.packet].epoch
                count = sum((one.owner, one.epoch) == (fact.owner, epoch) for one in self.books[job.id].packets)
                if self.terms.quota and count > self.terms.quota:
                    yield f"model {job.id}: {world.name_of(fact.owner)} handed in {count} packets for epoch {epoch}"
        if self.last_event_time == world.chain.time and self.terms.fee:
            packets = sum(len(book.packets) for book in self.books.values())
            if (treasury := self.contract.treasury()) < packets * self.terms.to_units(self.terms.fee):
                yield f"the treasury has {treasury}, less than the fees of {packets} packets"

    # --- models -------------------------------------------------------------------------------------------------

    @invariant
    def epochs_only_go_on(self, world: World) -> Iterator[str]:
        """Epochs are counted from 0, one after another, and there are no more than were ordered."""
        for job in self._stirred(world):
            begun = [fact.epoch for fact in self._events_of("EpochBegan", job)]
            if begun != [*range(1, len(begun) + 1)] or len(begun) >= self.terms.epochs:
                yield f"model {job.id}: epochs {begun} began after the first"

    @invariant
    def published_models_are_reproducible(self, world: World) -> Iterator[str]:
        """Where not all who agreed attack, a published model is what dataset, seed and algorithm make, to the byte."""
        attackers = {address for address, one in world.accounts.items() if one.person.attacker}
        for job in self._stirred(world):
            for fact in self.fresh("ModelRetrained", job):
                same: dict[bytes, set[bytes]] = {}  # by the marks that they gave with this model: who
                for one in self._events_of("Reported", job):
                    if (one.epoch, one.cid, one.root) == (fact.epoch, fact.cid, fact.root):
                        same.setdefault(one.marks, set()).add(one.worker)
                marks, who = next(((m, some) for m, some in same.items() if len(some) == fact.support), (b"", set()))
                if len(who) < self.terms.workers:
                    yield f"model {job.id}, epoch {fact.epoch}: it says that {fact.support} agreed, and they did not"
                if who <= attackers or self.books[job.id].algorithm not in self.algorithms:
                    continue
                view = self.sifted(self.trainings[job.id, fact.epoch], marks)
                expected = report(world.training_cache.model(Order("", view.task)), b"")
                if (fact.cid, fact.root) != (expected.cid, expected.root):
                    yield f"model {job.id}, epoch {fact.epoch}: it is not what its dataset and seed make"

    @invariant
    def the_contract_answers_as_the_model(self, world: World) -> Iterator[str]:
        """An answer on chain is the uploaded model's, to the last bit."""
        for job in self._stirred(world) if self.terms.place == ON_CHAIN else ():
            ready = self.fresh("PredictionReady", job)
            asked = [one for one in world.facts.of("posts", job.key) if one.carries is not None]
            model = world.store.get(self.books[job.id].cid)
            values = [*self._events_of("PredictionReady", job)]
            if model is None or not ready:
                continue
            for fact, call in zip(values[-len(ready) :], asked[len(values) - len(ready) :], strict=True):
                task: Any = world.training_cache.task
                (expected,) = task.answer(model, np.array([call.carries])).tolist()
                if fact.value != expected:
                    yield f"model {job.id}: the contract answered {fact.value} to {fact.request}, not {expected}"

    @invariant(period=8)
    def models_end_in_time(self, world: World) -> Iterator[str]:
        """A model is over when its windows are, given an honest keeper who is heard."""
        terms, grace = self.terms, GRACE_BLOCKS * world.chain.period
        asked = 2 * round(terms.answer_window) + round(terms.challenge_window)
        epoch = round(terms.collect_window) + 2 * round(terms.train_window) + round(terms.serve_window) + asked
        for job in self.jobs.values():
            if job.closed is not None or job.id in self.overdue:
                continue
            requests = len(self.books[job.id].requests)  # each may need a call of its own
            bound = job.born + terms.epochs * (epoch * SECOND + 6 * grace) + requests * world.chain.period
            if world.chain.time > bound and self.heard(job):
                self.overdue.add(job.id)
                yield f"model {job.id} is not over {(world.chain.time - bound) // SECOND} s after its last window"
