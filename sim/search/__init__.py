"""Search: find the sequence of calls that breaks a contract, or takes the most out of it.

It knows no protocol. A `Setup` is contracts, accounts and a clock; a `Step` is one call in a sequence; a `Finding` is
what a sequence shows. Campaigns look for sequences (`native`, steered by coverage, and `plain`, at random on any
engine); `oracles` say what is wrong with one when it is played again, and only what they confirm is reported.
"""

from slashpoint.sim.search.finding import Finding, Kind
from slashpoint.sim.search.harvest import Gain, Harvest, Target, Usage
from slashpoint.sim.search.properties import Property, properties
from slashpoint.sim.search.setup import Played, Setup
from slashpoint.sim.search.step import Step

__all__ = [
    "Finding",
    "Gain",
    "Harvest",
    "Kind",
    "Played",
    "Property",
    "Setup",
    "Step",
    "Target",
    "Usage",
    "properties",
]
