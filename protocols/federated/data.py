"""Data of federated jobs: which rows a sponsor validates on, and which each client holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from slashpoint.sim.learning import Problem
from slashpoint.sim.luck import digest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slashpoint.protocols.federated.terms import FederatedTerms
    from slashpoint.sim.market import Job
    from slashpoint.sim.world import World


@dataclass
class Holdings:
    """Who holds which rows of each job: drawn when they are first asked for, the same for all who ask."""

    world: World
    terms: FederatedTerms
    _shards: dict[str, dict[str, Problem]] = field(default_factory=dict)  # job's key → person → what it holds
    _held: dict[tuple[str, int], Problem] = field(default_factory=dict)  # by turn: the validation set

    def validation(self, job: Job, number: int | None = None) -> Problem:
        """Return the sponsor's validation set, of a round or all of it; it trains on what the clients hold together.

        Args:
            job: what it is about.
            number: the round's, None for all rounds.
        """
        turn = job.key, -1 if number is None else number if self.terms.rotate else 0
        if turn not in self._held:
            rows = job.task.train
            kept = max(1, int(len(rows) * self.terms.validation_share))
            mine, others = rows[:kept], rows[kept:]
            if number is not None and self.terms.rotate:
                mine = np.array_split(mine, self.terms.rounds)[number - 1]
            key = digest("validation", *turn).hex()
            self._held[turn] = Problem(key, len(mine), others, mine)
        return self._held[turn]

    def shards(self, job: Job) -> Mapping[str, Problem]:
        """Return what each client holds, by person: a wallet more is no row more."""
        if job.key not in self._shards:
            people = sorted({a.controller for a in self.world.accounts.values() if "client" in a.roles})
            task, luck = self.world.training_cache.task, self.world.luck("shards", job.key)
            parts = task.shards(self.validation(job), len(people), self.terms.alpha, luck)
            self._shards[job.key] = dict(zip(people, parts, strict=True))
        return self._shards[job.key]

    def labels_of(self, job: Job, labels: bytes, number: int) -> bytes:
        """Return the part of all labels that a round's validation set has.

        Args:
            job: what it is about.
            labels: one byte an item.
            number: the round's number, from 1.
        """
        if not self.terms.rotate:
            return labels
        ends = np.cumsum([self.validation(job, one).scale for one in range(1, self.terms.rounds + 1)])
        return labels[ends[number - 1] - self.validation(job, number).scale : ends[number - 1]]
