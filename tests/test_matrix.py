"""The matrix: pairs, verdicts, and what is picked measured again."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from slashpoint.experiments.cli import main
from slashpoint.experiments.setup.config import NoSeat, seatable
from slashpoint.experiments.study.heatmap import draw
from slashpoint.experiments.study.matrix import COLUMNS, FRESH, matrix
from slashpoint.experiments.study.pairs import cheated, compared, paired, seats, twin
from slashpoint.sim.errors import Misconfigured

QUICK = ("scenario=small", "scenario.jobs=1", "engine=pyevm")
MUTE = """
from dataclasses import dataclass
from slashpoint.agents.conduct import Conduct

@dataclass
class Mute(Conduct):
    'Lies about a duty that nobody has.'
    def settle(self, me, job, subject):
        return "nothing"
"""
CALM = """
from dataclasses import dataclass
from slashpoint.agents.conduct import Conduct

@dataclass
class Calm(Conduct):
    'Says what everybody says.'
    def claim(self, me, job, measured):
        return measured
"""
ABSENT = """
from dataclasses import dataclass
from slashpoint.agents.conduct import Conduct

@dataclass
class Absent(Conduct):
    'Lies about claims, but is never asked.'
    def enter(self, me, job):
        return False
    def claim(self, me, job, measured):
        return job.scale
"""
ROBBER = """
from dataclasses import dataclass
from slashpoint.agents.conduct import Conduct

@dataclass
class Robber(Conduct):
    'Breaks.'
    def claim(self, me, job, measured):
        raise RuntimeError("caught")
