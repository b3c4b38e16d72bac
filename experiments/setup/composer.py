"""Hydra's composition over our `conf/`, a project's and the catalogue, without Hydra's own configuration.

Hydra's public `compose` puts its own ten files (launcher, sweeper, logging) below every configuration, which takes two
thirds of its time, and works through one global object, which threads overwrite for each other. Here its loader is
used as it is, a new one for each composition, over sources that parse a file once.

The catalogue is a source, so that `attack=[sybil,overclaim] attack.sybil.k=3` finds its defaults in the classes
themselves, and only those that were asked for are imported.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import asdict
from functools import cache, lru_cache
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, NamedTuple

from hydra import version
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_search_path_impl import ConfigSearchPathImpl
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra._internal.defaults_list import create_defaults_list
from hydra.core.object_type import ObjectType
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from hydra.plugins.config_source import ConfigLoadError, ConfigResult, ConfigSource
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from slashpoint.experiments.setup import catalogue, strict_yaml
from slashpoint.experiments.setup.catalogue import INVARIANTS, KINDS, METRICS, PROTOCOL
from slashpoint.experiments.setup.modules import HOME
from slashpoint.experiments.setup.overrides import known, once, self_contained, vet, vet_sweep
from slashpoint.experiments.setup.project import unknown
from slashpoint.sim.errors import Misconfigured, choices, named
from slashpoint.sim.market import Terms

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hydra.core.override_parser.types import Override

DRAWN = "scenario.people."  # below it, a number or a distribution
FOLDERS = ("conf", *(kind.folder for kind in (*KINDS.values(), PROTOCOL, INVARIANTS, METRICS)))  # of a project
ROOT = "config"  # the file of conf/ that names the others
_lock = RLock()  # Hydra's version, plug-ins and parser are global


class Composed(NamedTuple):
    """What was composed, not resolved."""

    usual: DictConfig  # what the files that were chosen say
    config: DictConfig  # the same with the values that overrides give
    choices: dict[str, str | None]  # the file of each group


Said = dict[tuple[str, ...], tuple[DictConfig, dict[str, str | None]]]  # by the overrides that choose files


class Composer:
    """Composes for one project. Make it by `composer`, which turns what Hydra refuses into `Misconfigured`."""

    def __init__(self, project: Path | None, said: Said | None = None) -> None:
        self._project = project
        self._said: Said = {} if said is None else said
        if project is not None and (files := [one for one in FOLDERS if (project / one).is_file()]):
            raise Misconfigured(f"{project / files[0]} is a file: it must be a folder")
        path = ConfigSearchPathImpl()
        path.append("ours", f"{Files.scheme()}://{HOME / 'conf'}")
        if project is not None and (project / "conf").is_dir():
            path.append("project", f"{Files.scheme()}://{project / 'conf'}")
        path.append("catalogue", f"{Catalogue.scheme()}://{project or ''}")
        path.append("schema", "structured://")  # Hydra wants one, and wants it last
        self._loader = ConfigLoaderImpl(path)
        self._options = self._loader.repository.get_group_options  # the loader's own copies all sources at each call

    def parse(self, overrides: Sequence[str]) -> list[Override]:
        """Parse overrides in Hydra's grammar."""
        for said in overrides:
            self_contained(said, said)
        parsed = OverridesParser.create(config_loader=self._loader).parse_overrides(list(overrides))
        vet(parsed, self._options)
        return parsed

    def compose(self, overrides: Sequence[str]) -> Composed:
        """Compose what overrides in Hydra's grammar ask for, and what their scenario has to say of their protocol."""
        usual, choices, values = self._usual(overrides)
        if tier := self._tier(usual, choices):
            usual, choices, values = self._usual([*tier, *overrides])
        usual = usual.copy()  # of its own: others compose at the same time
        OmegaConf.set_struct(usual, True)  # what is not there cannot be overridden without a +
        config = usual.copy()
        known(config, values, self._options)
        for one in values:
            if one.key_or_group.startswith(DRAWN) and isinstance(one.value(), dict):
                OmegaConf.update(config, one.key_or_group, None)  # a distribution replaces another, rather than join it
        self._loader._apply_overrides_to_config(values, config)  # noqa: SLF001
        return Composed(usual, config, choices)

    def _usual(self, overrides: Sequence[str]) -> tuple[DictConfig, dict[str, str | None], list[Override]]:
        """Return what the files say that overrides choose, which these are, and the overrides of their values."""
        parsed = self.parse(overrides)
        self._loader.validate_sweep_overrides_legal(parsed, RunMode.RUN, from_shell=False)
        chooses = [self._chooses(one) for one in parsed]
        files = tuple(said for said, it in zip(overrides, chooses) if it)
        if files not in self._said:
            self._said[files] = self._read(files)
        usual, chosen = self._said[files]
        return usual, chosen, [one for one, it in zip(parsed, chooses) if not it]

    def _chooses(self, override: Override) -> bool:
        """Whether an override chooses a file, as Hydra's defaults list decides it."""
        return self._loader.repository.group_exists(override.key_or_group) and not isinstance(override.value(), dict)

    def _read(self, overrides: Sequence[str]) -> tuple[DictConfig, dict[str, str | None]]:
        """Return what the files say that overrides choose, and which these are.

        Args:
            overrides: those that choose files: what is said of values has no part in it.
        """
        parsed, files = self._loader._parse_overrides_and_create_caching_repo(ROOT, list(overrides))  # noqa: SLF001
        layers = create_defaults_list(files, ROOT, parsed, prepend_hydra=False, skip_missing=False)
        usual = self._loader._compose_config_from_defaults_list(layers.defaults, files)  # noqa: SLF001
        chosen = dict(layers.overrides.known_choices)
        if isinstance(protocol := usual.get("protocol"), DictConfig):
            protocol.setdefault("name", chosen["protocol"])
            for key, value in asdict(Terms()).items():  # what a protocol's file need not say
                protocol.setdefault(key, value)
            del protocol["decimals"]
        return usual, chosen

    def _tier(self, usual: DictConfig, choices: Mapping[str, str | None]) -> list[str]:
        """Return the override that loads a scenario's file for one protocol: `conf/scenario/<name>/<protocol>.yaml`."""
        group, protocol = f"scenario/{choices['scenario']}", usual.protocol.name
        return [f"+{group}={protocol}"] if protocol in catalogue.presets(group, self._project) else []

    def expand(self, overrides: Sequence[str]) -> list[list[str]]:
        """Return the overrides of each run of a multirun, in Hydra's own order."""
        once(overrides)
        parsed = self.parse(overrides)
        vet_sweep(parsed)
        (runs,) = BasicSweeper.split_arguments(parsed, max_batch_size=None)
        return runs


