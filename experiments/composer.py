"""Hydra, told of the catalogue and of a project: a source of configurations and a place to search, as its own plug-ins.

The catalogue is a source, so that `attack=[sybil,overclaim] attack.sybil.k=3` finds its defaults in the classes
themselves, and only those that were asked for are imported.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING

from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.object_type import ObjectType
from hydra.core.plugins import Plugins
from hydra.errors import HydraException, MissingConfigException
from hydra.plugins.config_source import ConfigLoadError, ConfigResult, ConfigSource
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from slashpoint.experiments import catalogue
from slashpoint.experiments.catalogue import HOME, KINDS
from slashpoint.sim.errors import Misconfigured, choices

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hydra.core.config_search_path import ConfigSearchPath

_project: ContextVar[Path | None] = ContextVar("whom we compose for; not set while Hydra composes for others")


@contextmanager
def composer(project: Path | None) -> Iterator[None]:
    """Hydra, ready to compose for a project. What it refuses is misconfigured."""
    _register()
    token = _project.set(project)
    outer, GlobalHydra.instance().hydra = GlobalHydra.instance().hydra, None  # we may be called inside a Hydra program
    try:
        with initialize_config_dir(str(HOME / "conf"), job_name="slashpoint", version_base="1.3"):
            yield
    except MissingConfigException as error:
        group, _, name = (error.missing_cfg_file or "").rpartition("/")
        there = error.options or (catalogue.names(group, project) if group in KINDS else ())
        raise Misconfigured(f"{group}={name}: {choices(name, there)}" if there else str(error)) from error
    except (HydraException, OmegaConfBaseException) as error:
        cause = f": {error.__cause__}" if error.__cause__ else ""
        raise Misconfigured(f"{error}{cause}") from error
    finally:
        GlobalHydra.instance().hydra = outer
        _project.reset(token)


class CatalogueSource(ConfigSource):
    """The catalogue as Hydra sees it: a file for each option, read from the option's dataclass."""

    @staticmethod
    def scheme() -> str:
        """What addresses of this source begin with."""
        return "catalogue"

    def load_config(self, config_path: str) -> ConfigResult:
        """The parameters of an option, typed: an attack's at `attack.x`, another's with its name beside them."""
        kind, name = _option(config_path)
        if not self.is_config(config_path):
            raise ConfigLoadError(f"there is no {kind} {name}")
        node = OmegaConf.structured(catalogue.parameters(catalogue.load(kind, name, _project.get())))
        if kind == "attack":
            return ConfigResult(self.provider, self.full_path(), node, {"package": f"attack.{name}"})
        return ConfigResult(self.provider, self.full_path(), OmegaConf.merge({"name": name}, node), {"package": kind})

    def available(self) -> bool:
        """Always: what is missing is said where it is asked for."""
        return True

    def is_group(self, config_path: str) -> bool:
        """Whether a path is a kind of option, or where all of them are."""
        return config_path in {"", *KINDS}

    def is_config(self, config_path: str) -> bool:
        """Whether a path is an option."""
        return catalogue.exists(*_option(config_path), _project.get())

    def list(self, config_path: str, results_filter: ObjectType | None) -> list[str]:
        """What lies at a path."""
        if config_path == "":
            return sorted(KINDS) if results_filter != ObjectType.CONFIG else []
        return catalogue.names(config_path, _project.get()) if results_filter != ObjectType.GROUP else []


class CatalogueSearchPath(SearchPathPlugin):
    """What we add to where Hydra searches: a project's `conf/`, and the catalogue."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Add it, if it is we who compose."""
        try:
            project = _project.get()
        except LookupError:
            return
        if project is not None and (project / "conf").is_dir():
            search_path.append("project", f"file://{project / 'conf'}")
        search_path.append("catalogue", "catalogue://")


@cache
def _register() -> None:
    Plugins.instance().register(CatalogueSource)
    Plugins.instance().register(CatalogueSearchPath)


def _option(path: str) -> tuple[str, str]:
    kind, _, name = path.partition("/")
    return kind, name.removesuffix(".yaml")
