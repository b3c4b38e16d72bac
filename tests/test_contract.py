from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from typing import Any, NamedTuple

import eth_abi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slashpoint.sim.contract import Artifact, Call, Contract, Revert, ViewFailed
from slashpoint.sim.contract.artifact import BUILD
from slashpoint.sim.contract.codec import sequence
from slashpoint.sim.engine import BlockContext, Log, Tx
from slashpoint.sim.engine.pyevm import PyEvm

ALICE, BOB = b"\xaa" * 20, b"\xbb" * 20


# --- the codec, held against eth-abi ---


ELEMENTARY = {
    "uint8": st.integers(0, 255),
    "uint256": st.integers(0, 2**256 - 1),
    "int16": st.integers(-(2**15), 2**15 - 1),
    "int256": st.integers(-(2**255), 2**255 - 1),
    "bool": st.booleans(),
    "address": st.binary(min_size=20, max_size=20).map(lambda value: f"0x{value.hex()}"),  # as eth-abi has them
    "bytes4": st.binary(min_size=4, max_size=4),
    "bytes32": st.binary(min_size=32, max_size=32),
    "bytes": st.binary(max_size=70).filter(lambda value: len(value) != 20),
    "string": st.text(max_size=40),
}


@st.composite
def parameters(draw: st.DrawFn, depth: int = 2) -> tuple[dict[str, Any], st.SearchStrategy[Any]]:
    """A parameter of the ABI, and a strategy for its values."""
    shape = draw(st.sampled_from(["word", "list", "array", "struct"])) if depth else "word"
    if shape == "word":
        kind = draw(st.sampled_from(sorted(ELEMENTARY)))
        return {"type": kind, "name": "x"}, ELEMENTARY[kind]
    if shape == "struct":
        parts = [draw(parameters(depth - 1)) for _ in range(draw(st.integers(1, 3)))]
        components = [{**part, "name": f"f{i}"} for i, (part, _) in enumerate(parts)]
        return {"type": "tuple", "components": components, "name": "x"}, st.tuples(*[each for _, each in parts])
    inner, values = draw(parameters(depth - 1))
    size = draw(st.integers(1, 3))
    if shape == "array":
        return {**inner, "type": f"{inner['type']}[{size}]"}, st.tuples(*[values] * size)
    return {**inner, "type": f"{inner['type']}[]"}, st.lists(values, max_size=3).map(tuple)


def addresses_in_hex(value: Any) -> Any:
    """Lists are tuples already, structs compare as tuples."""
    if isinstance(value, tuple):
        return tuple(map(addresses_in_hex, value))
    return f"0x{value.hex()}" if isinstance(value, bytes) and len(value) == 20 else value


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_encoding_is_that_of_eth_abi_and_comes_back(data):
    drawn = [data.draw(parameters()) for _ in range(data.draw(st.integers(0, 3)))]
    values = tuple(data.draw(strategy) for _, strategy in drawn)
    coder = sequence([parameter for parameter, _ in drawn])
    types = [sequence([parameter]).type[1:-1] for parameter, _ in drawn]
    encoded = coder.pack(values)
    assert encoded == eth_abi.encode(types, values)
    assert addresses_in_hex(coder.unpack(encoded, 0)) == eth_abi.decode(types, encoded) == values


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_garbage_is_refused_or_read_but_never_crashes(data):
    drawn = [data.draw(parameters())[0] for _ in range(2)]
    with contextlib.suppress(ValueError):
        sequence(drawn).unpack(data.draw(st.binary(max_size=200)), 0)


@pytest.mark.parametrize(
    ("kind", "value"),
    [("uint8", 256), ("uint8", -1), ("int8", 128), ("uint8", 1.0), ("bool", 2),
     ("address", b"\1" * 19), ("address", "0xzz"), ("bytes4", b"\1" * 5), ("bytes", "text"),
     ("string", 7), ("string", "\ud800"), ("uint8[2]", (1,)), ("uint8[]", 3)],
)  # fmt: skip
def test_what_is_of_no_type_is_a_type_error_that_names_the_parameter(kind, value):
    with pytest.raises(TypeError, match=r"^stake: "):
        sequence([{"type": kind, "name": "stake"}]).pack((value,))


