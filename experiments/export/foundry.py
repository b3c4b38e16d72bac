"""A saved sequence as a test for Foundry: one file that needs no other, and fails as long as the bug is there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from slashpoint.experiments.check.plan import MONEY
from slashpoint.experiments.check.shapes import functions
from slashpoint.experiments.check.teller import Teller, title
from slashpoint.experiments.export import solidity
from slashpoint.experiments.export.recorder import recorded
from slashpoint.experiments.export.solidity import Names, indented
from slashpoint.sim.errors import Misconfigured
from slashpoint.sim.search import Kind, properties
from slashpoint.sim.search.oracles import FAILED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slashpoint.experiments.check.saved import Saved
    from slashpoint.experiments.check.stage import Stage
    from slashpoint.sim.engine import BlockContext
    from slashpoint.sim.search import Played

FILE = """// SPDX-License-Identifier: UNLICENSED
pragma solidity >=0.8.13;

{vm}
/// @notice {title}.
/// {why}
/// Written by slashpoint export: it fails as long as the contracts below do this.
contract {name} {{
    {cheats}

{constants}

    function setUp() public {{
{founding}
    }}

    function test_{test}() public {{
{steps}
    }}

{helpers}}}
"""
BALANCES = """
    function _held(address token, address who) private view returns (uint256) {
        if (token == address(0)) return who.balance;
        (, bytes memory answer) = token.staticcall(abi.encodeWithSignature("balanceOf(address)", who));
        return abi.decode(answer, (uint256));
    }
