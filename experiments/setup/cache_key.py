"""What decides a run: its configuration, and as a hash, its key in the cache of rows."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf

from slashpoint.experiments.setup import modules
from slashpoint.experiments.setup.config import apart, check_numbers, compose, plain, reads, unresolved
from slashpoint.experiments.setup.inputs import code, content
from slashpoint.experiments.setup.provenance import program
from slashpoint.sim.contract.artifact import Artifact

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True)
class Asked:
    """A run to be made."""

    config: Mapping[str, Any]  # resolved and checked
    key: str
    reads: tuple[Path, ...]  # files of which the key knows what they hold
    code: str  # hash of the project's code


@dataclass
class Settings:
    """The configurations of many runs: what a setting needs is composed, checked and read once for all its seeds."""

    project: Path | None = None
    _known: dict[tuple[str, ...], tuple[dict[str, Any], Declared]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._files = () if self.project is None else tuple(code(self.project).values())
        self._code = "" if self.project is None else modules.refreshed(self.project)
        self._program = program()

    def ask(self, overrides: Sequence[str], stand_ins: Sequence[Path] = ()) -> Asked:
        """Return the run that overrides ask for.

        Args:
            overrides: in Hydra's grammar.
            stand_ins: builds that are deployed in the place of contracts of the same name.

        Raises:
            Misconfigured: it cannot be made.
        """
        config, declared = self._made(overrides)
        parts = [_text(declared.instead(config)), self._code, self._program, *sorted(map(_contract, stand_ins))]
        key = hashlib.sha256("\0".join(parts).encode()).hexdigest()
        return Asked(config, key, (*declared.files, *self._files), self._code)

    def _made(self, overrides: Sequence[str]) -> tuple[dict[str, Any], Declared]:
        """Return the configuration, and what its plug-ins read: by the short way where the setting was seen before."""
        setting, late = apart(overrides)
        if setting in self._known:
            general, declared = self._known[setting]
            config = _filled(general, late)
            seat = config["scenario"].get("seat", 0)
            check_numbers(OmegaConf.create({"seed": config["seed"], "scenario": {"seat": seat}}))
            return config, declared
        composed = compose(overrides, self.project)
        config = plain(composed)
        declared = Declared.by(composed, self.project)
        general = unresolved(setting, self.project)
        if _filled(general, late) == config:  # then nothing but the seat refers to anything
            self._known[setting] = general, declared
        return config, declared


@dataclass(frozen=True)
class Declared:
    """The files that parameters stand for, as the plug-ins tell: by section and parameter."""

    by_parameter: Mapping[str, Mapping[str, Sequence[Path]]]

    @classmethod
    def by(cls, config: DictConfig, project: Path | None) -> Declared:
        """Return what the plug-ins of a configuration tell."""
        return cls(reads(config, project))

    @property
    def files(self) -> tuple[Path, ...]:
        """All of them."""
        return tuple(path for files in self.by_parameter.values() for paths in files.values() for path in paths)

    def instead(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """Return a configuration in which hashes of what the files hold stand in the place of their paths."""
        found = dict(config)
        for section, files in self.by_parameter.items():
            found = _within(found, section.split("."), {name: list(map(_held, paths)) for name, paths in files.items()})
        return found


def _filled(general: dict[str, Any], late: Mapping[str, int]) -> dict[str, Any]:
    """Return a setting with its seed and its seat, which is often the seed."""
    seed, seat = late.get("seed", general["seed"]), late.get("scenario.seat", general["scenario"].get("seat"))
    seat = {"seat": seed if seat == "${seed}" else seat} if "seat" in general["scenario"] else {}
    return {**general, "seed": seed, "scenario": {**general["scenario"], **seat}}


def _within(tree: Mapping[str, Any], path: Sequence[str], more: Mapping[str, Any]) -> dict[str, Any]:
    """Return a tree with more at a path in it."""
    return {**tree, path[0]: _within(tree[path[0]], path[1:], more)} if path else {**tree, **more}


def _held(path: Path) -> str:
    return content(path) if path.is_file() else "absent"


def _contract(path: Path) -> str:
    one = Artifact.load(path)
    return _text([one.name, one.abi, one.bytecode, one.links])


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
