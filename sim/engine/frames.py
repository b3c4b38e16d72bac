"""Call frames of py-evm that remember what their SELFDESTRUCT moved, and the movements of wei in a tree of them."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from eth.exceptions import Halt
from eth.vm import mnemonics
from eth.vm.forks.cancun.computation import CancunComputation
from eth.vm.forks.prague.computation import PragueComputation
from eth.vm.opcode import as_opcode
from eth.vm.opcode_values import SELFDESTRUCT

from slashpoint.sim.engine.interface import ZERO_ADDRESS, Movement, Transfer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eth.abc import OpcodeAPI


class Bequest(NamedTuple):
    """What a SELFDESTRUCT left to whom."""

    heir: bytes
    wei: int
    dies: bool  # only a contract of the same transaction does (EIP-6780)


def _opcodes(opcodes: dict[int, OpcodeAPI]) -> dict[int, OpcodeAPI]:
    """Return the same opcodes, with a note of what SELFDESTRUCT moves: it does so outside of any message."""
    original = opcodes[SELFDESTRUCT]
    original = getattr(original, "__wrapped__", original)  # the wrapper only warns that the opcode is deprecated

    def selfdestruct(computation: Any) -> None:
        owner = computation.msg.storage_address
        wei = computation.state.get_balance(owner)
        try:
            original(computation=computation)
        except Halt:
            heir = computation.beneficiaries[-1]
            computation.bequest = Bequest(heir, wei, owner in computation.accounts_to_delete)
            raise

    noted = as_opcode(selfdestruct, mnemonics.SELFDESTRUCT, gas_cost=0)  # the original charges its own
    return {**opcodes, SELFDESTRUCT: noted}


def _repaired(precompiles: dict[Any, Any]) -> dict[Any, Any]:
    """Return the same, with 0 to the power of 0: py-evm's MODEXP answers 0 to an empty base whatever the exponent."""
    address = (5).to_bytes(20, "big")
    original = precompiles[address]

    def modexp(computation: Any) -> Any:
        original(computation)
        data = computation.msg.data_as_bytes.ljust(96, b"\0")
        base, exponent, modulus = (int.from_bytes(data[at : at + 32], "big") for at in (0, 32, 64))
        if base == 0 and modulus and not any(data[96 : 96 + exponent]):
            of = data[96 + exponent : 96 + exponent + modulus].ljust(modulus, b"\0")
            computation.output = (int.from_bytes(of, "big") > 1).to_bytes(modulus, "big")
        return computation

    return {**precompiles, address: modexp}


@lru_cache(maxsize=256)
def _destinations(code: bytes) -> tuple[set[int], set[int]]:  # noqa: ARG001 - the cache's key
    """Return the positions of a code known to be valid jump destinations, and known not to be: filled while it runs."""
    return set(), set()


class CancunFrame(CancunComputation):
    """A call frame under Cancun's rules."""

    opcodes = _opcodes(CancunComputation.opcodes)
    _precompiles = _repaired(CancunComputation.get_precompiles())
    bequest: Bequest | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # py-evm looks for the destinations of a code afresh in every frame, an eighth of its time
        self.code.valid_positions, self.code.invalid_positions = _destinations(self.msg.code)  # type: ignore[attr-defined]

    @property
    def is_origin_computation(self) -> bool:
        """Return whether the frame is the outermost: py-evm asks who called it, and a call may pose as a contract."""
        return bool(self.msg.depth == 0)


class PragueFrame(CancunFrame, PragueComputation):
    """A call frame under Prague's rules."""

    opcodes = _opcodes(PragueComputation.opcodes)
    _precompiles = _repaired(PragueComputation.get_precompiles())


def movements(frame: Any, tx: int) -> Iterator[Transfer]:
    """Yield every movement of wei in a frame and those below it, in the order in which they happened.

    A frame that failed undid all of its own and all of those below. DELEGATECALL shows a value and moves none, and
    CALLCODE moves it from an account to itself. A SELFDESTRUCT ends its frame, so it comes last.

    Args:
        frame: py-evm's, executed.
        tx: index in the block's batch.
    """
    if frame.is_error:
        return
    message = frame.msg
    sender, receiver = message.sender, message.storage_address
    if message.value and message.should_transfer_value and sender != receiver:
        kind = Movement.CREATE if message.is_create else Movement.CALL
        yield Transfer(tx, kind, sender, receiver, message.value)
    for child in frame.children:
        yield from movements(child, tx)
    if frame.bequest is not None and frame.bequest.wei:
        heir, wei, dies = frame.bequest
        if heir != receiver:
            yield Transfer(tx, Movement.SELFDESTRUCT, receiver, heir, wei)
        elif dies:
            yield Transfer(tx, Movement.BURN, receiver, ZERO_ADDRESS, wei)
