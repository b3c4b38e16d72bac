"""Cells of the tables of a survey."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slashpoint.experiments.survey.plan import Network


def name(one: Network) -> str:
    """Return what a network is called in a table."""
    return f"`{one.protocol}`"


def first(columns: Sequence[Network]) -> list[Network]:
    """Return one column of each protocol: what is said of it is said of all its variants."""
    return list({one.protocol: one for one in reversed(columns)}.values())[::-1]


def once(rows: list[list[str]], depth: int) -> list[list[str]]:
    """Return rows in which the first cells are left empty where they repeat those above.

    Args:
        rows: cells.
        depth: how many cells of a row name it.
    """
    found, above = [], [""] * depth
    for row in rows:
        same = 0
        while same < depth and row[same] == above[same]:
            same += 1
        above = row[:depth]
        found.append([""] * same + row[same:])
    return found
