"""Ocean: data tokens at a fixed rate, orders with a node's signed fee, computing paid out of an escrow.

The contracts are those of the package @oceanprotocol/contracts. A job is one order with its lock in the escrow.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from slashpoint.sim.contract import Artifact, Birth, keccak
from slashpoint.sim.market import Market, Terms
from slashpoint.sim.units import SECOND

from .invariants import Invariants

ARTIFACTS = Path(__file__).parents[2] / "artifacts"
NOBODY, ONE = bytes(20), 10**18
PREFIX = b"\x19Ethereum Signed Message:\n32"  # EIP-191


@dataclass(kw_only=True)
class OceanTerms(Terms):
    rate: float  # OCEAN for one data token
    provider_fee: float  # OCEAN of each order, to the node
    per_minute: float  # OCEAN for computing
    minutes: int  # that a lock pays for
    window: float  # seconds for work
    checks: bool  # whether a node serves only orders that paid its fee
    careful: bool  # whether consumers authorise no more than one job takes, and take it back

    @property
    def payout(self):
        return self.per_minute * self.minutes

    @property
    def price(self):
        return self.to_units(self.payout + self.provider_fee + self.rate * 1.01)  # swap fees are below 1 %


def signed(me, message):
    """Return an account's signature of a message, hashed as the contracts hash it."""
    return me.signs(keccak(PREFIX + keccak(message)))


def signed_fee(me, token, amount, until, data=b""):
    """Return a node's fee as orders take it. The signature names neither consumer nor data token nor chain."""
    amounts = amount.to_bytes(32, "big") + until.to_bytes(32, "big")
    return me.address, token, amount, *signed(me, data + me.address + token + amounts), until, data


