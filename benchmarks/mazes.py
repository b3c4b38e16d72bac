"""Distinct bugs found in Daedaluzz's mazes, and calls per second, beside forge's invariant runner.

The mazes (Consensys, Apache-2.0) were generated for fair comparisons of fuzzers. They are not part of this project: the
variable SLASHPOINT_DAEDALUZZ names the folder of a clone. Both search the contract `Maze` of `maze-N.foundry.sol`, in
which a bug that was reached sets `found(id)` and keeps the player where it was. Nothing ends a campaign: ours replays
the sequences that it kept as interesting and asks `found` after each; forge's asks it when a run ends. So neither is
slowed down by checks. `bugs` counts the ids that were found at least once; many of a maze's cannot be reached at all.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import tempfile
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from slashpoint.experiments.bench.benchmark import Absent, Once, Setting, contender

if TYPE_CHECKING:
    from slashpoint.sim.search import Setup, Step

SETTING = Setting(
    "calls/s",
    "maze, calls",
    tuple(f"{maze}, 0.1M" for maze in range(5)),
    long=tuple(f"{maze}, {million}M" for million in (1, 10) for maze in range(5)),
    base="forge",
)
VARIABLE = "SLASHPOINT_DAEDALUZZ"
TEST = """
interface Vm {{ function writeLine(string calldata path, string calldata line) external; }}

contract Campaign {{
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    Maze private maze;

    function setUp() public {{
        maze = new Maze();
    }}

    function targetContracts() public view returns (address[] memory found) {{
        found = new address[](1);
        found[0] = address(maze);
    }}

    function invariant_nothing() public {{}}

    function afterInvariant() public {{
        for (uint64 id = 1; id <= {bugs}; id++) {{
            if (maze.found(id)) vm.writeLine("found.txt", digits(id));
        }}
    }}

    function digits(uint64 id) private pure returns (string memory) {{
        return string(abi.encodePacked(bytes1(uint8(48 + id / 10)), bytes1(uint8(48 + id % 10))));
    }}
}}
"""


def source(maze: str) -> tuple[str, int]:
    """Return the source of a maze, and how many bugs it has, those that cannot be reached too.

    Args:
        maze: its number.
    """
    if not (folder := os.environ.get(VARIABLE)):
        raise Absent(f"git clone https://github.com/ConsenSys/daedaluzz, and let {VARIABLE} name the folder")
    path = Path(folder) / "generated-mazes" / f"maze-{maze}.foundry.sol"
    if not path.is_file():
        raise Absent(f"{VARIABLE}: there is no {path}")
    text = path.read_text(encoding="utf-8").split('import "forge-std')[0]
    return text, max(map(int, re.findall(r"found\[(\d+)\] = true", text)))


def case_of(case: str) -> tuple[str, int]:
    """Return the maze of a case, and how many calls."""
    maze, calls = case.split(", ")
    return maze, round(float(calls.removesuffix("M")) * 1_000_000)


def artifact(text: str, folder: Path) -> Path:
    """Compile a maze by the pinned solc, and return the file of its artifact.

    Args:
        text: its source.
        folder: where the file is put.
    """
    from slashpoint.experiments.setup.compile import CONTRACTS, equipped

    settings = json.loads((CONTRACTS / "solc.json").read_text(encoding="utf-8"))
    settings["outputSelection"] = {"*": {"*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"]}}
    given = {"language": "Solidity", "sources": {"Maze.sol": {"content": text}}, "settings": settings}
    script = 'const fs = require("fs"); process.stdout.write(require("solc").compile(fs.readFileSync(0, "utf8")));'
    done = subprocess.run(  # noqa: S603 - our own command
        [equipped(), "-e", script], input=json.dumps(given), cwd=CONTRACTS, capture_output=True, text=True, check=True
    )
    path = folder / "Maze.json"
    path.write_text(done.stdout)
    return path


@contender("check", "slashpoint-revm", "make native")
def native(case: str) -> Once:
    from slashpoint.experiments.check.request import Request
    from slashpoint.experiments.check.stage import build
    from slashpoint.sim.search.native import search

    maze, calls = case_of(case)
    text, bugs = source(maze)
    with tempfile.TemporaryDirectory() as folder:
        setup = build(Request((f"{artifact(text, Path(folder))}:Maze",), engine="native")).setup
    seeds = itertools.count()

    def once() -> dict[str, float]:
        began = perf_counter()
        harvest = search(setup, calls=calls, seed=next(seeds))
        seconds = perf_counter() - began
        found = {bug for steps in harvest.interesting for bug in reached(setup, steps, bugs)}
        return {SETTING.unit: harvest.calls / seconds, "bugs": len(found)}

    return once


def reached(setup: Setup, steps: tuple[Step, ...], bugs: int) -> set[int]:
    """Return the bugs that a sequence found.

    Args:
        setup: it begins from.
        steps: the sequence.
        bugs: how many there are.
    """
    maze = setup.contracts["Maze"]
    (found,) = maze.artifact_.interface.functions["found"]
    setup.mark()
    for _ in setup.play_all(steps):
        pass
    asked = {bug: setup.ask(maze.address_, found.encode([bug]))[1] for bug in range(1, bugs + 1)}
    setup.back()
    return {bug for bug, answer in asked.items() if int.from_bytes(answer, "big")}


@contender("forge")
def forge(case: str) -> Once:
    return beside(case, guided=False)


@contender("forge, with a corpus")
def guided(case: str) -> Once:
    return beside(case, guided=True)


def beside(case: str, *, guided: bool) -> Once:
    """Return what lets forge search a maze.

    Args:
        case: a maze, and how many calls.
        guided: whether forge keeps a corpus and is steered by coverage.
    """
    from slashpoint.benchmarks.peers.forge import Forge

    maze, calls = case_of(case)
    text, bugs = source(maze)
    project = Forge()
    (project.path / "test" / "Maze.t.sol").write_text(text + TEST.format(bugs=bugs))
    project.run("build")
    told = project.path / "found.txt"
    seeds = itertools.count()

    def once() -> dict[str, float]:
        told.write_text("")
        outcome = project.campaign("Campaign", calls, next(seeds), guided=guided)
        return {SETTING.unit: outcome.calls / outcome.seconds, "bugs": len(set(told.read_text().split()))}

    return once
