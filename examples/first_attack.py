"""An attack of one's own in a notebook cell: a class, and two calls.

python examples/first_attack.py
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import slashpoint
from slashpoint import Conduct

if TYPE_CHECKING:
    from slashpoint.agents.me import Me
    from slashpoint.sim.market import Job


@dataclass
class Bluffer(Conduct):
    """Trains honestly, and claims full marks where it believes that its own will not do.

    Source: poker. Exposed by: revealing the committed predictions; the stake pays.
    """

    content: float = 0.97  # the share of right answers with which it is honest

    def claim(self, me: Me, job: Job, measured: int) -> Any:
        """Claim the truth when it is good enough."""
        return measured if measured >= self.content * job.scale else job.scale


def main() -> None:
    """Compare worlds with and without the bluff: everybody's luck is the same, so differences are its doing."""
    print("seed   honest  bluffing  difference, USD")
    for seed in range(4):
        bluffing = slashpoint.simulate(attack=Bluffer(content=0.97), scenario="small", seed=seed)
        honest = slashpoint.simulate(scenario="small", seed=seed)
        accounts = bluffing.ledger["accounts"]
        (liar,) = accounts[accounts["attacker"]]["controller"]
        one, other = honest.metric("profit", liar), bluffing.metric("profit", liar)
        print(f"{seed:>4} {one:>8.2f} {other:>9.2f} {other - one:>11.2f}")


if __name__ == "__main__":
    main()
