"""The project around a folder: any folder with a `slashpoint.yaml`, an empty file.

Its Python is executed by whoever starts a command below it, so one that belongs to somebody else is used only where it
is trusted by name, as git does with repositories: in the variable SLASHPOINT_TRUST, or for good in a file.
"""

from __future__ import annotations

import os
import shlex
from contextlib import suppress
from pathlib import Path

from slashpoint.sim.errors import Misconfigured

MARK = "slashpoint.yaml"
TRUST = "SLASHPOINT_TRUST"  # folders, with colons between (semicolons on Windows)


def find_project(start: Path | None = None) -> Path | None:
    """Return the nearest folder upwards (by default from the current one) that is a project.

    Raises:
        Misconfigured: it is somebody else's and not trusted, or there is something in the file that marks it, or the
            current folder is gone.
    """
    try:
        start = (start or Path.cwd()).resolve()
    except FileNotFoundError as error:
        raise Misconfigured("the current folder is gone: go to another") from error
    found = next((folder for folder in (start, *start.parents) if (folder / MARK).is_file()), None)
    if found is not None:
        refuse_strangers(found)
        _refuse_content(found / MARK)
    return found


def in_use() -> Path | None:
    """Return the project around the current folder, and say on stderr which it is."""
    from slashpoint.experiments.report.text import complain

    found = find_project()
    if found is not None:
        complain(f"project    {found}")
    return found


def unknown(message: str, project: Path | None) -> Misconfigured:
    """Return the error of a name that is not known; where no project is around, a note says that one could know it.

    Args:
        message: names it, and what there is.
        project: the folder of the project in use.
    """
    error = Misconfigured(message)
    if project is None:
        error.add_note(
            f"no project is around this folder, so only what came with slashpoint is known. To use files of your own, "
            f"go to a folder with a {MARK}, or make one: touch {MARK}"
        )
    return error


def trusted() -> set[Path]:
    """Return the folders that are trusted by name, in the variable or in a line of the file."""
    said = os.environ.get(TRUST, "").split(os.pathsep)
    with suppress(FileNotFoundError):
        said += _trust_file().read_text(encoding="utf-8").splitlines()
    return {Path(one.strip()).expanduser().resolve() for one in said if one.strip()}


def _trust_file() -> Path:
    return Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser() / "slashpoint" / "trusted"


def refuse_strangers(project: Path) -> None:
    """Ask for trust in a project whose folder or mark belongs to another user."""
    if not hasattr(os, "geteuid"):
        return  # owners are no numbers on Windows
    mark = project / MARK
    owners = {path.lstat().st_uid: path for path in (project, mark)}
    strange = [(uid, path) for uid, path in owners.items() if uid not in _mine()]
    if not strange or project in trusted():
        return
    uid, path = strange[-1]
    folder, file = shlex.quote(str(project)), shlex.quote(str(_trust_file()))
    raise Misconfigured(
        f"{path} belongs to {_name(uid)}, and you are {_name(os.geteuid())}: a project's Python would run as you. "
        f"If you trust it: export {TRUST}={folder}, or for good: "
        f"mkdir -p {shlex.quote(str(_trust_file().parent))} && echo {folder} >> {file}. "
        f"To work without it, make a project of your own: touch {MARK}"
    )


def _mine() -> set[int]:
    """Return the users whose projects are one's own: oneself, and for root whoever became root by sudo."""
    uid, sudo = os.geteuid(), os.environ.get("SUDO_UID", "")
    return {uid, int(sudo)} if uid == 0 and sudo.isdecimal() else {uid}


def _name(uid: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def _refuse_content(mark: Path) -> None:
    """Refuse what nothing would read: the file is empty but for comments."""
    for line in mark.read_text(encoding="utf-8", errors="replace").splitlines():
        said = line.partition("#")[0].strip()
        if said not in {"", "---", "{}"}:
            raise Misconfigured(
                f"{mark}: {said.partition(':')[0]}: nothing reads it. The file only marks the folder of a project: "
                "what it configures goes into its conf/"
            )
