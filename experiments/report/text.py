"""Text that was written by users, contracts and chains, made fit to be shown, and commands that a shell reads back."""

from __future__ import annotations

import shlex
import sys
from contextlib import contextmanager
from html import escape
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_documents: list[TextIO] = []  # where they go while stdout is kept for them
LINES = "\n\t"  # what a text of several lines may have beside printable characters


def visible(text: str, keep: str = "") -> str:
    r"""Return a text in which whatever does not print is written out, as `\x1b` for the escape of a terminal's command.

    What prints is what Python calls so: control characters, line breaks, lone surrogates and marks that change the
    direction of writing do not. So no text can clear a screen, forge a line of output, or break an XML file.

    Args:
        text: of unknown origin.
        keep: characters that stay as they are, such as LINES.
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() or one in keep else one.encode("unicode_escape").decode() for one in text)


def in_html(text: object) -> str:
    """Return a text as it is written into a page."""
    return escape(visible(str(text)))


def complain(*lines: str) -> None:
    """Print lines, or texts of several, on stderr."""
    print(*(visible(line, LINES) for line in lines), sep="\n", file=sys.stderr)


@contextmanager
def apart() -> Iterator[None]:
    """Keep stdout for what `emit` prints: whatever else is printed meanwhile, by a project say, goes to stderr."""
    outer, kept = _documents.copy(), sys.stdout
    _documents[:] = [kept]
    sys.stdout = sys.stderr
    try:
        yield
    finally:
        sys.stdout = kept
        _documents[:] = outer


def emit(document: str) -> None:
    """Print a document on stdout."""
    print(document, file=_documents[0] if _documents else sys.stdout)


def command(verb: str, said: Iterable[str]) -> str:
    """Return the line, and one line only, that a shell reads as `slashpoint VERB` with these arguments.

    Args:
        verb: of slashpoint.
        said: its arguments.
    """
    return " ".join(map(quoted, ["slashpoint", verb, *said]))


def quoted(word: str) -> str:
    r"""Return a word as a shell reads it, quoted where needed; with a line break as `$'a\x0ab'` (bash, zsh, ksh)."""
    return shlex.quote(word) if word.isprintable() else f"$'{''.join(map(_escaped, word))}'"


def _escaped(one: str) -> str:
    if one.isprintable():
        return f"\\{one}" if one in "\\'" else one
    return f"\\x{ord(one):02x}" if one.isascii() else f"\\U{ord(one):08x}"
