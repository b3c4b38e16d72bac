"""Golem: a market of computation whose agreements and bills are messages between people, paid out of deposits."""

from slashpoint.protocols.golem.market import GolemMarket
from slashpoint.protocols.golem.roles import ROLES
from slashpoint.protocols.golem.terms import GolemTerms

MARKET, TERMS = GolemMarket, GolemTerms
__all__ = ["MARKET", "ROLES", "TERMS"]
