"""Terms: what every protocol's parameters can say, and what a job costs and pays by them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from slashpoint.sim.domain import Amount, Count, Within, check, domains
from slashpoint.sim.units import DECIMALS, to_units

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(kw_only=True)
class Terms:
    """What every protocol's terms can say."""

    name: str = ""  # the protocol's
    variant: str = "hardened"
    value_usd: Amount = 0.0  # what a perfect model is worth to the buyer
    value_floor: Annotated[float, Within(0, 1, "high")] = 0.1  # quality (share of the scale) worth nothing: guessing
    seats: dict[str, Count] = field(default_factory=dict)  # how many people have each role
    endowment: dict[str, Amount] = field(default_factory=lambda: {"eth": 10.0})  # of everybody, whole ones, by asset
    decimals: int = field(default=DECIMALS, init=False)  # of the market's asset: `deploy` sets it to its token's

    def __post_init__(self) -> None:
        check(self, "protocol")

    def to_units(self, amount: float) -> int:
        """Return the smallest units in an amount of whole ones of the market's asset."""
        return to_units(amount, self.decimals)

    def check_units(self) -> None:
        """Refuse amounts that the market's asset cannot express, once its decimals are known.

        Raises:
            ValueError: names the setting.
        """
        kind: Any = type(self)
        for name, hint in domains(kind).items():
            if hint == Amount and not name.endswith("_usd"):
                try:
                    self.to_units(getattr(self, name))
                except ValueError as error:
                    raise ValueError(f"protocol.{name}={getattr(self, name)}: {error}") from error

    @property
    def payout(self) -> float:
        """What a job pays for work, whole units of the market's asset: what gains are compared with."""
        reward: float = getattr(self, "reward")  # noqa: B009 - a field of most terms; others override this
        return reward

    @property
    def price(self) -> int:
        """What a job takes of its poster until it is over, smallest units of the market's asset."""
        return self.to_units(self.payout)

    @property
    def poster_gas(self) -> int:
        """What a job's poster declares for all its calls together, at most; gas."""
        return 4_000_000

    def infeasible(self) -> Iterable[str]:
        """Why nobody could or would take part, if so."""
        return ()

    def idle(self) -> Iterable[tuple[str, str]]:
        """Yield the settings that change nothing beside the others, each with which of these is why."""
        return ()

    def value(self, quality: float) -> float:
        """Return the buyer's willingness to pay for a `quality` (share of the scale), USD: linear above the floor."""
        return self.value_usd * max(0.0, (quality - self.value_floor) / (1 - self.value_floor))
