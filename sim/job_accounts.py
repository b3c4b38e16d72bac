"""What people of each role took in and spent for each job, as anybody can add it up who reads the chain."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slashpoint.sim.intention import Sender

Amounts = dict[str, int]  # asset → smallest units


@dataclass
class JobAccount:
    """One person's for one job."""

    takings: Amounts = field(default_factory=lambda: defaultdict(int))  # from contracts, less what was paid into them
    costs: Amounts = field(default_factory=lambda: defaultdict(int))  # gas, tips, computing, messages


class JobAccounts:
    """The accounts of everybody, by job and role; kept only where somebody reads them, for they cost time."""

    def __init__(self) -> None:
        self._accounts: dict[tuple[str, str], dict[str, JobAccount]] = defaultdict(lambda: defaultdict(JobAccount))

    def of(self, job: str, role: str) -> dict[str, JobAccount]:
        """Return the accounts of a role's people for a job: those who took part, by name.

        Args:
            job: its key.
            role: that the people play.
        """
        return self._accounts.get((job, role), {})

    def took(self, account: Sender, asset: str, amount: int, job: str | None) -> None:
        """Add money that a contract paid to an account, or was paid by it if negative.

        Args:
            account: whose it is.
            asset: ETH, USD or a token's symbol.
            amount: smallest units.
            job: the key of the job that it is for; what is for none is not kept.
        """
        if job is not None:
            self._accounts[job, account.role][account.controller].takings[asset] += amount

    def spent(self, account: Sender, asset: str, amount: int, job: str | None) -> None:
        """Add money that an account spent and that is gone for good.

        Args:
            account: whose it is.
            asset: ETH, USD or a token's symbol.
            amount: smallest units.
            job: the key of the job that it is for; what is for none is not kept.
        """
        if job is not None:
            self._accounts[job, account.role][account.controller].costs[asset] += amount