def test_a_list_that_claims_more_than_there_is_costs_nothing():
    coder = sequence([{"type": "uint256[]", "name": "x"}])
    with pytest.raises(ValueError, match=r"leads out"):
        coder.unpack((32).to_bytes(32) + (2**255).to_bytes(32), 0)


# --- artifacts ---

OURS = json.loads((BUILD / "ModelCoin.json").read_text())
LINKS = {"src/L.sol": {"L": [{"start": 1, "length": 20}]}}
CODE = "0x60__$0123456789abcdef0123456789abcdef01$__60"
SHAPES = {
    "hardhat": {
        "_format": "hh-sol-artifact-1",
        "contractName": "X",
        "abi": [],
        "bytecode": CODE,
        "linkReferences": LINKS,
    },
    "foundry": {"abi": [], "bytecode": {"object": CODE, "linkReferences": LINKS}, "methodIdentifiers": {}},
    "solc": {
        "contracts": {"X.sol": {"X": {"abi": [], "evm": {"bytecode": {"object": CODE[2:], "linkReferences": LINKS}}}}}
    },
    "vyper_json": {
        "contracts": {"X.vy": {"X": {"abi": [], "evm": {"bytecode": {"object": "0x60"}}}}},
        "compiler": "vyper",
    },
    "vyper_combined": {"X.vy": {"abi": [], "bytecode": "0x60", "bytecode_runtime": "0x"}, "version": "0.4.3"},
}


@pytest.mark.parametrize("shape", SHAPES)
def test_artifacts_are_recognised_by_their_shape(tmp_path, shape):
    path = tmp_path / "X.json"
    path.write_text(json.dumps(SHAPES[shape]))
    artifact = Artifact.load(path)
    assert artifact.name == "X"
    if "vyper" in shape:
        assert artifact.deploy_data() == b"\x60"
        return
    with pytest.raises(ValueError, match=r"linked with src/L.sol:L"):
        artifact.deploy_data()
    with pytest.raises(ValueError, match=r"uses no library 'M'"):
        artifact.link({"M": ALICE})
    assert artifact.link({"L": ALICE}).deploy_data() == b"\x60" + ALICE + b"\x60"


def test_one_of_several_contracts_must_be_named(tmp_path):
    path = tmp_path / "out.json"
    each = {"abi": [], "evm": {"bytecode": {"object": "60"}}}
    path.write_text(json.dumps({"contracts": {"a.sol": {"A": each, "B": each}, "b.sol": {"B": each}}}))
    with pytest.raises(ValueError, match=r"a.sol:A, a.sol:B, b.sol:B"):
        Artifact.load(path)
    assert Artifact.load(path, "A").name == "A"
    with pytest.raises(ValueError, match=r"no single 'B'"):
        Artifact.load(path, "B")
    assert Artifact.load(path, "b.sol:B").name == "B"
    path.write_text("{}")
    with pytest.raises(ValueError, match=r"is no artifact"):
        Artifact.load(path)
    with pytest.raises(ValueError, match=r"there are .*ModelCoin"):
        Artifact.ours("ModelCorn")


GO = {"type": "function", "name": "go", "inputs": [{"type": "uint8", "name": "n"}]}


def wrong(entry: dict[str, Any], **changed: Any) -> str:
    return json.dumps({"abi": [{"type": "fallback"}, {**entry, **changed}], "bytecode": "0x60"})


def coded(bytecode: Any, **more: Any) -> str:
    return json.dumps({"abi": [], "bytecode": bytecode, **more})


