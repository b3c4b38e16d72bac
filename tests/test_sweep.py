"""The sweep: one table whatever the workers, resumed after a kill, and a picture that needs no network."""

from __future__ import annotations

import json
import math
import re

import pandas as pd
import pytest

from slashpoint.experiments.cli import main
from slashpoint.experiments.study import executor
from slashpoint.experiments.study import sweep as module
from slashpoint.experiments.study.chart import picture, save
from slashpoint.experiments.study.executor import NOTHING
from slashpoint.experiments.study.matrix import matrix
from slashpoint.experiments.study.stats import t_interval
from slashpoint.experiments.study.sweep import COLUMNS, sweep
from slashpoint.sim.errors import Misconfigured

QUICK = ["scenario=small", "scenario.jobs=1", "engine=pyevm"]
WHAT = [*QUICK, "attack=overclaim", "protocol.stake=1,20", "seed=range(2)"]


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("points")


@pytest.fixture(scope="module")
def found(cache):
    return sweep(WHAT, cache=cache)


def test_seeds_are_repetitions_and_the_rest_are_settings(found):
    assert found.axes == ("protocol.stake",)
    assert found.along == "protocol.stake"
    assert list(found.table.columns) == ["protocol.stake", *COLUMNS]
    gain = found.of("gain")
    assert list(gain["protocol.stake"]) == [1.0, 20.0]
    assert list(gain["n"]) == [2, 2]
    assert ((gain["low"] <= gain["mean"]) & (gain["mean"] <= gain["high"])).all()
    assert (found.rows["honest_profit"].notna()).all()


def test_each_run_is_a_row_of_its_seed_and_seat(found):
    one = found.rows[found.rows["protocol.stake"] == 20.0]
    assert list(one["seed"]) == [0] * 5 + [1] * 5
    assert list(one["seat"].astype(object)) == [0, 1, 2, 3, pd.NA] * 2
    assert list(one["twin"]) == [False, False, False, False, True] * 2
    assert list(one["attackers"]) == [*(f"trainer/{i}" for i in range(4)), ""] * 2
    assert one["line"].iloc[1].endswith("protocol.stake=20 scenario.seat=1 seed=0")


def test_gain_is_the_mean_over_the_seats_of_the_difference_to_the_twin(found):
    runs = found.rows[(found.rows["protocol.stake"] == 20.0) & (found.rows["seed"] == 1)].set_index("seat")
    differences = [runs[f"surplus:trainer/{i}"][i] - runs[f"surplus:trainer/{i}"][pd.NA] for i in range(4)]
    assert list(runs["gain"].dropna()) == pytest.approx(differences)
    told = found.observed[(found.observed["protocol.stake"] == 20.0) & (found.observed["seed"] == 1)].iloc[0]
    assert told["gain"] == pytest.approx(sum(differences) / 4)
    assert told["attacker_profit"] == pytest.approx(runs["attacker_profit"][[0, 1, 2, 3]].mean())


def test_a_sweep_and_a_matrix_tell_the_same_gain(found, cache):
    (cell,) = matrix(["overclaim"], ["hardened"], [*QUICK, "protocol.stake=20"], cap=2, cache=cache).to_dict("records")
    (row,) = found.of("gain")[found.of("gain")["protocol.stake"] == 20.0].to_dict("records")
    assert (row["mean"], row["n"]) == (pytest.approx(cell["gain"]), cell["n"])


def test_a_sweep_that_was_killed_goes_on_to_the_same_table(found, tmp_path, monkeypatch):
    real, left = executor.run, iter(range(3))

    def dies(*args, **options):
        if next(left, None) is None:
            raise KeyboardInterrupt
        return real(*args, **options)

    monkeypatch.setattr(executor, "run", dies)
    with pytest.raises(KeyboardInterrupt):
        sweep(WHAT, cache=tmp_path)
    assert len(list(tmp_path.glob("*/*.json"))) == 3
    made = []
    monkeypatch.setattr(executor, "run", lambda *args, **options: made.append(1) or real(*args, **options))
    again = sweep(WHAT, cache=tmp_path)
    assert len(made) == 2 * 2 * (4 + 1) - 3
    pd.testing.assert_frame_equal(again.table, found.table)


