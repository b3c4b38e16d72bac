"""What decides a run, as a hash: its key in the cache of rows."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from functools import cache
from importlib import metadata
from typing import TYPE_CHECKING

from omegaconf import OmegaConf

from slashpoint.experiments.catalogue import INVARIANTS, KINDS, METRICS, PROTOCOL, ROLES
from slashpoint.experiments.provenance import source_hash, versions
from slashpoint.sim.contract.artifact import BUILD

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from omegaconf import DictConfig

def key_of(config: DictConfig, project: Path | None = None, stand_ins: Iterable[Path] = ()) -> str:
    """SHA-256 of all that decides a run: configuration, contracts, a project's files, program and versions."""
    plain = json.dumps(OmegaConf.to_container(config), sort_keys=True)
    folders = [] if project is None else [project / kind.theirs for kind in (*KINDS.values(), PROTOCOL, ROLES)]
    folders += [] if project is None else [project / kind.theirs for kind in (INVARIANTS, METRICS)]
    files = [*sorted(BUILD.glob("*.json")), *(path for folder in folders for path in sorted(folder.rglob("*.py")))]
    if project is not None:
        files += sorted((project / "contracts" / "build").glob("*.json"))
    parts = [plain, source_hash(), _versions(), *(_content(path) for path in files)]
    parts += [_content(one) for one in stand_ins]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _content(path: Path) -> str:
    return f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}"


@cache
def _versions() -> str:
    native = metadata.version("slashpoint-revm") if importlib.util.find_spec("slashpoint_revm") else "none"
    return json.dumps(versions() | {"slashpoint-revm": native}, sort_keys=True)
