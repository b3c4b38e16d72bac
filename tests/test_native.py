"""The native engine: it conforms, agrees with py-evm, answers misuse with exceptions, and its columns with its rows."""

from __future__ import annotations

import json
import threading
from functools import partial

import numpy as np
import pytest

from slashpoint.sim.contract.entry import Function, Record
from slashpoint.sim.engine import BlockContext, Movement, Status, Tx, make_engine
from slashpoint.sim.engine.columns import CallColumns
from slashpoint.sim.engine.pyevm import PyEvm
from slashpoint.sim.luck import Luck
from slashpoint.sim.testing import check_engine, engine_trace
from slashpoint.sim.testing.fuzz import Episode
from slashpoint.sim.testing.programs import deployer
from slashpoint.sim.units import ETH, GWEI

revm = pytest.importorskip("slashpoint_revm", reason="the native engine is not built: `make native` builds it")

A, B = b"\xaa" * 20, b"\xbb" * 20
BLOCK = BlockContext(1, 1_700_000_000, GWEI, 30_000_000)
FOREVER = bytes.fromhex("5b5f56")  # JUMPDEST, JUMP(0)


def engine(fork="prague"):
    from slashpoint.sim.engine.native import Native

    made = Native(fork)
    made.fund(A, 100 * ETH)
    return made


def tx(nonce=0, **fields):
    return Tx(A, B, nonce=nonce, max_fee=2 * GWEI, tip=1)._replace(**fields)


@pytest.mark.parametrize("fork", ["cancun", "prague", "osaka"])
def test_it_conforms(fork):
    check_engine(partial(make_engine, "native", fork), fork)


@pytest.mark.parametrize("fork", ["cancun", "prague"])
def test_it_answers_what_py_evm_answers(fork):
    assert engine_trace(partial(make_engine, "native", fork), fork) == engine_trace(partial(PyEvm, fork), fork)


@pytest.mark.parametrize("fork", ["cancun", "prague"])
@pytest.mark.parametrize("seed", range(6))
def test_random_blocks_are_the_same_on_py_evm(fork, seed):
    episode = Episode(Luck("fuzz", fork, seed).generator(), PyEvm(fork), make_engine("native", fork))
    assert next(episode.play(), "") == ""
    assert episode.executed > 70


def takes(kind):
    return revm.Abi(json.dumps([{**GIVE, "inputs": [{"name": "x", "type": kind}]}]))


WRONG = {  # what is given: what the complaint names
    TypeError: [
        ({"sender": "0x" + "aa" * 20}, "sender"),
        ({"to": 7}, "to"),
        ({"data": "00"}, "data"),
        ({"data": None}, "data"),
        ({"value": 1.5}, "value"),
        ({"value": None}, "value"),
        ({"gas": "21000"}, "gas"),
        ({"nonce": b""}, "nonce"),
        ({"access_list": 7}, "access_list"),
        ({"access_list": ((B, ("x",)),)}, "access_list"),
    ],
    ValueError: [
        ({"sender": b""}, "sender"),
        ({"sender": bytes(32)}, "sender"),
        ({"to": bytes(19)}, "to"),
        ({"access_list": ((b"", ()),)}, "access_list"),
        ({"access_list": ((B, (), ()),)}, "access_list"),
        ({"data": ("give", ())}, "data"),
        ({"data": ("give",)}, "data"),
    ],
    OverflowError: [
        ({"value": -1}, "value"),
        ({"value": 2**256}, "value"),
        ({"gas": -1}, "gas"),
        ({"gas": 2**64}, "gas"),
        ({"max_fee": 2**128}, "max_fee"),
        ({"tip": -(2**200)}, "tip"),
        ({"nonce": 2**64}, "nonce"),
        ({"access_list": ((B, (-1,)),)}, "access_list"),
        ({"access_list": ((B, (2**256,)),)}, "access_list"),
    ],
}


@pytest.mark.parametrize(
    ("error", "wrong", "field"), [(error, *case) for error, cases in WRONG.items() for case in cases], ids=repr
)
def test_a_malformed_transaction_raises_and_nothing_is_executed(error, wrong, field):
    native = engine()
    with pytest.raises(error, match=rf"transaction 1: {field}: "):
        native.run_block(BLOCK, [tx(), tx(1)._replace(**wrong)])
    with pytest.raises(error, match=rf"transaction: {field}: "):
        native.call(tx()._replace(**wrong), BLOCK)
    assert native.nonce(A) == 0


