"""Money: who holds how much more than at the beginning, told from movements alone."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from slashpoint.sim.engine import ERC20_TRANSFER
from slashpoint.sim.search.moves import ATTACKER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slashpoint.sim.search.setup import Played, Setup

WEI = "wei"


class Money:
    """What each account has above or below what it began with, by asset; what the puppet has is the attacker's."""

    def __init__(self, setup: Setup) -> None:
        self.names = {address: name for name, address in setup.accounts.items()}
        if setup.puppet:
            self.names[setup.contracts[setup.puppet].address_] = ATTACKER
        self.tokens = {setup.contracts[name].address_: name for name in setup.tokens}
        self.net: Counter[tuple[str, str]] = Counter()  # by account and asset

    def count(self, played: Played) -> None:
        """Take in what a step moved."""
        for whom, asset, amount in self.movements(played):
            if whom in self.names:
                self.net[self.names[whom], asset] += amount

    def movements(self, played: Played) -> Iterator[tuple[bytes, str, int]]:
        """Yield who received how much of which asset in a step; who gave it receives less than nothing."""
        for moved in played.transfers:
            yield moved.sender, WEI, -moved.wei
            yield moved.receiver, WEI, moved.wei
        for log in played.logs:
            if log.address in self.tokens and len(log.topics) == 3 and log.topics[0] == ERC20_TRANSFER:
                amount = int.from_bytes(log.data[:32], "big")
                yield log.topics[1][12:], self.tokens[log.address], -amount
                yield log.topics[2][12:], self.tokens[log.address], amount
