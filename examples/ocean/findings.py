"""What the published contracts let ordinary accounts do, and what they refuse: one line a finding, from what they said.

python findings.py              all of them
python findings.py expiry gas   some

Each begins in a world of its own, in which a dataset was published, ordered, computed on and paid for.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slashpoint.agents.me import Me
from slashpoint.experiments.setup.config import compose
from slashpoint.experiments.setup.run import build
from slashpoint.sim.contract import keccak
from slashpoint.sim.ledger import Ledger
from slashpoint.sim.units import GWEI, SECOND

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).parent
ONE, NOBODY, LATER = 10**18, bytes(20), 10**9
NO_FEE = (NOBODY, NOBODY, 0, 27, bytes(32), bytes(32), 0, b"")
NO_MARKET = (NOBODY, NOBODY, 0)
WORLD = ["protocol=oceanv4", "scenario=small", "scenario.jobs=2", "protocol.endowment.ocean=5000"]


class Stage:
    """A world after its honest story, and the accounts that now try things."""

    def __init__(self) -> None:
        self.world = build(compose(WORLD, HERE), Ledger(None), project=HERE)
        self.world.run(2, 400)
        self.market: Any = self.world.markets[0]
        self.coin, self.escrow, self.exchange = self.market.coin, self.market.escrow, self.market.exchange
        self.names = {one.name: one for one in self.world.accounts.values()}
        self.node, self.ann, self.bob = "provider/0", "consumer/0", "consumer/1"
        self.token, self.other = sorted(self.market.hosts)
        self.owner = self.world.name_of(self.exchange.getExchange(self.number(self.token)).exchangeOwner)

    def me(self, name: str) -> Me:
        """Return an account's door to the world."""
        return Me(self.world, self.names[name])  # type: ignore[arg-type]

    def at(self, name: str) -> bytes:
        """Return an account's address."""
        return self.names[name].address

    def number(self, token: bytes) -> bytes:
        """Return the id of a data token's exchange."""
        return bytes(self.exchange.generateExchangeId(self.coin.address_, token))

    def does(self, name: str, *calls: Any) -> list[Any]:
        """Send calls from an account at once, and return their receipts."""
        return self.do(*[(name, call) for call in calls])

    def do(self, *sent: tuple[str, Any]) -> list[Any]:
        """Send calls at once, each from its account, the earlier with a higher tip, and return their receipts."""
        receipts: dict[int, Any] = {}

        def sends(me: Me, place: int, call: Any) -> Iterator[Any]:
            receipts[place] = yield me.sends(call, tip=(len(sent) - place) * GWEI)

        for place, (name, call) in enumerate(sent):
            self.me(name).spawn(sends, None, place, call)
        while len(receipts) < len(sent):
            self.world.step()
        return [receipts[place] for place in range(len(sent))]

    def says(self, name: str, call: Any) -> str:
        """Return what became of a call, in words."""
        (receipt,) = self.does(name, call)
        return f"accepted, {receipt.gas:,} gas" if receipt.ok else f"refused: {receipt.revert}"

    def buys(self, name: str, token: bytes, count: int = 1) -> None:
        """Have an account buy data tokens at the fixed rate, and let the data token take fees of it."""
        buy = self.exchange.buyDT(self.number(token), count * ONE, 100 * count * ONE, NOBODY, 0)
        assert all(one.ok for one in self.does(name, buy, self.coin.approve(token, 100 * ONE)))

    def orders(self, name: str, token: bytes, fee: tuple[Any, ...]) -> str:
        """Have an account order with a fee, and return what became of it."""
        return self.says(name, self.market.at(token).startOrder(self.at(name), 0, fee, NO_MARKET))

    def pays_in(self, name: str, amount: int, *limits: int) -> None:
        """Have an account put money into escrow, and let the node lock it within limits."""
        coin = self.coin.address_
        calls = self.escrow.deposit(coin, amount), self.escrow.authorize(coin, self.at(self.node), *limits)
        assert all(one.ok for one in self.does(name, *calls))

    def lock(self, number: int, amount: int, seconds: int, payer: str = "") -> Any:
        """Return the node's call that locks somebody's money."""
        who, most = self.at(payer or self.ann), 2_000_000
        return self.escrow.createLock(number, self.coin.address_, who, amount, seconds, gas=most)

    def claim(self, number: int, amount: int, proof: bytes = b"") -> Any:
        """Return the node's call that claims Ann's lock."""
        return self.escrow.claimLock(number, self.coin.address_, self.at(self.ann), amount, proof, gas=2_000_000)

    def until(self, time: int) -> None:
        """Let time pass until the next block is the one at `time` (Unix seconds) or the first after it."""
        while self.world.chain.time + self.world.chain.period < time * SECOND:
            self.world.step()

    def expiry(self) -> int:
        """Return when the node's youngest lock expires, Unix seconds."""
        return int(self.escrow.getLocks(NOBODY, NOBODY, self.at(self.node))[-1].expiry)


