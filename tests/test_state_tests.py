"""The official state tests: what plays them, and where a folder with them is given, every one of them."""

from __future__ import annotations

import importlib.util
import json
import os
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from slashpoint.sim.engine import make_engine
from slashpoint.sim.engine.accounts import PragueAccounts
from slashpoint.sim.engine.pyevm import PyEvm
from slashpoint.sim.testing import check_state_tests
from slashpoint.sim.testing.official import StateTests

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = os.environ.get("SLASHPOINT_STATE_TESTS", "")
needs_native = pytest.mark.skipif(
    not importlib.util.find_spec("slashpoint_revm"), reason="the native engine is not built: `make native` builds it"
)
ENGINES = [pytest.param("native", marks=needs_native), "pyevm", "eth_tester"]
KEY = "0x45a915e4d060149eb4365960e6a7a45f334393093061116b197e3240065ff2d8"  # 0xa94f…, of all official tests
SENDER, COUNTER = "0xa94f5374fce5edbc8e2a8697c15331677e6ebf0b", "0x" + "c0" * 20
NO_EVENTS = "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347"  # keccak(rlp([]))


def case(post: list[dict[str, Any]], **transaction: Any) -> dict[str, Any]:
    """A test in the official format: somebody calls a contract that adds 1 to a slot; wei and gas in two variants."""
    account = {"balance": "0x0de0b6b3a7640000", "nonce": "0x00", "code": "0x", "storage": {}}
    return {
        "env": {
            "currentBaseFee": "0x0a", "currentCoinbase": "0x2adc25665018aa1fe0e6bc666dac8fc2697ff9ba",
            "currentGasLimit": "0x05f5e100", "currentNumber": "0x01", "currentTimestamp": "0x03e8",
            "currentRandom": "0x20000",
        },
        "pre": {SENDER: account, COUNTER: {**account, "code": "0x5f546001015f55", "storage": {"0x00": "0x2a"}}},
        "transaction": {
            "data": ["0x"], "gasLimit": ["0x0186a0", "0x5208"], "gasPrice": "0x0a", "nonce": "0x00", "to": COUNTER,
            "value": ["0x00", "0x:bigint 0x10000000000000000000000000000000000000000000000000000000000000001"],
            "sender": SENDER, "secretKey": KEY, **transaction,
        },
        "post": {"Prague": post},
    }  # fmt: skip


def outcome(root: str, gas: int = 0, value: int = 0, **more: str) -> dict[str, Any]:
    """What must come of a variant."""
    return {"hash": root, "logs": NO_EVENTS, "indexes": {"data": 0, "gas": gas, "value": value}, **more}


def roots() -> tuple[str, str]:
    """The state's root before the test and after, from the accounts as they must be."""
    from slashpoint.sim.engine.root import Account, state_root

    rich, sender, counter = 10**18, bytes.fromhex(SENDER[2:]), bytes.fromhex(COUNTER[2:])
    code = bytes.fromhex("5f546001015f55")
    gas = 21_000 + 2 + 2_100 + 3 + 3 + 2 + 2_900  # the slot was read, and is warm when it is written
    before = state_root([(sender, Account(rich, 0, b"", {})), (counter, Account(rich, 0, code, {0: 42}))])
    after = state_root([(sender, Account(rich - 10 * gas, 1, b"", {})), (counter, Account(rich, 0, code, {0: 43}))])
    return "0x" + before.hex(), "0x" + after.hex()


def write(folder: Path, **cases: Any) -> Path:
    """A folder with a file of tests."""
    (folder / "stCounter").mkdir()
    (folder / "stCounter/counter.json").write_text(json.dumps(cases))
    return folder


BEFORE, AFTER = roots()


@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_is_held_to_the_root_of_the_state_and_to_what_is_refused(name: str, tmp_path: Path) -> None:
    out_of_gas = outcome(BEFORE, gas=1, expectException="gas")
    overflow = outcome(BEFORE, value=1, expectException="value over 256 bits")
    given = case([outcome(AFTER), outcome(BEFORE), overflow, outcome(AFTER, value=1)])
    early = case([outcome(BEFORE, expectException="nonce too high"), outcome(AFTER)], nonce="0x01")
    blobs = case([outcome(AFTER)], blobVersionedHashes=["0x01"], maxFeePerBlobGas="0x01")
    codes = case([outcome(AFTER), outcome(AFTER)], authorizationList=[])
    folder = write(tmp_path, counts=given, early=early, blobs=blobs, codes=codes, gas=case([out_of_gas]))
    assert check_state_tests(folder, partial(make_engine, name)) == StateTests(
        agreed=3,
        differed=[
            "counter/counts[0, 0, 0]: the root of the state",
            "counter/counts[0, 0, 1]: it was refused",
            "counter/early[0, 0, 0]: it was refused",
            "counter/gas[0, 1, 0]: it was executed",
        ],
        skipped={"a transaction with blobs": 1, "a transaction that sets code": 2},
    )


def test_what_differs_is_found(tmp_path: Path) -> None:
    class Accounts(PragueAccounts):
        def set_storage(self, address: bytes, slot: int, value: int) -> None:
            super().set_storage(address, slot, value + 1)

    class Wrong(PyEvm):
        def __init__(self) -> None:
            super().__init__()
            self._state = Accounts()

    tests = check_state_tests(write(tmp_path, counts=case([outcome(AFTER)])), Wrong)
    assert tests.differed == ["counter/counts[0, 0, 0]: the root of the state"]
    assert str(tests) == "0 of 1 state tests agree"


def test_what_is_left_out_is_counted_with_its_reason(tmp_path: Path) -> None:
    folder = write(tmp_path, counts=case([outcome(BEFORE), outcome(BEFORE)]))
    (folder / "other.json").write_text(json.dumps({"other": case([outcome(AFTER)])}))
    tests = check_state_tests(folder, partial(make_engine, "pyevm"), without={"counter": "too long"})
    assert str(tests) == "1 of 1 state tests agree, 2 left out (too long)"


def test_a_folder_without_tests_of_the_fork_is_no_success(tmp_path: Path) -> None:
    folder = write(tmp_path, counts=case([outcome(AFTER)]))
    with pytest.raises(ValueError, match="has no state test of cancun that could be played"):
        check_state_tests(folder, partial(make_engine, "pyevm", "cancun"), "cancun")


@pytest.mark.slow
@pytest.mark.skipif(not FOLDER, reason="SLASHPOINT_STATE_TESTS names no folder of ethereum/tests")
@pytest.mark.parametrize("name", ENGINES[:2])
def test_all_official_state_tests_agree(name: str) -> None:
    endless = {"CALLBlake2f_MaxRounds": "four billion rounds of BLAKE2, half a day in Python"}
    without = {} if name == "native" else endless
    tests = check_state_tests(FOLDER, partial(make_engine, name, "cancun"), "cancun", without)
    assert not tests.differed, f"{tests}: {tests.differed[:10]}"
