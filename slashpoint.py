"""slashpoint: a testbed for the economics of decentralised machine learning.

The one public name. This module is also the package: its ``__path__`` is the folder that it lies in,
so ``sim/world.py`` is ``slashpoint.sim.world``. Names below load on first use, so that ``import slashpoint`` is cheap.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

__version__ = "0.1.0"
__path__ = [str(Path(__file__).resolve().parent)]

_WHERE = {
    "simulate": "experiments.run",
    "Result": "experiments.run",
    "Conduct": "agents.conduct",
    "Role": "agents.roles.base",
    "Market": "protocols.base",
    "Job": "protocols.base",
    "Subject": "protocols.base",
    "Work": "protocols.base",
    "Prices": "sim.prices",
    "invariant": "sim.invariants",
    "metric": "sim.metrics",
    "testing": "sim",
}
__all__ = [*_WHERE, "__version__"]  # noqa: PLE0604 - the table above is the list


def __getattr__(name: str) -> Any:
    """Load a public name where it is first used."""
    if name not in _WHERE:
        raise AttributeError(f"slashpoint has no {name!r}; it offers {', '.join(sorted(_WHERE))}")
    where = importlib.import_module(f"slashpoint.{_WHERE[name]}")
    return importlib.import_module("slashpoint.sim.testing") if name == "testing" else getattr(where, name)


def __dir__() -> list[str]:
    return sorted(__all__)
