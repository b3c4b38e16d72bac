"""The base fee of EIP-1559, and a chain whose background demand holds it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slashpoint.sim.chain import Chain, ChainRules, next_base_fee
from slashpoint.sim.engine import make_engine
from slashpoint.sim.luck import Luck

LIMIT = 30_000_000
TARGET = LIMIT // 2


def specified(base_fee: int, gas_used: int, gas_limit: int) -> int:
    """The EIP's own pseudocode, with its names and its order of operations."""
    parent_gas_target = gas_limit // 2
    if gas_used == parent_gas_target:
        return base_fee
    if gas_used > parent_gas_target:
        gas_used_delta = gas_used - parent_gas_target
        return base_fee + max(base_fee * gas_used_delta // parent_gas_target // 8, 1)
    gas_used_delta = parent_gas_target - gas_used
    return base_fee - base_fee * gas_used_delta // parent_gas_target // 8


@pytest.mark.parametrize(
    ("base_fee", "gas_used", "expected"),
    [
        (10**9, TARGET, 10**9),
        (10**9, LIMIT, 1_125_000_000),
        (10**9, 0, 875_000_000),
        (7, 0, 7),  # whole numbers stall: 7 // 8 is nothing
        (7, LIMIT, 8),  # and rise by at least one
        (0, LIMIT, 1),
        (1_000_000_007, 20_000_000, 1_041_666_673),
    ],
)
def test_known_steps(base_fee: int, gas_used: int, expected: int) -> None:
    assert next_base_fee(base_fee, gas_used, LIMIT) == expected


@given(st.integers(0, 10**14), st.integers(0, 60_000_000), st.integers(10_000, 60_000_000))
def test_it_is_the_specification(base_fee: int, gas_used: int, gas_limit: int) -> None:
    gas_used = min(gas_used, gas_limit)
    assert next_base_fee(base_fee, gas_used, gas_limit) == specified(base_fee, gas_used, gas_limit)


def test_threshold_demand_fills_more_than_the_target() -> None:
    """Full blocks while the fee is below what people would pay, empty ones above: 6.27 % over target."""
    step = 1 / 8
    expected = 2 * -math.log(1 - step) / (math.log(1 + step) - math.log(1 - step))
    assert expected == pytest.approx(1.06266, abs=1e-5)
    fee, worth, used, blocks = 10**15, 10**15, 0, 20_000
    for _ in range(blocks):
        gas = LIMIT if fee < worth else 0
        used += gas
        fee = next_base_fee(fee, gas, LIMIT)
    assert used / blocks / TARGET == pytest.approx(expected, abs=5e-4)


@pytest.mark.parametrize("background", [0.0, 1.0])
def test_others_demand_holds_the_fee(background: float) -> None:
    chain = Chain(make_engine("pyevm"), ChainRules(background=background), Luck(0))
    for _ in range(200):
        chain.mine()
    assert chain.base_fee == (10**9 if background else 7)
    chain.base_fee *= 2
    for _ in range(200):
        chain.mine()
    assert chain.base_fee == pytest.approx(10**9, rel=0.01) if background else chain.base_fee == 7
