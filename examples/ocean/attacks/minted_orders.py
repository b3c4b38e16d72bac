from dataclasses import dataclass
from typing import ClassVar

from slashpoint import Conduct

from ..protocols import oceanv4


class Publisher(oceanv4.Publisher):
    """Publishes as every publisher does, and orders its own dataset over and over."""

    def lists(self, me, token):
        """Mint data tokens, of which the publisher may make as many as it likes, and order with them."""
        yield from super().lists(me, token)
        market, own = self.market, self.market.at(token)
        nobody, fee = bytes(20), (bytes(20), bytes(20), 0, 27, bytes(32), bytes(32), 0, b"")
        yield me.sends(market.does("registers", None, own.mint(me.address, 10**18 * self.conduct.orders)))
        for _ in range(self.conduct.orders):
            yield me.sends(market.does("registers", None, own.startOrder(me.address, 0, fee, (nobody, nobody, 0))))


@dataclass
class MintedOrders(Conduct):
    """Orders its own dataset, so that it looks sought after.

    Source: rankings by volume, and rewards for it. Exposed by: payer and publisher are one; two accounts hide that.
    Each order costs gas alone: the 0.03 data tokens of the fee are minted like the rest.
    """

    orders: int = 10
    script: ClassVar[type | None] = Publisher
