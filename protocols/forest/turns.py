"""Turns: who may do what in a communal model, when, and how often. Read off events, whatever the contract let through.

Four tables say it; a new event of the contract is a new row.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from slashpoint.sim.invariants import invariant
from slashpoint.sim.market import commitment
from slashpoint.sim.market.tree import words
from slashpoint.sim.market.vault import Vaulted
from slashpoint.sim.units import SECOND

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from slashpoint.protocols.forest.books import Book
    from slashpoint.protocols.forest.reports import Report
    from slashpoint.sim.facts import Fact
    from slashpoint.sim.market import Job
    from slashpoint.sim.world import World

COLLECTING = ("ModelCreated", "EpochBegan")
NEWS = ("DataSubmitted", "Forgotten", "AlgorithmUpdated")  # what makes a new training worth it

BEFORE: dict[str, tuple[str, ...]] = {  # an event, and those of which the latest says until when it may happen
    "DataSubmitted": COLLECTING, "ReportCommitted": ("TrainingDue",), "PredictionRequested": ("Serving",),
    "Reported": ("TrainingDue", "AllCommitted"), "Answered": ("PredictionRequested", "Challenged"),
    "Challenged": ("PredictionReady",), "TreesUploaded": ("Serving",),
}  # fmt: skip
AFTER: dict[str, tuple[tuple[str, ...], str]] = {  # the same, and which argument says from when
    "TrainingDue": (COLLECTING, "due"), "EpochBegan": (("Serving",), "due"),
    "AlgorithmUpdated": (("AlgorithmProposed",), "from"),
}  # fmt: skip
WHO: dict[str, Callable[[Book, Fact], Any]] = {  # who may cause an event
    "Forgotten": lambda book, fact: {book.packets[fact.packet].owner},
    "Challenged": lambda book, fact: {book.requests[fact.request].user},
    **dict.fromkeys(("ReportCommitted", "Reported", "Answered", "AlgorithmVoted"), lambda book, _: book.crew),
}
ONCE: dict[str, tuple[str, tuple[str, ...]]] = {  # arguments that no two have alike since the latest event of a kind
    "Enlisted": ("ModelCreated", ("worker",)), "Forgotten": ("ModelCreated", ("packet",)),
    "ReportCommitted": ("TrainingDue", ("worker",)), "Reported": ("TrainingDue", ("worker",)),
    "Answered": ("ModelCreated", ("request", "worker")), "PredictionSettled": ("ModelCreated", ("request",)),
    "Challenged": ("ModelCreated", ("request",)), "AlgorithmVoted": ("AlgorithmProposed", ("algorithm", "by")),
    "TreesUploaded": ("ModelRetrained", ("leaf",)),
}  # fmt: skip


@dataclass
class TurnInvariants(Vaulted):
    """What people may do in a communal model, and in which order."""

    terms: Any  # the rules
    books: dict[int, Book] = field(default_factory=dict)  # by model
    opened: dict[tuple[int, int, bytes], list[tuple[Report, bytes]]] = field(default_factory=dict)  # what was revealed
    fresh: ClassVar[Any]  # the latest block's events of a kind

    def _busy(self, world: World, events: Sequence[str]) -> Iterator[tuple[Job, Fact]]:
        """Yield the latest block's events of some kinds, with their jobs."""
        for job in self._now(world).values():
            for event in events if job is not None else ():
                yield from ((job, fact) for fact in self.fresh(event, job))  # type: ignore[misc]

    def _latest(self, events: Sequence[str], job: Job, fact: Fact) -> Fact | None:
        """Return the latest event of some kinds before another that is about the same."""
        name = "algorithm" if fact.event.startswith("Algorithm") else "request"
        found = (
            one
            for event in events
            for one in self._events_of(event, job)
            if one.number < fact.number and one.args.get(name, fact.args.get(name)) == fact.args.get(name)
        )
        return max(found, key=lambda one: one.number, default=None)

    @invariant
    def everything_has_its_time(self, world: World) -> Iterator[str]:
        """Nothing happens after the window that was opened for it, nor before the time that was set for it."""
        for job, fact in self._busy(world, [*BEFORE]):
            opening = self._latest(BEFORE[fact.event], job, fact)
            if opening is None or fact.time >= opening.due * SECOND:
                yield f"model {job.id}: {fact.event} by {world.name_of(fact.by)} came after its window"
        for job, fact in self._busy(world, [*AFTER]):
            events, argument = AFTER[fact.event]
            if fact.event == "AlgorithmUpdated" and self.terms.open_algorithm:
                continue
            opening = self._latest(events, job, fact)
            if opening is None or fact.time < opening.args[argument] * SECOND:
                yield f"model {job.id}: {fact.event} by {world.name_of(fact.by)} came before its time"

    @invariant
    def everybody_acts_for_themselves(self, world: World) -> Iterator[str]:
        """Packets are forgotten by their owners, answers doubted by who asked; only workers report and vote."""
        for job, fact in self._busy(world, [*WHO]):
            if fact.by not in WHO[fact.event](self.books[job.id], fact):
                yield f"model {job.id}: {fact.event} was not for {world.name_of(fact.by)} to cause"

    @invariant
    def everything_happens_once(self, world: World) -> Iterator[str]:
        """Nobody commits, reports, answers, challenges or votes twice about the same, and no chunk comes twice."""
        for job, fact in self._busy(world, [*ONCE]):
            since, names = ONCE[fact.event]
            start = self._latest([since], job, fact)
            earlier = (one for one in self._events_of(fact.event, job) if one.number < fact.number)
            same = [one for one in earlier if all(one.args[name] == fact.args[name] for name in names)]
            if start is not None and any(one.number > start.number for one in same):
                yield f"model {job.id}: {fact.event} by {world.name_of(fact.by)} came twice"

    @invariant
    def reports_are_what_was_committed_to(self, world: World) -> Iterator[str]:
        """A revealed report and its salt make the commitment that its worker sent."""
        for job, fact in self._busy(world, ["Reported"] if self.terms.commit_reports else []):
            sent = [one.carries for one in world.facts.of("judges", job.key) if one.by == fact.worker]
            tried = self.opened.get((job.id, fact.epoch, fact.worker), [])
            made = [commitment(report.digest, salt, fact.worker, salted=True) for report, salt in tried]
            if not {*made} & {*sent}:
                yield f"model {job.id}: {world.name_of(fact.worker)} revealed what it had not committed to"

    @invariant
    def trainings_have_a_reason(self, world: World) -> Iterator[str]:
        """After a first model there is a training only where enough is new; its seed is of its block's randomness."""
        for job, fact in self._busy(world, ["TrainingDue"]):
            served, last = (self._latest([event], job, fact) for event in ("Serving", "ModelRetrained"))
            since = -1 if last is None else last.number
            news = sum(one.number > since for event in NEWS for one in self._events_of(event, job))
            if served is not None and any(served.cid) and news < self.terms.retrain_batch:
                yield f"model {job.id}: trains again, and {news} are new of {self.terms.retrain_batch}"
            beacon = world.chain.context(0, fact.time).prevrandao
            if fact.seed != hashlib.sha256(words(beacon, job.id, fact.epoch)).digest():
                yield f"model {job.id}: the seed of epoch {fact.epoch} is not of its block's randomness"

    @invariant
    def algorithms_are_voted_for(self, world: World) -> Iterator[str]:
        """Where not anybody may change the algorithm, it is proposed, and enough workers vote for it."""
        for job, fact in self._busy(world, [] if self.terms.open_algorithm else ["AlgorithmUpdated"]):
            proposed = self._latest(["AlgorithmProposed"], job, fact)
            votes = [one for one in self._events_of("AlgorithmVoted", job) if one.algorithm == fact.algorithm]
            since = {one.args["by"] for one in votes if proposed is not None and one.number > proposed.number}
            if proposed is None or 10_000 * len(since) < self.terms.vote_bps * len(self.books[job.id].crew):
                yield f"model {job.id}: the algorithm changed by {len(since)} votes of {len(self.books[job.id].crew)}"