@dataclass
class Ocean(Invariants, Market):
    asset = "OCEAN"
    opening_event = "OrderStarted"
    closing_events = ("Claimed", "Canceled")
    arguments: ClassVar = {"winner": "payee"}
    nodes: dict = field(default_factory=dict)  # node → the fee that it signs, by the time until which it is valid
    wallets: dict = field(default_factory=dict)  # consumer → its signature of a result's CID
    hosts: dict = field(default_factory=dict)  # data token → the node that serves its dataset
    tokens: dict = field(default_factory=dict)  # job's key → data token
    locks: dict = field(default_factory=dict)  # (payer, payee, number) → smallest units, while it stands

    @classmethod
    def deploy(cls, world, terms):
        def put(name, *args, **options):
            return world.deploy(Artifact.load(ARTIFACTS / f"{name}.json"), *args, **options)

        coin = put("OceanToken", world.deployer, symbol=cls.asset)
        world.genesis(coin.address_, coin.mint(world.deployer, 10**8 * ONE).data)
        community = put("OPFCommunityFeeCollector", world.deployer, world.deployer).address_
        pool = put("BPool").address_
        router = put("FactoryRouter", world.deployer, coin.address_, pool, community, ())
        exchange, dispenser = put("FixedRateExchange", router.address_), put("Dispenser", router.address_)
        nft, data = put("ERC721Template"), put("ERC20Template")
        factory = put("ERC721Factory", nft.address_, data.address_, router.address_)
        escrow = put("Escrow", router.address_, NOBODY)
        for call in (
            router.addFactory(factory.address_),
            router.addFixedRateContract(exchange.address_),
            router.addDispenserContract(dispenser.address_),
        ):
            world.genesis(call.to, call.data)
        market = cls(
            world, factory, terms, others=(nft, data, router, exchange, dispenser, escrow),
            births={"TokenCreated": Birth("newTokenAddress", data, symbol="DT")},
        )  # fmt: skip
        market.coin, market.community, market.exchange, market.escrow = coin, community, exchange, escrow
        market.dispenser, market.router = dispenser, router
        return market

    # --- what happens -----------------------------------------------------------------------------------------------

    def identity(self, fact):
        number = fact.args.get("jobId") or (fact.job and self.number(fact.job))
        return fact.args.get("payer"), number

    def begins(self, fact):
        return fact.job and fact.job.key, fact.by, fact.time / SECOND + self.terms.window

    def relate(self, fact):
        job = super().relate(fact)
        if fact.event == "Lock":
            self.locks[fact.payer, fact.payee, fact.jobId] = fact.amount
            if job:
                job.deadline = fact.time / SECOND + fact.expiry
        elif fact.event in self.closing_events:
            self.locks.pop((fact.payer, fact.payee, fact.jobId), None)
            if job and fact.event == "Canceled":
                job.winner = None
        elif fact.event == "OrderStarted" and job:
            self.tokens[job.key] = fact.at
        return job

    def causes(self, call, asset, sender, receiver, amount):
        key = call.job and call.job.key
        if receiver == self.community or (asset == self.asset and call.verb == "posts"):
            why = "fee"
        elif self.escrow.address_ in (sender, receiver):
            paid = "reward" if call.function.startswith("claim") else "refund"
            why = "deposit" if receiver == self.escrow.address_ else paid
        else:
            why = "reward" if call.function == "collectBT" else "payment"
        return [(why, amount, key)]

    def poke(self, job):
        """Return the call that cancels an expired lock: possible from the second after its expiry."""
        node = self.hosts[self.tokens[job.key]]
        if self.world.env.now > job.deadline_ns and (job.poster, node, job.id[1]) not in self.locks:
            return None  # its node never locked: nothing is due, and nobody gets the order's price back
        call = self.escrow.cancelExpiredLock(job.id[1], self.coin.address_, job.poster, node)
        return job.deadline + 1, self.does("pokes", job, call)

    # --- what is whose ----------------------------------------------------------------------------------------------

    def funds(self, address):
        return self.escrow.getUserFunds(address, self.coin.address_)

    def users(self):
        facts = self.world.facts
        return sorted(
            {one.payer for one in facts.of(self.Deposit, None)} | {one.payee for one in facts.of(self.Claimed, None)}
        )

    def owed(self, address):
        return self.funds(address).available

    def kept(self):
        """Return what the exchange holds for publishers and for the community; anybody may send it on to them."""
        numbers = [one.exchangeId for one in self.world.facts.of(self.ExchangeCreated, None)]
        fees = sum(self.exchange.getFeesInfo(one).oceanFeeAvailable for one in numbers)
        return {self.asset: fees + sum(self.exchange.getExchange(one).btBalance for one in numbers)}

    def liabilities(self):
        parts = {f"of {self.world.name_of(one)}": sum(self.funds(one)) for one in self.users()}
        return {self.asset: parts | {"at the exchange": self.kept()[self.asset]}}

    # --- what people do ---------------------------------------------------------------------------------------------

    @staticmethod
    def number(job):
        return int.from_bytes(keccak(job.key.encode()), "big")

    def setup(self, me):
        takes = (self.exchange, self.escrow)
        return [self.does("approves", None, self.coin.approve(one.address_, 2**256 - 1)) for one in takes]

    def publishes(self, name, owner):
        rate, community = self.terms.to_units(self.terms.rate), self.community
        nft = (name, "NFT", 1, "uri", True, owner)
        token = (1, (name, "DT"), (owner, owner, NOBODY, NOBODY), (ONE, 0), ())
        fixed = (self.exchange.address_, (self.coin.address_, owner, community, NOBODY), (18, 18, rate, 0, 1))
        return self.does(
            "registers", None, self.contract.createNftWithErc20WithFixedRate(nft, token, fixed, gas=2_000_000)
        )

    def buys(self, token):
        number = self.exchange.generateExchangeId(self.coin.address_, token)
        most = self.terms.to_units(self.terms.rate * 1.01)
        return self.does("registers", None, self.exchange.buyDT(number, ONE, most, NOBODY, 0))

    def orders(self, job, token, fee):
        return self.does("posts", job, self.at(token).startOrder(job.poster, 0, fee, (NOBODY, NOBODY, 0)))

    def locks_pay(self, job):
        call = self.escrow.createLock(
            job.id[1], self.coin.address_, job.poster, self.pay(self.terms.minutes), round(self.terms.window)
        )
        return self.does("claims", job, call)

    def executed(self, me, job, cid, signature):
        """Return the call by which a node says that an order was carried out; a made-up number stands for its hash."""
        number, ours = keccak(job.key.encode()), signed(me, keccak(job.key.encode()) + cid).packed
        call = self.at(self.tokens[job.key]).orderExecuted(number, cid, ours, cid, signature, job.poster)
        return self.does("reveals", job, call, carries=cid)

    def paid_fee(self, job, node):
        """Whether the order's transaction paid a node what it asks."""
        asked = self.terms.to_units(self.terms.provider_fee)
        facts = self.world.facts.of(self.ProviderFee, None)
        mine = [
            one for one in facts if one.time == job.born and one.by == job.poster and one.at == self.tokens[job.key]
        ]
        return any(one.providerFeeAddress == node and one.providerFeeAmount >= asked for one in mine)

    def pay(self, minutes):
        return self.terms.to_units(self.terms.per_minute * min(minutes, self.terms.minutes))

    def claims(self, job, minutes, cid):
        call = self.escrow.claimLockAndWithdraw(job.id[1], self.coin.address_, job.poster, self.pay(minutes), cid)
        return self.does("submits", job, call, carries=cid)

    def authorises(self, node, amount, seconds, locks):
        return self.does(
            "registers", None, self.escrow.authorize(self.coin.address_, node, amount, round(seconds), locks)
        )
