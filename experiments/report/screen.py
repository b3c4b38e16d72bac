"""The screen, and the tables on it: whatever is printed is text, never markup, and never a command to the terminal.

Nothing else makes a rich Console, Table or Text, so that nobody has to remember it.
"""

from __future__ import annotations

from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from slashpoint.experiments.report.text import visible

WIDE = 120  # columns of text that a table may take


class Screen(Console):
    """A console on which each string, printed or in a cell of a table, is one line of plain text."""

    def __init__(self, **how: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **how)

    def render_str(self, text: str, *, style: Any = "", justify: Any = None, overflow: Any = None, **_: Any) -> Text:
        """Every string comes through here before it is drawn."""
        return Text(visible(text), style, justify=justify, overflow=overflow)

    def tell(self, text: str = "", **how: Any) -> None:
        """Print a line that a narrow terminal wraps, but that stays one for whoever copies it."""
        self.print(text, soft_wrap=True, **how)


class Grid(Table):
    """A table under a title: columns of text, then columns that are numbers where True."""

    def __init__(self, title: str, *names: str, **others: bool) -> None:
        super().__init__(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, show_edge=False)
        self.pad_edge, self.padding = False, (0, 1, 0, 0)
        for name in names:
            self.add_column(name, overflow="fold")
        for name, right in others.items():
            self.add_column(name, justify="right" if right else "left", no_wrap=right)


def screen() -> Screen:
    """Return where wide tables are printed: a narrow terminal breaks their lines, where it would cut their figures."""
    made = Screen()
    made.width = max(made.width, WIDE)
    return made


def plain(*names: str) -> Table:
    """Return an empty table without rules."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for name in names:
        made.add_column(name, no_wrap=not made.columns)  # what a row is called is never cut
    return made
