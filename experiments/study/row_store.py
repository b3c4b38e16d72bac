"""Rows as they are kept: a file each, with a checksum. What is damaged, or of another kind, is as good as absent."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slashpoint.experiments.setup.files import make_folder, write
from slashpoint.experiments.setup.inputs import unchanged

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CHECKSUM = "sha256"  # of all else in the file


@dataclass(frozen=True)
class Kept:
    """Where the row of a run is kept."""

    folder: Path
    key: str

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder / self.key[:2] / f"{self.key}.json"

    def read(self, columns: Mapping[str, Any], project: Path | None) -> dict[str, Any] | None:
        """Return the row, if it is there, whole, of a run that did not fail, and what that read is as it was.

        Args:
            columns: what a row must have.
            project: a project's folder.
        """
        try:
            kept = json.loads(self.path.read_bytes())
            if kept.pop(CHECKSUM) != _checksum(kept) or kept["key"] != self.key or not unchanged(kept["read"], project):
                return None
            row = kept["row"]
            whole = columns.keys() <= row.keys() and not row["error"]
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        return {name: value if name in columns else _number(value) for name, value in row.items()} if whole else None

    def write(self, row: Mapping[str, Any], read: Mapping[str, str], about: Mapping[str, Any]) -> None:
        """Keep a row.

        Args:
            row: of the run.
            read: files that the run read and that are no part of its key, with the hash of what they hold.
            about: what else a reader of the file may want to know.
        """
        plain = {name: _plain(value) for name, value in row.items()}
        kept = {**about, "key": self.key, "read": dict(read), "row": plain}
        make_folder(self.path.parent)
        write(self.path, json.dumps({**kept, CHECKSUM: _checksum(kept)}, ensure_ascii=False, allow_nan=False) + "\n")


def _checksum(kept: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


def _plain(value: Any) -> Any:
    """Return a number that JSON does not know as text: nan, inf, -inf."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _number(value: Any) -> float:
    return float(value)
