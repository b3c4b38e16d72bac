"""Requests: what the command line says is to be deployed, as it was said."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slashpoint.sim.contract import Artifact
from slashpoint.sim.errors import Misconfigured, choices

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterable, Iterator

SOURCES = {".sol", ".vy"}
ENGINES = ("auto", "native", "pyevm")
NAMED = ("args", "value", "proxy", "init")  # options that say Name=something


@dataclass(frozen=True)
class Request:
    """What is to be deployed, in words; it can be sent to a worker, which deploys the same."""

    artifacts: tuple[str, ...]  # path, or path:Name
    args: tuple[str, ...] = ()  # Name=value,value
    value: tuple[str, ...] = ()  # Name=1ether
    proxy: tuple[str, ...] = ()  # Name=Proxy
    init: tuple[str, ...] = ()  # Name=function(value,value)
    engine: str = "auto"

    @classmethod
    def of(cls, args: Namespace | dict[str, Any]) -> Request:
        """Return what parsed options, or a saved document, ask for."""
        given = args if isinstance(args, dict) else vars(args)
        named = {one: tuple(given[one]) for one in ("artifacts", *NAMED)}
        return cls(**named, engine=given["engine"])

    def words(self) -> list[str]:
        """Return it as arguments of the command."""
        options = [(name, said) for name in NAMED for said in getattr(self, name)]
        engine = [] if self.engine == "auto" else ["--engine", self.engine]
        return [*self.artifacts, *(word for name, said in options for word in (f"--{name}", said)), *engine]

    def document(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return asdict(self)


def load(specs: Iterable[str]) -> dict[str, Artifact]:
    """Return artifacts by name, in the order given.

    Args:
        specs: a path each, with `:Name` behind it where the file holds several contracts.

    Raises:
        Misconfigured: there is no such file, it is none, it has no such contract, or two are of one name.
    """
    found: dict[str, Artifact] = {}
    for spec in specs:
        artifact = _load(spec)
        if artifact.name in found:
            raise Misconfigured(f"{spec}: a contract {artifact.name!r} was given before; give each name once")
        found[artifact.name] = artifact
    return found


def _load(spec: str) -> Artifact:
    """Return one artifact."""
    whole = not spec or "\0" in spec or ":" not in spec or Path(spec).exists()
    path, name = (spec, None) if whole else _parts(spec)
    if not path or "\0" in path:
        raise Misconfigured(f"{spec!r} is no path of an artifact")
    if Path(path).suffix in SOURCES and Path(path).is_file():
        raise Misconfigured(
            f"{path} is source code: compile it (forge build, npx hardhat compile, vyper -f combined_json), and name "
            "the JSON file that the compiler wrote"
        )
    try:
        return Artifact.load(path, name)
    except FileNotFoundError as error:
        raise Misconfigured(f"there is no artifact {path}{_near(Path(path))}") from error
    except RecursionError as error:
        raise Misconfigured(f"{path} is no artifact: it is nested too deeply") from error
    except OSError as error:
        raise Misconfigured(f"{path} cannot be read: {error.strerror}") from error
    except Misconfigured:
        raise
    except ValueError as error:
        hint = f"; choose one: {path}:NAME" if name is None and "no name was given" in str(error) else ""
        raise Misconfigured(f"{error}{hint}") from error


def _parts(spec: str) -> tuple[str, str]:
    """Return the path and the name in `path:Name` or `path:file:Name`."""
    path, name = spec.split(":", maxsplit=1)
    return path, name


def _near(path: Path) -> str:
    """Return what could have been meant instead of a path that is not there."""
    if not path.parent.is_dir():
        return f": there is no folder {path.parent}"
    there = sorted(one.name for one in path.parent.glob("*.json"))
    return f"; {choices(path.name, there)}" if there else ""


def named(option: str, said: Iterable[str], there: Iterable[str], *, once: bool = True) -> Iterator[tuple[str, str]]:
    """Yield name and rest of what an option says as `Name=rest`.

    Args:
        option: such as args.
        said: the option's values.
        there: names of contracts.
        once: whether each may be named once only.

    Raises:
        Misconfigured: it has no `=`, or names no contract, or one twice.
    """
    seen, names = set(), list(there)
    for text in said:
        name, equals, rest = text.partition("=")
        name = name.strip()
        if not equals or not name:
            raise Misconfigured(f"--{option} {text!r}: it must be Name=…, with the name of a contract before the =")
        if name not in names:
            raise Misconfigured(f"--{option} {text!r}: no contract {name!r} was given; {choices(name, names)}")
        if once and name in seen:
            raise Misconfigured(f"--{option} {text!r}: {name} is there twice; give it once")
        seen.add(name)
        yield name, rest
