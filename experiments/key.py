"""What decides a run, as a hash: its key in the cache of rows."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
from functools import cache
from importlib import metadata
from typing import TYPE_CHECKING

from omegaconf import DictConfig, OmegaConf

from slashpoint.experiments.catalogue import INVARIANTS, KINDS, METRICS, PROTOCOL, ROLES
from slashpoint.experiments.config import compose
from slashpoint.experiments.provenance import source_hash, versions
from slashpoint.sim.contract.artifact import BUILD

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SEED = re.compile(r"seed=(\d+)")
_composed: dict[tuple[tuple[str, ...], Path | None], list[DictConfig]] = {}  # two of each setting that differs by seed
_alike: dict[tuple[tuple[str, ...], Path | None], bool] = {}  # whether these prove that nothing else depends on it


def configuration(overrides: Sequence[str], project: Path | None = None) -> DictConfig:
    """The configuration of overrides, composed once or twice for all seeds, for it takes a third of a run.

    Raises:
        Misconfigured: it cannot run.
    """
    seeds = [SEED.fullmatch(one) for one in overrides]
    if sum(one is not None for one in seeds) != 1:
        return compose(overrides, project)
    seed = next(int(one[1]) for one in seeds if one is not None)
    setting = tuple(one for one, match in zip(overrides, seeds) if match is None), project
    known = _composed.setdefault(setting, [])
    if _alike.get(setting):
        return _seeded(known[0], seed)
    config = compose(overrides, project)
    if len(known) < 2 and all(config.seed != other.seed for other in known):
        known.append(config)
        _alike[setting] = len(known) == 2 and _seeded(known[0], seed) == config
    return config


def _seeded(config: DictConfig, seed: int) -> DictConfig:
    copy = config.copy()
    copy.seed = seed
    return copy


def key_of(config: DictConfig, project: Path | None = None, stand_in: Path | None = None) -> str:
    """SHA-256 of all that decides a run: configuration, contracts, a project's files, program and versions."""
    plain = json.dumps(OmegaConf.to_container(config), sort_keys=True)
    folders = [] if project is None else [project / kind.theirs for kind in (*KINDS.values(), PROTOCOL, ROLES)]
    folders += [] if project is None else [project / kind.theirs for kind in (INVARIANTS, METRICS)]
    files = [*sorted(BUILD.glob("*.json")), *(path for folder in folders for path in sorted(folder.rglob("*.py")))]
    if project is not None:
        files += sorted((project / "contracts" / "build").glob("*.json"))
    parts = [plain, source_hash(), _versions(), *(_content(path) for path in files)]
    parts += [_content(stand_in)] if stand_in is not None else []
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _content(path: Path) -> str:
    return f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}"


@cache
def _versions() -> str:
    native = metadata.version("slashpoint-revm") if importlib.util.find_spec("slashpoint_revm") else "none"
    return json.dumps(versions() | {"slashpoint-revm": native}, sort_keys=True)
