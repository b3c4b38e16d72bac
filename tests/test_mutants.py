"""The hunt for mutants: kills, survivors, what is not built, and the contracts as they are."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from slashpoint.experiments.cli import main
from slashpoint.experiments.gate import mutants as module
from slashpoint.experiments.gate.mutants import COLUMNS, hunt
from slashpoint.experiments.gate.suite import Expectation, Scenario, Suite
from slashpoint.experiments.study.executor import NOTHING, Point, evaluate
from slashpoint.sim.contract.artifact import BUILD
from slashpoint.sim.errors import Misconfigured

SUITE = Suite(
    "x",
    (
        Scenario("first", (), 6, (Expectation("m", at_least=0),)),
        Scenario("second", ("attack=lazy",), 6),
    ),
    units={"m": "USD"},
)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "mutants").mkdir()
    (tmp_path / "build" / "mutants").mkdir(parents=True)
    for name, run in {"Loud": "attack=lazy", "Poor": "", "Quiet": "seed=1", "Raw": "x=1"}.items():
        text = f"Bug: it is {name}.\nRun: {run}\nCaught by: invariant x\n--- a/src/X.sol\n+++ b/src/X.sol\n"
        (tmp_path / "mutants" / f"{name}.patch").write_text(text)
        if name != "Raw":
            (tmp_path / "build" / "mutants" / f"{name}.json").write_text("{}")
    return tmp_path


@pytest.fixture
def _ran(monkeypatch):
    """Runs in which a mutant named Loud breaks an invariant in the second scenario, and Poor's metric is bad."""

    def fake(points, **_):
        rows = []
        for point in points:
            name = point.stand_ins[0].stem if point.stand_ins else ""
            loud = name == "Loud" and point.labels["scenario"] == "second"
            told = {"violations": int(loud), "complaint": "solvency: block 3: no" * loud}
            told["trace_hash"] = str(point.labels["honest"])
            rows.append({**NOTHING, **point.labels, **told, "m": -1.0 if name == "Poor" else 1.0})
        return pd.DataFrame(rows)

    monkeypatch.setattr(module, "evaluate", fake)


@pytest.mark.usefixtures("_ran")
def test_verdicts_and_the_first_kill_ends_it(folder):
    told: list[int] = []
    table = hunt(SUITE, contracts=folder, progress=lambda done, _: told.append(done)).set_index("mutant")
    assert dict(table["verdict"]) == {
        "unchanged": "clean", "Loud": "killed", "Poor": "killed", "Quiet": "survived", "Raw": "no build"
    }  # fmt: skip
    assert dict(table["runs"]) == {"unchanged": 36, "Loud": 2, "Poor": 6, "Quiet": 36, "Raw": 0}
    assert table["by"]["Poor"] == "m ≥ 0"
    assert table["found"]["Loud"].startswith("solvency: block 3")
    assert told == [0, 1, 2, 3, 4]
    assert list(table.reset_index()) == list(COLUMNS)


@pytest.mark.usefixtures("_ran")
def test_a_suite_is_tried_on_the_mutants_of_its_own_protocol(folder):
    patch = folder / "mutants" / "Loud.patch"
    patch.write_text(patch.read_text().replace("Run: attack=lazy", "Run: protocol=hosted attack=lazy"))
    assert "Loud" not in set(hunt(SUITE, contracts=folder)["mutant"])
    hosted = Suite("x", (Scenario("first", ("protocol=hosted",), 6),))
    assert list(hunt(hosted, contracts=folder)["mutant"]) == ["unchanged", "Loud"]


def test_whoever_accuses_the_contracts_as_they_are_is_told(folder, monkeypatch):
    monkeypatch.setattr(
        module, "evaluate", lambda points, **_: pd.DataFrame([{**NOTHING, **one.labels, "m": -1.0} for one in points])
    )
    assert list(hunt(SUITE, ["Quiet"], contracts=folder)["verdict"]) == ["accused", "killed"]


def test_a_mutant_that_is_not_there(folder):
    with pytest.raises(Misconfigured, match="no mutant 'Lowd'; there are Loud, Poor"):
        hunt(SUITE, ["Lowd"], contracts=folder)


def test_a_stand_in_is_deployed_in_the_place_of_ours(tmp_path):
    broken = tmp_path / "Broken.json"
    build = json.loads((BUILD / "ModelMarket.json").read_text())
    broken.write_text(json.dumps({**build, "bytecode": "0xfe"}))
    quick = ("scenario=small", "scenario.jobs=1", "engine=pyevm", "seed=0")
    rows = evaluate([Point(quick, stand_ins=(broken,)), Point(quick)])
    assert "ModelMarket cannot be deployed" in rows["error"][0]
    assert not rows["error"][1]


@pytest.mark.usefixtures("_ran")
def test_exit_codes(folder, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("slashpoint.experiments.gate.suite.load", lambda *_: SUITE)
    monkeypatch.setattr(hunt, "__kwdefaults__", {**hunt.__kwdefaults__, "contracts": folder})
    assert main(["mutants", "Loud", "--out", str(tmp_path)]) == 0
    assert "1 of 1 mutants killed" in capsys.readouterr().out
    assert main(["mutants", "--json", "--out", str(tmp_path)]) == 1
    assert {row["verdict"] for row in json.loads(capsys.readouterr().out)["rows"]} >= {"survived", "no build"}
