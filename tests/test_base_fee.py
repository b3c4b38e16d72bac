"""The base fee of EIP-1559, and a chain whose background demand holds it."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slashpoint.sim.chain import Chain, next_base_fee
from slashpoint.sim.demand import Background
from slashpoint.sim.engine import make_engine
from slashpoint.sim.luck import Luck
from slashpoint.sim.rules import ChainRules

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


def test_volatile_demand_has_the_moments_of_its_process() -> None:
    """Mean, deviation and autocorrelation of an Ornstein–Uhlenbeck process sampled once a block."""
    rules = ChainRules(volatility=0.5, reversion=0.2)
    demand = Background(rules, Luck(0)("background"), 10**9)
    target = rules.gas_limit // 2
    logs = np.array([math.log(demand.gas(number, 10**10) * 10 / target) for number in range(20_000)])
    n = len(logs) * (1 - 0.8) / (1 + 0.8)  # as many independent ones
    assert abs(logs.mean()) / (0.5 / math.sqrt(n)) < 2
    assert logs.std() == pytest.approx(0.5, rel=2 / math.sqrt(n))
    assert np.corrcoef(logs[1:], logs[:-1])[0, 1] == pytest.approx(0.8, abs=0.02)


def test_volatile_demand_moves_the_fee_and_the_seed_decides_how() -> None:
    def fees(seed: int) -> list[int]:
        chain = Chain(make_engine("pyevm"), ChainRules(volatility=0.5), Luck(seed))
        return [(chain.mine(), chain.base_fee)[1] for _ in range(50)]

    assert fees(0) == fees(0) != fees(1)
    assert max(fees(0)) > 1.05 * min(fees(0))


@pytest.mark.parametrize(
    "written",
    [
        b"block,share\n7,0.5\n8,1\n9,0\n",
        b"\xef\xbb\xbf Block ; Share\r\n7;0,5\r\n\r\n8;1\r\n9;0\r\n",
        b"share\n0.5\n1\n\n0",
    ],
)
def test_demand_is_replayed(tmp_path: Path, written: bytes) -> None:
    path = tmp_path / "blocks.csv"
    path.write_bytes(written)
    chain = Chain(make_engine("pyevm"), ChainRules(replay=str(path)), Luck(0))
    assert [chain.mine().gas_used for _ in range(4)] == [36_000_000, 0, 18_000_000, 36_000_000]


@pytest.mark.parametrize(
    ("text", "culprit"),
    [
        ("\ufeffa\n1\n", "lacks share: .* it has a"),
        ("block,share\n8,0.5\n7,1\n", "line 3: block 7 after block 8"),
        ("block,share\n8,0.5\n8,0.5\n", "line 3: block 8 after block 8"),
        ("share\n0,5\n", "line 2: 2 cells, and 1 col"),
        ("share\n50%\n", "line 2: share is '50%', which is no number"),
        ("share\nnan\n", "line 2: nan of the gas limit"),
        ("share\n2\n", "line 2: 2 of the gas limit"),
        ("share\n", "no block"),
    ],
)
def test_what_cannot_be_replayed_is_said(tmp_path: Path, text: str, culprit: str) -> None:
    path = tmp_path / "blocks.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=culprit):
        Chain(make_engine("pyevm"), ChainRules(replay=str(path)), Luck(0))
    with pytest.raises(ValueError, match="cannot be read"):
        Chain(make_engine("pyevm"), ChainRules(replay=str(tmp_path / "none.csv")), Luck(0))
