"""Price processes: known answers, and complaints before the first block."""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from slashpoint.experiments.setup.run import simulate
from slashpoint.sim.errors import Misconfigured
from slashpoint.sim.luck import Luck
from slashpoint.sim.prices import Prices
from slashpoint.sim.prices.constant import Constant
from slashpoint.sim.prices.gbm import DAY, GBM, YEAR
from slashpoint.sim.prices.reflexive import Reflexive
from slashpoint.sim.prices.replay import Replay

if TYPE_CHECKING:
    from pathlib import Path

GENESIS = 1_767_225_600.0
SEEDS = 2000


def gbm(seed: int, **parameters: float) -> GBM:
    """A process that has begun."""
    process = GBM(**parameters)
    process.begin(Luck(seed), GENESIS)
    return process


def test_constant() -> None:
    prices = Constant(eth=3000.0, token=0.5)
    prices.begin(Luck(1), GENESIS)
    assert [prices.usd(asset, GENESIS + 9) for asset in ("ETH", "MDC", "USD")] == [3000.0, 0.5, 1.0]


@pytest.mark.parametrize("days", [1.0, 2.5, 0.3])
def test_gbm_is_log_normal(days: float) -> None:
    """Mean and variance of the log return against theory, at whole days, at dyadic parts of one and at any other."""
    drift, volatility = 50.0, 20.0  # a year in a few days
    passed = days * DAY
    prices = [gbm(seed, eth=2.0, drift=drift, eth_volatility=volatility) for seed in range(SEEDS)]
    logs = np.log([process.usd("ETH", GENESIS + passed) / 2.0 for process in prices])
    years = passed / YEAR
    mean, variance = (drift - volatility**2 / 2) * years, volatility**2 * years
    assert abs(logs.mean() - mean) / math.sqrt(variance / SEEDS) < 3
    assert abs(logs.var() - variance) / (variance * math.sqrt(2 / SEEDS)) < 3


def test_gbm_moves_by_independent_steps_within_a_day_too() -> None:
    volatility, cut = 1.0, (0.2, 0.55, 0.9)
    steps = []
    for seed in range(SEEDS):
        process = gbm(seed, eth_volatility=volatility)
        path = np.log([process.usd("ETH", GENESIS + day * DAY) for day in (0.0, *cut)])
        steps.append(np.diff(path))
    lengths = np.diff([0.0, *cut]) * DAY / YEAR
    scaled = (np.array(steps) + volatility**2 / 2 * lengths) / (volatility * np.sqrt(lengths))
    for row in range(3):
        assert abs(scaled[:, row].var() - 1) / math.sqrt(2 / SEEDS) < 3
        for other in range(row):
            assert abs((scaled[:, row] * scaled[:, other]).mean()) * math.sqrt(SEEDS) < 3


def test_gbm_does_not_depend_on_who_asks_when() -> None:
    asked, other = gbm(3), gbm(3)
    times = [GENESIS + 1000.0 * k for k in range(300)]
    forwards = [asked.usd("ETH", time) for time in times]
    for time in times[::7]:
        other.usd("MDC", time)
    assert [other.usd("ETH", time) for time in reversed(times)] == forwards[::-1]
    assert forwards[0] == 2500.0
    assert forwards != [gbm(4).usd("ETH", time) for time in times]
    assert asked.usd("USD", times[5]) == 1.0
    assert asked.usd("ETH", GENESIS - 5) == 2500.0


def test_gbm_is_continuous() -> None:
    process = gbm(0, eth_volatility=1.0)
    for edge in (DAY / 2, DAY, 2 * DAY, 1.625 * DAY):
        before, after = (process.usd("ETH", GENESIS + edge + step) for step in (-0.01, 0.01))
        assert before == pytest.approx(after, rel=1e-3)


def test_gbm_without_volatility_only_drifts() -> None:
    process = gbm(0, eth=100.0, drift=0.1, eth_volatility=0.0)
    assert process.usd("ETH", GENESIS + YEAR) == pytest.approx(100 * math.exp(0.1))


def replay(folder: Path, text: str, genesis: float = GENESIS) -> Replay:
    """A replay of a file that says `text`."""
    (folder / "prices.csv").write_text(text)
    prices = Replay(path=str(folder / "prices.csv"))
    prices.begin(Luck(0), genesis)
    return prices


