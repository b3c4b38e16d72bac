"""Solidity that does again what was executed here: by cheat codes, at the same addresses and times."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from slashpoint.sim.contract import keccak

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from slashpoint.experiments.export.recorder import Executed
    from slashpoint.sim.search import Setup, Step

VM = """interface Vm {
    struct Log {
        bytes32[] topics;
        bytes data;
        address emitter;
    }

    function chainId(uint256 id) external;
    function deal(address who, uint256 balance) external;
    function fee(uint256 baseFee) external;
    function getRecordedLogs() external returns (Log[] memory);
    function label(address who, string calldata name) external;
    function prank(address sender, address origin) external;
    function prevrandao(bytes32 value) external;
    function recordLogs() external;
    function roll(uint256 number) external;
    function setNonce(address who, uint64 nonce) external;
    function warp(uint256 timestamp) external;
}
"""
CHEATS = 'Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));'
HELPERS = """    function _block(uint256 number, uint256 timestamp) private {
        vm.roll(number);
        vm.warp(timestamp);
        vm.prevrandao(bytes32(number));
    }

    /// @dev The nonce is set so that the contract comes to stand where it stood.
    function _create(address sender, uint64 nonce, address where, uint256 value, bytes memory code) private {
        vm.setNonce(sender, nonce);
        vm.prank(sender, sender);
        address made;
        assembly {
            made := create(value, add(code, 32), mload(code))
        }
        require(made == where, "a contract was not created, or elsewhere");
    }

    function _call(address sender, address to, uint256 value, bytes memory data)
        private
        returns (bool success, bytes memory answer)
    {
        vm.prank(sender, sender);
        (success, answer) = to.call{value: value}(data);
    }
"""


class Names:
    """What accounts and contracts are called in Solidity: their own names, made to fit."""

    def __init__(self, setup: Setup) -> None:
        there = {**setup.accounts, **{name: each.address_ for name, each in setup.contracts.items()}}
        self._names: dict[bytes, str] = {}
        for name, address in there.items():
            fit = identifier(name)
            self._names[address] = fit if fit not in self._names.values() else f"{fit}_{len(self._names)}"

    def __call__(self, address: bytes) -> str:
        """Return the name of an address, or the address itself."""
        return self._names.get(address) or literal(address)

    def constants(self) -> Iterator[str]:
        """Yield the declaration of each."""
        for address, name in self._names.items():
            yield f"address private constant {name} = {literal(address)};"

    def labels(self) -> Iterator[str]:
        """Yield a statement that gives each its name in traces."""
        for name in self._names.values():
            yield f'vm.label({name}, "{name.removesuffix("_")}");'


RESERVED = {
    "vm",
    "this",
    "address",
    "alias",
    "contract",
    "new",
    "delete",
    "payable",
    "type",
    "success",
    "answer",
    "logs",
    "held",
}


def identifier(name: str) -> str:
    """Return a name as a Solidity identifier that begins with a small letter."""
    fit = re.sub(r"\W", "_", name, flags=re.ASCII)
    fit = fit[:1].lower() + fit[1:]
    return f"{fit}_" if fit in RESERVED else fit if fit[:1].isalpha() else f"c{fit}"


def literal(address: bytes) -> str:
    """Return an address as Solidity takes it: letters are large where a digit of its hash is 8 or more (EIP-55)."""
    digits = address.hex()
    hashed = keccak(digits.encode()).hex()
    return "0x" + "".join(one.upper() if mark >= "8" else one for one, mark in zip(digits, hashed, strict=False))


def amount(wei: int) -> str:
    """Return an amount of wei: in whole ether where it is."""
    return f"{wei // 10**18} ether" if wei and wei % 10**18 == 0 else str(wei)


def founding(setup: Setup, executed: Iterable[Executed], names: Names, balances: Mapping[bytes, int]) -> Iterator[str]:
    """Yield the statements that make the contracts stand.

    Args:
        setup: in which they stand.
        executed: the transactions that made them stand, in order.
        names: of addresses.
        balances: wei that accounts began with.
    """
    yield "vm.chainId(1);"
    yield "vm.fee(0);"
    yield from names.labels()
    for who, wei in balances.items():
        yield f"vm.deal({names(who)}, {amount(wei)});"
    block = (-1, -1)
    for context, tx, created in executed:
        if (context.number, context.timestamp) != block:
            block = context.number, context.timestamp
            yield f"_block({block[0]}, {block[1]});"
        sender, data = names(tx.sender), f'hex"{tx.data.hex()}"'
        if created:
            yield f"_create({sender}, {tx.nonce}, {names(created)}, {amount(tx.value)}, {data});"
        else:
            yield f"_call({sender}, {names(tx.to or b'')}, {amount(tx.value)}, {data});"
    if (setup.number, setup.now) != block:
        yield f"_block({setup.number}, {setup.now});"


def indented(lines: Iterable[str], by: int = 8) -> str:
    """Return statements one below the other."""
    return "\n".join(f"{' ' * by}{line}" if line else "" for line in lines)


def call(step: Step, names: Names) -> str:
    """Return the call of a step, without what is made of its answer."""
    return f'_call({names(step.sender)}, {names(step.to)}, {amount(step.value)}, hex"{step.data.hex()}")'
