"""The engine that drives py-evm: it conforms, and the suite notices when an engine does not."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slashpoint.sim.engine import BlockContext, Status, Tx, make_engine, transaction, validity
from slashpoint.sim.engine.accounts import PragueAccounts
from slashpoint.sim.engine.keys import address_of, key_of
from slashpoint.sim.engine.pyevm import PyEvm
from slashpoint.sim.engine.root import state_root
from slashpoint.sim.luck import Luck
from slashpoint.sim.testing import check_engine, engine_trace
from slashpoint.sim.testing.stage import Stage
from slashpoint.sim.testing.traffic import run_traffic
from slashpoint.sim.units import ETH, GWEI

if TYPE_CHECKING:
    from collections.abc import Callable

A, B = address_of("a"), address_of("b")


@pytest.mark.parametrize("fork", ["cancun", "prague"])
def test_it_conforms(fork):
    check_engine(partial(PyEvm, fork), fork)


def test_its_trace_repeats():
    assert engine_trace(PyEvm) == engine_trace(PyEvm)


@settings(max_examples=25, deadline=None)
@given(st.integers(min_value=0))
def test_random_call_trees_conserve_wei(seed):
    run_traffic(Stage(PyEvm(), "prague"), Luck("test", seed), blocks=4)


class Mutant(PyEvm):
    """An engine with other accounts."""

    def __init__(self, accounts: Callable[[], PragueAccounts]) -> None:
        super().__init__()
        self._state = accounts()


class LeavesSlotsWarm(PragueAccounts):
    def lock_changes(self):
        warm = dict(self._warm)
        super().lock_changes()
        self._warm.update(warm)


class KeepsWarmthOfFailures(PragueAccounts):
    def revert(self, snapshot):
        warm = dict(self._warm)
        super().revert(snapshot)
        self._warm.update(warm)


class KeepsTransients(PragueAccounts):
    def lock_changes(self):
        kept = dict(self._transient)
        super().lock_changes()
        self._transient.update(kept)


class ForgetsNoStorage(PragueAccounts):
    def rewind(self, mark):
        slots = dict(self.slots)
        super().rewind(mark)
        self.slots.update(slots)


class CreatesOnStorage(PragueAccounts):
    def has_code_or_nonce(self, address):
        return bool(self.get_nonce(address) or self.get_code(address))


class KeepsOldStorage(PragueAccounts):
    def place(self, address, nonce, code, storage):
        held = {slot: word for (who, slot), word in self.slots.items() if who == address}
        super().place(address, nonce, code, {**held, **storage})


class RootsOfNobody(PyEvm):
    def state_root(self):
        return state_root(())


class ForgetsBlockHashes(PyEvm):
    def _enter(self, context):
        super()._enter(context._replace(hashes=b""))


class ReversesBlockHashes(PyEvm):
    def _enter(self, context):
        super()._enter(context._replace(hashes=b"".join(context.ancestors())))


class BuriesNobody(PragueAccounts):
    def delete_account(self, address):
        pass


class MissesInternalTransfers(PyEvm):
    def run_block(self, context, txs):
        result = super().run_block(context, txs)
        senders = {tx.sender for tx in txs}
        return replace(result, transfers=[move for move in result.transfers if move.sender in senders])


class RefusesWhatIsAhead(PyEvm):
    def run_block(self, context, txs):
        result = super().run_block(context, txs)
        result.status[result.status == Status.DEFERRED] = Status.INVALID
        return result


class LeavesTraces(PyEvm):
    def call(self, tx, context=None):
        result = super().call(tx, context)
        self._state.increment_nonce(tx.sender)
        return result


def _transact(monkeypatch: pytest.MonkeyPatch, change: Callable[[dict[str, int]], dict[str, int]]) -> None:
    """Let transactions be executed at another price."""
    real = transaction.transact

    def other(state: Any, fork: str, tx: Tx, *, index: int = 0, **fees: int) -> Any:
        return real(state, fork, tx, index=index, **change(fees))

    monkeypatch.setattr("slashpoint.sim.engine.pyevm.transact", other)


MUTANTS = [
    (partial(Mutant, LeavesSlotsWarm), "gas.cold_each_time"),
    (partial(Mutant, KeepsWarmthOfFailures), "gas.cold_after_undoing"),
    (partial(Mutant, KeepsTransients), "execution.transient"),
    (partial(Mutant, ForgetsNoStorage), "state.snapshots"),
    (partial(Mutant, BuriesNobody), "movements.new_selfdestruct"),
    (partial(Mutant, CreatesOnStorage), "execution.creation_on_storage"),
    (partial(Mutant, KeepsOldStorage), "state.place"),
    (RootsOfNobody, "state.state_root"),
    (ForgetsBlockHashes, "execution.block_hashes"),
    (ReversesBlockHashes, "execution.block_hashes"),
    (MissesInternalTransfers, "movements.nested"),
    (RefusesWhatIsAhead, "validity.nonces"),
    (LeavesTraces, "state.no_trace"),
]


@pytest.mark.parametrize(("make", "rule"), MUTANTS, ids=str)
def test_the_suite_notices_an_engine(make, rule):
    with pytest.raises(AssertionError, match=f"pyevm breaks {rule} "):
        check_engine(make)


def test_the_suite_notices_unpaid_tips(monkeypatch):
    _transact(monkeypatch, lambda fees: {**fees, "tip": 0})
    with pytest.raises(AssertionError, match=r"breaks gas.fees .*: tipped: expected 42,000,000,000,000, got 0"):
        check_engine(PyEvm)


def test_the_suite_notices_a_base_fee_that_is_not_burned(monkeypatch):
    _transact(monkeypatch, lambda fees: {**fees, "tip": fees.get("price", 0)})
    with pytest.raises(AssertionError, match=r"breaks gas.fees "):
        check_engine(PyEvm)


def test_the_suite_notices_uncapped_refunds(monkeypatch):
    monkeypatch.setattr(transaction, "REFUND_QUOTIENT", 1)
    with pytest.raises(AssertionError, match=r"breaks gas.refund_is_capped "):
        check_engine(PyEvm)


def test_the_suite_notices_a_missing_floor(monkeypatch):
    monkeypatch.setattr(transaction, "floor_gas", lambda *_: 0)
    with pytest.raises(AssertionError, match=r"breaks gas.calldata "):
        check_engine(PyEvm)


def test_the_suite_notices_initcode_of_any_size(monkeypatch):
    monkeypatch.setattr(validity, "MAX_INITCODE", 10**9)
    with pytest.raises(AssertionError, match=r"breaks validity.initcode_size "):
        check_engine(PyEvm)


def test_the_suite_notices_a_nonce_that_cannot_be_raised(monkeypatch):
    monkeypatch.setattr(validity, "MAX_NONCE", 2**64)
    with pytest.raises(AssertionError, match=r"breaks validity.highest_nonce "):
        check_engine(PyEvm)


@pytest.mark.parametrize("check", ["check_block", "check_transaction", "check_funds"])
def test_the_suite_notices_numbers_that_fit_nowhere(monkeypatch, check):
    monkeypatch.setattr(f"slashpoint.sim.engine.pyevm.{check}", lambda *_: None)
    with pytest.raises(AssertionError, match=r"breaks validity.malformed "):
        check_engine(PyEvm)


def test_an_unknown_fork_names_those_that_exist():
    with pytest.raises(ValueError, match="no fork 'london'; there are cancun, prague"):
        PyEvm("london")


def test_an_unknown_engine_names_those_that_exist():
    with pytest.raises(ValueError, match="auto, native, pyevm, eth_tester"):
        make_engine("geth")


def test_auto_takes_pyevm_where_the_native_one_is_not_wanted(monkeypatch):
    monkeypatch.setenv("SLASHPOINT_NATIVE", "0")
    assert make_engine("auto", "cancun").fork == "cancun"
    assert make_engine("auto").name == "pyevm"


def test_a_forgotten_snapshot_is_named():
    engine = PyEvm()
    with pytest.raises(KeyError, match="no snapshot 3; there are none"):
        engine.restore(3)


def test_a_crash_inside_a_call_leaves_no_trace(monkeypatch):
    engine = PyEvm()
    engine.fund(A, ETH)

    def crash(state: Any, *_: Any, **__: Any) -> None:
        state.set_balance(A, 0)
        raise RuntimeError

    monkeypatch.setattr("slashpoint.sim.engine.pyevm.transact", crash)
    with pytest.raises(RuntimeError):
        engine.call(Tx(A, B))
    assert engine.balance(A) == ETH


def test_names_give_the_same_addresses_forever():
    assert address_of("trainer/3").hex() == "049694aaf3e6b1f2d6c173ea8da9f1babc7c34de"
    assert address_of("trainer/3", "keys").hex() == "b4ed7ffe42a1b1c04bfec401d58b6bc6473b37f8"
    assert key_of("trainer/3") != key_of("trainer/3+1")
    with pytest.raises(ValueError, match="names or keys"):
        address_of("trainer/3", "mnemonics")


def test_snapshots_cost_nothing_to_those_who_take_none():
    engine = PyEvm()
    engine.fund(A, ETH)
    for number in range(3):
        context = BlockContext(number, number, GWEI, 30_000_000)
        engine.run_block(context, [Tx(A, B, value=1, max_fee=GWEI, nonce=number)])
    assert not engine._state._layers
    assert not engine._state._log
