"""ModelMarket: a request for a model, answered by committed predictions, judged by committed labels."""

from slashpoint.protocols.modelmarket.market import ModelMarket
from slashpoint.protocols.modelmarket.roles import ROLES
from slashpoint.protocols.modelmarket.terms import ModelMarketTerms

MARKET, TERMS = ModelMarket, ModelMarketTerms
__all__ = ["MARKET", "ROLES", "TERMS"]
