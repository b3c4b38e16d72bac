"""Readiness: a verdict in words, which follows from numbers by thresholds that the page states."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slashpoint.experiments.study.stats import PAYS
from slashpoint.experiments.survey.findings import SERVED
from slashpoint.experiments.survey.plan import THIEVES, WORTH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slashpoint.experiments.survey.findings import Findings
    from slashpoint.experiments.survey.plan import Network

SERVES, FEES = 0.95, 0.02  # share of jobs; fees as a share of a model's worth
RIGHT = 0.8  # of the way from a guess to the model that one honest trainer makes of all the data
OPEN = ("handed", "public")  # ways by which anybody comes to a copy


@dataclass(frozen=True)
class Readiness:
    """What speaks against a network, from the worst on."""

    fails: tuple[str, ...]  # it does not do what it is for
    risks: tuple[str, ...]  # it does, as long as people are honest and nodes stay
    limits: tuple[str, ...]  # it does, at a price

    @property
    def verdict(self) -> str:
        """Return the verdict in words."""
        if self.fails:
            return "not ready"
        if self.risks:
            return "ready among people who trust one another"
        return "ready, with limits" if self.limits else "ready"

    @property
    def reasons(self) -> str:
        """Return why."""
        nothing = "none of these attacks pays, and it does without any one worker"
        return "; ".join((*self.fails, *self.risks, *self.limits)) or nothing


def readiness(found: Findings, network: Network) -> Readiness:
    """Return how ready a network is.

    Args:
        found: all that was measured.
        network: of which.
    """
    return Readiness(tuple(_fails(found, network)), tuple(_risks(found, network)), tuple(_limits(found, network)))


def _fails(found: Findings, network: Network) -> Iterator[str]:
    if why := found.failure("deploy", network, "l1"):
        yield f"the model cannot be deployed ({found.book.states(why, 'the run’s error')})"
        return
    if not found.interval("deploy", network, "l1", SERVED).mean >= SERVES:
        share = found.number("deploy", network, "l1", SERVED, "1", ".0%", plain=True)
        yield f"only {share} of jobs deliver a useful model"
    if not skill(found, network) >= RIGHT:
        share = found.number("deploy", network, "l1", "delivered_quality", "1", ".0%", plain=True)
        best = found.number("central", network, "", "delivered_quality", "1", ".0%", plain=True)
        yield f"what it delivers is right in only {share} of cases, and {best} could be had from the same data"


def _risks(found: Findings, network: Network) -> Iterator[str]:
    paying = found.attacks_on(network)
    names = list(paying["attack"][paying["verdict"] == PAYS])
    if names:
        told = [f"`{name}`" for name in names[:2]] + ["others"] * (len(names) > 2)
        yield f"{' and '.join(told)} {'pay' if len(told) > 1 else 'pays'}"
    if network.workers and not found.interval("loss", network, 1, SERVED).mean >= SERVES:
        share = found.number("loss", network, 1, SERVED, "1", ".0%", plain=True)
        yield f"with one node gone only {share} of jobs are served"


def _limits(found: Findings, network: Network) -> Iterator[str]:
    if copied_by_anybody(found, network):
        yield "anybody can copy the model"
    if found.interval("deploy", network, "l1", "gas_cost").mean > FEES * WORTH:
        yield f"on L1 a job's fees are {found.number('deploy', network, 'l1', 'gas_cost', 'USD', plain=True)} USD"


def skill(found: Findings, network: Network) -> float:
    """Return how far a delivered model is on the way from a guess to what one honest trainer makes of all the data.

    Args:
        found: all that was measured.
        network: of which.
    """
    best = found.interval("central", network, "", "delivered_quality").mean
    best = 1.0 if math.isnan(best) else best  # where there is no such run, a perfect model has to do
    got = found.interval("deploy", network, "l1", "delivered_quality").mean
    return (got - network.guess) / (best - network.guess) if best > network.guess else math.nan


def copied_by_anybody(found: Findings, network: Network) -> bool:
    """Return whether somebody came to a copy by a way that is open to everybody.

    Args:
        found: all that was measured.
        network: of which.
    """
    ways = (found.interval("thief", network, duty, f"copies:{way}") for duty in THIEVES for way in OPEN)
    return any(one.mean > 0 for one in ways)
