"""Stand-ins: what is deployed in a contract's place, and what is refused before anything runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import slashpoint
from slashpoint.experiments.cli import main
from slashpoint.experiments.setup.config import compose
from slashpoint.experiments.setup.stand_ins import stand_ins
from slashpoint.sim.contract.artifact import BUILD, standing_in
from slashpoint.sim.errors import Misconfigured

SUITE = "base: [scenario=small, scenario.jobs=1, engine=pyevm]\nseeds: 2\nscenarios: {honest: {}}\n"
PROTOCOL = """
from dataclasses import dataclass
from pathlib import Path

from slashpoint.protocols.modelmarket import ROLES, TERMS
from slashpoint.protocols.modelmarket.market import ModelMarket
from slashpoint.sim.contract import Artifact


@dataclass
class Bazaar(ModelMarket):
    @classmethod
    def deploy(cls, world, terms):
        artifact = Artifact.load(Path(__file__).parent.parent / "contracts/build/Bazaar.json")
        token = world.deploy(Artifact.ours("ModelCoin"), terms.airdrop, symbol=cls.asset)
        return cls(world, world.deploy(artifact, token.address_, terms.rules()), terms)


MARKET = Bazaar
"""
FILES = {
    "slashpoint.yaml": "",
    "suite.yaml": SUITE,
    "protocols/bazaar.py": PROTOCOL,
    "conf/protocol/bazaar.yaml": "defaults: [modelmarket, _self_]\nname: bazaar\n",
}


def build(name: str = "ModelMarket", **changed: Any) -> str:
    return json.dumps(json.loads((BUILD / f"{name}.json").read_text()) | changed)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose protocol loads the build of its own contract, with the current folder in it."""
    for name, text in {**FILES, "contracts/build/Bazaar.json": build(contractName="Bazaar")}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def without(*names: str) -> list[Any]:
    return [one for one in json.loads(build())["abi"] if not {one["type"], one.get("name")} & set(names)]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (build("Collective"), "Collective would stand in for nothing: modelmarket deploys ModelCoin, ModelMarket"),
        ("no JSON", "is no artifact"),
        ("[]", "is no artifact"),
        ("{}", "is no artifact"),
        ('{"contracts": {"a.sol": {"A": {}}}}', "is no artifact"),
        ('{"abi": [], "bytecode": 5}', "is no artifact"),
        ("\xff", "is no artifact"),
        ('{"abi": [5], "bytecode": "0x60"}', "entry 0 of its abi is a number"),
        ('{"abi": [{}], "bytecode": "0x60"}', "entry 0 of its abi, a function, has no name"),
        (build(bytecode="0x"), "ModelMarket cannot be deployed: it is abstract or an interface"),
        (build(bytecode="0xfe"), "ModelMarket cannot be deployed: "),
        (build(bytecode="0xgg"), "its bytecode is no hex: 'g' at digit 0"),
        (build(abi=[]), "it lacks .*createRequest"),
        (build(abi=without("RequestClosed")), "it lacks RequestClosed"),
        (build(abi=without("constructor")), "ModelMarket's constructor.*it takes 0 values"),
        (build(abi=without("error", "splitOf")), ""),
    ],
)
def test_what_cannot_stand_in_is_refused_in_one_sentence(project: Path, content: str, says: str) -> None:
    path = project / "x.json"
    path.write_text(content, encoding="latin-1")
    if not says:
        assert stand_ins([str(path)], [compose()]) == (path,)
        return
    with pytest.raises(Misconfigured, match=f"^contract .*x.json.*{says}"):
        stand_ins([str(path)], [compose()])


@pytest.mark.parametrize(
    "line",
    [
        "run -m protocol=collective,modelmarket --contract {}",
        "gate suite.yaml --contract WorstClaim --contract {}",
    ],
)
@pytest.mark.parametrize("contract", ["Collective.json", "nowhere.json"])
def test_nothing_runs_with_a_contract_that_has_no_place(
    project: Path, line: str, contract: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "Collective.json").write_text(build("Collective"))
    assert main([*line.format(contract).split(), "--quiet"]) == 2
    told = capsys.readouterr()
    assert contract in told.err
    assert len([line for line in told.err.splitlines() if not line.startswith("project ")]) == 1
    assert not told.out
    assert not (project / "runs").exists()


def test_a_contract_stands_in_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--contract", "WorstClaim", "--contract", "IdAgain"]) == 2
    assert "contract IdAgain: WorstClaim stands in for ModelMarket already" in capsys.readouterr().err


def test_a_mutant_of_what_no_scenario_deploys_is_refused(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mutants", "BallotsAgain", "--suite", str(project / "suite.yaml")]) == 2
    assert "Collective would stand in for nothing" in capsys.readouterr().err


def test_several_stand_in_at_once(project: Path) -> None:
    coin = project / "coin.json"
    coin.write_text(build("ModelCoin"))
    market, given = stand_ins(["WorstClaim", str(coin)], [compose()])
    assert (market.name, given) == ("WorstClaim.json", coin)
    said = ["engine=pyevm", "scenario.jobs=1"]
    with standing_in(market, given):
        changed = slashpoint.simulate(scenario="small", overrides=said)
    assert changed.chain_hash != slashpoint.simulate(scenario="small", overrides=said).chain_hash
    assert len(changed.violations)


def test_a_contract_of_a_project_is_replaced_by_its_name(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mutant = json.loads((BUILD / "mutants" / "WorstClaim.json").read_text()) | {"contractName": "Bazaar"}
    (project / "Worse.json").write_text(json.dumps(mutant))
    said = ["run", "protocol=bazaar", "scenario=small", "scenario.jobs=1", "engine=pyevm", "--quiet"]
    assert main(said) == 0
    capsys.readouterr()
    assert main([*said, "--contract", "Worse.json"]) == 1
    assert "--contract Worse.json" in capsys.readouterr().out
    assert main([*said, "--contract", "WorstClaim"]) == 2
    assert "bazaar deploys Bazaar, ModelCoin" in capsys.readouterr().err
