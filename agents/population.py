"""The population: who sits in which seat, under which circumstances, and which of them attack."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, get_args

from slashpoint.agents.conduct import Conduct, compose, overridden_duties
from slashpoint.agents.knowledge import Knowledge
from slashpoint.agents.person import Person, Traits
from slashpoint.agents.scenario import People
from slashpoint.agents.takeover import Takeover
from slashpoint.sim.domain import limits
from slashpoint.sim.market import Market

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from slashpoint.agents.draws import Spec
    from slashpoint.agents.roles import Role
    from slashpoint.sim.luck import Luck
    from slashpoint.sim.world import World


@dataclass(frozen=True)
class Population:
    """How many people there are of each role, and what they are like."""

    seats: Mapping[str, int]  # by role
    people: Mapping[str, Spec]  # what traits are drawn from
    eth: float = 10.0  # first endowment of each person, ETH
    tokens: float = 1000.0  # first endowment of each person, whole tokens
    attackers: int = 1  # seats that attack, for each that the attack asks for
    rotate: int = 0  # the first of the seats that they take, modulo how many there are
    leave_out: frozenset[str] = field(default_factory=frozenset)  # people who stay away

    def traits(self, luck: Luck) -> Traits:
        """Draw one person's circumstances from the distributions."""
        bounds = limits(People)
        drawn = {name: bounds[name].draw(spec, luck(name)) for name, spec in self.people.items()}
        power, energy = drawn.pop("power"), drawn.pop("energy")
        return Traits(**drawn, compute_usd_hour=power / 1000 * energy, eth=self.eth, tokens=self.tokens)

    def settle(
        self, world: World, market: Market, roles: Sequence[type[Role]], attacks: Sequence[Conduct], label: str
    ) -> list[Person]:
        """Create everybody and give them their first money.

        Args:
            world: where they live.
            market: where they act.
            roles: of the protocol.
            attacks: composed, leftmost first.
            label: what the attackers' strategy is called.

        Raises:
            ValueError: the attack has no seat here.
        """
        attackers = self.attacking_seats(roles, attacks, type(market))
        attacking, coalition = compose(*attacks) if attacks else Conduct(), Knowledge()
        scripts = _scripts(attacks)
        people = []
        for role in roles:
            for i in range(self.seats.get(role.__name__.lower(), 0)):
                name = f"{role.__name__.lower()}/{i}"
                if name in self.leave_out:
                    continue
                attacks_here = name in attackers
                conduct = attacking if attacks_here else Conduct()
                script = next((one for one in scripts if attacks_here and _takes(one, role, type(market))), None)
                person = Person(
                    world, name, [played(script, role, type(market))(conduct, market)],
                    self.traits(world.luck("traits", name)),
                    strategy=label if attacks_here else "honest", coalition=coalition if attacks_here else None,
                )  # fmt: skip
                people.append(person)
        for person in sorted(people, key=lambda one: one.name):  # whoever was created first
            person.endow(market)
        return people

    def attacking_seats(
        self, roles: Sequence[type[Role]], attacks: Sequence[Conduct], market: type[Market]
    ) -> frozenset[str]:
        """Return the names of the attackers.

        Args:
            roles: of the protocol.
            attacks: composed, leftmost first.
            market: the protocol's, which offers verbs.

        Raises:
            ValueError: the attack has no seat here.
        """
        if not attacks:
            return frozenset()
        wanted = seating(roles, attacks, market)
        if not wanted:
            raise ValueError(unseated(roles, attacks, market))
        names = set()
        for role, number in wanted.items():
            seats = self.seats.get(role, 0)
            for i in range(min(seats, number * self.attackers)):
                names.add(f"{role}/{(self.rotate + i) % seats}")
        return frozenset(names)

    def turns(self, roles: Sequence[type[Role]], attacks: Sequence[Conduct], market: type[Market]) -> tuple[int, ...]:
        """Return the values of `rotate` that seat the attack once in every seat of its roles.

        Who stays away takes no turn, and where an attack takes all seats at once there is one turn.

        Args:
            roles: of the protocol.
            attacks: composed, leftmost first.
            market: the protocol's, which offers verbs.

        Raises:
            ValueError: the attack has no seat here.
        """
        most = max((self.seats.get(role, 0) for role in seating(roles, attacks, market)), default=1)
        taken: dict[frozenset[str], int] = {}
        for turn in range(max(1, most)):
            attackers = replace(self, rotate=turn).attacking_seats(roles, attacks, market) - self.leave_out
            if attackers:
                taken.setdefault(attackers, turn)
        if not taken:
            raise ValueError(f"{_kinds(attacks)} has no seat here: nobody is there who would have its duties")
        return tuple(taken.values())


def _kinds(attacks: Sequence[Conduct]) -> str:
    return " + ".join(type(attack).__name__ for attack in attacks)


def played(script: Any, role: type[Role], market: type[Market]) -> type[Role]:
    """Return the class that plays a role: an attack's script where it takes the role over, else the role itself.

    Args:
        script: an attack's, or None.
        role: a role of the protocol.
        market: the protocol's.
    """
    if script is None or not _takes(script, role, market):
        return role
    found: type[Role] = script.of(role) if issubclass(script, Takeover) else script
    return found


def _takes(script: type, role: type[Role], market: type[Market]) -> bool:
    if issubclass(script, Takeover):
        return not _elsewhere(script, market) and script.fits(role)
    return issubclass(script, role) and issubclass(market, _written_for(script))