def taking(kind: Any, **more: Any) -> str:
    return wrong(GO, inputs=[{"type": kind, "name": "n", **more}])


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "it is empty"),
        (b" \n", "it is empty"),
        (b"contract X {}", "it is no JSON: line 1, column 1: Expecting value"),
        (b'{"abi": [],\n "bytecode": 0x60}', "it is no JSON: line 2, column 15: Expecting ',' delimiter"),
        (bytes.fromhex("608060405234801560ff"), "it is no text"),
        (b"7", "it is no object"),
        (b"null", "it is no object"),
        (b"[]", "it is a list: an abi without bytecode, or none"),
        (b"{}", "it has neither an abi with bytecode nor contracts"),
        (b'{"abi": []}', "it has an abi and no bytecode"),
        (b'{"contracts": {"a.sol": []}}', "what should be the contracts of a.sol is no object"),
        (b'{"contracts": {"a.sol": {"A": 7}}}', "what should be A is no object"),
        (b'{"contracts": {"a.sol": {"A": {}}}}', "its abi is null, not a list"),
        (coded("0x60", name=7), "it is called 7, which is no text"),
        (json.dumps({"abi": {"go": 1}, "bytecode": ""}), "its abi is an object, not a list"),
        (json.dumps({"abi": ["function go()"], "bytecode": ""}), "entry 0 of its abi is text, not an object"),
        (wrong(GO, type="functon"), "entry 1 of its abi is of type 'functon'; there are function, event, error, "),
        (wrong(GO, type=None), "entry 1 of its abi is of type None; there are function"),
        (wrong(GO, name=""), "entry 1 of its abi, a function, has no name"),
        (wrong({"type": "event"}), "entry 1 of its abi, an event, has no name"),
        (wrong(GO, name=7), "entry 1 of its abi, a function, has no name"),
        (wrong(GO, inputs={}), "the inputs of go are an object, not a list"),
        (wrong(GO, outputs=None), "the outputs of go are null, not a list"),
        (wrong(GO, inputs=[{"name": "n"}]), "the inputs of go: parameter 0 has no type"),
        (wrong(GO, inputs=["uint8"]), "the inputs of go: parameter 0 has no type"),
        (taking("uint"), "the inputs of go: n: the type 'uint' cannot be encoded"),
        (taking("uint7"), "the inputs of go: n: the type 'uint7' cannot be encoded"),
        (taking("int264"), "the inputs of go: n: the type 'int264' cannot be encoded"),
        (taking("bytes33"), "the inputs of go: n: the type 'bytes33' cannot be encoded"),
        (taking("fixed128x18[2][]"), "the inputs of go: n: the type 'fixed128x18' cannot be encoded"),
        (taking("uint8[-1]"), "the inputs of go: n: the type 'uint8[-1]' cannot be encoded"),
        (taking("uint8", name=7), "the inputs of go: parameter 0 is called 7, which is no text"),
        (taking("tuple[]"), "the inputs of go: n is a tuple without components"),
        (
            taking("tuple", components=[{"type": "wei"}]),
            "the inputs of go: the components of n: parameter 0: the type 'w",
        ),
        (coded(7), "its bytecode is a number, not text"),
        (coded({"opcodes": "STOP"}), "its bytecode is null, not text"),
        (coded("0x6080g0"), "its bytecode is no hex: 'g' at digit 4"),
        (coded("0x60 0"), "its bytecode is no hex: ' ' at digit 2"),
        (coded("0x608"), "its bytecode has 3 digits: bytes have two each"),
        (
            coded("0x60" + "__Lib" + "_" * 35),
            "its bytecode lacks the address of a library at digit 2: no link says which",
        ),
        (coded(CODE, linkReferences=[1]), "its linkReferences are not those of a compiler"),
        (coded(CODE, linkReferences={"a.sol": {"L": [{"start": "1"}]}}), "its linkReferences are not those of a comp"),
        (
            coded(CODE, linkReferences={"a.sol": {"L": [{"start": 9}]}}),
            "the address of a.sol:L is to go to byte 9, which",
        ),
    ],
)
def test_a_broken_artifact_says_what_is_wrong_with_it(tmp_path, content, why):
    path = tmp_path / "X.json"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(ValueError) as caught:
        Artifact.load(path)
    assert str(caught.value).startswith(f"{path} is no artifact: {why}")


def test_a_folder_is_no_artifact_and_a_byte_order_mark_does_no_harm(tmp_path):
    with pytest.raises(ValueError, match=r" is no artifact: it is a folder: name a file in it"):
        Artifact.load(tmp_path)
    with pytest.raises(FileNotFoundError):
        Artifact.load(tmp_path / "nowhere.json")
    (tmp_path / "X.json").write_text("\ufeff" + json.dumps(SHAPES["foundry"]))
    assert Artifact.load(tmp_path / "X.json").links == {"src/L.sol:L": (1,)}


