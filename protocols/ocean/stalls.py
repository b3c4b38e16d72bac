"""Stalls: the calls by which people offer assets and nodes, trade datatokens, and put money down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slashpoint.protocols.ocean.invariants import OceanInvariants
from slashpoint.sim.engine.keys import address_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slashpoint.sim.contract import Call
    from slashpoint.sim.market import Actor

TOKEN = 10**18  # one datatoken


@dataclass
class Stalls(OceanInvariants):
    """The market before anything is ordered."""

    def publishes(self, checksum: bytes, *, algorithm: bool, trust_any: bool = False) -> Call:
        """Publish data or an algorithm.

        Args:
            checksum: SHA-256 of the file.
            algorithm: whether it is one.
            trust_any: whether any algorithm may run on the data, until a list says which.
        """
        terms = self.terms
        price = terms.algorithm_price if algorithm else terms.data_price
        said = {
            "datatoken": bytes(20), "algorithm": algorithm, "allowRaw": terms.allow_raw, "trustAny": trust_any,
            "metricBps": terms.metric_bps, "orders": 0, "checksum": checksum, "price": terms.to_units(price),
            "reserve": 0, "maxTokens": TOKEN, "maxBalance": TOKEN,
        }  # fmt: skip
        kind = "algorithm" if algorithm else "data"
        return self.does("registers", None, self.contract.publish(said, kind, gas=450_000), carries=checksum)

    def trusts(self, asset: int, checksums: Sequence[bytes], publishers: Sequence[bytes]) -> Call:
        """Say which algorithms may run on one's data.

        Args:
            asset: the data's number.
            checksums: of algorithms.
            publishers: whose algorithms are trusted.
        """
        gas = 80_000 + 30_000 * (len(checksums) + len(publishers))
        return self.does("registers", None, self.contract.setTrusted(asset, [*checksums], [*publishers], gas=gas))

    def registers(self, me: Actor) -> Call:
        """Offer to run jobs, with a key of one's own for fees."""
        self.signers[me.address] = signer = f"{me.name}'s fees"
        prices = [self.terms.to_units(price) for price in self.terms.prices.values()]
        amounts = [self.terms.amounts[name] for name in self.terms.prices]
        gas = 120_000 + 2_000 * len(prices)
        call = self.contract.registerNode(address_of(signer, "keys"), prices, amounts, gas=gas)
        return self.does("registers", None, call)

    def buys(self, asset: int, amount: int = TOKEN) -> Call:
        """Buy datatokens, or be given them where they are free.

        Args:
            asset: its number.
            amount: of 1e18 a token.
        """
        price = self.assets[asset].price
        if not price:
            return self.does("approves", None, self.contract.dispense(asset, amount, gas=150_000))
        most = 2 * price * amount // TOKEN
        return self.does("approves", None, self.contract.buyDT(asset, amount, most, gas=250_000))

    def deposits(self, amount: int) -> Call:
        """Put money down.

        Args:
            amount: smallest units.
        """
        return self.does("approves", None, self.contract.deposit(amount, gas=130_000))

    def takes_back(self, amount: int) -> Call:
        """Take back of one's deposit what is not locked.

        Args:
            amount: smallest units.
        """
        return self.does("withdraws", None, self.contract.takeBack(amount, gas=120_000))

    def authorizes(self, payee: bytes, amount: int, locks: int) -> Call:
        """Let a node lock of one's deposit.

        Args:
            payee: the node's address.
            amount: smallest units.
            locks: at once.
        """
        seconds = round(self.terms.lock_window + self.terms.job_seconds)
        return self.does("approves", None, self.contract.authorize(payee, amount, seconds, locks, gas=120_000))

    def collects(self, asset: int) -> Call:
        """Take what was paid for one's datatokens.

        Args:
            asset: its number.
        """
        return self.does("withdraws", None, self.contract.collect(asset, gas=120_000))
