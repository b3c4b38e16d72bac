"""A transaction of a run is shown from inside: calls, events, answers, and why it failed."""

from __future__ import annotations

import contextlib
import io
import json
import re
from typing import TYPE_CHECKING

import pytest

from slashpoint.experiments.cli import main
from slashpoint.experiments.report.call_tree import Namer
from slashpoint.experiments.setup.config import compose
from slashpoint.experiments.setup.folder import find, open_run
from slashpoint.experiments.setup.run import run
from slashpoint.sim.contract import Contract
from slashpoint.sim.contract.artifact import Artifact
from slashpoint.sim.engine import BlockContext, Tx
from slashpoint.sim.engine.pyevm import PyEvm
from slashpoint.sim.engine.tree import call_tree

if TYPE_CHECKING:
    from pathlib import Path

    from slashpoint.sim.engine.tree import CallFrame

REVERTING = ("protocol=golem", "protocol.variant=literal", "attack=deposit_revoker", "scenario.jobs=1")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run in which transactions fail, made on whatever engine there is."""
    folder = tmp_path_factory.mktemp("runs")
    said = ["scenario=small", *REVERTING]
    run(compose(said), overrides=said, runs=folder)
    return folder


def traced(runs: Path, *args: str) -> list[dict[str, object]]:
    """What `slashpoint trace last TX --json` says."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        assert main(["trace", "last", *args, "--json", "--out", str(runs)]) == 0
    found = json.loads(printed.getvalue())
    return found["lines"] if isinstance(found, dict) else found


def test_a_transaction_is_shown_as_the_tree_of_its_calls(runs: Path) -> None:
    listed = traced(runs)
    deposits = next(one for one in listed if "createDeposit" in str(one["call"]))
    lines = traced(runs, str(deposits["name"]))
    assert str(lines[0]["text"]).startswith("Golem.createDeposit(")
    inner = next(one for one in lines if str(one["text"]).startswith("ModelCoin.transferFrom("))
    assert inner["depth"] == 1
    assert 0 < int(str(inner["gas"])) < int(str(lines[0]["gas"]))
    at = lines.index(inner)
    assert str(lines[at + 1]["text"]).startswith("event Transfer(from=requestor/0, to=Golem, value=")
    assert lines[at + 2]["text"] == "answers true"


def test_a_failed_one_says_why_in_the_contracts_words(runs: Path) -> None:
    (first, *_) = traced(runs, "--failed")
    assert first["status"] == "reverted"
    lines = traced(runs, str(first["name"]))
    assert lines[-1]["kind"] == "failure"
    assert str(lines[-1]["text"]) == f"reverts: {first['reason']}"


def test_what_is_listed_is_what_ran(runs: Path) -> None:
    table = open_run(find("last", runs)).tables["transactions"]
    assert len(traced(runs)) == (table["index"] >= 0).sum()


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        (["7777/0"], "no transaction '7777/0' in this run; the first is"),
        (["x"], "no transaction 'x'"),
        (["BUSY"], "transactions: say which, as"),
        (["9/0", "--failed"], "leave TX out, or --failed"),
    ],
)
def test_what_is_no_transaction_is_told(
    runs: Path, said: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    table = open_run(find("last", runs)).tables["transactions"]
    busy = table[table["index"] == 1]["block"].iloc[0]  # a block with several
    assert main(["trace", "last", *(one.replace("BUSY", str(busy)) for one in said), "--out", str(runs)]) == 2
    assert complaint in capsys.readouterr().err


def test_a_fork_that_the_tracer_does_not_know_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("slashpoint_revm")
    said = ["scenario=small", "scenario.jobs=1", "chain.fork=osaka", "engine=native"]
    run(compose(said), overrides=said, runs=tmp_path)
    assert main(["trace", "last", "9/0", "--out", str(tmp_path)]) == 2
    assert "chain.fork=osaka: pyevm, which traces, knows cancun, prague" in capsys.readouterr().err


def test_a_call_inside_that_fails_and_is_caught_is_a_failure_below_a_success() -> None:
    puppet, engine, me = Artifact.ours("Puppet"), PyEvm(), b"m" * 20
    engine.fund(me, 10**18)
    trees: list[CallFrame] = []

    def sent(to: bytes | None, data: bytes, value: int = 0) -> bytes:
        tx = Tx(me, to, data, value, 5_000_000, nonce=engine.nonce(me))
        return bytes(engine.run_block(BlockContext(1, 1_800_000_000, 0, 10**9), [tx]).output[0])

    coin = sent(None, Artifact.ours("ModelCoin").deploy_data(True))
    at = sent(None, puppet.deploy_data())
    transfer = Contract(Artifact.ours("ModelCoin"), coin, engine).transfer(me, 7)  # of a coin that it does not have
    sent(at, Contract(puppet, at, engine).arm(coin, transfer.data, 1).data)
    engine.watch = lambda _, frame: trees.append(call_tree(frame))
    sent(at, b"", 5)
    (tree,) = trees
    (inner,) = tree.calls
    assert (tree.ok, tree.value, inner.ok, inner.error, inner.to) == (True, 5, False, "Revert", coin)


def test_values_are_shown_as_people_read_them() -> None:
    namer = Namer(lambda _: None, {b"a" * 20: "alice"}.get)  # type: ignore[arg-type]
    shown = [
        namer.show(one) for one in (b"a" * 20, bytes(32), 120 * 10**18, 2**256 - 1, 15 * 10**17, True, "x", (1, 2))
    ]
    assert shown == ["alice", "0x00000000…000000", "120e18", "2**256-1", "15e17", "true", '"x"', "[1, 2]"]


def test_a_contract_that_was_born_in_the_run_and_a_precompiled_one_are_told_too(tmp_path: Path) -> None:
    said = ["protocol=ocean", "scenario=small", "scenario.jobs=1"]
    run(compose(said), overrides=said, runs=tmp_path)
    bought = next(one for one in traced(tmp_path) if "buyDT" in str(one["call"]))
    texts = [str(one["text"]) for one in traced(tmp_path, str(bought["name"]))]
    assert any(re.match(r"0x\w{8}….{6}\.mint\(to=consumer/0", one) for one in texts)
    assert any(
        re.match(r"event of 0x\w{8}….{6} Transfer\(from=0x0{40}, to=consumer/0, value=1e18\)", one) for one in texts
    )
    said = ["protocol=golem", "scenario=small", "scenario.jobs=1"]
    run(compose(said), overrides=said, runs=tmp_path)
    opened = next(one for one in traced(tmp_path) if "openChannel" in str(one["call"]))
    assert "ecrecover(128 bytes)" in [one["text"] for one in traced(tmp_path, str(opened["name"]))]
