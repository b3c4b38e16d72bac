"""Hand labeller: has the test items labelled by people instead of a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from slashpoint.agents.conduct import Conduct
from slashpoint.sim.domain import Amount, Seconds, Share
from slashpoint.sim.market import Work

if TYPE_CHECKING:
    from slashpoint.agents.conduct import Answered
    from slashpoint.agents.me import Me
    from slashpoint.sim.market import Job


@dataclass
class HandLabeler(Conduct):
    """Pays people, who see better than a model, to label the test items, and hopes to sell a file of junk.

    Source: ModelMarket's README (predictions are compared, not models). Exposed by: re-execution of the model; test
    sets whose labelling costs more than the reward.
    """

    powers: ClassVar[frozenset[str]] = frozenset({"oracle"})  # people know the answers

    usd: Amount = 0.05  # for a label
    seconds: Seconds = 3.0  # for a label
    accuracy: Share = 0.99  # of people

    def work(self, me: Me, job: Job) -> Answered[Work | None]:
        """Labels as people see them, paid one by one."""
        labels = bytearray(me.labels(job))
        for item in range(len(labels)):
            luck = me.luck("label", job.key, item)
            if luck("slip").random() >= self.accuracy:
                labels[item] = (labels[item] + 1 + luck("which").integer(9)) % 10
        yield me.hires(self.usd * len(labels), self.seconds * len(labels), job)
        return Work(model=b"labelled by hand", predictions=bytes(labels))
