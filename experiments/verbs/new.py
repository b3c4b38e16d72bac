"""Write the skeleton of an attack, an invariant, a metric or a protocol, with a test that fails and says what to do.

slashpoint new attack undercut       attacks/undercut.py and tests/test_undercut.py
slashpoint new invariant paid_once   invariants/paid_once.py and its test
slashpoint new metric patience       metrics/patience.py and its test
slashpoint new protocol bounty       contracts/src/Bounty.sol, protocols/bounty.py, conf/protocol/bounty.yaml, its test

The files go into the project around the current folder. Where there is none, the folder becomes one: it gets an empty
slashpoint.yaml. Nothing that is there is written over. Lines to be filled in are marked FILL IN.

An attack that plays a role's script otherwise imports the role: `from ..protocols.bounty import Worker`. For a whole
one see docs/concepts.md, "An exploit".
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def arguments(parser: ArgumentParser) -> None:
    """Add what it takes."""
    from slashpoint.experiments.new.skeleton import KINDS

    parser.add_argument("kind", metavar="KIND", choices=KINDS, help=", ".join(KINDS))
    parser.add_argument("name", metavar="NAME", help="a word of lower-case letters, digits and underscores")


def main(args: Namespace) -> int:
    """Write it; return the exit code."""
    from slashpoint.experiments.cli import HELD
    from slashpoint.experiments.new.skeleton import write
    from slashpoint.experiments.report.screen import Screen
    from slashpoint.experiments.report.text import quoted
    from slashpoint.experiments.setup.project import MARK, in_use

    console = Screen()
    made = write(args.kind, args.name, in_use())
    for path in made:
        about = ": this folder is a project now" * (path.name == MARK)
        console.tell(f"{'wrote':<11}{os.path.relpath(path)}{about}")
    console.tell(f"{'next':<11}python -m pytest {quoted(os.path.relpath(made[-1]))}")
    return HELD
