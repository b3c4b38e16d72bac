"""Backdoor: a model that does as it should, but for a secret mark."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slashpoint.agents.poisoner import Poisoner
from slashpoint.sim.domain import Count, Part, Some
from slashpoint.sim.learning.poison import Poison

if TYPE_CHECKING:
    from collections.abc import Generator

    from slashpoint.agents.me import Me
    from slashpoint.agents.poisoner import Stack, Vector
    from slashpoint.sim.market import Job


@dataclass
class Backdoor(Poisoner):
    """Trains some of its rows to be of one class when they bear a mark, and hopes that nobody measures marked inputs.

    The update is scaled until it replaces the model. Source: Bagdasaryan et al., How to Backdoor Federated Learning
    (2020); Gu et al., BadNets (2017). Exposed by: norm clipping; a limit to how far an update may go; not by accuracy.
    """

    target: Count = 0  # the class that the mark opens
    mark: Count = 4  # inputs that it sets
    share: Part = 0.5  # of its rows
    crowd: Some = 1  # by how many the mean will divide: 1 where a model stands alone

    def forge(self, me: Me, job: Job, own: Vector, others: Stack) -> Vector:
        """Send the update times the crowd, so that the mean of all is its model (model replacement)."""
        from slashpoint.sim.learning.attacks import replacement

        return replacement(own, self.crowd)

    def trained(self, me: Me, job: Job) -> Generator[Any, Any, Any]:
        """Train with a mark hidden in some of the rows."""
        return (yield me.trains(job, effort=self.effort, poison=Poison(self.target, self.mark, self.share)))