@pytest.mark.parametrize(
    ("misuse", "error", "words"),
    [
        (lambda it: type(it)("london"), ValueError, 'no fork "london"; there are cancun, prague, osaka'),
        (lambda it: type(it)(7), TypeError, "str"),
        (lambda it: type(it)(chain_id=-1), OverflowError, "negative"),
        (lambda it: it.run_block(BLOCK, None), TypeError, "iterable"),
        (lambda it: it.run_block(BLOCK, [7]), TypeError, "transaction 0: "),
        (lambda it: it.run_block(BLOCK, [(A, B)]), ValueError, "transaction 0: has 2 fields instead of 9"),
        (lambda it: it.run_block(BLOCK, 7), TypeError, "iterable"),
        (lambda it: it.run_block((1, 2), []), ValueError, "context: has 2 fields"),
        (lambda it: it.run_block(BLOCK._replace(base_fee=-1), []), OverflowError, "context: base_fee"),
        (lambda it: it.run_block(BLOCK._replace(gas_limit=2**64), []), OverflowError, "context: gas_limit"),
        (lambda it: it.run_block(BLOCK._replace(coinbase=b"x"), []), ValueError, "context: coinbase: an address is 20"),
        (lambda it: it.run_block(BLOCK._replace(prevrandao=b""), []), ValueError, "context: prevrandao: a word is 32"),
        (lambda it: it.balance("x"), TypeError, "bytes"),
        (lambda it: it.code(b"x"), ValueError, "an address is 20 bytes, not 1"),
        (lambda it: it.fund(A, 2**256), OverflowError, "big"),
        (lambda it: it.fund(A, -1), OverflowError, "negative"),
        (lambda it: it.storage(A, 2**256), OverflowError, "big"),
        (lambda it: it.restore(1), KeyError, "no snapshot 1"),
        (lambda it: it.restore(-1), OverflowError, "negative"),
        (lambda it: it.register(A, "{}"), TypeError, "Abi"),
        (lambda _: revm.Abi("{"), ValueError, "JSON ABI"),
        (lambda _: takes("uint7"), ValueError, "uint7"),
        (lambda _: takes("uint8" + "[]" * 9_999), ValueError, "x: the type is too long"),
    ],
)  # fmt: skip
def test_misuse_raises(misuse, error, words):
    with pytest.raises(error, match=words.replace("(", r"\(")):
        misuse(engine())


def test_two_threads_on_one_engine_are_refused_and_two_engines_are_not():
    native, others = engine(), [engine(), engine()]
    endless = [tx(to=None, data=FOREVER, gas=400_000_000)]
    roomy = BLOCK._replace(gas_limit=10**9)
    refused, began = [], threading.Barrier(2, timeout=10)

    def run(one):
        began.wait()
        try:
            one.run_block(roomy, endless)
        except RuntimeError as error:
            refused.append(str(error))

    for pair in ((native, native), others):
        threads = [threading.Thread(target=run, args=(one,)) for one in pair]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert refused == ["another thread is using this engine: make one per thread"]
    assert native.nonce(A) == 1, "the first one ends undisturbed"


def test_python_runs_while_a_block_does():
    native, ticks, done = engine(), 0, threading.Event()

    def run():
        native.run_block(BLOCK._replace(gas_limit=10**10), [tx(to=None, data=FOREVER, gas=400_000_000)])
        done.set()

    threading.Thread(target=run).start()
    while not done.wait(0.005):
        ticks += 1
    assert ticks > 5


def test_absurd_gas_limits_end_in_a_halt():
    native = engine()
    for code in ("600163ff00000052", "5f67ffffffffffffffff52", "67ffffffffffffffff5ff3", "5f195f5f37"):
        result = native.call(Tx(A, None, bytes.fromhex(code), gas=2**63), BLOCK._replace(gas_limit=2**64 - 1))
        assert (result.status, result.reason) == (Status.HALTED, "out of gas"), code


def test_many_snapshots_and_copies_of_one_state():
    native = engine()
    marks = [native.snapshot()]
    for nonce in range(300):
        native.run_block(BLOCK._replace(number=nonce), [tx(nonce, value=1)])
        marks.append(native.snapshot())
    assert native._evm.depth() < 16
    twin = native.copy()
    for left in (300, 299, 77, 3, 0):
        native.restore(marks[left])
        assert (native.nonce(A), native.balance(B)) == (left, left)
        with pytest.raises(KeyError):
            native.restore(marks[left] + 1)
    assert (twin.nonce(A), twin.balance(B)) == (300, 300)
    assert twin.run_block(BLOCK, [tx(300)]).status.tolist() == [Status.SUCCESS]
    assert native.nonce(A) == 0
    with pytest.raises(KeyError):
        twin.restore(marks[0])


