"""Bait and switch: opens another model than the sealed one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from slashpoint.agents.conduct import Conduct
from slashpoint.agents.roles import modelmarket

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any

    from slashpoint.agents.me import Me
    from slashpoint.protocols.base import Job


class Trainer(modelmarket.Trainer):
    """Wins with its model, and hands over something else."""

    def contend(self, me: Me, job: Job, work: Any) -> Generator[Any, Any, Any]:
        """Swap the model before it is opened."""
        yield from super().contend(me, job, replace(work, model=b"not the model"))


@dataclass
class BaitAndSwitch(Conduct):
    """Seals a good model and opens a worthless file, and hopes that only predictions are compared.

    Source: ModelMarket's README (the model is not checked beyond its hash). Exposed by: the model's seal.
    """

    script: ClassVar[type | None] = Trainer
