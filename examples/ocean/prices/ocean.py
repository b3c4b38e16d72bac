"""What the assets of the data market are worth: a data token can be minted at will, so only its sale is."""

from dataclasses import dataclass

from slashpoint.sim.domain import Price
from slashpoint.sim.prices.constant import Constant


@dataclass
class Ocean(Constant):
    """Constant prices of ether and OCEAN; data tokens are worth nothing beyond what they are sold for."""

    token: Price = 0.25  # USD per OCEAN

    def usd(self, asset, now):
        return 0.0 if asset.startswith("DT/") else super().usd(asset, now)
