"""The founding of a world: contracts are deployed, and accounts get their money, before time begins."""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING, Any

from slashpoint.sim import conservation
from slashpoint.sim import liveness as endings
from slashpoint.sim.contract import Contract
from slashpoint.sim.contract.artifact import stand_in
from slashpoint.sim.contract.token import decimals_of
from slashpoint.sim.engine import BlockContext, Status, Tx
from slashpoint.sim.invariants import Invariant, invariants_of
from slashpoint.sim.ledger.money import Cause
from slashpoint.sim.recorder import Recorder
from slashpoint.sim.state import GENESIS, State

if TYPE_CHECKING:
    from slashpoint.sim.contract import Artifact
    from slashpoint.sim.intention import Sender
    from slashpoint.sim.market import Market

GENESIS_LEAD_SECONDS = 10**7  # before the genesis, when deployment begins; each of its transactions takes one


class GenesisFailed(RuntimeError):
    """A transaction before time begins did not succeed: `why` it halted, or what it reverted with."""

    def __init__(self, why: str, output: bytes) -> None:
        super().__init__(f"the genesis failed: {why} {output.hex()}")
        self.why, self.output = why, output


class Founding(State):
    """A world that can be set up."""

    @cached_property
    def recorder(self) -> Recorder:
        """Return what writes the ledger."""
        return Recorder(self)

    @cached_property
    def invariants(self) -> list[Invariant]:
        """Return what must hold: in every world, and by the rules of each market."""
        return [*invariants_of(conservation), *invariants_of(endings)]

    def genesis(self, to: bytes | None, data: bytes, value: int = 0, name: str = "") -> bytes:
        """Execute one transaction of the deployer in a block of its own before time begins, and return its output.

        Args:
            to: the contract that it calls; None to create one.
            data: calldata, or the code of creation.
            value: wei sent along.
            name: of what is created.

        Raises:
            GenesisFailed: it did not succeed.
        """
        self.chain.number += 1
        context = BlockContext(
            self.chain.number, self.rules.genesis - GENESIS_LEAD_SECONDS + self.chain.number, 0, 2**40
        )
        nonce = self.engine.nonce(self._deployer)
        result = self.engine.run_block(context, [Tx(self._deployer, to, data, value, 2**24, 0, 0, nonce)])
        if result.status[0] != Status.SUCCESS:
            raise GenesisFailed(result.reasons.get(0, ""), bytes(result.output[0]))
        output = bytes(result.output[0])
        if to is None and name:
            self.names[output] = name
        self.recorder.money.funding(self.recorder.decoder.movements(result)[0])
        self._forget_views()
        return output

    def deploy(self, artifact: Artifact, *args: Any, symbol: str | None = None, value: int = 0) -> Contract:
        """Put a contract, or what stands in for it, on the chain.

        Args:
            artifact: what a compiler made of it, linked with its libraries.
            args: of its constructor.
            symbol: of a token, whose transfers are read from then on.
            value: wei that its constructor is sent.

        Raises:
            ValueError: its constructor failed.
        """
        artifact = stand_in(artifact)
        try:
            address = self.genesis(None, artifact.deploy_data(*args), value, artifact.name)
        except GenesisFailed as error:
            why = error.why or artifact.interface.decode_error(error.output)
            raise ValueError(f"{artifact.name} cannot be deployed: {why}") from error
        contract = Contract(artifact, address, self.engine)
        self.contracts[address] = contract
        if symbol is not None:
            self.tokens[symbol] = contract
            self.decimals[symbol] = decimals_of(contract)
            self.ledger.describe(decimals=json.dumps(self.decimals))
            self.booked[symbol][self._deployer] = contract.balanceOf(self._deployer)
        return contract

    def endow(self, account: Sender, wei: int, tokens: dict[str, int]) -> None:
        """Give an account its first money: the cause of these transfers is `funding`.

        Args:
            account: which is registered.
            wei: how much ether.
            tokens: by symbol, smallest units.

        Raises:
            ValueError: there are not so many tokens.
        """
        if wei:
            self.booked["ETH"][account.address] += wei
            self.engine.fund(account.address, self.booked["ETH"][account.address])
            self.recorder.money.transfer(GENESIS, account.name, "ETH", wei, Cause.FUNDING, None)
        for asset, amount in tokens.items():
            if amount > (left := self.left_of(asset)):
                wanted, there = self.whole(asset, amount), self.whole(asset, left)
                raise ValueError(f"{account.name} is to own {wanted:g} {asset}, and of their supply {there:g} are left")
            if amount:
                self.genesis(self.tokens[asset].address_, self.tokens[asset].transfer(account.address, amount).data)

    def register(self, account: Sender) -> None:
        """Make an account known by its address."""
        self.accounts[account.address], self.names[account.address] = account, account.name
        account.name_code = self.recorder.names.add(account.name, account.controller, account.role, account.address)
        if self._signer is not None:
            self._signer.learn(account.name)

    def add_market(self, market: Market) -> None:
        """Open a market for business: its contracts' events and movements of money are its to explain."""
        self.markets.append(market)
        self.market_of.update(dict.fromkeys(market.addresses, market))
        if market.asset in self.tokens:  # its token's own functions too, such as an airdrop
            self.market_of.setdefault(self.tokens[market.asset].address_, market)
        self.births.watch(market)  # pyright: ignore[reportArgumentType] # a class attribute stands for one of its own
        self.invariants += invariants_of(market)