def test_replay_holds_each_price_until_the_next(tmp_path: Path) -> None:
    prices = replay(tmp_path, "time,asset,price\n200,ETH,3\n100,ETH,2.5\n1970-01-01T00:00:50,MDC,.5\n", genesis=100)
    assert [prices.usd("ETH", now) for now in (100, 199.9, 200, 10**9)] == [2.5, 2.5, 3.0, 3.0]
    assert prices.usd("MDC", 100) == 0.5
    assert prices.usd("USD", 100) == 1.0
    with pytest.raises(KeyError, match="has no price for DAI; it has ETH, MDC"):
        prices.usd("DAI", 100)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("time,price\n1,2\n", "lacks asset: its first line has to name time, asset, price; it has time, price"),
        ("", "lacks time, asset, price: .* it has nothing"),
        ("time,asset,price\n1,ETH,2\nsoon,ETH,3\n", "line 3: .*soon"),
        ("time,asset,price\n1,ETH,much\n", "line 2: .*much"),
        ("time,asset,price\n1,ETH\n", "line 2: "),
        ("time,asset,price\n1,ETH,-1\n", "line 2: -1.0 is no price"),
        ("time,asset,price\n1,ETH,nan\n", "line 2: nan is no price"),
        ("time,asset,price\n1,ETH,1\n1,ETH,2\n", "line 3: ETH has another price at 1970-01-01T00:00:01.* in line 2"),
        ("time,asset,price\n2e9,ETH,1\n", "the first price of ETH is from 2033-.*, the world begins at 2026-01-01"),
    ],
)
def test_replay_names_what_is_wrong(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        replay(tmp_path, text)


PLAIN = "time,asset,price\n1700000000,ETH,2500.5\n1700000012,MDC,1\n"


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        "\ufeff" + PLAIN,
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "\r"),
        PLAIN.replace(",", " , ").replace("time", " Time"),
        PLAIN.replace("\n", "\n\n,,\n"),
        "\n" + PLAIN + "\n\n",
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", ";").replace(".", ","),
        PLAIN.replace(",", "\t").replace(".", ","),
        'asset,PRICE,note,time\nMDC,1,"a, b",1700000012\nETH,2500.5,,1700000000\n',
        PLAIN.replace("\n", ",\n"),
        PLAIN + "1700000012,MDC,1\n",
        PLAIN.replace("00,", "00000,").replace("12,", "12000,"),
        PLAIN.replace("00,", "00000000,").replace("12,", "12000000,"),
        PLAIN.replace("00,", "00000000000,").replace("12,", "12000000000,"),
        PLAIN.encode("utf-16"),
        PLAIN.replace("1700000000", "2023-11-14T22:13:20Z").replace("1700000012", "2023-11-14 22:13:32"),
    ],
)
def test_what_can_be_meant_in_one_way_is_read(tmp_path: Path, text: str | bytes) -> None:
    path = tmp_path / "prices.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    prices = Replay(path=str(path))
    prices.begin(Luck(0), 1_700_000_012.0)
    assert prices._rows == {"ETH": ([1_700_000_000.0], [2500.5]), "MDC": ([1_700_000_012.0], [1.0])}


