"""One run: a configuration becomes a world, lives, and leaves a result."""

from __future__ import annotations

import gc
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf

from slashpoint.agents.arrivals import arrivals
from slashpoint.agents.payers import Payers
from slashpoint.agents.population import Population
from slashpoint.agents.posters import commission, provide
from slashpoint.agents.scenario import most_blocks
from slashpoint.experiments.setup import catalogue, modules
from slashpoint.experiments.setup.config import attacks as chosen_attacks
from slashpoint.experiments.setup.config import chain_rules, compose, plugin, terms
from slashpoint.experiments.setup.folder import RunFolder
from slashpoint.experiments.setup.given import in_python, overrides_of
from slashpoint.experiments.setup.inputs import content
from slashpoint.experiments.setup.invariants import allowed, of_project
from slashpoint.experiments.setup.origins import keeping
from slashpoint.experiments.setup.project import find_project
from slashpoint.sim.engine import make_engine
from slashpoint.sim.errors import Misconfigured, Stopped, choices, contained, from_project, location, named
from slashpoint.sim.job_accounts import JobAccounts
from slashpoint.sim.ledger import Ledger, LedgerError, Tables, read
from slashpoint.sim.liveness import unkept
from slashpoint.sim.luck import Luck
from slashpoint.sim.metrics import all_metrics
from slashpoint.sim.metrics.caveats import warnings
from slashpoint.sim.metrics.run import Run, at_end
from slashpoint.sim.world import World, frozen_garbage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from slashpoint.agents.conduct import Conduct
    from slashpoint.sim.learning import Task

MODELS: dict[object, bytes] = {}  # trained in this process: a model depends on its order alone
_held: dict[Task, list[str]] = {}  # hashes of the files that a task last read
_left = 0  # objects that the last collection between runs left; 0 before the first
MOST_MODELS = 4_096  # kept from one run to the next; the oldest go first


@dataclass(frozen=True)
class Result:
    """What a run came to."""

    run: Run
    engine: str
    folder: Path | None = None
    known: tuple[Any, ...] = ()  # its metrics, a project's too

    @cached_property
    @contained()
    def metrics(self) -> pd.DataFrame:
        """Every metric: name, key (of what is many), value, unit, better, definition."""
        return all_metrics(self.run, self.known)

    def metric(self, name: str, key: str = "") -> float:
        """Return one metric's value.

        Args:
            name: the metric's, as in `slashpoint list metrics`.
            key: of a metric that has several numbers, such as a person's name.

        Raises:
            KeyError: there is none; the message lists those that exist.
        """
        table = self.metrics
        found = table[(table["name"] == name) & (table["key"] == key)]["value"]
        if found.empty:
            keys = table[table["name"] == name]["key"]
            asked, there = (name, table["name"]) if keys.empty else (key, keys)
            raise KeyError(f"no metric {name!r} with key {key!r}; {choices(asked, sorted(set(there)))}")
        return float(found.iloc[0])

    @property
    def ledger(self) -> Tables:
        """The tables: `result.ledger["events"]` is a DataFrame."""
        return self.run.tables

    @property
    def violations(self) -> pd.DataFrame:
        """What the invariants complained of: block, time_ns, invariant, complaint."""
        return self.run.tables["violations"]

    @property
    def chain_hash(self) -> str:
        """SHA-256 of what happened on chain."""
        return self.run.hashes["chain_hash"]

    @property
    def full_hash(self) -> str:
        """SHA-256 of all that was recorded."""
        return self.run.hashes["full_hash"]

    @property
    def warnings(self) -> list[str]:
        """What a reader should look at before believing the figures."""
        return warnings(self.run)


def build(
    config: DictConfig, ledger: Ledger, *, project: Path | None = None, attacks: Sequence[Conduct] | None = None
) -> World:
    """Deploy a world and settle its people; time has not begun.

    Args:
        config: a composed configuration.
        ledger: where it writes.
        project: a project's folder.
        attacks: conducts to use instead of the configuration's.
    """
    try:
        world, market = deploy(config, ledger, project)
        market.terms.check_units()
        world.add_market(market)
        for asset in ("ETH", *world.tokens):
            _priced(world, asset)
        off = allowed(config, project)
        world.invariants = [one for one in (*world.invariants, *of_project(project)) if one.__name__ not in off]
        if off:
            world.notes.append(f"invariants that were not asked (scenario.allow): {', '.join(sorted(off))}")
        roles = catalogue.rules(config.protocol.name, project).ROLES
        _settle(world, market, roles, config, project, attacks)
    except ValueError as error:
        raise Misconfigured(str(error)) from error
    return world


def _priced(world: World, asset: str) -> None:
    """Refuse prices that do not know an asset, before anybody needs them."""
    try:
        world.prices.usd(asset, float(world.rules.genesis))
    except KeyError as error:
        raise Misconfigured(str(error.args[0])) from error