def signature(at: Stage) -> Iterator[str]:
    """A node's fee: signed for Ann's order of one dataset, used by others, elsewhere, later, and without it."""
    fee = at.market.nodes[at.at(at.node)](round(at.me(at.ann).now + 60))
    at.buys(at.ann, at.token)
    at.buys(at.bob, at.token)
    at.buys(at.bob, at.other, 3)
    yield f"the consumer whom it was signed for: {at.orders(at.ann, at.token, fee)}"
    yield f"the same signature, another consumer: {at.orders(at.bob, at.token, fee)}"
    yield f"the same, another data token: {at.orders(at.bob, at.other, fee)}"
    at.until(fee[6] + 3600)
    yield f"the same, an hour after validUntil: {at.orders(at.bob, at.other, fee)}"
    yield f"half the fee, same signature: {at.orders(at.bob, at.other, (*fee[:2], fee[2] // 2, *fee[3:]))}"
    yield f"no signature, in the name of address 0: {at.orders(at.bob, at.other, NO_FEE)}"


def reuse(at: Stage) -> Iterator[str]:
    """Orders that never were: reused by somebody who owns no data token."""
    owned = at.market.at(at.token).balanceOf(at.at(at.bob))
    yield f"owning {owned} data tokens, reuseOrder of a made-up hash: " + at.says(
        at.bob, at.market.at(at.token).reuseOrder(keccak(b"no such order"), NO_FEE)
    )
    yield f"startOrder without a data token: {at.orders(at.bob, at.token, NO_FEE)}"


def executed(at: Stage) -> Iterator[str]:
    """A consumer's signature under one result, shown for orders that were never carried out."""
    fact = at.world.facts.of(at.market.OrderExecuted, None)[0]
    who = at.me(at.node)
    told = at.market.at(fact.at)

    def again(number: bytes, consumer: bytes) -> Any:
        ours = who.signs(keccak(b"\x19Ethereum Signed Message:\n32" + keccak(number))).packed
        return told.orderExecuted(number, b"", ours, fact.consumerData, fact.consumerSignature, consumer)

    yield f"another order, same consumer's old signature: {at.says(at.node, again(bytes(32), fact.consumerAddress))}"
    yield f"in the name of another consumer: {at.says(at.node, again(bytes(32), NOBODY[:-1] + bytes([9])))}"
    name = at.world.name_of(fact.consumerAddress)
    yield f"sent by the consumer itself: {at.says(name, again(bytes(32), fact.consumerAddress))}"


def work(at: Stage) -> Iterator[str]:
    """Claims without work, beyond the lock, twice, and by somebody else."""
    at.pays_in(at.ann, 300 * ONE, 100 * ONE, 3600, 1)
    yield f"a lock by somebody without authority: {at.says(at.bob, at.lock(1, ONE, 60))}"
    yield f"the node's lock of 100: {at.says(at.node, at.lock(1, 100 * ONE, 3600))}"
    yield f"a second beside it: {at.says(at.node, at.lock(2, ONE, 3600))}"
    yield f"a claim of 101: {at.says(at.node, at.claim(1, 101 * ONE))}"
    yield f"a claim of 100 with the proof b'': {at.says(at.node, at.claim(1, 100 * ONE))}"
    yield f"the same again: {at.says(at.node, at.claim(1, 100 * ONE))}"


