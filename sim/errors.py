"""Errors that are the user's to mend."""

from __future__ import annotations


class Misconfigured(ValueError):
    """What was asked for cannot be: the message names the culprit and the remedy. The command exits with 2."""


class OutOfRoom(Exception):
    """What was to be kept could not be written: the disk is full, say. The command says so and exits with 3."""
