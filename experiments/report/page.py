"""The report of one run: a page that needs no network and no script, made of the ledger alone."""

from __future__ import annotations

import math
from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pandas as pd

from slashpoint.experiments.report.drawing import bars, lanes, steps
from slashpoint.experiments.report.text import in_html
from slashpoint.sim.metrics.gas import OTHER
from slashpoint.sim.metrics.run import lines
from slashpoint.sim.units import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from slashpoint.sim.metrics.run import Run

CROWD = 12  # people whom a chart names one by one
FOOLED = "Fooled: marked items that it takes for the class of a backdoor, where somebody trained one."
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 800px; margin: 2em auto; padding: 0 1em; color: #222 }
h1 { font-size: 1.5em } h2 { font-size: 1.15em; margin: 2em 0 .3em } p, td, th { color: #444 }
svg { max-width: 100%; height: auto } text { font: 12px system-ui, sans-serif; fill: #444; dominant-baseline: middle }
.end { text-anchor: end } .middle { text-anchor: middle } .rule { stroke: #ddd; fill: none }
.line { fill: none; stroke-width: 1.8 }
.legend span { margin-right: 1.2em; white-space: nowrap } .legend i { display: inline-block; width: .8em; height: .8em;
margin-right: .4em; border-radius: 2px } .bad { color: #b00020 } code { background: #f3f3f3; padding: .1em .3em }
table { border-collapse: collapse } td, th { padding: .1em .9em .1em 0; text-align: left } td:last-child,
th:last-child { text-align: right } th { font-weight: 600; border-bottom: 1px solid #ccc }
"""


def page(run: Run, about: Mapping[str, Any]) -> str:
    """Return the page.

    Args:
        run: finished.
        about: its `result.json`: protocol, attack, seed, reproduce, hashes, warnings.
    """
    title = f"{about['protocol']} · {about['attack']} · seed {about['seed']}"
    first = run.tables["blocks"]["time_ns"].min()
    job = _typical(run)
    apart = "Bystanders are left out." if run.bystanders else ""
    sections = [
        ("Who earned what over time",
         f"USD at the prices of the end; what is locked in a stake is missing meanwhile. {apart}",
         steps(_earned(run, first), "USD")),
        ("Where every token went", "Sums of all movements: why, from whom, to whom.", _money(run)),
        ("Quality delivered", f"Right answers of the model that the buyer can fetch; none where nothing came. {FOOLED}",
         bars(_quality(run), "%")),
        ("Submissions over time", "Right answers of the models that each person trained and handed in.",
         steps(_submitted(run, first), "%")),
        ("Gas by phase", apart, bars(_gas(run), "gas")),
        (f"A request, from its birth to its end: {job[:10]}" if job else "A request",
         "Pale: a transaction that failed or was dropped.",
         lanes(_moments(run, job))),
    ]  # fmt: skip
    body = "".join(f"<h2>{in_html(name)}</h2><p>{in_html(text)}</p>{drawn}" for name, text, drawn in sections)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{in_html(title)}</title>'
        f'<link rel="icon" href="data:,"><style>{STYLE}</style></head>'
        f"<body><h1>{in_html(title)}</h1>{_head(run, about)}{body}</body></html>\n"
    )


def _head(run: Run, about: Mapping[str, Any]) -> str:
    complaints = list(run.tables["violations"]["complaint"])
    asked = len(run.expected.get("invariants", ())) or "all"
    verdict = f"{len(complaints)} violations" if complaints else f"{asked} invariants checked, all held"
    said = [*about["warnings"], *run.notes, *complaints[:5]]
    notes = "".join(f'<li class="{"bad" if one in complaints else ""}">{in_html(one)}</li>' for one in said)
    chain = in_html(about.get("chain_hash", "")[:16])
    return (
        f"<p><code>{in_html(about['reproduce'])}</code><br>chain hash <code>{chain}</code>, "
        f"engine {in_html(about['engine'])}, {verdict}</p><ul>{notes}</ul>"
    )


def _earned(run: Run, first: int) -> dict[str, list[tuple[float, float]]]:
    """USD gained so far by each person, or by role and strategy where there are many: (minutes, USD) points."""
    names = _names(run)
    gained: dict[str, float] = defaultdict(float)
    series: dict[str, list[tuple[float, float]]] = {name: [(0.0, 0.0)] for name in sorted(set(names.values()))}
    columns = ("time_ns", "sender", "receiver", "asset", "amount", "cause")
    for time, sender, receiver, asset, amount, cause in lines(run.tables["transfers"], *columns):
        if cause == "funding":
            continue
        for party, sign in ((sender, -1), (receiver, 1)):
            name = names.get(run.party(party))
            if name is not None:
                gained[name] += sign * run.usd(asset, amount)
                series[name].append(((time - first) / SECOND / 60, gained[name]))
    return series


def _names(run: Run) -> dict[str, str]:
    """Return what a chart calls each person: by name, or by role and strategy where there are many."""
    people = run.people.drop(list(run.bystanders))
    many = len(people) > CROWD
    return {
        who: f"{role} ({strategy})" if many else f"{who} ({strategy})" if attacker else who
        for who, role, strategy, attacker in lines(people.reset_index(), "controller", "role", "strategy", "attacker")
    }


def _submitted(run: Run, first: int) -> dict[str, list[tuple[float, float]]]:
    """Return the models that each person handed in, in order: (minutes, per cent of right answers) points.

    What is handed in is the last model that the person trained for the job before.
    """
    sent, models = run.tables["transactions"], run.tables["models"].dropna(subset=["correct"])
    sent = sent[(sent["verb"] == "submits") & (sent["status"] == "success")]
    if sent.empty or models.empty:
        return {}  # pandas cannot join empty columns of text
    columns = ["time_ns", "controller", "job"]
    pairs = pd.merge_asof(
        sent[columns].sort_values("time_ns"), models[[*columns, "correct", "scale"]].sort_values("time_ns"),
        on="time_ns", by=["controller", "job"],
    ).dropna(subset=["correct"])  # fmt: skip
    names, series = _names(run), dict[str, list[tuple[float, float]]]()
    for time, who, right, scale in lines(pairs, "time_ns", "controller", "correct", "scale"):
        series.setdefault(names[who], []).append(((time - first) / SECOND / 60, 100 * right / scale))
    return {name: series[name] for name in sorted(series)}


def _money(run: Run) -> str:
    """Return sums of movements: why, from whom and to whom, people by their roles."""
    roles = dict(lines(run.people.reset_index(), "controller", "role"))
    sums: dict[tuple[str, ...], int] = defaultdict(int)
    columns = ("asset", "cause", "sender", "receiver", "amount")
    for asset, cause, sender, receiver, amount in lines(run.tables["transfers"], *columns):
        parties = (run.party(party) for party in (sender, receiver))
        sums[asset, cause, *(roles.get(party, party) for party in parties)] += amount
    for (account, contract, asset), amount in run.owed.items():
        sums[asset, "owed at the end", contract, roles.get(run.party(account), account)] += amount
    whole = {key: Decimal(amount) / run.unit(key[0]) for key, amount in sorted(sums.items())}
    rows = ((*key, f"{amount:,.8f}".rstrip("0").rstrip(".")) for key, amount in whole.items())
    return _table(("asset", "why", "from", "to", "whole units"), rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    top = "".join(f"<th>{in_html(cell)}</th>" for cell in head)
    body = "".join(f"<tr>{''.join(f'<td>{in_html(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><tr>{top}</tr>{body}</table>"


def _quality(run: Run) -> dict[str, float]:
    """Per cent of right answers by request; of many, the first."""
    jobs = run.tables["jobs"].head(2 * CROWD)
    jobs = jobs.assign(delivered=jobs["delivered"].fillna(0), outcome=jobs["outcome"].fillna("open"))
    shares = {}
    for job, right, scale, outcome, fooled in lines(jobs, "job", "delivered", "scale", "outcome", "fooled"):
        shares[f"{job[:8]} {outcome}"] = 100 * right / scale
        if not math.isnan(fooled):
            shares[f"{job[:8]} fooled"] = 100 * fooled
    return shares


def _gas(run: Run) -> dict[str, float]:
    rows = run.executed[~run.executed["controller"].isin(run.bystanders)]
    sums = rows.groupby("verb")["gas"].sum().sort_values(ascending=False)
    return {str(verb) or OTHER: float(gas) for verb, gas in sums.items()}


def _typical(run: Run) -> str:
    """Return the request about which most was sent."""
    asked = run.tables["transactions"]["job"].dropna()
    return "" if asked.empty else str(asked.value_counts().index[0])


def _moments(run: Run, job: str) -> list[tuple[str, float, str, bool]]:
    sent = run.tables["transactions"]
    sent = sent[sent["job"] == job]
    rows = list(lines(sent, "account", "time_ns", "verb", "status"))
    first = min((time for _, time, *_ in rows), default=0)
    return [(who, (time - first) / SECOND / 60, verb, status == "success") for who, time, verb, status in rows]
