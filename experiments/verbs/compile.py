"""Compile the contracts again, or check that the committed builds are of today's sources."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def arguments(parser: ArgumentParser) -> None:
    """What it takes."""
    parser.add_argument("--check", action="store_true", help="compile nothing; exit with 1 when a build is stale")


def main(args: Namespace) -> int:
    """Compile or check; returns the exit code."""
    from slashpoint.experiments.compile import compile_contracts

    logging.basicConfig(format="%(message)s")
    return compile_contracts(args.check)
