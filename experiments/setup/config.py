"""Configuration: Hydra's grammar over `conf/`, the catalogue and a project, without `hydra.main`."""

from __future__ import annotations

import math
import re
from collections import Counter
from functools import lru_cache
from inspect import signature
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from slashpoint.agents.conduct import compose as together
from slashpoint.agents.population import seating, unseated
from slashpoint.agents.roles import Role
from slashpoint.agents.scenario import MOST_PEOPLE, Scenario, most_blocks
from slashpoint.experiments.setup import catalogue
from slashpoint.experiments.setup.catalogue import KINDS
from slashpoint.experiments.setup.composer import composer, sentence
from slashpoint.experiments.setup.inputs import code
from slashpoint.experiments.setup.invariants import allowed, of_project
from slashpoint.experiments.setup.modules import HOME
from slashpoint.experiments.setup.protocol_check import vet_deployed
from slashpoint.experiments.setup.vetting import vet
from slashpoint.sim.engine import ENGINES, make_engine
from slashpoint.sim.errors import PROJECT, Misconfigured, choices, location, named
from slashpoint.sim.ledger import Ledger
from slashpoint.sim.market import Market
from slashpoint.sim.rules import ChainRules
from slashpoint.sim.units import SECOND

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from hydra.core.override_parser.types import Override

LAST = 2**63 // SECOND - 10**6  # Unix seconds: the ledger's nanoseconds have 64 bits
PEOPLE = "scenario.people."  # below it, a number or a distribution
LATE = re.compile(r"(seed|scenario\.seat)=(0|[1-9][0-9]*)")  # what is set after composition: a setting has many runs


class NoSeat(Misconfigured):
    """An attack was asked for in a market where no role has a duty that it changes, or nobody is in that role."""


def compose(overrides: Sequence[str] = (), project: Path | None = None) -> DictConfig:
    """Return the configuration that overrides in Hydra's grammar ask for, resolved and checked.

    A setting is composed once for all its seeds and seats, as long as no file of `conf/` changes.

    Args:
        overrides: in Hydra's grammar, `key=value`.
        project: a project's folder.

    Raises:
        Misconfigured: something is unknown, of another type, negative or not finite; the message says what to do.
    """
    setting, late = apart(overrides)
    files = _files(project)
    usual, config = _composed(setting, project, files)
    if any(OmegaConf.select(config, key) is None for key in late):  # a scenario that has none: Hydra says so
        usual, config = _composed(tuple(overrides), project, files)
        late = {}
    config = config.copy()
    for key, value in late.items():
        OmegaConf.update(config, key, value)
    try:
        OmegaConf.resolve(config)
    except OmegaConfBaseException as error:
        raise Misconfigured(sentence(error)) from error
    _check_project(config, project)
    _check_attacks(config, project)
    check_numbers(config)
    _check_types(config, usual)
    _check_people(config, project)
    rules = chain_rules(config)
    prices, task = (plugin(kind, config, project) for kind in ("prices", "task"))
    _check_files(rules, rules.ready)
    _check_files(prices, lambda: prices.ready(float(rules.genesis)))
    _check_files(task, task.ready)
    _check_seats(config, project)
    allowed(config, project)
    _check_deployed(config, project)
    return config


def unresolved(setting: Sequence[str], project: Path | None = None) -> dict[str, Any]:
    """Return a setting as plain data: what refers to another value still says so.

    Args:
        setting: overrides.
        project: a project's folder.
    """
    return plain(_composed(tuple(setting), project, _files(project))[1])


def plain(config: DictConfig) -> dict[str, Any]:
    """Return a configuration as plain data."""
    found: dict[str, Any] = OmegaConf.to_container(config)  # type: ignore[assignment] # its keys are text
    return found


def apart(overrides: Sequence[str]) -> tuple[tuple[str, ...], dict[str, int]]:
    """Return the setting that overrides ask for, and the seed and the seat where they are plain numbers."""
    found = [LATE.fullmatch(one) for one in overrides]
    late = {one[1]: int(one[2]) for one in found if one is not None}
    if len(late) < sum(one is not None for one in found):
        return tuple(overrides), {}  # something is said twice
    return tuple(one for one, match in zip(overrides, found) if match is None), late


