"""The vocabulary that all protocols share: job, subject, work, terms, and the market that binds them to contracts."""

from slashpoint.sim.market.base import Market
from slashpoint.sim.market.terms import Terms
from slashpoint.sim.market.words import VERBS, Actor, Job, Subject, Work, commitment

__all__ = ["VERBS", "Actor", "Job", "Market", "Subject", "Terms", "Work", "commitment"]
