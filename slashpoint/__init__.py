"""slashpoint: a testbed for the economics of decentralised machine learning.

The one public name. Its parts lie beside this folder, in the repository, and in it, as links: `sim/world.py` is
`slashpoint.sim.world`. The names below load on first use, so that ``import slashpoint`` is cheap.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from slashpoint.agents.conduct import Conduct
    from slashpoint.agents.roles import Role
    from slashpoint.experiments.setup.run import Result, simulate
    from slashpoint.sim import testing
    from slashpoint.sim.invariants import invariant
    from slashpoint.sim.market import Job, Market, Subject, Work
    from slashpoint.sim.metrics import metric
    from slashpoint.sim.prices import Prices

__version__ = "0.1.0"
__all__ = [
    "Conduct",
    "Job",
    "Market",
    "Prices",
    "Result",
    "Role",
    "Subject",
    "Work",
    "__version__",
    "invariant",
    "metric",
    "simulate",
    "testing",
]

_WHERE = {
    "simulate": "experiments.setup.run",
    "Result": "experiments.setup.run",
    "Conduct": "agents.conduct",
    "Role": "agents.roles",
    "Market": "sim.market",
    "Job": "sim.market",
    "Subject": "sim.market",
    "Work": "sim.market",
    "Prices": "sim.prices",
    "invariant": "sim.invariants",
    "metric": "sim.metrics",
    "testing": "sim",
}


def __getattr__(name: str) -> Any:
    """Load a public name where it is first used."""
    if name not in _WHERE:
        raise AttributeError(f"slashpoint has no {name!r}; it offers {', '.join(sorted(_WHERE))}")
    where = importlib.import_module(f"slashpoint.{_WHERE[name]}")
    return importlib.import_module("slashpoint.sim.testing") if name == "testing" else getattr(where, name)


def __dir__() -> list[str]:
    return sorted(__all__)
