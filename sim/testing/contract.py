"""A scene: a contract that holds a token, on an EVM, with people who own some of it and have approved the contract.

What a test of a market's contract begins with. A subclass adds the contract's own acts:

    class Stage(Scene):
        def post(self, **changes):
            return self.must(HOST, self.market.createJob({**TERMS, **changes})).of("JobCreated")[0]["id"]

    stage = Stage("Federated", REFEREE, rules, people=[HOST, *CLIENTS])
    stage.at(DEADLINE).must(HOST, stage.market.settle(0))
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from slashpoint.sim.contract import Artifact, Contract, Revert
from slashpoint.sim.contract.artifact import stand_in
from slashpoint.sim.engine import BlockContext, BlockResult, Status, Tx, make_engine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slashpoint.sim.contract import Call

DEPLOYER = bytes.fromhex("d0" * 20)
BLOCK_GAS, TX_GAS = 100_000_000, 10_000_000


@dataclass(frozen=True)
class Deed:
    """What became of one transaction."""

    ok: bool
    gas: int
    revert: Revert  # its name is empty where it succeeded
    events: list[tuple[str, dict[str, Any]]]  # the market's: name, arguments

    def of(self, name: str) -> list[dict[str, Any]]:
        """Return the arguments of the events of a name."""
        return [args for event, args in self.events if event == name]


class Scene:
    """A token `coin`, a contract `market` that was made with it, and people with `payout` of it each.

    Args:
        contract: one of our builds.
        args: what its constructor takes after the token's address.
        people: who gets coins and approves the contract.
        payout: the token's smallest units for each.
        airdrop: whether the token gives coins away.
    """

    def __init__(
        self, contract: str, *args: Any, people: Sequence[bytes], payout: int = 10_000, airdrop: bool = False
    ) -> None:
        self.engine, self.now, self.number = make_engine(), 1_000_000, 1
        self.beacon = bytes(32)  # the blocks' PREVRANDAO
        self.people, self.payout = list(people), payout
        self.coin = self.deploy("ModelCoin", airdrop)
        self.market = self.deploy(contract, self.coin.address_, *args)
        for each in self.people:
            self.must(DEPLOYER, self.coin.transfer(each, payout))
            self.must(each, self.coin.approve(self.market.address_, 2**256 - 1))

    def deploy(self, name: str, *args: Any) -> Contract:
        """Deploy one of our builds.

        Raises:
            AssertionError: its constructor refuses the arguments; the message has its error.
        """
        artifact = stand_in(Artifact.ours(name))
        result = self.execute(DEPLOYER, None, artifact.deploy_data(*args))
        assert result.status[0] == Status.SUCCESS, str(artifact.interface.decode_error(bytes(result.output[0])))
        return Contract(artifact, bytes(result.output[0]), self.engine)

    def execute(self, who: bytes, to: bytes | None, data: bytes) -> BlockResult:
        """Run a block of one transaction, free of fees.

        Args:
            who: the sender's address.
            to: the contract's address; None to create one.
            data: calldata.
        """
        tx = Tx(who, to, data, 0, TX_GAS, nonce=self.engine.nonce(who))
        return self._block([tx])

    def _block(self, txs: list[Tx]) -> BlockResult:
        return self.engine.run_block(BlockContext(self.number, self.now, 0, BLOCK_GAS, prevrandao=self.beacon), txs)

    def _forget(self) -> None:
        self.coin.forget_()
        self.market.forget_()

    def do(self, who: bytes, call: Call) -> Deed:
        """Call as somebody; a panic or a halt is nothing that a contract of ours may come to.

        Args:
            who: the sender's address.
            call: of a contract.
        """
        result = self.execute(who, call.to, call.data)
        self._forget()
        ok = result.status[0] == Status.SUCCESS
        assert ok or result.status[0] == Status.REVERTED, result.reasons
        revert = Revert("", {}) if ok else self.market.decode_error_(bytes(result.output[0]))
        assert revert.name != "Panic", revert
        logs = [self.market.decode_log_(log) for log in result.logs if log.address == self.market.address_]
        return Deed(ok, int(result.gas[0]), revert, [(event.name, args) for event, args in logs])

    def must(self, who: bytes, call: Call) -> Deed:
        """Call as somebody, and fail unless it succeeds.

        Args:
            who: the sender's address.
            call: of a contract.
        """
        result = self.do(who, call)
        assert result.ok, result.revert
        return result

    def fails(self, who: bytes, call: Call) -> str:
        """Call as somebody, fail unless it reverts, and return the error's name.

        Args:
            who: the sender's address.
            call: of a contract.
        """
        result = self.do(who, call)
        assert not result.ok, "it succeeded"
        return result.revert.name

    def at(self, time: int) -> Self:
        """Run an empty block at `time` (Unix seconds), or now where that has passed."""
        self.now, self.number = max(self.now, time), self.number + 1
        self._block([])
        self._forget()
        return self

    def gained(self, who: bytes) -> int:
        """Return what somebody would have more than at first after withdrawing."""
        return int(self.coin.balanceOf(who) + self.market.owed(who)) - self.payout

    def check_vault(self, held: int) -> None:
        """Check that the contract holds what it says: `held` for jobs, what may be withdrawn, and its treasury."""
        market = self.market
        assert market.escrow() == held
        assert self.coin.balanceOf(market.address_) == held + market.owedTotal() + market.treasury()
        assert market.owedTotal() == sum(map(market.owed, self.people))
