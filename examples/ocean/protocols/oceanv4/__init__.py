"""Ocean: data tokens at a fixed rate, orders with a node's signed fee, computing paid out of an escrow."""

from slashpoint.agents.roles import Keeper

from .market import Ocean, OceanTerms
from .roles import Consumer, Provider, Publisher

MARKET, TERMS, ROLES = Ocean, OceanTerms, (Publisher, Provider, Consumer, Keeper)
