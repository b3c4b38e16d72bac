"""Federated: a sponsor pays people for updates of a model that they train on data which never leave them."""

from slashpoint.protocols.federated.market import Federated
from slashpoint.protocols.federated.roles import ROLES
from slashpoint.protocols.federated.terms import FederatedTerms

MARKET, TERMS = Federated, FederatedTerms
__all__ = ["MARKET", "ROLES", "TERMS"]
