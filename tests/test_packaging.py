"""The package as others get it: a wheel beside a stranger's `agents`, an editable install that sees edits."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("slashpoint", "sim", "protocols", "agents", "experiments", "benchmarks", "conf", "contracts")
BUILD = ("pyproject.toml", "LICENSE")


def sh(*command: str | Path, cwd: Path) -> str:
    """What a command prints; it must succeed."""
    environment = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    done = subprocess.run(command, check=False, cwd=cwd, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    sh(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    return next(folder.glob("*.whl"))


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """A fresh environment that sees the dependencies of this one, but no package that is installed here by link."""
    sh(sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv", cwd=tmp_path)
    made = tmp_path / "venv/bin/python"
    site = Path(sh(made, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=tmp_path).strip())
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")  # a .pth in there is not read
    return made


def install(python: Path, *what: str | Path) -> None:
    uv = (Path(sys.executable).parent / "uv", "pip", "install", "-q", "--offline", "--python", python)
    sh(*uv, "--no-deps", "--no-build-isolation", *what, cwd=ROOT)


def site(python: Path) -> Path:
    return next(python.parents[1].glob("lib/python*/site-packages"))


def test_the_wheel_holds_one_package_and_all_of_it(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"slashpoint"}
    assert {"slashpoint/__init__.py", "slashpoint/py.typed", "slashpoint/conf/config.yaml"} <= names
    assert {f"slashpoint/contracts/{name}" for name in ("compile.mjs", "package-lock.json", "solc.json")} <= names
    for folder in ("sim", "protocols", "agents", "experiments", "conf", "contracts/build", "contracts/src"):
        here = [path for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
        assert {f"slashpoint/{path.relative_to(ROOT)}" for path in here} <= names
    assert not [name for name in names if re.search(r"__pycache__|node_modules|/tests/.*\.py$", name)]


def test_a_wheel_made_of_the_source_archive_is_the_same(wheel: Path, tmp_path: Path) -> None:
    sh(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", tmp_path, cwd=ROOT)
    shutil.unpack_archive(next(tmp_path.glob("*.tar.gz")), tmp_path / "unpacked", filter="data")
    (source,) = (tmp_path / "unpacked").iterdir()
    sh(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path / "again", cwd=source)
    (again,) = (tmp_path / "again").glob("*.whl")
    assert set(zipfile.ZipFile(again).namelist()) == set(zipfile.ZipFile(wheel).namelist())


def test_the_wheel_works_beside_a_stranger_with_our_folders_names(wheel: Path, python: Path, tmp_path: Path) -> None:
    install(python, wheel)
    for name in ("agents", "sim", "experiments"):
        (site(python) / name).mkdir()
        (site(python) / name / "__init__.py").write_text("OWNER = 'a stranger'\n")
    away = tmp_path / "away"
    away.mkdir()
    command = python.parent / "slashpoint"
    prices = json.loads(sh(command, "list", "prices", "--json", cwd=away))
    assert [row["name"] for row in prices][:2] == ["constant", "gbm"]
    code = "import agents, slashpoint.agents as ours; print(agents.OWNER, ours.__file__)"
    owner, _, ours = sh(python, "-c", code, cwd=away).strip().rpartition(" ")
    assert owner == "a stranger"
    assert Path(ours) == site(python) / "slashpoint/agents/__init__.py"


def test_an_editable_install_sees_an_edit(python: Path, tmp_path: Path) -> None:
    copy = tmp_path / "checkout"
    copy.mkdir()
    for name in (*PARTS, *BUILD):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(
                source, copy / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__", "node_modules")
            )
        else:
            shutil.copy(source, copy / name)
    install(python, "--editable", copy)
    assert not (site(python) / "slashpoint").exists()  # a copy would go stale, and win
    code = "from slashpoint.sim import units; print(units.BPS)"
    assert sh(python, "-c", code, cwd=tmp_path) == "10000\n"
    units = copy / "sim/units.py"
    units.write_text(units.read_text().replace("BPS = 10_000", "BPS = 77"))
    assert sh(python, "-c", code, cwd=tmp_path) == "77\n"
    assert "Run a market" in sh(python.parent / "slashpoint", "--help", cwd=tmp_path)


def test_ci_runs_every_test_the_quick_and_the_slow_and_pytest_prints_last() -> None:
    targets = [line.split()[-1] for line in (ROOT / ".ci/run").read_text().splitlines() if "make test" in line]
    made = [re.search(rf"^{one}:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE) for one in targets]
    last = [recipe[1].splitlines()[-1] for recipe in made if recipe]
    assert [shlex.split(line)[-1] for line in last] == ["not slow", "slow"]
    assert all("-m pytest" in line for line in last)
