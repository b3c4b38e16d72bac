"""A finished run as metrics see it: its tables, and the sums that many metrics need."""

from __future__ import annotations

import json
import math
import re
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from slashpoint.sim.crowd import BYSTANDER
from slashpoint.sim.ledger.money import Cause
from slashpoint.sim.units import DECIMALS, SECOND

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence

    from slashpoint.sim.ledger import Tables
    from slashpoint.sim.prices import Prices

UNMINED = ("dropped", "pending")  # statuses of transactions that no block has
LONGEST = 10**8  # seconds: no run is longer, so a number that is not so far behind its beginning is a time
QUANTILES = {"p05": 0.05, "p25": 0.25, "median": 0.5, "p75": 0.75, "p95": 0.95}


@dataclass(frozen=True)
class Run:
    """A finished run. Amounts stay exact integers of smallest units until `usd`."""

    tables: Tables
    prices: Mapping[str, float]  # USD per whole unit of each asset, when the run ended
    config: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()  # what a reader must know: a surrogate, an assumption
    expected: Mapping[str, Sequence[str]] = field(default_factory=dict)  # duties, events, states of the protocol
    hashes: Mapping[str, str] = field(default_factory=dict)  # chain_hash and full_hash
    begun: Mapping[str, float] = field(default_factory=dict)  # the prices when it began; empty if they never moved
    unfinished: str = ""  # why the run did not come to its result

    @cached_property
    def controller(self) -> dict[str, str]:
        """Return the person behind each account, by name."""
        accounts = self.tables["accounts"]
        return dict(lines(accounts, "account", "controller"))

    def party(self, account: str) -> str:
        """Return whose an account is: its controller's, or its own where it is a contract or the edge of the world."""
        return self.controller.get(account, account)

    def words(self, reason: str) -> str:
        """Return why a transaction failed with Unix times as seconds since the run began, and a job's state by name."""
        genesis, states = self.config.get("chain", {}).get("genesis"), self.expected.get("states", ())

        def word(found: re.Match[str]) -> str:
            name, value = found[1], int(found[2])
            if name == "state" and value < len(states):
                return f"{name}={value} ({states[value]})"
            return f"{name}={value - genesis:,} s" if genesis and 0 <= value - genesis < LONGEST else found[0]

        return re.sub(r"\b(\w+)=(\d+)\b", word, reason)

    @cached_property
    def people(self) -> pd.DataFrame:
        """Return role (several joined by +), strategy and attacker, by controller."""
        roles: dict[str, dict[str, None]] = defaultdict(dict)
        others: dict[str, tuple[str, bool]] = {}
        accounts = self.tables["accounts"]
        for who, played, strategy, attacker in lines(accounts, "controller", "roles", "strategy", "attacker"):
            roles[who].update(dict.fromkeys(played.split("+")))
            others[who] = strategy, attacker
        rows = [("+".join(roles[who]), *others[who]) for who in others]
        index = pd.Index(list(others), name="controller", dtype=str)
        return pd.DataFrame(rows, index, columns=["role", "strategy", "attacker"])

    @cached_property
    def bystanders(self) -> set[str]:
        """Return the persons with no part in any job; nobody knows what their payments are worth to them."""
        return set(self.people.index[self.people["strategy"] == BYSTANDER])

    @cached_property
    def net(self) -> dict[tuple[str, str], int]:
        """Return what each party gained of each asset: received less sent, but for `funding`, and what it is owed.

        Parties are controllers, contracts, and the names at the edge of the world (`ledger.money.Edge`).
        Of every asset the gains sum to zero.
        """
        gains: dict[tuple[str, str], int] = defaultdict(int)
        transfers = self.tables["transfers"]
        for sender, receiver, asset, amount, cause in lines(
            transfers, "sender", "receiver", "asset", "amount", "cause"
        ):
            if cause != Cause.FUNDING:
                gains[self.party(sender), asset] -= amount
                gains[self.party(receiver), asset] += amount
        for (account, contract, asset), amount in self.owed.items():
            gains[self.party(account), asset] += amount
            gains[contract, asset] -= amount
        return dict(gains)

    @cached_property
    def owed(self) -> dict[tuple[str, str, str], int]:
        """Return what could have been withdrawn and was not, by (account, contract, asset)."""
        holdings = self.tables["holdings"]
        owed = holdings[holdings["kind"] == "owed"]
        return total(owed, ["account", "contract", "asset"])

    @cached_property
    def endowments(self) -> dict[tuple[str, str], int]:
        """Return what each person was given of each asset before anything happened."""
        transfers = self.tables["transfers"]
        funding = transfers[transfers["cause"] == Cause.FUNDING]
        people: dict[tuple[str, str], int] = defaultdict(int)
        for end, sign in (("receiver", 1), ("sender", -1)):  # between two accounts of one person it is nothing
            for (account, asset), amount in total(funding, [end, "asset"]).items():
                if account in self.controller:
                    people[self.controller[account], asset] += sign * amount
        return dict(people)

    def paid(self, *causes: str, by: str | None = None) -> dict[Any, int]:
        """Sum transfers by asset, in smallest units.

        Args:
            causes: of the transfers that count.
            by: the name of a column, for sums by (its value, asset).
        """
        transfers = self.tables["transfers"]
        chosen = transfers[transfers["cause"].isin(causes)]
        if by is None:
            return defaultdict(int, {asset: amount for (asset,), amount in total(chosen, ["asset"]).items()})
        return total(chosen, [by, "asset"])

    def usd(self, asset: str, amount: int) -> float:
        """Return an amount in USD, at the prices at the end.

        Args:
            asset: of the amount.
            amount: smallest units.
        """
        return self.whole(asset, amount) * self.prices[asset]

    def whole(self, asset: str, amount: int) -> float:
        """Convert smallest units of an asset to whole ones."""
        return amount / self.unit(asset)

    def unit(self, asset: str) -> int:
        """Return how many smallest units are one of an asset."""
        return int(10 ** self._decimals.get(asset, DECIMALS))

    @cached_property
    def _decimals(self) -> dict[str, int]:
        decimals: dict[str, int] = json.loads(self.tables.meta.get("decimals", "{}"))
        return decimals

    def dollars(self, amounts: Mapping[Any, int], keys: Iterable[Hashable] | None = None) -> pd.Series:
        """Convert amounts to USD and sum them by key.

        Args:
            amounts: smallest units by (key, asset).
            keys: which keys, and in which order, if not all.
        """
        chosen = dict.fromkeys((key for key, _ in amounts) if keys is None else keys, 0.0)
        for (key, asset), amount in amounts.items():
            if key in chosen:
                chosen[key] += self.usd(asset, amount)
        return pd.Series(chosen, dtype=float)

    @cached_property
    def executed(self) -> pd.DataFrame:
        """Select the transactions that got into a block."""
        transactions = self.tables["transactions"]
        return transactions[~transactions["status"].isin(UNMINED)]

    def fees(self, transactions: pd.DataFrame) -> list[int]:
        """Return the wei that each of some executed transactions cost, all fees together.

        Args:
            transactions: rows of the table of that name.
        """
        rows = lines(transactions, "block", "index", "burned", "tipped")
        return [burned + tipped + self.data_fees.get((block, index), 0) for block, index, burned, tipped in rows]

    @cached_property
    def data_fees(self) -> dict[tuple[int, int], int]:
        """Return the wei that a rollup took for publishing transactions, by (block, index)."""
        transfers = self.tables["transfers"]
        data = transfers[transfers["cause"] == Cause.DATA]
        return {(block, tx): amount for block, tx, amount in lines(data, "block", "tx", "amount")}

    @cached_property
    def costs(self) -> dict[tuple[str, ...], pd.DataFrame]:
        """Keep what `metrics.gas.costs` has found: seven metrics ask for three things."""
        return {}

    @cached_property
    def closed(self) -> pd.DataFrame:
        """Select the jobs that ended in the run."""
        jobs = self.tables["jobs"]
        return jobs[jobs["closed_ns"].notna()]

    @cached_property
    def span(self) -> float:
        """Return the seconds from the first block to the last."""
        times = self.tables["blocks"]["time_ns"]
        return int(times.max() - times.min()) / SECOND if len(times) else 0.0


