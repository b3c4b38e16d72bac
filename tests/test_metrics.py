"""Metrics of a small market that was worked out by hand."""

from __future__ import annotations

import math
import re
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slashpoint.sim.errors import BrokenProject
from slashpoint.sim.ledger import Ledger, read, row
from slashpoint.sim.ledger.money import Edge
from slashpoint.sim.metrics import (
    COLUMNS,
    all_metrics,
    builtin,
    gas,
    metric,
    metrics_of,
    profit,
    quality,
    traffic,
    welfare,
)
from slashpoint.sim.metrics.caveats import warnings
from slashpoint.sim.metrics.run import Run, at_end
from slashpoint.sim.prices.constant import Constant
from slashpoint.sim.units import ETH, GWEI, SECOND

MARKET = "Market"
PRICES = Constant(eth=2000.0, token=0.5)
FEE = 0.22  # USD of 100,000 gas at 1 gwei and a tip of 0.1


def market() -> Ledger:
    """One request served, one that expired, one cancelled; a Sybil whose first account is slashed.

    The requester posts A (40 MDC), B (30) and C (10). Both trainers stake 5 on A; the Sybil's second account fails to.
    A goes to the honest trainer, who is paid and owed 3 of the slash; 1 is burnt, 1 stays in the contract.
    """
    ledger = Ledger()
    for account, controller, role, strategy in (
        ("requester/0", "requester/0", "requester", "honest"),
        ("trainer/0", "trainer/0", "trainer", "honest"),
        ("trainer/1", "trainer/1", "trainer", "sybil"),
        ("trainer/1+1", "trainer/1", "trainer", "sybil"),
        ("keeper/0", "keeper/0", "keeper", "honest"),
    ):
        attacker = strategy == "sybil"
        ledger.accounts.append(
            row("accounts", account=account, controller=controller, roles=role, strategy=strategy, attacker=attacker)
        )

    def moves(
        block: int, asset: str, sender: str, receiver: str, amount: float, cause: str, job: str | None = None
    ) -> None:
        whole = round(amount * 100) * ETH // 100
        ledger.transfers.append((block, 0, block * 12 * SECOND, asset, sender, receiver, whole, cause, job or None))

    def sends(block: int, who: str, verb: str, job: str, reason: str | None = None, gas_used: int = 100_000) -> None:
        burned, tipped = gas_used * GWEI, gas_used * GWEI // 10
        status = "reverted" if reason else "success"
        ledger.transactions.append(
            row(
                "transactions", block=block, time_ns=block * 12 * SECOND, account=who,
                role=who.partition("/")[0], verb=verb, job=job, contract=MARKET, function=verb[:-1],
                gas=gas_used, burned=burned, tipped=tipped, status=status, reason=reason, latency_ns=block * SECOND,
            )
        )  # fmt: skip
        for to, cause, amount in (("burnt", "gas", burned), ("coinbase", "tip", tipped)):
            ledger.transfers.append((block, 0, block * 12 * SECOND, "ETH", who, to, amount, cause, job))

    moves(0, "ETH", "genesis", "trainer/1", 10, "funding")
    moves(0, "ETH", "trainer/1", "trainer/1+1", 5, "funding")
    moves(0, "MDC", "genesis", "requester/0", 100, "funding")
    for job, reward in (("A", 40), ("B", 30), ("C", 10)):
        sends(1, "requester/0", "posts", job)
        moves(1, "MDC", "requester/0", MARKET, reward, "deposit", job)
    for who in ("trainer/0", "trainer/1"):
        sends(2, who, "submits", "A")
        moves(2, "MDC", who, MARKET, 5, "stake", "A")
    sends(2, "trainer/1+1", "submits", "A", "WrongStake(sent=1, required=5)", 50_000)
    moves(2, "USD", "trainer/0", "electricity", 0.25, "compute", "A")
    moves(2, "USD", "trainer/1", "electricity", 0.10, "compute", "A")
    moves(2, "USD", "trainer/0", "electricity", 0.05, "compute", "B")
    moves(3, "MDC", MARKET, "trainer/0", 40, "reward", "A")
    moves(3, "MDC", MARKET, "trainer/0", 5, "refund", "A")
    moves(3, "MDC", MARKET, "burnt", 1, "burn", "A")
    moves(3, "MDC", MARKET, "requester/0", 30, "refund", "B")
    moves(3, "MDC", MARKET, "requester/0", 10, "unknown", "C")
    sends(3, "keeper/0", "pokes", "A", "TooEarly(at=3)")
    ledger.holdings.append(("trainer/0", "MDC", "owed", 3 * ETH, MARKET))
    ledger.holdings.append((MARKET, "MDC", "balance", 4 * ETH, None))
    ledger.holdings.append(("genesis", "MDC", "balance", 10**6 * ETH, None))

    for block in (1, 2, 3):
        ledger.blocks.append(
            row("blocks", block=block, time_ns=block * 12 * SECOND, gas_used=block * 10, gas_limit=100, backlog=block)
        )
    for job, closed, outcome, winner, delivered, value in (
        ("A", 36, "settled", "trainer/0", 80, 60.0),
        ("B", 30, "expired", None, None, None),
        ("C", 18, "cancelled", None, None, None),
        ("D", None, None, None, None, None),
    ):
        ledger.jobs.append(
            row(
                "jobs", job=job, market=MARKET, poster="requester/0", scale=100, asset="MDC", born_ns=12 * SECOND,
                closed_ns=closed and closed * SECOND, outcome=outcome, winner=winner, delivered=delivered,
                value_usd=value,
            )
        )  # fmt: skip
    for job, who, correct in (("A", "trainer/0", 80), ("A", "trainer/1", 90), ("B", "trainer/0", 70)):
        ledger.models.append(row("models", job=job, account=who, controller=who, correct=correct, scale=100))
    for who in ("trainer/0", "trainer/1", "trainer/1+1"):
        ledger.duties.append(
            row(
                "duties",
                account=who,
                controller=who.split("+")[0],
                role="trainer",
                duty="work",
                by="Honest.work",
                job="A",
            )
        )
    return ledger


