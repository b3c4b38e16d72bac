"""Scripted: an attack that is a list of calls, each sent a set time after something happened to a job.

What `slashpoint exploit` finds is written down in this form. The attacker sits in a seat of the protocol and lives
there as an honest person does; beside that it waits for its moment and sends the calls, from the account of the seat
(number 0) and from fresh accounts of its own (1, 2 …), among which it shares the seat's first money.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, NamedTuple

from slashpoint.agents.conduct import Conduct
from slashpoint.agents.roles import Role
from slashpoint.agents.takeover import Takeover
from slashpoint.sim.domain import Within
from slashpoint.sim.errors import Misconfigured
from slashpoint.sim.market import Market
from slashpoint.sim.units import SECOND

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from slashpoint.agents.me import Me
    from slashpoint.agents.roles import Steps
    from slashpoint.sim.contract import Event
    from slashpoint.sim.contract.contract import Method
    from slashpoint.sim.facts import Fact
    from slashpoint.sim.market import Job
    from slashpoint.sim.world import World

POSTER, PARTY, STRANGER = "poster", "party", "stranger"  # what the attacker is to the job that it waits for


class Absent(LookupError):
    """A world lacks an account, an event or a contract that a call names."""


class Own(NamedTuple):
    """An address of the attacker's, by the number of its account."""

    account: int


class Said(NamedTuple):
    """What an event said about the job: `Said("TruthUploaded", "due")`."""

    event: str
    field: str
    nth: int = 1  # of the events of this name about the job


class Id(NamedTuple):
    """The job's number, as its contract counts: a later job's is so much higher."""

    further: int = 0


JOB = Id()


class Moment(NamedTuple):
    """When it begins: at the block in which an event of this name happened to a job for the nth time."""

    event: str
    nth: int = 1
    relation: str = STRANGER  # poster: the job is its own; party: it did something for the job before; else any job
    job: int = 1  # the first job of which this is so, or a later one
    every: bool = False  # and each job after that one


class Due(NamedTuple):
    """A time that an event said, and so many seconds after it: `Due(Said("TruthUploaded", "due"), 900)`."""

    said: Said
    plus: float = 0.0


class Act(NamedTuple):
    """One call of the attack."""

    call: str  # contract and function, such as "ModelMarket.withdraw()"
    args: tuple[Any, ...] = ()  # plain values, or Own, Id and Said where each world has its own
    account: int = 0  # which of its accounts sends it
    wait: float | Due = 0.0  # seconds since the call before, 0 is the same block; or the time until which it waits
    value: int = 0  # wei
    gas: int = 500_000


class Scripted(Takeover[Any]):
    """Lives as the role does, and sends the calls at the moment.

    It brings no name to a role but those below: all else that it does is a `Lookout`'s.
    """

    seat_of: ClassVar[str] = ""  # the role whose seat it takes
    begins_at: ClassVar[Moment] = Moment("")
    plan_of_calls: ClassVar[tuple[Act, ...]] = ()

    @classmethod
    def fits(cls, role: type[Role]) -> bool:
        """Whether it takes this role's seat."""
        return role.__name__.lower() == cls.seat_of

    @classmethod
    def of(cls, role: type[Role]) -> type[Role]:
        """Return a role as it plays it.

        Raises:
            Misconfigured: the role has something of its own that is called as something here.
        """
        if hidden := sorted(
            ({*vars(Scripted), *vars(Takeover)} - {*vars(Role), "live", "__parameters__"}) & {*dir(role)}
        ):
            raise Misconfigured(f"{role.__name__}.{hidden[0]}: a role that a search plays may not have one; rename it")
        return super().of(role)

    def live(self, me: Me) -> Steps:
        """Live as the role does, with the seat's own account; with all of them, wait for the moment."""
        lookout = Lookout(self.market, self.begins_at, self.plan_of_calls)
        if me.account is not me.account.person.accounts[0]:
            yield from lookout.wait(me)
            return
        if self.plan_of_calls:
            me.spawn(lookout.wait)
        yield from super().live(me)


class Lookout:
    """Waits for the moment of an attack, for one account, and sends its calls.

    Args:
        market: where it is.
        moment: when it begins.
        acts: the calls, of all accounts.
    """

    def __init__(self, market: Market, moment: Moment, acts: tuple[Act, ...]) -> None:
        self.market, self.moment, self.acts = market, moment, acts
        self.jobs = 0  # that came to the moment

    def wait(self, me: Me) -> Steps:
        """Look out for jobs."""
        posted = me.hears(self.market.event(self.market.opening_event), replay=True)
        while self.acts:
            fact = yield posted.next()
            if fact.job is not None:
                me.spawn(self.follow, fact.job)

    def follow(self, me: Me, job: Job) -> Steps:
        """Wait for the moment of a job, then attack if this is the job that it waits for.

        One listens from the job's birth on, and so hears of it before the person that one plays would act on it.

        Args:
            me: the account that acts.
            job: which may be the one.
        """
        moment = self.moment
        event = next((one for one in happenings(self.market) if one.name == moment.event), None)
        if event is None:
            return
        news = me.hears(event, job=job)
        fact = yield news.next()
        for _ in range(moment.nth - 1):
            fact = yield news.next()
        if moment.relation in {STRANGER, relation(me.account.person.knowledge.addresses, fact)}:
            self.jobs += 1
            if self.jobs == moment.job or (moment.every and self.jobs > moment.job):
                yield from self.attack(me, fact)

    def attack(self, me: Me, fact: Fact) -> Steps:
        """Send one's own of the calls, each so that the first block that is not before its time has it.

        What names something that this world lacks ends it: the rest was to come after that.

        Args:
            me: the account that acts.
            fact: the moment.
        """
        market, period, moment = self.market, me.block_time, fact.time / SECOND
        mine, time = me.account.person.accounts.index(me.account), moment + period
        for number, act in enumerate(self.acts):
            try:
                time = later(time, act.wait, market.world, me, fact.job)
                if act.account != mine:
                    continue
                yield me.until(moment + (math.ceil((time - moment) / period) - 1) * period)
                made = call(market.world, act, me, fact.job)
            except Absent:
                return
            tip = market.world.chain.tip * (1 + len(self.acts) - number)  # who sends first is first
            me.sends(made, tip=tip)


