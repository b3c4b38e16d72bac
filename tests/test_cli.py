"""The command: verbs, exit codes, JSON, signals, and the story of a job."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from slashpoint.experiments.cli import main, worst
from slashpoint.experiments.report.explain import jobs, story
from slashpoint.experiments.report.listing import LISTS
from slashpoint.experiments.setup import run as real
from slashpoint.experiments.setup.folder import RunFolder
from slashpoint.experiments.setup.modules import HOME
from slashpoint.experiments.verbs.list import KINDS
from slashpoint.sim.errors import Misconfigured, Stopped
from slashpoint.sim.ledger import Ledger, LedgerError, Unwritten, read, row
from slashpoint.sim.metrics.run import Run
from slashpoint.sim.units import ETH, SECOND

HASHES = {"chain_hash": "c0", "full_hash": "f0"}
PRICES = {"ETH": 2000.0, "MDC": 1.0, "USD": 1.0}


def lived(folder: RunFolder, cause: str = "reward", violated: bool = False, verb_fails: bool = False) -> Run:
    """One job, posted and delivered, in a ledger made by hand."""
    ledger = Ledger(folder.path)
    for name in ("requester/0", "trainer/0"):
        ledger.accounts.append(
            row("accounts", account=name, controller=name, roles=name[:-2], strategy="honest", attacker=False)
        )
    for block in (1, 2):
        ledger.blocks.append(row("blocks", block=block, time_ns=block * 12 * SECOND, gas_limit=10))
    common: dict[str, Any] = {"job": "ab12", "contract": "Market", "gas": 50_000, "burned": 10**13, "args": "{}"}
    ledger.transactions.append(
        row("transactions", block=1, time_ns=12 * SECOND, account="requester/0", role="requester", verb="posts",
            function="create", status="success", **common)
    )  # fmt: skip
    ledger.duties.append(
        row("duties", time_ns=15 * SECOND, account="trainer/0", controller="trainer/0", role="trainer", duty="claim",
            job="ab12", by="Overclaim.claim", answer="100")
    )  # fmt: skip
    ledger.transactions.append(
        row("transactions", block=2, time_ns=24 * SECOND, account="trainer/0", role="trainer", verb="claims",
            duty="claim=Overclaim.claim", function="claim", status="reverted" if verb_fails else "success",
            reason="TooLate()" if verb_fails else None, **common)
    )  # fmt: skip
    ledger.events.append(
        row("events", block=2, contract="Market", event="Claimed", job="ab12", args='{"by": "0x' + "ab" * 20 + '"}')
    )
    for amount, why in ((3 * ETH, cause), (10**13, "gas")):
        ledger.transfers.append(
            row("transfers", block=2, time_ns=24 * SECOND, asset="MDC" if why != "gas" else "ETH", sender="Market",
                receiver="trainer/0", amount=amount, cause=why, job="ab12")
        )  # fmt: skip
    ledger.jobs.append(
        row("jobs", job="ab12", market="Market", poster="requester/0", reward=3 * ETH, asset="MDC", scale=100,
            born_ns=12 * SECOND, closed_ns=24 * SECOND, outcome="settled", winner="trainer/0", delivered=91)
    )  # fmt: skip
    if violated:
        ledger.violations.append(row("violations", invariant="solvent", complaint="holds nothing"))
    ledger.close()
    return Run(read(folder.path), PRICES, {}, (), {}, HASHES)


class FakeRun(ModuleType):
    """`experiments.run`, whose runs do as they are told."""

    def __init__(self, **how: Any) -> None:
        super().__init__("slashpoint.experiments.setup.run")
        self.how, self.seen = how, []
        self.deploy = real.deploy  # composing asks whether the contracts can be deployed

    def run(self, config: Any, **given: Any) -> Any:
        self.seen.append((config.seed, given["overrides"]))
        if "raises" in self.how and config.seed == self.how.get("at", config.seed):
            raise self.how["raises"]
        if kill := self.how.get("signal"):
            os.kill(os.getpid(), kill)
        folder = RunFolder.create("{}", protocol="modelmarket", attack="", seed=config.seed, runs=given["runs"])
        passed = {name: self.how[name] for name in ("cause", "violated", "verb_fails") if name in self.how}
        folder.finish(lived(folder, **passed), engine="pyevm")
        return SimpleNamespace(folder=folder.path, engine="pyevm")


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Put a fake in place of `experiments.run`, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def pretend(**how: Any) -> FakeRun:
        fake = FakeRun(**how)
        monkeypatch.setitem(sys.modules, fake.__name__, fake)
        return fake

    return pretend


def test_what_is_no_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert main([]) == 2
    assert main(["rum"]) == 2
    assert "there is no verb 'rum'; there are bench, " in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main(["run", "--nonsense"])


def test_a_run_prints_its_tables_and_its_folder(runs: Any, capsys: pytest.CaptureFixture[str]) -> None:
    fake = runs()
    assert main(["run", "seed=4", "--quiet", "scenario=small"]) == 0
    out = capsys.readouterr().out
    assert "profit in USD" in out
    assert "runs/" in out
    assert fake.seen == [(4, ["seed=4", "scenario=small"])]


def test_json_is_one_document_on_stdout(runs: Any, capsys: pytest.CaptureFixture[str]) -> None:
    runs()
    assert main(["run", "--json", "--out", "elsewhere"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["chain_hash"], document["exit"]) == ("c0", 0)
    assert document["folder"].startswith("elsewhere/")
    assert main(["run", "--json", "-m", "seed=1,2"]) == 0
    assert [one["overrides"] for one in json.loads(capsys.readouterr().out)] == [["seed=1"], ["seed=2"]]


@pytest.fixture
def terminal() -> Iterator[None]:
    """SIGINT interrupts, as at a terminal: who was started in the background was told to ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize(
    ("how", "strict", "code"),
    [
        ({"violated": True}, [], 1),
        ({"cause": "unknown"}, [], 0),
        ({"cause": "unknown"}, ["--strict"], 1),
        ({"verb_fails": True}, [], 0),
        ({"verb_fails": True}, ["--strict"], 4),
        ({"raises": RuntimeError("boom")}, [], 3),
        ({"raises": Misconfigured("no such thing")}, [], 2),
        ({"raises": KeyboardInterrupt()}, [], 3),  # by code: Ctrl-C is a signal
        ({"raises": SystemExit(0)}, [], 3),
        ({"signal": signal.SIGTERM}, [], 143),
        ({"signal": signal.SIGHUP}, [], 129),
        ({"signal": signal.SIGINT}, [], 130),
    ],
)
def test_exit_codes(runs: Any, how: dict[str, Any], strict: list[str], code: int) -> None:
    runs(**how)
    assert main(["run", *strict]) == code


