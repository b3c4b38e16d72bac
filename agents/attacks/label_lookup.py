"""Label lookup: the test items are public, and so are their labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from slashpoint.agents.conduct import Conduct
from slashpoint.sim.market import Work

if TYPE_CHECKING:
    from slashpoint.agents.conduct import Answered
    from slashpoint.agents.me import Me
    from slashpoint.sim.market import Job


@dataclass
class LabelLookup(Conduct):
    """Finds the test items in a public data set and copies their labels: a perfect score without a model.

    Source: ModelMarket's example (its test set is a part of MNIST). Exposed by: private data, or re-execution.
    """

    powers: ClassVar[frozenset[str]] = frozenset({"oracle"})

    def work(self, me: Me, job: Job) -> Answered[Work | None]:
        """Hand in the published labels as predictions."""
        return Work(model=b"looked up", predictions=me.labels(job))
