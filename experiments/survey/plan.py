"""The plan: which runs a survey makes. Everywhere the same model, demand, providers and attackers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from omegaconf import OmegaConf

from slashpoint.experiments.setup import catalogue
from slashpoint.experiments.setup.config import compose, variants
from slashpoint.experiments.study.executor import Point
from slashpoint.experiments.study.pairs import cheated, line, seats, twin
from slashpoint.experiments.survey.facts import facts
from slashpoint.sim.errors import Misconfigured, choices
from slashpoint.sim.luck import Luck

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from slashpoint.experiments.survey.facts import Facts

MODEL = (
    "task=mnist",
    "task.model=cnn",
    "task.epochs=1",
)  # the model that is deployed, unless another task is asked for
CENTRAL = (
    "protocol=modelmarket",
    "protocol.seats.trainer=1",
)  # where one person alone trains on all the data: no worker is lost to others, and nothing is split
WORKERS, WORTH = 5, 150.0  # in every network: people who work; USD that a perfect model is worth to its buyer
POWER, ENERGY = 50_000.0, 2.4  # watts, and USD per kWh with the rent of the machines in it: 120 USD an hour
SECONDS = 240.0  # simulated, of a full training: what fits into every network's windows
JOBS, INTERVALS = 6, (600, 60, 6)  # of the load: jobs, and seconds between two of them
STAKES = (0.0, 2.0, 10.0, 40.0, 160.0)  # whole tokens
TRUSTED = 3  # one in so many workers is trusted
THIEVES = ("work", "judge", "settle")  # the duties from whose seats a model is copied
FRESH = 1_000_000  # the first seed of those that had no part in picking an attack
CHAINS = ("l1", "l2")
SEATS = 3  # of its role, that an attacker takes by turns, at most
FIRST = 1  # seeds on which all attacks are measured


@dataclass(frozen=True)
class Network:
    """A protocol in one variant: a column of the survey."""

    protocol: str
    variant: str
    setting: tuple[str, ...]  # overrides of all its runs
    model: tuple[str, ...]  # overrides of those that deploy the model
    worker: str  # the role whose people do the work
    workers: int  # how many there are
    facts: Facts | None
    central: tuple[str, ...] = ()  # overrides of the run in which one honest trainer makes the model of all the data
    guess: float = 0.0  # share of right answers of a model that guesses

    @property
    def stakes(self) -> tuple[float, ...]:
        """The values of its collateral that are tried."""
        return (self.facts and self.facts.stakes) or STAKES

    def __str__(self) -> str:
        """Its protocol and variant."""
        return f"{self.protocol} {self.variant}"


@dataclass(frozen=True)
class Trial:
    """A setting of the survey and what it is for."""

    kind: str  # central | deploy | load | loss | trusted | stake | attack | again | thief | manage
    network: Network
    x: Any  # where it stands along its kind: a chain, seconds, nodes that are gone, a stake, an attack, a duty, a topic
    more: tuple[str, ...]  # overrides beyond the network's
    seeds: tuple[int, ...]
    pairs: bool = False  # run beside a twin without the attack

    @property
    def setting(self) -> tuple[str, ...]:
        """All overrides but the seed."""
        return (*(self.network.central if self.kind == "central" else self.network.setting), *self.more)

    def points(self, project: Path | None) -> list[Point]:
        """Return its runs, an attack from its first SEATS, with the seed's twin beside it where there are pairs."""
        about = {"kind": self.kind, "protocol": self.network.protocol, "variant": self.network.variant, "x": self.x}
        turns = _turns(self.setting, project) if cheated(self.setting) else (None,)
        found = []
        for seed in self.seeds:
            runs = [((*self.setting, *([] if seat is None else [f"scenario.seat={seat}"])), seat) for seat in turns]
            for setting, seat in [*runs, *([(twin(self.setting), None)] if self.pairs else [])]:
                run = (*setting, f"seed={seed}")
                labels = {**about, "seed": seed, "seat": seat, "honest": self.pairs and seat is None, "line": line(run)}
                found.append(Point(run, project, labels))
        return found


def _turns(setting: Sequence[str], project: Path | None) -> tuple[int, ...]:
    """Return the seats that an attacker takes by turns; one where it has none, whose run says so."""
    try:
        return seats(setting, project)[:SEATS]
    except Misconfigured:
        return (0,)