def test_what_ends_a_run_says_where_its_ledger_is(runs: Any, capsys: pytest.CaptureFixture[str]) -> None:
    interrupt = Stopped(signal.SIGINT)
    interrupt.add_note("runs/x holds a partial ledger")
    runs(raises=interrupt)
    main(["run"])
    assert "runs/x holds a partial ledger" in capsys.readouterr().err


def test_in_a_multirun_a_crash_is_a_row(runs: Any, capsys: pytest.CaptureFixture[str]) -> None:
    fake = runs(raises=RuntimeError("boom"), at=1, violated=True)
    assert main(["run", "-m", "seed=0,1,2", "--json"]) == 3
    rows = json.loads(capsys.readouterr().out)
    assert [one["exit"] for one in rows] == [1, 3, 1]
    assert "boom" in rows[1]["error"]
    assert [seed for seed, _ in fake.seen] == [0, 1, 2]


def test_nothing_runs_when_one_of_many_is_misconfigured(runs: Any, capsys: pytest.CaptureFixture[str]) -> None:
    fake = runs()
    assert main(["run", "-m", "seed=0,-1"]) == 2
    assert "seed=-1: it cannot be negative" in capsys.readouterr().err
    assert not fake.seen


def test_the_worst_code_counts() -> None:
    assert [worst(codes) for codes in ([0, 4], [4, 1], [1, 3, 4], [0, 0], [])] == [4, 1, 3, 0, 0]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in {"attacks", "duties"}])
def test_lists(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", kind, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert all(row["name"] and row["what"] for row in rows)
    assert rows
    assert main(["list", kind]) == 0
    assert rows[0]["name"] in capsys.readouterr().out


def test_every_kind_has_its_list() -> None:
    assert tuple(LISTS) == KINDS


def test_the_story_of_a_job(runs: Any, capsys: pytest.CaptureFixture[str]) -> None:
    runs()
    main(["run"])
    capsys.readouterr()
    assert main(["explain"]) == 0
    assert "91 of 100" in capsys.readouterr().out
    assert main(["explain", "last", "ab"]) == 0
    told = capsys.readouterr().out
    for piece in (
        "requester/0 posts by create(), 50,000 gas = 0.02 USD",
        "trainer/0 asked to claim: 100 (Overclaim.claim)",
        "[claim=Overclaim.claim]",
        "Claimed(by=0xababababaab"[:20],
        "Market → trainer/0: 3 MDC (reward)",
    ):
        assert piece in told
    assert told.index("posts") < told.index("asked to claim") < told.index("claims by")
    assert main(["explain", "last", "zz"]) == 2
    assert main(["explain", "nothing"]) == 2
    assert main(["explain", "last", "ab12", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["unfinished"], told["moments"][0]["seconds"]) == ("", 0)


def test_a_story_in_python(tmp_path: Path) -> None:
    run = lived(RunFolder.create("{}", protocol="p", attack="", seed=0, runs=tmp_path))
    assert jobs(run)[0]["winner"] == "trainer/0"
    assert [moment.seconds for moment in story(run, "ab12")] == [0, 3, 12]
    assert story(run, "ab12")[2].then[-1] == "Market → trainer/0: 3 MDC (reward)"


def test_duties_are_listed_by_protocol_and_role(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "duties", "--json"]) == 0
    rows = {row["duty"]: row for row in json.loads(capsys.readouterr().out) if row["protocol"] == "modelmarket"}
    assert rows["claim"]["role"] == "trainer"
    assert rows["claim"]["about"] == "correct predictions (count)"
    assert rows["reveal"]["role"] == "requester, trainer"
    assert "judge" not in rows


def test_a_full_disk_is_told_without_a_traceback(runs: Any, capsys: pytest.CaptureFixture[str]) -> None:
    runs(raises=Unwritten("blocks: no space left; x holds a partial ledger"))
    assert main(["run", "--quiet"]) == 3
    assert capsys.readouterr().err == "slashpoint: blocks: no space left; x holds a partial ledger\n"
    runs(raises=LedgerError("blocks.gas is an integer"))
    assert main(["run", "--quiet"]) == 3
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize("verb", sorted(path.stem for path in (HOME / "experiments/verbs").glob("[a-z]*.py")))
def test_every_verb_explains_itself(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([verb, "--help"])
    assert left.value.code == 0
    assert f"usage: slashpoint {verb}" in capsys.readouterr().out
