"""What a reader should know before believing a run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from slashpoint.sim.ledger.money import Cause
from slashpoint.sim.market.words import NO_CID
from slashpoint.sim.mempool import UNARRIVED
from slashpoint.sim.metrics.run import lines, total
from slashpoint.sim.units import ETH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slashpoint.sim.metrics.run import Run


SHORT = re.compile(r"may cost (\d+) wei, the sender has (\d+)")  # as every engine says it
PENDING = "pending"  # the status of a transaction that waited until the end


def complaints(run: Run) -> list[str]:
    """Return the violations of invariants, as `invariant: block 7: what is wrong`."""
    rows = run.tables["violations"]
    said = lines(rows, "invariant", "block", "complaint")
    return [f"{name}: block {block}: {in_ether(what)}" for name, block, what in said]


def in_ether(reason: str) -> str:
    """Return why a call failed, with a sender's wei as ether: `may cost 0.2 ETH, the sender has 0.1 ETH`."""
    return SHORT.sub(lambda found: f"may cost {_ether(found[1])}, the sender has {_ether(found[2])}", reason)


def _ether(wei: str) -> str:
    return f"{int(wei) / ETH:.9g} ETH"


def warnings(run: Run) -> list[str]:
    """Warn of everything that makes a run's results doubtful: cut short, never done, unexplained or not withdrawn."""
    checks = (partial, unposted, unmined, fruitless, silent, unfetched, unexplained, unclaimed)
    return [doubt for check in checks for doubt in check(run)]


def partial(run: Run) -> Iterator[str]:
    """Warn of a ledger that is not complete."""
    if not run.tables.complete:
        yield f"the ledger is partial: {run.tables.why or 'it was not closed'}"


def unposted(run: Run) -> Iterator[str]:
    """Warn of jobs of the scenario that nobody posted."""
    wanted, posted = run.config.get("scenario", {}).get("jobs", 0), len(run.tables["jobs"])
    if posted < wanted:
        sent = run.tables["transactions"].query("verb == 'posts' and status != 'success'")
        reasons = sent["reason"].dropna().str.split("(").str[0].mode()
        unsent = "the others were never sent" if posted else "none was sent"
        why = in_ether(reasons.iloc[0]) if len(reasons) else unsent
        yield f"{posted:,} of {wanted:,} jobs posted: {why}"


def unmined(run: Run) -> Iterator[str]:
    """Warn of transactions that still waited for a block when the run ended."""
    sent = run.tables["transactions"]
    waited = sent[(sent["status"] == PENDING) & (sent["reason"] != UNARRIVED)]
    if len(waited):
        whys = waited["reason"].str.split(":").str[0].value_counts()
        reasons = ", ".join(f"{count} {why}" for why, count in sorted(whys.items()))
        yield f"{len(waited):,} transactions never got into a block: {reasons}"


def fruitless(run: Run) -> Iterator[str]:
    """Warn of verbs whose calls all failed."""
    sent = run.tables["transactions"]
    for verb, rows in sent[sent["status"] != PENDING].groupby("verb"):
        if not (rows["status"] == "success").any():
            reason = in_ether(rows["reason"].fillna("").mode().iloc[0])
            yield (
                f"{verb} never succeeded in {len(rows)}: {run.words(reason)}"
                if reason
                else f"{verb} never succeeded in {len(rows)}"
            )


def silent(run: Run) -> Iterator[str]:
    """Warn of duties and events that the protocol has and the run has not."""
    asked, seen = set(run.tables["duties"]["duty"]), set(run.tables["events"]["event"])
    if never := [duty for duty in run.expected.get("duties", ()) if duty not in asked]:
        yield f"duties never asked: {', '.join(never)}"
    if never := [event for event in run.expected.get("events", ()) if event not in seen]:
        yield f"events never seen: {', '.join(never)}"


def unfetched(run: Run) -> Iterator[str]:
    """Warn of models that won and could not be fetched by their buyers."""
    jobs = run.closed
    lost = jobs[jobs["winner"].notna() & jobs["delivered"].isna()]
    duties = run.tables["duties"]
    unnamed = lost["job"].isin(duties[(duties["duty"] == "fetch") & (duties["answer"] == NO_CID)]["job"])
    if unnamed.any():
        yield f"{NO_CID} ({unnamed.sum():,} of {len(jobs):,} models that won)"
    if count := int((~unnamed).sum()):
        yield f"{count:,} of {len(jobs):,} models that won are lost to their buyers: nobody has them available"


def unexplained(run: Run) -> Iterator[str]:
    """Warn of money that moved for no known cause."""
    transfers = run.tables["transfers"]
    unknown = transfers[transfers["cause"] == Cause.UNKNOWN]
    for (asset,), amount in total(unknown, ["asset"]).items():
        count = int((unknown["asset"] == asset).sum())
        yield f"{run.whole(asset, amount):.6g} {asset} moved in {count} transfers of unknown cause"


def unclaimed(run: Run) -> Iterator[str]:
    """Warn of money that could have been withdrawn and was not."""
    sums: dict[tuple[str, str], list[int]] = {}
    for (_, contract, asset), amount in run.owed.items():
        if amount:
            sums.setdefault((contract, asset), []).append(amount)
    for (contract, asset), amounts in sums.items():
        owed = run.whole(asset, sum(amounts))
        yield f"{contract} owes {owed:.6g} {asset} to {len(amounts)} accounts that did not withdraw"
