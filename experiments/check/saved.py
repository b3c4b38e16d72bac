"""Saved sequences: what was found is kept in the project, and replayed first in later checks."""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slashpoint.experiments.check.request import ENGINES, NAMED, Request
from slashpoint.experiments.setup.files import make_folder, write
from slashpoint.experiments.setup.project import find_project
from slashpoint.sim.errors import Misconfigured, choices
from slashpoint.sim.search import Finding, Kind, Step

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from slashpoint.experiments.check.stage import Stage
    from slashpoint.experiments.check.teller import Line

FOLDER = "checks"
MOST_STEPS = 10_000


@dataclass(frozen=True)
class Saved:
    """A sequence in a file."""

    path: Path
    finding: Finding
    request: Request
    addresses: dict[str, bytes]  # of accounts and contracts, when it was saved, by name
    codes: dict[str, str]  # hash of each contract's bytecode, by name

    def lacks(self, stage: Stage) -> list[str]:
        """Return the names of those it calls or mentions that do not stand there."""
        there = addresses(stage)
        words = b"".join(step.sender + step.to + step.data for step in self.finding.steps)
        return [name for name, each in self.addresses.items() if each in words and name not in there]

    def steps(self, stage: Stage) -> tuple[Step, ...]:
        """Return its steps for contracts that may stand at other addresses now."""
        there = addresses(stage)
        moved = {each: there[name] for name, each in self.addresses.items() if there.get(name, each) != each}
        return tuple(_moved(step, moved) for step in self.finding.steps)

    def changed(self, stage: Stage) -> list[str]:
        """Return the names of contracts whose bytecode is another now."""
        now = codes(stage)
        return [name for name, each in self.codes.items() if now.get(name, each) != each]


def addresses(stage: Stage) -> dict[str, bytes]:
    """Return the addresses of accounts and contracts by name."""
    return {**stage.setup.accounts, **{name: each.address_ for name, each in stage.setup.contracts.items()}}


def codes(stage: Stage) -> dict[str, str]:
    """Return a hash of each contract's bytecode by name."""
    return {each.name: hashlib.sha256(each.artifact.bytecode.encode()).hexdigest() for each in stage.plan.deployments}


def _moved(step: Step, moved: dict[bytes, bytes]) -> Step:
    """Return a step in which addresses are others; each is looked for in the step as it was."""
    if not moved:
        return step
    pattern = re.compile(b"|".join(map(re.escape, moved)))
    data = pattern.sub(lambda found: moved[found[0]], step.data)
    return step._replace(sender=moved.get(step.sender, step.sender), to=moved.get(step.to, step.to), data=data)


def home() -> Path:
    """Return the folder in which sequences are kept: in the project, else in the current folder."""
    return (find_project() or Path.cwd()) / FOLDER


def place(finding: Finding, stage: Stage) -> Path:
    """Return the file of a finding, below the folder of its contract."""
    contracts = list(stage.plan.targets)
    contract = finding.subject.partition(".")[0]
    contract = contract if contract in contracts else contracts[0]
    subject = finding.subject.removeprefix(f"{contract}.")
    name = re.sub(r"[^\w]+", "-", subject).strip("-")[:100]
    return home() / contract / f"{finding.kind}-{name}.json"


def keep(finding: Finding, stage: Stage, request: Request, lines: Sequence[Line], seed: int) -> Path:
    """Write a finding into its file, unless the same steps are in it.

    Args:
        finding: that was confirmed.
        stage: on which it shows.
        request: what was deployed.
        lines: its steps in words.
        seed: of the search that found it.
    """
    path = place(finding, stage)
    if path.is_file() and _same(path, finding, stage):
        return path
    make_folder(path.parent)
    document = {
        "kind": finding.kind,
        "subject": finding.subject,
        "why": finding.why,
        "deployed": _elsewhere(request, path.parent).document(),
        "seed": seed,
        "addresses": {name: f"0x{each.hex()}" for name, each in addresses(stage).items()},
        "bytecode_sha256": codes(stage),
        "steps": [{**line.played.step.document(), "text": f"{line.time} {line.who}: {line.call}"} for line in lines],
    }
    write(path, json.dumps(document, indent=2) + "\n")
    return path


def _same(path: Path, finding: Finding, stage: Stage) -> bool:
    """Return whether a file holds these very steps for these contracts."""
    try:
        there = read(path)
    except Misconfigured:
        return False
    return there.finding.steps == finding.steps and there.codes == codes(stage)


def _elsewhere(request: Request, folder: Path) -> Request:
    """Return a request whose relative paths begin at a folder."""
    return Request(
        tuple(os.path.relpath(one, folder) if not Path(one).is_absolute() else one for one in request.artifacts),
        request.args,
        request.value,
        request.proxy,
        request.init,
        request.engine,
    )


def read(path: Path) -> Saved:
    """Return the sequence in a file.

    Raises:
        Misconfigured: it cannot be read, or is none; the message says what is wrong with it.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise Misconfigured(f"there is no saved sequence {path}") from error
    except OSError as error:
        raise Misconfigured(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise Misconfigured(f"{path} is no saved sequence: it is no JSON") from error
    try:
        return _read(path, document)
    except KeyError as error:
        raise Misconfigured(f"{path} is no saved sequence: {error.args[0]} is missing") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise Misconfigured(f"{path} is no saved sequence: {error}") from error


def _read(path: Path, document: dict[str, Any]) -> Saved:
    if not isinstance(document, dict):
        raise TypeError("it is no object")
    if document["kind"] not in set(Kind):
        raise ValueError(f"there is no kind {document['kind']!r}")
    given = document["deployed"]
    for name in ("artifacts", *NAMED):
        if not isinstance(given[name], list) or not all(isinstance(one, str) for one in given[name]):
            raise ValueError(f"deployed.{name} is no list of texts")
    if given["engine"] not in ENGINES:
        raise ValueError(f"there is no engine {given['engine']!r}; {choices(str(given['engine']), ENGINES)}")
    here = [str(one if Path(one).is_absolute() else _near(path.parent / one)) for one in given["artifacts"]]
    if not 0 < len(document["steps"]) <= MOST_STEPS:
        raise ValueError(f"it has {len(document['steps'])} steps")
    steps = tuple(Step.read(each) for each in document["steps"])
    finding = Finding(Kind(document["kind"]), str(document["subject"]), str(document["why"]), steps)
    named = {name: bytes.fromhex(each.removeprefix("0x")) for name, each in document["addresses"].items()}
    if strange := [name for name, each in named.items() if len(each) != 20]:
        raise ValueError(f"the address of {strange[0]} has not 20 bytes")
    hashes = {str(name): str(each) for name, each in document["bytecode_sha256"].items()}
    return Saved(path, finding, Request.of({**given, "artifacts": here}), named, hashes)


def _near(path: Path) -> str:
    """Return a path from the current folder on, without the way through another."""
    return os.path.relpath(os.path.normpath(path))


def earlier(contracts: Iterable[str]) -> Iterator[Saved]:
    """Yield the sequences that were saved for contracts, in the order of their files."""
    for contract in contracts:
        for path in sorted((home() / contract).glob("*.json")):
            yield read(path)
