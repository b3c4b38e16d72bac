"""Malicious trainer: an executable that sends the client's data home."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from slashpoint.agents.conduct import Conduct
from slashpoint.agents.roles import federated
from slashpoint.protocols.trainer import trainer


class Sponsor(federated.Sponsor):
    """Publishes a trainer of its own making."""

    def executable(self) -> bytes:
        """It trains, and it uploads."""
        return trainer(uploads=True)


@dataclass
class MaliciousTrainer(Conduct):
    """Has clients run a program that publishes their rows, and hopes that nobody looks at what it is.

    Source: DeML (clients run the executable of the listing on their data). Exposed by: a list of trusted hashes; the
    invariant `data_never_leave_their_owners` where it worked.
    """

    script: ClassVar[type | None] = Sponsor
