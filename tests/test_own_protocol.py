"""A protocol of somebody's own: as small as it can be, and refused by file and name where it lacks something."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

import slashpoint
from slashpoint.experiments.cli import main
from slashpoint.experiments.setup import catalogue
from slashpoint.experiments.setup.compile import compile_contracts
from slashpoint.experiments.setup.config import compose
from slashpoint.experiments.setup.protocol_check import vet_deployed
from slashpoint.experiments.setup.run import deploy
from slashpoint.experiments.study.cells import cells
from slashpoint.sim.errors import Misconfigured
from slashpoint.sim.ledger import Ledger

ESCROW = Path(__file__).parent / "projects" / "escrow"  # as a stranger would write it: a contract, a market, two roles
PYTHON, YAML = "protocols/escrow.py", "conf/protocol/escrow.yaml"
DEPLOY = "    @classmethod\n    def deploy(cls, world, terms):"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the escrow's project, with the current folder in it."""
    shutil.copytree(ESCROW, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def edit(project: Path, name: str, *changes: tuple[str, str]) -> None:
    text = (project / name).read_text()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    (project / name).write_text(text)


def run(*attack: Any, **parameters: Any) -> slashpoint.Result:
    said = [f"protocol.{name}={value}".lower() for name, value in parameters.items()]
    return slashpoint.simulate("escrow", list(attack), "small", 0, said, ESCROW)


def test_a_strangers_escrow_is_a_protocol_in_about_eighty_lines() -> None:
    result = run()
    assert len((ESCROW / PYTHON).read_text().splitlines()) < 90
    assert len((ESCROW / YAML).read_text().splitlines()) < 8
    assert list(result.violations["complaint"]) == []
    jobs, moved = result.ledger["jobs"], result.ledger["transfers"]
    assert jobs["outcome"].tolist() == ["Paid"] * 3
    assert jobs["delivered"].notna().all(), "the model that was paid for is the one that was handed in"
    causes = moved[(moved["asset"] == "ETH") & (moved["cause"].isin(["deposit", "reward"]))]
    assert causes.groupby("cause")["amount"].sum().tolist() == [3 * 10**17, 3 * 10**17]
    assert "unknown" not in set(moved["cause"])


def test_its_build_is_of_its_source() -> None:
    assert compile_contracts(check=True, contracts=ESCROW / "contracts") == 0


@pytest.mark.parametrize("attack", ["lazy", "garbage", "sybil", "slot_squatter"])
def test_shared_attacks_play_in_it(attack: str) -> None:
    assert run(attack).ledger["accounts"]["attacker"].any()


@pytest.mark.parametrize("name", sorted(catalogue.presets("protocol")))
def test_our_own_protocols_offer_what_is_asked_of_everybody(name: str) -> None:
    market, _, roles = catalogue.rules(name)
    world, deployed = deploy(compose([f"protocol={name}", "scenario=small"]), Ledger(None))
    vet_deployed(deployed, roles)
    assert isinstance(deployed, market)
    world.forget()


MARKET = "class Escrow(Market):\n"
BROKEN = {
    "no deploy": ([(DEPLOY, "    @classmethod\n    def put(cls, world, terms):")], ["Escrow.deploy: it is missing"]),
    "deploy is no class method": ([("    @classmethod\n", "")], ["Escrow.deploy", "class method"]),
    "no opening event": ([('opening_event = "Opened"', 'opening_event = ""')], ["Escrow.opening_event"]),
    "an opening event that is none": (
        [('"Opened"', '"Opend"')],
        ["Escrow.opening_event: there is no event 'Opend'", "Opened(jobId, client, due); Paid(jobId, worker)"],
    ),
    "a closing event that is none": (
        [('"Refunded")', '"Returned")')],
        ["closing_events: there is no event 'Returned'"],
    ),
    "closing events that are a text": ([('("Paid", "Refunded")', '"Paid"')], ["Escrow.closing_events", "a tuple"]),
    "no closing events": ([('("Paid", "Refunded")', "()")], ["Escrow.closing_events"]),
    "the id by another name": (
        [('"id": "jobId", ', "")],
        ["Opened has no argument 'id' for a job's id", 'arguments = {"id": "…"}', "HandedIn(jobId, worker, cid)"],
    ),
    "the deadline by another name": ([('"deadline": "due", ', "")], ["Opened has no argument 'deadline'"]),
    "a winner that is none": ([('"winner": "worker"', '"winner": "trainer"')], ["no argument 'trainer'"]),
    "an argument that nothing reads": ([('"winner"', '"loser"')], ["Escrow.arguments: 'loser': nothing reads it"]),
    "a state that no event has": ([(MARKET, f"{MARKET}    outcomes = {{1: 'paid'}}\n")], ["has no argument 'state'"]),
    "an expected event that is none": (
        [(MARKET, f"{MARKET}    expects = ('Payd',)\n")],
        ["expects: there is no event 'Payd'"],
    ),
    "news that are none": (
        [(MARKET, f"{MARKET}    @property\n    def news(self): return (self.Payd,)\n")],
        ["Escrow.news: Escrow has no event"],
    ),
    "a property that is a method": (
        [(MARKET, f"{MARKET}    def news(self): return ()\n")],
        ["Escrow.news: write @property"],
    ),
    "a method that takes less": (
        [(MARKET, f"{MARKET}    def poke(self): return None\n")],
        ["Escrow.poke", "takes self, job"],
    ),
    "a method that is none": ([(MARKET, f"{MARKET}    poke = 5\n")], ["Escrow.poke: it must be a method"]),
    "withdrawals without debts": (
        [(MARKET, f"{MARKET}    def withdraws(self, job=None): return self.contract.cancel(job.id)\n")],
        ["Escrow.owed: it is missing", "Escrow.liabilities: it is missing"],
    ),
    "causes without debts": (
        [(MARKET, f"{MARKET}    def causes(self, call, asset, sender, receiver, amount): return []\n")],
        ["Escrow.liabilities: it is missing"],
    ),
    "a field without a dataclass": ([(f"@dataclass\n{MARKET}", f"{MARKET}    fee: int = 0\n")], ["write @dataclass"]),
    "a duty that no role asks": ([(MARKET, f"{MARKET}    duties = {{'judge': 'x'}}\n")], ["no role asks for 'judge'"]),
    "a verb that the market lacks": (
        [("market.settles(", "market.setles(")],
        ["Client: market.setles: Escrow has no such"],
    ),
    "an event that it lacks": ([("market.HandedIn", "market.HandedOut")], ["Client: market.HandedOut"]),
    "a function that the contract lacks": ([("contract.accept(", "contract.acept(")], ["Escrow: contract.acept"]),
    "a duty that is none": ([('{"settle"}', '{"setle"}')], ["Client.duties: 'setle' is no duty; there are enter"]),
    "a duty that is not told": (
        [('{"enter", "work", "claim"}', '{"enter", "claim"}')],
        ["Worker.duties: it asks for 'work'"],
    ),
    "a role without its script": (
        [("def serve(self, me, job):\n        if not", "def served(self, me, job):\n        if not")],
        ["Worker.serve: it is missing"],
    ),
    "a poster without its script": ([("def commission", "def comission")], ["Client.commission: it is missing"]),
    "nobody who posts": ([("(Client, Worker)", "(Worker,)")], ["nobody who posts jobs"]),
    "no roles": ([("(Client, Worker)", "()")], ["ROLES must be a tuple"]),
    "one role, and no tuple": ([("(Client, Worker)", "Client")], ["ROLES must be a tuple"]),
    "a role that is none": (
        [("(Client, Worker)", "(Client, Worker, 5)")],
        ["ROLES: 5: it must be a subclass of a role"],
    ),
    "a role twice": ([("(Client, Worker)", "(Client, Worker, Worker)")], ["two roles called worker"]),
    "a market that is none": (
        [("= Escrow, EscrowTerms", "= Client, EscrowTerms")],
        ["MARKET must be a subclass of Market"],
    ),
    "terms that are none": ([("= Escrow, EscrowTerms", "= Escrow, Escrow")], ["TERMS must be a subclass of Terms"]),
    "terms without a price": ([("reward: float", "bounty: float")], ["EscrowTerms.payout: it is missing"]),
    "no ROLES": (
        [("TERMS, ROLES = Escrow, EscrowTerms, (Client, Worker)", "TERMS = Escrow, EscrowTerms")],
        ["must define", "ROLES"],
    ),
    "no build": ([('"Escrow.json"', '"Escro.json"')], ["Escrow.deploy", "Escro.json"]),
    "a constructor that takes less": ([("terms.careful), terms", "terms.careful, 5), terms")], ["Escrow.deploy"]),
}


@pytest.mark.parametrize("what", sorted(BROKEN))
def test_what_a_protocol_lacks_is_told_before_anything_runs(
    project: Path, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    changes, says = BROKEN[what]
    edit(project, PYTHON, *changes)
    assert main(["run", "protocol=escrow", "scenario=small", "--out", str(project / "runs")]) == 2
    told = capsys.readouterr().err
    assert "Traceback" not in told
    assert "escrow.py" in told
    for each in says:
        assert each in told
    assert not list(project.glob("runs/*/*"))


def test_all_that_is_wrong_is_told_at_once(project: Path) -> None:
    edit(
        project,
        PYTHON,
        ('"Refunded")', '"Returned")'),
        ('"deadline": "due", ', ""),
        ("market.settles(", "market.setles("),
    )
    with pytest.raises(Misconfigured, match="(?s)Returned.*deadline.*setles"):
        compose(["protocol=escrow", "scenario=small"], project)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("reward: 0.1\nwindow: 900.0\ncareful: true\n", "protocol.seats: nobody takes part"),
        ("reward: 0.1\nwindow: 900.0\ncareful: true\nseats: {client: 1, worcer: 1}\n", "there are client, worker"),
        ("reward: 0.1\nwindow: 900.0\nseats: {client: 1, worker: 1}\n", "careful"),
        ("reward: 0.1\nwindow: 900.0\ncareful: true\nwindoww: 3\nseats: {client: 1, worker: 1}\n", "windoww"),
        ("reward: 0.1\nwindow: 900.0\ncareful: true\nseats: [client]\n", "seats"),
        ("", "conf/protocol/escrow.yaml lacks reward, window, careful (EscrowTerms has no default for them)"),
    ],
)
def test_a_file_of_parameters_that_does_not_fit_is_refused(
    project: Path, text: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / YAML).write_text(text)
    assert main(["run", "protocol=escrow", "scenario=small", "--out", str(project / "runs")]) == 2
    told = capsys.readouterr().err
    assert "Traceback" not in told
    assert says in told


