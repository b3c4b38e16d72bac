"""The gate: what is held, failed and undecided, its exit codes, and what it refuses."""

from __future__ import annotations

import json
import math
import re
import shlex
from xml.etree import ElementTree as ET

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slashpoint.experiments.cli import main
from slashpoint.experiments.gate import judge as module
from slashpoint.experiments.gate.judge import checks, gate
from slashpoint.experiments.gate.junit import junit
from slashpoint.experiments.gate.suite import Expectation, Scenario, Suite
from slashpoint.experiments.study.executor import NOTHING

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
        (Expectation("m", at_least=2.5), "undecided"),
        (Expectation("m", at_most=10), "held"),
        (Expectation("m", at_most=-1), "failed"),
        (Expectation("m", at_most=2.5), "undecided"),
        (Expectation("m", at_most=3, every=True), "held"),
        (Expectation("m", at_most=2.5, every=True), "failed"),
        (Expectation("k", at_least=-3, every=True), "held"),
        (Expectation("k", at_least=-2.5, every=True), "failed"),
        (Expectation("k", key="a", at_least=0.5, every=True), "held"),
        (Expectation("k", key="c", at_least=0), "failed"),
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
        "failed", "2 of 6 runs break it; the worst value is -3 USD", "seed=0 seat=-3.0"
    )  # fmt: skip


def test_a_failure_names_the_run_that_is_worst():
    found = judged(Expectation("m", at_most=2.5, every=True)).iloc[-1]
    assert found["line"].endswith("seed=2")
    assert found["found"] == "1 of 3 runs break it; the worst value is 3 USD"


def test_broken_invariants_crashes_and_unknown_money():
    broken = judged(violations=2, complaint="solvency: block 20: holds 2 MDC too little").loc["invariants"]
    assert broken["status"] == "failed"
    assert broken["found"].startswith("solvency: block 20")
    assert broken["line"] == "slashpoint run scenario=small scenario.jobs=1 engine=pyevm seed=0"
    crashed = judged(error="Traceback\n  File x\nValueError: no\nin trainer/0").iloc[0]
    assert (crashed["status"], crashed["found"]) == ("crashed", "3 runs: ValueError: no")
    assert judged(unknown="1 MDC moved").loc["invariants"]["status"] == "held"
    assert judged(unknown="1 MDC moved", strict=True).loc["invariants"]["status"] == "failed"


def test_invariants_that_hold_where_nothing_happened_are_undecided():
    found = judged(delivered_share=math.nan).loc["invariants"]
    assert (found["status"], found["found"]) == ("undecided", "no complaint, but no job was due in any of 3 runs")
    assert judged(delivered_share=0.0).loc["invariants"]["status"] == "held"
    assert judged(delivered_share=math.nan, violations=1).loc["invariants"]["status"] == "failed"


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
    assert list(table["status"][[0, 3, 4]]) == ["held", "held", "held"]
    assert table["check"][4] == "the attack has an effect"
    assert table["found"][4] == "12 of 12 runs differ from those without it"
    assert table["found"][0] == "18 checked, all held in 15 runs", "with each seed four seats and a twin"
    assert list(table["n"][1:4]) == [3, 3, 3], "a seed is one observation, however many its runs"
    assert table["status"][2] in {"failed", "undecided"}
    assert table["low"][1] <= table["mean"][1] <= table["high"][1]
    root = ET.fromstring(junit("x", table))
    assert root.attrib["tests"] == "5"
    assert len(root.findall(".//testcase")) == 5


@pytest.mark.parametrize(
    ("statuses", "options", "code"),
    [
        (["held"], [], 0),
        (["held", "failed"], [], 1),
        (["failed", "crashed", "undecided"], [], 3),
        (["undecided", "held"], [], 4),
        (["undecided"], ["--strict"], 4),
        (["undecided"], ["--allow-undecided"], 0),
        (["undecided", "failed"], [], 1),
        (["undecided", "failed"], ["--allow-undecided"], 1),
        (["undecided", "crashed"], ["--allow-undecided"], 3),
    ],
)
def test_exit_codes(statuses, options, code, monkeypatch, capsys, tmp_path):
    rows = [
        {"scenario": "s", "check": "c", "status": one, "found": "f", "line": "slashpoint run", "n": 2}
        for one in statuses
    ]
    monkeypatch.setattr(module, "gate", lambda *_, **__: pd.DataFrame(rows, columns=list(module.COLUMNS)))
    monkeypatch.setattr("slashpoint.experiments.gate.suite.load", lambda *_: suite(name="pr"))
    said = ["gate", "pr", "--junit", str(tmp_path / "x.xml"), *options]
    assert main(said) == code
    *lines, last = capsys.readouterr().out.splitlines()
    assert f"{statuses.count('failed')} failed" in last
    if "undecided" in statuses:
        assert "UNDECIDED s: c: f" in lines
        assert last.endswith("1 undecided and allowed" if "--allow-undecided" in options else "accepts it")
    root = ET.parse(tmp_path / "x.xml").getroot()
    allowed = {"undecided"} & set(statuses) if "--allow-undecided" in options else set()
    assert [one.attrib["type"] for one in root.iter("failure")] == [
        one for one in statuses if one in {"failed", "undecided"} - allowed
    ]
    assert [one.attrib["type"] for one in root.iter("error")] == ["crashed"] * statuses.count("crashed")
    assert {one.attrib["type"] for one in root.iter("skipped")} == allowed
    assert root.attrib["failures"] == str(len(list(root.iter("failure"))))
    assert root.attrib["skipped"] == str(len(allowed))
    assert main([*said, "--json"]) == code
    assert json.loads(capsys.readouterr().out)["exit"] == code


