"""Model thief: honest in all that it does, and keeps what it gets to see of others' models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from slashpoint.agents.conduct import DUTIES, Conduct, resolved
from slashpoint.sim.domain import Among
from slashpoint.sim.market import VERBS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slashpoint.agents.conduct import Answered
    from slashpoint.agents.me import Me
    from slashpoint.agents.roles import Steps
    from slashpoint.sim.market import Job, Subject, Work

CID = 32  # bytes


@dataclass
class ModelThief(Conduct):
    """Does its duty, keeps the best model that it sees while doing it, and hopes to sell the copy.

    Its ways to a copy, the nearest first: `own` (it trained the model that was delivered), `judged` (it was given it to
    measure), `handed` (the market shows it to everybody), `public` (a content identifier on the chain leads to it).
    Nothing that it sends differs from an honest person's, so no contract notices. Source: the survey of networks (where
    many nodes execute again, the model is open to them, and its owner cannot sell it). Exposed by: nothing; the metrics
    `copies` and `copy_worth` count what it has.
    """

    duty: Annotated[str, Among(*DUTIES)] = "work"  # whose seat it takes: of the first role that has this duty

    seats: ClassVar[dict[str, int]] = {}

    def __post_init__(self) -> None:
        super().__post_init__()
        self.seats = {self.duty: 1}  # type: ignore[misc] # which seat it takes is a parameter of this conduct

    def enter(self, me: Me, job: Job) -> Answered[bool]:
        """Take part as everybody does, and wait for the end of the job."""
        self._waits(me, job)
        return super().enter(me, job)

    def work(self, me: Me, job: Job) -> Answered[Work | None]:
        """Do the work, and keep what it came to."""
        self._waits(me, job)
        work = yield from resolved(super().work(me, job))
        if work is not None:
            self._keeps(me, job, "own", work.model)
        return work

    def judge(self, me: Me, job: Job, subject: Subject) -> Answered[int | None]:
        """Judge, and keep what was judged."""
        self._waits(me, job)
        self._keeps(me, job, "judged", subject.model)
        return (yield from resolved(super().judge(me, job, subject)))

    def settle(self, me: Me, job: Job, subject: Subject) -> Answered[str]:
        """Settle, and keep what was handed in."""
        self._waits(me, job)
        self._keeps(me, job, "judged", subject.model)
        return (yield from resolved(super().settle(me, job, subject)))

    def _waits(self, me: Me, job: Job) -> None:
        """Begin to wait for the end of a job, once."""
        if not me.knowledge.knows(("waits", job.key)):
            me.knowledge.tells(("waits", job.key), True)
            me.detached(self._looks_back(me, job), "model_thief")

    def _looks_back(self, me: Me, job: Job) -> Steps:
        """Look for the delivered model among all that one has, once the job is over."""
        now = job.market.jobs.get(job.id, job)  # a round has a view of the job; this is the job itself
        while now.closed is None:
            yield me.until(me.now + me.block_time)
        sold = job.market.delivered(now)
        if sold is None:
            return
        for way, models in (
            ("own", self._kept(me, job, "own")), ("judged", self._kept(me, job, "judged")),
            ("handed", [one.model for one in job.market.handed(now)]), ("public", public(me, now)),
        ):  # fmt: skip
            if sold in models:
                me.keeps(now, way)
                return

    def _keeps(self, me: Me, job: Job, way: str, model: bytes | None) -> None:
        self._kept(me, job, way).append(model)

    @staticmethod
    def _kept(me: Me, job: Job, way: str) -> list[bytes | None]:
        key = ("kept", job.key, way)
        if not me.knowledge.knows(key):
            me.knowledge.tells(key, [])
        found: list[bytes | None] = me.knowledge.knows(key)
        return found


def public(me: Me, job: Job) -> Iterator[bytes]:
    """Yield what anybody finds in the content store by what calls and events of a job name.

    Args:
        me: who looks.
        job: what it is about.
    """
    facts, market = job.market.world.facts, job.market
    sources: list[Any] = [*VERBS, *(market.event(one) for one in market.contract.artifact_.interface.events)]
    for source in sources:
        for fact in facts.of(source, job.key):
            for value in fact.args.values():
                if isinstance(value, bytes) and len(value) == CID and (content := me.fetches(value)) is not None:
                    yield content
