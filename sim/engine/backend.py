"""The chain below EthTester: eth-tester's, without a wall clock and without randomness of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eth.chains.base import MiningChain
from eth.constants import BLANK_ROOT_HASH, GENESIS_PARENT_HASH, POST_MERGE_NONCE
from eth.db.atomic import AtomicDB
from eth.vm.forks.cancun import CancunVM
from eth.vm.forks.cancun.state import CancunState
from eth.vm.forks.prague import PragueVM
from eth.vm.forks.prague.state import PragueState
from eth.vm.spoof import SpoofTransaction
from eth_hash.auto import keccak
from eth_tester import PyEVMBackend

from slashpoint.sim.engine.frames import CancunFrame, PragueFrame
from slashpoint.sim.engine.interface import ZERO_ADDRESS, BlockContext
from slashpoint.sim.engine.validity import floor_gas
from slashpoint.sim.units import GWEI

if TYPE_CHECKING:
    from eth_keys.datatypes import PrivateKey
    from eth_typing import Address

GENESIS = {"difficulty": 0, "nonce": POST_MERGE_NONCE, "gas_limit": 30_000_000, "timestamp": 0, "base_fee_per_gas": 0}


class _Burials(CancunState):
    """py-evm's state with a note of the wei that accounts take to their graves, with EIP-7610, and with free calls."""

    computation_class = CancunFrame

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.buried: dict[bytes, int] = {}

    def delete_account(self, address: Address) -> None:
        """Delete an account, and note the wei that go with it."""
        if wei := self.get_balance(address):
            self.buried[address] = wei
        super().delete_account(address)

    def apply_transaction(self, transaction: Any) -> Any:
        """Execute; what only pretends to be a transaction, and offers no fee, is not asked to pay one."""
        pretended: Any = transaction if isinstance(transaction, SpoofTransaction) else None
        if pretended is None or pretended.max_fee_per_gas:
            return super().apply_transaction(transaction)  # pyright: ignore[reportArgumentType]
        executor = self.get_transaction_executor()
        # without the checks before, and the last step, which would pay for a base fee that nobody offered
        return executor.build_computation(executor.build_evm_message(pretended), pretended)

    def has_code_or_nonce(self, address: Address) -> bool:
        """Return whether no contract may be created here: storage forbids it too (EIP-7610)."""
        return super().has_code_or_nonce(address) or self._account_db._get_storage_root(address) != BLANK_ROOT_HASH  # type: ignore[attr-defined]  # noqa: SLF001


class _PragueBurials(_Burials, PragueState):
    """The same under Prague's rules."""

    computation_class = PragueFrame


class _LenientCancun(CancunVM):
    """A VM that takes whatever number, clock, base fee and gas limit a block is given: they are the simulation's."""

    _state_class = _Burials
    context: BlockContext | None = None  # the simulation's, whose hashes BLOCKHASH knows; else this very chain's

    @classmethod
    def validate_header(cls, header: Any, parent_header: Any) -> None:
        """Check nothing: any number, clock and base fee will do."""

    @property
    def previous_hashes(self) -> Any:
        """Return the hashes of the blocks before, the youngest first."""
        return super().previous_hashes if self.context is None else self.context.ancestors()


class _LenientPrague(_LenientCancun, PragueVM):
    """The same under Prague's rules."""

    _state_class = _PragueBurials


TIP = GWEI  # wei per gas, of a client that names no fee
FEES = {"gas_price", "max_fee_per_gas", "max_priority_fee_per_gas"}
FORKS: dict[str, Any] = {"cancun": _LenientCancun, "prague": _LenientPrague}


class _Chain(MiningChain):
    """A chain without a wall clock."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.contexts: dict[int, BlockContext] = {}  # by number: of the blocks that the simulation made

    def get_vm(self, at_header: Any = None) -> Any:
        """Return the VM at a header, with what the simulation says of its block."""
        vm: Any = super().get_vm(at_header)
        vm.context = self.contexts.get(vm.get_header().block_number)
        return vm

    def create_header_from_parent(self, parent_header: Any, **fields: Any) -> Any:
        """Return the header of the next block, a second later."""
        fields = {"timestamp": parent_header.timestamp + 1, **fields, "gas_limit": parent_header.gas_limit}
        return super().create_header_from_parent(parent_header, **fields)

    def get_transaction_builder(self) -> Any:
        """Return what eth-tester asks its chains for."""
        return self.get_vm().get_transaction_builder()


class Backend(PyEVMBackend):  # type: ignore[misc]  # untyped
    """eth-tester's backend on that chain, with the randomness of a block hashed from its parent."""

    chain: Any

    def __init__(self, fork: str, chain_id: int) -> None:
        self._chain_class: Any = _Chain.configure(vm_configuration=((0, FORKS[fork]),), chain_id=chain_id)
        self._fork = fork
        super().__init__()

    def reset_to_genesis(self, *_: Any, **__: Any) -> None:
        """Begin with nothing and nobody."""
        self.account_keys: tuple[PrivateKey, ...] = ()
        self.chain = self._chain_class.from_genesis(AtomicDB(), GENESIS, {})

    def mine_blocks(self, num_blocks: int = 1, coinbase: bytes = ZERO_ADDRESS) -> tuple[bytes, ...]:
        """Seal what is pending, and empty blocks after it."""
        hashes = []
        for _ in range(num_blocks):
            parent = self.chain.header.parent_hash
            hashes.append(self.chain.mine_block(coinbase=coinbase, mix_hash=keccak(parent)).hash)
        return tuple(hashes)

    def call(self, transaction: dict[str, Any], block_number: Any = "latest") -> Any:
        """Execute without a trace, free unless it names a fee: then whoever asks must be able to pay it."""
        return super().call(_asking(transaction), block_number)

    def estimate_gas(self, transaction: dict[str, Any], block_number: Any = "latest") -> int:
        """Return the gas to declare, and at least the floor (EIP-7623), which eth-tester knows nothing of."""
        estimate: int = super().estimate_gas(_asking(transaction), block_number)
        return max(estimate, floor_gas(transaction.get("data", b""), self._fork))

    def _normalize_transaction(self, transaction: dict[str, Any], block_number: Any = "latest") -> Any:
        """Fill in what a client left open: to a tip eth-tester adds twice the base fee; else it offers a gwei."""
        tip = {"max_priority_fee_per_gas": TIP} if FEES.isdisjoint(transaction) else {}
        return super()._normalize_transaction({**transaction, **tip}, block_number)

    def rewind(self, header: Any) -> None:
        """Go back to a pending header, as eth-tester does for its own snapshots: what came after is no longer there."""
        chain = self.chain
        parent = chain.get_block_header_by_hash(header.parent_hash)
        chain.chaindb._set_as_canonical_chain_head(chain.chaindb.db, parent, GENESIS_PARENT_HASH)  # noqa: SLF001
        chain.header = header


def _asking(transaction: dict[str, Any]) -> dict[str, Any]:
    """Return a transaction that is only tried: free, as a node has it, unless it names a fee."""
    if not FEES.isdisjoint(transaction):
        return transaction
    return {**transaction, "max_fee_per_gas": 0, "max_priority_fee_per_gas": 0}


def pending_header(header: Any, context: BlockContext) -> Any:
    """Return a pending header as the simulation wants it."""
    return header.copy(
        block_number=context.number,
        timestamp=context.timestamp,
        base_fee_per_gas=context.base_fee,
        gas_limit=context.gas_limit,
        coinbase=context.coinbase,
        mix_hash=context.prevrandao,
    )
