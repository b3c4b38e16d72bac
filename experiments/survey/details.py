"""The details of a survey, behind its page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slashpoint.experiments.survey.blocks import Heading, Page, Paragraph, Table
from slashpoint.experiments.survey.book import NONE
from slashpoint.experiments.survey.cells import first, name, once
from slashpoint.experiments.survey.facts import TOPICS
from slashpoint.experiments.survey.plan import CHAINS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slashpoint.experiments.survey.blocks import Block
    from slashpoint.experiments.survey.findings import Findings


def details(found: Findings) -> Page:
    """Return the page of details.

    Args:
        found: all that was measured.
    """
    page = Page("The survey's details", found.book)
    for part in (_phases(found), _earnings(found), _paying(found), _sources(found)):
        page.blocks.extend(part)
    return page


def _phases(found: Findings) -> Iterator[Block]:
    yield Heading("Gas and fees by phase")
    yield Paragraph("Of one honest job, all people together. A phase is called by its verb.")
    phases = sorted(
        {phase for one in found.columns for phase in found.keys("gas_by_phase", found.of("deploy", one, "l1"))}
    )
    rows = []
    for one in found.columns:
        for phase in phases:
            gas = found.number("deploy", one, "l1", f"gas_by_phase:{phase}", "gas", ",.0f", plain=True)
            if gas != NONE:
                fees = [
                    found.number("deploy", one, chain, f"fees_by_phase:{phase}", "USD", ",.4g", plain=True)
                    for chain in CHAINS
                ]
                rows.append([name(one), one.variant, phase, gas, *fees])
    yield Table(("network", "rules", "phase", "gas, L1>", "USD, L1>", "USD, rollup>"), once(rows, 2))


def _earnings(found: Findings) -> Iterator[Block]:
    yield Heading("Profit by role")
    yield Paragraph("Mean of the persons of a role, USD for one honest job, without the worth of the delivered model.")
    rows = []
    for one in found.columns:
        for key in found.keys("profit_by_role", found.of("deploy", one, "l1")):
            role, _, what = key.rpartition(":")
            if what == "mean":
                profit = found.number("deploy", one, "l1", f"profit_by_role:{key}", "USD")
                rows.append([name(one), one.variant, role, profit])
    yield Table(("network", "rules", "role", "profit, USD>"), once(rows, 2))


def _paying(found: Findings) -> Iterator[Block]:
    yield Heading("Attacks that were measured again")
    yield Paragraph("Those that gained something at first, on fresh seeds. Each interval is for itself.")
    rows = []
    for one in found.columns:
        mine = found.attacks_on(one)
        for row in mine[mine["fresh"]].to_dict("records"):
            gain = found.book.measures(row["interval"], found.of("again", one, row["attack"]), "gain", "USD")
            rows.append([name(one), one.variant, f"`{row['attack']}`", row["verdict"], gain])
    yield Table(("network", "rules", "attack", "verdict", "gain, USD a run>"), once(rows, 2))


def _sources(found: Findings) -> Iterator[Block]:
    yield Heading("Sources of what is stated")
    rows = []
    for one in first(found.columns):
        for topic, fact in (one.facts.topics if one.facts else {}).items():
            stated = [found.book.states(text, fact.source) for text in (fact.says, fact.source)]
            rows.append([name(one), TOPICS[topic], *stated])
    yield Table(("network", "what", "stated", "source"), once(rows, 1))
