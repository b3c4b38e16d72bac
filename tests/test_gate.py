"""The gate: what is held, failed and undecided, its exit codes, and what it refuses."""

from __future__ import annotations

import json
import shlex
from xml.etree import ElementTree as ET

import pandas as pd
import pytest

from slashpoint.experiments import gate as module
from slashpoint.experiments.cli import main
from slashpoint.experiments.executor import NOTHING
from slashpoint.experiments.gate import checks, gate
from slashpoint.experiments.junit import junit
from slashpoint.experiments.suite import Expectation, Scenario, Suite

QUICK = ("scenario=small", "scenario.jobs=1", "engine=pyevm")


def suite(*expect: Expectation, name: str = "x") -> Suite:
    return Suite(name, (Scenario("s", QUICK, 3, expect),), units={"m": "USD", "gain": "USD", "loss": "USD"})


def judged(*expect: Expectation, values=(1.0, 2.0, 3.0), strict: bool = False, **changed) -> pd.DataFrame:
    rows = pd.DataFrame([
        {**NOTHING, "seed": seed, "honest": False, "line": f"slashpoint run {' '.join(QUICK)} seed={seed}",
         "m": value, "k:a": value, "k:b": -value, **changed}
        for seed, value in enumerate(values)
    ])  # fmt: skip
    one = suite(*expect)
    one.units["k"] = "1"
    return pd.DataFrame(list(checks(one, one.scenarios[0], rows, strict=strict))).set_index("check")


@pytest.mark.parametrize(
    ("expectation", "status"),
    [
        (Expectation("m", at_least=-1), "held"),
        (Expectation("m", at_least=10), "failed"),
        (Expectation("m", at_least=2.5), "inconclusive"),
        (Expectation("m", at_most=10), "held"),
        (Expectation("m", at_most=-1), "failed"),
        (Expectation("m", at_most=2.5), "inconclusive"),
        (Expectation("m", at_most=3, every=True), "held"),
        (Expectation("m", at_most=2.5, every=True), "failed"),
        (Expectation("k", at_least=-3, every=True), "held"),
        (Expectation("k", at_least=-2.5, every=True), "failed"),
        (Expectation("k", key="a", at_least=0.5, every=True), "held"),
        (Expectation("k", key="c", at_least=0), "inconclusive"),
    ],
    ids=str,
)
def test_the_interval_decides(expectation, status):
    found = judged(expectation)
    assert found["status"][str(expectation)] == status
    assert found["status"]["invariants"] == "held"


def test_all_seats_of_a_seed_are_one_observation_and_each_run_must_keep_what_every_run_must():
    rows = pd.DataFrame([
        {**NOTHING, "seed": seed, "honest": False, "m": seed + seat, "line": f"seed={seed} seat={seat}"}
        for seed in range(3)
        for seat in (-3.0, 3.0)
    ])  # fmt: skip
    mean, every = Expectation("m", at_least=-2), Expectation("m", at_least=-1, every=True)
    one = suite(mean, every)
    found = pd.DataFrame(list(checks(one, one.scenarios[0], rows))).set_index("check")
    told = found.loc[str(mean)]
    assert (told["mean"], told["n"], told["status"]) == (1.0, 3, "held"), "seeds 0, 1 and 2, whatever the seat"
    told = found.loc[str(every)]
    assert (told["status"], told["found"], told["line"]) == (
        "failed", "-3 USD at worst, 2 of 6 runs", "seed=0 seat=-3.0"
    )  # fmt: skip


def test_a_failure_names_the_run_that_is_worst():
    found = judged(Expectation("m", at_most=2.5, every=True)).iloc[-1]
    assert found["line"].endswith("seed=2")
    assert found["found"] == "3 USD at worst, 1 of 3 runs"


def test_broken_invariants_crashes_and_unknown_money():
    broken = judged(violations=2, complaint="solvency: block 20: holds 2 MDC too little").loc["invariants"]
    assert broken["status"] == "failed"
    assert broken["found"].startswith("solvency: block 20")
    assert broken["line"] == "slashpoint run scenario=small scenario.jobs=1 engine=pyevm seed=0"
    crashed = judged(error="Traceback\n  File x\nValueError: no\nin trainer/0").iloc[0]
    assert (crashed["status"], crashed["found"]) == ("crashed", "3 runs: ValueError: no")
    assert judged(unknown="1 MDC moved").loc["invariants"]["status"] == "held"
    assert judged(unknown="1 MDC moved", strict=True).loc["invariants"]["status"] == "failed"


