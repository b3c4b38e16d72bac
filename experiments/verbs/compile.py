"""Compile contracts again, or check that the builds are of today's sources.

slashpoint compile                all: a project's contracts/src into its contracts/build, else ours, with mutants
slashpoint compile Escrow         one contract alone; others' builds, and mutants, stay as they are
slashpoint compile --check        compile nothing; exit with 1 when a build is stale

It takes Node and npm, and Solidity and OpenZeppelin in our versions. A source may import ours, such as
"slashpoint/common/Vault.sol".
What does not compile changes no build: exit code 1, and 2 for a name of no contract, or without Node.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def arguments(parser: ArgumentParser) -> None:
    """Add what it takes."""
    parser.add_argument(
        "names", metavar="NAME", nargs="*", help="a contract; all, with their mutants, if none is named"
    )
    parser.add_argument("--check", action="store_true", help="compile nothing; exit with 1 when a build is stale")


def main(args: Namespace) -> int:
    """Compile or check; returns the exit code."""
    from slashpoint.experiments.setup.compile import compile_contracts, contracts_of
    from slashpoint.experiments.setup.project import in_use

    logging.basicConfig(format="%(message)s", level=logging.INFO)
    return compile_contracts(args.check, contracts_of(in_use()), args.names)
