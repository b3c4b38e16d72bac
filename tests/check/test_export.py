"""`slashpoint export --foundry`: a saved sequence as a test that fails under forge in the same way, and else passes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from eth_hash.auto import keccak

import slashpoint
from slashpoint.benchmarks.peers.forge import Forge
from slashpoint.experiments.bench.benchmark import Absent
from slashpoint.experiments.check.request import Request
from slashpoint.experiments.check.stage import build
from slashpoint.experiments.cli import main
from slashpoint.sim.search import Step

BUILD = Path(slashpoint.__file__).parent / "benchmarks" / "contracts" / "build"
ETHER = 10**18
SWEEP = keccak(b"sweep()")[:4]
DAY = 86_400
# kind, subject, artifacts, arguments, and steps: who, on what, function, values, wei, seconds before
CASES = {
    "gain": (
        "gain", "Subscriptions", [BUILD / "Subscriptions.json"], ["Subscriptions=1ether"], [
            ("alice", "Subscriptions", "subscribe", [1], ETHER, 0),
            ("mallory", "Subscriptions", "setTreasurer", ["mallory"], 0, 12),
            ("bob", "Subscriptions", "sweep", [], 0, 12),
        ],
    ),
    "through": (
        "gain",
        "Subscriptions",
        [BUILD / "Subscriptions.json"],
        ["Subscriptions=1ether"],
        [
            ("alice", "Subscriptions", "subscribe", [1], ETHER, 0),
            ("mallory", "Subscriptions", "setTreasurer", ["puppet"], 0, 12),
            ("mallory", "puppet", "act", ["Subscriptions", SWEEP], 0, 12),
        ],
    ),
    "property": (
        "property", "PointLockerWithProperties.invariant_everyLockIsCovered",
        [BUILD / "PointLockerWithProperties.json", BUILD / "OldToken.json"],
        ["PointLockerWithProperties=OldToken", "OldToken=7000ether"], [
            ("alice", "PointLockerWithProperties", "lock", [5 * ETHER, DAY], 0, 0),
            ("mallory", "PointLockerWithProperties", "lock", [9000 * ETHER, DAY], 0, 12),
        ],
    ),
    "stuck": (
        "stuck", "VillageRaffle: wei", [BUILD / "VillageRaffle.json"], ["VillageRaffle=7days"], [
            ("alice", "VillageRaffle", "buy", [], ETHER // 10, 0),
        ],
    ),
}  # fmt: skip
PANIC = bytes.fromhex("4e487b71").ljust(32, b"\0")  # Panic(uint256)
FUSES = {  # what a contract does when it is sent wei
    "panic": b"\x7f" + PANIC + bytes.fromhex("5f52600160045260245ffd"),
    "invalid": b"\xfe",
    "event": b"\x7f" + keccak(b"AssertionFailed(string)") + bytes.fromhex("5f5fa100"),
}


def fuse(folder: Path, does: str) -> Path:
    """Write the artifact of a contract that fails an assertion when it is sent wei."""
    code = bytes.fromhex("34600557005b") + FUSES[does]
    creation = bytes([0x60, len(code), 0x80, 0x60, 9, 0x5F, 0x39, 0x5F, 0xF3]) + code
    poke = {"type": "function", "name": "poke", "inputs": [], "outputs": [], "stateMutability": "payable"}
    path = folder / f"{does}.json"
    path.write_text(json.dumps({"contractName": "Fuse", "abi": [poke], "bytecode": f"0x{creation.hex()}"}))
    return path


def saved(folder: Path, case: str, *, without: int = 0) -> Path:
    """Write a sequence into a file as `slashpoint check` does; returns the file."""
    if case in FUSES:
        told = [("alice", "Fuse", "poke", [], 0, 0), ("bob", "Fuse", "poke", [], 1, 0)]
        kind, subject, artifacts, arguments = "assertion", "Fuse.poke()", [fuse(folder, case)], []
    else:
        kind, subject, artifacts, arguments, told = CASES[case]
    request = Request(tuple(map(str, artifacts)), args=tuple(arguments))
    stage = build(request)
    accounts = stage.setup.accounts
    known = {**accounts, **{name: each.address_ for name, each in stage.setup.contracts.items()}}
    steps = []
    for who, on, name, values, wei, wait in told[: len(told) - without]:
        contract = stage.setup.contracts[on]
        (function,) = contract.artifact_.interface.functions[name]
        data = function.encode([known.get(each, each) for each in values])
        steps.append(Step(accounts[who], contract.address_, data, wei, wait).document())
    if not steps:
        steps.append(Step(accounts["carol"], accounts["bob"]).document())  # which changes nothing
    document = {
        "kind": kind, "subject": subject, "why": "Why: it does.", "deployed": request.document(), "seed": 0,
        "addresses": {name: f"0x{each.hex()}" for name, each in accounts.items()},
        "bytecode_sha256": {}, "steps": steps,
    }  # fmt: skip
    path = folder / f"{case}-{without}.json"
    path.write_text(json.dumps(document))
    return path


def test_the_test_stands_alone_and_says_what_each_step_is(tmp_path, capsys):
    assert main(["export", "--foundry", str(saved(tmp_path, "gain"))]) == 0
    written = capsys.readouterr().out
    assert "import" not in written
    assert "contract Subscriptions_GainTest {" in written
    assert "// 2. +12s, mallory: setTreasurer(mallory)" in written
    assert "subscribe" in written
    assert f'"mallory takes {ETHER} wei"' in written


@pytest.mark.parametrize("case", [*CASES, *FUSES])
def test_what_is_exported_is_the_same_each_time(case, tmp_path, capsys):
    path = saved(tmp_path, case)
    texts = []
    for _ in range(2):
        assert main(["export", "--foundry", str(path)]) == 0
        texts.append(capsys.readouterr().out)
    assert texts[0] == texts[1]


def test_what_is_no_saved_sequence_or_cannot_be_deployed_is_refused(tmp_path, capsys):
    path = saved(tmp_path, "gain")
    said = json.loads(path.read_text())
    for words, complaint in (
        ({"steps": []}, "it has 0 steps"),
        ({"kind": "odd"}, "there is no kind 'odd'"),
        ({"deployed": {**said["deployed"], "artifacts": ["gone.json"]}}, "there is no artifact"),
        ({"addresses": {**said["addresses"], "Gone": said["steps"][0]["to"]}}, "calls Gone"),
    ):
        path.write_text(json.dumps({**said, **words}))
        assert main(["export", "--foundry", str(path)]) == 2
        assert complaint in capsys.readouterr().err
    assert main(["export", "--foundry", str(tmp_path / "none.json")]) == 2
    assert main(["export", "--foundry", str(saved(tmp_path, "gain", without=1))]) == 2
    assert "nobody gains by this sequence" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main(["export", str(path)])


def test_forge_fails_where_the_sequence_shows_the_bug_and_passes_without_its_last_step(tmp_path, capsys):
    try:
        project = Forge()
    except Absent as why:
        pytest.skip(str(why))
    for case in (*CASES, *FUSES):
        for without in (0, 1):
            gain = CASES[case][0] == "gain" if case in CASES else False
            path = saved(tmp_path, case, without=0 if gain else without)
            assert main(["export", "--foundry", str(path)]) == 0
            text = capsys.readouterr().out
            if gain and without:  # by hand: without that call nobody gains, which is refused
                before, _, after = text.rpartition("        _call(")
                text = before + after.partition("\n")[2]
            (project.path / "test" / f"{case}{without}.t.sol").write_text(text)
    suites = json.loads(project.run("test", "--json"))
    became = {
        name.partition(".")[0].removeprefix("test/"): (result["status"], result["reason"])
        for name, suite in suites.items()
        for result in suite["test_results"].values()
    }
    assert {f"{case}1" for case in (*CASES, *FUSES)} == {
        name for name, (status, _) in became.items() if status == "Success"
    }
    assert {name: why for name, (status, why) in became.items() if status == "Failure"} == {
        "gain0": f"mallory takes {ETHER} wei",
        "through0": f"mallory takes {ETHER} wei",
        "property0": "PointLockerWithProperties.invariant_everyLockIsCovered does not hold",
        "stuck0": "wei is stuck in VillageRaffle",
        "panic0": "assert() fails",
        "invalid0": "the invalid opcode runs",
        "event0": "it says AssertionFailed",
    }
