"""Vetting: what a project's code says and nothing would read is refused, and what is meant is not."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from textwrap import dedent, indent

import pytest

from slashpoint.experiments.cli import main
from slashpoint.experiments.setup import catalogue, vetting
from slashpoint.experiments.setup.catalogue import KINDS
from slashpoint.experiments.setup.config import compose
from slashpoint.sim.errors import Misconfigured
from slashpoint.sim.market import Market

ATTACK = """
from dataclasses import dataclass, field
from typing import ClassVar

from slashpoint import Conduct
from slashpoint.protocols.modelmarket.roles import Trainer

LIMIT = 3


@dataclass
class Mine(Conduct):
    '''What it hopes for.'''

    def reveal(self, me, job, what):
        return True

{body}
"""
METRIC = "from slashpoint.sim.metrics import metric\n\n\n"
INVARIANT = "from slashpoint.sim.invariants import invariant\n\n\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project, with the current folder in it."""
    (tmp_path / "slashpoint.yaml").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(project: Path, name: str, text: str) -> None:
    (project / name).parent.mkdir(parents=True, exist_ok=True)
    (project / name).write_text(text)


def attack(project: Path, body: str) -> None:
    write(project, "attacks/mine.py", ATTACK.format(body=indent(dedent(body).strip("\n"), "    ")))


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("def clam(self, me, job, measured): return 5", "Mine.clam: nothing reads it; did you mean claim"),
        ("def wrok(self, me, job): return None", "did you mean work"),
        ("@property\ndef judges(self): return 5", "did you mean judge"),
        ("seat = {'work': 1}", "Mine.seat: nothing reads it; did you mean seats"),
        ("seat: ClassVar = {'work': 1}", "did you mean seats"),
        ("power = frozenset({'oracle'})", "did you mean powers"),
        ("scripts = Trainer", "did you mean script"),
        ("trut: float = 0.5", "did you mean truth"),
        ("powers = frozenset({'omnipotence'})", "there is no power 'omnipotence'; there are mempool, oracle"),
        ("powers = 'oracle'", "it must be a set of names"),
        ("seats = {'wrok': 1}", "there is no duty 'wrok'"),
        ("seats = {'work': 0}", "work: 0: it must be a whole number, at least 1"),
        ("seats = {'work': 1.5}", "it must be a whole number"),
        ("seats = ('work',)", "it must be a mapping"),
        ("script = Conduct", "it must be a subclass of a role"),
        ("claim = 5", "Mine.claim: it must be a method"),
    ],
)
def test_a_misspelt_duty_is_no_honest_trainer(project: Path, body: str, says: str) -> None:
    attack(project, body)
    with pytest.raises(Misconfigured, match=f"mine.py: .*{says}"):
        compose(["attack=mine"], project)


@pytest.mark.parametrize(
    "body",
    [
        "def claim(self, me, job, measured): return self.clams(measured)\ndef clams(self, measured): return LIMIT",
        "def claim(self, me, job, measured): return (lambda: self.works)()\n@property\ndef works(self): return 5",
        "def _clam(self): return 5",
        "def nothing_like_it(self): return 5",
        "seat: int = 3\ndef claim(self, me, job, measured): return getattr(self, 'seat')",
        "powers = frozenset({'oracle', 'mempool'})\nseats = {'work': 2, 'reveal': 1}",
        "script = type('Trainer', (Trainer,), {})",
        "by: int = 5\ndef claim(self, me, job, measured): return measured + self.by",
    ],
)
def test_a_helper_a_parameter_and_what_is_used_elsewhere_are_none(project: Path, body: str) -> None:
    attack(project, body)
    assert "mine" in compose(["attack=mine"], project).attack


def test_what_a_script_of_the_same_file_reads_is_read(project: Path) -> None:
    text = ATTACK.format(body="    opens: int = 3\n")
    script = "\n\nclass Thief(Trainer):\n    def serve(self, me, job):\n        yield me.until(self.conduct.opens)\n"
    write(project, "attacks/mine.py", text + script)
    assert compose(["attack=mine"], project).attack.mine.opens == 3


