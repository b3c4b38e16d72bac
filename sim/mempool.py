"""The mempool: what waits for a block, account by account in the order of nonces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slashpoint.sim.units import GWEI

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slashpoint.sim.intention import Pending
    from slashpoint.sim.script import Wait

    Dropped = list[tuple[Pending, str]]  # with the reason

REPLACED = "replaced by another of the same nonce"
TOO_LATE = "what it was to replace waits no longer"
UNARRIVED = "on its way when the run ended"


def bumped(fee: int) -> int:
    """Return the least fee of a transaction that replaces one with this fee, wei per gas: a tenth more."""
    return max(fee + 1, -(-11 * fee // 10))


class Mempool:
    """Transactions that wait, and those on their way that are to replace some.

    Args:
        gas_limit: of a block; what declares more never fits one.
    """

    def __init__(self, gas_limit: int) -> None:
        self.queues: dict[bytes, list[Pending]] = {}  # by account, in the order of nonces; none is empty
        self._limit = gas_limit
        self._doubtful = False  # whether anything waits that may have to be dropped unseen
        self._replacing: list[Pending] = []  # until they arrive
        self._instead: dict[Wait, Wait] = {}  # a replacement that was refused → what it was to replace

    def __len__(self) -> int:
        return sum(map(len, self.queues.values())) + len(self._replacing)

    def __iter__(self) -> Iterator[Pending]:
        for queue in self.queues.values():
            yield from queue
        yield from self._replacing

    def add(self, pending: Pending) -> None:
        """Take a transaction that was sent."""
        if pending.replaces is not None:
            self._replacing.append(pending)
            return
        queue = self.queues.get(pending.account.address)
        if queue is None:
            self.queues[pending.account.address] = [pending]
        else:
            queue.append(pending)
        self._doubtful |= pending.by is not None or pending.call.gas > self._limit

    def settle(self, time: int, dropped: Dropped) -> None:
        """Let replacements that have arrived take their places, and drop what no block from `time` (ns) on takes.

        Args:
            time: of the next block, nanoseconds.
            dropped: takes what is dropped, with the reasons.
        """
        if self._replacing:
            arrived = [one for one in self._replacing if one.arrival < time]
            self._replacing = [one for one in self._replacing if one.arrival >= time]
            for one in sorted(arrived, key=lambda one: (one.arrival, one.account.rank, one.sent)):
                self._replace(one, dropped)
        if self._doubtful:
            self._drop_hopeless(time, dropped)

    def standing(self, address: bytes, sent: Wait) -> Pending | None:
        """Return an account's transaction that still waits, by what its `sends` gave; None when it does not wait.

        Args:
            address: of the account, 20 bytes.
            sent: what its `sends` gave.
        """
        while sent in self._instead:
            sent = self._instead[sent]
        mine = (*self.queues.get(address, ()), *self._replacing)
        return next((one for one in mine if one.done is sent), None)

    def _replace(self, new: Pending, dropped: Dropped) -> None:
        assert new.replaces is not None
        old = self.standing(new.account.address, new.replaces)
        if (why := self._refusal(old, new)) or old is None:
            self._instead[new.done] = new.replaces
            new.moot = True
            dropped.append((new, why))
            return
        queue = self.queues[new.account.address]
        queue[queue.index(old)], new.nonce, old.moot = new, old.nonce, True
        self._doubtful |= new.by is not None
        dropped.append((old, REPLACED))

    def _refusal(self, old: Pending | None, new: Pending) -> str:
        """Return why nodes refuse a replacement; empty where they do not."""
        if old is None:
            return TOO_LATE
        if new.call.gas > self._limit:
            return never_fits(new, self._limit)
        for what, given, least in (("tip", new.tip, bumped(old.tip)), ("max_fee", new.max_fee, bumped(old.max_fee))):
            if given < least:
                return f"replacement underpriced: {what}={given:,} wei, and it takes {least:,}"
        return ""

    def _drop_hopeless(self, time: int, dropped: Dropped) -> None:
        waiting = (one for queue in self.queues.values() for one in queue)
        doubtful = [one for one in waiting if one.call.gas > self._limit or one.by is not None]
        self._doubtful = bool(doubtful)
        for one in doubtful:
            if one.call.gas > self._limit:
                self.drop(one, never_fits(one, self._limit), dropped)
            elif one.by is not None and one.by <= time:
                self.drop(one, "expired", dropped)

    def drop(self, pending: Pending, why: str, dropped: Dropped) -> None:
        """Take it out, and sign what the account sent after it again, with the nonce before.

        Args:
            pending: the transaction.
            why: in words.
            dropped: takes it with the reason.
        """
        for later in self.queues[pending.account.address]:
            if later.nonce > pending.nonce:
                later.nonce -= 1
        self.forget(pending)
        pending.account.next_nonce -= 1
        dropped.append((pending, why))

    def forget(self, pending: Pending) -> None:
        """Take an intention out that ran."""
        queue = self.queues[pending.account.address]
        if len(queue) == 1:
            del self.queues[pending.account.address]
        else:
            queue.remove(pending)

    def left(self, time: int, base_fee: int) -> Dropped:
        """Return what still waits when a run ends, and why, in the order in which it was sent.

        Args:
            time: of the last block, nanoseconds.
            base_fee: of the last block, wei per gas.
        """
        waiting = sorted(self, key=lambda one: (one.sent, one.account.name, one.nonce))
        return [(one, self._hindrance(one, time, base_fee)) for one in waiting]

    def _hindrance(self, pending: Pending, time: int, base_fee: int) -> str:
        if pending.arrival >= time:
            return UNARRIVED
        if pending is not self.queues[pending.account.address][0]:
            return "behind another of its account"
        if pending.max_fee < base_fee:
            most, least = pending.max_fee / GWEI, base_fee / GWEI
            return f"below the base fee: {most:g} gwei a gas at most, and the last block's was {least:g}"
        return "no room: others paid more for the gas of a block"


def never_fits(pending: Pending, limit: int) -> str:
    """Return why a transaction that declares more gas than a block has is dropped.

    Args:
        pending: the transaction.
        limit: gas of a block.
    """
    return f"never fits a block: declares {pending.call.gas:,} gas of {limit:,}"
