"""Plans: which contracts are deployed in which order, with which arguments, given or guessed. Nothing is executed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from slashpoint.experiments.check.chain import chain
from slashpoint.experiments.check.guesses import blank, guess
from slashpoint.experiments.check.proxies import pairs
from slashpoint.experiments.check.request import load, named
from slashpoint.experiments.check.shapes import can_be_called, initialiser
from slashpoint.experiments.check.values import Reader, amount, split
from slashpoint.experiments.report.text import quoted
from slashpoint.sim.contract.words import address
from slashpoint.sim.engine.keys import address_of
from slashpoint.sim.errors import Misconfigured, choices

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from slashpoint.experiments.check.request import Request
    from slashpoint.sim.contract import Artifact
    from slashpoint.sim.contract.entry import Function

PEOPLE = ("deployer", "alice", "bob", "carol", "mallory")
PUPPET = "puppet"
MONEY = 1_000_000 * 10**18  # wei that each of PEOPLE begins with
NAME = re.compile(r"[\w$][\w$.-]*")  # of a contract: it is a folder's name too
CALL = re.compile(r"(\w+)\s*\((.*)\)", re.DOTALL)


@dataclass(frozen=True)
class Arguments:
    """A call of a function, or of a constructor, with its arguments as text."""

    function: Function
    texts: tuple[str, ...]
    guessed: tuple[str, ...] = ()  # a sentence for each argument that nobody gave

    def needs(self, there: Sequence[str]) -> set[str]:
        """Return the contracts whose addresses its values need."""
        seen: set[str] = set()

        def find(name: str) -> bytes:
            if name in there:
                seen.add(name)
                return bytes(20)
            return account(name, there)

        values = Reader(find, chain()["genesis"]).all(self.function.inputs, self.texts)
        self.function.coder.pack(values)
        return seen

    def __str__(self) -> str:
        """Return name and values, such as `initialize(deployer, 5)`."""
        return f"{self.function.name}({', '.join(self.texts)})"


@dataclass(frozen=True)
class Deployment:
    """One contract that is to stand."""

    name: str
    artifact: Artifact
    arguments: Arguments
    value: int = 0  # wei
    library: bool = False  # others are linked with it; it is called by them alone
    behind: str = ""  # of an implementation: the proxy through which it is called
    proxy: bool = False  # it is one
    inits: tuple[
        Arguments, ...
    ] = ()  # what the deployer calls once all stand; of a proxy, the first in its constructor
    needs: frozenset[str] = frozenset()  # names of contracts that must stand before


@dataclass(frozen=True)
class Plan:
    """What is deployed, in order."""

    deployments: tuple[Deployment, ...]
    guesses: tuple[str, ...] = ()  # a sentence each
    notes: tuple[str, ...] = ()  # what a reader should know, a sentence each

    @cached_property
    def targets(self) -> dict[str, Artifact]:
        """Return what is called in the search, by the name that is shown: of a proxy, its implementation."""
        return {each.name: each.artifact for each in self.deployments if not each.library and not each.proxy}


@dataclass
class _Draft:
    """What a plan is made from."""

    artifacts: dict[str, Artifact]
    request: Request
    guesses: list[str] = field(default_factory=list)

    def arguments(self, name: str, function: Function, given: str | None, option: str) -> Arguments:
        """Return the arguments of a function: as given, or, where nothing is, guessed.

        Args:
            name: of the contract.
            function: whose arguments they are.
            given: text with commas between; None where nobody gave any.
            option: the words before the arguments in a line that gives them.
        """
        if given is not None:
            texts = split(given)
            if len(texts) != function.arity:
                raise Misconfigured(
                    f"{name}: {function} takes {function.arity} arguments, and {len(texts)} were given: {given!r}"
                )
            made = Arguments(function, tuple(texts))
        else:
            made = self._guessed(name, function, option)
        try:
            made.needs(list(self.artifacts))
        except (Misconfigured, TypeError) as why:
            raise Misconfigured(f"{name}: {function}: {why}") from None
        return made

    def _guessed(self, name: str, function: Function, option: str) -> Arguments:
        guesses = [guess(each, name, self.artifacts) for each in function.inputs]
        if None in guesses:
            missing = function.inputs[guesses.index(None)]
            told = missing.get("name") or f"parameter {guesses.index(None)}"
            texts = [one.text if one else blank(each) for one, each in zip(guesses, function.inputs, strict=True)]
            end = ")" if option.endswith("(") else ""
            line = " ".join([option.split(maxsplit=1)[0], quoted(f"{option.split()[1]}{','.join(texts)}{end}")])
            raise Misconfigured(f"{name}: {function}: {told} ({missing['type']}) is missing; give all of them: {line}")
        said = [
            f"{name}: {each.get('name') or each['type']} is {one.text}: {one.why}"
            for one, each in zip(guesses, function.inputs, strict=True)
            if one
        ]
        self.guesses += said
        return Arguments(function, tuple(one.text for one in guesses if one), tuple(said))


def account(name: str, there: Sequence[str]) -> bytes:
    """Return the address of an account, or the one that is written in hex.

    Args:
        name: of an account, or 20 bytes in hex.
        there: names of contracts, for the complaint.
    """
    if name in PEOPLE:
        return address_of(name)
    if name.startswith("0x"):
        try:
            return address(name)
        except TypeError as why:
            raise Misconfigured(str(why)) from None
    raise Misconfigured(f"{name!r} is neither an account nor a contract; {choices(name, [*PEOPLE, *there])}")


def plan(request: Request) -> Plan:
    """Return what is deployed for a request.

    Raises:
        Misconfigured: something is missing, unknown, or cannot be; the message names it and says what gives it.
    """
    artifacts = load(request.artifacts)
    for name, artifact in artifacts.items():
        if not NAME.fullmatch(name):
            raise Misconfigured(
                f"a contract {name!r} was given, which is no name: it takes letters, digits, _ $ - and ."
            )
        if name in {*PEOPLE, PUPPET}:
            raise Misconfigured(f"a contract {name!r} was given, which is what an account is called: rename it")
        if not artifact.bytecode:
            raise Misconfigured(f"{name} cannot be deployed: it is abstract or an interface; leave it out")
    draft = _Draft(artifacts, request)
    linked = {key.split(":")[-1] for each in artifacts.values() for key in each.links}
    values = {name: _wei(name, text, artifacts[name]) for name, text in named("value", request.value, artifacts)}
    given = dict(named("args", request.args, artifacts))
    proxies = pairs(request.proxy, artifacts, draft.guesses)
    found = [
        _deployment(draft, name, given.get(name), values.get(name, 0)) for name in artifacts if name not in proxies
    ]
    found = [replace(each, library=each.name in linked) for each in found]
    inits = _inits(draft, set(proxies.values()), {*linked, *proxies})
    found = [each if each.name in proxies.values() else replace(each, inits=inits.get(each.name, ())) for each in found]
    for proxy, name in proxies.items():
        made = _proxy(draft, proxy, name, inits.get(name, ()), given.get(proxy))
        found.append(replace(made, value=values.get(proxy, 0)))
    behind = {name: proxy for proxy, name in proxies.items()}
    ordered = _ordered([replace(each, behind=behind.get(each.name, "")) for each in found])
    planned = Plan(ordered, tuple(draft.guesses), tuple(_uncalled(ordered)))
    if not any(can_be_called(each) for each in planned.targets.values()):
        raise Misconfigured(
            f"{', '.join(planned.targets)}: there is nothing to call: no function that changes anything"
        )
    return planned


def _uncalled(deployments: Sequence[Deployment]) -> Iterator[str]:
    """Yield a sentence for each initialiser that is left for anybody to call."""
    for each in deployments:
        function = initialiser(each.artifact)
        if function and not (each.inits or each.behind or each.proxy):
            line = f"--init '{each.name}={function.name}({','.join(map(blank, function.inputs))})'"
            yield f"{each.name}: nobody called {function}, so that anybody may: {line} calls it first"


def _wei(name: str, text: str, artifact: Artifact) -> int:
    """Return what a constructor is sent."""
    try:
        wei = amount(text)
    except Misconfigured as why:
        raise Misconfigured(f"--value {name}: {why}") from None
    constructor = next((each for each in artifact.abi if each.get("type") == "constructor"), {})
    if wei and not (constructor.get("stateMutability") == "payable" or constructor.get("payable")):
        raise Misconfigured(f"--value {name}: its constructor takes no wei: it is not payable")
    if not 0 <= wei <= MONEY:
        raise Misconfigured(f"--value {name}: {text} is out of range: the deployer has {MONEY // 10**18:,} ether")
    return wei


def _deployment(draft: _Draft, name: str, given: str | None, value: int) -> Deployment:
    artifact = draft.artifacts[name]
    libraries = _libraries(artifact, draft.artifacts)
    arguments = draft.arguments(name, artifact.interface.constructor, given, f"--args {name}=")
    needs = arguments.needs(list(draft.artifacts)) | libraries
    return Deployment(name, artifact, arguments, value, needs=frozenset(needs))


def _libraries(artifact: Artifact, artifacts: dict[str, Artifact]) -> set[str]:
    """Return the names of the libraries with which it is linked."""
    for key in artifact.links:
        if key.split(":")[-1] not in artifacts:
            raise Misconfigured(f"{artifact.name} is to be linked with the library {key}: name its artifact too")
    return {key.split(":")[-1] for key in artifact.links}


def _proxy(draft: _Draft, proxy: str, name: str, inits: Sequence[Arguments], given: str | None) -> Deployment:
    """Return the deployment of a proxy: its constructor calls the implementation's initialiser."""
    artifact = draft.artifacts[proxy]
    function = artifact.interface.constructor
    if given is None:
        texts = [name, *("deployer" for each in function.inputs[1:] if each["type"] == "address")]
        texts += ["0x" for each in function.inputs if each["type"] == "bytes"]  # filled with the initialiser's call
        given = ",".join(texts)
    arguments = draft.arguments(proxy, function, given, f"--args {proxy}=")
    there = list(draft.artifacts)
    needs = {name} | arguments.needs(there) | {one for each in inits[:1] for one in each.needs(there)}
    return Deployment(proxy, artifact, arguments, proxy=True, inits=tuple(inits), needs=frozenset(needs - {proxy}))


