"""What an editor sees of the package: signatures, definitions, and what a type checker refuses."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import jedi
import pytest

import slashpoint

ROOT = Path(__file__).resolve().parents[1]


def script(source: str) -> jedi.Script:
    """A file of a user's, outside the package."""
    return jedi.Script(source, path="/elsewhere/cell.py")


def test_every_public_name_is_completed_and_has_its_definition_in_a_file_of_ours() -> None:
    offered = {one.name for one in script("import slashpoint\nslashpoint.").complete()}
    assert set(slashpoint.__all__) <= offered
    for name in set(slashpoint.__all__) - {"__version__"}:
        source = f"from slashpoint import {name}"
        (found,) = script(source).goto(1, len(source), follow_imports=True)
        path = found.module_path.resolve().relative_to(ROOT)
        assert path.parts[0] in {"sim", "agents", "protocols", "experiments"}, (name, path)


def test_a_call_shows_its_signature() -> None:
    (signature,) = script("import slashpoint\nslashpoint.simulate(").get_signatures()
    assert [one.name for one in signature.params][:4] == ["protocol", "attack", "scenario", "seed"]
    assert "Run once, from Python" in signature.docstring()


@pytest.mark.parametrize("name", ["sim.world.World", "agents.conduct.Conduct", "protocols.modelmarket.MARKET"])
def test_a_definition_is_found_where_it_is_written(name: str) -> None:
    module, _, what = name.rpartition(".")
    source = f"from slashpoint.{module} import {what}"
    (found,) = script(source).goto(1, len(source), follow_imports=True)
    assert found.module_path.resolve().is_relative_to(ROOT / module.partition(".")[0])


def checked(path: Path) -> list[tuple[int, str]]:
    """Line and rule of what the type checker complains of in a user's file."""
    command = [sys.executable, "-m", "basedpyright", "--outputjson", "--pythonpath", sys.executable, str(path)]
    done = subprocess.run(command, cwd=path.parent, capture_output=True, text=True, check=False)
    found = json.loads(done.stdout)["generalDiagnostics"]
    return [(one["range"]["start"]["line"] + 1, one["rule"]) for one in found if one["severity"] == "error"]


def test_the_type_checker_finds_every_module_and_refuses_names_that_are_not_there(tmp_path: Path) -> None:
    """From a project of a user's, as its editor would."""
    (tmp_path / "cell.py").write_text(
        "import slashpoint\n"
        "from slashpoint.sim.world import World\n"
        "from slashpoint.sim.wurld import World as Nowhere\n"
        "from slashpoint.agents.conduct import Conduct\n"
        "run = slashpoint.simulate(attack=Conduct, scenario='small')\n"
        "slashpoint.simulate(protcol='modelmarket')\n"
        "run.metrik('welfare')\n"
    )
    assert checked(tmp_path / "cell.py") == [
        (3, "reportMissingImports"), (6, "reportCallIssue"), (7, "reportAttributeAccessIssue"),
    ]  # fmt: skip


def test_the_type_checker_is_shown_each_file_of_the_package_once() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["basedpyright"]
    shown = [path for one in settings["include"] for path in _python(ROOT / one)]
    layers = [path for one in ("sim", "agents", "protocols", "experiments") for path in _python(ROOT / one)]
    assert len(shown) == len(set(shown))
    assert {*layers, ROOT / "slashpoint/__init__.py"} <= set(shown)


def _python(path: Path) -> list[Path]:
    real = path.resolve()
    return [real] if real.is_file() else sorted(real.rglob("*.py"))
