"""What forge's invariant runner is given: the same deployment as ours, and handlers for what it does not do itself."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from slashpoint.experiments.check.plan import MONEY
from slashpoint.experiments.check.shapes import functions
from slashpoint.experiments.export import solidity
from slashpoint.experiments.export.recorder import recorded
from slashpoint.experiments.export.solidity import Names, indented
from slashpoint.sim.search import properties

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slashpoint.benchmarks.peers.forge import Forge
    from slashpoint.experiments.check.request import Request
    from slashpoint.experiments.check.stage import Stage
    from slashpoint.experiments.export.recorder import Executed
    from slashpoint.sim.contract.entry import Function

TEST = """// SPDX-License-Identifier: UNLICENSED
pragma solidity >=0.8.13;

{imports}

{vm}
contract Handler {{
    {cheats}

{constants}

    function _spends(uint256 value) private view returns (uint256) {{
        return value > msg.sender.balance ? value % (msg.sender.balance + 1) : value;
    }}

    function _send(address sender, address to, uint256 value, bytes memory data) private {{
        vm.prank(sender, sender);
        (bool success,) = to.call{{value: value}}(data);
        require(success);
    }}

{handlers}
}}

abstract contract Stage {{
    struct FuzzInterface {{
        address addr;
        string[] artifacts;
    }}

    {cheats}

{constants}
    address private _handler;

    function setUp() public {{
{founding}
        _handler = address(new Handler());
    }}

    function targetContracts() public view returns (address[] memory found) {{
        found = new address[]({count});
{targets}
        found[{last}] = _handler;
    }}

    function targetSenders() public pure returns (address[] memory found) {{
        found = new address[]({people});
{senders}
    }}

    function _holds() internal {{
{holds}
    }}

    {helpers}
}}

contract All is Stage {{
    function invariant_all() public {{
        _holds();
    }}
}}

contract Nothing is Stage {{
    function invariant_nothing() public {{}}
}}
"""


class Tests(NamedTuple):
    """Names of the contracts in the test."""

    all: str = "All"  # whose invariant fails where a property does
    nothing: str = "Nothing"  # whose invariant never fails


def harness(project: Forge, request: Request, sources: Path) -> Tests:
    """Write sources and test into a project, and compile them.

    Args:
        project: which is empty.
        request: what is deployed.
        sources: the folder in which src is.
    """
    stage, executed = recorded(request)
    for artifact in request.artifacts:
        for source in json.loads(Path(artifact).read_text(encoding="utf-8"))["sources"]:
            place = project.path / source
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(sources / source, place)
    (project.path / "test" / "Campaign.t.sol").write_text(written(stage, executed, project.path / "src"))
    project.run("build")
    return Tests()


def written(stage: Stage, executed: list[Executed], sources: Path) -> str:
    """Return the source of the test.

    Args:
        stage: what stands.
        executed: what made it stand.
        sources: the folder in which each contract is a file.
    """
    setup = stage.setup
    names = Names(setup)
    contracts = [name for name in setup.contracts if name != setup.puppet]
    founding = solidity.founding(setup, executed, names, dict.fromkeys(setup.accounts.values(), MONEY))
    paths = {path.stem: path.relative_to(sources.parent) for path in sources.rglob("*.sol")}
    handlers = [line for name in contracts for line in handled(stage, name, names)]
    there = [names(setup.contracts[name].address_) for name in contracts]
    holds = []
    for each in properties(setup):
        view = f'{names(each.to)}.call(hex"{each.data.hex()}")'
        if each.boolean:
            holds += ["{", f"    (bool success, bytes memory answer) = {view};"]
            holds += [f'    require(success && abi.decode(answer, (bool)), "{each.name}");', "}"]
        else:
            holds += ["{", f"    (bool success,) = {view};", f'    require(success, "{each.name}");', "}"]
    return TEST.format(
        imports="\n".join(f'import {{{name}}} from "../{paths[name]}";' for name in contracts),
        vm=solidity.VM,
        cheats=solidity.CHEATS,
        constants=indented(names.constants(), 4),
        handlers=indented(handlers, 4),
        founding=indented(founding),
        count=len(there) + 1,
        targets=indented(f"found[{i}] = {each};" for i, each in enumerate(there)),
        last=len(there),
        people=len(setup.accounts),
        senders=indented(f"found[{i}] = {names(each)};" for i, each in enumerate(setup.accounts.values())),
        holds=indented(holds),
        helpers=solidity.HELPERS.strip(),
    )


def handled(stage: Stage, name: str, names: Names) -> Iterator[str]:
    """Yield functions that send wei to payable ones, and that make each call through the attacker's contract.

    Args:
        stage: what stands.
        name: of a contract.
        names: of addresses.
    """
    setup = stage.setup
    puppet, attacker = names(setup.contracts[setup.puppet].address_), names(list(setup.accounts.values())[-1])
    contract = setup.contracts[name]
    where = names(contract.address_)
    for function in functions(contract.artifact_):
        kind = function.abi.get("stateMutability")
        if kind not in {"payable", "nonpayable"}:
            continue
        own, paid = f"{where}_{function.name}", ["uint256 value"] if kind == "payable" else []
        passed = "".join(f", p{i}" for i in range(function.arity))
        data = f"abi.encodeWithSelector(bytes4(0x{function.selector.hex()}){passed})"
        if paid:
            yield f"function {own}_pays({parameters(function, *paid)}) external {{"
            yield f"    _send(msg.sender, {where}, _spends(value), {data});"
            yield "}"
        act = f'abi.encodeWithSignature("act(address,bytes)", {where}, {data})'
        yield f"function {own}_through({parameters(function, *paid)}) external {{"
        yield f"    _send({attacker}, {puppet}, {'_spends(value)' if paid else '0'}, {act});"
        yield "}"
        arm = f'abi.encodeWithSignature("arm(address,bytes,uint256)", {where}, {data}, 1)'
        yield f"function {own}_again({parameters(function)}) external {{"
        yield f"    _send({attacker}, {puppet}, 0, {arm});"
        yield "}"


def parameters(function: Function, *more: str) -> str:
    """Return the declaration of a function's parameters, and of more."""
    placed = [f"{each['type']}{' memory' * (each['type'] in {'bytes', 'string'})}" for each in function.inputs]
    return ", ".join([*(f"{kind} p{i}" for i, kind in enumerate(placed)), *more])