def test_what_cannot_run_is_said_before_anything_runs(tmp_path):
    with pytest.raises(Misconfigured, match="cannot be negative"):
        sweep(["protocol.stake=1,-1"], cache=tmp_path)
    assert not list(tmp_path.iterdir())


def test_an_attack_without_a_seat_is_refused_before_anything_runs(tmp_path, capsys):
    assert main(["sweep", "scenario=small", "attack=lazy,cartel", "seed=range(2)", "--out", str(tmp_path)]) == 2
    assert "Cartel has no seat here" in capsys.readouterr().err
    assert not list(tmp_path.glob("points/*"))


def fake(monkeypatch, slope: float):
    def evaluate(points, **_):
        rows = []
        for point in points:
            stake = dict(one.split("=") for one in point.overrides)["protocol.stake"]
            gain = 0.0 if point.labels["honest"] else 30.0 - slope * float(stake) + point.labels["seed"]
            rows.append({**NOTHING, **point.labels, "attackers": "t/0", "surplus:t/0": gain, "surplus:r/0": -gain})
        return pd.DataFrame(rows)

    monkeypatch.setattr(module, "evaluate", evaluate)


def test_the_crossing_and_its_interval(monkeypatch, tmp_path):
    fake(monkeypatch, slope=1.0)
    result = sweep(["attack=overclaim,lazy", "protocol.stake=1,10,100", "seed=range(11)"])
    crossings = result.crossings("gain").set_index("attack")
    assert crossings["crossing"]["lazy"] == pytest.approx(35.0)  # 30 + the mean seed
    assert 32 < crossings["low"]["lazy"] < 35 < crossings["high"]["lazy"] < 38
    save(picture(result, "gain", "USD"), tmp_path)
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")
    assert not re.search(r'src="?https?:', (tmp_path / "picture.html").read_text())
    assert picture(sweep(["attack=overclaim,lazy", "protocol.stake=3", "seed=range(3)"]), "gain", "USD").to_dict()


def test_no_crossing_is_no_number(monkeypatch, tmp_path, capsys):
    fake(monkeypatch, slope=0.0)
    result = sweep(["attack=lazy", "protocol.stake=1,10", "seed=range(3)"])
    assert result.crossings("gain")["crossing"].isna().all()
    assert result.idle("gain") == ["protocol.stake"]
    assert main(["sweep", "attack=lazy", "protocol.stake=1,10", "seed=range(3)", "--out", str(tmp_path)]) == 0
    assert "protocol.stake has no effect: gain is the same at all its values" in capsys.readouterr().out
    fake(monkeypatch, slope=1.0)
    assert main(["sweep", "attack=lazy", "protocol.stake=1,10", "seed=range(3)", "--out", str(tmp_path)]) == 0
    assert "never crosses zero: the mean of gain is above it at every protocol.stake" in capsys.readouterr().out
    result = sweep(["attack=lazy,overclaim", "protocol.stake=1,100", "seed=range(3)"])
    assert result.idle("gain") == ["attack"]
    assert result.sides("gain").empty


LUCK = (10.0, -50.0, -50.0, -50.0)  # what a cheat gains in each seat: the ablest would have won anyway


def seated(monkeypatch, broken: tuple[int, int | None] | None = None):
    """Runs in which the seat decides what a cheat gains, within cents; one of a seed and a seat may crash."""

    def evaluate(points, **_):
        rows = []
        for point in points:
            seed, seat = point.labels["seed"], point.labels["seat"]
            gain = 0.0 if seat is None else LUCK[seat] + 0.01 * seed
            error = "Traceback" if (seed, seat) == broken else ""
            rows.append({**NOTHING, **point.labels, "error": error, "attackers": "t/0", "surplus:t/0": gain})
        return pd.DataFrame(rows)

    monkeypatch.setattr(module, "evaluate", evaluate)


