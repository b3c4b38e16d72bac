"""Contracts: compiled artifacts, what they are called by name, and what comes back decoded.

An `Artifact` is what a compiler wrote; a `Contract` is one at an address, whose views answer now and whose other
functions build a `Call`, an intention that somebody may send. `Event` and `Revert` are what its logs and its revert
data say, and a `Birth` is what the event of a factory says of a contract that comes into being in a run.
"""

from eth_hash.auto import keccak

from slashpoint.sim.contract.artifact import Artifact
from slashpoint.sim.contract.birth import Birth
from slashpoint.sim.contract.call import Call
from slashpoint.sim.contract.contract import Contract, ViewFailed
from slashpoint.sim.contract.entry import Event
from slashpoint.sim.contract.revert import Revert

__all__ = ["Artifact", "Birth", "Call", "Contract", "Event", "Revert", "ViewFailed", "keccak"]
