"""The chain on which contracts are checked: when it begins, and by which rules."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import slashpoint
from slashpoint.experiments.setup.strict_yaml import load


@cache
def chain() -> dict[str, Any]:
    """Return what the configuration says of layer 1, such as its `genesis`, Unix seconds, and `fork`."""
    found: dict[str, Any] = load(Path(slashpoint.__file__).parent / "conf" / "chain" / "l1.yaml")
    return found
