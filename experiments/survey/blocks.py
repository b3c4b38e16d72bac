"""Blocks of a page, written as Markdown and as HTML that needs no network."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from slashpoint.experiments.report.text import in_html

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from slashpoint.experiments.survey.book import Book, Entry

CODE = re.compile(r"`([^`]+)`")
BOLD = re.compile(r"\*\*([^*]+)\*\*")
LINK = re.compile(r"\[([^\]]+)\]\(([\w./-]+?)(?:\.md)?\)")  # to another page of the folder, or to a file of it
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 980px; margin: 2em auto; padding: 0 1em; color: #222 }
h1 { font-size: 1.5em } h2 { font-size: 1.15em; margin: 2em 0 .3em } code { background: #f3f3f3; padding: .1em .3em }
p code { overflow-wrap: anywhere } td code { white-space: nowrap }
.wide { overflow-x: auto } table { border-collapse: collapse } th { border-bottom: 1px solid #ccc; text-align: left }
td, th { padding: .2em .9em .2em 0; vertical-align: top; min-width: 4.5em }
td:nth-child(n+3):not(.n) { min-width: 9em } .n { text-align: right; white-space: nowrap } th.n { white-space: normal }
data { border-bottom: 1px dotted #aaa; cursor: help } figure { margin: 1em 0; overflow-x: auto }
"""


@dataclass(frozen=True)
class Heading:
    """A heading."""

    text: str
    level: int = 2


@dataclass(frozen=True)
class Paragraph:
    """Words."""

    text: str


@dataclass(frozen=True)
class Command:
    """A command line."""

    text: str


@dataclass(frozen=True)
class Table:
    """Cells of text; a column whose name ends in > holds numbers."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Picture:
    """A drawing, in a file of its own and within the page."""

    name: str  # of the file, without suffix
    about: str  # for whoever does not see it


Block = Heading | Paragraph | Command | Table | Picture


@dataclass(frozen=True)
class Page:
    """A page and the numbers that are written on it."""

    title: str
    book: Book
    blocks: list[Block] = field(default_factory=list)

    def texts(self) -> Iterator[str]:
        """Yield what may have numbers, in the order of the page."""
        for block in self.blocks:
            if isinstance(block, Table):
                yield from block.head
                for row in block.rows:
                    yield from row
            elif isinstance(block, Picture):
                yield block.about
            elif not isinstance(block, Command):
                yield block.text

    def markdown(self) -> str:
        """Return it as Markdown."""
        parts = [f"# {self.title}", *(self._markdown(block) for block in self.blocks)]
        return "\n\n".join(parts) + "\n"

    def _markdown(self, block: Block) -> str:
        told = self.book.told
        match block:
            case Heading(text, level):
                return f"{'#' * level} {told(text)}"
            case Paragraph(text):
                return told(text)
            case Command(text):
                return f"    {text}"
            case Picture(name, about):
                return f"![{told(about)}]({name}.svg)"
        head = [told(one.removesuffix(">")) for one in block.head]
        rules = ["--:" if one.endswith(">") else "---" for one in block.head]
        rows = [[told(cell).replace("|", "\\|") for cell in row] for row in block.rows]
        lines = [f"| {' | '.join(cells)} |" for cells in (head, *rows)]
        return "\n".join([lines[0], f"|{'|'.join(rules)}|", *lines[1:]])

    def html(self, drawings: Mapping[str, str]) -> str:
        """Return it as HTML.

        Args:
            drawings: SVG by the name of the picture.
        """
        body = "\n".join(self._html(block, drawings) for block in self.blocks)
        return (
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{in_html(self.title)}</title>'
            '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
            f"<style>{STYLE}</style></head><body><h1>{in_html(self.title)}</h1>\n{body}\n</body></html>\n"
        )

    def _html(self, block: Block, drawings: Mapping[str, str]) -> str:
        match block:
            case Heading(text, level):
                return f"<h{level}>{self._rich(text)}</h{level}>"
            case Paragraph(text):
                return f"<p>{self._rich(text)}</p>"
            case Command(text):
                return f"<p><code>{in_html(text)}</code></p>"
            case Picture(name, about):
                return f'<figure role="img" aria-label="{in_html(self.book.told(about))}">{drawings[name]}</figure>'
        numeric = [one.endswith(">") for one in block.head]
        head = [one.removesuffix(">") for one in block.head]
        rows = "".join(self._row(row, numeric, "td") for row in block.rows)
        return f'<div class="wide"><table>{self._row(head, numeric, "th")}{rows}</table></div>'

    def _row(self, cells: Sequence[str], numeric: Sequence[bool], tag: str) -> str:
        parts = (
            f"<{tag}{' class=n' if right else ''}>{self._rich(cell)}</{tag}>" for cell, right in zip(cells, numeric)
        )
        return f"<tr>{''.join(parts)}</tr>"

    def _rich(self, text: str) -> str:
        """Return text as HTML; who points at a number is told where it is from."""
        plain = BOLD.sub(r"<b>\1</b>", CODE.sub(r"<code>\1</code>", in_html(text)))
        return self.book.told(LINK.sub(_linked, plain), _sourced)


def _linked(link: re.Match[str]) -> str:
    words, target = link.groups()
    return f'<a href="{target if "." in target else f"{target}.html"}">{words}</a>'


def _sourced(entry: Entry) -> str:
    source = entry.source
    said = source.get("stated") or "; ".join([source["metric"], *source["commands"][:1]])
    return f'<data title="{in_html(said)}">{in_html(entry.shown)}</data>'
