"""The pages of a survey: one that a newcomer reads in ten minutes, and the details behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slashpoint.experiments.study.stats import FEW
from slashpoint.experiments.survey.blocks import Command, Heading, Page, Paragraph, Picture, Table
from slashpoint.experiments.survey.book import NONE, observed, written
from slashpoint.experiments.survey.facts import TOPICS
from slashpoint.experiments.survey.findings import SERVED
from slashpoint.experiments.survey.plan import (
    CHAINS,
    ENERGY,
    INTERVALS,
    JOBS,
    POWER,
    STAKES,
    THIEVES,
    TRUSTED,
    WORKERS,
    WORTH,
)
from slashpoint.experiments.survey.readiness import FEES, RIGHT, SERVES, readiness

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from slashpoint.experiments.survey.blocks import Block
    from slashpoint.experiments.survey.findings import Findings
    from slashpoint.experiments.survey.plan import Network

NAMED = 15  # attacks that are named one by one, at most
SETTING = "a setting of the survey"
WAYS = {
    "own": "it trained it",
    "judged": "it was given it to measure",
    "handed": "the market shows it to all",
    "public": "an address on the chain leads to it",
}


def front(found: Findings, line: str, seeds: int) -> Page:
    """Return the page for newcomers.

    Args:
        found: all that was measured.
        line: the command that makes the page.
        seeds: of each number.
    """
    page = Page("Running a model on a network of strangers: a survey", found.book)
    for part in (
        _opening(found, line, seeds), _ready(found), _money(found), _kinds(found), _speed(found), _costs(found),
        _attacks(found), _losses(found), _privacy(found), _management(found), _missing(found),
    ):  # fmt: skip
        page.blocks.extend(part)
    return page


def details(found: Findings) -> Page:
    """Return the page of details.

    Args:
        found: all that was measured.
    """
    page = Page("The survey's details", found.book)
    for part in (_phases(found), _earnings(found), _paying(found), _sources(found)):
        page.blocks.extend(part)
    return page


def _opening(found: Findings, line: str, seeds: int) -> Iterator[Block]:
    says = found.book.states
    deployed = sorted({" ".join(one.model) for one in found.columns if one.model})
    yield Paragraph(
        "Somebody has a model to train or to run, and strangers' computers to do it. Which network can be trusted with "
        "it, what does it cost, and who may lose money? Here the same work is put on each network: its contracts run "
        "in a simulated chain, its people are simulated, the models are really trained. Every number is measured, "
        "and [numbers.json](numbers.json) has the command that repeats it, its seeds and its interval; the HTML page "
        "shows them where one points. What documents say is marked as such, and its source is in [details](details.md)."
    )
    yield Command(line)
    models = f" The model: {', '.join(says(one, SETTING) for one in deployed)}." if deployed else ""
    yield Paragraph(
        f"**The same for all**: {says(str(WORKERS), SETTING)} people who work, one who pays, a model worth up to "
        f"{says(f'{WORTH:g}', SETTING)} USD to its buyer, one attacker.{models} Attacks, lost nodes and loads are "
        "measured with the quick stand-in of `scenario=small`. Machines cost "
        f"{says(f'{POWER / 1000 * ENERGY:g}', SETTING)} USD an hour everywhere. **literal** are a network's rules as "
        "its source states them, **hardened** with our repairs. "
        f"{_precision(found, seeds)} A dash: there is no such number."
    )


def _precision(found: Findings, seeds: int) -> str:
    says = found.book.states
    if seeds == 1:
        return "Each number is of one seed, and has no interval."
    few = "" if seeds >= FEW else ", which are few: it is right only if values are nearly normal"
    return f"After ± is half of a {says('95 %', 'Student’s t')} interval over {says(str(seeds), SETTING)} seeds{few}."


def _ready(found: Findings) -> Iterator[Block]:
    says = found.book.states
    yield Heading("How ready they are")
    rows = []
    for one in found.columns:
        said = readiness(found, one)
        rows.append([_name(one), one.variant, f"**{said.verdict}**", said.reasons])
    yield Table(("network", "rules", "verdict", "because"), rows)
    serves, right, fees = (says(written(one, ".0%"), "a threshold of the verdict") for one in (SERVES, RIGHT, FEES))
    yield Paragraph(
        f"**Not ready**: fewer than {serves} of honest jobs deliver a useful model, or what is delivered is right in "
        f"fewer than {right} of cases. **Ready among people who trust one another**: an attack pays, or without "
        f"one of its workers a network serves fewer than {serves} of jobs. **With limits**: anybody can copy the "
        f"model, or fees on L1 are above {fees} of the model's greatest worth. Else **ready**. Exploits of one "
        "network alone do not count here: its page has them."
    )


def _money(found: Findings) -> Iterator[Block]:
    yield Heading("Who pays, who earns")
    yield Paragraph("As documents and contracts state it.")
    yield _facts(found, "money")
    yield Paragraph(
        "Measured, USD for one job when all are honest. The buyer's gain is the worth of its model less what it paid; "
        "fees and computing are what everybody paid together."
    )
    rows = []
    for one in found.columns:
        metrics = ("value_delivered", "buyer_surplus", "provider_surplus", "gas_cost", "compute_cost")
        rows.append([
            _name(one), one.variant,
            *(found.number("deploy", one, "l1", each, "USD", plain=each == "value_delivered") for each in metrics),
        ])  # fmt: skip
    head = ("network", "rules", "worth>", "buyer's gain>", "providers' gain>", "fees>")
    yield Table((*head, "computing>"), _once(rows, 1))


def _kinds(found: Findings) -> Iterator[Block]:
    yield Heading("Jobs, hardware, formats")
    yield Paragraph("As documents and contracts state it.")
    yield _facts(found, "jobs", "hardware", "formats")


def _speed(found: Findings) -> Iterator[Block]:
    says = found.book.states
    yield Heading("How fast they are")
    seconds = [says(str(one), SETTING) for one in INTERVALS]
    yield Paragraph(
        "Time from posting a job to its end (median), and jobs an hour when "
        f"{says(str(JOBS), SETTING)} jobs come one every so many seconds. A network is saturated where faster posting "
        "does not bring more jobs an hour. Windows that rules fix are most of the time."
    )
    rows = []
    for one in found.columns:
        times = [found.number("deploy", one, chain, "time_to_settle:median", "s", ",.0f") for chain in CHAINS]
        rates = [found.number("load", one, each, "jobs_per_hour", "jobs/h", ",.1f") for each in INTERVALS]
        rows.append([_name(one), one.variant, *times, *rates])
    loads = [f"jobs/h, one each {each} s>" for each in seconds]
    yield Table(("network", "rules", "seconds, L1>", "seconds, rollup>", *loads), _once(rows, 1))
    yield Picture("load", "Jobs an hour against the seconds between two jobs, for each network.")


def _costs(found: Findings) -> Iterator[Block]:
    yield Heading("What the chain costs")
    yield Paragraph(
        "All people's calls of one job: gas, and their fees in USD on Ethereum (L1) and on a rollup of the OP stack, "
        "whose fee for data is in it. By phase: [details](details.md)."
    )
    rows = []
    for one in found.columns:
        gas = found.book.measures(*found.summed(one, "l1", "gas_by_phase"), "sum of gas_by_phase", "gas", ",.0f")
        fees = [found.number("deploy", one, chain, "gas_cost", "USD", ",.4g") for chain in CHAINS]
        rows.append([_name(one), one.variant, gas, *fees])
    yield Table(("network", "rules", "gas, L1>", "USD, L1>", "USD, rollup>"), _once(rows, 1))
    yield Picture("fees", "Fees of a job in USD on L1 and on a rollup, for each network.")


def _attacks(found: Findings) -> Iterator[Block]:
    says = found.book.states
    yield Heading("What attacks come to")
    stakes = ", ".join(f"{one:g}" for one in STAKES)
    tried = list(dict.fromkeys(found.attacks["attack"]))
    named = f": {', '.join(f'`{one}`' for one in tried)}" if len(tried) <= NAMED else ""
    yield Paragraph(
        f"Attacks that name no network{named}. They are run wherever they have a seat, from three seats by turns, "
        "beside the same market with no attacker; the difference is the gain. What gains nothing at first counts as "
        "not paying. The others are measured again on fresh seeds, and pay if the whole interval is above a cent. The "
        "last column is the break-even collateral: the stake from which it no longer pays to train only a twentieth of "
        f"what is asked (`lazy`), of {says(stakes, SETTING)} MDC that were tried, or what the cell says."
    )
    rows = []
    for one in found.columns:
        mine = found.attacks_on(one)
        worst = NONE
        if len(mine):
            best = mine.iloc[0]
            kind = "again" if best["fresh"] else "attack"
            gain = found.book.measures(best["interval"], found.of(kind, one, best["attack"]), "gain", "USD")
            worst = f"`{best['attack']}` {gain}"
        rows.append([_name(one), one.variant, found.paying(one), worst, found.break_even(one)])
    yield Table(
        ("network", "rules", "attacks that pay", "the best one, USD a run", "break-even collateral"), _once(rows, 1)
    )
    yield Picture("attacks", "Gain of each attack in each network: red pays, blue loses, grey has no seat.")


def _losses(found: Findings) -> Iterator[Block]:
    says = found.book.states
    yield Heading("When nodes are lost")
    yield Paragraph(
        "Share of jobs that still deliver a useful model (`service_share`) when some of "
        f"{says(str(WORKERS), SETTING)} workers are gone, drawn by lot. **Trusted only**: one worker in "
        f"{says(str(TRUSTED), SETTING)} alone may do the work, because strangers may not see the model; the same "
        "workers are lost. What this hides from strangers it costs in availability."
    )
    most = max((one.workers for one in found.columns), default=0)
    rows = []
    for one in found.columns:
        for kind, called in (("loss", "all"), ("trusted", "trusted only")):
            shares = [found.number(kind, one, gone, SERVED, "1", ".0%", plain=True) for gone in range(most + 1)]
            rows.append([_name(one), one.variant, called, *shares])
    gone = [f"{says(str(one), SETTING)} gone>" for one in range(most + 1)]
    yield Table(("network", "rules", "workers", *gone), _once(rows, 2))
    yield Picture("losses", "Share of jobs served against the share of workers that are gone, for each network.")


def _privacy(found: Findings) -> Iterator[Block]:
    yield Heading("Who sees what")
    yield Paragraph("As documents and contracts state it.")
    yield _facts(found, "sees_data", "sees_model", "sees_output")
    yield Paragraph(
        "Measured: `model_thief` does its duty honestly and keeps what it sees. In which share of the jobs does it end "
        "with a copy of the delivered model, how, and what would the copy fetch from another buyer? Where others "
        "execute again or vote, they must have the model, and its owner cannot sell it twice. Who settles is often the "
        "buyer itself."
    )
    rows = []
    for one in found.columns:
        for duty in THIEVES:
            cells = _copies(found, one, duty)
            if cells:
                rows.append([_name(one), one.variant, f"`{duty}`", *cells])
    yield Table(("network", "rules", "the seat's duty", "jobs copied>", "how", "a copy fetches, USD>"), _once(rows, 2))
    leaks = [name for name in LEAKS if name in found.rows and found.rows[name].notna().any()]
    if leaks:
        rows = [
            [_name(one), one.variant, *(found.number("deploy", one, "l1", name, "1", ".2f") for name in leaks)]
            for one in found.columns
        ]
        yield Paragraph(
            "What the delivered model gives away: the chance to tell a row that it was trained on from another "
            "(`membership_auc`; a half is a guess), and on which share of inputs a copy agrees with it that was "
            "distilled from a few of its answers (`copied_share`)."
        )
        yield Table(("network", "rules", *(f"`{name}`>" for name in leaks)), _once(rows, 1))


LEAKS = ("membership_auc", "copied_share")  # metrics of what a delivered model gives away


def _copies(found: Findings, one: Network, duty: str) -> list[str]:
    rows = found.of("thief", one, duty)
    if rows.empty or (rows["error"] != "").any():
        return []
    ways = found.keys("copies", rows)
    total = rows.assign(copies=rows[[f"copies:{way}" for way in ways]].sum(axis=1) if ways else 0.0)
    share = found.book.measures(observed(total, "copies"), rows, "sum of copies", "1", ".0%", plain=True)
    how = ", ".join(f"{WAYS[way]}" for way in ways) or "not at all"
    return [share, how, found.number("thief", one, duty, "copy_worth", "USD", ",.0f")]


def _management(found: Findings) -> Iterator[Block]:
    yield Heading("Managing a model")
    yield Paragraph(
        "As documents and contracts state it; the gas is measured where an honest deployment calls what does it."
    )
    rows = []
    for one in _first(found.columns):
        cells = [_name(one)]
        for topic in ("update", "version", "withdraw"):
            text = _fact(found, one, topic)
            if one.facts and (function := one.facts.topics[topic].function):
                gas = found.number("deploy", one, "l1", f"gas_per_call:{function}", "gas", ",.0f", plain=True)
                text += f" ({gas} gas)" if gas != NONE else " (not called in an honest job)"
            cells.append(text)
        rows.append(cells)
    yield Table(("network", *(TOPICS[one] for one in ("update", "version", "withdraw"))), rows)


def _missing(found: Findings) -> Iterator[Block]:
    without = [one.protocol for one in _first(found.columns) if one.facts is None]
    yield Heading("What this does not say")
    yield Paragraph(
        "Nothing about the real networks' prices, users or uptime: these are their rules, with simulated people. "
        "Hardware makes no difference here but for its speed. The attacks are those that exist as files; another may "
        "pay. Each network's own exploits are on its page, `protocols/` and its name."
        + (f" No facts were collected for {', '.join(without)}." if without else "")
    )


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
                rows.append([_name(one), one.variant, phase, gas, *fees])
    yield Table(("network", "rules", "phase", "gas, L1>", "USD, L1>", "USD, rollup>"), _once(rows, 2))


def _earnings(found: Findings) -> Iterator[Block]:
    yield Heading("Profit by role")
    yield Paragraph("Mean of the persons of a role, USD for one honest job, without the worth of the delivered model.")
    rows = []
    for one in found.columns:
        for key in found.keys("profit_by_role", found.of("deploy", one, "l1")):
            role, _, what = key.rpartition(":")
            if what == "mean":
                profit = found.number("deploy", one, "l1", f"profit_by_role:{key}", "USD")
                rows.append([_name(one), one.variant, role, profit])
    yield Table(("network", "rules", "role", "profit, USD>"), _once(rows, 2))


def _paying(found: Findings) -> Iterator[Block]:
    yield Heading("Attacks that were measured again")
    yield Paragraph("Those that gained something at first, on fresh seeds. Each interval is for itself.")
    rows = []
    for one in found.columns:
        mine = found.attacks_on(one)
        for row in mine[mine["fresh"]].to_dict("records"):
            gain = found.book.measures(row["interval"], found.of("again", one, row["attack"]), "gain", "USD")
            rows.append([_name(one), one.variant, f"`{row['attack']}`", row["verdict"], gain])
    yield Table(("network", "rules", "attack", "verdict", "gain, USD a run>"), _once(rows, 2))


def _sources(found: Findings) -> Iterator[Block]:
    yield Heading("Sources of what is stated")
    rows = []
    for one in _first(found.columns):
        for topic, fact in (one.facts.topics if one.facts else {}).items():
            stated = [found.book.states(text, fact.source) for text in (fact.says, fact.source)]
            rows.append([_name(one), TOPICS[topic], *stated])
    yield Table(("network", "what", "stated", "source"), _once(rows, 1))


def _facts(found: Findings, *topics: str) -> Table:
    rows = [[_name(one), *(_fact(found, one, each) for each in topics)] for one in _first(found.columns)]
    return Table(("network", *(TOPICS[each] for each in topics)), rows)


def _fact(found: Findings, one: Network, topic: str) -> str:
    return found.book.states(one.facts.topics[topic].says, one.facts.topics[topic].source) if one.facts else NONE


def _name(one: Network) -> str:
    return f"`{one.protocol}`"


def _first(columns: Sequence[Network]) -> list[Network]:
    """Return one column of each protocol: what is said of it is said of all its variants."""
    return list({one.protocol: one for one in reversed(columns)}.values())[::-1]


def _once(rows: list[list[str]], depth: int) -> list[list[str]]:
    """Return rows in which the first cells are left empty where they repeat those above.

    Args:
        rows: cells.
        depth: how many cells of a row name it.
    """
    found, above = [], [""] * depth
    for row in rows:
        same = 0
        while same < depth and row[same] == above[same]:
            same += 1
        above = row[:depth]
        found.append([""] * same + row[same:])
    return found
