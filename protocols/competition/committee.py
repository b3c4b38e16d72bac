"""Who may report on which model, where miners are drawn: what must hold of enrolment, of the draw, and of absence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slashpoint.sim.contract import keccak
from slashpoint.sim.invariants import invariant
from slashpoint.sim.market.vault import Vaulted
from slashpoint.sim.units import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from slashpoint.sim.facts import Fact
    from slashpoint.sim.market import Job
    from slashpoint.sim.world import World


@dataclass
class Seated(Vaulted):
    """A competition's own account of its miners' committees, which it draws itself from the seed that was told."""

    terms: Any  # the rules

    def clock(self, job: Job) -> Any:
        """When a competition's windows end."""
        raise NotImplementedError

    def _stirred(self, world: World) -> list[Job]:
        return [job for job in self._now(world).values() if job is not None]

    def _fresh(self, event: str, job: Job) -> list[Fact]:
        """Return the latest block's events."""
        return [fact for fact in self._events_of(event, job) if fact.time == self.last_event_time]

    def enrolled(self, job: Job) -> Sequence[bytes]:
        """Return the miners who are there to be drawn, in their order."""
        return [fact.miner for fact in self._events_of("Enrolled", job)]

    def committee(self, job: Job, model: int) -> Sequence[bytes]:
        """Who is to report on a model: the first cards of a shuffled pack; nobody before the draw.

        Args:
            job: what it is about.
            model: the model's number.
        """
        pack, drawn = list(self.enrolled(job)), self._events_of("CommitteesDrawn", job)
        if not drawn:
            return ()
        for place in range(n := min(len(pack), self.terms.committee)):
            other = place + _number(drawn[0].seed, model, place) % (len(pack) - place)
            pack[place], pack[other] = pack[other], pack[place]
        return pack[:n]

    def absent(self, job: Job) -> set[bytes]:
        """Who was drawn for a model that was judged since, and filed no report on it."""
        filed = {
            (fact.model, fact.miner)
            for fact in self._events_of("ReportCommitted" if self.terms.commit_reports else "Reported", job)
        }
        return {
            who
            for fact in self._events_of("ModelJudged", job)
            for who in self.committee(job, fact.model)
            if (fact.model, who) not in filed
        }

    @invariant
    def miners_enrol_before_the_draw(self, world: World) -> Iterator[str]:
        """Who enrols does so for itself, once, while models are handed in, and does not compete."""
        for job in self._stirred(world):
            clock, miners = self.clock(job), self.enrolled(job)
            members = {fact.competitor for fact in self._events_of("Registered", job)}
            for fact in self._fresh("Enrolled", job):
                where = f"competition {job.id}: {world.name_of(fact.miner)}"
                if fact.by != fact.miner or miners.count(fact.miner) > 1 or not self.terms.committee:
                    yield f"{where} was enrolled again, by somebody else, or where nobody is drawn"
                if fact.miner in members and not self.terms.dual_role:
                    yield f"{where} competes, and enrolled"
                if not clock.register * SECOND <= fact.time < clock.compete * SECOND:
                    yield f"{where} enrolled out of time"

    @invariant
    def committees_are_drawn_once(self, world: World) -> Iterator[str]:
        """Committees are drawn once, when no model can be opened any more, and from the salts where salts draw."""
        for job in self._stirred(world):
            clock = self.clock(job)
            for fact in self._fresh("CommitteesDrawn", job):
                where = f"competition {job.id}"
                if len(self._events_of("CommitteesDrawn", job)) > 1:
                    yield f"{where}: committees were drawn again"
                if not clock.open * SECOND <= fact.time < clock.report * SECOND:
                    yield f"{where}: committees were drawn out of time"
                if self.terms.draw == "reveals" and fact.seed != self.stirred_seed(job):
                    yield f"{where}: committees were drawn from something else than the salts"

    def stirred_seed(self, job: Job) -> bytes:
        """Return what the salts of the opened models draw."""
        owners = {(fact.model, fact.owner, fact.time) for fact in self._events_of("ModelOpened", job)}
        salts = {
            one.subject: one.carries[1]
            for one in self.world.facts.of("reveals", job.key)
            if (one.subject, one.by, one.time) in owners
        }
        together = 0
        for model, salt in salts.items():
            together ^= int.from_bytes(keccak(model.to_bytes(32, "big") + salt), "big")
        return keccak(together.to_bytes(32, "big") + job.id.to_bytes(32, "big"))


def _number(seed: bytes, model: int, place: int) -> int:
    return int.from_bytes(keccak(seed + model.to_bytes(32, "big") + place.to_bytes(32, "big")), "big")
