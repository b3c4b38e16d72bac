"""Bad command lines: each ends with 2 and one sentence that names the culprit, before anything is run or left behind.

One more takes one line in LINES: the command line, and what its sentence has to say.
"""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from slashpoint.experiments.cli import main
from slashpoint.sim.contract.artifact import BUILD
from slashpoint.sim.world import World

LINES = {
    # chosen by something that is no name, or twice
    "run attack=7": "attack=7: it must be a name",
    "run attack=null": "attack=null: it must be a name",
    "run attack=true": "attack=true: it must be a name",
    "run attack={a:1}": "it must be a name",
    "run attack=[7]": "it must be a name",
    "run attack=[[lazy]]": "did you mean lazy?",
    "run attack=": "attack=: there are absentee",
    "run attack=lazzy": "did you mean lazy?",
    "run attack=lazy,sybil": "several values: [a,b] is a list",
    "run attack=[lazy,lazy]": "lazy is there twice",
    "run attack=[lazy,garbage]": "attack=[lazy,garbage]: Lazy and Garbage both answer 'work'",
    "sweep seed=0,1 --metric ''": "no metric ''",
    "run attack=lazy attack=overclaim": "attack is given 2 times",
    "run +attack=lazy": "write attack=…, without +",
    "run ++attack=lazy": "++attack=lazy",
    "run ~attack": "write attack=[]",
    "run attack@x=lazy": "attack@x",
    "run protocol=5": "protocol=5: it must be a name; there are collective",
    "run protocol=null": "protocol=null: it must be a name",
    "run protocol=[modelmarket]": "it must be one name",
    "run protocol=nope": "protocol=nope: there are collective",
    "run ~protocol": "every run has a protocol",
    "run task=1.5": "task=1.5: it must be a name",
    "run prices=[constant,gbm]": "it must be one name",
    "run prices.name=gbm": "write prices=gbm",
    "run scenario=nope": "scenario=nope: there are small, standard",
    # what nothing reads
    "run nope=3": "nope: nothing reads it",
    "run +nope=3": "nope: nothing reads it",
    "run protocol.stak=1": "did you mean stake?",
    "run a.b.c.d=5": "a.b.c.d: nothing reads it",
    "run attack.lazy.effort=0.5": "choose it first: attack=lazy",
    "run +attack.lazy.effort=0.5": "choose it first: attack=lazy",
    "run attack=lazy attack.lazy.nope=5": "attack.lazy.nope: nothing reads it",
    "run attack=lazy attack.lazy={}": "it changes nothing",
    "run protocol.seats={}": "it changes nothing",
    "run +protocol.seats.nobody=3": "protocol.seats.nobody: nothing reads it",
    "run +scenario.people.charm=1": "there are latency",
    "run hydra.run.dir=/tmp/x": "hydra.run.dir=/tmp/x: there is no Hydra application here",
    "run hydra/launcher=x": "there is no Hydra application here",
    "run +hydra.foo=1": "there is no Hydra application here",
    "run protocol.stake=1 protocol.stake=2": "protocol.stake is given 2 times",
    "run seed=1 +seed=2": "seed is given 2 times",
    # no override at all
    "run protocol": "'protocol': it is no override",
    "run =5": "=5: an override is key=value",
    "run ''": "'': it is no override",
    "run ' '": "it is no override",
    "run '#'": "'#': it is no override",
    "run protocol..stake=5": "it is no override",
    "run protocol.stake==5": "it is no override",
    "run protocol.slash_to=ünï": "it is no override",
    "run 'protocol.stake=${'": "it is no override",
    # of another type, or out of its domain
    "run seed=1.5": "seed=1.5: it must be a whole number",
    "run seed=0x10": "seed=0x10: it must be a whole number",
    "run seed=-1": "seed=-1: it cannot be negative",
    "run seed=null": "seed=None: it must be a whole number",
    "run seed=9223372036854775808": "seed=9223372036854775808: it must be below",
    "run engine=jet": "engine=jet: there are auto",
    "run protocol.stake=much": "protocol.stake=much: it must be a number",
    "run protocol.stake=1e60": "protocol.stake=1e+60: it must be at least 0 and at most",
    "run protocol.stake=nan": "protocol.stake=nan: a number is finite",
    "run protocol.stake=[1]": "it must be a number",
    "run protocol.slash_to='\"a b\"'": "protocol.slash_to=a b: there are treasury",
    "run protocol.variant=nope": "protocol.variant=nope: there are hardened, literal",
    "run protocol.variant=[seed]": "it must be text",
    "run protocol.fee_bps=10001": "10000 basis points",
    "run protocol.seats.trainer=1000000000": "protocol.seats.trainer=1000000000: it must be at least 0 and at most",
    "run protocol.seats=[1,2]": "protocol.seats=[1,2]",
    "run protocol.endowment.eth=-1": "protocol.endowment.eth=-1: it cannot be negative",
    "run scenario.jobs=1000000000000000000": "scenario.jobs=1000000000000000000: it must be at least 0 and at most",
    "run protocol.stake=1e-30": "protocol.stake=1e-30: 1e-30 of an asset with 18 decimals is no whole number",
    "run task=mnist task.size=10": "task.scale=100 leaves nothing to train on: there are 10 rows",
    "run scenario.attackers=3": "scenario.attackers=3: no run reads it without attack=…",
    "run scenario.seat=2": "scenario.seat=2: no run reads it without attack=…",
    "run -m attack=[] scenario.seat=2,3": "scenario.seat=2,3: no run reads it without attack=…",
    "run scenario.people.outside_usd=5": "no run reads it without scenario.free_entry=true",
    "run scenario.allow=[liveness,liveness]": "scenario.allow: liveness is in it twice",
    "run scenario.absent=[trainer/0,trainer/0]": "scenario.absent: trainer/0 is in it twice",
    "run scenario.jobs=true": "scenario.jobs=True: it must be a whole number",
    "run scenario.scale=1000000": "6,000,000 people; at most 1,000,000",
    "run scenario.scale=0": "scenario.scale=0: it must be at least 1",
    "run scenario.free_entry=1": "it must be true or false",
    "run scenario.arrivals=bursts": "there are regular, poisson",
    "run scenario.crowd.eager=2": "scenario.crowd.eager=2: it must be at least 0 and at most 1",
    "run scenario.crowd.sigma=11": "scenario.crowd.sigma=11: it must be at least 0",
    "run scenario.crowd=5": "it must be a mapping, of members",
    "run scenario.absent=[nobody/7]": "nobody is called so; there are requester/0",
    "run scenario.absent=[trainer/4]": "trainer/4",
    "run scenario.absent=trainer/0": "it must be a list",
    "run scenario.absent=[5]": "scenario.absent[0]=5: it must be text",
    "run scenario.allow=[nope]": "there is no such invariant",
    "run scenario.given=[xyz]": "there are eth, mdc",
    "run scenario.people=5": "it must be a mapping, of latency",
    "run scenario.people.speed=0": "scenario.people.speed=0: it must be at least 0.001",
    "run scenario.people.latency=-1": "it cannot be negative",
    "run scenario.people.latency={uniform:[5,1]}": "low is above high",
    "run scenario.people.speed={uniform:[0,1]}": "it must be at least 0.001",
    "run scenario.people.latency={uniform:[1]}": "it must be a number, {uniform",
    "run scenario.people.latency={normal:[1,1]}": "it must be a number, {uniform",
    "run scenario.people.latency={lognormal:[1,99]}": "sigma from 0 to 5",
    "run chain.block_time=0": "chain.block_time=0: it must be at least",
    "run chain.fork=nope": "chain.fork=nope",
    "run chain.ordering=x": "there are priority, fifo, random",
    "run chain.genesis=0": "chain.genesis=0",
    "run chain.replay=nope.csv": "chain.replay='nope.csv' cannot be read",
    "run chain.replay=/": "chain.replay='/' cannot be read",
    "run chain.replay=junk": "junk",
    "run prices.eth=0": "prices.eth=0",
    "run prices=replay": "prices.path is missing",
    "run prices=replay prices.path=nope.csv": "prices.path='nope.csv' cannot be read",
    "run prices=replay prices.path=junk": "junk",
    "run task.scale=-3": "task.scale=-3: it must be at least 1",
    "run task=mnist task.root=/nowhere": "/nowhere/train-images-idx3-ubyte is missing",
    "run task=mnist task.root=damaged": "damaged/train-images-idx3-ubyte cannot be read",
    "run attack=lazy attack.lazy.effort=-1": "attack.lazy.effort=-1.0: it must be at least 0",
    "run attack=lazy attack.lazy.effort=nan": "attack.lazy.effort=nan: a number is finite",
    "run attack=lazy attack.lazy.effort=abc": "attack.lazy.effort=abc",
    "run attack=lazy attack.lazy=5": "an attack is chosen by attack=[lazy]",
    "run attack=sybil attack.sybil.k=0": "attack.sybil.k=0: it must be at least 1",
    "run attack=free_rider attack.free_rider.mode=nope": "there are plain, random",
    "run attack=ballot_stuffer": "has no seat here",
    "run attack=escrow_griefing": "EscrowGriefing has no seat here",  # a keeper of another market
    "run protocol=collective task=surrogate": "task=surrogate has no weights",
    "run protocol=federated protocol.aggregator=nope": "protocol.aggregator=nope: no rule",
    "run protocol=federated protocol.rounds=0": "protocol.rounds=0: it must be at least 1",
    # read from outside
    "run 'protocol.slash_to=${oc.env:HOME}'": "${oc.env:…} reads what lies outside",
    "run 'attack=${oc.env:HOME}'": "${oc.env:…} reads what lies outside",
    "run 'scenario.arrivals=${now:%Y}'": "${now:…} reads what lies outside",
    "run 'protocol.stake=${nope}'": "nope",
    "run 'protocol.stake=${protocol.stake}'": "Recursive interpolation",
    "run -m 'seed=${oc.env:HOME},1'": "${oc.env:…} reads what lies outside",
    "sweep 'seed=0,1' 'scenario.arrivals=${oc.env:HOME}'": "${oc.env:…} reads what lies outside",
    "gate leaky.yaml": "${oc.env:…} reads what lies outside",
    # sweeps
    "run -m seed=range(0)": "seed=range(0): there is no value in it",
    "run -m seed=0,0": "seed=0,0: 0 is there 2 times",
    "run -m seed=0,-1": "seed=-1: it cannot be negative",
    "run -m seed=interval(0,1)": "INTERVAL",
    "run -m attack=7,8": "it must be a name",
    "run -m attack=glob(zzz*)": "there is no value in it",
    "sweep": "OVERRIDE",
    "sweep seed=range(0)": "seed=range(0): there is no value in it",
    "sweep seed=0,0,0": "seed=0,0,0: 0 is there 3 times",
    "sweep protocol.stake=1,1 seed=0,1": "protocol.stake=1,1: 1 is there 2 times",
    "sweep protocol.stake=1,1.0 seed=0,1": "1 is there 2 times",
    "sweep seed=range(1000000000000)": "1,000,000,000,000 runs; at most 100,000",
    "sweep seed=0,1 hydra.x=1": "there is no Hydra application here",
    "sweep seed=0,1 attack=nope": "attack=nope",
    "sweep seed=0,1 prices=replay prices.path=junk": "junk",
    "sweep seed=0,1 --metric nope": "no metric 'nope'",
    "sweep seed=0,1 --metric gain": "it is of an attack",
    "sweep seed=0,1 -j 0": "-j/--jobs: 0: it must be at least 1",
    "sweep seed=0,1 --out file": "file is a file; name a folder",
    # the matrix
    "matrix attack=lazy": "slashpoint matrix lazy",
    "matrix attack=[lazy,sybil]": "slashpoint matrix lazy+sybil",
    "matrix lazy lazy": "the attack lazy is there twice",
    "matrix lazzy": "did you mean lazy?",
    "matrix lazy+lazy": "lazy is there twice",
    "matrix lazy --variants literal,nope": "--variants nope: modelmarket has literal, hardened",
    "matrix lazy --variants literal,literal": "--variants: literal,literal",
    "matrix lazy --variants ,": "--variants",
    "matrix lazy seed=3": "seed=3: a matrix takes the seeds that it needs",
    "matrix lazy protocol.variant=literal": "name variants by --variants",
    "matrix lazy protocol=modelmarket,modelmarket": "the protocol modelmarket is there twice",
    "matrix lazy protocol=nope": "protocol=nope: there are collective",
    "matrix lazy protocol.stake=1,5": "several values",
    "matrix lazy --seeds-cap 0": "--seeds-cap: 0: it must be at least 1",
    "matrix lazy --half-width nan": "--half-width: nan",
    "matrix lazy --half-width 0": "--half-width: 0.0: it must be above 0",
    "matrix lazy --half-width -1": "--half-width: -1.0",
    "matrix lazy --confirm -2": "--confirm: -2: it must be at least 0",
    "matrix lazy --materiality nan": "materiality=nan",
    "matrix lazy -j 1.5": "invalid whole number value: '1.5'",
    "matrix lazy --out file/deeper": "is a file; name a folder",
    # the gate and its mutants
    "gate nope": "there is no suite 'nope'",
    "gate file": "there is no suite 'file'",
    "gate quick.yaml -j 0": "-j/--jobs: 0",
    "gate quick.yaml --seeds 0": "--seeds: 0: it must be at least 2",
    "gate quick.yaml --seeds 1000000000000": "--seeds: 1000000000000: it must be at least 2 and at most",
    "gate quick.yaml --junit nodir/x.xml": "there is no folder nodir; make it first",
    "gate quick.yaml --junit .": "it is a folder; name a file",
    "gate quick.yaml --out file": "file is a file; name a folder",
    "gate quick.yaml --contract Collective.json": "Collective would stand in for nothing: modelmarket deploys",
    "gate quick.yaml --contract nowhere.json": "there is no such file",
    "gate quick.yaml --contract junk": "junk",
    "gate bomb.yaml": "100,000 values",
    "gate torn.yaml": "it is no YAML",
    "mutants nope --suite quick.yaml": "there is no mutant 'nope'",
    "mutants IdAgain IdAgain --suite quick.yaml": "the mutant IdAgain is there twice",
    "mutants BallotsAgain --suite quick.yaml": "Collective would stand in for nothing",
    "mutants --suite nope": "there is no suite 'nope'",
    # others
    "run --out file": "file is a file; name a folder",
    "run --contract Collective.json": "modelmarket deploys ModelCoin, ModelMarket",
    "run --contract WorstClaim --contract IdAgain": "WorstClaim stands in for ModelMarket already",
    "explain nope": "no runs match 'nope'",
    "explain --out file": "file is a file; name a folder",
    "rerun nope": "no runs match 'nope'",
    "bench raw --repetitions 0": "--repetitions: 0: it must be at least 1",
    "bench nope": "there is no benchmark 'nope'",
    "list nope": "nope",
    "engines --fork nope": "nope",
    "rum": "there is no verb 'rum'",
}
BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{one}: &{one} [{','.join([f'*{last}'] * 9)}]\n" for last, one in zip("abcdefg", "bcdefgh")
)
SUITE = "base: [scenario=small]\nscenarios: {honest: {}}\n"
FILES: dict[str, str | bytes] = {
    "file": "I am no folder.\n",
    "junk": b"\0\xff",
    "quick.yaml": SUITE,
    "leaky.yaml": "scenarios: {honest: {overrides: ['scenario.arrivals=${oc.env:HOME}']}}\n",
    "bomb.yaml": BOMB,
    "torn.yaml": "scenarios: [",
    "Collective.json": (BUILD / "Collective.json").read_bytes(),
    "damaged/train-images-idx3-ubyte": b"\x1f\x8bjunk",
    "damaged/train-labels-idx1-ubyte": b"",
    "damaged/t10k-images-idx3-ubyte": b"",
    "damaged/t10k-labels-idx1-ubyte": b"",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the lines name, in which no world may live."""

    def lives(*_: Any) -> None:
        raise AssertionError("a world lived")

    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/a/secret/home")
    monkeypatch.setattr(World, "run", lives)
    return tmp_path


def said(line: str) -> int | str | None:
    try:
        return main(shlex.split(line))
    except SystemExit as left:  # argparse
        return left.code


@pytest.mark.parametrize("line", LINES)
def test_a_bad_line_is_refused_in_a_sentence(folder: Path, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert said(line) == 2
    told = capsys.readouterr()
    assert LINES[line] in told.err
    assert "Traceback" not in told.err
    assert "secret" not in told.err
    lines = [line for line in told.err.strip().splitlines() if not line.startswith("no project is around")]
    assert len(lines) == 1 or told.err.startswith("usage:")
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_what_is_good_is_not_refused(folder: Path) -> None:
    """The fixture would notice a run: the lines above are refused before one."""
    for line in ("run scenario=small", "run scenario=small scenario.people.latency={lognormal:[1,0.5]}"):
        assert said(f"{line} --quiet") == 3


def test_one_that_cannot_be_deployed_leaves_nothing_either(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules = json.loads((BUILD / "ModelMarket.json").read_text())
    (folder / "Halts.json").write_text(json.dumps(rules | {"bytecode": "0xfe"}))
    assert said("run scenario=small --contract Halts.json") == 2
    assert "ModelMarket cannot be deployed" in capsys.readouterr().err
    assert not (folder / "runs").exists()