def lines(table: pd.DataFrame, *columns: str) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of some columns, as Python values; pandas' own iteration over text is fifty times slower.

    Args:
        table: whose rows.
        columns: their names, in the order of the values.
    """
    return zip(*(table[name].to_numpy(dtype=object).tolist() for name in columns), strict=True)


def total(table: pd.DataFrame, keys: Sequence[str], column: str = "amount") -> dict[Any, int]:
    """Sum a money column exactly by the values of other columns, in the order in which these first appear.

    Args:
        table: whose rows are summed.
        keys: names of the columns that group them.
        column: what is summed, in smallest units.
    """
    sums: dict[Any, int] = defaultdict(int)
    for *key, amount in lines(table, *keys, column):
        sums[tuple(key)] += amount
    return dict(sums)


def at_end(prices: Prices, tables: Tables) -> dict[str, float]:
    """Return USD per whole unit of every asset in a ledger, when its last block was made.

    Args:
        prices: the world's price process.
        tables: the ledger's.
    """
    times = tables["blocks"]["time_ns"]
    now = int(times.max()) / SECOND if len(times) else 0.0
    return {asset: prices.usd(asset, now) for asset in assets(tables)}


def assets(tables: Tables) -> list[str]:
    """List every asset in a ledger, and the two that always are."""
    held = (tables[name]["asset"] for name in ("transfers", "holdings", "jobs"))
    return sorted({"ETH", "USD"}.union(*held))


def spread(values: pd.Series) -> pd.Series:
    """Return mean, extremes and quantiles of some numbers."""
    numbers = values.to_numpy(float)
    if not len(numbers):
        return pd.Series(dict.fromkeys(("mean", "min", *QUANTILES, "max"), math.nan), dtype=float)
    parts = {"mean": numbers.mean(), "min": numbers.min()}
    parts |= zip(QUANTILES, np.quantile(numbers, list(QUANTILES.values())), strict=True)
    return pd.Series(parts | {"max": numbers.max()}, dtype=float)


def spreads(values: pd.Series, by: Any) -> pd.DataFrame:
    """Return mean, extremes and quantiles of some numbers, a row for each group.

    Args:
        values: the numbers.
        by: what groups them, as in pandas' `groupby`.
    """
    return pd.DataFrame({key: spread(group) for key, group in values.groupby(by)}).T
