"""Role: what a protocol asks of somebody, as a script of duties; a conduct answers them."""

from __future__ import annotations

import inspect
from numbers import Integral
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, overload

from slashpoint.sim.errors import WrongAnswer
from slashpoint.sim.market import Market, Work

if TYPE_CHECKING:
    from collections.abc import Generator

    from typing_extensions import TypeVar

    from slashpoint.agents.conduct import Answer, Conduct
    from slashpoint.agents.me import Me
    from slashpoint.sim.market import Job, Subject

    Steps = Generator[Any, Any, Any]
    M = TypeVar("M", bound=Market, default=Market, covariant=True)  # noqa: PLC0105 - a name that people read
else:
    from typing import TypeVar

    M = TypeVar("M")

ANSWERS: dict[str, tuple[tuple[type, ...], str]] = {  # what answers each duty, and how that is called
    "enter": ((bool,), "True or False"),
    "work": ((Work, type(None)), "a Work or None"),
    "claim": ((Integral, type(None)), "a whole number or None"),
    "judge": ((Integral, type(None)), "a whole number or None"),
    "reveal": ((bool, str), 'True, False or "unpinned"'),
    "truth": ((bytes,), "bytes"),
    "settle": ((str,), 'text, such as "accept" or "dispute"'),
}


class Role(Generic[M]):
    """A stateless script of duties. `live` is one account's life in it."""

    duties: ClassVar[frozenset[str]] = frozenset()  # what it asks of a conduct
    posts: ClassVar[bool] = False  # whether the scenario's jobs are its to post

    def __init__(self, conduct: Conduct, market: M) -> None:
        self.conduct, self.market = conduct, market

    @property
    def name(self) -> str:
        """The role's name, as in a protocol's `seats`."""
        return type(self).__name__.lower()

    def live(self, me: Me) -> Steps:
        """Do what an account in this role does; a generator that waits."""
        raise NotImplementedError

    def lives(self, me: Me) -> Steps:
        """Set up, then live. Every account pays for its own set-up."""
        for call in self.market.setup(me):
            yield me.sends(call)
        yield from self.live(me)

    @overload
    def ask(self, me: Me, duty: Literal["enter"], job: Job, *, by: float | None = None) -> Answer[bool | None]: ...
    @overload
    def ask(self, me: Me, duty: Literal["work"], job: Job, *, by: float | None = None) -> Answer[Work | None]: ...
    @overload
    def ask(
        self, me: Me, duty: Literal["claim"], job: Job, measured: int, /, *, by: float | None = None
    ) -> Answer[int | None]: ...
    @overload
    def ask(
        self, me: Me, duty: Literal["judge"], job: Job, subject: Subject, /, *, by: float | None = None
    ) -> Answer[int | None]: ...
    @overload
    def ask(self, me: Me, duty: Literal["reveal"], job: Job, what: str, /) -> Answer[bool | str]: ...
    @overload
    def ask(self, me: Me, duty: Literal["truth"], job: Job) -> Answer[bytes]: ...
    @overload
    def ask(self, me: Me, duty: Literal["settle"], job: Job, subject: Subject, /) -> Answer[str]: ...

    def ask(self, me: Me, duty: str, job: Job, *args: Any, by: float | None = None) -> Steps:
        """Ask the conduct: the only place where a duty is answered, so the ledger knows who answered what.

        Args:
            me: who is asked.
            duty: its name, one of the role's `duties`.
            job: what it is about.
            args: what else the duty takes.
            by: Unix seconds: an answer that comes later is cancelled, charged for what it used, and is None.

        Raises:
            WrongAnswer: the answer is of another type than the duty's, or None where that is no answer.
        """
        answer = getattr(self.conduct, duty)
        value = answer(me, job, *args)
        late = False
        if inspect.isgenerator(value):
            if by is None:
                value = yield from value
            else:
                what, value = yield me.first(answer=me.beside(value, duty), by=by)
                late = what == "late"
                value = None if late else value
        if not late and not isinstance(value, ANSWERS[duty][0]):
            raise WrongAnswer(wrong(answer.__func__, duty, value))
        me.answered(self.name, duty, job, args[0] if args else None, answer.__func__.__qualname__, brief(value))
        return value

    def collect(self, me: Me, job: Job) -> Steps:
        """Withdraw what one is owed, if anything."""
        if self.market.owed(me.address):
            yield me.sends(self.market.withdraws(job))


class Poster(Role[M]):
    """Posts one's share of the scenario's jobs, as they come."""

    posts: ClassVar[bool] = True

    def live(self, me: Me) -> Steps:
        """Commission each at its time, beside the others."""
        for number, time in me.commissions():
            yield me.until(time)
            me.spawn(self._orders, None, number)

    def commission(self, me: Me, number: int) -> Steps:
        """One job from its draft to its end.

        Args:
            me: the account that acts.
            number: of the person's jobs, from 0.
        """
        raise NotImplementedError

    def _orders(self, me: Me, number: int) -> Steps:
        """Commission a job, then fetch what came of it."""
        yield from self.commission(me, number)
        mine = self.market.posted.get(me.address, [])
        for job in [one for one in mine if one.closed is not None]:
            mine.remove(job)
            self.fetch(me, job)

    def fetch(self, me: Me, job: Job) -> None:
        """Get the model of a job that is over; that nobody has what won available is written down."""
        job.fetched, job.received = True, self.market.delivered(job)
        if job.received is None and job.winner is not None:
            me.answered(self.name, "fetch", job, None, f"{type(self).__name__}.fetch", self.market.undelivered(job))


class Server(Role[M]):
    """Serves each job that is posted, beside the others."""

    def live(self, me: Me) -> Steps:
        """Begin as soon as one hears of it; what is offered again, in a later run of the same job, begins nothing."""
        posted = me.hears(self.market.event(self.market.opening_event), replay=True)
        while True:
            fact = yield posted.next()
            if fact.job is not None and fact.time == fact.job.born:
                me.spawn(self.serve, fact.job)

    def serve(self, me: Me, job: Job) -> Steps:
        """One job from its birth to its end."""
        raise NotImplementedError


class Keeper(Server[M]):
    """Pokes whatever is due, in any protocol."""

    def serve(self, me: Me, job: Job) -> Steps:
        """Call what is due as soon as it is, until the job is over; then collect bounties.

        After a call that fails it waits a block, and twice as long after each further one that fails.
        """
        news, pause = me.hears(*self.market.news, job=job), me.block_time
        while (due := self.market.poke(job)) is not None:
            when, call = due
            if when > me.now:
                yield me.first(news=news.next(), by=when)
            elif (yield me.sends(call)).ok:
                pause = me.block_time
            else:
                yield me.until(me.now + pause)
                pause *= 2
        yield from self.collect(me, job)


def wrong(function: Any, duty: str, answer: Any) -> str:
    """Return what is wrong with an answer, and whose it is.

    Args:
        function: the method that answered.
        duty: the duty's name.
        answer: what it answered.
    """
    code, said = function.__code__, brief(answer) if isinstance(answer, bytes) else repr(answer)
    where = f"{code.co_filename}:{code.co_firstlineno}: {function.__qualname__}"
    return f"{where}: it answers the duty {duty!r} with {said}: it must be {ANSWERS[duty][1]}"


def brief(answer: Any) -> str:
    """Return an answer in a few words, for the ledger."""
    if isinstance(answer, Work):
        return "copied work" if answer.copied is not None else f"model of {len(answer.model or b'')} bytes"
    if isinstance(answer, bytes):
        return f"{len(answer)} bytes"
    return str(answer)
