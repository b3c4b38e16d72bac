"""What a run prints when it ends: who earned what, what was delivered, what it cost, and what to doubt."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from slashpoint.experiments.report.screen import Grid, Screen
from slashpoint.sim.metrics import gas, profit, quality, traffic, welfare
from slashpoint.sim.metrics.caveats import complaints, in_ether, warnings
from slashpoint.sim.metrics.run import spreads

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from slashpoint.sim.metrics.run import Run

SHOWN = 8  # complaints of broken invariants


def summary(run: Run, console: Screen) -> None:
    """Print the tables of a finished run. They fit into 60 columns.

    Args:
        run: a finished run.
        console: where to.
    """
    for line, style in violated(run):
        console.print(line, style=style)
    for table in (people(run), outcome(run), fees(run), actions(run), answers(run)):
        console.print(table)
        console.print()
    for line, style in doubts(run):
        console.print(line, style=style)


def people(run: Run) -> Grid:
    """Profit by role and strategy."""
    table = Grid(
        "profit in USD, without the worth of delivered models",
        "role",
        "strategy",
        persons=True,
        mean=True,
        p05=True,
        median=True,
        p95=True,
    )
    by = [run.people["role"], run.people["strategy"]]
    counts, attackers = profit.persons(run), run.people.groupby(["role", "strategy"])["attacker"].any()
    for key, row in spreads(profit.profit(run), by).iterrows():
        assert isinstance(key, tuple)
        style = "red" if attackers[key] else ""
        numbers = (money(row[name]) for name in ("mean", "p05", "median", "p95"))
        table.add_row(key[0], key[1], f"{counts[key]:,}", *numbers, style=style)
    return table


def outcome(run: Run) -> Grid:
    """Return what was delivered, what it was worth, and how fast."""
    ended = ", ".join(f"{count:,} {how}" for how, count in quality.outcomes(run).items())
    table = Grid(f"jobs: {ended or 'none'}", "", value=True, unit=False)
    table.show_header = False
    for name, value, unit in (
        ("due jobs that delivered", percent(quality.delivered_share(run)), ""),
        ("right answers, due jobs", percent(quality.delivered_quality(run)), ""),
        *_errors(run),
        *_backdoors(run),
        ("value delivered", money(welfare.value_delivered(run)), "USD"),
        ("compute", money(welfare.compute_cost(run)), "USD"),
        *_messages(run),
        ("gas", money(welfare.gas_cost(run)), "USD"),
        ("welfare", money(welfare.welfare(run)), "USD"),
        ("buyers' surplus", money(welfare.buyer_surplus(run)), "USD"),
        ("providers' surplus", money(welfare.provider_surplus(run)), "USD"),
        ("jobs", number(traffic.jobs_per_hour(run)), "an hour"),
        ("jobs", number(traffic.jobs_per_block(run)), "a block"),
        ("block gas used", percent(traffic.fullness(run)), "of the limit"),
        ("posting to end, median", number(quality.time_to_settle(run)["median"]), "s"),
        ("sending to block, median", number(traffic.latency(run)["median"]), "s"),
    ):
        table.add_row(name, value, unit)
    return table


def _messages(run: Run) -> Iterator[tuple[str, str, str]]:
    """Yield what messages cost, where somebody sent any."""
    if cost := welfare.message_cost(run):
        yield "messages", money(cost), "USD"


def _errors(run: Run) -> Iterator[tuple[str, str, str]]:
    """Yield how far off answers are, where they are numbers."""
    error = quality.model_rmse(run)
    if not math.isnan(error):
        yield "RMSE of delivered models", number(error), "units of the label"


def _backdoors(run: Run) -> Iterator[tuple[str, str, str]]:
    """Yield what is beside the right answers, where somebody trained a backdoor."""
    share = quality.fooled_share(run)
    if not math.isnan(share):
        yield "marked items fooled", percent(share), ""


def fees(run: Run) -> Grid:
    """Gas by phase and function; on a rollup also what of the fees was for data."""
    rollup = bool(run.data_fees)
    heads = dict.fromkeys(("calls", "failed", "gas each", "USD", *(("data fee, USD",) if rollup else ())), True)
    table = Grid("gas", "phase", "function", **heads)
    for key, row in gas.costs(run, "verb", "contract", "function").iterrows():
        assert isinstance(key, tuple)
        verb, contract, function = key
        table.add_row(verb, f"{contract}.{function}", *cells(row, rollup=rollup))
    for role, row in gas.costs(run, "role").iterrows():
        table.add_row("all", str(role), *cells(row, rollup=rollup), style="dim")
    return table


def actions(run: Run) -> Grid:
    """Return the mix of actions, with the share that failed and the most frequent reason."""
    heads = {"sent": True, "failed": True, "most frequent reason": False}
    table = Grid("transactions sent", "role", "action", **heads)
    rows = run.tables["transactions"]
    for (role, verb), group in rows.groupby(["role", "verb"]):
        failed = group[group["status"] != "success"]
        reasons = failed["reason"].dropna().str.split("(").str[0].mode()
        share = percent(len(failed) / len(group)) if len(failed) else "-"
        table.add_row(
            str(role), str(verb) or gas.OTHER, f"{len(group):,}", share,
            in_ether(reasons.iloc[0]) if len(reasons) else "",
        )  # fmt: skip
    return table


def answers(run: Run) -> Grid:
    """Return the mix of duties, by who answered."""
    table = Grid("duties", "role", "duty", "answered by", times=True)
    for key, count in traffic.duties(run).items():
        assert isinstance(key, tuple)
        table.add_row(*map(str, key), f"{count:,}")
    return table


def violated(run: Run) -> Iterator[tuple[str, str]]:
    """Yield what invariants complain of, the first of it: lines with their styles."""
    said = complaints(run)
    for complaint in said[:SHOWN]:
        yield f"violated  {complaint}", "bold red"
    if len(said) > SHOWN:
        yield f"violated  and {len(said) - SHOWN} more complaints, in the ledger", "bold red"
    if said:
        yield "", ""


def doubts(run: Run) -> Iterator[tuple[str, str]]:
    """Warnings, what was assumed, and the hashes: lines with their styles."""
    for warning in warnings(run):
        yield f"warning   {warning}", "yellow"
    for note in run.notes:
        yield f"note      {note}", ""
    if asked := run.expected.get("invariants"):
        yield f"invariants {len(asked)} checked, {'not all' if complaints(run) else 'all'} held", ""
    for name, value in run.hashes.items():
        yield f"{name:<11}{value}", "dim"


def cells(row: pd.Series, *, rollup: bool) -> tuple[str, ...]:
    """Return calls, how many failed, the gas of each, and their fees.

    Args:
        row: of `gas.costs`.
        rollup: whether to say what of the fees was for data.
    """
    failed, each = f"{row['failed']:,}" if row["failed"] else "-", f"{row['gas'] / row['calls']:,.0f}"
    return f"{row['calls']:,}", failed, each, money(row["usd"]), *([money(row["data_usd"])] if rollup else [])


def money(dollars: float) -> str:
    """Dollars, in at most nine places: to the cent, to the dollar, or to three digits."""
    size = abs(dollars)
    if math.isnan(dollars):
        return "-"
    if 0.1 <= size < 10**6 or not dollars:
        return f"{dollars:,.2f}" if size < 1000 else f"{dollars:,.0f}"
    return f"{dollars:.3g}"


def number(value: float) -> str:
    """Return a number, to three digits."""
    return "-" if math.isnan(value) else f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def percent(share: float) -> str:
    """Return a share."""
    return "-" if math.isnan(share) else f"{share:.1%}"