def test_constructor_arguments_follow_the_code_and_are_checked():
    artifact = Artifact.ours("ModelCoin")
    assert artifact.deploy_data(True) == bytes.fromhex(OURS["bytecode"][2:]) + (1).to_bytes(32)
    with pytest.raises(TypeError, match=r"ModelCoin's constructor\(bool open\): it takes 1 values \(open\), not 0"):
        artifact.deploy_data()


# --- a contract at an address ---


@pytest.fixture
def engine():
    return PyEvm()


@pytest.fixture
def coin(engine):
    artifact = Artifact.ours("ModelCoin")
    result = engine.run_block(
        BlockContext(1, 1, 0, 30_000_000), [Tx(ALICE, None, artifact.deploy_data(True), 0, 5_000_000)]
    )
    return Contract(artifact, bytes(result.output[0]), engine)


def run(engine, who, call):
    tx = Tx(who, call.to, call.data, call.value, call.gas, nonce=engine.nonce(who))
    return engine.run_block(BlockContext(2, 2, 0, 30_000_000), [tx])


def test_views_answer_and_are_remembered_until_forgotten(engine, coin):
    assert coin.balanceOf(ALICE) == coin.totalSupply() == 10**24
    assert coin.balanceOf("0x" + ALICE.hex()) == 10**24
    assert (coin.symbol(), coin.name(), coin.name_) == ("MDC", "ModelCoin", "ModelCoin")
    assert coin.treasury() == ALICE
    assert coin.balanceOf(BOB) == 0
    run(engine, ALICE, coin.transfer(BOB, 7))
    assert coin.balanceOf(BOB) == 0
    coin.forget_()
    assert coin.balanceOf(BOB) == 7


def test_other_functions_build_calls(coin):
    call = coin.transfer(BOB, 7, value=1, gas=60_000)
    assert call == Call(
        coin.address_, bytes.fromhex("a9059cbb") + bytes(12) + BOB + (7).to_bytes(32), "transfer",
        ("to", "value"), (BOB, 7), 1, 60_000, "ModelCoin",
    )  # fmt: skip
    assert call.args == {"to": BOB, "value": 7}
    tagged = call.tagged("pays", job="j", carries=b"x")
    assert (tagged.data, tagged.verb, tagged.job, tagged.subject, tagged.carries) == (
        call.data,
        "pays",
        "j",
        None,
        b"x",
    )


def test_misuse_names_the_culprit_and_what_exists(coin):
    with pytest.raises(AttributeError, match=r"ModelCoin has no 'transfr'; it has AIRDROP, .*transfer, transferFrom"):
        coin.transfr  # noqa: B018
    with pytest.raises(
        AttributeError, match=r"no event 'Transferred'; it has Airdropped\(address,uint256\), Appr.*Transfer\("
    ):
        coin.event_("Transferred")
    with pytest.raises(AttributeError, match=r"no function 'mint'"):
        coin.function_("mint")
    with pytest.raises(
        TypeError, match=r"transfer\(address to, uint256 value\): it takes 2 values \(to, value\), not 1"
    ):
        coin.transfer(BOB)
    with pytest.raises(TypeError, match=r"transfer\(address to, uint256 value\): value: -1 is no uint256"):
        coin.transfer(BOB, -1)


def test_an_address_without_code_is_named(engine, coin):
    with pytest.raises(ViewFailed, match=r"no code lives there"):
        Contract(coin.artifact_, BOB, engine).totalSupply()


def abi(kind, name, *inputs, **more):
    """An entry of an ABI; a parameter with an asterisk is indexed."""
    parts = [{"type": one.strip("*"), "name": f"x{i}", "indexed": "*" in one} for i, one in enumerate(inputs)]
    return {"type": kind, "name": name, "inputs": parts, "stateMutability": "nonpayable", **more}


OURS_HAS = [name.removesuffix("_") for name in dir(Contract) if name.endswith("_") and not name.startswith("_")]
OURS_HAS += ["artifact", "address", "engine", "name"]  # of each contract, in its __init__


