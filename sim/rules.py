"""The parameters of a chain, and the file of recorded demand that they may name."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from slashpoint.sim.csvfile import read
from slashpoint.sim.domain import Among, Factor, Gwei, Within, check

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ORDERINGS = ("priority", "fifo", "random")


@dataclass(frozen=True)
class ChainRules:
    """The parameters of a chain."""

    block_time: Annotated[float, Within(1e-9, 10**6)] = 12.0  # seconds between blocks
    gas_limit: Annotated[int, Within(21_000, 10**12)] = 36_000_000  # per block
    base_fee_gwei: Gwei = 1.0  # of the first block
    elasticity: Annotated[int, Within(1, 1000)] = 2  # gas limit / gas target (EIP-1559)
    denominator: Annotated[int, Within(1, 10**6)] = 8  # the base fee moves by at most 1 / this a block (EIP-1559)
    background: Factor = 1.0  # what others' demand fills of the target at the first base fee; 0 is an empty chain
    volatility: Annotated[float, Within(0, 10)] = 0.0  # of that demand: long-run standard deviation of its log
    reversion: Annotated[float, Within(0, 1, "low")] = 0.05  # how much of the way back to its level it goes in a block
    replay: str = ""  # instead: a CSV file whose column `share` says what others took of each block's gas limit
    tip_gwei: Gwei = 0.1  # the tip that people offer unless they say otherwise
    ordering: Annotated[str, Among(*ORDERINGS)] = "priority"  # priority | fifo | random
    genesis: Annotated[int, Within(10**8, 2**32)] = 1_767_225_600  # Unix seconds
    fork: str = "prague"
    addresses: Annotated[str, Among("names", "keys")] = "names"  # what accounts' addresses are derived from
    l1_base_fee_gwei: Gwei = 0.0  # of a rollup: the base fee of layer 1
    l1_blob_base_fee_gwei: Gwei = 0.0  # of a rollup: layer 1's price of a blob's gas
    l1_base_fee_scalar: Annotated[int, Within(0, 2**32 - 1)] = 0  # of a rollup, millionths
    l1_blob_base_fee_scalar: Annotated[int, Within(0, 2**32 - 1)] = 0  # of a rollup, millionths; both 0: no rollup
    finality: Annotated[float, Within(0, 10**9)] = 768.0  # seconds until a block cannot be undone any more

    @property
    def reads(self) -> Mapping[str, Sequence[Path]]:
        """Return the file that is replayed, if any; its path is taken from the current folder."""
        return {"replay": [Path(self.replay)]} if self.replay else {}

    def __post_init__(self) -> None:
        check(self, "chain")
        prices = self.l1_base_fee_gwei, self.l1_blob_base_fee_gwei
        scalars = self.l1_base_fee_scalar, self.l1_blob_base_fee_scalar
        for name, price, scalar in zip(("l1_base_fee", "l1_blob_base_fee"), prices, scalars, strict=True):
            if price and not scalar:
                raise ValueError(f"chain.{name}_gwei={price:g}: {name}_scalar=0 says that nobody pays it; see chain=l2")
            if scalar and not any(prices):
                raise ValueError(f"chain.{name}_scalar={scalar}: of prices that are 0 it is nothing; see chain=l2")

    def ready(self) -> None:
        """Refuse a file that holds no shares, with ValueError, before there is a world."""
        if self.replay:
            recorded_shares(self.replay)


def recorded_shares(path: str) -> list[float]:
    """Return what others took of each block, as shares of its gas limit: the column `share` of a CSV file, by block.

    Raises:
        ValueError: it cannot be read, holds no blocks or something else than shares, or, where there is a column
            `block`, the blocks do not come in order.
    """
    shares: list[float] = []
    block = -math.inf
    for row in read(path, "chain.replay", ("share",)):
        share = row.number("share")
        if not 0 <= share <= 1:
            raise ValueError(f"{row.where}: {share:g} of the gas limit: a share lies in [0, 1]")
        if "block" in row.cells:
            before, block = block, row.number("block")
            if not block > before:
                raise ValueError(f"{row.where}: block {block:.0f} after block {before:.0f}: blocks come in order")
        shares.append(share)
    if not shares:
        raise ValueError(f"chain.replay={path!r} has no block: there is nothing below its first line")
    return shares
