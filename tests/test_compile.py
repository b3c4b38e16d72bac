from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from slashpoint.experiments.cli import main
from slashpoint.experiments.setup import compile as module
from slashpoint.experiments.setup.compile import CONTRACTS, REMEDY, compile_contracts, names_in, stale
from slashpoint.sim.contract import Artifact
from slashpoint.sim.errors import Misconfigured, OutOfRoom


@pytest.fixture
def contracts(tmp_path, monkeypatch):
    """A copy of ours without node_modules, as everybody has it who never compiled."""
    copy = shutil.copytree(CONTRACTS, tmp_path / "contracts", ignore=shutil.ignore_patterns("node_modules"))
    monkeypatch.setattr(module, "CONTRACTS", copy)
    return copy


def edit(path, **fields):
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def test_the_committed_builds_are_of_the_committed_sources():
    assert list(stale()) == []
    assert compile_contracts(check=True) == 0


def test_a_fresh_checkout_is_checked_without_node(contracts, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert compile_contracts(check=True, contracts=contracts) == 0


def test_an_edited_source_is_named_with_every_build_that_holds_it_and_the_remedy(contracts, caplog):
    vault = contracts / "src/common/Vault.sol"
    vault.write_text(vault.read_text() + "// changed\n")
    assert compile_contracts(check=True, contracts=contracts) == 1
    assert "contracts/build/ModelMarket.json is stale: src/common/Vault.sol has changed" in caplog.messages
    assert not any("ModelCoin" in message for message in caplog.messages)
    assert caplog.messages[-1] == REMEDY


def test_a_patch_is_a_source_too(contracts):
    patch = contracts / "mutants/modelmarket/StakeKept.patch"
    patch.write_text(patch.read_text().replace("Bug:", "Bugs:"))
    (contracts / "mutants/New.patch").write_text("")
    assert list(stale(contracts)) == [
        "contracts/build/mutants/StakeKept.json is stale: mutants/modelmarket/StakeKept.patch has changed",
        "contracts/mutants/New.patch is in no build",
    ]


def test_what_else_makes_a_build_stale(contracts):
    (contracts / "src/New.sol").write_text("contract New {}")
    assert list(stale(contracts)) == ["contracts/src/New.sol is in no build"]
    (contracts / "src/New.sol").unlink()
    (contracts / "src/common/ModelCoin.sol").rename(contracts / "coin.sol")
    assert "contracts/build/ModelCoin.json is stale: src/common/ModelCoin.sol is gone" in list(stale(contracts))
    (contracts / "coin.sol").rename(contracts / "src/common/ModelCoin.sol")
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


def test_compiling_without_node_says_what_is_missing(contracts, capsys, monkeypatch):
    monkeypatch.setenv("PATH", "")
    before = overridden_duties(contracts / "build")
    assert main(["compile"]) == 2
    assert capsys.readouterr().err == (
        "slashpoint: compiling needs Node and npm on the PATH; the committed builds need neither\n"
    )
    assert overridden_duties(contracts / "build") == before


# --- a draft that replaces the builds when it is whole ---


def overridden_duties(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def fake(contracts, tmp_path, monkeypatch):
    """Puts commands on the PATH in the place of Node; its packages are there."""
    packages = json.loads((contracts / "package-lock.json").read_text())["packages"]
    installed = {path: each for path, each in packages.items() if path}
    (contracts / "node_modules").mkdir()
    (contracts / "node_modules/.package-lock.json").write_text(json.dumps({"packages": installed}))
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder), prepend=":")

    def does(**scripts):
        for name, script in {"npm": "exit 9", **scripts}.items():
            (folder / name).write_text(f"#!/bin/sh\n{script}\n")
            (folder / name).chmod(0o755)

    return does


HALF = 'echo "{}" > "$3/ModelCoin.json"; echo "{}" > "$3/New.json"; '


@pytest.mark.parametrize("end", ["exit 1", "kill -9 $$"])
def test_what_fails_leaves_every_build_as_it_was_and_nothing_beside(contracts, fake, caplog, end):
    before = overridden_duties(contracts)
    fake(node=HALF + end)
    assert compile_contracts(False, contracts) == 1
    assert overridden_duties(contracts) == before
    assert not list(contracts.glob(".build.*"))
    assert caplog.messages == [f"nothing was built: {contracts}/build is as it was"]


def test_an_interrupted_compilation_leaves_every_build_as_it_was(contracts, fake):
    before = overridden_duties(contracts)
    fake(node=HALF + "kill -INT $PPID; sleep 0.1")
    with pytest.raises(KeyboardInterrupt):
        compile_contracts(False, contracts)
    assert overridden_duties(contracts) == before
    assert not list(contracts.glob(".build.*"))


def test_an_interruption_in_the_middle_of_replacing_is_too_late(contracts, fake, monkeypatch):
    fake(node=HALF)
    replace, done = Path.replace, []

    def interrupted(path, target):
        done.append(replace(path, target))
        if len(done) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        compile_contracts(False, contracts, ["ModelCoin"])
    assert (
        overridden_duties(contracts / "build")["ModelCoin.json"]
        == overridden_duties(contracts / "build")["New.json"]
        == b"{}\n"
    )


