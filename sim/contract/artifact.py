"""Artifacts: what a compiler wrote, ours or anybody's, recognised by its shape."""

from __future__ import annotations

import functools
import json
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import slashpoint
from slashpoint.sim.contract.interface import Interface

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

BUILD = Path(slashpoint.__file__).parent / "contracts" / "build"
_stand_ins: ContextVar[Mapping[str, Artifact] | None] = ContextVar("what is deployed in others' places", default=None)


@contextmanager
def standing_in(*paths: Path) -> Iterator[None]:
    """Deploy the contracts in these files in the place of those of the same name, as mutants are."""
    token = _stand_ins.set({one.name: one for one in map(Artifact.load, paths)})
    try:
        yield
    finally:
        _stand_ins.reset(token)


def stand_in(artifact: Artifact) -> Artifact:
    """Return what is deployed in the place of an artifact: what stands in for its name, else itself."""
    return (_stand_ins.get() or {}).get(artifact.name, artifact)


@dataclass(frozen=True)
class Artifact:
    """A compiled contract: its interface, and the code that deploys it."""

    name: str
    abi: tuple[dict[str, Any], ...]
    bytecode: str = ""  # hex, placeholders of libraries in it; empty for an interface or an abstract contract
    links: dict[str, tuple[int, ...]] = field(default_factory=dict)  # where each library's address goes, in bytes

    @classmethod
    def load(cls, path: Path | str, name: str | None = None) -> Artifact:
        """Read a contract from a JSON file, whoever wrote it.

        It may be a build of ours, of Hardhat, Truffle or Foundry (out/X.sol/X.json), the standard JSON output of solc
        or of Vyper, or Vyper's combined JSON. `name` says which contract, where there are several: `X` or `file:X`.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: it is none of these, or holds no such contract, or several and no `name` is given.
        """
        path = Path(path)
        try:
            found = {f"{file}:{each.name}" if file else each.name: each for file, each in _read(path)}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{path} is no artifact: {type(error).__name__}: {error}") from error
        if not found:
            raise ValueError(f"{path} is no artifact: it has neither an abi with bytecode nor contracts")
        wanted = [each for key, each in found.items() if name in {None, key, each.name}]
        if len(wanted) != 1:
            asked = f"no single {name!r}" if name else "several contracts and no name was given"
            raise ValueError(f"{path} holds {asked}; there are {', '.join(sorted(found))}")
        return wanted[0]

    @classmethod
    def ours(cls, name: str) -> Artifact:
        """One of the contracts that this project compiles."""
        path = BUILD / f"{name}.json"
        if not path.exists():
            raise ValueError(
                f"no contract {name!r}; there are {', '.join(sorted(each.stem for each in BUILD.glob('*.json')))}"
            )
        return cls.load(path)

    @functools.cached_property
    def interface(self) -> Interface:
        """Its functions, events and errors."""
        return Interface(self.abi)

    def link(self, libraries: Mapping[str, bytes]) -> Artifact:
        """The same with the addresses of libraries in their places; `libraries` are named `Lib` or `file:Lib`.

        Raises:
            ValueError: it uses no such library.
        """
        code, links = self.bytecode, dict(self.links)
        for library, address in libraries.items():
            places = links.pop(next((key for key in links if library in {key, key.split(":")[-1]}), ""), None)
            if places is None:
                raise ValueError(f"{self.name} uses no library {library!r}; it lacks {', '.join(links) or 'none'}")
            for place in places:
                code = f"{code[: 2 * place]}{address.hex()}{code[2 * place + 40 :]}"
        return replace(self, bytecode=code, links=links)

    def deploy_data(self, *args: Any) -> bytes:
        """The data of the transaction that creates it: its code, and the constructor's arguments.

        Raises:
            ValueError: it has no code, or libraries are not linked.
            TypeError: the arguments are not the constructor's.
        """
        if not self.bytecode:
            raise ValueError(f"{self.name} cannot be deployed: it is abstract or an interface")
        if self.links:
            raise ValueError(f"{self.name} cannot be deployed before it is linked with {', '.join(self.links)}")
        constructor = self.interface.constructor
        try:
            return bytes.fromhex(self.bytecode) + constructor.coder.pack(args)
        except TypeError as why:
            raise TypeError(f"{self.name}'s {constructor}: {why}") from None


def _read(path: Path) -> Iterator[tuple[str, Artifact]]:
    """The contracts in a file, each with the name of its source file where the artifact tells one."""
    document: Any = json.loads(path.read_text())
    match document:
        case {"contracts": dict(files)} | {
            "output": {"contracts": dict(files)}
        }:  # standard JSON, or a build-info with it
            for file, contracts in files.items():
                for name, each in contracts.items():
                    yield file, _artifact(name, each["abi"], each.get("evm", {}).get("bytecode", ""))
        case {"abi": list(abi), "bytecode": bytecode}:
            yield (
                "",
                _artifact(document.get("contractName") or document.get("name") or path.stem, abi, bytecode, document),
            )
        case dict(files):  # Vyper's combined JSON: by file, beside its own version
            for file, each in files.items():
                match each:
                    case {"abi": list(abi), "bytecode": str(bytecode)}:
                        yield file, _artifact(Path(file).stem, abi, bytecode)


def _artifact(name: str, abi: list[dict[str, Any]], bytecode: Any, beside: dict[str, Any] | None = None) -> Artifact:
    """One contract; its link references are in the bytecode's object, or beside a bytecode that is plain hex."""
    where = bytecode if isinstance(bytecode, dict) else beside or {}
    code: str = bytecode["object"] if isinstance(bytecode, dict) else bytecode
    links = {
        f"{file}:{library}": tuple(place["start"] for place in places)
        for file, libraries in (where.get("linkReferences") or {}).items()
        for library, places in libraries.items()
    }
    return Artifact(name, tuple(abi), code.removeprefix("0x"), links)
