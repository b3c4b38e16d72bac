"""What holds of every protocol, whatever it is about: all that are there, in all their variants."""

from __future__ import annotations

import re
from functools import cache
from importlib.util import find_spec

import pytest

import slashpoint
from slashpoint.agents.conduct import compose as composed
from slashpoint.agents.population import seating
from slashpoint.experiments.setup import catalogue
from slashpoint.experiments.setup.config import compose
from slashpoint.sim.ledger.columns import TABLES
from slashpoint.sim.ledger.money import EDGE, Cause, Edge
from slashpoint.sim.metrics import welfare

PROTOCOLS = list(catalogue.presets("protocol"))
VARIANTS = [
    (protocol, variant)
    for protocol in PROTOCOLS
    for usual in (compose([f"protocol={protocol}"]).protocol.variant,)
    for variant in sorted({usual, *catalogue.presets(f"protocol/{protocol}")})
]
SHARED = [name for name in catalogue.names("attack") if catalogue.load("attack", name).script is None]


def seated(protocol: str, attack: str) -> bool:
    """Whether a protocol asks for a duty that an attack changes."""
    market, _, roles = catalogue.rules(protocol)
    return bool(seating(roles, [composed(catalogue.make("attack", attack, {}))], market))


PLAYED = [(attack, *where) for attack in SHARED for where in VARIANTS if seated(where[0], attack)]
SOME = [next(one for one in PLAYED[i:] + PLAYED[:i] if one[0] == attack) for i, attack in enumerate(SHARED)]


@cache
def lived(protocol, variant, engine="auto", attack=(), seed=0):
    """One small run."""
    said = [f"protocol.variant={variant}", "scenario.jobs=1", f"engine={engine}"]
    return slashpoint.simulate(protocol, attack, "small", seed, said)


def unexplained(result):
    transfers = result.ledger["transfers"]
    return transfers[transfers["cause"] == "unknown"]


@pytest.mark.parametrize(("protocol", "variant"), VARIANTS)
def test_honest_people_are_accused_of_nothing_and_everything_that_should_happens(protocol, variant):
    result = lived(protocol, variant)
    assert list(result.violations["complaint"]) == []
    assert unexplained(result).empty
    assert set(result.run.expected["events"]) - set(result.ledger["events"]["event"]) == set()
    assert result.ledger["jobs"]["closed_ns"].notna().all()
    assert len(result.ledger["jobs"]) == 1
    assert not [note for note in result.run.notes if "still open" in note]


@pytest.mark.parametrize(("protocol", "variant"), VARIANTS)
def test_what_people_share_is_welfare_less_what_contracts_keep_and_what_is_burnt(protocol, variant):
    """Each cost is in the books once: no payment at the edge of the world is left out of welfare."""
    run = lived(protocol, variant).run
    kept = sum(
        run.usd(asset, amount)
        for (party, asset), amount in run.net.items()
        if party not in run.people.index and party not in EDGE
    )
    burnt = sum(run.usd(asset, amount) for asset, amount in run.paid("burn").items())
    shared = welfare.buyer_surplus(run) + welfare.provider_surplus(run)
    assert shared == pytest.approx(welfare.welfare(run) - kept - burnt, abs=1e-9)


@pytest.mark.parametrize(("protocol", "variant"), VARIANTS)
def test_money_moves_for_causes_and_between_parties_that_are_documented(protocol, variant):
    tables = lived(protocol, variant).ledger
    moved = tables["transfers"]
    assert set(moved["cause"]) <= set(Cause)
    contracts = {*tables["transactions"]["contract"], *tables["jobs"]["market"]}
    assert {*moved["sender"], *moved["receiver"]} <= {*tables["accounts"]["account"], *contracts, *Edge}
    assert set(Cause) <= set(re.findall(r"\w+", TABLES["transfers"]["cause"].meaning))


@pytest.mark.skipif(find_spec("slashpoint_revm") is None, reason="the native engine is not built")
@pytest.mark.parametrize(("protocol", "variant"), VARIANTS)
def test_both_engines_tell_the_same_and_charge_the_same_gas(protocol, variant):
    plain, native = (lived(protocol, variant, engine) for engine in ("pyevm", "native"))
    gas = [list(one.ledger["transactions"]["gas"]) for one in (plain, native)]
    assert gas[0] == gas[1]
    assert plain.chain_hash == native.chain_hash
    assert plain.chain_hash != lived(protocol, variant, "native", seed=1).chain_hash