def test_all_builds_are_replaced_and_what_is_made_no_more_goes_but_for_builds_of_others(contracts, fake):
    (contracts / "build/Others.json").write_text('{"abi": [], "bytecode": "0x60"}')
    fake(node=HALF)
    assert compile_contracts(False, contracts) == 0
    assert sorted(overridden_duties(contracts / "build")) == ["ModelCoin.json", "New.json", "Others.json"]


def test_one_contract_touches_no_other_build(contracts, fake):
    before = overridden_duties(contracts / "build")
    fake(node='[ "$4 $5" = "ModelCoin Federated" ] && echo "{}" > "$3/ModelCoin.json"')
    assert compile_contracts(False, contracts, ["ModelCoin", "Federated"]) == 0
    assert overridden_duties(contracts / "build") == {**before, "ModelCoin.json": b"{}\n"}


@pytest.mark.parametrize("check", [[], ["--check"]])
def test_a_name_of_no_contract_is_refused_with_those_there_are(contracts, capsys, check):
    assert main(["compile", "ModelCoin", "ModelMarkt", *check]) == 2
    said = capsys.readouterr().err
    assert "src has no contract 'ModelMarkt'; there are Collective, Commitments, Competition, " in said
    assert ", ModelCoin, ModelMarket" in said
    assert "Vault" not in said  # it is abstract


def test_packages_are_installed_where_they_are_not_those_of_the_lock(contracts, fake):
    fake(node="exit 0", npm="echo installed >> log; exit 3")
    compile_contracts(False, contracts)
    assert not (contracts / "log").exists()
    edit(contracts / "node_modules/.package-lock.json", packages={})
    with pytest.raises(Misconfigured, match="`.*npm ci --no-audit --no-fund` failed in "):
        compile_contracts(False, contracts)
    assert (contracts / "log").read_text() == "installed\n"


def test_a_folder_where_nothing_can_be_written_is_said(contracts, fake, monkeypatch):
    fake(node="exit 0")

    def refused(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(module.tempfile, "TemporaryDirectory", refused)
    with pytest.raises(OutOfRoom, match="build: Permission denied; choose another place"):
        compile_contracts(False, contracts)


# --- a project's own contracts, by the real compiler ---

ESCROW = """// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Vault} from "slashpoint/common/Vault.sol";
import {Base} from "./parts/Base.sol";
/* contract Commented { */
contract Escrow is Vault, Base {
    constructor(IERC20 token) Vault(token) {}
}
"""
BASE = """// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;
abstract contract Base { function seven() external pure returns (uint256) { return 7; } }
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with two contracts and somebody else's build."""
    (tmp_path / "contracts/src/parts").mkdir(parents=True)
    (tmp_path / "contracts/build").mkdir()
    (tmp_path / "slashpoint.yaml").touch()
    (tmp_path / "contracts/src/Escrow.sol").write_text(ESCROW)
    (tmp_path / "contracts/src/parts/Base.sol").write_text(BASE)
    (tmp_path / "contracts/src/Other.sol").write_text("contract Other { uint256 public x; }")
    (tmp_path / "contracts/build/Strange.json").write_text('{"abi": [], "bytecode": "0x60"}')
    monkeypatch.chdir(tmp_path)
    return tmp_path / "contracts"


def test_the_names_in_a_folder_are_of_what_can_be_deployed(project):
    assert names_in(project) == ["Escrow", "Other"]


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("npm"), reason="compiling takes Node and npm")
def test_a_project_compiles_its_own_contracts_with_our_compiler(project, capfd, caplog):
    assert main(["compile"]) == 0
    said = capfd.readouterr()
    assert "Escrow: " in said.out
    assert "Warning: SPDX license identifier not provided" in said.err  # a project's warnings are told, and no failure
    assert sorted(overridden_duties(project / "build")) == ["Escrow.json", "Other.json", "Strange.json"]
    assert "seven" in Artifact.load(project / "build/Escrow.json").interface.functions
    assert main(["compile", "--check"]) == 0
    (project / "src/parts/Base.sol").write_text(BASE.replace("7", "8"))
    assert main(["compile", "--check"]) == 1
    assert main(["compile", "--check", "Other"]) == 0
    assert "contracts/build/Escrow.json is stale: src/parts/Base.sol has changed" in caplog.messages
    before = overridden_duties(project)
    (project / "src/parts/Base.sol").write_text(BASE.replace("7", "seven"))
    assert main(["compile"]) == 1
    assert "DeclarationError: Undeclared identifier." in (said := capfd.readouterr().err)
    assert " --> src/parts/Base.sol:3:" in said
    assert overridden_duties(project / "build") == {
        name.removeprefix("build/"): b for name, b in before.items() if "build/" in name
    }
    assert main(["compile", "Other"]) == 0  # alone: what it does not import may be broken
    (project / "src/Other.sol").write_text('import "nowhere.sol"; contract Other {}')
    assert main(["compile", "Other"]) == 1
    assert 'Source "nowhere.sol" not found: there is no such file' in capfd.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("npm"), reason="compiling takes Node and npm")
def test_compiling_one_of_ours_gives_the_committed_build_to_the_byte(tmp_path, monkeypatch):
    before = overridden_duties(CONTRACTS / "build")
    monkeypatch.chdir(tmp_path)
    assert main(["compile", "ModelCoin", "Competition"]) == 0
    assert overridden_duties(CONTRACTS / "build") == before
