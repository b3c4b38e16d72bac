"""`slashpoint list`: kinds, entries under headings, words to look for, and one entry told whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from slashpoint.experiments.cli import main
from slashpoint.experiments.setup import catalogue
from slashpoint.experiments.verbs.list import KINDS

AGAIN = """
from dataclasses import dataclass

from slashpoint import Conduct
from slashpoint.protocols.modelmarket import roles


class Trainer(roles.Trainer):
    pass


@dataclass
class Again(Conduct):
    'Plays a trainer again.'

    script = Trainer
"""


@pytest.fixture(autouse=True)
def _narrow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)


def said(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["list", *words]) == 0
    return capsys.readouterr().out


def test_alone_it_lists_the_kinds(capsys: pytest.CaptureFixture[str]) -> None:
    names = [line.split()[0] for line in said(capsys).splitlines() if not line.startswith(" ")]
    assert tuple(names) == KINDS
    assert [row["name"] for row in json.loads(said(capsys, "--json"))] == names


@pytest.mark.parametrize("kind", KINDS)
def test_every_list_fits_eighty_columns_and_has_all_that_its_rows_say(kind: str, capsys) -> None:
    shown = said(capsys, kind)
    assert max(map(len, shown.splitlines())) <= 80
    for row in json.loads(said(capsys, kind, "--json")):
        assert " ".join(row.get("what", row.get("about")).split()) in " ".join(shown.split())


def test_attacks_are_grouped_by_where_they_play_and_what_they_answer(capsys) -> None:
    lines = said(capsys, "attacks").splitlines()
    heads = [line for line in lines if not line.startswith(" ")]
    assert heads[0] == "in every protocol that has the duty or the verbs"
    exploits = (Path(__file__).parents[1] / "protocols").glob("*/exploits/[!_]*.py")
    assert heads[1:] == [f"in {one} alone" for one in sorted({path.parent.parent.name for path in exploits})]
    before = lines[: next(i for i, line in enumerate(lines) if line.strip().startswith("redraw "))]
    duties = [line.strip() for line in before if line.startswith("  ") and line[2] != " "]
    assert duties[-1] == "all that a requester does"
    assert [line for line in before if not line.startswith(" ")][-1] == "in modelmarket alone"


def test_words_choose_the_rows_in_which_all_of_them_occur(capsys) -> None:
    rows = {row["name"]: row for row in json.loads(said(capsys, "attacks", "--json"))}
    federated = {row["name"] for row in json.loads(said(capsys, "attacks", "federated", "--json"))}
    assert federated == {name for name, row in rows.items() if "federated" in " ".join(row.values())}
    assert {"double_cash", "vote_copier"} <= federated
    assert "overclaim" not in federated  # nobody claims there
    both = {row["name"] for row in json.loads(said(capsys, "attacks", "Federated", "judge", "--json"))}
    assert both < federated
    assert "vote_copier" in both
    assert "double_cash" not in both


def test_words_that_occur_nowhere_are_refused_with_the_nearest_name(capsys) -> None:
    assert main(["list", "attacks", "overclam"]) == 2
    assert "did you mean overclaim?" in capsys.readouterr().err


def test_an_attack_is_told_whole(capsys) -> None:
    told = said(capsys, "attacks", "free_rider")
    words = " ".join(told.split())
    assert "Exposed by: a gain that is asked for" in words
    assert "federated (client)" in words
    assert "agents/attacks/free_rider.py" in words
    assert "attack.free_rider.bound=0.3 of random weights; a number: at least 0 and at most 1,000,000" in words
    assert "mode=plain" in words
    assert "text: plain, random, disguised, delta or advanced" in words
    assert max(map(len, told.splitlines())) <= 80


@pytest.mark.parametrize(
    ("kind", "name", "piece"),
    [
        ("metrics", "welfare", "sim/metrics/welfare.py"),
        ("invariants", "liveness", "at the end"),
        ("prices", "gbm", "prices.drift=0.0"),
        ("tasks", "digits", "a number"),
        ("protocols", "modelmarket", "reward: 100.0"),
    ],
)
def test_anything_else_with_a_name_is_told_whole(kind: str, name: str, piece: str, capsys) -> None:
    assert piece in said(capsys, kind, name)


@pytest.mark.parametrize("name", sorted(catalogue.presets("protocol")))
def test_a_protocol_is_told_with_roles_duties_verbs_events_outcomes_and_variants(name: str, capsys) -> None:
    lines = " ".join(said(capsys, "protocols", name).split())
    market, _, roles = catalogue.rules(name)
    for role in roles:
        start = f"role {role.__name__.lower()}: "
        assert start in lines
        assert all(duty in lines.partition(start)[2][:80] for duty in role.duties)
    assert f"outcomes {', '.join(market.outcomes.values())}" in lines
    assert market.opening_event in lines.partition(" events ")[2]
    assert "submits" in lines.partition(" verbs ")[2]
    assert "variants literal, hardened" in lines


def test_a_projects_attack_that_plays_one_protocols_role_is_told_to_play_there(tmp_path: Path, capsys) -> None:
    (tmp_path / "slashpoint.yaml").touch()
    (tmp_path / "attacks").mkdir()
    (tmp_path / "attacks/again.py").write_text(AGAIN)
    assert "plays in modelmarket" in " ".join(said(capsys, "attacks", "again").split())
    heads = [line for line in said(capsys, "attacks", "again", "trainer").splitlines() if not line.startswith(" ")]
    assert "in modelmarket alone" in heads


def test_an_attack_of_a_project_is_told_with_its_file(tmp_path: Path, capsys) -> None:
    assert main(["new", "attack", "mine"]) == 0
    capsys.readouterr()
    told = said(capsys, "attacks", "mine")
    assert f"{tmp_path}/attacks/mine.py" in told
    assert "attack.mine.more=0" in told


def test_a_setting_among_the_words_says_how_to_ask(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "attacks", "protocol=golem"]) == 2
    assert "slashpoint list attacks golem" in capsys.readouterr().err
    assert main(["list", "attacks", "golem"]) == 0
