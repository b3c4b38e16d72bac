"""Collective: learners who share no data take turns to propose a model, and vote on it with data of their own."""

from slashpoint.protocols.collective.market import Collective
from slashpoint.protocols.collective.roles import ROLES
from slashpoint.protocols.collective.terms import CollectiveTerms

MARKET, TERMS = Collective, CollectiveTerms
__all__ = ["MARKET", "ROLES", "TERMS"]
