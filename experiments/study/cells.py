"""The cells of a matrix: each attack in each variant of each protocol, as settings; what it would ignore is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slashpoint.experiments.setup import catalogue
from slashpoint.experiments.setup.config import compose, variants
from slashpoint.experiments.setup.overrides import once
from slashpoint.sim.errors import Misconfigured

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Cell = tuple[str, str, str]  # attack, protocol, variant
ELSEWHERE = {
    "seed": "a matrix takes the seeds that it needs, at most --seeds-cap",
    "protocol.variant": "name variants by --variants",
}


def cells(
    attacks: Sequence[str], named: Sequence[str] | None, overrides: Sequence[str], project: Path | None
) -> dict[Cell, tuple[str, ...]]:
    """Return the setting of each cell.

    Args:
        attacks: names, several of one person joined by +; by default each there is.
        named: variants of each protocol; None for all that it has.
        overrides: of the markets: `protocol=a,b` asks for two; `scenario=small` unless they say otherwise.
        project: a project's folder.

    Raises:
        Misconfigured: something is given twice, chosen in another way, or not there.
    """
    once(overrides)
    parts = (one.lstrip("+~").partition("=") for one in overrides)
    given = {key: value for key, _, value in parts}
    if "attack" in given:
        said = given["attack"]
        words = said.strip("[]").replace(",", "+" if "[" in said else " ")
        raise Misconfigured(f"attack={said}: name attacks without attack=, as in slashpoint matrix {words or 'lazy'}")
    for key, value in given.items():
        if key in ELSEWHERE:
            raise Misconfigured(f"{key}={value}: {ELSEWHERE[key]}")
    protocols = given.get("protocol", "modelmarket").strip("[]").split(",")
    for what, names in (("attack", attacks), ("protocol", protocols), ("variant", named or ())):
        if repeated := [name for name in names if list(names).count(name) > 1]:
            raise Misconfigured(f"the {what} {repeated[0]} is there twice")
    if unnamed := [name for name in attacks if "" in name.split("+")]:
        raise Misconfigured(f"{unnamed[0]!r}: a name is missing; attacks are joined as in sybil+overclaim")
    base = [one for one in overrides if not one.startswith("protocol=")]
    base = base if "scenario" in given else ["scenario=small", *base]
    plain = [one for one in base if not one.lstrip("+~").startswith("attack.")]
    variants_of: dict[str, Sequence[str]] = {}
    for protocol in protocols:
        there = variants(protocol, plain, project)
        if strange := [one for one in named or () if one not in there]:
            raise Misconfigured(f"--variants {strange[0]}: {protocol} has {', '.join(there)}")
        variants_of[protocol] = there if named is None else named
        for variant in variants_of[protocol]:  # what cannot be composed would look like an attack without a seat
            compose([*plain, f"protocol={protocol}", f"protocol.variant={variant}"], project)
    return {
        (attack, protocol, variant): (
            *base, f"protocol={protocol}", f"protocol.variant={variant}", f"attack=[{attack.replace('+', ',')}]"
        )
        for protocol in protocols
        for attack in list(attacks) or catalogue.names("attack", project)
        for variant in variants_of[protocol]
    }  # fmt: skip
