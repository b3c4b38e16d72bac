"""Write a saved sequence as a test for another tool.

slashpoint export checks/X/gain-wei.json --foundry                 prints a test for Foundry
slashpoint export checks/X/gain-wei.json --foundry > test/X.t.sol  and forge test fails as long as the bug is there

`slashpoint check` saves the sequences. The test needs no other file: it deploys the same bytecode at the same
addresses, makes the same calls at the same times, and requires in the end what the sequence breaks: a property, an
assertion, that nobody takes what is others', that money can be got out, or that a token's balances add up.

Exit codes: 0 it was written, 2 the file is no saved sequence, or what it calls cannot be deployed any more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def arguments(parser: ArgumentParser) -> None:
    """Add what it takes."""
    parser.add_argument("file", metavar="FILE", help="a sequence that `slashpoint check` saved")
    parser.add_argument("--foundry", action="store_true", required=True, help="as a test for Foundry, a .t.sol")


def main(args: Namespace) -> int:
    """Print the test; returns the exit code."""
    from pathlib import Path

    from slashpoint.experiments.check.saved import read
    from slashpoint.experiments.cli import HELD
    from slashpoint.experiments.export.foundry import as_test
    from slashpoint.experiments.report.text import emit

    emit(as_test(read(Path(args.file))))
    return HELD
