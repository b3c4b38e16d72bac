"""A rollup's second fee: what it costs to publish a transaction's bytes on layer 1 (OP stack, since its Fjord upgrade).

Source: the OP stack's specification of Fjord, "L1-Cost fees": the size that a transaction adds to a compressed batch is
estimated by a linear function of its size under FastLZ, and paid at the prices of layer 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slashpoint.sim.units import GWEI

if TYPE_CHECKING:
    from slashpoint.sim.rules import ChainRules

INTERCEPT, COEFFICIENT = -42_585_600, 836_500  # millionths of a byte: of the estimate by the size under FastLZ
LEAST_SIZE = 100_000_000  # millionths of a byte
SCALE = 10**12  # of estimates and scalars, both in millionths
GAS_OF_A_BYTE = 16  # of calldata on layer 1

HASHES, FARTHEST = 8192, 8191  # of FastLZ's first level: size of its table, greatest distance of a match
TAIL, SHORTEST, LONGEST = 13, 3, 262  # last bytes are literals; a match's bytes, at least and in one piece


class DataFee:
    """What the bytes of a transaction cost on layer 1, wei.

    Args:
        rules: of the chain: layer 1's two prices and the rollup's scalars.
    """

    def __init__(self, rules: ChainRules) -> None:
        base_fee, blob_fee = (round(price * GWEI) for price in (rules.l1_base_fee_gwei, rules.l1_blob_base_fee_gwei))
        self._scaled = rules.l1_base_fee_scalar * base_fee * GAS_OF_A_BYTE + rules.l1_blob_base_fee_scalar * blob_fee

    def __bool__(self) -> bool:
        return self._scaled > 0

    def of(self, compressed: int) -> int:
        """Return the fee of a transaction, by the length of its signed bytes under FastLZ."""
        return estimated_size(compressed) * self._scaled // SCALE


def estimated_size(compressed: int) -> int:
    """Return what a transaction adds to a compressed batch, millionths of a byte, by its length under FastLZ."""
    return max(LEAST_SIZE, INTERCEPT + COEFFICIENT * compressed)


def compressed_length(data: bytes) -> int:
    """Return how many bytes FastLZ (level 1) makes of some bytes, as rollups count them."""
    end = max(len(data) - TAIL, 0)  # where matches no longer begin
    length = start = 0  # bytes put out, and the first that is not yet
    seen = [0] * HASHES  # where bytes of a hash were met last
    at = 2
    while at < end:
        while True:
            three = data[at : at + SHORTEST]
            key = _hash(three)
            before, seen[key] = seen[key], at
            distance = at - before
            if at >= end:
                return length + _literals(len(data) - start)
            at += 1
            if distance <= FARTHEST and data[before : before + SHORTEST] == three:
                break
        if at >= end:
            break
        at -= 1
        if at > start:
            length += _literals(at - start)
        same = _common(data, before + SHORTEST, at + SHORTEST, end + 9)
        length += _match(same)
        at += same
        for _ in range(2):
            seen[_hash(data[at : at + SHORTEST])] = at
            at += 1
        start = at
    return length + _literals(len(data) - start)


def _hash(three: bytes) -> int:
    return (2_654_435_769 * int.from_bytes(three, "little") >> 19) & 0x1FFF


def _common(data: bytes, before: int, at: int, end: int) -> int:
    """Return how far two places of the data agree, counting the first byte that differs."""
    length = 0
    while length < end - at:
        length += 1
        if data[before + length - 1] != data[at + length - 1]:
            break
    return length


def _literals(count: int) -> int:
    """Return the bytes that so many literals take: a byte before each 32 of them."""
    whole, rest = divmod(count, 32)
    return 33 * whole + (rest + 1 if rest else 0)


def _match(length: int) -> int:
    whole, rest = divmod(length - 1, LONGEST)
    return 3 * whole + (3 if rest >= 6 else 2)
