"""The folder of a run: whole, repeatable, and found again."""

from __future__ import annotations

import json
import logging
import math
import os
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from slashpoint.experiments.setup.files import write
from slashpoint.experiments.setup.folder import RunFolder, find, open_run
from slashpoint.experiments.setup.provenance import processor, source_hash, versions
from slashpoint.sim.errors import Misconfigured, OutOfRoom
from slashpoint.sim.ledger import Ledger, read, row
from slashpoint.sim.metrics.profit import profit
from slashpoint.sim.metrics.run import Run, at_end
from slashpoint.sim.prices.constant import Constant
from slashpoint.sim.units import ETH

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = "seed: 3\nmetrics: {threshold: 0.5}\n"
OVERRIDES = ["attack=[sybil,overclaim]", "protocol.stake=5", "seed=3"]


def begin(runs: Path, **other: object) -> RunFolder:
    """A folder of a run that has just begun."""
    about = {"protocol": "modelmarket", "attack": "sybil+overclaim", "seed": 3, "overrides": OVERRIDES} | other
    return RunFolder.create(CONFIG, runs=runs, **about)  # type: ignore[arg-type]


def lived(folder: RunFolder) -> Run:
    """A short run in a folder."""
    ledger = Ledger(folder.path)
    ledger.accounts.append(row("accounts", account="a/0", controller="a/0", roles="trainer", strategy="honest"))
    ledger.blocks.append(row("blocks", block=1, gas_limit=1))
    ledger.transfers.append(
        row("transfers", asset="MDC", sender="Market", receiver="a/0", amount=3 * ETH, cause="reward")
    )
    ledger.violations.append(row("violations", invariant="solvent", complaint="holds nothing"))
    chain, full = ledger.hashes()
    ledger.close()
    tables = read(folder.path)
    prices = at_end(Constant(token=2.0), tables)
    return Run(
        tables, prices, {"seed": 3}, ("surrogate",), {"duties": ("work",)}, {"chain_hash": chain, "full_hash": full}
    )


def test_what_a_run_leaves(tmp_path: Path) -> None:
    folder = begin(tmp_path)
    assert folder.path.parent.parent == tmp_path
    assert folder.reproduce == "slashpoint run 'attack=[sybil,overclaim]' protocol.stake=5 seed=3"
    with folder.logs() as log, folder.takes("run"):
        log.info("block 1")
        logging.getLogger("slashpoint.sim.chain").warning("from below")
    logging.getLogger("slashpoint").warning("after the end")
    run = lived(folder)
    result = folder.finish(run, engine="pyevm")

    assert sorted(path.name for path in folder.path.iterdir()) == [
        "config.yaml", "ledger", "provenance.json", "report.html", "result.json", "run.log", "timing.json"
    ]  # fmt: skip
    assert (folder.path / "config.yaml").read_text() == f"# {folder.reproduce}\n{CONFIG}"
    log_lines = (folder.path / "run.log").read_text().splitlines()
    assert [line.split(": ", 1)[1] for line in log_lines] == [folder.reproduce, "block 1", "from below"]
    assert json.loads((folder.path / "result.json").read_text()) == result
    assert (result["chain_hash"], result["full_hash"]) == tuple(run.hashes.values())
    assert len(result["full_hash"]) == 64
    assert result["metrics"]["profit"] == {"a/0": 6.0}
    assert result["metrics"]["revert_share"] is None  # JSON has no NaN
    assert result["violations"] == 1
    assert result["warnings"] == ["duties never asked: work"]
    assert (result["protocol"], result["engine"], result["notes"]) == ("modelmarket", "pyevm", ["surrogate"])
    provenance = json.loads((folder.path / "provenance.json").read_text())
    assert provenance["processor"] == processor()
    assert provenance["sources"].keys() >= {"sim/chain.py", "contracts/build/ModelMarket.json"}
    assert provenance["overrides"] == OVERRIDES
    assert provenance["source"] == source_hash()
    assert provenance["versions"] == versions()
    assert provenance["versions"]["python"].startswith("3.")
    assert len(source_hash()) == 64
    timing = json.loads((folder.path / "timing.json").read_text())
    assert timing["started"] <= timing["ended"]
    assert set(timing["seconds"]) == {"run", "report"}


def test_only_wall_times_differ_between_two_runs(tmp_path: Path) -> None:
    one, two = begin(tmp_path), begin(tmp_path)
    assert one.path != two.path
    for folder in (one, two):
        folder.finish(lived(folder), engine="pyevm")
    for name in ("config.yaml", "provenance.json", "report.html", "result.json"):
        assert (one.path / name).read_text() == (two.path / name).read_text()


def test_a_run_is_opened_again(tmp_path: Path) -> None:
    folder = begin(tmp_path)
    run = lived(folder)
    folder.finish(run, engine="pyevm")
    opened = open_run(folder.path)
    pd.testing.assert_series_equal(profit(opened), profit(run))
    assert opened.config == {"seed": 3, "metrics": {"threshold": 0.5}}
    assert opened.notes == run.notes
    assert opened.hashes == run.hashes
    assert list(opened.expected["duties"]) == ["work"]


def test_a_killed_run_is_opened_too(tmp_path: Path) -> None:
    folder = begin(tmp_path)
    ledger = Ledger(folder.path)
    ledger.accounts.append(row("accounts", account="a/0", controller="a/0"))
    ledger.transfers.append(row("transfers", asset="MDC", receiver="a/0", amount=1, cause="reward"))
    ledger.close(complete=False)
    opened = open_run(folder.path)
    assert not opened.tables.complete
    assert opened.notes == ("the run did not come to its result",)
    assert math.isnan(profit(opened)["a/0"])


def test_runs_are_found_by_name(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"no runs match 'last' in .*; the newest: none"):
        find("last", tmp_path)
    old, new = begin(tmp_path, seed=1), begin(tmp_path, attack="", overrides=())
    os.utime(old.path / "config.yaml", ns=(1, 1))
    assert find("last", tmp_path) == new.path
    assert find("_s1_", tmp_path) == old.path
    assert find(old.path.name[-6:], tmp_path) == old.path
    assert find(str(old.path)) == old.path
    assert "_modelmarket_none_s3_" in new.path.name
    assert new.reproduce == "slashpoint run seed=3"
    with pytest.raises(Misconfigured, match=f"2 runs match 'modelmarket' in .*: .*_s1_.*, {new.path.name}"):
        find("modelmarket", tmp_path)


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "result.json", "before")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OutOfRoom, match=f"{tmp_path}/result.json: No space left on device; free some space"):
        write(tmp_path / "result.json", "after")
    assert [path.name for path in tmp_path.iterdir()] == ["result.json"]
    assert (tmp_path / "result.json").read_text() == "before"


def test_names_that_are_no_file_names(tmp_path: Path) -> None:
    folder = begin(tmp_path, attack="../my attack/é")
    assert folder.path.parent.parent == tmp_path
    assert "_..-my-attack-é_s3_" in folder.path.name
