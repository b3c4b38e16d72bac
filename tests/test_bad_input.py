"""What is typed wrong, or said in vain by a project, is refused by name with exit code 2, before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from slashpoint.experiments.cli import main

RUN, SWEEP = ["run", "scenario=small"], ["sweep", "scenario=small", "seed=0,1"]
REFUSED = [
    (["--version", "run"], "--version takes nothing"),
    (["--help", "run"], "--help takes nothing"),
    ([*RUN, "--jso"], "unrecognized arguments: --jso"),
    ([*RUN, "--out", ""], "'' is no path"),
    ([*RUN, "--out", "a\0b"], "is no path"),
    ([*SWEEP, "--metric", ""], "no metric ''"),
    ([*SWEEP, "--metric", "gain:x", "attack=lazy"], "gain has no keys"),
    ([*SWEEP, "--metric", "gain", "--metric", "loss", "attack=lazy"], "--metric: it is there twice"),
    (["gate", "pr", "-j", "1", "--jobs", "2"], "--jobs: it is there twice"),
    ([*RUN, "attack=absentee", "attack.absentee.x=1"], "absentee has no parameters"),
    (["matrix", "lazy", "--variants", "hardenedd"], "--variants hardenedd: modelmarket has literal, hardened"),
    (["matrix", ""], "'': a name is missing"),
    (["matrix", "lazy+"], "'lazy+': a name is missing"),
    (["gate", "pr", "--junit", ""], "'' is no path"),
    (["bench", "--list", "row"], "there is no benchmark 'row'"),
    (["bench", "--list", "--profile", "native"], "not allowed with argument --list"),
    ([*RUN, "chain.replay=no.csv"], "chain.replay='no.csv' cannot be read"),
    ([*RUN, "chain.replay=shares.csv"], "1.5 of the gas limit"),
    ([*RUN, "prices=replay", "prices.path=no.csv"], "prices.path='no.csv' cannot be read"),
    ([*RUN, "protocol=federated", "task=diabetes"], "scenario=small sets task.epochs (conf/scenario/small/federated"),
    ([*RUN, "protocol=forest", "task=digits"], "chosen (Digits) has no trees: leave task=… out, or choose another"),
    (["run", "-m", "scenario=small", "chain.replay='',no.csv"], "chain.replay='no.csv' cannot be read"),
    (["run", "-m", "scenario=small", "attack=lazy,ballot_stuffer"], "BallotStuffer has no seat here"),
    ([*RUN, "protocol=golem", "attack=[overbiller,note_spammer]"], "each play all that a provider does: choose one"),
    ([*RUN, "protocol=lilypad", "attack=[lazy,never_judge]"], "who is never asked for what Lazy changes: work"),
]


@pytest.mark.parametrize(("given", "why"), REFUSED, ids=[" ".join(given) for given, _ in REFUSED])
def test_it_is_refused_by_name_and_nothing_runs(
    given: list[str], why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shares.csv").write_text("share\n0.5\n1.5\n")
    try:
        code = main(given)
    except SystemExit as left:  # of the parser of arguments
        code = left.code  # type: ignore[assignment]
    told = capsys.readouterr()
    assert code == 2
    assert why in told.err
    assert not told.out
    assert [path.name for path in tmp_path.iterdir()] == ["shares.csv"]


ATTACK = "from dataclasses import dataclass\nfrom slashpoint import Conduct\n@dataclass\nclass X(Conduct):\n"
VAIN = [
    ("attacks/x.py", ATTACK + "    by: int = 3\n", "X is honest: it answers none of enter, work"),
    (
        "attacks/x.py",
        ATTACK + "    def claim(self, me): return 3\n",
        "X.claim: it must be a method that takes self, me,",
    ),
    ("attacks/x.py", ATTACK + "    identities = 3\n", "X.identities: it must be a method that takes self, role"),
    ("attacks", "", "attacks is a file: it must be a folder"),
    ("metrics", "", "metrics is a file: it must be a folder"),
    ("conf", "", "conf is a file: it must be a folder"),
]


@pytest.mark.parametrize(("file", "text", "why"), VAIN, ids=[why for *_, why in VAIN])
def test_what_a_project_says_in_vain_is_refused_and_nothing_runs(
    file: str, text: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "slashpoint.yaml").touch()
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text(text)
    assert main([*RUN, *["attack=x"] * file.endswith(".py")]) == 2
    assert why in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()
