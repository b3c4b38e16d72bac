"""Lilypad: a stranger runs one's job for money; its result is checked now and then, or several people run the job."""

from slashpoint.protocols.lilypad.market import Lilypad
from slashpoint.protocols.lilypad.roles import ROLES
from slashpoint.protocols.lilypad.terms import LilypadTerms

MARKET, TERMS = Lilypad, LilypadTerms
__all__ = ["MARKET", "ROLES", "TERMS"]
