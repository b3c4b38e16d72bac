"""What a survey found: rows of runs by what they were for, and the numbers that are read off them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from slashpoint.experiments.report.text import command
from slashpoint.experiments.study.executor import cause
from slashpoint.experiments.study.matrix import CENT, NO_SEAT
from slashpoint.experiments.study.pairs import compared
from slashpoint.experiments.study.stats import PAYS, crossing, t_interval, verdict
from slashpoint.experiments.survey.book import NONE, commands, observed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slashpoint.experiments.study.stats import Interval
    from slashpoint.experiments.survey.book import Book
    from slashpoint.experiments.survey.plan import Network

SERVED = "service_share"
CANNOT_BE = "Misconfigured|NoSeat"  # errors of settings that no run can have, such as an attack without a seat


@dataclass(frozen=True)
class Loss:
    """What an attack cost somebody."""

    usd: float
    attack: str


@dataclass(frozen=True)
class Findings:
    """The runs of a survey, and the book that its page is written in."""

    columns: Sequence[Network]
    rows: pd.DataFrame
    book: Book

    @cached_property
    def _groups(self) -> dict[Any, pd.DataFrame]:
        """Return the rows by kind, protocol, variant and x."""
        return dict(iter(self.rows.groupby(["kind", "protocol", "variant", "x"], sort=False)))

    def of(self, kind: str, network: Network, x: Any) -> pd.DataFrame:
        """Return the runs of a trial; none where it has none.

        Args:
            kind: of the trial.
            network: of which.
            x: where it stands along its kind.
        """
        found = self._groups.get((kind, network.protocol, network.variant, x))
        return self.rows.iloc[:0] if found is None else found.copy()

    def interval(self, kind: str, network: Network, x: Any, metric: str) -> Interval:
        """Return the mean of a metric over the seeds of a trial.

        Args:
            kind: of the trial.
            network: of which.
            x: where it stands along its kind.
            metric: a column of rows.
        """
        return observed(self.of(kind, network, x), metric)

    def number(
        self, kind: str, network: Network, x: Any, metric: str, unit: str, form: str = ",.2f", *, plain: bool = False
    ) -> str:
        """Return the mark of a metric's mean over the seeds of a trial.

        Args:
            kind: of the trial.
            network: of which.
            x: where it stands along its kind.
            metric: a column of rows.
            unit: of the metric.
            form: how it is written.
            plain: without its interval.
        """
        rows = self.of(kind, network, x)
        return self.book.measures(observed(rows, metric), rows, metric, unit, form, plain=plain)

    def summed(self, network: Network, chain: str, metric: str) -> tuple[Interval, pd.DataFrame]:
        """Return the sum of all keys of a metric of the deployed model, over seeds, and its runs.

        Args:
            network: of which.
            chain: on which it was deployed.
            metric: the name before the colon.
        """
        rows = self.of("deploy", network, chain).copy()
        names = [name for name in rows if str(name).startswith(f"{metric}:")]
        return observed(rows.assign(sum=rows[names].sum(axis=1)), "sum"), rows

    def keys(self, metric: str, rows: pd.DataFrame) -> list[str]:
        """Return the keys of a metric that some runs have.

        Args:
            metric: the name before the colon.
            rows: runs.
        """
        names = [str(name) for name in rows if str(name).startswith(f"{metric}:")]
        return [name.removeprefix(f"{metric}:") for name in names if rows[name].notna().any()]

    def failure(self, kind: str, network: Network, x: Any) -> str:
        """Return why the runs of a trial failed, in a line; empty where none did.

        Args:
            kind: of the trial.
            network: of which.
            x: where it stands along its kind.
        """
        rows = self.of(kind, network, x)
        errors = rows["error"][rows["error"] != ""]
        return cause(errors.iloc[0]) if len(errors) else ""

    @property
    def crashed(self) -> bool:
        """Whether a run failed for another reason than that its setting cannot be."""
        errors = self.rows["error"]
        return bool(((errors != "") & ~errors.str.contains(CANNOT_BE)).any())

    @cached_property
    def attacks(self) -> pd.DataFrame:
        """Return a row for each attack and network: verdict, gain and its interval, seeds.

        Attacks that gained nothing at first are not measured again; of the others only fresh seeds count.
        """
        found = []
        for (kind, protocol, variant, attack), rows in self._groups.items():
            if kind == "attack":
                row = {"attack": attack, "protocol": protocol, "variant": variant, "fresh": False}
                late = self._groups.get(("again", protocol, variant, attack))
                found.append(row | _judged(rows) | ({} if late is None else _judged(late) | {"fresh": True}))
        names = [str(one) for one in dict.fromkeys(self.rows["x"][self.rows["kind"] == "attack"])]
        there = {(row["attack"], row["protocol"], row["variant"]) for row in found}
        for column in self.columns:
            for name in names:
                if (name, column.protocol, column.variant) not in there:
                    row = {"attack": name, "protocol": column.protocol, "variant": column.variant, "fresh": False}
                    found.append(row | {"verdict": NO_SEAT, "gain": math.nan, "interval": t_interval([])})
        columns = ["attack", "protocol", "variant", "fresh", "verdict", "gain", "interval"]
        return pd.DataFrame(found, columns=columns)

    def attacks_on(self, network: Network) -> pd.DataFrame:
        """Return the rows of `attacks` with a number, of one network, the best for the attacker first."""
        rows = self.attacks
        mine = (rows["protocol"] == network.protocol) & (rows["variant"] == network.variant)
        return rows[mine & rows["gain"].notna()].sort_values(["gain", "attack"], ascending=[False, True])

    def paying(self, network: Network) -> str:
        """Return how many of the attacks with a seat in a network pay, in words with a mark."""
        mine = self.attacks_on(network)
        if mine.empty:
            return NONE
        pays = list(mine["attack"][mine["verdict"] == PAYS])
        here = (self.rows["protocol"] == network.protocol) & (self.rows["variant"] == network.variant)
        runs = self.rows[here & self.rows["kind"].isin(["attack", "again"])]
        asked = [one for one in network.setting if not one.startswith("protocol.variant=")]
        screening = ["--variants", network.variant, "--seeds-cap", "1", *asked, "scenario.jobs=1"]
        told = [command("matrix", [*sorted(mine["attack"]), *screening])]
        told += [line for name in pays for line in commands(self.of("again", network, name), "gain")]
        return self.book.counts(
            f"{len(pays)} of {len(mine)}", runs, "attacks whose gain pays, of those with a seat", told
        )

    def lines(self, kind: str, network: Network, x: Any) -> list[str]:
        """Return the commands that make the runs of a trial again.

        Args:
            kind: of the trial.
            network: of which.
            x: where it stands along its kind.
        """
        return commands(self.of(kind, network, x), "")

    def worst_loss(self, network: Network) -> Loss | None:
        """Return the most that an attack cost an honest worker against the same market without it, on the first seed.

        None where no attack was run.
        """
        found = []
        for attack in self.attacks_on(network)["attack"]:
            rows = self.of("attack", network, attack)
            calm = rows[rows["honest"].astype(bool)].iloc[0]
            workers = [str(one) for one in rows if str(one).startswith(f"surplus:{network.worker}/")]
            for _, row in rows[~rows["honest"].astype(bool)].iterrows():
                honest = [one for one in workers if one.removeprefix("surplus:") not in str(row["attackers"]).split()]
                found += [Loss(float(calm[one] - row[one]), attack) for one in honest if not math.isnan(row[one])]
        return max(found, key=lambda one: one.usd, default=None)

    def lost(self, network: Network) -> str:
        """Return the mark of the most that an attack cost an honest worker; a dash where no attack was run."""
        if (worst := self.worst_loss(network)) is None:
            return NONE
        rows, metric = self.of("attack", network, worst.attack), "largest loss of an honest worker"
        return self.book.measures(t_interval([max(worst.usd, 0.0)]), rows, metric, "USD", plain=True)

    def break_even(self, network: Network) -> str:
        """Return between which stakes the lazy attack stops to pay, in words with marks."""
        stakes = network.stakes
        gains = [self._gain("stake", network, x) for x in stakes]
        means = [one.mean for one, _ in gains]
        if any(math.isnan(one) for one in means):
            return NONE
        pays = [one > CENT for one in means]
        says = [self.book.states(f"{x:g}", f"a value of {self._collateral(network)} that was tried") for x in stakes]
        turns = [i for i in range(1, len(pays)) if pays[i] != pays[i - 1]]
        if not turns:
            return (
                f"above {says[-1]}, if any: it pays at each that was tried" if pays[0]
                else f"none needed: it pays at none from {says[0]}"
            )  # fmt: skip
        if len(turns) > 1:
            return "several: it pays, does not, and pays again"
        below, above = says[turns[0] - 1], says[turns[0]]
        if not pays[0]:
            return f"reversed: it pays from between {below} and {above} upwards"
        at = crossing(list(stakes), [one - CENT for one in means])
        rows = pd.concat([rows for _, rows in gains])
        near = self.book.measures(t_interval([at]), rows, "gain", self._collateral(network), ",.3g", plain=True)
        return f"between {below} and {above}, near {near}"

    @staticmethod
    def _collateral(network: Network) -> str:
        return f"protocol.{network.facts.collateral}" if network.facts else ""

    def _gain(self, kind: str, network: Network, x: Any) -> tuple[Interval, pd.DataFrame]:
        rows = self.of(kind, network, x)
        if rows.empty or (rows["error"] != "").any():
            return t_interval([]), rows
        return t_interval(compared(rows)["gain"]), rows


def _judged(rows: pd.DataFrame) -> dict[str, Any]:
    """Return what the runs of one attack say."""
    if (rows["error"] != "").any():
        return {"verdict": NO_SEAT, "gain": math.nan, "interval": t_interval([])}
    found = t_interval(compared(rows)["gain"])
    said = verdict(found, CENT) if found.n > 1 else (PAYS if found.mean > CENT else "does not pay")
    return {"verdict": said, "gain": found.mean, "interval": found}
