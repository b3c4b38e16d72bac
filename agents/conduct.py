"""Conduct: how a person answers the duties of a role. The honest answers are the base class of every attack."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - the catalogue reads the types of conducts
from dataclasses import dataclass, fields
from inspect import isgenerator
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias, TypeVar, cast

from slashpoint.sim.domain import check
from slashpoint.sim.market import Work

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

    from slashpoint.agents.me import Me
    from slashpoint.sim.market import Job, Subject

    T = TypeVar("T")
    Answer = Generator[Any, Any, T]  # one that waits first
    Answered: TypeAlias = "T | Answer[T]"  # a duty may be answered at once, or wait

POWERS = ("mempool", "oracle")  # to read others' pending intentions; to know what nobody has published
DUTIES = ("enter", "work", "claim", "judge", "reveal", "truth", "settle")


def resolved(answer: Answered[T]) -> Answer[T]:
    """Wait for an answer where it waits; one that is there already is it."""
    return (yield from answer) if isgenerator(answer) else cast("T", answer)


@dataclass
class Conduct:
    """How an honest person answers each duty; an attack subclasses it and overrides the duties that it changes.

    Every conduct is a dataclass: its fields are its parameters. An answer is a plain value, or a generator that
    waits. `super()` is how attacks compose: `attack=[sybil,overclaim]` asks Sybil first.
    """

    powers: ClassVar[frozenset[str]] = frozenset()  # what it may see or do beyond an honest person's means
    seats: ClassVar[Mapping[str, int]] = {}  # how many it takes, by duty; else one where it changes a duty
    modifies: ClassVar[bool] = False  # it shapes how others are carried out (Sybil) and changes no duty's answer itself
    script: ClassVar[type | None] = None  # a subclass of a role, named like it, that is played in its place: an exploit

    def __post_init__(self) -> None:
        check(self, f"attack.{type(self).__module__.rpartition('.')[2]}")

    @property
    def reads(self) -> Mapping[str, Sequence[Path]]:
        """The files that each parameter stands for, by its name: what they hold counts, not where they lie."""
        return {}

    def identities(self, role: type) -> int:
        """How many accounts it plays a role with."""
        return 1

    def enter(self, me: Me, job: Job) -> Answered[bool]:
        """Join a job? Honest: where entry is free, if it promises more than one's outside option; else always."""
        return me.gains(job)

    def work(self, me: Me, job: Job) -> Answered[Work | None]:
        """Do the work. Honest: train as asked, predict with the model."""
        model = yield me.trains(job)
        return Work(model=model, predictions=me.predicts(model, job))

    def claim(self, me: Me, job: Job, measured: int) -> Answered[int | None]:
        """Report a measurement of one's own work. Honest: what was measured.

        Args:
            me: the account that acts.
            job: what it is about.
            measured: right answers of one's own work.
        """
        return measured

    def judge(self, me: Me, job: Job, subject: Subject) -> Answered[int | None]:
        """Judge another's work. Honest: measure it, which costs; where work is redone, do it again and compare."""
        if job.redone:
            own = yield me.trains(job)
            return job.market.compares(job, subject, own)
        return (yield me.measures(subject, job))

    def reveal(self, me: Me, job: Job, what: str) -> Answered[bool | str]:
        """Reveal what was committed (`truth`, `work` or `report`) in time? Honest: yes.

        `"unpinned"` reveals the hash that was committed, and does not publish the content.
        """
        return True

    def truth(self, me: Me, job: Job) -> Answered[bytes]:
        """Return the labels to commit to. Honest: the true ones."""
        return me.labels(job)

    def settle(self, me: Me, job: Job, subject: Subject) -> Answered[str]:
        """Pay, accept, check or dispute another's work. Honest: check at random; else accept what measures well."""
        if job.market.inspects(job):
            return "check"
        measured = yield me.measures(subject, job)
        return "accept" if 2 * measured >= subject.scale else "dispute"


def compose(*conducts: Conduct) -> Conduct:
    """One conduct of several by cooperative inheritance, leftmost asked first.

    Raises:
        TypeError: when two answer the same duty and the left one never calls `super`, so that the right is dead.
    """
    if not conducts:
        return Conduct()
    if len(conducts) == 1:
        return conducts[0]
    kinds = [type(conduct) for conduct in conducts]
    for left, right in ((a, b) for i, a in enumerate(kinds) for b in kinds[i + 1 :]):
        for duty in sorted(overridden_duties(left) & overridden_duties(right)):
            if "super" not in getattr(left, duty).__code__.co_names:
                raise TypeError(
                    f"{left.__name__} and {right.__name__} both answer {duty!r}, and {left.__name__} never calls "
                    f"super: put {right.__name__} first, or choose one"
                )
    body = {
        "powers": frozenset().union(*(kind.powers for kind in kinds)),
        "__doc__": " + ".join(k.__name__ for k in kinds),
    }
    body["seats"] = next((kind.seats for kind in kinds if kind.seats and not kind.modifies), {})
    parameters: dict[str, Any] = {}
    for conduct in conducts:
        for parameter in fields(conduct):
            parameters.setdefault(parameter.name, getattr(conduct, parameter.name))
    together: Any = dataclass(type("+".join(kind.__name__ for kind in kinds), tuple(kinds), body))
    return together(**parameters)  # type: ignore[no-any-return] # what `type` makes has no type


def overridden_duties(kind: type[Conduct]) -> frozenset[str]:
    """Return the duties that a conduct answers in its own way."""
    return frozenset(duty for duty in DUTIES if getattr(kind, duty) is not getattr(Conduct, duty))