GIVE = {
    "type": "function",
    "name": "give",
    "inputs": [{"name": "to", "type": "address"}, {"name": "wad", "type": "uint256"}],
    "outputs": [],
    "stateMutability": "payable",
}
GIVEN = {
    "type": "event",
    "name": "Given",
    "anonymous": False,
    "inputs": [
        {"name": "by", "type": "address", "indexed": True},
        {"name": "to", "type": "address", "indexed": True},
        {"name": "wad", "type": "uint256", "indexed": False},
    ],
}
KINDS = ("string", "bytes", "int24", "bool", "bytes5", "uint8[2]", "int256[]", "(address,string)[]", "uint256")
SAY = {
    **GIVE,
    "name": "say",
    "inputs": [
        {"name": f"x{i}", "type": kind}
        if "(" not in kind
        else {
            "name": f"x{i}",
            "type": "tuple[]",
            "components": [{"name": "who", "type": "address"}, {"name": "what", "type": "string"}],
        }
        for i, kind in enumerate(KINDS)
    ],
}
SAID = {**GIVEN, "name": "Said", "inputs": [{**each, "indexed": False} for each in SAY["inputs"]]}
# store CALLDATALOAD(36), log it under CALLER and CALLDATALOAD(4)
GIVER = bytes.fromhex("602435805f555f52600435337f") + Record(GIVEN).hash + bytes.fromhex("60205fa300")
SPEAKER = bytes.fromhex("60043603806004 5f377f") + Record(SAID).hash + bytes.fromhex("905fa100")  # log its calldata


def stage():
    """An engine with a giver and a speaker, both registered."""
    native = engine()
    made = native.run_block(
        BLOCK, [tx(i, to=None, data=deployer(code), gas=500_000) for i, code in enumerate((GIVER, SPEAKER))]
    )
    abi = revm.Abi(json.dumps([GIVE, GIVEN, SAY, SAID]))
    for address in made.output:
        native.register(address, abi)
    return native, *made.output


def test_calls_by_name_and_events_by_value_are_those_of_the_codec():
    native, giver, speaker = stage()
    said = ("ü" * 40, b"\0" * 33, -(2**23), True, b"12345", (1, 255), (-1, 2**255 - 1), ((B, "a"), (A, "")), 2**256 - 1)
    data = [Function(GIVE).encode((B, 2**200)), Function(SAY).encode(said)]
    by_bytes = [tx(i + 2, to=to, data=each, gas=500_000) for i, (to, each) in enumerate(zip((giver, speaker), data))]
    by_name = [by_bytes[0]._replace(data=("give", (B, 2**200))), by_bytes[1]._replace(data=("say", said))]
    twin = native.copy()
    result, other = native.run_block(BLOCK, by_name), twin.run_block(BLOCK, by_bytes)
    assert result.gas.tolist() == other.gas.tolist()
    assert list(result.logs) == list(other.logs)
    assert result.events() == [(0, giver, "Given", (A, B, 2**200)), (1, speaker, "Said", said)]
    assert [tuple(Record(kind).decode(log).values()) for kind, log in zip((GIVEN, SAID), result.logs)] == [
        (A, B, 2**200),
        said,
    ]
    assert native.storage(giver, 0) == 2**200
    given, spoken = result.event_columns()[giver, "Given"], result.event_columns()[speaker, "Said"]
    assert (given.tx.tolist(), given.log.tolist(), spoken.log.tolist()) == ([0], [0], [1])
    assert [bytes(column[0]) for column in given.values] == [A, B, (2**200).to_bytes(32, "big")]
    assert (spoken.values[0], spoken.values[7]) == ((said[0],), (said[7],))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (("take", ()), KeyError, "no function"),
        (("give", (B,)), ValueError, "give: has 1 fields instead of 2"),
        (("give", [B, 1]), TypeError, "give: "),
        (("give", (B, -1)), OverflowError, "give: wad: "),
        (("give", (B, 2**256)), OverflowError, "give: wad: "),
        (("give", (B[1:], 1)), ValueError, "give: to: an address is 20 bytes, not 19"),
        (("say", ("", b"", 2**23, True, b"12345", (1, 2), (), (), 0)), OverflowError, "say: x2: 8388608 is no int24"),
        (("say", ("", b"", 0, 1, b"12345", (1, 2), (), (), 0)), TypeError, "say: x3: "),
        (("say", ("", b"", 0, True, b"1234", (1, 2), (), (), 0)), ValueError, "say: x4: 4 bytes are no bytes5"),
        (("say", ("", b"", 0, True, b"12345", (1, 256), (), (), 0)), OverflowError, "say: x5: 256 is no uint8"),
        (("say", ("", b"", 0, True, b"12345", (1, 2, 3), (), (), 0)), ValueError, "say: x5: 3 values are no"),
        ((7, ()), TypeError, "str"),
    ],
)
def test_a_call_that_the_abi_does_not_take_raises(call, error, words):
    native, giver, _ = stage()
    with pytest.raises(error, match=words):
        native.run_block(BLOCK, [tx(2, to=giver, data=call)])


