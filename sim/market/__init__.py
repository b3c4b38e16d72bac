"""The vocabulary that all protocols share: job, subject, work, terms, and the market that binds them to contracts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Protocol

from slashpoint.sim.domain import Amount, Within, check, domains
from slashpoint.sim.units import DECIMALS, nanoseconds, to_units

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from slashpoint.sim.contract import Call, Contract, Event
    from slashpoint.sim.facts import Fact
    from slashpoint.sim.learning import Problem
    from slashpoint.sim.world import World

VERBS = (
    "approves", "posts", "cancels", "registers", "submits", "retracts", "reveals_truth", "claims", "judges", "reveals",
    "settles", "disputes", "pokes", "withdraws",
)  # fmt: skip


def sealed(payload: bytes, salt: bytes, who: bytes, *, salted: bool) -> bytes:
    """A contract's seal of a 32-byte payload by an address: SHA-256, salted or bare."""
    return hashlib.sha256(payload + salt + who.rjust(32, b"\0") if salted else payload).digest()


class Actor(Protocol):
    """Somebody with an account, as far as a market needs to know."""

    @property
    def name(self) -> str:
        """The account's name."""
        ...

    @property
    def address(self) -> bytes:
        """20 bytes."""
        ...

    def salt(self, *key: Any) -> bytes:
        """32 secret bytes for a purpose."""
        ...


@dataclass(eq=False)
class Job:
    """One commission, in terms that every protocol shares; what only one protocol knows is in `terms`."""

    key: str  # from its content, the same in every world of a seed
    market: Market
    task: Problem  # what is to be learnt
    poster: bytes = b""  # address
    id: Any = None  # the contract's
    reward: int = 0  # smallest units of the market's asset
    stake: int = 0  # the same: what a worker puts up
    scale: int = 0  # the best possible measurement
    unit: str = "correct"  # what measurements and claims count
    deadline: float = 0.0  # Unix seconds: for handing in work
    born: int = 0  # nanoseconds: when it was posted
    exact: bool = False  # whether work must be bit-equal for everybody
    terms: Any = None
    round: int = 0  # of a job that goes on in rounds, the one that this view of it is about
    base: bytes | None = None  # the model that a round starts from; None where everybody starts afresh
    rows: int = 0  # labels that were sealed, where the test items are drawn out of them; 0 where the poster chose
    drawn: tuple[int, ...] = ()  # which of them are the test items', once that is known
    moved: int = 0  # nanoseconds: when an event was last about it
    closed: int | None = None  # nanoseconds: when it became terminal
    outcome: str | None = None
    winner: bytes | None = None
    fetched: bool = False  # whether its poster has tried to get what it paid for
    received: bytes | None = None  # the model that its poster got; None where nobody has it available

    @property
    def deadline_ns(self) -> int:
        """The deadline in nanoseconds."""
        return nanoseconds(self.deadline)

    @property
    def round_key(self) -> tuple[str, int]:
        """Job and round: what a piece of work is for, as a key."""
        return self.key, self.round

    @property
    def undrawn(self) -> bool:
        """Whether nobody knows yet what the test items are."""
        return bool(self.rows) and not self.drawn

    def tested(self, labels: bytes) -> bytes:
        """Of the labels that were sealed, the test items'."""
        return bytes(labels[row] for row in self.drawn) if self.drawn else labels

    def at(self, number: int, base: bytes, deadline: float) -> Job:
        """This job as round `number` has it: what a duty of that round is asked about. Its facts are the job's."""
        return replace(self, round=number, base=base, deadline=deadline)


@dataclass(frozen=True)
class Subject:
    """Somebody's piece of work that is to be judged."""

    id: Any
    owner: bytes
    model: bytes | None
    claimed: int | None
    scale: int


@dataclass(frozen=True)
class Work:
    """What a worker hands in: a model with its predictions, or something sealed that another made."""

    model: bytes | None = None  # an artefact of the task
    predictions: bytes | None = None  # one byte a test item
    copied: Any = None  # what was taken from another's intention
    tip: int | None = None  # wei per gas to hand it in with; None for one's usual tip


@dataclass(kw_only=True)
class Terms:
    """What every protocol's terms can say."""

    variant: str = "hardened"
    value_usd: Amount = 0.0  # what a perfect model is worth to the buyer
    value_floor: Annotated[float, Within(0, 1, "high")] = 0.1  # quality (share of the scale) worth nothing: guessing
    decimals: int = field(default=DECIMALS, init=False)  # of the market's asset: `deploy` sets it to its token's

    def __post_init__(self) -> None:
        check(self, "protocol")

    def to_units(self, amount: float) -> int:
        """Return the smallest units in an amount of whole ones of the market's asset."""
        return to_units(amount, self.decimals)

    def check_units(self) -> None:
        """Refuse amounts that the market's asset cannot express, once its decimals are known.

        Raises:
            ValueError: names the setting.
        """
        kind: Any = type(self)
        for name, hint in domains(kind).items():
            if hint == Amount and not name.endswith("_usd"):
                try:
                    self.to_units(getattr(self, name))
                except ValueError as error:
                    raise ValueError(f"protocol.{name}={getattr(self, name)}: {error}") from error

    @property
    def payout(self) -> float:
        """What a job pays for work, whole units of the market's asset: what gains are compared with."""
        raise NotImplementedError

    @property
    def price(self) -> int:
        """What a job takes of its poster until it is over, smallest units of the market's asset: reward and stake."""
        return self.to_units(self.payout)

    @property
    def poster_gas(self) -> int:
        """What a job's poster declares for all its calls together, at most; gas."""
        return 4_000_000

    def infeasible(self) -> Iterable[str]:
        """Why nobody could or would take part, if so; what posters lack is told of a world."""
        return ()

    def value(self, quality: float) -> float:
        """The buyer's willingness to pay for a model of `quality` (share of the scale), USD: linear above the floor."""
        return self.value_usd * max(0.0, (quality - self.value_floor) / (1 - self.value_floor))