@lru_cache(maxsize=1024)
def _composed(setting: tuple[str, ...], project: Path | None, files: object) -> tuple[DictConfig, DictConfig]:
    """Return what a setting's values override, and the setting: not resolved, and copied before any change."""
    with composer(project, files) as one:
        usual, config, _ = one.compose(setting)
        if OmegaConf.is_interpolation(config.protocol, "variant"):
            there = ", ".join(_variants(usual, project))
            raise Misconfigured(f"protocol.variant: it chooses a file; name one of {there}")
        if (variant := config.protocol.get("variant")) != usual.protocol.variant and isinstance(variant, str):
            config = one.compose((_variant(usual, variant, project), *setting)).config
        _obey_endowments(config, one.parse(setting))
    return usual, config


def _obey_endowments(config: DictConfig, overrides: Sequence[Override]) -> None:
    """Note which endowments were given: of these posters own what all do, rather than what their jobs cost."""
    root, named = "protocol.endowment", set[str]()
    for one in overrides:
        if one.key_or_group.startswith(f"{root}."):
            named.add(one.key_or_group.removeprefix(f"{root}."))
        elif one.key_or_group == root and isinstance(values := one.value(), dict):
            named.update(map(str, values))
    said = config.scenario.get("given", [])
    if not OmegaConf.is_list(said) and said != []:
        raise Misconfigured(f"scenario.given={said}: it must be a list, such as [mdc]")
    given = [*dict.fromkeys([*said, *sorted(named)])]
    for asset in given:
        if asset not in config.protocol.endowment:
            raise Misconfigured(f"scenario.given=[{asset}]: {choices(asset, config.protocol.endowment)}")
    OmegaConf.update(config, "scenario.given", given, force_add=True)


def _files(project: Path | None) -> tuple[tuple[str, int, int], ...]:
    """Return the files that composition may read, with their times and sizes."""
    folders = [HOME / "conf", *([project / "conf"] if project else [])]
    paths = [path for folder in folders for path in sorted(folder.rglob("*.yaml"))]
    files = ((str(path), path.stat()) for path in [*paths, *(code(project).values() if project else ())])
    return tuple((path, one.st_mtime_ns, one.st_size) for path, one in files)


def _variant(usual: DictConfig, variant: str, project: Path | None) -> str:
    """Return the override that loads a variant: `protocol.variant=literal` is `conf/protocol/<name>/literal.yaml`.

    Variants are other defaults, not other protocols: what is asked for explicitly still wins, and a sweep can run over
    them as over any value, which Hydra's choice of a group under another name could not offer.
    """
    if variant not in (there := _variants(usual, project)):
        raise Misconfigured(f"protocol.variant={variant}: there are {', '.join(there)}")
    return f"+protocol/{usual.protocol.name}={variant}"


def variants(protocol: str, overrides: Sequence[str] = (), project: Path | None = None) -> list[str]:
    """Return the variants that a protocol has, its usual one last.

    Args:
        protocol: its name.
        overrides: what else is said, in Hydra's grammar: without it a configuration may not compose.
        project: a project's folder.
    """
    usual, _ = _composed((*overrides, f"protocol={protocol}"), project, _files(project))
    there = _variants(usual, project)
    return sorted(there, key=lambda one: (one == usual.protocol.variant, one))


def _variants(usual: DictConfig, project: Path | None) -> list[str]:
    return sorted({usual.protocol.variant, *catalogue.presets(f"protocol/{usual.protocol.name}", project)})


def expand(overrides: Sequence[str], project: Path | None = None) -> list[list[str]]:
    """Return the runs of a multirun: `a=1,5 b=range(2)` are four lists of overrides, in Hydra's own order.

    Args:
        overrides: in Hydra's grammar; values with commas between are several.
        project: a project's folder.

    Raises:
        Misconfigured: the overrides do not follow the grammar.
    """
    with composer(project) as one:
        return one.expand(overrides)