def deploy(config: DictConfig, ledger: Ledger, project: Path | None = None) -> tuple[World, Any]:
    """Return a world with nobody in it, and the market that was deployed there.

    Args:
        config: a composed configuration.
        ledger: where the world writes.
        project: a project's folder.

    Raises:
        ValueError: the protocol cannot be deployed.
    """
    rules = chain_rules(config)
    engine = make_engine(config.engine, rules.fork)
    task, prices = plugin("task", config, project), plugin("prices", config, project)
    _forget_models(task)
    world = World(engine, rules, Luck(config.seed), task, prices, ledger, MODELS)
    market = catalogue.rules(config.protocol.name, project).MARKET
    return world, market.deploy(world, terms(config, project))


def _collect() -> None:
    """Collect the worlds of earlier runs once they are as many objects as all that the last collection left.

    Python's own full collection never comes: it waits for objects to grow old, and what a world froze is old already.
    """
    global _left  # noqa: PLW0603 - of the process, as the collector is
    gc.freeze()
    there = gc.get_freeze_count()
    gc.unfreeze()
    if there > 2 * _left:
        if _left:
            gc.collect()
        _left = len(gc.get_objects())


def _forget_models(task: Task) -> None:
    """Forget models that nobody will ask for soon, and all that were trained on files that now hold something else."""
    while len(MODELS) > MOST_MODELS:
        del MODELS[next(iter(MODELS))]
    held = [content(path) for paths in task.reads.values() for path in paths]
    if _held.setdefault(task, held) != held:
        _held[task] = held
        MODELS.clear()


def _settle(
    world: World, market: Any, roles: Any, config: DictConfig, project: Path | None, attacks: Sequence[Conduct] | None
) -> None:
    scenario: dict[str, Any] = OmegaConf.to_container(config.scenario, resolve=True)  # type: ignore[assignment]
    terms = market.terms
    population = Population(
        {role: seats * scenario["scale"] for role, seats in terms.seats.items()},
        scenario["people"],
        terms.endowment["eth"],
        terms.endowment.get(market.asset.lower(), 0.0),
        scenario["attackers"],
        scenario["seat"],
        frozenset(scenario["absent"]),
    )
    conducts = list(attacks) if attacks is not None else chosen_attacks(config, project)
    people = population.settle(world, market, roles, conducts, label(conducts))
    posters = [
        person.accounts[0] for role in roles if role.posts for person in people if isinstance(person.roles[0], role)
    ]
    start, jobs = world.rules.genesis + 2 * world.rules.block_time, scenario["jobs"] if posters else 0
    times = arrivals(scenario["arrivals"], scenario["interval"], jobs, world.luck("arrivals"))
    commission(world, posters, [start + time for time in times])
    if scenario["crowd"]["members"]:
        Payers(world, market, latency=scenario["people"]["latency"], **scenario["crowd"])
    provide(world, market, posters, scenario["given"])
    world.job_accounts = JobAccounts() if scenario["free_entry"] else None
    for person in people:
        person.begin()


def label(attacks: Sequence[Conduct]) -> str:
    """Return what the strategy of the attackers is called."""
    return "+".join(type(attack).__name__.lower() for attack in attacks) or "honest"


@contained()
def run(
    config: DictConfig,
    *,
    project: Path | None = None,
    overrides: Sequence[str] = (),
    options: Sequence[str] = (),
    again: str = "",
    runs: Path | None = None,
    progress: Callable[[World], None] | None = None,
    attacks: Sequence[Conduct] | None = None,
) -> Result:
    """Run a configuration to its end.

    Args:
        config: composed and checked.
        project: a project's folder.
        overrides: what the user said, for the line that repeats the run.
        options: what else that line needs.
        again: that line, where no command repeats the run.
        runs: where its folder is made; None keeps everything in memory.
        progress: called after every block.
        attacks: conducts to use instead of the configuration's.

    Raises:
        Misconfigured: it cannot run; nothing was left behind.
        BaseException: whatever cut it short; a note says where the partial ledger is.
    """
    _collect()
    folder = None
    if runs is not None:
        called = label(attacks) if attacks is not None else "+".join(config.attack)
        folder = RunFolder.create(
            OmegaConf.to_yaml(config), protocol=config.protocol.name, attack=called, seed=config.seed,
            overrides=overrides, options=options, again=again, runs=runs,
        )  # fmt: skip
    ledger = Ledger(folder.path if folder else None)
    world = None
    kept = keeping(folder.path, config, project, attacks or ()) if folder else nullcontext()
    try:
        with kept:
            with folder.takes("set up") if folder else nullcontext(), frozen_garbage():
                world = build(config, ledger, project=project, attacks=attacks)
            with folder.takes("run") if folder else nullcontext():
                after_block = folder.keeps(ledger, progress) if folder else progress
                blocks = most_blocks(config.scenario.blocks, config.chain.block_time)
                world.run(config.scenario.jobs, blocks, after_block)
            result = _conclude(config, world, ledger, folder, project, overrides)
    except BaseException as error:
        if folder is not None and world is None and isinstance(error, Misconfigured):
            folder.discard()
            raise
        why = f"stopped by {error}" if isinstance(error, Stopped) else f"{named(error)} ({location(error)})"
        with suppress(LedgerError):  # a full disk: what is there is marked as partial and can be read
            ledger.close(complete=False, why=why)
        if folder is not None and ledger.complete:
            folder.fails(why)
        if folder is not None and world is not None:
            error.add_note(f"{folder.path} holds {'its whole' if ledger.complete else 'a partial'} ledger")
        if isinstance(error, NotImplementedError) and error.args and not from_project(error):
            raise Misconfigured(str(error)) from error  # a task that cannot be lied about so, say
        raise
    finally:
        if world is not None:
            world.forget()
    return result


