"""Draws: numbers and distributions, and the bounds of what is drawn."""

from __future__ import annotations

from statistics import median

import pytest

from slashpoint.agents.draws import Drawn
from slashpoint.agents.scenario import People
from slashpoint.sim.domain import limits
from slashpoint.sim.luck import Luck

SHARE = Drawn(0, 1)


def drawn(bounds: Drawn, spec: object, count: int = 400) -> list[float]:
    return [bounds.draw(spec, Luck(i)) for i in range(count)]  # type: ignore[arg-type] # some are wrong


def test_a_number_is_itself() -> None:
    assert set(drawn(SHARE, 0.5)) == {0.5}


def test_uniform_lies_between_its_ends() -> None:
    found = drawn(Drawn(0, 10), {"uniform": [2, 5]})
    assert 2 <= min(found) < 2.1
    assert 4.9 < max(found) < 5


def test_lognormal_has_its_median_and_is_cut_at_the_bounds() -> None:
    assert median(drawn(Drawn(0, 100), {"lognormal": [2, 0.5]}, 2_000)) == pytest.approx(2, rel=0.05)
    cut = drawn(SHARE, {"lognormal": [0.8, 1]})
    assert max(cut) == 1
    assert cut.count(1) > 100
    assert set(drawn(SHARE, {"lognormal": [0.8, 0]})) == {0.8}


@pytest.mark.parametrize(
    "spec",
    [
        2, -1, "a", None, True, [0, 1], {}, {"uniform": 5}, {"uniform": [1]}, {"uniform": [1, 0]}, {"uniform": [0, 2]},
        {"uniform": ["a", 1]}, {"normal": [0, 1]}, {"uniform": [0, 1], "lognormal": [1, 1]}, {"lognormal": [0, 1]},
        {"lognormal": [1, -1]}, {"lognormal": [1, 6]}, {"lognormal": [2, 1]}, {"lognormal": [0.5]},
    ],
)  # fmt: skip
def test_what_is_no_distribution_within_bounds_is_refused(spec: object) -> None:
    assert SHARE.refuses(spec)


@pytest.mark.parametrize("spec", [0, 1, 0.5, {"uniform": [0, 1]}, {"uniform": [1, 1]}, {"lognormal": [0.5, 1]}])
def test_what_is_within_them_is_not(spec: object) -> None:
    assert not SHARE.refuses(spec)


def test_nobody_is_infinitely_slow_nor_hears_of_the_past() -> None:
    bounds = limits(People)
    assert set(bounds) == {"latency", "speed", "power", "energy", "data_share", "outside_usd"}
    assert bounds["speed"].refuses({"uniform": [0, 1]})
    assert bounds["latency"].refuses({"uniform": [-1, 1]})