def authority(at: Stage) -> Iterator[str]:
    """An authority for one lock of 100 at a time, and 300 in the escrow."""
    at.pays_in(at.ann, 300 * ONE, 100 * ONE, 3600, 1)
    before = at.market.owed(at.at(at.node))
    calls = [call for i in range(1, 4) for call in (at.lock(i, 100 * ONE, 60), at.claim(i, 100 * ONE))]
    done = at.does(at.node, *calls)
    took = at.market.owed(at.at(at.node)) - before
    blocks = len({one.block for one in done})
    yield f"three times lock and claim, in {blocks} block: {sum(one.ok for one in done)} of 6 accepted"
    yield f"the node took {took / ONE:.1f} of 300 (0.1 % went to the community) by an authority for 100"
    at.pays_in(at.ann, 200 * ONE, 100 * ONE, 3600, 1)
    at.does(at.node, at.lock(4, 100 * ONE, 60))
    revoke = at.escrow.authorize(at.coin.address_, at.at(at.node), 0, 0, 0)
    yield f"Ann ends the authority while a lock stands: {at.says(at.ann, revoke)}"
    yield f"the claim after that: {at.says(at.node, at.claim(4, 100 * ONE))}"
    yield f"a new lock after that: {at.says(at.node, at.lock(5, ONE, 60))}"


def expiry(at: Stage) -> Iterator[str]:
    """A lock at the second of its expiry, and a block later."""
    for late in (0, 12):
        at.pays_in(at.ann, 100 * ONE, 100 * ONE, 3600, 1)
        at.does(at.node, at.lock(7, 100 * ONE, 1200))
        due = at.expiry()
        at.until(due + late)
        cancel = at.escrow.cancelExpiredLock(7, NOBODY, NOBODY, at.at(at.node))
        (done,) = at.does(at.bob, cancel)
        stands = bool(at.escrow.getLocks(NOBODY, NOBODY, at.at(at.node)))
        when = round(done.time) - due
        yield f"{when} s after expiry anybody's cancelExpiredLock leaves it {'standing' if stands else 'cancelled'}"
        if stands:
            before = at.market.owed(at.at(at.node))
            (late,) = at.does(at.node, at.claim(7, 100 * ONE))
            took = at.market.owed(at.at(at.node)) - before
            yield f"{round(late.time) - due} s after expiry the node's claim is accepted, and pays {took}"
            at.pays_in(at.ann, 100 * ONE, 100 * ONE, 3600, 1)
            at.does(at.node, at.lock(8, 100 * ONE, 1200))
            due, before = at.expiry(), at.market.owed(at.at(at.node))
            at.until(due)
            (late,) = at.does(at.node, at.claim(8, 100 * ONE))
            took = at.market.owed(at.at(at.node)) - before
            yield f"{round(late.time) - due} s after expiry the node's claim is accepted, and pays {took / ONE:g}"


def parties(at: Stage) -> Iterator[str]:
    """Payer and payee, one and the same or two accounts of one person; a lock of nothing; a gift; a view."""
    coin, node, bob = at.coin.address_, at.at(at.node), at.at(at.bob)
    at.pays_in(at.bob, 10 * ONE, 10 * ONE, 60, 9)
    assert all(one.ok for one in at.does(at.bob, at.escrow.authorize(coin, bob, 10 * ONE, 60, 9)))
    yield f"payee = payer: {at.says(at.bob, at.escrow.createLock(1, coin, bob, ONE, 60))}"
    yield f"a lock of 0: {at.says(at.node, at.escrow.createLock(1, coin, bob, 0, 60))}"
    more = at.says(at.bob, at.escrow.withdraw((coin,), (10**30,)))
    yield f"a withdrawal of more than there is: {more}, and pays nothing"
    gift = at.says(at.bob, at.coin.transfer(at.escrow.address_, ONE))
    spare = at.coin.balanceOf(at.escrow.address_) - sum(sum(at.market.funds(one)) for one in at.market.users())
    yield f"a transfer to the escrow's address: {gift}; {spare / ONE:g} OCEAN lie there that are nobody's"
    at.does(at.node, at.lock(1, ONE, 60, at.bob))
    listed = at.escrow.getLocks(coin, at.at(at.ann), node)
    yield f"getLocks(OCEAN, Ann, node), Ann having none, lists {len(listed)} of Bob's: it filters by token or payer"


def wash(at: Stage) -> Iterator[str]:
    """A publisher orders its own dataset."""
    token = at.market.at(at.token)
    before = at.coin.balanceOf(at.at(at.owner))
    mint = at.says(at.owner, token.mint(at.at(at.owner), ONE))
    yield f"mint 1 data token: {mint}; order: {at.orders(at.owner, at.token, NO_FEE)}"
    yield f"OCEAN that it cost: {(before - at.coin.balanceOf(at.at(at.owner))) / ONE:g}"


