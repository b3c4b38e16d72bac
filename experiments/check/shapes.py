"""Shapes: what a contract is by its ABI: a token, a proxy, one that is initialised."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slashpoint.sim.search.properties import NAMED

if TYPE_CHECKING:
    from slashpoint.sim.contract import Artifact
    from slashpoint.sim.contract.entry import Function

ERC20 = {
    "totalSupply()",
    "balanceOf(address)",
    "transfer(address,uint256)",
    "transferFrom(address,address,uint256)",
    "approve(address,uint256)",
    "allowance(address,address)",
}
PROXY = {"(address,bytes)", "(address,address,bytes)"}  # what constructors of ERC-1967 proxies take
INITIALISERS = ("initialize", "initialise", "init", "__init__")


def functions(artifact: Artifact) -> list[Function]:
    """Return the functions of an artifact, overloads each."""
    return [each for overloads in artifact.interface.functions.values() for each in overloads]


def signatures(artifact: Artifact) -> set[str]:
    """Return the signatures of an artifact's functions."""
    return {each.signature for each in functions(artifact)}


def receives(artifact: Artifact) -> bool:
    """Return whether it says that it takes calls of no function of its own, or wei."""
    return any(each.get("type") in {"fallback", "receive"} for each in artifact.abi)


def takes_wei(artifact: Artifact) -> bool:
    """Return whether any of its functions, its constructor too, says that it may be paid."""
    return any(each.get("stateMutability") == "payable" or each.get("payable") for each in artifact.abi)


def is_token(artifact: Artifact) -> bool:
    """Return whether it has the functions of ERC-20."""
    return signatures(artifact) >= ERC20


def is_proxy(artifact: Artifact) -> bool:
    """Return whether it looks like an ERC-1967 proxy, which passes every call on to an implementation."""
    fallback = any(each.get("type") == "fallback" for each in artifact.abi)
    return fallback and artifact.interface.constructor.coder.type in PROXY and len(functions(artifact)) < len(ERC20)


def initialiser(artifact: Artifact) -> Function | None:
    """Return the one function that sets it up in a constructor's place, if it has one."""
    found = [each for each in functions(artifact) if each.name in INITIALISERS and not each.view]
    return found[0] if len(found) == 1 else None


def is_upgradeable(artifact: Artifact) -> bool:
    """Return whether it is made to stand behind a proxy."""
    return "proxiableUUID()" in signatures(artifact) or initialiser(artifact) is not None


def can_be_called(artifact: Artifact) -> bool:
    """Return whether there is anything to call in a search, or to ask after each call."""
    return receives(artifact) or any(
        not each.view or (not each.arity and NAMED.fullmatch(each.name)) for each in functions(artifact)
    )