def test_no_class_of_ours_has_a_name_that_nothing_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """As though each were somebody else's, but for what it is a kind of."""
    bare = vetting._vet.__wrapped__

    class Stranger(str):
        __slots__ = ()

        def partition(self, _: str) -> tuple[str, str, str]:  # type: ignore[override] # only its first part is asked
            return "somebody", "", ""

    vetted = 0
    for kind in KINDS:
        base = getattr(sys.modules[KINDS[kind].module], KINDS[kind].base)
        for name in catalogue.names(kind):
            found = catalogue.load(kind, name)
            monkeypatch.setattr(found, "__module__", Stranger(found.__module__))
            bare((found, base, *([found.script] if getattr(found, "script", None) else [])))
            vetted += 1
    for name in catalogue.presets("protocol"):
        market, _, roles = catalogue.rules(name)
        monkeypatch.setattr(market, "__module__", Stranger(market.__module__))
        bare((market, Market, *roles))
        vetted += 1
    assert vetted > 80


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("metrics/m.py", METRIC + "@metric(unit='1', better='sideways')\ndef m(run):\n    'x'", "better='sideways'"),
        ("metrics/m.py", METRIC + "@metric(unit='')\ndef m(run):\n    'x'", "unit=''"),
        ("metrics/m.py", METRIC + "@metric(unit='1')\ndef m(run): ...", "m needs a docstring"),
        ("metrics/m.py", METRIC + "@metric(unit='1')\ndef stuck_funds(run):\n    'x'", "metric stuck_funds already"),
        ("metrics/m.py", METRIC + "@metric(unit='1')\ndef gain(run):\n    'x'", "there is the metric gain already"),
        ("metrics/m.py", METRIC + "def mine(run):\n    'x'", "mine: nothing asks it; write @metric"),
        ("invariants/i.py", INVARIANT + "@invariant\ndef liveness(world): ...", "invariant liveness already"),
        ("invariants/i.py", INVARIANT + "def mine(world): ...", "mine: nothing asks it; write @invariant"),
        ("invariants/i.py", INVARIANT + "@invariant(period=-1)\ndef mine(world): ...", "period=-1"),
        ("attacks/lazy.py", ATTACK.format(body="    k: int = 1"), "lazy.py has the name of one of ours"),
        ("conf/protocol/modelmarket.yaml", "name: modelmarket", "has the name of one of ours"),
        ("conf/scenario/small/collective.yaml", "# @package _global_", "has the name of one of ours"),
        ("conf/config.yaml", "seed: 5", "has the name of one of ours"),
        ("conf/gate/pr.yaml", "scenarios: {a: {}}", "has the name of one of ours"),
        ("conf/attack/lazy.yaml", "# @package attack.lazy\neffort: 1", "has the name of the attack lazy"),
        ("protocols/fair.py", "x = 1", "fair.py must define MARKET and TERMS and ROLES"),
        ("protocols/modelmarket.py", "ROLES = ()", "has the name of one of ours"),
    ],
)
def test_nothing_of_ours_is_replaced_and_nothing_is_there_in_vain(
    project: Path, name: str, text: str, says: str
) -> None:
    write(project, name, text)
    write(project, "conf/protocol/fair.yaml", "defaults: [modelmarket, _self_]\nname: fair\n")
    said = ["attack=lazy"] if name == "attacks/lazy.py" else ["protocol=fair"] if "fair" in name else []
    with pytest.raises(Misconfigured, match=says):
        compose(said, project)


def test_two_files_of_a_project_do_not_say_the_same_metric(project: Path) -> None:
    for name in "ab":
        write(project, f"metrics/{name}.py", METRIC + "@metric(unit='1')\ndef mine(run):\n    'x'\n")
    with pytest.raises(Misconfigured, match="b.py: there is the metric mine already"):
        compose([], project)


MARKET = """
from dataclasses import dataclass

from slashpoint.protocols.modelmarket.market import ModelMarket
from slashpoint.protocols.modelmarket import ROLES, TERMS


@dataclass
class Fair(ModelMarket):
    def {name}(self):
        return {{}}


MARKET = Fair
"""


@pytest.mark.parametrize(("name", "says"), [("liabilites", "did you mean liabilities"), ("helper", "")])
def test_a_market_with_a_misspelt_method_is_refused(project: Path, name: str, says: str) -> None:
    write(project, "protocols/fair.py", MARKET.format(name=name))
    write(project, "conf/protocol/fair.yaml", "defaults: [modelmarket, _self_]\nname: fair\n")
    if not says:
        assert compose(["protocol=fair"], project)
        return
    with pytest.raises(Misconfigured, match=says):
        compose(["protocol=fair"], project)


BROKEN = {
    "attacks": ("attacks/odd.py", "from dataclasses import dataclass\n@dataclass\nclass Odd(: ..."),
    "prices": ("prices/odd.py", "from dataclasses import dataclass\nimport nowhere\n@dataclass\nclass Odd: ..."),
    "tasks": ("tasks/odd.py", "from dataclasses import dataclass\n@dataclass\nclass Odd: ..."),
    "metrics": ("metrics/odd.py", "import nowhere"),
    "invariants": ("invariants/odd.py", "import nowhere"),
    "protocols": ("conf/protocol/modelmarket.yaml", "name: odd"),
    "duties": ("protocols/odd.py", "import nowhere"),
}


@pytest.mark.parametrize("kind", sorted(BROKEN))
def test_a_list_names_what_is_broken_and_tells_the_others(
    project: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    name, text = BROKEN[kind]
    assert main(["list", kind, "--json"]) == 0
    before = json.loads(capsys.readouterr().out)
    write(project, "metrics/sound.py", METRIC + "@metric(unit='1')\ndef mine(run):\n    'x'\n")
    write(project, "conf/protocol/odd.yaml", "# Odd.\ndefaults: [modelmarket, _self_]\nname: odd\n")
    write(project, name, text)
    assert main(["list", kind, "--json"]) == 2
    told = capsys.readouterr()
    assert all(row in json.loads(told.out) for row in before)
    assert Path(name).name in told.err
    assert "Traceback" not in told.err
    assert kind != "metrics" or "mine" in told.out


def test_what_raises_when_it_is_listed_is_a_crash_of_its_own(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(project, "attacks/odd.py", "from dataclasses import dataclass\n1 / 0\n@dataclass\nclass Odd: ...\n")
    write(project, "attacks/bytes.py", "")
    (project / "attacks/bytes.py").write_bytes(b"@dataclass\n\xff\n")
    assert main(["list", "attacks"]) == 3
    told = capsys.readouterr()
    assert "odd.py:2: cannot be imported: ZeroDivisionError" in told.err
    assert "bytes.py" in told.err
    assert "overclaim" in told.out
