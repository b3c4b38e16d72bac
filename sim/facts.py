"""Facts: what happened on chain and who told what, in order, by what and by which job, heard after one's latency."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from heapq import merge
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from simpy.events import PENDING

from slashpoint.sim.script import Clock, Sleep, Wait

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    from simpy.events import Event as Happening

TELLER = "told by"  # beside the names of arguments, which have no space: the address that a fact must be by
_number = attrgetter("number")


@dataclass(frozen=True)
class Topic:
    """A kind of message that people send each other outside the chain: `me.tells` sends one, `me.sees` waits for one.

    It costs nothing, leaves no trace on chain, and is heard once the sender's latency and the hearer's are over.
    """

    name: str
    fields: tuple[str, ...]  # what such a message says; `to` is the address that it is for, where it is for one


class Fact:
    """One thing that happened: a decoded event, an intention that succeeded (under its verb), or a message.

    The arguments of the event are attributes: `fact.trainer`; one called as an attribute of every fact is in `args`
    alone. `by` is the address whose transaction did it, or who told it; `at` that of the contract that said it, which
    a verb has none of.
    """

    __slots__ = ("args", "at", "by", "event", "job", "number", "time")

    def __init__(self, event: str, time: int, by: bytes, job: Any, args: dict[str, Any], at: bytes = b"") -> None:
        self.event, self.time, self.by, self.job, self.args, self.at = event, time, by, job, args, at
        self.number = -1  # its place in history

    def __getattr__(self, name: str) -> Any:
        try:
            return self.args[name]
        except KeyError:
            raise AttributeError(f"{self.event} has no {name!r}; it has {', '.join(self.args)}") from None

    def __repr__(self) -> str:
        return f"Fact({self.event}, t={self.time / 10**9:.3f}, {self.args})"


class Facts:
    """The history of a world, and who waits for more of it."""

    def __init__(self) -> None:
        self.count = 0
        self._index: dict[tuple[Hashable, str | None], list[Fact]] = {}
        self._waiting: dict[tuple[Hashable, str | None], list[Hearing]] = {}

    def of(self, source: Hashable, job: str | None) -> Sequence[Fact]:
        """Return all facts of a source about one job, or about any, oldest first.

        Args:
            source: an event or a verb.
            job: its key; None for facts about any job or none.
        """
        return self._index.get((source, job), ())

    def listen(self, source: Hashable, job: str | None, hearing: Hearing) -> None:
        """Tell `hearing` of the next fact that it wants.

        Args:
            source: an event or a verb.
            job: its key; None for facts about any job or none.
            hearing: who waits.
        """
        self._waiting.setdefault((source, job), []).append(hearing)

    def publish(self, source: Hashable, fact: Fact) -> None:
        """Add to history and tell who waits.

        Args:
            source: an event or a verb.
            fact: what happened.
        """
        fact.number = self.count
        self.count += 1
        job = fact.job.key if fact.job is not None else None
        for key in ((source, job), (source, None)) if job is not None else ((source, None),):
            self._index.setdefault(key, []).append(fact)
            waiting = self._waiting.get(key)
            if waiting:
                self._waiting[key] = [hearing for hearing in waiting if not hearing.takes(fact)]


class Hearing(Wait):
    """Waits for a fact of some sources that matches `where`; None when `by` passes first."""

    __slots__ = ("by", "dead", "fact", "inbox", "latency", "timer", "where")

    def __init__(
        self, env: Clock, rank: int, latency: int, where: dict[str, Any], by: int | None, inbox: Inbox | None
    ) -> None:
        super().__init__(env, rank)
        self.latency, self.where, self.by, self.inbox = latency, where, by, inbox
        self.timer: Sleep | None = None
        self.fact: Fact | None = None
        self.dead = False

    def begin(self, facts: Facts, sources: Sequence[Hashable], job: str | None, past: Iterator[Fact]) -> Hearing:
        """Look through the past, then wait for the future.

        Args:
            facts: the history.
            sources: events or verbs.
            job: the key of a job, or None for any.
            past: the facts before now that it may take.
        """
        for fact in past:
            if self.takes(fact):
                return self
        if self.by is not None:
            if self.by <= self.env.now:
                self.fire(None)
                return self
            self.timer = Sleep(self.env, self.rank, self.by)
            self.timer.callbacks.append(self._late)
        for source in sources:
            facts.listen(source, job, self)
        return self

    def takes(self, fact: Fact) -> bool:
        """Take a fact if it is wanted, and return whether nothing more is."""
        if self.dead or self._value is not PENDING:
            return True
        for name, value in self.where.items():
            if (fact.by if name == TELLER else fact.args.get(name, _NOTHING)) != value:
                return False
        now = self.env.now
        heard = max(fact.time + self.latency, now)
        if self.by is not None and heard > self.by:
            return False
        if self.timer is not None:
            self.timer.cancel()
        self.fact = fact
        if self.inbox is not None:
            self.inbox.cursor = fact.number + 1
        self.fire(fact, heard - now)
        return True

    def _late(self, _: Happening) -> None:
        if self._value is PENDING:
            self.dead = True
            self.fire(None)

    def cancel(self) -> None:
        """Stop listening; an inbox gets back the fact that was not read."""
        super().cancel()
        if self.timer is not None:
            self.timer.cancel()
        if not self.dead and self.fact is not None and self.inbox is not None:
            self.inbox.cursor = min(self.inbox.cursor, self.fact.number)
        self.dead = True


_NOTHING = object()


class Inbox:
    """A stream of facts with a cursor of its own: every one, in order, none lost, each after one's latency."""

    __slots__ = ("_facts", "_hear", "_job", "_sources", "cursor")

    def __init__(self, facts: Facts, hear: Any, sources: Sequence[Hashable], job: str | None, since: int) -> None:
        self._facts, self._hear, self._sources, self._job = facts, hear, sources, job
        self.cursor = since

    def next(self, by: float | None = None) -> Hearing:
        """Return the next fact; None when `by` (seconds) passes first."""
        hearing: Hearing = self._hear(by, self)
        return hearing.begin(
            self._facts, self._sources, self._job, past(self._facts, self._sources, self._job, self.cursor)
        )


def past(facts: Facts, sources: Sequence[Hashable], job: str | None, number: int, born: int = 0) -> Iterator[Fact]:
    """Return the facts of some sources, in order.

    Args:
        facts: the history.
        sources: events or verbs.
        job: the key of a job, or None for any.
        number: of the first fact in the history of all.
        born: nanoseconds: none before this time.
    """
    rows = [row for source in sources if (row := facts.of(source, job)) and row[-1].number >= number]
    if not rows:
        return iter(())
    tails = [map(row.__getitem__, range(bisect_left(row, number, key=_number), len(row))) for row in rows]
    merged = tails[0] if len(tails) == 1 else merge(*tails, key=_number)  # lazily: most want only the first
    return (fact for fact in merged if fact.time >= born)
