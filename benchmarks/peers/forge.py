"""forge's invariant runner: a project in a temporary folder, campaigns without a clock, and what became of them.

forge wants a native solc; what it gets is a few lines of JavaScript around npm's, in the version that we pin.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any, NamedTuple

from slashpoint.experiments.bench.benchmark import Absent
from slashpoint.experiments.setup.compile import CONTRACTS, equipped

INSTALL = "npm install --global @foundry-rs/forge@1.7.1"
DEPTH = 100  # calls of a run, as many as a sequence of ours has
COMPILER = """#!/usr/bin/env node
const solc = require({path});
const version = solc.version().replace("Emscripten.clang", "Linux.g++");
if (process.argv.includes("--version")) console.log(`solc, the solidity compiler\\nVersion: ${{version}}`);
else process.stdout.write(solc.compile(require("fs").readFileSync(0, "utf8")));
"""
SETTINGS = """[profile.default]
solc = "{solc}"
offline = true
evm_version = "prague"
optimizer = true
optimizer_runs = 200
bytecode_hash = "none"
cbor_metadata = false
fs_permissions = [{{ access = "read-write", path = "./" }}]
lint_on_build = false

[invariant]
depth = {depth}
shrink_run_limit = 0
max_time_delay = 604800
max_block_delay = 50400
"""
UNITS = {"s": 1.0, "ms": 1e-3, "µs": 1e-6, "ns": 1e-9, "m": 60.0, "h": 3600.0}


class Campaign(NamedTuple):
    """What became of one."""

    failed: bool
    calls: int  # that were made, until it failed if it did
    seconds: float  # of the campaign alone: neither forge's start nor the compiler's


class Forge:
    """A project, in a folder that goes when this goes."""

    def __init__(self) -> None:
        found = shutil.which("forge")
        if found is None:
            raise Absent(f"not installed: {INSTALL}")
        equipped()
        self._binary = found
        self.path = Path(tempfile.mkdtemp(prefix="forge."))
        Finalize(self, shutil.rmtree, (self.path, True), exitpriority=1)
        solc = self.path / "solc"
        solc.write_text(COMPILER.format(path=json.dumps(str(CONTRACTS / "node_modules" / "solc"))))
        solc.chmod(0o755)
        (self.path / "foundry.toml").write_text(SETTINGS.format(solc=solc, depth=DEPTH))
        (self.path / "test").mkdir()

    def run(self, *words: str, **settings: str) -> str:
        """Run forge and return what it prints on stdout.

        Args:
            words: of the command.
            settings: environment variables, without FOUNDRY_ before them.
        """
        command = [self._binary, *words, "--threads", "1"] if words[0] == "test" else [self._binary, *words]
        environment = {**os.environ, **{f"FOUNDRY_{name}": value for name, value in settings.items()}}
        done = subprocess.run(  # noqa: S603 - our own command
            command, cwd=self.path, env=environment, check=False, capture_output=True, text=True
        )
        if not done.stdout:
            raise RuntimeError(f"forge printed nothing: {done.stderr[-2_000:]}")
        return done.stdout

    def campaign(self, contract: str, calls: int, seed: int, *, guided: bool = False) -> Campaign:
        """Run the one invariant of a test contract.

        Args:
            contract: its name.
            calls: at most.
            seed: of all that is drawn.
            guided: whether it keeps a corpus, and is steered by coverage.
        """
        with tempfile.TemporaryDirectory(dir=self.path, prefix="failures.") as kept:
            corpus = {"INVARIANT_CORPUS_DIR": f"{kept}/corpus"} if guided else {}
            printed = self.run(
                "test", "--json", "--match-contract", f"^{contract}$", "--fuzz-seed", str(seed),
                INVARIANT_RUNS=str(max(1, calls // DEPTH)), INVARIANT_FAILURE_PERSIST_DIR=kept, **corpus,
            )  # fmt: skip
        start = re.search(r'^\{"[^"]+:', printed, re.MULTILINE)
        if start is None:
            raise RuntimeError(f"forge said: {printed[:2_000]}")
        document = json.JSONDecoder().raw_decode(printed[start.start() :])[0]
        ((_, suite),) = document.items()
        ((_, result),) = suite["test_results"].items()
        return self._read(result)

    @staticmethod
    def _read(result: dict[str, Any]) -> Campaign:
        figures = result["kind"]["Invariant"]
        calls = sum(each["calls"] for each in figures["metrics"].values())
        if not calls:
            raise RuntimeError(f"forge made no calls: {result['reason']}")
        parts = re.findall(r"(\d+)(h|ms|m|s|µs|ns)\b", result["duration"])
        return Campaign(result["status"] != "Success", calls, sum(int(number) * UNITS[unit] for number, unit in parts))