def happenings(market: Market) -> tuple[Event, ...]:
    """Return all events of a market's contracts, also those after which nobody is to do anything."""
    found: tuple[Event, ...] = Market.news.fget(market)  # type: ignore[attr-defined] # a market may name fewer
    return found


def relation(addresses: Collection[bytes], fact: Fact) -> str:
    """Return what an attacker is to the job that a fact is about, when that has happened.

    Args:
        addresses: the attacker's.
        fact: about a job.
    """
    if fact.job.poster in addresses:
        return POSTER
    market = fact.job.market
    past = (one for event in happenings(market) for one in market.world.facts.of(event, fact.job.key))
    return PARTY if any(one.by in addresses and one.number <= fact.number for one in past) else STRANGER


class Watch:
    """Counts what happens to jobs.

    Args:
        addresses: the attacker's.
    """

    def __init__(self, addresses: Iterable[bytes]) -> None:
        self.addresses = set(addresses)
        self.counts: dict[tuple[str, str], int] = {}

    def counts_as(self, fact: Fact) -> Moment | None:
        """Count a fact; return the moment that it is; None where it is about no job."""
        if fact.job is None:
            return None
        key = fact.job.key, fact.event
        self.counts[key] = self.counts.get(key, 0) + 1
        return Moment(fact.event, self.counts[key], relation(self.addresses, fact))


def later(time: float, wait: float | Due, world: World, me: Me, job: Job) -> float:
    """Return when the next call is due, Unix seconds.

    Args:
        time: of the call before, Unix seconds.
        wait: of the next.
        world: where it is sent.
        me: the account that sends it.
        job: what it is about.
    """
    if isinstance(wait, Due):
        return max(time, float(resolved(wait.said, world, me, job)) + wait.plus)
    return time + wait


def call(world: World, act: Act, me: Me, job: Job) -> Any:
    """Return the call that an act is in a world.

    Args:
        world: where it is sent.
        act: which.
        me: the account that sends it.
        job: what it is about.
    """
    function = named(world, act.call)
    args = [resolved(one, world, me, job) for one in act.args]
    return function(*args, value=act.value, gas=act.gas).tagged("", job)


def named(world: World, call: str) -> Method:
    """Return the function that a call names.

    Args:
        world: where its contract is.
        call: such as "ModelMarket.withdraw()".

    Raises:
        Absent: no contract of the world is called so, or it has no such function.
    """
    owner, _, function = call.partition(".")
    for one in world.contracts.values():
        if one.name_ == owner:
            with lacking(call):
                return one.function_(function)
    raise Absent(call)


@contextmanager
def lacking(name: str) -> Iterator[None]:
    """Say that a world lacks what is not found in the block.

    Args:
        name: of it.

    Raises:
        Absent: it is not found.
    """
    try:
        yield
    except (AttributeError, LookupError) as error:
        raise Absent(name) from error


def resolved(value: Any, world: World, me: Me, job: Job) -> Any:
    """Return what an argument of an act is in a world.

    Args:
        value: as it is written in the act.
        world: where it is sent.
        me: the account that sends it.
        job: what it is about.

    Raises:
        Absent: there is no such account, or nothing said so.
    """
    if isinstance(value, Own):
        with lacking(f"account {value.account}"):
            return me.account.person.accounts[value.account].address
    if isinstance(value, Id):
        return job.id + value.further if value.further else job.id
    if isinstance(value, Said):
        with lacking(f"{value.field} of {value.event}"):
            return world.facts.of(job.market.event(value.event), job.key)[value.nth - 1].args[value.field]
    if isinstance(value, dict):
        return {name: resolved(one, world, me, job) for name, one in value.items()}
    if isinstance(value, (tuple, list)):
        return type(value)(resolved(one, world, me, job) for one in value)
    return value


@dataclass
class Turncoat(Conduct):
    """What every attack of this form is, as a conduct."""

    accounts: Annotated[int, Within(0, 1000)] = 2  # fresh ones, beside the seat's own

    def identities(self, role: type) -> int:
        """The seat's own account, and the fresh ones."""
        return 1 + self.accounts