"""
PATIENCE = 10 * 365 * 86_400  # seconds after which whatever may be taken out can be


def as_test(saved: Saved) -> str:
    """Return the source of a test that does what a saved sequence did, and fails while its finding shows.

    Raises:
        Misconfigured: what it calls does not stand.
    """
    stage, executed = recorded(saved.request)
    if lacks := saved.lacks(stage):
        raise Misconfigured(f"{saved.path} calls {', '.join(lacks)}, which its own request does not deploy")
    names = Names(stage.setup)
    balances = dict.fromkeys(stage.setup.accounts.values(), MONEY)
    founding = list(solidity.founding(stage.setup, executed, names, balances))
    test = _Test(stage, saved, names)
    steps = list(test.body())
    subject = re.sub(r"\W+", "_", saved.finding.subject.removesuffix("()")).strip("_")
    helpers = solidity.HELPERS + BALANCES * any("_held(" in line for line in steps)
    return FILE.format(
        vm=solidity.VM,
        title=comment(title(saved.finding)),
        why=comment(saved.finding.why),
        name=f"{subject}_{saved.finding.kind.capitalize()}Test",
        cheats=solidity.CHEATS,
        constants=indented(names.constants(), 4),
        founding=indented(founding),
        test=saved.finding.kind.value,
        steps=indented(steps),
        helpers=helpers,
    )


class _Test:
    """Writes the body of the test."""

    def __init__(self, stage: Stage, saved: Saved, names: Names) -> None:
        self._stage, self._setup = stage, stage.setup
        self._before = stage.worth()
        self._finding, self._names = saved.finding, names
        self._steps = saved.steps(stage)
        self._lines = Teller(stage.setup).story(self._steps).lines

    def body(self) -> Iterator[str]:
        """Yield statements: what is remembered, the steps, and what must hold after them."""
        contexts, plays = [], []
        for step in self._steps:
            contexts.append(self._setup.context(step.wait))
            plays.append(self._setup.play(step))
        gains = list(self._gains())
        for number, (who, asset, _) in enumerate(gains):
            yield f"uint256 before{number} = {self._worth(who, asset)};"
        for number, (step, context, line) in enumerate(zip(self._steps, contexts, self._lines, strict=True), 1):
            yield from ("", f"// {number}. {line.time}, {line.who}: {comment(line.call)}")
            if step.wait or number == 1:
                yield f"_block({context.number}, {context.timestamp});"
            if number == len(plays) and self._finding.kind == Kind.ASSERTION:
                yield "vm.recordLogs();"
                yield f"(bool success, bytes memory answer) = {solidity.call(step, self._names)};"
            else:
                yield f"{solidity.call(step, self._names)};"
        yield ""
        for number, (who, asset, by) in enumerate(gains):
            yield f'require({self._worth(who, asset)} <= before{number}, "{who} takes {by} {asset}");'
        match self._finding.kind:
            case Kind.PROPERTY:
                yield from self._property()
            case Kind.ASSERTION:
                yield from asserts(plays[-1])
            case Kind.STUCK:
                yield from self._stuck(contexts[-1])
            case Kind.CONSERVATION:
                yield from self._conservation()

    def _gains(self) -> Iterator[tuple[str, str, int]]:
        """Yield who has more in the end, of which asset, and by how much; what her contract has is the attacker's."""
        if self._finding.kind != Kind.GAIN:
            return
        people, puppet = list(self._setup.accounts), self._setup.puppet
        after = self._stage.worth()
        found = {who: {asset: after[who][asset] - had for asset, had in self._before[who].items()} for who in people}
        for asset, had in self._before.get(puppet, {}).items():
            found[people[-1]][asset] += after[puppet][asset] - had
        gains = [(who, asset, by) for who, changed in found.items() for asset, by in changed.items() if by > 0]
        if not gains:
            raise Misconfigured("nobody gains by this sequence any more: the contracts have changed")
        yield from gains

    def _worth(self, who: str, asset: str) -> str:
        """Return what somebody has of an asset, as an expression."""
        token = "address(0)" if asset == "wei" else self._address(asset)
        puppet = self._setup.puppet
        both = [who, puppet] if puppet and who == list(self._setup.accounts)[-1] else [who]
        return " + ".join(f"_held({token}, {self._address(each)})" for each in both)

    def _address(self, name: str) -> str:
        if name in self._setup.accounts:
            return self._names(self._setup.accounts[name])
        return self._names(self._setup.contracts[name].address_)

    def _property(self) -> Iterator[str]:
        found = next((each for each in properties(self._setup) if each.name == self._finding.subject), None)
        if found is None:
            raise Misconfigured(f"there is no property {self._finding.subject} any more")
        answer = ", bytes memory answer" if found.boolean else ","
        yield f'(bool success{answer}) = {self._names(found.to)}.call(hex"{found.data.hex()}"); // {found.name}()'
        holds = "success && abi.decode(answer, (bool))" if found.boolean else "success"
        yield f'require({holds}, "{found.name} does not hold");'

    def _stuck(self, context: BlockContext) -> Iterator[str]:
        """Yield what everybody tries, much later, with functions that take no arguments; then nothing may be left."""
        name, _, asset = self._finding.subject.partition(": ")
        contract = self._setup.contracts[name]
        where = self._names(contract.address_)
        seconds = context.timestamp + PATIENCE
        yield "// ten years later everybody tries what takes no arguments; add what should get the money out"
        yield f"_block({context.number + PATIENCE // 12}, {seconds});"
        for function in functions(contract.artifact_):
            if not function.arity and function.abi.get("stateMutability") == "nonpayable":
                for who in self._setup.accounts:
                    sender = self._address(who)
                    yield f'_call({sender}, {where}, 0, hex"{function.selector.hex()}"); // {function.name}()'
        yield f'require({self._worth(name, asset)} == 0, "{asset} is stuck in {name}");'

    def _conservation(self) -> Iterator[str]:
        token = self._address(self._finding.subject)
        yield f'(, bytes memory answer) = {token}.staticcall(abi.encodeWithSignature("totalSupply()"));'
        yield "uint256 held;"
        for who in (*self._setup.accounts, *self._setup.contracts):
            yield f"held += _held({token}, {self._address(who)});"
        complaint = f"more of {self._finding.subject} is held than there is"
        yield f'require(held <= abi.decode(answer, (uint256)), "{complaint}");'


def asserts(played: Played) -> Iterator[str]:
    """Yield that the last step fails no assertion, in the way in which it does.

    Args:
        played: the last step.
    """
    if not played.ok and played.output:
        yield 'bytes memory panic = abi.encodeWithSignature("Panic(uint256)", 1);'
        yield 'require(success || keccak256(answer) != keccak256(panic), "assert() fails");'
    elif not played.ok:
        yield 'require(success || answer.length > 0, "the invalid opcode runs");'
    else:
        yield "success;"
        yield "answer;"
        yield "Vm.Log[] memory logs = vm.getRecordedLogs();"
        yield "for (uint256 i = 0; i < logs.length; i++) {"
        for topic in sorted(FAILED):
            failed = f"logs[i].topics.length > 0 && logs[i].topics[0] == bytes32(0x{topic.hex()})"
            yield f'    require(!({failed}), "it says AssertionFailed");'
        yield "}"


def comment(text: str) -> str:
    """Return a text as one line of a comment; what others wrote cannot end it."""
    return re.sub(r"[^ -~]", "?", " ".join(text.split()))
