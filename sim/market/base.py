"""Market: a protocol's contract as people use it, and what is so of most contracts unless a protocol says otherwise."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from slashpoint.sim.contract import Artifact
from slashpoint.sim.ledger.money import Cause
from slashpoint.sim.market.contracts import Contracts
from slashpoint.sim.market.words import CARRY_CID, EARNS, NO_CID, UNAVAILABLE, VERBS, Job

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from slashpoint.sim.contract import Birth, Call, Contract, Event
    from slashpoint.sim.facts import Fact
    from slashpoint.sim.learning import Problem
    from slashpoint.sim.learning.poison import Poison
    from slashpoint.sim.market.terms import Terms
    from slashpoint.sim.market.words import Actor, Subject
    from slashpoint.sim.world import World

UNLIMITED = 2**256 - 1  # an allowance that never runs out
Parts = list[tuple[str, int, str | None]]  # of an amount of money: (cause, smallest units, job's key)


@dataclass
class Market(Contracts):
    """A protocol's contract as people use it: verbs to intentions, events to jobs, movements of money to causes."""

    world: World
    contract: Contract
    terms: Terms
    jobs: dict[Any, Job] = field(default_factory=dict)  # by the contract's id
    drafts: dict[str, Job] = field(default_factory=dict)  # by key: posted, not yet on chain
    posted: dict[bytes, list[Job]] = field(default_factory=dict)  # by poster, until it has what came of them
    paid_in: dict[str | None, int] = field(default_factory=lambda: defaultdict(int))  # net, by job's key
    put_up: dict[bytes, int] = field(default_factory=lambda: defaultdict(int))  # by account: stakes that are not back
    stakers: set[tuple[str | None, bytes]] = field(default_factory=set)  # by job's key and account: ever put a stake up
    others: tuple[Contract, ...] = ()  # further contracts that are its own
    births: Mapping[str, Birth] = field(default_factory=dict)  # by the event of a factory that says what was born

    opening_event: ClassVar[str] = ""  # the event that begins a job
    closing_events: ClassVar[tuple[str, ...]] = ()  # the events that end it
    arguments: ClassVar[Mapping[str, str]] = {}  # `id`, `deadline`, `state`, `winner`: its words for them
    outcomes: ClassVar[Mapping[int, str]] = {}  # the contract's final states in words; else the closing event's name
    state_names: ClassVar[Sequence[str]] = ()  # all states of a job in words, in the contract's order
    asset: ClassVar[str] = "ETH"  # what rewards and stakes are paid in
    pays_for: ClassVar[tuple[str, ...]] = EARNS  # verbs: a job may pay whoever sent such a call for it
    duties: ClassVar[Mapping[str, str]] = {}  # duty → what it is about here, with its unit
    expects: ClassVar[tuple[str, ...]] = ()  # events without which a run is suspect

    @property
    def name(self) -> str:
        """The name of the market's contract."""
        return self.contract.name_

    @property
    def usual(self) -> frozenset[str]:
        """Return the duties that any run with jobs asks for: all, unless a market leaves some to chance."""
        return frozenset(self.duties)

    @property
    def news(self) -> tuple[Event, ...]:
        """Return the events after which something may be due: all of its contracts', unless a market names its own."""
        return tuple(
            each.event_(one)
            for each in self.sources
            for one in sorted({e.signature for same in each.artifact_.interface.events.values() for e in same})
        )

    def argument(self, name: str) -> str:
        """Return what the contract's events call `id`, `deadline`, `state` or `winner`."""
        return self.arguments.get(name, name)

    def __getattr__(self, name: str) -> Event:
        """Return an event of its contracts by its name; a misspelt one raises and lists what exists."""
        if name.startswith("_") or name == "contract":
            raise AttributeError(name)
        return self.event(name)

    def does(self, verb: str, job: Job | None, call: Call, *, subject: Any = None, carries: Any = None) -> Call:
        """Tag an intention with what a stranger may read of it.

        Args:
            verb: one of `VERBS`.
            job: what it is about, if it is about one.
            call: of a function of the contract.
            subject: whose work it is about.
            carries: what it gives away: a commitment, a number, a preimage.
        """
        if verb not in VERBS:
            raise ValueError(f"unknown verb {verb!r}; there are {', '.join(VERBS)}")
        return call.tagged(verb, job, subject, carries)

    # --- what each protocol says --------------------------------------------------------------------------------

    @classmethod
    def deploy(cls, world: World, terms: Any) -> Market:
        """Deploy the protocol's contracts in a world, and return the market that binds them."""
        raise NotImplementedError

    @classmethod
    def deploy_coin(cls, world: World, terms: Terms, *, airdrop: bool = False) -> Contract:
        """Put the market's token on a world's chain, tell the terms its decimals, and return it.

        Args:
            world: where.
            terms: the protocol's.
            airdrop: whether everybody may take some for nothing.
        """
        token = world.deploy(Artifact.ours("ModelCoin"), airdrop, symbol=cls.asset)
        terms.decimals = world.decimals[cls.asset]
        return token

    @staticmethod
    def needs_weights(world: World) -> None:
        """Refuse a world whose task is not really trained: its models have no weights.

        Raises:
            ValueError: it is not.
        """
        try:
            world.training_cache.task.weights(b"")
        except NotImplementedError as error:
            raise ValueError(error) from error

    def setup(self, me: Actor) -> Sequence[Call]:
        """Return what an account sends once, before anything else: it lets the contract take its tokens, if any."""
        if self.asset not in self.world.tokens:
            return ()
        token = self.world.tokens[self.asset]
        return (self.does("approves", None, token.approve(self.contract.address_, UNLIMITED, gas=60_000)),)

    def draft(self, me: Actor, problem: Problem) -> Job:
        """Return a job that an account is about to post, for what it costs; a market sets its stake, say.

        Args:
            me: the account that acts.
            problem: what is to be learnt.
        """
        job = Job(problem.key, self, problem, self.terms, me.address, scale=problem.scale)
        job.reward = self.terms.price
        self.drafts[job.key] = job
        return job

    def begins(self, fact: Fact) -> tuple[str | None, bytes, float]:
        """Return what an opening event says: the draft's key, the poster's address, the deadline (Unix seconds).

        Unless a market knows better, the draft is the one that the transaction was to post.
        """
        return fact.job.key if fact.job is not None else None, fact.by, float(fact.args[self.argument("deadline")])

    def identity(self, fact: Fact) -> Any:
        """Return the id of the job that an event is about.

        Unless a market knows better it is the event's argument for it, or else the address of the contract that said
        it: a factory's jobs are often contracts.
        """
        return fact.args.get(self.argument("id"), fact.args.get("id", fact.at))

    def notes(self, fact: Fact, job: Job) -> None:
        """Keep what an event says of a job, where a market needs it later."""

    def outcome(self, fact: Fact) -> str:
        """Return what a closing event says that came of a job, in words."""
        return self.outcomes[fact.args[self.argument("state")]] if self.outcomes else fact.event

    def relate(self, fact: Fact) -> Job | None:
        """Return the job that an event is about; None for a stranger's, on data that nobody has.

        The opening event makes it of its draft, a closing one ends it.
        """
        args, number = fact.args, self.identity(fact)
        if fact.event == self.opening_event:
            key, poster, deadline = self.begins(fact)
            job = self.drafts.get(key) if key is not None else None
            if job is not None and job.poster == poster:
                del self.drafts[job.key]
                job.id, job.born, job.deadline = number, fact.time, deadline
                self.jobs[job.id] = job
                self.posted.setdefault(poster, []).append(job)
        job = self.jobs.get(number)
        if job is not None:
            self.notes(fact, job)
            if fact.event in self.closing_events:
                job.closed, job.outcome = fact.time, self.outcome(fact)
                winner = args.get(self.argument("winner"), b"")
                job.winner = winner if any(winner) else None
        return job

    def causes(
        self, call: Call, asset: str, sender: bytes, receiver: bytes, amount: int
    ) -> Iterable[tuple[str, int, str | None]]:
        """Return why money moved: parts of the amount with (cause, smallest units, job's key).

        Unless a market knows better: posters pay deposits in and others stakes; a poster gets a refund, and others
        their stakes back and then rewards. What goes to somebody who did nothing for the job that it `pays_for`, and
        put no stake up, is of unknown cause. It is asked once for each transfer, in order.

        Args:
            call: what the transaction called.
            asset: what moved.
            sender: an address.
            receiver: an address.
            amount: smallest units.
        """
        job, ours = call.job, self.addresses
        key = job.key if job is not None else None
        if asset == self.asset and sender in ours and receiver in ours:
            return [(Cause.INTERNAL.value, amount, key)]
        if (sender in ours) == (receiver in ours) or asset != self.asset:
            return [(Cause.UNKNOWN.value, amount, key)]
        poster = job.poster if job is not None else b""
        if receiver in ours:
            self.paid_in[key] += amount
            if sender == poster:
                return [(Cause.DEPOSIT.value, amount, key)]
            self.put_up[sender] += amount
            self.stakers.add((key, sender))
            return [(Cause.STAKE.value, amount, key)]
        self.paid_in[key] -= amount
        if receiver == poster:
            return [(Cause.REFUND.value, amount, key)]
        back = min(amount, self.put_up[receiver])
        self.put_up[receiver] -= back
        why = Cause.REWARD if amount > back and self.took_part(receiver, key) else Cause.UNKNOWN
        parts = ((Cause.STAKE.value, back, key), (why.value, amount - back, key))
        return [part for part in parts if part[1]]

    def took_part(self, address: bytes, key: str | None) -> bool:
        """Return whether an account put a stake up for a job, or did something for it that the market `pays_for`.

        Args:
            address: the account's, 20 bytes.
            key: the job's; None for any job.
        """
        if not self.stakers.isdisjoint(((key, address), (None, address))):
            return True
        return any(fact.by == address for verb in self.pays_for for fact in self.world.facts.of(verb, key))

    def poke(self, job: Job) -> tuple[float, Call] | None:
        """Return what anybody may call next for a job and from when (Unix seconds); None when nothing is due."""
        return None

    def problem(self, job: Job, me: Actor) -> Problem:
        """Return what somebody trains on and measures with: the job's own task, or a part of it that only it holds."""
        return job.task

    def spoilt(self, job: Job, me: Actor) -> Poison | None:
        """Return what was done to the rows that somebody trains on before it got them; None for nothing."""
        return None

    def measuring(self, subject: Subject, job: Job, me: Actor) -> float:
        """Return how many seconds of the reference device it takes to measure somebody's work.

        Args:
            subject: the work.
            job: what it is about.
            me: who measures.
        """
        return self.world.training_cache.task.seconds / 100

    def measure(self, subject: Subject, job: Job, me: Actor) -> int:
        """Return how good somebody's work is: of a model, how many test items it gets right; 0 where there is none.

        Args:
            subject: the work.
            job: what it is about.
            me: who measures.
        """
        if subject.model is None:
            return 0
        return self.world.training_cache.score(subject.model, self.problem(job, me), self.answers(job, me))

    def answers(self, job: Job, me: Actor) -> bytes | None:
        """Return what somebody takes for the right answers to its problem's test items; None for the true ones."""
        return None

    def unsalted_commitment(self, job: Job) -> bytes | None:
        """Return SHA-256 of SHA-256 of a job's labels, where their commitment is no more: who guesses them knows it."""
        return None

    def inspects(self, job: Job) -> bool:
        """Return whether an honest poster has a job's work looked into, however good it seems."""
        return False

    def compares(self, job: Job, subject: Subject, own: bytes) -> int:
        """Return how much of somebody's work is as in one's own, where judges do the work again (`job.redone`).

        Args:
            job: what it is about.
            subject: the work in question.
            own: the model that one made of the same job.
        """
        raise NotImplementedError

    def handed(self, job: Job) -> Sequence[Subject]:
        """Return the models of the job's round that anybody can read already, the other workers' too."""
        return ()

    def liabilities(self) -> dict[str, dict[str, int]]:
        """Return what its contracts owe, by asset and by what for.

        Unless a market reads it from the contract, each job is owed what was paid in for it and not out: a contract
        that pays more out for one job than was paid in for it is short of what another's people are owed.
        """
        return {self.asset: {f"for job {key}": amount for key, amount in self.paid_in.items() if amount > 0}}

    def holdings(self) -> dict[str, int]:
        """Return what its contracts hold, by asset."""
        world, booked = self.world, self.world.booked[self.asset]
        token = world.tokens.get(self.asset)
        held = world.engine.balance if token is None else token.balanceOf
        main = self.contract.address_
        return {self.asset: sum(held(each) for each in self.addresses if each == main or each in booked)}

    def kept(self) -> dict[str, int]:
        """Return what its contracts keep for good by their rules, such as fees, by asset."""
        return {}

    def withdraws(self, job: Job | None = None) -> Call:
        """Return the call that takes what one is owed, where people withdraw it rather than being sent it."""
        raise NotImplementedError

    @property
    def pulls(self) -> bool:
        """Whether people withdraw what they are owed, rather than being sent it."""
        return type(self).withdraws is not Market.withdraws

    def owed(self, address: bytes) -> int:
        """Return what an account may withdraw, in the market's asset; nothing where people are sent it."""
        return 0

    def delivered(self, job: Job) -> bytes | None:
        """Return the model that the poster of a job got, when it can be had.

        Unless a market knows better its CID is what the winner's last `reveals` carried, or else its last `submits`.
        """
        cid = self.handed_cid(job)
        return None if cid is None else self.world.store.get(cid)

    def handed_cid(self, job: Job) -> bytes | None:
        """Return the CID that the winner's calls carried last: revealed, or else submitted; None where none did."""
        for verb in CARRY_CID:
            handed = [fact for fact in self.world.facts.of(verb, job.key) if fact.by == job.winner]
            carried = handed[-1].args["carries"] if handed else None
            if isinstance(carried, bytes) and len(carried) == 32:
                return carried
        return None

    def undelivered(self, job: Job) -> str:
        """Return why nobody got the model that won: nobody has it, or the usual `delivered` found no CID of it."""
        usual = type(self).delivered is Market.delivered
        return NO_CID if usual and self.handed_cid(job) is None else UNAVAILABLE