def plays(attack, protocol, variant):
    result = lived(protocol, variant, attack=attack)
    assert result.ledger["accounts"]["attacker"].any()
    assert list(result.violations["complaint"]) == []
    assert unexplained(result).empty


@pytest.mark.parametrize(("attack", "protocol", "variant"), SOME)
def test_a_shared_attack_plays(attack, protocol, variant):
    plays(attack, protocol, variant)


@pytest.mark.slow
@pytest.mark.parametrize(("attack", "protocol", "variant"), PLAYED)
def test_every_shared_attack_plays_wherever_it_has_a_seat(attack, protocol, variant):
    plays(attack, protocol, variant)


# --- one more of each takes files of its own, and nothing else ---

MAGPIE = """
from dataclasses import dataclass, replace

from slashpoint import Conduct


@dataclass
class Magpie(Conduct):
    '''Works half as much, and thinks well of everybody.'''

    effort: float = 0.5

    def work(self, me, job):
        model = yield me.trains(job, effort=self.effort)
        work = yield from super().work(me, job)
        return replace(work, model=model, predictions=me.predicts(model, job))

    def judge(self, me, job, subject):
        yield me.until(me.now)
        return subject.scale
"""
TWIN = """
from slashpoint.protocols.collective import MARKET, TERMS

from .roles import ROLES
"""
TWIN_ROLES = """
from slashpoint.agents.roles import Keeper
from slashpoint.protocols.collective.roles import Convener, Learner


class Tutor(Convener):
    '''A convener that calls the timeouts as well.'''

    def commission(self, me, number):
        me.spawn(Keeper(self.conduct, self.market).live)
        yield from super().commission(me, number)


ROLES = (Tutor, Learner)
"""
TARDY = """
from dataclasses import dataclass
from typing import ClassVar

from slashpoint.agents.conduct import Conduct
from .. import roles


class Learner(roles.Learner):
    '''Votes a second later.'''

    def vote(self, me, job):
        yield me.until(me.now + 1)
        yield from super().vote(me, job)


@dataclass
class Tardy(Conduct):
    '''Hopes that nobody minds.'''

    script: ClassVar[type | None] = Learner
"""
FILES = {
    "slashpoint.yaml": "",
    "attacks/magpie.py": MAGPIE,
    "protocols/classroom/__init__.py": TWIN,
    "protocols/classroom/roles.py": TWIN_ROLES,
    "protocols/classroom/exploits/tardy.py": TARDY,
    "conf/protocol/classroom.yaml": (
        "defaults: [collective, _self_]\nname: classroom\nrounds: 4\nseats: {convener: 0, keeper: 0, tutor: 1}\n"
    ),
    "conf/scenario/small/classroom.yaml": (
        "# @package _global_\ndefaults:\n  - override /task@_global_.task: synthetic\n"
    ),
}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A folder with one more attack and one more protocol."""
    folder = tmp_path_factory.mktemp("mine")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize("protocol", [*PROTOCOLS, "classroom"])
def test_a_new_attack_plays_in_every_protocol_a_new_one_too(project, protocol):
    result = slashpoint.simulate(protocol, "magpie", "small", 0, ["scenario.jobs=1"], project)
    duties = result.ledger["duties"]
    assert duties["by"].str.startswith("Magpie.").any()
    assert list(result.violations["complaint"]) == []
    assert unexplained(result).empty
    assert result.ledger["jobs"]["closed_ns"].notna().all()
    written = {path.relative_to(project).as_posix() for path in project.rglob("*") if path.is_file()}
    assert {path for path in written if "__pycache__" not in path} == set(FILES)


def test_a_protocols_folder_brings_its_exploits(project):
    result = slashpoint.simulate("classroom", "tardy", "small", 0, ["scenario.jobs=1"], project)
    assert result.run.people.query("attacker")["strategy"].tolist() == ["tardy"]
    assert result.full_hash != slashpoint.simulate("classroom", (), "small", 0, ["scenario.jobs=1"], project).full_hash


def test_what_is_new_is_listed(project):
    assert "tardy" in catalogue.names("attack", project)
    assert "magpie" in catalogue.names("attack", project)
    assert "magpie" not in catalogue.names("attack")
    assert catalogue.rules("classroom", project).TERMS
    assert "classroom" in catalogue.presets("protocol", project)
