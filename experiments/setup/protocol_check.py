"""What a protocol must offer: checked when it is loaded, and told all at once, by file, class and name."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slashpoint.agents.conduct import DUTIES
from slashpoint.agents.roles import Poster, Role, Server
from slashpoint.sim.errors import Misconfigured, choices
from slashpoint.sim.market import VERBS, Market, Terms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import ModuleType

    from slashpoint.sim.contract.entry import Record

CORE = ("slashpoint.sim", "slashpoint.agents")  # whose classes every protocol shares
ARGUMENTS = ("id", "deadline", "state", "winner")  # what the base market reads of events
STEPS = {Role: "live", Server: "serve", Poster: "commission"}  # what each kind of role leaves to a protocol


def vet_protocol(module: ModuleType, market: Any, terms: Any, roles: Any) -> None:
    """Refuse a protocol whose market, terms or roles lack what a run will ask of them.

    Args:
        module: its folder's `__init__.py`, or its file.
        market: what it calls MARKET.
        terms: what it calls TERMS.
        roles: what it calls ROLES.

    Raises:
        Misconfigured: tells all that is wrong.
    """
    where = str(module.__file__)
    found = [f"{where}: {one}" for one in _kinds(market, terms, roles)]
    if not found:
        _cached(market, terms, tuple(roles))
    _refuse(found)


@cache
def _cached(market: type[Market], terms: type[Terms], roles: tuple[type[Role], ...]) -> None:
    _refuse([*_market(market), *_terms(terms), *_roles(roles), *_duties(market, roles)])


def vet_deployed(market: Market, roles: Iterable[type[Role]]) -> None:
    """Refuse a market whose contract lacks an event, an argument or a function that the market or its roles name.

    Args:
        market: deployed.
        roles: of its protocol.

    Raises:
        Misconfigured: tells all that is missing, and what the contract has.
    """
    _refuse([*_events(market), *_names(market, roles)])


def _refuse(found: Iterable[str]) -> None:
    if complaints := list(found):
        raise Misconfigured("\n".join(complaints))


# --- what can be told without a world -------------------------------------------------------------------------------


def _kinds(market: Any, terms: Any, roles: Any) -> Iterator[str]:
    """Complain of what is no market, no terms or no roles at all: then nothing else can be told."""
    for name, one, base in (("MARKET", market, Market), ("TERMS", terms, Terms)):
        if not (isinstance(one, type) and issubclass(one, base)):
            yield f"{name} must be a subclass of {base.__name__}; it is {one!r}"
    if not roles or not isinstance(roles, (tuple, list)):
        yield f"ROLES must be a tuple of the protocol's roles, such as (Requester, Worker); it is {roles!r}"
        return
    for one in roles:
        if not (isinstance(one, type) and issubclass(one, Role)):
            yield f"ROLES: {one!r}: it must be a subclass of a role, such as Poster or Server"


def _market(kind: type[Market]) -> Iterator[str]:
    at = _at(kind)
    deploy = inspect.getattr_static(kind, "deploy")
    if not isinstance(deploy, classmethod) or deploy is vars(Market)["deploy"]:
        what = "a class method that takes world and terms, deploys, and returns cls(world, contract, terms)"
        yield f"{at}.deploy: it is missing: {what}"
    if not kind.opening_event:
        yield f'{at}.opening_event: it must name the event that begins a job, such as "Opened"'
    ends: Any = kind.closing_events
    if not isinstance(ends, tuple) or not ends or not all(isinstance(one, str) for one in ends):
        yield f'{at}.closing_events: it must be a tuple of the events that end a job, such as ("Paid", "Refunded")'
    if kind.withdraws is not Market.withdraws:
        for name, what in (("owed", "what an account may withdraw"), ("liabilities", "what the contract owes")):
            if getattr(kind, name) is getattr(Market, name):
                yield f"{at}.{name}: it is missing: people withdraw here, so the market must say {what}"
    elif _replaced(kind.causes, Market.causes) and kind.liabilities is Market.liabilities:
        yield f"{at}.liabilities: it is missing: the usual answer counts what the usual `causes` sees"
    for verb in kind.pays_for:
        if verb not in VERBS:
            yield f"{at}.pays_for: {verb!r} is no verb; {choices(verb, VERBS)}"
    for name in kind.arguments:
        if name not in ARGUMENTS:
            yield f"{at}.arguments: {name!r}: nothing reads it; {choices(name, ARGUMENTS)}"
    yield from _fields(kind)
    yield from _shapes(kind, Market)


def _replaced(theirs: Any, ours: Any) -> bool:
    """Whether a method is another's, and does not call it."""
    return theirs is not ours and "super" not in getattr(getattr(theirs, "__code__", None), "co_names", ())


