"""`slashpoint bench`: contenders take turns, ratios are of the same turn, and whoever is absent is a row."""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from slashpoint.experiments.bench import benchmark as bench
from slashpoint.experiments.bench import comparison as turns
from slashpoint.experiments.bench.benchmark import Benchmark, Contender, Setting, contender
from slashpoint.experiments.cli import main
from slashpoint.sim.errors import Misconfigured

FAKE = '''"""A race: nobody really runs.

More.
"""
import os
from slashpoint.experiments.bench.benchmark import Absent, Setting, contender

SETTING = Setting("laps/s", "runners", (10, 100), long=(1000,), base="tortoise")
order = []

@contender("hare")
def hare(runners):
    speed = iter([40.0, 10.0, 20.0, 30.0] * 2)  # the first, of 10 runners, is not counted
    print("noise")
    return lambda: {"laps/s": next(speed) if runners == 10 else 2.0, "pid": os.getpid()}

@contender("tortoise", most=10, most_long=100)
def tortoise(runners):
    return lambda: 10.0

@contender("ghost", "no-such-package>=3")
def ghost(runners):
    raise AssertionError("never asked")

@contender("shy")
def shy(runners):
    raise Absent("bring a carrot")

@contender("lame")
def lame(runners):
    if runners == 10:
        return lambda: 1.0
    return lambda: 1 / 0

@contender("brave", most=10)
def brave(runners):
    return lambda: os._exit(9)
'''


@pytest.fixture
def race(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Benchmark:
    folder = tmp_path / "stadium"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "race.py").write_text(FAKE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(bench, "PACKAGE", "stadium")
    for module in ("stadium", "stadium.race"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    return bench.load("race")


def test_every_benchmark_is_found_by_being_there_and_told_in_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--list", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found) >= {"raw", "transfers", "market", "world", "cohort", "fuzz"}
    assert all(about.endswith(".") for about in found.values())
    for name in found:
        one = bench.load(name)
        assert one.contenders
        assert not one.setting.base or one.setting.base in one.contenders
    assert main(["bench", "--list"]) == 0
    assert "raw" in capsys.readouterr().out


def test_the_peers_of_one_run_are_the_optional_group() -> None:
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())
    measured = {one.package for name in ("raw", "transfers") for one in bench.load(name).contenders.values()}
    assert set(project["project"]["optional-dependencies"]["peers"]) == measured - {"", "slashpoint-revm"}


def test_help_says_what_it_takes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["bench", "--help"])
    shown = capsys.readouterr().out
    assert "--long" in shown
    assert "--json" in shown


def test_an_unknown_benchmark_is_refused_with_those_that_exist(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "rwa"]) == 2
    assert "raw" in capsys.readouterr().err
    with pytest.raises(Misconfigured):
        bench.load("peers")  # a package of helpers


def test_contenders_take_turns_in_processes_of_their_own_and_one_document_comes_out(
    race: Benchmark, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "race", "--json", "--repetitions", "3"]) == 1  # one of them failed
    document = json.loads(capfd.readouterr().out)  # and nothing but it, whatever a contender prints
    rows = {(row["case"], row["contender"], row["unit"]): row for row in document["rows"]}
    assert set(document) >= {"rows", "growth", "columns", "machine", "versions"}
    assert all(set(row) == set(turns.ROWS) for row in rows.values())
    assert {*turns.ROWS, *turns.GROWTH} == set(document["columns"])

    hare = rows["10", "hare", "laps/s"]
    assert [hare[name] for name in ("median", "low", "high", "n")] == [20.0, 15.0, 25.0, 3]  # 40 was to warm up
    assert [hare[name] for name in ("ratio", "ratio_low", "ratio_high", "base")] == [2.0, 1.5, 2.5, "tortoise"]
    assert rows["100", "hare", "laps/s"]["ratio"] is None  # the base was not asked
    assert ("100", "tortoise", "laps/s") not in rows
    pid = rows["10", "hare", "pid"]
    assert pid["low"] == pid["high"]
    assert pid["ratio"] is None

    notes = {(row["case"], row["contender"]): row["note"] for row in rows.values() if row["note"]}
    assert notes["", "ghost"] == "not installed: pip install 'no-such-package>=3'"
    assert notes["10", "shy"] == "bring a carrot"
    assert notes["100", "lame"] == "failed: ZeroDivisionError: division by zero"
    assert notes["10", "brave"] == "failed: its process was ended from within, with exit code 9"
    assert ("10", "lame") not in notes

    (grown,) = [row for row in document["growth"] if row["contender"] == "hare"]
    assert grown["cases"] == 2
    assert grown["exponent"] == pytest.approx(2.0)  # 10 at 20 a second are 0.5 s, 100 at 2 are 50 s


def test_a_turn_is_everybodys_before_it_is_anybodys_again(race: Benchmark, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    class Contending:
        def __init__(self, _module: str, name: str) -> None:
            self.name = name

        def does(self, case: int) -> dict[str, float]:
            asked.append((case, self.name))
            return {"": 1.0}

        def leave(self) -> None:
            asked.append((0, self.name))

    monkeypatch.setattr(turns, "ContenderProcess", Contending)
    rows, _ = turns.measure(race, repetitions=2, long=True)
    there = ["hare", "tortoise", "shy", "lame"]
    first = [(10, name) for name in [*there, "brave"]]
    others = [(100, name) for name in there] + [(1000, name) for name in ("hare", "shy", "lame")]
    assert asked == first + 2 * (first + others) + [(0, name) for name in [*there, "brave"]]
    assert set(rows[rows["note"] == ""]["n"]) == {2}


def test_the_table_names_the_absent(race: Benchmark, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "race", "--repetitions", "1", "--quiet"]) == 1
    shown = capsys.readouterr().out
    assert "ghost: not installed: pip install 'no-such-package>=3'" in " ".join(shown.split())
    assert "over tortoise" in shown


def test_growth_is_the_slope_of_seconds_whatever_the_rate() -> None:
    @contender("us")
    def us(_: Any) -> Any:
        raise AssertionError

    made = Benchmark("x", "x", Setting("n/s", "n", (10, 100, 1000)), {"us": us})
    samples: turns.Samples = {
        (n, "us"): [{"n/s": n / (3e-3 * n**1.25)}, {"n/s": n / (7.0 * n)}, {"n/s": n / n**0.5}] for n in (10, 100, 1000)
    }
    (row,) = turns.growth(made, samples).to_dict("records")
    assert row["exponent"] == pytest.approx(1.0)
    assert row["exponent_low"] == pytest.approx(0.75)
    assert row["exponent_high"] == pytest.approx(1.125)


def test_who_is_asked_which_case() -> None:
    @contender("slow", most=100, most_long=1000)
    def slow(_: Any) -> Any:
        raise AssertionError

    assert isinstance(slow, Contender)
    assert [slow.takes(case, long=False) for case in (10, 100, 1000, "prague")] == [True, True, False, True]
    assert slow.takes(1000, long=True)


def test_one_turn_of_a_world_and_of_a_market() -> None:
    from slashpoint.benchmarks import market, transfers

    assert transfers.pyevm.start(20)() > 0
    figures = market.pyevm.start(20)()
    assert isinstance(figures, dict)
    assert figures["transactions/s"] > 0
