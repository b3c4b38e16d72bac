"""Proxies: which of the contracts given stand before which."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slashpoint.experiments.check.request import named
from slashpoint.experiments.check.shapes import is_proxy, is_upgradeable
from slashpoint.sim.errors import Misconfigured, choices

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from slashpoint.sim.contract import Artifact


def pairs(said: Sequence[str], artifacts: Mapping[str, Artifact], guesses: list[str]) -> dict[str, str]:
    """Return implementations by their proxies.

    Args:
        said: what --proxy says, Name=Proxy each.
        artifacts: what was given, by name.
        guesses: takes a sentence for each pair that nobody named.

    Raises:
        Misconfigured: a name is unknown, or a proxy stands before none, or before several.
    """
    found: dict[str, str] = {}
    for name, proxy in named("proxy", said, artifacts):
        if proxy not in artifacts:
            raise Misconfigured(f"--proxy {name}={proxy}: no contract {proxy!r} was given; {choices(proxy, artifacts)}")
        constructor = artifacts[proxy].interface.constructor
        if not any(each["type"] == "address" for each in constructor.inputs):
            raise Misconfigured(
                f"--proxy {name}={proxy}: {proxy}'s {constructor} takes no address of an implementation"
            )
        if proxy == name:
            raise Misconfigured(f"--proxy {name}={proxy}: a contract cannot stand before itself")
        if proxy in found:
            raise Misconfigured(f"--proxy {name}={proxy}: {proxy} already stands before {found[proxy]}")
        found[proxy] = name
    if chained := set(found) & set(found.values()):
        raise Misconfigured(f"--proxy: {min(chained)} is both a proxy and behind one")
    for proxy in artifacts:
        if proxy in found or proxy in found.values() or not is_proxy(artifacts[proxy]):
            continue
        behind = [
            name
            for name, each in artifacts.items()
            if name not in {*found, *found.values()} and not is_proxy(each) and is_upgradeable(each)
        ]
        if len(behind) != 1:
            which = f"several may ({', '.join(behind)})" if behind else "none of those given is made for it"
            line = f"--proxy {behind[0] if behind else 'NAME'}={proxy}"
            raise Misconfigured(f"{proxy} is a proxy: which contract stands behind it? {which}; say it: {line}")
        guesses.append(f"{behind[0]}: it is called through {proxy}: the only one that is made for a proxy")
        found[proxy] = behind[0]
    return found