STALE = "contracts/build/Escrow.json is stale: src/Escrow.sol has changed; run: slashpoint compile\n"


@pytest.mark.parametrize("line", ["run protocol=nope", "sweep scenario=nope", "matrix nope", "mutants Nope", "gate no"])
def test_a_build_of_an_earlier_source_is_told_before_anything_runs_and_a_gate_refuses_it(
    project: Path, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(line.split()) == 2
    assert "stale" not in capsys.readouterr().err
    source = project / "contracts/src/Escrow.sol"
    source.write_text(source.read_text() + "// changed\n")
    assert main(line.split()) == 2
    told = capsys.readouterr().err
    assert told.count("stale") == 1
    if line.startswith("gate"):
        assert told.endswith(f"slashpoint: {STALE}")
    else:
        assert f"\nwarning: {STALE}" in told


def test_an_error_of_a_project_shows_its_own_lines_and_no_others_unless_all_are_asked_for(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(
        project,
        PYTHON,
        ('self.does("posts", job, self.contract.open(round(due)', 'self.does("posts", job, self.contract.open("x"'),
    )
    line = ["run", "protocol=escrow", "scenario=small", "--quiet", "--out", str(project / "runs")]
    assert main(line) == 3
    told = capsys.readouterr().err
    files = [each for each in told.splitlines() if each.startswith("  File ")]
    assert len(files) == 2
    assert all(str(project / PYTHON) in each for each in files)
    assert "lines outside of the project left out, SLASHPOINT_TRACE=1 shows them" in told
    assert "\nTypeError: " in told
    monkeypatch.setenv("SLASHPOINT_TRACE", "1")
    assert main(line) == 3
    whole = capsys.readouterr().err
    assert whole.count("  File ") > 5
    assert "left out" not in whole


def test_a_build_that_was_never_made_is_asked_for(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "contracts/build/Escrow.json").unlink()
    assert main(["run", "protocol=escrow", "scenario=small", "--out", str(project / "runs")]) == 2
    told = capsys.readouterr().err
    assert "there is no contracts/build/Escrow.json: run slashpoint compile" in told
    assert "Error" not in told


def test_a_project_and_a_folder_of_runs_may_be_text(tmp_path: Path) -> None:
    made = slashpoint.simulate("escrow", (), "small", 0, (), str(ESCROW), str(tmp_path))
    assert made.folder is not None
    assert made.folder.is_relative_to(tmp_path)
    assert made.chain_hash == run().chain_hash


def test_a_matrix_takes_the_variants_that_a_protocol_has(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert [cell[2] for cell in cells(["lazy"], None, ["protocol=escrow"], project)] == ["hardened"]
    both = cells(["lazy"], None, ["protocol=escrow,modelmarket"], project)
    assert [cell[1:] for cell in both] == [
        ("escrow", "hardened"), ("modelmarket", "literal"), ("modelmarket", "hardened")
    ]  # fmt: skip
    assert main(["matrix", "lazy", "protocol=escrow", "--variants", "literal"]) == 2
    assert "--variants literal: escrow has hardened" in capsys.readouterr().err


def test_its_file_of_parameters_need_not_say_what_all_protocols_have(project: Path) -> None:
    (project / YAML).write_text("reward: 0.1\nwindow: 900.0\ncareful: true\nseats: {client: 1, worker: 1}\n")
    config = compose(["protocol=escrow", "scenario=small", "protocol.value_usd=5", "protocol.endowment.eth=3"], project)
    assert (config.protocol.name, config.protocol.variant) == ("escrow", "hardened")
    assert (config.protocol.value_usd, config.protocol.endowment.eth) == (5, 3)


EXPLOIT = """
from dataclasses import dataclass
from typing import ClassVar

from slashpoint import Conduct
from {where} import {role}


class Hasty({role}):
    def live(self, me):
        yield me.until(me.now + 1)
        yield from super().live(me)


@dataclass
class Rush(Conduct):
    '''Hopes to be first.'''

    script: ClassVar[type | None] = Hasty
"""


def test_a_protocol_in_one_file_may_have_a_folder_of_exploits(project: Path) -> None:
    exploits = project / "protocols/escrow_tricks/exploits"
    exploits.mkdir(parents=True)
    (exploits / "rush.py").write_text(EXPLOIT.format(where="...escrow", role="Worker"))
    result = slashpoint.simulate("escrow", "rush", "small", 0, ["scenario.jobs=1"], project)
    assert result.run.people.query("attacker")["strategy"].tolist() == ["rush"]


def test_an_exploit_of_a_role_that_is_not_there_has_no_seat(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "attacks").mkdir()
    text = EXPLOIT.format(where="slashpoint.protocols.modelmarket.roles", role="Trainer")
    (project / "attacks/rush.py").write_text(text)
    assert main(["run", "protocol=escrow", "attack=rush", "scenario=small", "--out", str(project / "runs")]) == 2
    told = capsys.readouterr().err
    assert "Rush has no seat here: its script takes over none of the roles, client, worker" in told


def test_a_folder_without_its_init_is_no_protocol_and_says_what_is_missing(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "protocols/barter").mkdir()
    (project / "protocols/barter/market.py").write_text("x = 1\n")
    (project / "conf/protocol/barter.yaml").write_text("seats: {client: 1}\n")
    assert main(["run", "protocol=barter", "scenario=small", "--out", str(project / "runs")]) == 2
    told = capsys.readouterr().err
    assert "Traceback" not in told
    assert "protocols/barter/__init__.py" in told


def test_a_file_and_a_folder_of_one_name_are_two_protocols_and_refused(project: Path) -> None:
    shutil.copytree(project / "protocols", project / "protocols/escrow", ignore=shutil.ignore_patterns("escrow"))
    (project / "protocols/escrow/__init__.py").write_text((project / PYTHON).read_text())
    with pytest.raises(Misconfigured, match="escrow"):
        compose(["protocol=escrow", "scenario=small"], project)


def test_a_payment_to_somebody_who_did_nothing_for_the_job_is_of_unknown_cause(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The contract pays whoever called one of its functions last, as a keeper does."""
    edit(project, PYTHON, ('does("submits"', 'does("pokes"'), ('does("claims"', 'does("pokes"'))
    asked = ["run", "protocol=escrow", "scenario=small", "--out", str(project / "runs")]
    assert main(asked) == 0
    assert "0.3 ETH moved in 3 transfers of unknown cause" in " ".join(capsys.readouterr().out.split())
    assert main([*asked, "--strict"]) == 1
    said = slashpoint.simulate("escrow", scenario="small", project=project)
    assert "reward" not in set(said.ledger["transfers"]["cause"])


@pytest.mark.parametrize(
    ("submits", "reveals", "got"), [("None", "cid", 3), ("bytes(32)", "cid", 3), ("None", "None", 0)]
)
def test_what_is_delivered_is_what_a_reveal_carried_and_a_market_without_cids_is_told_to_define_it(
    project: Path, submits: str, reveals: str, got: int
) -> None:
    """Work is handed in under one verb, then with the claim under another, as with commit and reveal."""
    edit(
        project, PYTHON, ("carries=cid", f"carries={submits}"),
        ("self.market.claims(job, (", "self.market.claims(job, work.model, ("),
        ("def claims(self, job, right):", "def claims(self, job, model, right):\n        cid = sha256(model).digest()"),
        ('does("claims"', 'does("reveals"'), ("carries=right", f"carries={reveals}"),
        ("from pathlib", "from hashlib import sha256\nfrom pathlib"),
    )  # fmt: skip
    done = slashpoint.simulate("escrow", scenario="small", project=project)
    assert done.ledger["jobs"]["delivered"].notna().sum() == got
    said = [one for one in done.warnings if "models that won" in one]
    why = "no call of the winner carried a CID; define delivered (3 of 3 models that won)"
    assert said == ([] if got else [why])


def test_who_is_judged_is_told_by_name_where_a_subjects_id_is_an_address() -> None:
    duties = run().ledger["duties"]
    judged = duties[duties["duty"] == "settle"]["subject"]
    assert len(judged) == 3
    assert judged.str.fullmatch(r"worker/\d").all(), list(judged)


def test_a_run_whose_models_are_worth_nothing_says_so() -> None:
    note = "protocol.value_usd is 0: welfare and surplus leave out what the models are worth to their buyers"
    assert note in run().run.notes
    assert note not in run(value_usd=150).run.notes


@pytest.mark.parametrize(
    ("old", "new", "who"),
    [
        ("self.contract.open(", "self.contract.open_(", "Escrow: contract.open_"),
        ('answer = "dispute"', "answer = me and self.market.contract.shut(job.id)", "Client: contract.shut"),
    ],
)
def test_a_function_that_no_contract_has_is_refused_whatever_it_ends_in_and_whoever_calls_it(
    project: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, who: str
) -> None:
    edit(project, PYTHON, (old, new))
    assert main(["run", "protocol=escrow", "scenario=small", "--out", str(project / "runs")]) == 2
    assert f"{who}: Escrow has no such function" in capsys.readouterr().err


def test_a_job_pays_for_verbs_only(project: Path) -> None:
    words = '    arguments: ClassVar = {"id"'
    edit(project, PYTHON, (words, f'    pays_for = ("poke",)\n{words}'))
    with pytest.raises(Misconfigured, match=r"Escrow\.pays_for: 'poke' is no verb; .*pokes"):
        compose(["protocol=escrow", "scenario=small"], project)


def test_a_market_says_that_its_jobs_pay_keepers_as_well(project: Path) -> None:
    words = '    arguments: ClassVar = {"id"'
    edit(project, PYTHON, ('does("submits"', 'does("pokes"'), ('does("claims"', 'does("pokes"'))
    edit(project, PYTHON, (words, f'    pays_for = (*Market.pays_for, "pokes")\n{words}'))
    moved = slashpoint.simulate("escrow", scenario="small", project=project).ledger["transfers"]
    assert (moved["cause"] == "reward").sum() == 3
    assert "unknown" not in set(moved["cause"])
