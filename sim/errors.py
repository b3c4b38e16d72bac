"""Errors that are the user's to mend."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

FEW = 16  # names that are all told


class Misconfigured(ValueError):
    """What was asked for cannot be: the message names the culprit and the remedy. The command exits with 2."""


class OutOfRoom(Exception):
    """What was to be kept could not be written: the disk is full, say. The command says so and exits with 3."""


def choices(name: str, there: Iterable[str]) -> str:
    """What could have been meant: all that there are, or of many the nearest."""
    names = list(there)
    near = get_close_matches(name, names)
    if len(names) > FEW and near:
        return f"did you mean {' or '.join(near)}?"
    return f"there are {', '.join(names) or 'none'}"