def _terms(kind: type[Terms]) -> Iterator[str]:
    if kind.payout is Terms.payout and "reward" not in {one.name for one in dataclasses.fields(kind)}:
        yield f"{_at(kind)}.payout: it is missing: what a job pays for work, unless a field `reward` says so"
    yield from _fields(kind)
    yield from _shapes(kind, Terms)


def _roles(roles: tuple[Any, ...]) -> Iterator[str]:
    names = [one.__name__.lower() for one in roles]
    for i, role in enumerate(roles):
        if names[i] in names[:i]:
            yield f"{_at(role)}: ROLES has two roles called {names[i]}, as `seats` call them"
        duties = [role.duties] if isinstance(role.duties, str) else role.duties
        if strange := [one for one in duties if one not in DUTIES]:
            yield f"{_at(role)}.duties: {strange[0]!r} is no duty; {choices(strange[0], DUTIES)}"
        for base, step in STEPS.items():
            if issubclass(role, base) and getattr(role, step) is getattr(base, step):
                yield f"{_at(role)}.{step}: it is missing: a generator, what somebody in this role does"
        for duty in sorted(_asked(role) - set(duties)):
            yield f"{_at(role)}.duties: it asks for {duty!r}, and its duties do not say so"
        yield from _shapes(role, Role)
    if not any(role.posts for role in roles):
        yield f"{_at(roles[0])}: ROLES has nobody who posts jobs: one role must be a Poster"


def _duties(market: type[Market], roles: tuple[type[Role], ...]) -> Iterator[str]:
    asked = {duty for role in roles for duty in role.duties}
    told: Any = market.duties
    if not isinstance(told, Mapping):
        yield f"{_at(market)}.duties: it must be a mapping from duties to what they are about"
        return
    for duty in told:
        if duty not in asked:
            yield f"{_at(market)}.duties: no role asks for {duty!r}; {choices(str(duty), sorted(asked))}"


def _fields(kind: type) -> Iterator[str]:
    """Complain of fields that no @dataclass takes in."""
    if "__dataclass_fields__" in vars(kind):
        return
    for name, said in inspect.get_annotations(kind).items():
        if "ClassVar" not in str(said):
            yield f"{_at(kind)}.{name}: write @dataclass above class {kind.__name__}, or nothing takes it"


def _shapes(kind: type, base: type) -> Iterator[str]:
    """Complain of methods that do not take what they are given, and of properties that are none."""
    for name, ours in vars(base).items():
        if name.startswith("_"):
            continue
        theirs = inspect.getattr_static(kind, name)
        if isinstance(ours, property):
            if inspect.isfunction(theirs):
                yield f"{_at(kind)}.{name}: write @property above it"
        elif inspect.isfunction(ours) and theirs is not ours:
            takes = [*inspect.signature(ours).parameters]
            if not inspect.isfunction(theirs) or not _fits(theirs, ours):
                yield f"{_at(kind)}.{name}: it must be a method that takes {', '.join(takes)}"


def _fits(theirs: Callable[..., Any], ours: Callable[..., Any]) -> bool:
    """Whether a function can be called as another is."""
    taken = inspect.signature(ours).parameters.values()
    plain = [one.name for one in taken if one.kind is one.POSITIONAL_OR_KEYWORD]
    named = {one.name: None for one in taken if one.kind is one.KEYWORD_ONLY}
    try:
        inspect.signature(theirs).bind(*plain, **named)
    except TypeError:
        return False
    return True


# --- what only its contract can tell --------------------------------------------------------------------------------


def _events(market: Market) -> Iterator[str]:
    kind, at = type(market), _at(type(market))
    events = {name: same[0].names for name, same in _said(market).items()}
    listed = "; ".join(f"{name}({', '.join(names)})" for name, names in events.items())
    ours = f"{market.name} has {listed or 'no events'}"
    named = {"opening_event": (kind.opening_event,), "closing_events": kind.closing_events, "expects": kind.expects}
    for member, names in named.items():
        for name in names:
            if name not in events and not (member == "expects" and _elsewhere(market, name)):
                yield f"{at}.{member}: there is no event {name!r}; {ours}"
    for name, birth in market.births.items():
        if name not in events:
            yield f"{at}.births: there is no event {name!r}; {ours}"
        elif birth.argument not in events[name]:
            yield f"{at}.births: {name} has no argument {birth.argument!r}; {ours}"
    if kind.relate.__module__.startswith(CORE):
        for name, event in _read(market):
            called = market.argument(name)
            if event in events and called not in events[event]:
                yield (
                    f"{at}.arguments: {event} has no argument {called!r} for a job's {name}; {ours}. "
                    f'Say which is it: arguments = {{"{name}": "…"}}'
                )
    try:
        assert market.news is not None
    except AttributeError as error:
        yield f"{at}.news: {error}"