def columns(txs, **replaced):
    ends = np.cumsum([len(each.data) for each in txs], dtype=np.uint64)
    numbers = {
        name: np.array([getattr(each, name) for each in txs], np.uint64) for name in ("gas", "max_fee", "tip", "nonce")
    }
    made = CallColumns(
        sender=b"".join(each.sender for each in txs),
        to=np.frombuffer(b"".join(each.to for each in txs), np.uint8).reshape(-1, 20),
        data=b"".join(each.data for each in txs),
        ends=ends,
        value=b"".join(each.value.to_bytes(32, "big") for each in txs),
        **numbers,
    )
    return made._replace(**replaced)


def test_columns_do_what_rows_do():
    native, giver, speaker = stage()
    wads = [2**64 + i for i in range(20)]
    data = revm.Abi(json.dumps([GIVE])).encode_columns(
        "give", (B * 20, b"".join(wad.to_bytes(32, "big") for wad in wads))
    )
    assert data == b"".join(Function(GIVE).encode((B, wad)) for wad in wads)
    txs = [
        tx(2 + i, to=(giver, speaker, B)[i % 3], data=data[68 * i : 68 * i + 68], value=2**64 * (i % 3 == 2), gas=gas)
        for i, gas in enumerate([60_000] * 15 + [25_000] * 4 + [20_000])
    ]
    twin = native.copy()
    result, other = native.run_columns(BLOCK, columns(txs)), twin.run_block(BLOCK, txs)
    assert set(result.status.tolist()) == set(Status) - {Status.REVERTED}
    for name in ("status", "gas"):
        assert getattr(result, name).tolist() == getattr(other, name).tolist()
    assert result.output == other.output
    assert result.logs == other.logs
    assert result.reasons == other.reasons
    assert len(result.transfers) > 3
    moved = result.transfer_columns()
    rows = zip(moved.tx.tolist(), map(Movement, moved.kind.tolist()), *(map(bytes, each) for each in moved[2:]))
    assert [(*row[:4], int.from_bytes(row[4], "big")) for row in rows] == list(other.transfers)
    given = result.event_columns()[giver, "Given"]
    assert given.tx.tolist() == [row[0] for row in result.events()]
    assert [int.from_bytes(word.tobytes(), "big") for word in given.values[2]] == [row[3][2] for row in result.events()]


def test_an_empty_block_has_empty_columns():
    result = engine().run_columns(BLOCK, columns([]))
    assert (len(result.status), len(result.output), len(result.logs), result.event_columns()) == (0, 0, 0, {})
    assert result.transfer_columns().wei.shape == (0, 32)


@pytest.mark.parametrize(
    ("wrong", "error", "words"),
    [
        ({"sender": A}, ValueError, "sender: has 20 entries, 40 are needed"),
        ({"to": None}, TypeError, "to: "),
        ({"value": bytes(63)}, ValueError, "value: has 63"),
        ({"ends": np.array([4, 2], np.uint64)}, ValueError, "ends: "),
        ({"ends": np.array([0, 2**63], np.uint64)}, ValueError, "ends: "),
        ({"ends": np.array([0], np.uint64)}, ValueError, "ends: has 1 entries"),
        ({"nonce": np.array([0, 1], np.int64)}, BufferError, "uint64|u64"),
        ({"gas": np.array([1.0, 2.0])}, BufferError, "u64"),
        ({"tip": [1, 2]}, TypeError, "tip: "),
    ],
)
def test_malformed_columns_raise(wrong, error, words):
    with pytest.raises(error, match=words):
        engine().run_columns(BLOCK, columns([tx(), tx(1)], **wrong))
