"""Write the skeleton of an attack, an invariant, a metric or a protocol into a project.

Each folder of `templates` is a kind. Its files go to the same places in the project, without the suffix. The name that
was given takes the place of NAME in their paths and of `$name` in their texts, and the same as a class, `FirstCome` for
`first_come`, that of TITLE and `$Name`.
"""

from __future__ import annotations

import keyword
import re
from pathlib import Path
from string import Template

from slashpoint.experiments.report.listing import LISTS
from slashpoint.experiments.setup.files import writing
from slashpoint.experiments.setup.modules import HOME
from slashpoint.experiments.setup.project import MARK, find_project
from slashpoint.sim.errors import Misconfigured

TEMPLATES, SUFFIX = Path(__file__).parent / "templates", ".template"
KINDS = sorted(folder.name for folder in TEMPLATES.iterdir())
NAME = re.compile(r"[a-z][a-z0-9_]*")  # also on file systems that do not tell a from A


def write(kind: str, name: str, project: Path | None = None) -> list[Path]:
    """Write a skeleton; nothing that is there is written over.

    Args:
        kind: one of KINDS.
        name: what it will be called; also its file, its option and, in capitals, its class.
        project: where to; by default the project around the current folder, which becomes one if there is none.

    Returns:
        The files that were made.

    Raises:
        Misconfigured: the name is none or is taken, or a file of it is there. Nothing was written.
    """
    folder = project or find_project()
    made = {} if folder else {_new_project() / MARK: ""}
    folder = folder or Path.cwd()
    _refuse_name(kind, name, folder if not made else None)
    made |= {folder / path: text for path, text in _filled(kind, name).items()}
    if there := [path for path in made if path.exists()]:
        raise Misconfigured(f"{there[0]} is there already: choose another name, or move it away")
    for path, text in made.items():
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return list(made)


def class_name(name: str) -> str:
    """Return a name as classes and contracts have it: `first_come` is `FirstCome`."""
    return "".join(part.capitalize() for part in name.split("_"))


def _new_project() -> Path:
    """Return the current folder, where it may become a project."""
    here = Path.cwd()
    ours = HOME.resolve().parent
    if here.is_relative_to(ours) and ((ours / "pyproject.toml").exists() or here.is_relative_to(HOME.resolve())):
        raise Misconfigured(f"{here} is slashpoint's own: make a folder of your own elsewhere, and go there")
    return here


def _refuse_name(kind: str, name: str, project: Path | None) -> None:
    if not NAME.fullmatch(name) or keyword.iskeyword(name):
        raise Misconfigured(
            f"{name!r} cannot be a name: it must be a word of lower-case letters, digits and underscores that begins "
            f"with a letter and is no keyword of Python, such as my_{kind}"
        )
    if name in {row["name"] for row in LISTS[f"{kind}s"](project, [])}:
        raise Misconfigured(f"there is the {kind} {name!r} already: choose another name")
    if (HOME / "contracts" / "build" / f"{class_name(name)}.json").exists() and kind == "protocol":
        raise Misconfigured(f"{name!r}: there is the contract {class_name(name)} already: choose another name")


def _filled(kind: str, name: str) -> dict[str, str]:
    """Return the texts of a kind's templates, by path in a project."""
    top, title, made = TEMPLATES / kind, class_name(name), {}
    for path in sorted(top.rglob(f"*{SUFFIX}")):
        place = path.relative_to(top).as_posix().removesuffix(SUFFIX).replace("NAME", name).replace("TITLE", title)
        made[place] = Template(path.read_text(encoding="utf-8")).substitute(name=name, Name=title)
    return made
