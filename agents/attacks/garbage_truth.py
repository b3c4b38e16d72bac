"""Garbage truth: labels that only the requester's accomplice can predict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from slashpoint.agents.attacks.self_deal import SelfDeal
from slashpoint.sim.domain import Within

if TYPE_CHECKING:
    from slashpoint.agents.conduct import Answered
    from slashpoint.agents.me import Me
    from slashpoint.sim.market import Job


@dataclass
class GarbageTruth(SelfDeal):
    """Commits to permuted labels that only its coalition knows, and hopes that no honest worker gets one right.

    Source: ModelMarket's README (labels are the requester's word). Exposed by: an audit of labels; a fee.
    """

    shift: Annotated[int, Within(-255, 255)] = 1  # classes by which labels are moved
    classes: Annotated[int, Within(1, 256)] = 10  # how many there are

    def truth(self, me: Me, job: Job) -> Answered[bytes]:
        """Return the true labels, each moved on by `shift` classes."""
        labels = bytes((label + self.shift) % self.classes for label in me.labels(job))
        me.coalition.tells(("truth", job.key), labels)
        return labels