def test_prices_that_lack_an_asset_of_the_world_are_refused_before_the_run(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("time,asset,price\n0,ETH,2000\n")
    with pytest.raises(Misconfigured, match=r"p.csv has no price for MDC; it has ETH"):
        simulate(scenario="small", overrides=["prices=replay", f"prices.path={tmp_path / 'p.csv'}"])


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ("time;asset;price\n1;ETH;2\n1;MDC;1,234\n", "line 3: 1,234 may be 1234 or 1.234: use a point"),
        ("time;asset;price\n1;ETH;1.234,5\n", "line 2: price is '1.234,5', which is no number"),
        ("time,asset,price\n1,ETH,2500,5\n", "line 2: 4 cells, and 3 columns: 1,ETH,2500,5"),
        (
            "time,asset,price\n1,ETH,2\n\n1700000000000,ETH,3\n",
            "line 4: 1700000000000 is in milliseconds, .* line 2 in s",
        ),
        ("time,asset,price\n1e40,ETH,2\n", "line 2: '1e40' is no time in any unit"),
        ("time,asset,price\n31/12/2025,ETH,2\n", "line 2: '31/12/2025' is no time: write Unix seconds, or ISO 8601"),
        ("time,asset,price\nnan,ETH,2\n", "line 2: 'nan' is no time"),
        ("time,asset,price\n1,,2\n", "line 2: no asset"),
        ("time,asset,price,price\n1,ETH,2,3\n", "two columns called price"),
        ("time,asset,price\n", "has no price: there is nothing below its first line"),
        ("timestamp,asset,price\n1,ETH,2\n", "lacks time: .* it has timestamp, asset, price"),
        ('time,asset,price\n1,"ETH,2\n', "no table of comma-separated values"),
        (b"time,asset,price\n1,ETH,2\n1,caf\xe9,2\n", "line 3: it is no text in UTF-8"),
        (b"\x89PNG\r\n\x1a\n\0\0", "line 1: it is no text in UTF-8"),
    ],
)
def test_what_can_be_meant_in_two_ways_is_refused_by_its_line(
    tmp_path: Path, data: str | bytes, complaint: str
) -> None:
    path = tmp_path / "prices.csv"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    with pytest.raises(ValueError, match=complaint):
        Replay(path=str(path)).begin(Luck(0), GENESIS)


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: Constant(eth=0.0), "prices.eth=0.0: it must be above 0"),
        (lambda: Constant(token=math.nan), "prices.token=nan"),
        (lambda: GBM(token=-1.0), "prices.token=-1.0"),
        (lambda: GBM(eth_volatility=-0.1), "prices.eth_volatility=-0.1: it must be at least 0"),
        (lambda: GBM(drift=math.inf), "prices.drift=inf"),
        (Replay, "prices.path is missing"),
        (lambda: Replay(path="no/such.csv").begin(Luck(0), GENESIS), "'no/such.csv' cannot be read: No such file"),
    ],
)
def test_what_cannot_be_is_refused(make: Any, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        make()


def test_a_price_that_answers_to_what_happens() -> None:
    """A process of somebody's own needs one class: parameters, the hook, and the price."""

    @dataclass
    class Faith(Prices):
        fall: float = 0.5  # of the price, at each failure
        price: float = 8.0  # USD

        def observes(self, fact: Any) -> None:
            if fact.event == "Failed":
                self.price *= 1 - self.fall

        def usd(self, asset: str, now: float) -> float:
            return self.price if asset == "MDC" else super().usd(asset, now)

    @dataclass
    class Fact:
        event: str

    prices = Faith()
    prices.begin(Luck(0), GENESIS)
    for event in ("Failed", "Paid", "Failed"):
        prices.observes(Fact(event))
    assert prices.usd("MDC", GENESIS) == 2.0
    with pytest.raises(KeyError, match="Faith has no price for ETH"):
        prices.usd("ETH", GENESIS)


def ended(key: str, quality: float | None, time: int = 10) -> Any:
    """The fact that a job ended with a model of some quality, or with none."""
    cache = SimpleNamespace(score=lambda model, _: model)
    market = SimpleNamespace(delivered=lambda _: None if quality is None else quality * 100, world=None)
    market.world = SimpleNamespace(training_cache=cache)
    job = SimpleNamespace(key=key, closed=time, market=market, task=None, scale=100)
    return SimpleNamespace(job=job, time=time * 10**9)


def test_a_reflexive_token_falls_with_the_share_of_jobs_that_failed() -> None:
    prices = Reflexive(token=2.0, elasticity=3.0, memory=2.0)
    prices.begin(Luck(1), 0.0)
    assert prices.usd("MDC", 5.0) == 2.0
    for fact in (ended("a", 0.9, 10), ended("b", 0.4, 20), ended("b", 0.4, 25), ended("c", None, 30)):
        prices.observes(fact)
    assert [prices.usd("MDC", float(now)) for now in (10, 20, 29, 30)] == pytest.approx(
        [2.0, 2 * 0.75**3, 2 * 0.75**3, 2 * 0.6**3]
    )
    assert (prices.usd("ETH", 99.0), prices.usd("USD", 99.0)) == (2500.0, 1.0)
    prices.begin(Luck(1), 0.0)
    assert prices.usd("MDC", 99.0) == 2.0


def test_what_a_reflexive_price_cannot_be() -> None:
    for wrong in ({"elasticity": -1.0}, {"poor": 2.0}, {"memory": 0.0}):
        with pytest.raises(ValueError, match="prices"):
            Reflexive(**wrong)
