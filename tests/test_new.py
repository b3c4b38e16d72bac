"""`slashpoint new` writes what a project may hold: it loads, and its test fails until marked lines are filled in."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest

from slashpoint.experiments.cli import main
from slashpoint.experiments.new.skeleton import KINDS

FILLED = {  # by kind: what a user puts in the place of what the skeleton says
    "attack": {"attacks/mine.py": {"return measured ": "return job.scale "}},
    "invariant": {
        "invariants/mine.py": {"wrong = False ": 'wrong = job.outcome not in {None, "success"} '},
        "tests/test_mine.py": {"= {}": '= {"attack": "withhold_truth"}'},
    },
    "metric": {"metrics/mine.py": {'float("nan")': 'len(run.tables["events"]) / len(run.tables["jobs"])'}},
    "protocol": {"contracts/src/Mine.sol": {"uint256 pay = 0; ": "uint256 pay = jobs[id].reward; "}},
}
COMPILED = pytest.param("protocol", marks=pytest.mark.skipif(not shutil.which("npm"), reason="it takes Node and npm"))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, as the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def outcome(capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """What pytest says of a skeleton's test, as a user runs it: its exit code and what it prints."""
    capsys.readouterr()
    for name in [name for name in sys.modules if name.endswith("test_mine")]:
        del sys.modules[name]  # as of another process
    with pytest.MonkeyPatch.context() as patched:
        patched.delenv("PYTEST_ADDOPTS", raising=False)
        code = pytest.main(["-q", "--import-mode=importlib", "-p", "no:cacheprovider", "-p", "no:xdist", "tests"])
    return int(code), capsys.readouterr().out


@pytest.mark.parametrize("kind", [*(kind for kind in KINDS if kind != "protocol"), COMPILED])
def test_a_skeletons_test_says_what_to_do_and_passes_when_it_is_done(kind: str, here: Path, capsys) -> None:
    assert main(["new", kind, "mine"]) == 0
    assert "python -m pytest tests/test_mine.py" in capsys.readouterr().out
    assert main(["list", f"{kind}s"]) == 0  # it loads
    assert "mine" in capsys.readouterr().out
    code, said = outcome(capsys)
    assert code == 1
    assert "Next: " in said
    for name, lines in FILLED[kind].items():
        assert name in said or name == "tests/test_mine.py"
        text = (here / name).read_text(encoding="utf-8")
        for old, new in lines.items():
            (marked,) = (line for line in text.splitlines() if old in line)
            assert "FILL IN" in marked
            text = text.replace(old, new)
        (here / name).write_text(text, encoding="utf-8")
    if kind == "protocol":
        assert re.search(r"^value_usd: [1-9]", (here / "conf/protocol/mine.yaml").read_text(), re.MULTILINE)
        assert "slashpoint compile Mine" in said
        assert main(["compile", "Mine"]) == 0
    code, said = outcome(capsys)
    assert code == 0, said


def test_a_folder_without_a_project_becomes_one_and_says_so(here: Path, capsys) -> None:
    assert main(["new", "metric", "mine"]) == 0
    assert "slashpoint.yaml: this folder is a project now" in capsys.readouterr().out
    (here / "deep").mkdir()
    assert main(["new", "metric", "other"]) == 0
    assert "slashpoint.yaml" not in capsys.readouterr().out


def test_from_below_a_project_it_writes_into_the_project(here: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    (here / "slashpoint.yaml").touch()
    (here / "deep").mkdir()
    monkeypatch.chdir(here / "deep")
    assert main(["new", "metric", "mine"]) == 0
    assert (here / "metrics/mine.py").exists()
    assert "../metrics/mine.py" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("kind", "name", "why"),
    [
        ("attack", "two words", "lower-case letters, digits and underscores"),
        ("attack", "Mine", "lower-case letters, digits and underscores"),
        ("attack", "class", "no keyword of Python"),
        ("attack", "../mine", "lower-case letters, digits and underscores"),
        ("attack", "overclaim", "there is the attack 'overclaim' already"),
        ("invariant", "wei_is_conserved", "there is the invariant 'wei_is_conserved' already"),
        ("metric", "welfare", "there is the metric 'welfare' already"),
        ("protocol", "federated", "there is the protocol 'federated' already"),
        ("protocol", "model_coin", "there is the contract ModelCoin already"),
    ],
)
def test_a_name_that_is_none_or_is_taken_is_refused_and_nothing_is_written(
    kind: str, name: str, why: str, here: Path, capsys
) -> None:
    assert main(["new", kind, name]) == 2
    assert why in capsys.readouterr().err
    assert list(here.iterdir()) == []


def test_nothing_that_is_there_is_written_over(here: Path, capsys) -> None:
    (here / "tests").mkdir()
    (here / "tests/test_mine.py").write_text("precious")
    assert main(["new", "attack", "mine"]) == 2
    assert "tests/test_mine.py is there already" in capsys.readouterr().err
    assert [path.name for path in here.rglob("*")] == ["tests", "test_mine.py"]
    assert (here / "tests/test_mine.py").read_text() == "precious"


def test_slashpoints_own_folder_becomes_no_project(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    root = Path(__file__).resolve().parents[1]
    for folder in (root, root / "agents/attacks"):
        monkeypatch.chdir(folder)
        assert main(["new", "attack", "mine"]) == 2
        assert "make a folder of your own" in capsys.readouterr().err
    assert not (root / "slashpoint.yaml").exists()