@dataclass
class Market:
    """A protocol's contract as people use it: verbs to intentions, events to jobs, movements of money to causes."""

    world: World
    contract: Contract
    terms: Terms
    jobs: dict[Any, Job] = field(default_factory=dict)  # by the contract's id
    drafts: dict[str, Job] = field(default_factory=dict)  # by key: posted, not yet on chain
    posted: dict[bytes, list[Job]] = field(default_factory=dict)  # by poster, until it has what came of them

    opening_event: ClassVar[str] = ""  # the event that begins a job
    closing_event: ClassVar[str] = ""  # the event that ends it
    asset: ClassVar[str] = "ETH"  # what rewards and stakes are paid in
    duties: ClassVar[Mapping[str, str]] = {}  # duty → what it is about here, with its unit
    expects: ClassVar[tuple[str, ...]] = ()  # events without which a run is suspect

    @property
    def name(self) -> str:
        """The contract's name."""
        return self.contract.name_

    def event(self, name: str) -> Event:
        """Return an event of the contract by its name, or by its signature where several share the name."""
        return self.contract.event_(name)

    @property
    def news(self) -> tuple[Event, ...]:
        """Events after which something may be due."""
        raise NotImplementedError

    def __getattr__(self, name: str) -> Event:
        """An event of the contract by its name; a misspelt one raises and lists what exists."""
        if name.startswith("_") or name == "contract":
            raise AttributeError(name)
        return self.contract.event_(name)

    def does(self, verb: str, job: Job | None, call: Call, *, subject: Any = None, carries: Any = None) -> Call:
        """Tag an intention with what a stranger may read of it."""
        if verb not in VERBS:
            raise ValueError(f"unknown verb {verb!r}; there are {', '.join(VERBS)}")
        return call.tagged(verb, job, subject, carries)

    # --- what each protocol says --------------------------------------------------------------------------------

    @classmethod
    def deploy(cls, world: World, terms: Any) -> Market:
        """Deploy the protocol's contracts in a world, and return the market that binds them."""
        raise NotImplementedError

    def setup(self, me: Actor) -> Sequence[Call]:
        """What an account sends once, before it does anything else (such as an approval)."""
        return ()

    def relate(self, fact: Fact) -> Job | None:
        """The job that an event is about; the opening event makes it, the closing one ends it."""
        raise NotImplementedError

    def causes(
        self, call: Call, asset: str, sender: bytes, receiver: bytes, amount: int
    ) -> Iterable[tuple[str, int, str | None]]:
        """Why money moved: parts of the amount with (cause, amount, job's key)."""
        raise NotImplementedError

    def poke(self, job: Job) -> tuple[float, Call] | None:
        """What anybody may call next for a job and from when (Unix seconds); None when it is over."""
        raise NotImplementedError

    def problem(self, job: Job, me: Actor) -> Problem:
        """What somebody trains on and measures with: the job's own task, or a part of it that only it holds."""
        return job.task

    def answers(self, job: Job, me: Actor) -> bytes | None:
        """What somebody takes for the right answers to its problem's test items; None for the true ones."""
        return None

    def bare_seal(self, job: Job) -> bytes | None:
        """SHA-256 of SHA-256 of a job's labels, where nothing else is in their seal: who guesses them then knows it."""
        return None

    def handed(self, job: Job) -> Sequence[Subject]:
        """The models of the job's round that anybody can read already, those of the round's other workers too."""
        return ()

    def liabilities(self) -> dict[str, dict[str, int]]:
        """What the contract owes, by asset and by what for."""
        raise NotImplementedError

    def holdings(self) -> dict[str, int]:
        """What the contract holds, by asset."""
        token = self.world.tokens.get(self.asset)
        held = (
            self.world.engine.balance(self.contract.address_)
            if token is None
            else token.balanceOf(self.contract.address_)
        )
        return {self.asset: held}

    def kept(self) -> dict[str, int]:
        """What the contract keeps for good by its rules, such as fees, by asset."""
        return {}

    def withdraws(self, job: Job | None = None) -> Call:
        """Take what one is owed."""
        raise NotImplementedError

    @property
    def pulls(self) -> bool:
        """Whether people withdraw what they are owed, rather than being sent it."""
        return type(self).withdraws is not Market.withdraws

    def owed(self, address: bytes) -> int:
        """What an account may withdraw, in the market's asset."""
        raise NotImplementedError

    def delivered(self, job: Job) -> bytes | None:
        """The model that the poster of a job got, when it can be had."""
        raise NotImplementedError
