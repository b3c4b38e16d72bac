"""The shape of the package: one arrow of imports, fences around libraries, nothing heavy behind `--help`."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import slashpoint

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(slashpoint.__path__[0])
LAYERS = ("sim", "agents", "protocols", "experiments")  # each may import itself and those before it
CHAIN = ("sim/engine", "sim/contract")
FENCES = {  # who may import what
    "torch": ("sim/learning",),
    "sklearn": ("sim/learning",),
    "dp_accounting": ("sim/learning/privacy.py",),
    "safetensors": ("sim/learning",),
    "eth": CHAIN,
    "eth_abi": CHAIN,
    "eth_account": CHAIN,
    "eth_hash": CHAIN,
    "eth_keys": CHAIN,
    "eth_tester": CHAIN,
    "eth_typing": CHAIN,
    "eth_utils": CHAIN,
    "rlp": CHAIN,
    "web3": CHAIN,
    "Crypto": CHAIN,
    "slashpoint_revm": CHAIN,
    "hydra": ("experiments",),
    "omegaconf": ("experiments",),
    "rich": ("experiments/report/screen.py", "experiments/setup/progress.py"),
    "altair": ("experiments",),
    "yaml": ("experiments/setup/strict_yaml.py",),
    "html": ("experiments/report/text.py",),
    "duckdb": ("experiments", "sim/ledger"),
    "mesa": ("sim/world.py", "sim/state.py", "agents"),
    "simpy": ("sim",),
}
HEAVY = {
    "altair",
    "dp_accounting",
    "duckdb",
    "eth",
    "hydra",
    "mesa",
    "numpy",
    "pandas",
    "rich",
    "sklearn",
    "torch",
    "web3",
}


def imports(source: str) -> Iterator[str]:
    """The modules that a source imports, at any depth; relative ones begin with a dot."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield module
            if module == "slashpoint":
                yield from (f"slashpoint.{alias.name}" for alias in node.names)


def complaints(path: str, source: str) -> Iterator[str]:
    """What is wrong with the imports of the file at `path` (from the root of the package)."""
    layer = path.split("/", maxsplit=1)[0]
    for module in imports(source):
        first, _, rest = module.partition(".")
        if not first:
            yield f"{path}: {module} is relative"
        elif first in LAYERS:
            yield f"{path}: {module} is whatever else is called so: import slashpoint.{module}"
        elif first == "slashpoint":
            target = rest.partition(".")[0]
            if target in LAYERS and LAYERS.index(target) > LAYERS.index(layer):
                yield f"{path}: {layer} must not know {target}, but imports {module}"
        elif first in FENCES and not path.startswith(FENCES[first]):
            yield f"{path}: {first} is only for {' and '.join(FENCES[first])}"
    if "sys.path" in {ast.unparse(node) for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute)}:
        yield f"{path}: nothing touches sys.path"


def sources() -> Iterator[tuple[str, str]]:
    for layer in LAYERS:
        for path in sorted((ROOT / layer).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")


def test_every_import_follows_the_arrow_and_respects_the_fences() -> None:
    found = [complaint for path, source in sources() for complaint in complaints(path, source)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("sim/world.py", "from slashpoint.agents import person"),
        ("sim/world.py", "def f():\n    from slashpoint import agents"),
        ("protocols/x.py", "import slashpoint.experiments.setup.run"),
        ("agents/x.py", "import sim"),
        ("agents/x.py", "from protocols.base import Job"),
        ("agents/x.py", "from .person import Person"),
        ("agents/x.py", "def f():\n    import torch.nn"),
        ("experiments/x.py", "from eth_abi import encode"),
        ("sim/x.py", "import hydra"),
        ("experiments/x.py", "from rich.text import Text"),
        ("sim/x.py", "import sys\nsys.path.append('')"),
    ],
)
def test_the_rules_catch(path: str, source: str) -> None:
    assert list(complaints(path, source))


def neighbours(modules: dict[str, str]) -> dict[str, set[str]]:
    """Which of some modules (name → source) each imports anywhere, also inside functions and for types alone."""
    found: dict[str, set[str]] = {name: set() for name in modules}
    for name, source in modules.items():
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    whole = f"{node.module}.{alias.name}"
                    found[name].add(whole if whole in modules else node.module)
        found[name] &= modules.keys() - {name}
    return found


def cycles(imports: dict[str, set[str]]) -> list[str]:
    """The modules that import themselves by way of others."""
    reached = {name: set(targets) for name, targets in imports.items()}
    for through in imports:
        for targets in reached.values():
            if through in targets:
                targets |= reached[through]
    return sorted(name for name, targets in reached.items() if name in targets)


MUTUAL = (
    ("slashpoint.sim.state", "slashpoint.sim.market"),  # a world knows its markets, and each its world
    ("slashpoint.sim.founding", "slashpoint.sim.market"),
    ("slashpoint.sim.market.words", "slashpoint.sim.market.base"),  # a job its market, and that its jobs
)


def test_no_module_of_the_machine_needs_itself_even_for_types() -> None:
    modules = {
        "slashpoint." + path.removesuffix(".py").removesuffix("/__init__").replace("/", "."): source
        for path, source in sources()
        if path.startswith("sim/")
    }
    found = neighbours(modules)
    for one, other in MUTUAL:
        found[one].remove(other)
    assert cycles(found) == []


def test_a_cycle_is_seen() -> None:
    one, two = "if TYPE_CHECKING:\n    from s import two", "def f():\n    from s.one import x"
    assert cycles(neighbours({"s.one": one, "s.two": two, "s.three": "from s.one import x"})) == ["s.one", "s.two"]


def test_the_fences_name_what_is_installed() -> None:
    from importlib.util import find_spec

    assert not [name for name in FENCES if name != "slashpoint_revm" and find_spec(name) is None]


def run(code: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(one for one in sys.path if one)  # as here, installed or not
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": path}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)


def test_help_is_quick_and_light() -> None:
    code = "import sys; from slashpoint.experiments.cli import main; main(['--help']); print(*sys.modules)"
    took = []
    for _ in range(3):
        begun = time.perf_counter()
        out = run(code).stdout
        took.append(time.perf_counter() - begun)
    assert "Run a market" in out
    assert not HEAVY & set(out.split())
    assert min(took) < 0.7  # seconds


def test_configuring_the_surrogate_imports_no_torch() -> None:
    code = "import sys; from slashpoint.experiments.setup.config import *; compose(['scenario=small'])"
    assert not {"torch", "sklearn", "eth", "web3", "duckdb", "altair"} & set(
        run(f"{code}; print(*sys.modules)").stdout.split()
    )
