"""The sweep: one table whatever the workers, resumed after a kill, and a picture that needs no network."""

from __future__ import annotations

import json
import re

import pandas as pd
import pytest

from slashpoint.experiments import executor
from slashpoint.experiments import sweep as module
from slashpoint.experiments.cli import main
from slashpoint.experiments.executor import NOTHING
from slashpoint.experiments.matrix import matrix
from slashpoint.experiments.picture import picture, save
from slashpoint.experiments.sweep import COLUMNS, sweep
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
    assert list(one["cheats"]) == [*(f"trainer/{i}" for i in range(4)), ""] * 2
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


def fake(monkeypatch, slope: float):
    def evaluate(points, **_):
        rows = []
        for point in points:
            stake = dict(one.split("=") for one in point.overrides)["protocol.stake"]
            gain = 0.0 if point.labels["honest"] else 30.0 - slope * float(stake) + point.labels["seed"]
            rows.append({**NOTHING, **point.labels, "cheats": "t/0", "surplus:t/0": gain, "surplus:r/0": -gain})
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


def test_no_crossing_is_no_number(monkeypatch):
    fake(monkeypatch, slope=0.0)
    assert sweep(["attack=lazy", "protocol.stake=1,10", "seed=range(3)"]).crossings("gain")["crossing"].isna().all()


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
    assert main([*given, "--metric", "gane"]) == 2
    assert "no metric 'gane'; there are" in capsys.readouterr().err
