"""Me: one account inside one script, and a script's only door to the world."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from slashpoint.agents.conduct import POWERS
from slashpoint.agents.free_entry import enters
from slashpoint.agents.pool import Pool
from slashpoint.sim.contract import Event
from slashpoint.sim.engine.keys import Signature, sign
from slashpoint.sim.errors import Misconfigured
from slashpoint.sim.facts import TELLER, Fact, Hearing, Inbox, Topic, past
from slashpoint.sim.intention import Pending
from slashpoint.sim.learning import Order
from slashpoint.sim.ledger import DutyRow
from slashpoint.sim.ledger.columns import COPY
from slashpoint.sim.ledger.money import Edge
from slashpoint.sim.ledger.text import plain
from slashpoint.sim.market import VERBS, Job
from slashpoint.sim.mempool import bumped
from slashpoint.sim.script import First, Script, Sleep, Wait
from slashpoint.sim.units import SECOND, nanoseconds

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence

    import numpy as np
    import numpy.typing as npt

    from slashpoint.agents.knowledge import Knowledge
    from slashpoint.agents.person import Account
    from slashpoint.agents.roles import Role
    from slashpoint.sim.contract import Call
    from slashpoint.sim.learning import Problem
    from slashpoint.sim.learning.poison import Poison
    from slashpoint.sim.luck import Luck
    from slashpoint.sim.market import Subject
    from slashpoint.sim.world import World

    Steps = Generator[Any, Any, Any]
    Source: TypeAlias = "Event | Topic | str"  # what one can wait for; a text is a verb


class Me:
    """One account inside one script. Times are Unix seconds, amounts smallest units.

    What waits is yielded: `receipt = yield me.sends(call)`. `me.job` is the job that the script is about, if any.
    """

    __slots__ = ("_because", "_scope", "_since", "_world", "account", "job")

    def __init__(self, world: World, account: Account, job: Job | None = None) -> None:
        self._world, self.account, self.job = world, account, job
        self._since = world.facts.count  # facts that were history when this script began
        self._scope: Script | None = None
        self._because: list[str] = []

    # --- who, when ----------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The account's name, such as `trainer/3`."""
        return self.account.name

    @property
    def address(self) -> bytes:
        """The account's address, 20 bytes."""
        return self.account.address

    @property
    def now(self) -> float:
        """Unix seconds, the axis of `block.timestamp`."""
        return self._world.env.now / SECOND

    @property
    def knowledge(self) -> Knowledge:
        """What all accounts of this person know together."""
        return self.account.person.knowledge

    @property
    def coalition(self) -> Knowledge:
        """What all members of this person's cartel know together."""
        return self.account.person.coalition

    def luck(self, *key: Any) -> Luck:
        """Return this person's luck for a purpose: keyed, so nobody else changes it."""
        return self.account.person.luck(*key)

    def salt(self, *key: Any) -> bytes:
        """32 secret bytes of this account for a purpose."""
        return self.account.person.luck("salt", self.name, *key).bytes(32)

    def signs(self, digest: bytes) -> Signature:
        """Sign 32 bytes with this account's key, as `v`, `r`, `s` or `packed`; needs `chain.addresses=keys`.

        What wallets sign as a message is keccak of the prefix of EIP-191 and the message.
        """
        if self._world.rules.addresses != "keys":
            raise Misconfigured(f"{self.name} signs, and has no key: set chain.addresses=keys")
        return sign(self.name, digest)

    def balance(self, asset: str = "ETH") -> int:
        """Return what this account holds, as of the latest block."""
        world = self._world
        return (
            world.engine.balance(self.address) if asset == "ETH" else int(world.tokens[asset].balanceOf(self.address))
        )

    @property
    def block_time(self) -> float:
        """Seconds between two blocks of the chain."""
        return self._world.chain.period / SECOND

    def in_time(self, deadline: float) -> bool:
        """Whether something sent now can be in a block before `deadline`: latency and one block from now."""
        return self._world.env.now + self.account.latency + self._world.chain.period < nanoseconds(deadline)

    # --- waiting ------------------------------------------------------------------------------------------------

    def until(self, time: float) -> Wait:
        """Wait until a moment: Unix seconds (at once when it has passed)."""
        return Sleep(self._world.env, self.account.rank, nanoseconds(time))

    def sees(
        self,
        *sources: Source,
        by: float | None = None,
        job: Job | None = None,
        teller: bytes | None = None,
        **where: Any,
    ) -> Wait:
        """Wait for a fact about this script's job, replayed since the job was born; None when `by` passes first.

        Args:
            sources: events of a market (`market.TruthUploaded`), topics of messages, or verbs (`"claims"`).
            by: Unix seconds.
            job: another job than the script's.
            teller: the address that must have told it, or sent the transaction; anybody by default.
            where: what the event's arguments must equal; of a verb, its `subject` and what it `carries`.
        """
        job = job or self.job
        sources = self._checked(sources, where)
        if teller is not None:
            where[TELLER] = teller
        key, born = (job.key, job.born) if job is not None else (None, 0)
        facts = self._world.facts
        return self._hearing(by, None, where).begin(facts, sources, key, past(facts, sources, key, 0, born))

    def hears(self, *sources: Source, job: Job | None = None, replay: bool = False) -> Inbox:
        """Return a stream of facts: every one from now on (of a job: since it was born), in order, none lost.

        Args:
            sources: as of `sees`.
            job: what they are about; any job or none by default.
            replay: of any job, first what came since this script began: who was still setting up misses nothing.
        """
        since = 0 if job is not None else self._since if replay else self._world.facts.count
        return Inbox(self._world.facts, self._hearing, self._checked(sources), job.key if job else None, since)

    def facts(self, source: Source, job: Job) -> Sequence[Fact]:
        """Return what is past of a source about a job and was heard by now, oldest first.

        Args:
            source: an event, a topic of messages, or a verb.
            job: what it is about.
        """
        self._checked((source,))
        since = self._world.env.now - self.account.latency
        return [fact for fact in self._world.facts.of(source, job.key) if fact.time <= since or fact.by == self.address]

    def _hearing(self, by: float | None, inbox: Inbox | None, where: dict[str, Any] | None = None) -> Hearing:
        due = None if by is None else nanoseconds(by)
        return Hearing(self._world.env, self.account.rank, self.account.latency, where or {}, due, inbox)

    @staticmethod
    def _checked(sources: tuple[Source, ...], where: Iterable[str] = ()) -> tuple[Source, ...]:
        for source in sources:
            if not isinstance(source, (Event, Topic)) and source not in VERBS:
                raise ValueError(f"{source!r} is neither an event nor a verb; verbs are {', '.join(VERBS)}")
            fields = ("subject", "carries") if isinstance(source, str) else source.fields
            if strange := [name for name in where if name not in fields]:
                raise ValueError(f"{source!r} has no {', '.join(strange)}; it has {', '.join(fields)}")
        return sources

    def first(self, by: float | None = None, **waits: Wait) -> Wait:
        """Wait for the first of several: `(name, value)`, as written within an instant; `("late", None)` at `by`."""
        return First(self._world.env, self.account.rank, waits, None if by is None else nanoseconds(by))

    def spawn(self, script: Callable[..., Steps], job: Job | None = None, *args: Any) -> Script:
        """Start a script beside this one, in a scope of its own; it ends when this one is cancelled.

        Args:
            script: a generator function that takes a `Me`, the job and the arguments.
            job: what it is about; by default what this script is about, which it is not given.
            args: what else it takes.
        """
        me = Me(self._world, self.account, job or self.job)
        steps = script(me, *(() if job is None else (job,)), *args)
        return me._start(steps, f"{script.__qualname__} of {self.name}", self._scope)

    def detached(self, steps: Steps, name: str) -> Script:
        """Start a script that belongs to nobody: it goes on when its starter is cancelled.

        Args:
            steps: a generator.
            name: what errors call it.
        """
        return Script(self._world.env, self.account.rank, steps, f"{name} of {self.name}")

    def beside(self, steps: Steps, name: str) -> Script:
        """Start a generator as a child of this script.

        Args:
            steps: a generator.
            name: what errors call it.
        """
        return Script(self._world.env, self.account.rank, steps, f"{name} of {self.name}", self._scope)

    def plays(self, role: Role) -> Script:
        """Start a role's life as a script of its own."""
        return self._start(role.lives(self), f"{type(role).__name__}.live of {self.name}", None)

    def _start(self, steps: Steps, name: str, parent: Script | None) -> Script:
        self._scope = Script(self._world.env, self.account.rank, steps, name, parent)
        return self._scope

    # --- acting -------------------------------------------------------------------------------------------------

    def sends(
        self,
        call: Call,
        *,
        tip: int | None = None,
        max_fee: int | None = None,
        by: float | None = None,
        replaces: Wait | None = None,
    ) -> Wait:
        """Send an intention; its `Receipt` comes when a block has it, or when it was dropped.

        Args:
            call: what a market's verb, or a contract's function, made.
            tip: wei per gas for whoever builds the block; by default the chain's usual.
            max_fee: wei per gas at most; by default 2 × base fee + tip.
            by: Unix seconds from which it is worthless and dropped.
            replaces: what sending another gave: if that still waits when this arrives, and tip and max_fee are a tenth
                higher each (by default at least so much), this takes its nonce, and that is dropped; else this is.
        """
        world, account = self._world, self.account
        if account.person.removed:
            raise RuntimeError(f"{self.name} was removed from the world and sends nothing more")
        env, chain = world.env, world.chain
        now = env.now
        old = None if replaces is None else chain.mempool.standing(self.address, replaces)
        if tip is None:
            tip = chain.tip if old is None else max(chain.tip, bumped(old.tip))
        if max_fee is None:
            max_fee = 2 * chain.base_fee + tip
            if old is not None:
                max_fee = max(max_fee, bumped(old.max_fee))
        due = None if by is None else nanoseconds(by)
        done = Wait(env, account.rank)
        why = ""
        if self._because:
            why = " ".join(self._because)
            self._because.clear()
        arrival = now + account.latency
        world.send(Pending(account, call, tip, max_fee, account.next_nonce, now, arrival, due, done, why, replaces))
        if replaces is None:
            account.next_nonce += 1
        return done

    def tells(self, topic: Topic, job: Job, **fields: Any) -> Fact:
        """Send a message outside the chain; whoever listens has it when both latencies are over.

        Args:
            topic: what kind of message it is.
            job: what it is about.
            fields: what it says, by the topic's names.
        """
        if strange := set(topic.fields) ^ set(fields):
            raise ValueError(f"{topic.name} says {', '.join(topic.fields)}: {', '.join(sorted(strange))} is not so")
        message = Fact(topic.name, self._world.env.now + self.account.latency, self.address, job, fields)
        self._world.facts.publish(topic, message)
        return message

    def answered(self, role: str, duty: str, job: Job, about: Any, by: str, answer: str) -> None:
        """Write down who answered a duty and how; what is sent next follows from it.

        Args:
            role: the role's name.
            duty: the duty's name.
            job: what it is about.
            about: the subject, or its id.
            by: the method that answered.
            answer: the answer in a few words.
        """
        self._because.append(f"{duty}={by}")
        world, account = self._world, self.account
        subject = about if isinstance(about, str) else getattr(about, "id", None)
        if isinstance(subject, bytes):
            subject = world.name_of(subject) if subject in world.accounts else plain(subject)
        world.ledger.duties.append(
            DutyRow(
                time_ns=world.env.now,
                account=account.name,
                controller=account.controller,
                role=role,
                duty=duty,
                job=job.key,
                subject=None if subject is None else str(subject),
                by=by,
                answer=answer,
            )
        )

    def keeps(self, job: Job, way: str) -> None:
        """Write down that one has a copy of the model that a job delivered, for the metrics `copies` and `copy_worth`.

        Args:
            job: what was delivered.
            way: how one came by it, in a word.
        """
        world, account = self._world, self.account
        world.ledger.duties.append(
            DutyRow(
                time_ns=world.env.now,
                account=account.name,
                controller=account.controller,
                role=account.roles[0],
                duty=COPY,
                job=job.key,
                subject=way,
                by=f"{type(account.person.conduct).__name__}.keeps",
                answer="has the model",
            )
        )

    def publishes(self, content: bytes) -> bytes:
        """Put content into the content store and keep it there; returns its CID, 32 bytes."""
        return self._world.store.put(content, self.name)

    def fetches(self, cid: bytes) -> bytes | None:
        """Content by its CID; None when nobody keeps it."""
        return self._world.store.get(cid)

    # --- learning -----------------------------------------------------------------------------------------------

    def trains(
        self, job: Job, effort: float = 1.0, twist: str = "", poison: Poison | None = None, *, leak: bool = False
    ) -> Script:
        """Train a model on the person's one device; takes simulated time and costs compute. Value: the artefact.

        It starts from the job's base, if it has one, and uses what data this person has for the job. Where work must be
        exact, it uses all data and public randomness, so that everybody's training is equal to the bit.

        Args:
            job: what to train for.
            effort: share of a full training.
            twist: makes another model of the same effort.
            poison: what it does to its rows first.
            leak: with the test items among its rows: their labels are public, or one's own coalition has them.
        """
        person = self.account.person
        problem = job.market.problem(job, self)
        if leak and job.poster not in self.coalition.addresses and job.market.answers(job, self) is None:
            self._needs("oracle", "trains on test items whose labels are not public")
        again = f"{twist}/{job.round}" if job.round and not problem.seed else twist  # a round has luck of its own
        who, share = ("", 1.0) if job.exact else (person.name, person.traits.data_share)
        done = poison if poison is not None else job.market.spoilt(job, self)
        order = Order(who, problem, effort, share, again, leak, job.base, done)
        return self.beside(self._training(order, job), "training")

    def _training(self, order: Order, job: Job) -> Steps:
        world, workshop = self._world, self._world.training_cache
        seconds = workshop.task.duration(order)
        workshop.expect(order)
        yield from self._occupies(seconds, job)
        world.recorder.trained(self.account, order, job.key, seconds / self.account.person.traits.speed)
        return workshop.model(order)

    def _occupies(self, seconds: float, job: Job) -> Steps:
        """Use the device for `seconds` of the reference device; what was used is charged, also when cancelled."""
        world, traits = self._world, self.account.person.traits
        with self.account.person.device.request() as turn:
            yield turn
            start = world.env.now
            self.account.person.works(job.key)
            try:
                yield Sleep(world.env, self.account.rank, start + nanoseconds(seconds / traits.speed))
            finally:
                self.account.person.works(None)
                hours = (world.env.now - start) / SECOND / 3600
                world.recorder.compute(self.account, hours * traits.compute_usd_hour, job.key)

    def metered(self, job: Job) -> float:
        """Return the seconds that this person's device has worked for a job until now."""
        person, now = self.account.person, self._world.env.now
        running = now - person.busy[1] if person.busy is not None and person.busy[0] == job.key else 0
        return (person.used.get(job.key, 0) + running) / SECOND

    def hires(self, dollars: float, seconds: float, job: Job) -> Wait:
        """Pay people for work outside the chain, and wait until it is done; charged at once, like compute.

        Args:
            dollars: USD.
            seconds: how long it takes.
            job: what it is charged to.
        """
        self._world.recorder.compute(self.account, dollars, job.key, Edge.PEOPLE)
        return self.until(self.now + seconds)

    def predicts(self, model: bytes, job: Job) -> bytes:
        """Return a model's predictions on the job's unlabelled test items, one byte each.

        Args:
            model: an artefact of the task.
            job: what it is about.
        """
        return self._world.training_cache.task.predict(model, job.task)

    def measures(self, subject: Subject, job: Job) -> Script:
        """Evaluate another's model on the test items one has, which costs a little. Value: the count correct."""
        return self.beside(self._measuring(subject, job), "measuring")

    def _measuring(self, subject: Subject, job: Job) -> Steps:
        yield from self._occupies(job.market.measuring(subject, job, self), job)
        return job.market.measure(subject, job, self)

    def trust(self, job: Job, rows: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float64]:
        """Return how unlike one's training data queries are, for whoever answers them to tell who asks.

        Takes no simulated time. Of 100 such numbers for usual rows one is above 99: see `Novelty.percentile`.

        Args:
            job: whose training data one has.
            rows: what is asked about, shape (rows, inputs).

        Returns:
            Percentiles of the reconstruction error, 0 … 100, shape (rows,).
        """
        return self._world.training_cache.novelty(job.market.problem(job, self)).percentile(rows)

    def weights(self, model: bytes) -> npt.NDArray[np.float32] | None:
        """Return a model as one flat vector, None when it is no model of the task."""
        return self._world.training_cache.task.weights(model)

    def assembles(self, weights: npt.NDArray[np.floating[Any]]) -> bytes:
        """Return the model that a flat vector is."""
        return self._world.training_cache.task.assemble(weights)

    def labels(self, job: Job) -> bytes:
        """Return the true labels of one's own job, or of one on data of one's own, one byte a test item.

        Of all its rows while the test items are still to be drawn out of them. Anybody else's are refused.
        """
        if self.knowledge.addresses.isdisjoint((job.poster, job.holder)):
            self._needs("oracle", "reads the labels of another's job")
        task = self._world.training_cache.task
        return task.pool(job.task) if job.undrawn else task.labels(job.task)

    def commissions(self) -> list[tuple[int, float]]:
        """Return the jobs that this person is to post: (number, Unix seconds)."""
        return self._world.demand.get(self.account.name, [])

    def tasks(self, number: int) -> Any:
        """Return a problem to commission: the person's `number`-th, as (problem, files for the content store)."""
        problem = self._world.training_cache.task.problem(self.luck("commission", number))
        return problem, self.files(problem)

    def files(self, problem: Problem) -> dict[str, bytes]:
        """Return the files of a problem, for the content store."""
        return self._world.training_cache.task.files(problem)

    def gains(self, job: Job) -> bool:
        """Whether taking part in a job promises more than one's outside option; always, where entry is not free."""
        accounts = self._world.job_accounts
        return accounts is None or enters(self._world, accounts, self.account, job)

    # --- powers -------------------------------------------------------------------------------------------------

    @property
    def pool(self) -> Pool:
        """Others' pending intentions, for those with the power `mempool`."""
        self._needs("mempool", "reads the mempool")
        return Pool(self._world, self.account)

    def _needs(self, power: str, deed: str) -> None:
        conduct = self.account.person.conduct
        assert power in POWERS, power
        if power not in conduct.powers:
            raise PermissionError(
                f"{self.name} {deed}, which takes a power: declare powers = frozenset({{{power!r}}}) "
                f"in {type(conduct).__name__}"
            )