def plugin(kind: str, config: DictConfig, project: Path | None = None) -> Any:
    """Return the price process or the task that a configuration asks for.

    Args:
        kind: prices or task.
        config: composed and checked.
        project: a project's folder.
    """
    given: Any = OmegaConf.to_container(config[kind])
    return catalogue.make(kind, given.pop("name"), given, project)


def reads(config: DictConfig, project: Path | None = None) -> dict[str, Mapping[str, Sequence[Path]]]:
    """Return the files that parameters stand for, as prices, task, chain and attacks tell: by section and parameter.

    Args:
        config: composed and checked.
        project: a project's folder.
    """
    plugins = {kind: plugin(kind, config, project) for kind in ("prices", "task")} | {"chain": chain_rules(config)}
    plugins |= {f"attack.{name}": one for name, one in zip(config.attack, attacks(config, project))}
    return {section: one.reads for section, one in plugins.items() if one.reads}


def attacks(config: DictConfig, project: Path | None = None) -> list[Any]:
    """Return the conducts that a configuration asks for, in its order.

    Args:
        config: composed and checked.
        project: a project's folder.
    """
    given: Any = OmegaConf.to_container(config.attack)
    return [catalogue.make("attack", name, values, project) for name, values in given.items()]


def chain_rules(config: DictConfig) -> ChainRules:
    """Return the parameters of the chain that a configuration asks for."""
    if config.engine not in ENGINES:
        raise Misconfigured(f"engine={config.engine}: there are {', '.join(ENGINES)}")
    rules: ChainRules = _made("chain", ChainRules, config.chain)
    if (config.engine, rules.fork) != ("auto", ChainRules.fork):
        _check_engine(config.engine, rules.fork)
    if (blocks := most_blocks(config.scenario.blocks, rules.block_time)) * rules.block_time + rules.genesis > LAST:
        raise Misconfigured(
            f"chain.block_time={rules.block_time}, scenario.blocks={blocks}: they end after the year 2262, which no "
            f"ledger holds in 64 bits of nanoseconds; with this block time at most "
            f"{max(0, int((LAST - rules.genesis) / rules.block_time)):,} blocks do not"
        )
    return rules


@lru_cache
def _check_engine(name: str, fork: str) -> None:
    """Refuse an engine that is not installed, or that does not know a fork."""
    try:
        make_engine(name, fork)
    except (ImportError, ValueError) as error:
        raise Misconfigured(f"engine={name} chain.fork={fork}: {error}") from error


def _check_project(config: DictConfig, project: Path | None) -> None:
    """Refuse a project in which something has the name of something of ours, or a name that nothing reads."""
    if project is None:
        return
    catalogue.refuse_namesakes(project)
    catalogue.metrics(project)
    of_project(project)
    market, _, roles = catalogue.rules(config.protocol.name, project)
    vet(market, Market, *roles)
    for role in roles:
        vet(role, Role, market)


_deployed: set[type[Market]] = set()  # markets of projects that were found to be what their contracts are


def _check_deployed(config: DictConfig, project: Path | None) -> None:
    """Deploy a project's protocol once, and refuse it where its contract lacks what its market or its roles name."""
    from slashpoint.experiments.setup.run import deploy

    market, _, roles = catalogue.rules(config.protocol.name, project)
    if not market.__module__.startswith(PROJECT) or market in _deployed:
        return
    try:
        world, deployed = deploy(config, Ledger(None), project)
    except (ValueError, TypeError, AttributeError, OSError) as error:
        said = str(error) if isinstance(error, Misconfigured) else named(error)
        raise Misconfigured(f"{location(error)}: {market.__name__}.deploy: {said}") from error
    try:
        vet_deployed(deployed, roles)
    finally:
        world.forget()
    _deployed.add(market)


