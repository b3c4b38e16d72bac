"""Ocean: algorithms travel to data that never move, and only what comes out of them is sold."""

from slashpoint.protocols.ocean.market import Ocean
from slashpoint.protocols.ocean.roles import ROLES
from slashpoint.protocols.ocean.terms import OceanTerms

MARKET, TERMS = Ocean, OceanTerms
__all__ = ["MARKET", "ROLES", "TERMS"]