@pytest.mark.parametrize("name", [*OURS_HAS, "_answers", "__callback", "functions", "events", "self", "x_"])
def test_a_function_of_the_abi_is_reached_by_its_name_whatever_that_is(engine, name):
    where = Contract(Artifact("X", (abi("function", name, "uint8"),)), ALICE, engine)
    assert getattr(where, name)(7).function == where.function_(name)(7).function == name
    assert (where.name_, where.address_, where.artifact_.name) == ("X", ALICE, "X")


@pytest.mark.parametrize("name", ["name_", "address_", "forget_", "ask_"])
def test_a_function_that_is_called_as_what_every_contract_has_is_reached_by_function(engine, name):
    where = Contract(Artifact("X", (abi("function", name),)), ALICE, engine)
    assert where.function_(name)().function == name
    assert where.name_ == "X"


def test_who_asks_for_what_every_contract_has_by_its_bare_name_is_told_how_it_is_called(coin):
    with pytest.raises(
        AttributeError, match=r"ModelCoin has no 'forget' \(the contract's own is forget_\); it has AIR"
    ):
        coin.forget  # noqa: B018


def test_an_event_that_shares_its_name_with_a_function_has_a_door_of_its_own(engine):
    both = Contract(Artifact("X", (abi("function", "paid"), abi("event", "paid", "uint8"))), ALICE, engine)
    assert both.paid().function == "paid"
    log = Log(0, ALICE, (both.event_("paid").topic0,), (5).to_bytes(32))
    assert both.decode_log_(log) == (both.event_("paid"), {"x0": 5})


def test_overloaded_events_are_told_apart_by_signature_and_not_by_name(engine):
    entries = abi("event", "Went", "uint8"), abi("event", "Went", "address*", "uint8"), abi("event", "Came", "uint8")
    where = Contract(Artifact("X", entries), ALICE, engine)
    one, two = where.event_("Went(uint8)"), where.event_("Went(address,uint8)")
    assert len({one.topic0, two.topic0}) == 2
    assert where.decode_log_(Log(0, ALICE, (one.topic0,), (5).to_bytes(32))) == (one, {"x0": 5})
    log = Log(0, ALICE, (two.topic0, BOB.rjust(32, b"\0")), (6).to_bytes(32))
    assert where.decode_log_(log) == (two, {"x0": BOB, "x1": 6})
    with pytest.raises(AttributeError, match=r"X has Went\(address,uint8\), Went\(uint8\); choose with event_\(sign"):
        where.Went  # noqa: B018
    with pytest.raises(AttributeError, match=r"no event 'Went\(bool\)'; it has Came\(uint8\), Went\(address,uint8\)"):
        where.event_("Went(bool)")


def test_events_that_differ_in_what_is_indexed_alone_are_one_event(engine):
    entries = abi("event", "Moved", "address*", "uint256"), abi("event", "Moved", "address*", "uint256*")
    where = Contract(Artifact("X", entries), ALICE, engine)
    who, seven = BOB.rjust(32, b"\0"), (7).to_bytes(32)
    for log in (Log(0, ALICE, (where.Moved.topic0, who), seven), Log(0, ALICE, (where.Moved.topic0, who, seven), b"")):
        assert where.decode_log_(log) == (where.Moved, {"x0": BOB, "x1": 7})


def test_an_anonymous_event_is_known_by_its_shape_where_one_alone_fits(engine):
    note, other = abi("event", "Note", "bytes32*", "uint8", anonymous=True), abi("event", "Other", "uint8")
    log = Log(0, ALICE, (b"\5" * 32,), (7).to_bytes(32))
    where = Contract(Artifact("X", (note, other)), ALICE, engine)
    assert where.decode_log_(log) == (where.Note, {"x0": b"\5" * 32, "x1": 7})
    twice = Contract(Artifact("X", (note, {**note, "name": "Twin"})), ALICE, engine)
    assert twice.decode_log_(log)[1] == {"topics": log.topics, "data": log.data}


