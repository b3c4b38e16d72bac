"""Birth: what a factory's event says of a contract that comes into being in a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from slashpoint.sim.contract.artifact import Artifact
    from slashpoint.sim.contract.contract import Contract


class Birth(NamedTuple):
    """What a factory's event says: where a contract was born, and what it is.

    `kind` is a contract that was deployed, such as the template of clones, or else an artifact.
    """

    argument: str  # of the event: the new contract's address
    kind: Contract | Artifact
    symbol: str = ""  # such as "DT", where it is a token whose transfers are money: the assets are DT/0, DT/1 …
