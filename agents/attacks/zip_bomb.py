"""Zip bomb: a model that decompresses to more than a judge's memory."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slashpoint.agents.conduct import Conduct
from slashpoint.sim.domain import Bytes
from slashpoint.sim.market import Work

if TYPE_CHECKING:
    from slashpoint.agents.conduct import Answered
    from slashpoint.agents.me import Me
    from slashpoint.sim.market import Job


@dataclass
class ZipBomb(Conduct):
    """Hands in few bytes that decompress to many, and hopes that whoever measures models chokes on them.

    Source: DeML's decompression (zlib without a limit, then pickle). Exposed by: a codec that holds data only and stops
    at its limit: the bytes are no model, and answer class 0.
    """

    size: Bytes = 4_000_000  # bytes, decompressed

    def work(self, me: Me, job: Job) -> Answered[Work | None]:
        """Hand in zeros that decompress to far more than they weigh."""
        return Work(model=zlib.compress(bytes(self.size), 9), predictions=bytes(job.scale))
