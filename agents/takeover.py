"""Takeover: a script that plays in any protocol whose market offers a few verbs, whatever its roles are called."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from slashpoint.agents.roles import M, Role

if TYPE_CHECKING:
    from slashpoint.agents.me import Me
    from slashpoint.agents.roles import Steps
    from slashpoint.sim.market import Job


class Takeover(Role[M]):
    """Takes over the first role that has a duty. `super()` is that role's own script."""

    verbs: ClassVar[tuple[str, ...]] = ()  # what it calls: where the market lacks one, it has no seat
    duty: ClassVar[str] = ""  # of the roles that it takes over
    plays_in: ClassVar[str] = ""  # the name of the only market in which it has a seat; "" is any

    @classmethod
    def fits(cls, role: type[Role]) -> bool:
        """Whether it can take a role over."""
        return cls.duty in role.duties

    @classmethod
    def of(cls, role: type[Role]) -> type[Role]:
        """Return a role as it plays it: called the same, with what it overrides."""
        return type(role.__name__, (cls, role), {"__doc__": cls.__doc__})


class PosterTakeover(Takeover[M]):
    """Lives beside the script of whoever posts jobs, and does something about each of its jobs."""

    @classmethod
    def fits(cls, role: type[Role]) -> bool:
        """Whether a role posts jobs."""
        return role.posts

    def live(self, me: Me) -> Steps:
        """Live as the role does, and look out for jobs of one's own."""
        me.spawn(self._look_out)
        yield from super().live(me)

    def _look_out(self, me: Me) -> Steps:
        posted = me.hears("posts")
        while True:
            fact = yield posted.next()
            if fact.by == me.address:
                me.spawn(self.misuse, fact.job)

    def misuse(self, me: Me, job: Job) -> Steps:
        """Do what the attack is about, for a job that was just posted."""
        raise NotImplementedError