"""


@pytest.fixture
def project(tmp_path):
    (tmp_path / "slashpoint.yaml").write_text("")
    (tmp_path / "attacks").mkdir()
    for name, text in {"mute": MUTE, "calm": CALM, "absent": ABSENT, "robber": ROBBER}.items():
        (tmp_path / "attacks" / f"{name}.py").write_text(text)
    return tmp_path


def test_a_twin_differs_by_the_attack_alone():
    setting = ("scenario=small", "attack=[sybil,lazy]", "attack.sybil.k=3", "protocol.stake=1", "scenario.seat=2")
    assert twin(setting) == ("scenario=small", "protocol.stake=1", "attack=[]")
    assert cheated(setting)
    assert not cheated(twin(setting))
    points = paired(setting, [4], label="x")
    assert [point.labels["honest"] for point in points] == [False, True]
    assert all("seed=4" in point.overrides for point in points)


def runs_of(*setting: str, seeds=(4,), project=None) -> list[tuple[int, int | None, bool]]:
    return [
        (point.labels["seed"], point.labels["seat"], point.labels["honest"])
        for point in paired(("scenario=small", *setting), seeds, project)
    ]


def test_by_default_a_cheat_takes_each_seat_of_its_role_by_turns():
    points = paired(("scenario=small", "attack=lazy"), [4, 5])
    seats = [[one for one in point.overrides if "seat" in one] for point in points]
    assert seats == [*([f"scenario.seat={seat}"] for seat in range(4)), []] * 2
    assert [point.labels["honest"] for point in points] == [False, False, False, False, True] * 2
    assert points[1].labels["line"] == "slashpoint run scenario=small attack=lazy scenario.seat=1 seed=4"


def test_a_seat_that_is_named_is_obeyed(tmp_path):
    assert runs_of("attack=lazy", "scenario.seat=2", seeds=(4, 5)) == [
        (4, 2, False), (4, None, True), (5, 2, False), (5, None, True)
    ]  # fmt: skip
    assert runs_of("attack=lazy", "scenario.seat=${seed}", seeds=(2, 3)) == [
        (2, 2, False), (2, None, True), (3, 3, False), (3, None, True)
    ]  # fmt: skip
    (tmp_path / "slashpoint.yaml").write_text("")
    (tmp_path / "conf" / "scenario").mkdir(parents=True)
    (tmp_path / "conf" / "scenario" / "fixed.yaml").write_text("defaults: [small, _self_]\nseat: 1\n")
    assert runs_of("scenario=fixed", "attack=lazy", project=tmp_path) == [(4, 1, False), (4, None, True)]


def test_seats_are_those_that_somebody_sits_in():
    absent = "scenario.absent=[trainer/1,trainer/3]"
    assert runs_of("attack=lazy", absent) == [(4, 0, False), (4, 2, False), (4, None, True)]
    assert runs_of("attack=lazy", "scenario.attackers=4") == [(4, 0, False), (4, None, True)], "they take all at once"
    assert runs_of("attack=lost_string") == [(4, 0, False), (4, None, True)], "there is one requester"
    assert len(runs_of("attack=lazy", "scenario.scale=2")) == 8 + 1
    assert runs_of() == [(4, None, False), (4, None, True)], "nobody cheats"


@pytest.mark.parametrize("setting", [("attack=cartel",), ("attack=lazy", "protocol.seats.trainer=0")])
def test_an_attack_without_a_seat_is_refused(setting):
    with pytest.raises(Misconfigured, match=r"(Cartel|Lazy) has no seat here"):
        runs_of(*setting)


def test_what_a_cheat_gains_over_all_seats_is_one_number():
    rows = pd.DataFrame(
        [
            {"seed": 4, "error": "", "trace_hash": "a", "overridden": 1, "honest": False, "attackers": f"t/{i}",
             **{f"surplus:t/{j}": 0.0 if i == j else 3.0 for j in range(3)}}
            for i in range(3)
        ] + [{"seed": 4, "error": "", "trace_hash": "h", "overridden": 0, "honest": True, "attackers": "",
              "surplus:t/0": 6.0, "surplus:t/1": 0.0, "surplus:t/2": 0.0}]
    )  # fmt: skip
    assert compared(rows).to_dict("index") == {4: {"gain": -2.0, "loss": -2.0, "same": False, "overridden": 3}}


def test_where_one_of_equals_wins_all_seats_tell_what_a_few_seeds_cannot():
    """Who is lazy does not win, and somebody does: an equal share of the reward is what it costs."""
    (row,) = matrix(["lazy"], ("literal",), QUICK, cap=2).to_dict("records")
    assert row["verdict"] == "loses"
    assert row["gain_high"] - row["gain_low"] < 0.1 * abs(row["gain"])


def test_gain_and_loss_are_differences_of_pairs():
    common = {"seed": 1, "error": "", "trace_hash": "a", "overridden": 0}
    rows = pd.DataFrame(
        [
            {**common, "honest": False, "attackers": "t/0 t/1", "trace_hash": "b", "overridden": 2,
             "surplus:t/0": 5.0, "surplus:t/1": 1.0, "surplus:r/0": -9.0, "surplus:t/2": 0.5},
            {**common, "honest": True, "attackers": "", "surplus:t/0": 2.0, "surplus:t/1": 0.0, "surplus:r/0": -1.0},
            {**common, "honest": False, "attackers": "t/0", "seed": 2, "error": "Traceback", "surplus:t/0": 100.0},
        ]
    )  # fmt: skip
    found = compared(rows)
    assert found.to_dict("index") == {1: {"gain": 2.0, "loss": 7.5, "same": False, "overridden": 2}}


def test_verdicts_say_why_there_is_no_number(project):
    attacks = ["mute", "calm", "robber", "overclaim"]
    table = matrix(attacks, ("hardened",), QUICK, cap=8, half_width=1000, project=project).set_index("attack")
    assert list(table["verdict"][["mute", "calm", "robber"]]) == ["n/a", "no effect", "failed"]
    assert "RuntimeError: caught" in table["error"]["robber"]
    assert "attack=[robber]" in table["line"]["robber"]
    assert table["n"]["mute"] == 0
    assert list(table.reset_index()) == list(COLUMNS)
    assert table["gain"]["overclaim"] < 0 < table["n"]["overclaim"]
    assert (table["gain_low"] <= table["gain"]).sum() == 2


def test_who_withholds_bytes_sends_the_same_and_hurts(project):
    (row,) = matrix(["no_pin"], ("hardened",), QUICK, cap=2, half_width=1000, project=project).to_dict("records")
    assert row["verdict"] == "negligible"
    assert row["gain"] == 0
    assert row["loss"] > 10


def test_an_attack_that_is_never_asked_says_so(project):
    table = matrix(["calm"], ("hardened",), (*QUICK, "protocol.stake=5000"), cap=8, half_width=1e9, project=project)
    assert table["verdict"][0] == "never asked"


def gaining(monkeypatch, gain):
    """Runs in which a cheat of an attack gains gain(attack, seed)."""
    from slashpoint.experiments.study import matrix as module

    def fake(points, **_):
        return pd.DataFrame([
            {**point.labels, "error": "", "trace_hash": str(point.labels["honest"]), "overridden": 1, "violations": 0,
             "complaint": "", "unknown": "", "attackers": "t/0",
             "surplus:t/0": 0.0 if point.labels["honest"] else gain(point.labels["cell"][0], point.labels["seed"])}
            for point in points
        ])  # fmt: skip

    monkeypatch.setattr(module, "evaluate", fake)


def test_nothing_pays_below_the_materiality(monkeypatch):
    gaining(monkeypatch, lambda attack, seed: {"lazy": 7e-6, "overclaim": -0.009, "constant": 0.02}[attack])
    table = matrix(["lazy", "overclaim", "constant"], ("hardened",), QUICK, cap=8).set_index("attack")
    assert dict(table["verdict"]) == {"lazy": "negligible", "overclaim": "negligible", "constant": "pays"}
    exact = matrix(["lazy", "overclaim"], ("hardened",), QUICK, cap=8, materiality=0.0).set_index("attack")
    assert dict(exact["verdict"]) == {"lazy": "pays", "overclaim": "loses"}
    large = matrix(["constant"], ("hardened",), QUICK, cap=8, materiality=1.0)
    assert list(large["verdict"]) == ["negligible"]


def test_the_interval_that_is_shown_is_the_one_that_the_verdict_rests_on(monkeypatch):
    """Eight values that one cell alone would call a gain, and that a table of ten cells does not."""
    gaining(monkeypatch, lambda attack, seed: 1.0 + [-1, 1, -1, 1, -1, 1, -1, 1.2][seed % 8])
    (alone,) = matrix(["lazy"], ("hardened",), QUICK, cap=8).to_dict("records")
    assert (alone["verdict"], alone["level"]) == ("pays", 0.95)
    assert alone["gain_low"] > 0.01
    assert alone["p"] < 0.05
    ten = matrix(
        ["lazy", "constant", "overclaim", "garbage", "late"], ("literal", "hardened"), QUICK, cap=8
    ).to_dict("records")  # fmt: skip
    for row in ten:
        assert (row["verdict"], row["level"]) == ("undecided", pytest.approx(0.995))
        assert row["gain_low"] < 0 < alone["gain_low"] < row["gain"]
        assert row["p"] == pytest.approx(min(1, 10 * alone["p"]))
        assert row["underpowered"] == (row["gain_high"] - row["gain_low"] > 2 * 5.0)  # a tenth of the reward


def test_cells_without_a_seat_widen_no_interval(monkeypatch):
    gaining(monkeypatch, lambda *_: 1.0)
    table = matrix(["cartel", "lazy"], ("literal", "hardened"), QUICK, cap=8)
    assert list(table["verdict"]) == ["n/a", "n/a", "pays", "pays"]
    assert list(table["level"]) == [pytest.approx(0.975)] * 4


def test_few_seeds_are_marked_and_one_has_no_interval(monkeypatch, capsys, tmp_path):
    gaining(monkeypatch, lambda attack, seed: 1.0 + seed % 2)
    for seeds, shown, mark in ((1, "+1.00 ", False), (4, "+1.50 ± 0.92 ", True), (6, "+1.50 ± 0.57 ", False)):
        given = ["matrix", "lazy", "--variants", "hardened", "--seeds-cap", str(seeds), "--out", str(tmp_path)]
        assert main([*given, "--half-width", "1e-9"]) == 0
        out = capsys.readouterr().out
        (row,) = [line for line in out.splitlines() if line.startswith("lazy")]
        assert shown in row
        assert ("†" in row, "† with fewer than 5 seeds" in out) == (mark, mark)
        assert main([*given, "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert told["rows"][0]["few_seeds"] is mark
        assert told["materiality"] == 0.01
        assert (told["rows"][0]["gain_low"] is None) == (seeds == 1)


@pytest.mark.parametrize("amount", ["-1", "nan", "inf"])
def test_a_materiality_is_an_amount(amount, capsys, tmp_path):
    assert main(["matrix", "lazy", f"--materiality={amount}", "--out", str(tmp_path)]) == 2
    assert "materiality" in capsys.readouterr().err


def test_a_seat_that_is_named_is_told(monkeypatch, capsys, tmp_path):
    gaining(monkeypatch, lambda *_: 1.0)
    given = ["matrix", "lazy", "scenario=small", "scenario.seat=2", "--variants", "hardened", "--out", str(tmp_path)]
    assert main(given) == 0
    assert "scenario.seat=2" in capsys.readouterr().out
    assert main([*given, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"][0]["seat"] == "2"


def test_what_is_picked_is_measured_on_fresh_seeds(project, monkeypatch):
    from slashpoint.experiments.study import matrix as module

    asked: list[int] = []

    def fake(points, **_):
        asked.extend(point.labels["seed"] for point in points)
        return pd.DataFrame([
            {**point.labels, "error": "", "trace_hash": str(point.labels["honest"]), "overridden": 1, "violations": 0,
             "complaint": "", "unknown": "", "attackers": "t/0",
             "surplus:t/0": 0.0 if point.labels["honest"] else 5.0 + (10.0 if point.labels["seed"] < FRESH else 0.0)}
            for point in points
        ])  # fmt: skip

    monkeypatch.setattr(module, "evaluate", fake)
    table = matrix(["lazy", "overclaim"], ("hardened",), QUICK, cap=16, half_width=1.0, top=1)
    assert list(table["fresh"]) == [True, False]
    assert list(table["gain"]) == [5.0, 15.0]
    assert list(table["verdict"]) == ["pays", "pays"]
    assert max(asked) == FRESH + 7


def test_the_most_harmful_are_confirmed_on_the_standard_tier(project, monkeypatch):
    from slashpoint.experiments.study import matrix as module

    asked = []

    def fake(points, **_):
        asked.extend((point.labels["cell"][0], point.overrides) for point in points)
        return pd.DataFrame([
            {**point.labels, "error": "", "trace_hash": str(point.labels["honest"]), "overridden": 1, "violations": 0,
             "complaint": "", "attackers": "t/0", "surplus:t/0": 0.0,
             "unknown": "" if point.labels["honest"] or point.labels["cell"][0] == "lazy" else "5 MDC moved",
             "surplus:r/0": 0.0 if point.labels["honest"] else -float(len(point.labels["cell"][0]))}
            for point in points
        ])  # fmt: skip

    monkeypatch.setattr(module, "evaluate", fake)
    table = matrix(["lazy", "overclaim"], ("hardened",), QUICK, cap=8, half_width=1.0)
    assert dict(zip(table["attack"], table["loss"], strict=True)) == {"lazy": 4.0, "overclaim": 9.0}
    assert dict(zip(table["attack"], table["complaint"], strict=True)) == {"lazy": "", "overclaim": "5 MDC moved"}
    assert dict(zip(table["attack"], table["violations"] > 0, strict=True)) == {"lazy": False, "overclaim": True}
    asked.clear()
    again = module.confirm(table, 1, QUICK, cap=8)
    assert list(again["attack"]) == ["overclaim"]
    assert again["fresh"].all()
    assert {name for name, _ in asked} == {"overclaim"}
    assert all("scenario=standard" in overrides and "scenario=small" not in overrides for _, overrides in asked)
    assert all(any(one.startswith(f"seed={FRESH // 1000}") for one in overrides) for _, overrides in asked)


def test_the_verb_prints_a_table_and_json(tmp_path, capsys, monkeypatch):
    given = ["matrix", "overclaim", *QUICK, "--variants", "hardened", "--seeds-cap", "2", "--out", str(tmp_path)]
    monkeypatch.setenv("COLUMNS", "40")
    assert main(given) == 0
    (row,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("overclaim")]
    assert row.count(" ± ") == 2, "a narrow screen cuts nothing"
    assert main([*given, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["rows"][0]["attack"] == "overclaim"
    assert set(told["columns"]) == set(told["rows"][0])


def test_a_heat_map_has_a_cell_for_each_row_and_tells_those_without_a_number(tmp_path):
    rows = [("lazy", "p", "literal", "pays", 3.0), ("lazy", "p", "hardened", "n/a", float("nan"))]
    rows += [("late", "p", "literal", "loses", -2.0), ("late", "p", "hardened", "no effect", 0.0)]
    table = pd.DataFrame(rows, columns=["attack", "protocol", "variant", "verdict", "gain"])
    draw(table, tmp_path / "gains.svg")
    drawn = (tmp_path / "gains.svg").read_text()
    assert drawn.count('aria-label="column: ') == 1 + 3 + 2  # grey, colours, signs
    assert all(text in drawn for text in ("lazy", "late", "p literal", "p hardened", "●"))


def test_a_picture_of_another_kind_is_refused_before_any_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["matrix", "lazy", "--picture", "gains.txt"]) == 2
    assert ".svg, .png, .html" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("protocol", ["modelmarket", "golem"])
@pytest.mark.parametrize("attack", ["lazy", "absentee", "double_refund", "note_spammer", "sybil+lazy"])
def test_classes_alone_tell_of_no_seat_less_than_composing_does(attack: str, protocol: str) -> None:
    try:
        seated = bool(seats([*QUICK, f"protocol={protocol}", f"attack=[{attack.replace('+', ',')}]"]))
    except NoSeat:
        seated = False
    assert seatable(attack, protocol) >= seated
    if "+" not in attack:
        assert seatable(attack, protocol) == seated, "a matrix of all attacks composes this cell for nothing"
