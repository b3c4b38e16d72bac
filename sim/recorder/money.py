"""Money: every movement with its cause, and what each party should hold after it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slashpoint.sim.chain import COINBASE
from slashpoint.sim.engine import ZERO_ADDRESS
from slashpoint.sim.ledger import TransferRow
from slashpoint.sim.ledger.money import Cause, Edge
from slashpoint.sim.units import ETH

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from slashpoint.sim.block import Block
    from slashpoint.sim.intention import Sender
    from slashpoint.sim.recorder.decoder import Movements
    from slashpoint.sim.recorder.names import NameCodes
    from slashpoint.sim.state import State

PAYMENT, UNKNOWN = Cause.PAYMENT.value, Cause.UNKNOWN.value


class Money:
    """Writes down what moved and why; keeps what the invariants compare with (`world.booked`, `world.touched`)."""

    def __init__(self, world: State, names: NameCodes) -> None:
        self._world, self._names, self._table = world, names, world.ledger.transfers

    def transfer(self, sender: str, receiver: str, asset: str, amount: int, cause: Cause, job: str | None) -> None:
        """Write down a movement of money outside any transaction, at the chain's present block.

        Args:
            sender: name of who pays.
            receiver: name of who is paid.
            asset: ETH, USD or a token's symbol.
            amount: smallest units.
            cause: why.
            job: key of the job that it is for.
        """
        self._table.append(
            TransferRow(
                block=self._world.chain.number,
                tx=-1,
                time_ns=self._world.env.now,
                asset=asset,
                sender=sender,
                receiver=receiver,
                amount=amount,
                cause=cause.value,
                job=job,
            )
        )

    def funding(self, moved: Movements) -> None:
        """Write down what a transaction of the deployer's moved before time began."""
        for _, asset, sender, receiver, amount in zip(*moved):
            self._book(asset, sender, receiver, amount)
            ends = self._world.name_of(sender), self._world.name_of(receiver)
            self.transfer(*ends, asset, amount, Cause.FUNDING, None)

    def charge(self, account: Sender, dollars: float, receiver: Edge, cause: Cause, job: str | None) -> None:
        """Write down what somebody pays outside the chain, in USD of 18 decimals.

        Args:
            account: who pays.
            dollars: how much.
            receiver: who is paid.
            cause: why.
            job: key of the job that it is for.
        """
        if amount := round(dollars * ETH):
            self.transfer(account.name, receiver.value, "USD", amount, cause, job)
            if self._world.job_accounts is not None:
                self._world.job_accounts.spent(account, "USD", amount, job)

    def fees(self, addresses: list[bytes], wei: Iterable[int], tipped: int) -> None:
        """Take what a block's transactions cost from those who sent them.

        Args:
            addresses: of the senders.
            wei: what each one's transaction cost, all fees together.
            tipped: wei of all tips together, which go to the coinbase.
        """
        booked, touched = self._world.booked["ETH"], self._world.touched["ETH"]
        for address, amount in zip(addresses, wei):
            booked[address] -= amount
        touched.update(addresses)
        if tipped:
            booked[COINBASE] += tipped
            touched.add(COINBASE)

    def moved(self, block: Block, moved: Movements) -> None:
        """Write down what a block moved, with its causes, which the markets know.

        Args:
            block: in which it moved.
            moved: what moved, fees aside.
        """
        world, calls, code = self._world, block.calls(), self._names.code
        tokens = {token.address_ for token in world.tokens.values()}
        pays = [call.function == "transfer" and call.to in tokens for call in calls]  # each other: no market's business
        if all(pays):
            self._payments(block, moved)
            return
        rows: list[tuple[Any, ...]] = []
        for tx, asset, sender, receiver, amount in zip(*moved):
            self._book(asset, sender, receiver, amount)
            if pays[tx]:
                rows.append((tx, asset, code(sender), code(receiver), amount, PAYMENT, None))
                continue
            call = calls[tx]
            market = world.market_of.get(call.to)
            causes: list[tuple[str, int, str | None]] = [(UNKNOWN, amount, None)]
            if market is not None:
                causes = list(market.causes(call, asset, sender, receiver, amount))
            if world.job_accounts is not None:
                self._add_to_jobs(asset, sender, receiver, causes)
            ends = code(sender), code(receiver)
            rows += [(tx, asset, *ends, part, cause, job) for cause, part, job in causes]
        if rows:
            txs, assets, senders, receivers, amounts, why, jobs = map(list, zip(*rows, strict=True))
            self._write(block, txs, assets, senders, receivers, amounts, why, jobs)

    def _payments(self, block: Block, moved: Movements) -> None:
        """Write down a block with only plain token transfers: a faster path of `moved`."""
        for asset in set(moved.asset):
            booked, touched = self._world.booked[asset], self._world.touched[asset]
            for one, sender, receiver, amount in zip(moved.asset, moved.sender, moved.receiver, moved.amount):
                if one == asset:
                    booked[sender] -= amount
                    booked[receiver] += amount
            touched.update(moved.sender, moved.receiver)
            booked.pop(ZERO_ADDRESS, None)  # nobody books what was made or burnt
            touched.discard(ZERO_ADDRESS)
        senders, receivers = [list(map(self._names.code, ends)) for ends in (moved.sender, moved.receiver)]
        self._write(block, moved.tx, moved.asset, senders, receivers, moved.amount, PAYMENT, None)

    def _write(
        self, block: Block, txs: list[int], assets: list[str], senders: list[int], receivers: list[int],
        amounts: list[int], causes: Any, jobs: Any,
    ) -> None:  # fmt: skip
        self._table.extend(
            len(txs),
            {
                "block": block.number,
                "tx": txs,
                "time_ns": self._world.env.now,
                "asset": assets,
                "sender": self._names.names(senders),
                "receiver": self._names.names(receivers),
                "amount": amounts,
                "cause": causes,
                "job": jobs,
            },
        )

    def _book(self, asset: str, sender: bytes, receiver: bytes, amount: int) -> None:
        booked, touched = self._world.booked[asset], self._world.touched[asset]
        if sender != ZERO_ADDRESS:
            booked[sender] -= amount
            touched.add(sender)
        if receiver != ZERO_ADDRESS:
            booked[receiver] += amount
            touched.add(receiver)

    def _add_to_jobs(
        self, asset: str, sender: bytes, receiver: bytes, causes: Sequence[tuple[str, int, str | None]]
    ) -> None:
        job_accounts, accounts = self._world.job_accounts, self._world.accounts
        assert job_accounts is not None
        for who, sign in ((sender, -1), (receiver, 1)):
            if who in accounts:
                for _, part, job in causes:
                    job_accounts.took(accounts[who], asset, sign * part, job)