def _elsewhere(script: type, market: type[Market]) -> str:
    """Return the name of the market that a takeover plays in, if this is another."""
    name = script.plays_in if issubclass(script, Takeover) else ""
    return "" if name in {"", *(one.__name__ for one in market.__mro__)} else name


def _written_for(script: type) -> type:
    """Return the market that a script names, as in `Keeper[Ocean]`; any, if it names none."""
    named = (arg for one in script.__mro__ for base in vars(one).get("__orig_bases__", ()) for arg in get_args(base))
    return next((arg for arg in named if isinstance(arg, type) and issubclass(arg, Market)), Market)


def _scripts(attacks: Sequence[Conduct]) -> list[type]:
    """Return what attacks play in the place of roles' own scripts."""
    return [one.script for one in attacks if one.script is not None]


def _twice(attacks: Sequence[Conduct], roles: Sequence[type[Role]], market: type[Market]) -> str:
    """Return the role that two scripts take over, in lower case: a person plays one. Empty if there is none."""
    scripts = _scripts(attacks)
    taken = (role.__name__.lower() for role in roles if sum(_takes(one, role, market) for one in scripts) > 1)
    return next(taken, "")


def _lacking(attacks: Sequence[Conduct], market: type[Market]) -> list[str]:
    """Return the verbs that attacks call and that a market does not offer."""
    called = [verb for one in _scripts(attacks) if issubclass(one, Takeover) for verb in one.verbs]
    return [verb for verb in called if getattr(market, verb, None) is getattr(Market, verb, None)]


def _changed(attacks: Sequence[Conduct]) -> list[str]:
    """Return the duties that attacks change; those of whoever works or judges where they change none."""
    changed = frozenset[str]().union(*(overridden_duties(type(attack)) for attack in attacks if not attack.modifies))
    return sorted(changed or {"work", "judge"})


def unseated(roles: Sequence[type[Role]], attacks: Sequence[Conduct], market: type[Market]) -> str:
    """Return why an attack has no seat in a protocol, in words.

    Args:
        roles: of the protocol.
        attacks: composed, leftmost first.
        market: the protocol's, which offers verbs.
    """
    duties = sorted({duty for role in roles for duty in role.duties})
    why = f"no role has a duty that it changes: it changes {', '.join(_changed(attacks))}"
    if seats := [duty for one in attacks if not one.modifies for duty in one.seats if duty not in duties]:
        why = f"it takes the seat of a role with the duty {seats[0]}, and the roles here have {', '.join(duties)}"
    if verbs := _lacking(attacks, market):
        why = f"it calls {' and '.join(verbs)}, which {market.__name__} does not offer"
    elif away := next(filter(None, (_elsewhere(one, market) for one in _scripts(attacks))), ""):
        why = f"it plays in {away} only, and this is {market.__name__}"
    elif role := _twice(attacks, roles, market):
        why = f"{_kinds([one for one in attacks if one.script])} each play all that a {role} does: choose one"
    elif idle := _idle(attacks, roles, _wanted(roles, attacks, market)):
        there, asked = " and a ".join(_wanted(roles, attacks, market)), ", ".join(_changed([idle]))
        why = f"the attacker is a {there}, who is never asked for what {_kinds([idle])} changes: {asked}"
    elif _scripts(attacks):
        why = f"its script takes over none of the roles, {', '.join(role.__name__.lower() for role in roles)}"
    return f"{_kinds(attacks)} has no seat here: {why}"


def seating(roles: Sequence[type[Role]], attacks: Sequence[Conduct], market: type[Market]) -> dict[str, int]:
    """Return how many seats of which role an attack takes: as it declares by duty, else one where it lies most.

    Args:
        roles: of the protocol.
        attacks: composed, leftmost first.
        market: the protocol's, which offers verbs.
    """
    wanted = _wanted(roles, attacks, market)
    return {} if _idle(attacks, roles, wanted) else wanted


def _idle(attacks: Sequence[Conduct], roles: Sequence[type[Role]], wanted: Mapping[str, int]) -> Conduct | None:
    """Return an attack that nobody in the seats that several take together could be asked to carry out, if any."""
    duties = {duty for role in roles if role.__name__.lower() in wanted for duty in role.duties}
    alone = (one for one in attacks if wanted and len(attacks) > 1 and not one.modifies and one.script is None)
    return next((one for one in alone if not duties & {*_changed([one])}), None)


def _wanted(roles: Sequence[type[Role]], attacks: Sequence[Conduct], market: type[Market]) -> dict[str, int]:
    """Return the seats that attacks would take, whoever of them then has something to do."""
    scripts = _scripts(attacks)
    if scripts:  # it is played in the place of a role's own
        if _lacking(attacks, market) or _twice(attacks, roles, market):
            return {}
        taken = {one: [role.__name__.lower() for role in roles if _takes(one, role, market)] for one in scripts}
        return {
            name: 1 for script, names in taken.items() for name in names[: 1 if issubclass(script, Takeover) else None]
        }
    declared: Mapping[str, int] = next((a.seats for a in attacks if a.seats and not a.modifies), {})
    wanted: dict[str, int] = {}
    for duty, number in declared.items():
        role = next((role for role in roles if duty in role.duties), None)
        if role is None:
            return {}
        wanted[role.__name__.lower()] = wanted.get(role.__name__.lower(), 0) + number
    if wanted:
        return wanted
    changed = frozenset(_changed(attacks))
    best = max(roles, key=lambda role: len(changed & role.duties))
    return {best.__name__.lower(): 1} if changed & best.duties else {}
