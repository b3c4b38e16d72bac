"""Impossible threshold: a sponsor who asks for more than anybody can give."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from slashpoint.agents.conduct import Conduct
from slashpoint.agents.roles import federated
from slashpoint.sim.domain import Bps

if TYPE_CHECKING:
    from slashpoint.agents.me import Me
    from slashpoint.protocols.base import Job
    from slashpoint.sim.learning import Problem


class Sponsor(federated.Sponsor):
    """Posts its jobs with a threshold of its own."""

    def drafts(self, me: Me, problem: Problem) -> Job:
        """As usual, but for the terms."""
        job = super().drafts(me, problem)
        wanted: int = self.conduct.gain_bps  # type: ignore[attr-defined] # its own conduct's
        job.terms = replace(job.terms, gate=True, min_gain_bps=min(wanted, job.terms.max_gain_bps))
        return job


@dataclass
class ImpossibleThreshold(Conduct):
    """Asks every update for a gain that none has, reads them all, merges them itself, and hopes to pay for none.

    Source: DeML (what is good enough is the sponsor's to say). Exposed by: a bound on thresholds, or clients who read
    the terms.
    """

    script: ClassVar[type | None] = Sponsor

    gain_bps: Bps = 9000  # of the validation set, as far as the market lets it