def finished(ledger: Ledger, **about: Any) -> Run:
    """The run of a ledger at hand."""
    tables = read(ledger)
    return Run(tables, at_end(PRICES, tables), **about)


@pytest.fixture(scope="module")
def run() -> Run:
    """The market above."""
    return finished(market(), config={"metrics": {"threshold": 0.7}})


def test_profit(run: Run) -> None:
    assert run.prices == {"ETH": 2000.0, "MDC": 0.5, "USD": 1.0}
    expected = {
        "requester/0": -40 * 0.5 - 3 * FEE,
        "trainer/0": (40 + 5 - 5 + 3) * 0.5 - FEE - 0.30,
        "trainer/1": -5 * 0.5 - FEE - FEE / 2 - 0.10,
        "keeper/0": -FEE,
    }
    assert profit.profit(run).to_dict() == pytest.approx(expected)
    assert profit.attacker_profit(run) == pytest.approx(expected["trainer/1"])
    assert profit.honest_profit(run) == pytest.approx(sum(expected.values()) - expected["trainer/1"])
    by_role = profit.profit_by_role(run)
    assert by_role.index.tolist() == ["keeper", "requester", "trainer"]
    assert by_role.loc["trainer", ["min", "mean", "median", "max"]].tolist() == pytest.approx(
        [expected["trainer/1"], *[(expected["trainer/0"] + expected["trainer/1"]) / 2] * 2, expected["trainer/0"]]
    )
    assert profit.profit_by_strategy(run).loc[("trainer", "sybil"), "mean"] == pytest.approx(expected["trainer/1"])
    assert profit.persons(run).to_dict() == {
        ("keeper", "honest"): 1, ("requester", "honest"): 1, ("trainer", "honest"): 1, ("trainer", "sybil"): 1
    }  # fmt: skip


def test_nothing_is_made_or_lost(run: Run) -> None:
    """Over everybody, the contract and the edges of the world, the gains of each asset sum to zero."""
    for asset in ("ETH", "MDC", "USD"):
        assert sum(amount for (_, held), amount in run.net.items() if held == asset) == 0
    assert run.net[MARKET, "MDC"] == 1 * ETH
    assert run.net["burnt", "MDC"] == 1 * ETH
    assert run.net["burnt", "ETH"] == (6 * 100_000 + 50_000) * GWEI
    assert ("genesis", "ETH") not in run.net