def terms(config: DictConfig, project: Path | None = None) -> Any:
    """Return the terms of the protocol that a configuration asks for.

    Args:
        config: composed and checked.
        project: a project's folder.
    """
    kind, given = catalogue.rules(config.protocol.name, project).TERMS, config.protocol
    needed = [name for name, one in signature(kind).parameters.items() if one.default is one.empty]
    if missing := [name for name in needed if name not in given]:
        without = f"{kind.__name__} has no default for {'them' if missing[1:] else 'it'}"
        raise Misconfigured(f"conf/protocol/{given.name}.yaml lacks {', '.join(missing)} ({without})")
    return _made("protocol", kind, given)


def _made(group: str, kind: type[Any], given: DictConfig) -> Any:
    """Return the settings of a group as the class that owns them has it."""
    try:
        return kind(**plain(given))
    except (TypeError, ValueError) as error:
        raise Misconfigured(str(error) if str(error).startswith(group) else f"{group}: {error}") from error


_sound: set[object] = set()  # what was ready with the files that there are


def _check_files(one: Any, ready: Callable[[], None]) -> None:
    """Refuse files that cannot be read, or hold something else than they should; each is read once while it is."""
    paths = [path for paths in one.reads.values() for path in paths]
    if not paths:
        return
    found = [path.stat() if path.exists() else None for path in paths]
    key = repr(one), tuple((each.st_mtime_ns, each.st_size, each.st_ino) for each in found if each)
    if key not in _sound:
        try:
            ready()
        except ValueError as error:
            raise Misconfigured(str(error)) from error
    if all(found):
        _sound.add(key)


def _check_people(config: DictConfig, project: Path | None) -> None:
    """Refuse a scenario or a protocol that cannot be, and people who are nobody."""
    scenario, seats = _made("scenario", Scenario, config.scenario), terms(config, project).seats
    roles = [role.__name__.lower() for role in catalogue.rules(config.protocol.name, project).ROLES]
    if not seats:
        raise Misconfigured(
            f"protocol.seats: nobody takes part; conf/protocol/{config.protocol.name}.yaml says how many people have "
            f"each role, such as seats: {{{', '.join(f'{role}: 1' for role in roles)}}}"
        )
    for role, number in seats.items():
        if number and role not in roles:
            raise Misconfigured(
                f"protocol.seats.{role}={number}: {config.protocol.name} has no such role; there are {', '.join(roles)}"
            )
    people = sum(seats.values()) * scenario.scale + scenario.crowd["members"]
    if people > MOST_PEOPLE:
        raise Misconfigured(
            f"protocol.seats × scenario.scale + scenario.crowd.members: {people:,} people; at most {MOST_PEOPLE:,}"
        )
    _check_once("absent", scenario.absent)
    _check_once("allow", scenario.allow)
    for name in scenario.absent:
        role, _, number = name.partition("/")
        if name != f"{role}/{number}" or number not in map(str, range(seats.get(role, 0) * scenario.scale)):
            there = [f"{role}/{i}" for role in roles for i in range(min(seats.get(role, 0) * scenario.scale, 100))]
            raise Misconfigured(f"scenario.absent=[{name}]: nobody is called so; {choices(name, there)}")


def _check_once(setting: str, names: Sequence[str]) -> None:
    """Refuse a list of the scenario that says something twice."""
    if twice := [name for name, often in Counter(names).items() if often > 1]:
        raise Misconfigured(f"scenario.{setting}: {twice[0]} is in it twice; once is enough")


def _check_seats(config: DictConfig, project: Path | None) -> None:
    """Refuse attacks of which no role here has a duty, and two of which one leaves the other nothing to do."""
    conducts = attacks(config, project)
    try:
        together(*conducts)
    except TypeError as error:
        raise Misconfigured(f"attack=[{','.join(map(str, config.attack))}]: {error}") from error
    market, _, roles = catalogue.rules(config.protocol.name, project)
    if conducts and not seating(roles, conducts, market):
        raise NoSeat(unseated(roles, conducts, market))


