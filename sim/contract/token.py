"""Tokens: what an ERC-20 contract may say of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slashpoint.sim.contract.contract import ViewFailed
from slashpoint.sim.units import DECIMALS

if TYPE_CHECKING:
    from slashpoint.sim.contract.contract import Contract

MOST_DECIMALS = 77  # 10**77 is less than 2**256


def decimals_of(token: Contract) -> int:
    """Return how many decimals a token has: ERC-20 leaves it free to say, and who does not has 18."""
    if "decimals" not in token.artifact_.interface.functions:
        return DECIMALS
    try:
        said = int(token.decimals())
    except ViewFailed as why:
        raise ValueError(f"the decimals of a token cannot be read: {why}") from why
    if said > MOST_DECIMALS:
        raise ValueError(f"{token.name_} has {said} decimals: one of it is more than 256 bits hold")
    return said
