"""Text of users, contracts and chains is never markup, and never a command: on a terminal, in XML, in a page."""

from __future__ import annotations

import ast
import io
import json
import re
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from xml.etree import ElementTree as ET

import pandas as pd
import pytest
from eth_abi import encode
from eth_utils import function_signature_to_4byte_selector as function_selector

import slashpoint
from slashpoint.agents.conduct import Conduct
from slashpoint.experiments.cli import main
from slashpoint.experiments.gate.judge import COLUMNS
from slashpoint.experiments.gate.junit import junit
from slashpoint.experiments.report.explain import jobs, story
from slashpoint.experiments.report.page import page
from slashpoint.experiments.report.screen import Grid, Screen
from slashpoint.experiments.report.tables import summary
from slashpoint.experiments.report.text import command, complain, visible
from slashpoint.experiments.setup import run as module
from slashpoint.experiments.setup.folder import RunFolder, open_run
from slashpoint.experiments.setup.modules import HOME
from slashpoint.experiments.study.pairs import line
from slashpoint.sim.contract import Artifact
from slashpoint.sim.ledger import Ledger, read, row
from slashpoint.sim.ledger.columns import TABLES
from slashpoint.sim.metrics.run import Run
from slashpoint.sim.testing.assembly import assemble, in_memory, initcode

HOSTILE = "[/nope] :bomb: \x1b[31mred\x1b]0;t\x07 <script>alert(1)</script> \x00 ]]> \x9b2J \u202e \n0 failed\r&"
SHOWN = r"[/nope] :bomb: \x1b[31mred\x1b]0;t\x07 <script>alert(1)</script> \x00 ]]> \x9b2J \u202e \n0 failed\r&"
HALF = "\ud800"  # of a character, which no UTF-8 can hold
BAD = """
from slashpoint.sim.invariants import invariant

@invariant()
def hostile(world):
    "Complains once the world is twenty blocks old."
    if world.chain.number > 20:
        yield {text!r}
"""
QUICK = ["scenario=small", "scenario.jobs=1", "engine=pyevm"]


def printed(*what: object) -> str:
    out = io.StringIO()
    Screen(file=out, width=400, force_terminal=True, color_system="truecolor").print(*what)
    return out.getvalue()


def unprintable(text: str) -> set[str]:
    """The characters that do something else than to be seen, but for line breaks and our own colours."""
    plain = re.sub(r"\x1b\[[\d;]*m", "", text) if "\x1b[31mred" not in text else text
    return {one for one in plain if not one.isprintable()} - {"\n"}


def test_what_does_not_print_is_written_out() -> None:
    assert visible("naïve ≤ 5 §") == "naïve ≤ 5 §"
    assert visible(HOSTILE) == SHOWN
    assert visible(HALF) == r"\ud800"
    assert visible("a\nb\tc\x1b", "\n\t") == "a\nb\tc\\x1b"


def test_nothing_on_the_screen_is_markup_or_a_command() -> None:
    table = Grid(HOSTILE, HOSTILE)
    table.add_row(HOSTILE)
    for text in (printed(HOSTILE), printed(table)):
        assert text.count(SHOWN) == (3 if "─" in text else 1)
        assert not unprintable(text)
    out = io.StringIO()
    Screen(file=out, width=400).rule(HOSTILE)
    assert SHOWN in out.getvalue()


def test_what_goes_to_stderr_keeps_its_lines_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    complain("Traceback\n  File x\x1b[2J", HALF)
    assert capsys.readouterr().err == "Traceback\n  File x\\x1b[2J\n\\ud800\n"


@pytest.fixture
def hostile() -> Run:
    """A run in whose ledger every text is hostile."""
    ledger = Ledger()
    numbers = {"gas_limit": 10, "gas": 50_000, "scale": 10, "delivered": 5, "closed_ns": 2}
    for name, columns in TABLES.items():
        texts = {one: HOSTILE for one, column in columns.items() if column.type == "str"}
        texts |= {one: "{}" if one == "args" else texts[one] for one in texts}
        given = {one: value for one, value in numbers.items() if one in columns}
        getattr(ledger, name).append(row(name, **texts, **given))
    prices = {HOSTILE: 1.0, "ETH": 2500.0, "USD": 1.0}
    return Run(read(ledger), prices, notes=(HOSTILE,), hashes={"chain_hash": HOSTILE, "full_hash": HOSTILE})


