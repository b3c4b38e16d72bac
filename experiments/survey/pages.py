"""The page of a survey that a newcomer reads in ten minutes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slashpoint.experiments.study.matrix import CENT
from slashpoint.experiments.study.stats import FEW
from slashpoint.experiments.survey.blocks import Command, Heading, Page, Paragraph, Picture, Table
from slashpoint.experiments.survey.book import NONE, observed, written
from slashpoint.experiments.survey.cells import first, name, once
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
from slashpoint.experiments.survey.questions import questions
from slashpoint.experiments.survey.readiness import FEES, RIGHT, SERVES, readiness

if TYPE_CHECKING:
    from collections.abc import Iterator

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
        _opening(found, line, seeds), _ready(found), questions(found), _money(found), _kinds(found), _speed(found),
        _costs(found), _attacks(found), _losses(found), _privacy(found), _management(found), _missing(found),
    ):  # fmt: skip
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
    notes = found.rows.loc[found.rows["kind"] == "central", "notes"].str.split("\n")
    models += "".join(
        f" Of the data: {says(one, 'a note of the run')}." for one in sorted({*notes.explode().dropna()} - {""})
    )
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
        rows.append([name(one), one.variant, f"**{said.verdict}**", said.reasons])
    yield Table(("network", "rules", "verdict", "because"), rows)
    serves, right, fees = (says(written(one, ".0%"), "a threshold of the verdict") for one in (SERVES, RIGHT, FEES))
    yield Paragraph(
        f"**Not ready**: fewer than {serves} of honest jobs deliver a useful model, or what is delivered is less than "
        f"{right} of the way from a guess to the model that one honest trainer makes of all the same data: a task "
        "whose best answers are noisy is not held against a network. **Ready among people who trust one another**: an "
        f"attack pays, or without one of its workers a network serves fewer than {serves} of jobs. **With limits**: "
        f"anybody can copy the model, or fees on L1 are above {fees} of the model's greatest worth. Else **ready**. "
        "Exploits of one network alone do not count here: its page has them."
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
            name(one), one.variant,
            *(found.number("deploy", one, "l1", each, "USD", plain=each == "value_delivered") for each in metrics),
        ])  # fmt: skip
    head = ("network", "rules", "worth>", "buyer's gain>", "providers' gain>", "fees>")
    yield Table((*head, "computing>"), once(rows, 1))


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
        rows.append([name(one), one.variant, *times, *rates])
    loads = [f"jobs/h, one each {each} s>" for each in seconds]
    yield Table(("network", "rules", "seconds, L1>", "seconds, rollup>", *loads), once(rows, 1))
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
        rows.append([name(one), one.variant, gas, *fees])
    yield Table(("network", "rules", "gas, L1>", "USD, L1>", "USD, rollup>"), once(rows, 1))
    yield Picture("fees", "Fees of a job in USD on L1 and on a rollup, for each network.")


def _attacks(found: Findings) -> Iterator[Block]:
    says = found.book.states
    yield Heading("What attacks come to")
    stakes = ", ".join(f"{one:g}" for one in STAKES)
    tried = list(dict.fromkeys(found.attacks["attack"]))
    named = f": {', '.join(f'`{one}`' for one in tried)}" if len(tried) <= NAMED else ""
    yield Paragraph(
        f"Attacks that name no network{named}. They are run wherever they have a seat, from up to three seats by "
        "turns, beside the same market with no attacker; the difference is the gain. What gains nothing at first "
        "counts as not paying. The others are measured again on fresh seeds, and pay if the whole interval is above a "
        "cent. What an honest worker loses is the most that one of these attacks took from one of them in one job, on "
        "the first seed. The last column is the break-even collateral: the stake from which it no longer pays to train "
        f"only a twentieth of what is asked (`lazy`), of {says(stakes, SETTING)} MDC that were tried, or what the cell "
        "says."
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
        loss = found.worst_loss(one)
        victim = f"{found.lost(one)} by `{loss.attack}`" if loss and loss.usd > CENT else found.lost(one)
        rows.append([name(one), one.variant, found.paying(one), worst, victim, found.break_even(one)])
    head = ("network", "rules", "attacks that pay", "the best one, USD a run", "an honest worker loses, USD")
    yield Table((*head, "break-even collateral"), once(rows, 1))
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
            rows.append([name(one), one.variant, called, *shares])
    gone = [f"{says(str(one), SETTING)} gone>" for one in range(most + 1)]
    yield Table(("network", "rules", "workers", *gone), once(rows, 2))
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
                rows.append([name(one), one.variant, f"`{duty}`", *cells])
    yield Table(("network", "rules", "the seat's duty", "jobs copied>", "how", "a copy fetches, USD>"), once(rows, 2))
    leaks = [name for name in LEAKS if name in found.rows and found.rows[name].notna().any()]
    if leaks:
        rows = [
            [name(one), one.variant, *(found.number("deploy", one, "l1", name, "1", ".2f") for name in leaks)]
            for one in found.columns
        ]
        yield Paragraph(
            "What the delivered model gives away: the chance to tell a row that it was trained on from another "
            "(`membership_auc`; a half is a guess), and on which share of inputs a copy agrees with it that was "
            "distilled from a few of its answers (`copied_share`)."
        )
        yield Table(("network", "rules", *(f"`{name}`>" for name in leaks)), once(rows, 1))


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
        "As documents and contracts state it; the gas is measured where a contract has a call for it and somebody "
        "makes it: in an honest deployment, or in a run that is made for it."
    )
    rows = []
    for one in first(found.columns):
        cells = [name(one)]
        for topic in ("update", "version", "withdraw"):
            text = _fact(found, one, topic)
            if one.facts and (function := one.facts.topics[topic].function):
                text += _gas(found, one.protocol, topic, function)
            cells.append(text)
        rows.append(cells)
    yield Table(("network", *(TOPICS[one] for one in ("update", "version", "withdraw"))), rows)


def _gas(found: Findings, protocol: str, topic: str, function: str) -> str:
    """Return what a call takes, in brackets: as hardened rules have it, else literal ones."""
    for one in reversed([each for each in found.columns if each.protocol == protocol]):
        for trial, where in (("manage", topic), ("deploy", "l1")):
            gas = found.number(trial, one, where, f"gas_per_call:{function}", "gas", ",.0f", plain=True)
            if gas != NONE:
                return f" ({gas} gas)"
    return " (no run calls it)"


def _missing(found: Findings) -> Iterator[Block]:
    without = [one.protocol for one in first(found.columns) if one.facts is None]
    yield Heading("What this does not say")
    yield Paragraph(
        "Nothing about the real networks' prices, users or uptime: these are their rules, with simulated people. "
        "Hardware makes no difference here but for its speed. The attacks are those that exist as files; another may "
        "pay. Each network's own exploits are on its page, `protocols/` and its name."
        + (f" No facts were collected for {', '.join(without)}." if without else "")
    )


def _facts(found: Findings, *topics: str) -> Table:
    rows = [[name(one), *(_fact(found, one, each) for each in topics)] for one in first(found.columns)]
    return Table(("network", *(TOPICS[each] for each in topics)), rows)


def _fact(found: Findings, one: Network, topic: str) -> str:
    return found.book.states(one.facts.topics[topic].says, one.facts.topics[topic].source) if one.facts else NONE