def _conclude(
    config: DictConfig,
    world: World,
    ledger: Ledger,
    folder: RunFolder | None,
    project: Path | None,
    overrides: Sequence[str],
) -> Result:
    chain_hash, full_hash = ledger.hashes()
    hashes = {"chain_hash": chain_hash, "full_hash": full_hash}
    ledger.close()
    tables = read(folder.path if folder else ledger)
    market, engine = world.markets[0], world.engine.name
    prices = at_end(world.prices, tables)
    notes = [note for note in (world.training_cache.task.note,) if note]
    notes += world.notes
    notes += [f"infeasible: {why}" for why in market.terms.infeasible()]
    notes += [f"infeasible: {why}" for why in unkept(world)]
    said = {one.lstrip("+").partition("=")[0] for one in overrides}
    idle = [(f"protocol.{name}", why) for name, why in market.terms.idle()]
    notes += [f"{key} has no effect: {why}" for key, why in idle if key in said]
    if market.terms.value(1.0) == 0:
        notes.append("protocol.value_usd is 0: welfare and surplus leave out what the models are worth to their buyers")
    if not world.ended:
        notes.append(f"stopped at {world.chain.number} blocks with {world.unfinished} (scenario.blocks)")
    expected = {"duties": sorted(market.usual), "events": list(market.expects)}
    expected["states"] = list(market.state_names)
    expected["invariants"] = [one.__name__ for one in world.invariants]
    plain: Any = OmegaConf.to_container(config)
    begun = {asset: world.prices.usd(asset, float(world.rules.genesis)) for asset in prices}
    done = Run(tables, prices, plain, tuple(notes), expected, hashes, begun)
    metrics = catalogue.metrics(project)
    if folder is not None:
        folder.finish(done, engine=engine, metrics=metrics)
    return Result(done, engine, folder.path if folder else None, tuple(metrics))


@contained()
def simulate(
    protocol: str = "modelmarket",
    attack: Any = (),
    scenario: str = "standard",
    seed: int = 0,
    overrides: Sequence[str] = (),
    project: str | Path | None = None,
    runs: str | Path | None = None,
) -> Result:
    """Run once, from Python.

    Args:
        protocol: its name.
        attack: a name, a conduct (an object or a class, such as one defined in a notebook), or a list of them.
        scenario: `small` or `standard`, or a project's.
        seed: of everything random.
        overrides: more of the configuration, in Hydra's grammar.
        project: a project's folder, a text or a Path; by default the one around the current folder.
        runs: where to leave a folder of the run, a text or a Path; by default nothing is left.

    Returns:
        The result: `.metrics`, `.ledger["events"]`, `.violations`, `.chain_hash`.
    """
    home = find_project() if project is None else Path(project)
    kept = None if runs is None else Path(runs)
    if home is not None:
        modules.refreshed(home)
    given = [
        one() if isinstance(one, type) else one for one in (attack if isinstance(attack, list | tuple) else [attack])
    ]
    setting = [f"protocol={protocol}", f"scenario={scenario}", f"seed={seed}"]
    if (asked := overrides_of(given, home)) is not None:
        said = [*setting, *asked, *overrides]
        config = compose(said, home)
        if all(isinstance(one, str) or one == made for one, made in zip(given, chosen_attacks(config, home))):
            return run(config, project=home, overrides=said, runs=kept)
    said = [*setting, f"attack=[{','.join(one for one in given if isinstance(one, str))}]", *overrides]
    config = compose(said, home)
    named = iter(chosen_attacks(config, home))
    conducts = [next(named) if isinstance(one, str) else one for one in given]
    again = in_python([protocol, given, scenario, seed, list(overrides)], given)
    return run(config, project=home, overrides=said, again=again, runs=kept, attacks=conducts)
