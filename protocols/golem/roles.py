"""Roles of Golem: who has tasks done, who does them, who pays, who audits, who calls timeouts."""

from slashpoint.agents.roles import Keeper
from slashpoint.protocols.golem.auditor import Auditor
from slashpoint.protocols.golem.provider import Provider
from slashpoint.protocols.golem.requestor import Requestor
from slashpoint.protocols.golem.spender import Spender

ROLES = (Requestor, Provider, Spender, Auditor, Keeper)
__all__ = ["ROLES", "Auditor", "Keeper", "Provider", "Requestor", "Spender"]
