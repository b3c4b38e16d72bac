"""Forest: everybody's records make one communal model, which answers for a fee."""

from slashpoint.protocols.forest.market import CommunalForest
from slashpoint.protocols.forest.roles import ROLES
from slashpoint.protocols.forest.terms import ForestTerms

MARKET, TERMS = CommunalForest, ForestTerms
__all__ = ["MARKET", "ROLES", "TERMS"]