def _inits(draft: _Draft, behind: set[str], without: set[str]) -> dict[str, tuple[Arguments, ...]]:
    """Return what is called once all stand, by contract; an initialiser behind a proxy always is."""
    found: dict[str, list[Arguments]] = {}
    for name, text in named("init", draft.request.init, draft.artifacts, once=False):
        if name in without:
            raise Misconfigured(f"--init {name}: it is a library or a proxy: name what is called through it")
        found.setdefault(name, []).append(_called(draft, name, text))
    for name in sorted(behind - found.keys()):
        if function := initialiser(draft.artifacts[name]):
            found[name] = [draft.arguments(name, function, None, f"--init {name}={function.name}(")]
            draft.guesses.append(f"{name}: {found[name][0]} sets it up through its proxy: nobody said --init")
    return {name: tuple(each) for name, each in found.items()}


def _called(draft: _Draft, name: str, text: str) -> Arguments:
    """Return the call that `function(value,value)` means."""
    match = CALL.fullmatch(text.strip())
    if match is None:
        raise Misconfigured(f"--init {name}={text}: it must be a call, such as initialize(deployer,5)")
    offered = draft.artifacts[name].interface.functions
    if match[1] not in offered:
        raise Misconfigured(f"--init {name}: it has no function {match[1]!r}; {choices(match[1], sorted(offered))}")
    overloads = offered[match[1]]
    fitting = [each for each in overloads if each.arity == len(split(match[2]))] or overloads
    return draft.arguments(name, fitting[0], match[2], f"--init {name}={match[1]}(")


def _ordered(deployments: Sequence[Deployment]) -> tuple[Deployment, ...]:
    """Return them so that each comes after those that it needs; else in the order given."""
    proxied = {each.behind: each.name for each in deployments if each.behind}  # by proxy
    reached = {name: proxy for proxy, name in proxied.items()}
    waiting, done = list(deployments), list[Deployment]()
    while waiting:
        ready = {each.name for each in done}
        for each in waiting:
            own = {proxied.get(each.name, ""), each.name}  # a proxy needs the implementation itself
            if {name if name in own else reached.get(name, name) for name in each.needs} <= ready:
                break
        else:
            stuck = ", ".join(f"{each.name} ({', '.join(sorted(each.needs - ready))})" for each in waiting)
            raise Misconfigured(
                f"each needs the address of another first: {stuck}. Give one of them another address in --args, and "
                "the right one afterwards by --init, such as --init 'A=setB(B)'"
            )
        done.append(each)
        waiting.remove(each)
    return tuple(done)