@contextmanager
def composer(project: Path | None, files: object = None) -> Iterator[Composer]:
    """Give a composer for a project, to one thread at a time.

    Args:
        project: its folder.
        files: what tells the state of all files: while it is equal, files that were read are not read again.

    Raises:
        Misconfigured: Hydra refuses what it is asked for.
    """
    with _lock:
        _register()
        base = version.VersionBase.instance()
        outer = base.getbase()  # we may be called inside a Hydra program
        version.setbase("1.3")
        try:
            yield Composer(project, None if files is None else _said(project, files))
        except MissingConfigException as error:
            group, _, name = (error.missing_cfg_file or "").rpartition("/")
            there = error.options or (catalogue.names(group, project) if group in KINDS else ())
            raise unknown(f"{group}={name}: {choices(name, there)}" if there else str(error), project) from error
        except Misconfigured:
            raise
        except OverrideParseException as error:
            raise Misconfigured(
                f"{error.override!r}: it is no override, key=value in Hydra's grammar; text with other characters than "
                "letters, digits and -_./ is quoted, as in key='\"…\"'"
            ) from error
        except (HydraException, OmegaConfBaseException) as error:
            raise Misconfigured(sentence(error)) from error
        except (ValueError, TypeError, AttributeError, LookupError, AssertionError, RecursionError) as error:
            raise Misconfigured(f"it cannot be composed: {named(error)}") from error  # what Hydra did not expect
        finally:
            base.version_base = outer


