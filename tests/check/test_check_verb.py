"""The verb: it finds, tells the shortest sequence, saves it, replays it, and is never green by accident."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from slashpoint.experiments.check import shards
from slashpoint.experiments.check.functions import Row, warnings
from slashpoint.experiments.check.request import Request
from slashpoint.experiments.check.saved import read
from slashpoint.experiments.check.shards import SHARD, search
from slashpoint.experiments.check.stage import build
from slashpoint.experiments.check.teller import Teller, amount, readable
from slashpoint.sim.search import Finding, Harvest, Kind, Step, Target, Usage, campaign
from slashpoint.sim.search.campaign import Report

FILE = Path("checks/Counter/property-invariant_small.json")
READY = ["--init", "Counter=initialize(deployer,0)"]


@pytest.fixture
def bank(out):
    return build(Request((str(out / "Bank.json"),)))


def attack(stage):
    """Steps that take a deposit twice."""
    setup = stage.setup
    bank, puppet = setup.contracts["Bank"], setup.contracts[setup.puppet]
    alice, mallory = setup.accounts["alice"], setup.accounts["mallory"]
    deposit, withdraw = (bank.function_(name)().data for name in ("deposit", "withdraw"))
    return (
        Step(alice, bank.address_, deposit, 10**18, 12),
        Step(mallory, puppet.address_, puppet.act(bank.address_, deposit).data, 10**18, 90_000),
        Step(mallory, puppet.address_, puppet.arm(bank.address_, withdraw, 1).data),
        Step(mallory, puppet.address_, puppet.act(bank.address_, withdraw).data),
        Step(mallory, puppet.address_, puppet.act(bank.address_, withdraw).data),
    )


def test_a_broken_property_is_found_told_and_saved(check):
    code, said = check("Counter.json", *READY, "--calls", "500", "--seed", "1")
    assert code == 1
    assert "Finding 1: a property fails: Counter.invariant_small" in said
    assert "add(" in said
    assert f"slashpoint check --replay {FILE}" in said
    assert max(map(len, said.partition("Functions")[2].partition("To be")[0].splitlines())) <= 80
    saved = json.loads(FILE.read_text())
    assert (saved["kind"], saved["subject"]) == ("property", "Counter.invariant_small")
    assert 1 <= len(saved["steps"]) <= 3
    assert "add(" in saved["steps"][0]["text"]
    assert saved["deployed"]["init"] == READY[1:]


def test_a_saved_sequence_is_replayed_step_by_step(check):
    check("Counter.json", *READY, "--calls", "500")
    code, said = check("--replay", str(FILE))
    assert code == 1
    assert "add(" in said
    assert "does not hold" in said
    code, told = check("--replay", str(FILE), "--json")
    assert (code, told["exit"], told["holds"]) == (1, 1, False)
    assert told["steps"][0]["succeeded"]


def test_a_saved_sequence_is_found_again_first(check):
    check("Counter.json", *READY, "--calls", "500")
    before = FILE.read_text()
    code, said = check("Counter.json", *READY, "--calls", "1", "--seed", "9")
    assert code == 1
    assert f"{FILE} still shows it" in said
    assert FILE.read_text() == before


def test_what_shows_nothing_any_more_is_told_as_mended(check, tmp_path, out):
    check("Counter.json", *READY, "--calls", "500")
    artifact = json.loads((out / "Counter.json").read_text())
    artifact["abi"] = [each for each in artifact["abi"] if each.get("name") != "invariant_small"]
    artifact["bytecode"]["object"] += "00"
    (tmp_path / "Counter.json").write_text(json.dumps(artifact))
    mended = str(tmp_path / "Counter.json")
    code, said = check(mended, *READY, "--calls", "100")
    assert code == 0
    assert f"{FILE} shows nothing any more: mended" in said
    code, said = check(mended, *READY, "--replay", str(FILE))
    assert code == 0
    assert "changed since it was saved: Counter" in said
    assert "mended" in said


def test_a_saved_sequence_follows_contracts_to_other_addresses(check):
    check("Counter.json", *READY, "--calls", "500")
    code, said = check("Bank.json", "Counter.json", *READY, "--calls", "1")
    assert code == 1
    assert f"{FILE} still shows it" in said


def test_it_says_whom_a_saved_sequence_lacks(check):
    check("Bank.json", "Counter.json", *READY, "--calls", "2000")
    saved = json.loads(FILE.read_text())
    step = {**saved["steps"][0], "to": saved["addresses"]["Bank"]}
    FILE.write_text(json.dumps({**saved, "steps": [step]}))
    _, said = check("Counter.json", *READY, "--calls", "1")
    assert f"{FILE} was not replayed: it needs Bank" in said


def test_nothing_is_green_when_no_call_succeeded(check):
    code, said = check("Picky.json", "--args", f"Picky=10,0x{'ab' * 32},true,[1],-1", "--calls", "50")
    assert code == 4
    assert "not one call succeeded, so that nothing was tested" in said
    assert re.search(r'Picky.poke never succeeded in \d+ calls: mostly "never"', said)
    assert "no property was given" in said
    assert "no money is at stake" in said
    assert "undecided" in said


def test_the_document_holds_what_is_printed(check):
    code, told = check("Counter.json", *READY, "--calls", "400", "--json")
    assert code == told["exit"] == 1
    assert told["calls"] == 400
    (finding,) = told["findings"]
    assert (finding["kind"], finding["subject"], finding["file"]) == ("property", "Counter.invariant_small", str(FILE))
    add = next(each for each in told["functions"] if each["function"] == "add(uint256)")
    assert 0 < add["succeeded"] < add["calls"]
    assert add["gas"]["low"] <= add["gas"]["mean"] <= add["gas"]["high"]
    assert '"too many"' in add["reverts"]
    assert set(told["accounts"]) == {"deployer", "alice", "bob", "carol", "mallory"}


@pytest.mark.parametrize("words", [["Counter.json", *READY], ["Bank.json"]], ids=["property", "none"])
def test_the_number_of_processes_changes_nothing(words, check, monkeypatch, tmp_path):
    monkeypatch.setattr(shards, "SHARD", {"native": 150, "pyevm": 150})
    told = []
    for jobs in ("1", "2"):
        monkeypatch.setattr("slashpoint.experiments.check.saved.home", lambda jobs=jobs: tmp_path / jobs)
        told.append(check(*words, "--calls", "400", "--json", "-j", jobs)[1])
        for finding in told[-1]["findings"]:
            finding.pop("file"), finding.pop("replay")
    assert told[0] == told[1]
    assert told[0]["calls"] == 400


def test_a_search_is_cut_by_a_rule_of_its_own():
    request = Request(("x",))
    size = SHARD["native"]
    parts = shards.shards(request, "native", 2 * size + 5, 3, 10, [()])
    assert [part.calls for part in parts] == [size, size, 5]
    assert len({part.seed for part in parts}) == 3
    assert [len(part.saved) for part in parts] == [1, 0, 0]
    assert parts == shards.shards(request, "native", 2 * size + 5, 3, 10, [()])


def test_the_shorter_of_two_findings_of_a_bug_is_told(bank, monkeypatch):
    steps = attack(bank)
    found = iter([steps, steps[:2]])
    monkeypatch.setattr(shards, "SHARD", {"native": 5})
    monkeypatch.setattr(
        campaign, "check", lambda *_, **__: Report([Finding(Kind.GAIN, "Bank", "too much", next(found))])
    )
    told = []
    parts = shards.shards(Request(()), "native", 10, 0, 10, [])
    report = search(bank, parts, 1, lambda done, total: told.append((done, total)))
    assert [len(each.steps) for each in report.findings] == [2]


def test_an_attack_is_told_as_its_author_would(bank):
    story = Teller(bank.setup).story(attack(bank))
    assert [(line.time, line.who, line.call, line.wei) for line in story.lines] == [
        ("+12s", "alice", "deposit()", "1e18"),
        ("+1d 1h", "mallory (through a contract)", "deposit()", "1e18"),
        ("+1d 1h", "mallory (through a contract)", "gets ready to call back withdraw(), once", "0"),
        ("+1d 1h", "mallory (through a contract)", "withdraw() and calls back withdraw() when paid", "0"),
        ("+1d 1h", "mallory (through a contract)", "withdraw() and calls back withdraw() when paid", "0"),
    ]
    assert story.lines[0].outcome == ("Deposited(who=alice, value=1e18)",)
    assert story.lines[3].outcome == ("Withdrawn(who=mallory's contract, value=1e18)",) * 2
    assert story.lines[4].outcome == ('fails: "nothing owed"',)
    assert ("mallory's contract", "wei", 2 * 10**18) in story.changes
    assert ("Bank", "wei", 0) not in story.changes
    assert bank.setup.engine.balance(bank.setup.contracts["Bank"].address_) == 0


def test_errors_are_decoded_whoever_raised_them(out):
    rules = '{"bps":100,"keeper":"alice","until":"now-1s"}'
    names = ("Coin", "Fees", "Till")
    stage = build(Request(tuple(str(out / f"{name}.json") for name in names), args=(f"Till=Coin,{rules}",)))
    setup = stage.setup
    till, coin = setup.contracts["Till"], setup.contracts["Coin"]
    alice = setup.accounts["alice"]
    late, overdrawn, denied, strange = (
        Step(alice, till.address_, till.pay(5).data),
        Step(alice, coin.address_, coin.transfer(alice, 2**255).data),
        Step(alice, coin.address_, coin.mint(alice, 1).data),
        Step(alice, coin.address_, b"\1\2\3\4\5"),
    )
    said = [line.outcome[0] for line in Teller(setup).story([late, overdrawn, denied, strange]).lines]
    assert said == [
        f"fails: TooLate(until={setup.now - 1})",
        "fails: panic: arithmetic overflow or underflow",
        "fails: NotOwner(caller=alice)",
        "fails: no reason given",
    ]


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (5, "5"), (10**18, "1e18"), (15 * 10**17, "1.5e18"), (2**256 - 1, "2^256-1"), (2**255, "2^255"),
     (1_767_225_600, "1767225600"), (10**18 + 1, "1000000000000000001"), (-(10**18), "-1e18")],
)  # fmt: skip
def test_numbers_are_short_and_exact(number, text):
    assert amount(number) == text


def test_long_numbers_in_a_sentence_are_short():
    said = "mallory ends 1000000000000000000 of wei above 0x1000000000000000000, 12 calls, 1767225600 s, 5000000000000."
    assert readable(said) == "mallory ends 1e18 of wei above 0x1000000000000000000, 12 calls, 1767225600 s, 5e12."


BROKEN = [
    ("steps", [], "it has 0 steps"),
    ("steps", [{"sender": "0x12"}], "to is missing"),
    ("kind", "wrong", "there is no kind 'wrong'"),
    ("addresses", {"alice": "0x12"}, "the address of alice has not 20 bytes"),
    ("addresses", 5, "saved sequence"),
    ("deployed", {"artifacts": "x"}, "deployed.artifacts is no list of texts"),
    ("bytecode_sha256", None, "saved sequence"),
]


@pytest.mark.parametrize(("field", "value", "culprit"), BROKEN)
def test_a_broken_saved_sequence_is_refused_and_nothing_is_searched(field, value, culprit, check, capsys, monkeypatch):
    check("Counter.json", *READY, "--calls", "300")
    FILE.write_text(json.dumps({**json.loads(FILE.read_text()), field: value}))
    monkeypatch.setattr(campaign, "check", None)
    from slashpoint.experiments.cli import main

    artifact = str(Path(__file__).parent / "contracts/out/Counter.json")
    for words in (["--replay", str(FILE)], [artifact, *READY, "--quiet"]):
        assert main(["check", *words]) == 2
        said = capsys.readouterr().err
        assert str(FILE) in said
        assert culprit in said


def test_a_project_keeps_its_sequences_at_its_root(check, tmp_path, monkeypatch):
    (tmp_path / "slashpoint.yaml").touch()
    (tmp_path / "deep").mkdir()
    monkeypatch.chdir(tmp_path / "deep")
    code, _said = check("Counter.json", *READY, "--calls", "500")
    assert code == 1
    assert (tmp_path / FILE).is_file()
    assert read(tmp_path / FILE).request.artifacts
    assert check("--replay", str(tmp_path / FILE))[0] == 1


def test_functions_that_take_lists_of_structs_are_searched(check, tmp_path):
    """They are among what a commitment may hold, whose digest is then tried."""
    parts = [{"name": "a", "type": "uint256"}, {"name": "b", "type": "bytes32"}]
    inputs = [{"name": "x", "type": "tuple[]", "components": parts}, {"name": "y", "type": "bytes32"}]
    touched = [{"type": "function", "name": name, "inputs": inputs, "outputs": []} for name in ("f", "g")]
    (tmp_path / "Lists.json").write_text(json.dumps({"abi": touched, "bytecode": "0x6001600060003960016000f3"}))
    code, told = check(str(tmp_path / "Lists.json"), "--calls", "2000", "--json")
    assert code == 0
    assert {each["function"] for each in told["functions"]} == {
        "f((uint256,bytes32)[],bytes32)",
        "g((uint256,bytes32)[],bytes32)",
    }


@pytest.mark.parametrize(
    ("cause", "whose"),
    [("NotOwner", "the caller"), ('"Ownable: caller is not the owner"', "the caller"), ("TOO_LATE", "the time"),
     ("NoSuchRequest", "an id"),
     ('"ERC721Template: wrong"', ""), ("InsufficientBalance", "the money"), ("panic: index out of bounds", "a number")],
)  # fmt: skip
def test_a_function_that_never_succeeded_is_named_with_whose_input_may_be_wrong(cause, whose, bank):
    row = Row(Target("Bank", "deposit()"), Usage(calls=7), causes=Counter({cause: 5, "other": 2}))
    said = [each for each in warnings([row], Report(harvest=Harvest(calls=7)), bank.setup) if "Bank.deposit" in each]
    guess = f" (perhaps {whose} was wrong)" if whose else ""
    assert said == [f"Bank.deposit never succeeded in 7 calls: mostly {cause}{guess}"]


def test_what_cannot_be_saved_is_told_all_the_same(check, tmp_path):
    (tmp_path / "checks").write_text("a file")
    code, said = check("Counter.json", *READY, "--calls", "500")
    assert code == 1
    assert "Finding 1: a property fails: Counter.invariant_small" in said
    assert "it could not be saved" in said
    assert "checks" in said