def _said(market: Market) -> dict[str, list[Record]]:
    """Return the events of a market by name; of a name that several of its contracts have, those of the first."""
    sources = reversed(market.sources)
    return {name: same for each in sources for name, same in each.artifact_.interface.events.items()}


def _elsewhere(market: Market, event: str) -> bool:
    """Whether another contract of the world has such an event."""
    return any(event in one.artifact_.interface.events for one in market.world.contracts.values())


def _read(market: Market) -> Iterator[tuple[str, str]]:
    """Yield the arguments that are read, each with the event that must have it."""
    kind = type(market)
    identified = kind.identity is Market.identity  # of another contract's event it may be that contract
    if identified:
        yield "id", kind.opening_event
    if kind.begins is Market.begins:
        yield "deadline", kind.opening_event
    for event in kind.closing_events:
        if identified and event in market.contract.artifact_.interface.events:
            yield "id", event
        if kind.outcomes and kind.outcome is Market.outcome:
            yield "state", event
    if "winner" in kind.arguments and kind.closing_events:
        ends = _said(market)
        named = [one for one in kind.closing_events if one in ends and kind.arguments["winner"] in ends[one][0].names]
        yield "winner", (named or kind.closing_events)[0]


def _names(market: Market, roles: Iterable[type[Role]]) -> Iterator[str]:
    """Complain of names that a role reads of the market, or the market of its contract, and that are not there."""
    interface, events = market.contract.artifact_.interface, _said(market)
    offered = {*dir(type(market)), *vars(market), *events}
    for role in roles:
        for owner in _own(role):
            for name in sorted(_attributes(owner, "market") - offered):
                near = choices(name, sorted({*_public(market), *events}))
                yield f"{_at(owner)}: market.{name}: {type(market).__name__} has no such thing; {near}"
    there = {*interface.functions, *interface.events}
    doors = {name for name in dir(market.contract) if name.endswith("_") and not name.startswith("_")}
    for owner in (one for kind in (type(market), *roles) for one in _own(kind)):
        for name in sorted(_attributes(owner, "contract") - there - doors):
            near = choices(name, sorted(there | doors if name.endswith("_") else there))
            yield f"{_at(owner)}: contract.{name}: {market.name} has no such function; {near}"


def _public(market: Market) -> set[str]:
    return {name for one in _own(type(market)) for name in vars(one) if not name.startswith("_")}


def _own(kind: type) -> list[type]:
    """Return a class and those above it, but for what every protocol shares."""
    return [one for one in kind.__mro__ if one is not object and not one.__module__.startswith((*CORE, "typing"))]


def _tree(kind: type) -> ast.AST:
    """Return the code of a class; none where its file does not hold it, as of what `type` makes."""
    file = getattr(sys.modules.get(kind.__module__), "__file__", None)
    return _classes(file).get(kind.__qualname__, ast.Module([], [])) if file else ast.Module([], [])


@cache
def _classes(file: str) -> Mapping[str, ast.AST]:
    tree = ast.parse(Path(file).read_text(encoding="utf-8"))
    return {one.name: one for one in tree.body if isinstance(one, ast.ClassDef)}


def _attributes(kind: type, of: str) -> set[str]:
    """Return the names that a class's code reads of what is called `of`, as `x.of.name` or `of.name`."""
    found = set()
    for node in ast.walk(_tree(kind)):
        if isinstance(node, ast.Attribute):
            match node.value:
                case ast.Attribute(attr=name) | ast.Name(id=name) if name == of:
                    found.add(node.attr)
    return found


def _asked(role: type[Role]) -> set[str]:
    """Return the duties that a role's code asks for by name."""
    found = set()
    for owner in _own(role):
        for node in ast.walk(_tree(owner)):
            match node:
                case ast.Call(func=ast.Attribute(attr="ask"), args=[_, ast.Constant(value=str(duty)), *_]):
                    found.add(duty)
    return found


def _at(kind: type) -> str:
    file = getattr(sys.modules.get(kind.__module__), "__file__", None)
    return f"{file or kind.__module__}: {kind.__name__}"
