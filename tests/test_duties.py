"""Duties say what they answer: to type checkers, and when an answer comes that is none."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import slashpoint
from slashpoint.agents.conduct import DUTIES, Conduct
from slashpoint.agents.roles import ANSWERS
from slashpoint.experiments.cli import main

CARELESS = """
from collections.abc import Generator
from typing import Any

from slashpoint.agents.me import Me
from slashpoint.agents.roles import Server
from slashpoint.protocols.competition.market import Competition
from slashpoint.sim.market import Job, Subject


class Judge(Server[Competition]):
    def serve(self, me: Me, job: Job) -> Generator[Any, Any, None]:
        subject = Subject(0, job.poster, None, None, job.scale)
        count = yield from self.ask(me, "judge", job, subject)
        if {condition}count > 5:
            yield me.sends(self.market.judges(me, job, 0, count))
"""


@pytest.mark.slow
@pytest.mark.parametrize(("condition", "sound"), [("", False), ("count is not None and ", True)])
def test_mypy_finds_a_role_that_takes_silence_for_a_number(tmp_path: Path, condition: str, sound: bool) -> None:
    (tmp_path / "careless.py").write_text(CARELESS.format(condition=condition))
    command = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", str(tmp_path / "careless.py")]
    told = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parent.parent)
    assert (told.returncode == 0) is sound, told.stdout
    assert sound or 'Unsupported operand types for < ("int" and "None")' in told.stdout


def test_each_duty_says_what_answers_it() -> None:
    assert set(ANSWERS) == set(DUTIES)
    assert all(getattr(Conduct, duty).__annotations__["return"].startswith("Answered[") for duty in DUTIES)


@dataclass
class Wrong(Conduct):
    """Answers one duty with something that is no answer."""

    def judge(self, me: Any, job: Any, subject: Any) -> Any:
        """Text."""
        return "good"


@dataclass
class Forgetful(Conduct):
    """Forgets to say something."""

    def enter(self, me: Any, job: Any) -> Any:
        """Wait, and say nothing."""
        yield me.until(me.now + 1)


@pytest.mark.parametrize(
    ("attack", "protocol", "says"),
    [
        (Wrong, "competition", r"test_duties.py:\d+: Wrong.judge: it answers the duty 'judge' with 'good': .* or None"),
        (
            Forgetful,
            "modelmarket",
            r"test_duties.py:\d+: Forgetful.enter: .*'enter' with None: it must be True or False",
        ),
    ],
)
def test_an_answer_that_is_none_is_refused_by_class_method_and_duty(attack: Any, protocol: str, says: str) -> None:
    with pytest.raises(TypeError, match=says):
        slashpoint.simulate(protocol, attack, "small", 0, ["scenario.jobs=1"])


def test_a_projects_wrong_answer_is_a_crash_that_names_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "slashpoint.yaml").touch()
    (tmp_path / "attacks").mkdir()
    text = "from dataclasses import dataclass\nfrom slashpoint import Conduct\n@dataclass\nclass Mute(Conduct):\n"
    (tmp_path / "attacks/mute.py").write_text(f"{text}    def truth(self, me, job):\n        pass\n")
    monkeypatch.chdir(tmp_path)
    assert main(["run", "attack=mute", "scenario=small", "scenario.jobs=1", "--out", str(tmp_path / "runs")]) == 3
    told = capsys.readouterr().err
    assert "attacks/mute.py:5: Mute.truth: it answers the duty 'truth' with None: it must be bytes" in told
    assert "  File " not in told, "the message says all"


def test_an_attack_that_waits_composes_with_one_that_answers_at_once() -> None:
    result = slashpoint.simulate("modelmarket", ["late", "constant"], "small", 0, ["scenario.jobs=1"])
    assert set(result.ledger["duties"]["by"]) > {"Late.work"}