def test_a_key_that_no_run_has_fails_by_name():
    found = judged(Expectation("k", key="aa", at_most=100)).iloc[-1]
    assert (found["status"], found["found"]) == ("failed", "no run has this key; there are a, b")
    found = judged(Expectation("m", key="a", at_most=100)).iloc[-1]
    assert (found["status"], found["found"]) == ("failed", "no run has this key; there are none")


def test_what_some_runs_lack_is_undecided_unless_another_run_breaks_it():
    lacking = (1.0, math.nan, 3.0)
    found = judged(Expectation("m", at_most=9), Expectation("m", at_most=2, every=True), values=lacking)
    assert list(found["status"][1:]) == ["undecided", "failed"]
    assert found["found"].iloc[1] == "1 of 3 runs have no such number"
    assert found["line"].iloc[1].endswith("seed=1")
    found = judged(Expectation("m", at_most=9, every=True), values=lacking).iloc[-1]
    assert found["status"] == "undecided"
    found = judged(Expectation("m", at_most=9, every=True), values=(math.nan, math.nan)).iloc[-1]
    assert (found["status"], found["found"]) == ("undecided", "none of 2 runs has such a number")


@given(
    values=st.lists(st.floats(-1e6, 1e6).map(lambda one: round(one, 9)), min_size=2, max_size=6),
    bound=st.floats(-1e6, 1e6),
    upper=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_the_interval_that_is_shown_says_what_the_verdict_says(values, bound, upper):
    expectation = Expectation("m", **{"at_most" if upper else "at_least": bound})
    found = judged(expectation, values=values).iloc[-1]
    shown = re.match(r"\S+ \[(\S+), (\S+)\] USD", found["found"])
    low, high = (float(one.replace(",", "")) for one in shown.groups())
    kept, broken = (high <= bound, low > bound) if upper else (low >= bound, high < bound)
    assert found["status"] == ("held" if kept else "failed" if broken else "undecided")
    assert ("few seeds" in found["found"]) == (len(values) < 5)


@pytest.mark.parametrize(
    ("value", "bound", "text"),
    [
        (160_644.0, 175_000, "160,644"),
        (1.0, 1, "1"),
        (0.96666666, 0.9, "0.9667"),
        (-35.0321, 0, "-35.03"),
        (0.00004, 0, "4e-05"),
        (-7e-18, 0, "-7e-18"),
        (175_000.04, 175_000, "175,000.04"),
        (math.nan, 0, "nan"),
        (math.inf, 0, "inf"),
    ],
)
def test_a_number_has_as_many_digits_as_it_needs(value, bound, text):
    assert module._shown(value, bound) == text


def attacked(*, honest_hash="a", lies=3, surplus=0.0, **how) -> dict[str, str]:
    """The last check of a scenario with an attack: status and what was found."""
    cheating = {"honest": False, "trace_hash": "a", "attackers": "t/0", "overridden": lies, "surplus:t/0": surplus}
    twin = {"honest": True, "trace_hash": honest_hash, "attackers": "", "overridden": 0, "surplus:t/0": 0.0}
    rows = pd.DataFrame([
        {**NOTHING, "seed": seed, "line": f"seed={seed}", **kind} for seed in range(3) for kind in (cheating, twin)
    ])  # fmt: skip
    one = Scenario("s", (*QUICK, "attack=lazy"), 3, (Expectation("gain", at_most=0),), **how)
    *_, gain, last = checks(Suite("x", (one,), units={"gain": "USD"}), one, rows)
    assert gain["check"] == "attacker's gain ≤ 0 USD"
    return last


def test_a_gain_that_is_nothing_because_the_attack_did_nothing_is_not_green():
    last = attacked()
    assert (last["check"], last["status"]) == ("the attack has an effect", "failed")
    assert last["found"] == "the attack changed nothing in 3 runs"
    assert last["line"] == "seed=0"
    assert attacked(lies=0)["found"] == "the protocol never asked it for what it changes in 3 runs"
    assert attacked(honest_hash="b")["status"] == "held"
    assert attacked(surplus=-1.0)["status"] == "held", "who withholds bytes sends the same"


def test_an_attack_without_an_effect_can_be_meant():
    last = attacked(allow_no_effect=True)
    assert (last["status"], last["found"]) == ("held", "the attack changed nothing in 3 runs, which the suite allows")
    assert attacked(allow_no_effect=True, honest_hash="b")["found"] == "3 of 3 runs differ from those without it"


def test_the_verb_says_at_which_level_intervals_are_and_where_nothing_is_expected(monkeypatch, capsys):
    one = Suite("x", (
        Scenario("a", QUICK, 3, (Expectation("m", at_most=1), Expectation("n", at_most=1))), Scenario("b", QUICK, 3)
    ))  # fmt: skip
    monkeypatch.setattr(module, "gate", lambda *_, **__: pd.DataFrame([], columns=list(module.COLUMNS)))
    monkeypatch.setattr("slashpoint.experiments.gate.suite.load", lambda *_: one)
    assert main(["gate"]) == 0
    out = capsys.readouterr().out
    assert "intervals of means have a level of 0.975, so that 2 hold together at 0.95" in out
    assert "nothing is expected but that invariants hold: b" in out


def test_a_mutant_fails_from_the_command_line_and_its_line_repeats_the_run(tmp_path, capsys):
    (tmp_path / "tiny.yaml").write_text(
        "base: [scenario=small, scenario.jobs=1, engine=pyevm]\nseeds: 2\nscenarios: {honest: {}}\n"
    )
    said = ["gate", str(tmp_path / "tiny.yaml"), "--quiet", "--out", str(tmp_path)]
    assert main(said) == 0
    capsys.readouterr()
    assert main([*said, "--contract", "WorstClaim"]) == 1
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
