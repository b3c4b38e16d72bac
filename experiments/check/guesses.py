"""Guesses: what a parameter that nobody gave a value is likely to be. Whatever is guessed is printed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from slashpoint.experiments.check.shapes import is_token

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slashpoint.sim.contract import Artifact

DEPLOYER = re.compile(
    r"[a-z0-9]*(owner|admin|administrator|treasury|governor|governance|minter|manager|deployer|guardian|recipient|"
    r"receiver|collector|beneficiary|authority|multisig|wallet)(addr|address|account)?"
)
TOKEN = re.compile(r"(i|my|the|payment|reward|stak(e|ing)|base|underlying|deposit|collateral|)(token|asset|erc20|coin)")
SUPPLY = re.compile(r"(initial|total|start(ing)?|token)?supply")
ALIKE = 5  # letters that names share at least


class Guess(NamedTuple):
    """A value that nobody gave, and why it was taken."""

    text: str  # as it would have been typed
    why: str


def guess(parameter: dict[str, Any], owner: str, artifacts: Mapping[str, Artifact]) -> Guess | None:
    """Return a likely value of a parameter; None where there is none.

    Args:
        parameter: of the ABI.
        owner: the name of the contract whose parameter it is.
        artifacts: what was given, by name.
    """
    label = re.sub(r"[^a-z0-9]", "", parameter.get("name", "").lower())
    if parameter["type"] == "string" and label in {"name", "symbol", "tokenname", "tokensymbol"}:
        text = owner if label.endswith("name") else re.sub(r"[^A-Z]", "", owner) or owner[:4].upper()
        return Guess(text, "a name may be anything")
    if parameter["type"] == "uint256" and SUPPLY.fullmatch(label):
        return Guess("10_000_000ether", "some for everybody")
    if parameter["type"] != "address":
        return None
    others = {name: each for name, each in artifacts.items() if name != owner}
    kind = parameter.get("internalType", "").removeprefix("contract ").rpartition(".")[2]
    typed = [name for name in others if parameter.get("internalType", "").startswith("contract ") and _same(name, kind)]
    if len(typed) == 1:
        return Guess(typed[0], f"its type is {kind}")
    called = [name for name in others if _plain(name) == label]
    if len(called) == 1:
        return Guess(called[0], "it is called so")
    tokens = [name for name, each in others.items() if is_token(each)]
    if len(tokens) == 1 and (TOKEN.fullmatch(label) or "ERC20" in kind.upper()):
        return Guess(tokens[0], "the only token given")
    alike = [name for name in others if _alike(_plain(name), label)]
    if len(alike) == 1:
        return Guess(alike[0], "it is called alike")
    if DEPLOYER.fullmatch(label):
        return Guess("deployer", "by its name")
    return None


def _same(name: str, kind: str) -> bool:
    """Return whether a contract is called as a type is, or as the interface's name says."""
    return kind in {name, f"I{name}"}


def _alike(name: str, label: str) -> bool:
    """Return whether a contract's and a parameter's name are one within the other."""
    return min(len(name), len(label)) >= ALIKE and (name in label or label in name)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def blank(parameter: dict[str, Any]) -> str:
    """Return what stands for a value in a line that shows how to give it."""
    kind: str = parameter["type"]
    name = parameter.get("name") or kind
    if kind.endswith("]"):
        return f"[{name}]"
    if kind == "tuple":
        return "{" + ",".join(f'"{each["name"]}":{each["type"]}' for each in parameter["components"]) + "}"
    return name.upper()
