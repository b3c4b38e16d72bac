"""First money: nobody owns more than there is."""

from __future__ import annotations

import pytest

from slashpoint.experiments.run import simulate
from slashpoint.sim.errors import Misconfigured


def test_endowments_beyond_the_supply_are_refused_by_name() -> None:
    """The token has a fixed supply of a million."""
    with pytest.raises(Misconfigured, match=r"trainer/0 is to own 400000 MDC, and of their supply 200000 are left"):
        simulate(scenario="small", overrides=["engine=pyevm", "protocol.endowment.mdc=400000"])
