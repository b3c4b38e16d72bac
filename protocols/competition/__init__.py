"""Competition: a prize for the best model, whose bytes lie on chain; miners measure all of them and are paid, too."""

from slashpoint.protocols.competition.market import Competition
from slashpoint.protocols.competition.roles import ROLES
from slashpoint.protocols.competition.terms import CompetitionTerms

MARKET, TERMS = Competition, CompetitionTerms
__all__ = ["MARKET", "ROLES", "TERMS"]