PARTIES = ["a/0", "a/0+1", "b/0", MARKET, "burnt", "coinbase"]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(PARTIES), st.sampled_from(PARTIES), st.sampled_from(["ETH", "MDC"]),
            st.integers(0, 10**40), st.sampled_from(["reward", "funding", "gas", "unknown"]),
        )
    ),
    st.lists(st.tuples(st.sampled_from(PARTIES[:3]), st.sampled_from(["ETH", "MDC"]), st.integers(0, 10**40))),
)  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_conservation(transfers: list[Any], owed: list[Any]) -> None:
    ledger = Ledger()
    for account in PARTIES[:3]:
        ledger.accounts.append(row("accounts", account=account, controller=account[:3]))
    for sender, receiver, asset, amount, cause in transfers:
        ledger.transfers.append((0, 0, 0, asset, sender, receiver, amount, cause, None))
    for account, asset, amount in owed:
        ledger.holdings.append((account, asset, "owed", amount, MARKET))
    sums = {"ETH": 0, "MDC": 0}
    for (_, asset), amount in finished(ledger).net.items():
        sums[asset] += amount
    assert sums == {"ETH": 0, "MDC": 0}


def test_locked_capital(run: Run) -> None:
    most = profit.locked(run)
    assert most.to_dict() == {"requester/0": 40.0, "trainer/0": 2.5, "trainer/1": 2.5, "keeper/0": 0.0}
    gain = profit.profit(run)
    returns = profit.return_on_locked(run)
    assert returns.to_dict() == pytest.approx({who: gain[who] / most[who] for who in most.index if who != "keeper/0"})


def test_the_most_that_was_locked_at_once() -> None:
    ledger = Ledger()
    ledger.accounts.append(row("accounts", account="a/0", controller="a/0"))
    for sender, receiver, amount in (("a/0", MARKET, 5), (MARKET, "a/0", 4), ("a/0", MARKET, 2), ("a/0", "burnt", 9)):
        ledger.transfers.append((0, 0, 0, "USD", sender, receiver, amount * ETH, "stake", None))
    assert profit.locked(finished(ledger)).to_dict() == {"a/0": 5.0}


def test_winnings(run: Run) -> None:
    assert profit.winnings(run).to_dict() == {"trainer/0": 20.0, "trainer/1": 0.0}
    assert profit.hhi_of_winnings(run) == 1.0
    assert profit.gini_of_winnings(run) == 0.5
    ledger = Ledger()
    for who, amount in (("a", 1), ("b", 3), ("c", 4)):
        ledger.accounts.append(row("accounts", account=who, controller=who))
        ledger.transfers.append((0, 0, 0, "MDC", MARKET, who, amount * ETH, "reward", None))
    shared = finished(ledger)
    assert profit.hhi_of_winnings(shared) == pytest.approx((1 + 9 + 16) / 64)
    assert profit.gini_of_winnings(shared) == pytest.approx((2 + 3 + 1) * 2 / (2 * 3 * 8))  # mean absolute difference
    assert math.isnan(profit.hhi_of_winnings(finished(Ledger())))


def test_wealth_counts_what_first_holdings_rose_in_price_and_surplus_what_models_are_worth(run: Run) -> None:
    """Everybody was given what it holds before its profit; MDC cost twice as much at first."""
    given = run.endowments
    assert {asset for _, asset in given} == {"ETH", "MDC"}
    assert given["trainer/1", "ETH"] == 10 * ETH
    fallen = Run(run.tables, run.prices, begun={**run.prices, "MDC": 1.0})
    for who in run.people.index:
        loss = 0.5 * given.get((who, "MDC"), 0) / ETH
        assert profit.wealth_change(fallen)[who] == pytest.approx(profit.profit(run)[who] - loss)
    assert profit.wealth_change(run).equals(profit.profit(run))
    better = welfare.surplus(run) - profit.profit(run)
    assert {who: value for who, value in better.items() if value} == {"requester/0": 60.0}


def test_welfare(run: Run) -> None:
    fees = 6.5 * FEE
    assert welfare.value_delivered(run) == 60.0
    assert welfare.compute_cost(run) == pytest.approx(0.40)
    assert welfare.gas_cost(run) == pytest.approx(fees)
    assert welfare.welfare(run) == pytest.approx(60 - 0.40 - fees)
    assert welfare.buyer_surplus(run) == pytest.approx(60 - 20 - 3 * FEE)
    assert welfare.provider_surplus(run) == pytest.approx(21.5 - 2.5 - 0.40 - 3.5 * FEE)
    assert welfare.deadweight_loss(run) == pytest.approx(0.05 + 2 * FEE)
    # What buyers and providers do not share is what was burnt and what is stuck.
    assert welfare.buyer_surplus(run) + welfare.provider_surplus(run) + 2 * 0.5 == pytest.approx(welfare.welfare(run))


