from dataclasses import dataclass
from typing import ClassVar

from slashpoint import Conduct

from ..protocols import oceanv4


class Consumer(oceanv4.Consumer):
    """Orders as every consumer does, with a fee of nobody's."""

    def fee(self, me, node):
        """Name address 0 as the node: whoever cannot be recovered from a signature is address 0 too."""
        return bytes(20), bytes(20), 0, 27, bytes(32), bytes(32), 0, b""


@dataclass
class UnsignedFee(Conduct):
    """Orders without a node's signature and without its fee.

    Source: ERC20Template compares the signer with the given address; ecrecover of no signature is 0. Exposed by: a node
    that looks for its fee in the order's transaction (protocol.checks); then the order's price is lost.
    """

    script: ClassVar[type | None] = Consumer