def dispenser(at: Stage) -> Iterator[str]:
    """A dispenser of free data tokens beside an exchange that sells the same ones."""
    token, free = at.market.at(at.token), at.market.dispenser
    opens = token.createDispenser(free.address_, ONE, ONE, True, NOBODY)
    yield f"the publisher opens a dispenser, at most 1 data token an account: {at.says(at.owner, opens)}"
    first = at.says(at.bob, free.dispense(at.token, ONE, at.at(at.bob)))
    again = at.says(at.bob, free.dispense(at.token, ONE, at.at(at.bob)))
    yield f"Bob's first: {first}; his second: {again}"
    at.does(at.bob, token.approve(at.exchange.address_, 2 * ONE))
    number, owned = at.number(at.token), at.coin.balanceOf(at.at(at.bob))
    buy, sell = at.exchange.buyDT(number, ONE, 100 * ONE, NOBODY, 0), at.exchange.sellDT(number, ONE, 0, NOBODY, 0)
    _, sold = at.do((at.ann, buy), (at.bob, sell))
    got = (at.coin.balanceOf(at.at(at.bob)) - owned) / ONE
    yield f"Ann buys one, Bob sells his: {'accepted' if sold.ok else 'refused'}, {got:g} OCEAN of the publisher's"
    yield f"his second, once he has none: {at.says(at.bob, free.dispense(at.token, ONE, at.at(at.bob)))}"


def gas(at: Stage) -> Iterator[str]:
    """What a node's calls cost while it holds n locks, and what it costs anybody to cancel n of them."""
    at.pays_in(at.ann, 300 * ONE, 300 * ONE, 3600, 10**6)
    marks, costs = (0, 1, 10, 50, 100), []
    for n in range(101):
        (made,) = at.does(at.node, at.lock(n + 1, 1, 1200)) if n in marks else [None]
        if made is not None:
            costs.append((n, made.gas))
            continue
        at.does(at.node, at.lock(n + 1, 1, 1200))
    for n, used in costs:
        yield f"createLock with {n} locks standing: {used:,} gas"
    for number in (101, 1):
        (done,) = at.does(at.node, at.claim(number, 1))
        yield f"claimLock of lock {number} of 101: {done.gas:,} gas"
    at.until(at.expiry() + 24)
    (done,) = at.does(at.bob, at.escrow.cancelExpiredLock(0, NOBODY, NOBODY, at.at(at.node), gas=10_000_000))
    yield f"cancelExpiredLock of all 99 left: {done.gas:,} gas, paid by whoever calls it"


def grief(at: Stage) -> Iterator[str]:
    """A payer with many authorities: the node's calls look through all of them, and the node pays."""
    at.pays_in(at.ann, 10 * ONE, 10 * ONE, 3600, 9)
    (lock, claim) = at.does(at.node, at.lock(1, ONE, 60), at.claim(1, ONE))
    yield f"a payer who trusts one node: createLock {lock.gas:,} gas, claimLock {claim.gas:,}"
    many = 100
    strangers = [(10**6 + i).to_bytes(20, "big") for i in range(many)]
    coin, least = at.coin.address_, [1] * many
    call = at.escrow.authorizeMultiple([coin] * many, strangers, least, least, least, gas=14_000_000)
    payer = at.owner  # who has trusted nobody yet
    at.does(payer, at.escrow.deposit(coin, 10 * ONE))
    (made,) = at.does(payer, call)
    at.does(payer, at.escrow.authorize(coin, at.at(at.node), 10 * ONE, 3600, 9))
    claim = at.escrow.claimLock(2, coin, at.at(payer), ONE, b"", gas=2_000_000)
    lock, claim = at.does(at.node, at.lock(2, ONE, 60, payer), claim)
    yield f"a payer with {many} others before it: createLock {lock.gas:,} gas, claimLock {claim.gas:,}"
    yield f"what these authorities cost the payer, once: {made.gas:,} gas"


FINDINGS: tuple[Callable[[Stage], Iterator[str]], ...] = (
    signature, reuse, executed, work, authority, expiry, parties, wash, dispenser, gas, grief,
)  # fmt: skip


def main(names: list[str]) -> None:
    """Print what each finding says; of those named, if any are."""
    there = [finding.__name__ for finding in FINDINGS]
    if unknown := [name for name in names if name not in there]:
        sys.exit(f"there is no finding {', '.join(unknown)}; there are {', '.join(there)}")
    for finding in FINDINGS:
        if not names or finding.__name__ in names:
            print(f"{finding.__name__}: {finding.__doc__}")
            for line in finding(Stage()):
                print(f"  {line}")


if __name__ == "__main__":
    main(sys.argv[1:])