def seatable(attack: str, protocol: str, project: Path | None = None) -> bool:
    """Return whether a role of a protocol may have a duty that an attack changes, as far as their classes tell.

    Args:
        attack: its name; several joined by + may always have one.
        protocol: its name.
        project: a project's folder.
    """
    try:
        market, _, roles = catalogue.rules(protocol, project)
        return bool(seating(roles, [catalogue.make("attack", attack, {}, project)], market))
    except Misconfigured:  # several, or one with parameters that must be given: composing tells
        return True


def _check_attacks(config: DictConfig, project: Path | None) -> None:
    """Refuse a YAML file that was merged into `attack` itself: Hydra does so silently."""
    for name, values in config.attack.items():
        if not catalogue.exists("attack", str(name), project):
            raise Misconfigured(
                f"attack.{name}: there is no attack {name!r}. A file conf/attack/x.yaml must be named like its attack "
                f"and begin with `# @package attack.x`; {choices(name, catalogue.names('attack', project))}"
            )
        if not isinstance(values, DictConfig):
            raise Misconfigured(f"attack.{name}={values}: an attack is chosen by attack=[{name}]")


def check_numbers(config: DictConfig) -> None:
    """Refuse what is missing and numbers that no run can mean; what a class of the catalogue takes, it knows itself."""
    for key, value in _leaves(config):
        if value == "???":
            raise Misconfigured(f"{key} is missing: give {key}=…")
        if not isinstance(value, (int, float)):
            continue
        if not math.isfinite(value):
            raise Misconfigured(f"{key}={value}: a number is finite")
        if key == "seed" and value >= 2**63:
            raise Misconfigured(f"{key}={value}: it must be below {2**63:,}")
        if value < 0 and not key.startswith(tuple(KINDS)):
            raise Misconfigured(f"{key}={value}: it cannot be negative")
        if key.endswith("_bps") and value > 10_000:
            raise Misconfigured(f"{key}={value}: there are 10000 basis points in one")


def _check_types(config: DictConfig, usual: DictConfig) -> None:
    """Refuse a value of another type than the one that it overrides, and one that overrides nothing."""
    known, said = dict(_leaves(usual)), dict(_leaves(config))
    for key, value in said.items():
        if key in known or key.startswith((*KINDS, PEOPLE)) or "[" in key:
            continue
        if OmegaConf.is_config(holds := OmegaConf.select(usual, key)):
            what = "a list" if OmegaConf.is_list(holds) else f"a mapping, of {', '.join(map(str, holds))}"
            raise Misconfigured(f"{key}={value}: it must be {what}")
        raise Misconfigured(f"{key}: nothing reads it; see conf/ for what there is")
    for key, value in known.items():
        if key.endswith("]") and key not in said:
            continue  # a list may be shorter than the usual one
        given: Any = said.get(key, OmegaConf.select(config, key))
        if value is not None and not key.startswith((*KINDS, PEOPLE)) and not _alike(given, value):
            raise Misconfigured(f"{key}={given}: it must be {_sort(value)}, such as {value}")
    for key in config.scenario.people:
        if key not in usual.scenario.people:
            raise Misconfigured(f"{PEOPLE}{key}: nothing reads it; there are {', '.join(usual.scenario.people)}")


def _alike(value: Any, usual: Any) -> bool:
    if isinstance(usual, bool) or isinstance(value, bool):
        return type(value) is type(usual)
    return isinstance(value, (int, float)) if isinstance(usual, float) else type(value) is type(usual)


def _sort(value: Any) -> str:
    return {bool: "true or false", int: "a whole number", float: "a number", str: "text"}.get(type(value), "a list")


def _leaves(node: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every value with its dotted key, plain ones before nested ones; items of lists by their index."""
    if isinstance(node, DictConfig):
        node = OmegaConf.to_container(node, resolve=True)  # ten times as fast to walk
    if isinstance(node, dict):
        for key in sorted(node, key=lambda key: isinstance(node[key], (dict, list))):
            yield from _leaves(node[key], f"{prefix}.{key!s}" if prefix else str(key))
    elif isinstance(node, list):
        for index, item in enumerate(node):
            yield from _leaves(item, f"{prefix}[{index}]")
    else:
        yield prefix, node