def test_many_expectations_share_the_confidence():
    one, two = Expectation("m", at_most=1), Expectation("m", at_most=1, every=True)
    assert suite(one, two).level == 0.95
    five = (Expectation("m", key=key, at_most=1) for key in "abcde")
    assert suite(*five).level == pytest.approx(0.99)


def test_a_market_is_judged_with_its_twin(tmp_path):
    expect = (
        Expectation("gain", at_most=200),
        Expectation("loss", at_least=200),
        Expectation("delivered_share", at_least=1),
    )
    one = Suite(
        "x",
        (Scenario("o", (*QUICK, "attack=overclaim"), 3, expect),),
        units={"gain": "USD", "loss": "USD", "delivered_share": "1"},
    )
    table = gate(one, cache=tmp_path)
    assert list(table["status"][[0, 3]]) == ["held", "held"]
    assert table["found"][0].startswith("0 of 15 runs"), "with each seed four seats and a twin"
    assert list(table["n"][1:]) == [3, 3, 3], "a seed is one observation, however many its runs"
    assert table["status"][2] in {"failed", "inconclusive"}
    assert table["low"][1] <= table["mean"][1] <= table["high"][1]
    root = ET.fromstring(junit("x", table))
    assert root.attrib["tests"] == "4"
    assert len(root.findall(".//testcase")) == 4


@pytest.mark.parametrize(
    ("statuses", "strict", "code"),
    [
        (["held"], False, 0),
        (["held", "failed"], False, 1),
        (["failed", "crashed"], False, 3),
        (["inconclusive"], False, 0),
        (["inconclusive"], True, 4),
        (["inconclusive", "failed"], True, 1),
    ],
)
def test_exit_codes(statuses, strict, code, monkeypatch, capsys, tmp_path):
    rows = [
        {"scenario": "s", "check": "c", "status": one, "found": "f", "line": "slashpoint run", "n": 2}
        for one in statuses
    ]
    monkeypatch.setattr(module, "gate", lambda *_, **__: pd.DataFrame(rows, columns=list(module.COLUMNS)))
    monkeypatch.setattr("slashpoint.experiments.suite.load", lambda *_: suite(name="pr"))
    given = ["gate", "pr", "--junit", str(tmp_path / "x.xml"), *["--strict"] * strict]
    assert main(given) == code
    assert f"{statuses.count('failed')} failed" in capsys.readouterr().out
    assert ET.parse(tmp_path / "x.xml").getroot().attrib["failures"] == str(statuses.count("failed"))
    assert main([*given, "--json"]) == code
    assert json.loads(capsys.readouterr().out)["exit"] == code


def test_a_mutant_fails_from_the_command_line_and_its_line_repeats_the_run(tmp_path, capsys):
    (tmp_path / "tiny.yaml").write_text(
        "base: [scenario=small, scenario.jobs=1, engine=pyevm]\nseeds: 2\nscenarios: {honest: {}}\n"
    )
    given = ["gate", str(tmp_path / "tiny.yaml"), "--quiet", "--out", str(tmp_path)]
    assert main(given) == 0
    capsys.readouterr()
    assert main([*given, "--contract", "WorstClaim"]) == 1
    (line,) = (one for one in capsys.readouterr().out.splitlines() if "slashpoint run" in one)
    assert line.endswith("--contract WorstClaim")
    again = shlex.split(line)[1:]
    assert main([*again, "--quiet", "--out", str(tmp_path)]) == 1
    assert line.strip() in capsys.readouterr().out
    assert main([*again[: again.index("--contract")], "--quiet", "--out", str(tmp_path)]) == 0


@pytest.mark.parametrize("verb", [("gate",), ("run", "scenario=small")])
def test_a_contract_that_is_not_there_is_a_mistake_of_the_user(verb, tmp_path, capsys):
    assert main([*verb, "--contract", "WurstClaim", "--quiet", "--out", str(tmp_path)]) == 2
    assert "no such mutant" in capsys.readouterr().err