def test_a_view_is_asked_as_somebody_and_remembers_whom(coin, engine):
    code = bytes.fromhex("6007600c60003960076000f3335f5260205ff3")  # puts there what returns CALLER
    made = engine.run_block(BlockContext(2, 2, 0, 30_000_000), [Tx(ALICE, None, code, 0, 200_000, nonce=1)])
    view = {**abi("function", "whoAmI"), "outputs": [{"type": "address", "name": ""}], "stateMutability": "view"}
    where = Contract(Artifact("X", (view, abi("function", "go"))), bytes(made.output[0]), engine)
    assert where.whoAmI() == bytes(20)
    assert where.whoAmI(sender=ALICE) == where.whoAmI(sender="0x" + ALICE.hex()) == ALICE
    assert where.whoAmI(sender=BOB) == BOB
    assert where.whoAmI(sender=coin.address_) == coin.address_  # a contract asks too
    assert where.whoAmI() == bytes(20)
    with pytest.raises(TypeError, match=r"X.whoAmI\(\) is a view: nobody sends it wei"):
        where.whoAmI(value=1)
    with pytest.raises(TypeError, match=r"X.go\(\) is no view: its sender is the account that sends the call"):
        where.go(sender=ALICE)
    with pytest.raises(TypeError, match=r"b'.*' is no address"):
        where.whoAmI(sender=b"\1" * 19)
    with pytest.raises(ViewFailed, match=r"gas"):
        where.whoAmI(gas=21_005)


@pytest.mark.parametrize(
    ("entry", "view"),
    [
        ({"constant": True, "payable": False}, True),
        ({"constant": False, "payable": True}, False),
        ({"payable": False}, False),
        ({"stateMutability": "pure"}, True),
        ({"constant": True, "stateMutability": "nonpayable"}, False),
    ],
)
def test_an_abi_from_before_stateMutability_says_what_is_a_view(coin, entry, view):
    old = {"name": "balanceOf", "inputs": [{"type": "address", "name": "who"}], "outputs": [{"type": "uint256"}]}
    token = Contract(Artifact("Old", ({**old, **entry},)), coin.address_, coin.engine_)  # `type` may be missing too
    assert token.balanceOf(ALICE) == 10**24 if view else token.balanceOf(ALICE).function == "balanceOf"


# --- strings that are no UTF-8: contracts check none ---

STRANGE = b"caf\xe9 \xff\0"


def test_a_string_of_any_bytes_is_sent_and_read_without_loss(engine):
    coder = sequence([{"type": "string", "name": "x"}])
    (text,) = coder.unpack(coder.pack((STRANGE,)), 0)
    assert isinstance(text, str)
    assert coder.pack((text,)) == coder.pack((STRANGE,)) == eth_abi.encode(["bytes"], [STRANGE])
    assert coder.unpack(coder.pack(("naïve 🙂",)), 0) == ("naïve 🙂",)


@given(st.binary(max_size=50))
def test_every_string_comes_back_as_the_bytes_that_it_was(data):
    coder = sequence([{"type": "string", "name": "x"}])
    (text,) = coder.unpack(coder.pack((data,)), 0)
    assert coder.pack((text,)) == coder.pack((data,))


def test_a_revert_with_bytes_that_are_no_text_can_be_printed(coin):
    said = str(coin.decode_error_(bytes.fromhex("08c379a0") + eth_abi.encode(["bytes"], [b"no \xff"])))
    assert said == "Error(message=no \\udcff)"
    assert said.encode().decode() == said


def test_logs_are_decoded_with_indexed_arguments_in_the_order_of_the_abi(engine, coin):
    log = run(engine, ALICE, coin.transfer(BOB, 7)).logs[0]
    event, args = coin.decode_log_(log)
    assert event is coin.Transfer is coin.event_("Transfer")
    assert list(args.items()) == [("from", ALICE), ("to", BOB), ("value", 7)]
    assert (event.name, event.fields, event.contract_address) == ("Transfer", ("from", "to", "value"), coin.address_)
    assert coin.Transfer is not Contract(coin.artifact_, BOB, engine).Transfer


@pytest.mark.parametrize("topics", [(), (b"\7" * 32,)])
def test_a_strangers_log_is_data(coin, topics):
    event, args = coin.decode_log_(Log(0, coin.address_, topics, b"abc"))
    assert event.name == "0x" + b"".join(topics).hex()
    assert args == {"topics": topics, "data": b"abc"}


