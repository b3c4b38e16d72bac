"""Errors that are the user's to mend."""

from __future__ import annotations


class Misconfigured(ValueError):
    """What was asked for cannot be: the message names the culprit and the remedy. The command exits with 2."""