@pytest.mark.parametrize("payee", list(Edge))
def test_what_is_paid_at_the_edge_of_the_world_is_not_locked_in_a_contract(payee: str) -> None:
    """Whoever bought power, work or stamps has no claim on anybody."""
    ledger = Ledger()
    ledger.accounts.append(row("accounts", account="a", controller="a"))
    for receiver, amount in ((payee, 5), (MARKET, 2)):
        ledger.transfers.append((0, 0, 0, "USD", "a", receiver, amount * ETH, "whatever", None))
    ledger.transfers.append((1, 0, 0, "USD", payee, "a", 5 * ETH, "whatever", None))
    ledger.transfers.append((2, 0, 0, "USD", "a", MARKET, 1 * ETH, "whatever", None))
    assert profit.locked(finished(ledger)).to_dict() == {"a": 3.0}


def test_messages_are_a_cost_of_the_world() -> None:
    ledger = market()
    before = finished(market())
    for job in ("A", "B"):
        ledger.transfers.append((2, 0, 0, "USD", "trainer/0", "post office", ETH // 4, "postage", job))
    after = finished(ledger)
    assert (welfare.message_cost(before), welfare.message_cost(after)) == (0.0, 0.5)
    assert welfare.compute_cost(after) == welfare.compute_cost(before)
    assert welfare.welfare(before) - welfare.welfare(after) == pytest.approx(0.5)
    assert welfare.provider_surplus(before) - welfare.provider_surplus(after) == pytest.approx(0.5)
    assert welfare.deadweight_loss(after) - welfare.deadweight_loss(before) == pytest.approx(0.25)  # B expired


def test_quality(run: Run) -> None:
    assert quality.outcomes(run).to_dict() == {"cancelled": 1, "expired": 1, "open": 1, "settled": 1}
    assert quality.delivered_quality(run) == 0.4  # A at 0.8 and B at 0
    assert quality.delivered_share(run) == 0.5
    assert quality.better_passed_over(run) == 1.0
    assert quality.false_accept(run) == 0.0
    assert quality.false_reject(run) == 1.0
    edge = Run(run.tables, run.prices, config={"metrics": {"threshold": 0.8}})
    assert quality.false_accept(edge) == 0.0  # the threshold itself is good enough
    strict = Run(run.tables, run.prices, config={"metrics": {"threshold": 0.81}})
    assert (quality.false_accept(strict), quality.false_reject(strict)) == (1.0, 0.0)
    assert math.isnan(quality.false_accept(Run(run.tables, run.prices)))
    settled = quality.time_to_settle(run)
    assert settled[["min", "median", "mean", "max"]].tolist() == [6.0, 18.0, 16.0, 24.0]
    assert quality.stuck_funds(run).to_dict() == {(MARKET, "MDC"): 1.0}


def test_gas(run: Run) -> None:
    functions = {(MARKET, "poke"): 100_000, (MARKET, "post"): 300_000, (MARKET, "submit"): 250_000}
    assert gas.gas_by_function(run).to_dict() == functions
    assert gas.gas_per_call(run)[MARKET, "submit"] == pytest.approx(250_000 / 3)
    assert gas.fees_by_function(run).to_dict() == pytest.approx(
        {key: used / 100_000 * FEE for key, used in functions.items()}
    )
    assert gas.gas_by_role(run).to_dict() == {"keeper": 100_000, "requester": 300_000, "trainer": 250_000}
    assert gas.fees_by_role(run)["trainer"] == pytest.approx(2.5 * FEE)
    assert gas.gas_by_phase(run).to_dict() == {"pokes": 100_000, "posts": 300_000, "submits": 250_000}
    assert gas.fees_by_phase(run)["posts"] == pytest.approx(3 * FEE)
    assert gas.costs(run, "role").loc["trainer", "failed"] == 1


def test_traffic(run: Run) -> None:
    assert traffic.jobs_per_hour(run) == 3 / 24 * 3600
    assert traffic.jobs_per_block(run) == 1.0
    assert traffic.transactions_per_block(run) == 7 / 3
    assert traffic.fullness(run) == 0.2
    assert traffic.latency(run)[["min", "median", "max"]].tolist() == [1.0, 2.0, 3.0]
    assert traffic.backlog(run)[["min", "mean", "max"]].tolist() == [1.0, 2.0, 3.0]
    assert traffic.revert_share(run) == 2 / 7
    assert traffic.failures(run).to_dict() == {("pokes", "TooEarly"): 1, ("submits", "WrongStake"): 1}
    assert traffic.actions(run)["trainer", "submits", "success"] == 2
    assert traffic.duties(run).to_dict() == {("trainer", "work", "Honest.work"): 3}


def test_warnings(run: Run) -> None:
    ledger = market()
    ledger.close()
    expected = {"duties": ("work", "claim"), "events": ("Settled",)}
    assert warnings(finished(ledger, expected=expected)) == [
        "pokes never succeeded in 1: TooEarly(at=3)",
        "duties never asked: claim",
        "events never seen: Settled",
        "10 MDC moved in 1 transfers of unknown cause",
        "Market owes 3 MDC to 1 accounts that did not withdraw",
    ]
    assert warnings(run)[0] == "the ledger is partial: it was not closed"


def test_money_is_summed_exactly() -> None:
    """A float would lose the last wei of each; the gas of 2,000 calls must not."""
    ledger = Ledger()
    for _ in range(2000):
        ledger.transactions.append(
            row(
                "transactions",
                role="a",
                contract="C",
                function="f",
                verb="v",
                burned=10**24 + 1,
                tipped=10**40,
                status="success",
            )
        )
    assert gas.costs(finished(ledger), "role")["wei"].tolist() == [2000 * (10**24 + 1 + 10**40)]


def test_an_empty_run_has_metrics_too() -> None:
    table = all_metrics(finished(Ledger()))
    assert set(table["name"]) <= {one.__name__ for one in builtin()}
    assert math.isnan(table.set_index("name").loc["delivered_quality", "value"])
    assert warnings(finished(Ledger())) == ["the ledger is partial: it was not closed"]


def test_the_tidy_table(run: Run) -> None:
    table = all_metrics(run)
    assert list(table.columns) == list(COLUMNS)
    assert not table.duplicated(["name", "key"]).any()
    assert set(table["name"]) == {one.__name__ for one in builtin()} - {"copies"}  # nobody stole a model here
    numbers = table.set_index(["name", "key"])["value"]
    assert numbers["welfare", ""] == welfare.welfare(run)
    assert numbers["profit", "trainer/0"] == profit.profit(run)["trainer/0"]
    assert (
        numbers["profit_by_strategy", "trainer:sybil:mean"]
        == profit.profit_by_strategy(run).loc[("trainer", "sybil"), "mean"]
    )
    assert numbers["gas_by_function", "Market:post"] == 300_000
    first = table[table["name"] == "welfare"].iloc[0]
    assert (first["unit"], first["better"]) == ("USD", "higher")
    assert first["definition"] == (
        "Value delivered less computing, messages and gas (total surplus); money that only changes hands cancels out."
    )


def test_a_metric_of_ones_own(run: Run) -> None:
    @metric(unit="transfers", better="lower")
    def slashes(run: Any) -> int:
        """Transfers that punish."""
        return int((run.tables["transfers"]["cause"] == "burn").sum())

    module = SimpleNamespace(slashes=slashes, helper=len, unit="not a metric")
    assert metrics_of(module) == [slashes]
    table = all_metrics(run, metrics_of(module))
    assert table.to_numpy().tolist() == [["slashes", "", 1.0, "transfers", "lower", "Transfers that punish."]]
    with pytest.raises(ValueError, match="the metric mute needs a docstring"):

        @metric(unit="1")
        def mute(run: Any) -> float:
            return 0.0


def test_dropped_transactions_cost_nothing() -> None:
    ledger = market()
    before = finished(market())
    ledger.transactions.append(
        row("transactions", index=-1, verb="claims", role="trainer", status="dropped", reason="expired")
    )
    after = finished(ledger)
    pd.testing.assert_frame_equal(gas.costs(before, "verb"), gas.costs(after, "verb"))
    assert traffic.revert_share(after) == traffic.revert_share(before)
    assert traffic.failures(after)["claims", "expired"] == 1
    assert "claims never succeeded in 1: expired" in warnings(after)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (1 + 2j, "the metric odd: (1+2j) is no real number"),
        (pd.Series([1.0, 2.0], index=["a", "a"]), "the metric odd at a: there are two numbers for this key"),
    ],
)
def test_a_metric_gives_real_numbers_each_under_a_key_of_its_own(value, says):
    @metric(unit="1")
    def odd(run):
        """Odd."""
        return value

    with pytest.raises(BrokenProject, match=re.escape(says)):
        all_metrics(None, [odd])