def test_an_interval_holds_what_a_cheat_gains_over_all_seats(monkeypatch):
    """With one seat a seed two seeds may both seat the luckiest: an interval that is tight, and wrong."""
    seated(monkeypatch)
    truth = sum(LUCK) / 4
    found = sweep(["scenario=small", "attack=overclaim", "seed=4,8"])
    runs = found.rows[~found.rows["twin"]]
    one_seat = t_interval(runs["gain"][runs["seat"] == runs["seed"] % 4])  # the seat that follows the seed
    assert not one_seat.low < truth < one_seat.high
    (row,) = found.of("gain").to_dict("records")
    assert row["low"] < truth < row["high"]
    assert row["high"] - row["low"] < 1


def test_a_seat_that_is_named_is_obeyed_and_told(monkeypatch):
    seated(monkeypatch)
    found = sweep(["scenario=small", "attack=overclaim", "scenario.seat=0,1", "seed=range(3)"])
    assert list(found.of("gain")["mean"]) == pytest.approx([10.01, -49.99])
    assert list(found.of("gain")["notes"].str.partition(":")[0]) == [
        f"the attacker takes no seat but scenario.seat={seat}" for seat in (0, 1)
    ]
    assert not sweep(["scenario=small", "attack=overclaim", "seed=range(3)"]).table["notes"].any()


@pytest.mark.parametrize(("broken", "left"), [((1, 2), [0, 2]), ((1, None), [0, 2])])
def test_a_seed_of_which_a_run_failed_is_in_no_mean(monkeypatch, broken, left):
    seated(monkeypatch, broken)
    found = sweep(["scenario=small", "attack=overclaim", "seed=range(3)"])
    (row,) = found.of("gain").to_dict("records")
    assert (row["n"], row["failed"]) == (2, 1)
    assert row["mean"] == pytest.approx(sum(LUCK) / 4 + 0.01 * sum(left) / 2)


def test_a_twin_that_crashed_is_no_success(monkeypatch, tmp_path, capsys):
    seated(monkeypatch, (1, None))
    assert main(["sweep", "scenario=small", "attack=overclaim", "seed=range(3)", "--out", str(tmp_path)]) == 3
    assert "Traceback" in capsys.readouterr().err


