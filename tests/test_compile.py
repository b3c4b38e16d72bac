from __future__ import annotations

import json
import shutil

import pytest

from slashpoint.experiments.compile import CONTRACTS, REMEDY, compile_contracts, stale


@pytest.fixture
def contracts(tmp_path):
    """A copy without node_modules, as everybody has it who never compiled."""
    return shutil.copytree(CONTRACTS, tmp_path / "contracts", ignore=shutil.ignore_patterns("node_modules"))


def edit(path, **fields):
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def test_the_committed_builds_are_of_the_committed_sources():
    assert list(stale()) == []
    assert compile_contracts(check=True) == 0


def test_a_fresh_checkout_is_checked_without_node(contracts, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert compile_contracts(check=True, contracts=contracts) == 0


def test_an_edited_source_is_named_with_every_build_that_holds_it_and_the_remedy(contracts, caplog):
    vault = contracts / "src/Vault.sol"
    vault.write_text(vault.read_text() + "// changed\n")
    assert compile_contracts(check=True, contracts=contracts) == 1
    assert "contracts/build/ModelMarket.json is stale: src/Vault.sol has changed" in caplog.messages
    assert not any("ModelCoin" in message for message in caplog.messages)
    assert caplog.messages[-1] == REMEDY


def test_a_patch_is_a_source_too(contracts):
    patch = contracts / "mutants/StakeKept.patch"
    patch.write_text(patch.read_text().replace("Bug:", "Bugs:"))
    (contracts / "mutants/New.patch").write_text("")
    assert list(stale(contracts)) == [
        "contracts/build/mutants/StakeKept.json is stale: mutants/StakeKept.patch has changed",
        "contracts/mutants/New.patch is in no build",
    ]


def test_what_else_makes_a_build_stale(contracts):
    (contracts / "src/New.sol").write_text("contract New {}")
    assert list(stale(contracts)) == ["contracts/src/New.sol is in no build"]
    (contracts / "src/New.sol").unlink()
    (contracts / "src/ModelCoin.sol").rename(contracts / "coin.sol")
    assert "contracts/build/ModelCoin.json is stale: src/ModelCoin.sol is gone" in list(stale(contracts))
    (contracts / "coin.sol").rename(contracts / "src/ModelCoin.sol")
    edit(contracts / "build/ModelCoin.json", sources={})
    assert any("edited by hand" in complaint for complaint in stale(contracts))


def test_other_settings_or_versions_make_every_build_stale(contracts):
    edit(contracts / "solc.json", viaIR=True)
    complaints = list(stale(contracts))
    assert len(complaints) == len(list((contracts / "build").rglob("*.json")))
    assert all("solc.json has changed" in complaint for complaint in complaints)
    edit(contracts / "solc.json", viaIR=False)
    edit(contracts / "package.json", dependencies={"solc": "0.8.31", "@openzeppelin/contracts": "5.5.0"})
    complaints = list(stale(contracts))
    assert any("package.json pins 0.8.31" in complaint for complaint in complaints)
    assert any("package.json pins 5.5.0" in complaint for complaint in complaints)


def test_an_installed_library_is_checked_too(contracts):
    library = contracts / "node_modules/@openzeppelin/contracts/token/ERC20/ERC20.sol"
    library.parent.mkdir(parents=True)
    library.write_text("contract ERC20 {}")
    assert any("token/ERC20/ERC20.sol has changed" in complaint for complaint in stale(contracts))


def test_compiling_without_node_says_what_is_missing(contracts, caplog, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert compile_contracts(check=False, contracts=contracts) == 1
    assert "needs Node and npm" in caplog.text
