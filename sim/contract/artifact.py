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
from slashpoint.sim.contract import shape
from slashpoint.sim.contract.interface import Interface
from slashpoint.sim.contract.shape import Malformed
from slashpoint.sim.errors import Misconfigured

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

BUILD = Path(slashpoint.__file__).parent / "contracts" / "build"
_stand_ins: ContextVar[Mapping[Path, Artifact] | None] = ContextVar("what is deployed in others' places", default=None)


class NotBuilt(Misconfigured, FileNotFoundError):
    """A project has sources of contracts, and not the build that was asked for."""


@contextmanager
def standing_in(*paths: Path) -> Iterator[None]:
    """Deploy the contracts in these files in the place of those of the same name, as mutants are."""
    token = _stand_ins.set({path: Artifact.load(path) for path in paths})
    try:
        yield
    finally:
        _stand_ins.reset(token)


def stand_in(artifact: Artifact) -> Artifact:
    """Return what is deployed in the place of an artifact: what stands in for its name, else itself."""
    return next((one for one in stand_ins().values() if one.name == artifact.name), artifact)


def stand_ins() -> Mapping[Path, Artifact]:
    """Return what stands in for others now, by its file."""
    return _stand_ins.get() or {}


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

        Args:
            path: a file or a folder of build output: ours, Foundry, Hardhat, solc's standard JSON or Vyper.
            name: which contract, where there are several.

        Raises:
            FileNotFoundError: there is no such file; a NotBuilt, where `slashpoint compile` would make it.
            ValueError: it is none of these, or holds no such contract, or several and no `name` is given.
        """
        path = Path(path)
        try:
            found = {f"{file}:{each.name}" if file else each.name: each for file, each in _read(path)}
        except Malformed as error:
            raise Malformed(f"{path} is no artifact: {error}") from error
        except FileNotFoundError:
            if unbuilt := _unbuilt(path):
                raise NotBuilt(f"there is no {unbuilt}: run slashpoint compile") from None
            raise
        wanted = [each for key, each in found.items() if name in {None, key, each.name}]
        if len(wanted) != 1:
            asked = f"no single {name!r}" if name else "several contracts and no name was given"
            raise ValueError(f"{path} holds {asked}; there are {', '.join(sorted(found))}")
        return wanted[0]

    @classmethod
    def ours(cls, name: str) -> Artifact:
        """Return one of the contracts that this project compiles, by its name."""
        path = BUILD / f"{name}.json"
        if not path.exists():
            raise ValueError(
                f"no contract {name!r}; there are {', '.join(sorted(each.stem for each in BUILD.glob('*.json')))}"
            )
        return cls.load(path)

    @functools.cached_property
    def interface(self) -> Interface:
        """Return its functions, events and errors."""
        return Interface(self.abi)

    def link(self, libraries: Mapping[str, bytes]) -> Artifact:
        """Return the same with the addresses of libraries in their places; `libraries` are named `Lib` or `file:Lib`.

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
        """Return the data of the transaction that creates it: its code, and the constructor's arguments.

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


def _unbuilt(path: Path) -> str:
    """Return a path from its `contracts/build` on, if sources lie beside that; else nothing."""
    for build in path.absolute().parents:
        if build.parts[-2:] == ("contracts", "build") and (build.parent / "src").is_dir():
            return f"contracts/build/{path.absolute().relative_to(build).as_posix()}"
    return ""


def _read(path: Path) -> Iterator[tuple[str, Artifact]]:
    """Yield the contracts in a file, each with the name of its source file where the artifact tells one."""
    match _document(path):
        case {"contracts": dict(files)} | {
            "output": {"contracts": dict(files)}
        }:  # standard JSON, or a build-info with it
            for file, contracts in files.items():
                for name, each in _object(contracts, f"the contracts of {file}").items():
                    evm = _object(_object(each, name).get("evm", {}), f"the evm of {name}")
                    yield file, _artifact(name, each.get("abi"), evm.get("bytecode", ""))
        case {"abi": abi, "bytecode": bytecode} as document:
            called = document.get("contractName") or document.get("name") or path.stem
            yield "", _artifact(called, abi, bytecode, document)
        case {"abi": _}:
            raise Malformed("it has an abi and no bytecode")
        case dict(files):  # Vyper's combined JSON: by file, beside its own version
            combined = {file: each for file, each in files.items() if isinstance(each, dict) and "abi" in each}
            if not combined:
                raise Malformed("it has neither an abi with bytecode nor contracts")
            for file, each in combined.items():
                yield file, _artifact(Path(file).stem, each["abi"], each.get("bytecode"))
        case list():
            raise Malformed("it is a list: an abi without bytecode, or none")
        case _:
            raise Malformed("it is no object")


def _document(path: Path) -> Any:
    """Return what a JSON file holds."""
    if path.is_dir():
        raise Malformed("it is a folder: name a file in it")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise Malformed("it is no text") from None
    if not text.strip():
        raise Malformed("it is empty")
    try:
        return json.loads(text)
    except json.JSONDecodeError as why:
        raise Malformed(f"it is no JSON: line {why.lineno}, column {why.colno}: {why.msg}") from None


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Malformed(f"what should be {what} is no object")
    return value


def _artifact(name: Any, abi: Any, bytecode: Any, beside: dict[str, Any] | None = None) -> Artifact:
    """Return one contract; its link references are in the bytecode's object, or beside a bytecode that is plain hex."""
    if not isinstance(name, str):
        raise Malformed(f"it is called {name!r}, which is no text")
    inside = isinstance(bytecode, dict)
    links = shape.links((bytecode if inside else beside or {}).get("linkReferences"))
    code = bytecode.get("object") if inside else bytecode
    return Artifact(name, shape.abi(abi), shape.bytecode(code, links), links)
