"""What a protocol is, from its classes and its contract: roles with their duties, verbs, events, variants, outcomes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slashpoint.agents.conduct import DUTIES
from slashpoint.experiments.setup import catalogue
from slashpoint.experiments.setup.vetting import mentioned
from slashpoint.sim.market import VERBS, Market

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def told(name: str, project: Path | None) -> Iterator[tuple[str, str]]:
    """Yield what a protocol has, each by a word.

    Args:
        name: the protocol's.
        project: a project's folder.

    Raises:
        Misconfigured: it cannot be loaded or deployed.
    """
    from slashpoint.experiments.setup.config import compose, variants
    from slashpoint.experiments.setup.run import deploy
    from slashpoint.sim.ledger import Ledger

    market, _, roles = catalogue.rules(name, project)
    for role in roles:
        asked = ", ".join(duty for duty in DUTIES if duty in role.duties) or "no duties"
        yield "role", f"{role.__name__.lower()}: {asked}"
    said = {name for one in market.__mro__ if issubclass(one, Market) and one is not Market
            for name in mentioned([one], one.__module__)}  # fmt: skip
    yield "verbs", ", ".join(verb for verb in VERBS if verb in said)
    _, deployed = deploy(compose([f"protocol={name}", "scenario=small"], project), Ledger(None), project)
    yield "events", ", ".join(event for each in deployed.sources for event in each.artifact_.interface.events)
    yield "outcomes", ", ".join(market.outcomes.values() or market.closing_events)
    yield "variants", ", ".join(variants(name, project=project))