class Files(FileConfigSource):
    """A folder of YAML files, each parsed once as long as it says the same."""

    @staticmethod
    def scheme() -> str:
        """Return what addresses of this source begin with."""
        return "yaml"

    def load_config(self, config_path: str) -> ConfigResult:
        """Load a file; its header may say into which package it goes."""
        path = Path(self.path) / self._normalize_file_name(config_path)
        if not path.is_file():
            raise ConfigLoadError(f"there is no {path}")
        try:
            header, plain = _parsed(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise Misconfigured(f"{path}: {error}") from error
        self_contained(plain, str(path))
        return ConfigResult(self.provider, self.full_path(), OmegaConf.create(plain), dict(header))


class Catalogue(ConfigSource):
    """The catalogue as Hydra sees it: a file for each option, read from the option's dataclass."""

    @staticmethod
    def scheme() -> str:
        """Return what addresses of this source begin with."""
        return "catalogue"

    @property
    def project(self) -> Path | None:
        """The project whose options there are, too."""
        return Path(self.path) if self.path else None

    def load_config(self, config_path: str) -> ConfigResult:
        """Return the parameters of an option, typed: an attack's at `attack.x`, another's with its name beside them."""
        kind, name = _option(config_path)
        if not self.is_config(config_path):
            raise ConfigLoadError(f"there is no {kind} {name}")
        node = OmegaConf.structured(catalogue.parameters(catalogue.load(kind, name, self.project)))
        if kind == "attack":
            return ConfigResult(self.provider, self.full_path(), node, {"package": f"attack.{name}"})
        return ConfigResult(self.provider, self.full_path(), OmegaConf.merge({"name": name}, node), {"package": kind})

    def available(self) -> bool:
        """Return true: what is missing is said where it is asked for."""
        return True

    def is_group(self, config_path: str) -> bool:
        """Whether a path is a kind of option, or where all of them are."""
        return config_path in {"", *KINDS}

    def is_config(self, config_path: str) -> bool:
        """Whether a path is an option."""
        return catalogue.exists(*_option(config_path), self.project)

    def list(self, config_path: str, results_filter: ObjectType | None) -> list[str]:
        """Return what lies at a path."""
        if config_path == "":
            return sorted(KINDS) if results_filter != ObjectType.CONFIG else []
        return catalogue.names(config_path, self.project) if results_filter != ObjectType.GROUP else []


@lru_cache(maxsize=256)
def _parsed(text: str) -> tuple[dict[str, Any], Any]:
    """Return the header and the content of a YAML file. In pure Python a screen of YAML takes a millisecond."""
    plain = strict_yaml.parse(text) or {}
    if not isinstance(plain, dict):
        raise ValueError("it must be a mapping, of names to what they mean")  # noqa: TRY004 - the file is wrong
    return ConfigSource._get_header_dict(text[:512]), plain  # noqa: SLF001


@lru_cache(maxsize=8)
def _said(_project: Path | None, _files: object) -> Said:
    """Return where is kept what was read of a project in one state of its files."""
    return {}


@cache
def _register() -> None:
    Plugins.instance().register(Files)
    Plugins.instance().register(Catalogue)


ABSENT_KEY = re.compile(  # a file that sets what another option, chosen beside it, does not have
    r"In '(?P<file>scenario/[\w/]+)': ConfigKeyError raised while composing config:\s*"
    r"Key '(?P<key>\w+)' not in '(?P<owner>\w+)'(?P<rest>.*)",
    re.DOTALL,
)


def sentence(error: BaseException) -> str:
    """Return what Hydra or OmegaConf says in one line, without what only their own users know."""
    if "Ambiguous value for argument" in str(error):
        argument = str(error).partition("'")[2].partition("'")[0]
        return f"{argument}: several values: [a,b] is a list, '\"a,b\"' a text, `--multirun` or `sweep` run each"
    if absent := ABSENT_KEY.search(str(error)):
        return _not_had(**absent.groupdict())
    lines = [line.strip() for one in (error, error.__cause__) if one for line in str(one).splitlines()]
    foreign = ("To append to", "Either remove +", "Or add a second +", "object_type=", "reference_type=", "full_key:")
    said = list(dict.fromkeys(line for line in lines if line and not line.startswith(foreign)))
    key = next((line for line in lines if line.startswith("full_key:")), "").removeprefix("full_key:").strip()
    message = ": ".join(said)
    return f"{key}: {message}" if key and key not in message else message


def _not_had(file: str, key: str, owner: str, rest: str) -> str:
    """Return in words that an option's file sets what an option that was chosen beside it does not have.

    Args:
        file: the option's, as Hydra names it: its kind, its name and perhaps a protocol.
        key: that nothing has.
        owner: the class that lacks it.
        rest: what Hydra says after that.
    """
    kind, name, *_ = file.split("/")
    full = next(iter(re.findall(r"full_key: (\S+)", rest)), key)
    group = full.partition(".")[0]
    return (
        f"{kind}={name} sets {full} (conf/{file}.yaml), and the {group} that was chosen ({owner}) has no {key}: "
        f"leave {group}=… out, or choose another {kind}, such as {kind}=standard"
    )


def _option(path: str) -> tuple[str, str]:
    kind, _, name = path.partition("/")
    return kind, name.removesuffix(".yaml")