def test_a_ledger_of_hostile_texts_is_told_in_plain_ones(hostile: Run) -> None:
    out = io.StringIO()
    summary(hostile, Screen(file=out, width=1000))
    assert out.getvalue().count(SHOWN) > 10
    assert not unprintable(out.getvalue())


def test_a_page_of_hostile_texts_has_no_tag_of_theirs(hostile: Run) -> None:
    about = dict.fromkeys(("protocol", "attack", "seed", "reproduce", "engine", "chain_hash"), HOSTILE + HALF)
    text = page(hostile, about | {"warnings": [HOSTILE]})
    assert text.count("&lt;script&gt;") > 10
    assert "<script" not in text
    assert not {one for one in text if not one.isprintable()} - {"\n"}
    text.encode()


def test_junit_of_hostile_texts_is_xml_and_says_them() -> None:
    rows = [
        {"scenario": HOSTILE, "check": HOSTILE, "status": status, "found": HOSTILE, "line": HOSTILE, "n": 2}
        for status in ("held", "failed", "crashed")
    ]
    root = ET.fromstring(junit(HOSTILE, pd.DataFrame(rows, columns=list(COLUMNS))).encode())
    (failure,) = root.iter("failure")
    assert failure.attrib["message"] == failure.text == SHOWN


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose invariant complains in a hostile way."""
    (tmp_path / "slashpoint.yaml").write_text("")
    (tmp_path / "invariants").mkdir()
    (tmp_path / "invariants" / "bad.py").write_text(BAD.format(text=HOSTILE + HALF))
    (tmp_path / "suite.yaml").write_text(f"base: {json.dumps(QUICK)}\nseeds: 2\nscenarios: {{'[/a] b': {{}}}}\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "said",
    [
        ["run", *QUICK],
        ["gate", "suite.yaml", "--junit", "x.xml"],
        ["matrix", "overclaim", *QUICK, "--variants", "hardened", "--seeds-cap", "2"],
        ["sweep", *QUICK, "seed=0,1"],
    ],
    ids=lambda said: said[0],
)
def test_a_hostile_complaint_of_a_project_is_shown_as_it_is(
    said: list[str], project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*said, "--quiet"]) == 1
    out, err = capsys.readouterr()
    assert not unprintable(out + err)
    if said[0] != "sweep":  # whose table has metrics alone
        assert r"[/nope] :bomb: \x1b[31mred" in out
        assert r"\ud800" in "".join(out.split())
    if said[0] == "gate":
        assert "[/a] b" in out
        (failure,) = ET.parse(project / "x.xml").iter("failure")
        assert SHOWN + r"\ud800" in failure.attrib["message"]
    if said[0] == "run":
        run = open_run("last", project / "runs")
        assert main(["explain", "last", jobs(run)[0]["job"]]) == 0
        assert story(run, jobs(run)[0]["job"])[0].who in capsys.readouterr().out


@dataclass
class Provokes(Conduct):
    """Calls what reverts."""

    contract: ClassVar[Any] = None

    def enter(self, me: Any, job: Any) -> Any:
        yield me.sends(self.contract.boom())
        return True


def test_a_contract_that_reverts_with_a_hostile_text_is_told_in_plain_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = function_selector("Error(string)") + encode(["string"], [HOSTILE])
    boom = initcode(assemble(*in_memory(data), len(data), 0, "REVERT"))
    abi = {"type": "function", "name": "boom", "inputs": [], "outputs": [], "stateMutability": "nonpayable"}
    real = module.build

    def build(*given: Any, **how: Any) -> Any:
        world = real(*given, **how)
        Provokes.contract = world.deploy(Artifact(HOSTILE, (abi,), boom.hex()))
        return world

    monkeypatch.setattr(module, "build", build)
    run = slashpoint.simulate(attack=Provokes, scenario="small", overrides=QUICK[1:], runs=tmp_path)
    sent = run.ledger["transactions"]
    assert f"Error(message={HOSTILE})" in set(sent["reason"])
    assert main(["explain", "last", "--out", str(tmp_path), run.ledger["jobs"]["job"][0]]) == 0
    told = capsys.readouterr().out
    summary(run.run, Screen(width=400))
    told += capsys.readouterr().out
    assert f"{SHOWN}.boom" in told
    assert not unprintable(told)
    text = (run.folder / "report.html").read_text()
    assert "<script" not in text
    assert not unprintable(text)


ODD = ["attack=[sybil,lazy]", "x='a b'", 'y="$HOME"', "z=`id`", "w=it\\'s", "v={uniform: [1, 2]}", "u=!x;rm *", "t=#"]


def test_a_shell_reads_a_line_as_it_was_said() -> None:
    assert shlex.split(command("run", ODD)) == ["slashpoint", "run", *ODD]
    said = subprocess.run(["sh", "-c", f"printf '%s\\0' {line(ODD)}"], capture_output=True, text=True, check=True)
    assert said.stdout.split("\0")[:-1] == ["slashpoint", "run", *ODD]


def test_a_line_is_one_line_whatever_is_in_it(tmp_path: Path) -> None:
    odd = ["x='a\nb'", "y=\x1b[31m\\", "z=it's \u202e\t", "w=\xa0"]
    told = command("run", odd)
    assert told.isprintable()
    said = subprocess.run(["bash", "-c", f"printf '%s\\0' {told}"], capture_output=True, check=True)
    assert said.stdout.decode().split("\0")[:-1] == ["slashpoint", "run", *odd]
    folder = RunFolder.create("seed: 1\n", protocol="p", attack="", seed=1, overrides=odd, runs=tmp_path)
    assert (folder.path / "config.yaml").read_text() == f"# {folder.reproduce}\nseed: 1\n"


def test_an_override_that_is_no_text_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", *QUICK, 'task.name="\udcff"', "--out", str(tmp_path / "runs")]) == 2
    assert r'task.name="\udcff": it has bytes that are no UTF-8' in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_the_line_of_a_composed_attack_repeats_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    what = [*QUICK, "attack=[sybil,lazy]", "attack.sybil.k=2", "seed=3", "scenario.people.speed={uniform: [1, 2]}"]
    hashes = []
    for said in (["run", *what], None):
        given = said or shlex.split(next(one for one in out.splitlines() if one.startswith("again")))[2:]  # noqa: F821
        assert main([*given, "--quiet", "--out", str(tmp_path)]) == 0
        out = capsys.readouterr().out
        hashes.append(re.findall(r"full_hash  (\w+)", out))
    assert hashes[0] == hashes[1] != []


@dataclass
class Exaggerates(Conduct):
    """Claims a few more right answers than it has."""

    by: int = 5

    def claim(self, me: Any, job: Any, measured: int) -> int:
        return min(job.scale, measured + self.by)


def test_the_line_of_an_attack_without_a_name_is_a_call(tmp_path: Path) -> None:
    mixed = [Exaggerates(by=7), "sybil"]
    run = slashpoint.simulate(attack=mixed, scenario="small", overrides=QUICK[1:], seed=2, runs=tmp_path)
    again = json.loads((run.folder / "result.json").read_text())["reproduce"]
    assert again.endswith(f"# Exaggerates is of {__name__}")
    assert (run.folder / "config.yaml").read_text().startswith(f"# {again}\n")
    assert eval(again, {"slashpoint": slashpoint, "Exaggerates": Exaggerates}).full_hash == run.full_hash


def test_every_verb_prints_documents_or_on_the_screen() -> None:
    for path in sorted((HOME / "experiments" / "verbs").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "print":
                (only,) = node.args
                assert isinstance(only, ast.Call), f"{path.name}: {ast.unparse(node)}"
                assert ast.unparse(only.func).endswith(("document", "dumps")), f"{path.name}: {ast.unparse(node)}"
