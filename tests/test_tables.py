"""What a run prints when it ends."""

from __future__ import annotations

import io

import pytest

from slashpoint.experiments.report.screen import Screen
from slashpoint.experiments.report.tables import SHOWN, money, number, summary
from slashpoint.sim.ledger import Ledger, read, row
from slashpoint.sim.metrics.run import Run
from slashpoint.sim.units import ETH, GWEI

PRICES = {"ETH": 2500.0, "MDC": 1.0, "USD": 1.0}


def printed(run: Run, width: int = 60) -> str:
    """The tables as text."""
    out = io.StringIO()
    summary(run, Screen(file=out, width=width))
    return out.getvalue()


def small() -> Run:
    """A requester, a lazy trainer, and one thing of everything."""
    ledger = Ledger()
    for account, role, strategy in (("requester/0", "requester", "honest"), ("trainer/0", "trainer", "lazy")):
        ledger.accounts.append(
            row(
                "accounts",
                account=account,
                controller=account,
                roles=role,
                strategy=strategy,
                attacker=strategy == "lazy",
            )
        )
    ledger.transfers.append(
        row("transfers", asset="MDC", sender="requester/0", receiver="trainer/0", amount=1234 * ETH, cause="reward")
    )
    for status, reason in (("success", None), ("reverted", "TooLate(by=3)"), ("dropped", "TooLate(by=3)")):
        ledger.transactions.append(
            row(
                "transactions", role="trainer", verb="submits", contract="Market", function="submit", gas=120_000,
                burned=120_000 * GWEI, status=status, reason=reason,
            )
        )  # fmt: skip
    ledger.duties.append(row("duties", role="trainer", duty="work", by="Lazy.work"))
    ledger.blocks.append(row("blocks", gas_limit=1000, gas_used=250))
    ledger.jobs.append(row("jobs", job="A", closed_ns=1, outcome="settled", delivered=9, scale=10, value_usd=7.0))
    for block in range(SHOWN + 2):
        ledger.violations.append(row("violations", block=block, invariant="solvent", complaint="2 MDC too few"))
    return Run(read(ledger), PRICES, notes=("surrogate",), hashes={"chain_hash": "c" * 64, "full_hash": "f" * 64})


def test_everything_is_said_in_sixty_columns() -> None:
    text = printed(small())
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert all(len(line) <= 60 for line in text.splitlines())
    for line in (
        "requester honest 1 -1,234 -1,234 -1,234 -1,234",
        "trainer lazy 1 1,234 1,234 1,234 1,234",
        "jobs: 1 settled",
        "right answers, due jobs 90.0%",
        "welfare 7.00 USD",
        "block gas used 25.0% of the limit",
        "submits Market.submit 2 1 120,000 0.60",
        "trainer submits 3 66.7% TooLate",
        "trainer work Lazy.work 1",
        "violated solvent: block 0: 2 MDC too few",
        "violated and 2 more complaints, in the ledger",
        "note surrogate",
    ):
        assert line in lines
    assert "c" * 64 in text.replace("\n", "")
    assert "warning" in text


def test_an_empty_run_prints_too() -> None:
    text = printed(Run(read(Ledger()), PRICES))
    assert "jobs: none" in text
    assert "nan" not in text.lower()


@pytest.mark.parametrize(
    ("dollars", "text"),
    [
        (0.0, "0.00"),
        (0.004, "0.004"),
        (-0.25, "-0.25"),
        (1234.5, "1,234"),
        (-1234567.0, "-1.23e+06"),
        (float("nan"), "-"),
    ],
)
def test_money(dollars: float, text: str) -> None:
    assert money(dollars) == text


@pytest.mark.parametrize(("value", "text"), [(12345.6, "12,346"), (1.2345, "1.23"), (float("nan"), "-")])
def test_numbers(value: float, text: str) -> None:
    assert number(value) == text