def test_a_log_that_differs_in_what_is_indexed_is_a_strangers(coin):
    event, _ = coin.decode_log_(Log(0, coin.address_, (coin.Transfer.topic0,), bytes(96)))
    assert event is not coin.Transfer


def test_reverts_are_named(engine, coin):
    run(engine, BOB, coin.claimAirdrop())
    again = run(engine, BOB, coin.claimAirdrop())
    assert coin.decode_error_(again.output[0]) == Revert("AlreadyClaimed", {"who": BOB})
    poor = coin.decode_error_(run(engine, BOB, coin.transfer(ALICE, 10**22)).output[0])
    assert str(poor) == f"ERC20InsufficientBalance(sender=0x{BOB.hex()}, balance={10**21}, needed={10**22})"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "reverted without a reason"),
        (bytes.fromhex("08c379a0") + eth_abi.encode(["string"], ["too poor"]), "Error(message=too poor)"),
        (bytes.fromhex("4e487b71") + (0x12).to_bytes(32), "Panic(code=18, meaning=division by zero)"),
        (bytes.fromhex("4e487b71"), "0x4e487b71"),
        (b"\1\2\3\4\5", "0x0102030405"),
        (bytes.fromhex("3ee5aeb5"), "ReentrancyGuardReentrantCall()"),  # bubbles up from a contract of another ABI
    ],
)
def test_reverts_of_no_error_of_the_abi(coin, data, said):
    assert str(coin.decode_error_(data)) == said


# --- structs and overloads ---

POINT = {"type": "tuple", "name": "p", "internalType": "struct Map.Point", "components": [
    {"type": "uint8", "name": "x"}, {"type": "string", "name": "from"}]}  # fmt: skip
UINT = {"type": "uint256", "name": "n"}
SHAPED = Artifact("Map", (
    {"type": "function", "name": "go", "inputs": [POINT], "outputs": [], "stateMutability": "nonpayable"},
    {"type": "function", "name": "add", "inputs": [UINT], "outputs": [], "stateMutability": "nonpayable"},
    {"type": "function", "name": "add", "inputs": [UINT, UINT], "outputs": [], "stateMutability": "nonpayable"},
    {"type": "function", "name": "add", "inputs": [{"type": "string", "name": "s"}], "outputs": [],
     "stateMutability": "nonpayable"},
    {"type": "event", "name": "Went", "anonymous": False, "inputs": [
        {"type": "string", "name": "where", "indexed": True}, {**POINT, "indexed": False}]},
))  # fmt: skip


class Point(NamedTuple):
    x: int
    from_: str


@dataclass
class PointData:
    x: int
    from_: str


@pytest.mark.parametrize("point", [(1, "a"), Point(1, "a"), PointData(1, "a"), {"x": 1, "from": "a"}])
def test_structs_are_taken_in_any_form(engine, point):
    where = Contract(SHAPED, ALICE, engine)
    assert where.go(point).data[4:] == eth_abi.encode(["(uint8,string)"], [(1, "a")])


def test_a_struct_of_other_fields_is_refused(engine):
    with pytest.raises(TypeError, match=r"p: it has the fields x, from, not x, to"):
        Contract(SHAPED, ALICE, engine).go({"x": 1, "to": "a"})


def test_overloads_are_chosen_by_arity_or_by_signature(engine):
    where = Contract(SHAPED, ALICE, engine)
    assert len(where.add(1, 2).data) == 4 + 64
    with pytest.raises(TypeError, match=r"2 of add\(uint256\), add\(uint256,uint256\), add\(string\) with 1 arguments"):
        where.add(1)
    assert where.function_("add(uint256)")(1).args == {"n": 1}


def test_an_indexed_string_is_its_hash_and_a_struct_a_named_tuple(engine):
    where = Contract(SHAPED, ALICE, engine)
    log = Log(0, ALICE, (where.Went.topic0, b"\5" * 32), eth_abi.encode(["(uint8,string)"], [(1, "a")]))
    _, args = where.decode_log_(log)
    assert args["where"] == b"\5" * 32
    assert (args["p"].x, args["p"].from_, type(args["p"]).__name__) == (1, "a", "Point")
