"""The contracts that `slashpoint bench check` searches: their builds, and that each flaw is really there."""

from __future__ import annotations

from pathlib import Path

import slashpoint
from slashpoint.experiments.setup.compile import names_in, stale

CONTRACTS = Path(slashpoint.__file__).parent / "benchmarks" / "contracts"


def test_the_builds_of_the_benchmark_are_of_its_sources() -> None:
    assert list(stale(CONTRACTS)) == []
    assert len([name for name in names_in(CONTRACTS) if name.endswith("WithProperties")]) == 15