def test_few_seeds_are_marked_everywhere_and_one_has_no_interval(monkeypatch, tmp_path, capsys):
    for seeds, mark in ((1, False), (4, True), (5, False)):
        fake(monkeypatch, slope=1.0)
        given = ["sweep", "attack=lazy", "protocol.stake=1,100", f"seed=range({seeds})", "--out", str(tmp_path)]
        assert main(given) == 0
        out = capsys.readouterr().out
        rows = [line for line in out.splitlines() if line[:2] in {"1 ", "10"}]
        assert [row.rstrip().endswith("†") for row in rows] == [mark, mark]
        assert ("† with fewer than 5 seeds" in out, "crosses zero" in out) == (mark, True)
        assert main([*given, "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        rows = [row for row in told["rows"] if row["metric"] == "gain"]
        assert [(row["few_seeds"], row["low"] is None) for row in rows] == [(mark, seeds == 1)] * 2
        assert told["crossings"][0]["few_seeds"] is mark
        said = " ".join(picture(sweep(given[1:4]), "gain", "USD").to_dict()["title"]["subtitle"])
        assert ("fewer than 5 seeds" in said, "without intervals" in said) == (mark, seeds == 1)


HOSTILE = ("'</script><script>alert(1)</script>'", "'<!--<script>'", "'[/b]'", '{"a": 1}', "'$(x) `y`'")


def test_texts_of_users_stay_texts_in_a_picture(tmp_path):
    """Every page's scripts end where they end with harmless texts, and the texts are in it."""

    def saved(values):
        rows = [
            {**NOTHING, "attack.x.name": name, "stake": stake, "seed": seed, "twin": False, "seat": None, "line": "",
             "m": stake - seed}
            for name in values for stake in (-1.0, 2.0) for seed in range(5)
        ]  # fmt: skip
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        save(picture(module.Sweep(("attack.x.name", "stake"), pd.DataFrame(rows)), "m", "USD"), folder)
        assert (folder / "picture.png").read_bytes().startswith(b"\x89PNG")
        return (folder / "picture.html").read_text()

    harmless, hostile = saved("abcde"), saved(HOSTILE)
    for what in ("<script", "</script", "<!--"):
        assert hostile.lower().count(what) == harmless.lower().count(what)
    (spec,) = re.findall(r"const spec = (\{.*\});", hostile)
    names = {row["setting"] for rows in json.loads(spec)["datasets"].values() for row in rows if "setting" in row}
    assert names == {f"name {one}" for one in HOSTILE}


METRICS = """
import math
from slashpoint import metric

@metric(unit="MDC", better="higher")
def ratio(run):
    'Infinite in one run.'
    return math.inf if run.config["seed"] == 1 else 5.0

@metric(unit="1", better="higher")
def found(run):
    'No number in one run.'
    return math.nan if run.config["seed"] == 1 else run.config["seed"] + 2.0
"""


def test_a_metric_that_is_infinite_or_no_number_in_one_run_is_a_row_and_has_its_unit(tmp_path, monkeypatch, capsys):
    (tmp_path / "slashpoint.yaml").write_text("")
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics" / "mine.py").write_text(METRICS)
    (tmp_path / "mine.yaml").write_text(
        f"base: {json.dumps(QUICK)}\nseeds: 3\n"
        "scenarios: {a: {expect: [{metric: ratio, at_least: 0}, {metric: ratio, at_most: 9, every: true}]}}\n"
    )
    monkeypatch.chdir(tmp_path)
    given = ["sweep", *QUICK, "protocol.stake=1,2", "seed=range(3)", "--quiet"]
    for _ in ("made", "found again"):
        assert main([*given, "--metric", "ratio"]) == 0
        assert "ratio in MDC" in (out := capsys.readouterr().out)
        assert out.count("inf ") == out.count("infinite in 1 run") == 2
    assert main([*given, "--metric", "found"]) == 0
    assert capsys.readouterr().out.count("missing in 1 run") == 2
    assert main([*given, "--metric", "ratio", "--json"]) == 0
    rows = [row for row in json.loads(capsys.readouterr().out)["rows"] if row["metric"] == "ratio"]
    assert [(row["mean"], row["low"], row["n"], row["infinite"], row["unit"]) for row in rows] == [
        (None, None, 3, 1, "MDC")
    ] * 2
    (folder,) = (tmp_path / "runs" / "sweeps").iterdir()
    assert list(pd.read_parquet(folder / "rows.parquet")["ratio"]) == [5.0, math.inf, 5.0] * 2
    table = pd.read_csv(folder / "table.csv").set_index("metric")
    assert list(table["mean"]["ratio"]) == [math.inf] * 2
    assert list(table["missing"]["found"]) == [1, 1]
    assert main(["gate", "mine.yaml", "--json"]) == 1
    at_least, at_most = json.loads(capsys.readouterr().out)["rows"][1:]
    assert (at_least["status"], at_least["found"]) == ("undecided", "inf MDC, for it is infinite in some run")
    assert (at_most["status"], at_most["found"]) == ("failed", "1 of 3 runs break it; the worst value is inf MDC")


def test_the_verb_leaves_tables_and_a_picture(found, cache, tmp_path, capsys):
    (tmp_path / "points").symlink_to(cache)
    given = ["sweep", *WHAT, "--out", str(tmp_path)]
    assert main(given) == 0
    (folder,) = (tmp_path / "sweeps").iterdir()
    assert {path.name for path in folder.iterdir()} == {
        "command", "table.parquet", "table.csv", "rows.parquet", "picture.html", "picture.png"
    }  # fmt: skip
    pd.testing.assert_frame_equal(pd.read_parquet(folder / "table.parquet"), found.table)
    assert "protocol.stake" in capsys.readouterr().out
    assert main([*given, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["metric"] == "gain"
    keyed = next(name for name in found.table["metric"] if ":" in name)
    name = keyed.partition(":")[0]
    assert main([*given, "--metric", name]) == 2
    assert f"--metric {name}: it has keys: {name}:" in capsys.readouterr().err
    assert main([*given, "--metric", f"{name}:nobody"]) == 2
    assert f"--metric {name}:nobody: no such key; there are {name}:" in capsys.readouterr().err
    assert main([*given, "--metric", "gane"]) == 2
    assert "no metric 'gane'; did you mean gain?" in capsys.readouterr().err