def networks(protocols: Sequence[str], overrides: Sequence[str], project: Path | None = None) -> list[Network]:
    """Return the columns of a survey: each protocol in each of its variants.

    Args:
        protocols: their names.
        overrides: of all runs, in Hydra's grammar; `scenario=small` unless they say otherwise.
        project: a project's folder.

    Raises:
        Misconfigured: there is no such protocol, or an override is not known or not for a survey.
    """
    given = {one.lstrip("+~").partition("=")[0] for one in overrides}
    if taken := given & {"protocol", "protocol.variant", "seed", "attack", "chain", "scenario.absent"}:
        raise Misconfigured(f"{min(taken)}=…: a survey sets it itself; leave it out")
    found = []
    for protocol in protocols:
        base = [*([] if "scenario" in given else ["scenario=small"]), *overrides, f"protocol={protocol}"]
        said = facts(protocol, project)
        model = () if "task" in given else said.task if said and said.task else MODEL
        worker = _worker(protocol, project)
        for variant in variants(protocol, [one for one in base if not one.startswith("protocol=")], project):
            setting = (*base, f"protocol.variant={variant}")
            config = compose(setting, project)
            equal = {f"protocol.seats.{worker}": WORKERS, "protocol.value_usd": WORTH}
            equal |= {"scenario.people.power": POWER, "scenario.people.energy": ENERGY}
            equal |= {} if said and said.task else {"task.seconds": SECONDS}
            same = [
                f"{key}={value:g}"
                for key, value in equal.items()
                if key not in given and OmegaConf.select(config, key) is not None
            ]
            compose((*setting, *same, *model), project)
            given_all = compose((*setting, *same), project).protocol
            workers = int(given_all.seats.get(worker, 0)) if worker else 0
            central = (*(one for one in base if not one.startswith("protocol")), *CENTRAL, *model)
            found.append(
                Network(
                    protocol, variant, (*setting, *same), tuple(model), worker, workers, said, central,
                    float(given_all.value_floor),
                )
            )  # fmt: skip
    return found


def trials(columns: Sequence[Network], seeds: int, attacks: Sequence[str] = ()) -> list[Trial]:
    """Return what is run of each network, but for attacks that are measured again.

    Args:
        columns: the networks.
        seeds: how many.
        attacks: names; by default all that name no protocol.
    """
    every, names = tuple(range(seeds)), list(attacks) or shared_attacks()
    return [
        trial
        for one in columns
        for trial in (*_honest(one, every), *_managed(one, every), *_attacked(one, every, names))
    ]


def again(trial: Trial, seeds: int) -> Trial:
    """Return a trial once more, on seeds that had no part in picking it.

    Args:
        trial: of an attack.
        seeds: how many.
    """
    return Trial("again", trial.network, trial.x, trial.more, tuple(range(FRESH, FRESH + seeds)), pairs=True)


def shared_attacks(project: Path | None = None) -> list[str]:
    """Return the attacks that name no protocol."""
    names = catalogue.names("attack", project)
    return [one for one in names if ".exploits." not in catalogue.load("attack", one, project).__module__]


def chosen(kind: str, named: Sequence[str], there: Sequence[str]) -> list[str]:
    """Return the protocols, or the attacks, that are asked for, all if none is named.

    Args:
        kind: protocol or attack.
        named: their names.
        there: those that there are.

    Raises:
        Misconfigured: one is not there, or is named twice.
    """
    for name in named:
        if name not in there:
            raise Misconfigured(f"there is no {kind} {name!r} to survey; {choices(name, there)}")
        if list(named).count(name) > 1:
            raise Misconfigured(f"the {kind} {name} is there twice")
    return list(named) or list(there)


def _worker(protocol: str, project: Path | None) -> str:
    """Return the role whose people work: that of every attack that asks for a worker's seat."""
    roles = catalogue.rules(protocol, project).ROLES
    return next((role.__name__.lower() for role in roles if "work" in role.duties), "")


def _honest(one: Network, seeds: tuple[int, ...]) -> Iterator[Trial]:
    yield Trial("central", one, "", ("scenario.jobs=1",), seeds)
    for chain in CHAINS:
        yield Trial("deploy", one, chain, (*one.model, "scenario.jobs=1", f"chain={chain}"), seeds)
    for seconds in INTERVALS:
        yield Trial("load", one, seconds, (f"scenario.jobs={JOBS}", f"scenario.interval={seconds}"), seeds)
    for gone in range(one.workers + 1):
        for seed in seeds:
            lost = _lost(one, gone, seed)
            untrusted = {f"{one.worker}/{i}" for i in range(math.ceil(one.workers / TRUSTED), one.workers)}
            for kind, absent in (("loss", lost), ("trusted", lost | untrusted)):
                said = f"scenario.absent=[{','.join(sorted(absent))}]"
                yield Trial(kind, one, gone, ("scenario.jobs=1", said), (seed,))


def _managed(one: Network, seeds: tuple[int, ...]) -> Iterator[Trial]:
    """Yield what is run to see a call that no honest deployment makes, where this variant can run it."""
    for topic, fact in (one.facts.topics if one.facts else {}).items():
        if fact.run:
            yield Trial("manage", one, topic, ("scenario.jobs=1", *fact.run.split()), seeds)


def _lost(one: Network, gone: int, seed: int) -> set[str]:
    """Return which workers are lost: more of the same ones, the more are."""
    order = Luck("survey", "lost", seed).generator().permutation(one.workers)
    return {f"{one.worker}/{i}" for i in order[:gone]}


def _attacked(one: Network, seeds: tuple[int, ...], attacks: Sequence[str]) -> Iterator[Trial]:
    if one.facts and one.facts.collateral:
        for stake in one.stakes:
            more = ("scenario.jobs=1", f"protocol.{one.facts.collateral}={stake:g}", "attack=lazy")
            yield Trial("stake", one, stake, more, seeds, pairs=True)
    for duty in THIEVES:
        thief = (*one.model, "scenario.jobs=1", "attack=model_thief", f"attack.model_thief.duty={duty}")
        yield Trial("thief", one, duty, thief, seeds)
    for attack in attacks:
        yield Trial("attack", one, attack, ("scenario.jobs=1", f"attack=[{attack}]"), seeds[:FIRST], pairs=True)
