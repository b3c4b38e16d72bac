"""The stage: contracts deployed, people with money, tokens and approvals, from which a search begins."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from slashpoint.experiments.check.chain import chain
from slashpoint.experiments.check.plan import MONEY, PEOPLE, PUPPET, account, plan
from slashpoint.experiments.check.shapes import is_token
from slashpoint.experiments.check.values import Reader
from slashpoint.sim.contract import Artifact, Contract, ViewFailed
from slashpoint.sim.contract.token import decimals_of
from slashpoint.sim.engine import Status, Tx, make_engine
from slashpoint.sim.engine.keys import address_of
from slashpoint.sim.errors import Misconfigured
from slashpoint.sim.search import Played, Setup, Step

if TYPE_CHECKING:
    from collections.abc import Callable

    from slashpoint.experiments.check.plan import Arguments, Deployment, Plan
    from slashpoint.experiments.check.request import Request
    from slashpoint.sim.engine import Engine

CREATION_GAS = 2**24
TOKENS = 1_000_000  # whole tokens that each of the people gets
MOST = 2**256 - 1


@dataclass
class Stage:
    """What stands, and what was done to make it stand."""

    setup: Setup
    plan: Plan
    told: list[str] = field(default_factory=list)  # a sentence for each thing that was done, in order

    def worth(self) -> dict[str, dict[str, int]]:
        """Return what each account and contract holds, by name: of each asset, its smallest units."""
        owners = {**self.setup.accounts, **{name: each.address_ for name, each in self.setup.contracts.items()}}
        return {name: self.setup.worth(each) for name, each in owners.items()}


def build(request: Request, through: Callable[[Engine], Engine] | None = None) -> Stage:
    """Deploy what a request asks for; all of it is planned before anything is executed.

    Args:
        request: what stands in the end.
        through: makes what is put before the engine, such as a recorder of what is executed.

    Raises:
        Misconfigured: it cannot be planned, or a deployment failed: the message says which, and why.
    """
    planned = plan(request)
    try:
        engine = make_engine(request.engine, chain()["fork"])
    except ImportError as why:
        raise Misconfigured("--engine native: it is not installed (make native); pyevm is") from why
    if through is not None:
        engine = through(engine)
    accounts = {name: address_of(name) for name in PEOPLE}
    for each in accounts.values():
        engine.fund(each, MONEY)
    stage = Stage(Setup(engine, {}, accounts, chain()["genesis"]), planned)
    founder = _Founder(stage)
    for deployment in planned.deployments:
        founder.deploy(deployment)
    founder.initialise()
    founder.prepare()
    return stage


class _Founder:
    """Deploys, one contract after the other."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.setup, self.plan = stage, stage.setup, stage.plan
        self._addresses: dict[str, bytes] = {}

    def deploy(self, deployment: Deployment) -> None:
        """Put one contract on the chain."""
        name, artifact = deployment.name, deployment.artifact
        own = {key: self._addresses[key.split(":")[-1]] for key in artifact.links}
        values = self._values(deployment.arguments)
        if deployment.proxy and deployment.inits and b"" in values:
            values[values.index(b"")] = self._data(deployment.inits[0])
        address = self._create("deployer", artifact.link(own), values, deployment.value, name)
        sent = f" with {_ether(deployment.value)}" * bool(deployment.value)
        shown = ", ".join(deployment.arguments.texts)
        self.stage.told.append(f"{name}({shown}){sent} at 0x{address.hex()}")
        self._addresses[name] = address
        if deployment.proxy:
            front = next(each for each in self.plan.deployments if each.behind == name)
            self._addresses[front.name] = address
            self._stand(front.name, front.artifact)
        elif not deployment.library and not deployment.behind:
            self._stand(name, artifact)

    def initialise(self) -> None:
        """Make the calls that set contracts up."""
        for each in self.plan.deployments:
            inside = each.proxy and b"" in self._values(each.arguments)
            name = next(
                (one.name for one in self.plan.deployments if each.proxy and one.behind == each.name), each.name
            )
            for place, call in enumerate(each.inits):
                if not (inside and place == 0):
                    self._call(name, call)
                self.stage.told.append(
                    f"{name}.{call}, by the deployer{' in the proxy constructor' * (inside and not place)}"
                )

    def prepare(self) -> None:
        """Give the attacker a contract, and the people tokens and approvals."""
        self._addresses[PUPPET] = self._create("mallory", puppet := Artifact.ours("Puppet"), [], 0, PUPPET)
        tokens = [name for name, each in self.setup.contracts.items() if is_token(each.artifact_)]
        spenders = {name: each.address_ for name, each in self.setup.contracts.items()}
        self._stand(PUPPET, puppet)
        self.setup.puppet, self.setup.tokens = PUPPET, tuple(tokens)
        people = {**self.setup.accounts, PUPPET: self._addresses[PUPPET]}
        for name in tokens:
            self.stage.told += [self._endow(name, people), *self._approve(name, spenders, people)]

    def _stand(self, name: str, artifact: Artifact) -> None:
        self.setup.contracts[name] = Contract(artifact, self._addresses[name], self.setup.engine, name)

    def _find(self, name: str) -> bytes:
        return self._addresses[name] if name in self._addresses else account(name, list(self.plan.targets))

    def _values(self, arguments: Arguments) -> list[Any]:
        return Reader(self._find, self.setup.now).all(arguments.function.inputs, arguments.texts)

    def _data(self, call: Arguments) -> bytes:
        return call.function.encode(self._values(call))

    def _create(self, sender: str, artifact: Artifact, values: list[Any], wei: int, name: str) -> bytes:
        """Execute a creation and return the contract's address."""
        engine, who = self.setup.engine, self.setup.accounts[sender]
        try:
            data = artifact.deploy_data(*values)
        except (TypeError, ValueError) as why:
            raise Misconfigured(str(why)) from None
        result = engine.run_block(
            self.setup.context(), [Tx(who, None, data, wei, CREATION_GAS, nonce=engine.nonce(who))]
        )
        if result.status[0] != Status.SUCCESS:
            reason = result.reasons.get(0, "") or self._reason(artifact, result.output[0])
            raise Misconfigured(f"{name} cannot be deployed: its constructor failed: {reason}")
        address = bytes(result.output[0])
        if not engine.code(address):
            raise Misconfigured(f"{name} cannot be deployed: its bytecode leaves no code: is it creation code?")
        return address

    def _reason(self, artifact: Artifact, data: bytes) -> str:
        """Return what revert data say: in the words of the contract itself, else of the one that knows them."""
        known = [artifact, *(each.artifact for each in self.plan.deployments)]
        fitting = next((each for each in known if data[:4] in each.interface.errors), artifact)
        return str(fitting.interface.decode_error(data))

    def _call(self, name: str, call: Arguments) -> None:
        played = self._play("deployer", name, self._data(call))
        if not played.ok:
            artifact = self.setup.contracts[name].artifact_
            raise Misconfigured(
                f"--init {name}={call}: it failed: {played.reason or self._reason(artifact, played.output)}"
            )

    def _play(self, sender: str, name: str, data: bytes) -> Played:
        return self.setup.play(Step(self.setup.accounts[sender], self._addresses[name], data))

    def _held(self, token: Contract, who: bytes) -> int:
        token.forget_()
        try:
            return int(token.balanceOf(who))
        except ViewFailed:
            return 0

    def _endow(self, name: str, people: dict[str, bytes]) -> str:
        """Give everybody some of a token; returns a sentence that says how."""
        token, deployer = self.setup.contracts[name], self.setup.accounts["deployer"]
        try:
            unit = 10 ** decimals_of(token)
        except ValueError as why:
            raise Misconfigured(f"{name} looks like a token, and {why}") from why
        mints = [
            each
            for each in token.artifact_.interface.functions.get("mint", [])
            if each.coder.type == "(address,uint256)"
        ]
        transfer = token.artifact_.interface.functions["transfer"][0]
        share = min(TOKENS * unit, self._held(token, deployer) // (len(people) + 1))
        for how, function, each in (
            ("minted", mints[0] if mints else None, TOKENS * unit),
            ("from the deployer", transfer, share),
        ):
            if function is None or not each:
                continue
            before = self._held(token, people["alice"])
            for who in people.values():
                if who != deployer or how == "minted":
                    self._play("deployer", name, function.encode([who, each]))
            if self._held(token, people["alice"]) > before:
                whose = "alice, bob, carol, mallory and mallory's contract"
                return f"{name} is a token: {whose} have {_whole(each, unit)} each, {how}"
        return f"{name} is a token, and nobody can be given any: the deployer may not mint it and has none"

    def _approve(self, name: str, spenders: dict[str, bytes], people: dict[str, bytes]) -> list[str]:
        """Let contracts take everybody's tokens; returns a sentence, if there is one to let."""
        others = [one for one in spenders if one != name]
        approve = self.setup.contracts[name].artifact_.interface.functions["approve"][0]
        act = self.setup.contracts[PUPPET].artifact_.interface.functions["act"][0]
        for one in others:
            data = approve.encode([spenders[one], MOST])
            for who in people:
                if who == PUPPET:
                    self._play("mallory", PUPPET, act.encode([self._addresses[name], data]))
                else:
                    self._play(who, name, data)
        return [f"everybody lets {', '.join(others)} take their {name}"] if others else []


def _ether(wei: int) -> str:
    """Return an amount in ether where it is a whole number of them, else in wei."""
    return f"{wei // 10**18:,} ether" if wei % 10**18 == 0 else f"{wei:,} wei"


def _whole(amount: int, unit: int) -> str:
    """Return an amount of a token in whole ones."""
    return f"{amount // unit:,}" if amount >= unit else f"{amount:,} of its smallest units"
