"""Differential fuzzing finds engines that differ, finds none where there is none, and repeats."""

from __future__ import annotations

from dataclasses import replace

import pytest

from slashpoint.sim.engine import Movement, Tx
from slashpoint.sim.engine.accounts import PragueAccounts
from slashpoint.sim.engine.pyevm import PyEvm
from slashpoint.sim.luck import Luck
from slashpoint.sim.testing.fuzz import Episode


class Mutant(PyEvm):
    """An engine with other accounts."""

    accounts: type[PragueAccounts]

    def __init__(self):
        super().__init__()
        self._state = self.accounts()


class KeepsWarmth(Mutant):
    class accounts(PragueAccounts):
        def revert(self, snapshot):
            warm = dict(self._warm)
            super().revert(snapshot)
            self._warm.update(warm)


class BuriesNobody(Mutant):
    class accounts(PragueAccounts):
        def delete_account(self, address):
            pass


class TakesCreationsForCalls(PyEvm):
    def run_block(self, context, txs):
        result = super().run_block(context, txs)
        kinds = {Movement.CREATE: Movement.CALL}
        return replace(result, transfers=[row._replace(kind=kinds.get(row.kind, row.kind)) for row in result.transfers])


class ForgetsBurns(PyEvm):
    def run_block(self, context, txs):
        result = super().run_block(context, txs)
        return replace(result, transfers=[row for row in result.transfers if row.kind is not Movement.BURN])


def play(engine, seed):
    return next(Episode(Luck("fuzz", seed).generator(), PyEvm(), engine()).play(), "")


@pytest.mark.parametrize(
    "mutant",
    [KeepsWarmth, BuriesNobody, TakesCreationsForCalls, ForgetsBurns],
)
def test_it_finds_an_engine_that_is_broken(mutant):
    assert any(play(mutant, seed) for seed in range(60))


def test_an_engine_does_not_differ_from_itself():
    assert not any(play(PyEvm, seed) for seed in range(3))


def test_an_episode_repeats():
    assert play(TakesCreationsForCalls, 1) == play(TakesCreationsForCalls, 1) != ""


def test_modexp_of_an_empty_base_knows_the_power_of_zero():
    lengths = [(0, 1, 2), (0, 0, 2), (0, 0, 0)]
    data = [b"".join(length.to_bytes(32, "big") for length in each) for each in lengths]
    moduli = (b"\0\0\7", b"\0\7", b"")
    calls = [Tx(bytes(20), bytes(19) + b"\5", some + modulus, gas=50_000) for some, modulus in zip(data, moduli)]
    assert [PyEvm().call(call).output for call in calls] == [b"\0\1", b"\0\1", b""]
    assert PyEvm().call(calls[0]._replace(data=data[0] + b"\1\0\7")).output == b"\0\0"
