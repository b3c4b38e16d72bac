"""The wheel's map: the flat folders of the repository become the one package `slashpoint`.

Only for standard builds. An editable build must copy nothing: the copies would go stale, and they would win.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PYTHON = ("sim", "protocols", "agents", "experiments", "benchmarks")
DATA = ("conf", "contracts/src", "contracts/build", "contracts/mutants")
COMPILER = ("compile.mjs", "package.json", "package-lock.json", "solc.json")  # for the contracts of projects


class Map(BuildHookInterface):  # type: ignore[misc,type-arg,unused-ignore] - hatchling is typed only where it is installed
    """What lies where in the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the map, unless the build is editable."""
        if version == "editable":
            return
        root = Path(self.root)
        build_data["force_include"]["slashpoint.py"] = "slashpoint/__init__.py"
        build_data["force_include"]["py.typed"] = "slashpoint/py.typed"
        for name in COMPILER:
            build_data["force_include"][f"contracts/{name}"] = f"slashpoint/contracts/{name}"
        for folder in (*PYTHON, *DATA):
            for file in sorted((root / folder).rglob("*")):
                if file.is_file() and "__pycache__" not in file.parts:
                    name = file.relative_to(root).as_posix()
                    build_data["force_include"][name] = f"slashpoint/{name}"
