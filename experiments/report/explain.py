"""The life of one job as a story: who was asked what, who answered, what they sent, what it cost, where money went."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from slashpoint.sim.errors import Misconfigured
from slashpoint.sim.ledger.money import FEES, OUTSIDE, Cause, Edge
from slashpoint.sim.metrics.caveats import in_ether
from slashpoint.sim.metrics.run import lines
from slashpoint.sim.units import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from slashpoint.sim.metrics.run import Run

BOUGHT = {Edge.ELECTRICITY: "computing", Edge.PEOPLE: "work", Edge.POST: "a message"}  # outside the chain
WIDTH = 14  # characters of an argument
SHORT = 8  # characters of a job's key that tell it from others


@dataclass
class Moment:
    """One thing that happened to a job."""

    seconds: float  # since the job was posted
    who: str
    what: str
    then: list[str] = field(default_factory=list)  # what followed from it: money, events


def extent(run: Run) -> str:
    """Say how much there is of a run that did not come to its result."""
    blocks = run.tables["blocks"]["block"]
    if run.tables.complete:
        return "the ledger is whole, but the run has no result"
    if blocks.empty:
        return "partial: the run was cut short before anything was written"
    return f"partial: the run was cut short, and what was written ends with block {blocks.max()}"


def jobs(run: Run) -> list[dict[str, Any]]:
    """Every job in a line: key, poster, outcome, winner, score.

    Of a run that was cut short only who posted them is known, for the rest is written at the end of a run.
    """
    ended = [
        {
            "job": key,
            "poster": poster,
            "budget": f"{run.whole(asset, reward):,.6g} {asset}",
            "outcome": outcome if isinstance(outcome, str) else "open",
            "winner": winner if isinstance(winner, str) else None,
            "delivered": int(delivered) if pd.notna(delivered) else None,
            "scale": int(scale),
        }
        for key, poster, reward, asset, outcome, winner, delivered, scale in lines(
            run.tables["jobs"].sort_values(["born_ns", "job"]),
            "job", "poster", "reward", "asset", "outcome", "winner", "delivered", "scale",
        )
    ]  # fmt: skip
    unknown = {"budget": "unknown", "outcome": "unknown", "winner": None, "delivered": None, "scale": None}
    begun = lines(_posted(run), "job", "account") if not run.tables.complete and not ended else ()
    return [*ended, *({"job": key, "poster": poster, **unknown} for key, poster in begun)]


def find_job(run: Run, start: str) -> str:
    """Return the key of the one job that begins with some characters.

    Args:
        run: a finished run.
        start: the first characters of the job's key.

    Raises:
        Misconfigured: none does, or several.
    """
    keys = [str(row["job"]) for row in jobs(run)]
    found = [key for key in keys if key.startswith(start)]
    if len(found) != 1:
        what = "no job begins" if not found else f"{len(found)} jobs begin"
        there = ", ".join(key[:SHORT] for key in found or keys) or "none"
        raise Misconfigured(f"{what} with {start!r}; there are {there}")
    return found[0]


def story(run: Run, job: str) -> list[Moment]:
    """Return what happened to a job, in order.

    Args:
        run: a finished run.
        job: its key.
    """
    tables = run.tables
    known = about(tables["jobs"], job)["born_ns"]
    born = int((about(_posted(run), job)["time_ns"] if known.empty else known).iloc[0])
    dated = [*asked(run, job), *trained(tables["models"], job), *sent(run, job), *computed(run, job)]
    dated.sort(key=lambda moment: moment[:2])
    return [Moment((time - born) / SECOND, who, what, then) for time, _, who, what, then in dated]


def _posted(run: Run) -> pd.DataFrame:
    """Return the transactions that posted a job, in order."""
    sent = run.tables["transactions"]
    return sent[(sent["verb"] == "posts") & (sent["status"] == "success") & sent["job"].notna()]


Dated = tuple[int, int, str, str, list[str]]  # nanoseconds, rank within the instant, who, what, then


def asked(run: Run, job: str) -> Iterator[Dated]:
    """Yield duties and how they were answered.

    Args:
        run: a finished run.
        job: its key.
    """
    duties, called = about(run.tables["duties"], job), names(run)
    for time, who, duty, subject, by, answer in lines(duties, "time_ns", "account", "duty", "subject", "by", "answer"):
        of = f" of {short(subject, called)}" if isinstance(subject, str) else ""
        yield time, 1, who, f"asked to {duty}{of}: {answer} ({by})", []


def trained(models: pd.DataFrame, job: str) -> Iterator[Dated]:
    """Yield models that were ready."""
    for time, who, effort, seconds, correct, scale, kind in lines(
        about(models, job), "time_ns", "account", "effort", "seconds", "correct", "scale", "kind"
    ):
        score = f"; {int(correct)} of {scale} right, which nobody knows yet" if pd.notna(correct) else ""
        yield time, 0, who, f"has a model ({kind}, effort {effort:g}, {seconds:,.0f} s){score}", []


def sent(run: Run, job: str) -> Iterator[Dated]:
    """Yield transactions with their fees, their events, and the money that they moved.

    Args:
        run: a finished run.
        job: its key.
    """
    events, transfers = about(run.tables["events"], job), about(run.tables["transfers"], job)
    called = names(run)
    data, digits = (" and data", 5) if run.paid(Cause.DATA) else ("", 2)  # a rollup's fees are hundredths of a cent
    for time, block, index, who, verb, duty, subject, function, gas, fee, status, reason in lines(
        about(run.tables["transactions"], job).assign(fee=run.fees),
        "time_ns", "block", "index", "account", "verb", "duty", "subject", "function", "gas", "fee", "status", "reason",
    ):  # fmt: skip
        of = f" {short(subject, called)}" if isinstance(subject, str) else ""
        why = f" [{duty}]" if duty else ""
        ended = "" if status == "success" else f": {status}, {run.words(in_ether(str(reason)))}"
        usd = "" if run.unfinished else f"{data} = {run.usd('ETH', fee):,.{digits}f} USD"
        cost = f", {gas:,} gas{usd}" if gas else ""
        here = events[(events["block"] == block) & (events["tx"] == index)]
        then = [f"{event}({arguments(args, called)})" for event, args in lines(here, "event", "args")]
        moved = transfers[(transfers["block"] == block) & (transfers["tx"] == index)]
        then += [f"{who} → {to}: {money} ({cause})" for who, to, money, cause in movements(run, moved)]
        yield time, 2, who, f"{verb}{of} by {function}(){cost}{ended}{why}", then if index >= 0 else []


def computed(run: Run, job: str) -> Iterator[Dated]:
    """Yield what was paid for outside the chain.

    Args:
        run: a finished run.
        job: its key.
    """
    transfers = about(run.tables["transfers"], job)
    outside = transfers[transfers["cause"].isin(OUTSIDE)]
    for time, who, payee, asset, paid in lines(outside, "time_ns", "sender", "receiver", "asset", "amount"):
        what = BOUGHT.get(payee, payee)
        yield time, 0, who, f"pays {run.whole(asset, paid):,.6g} {asset} for {what}", []


def movements(run: Run, transfers: pd.DataFrame) -> Iterator[tuple[str, str, str, str]]:
    """Yield movements of money but for fees: who, to whom, how much, why."""
    for sender, receiver, asset, moved, cause in lines(transfers, "sender", "receiver", "asset", "amount", "cause"):
        if cause not in FEES:
            yield sender, receiver, f"{run.whole(asset, moved):,.6g} {asset}", cause


def about(table: pd.DataFrame, job: str) -> pd.DataFrame:
    """Return the rows of a table that are about a job."""
    return table[table["job"] == job]


def names(run: Run) -> dict[str, str]:
    """Return the names of accounts by their addresses, as events write them; none where the table was not written."""
    return dict(lines(run.tables["accounts"], "address", "account"))


def arguments(args: str, called: Mapping[str, str]) -> str:
    """Return an event's arguments for people: accounts by their names, and long ones cut.

    Args:
        args: a JSON object.
        called: names by address.
    """
    return ", ".join(f"{name}={short(str(value), called)}" for name, value in json.loads(args).items())


def short(text: str, called: Mapping[str, str]) -> str:
    """Return the name of an address; another text, cut where it is longer than a few characters.

    Args:
        text: what is told.
        called: names by address.
    """
    return called.get(text) or (text if len(text) <= WIDTH else text[: WIDTH - 1] + "…")
