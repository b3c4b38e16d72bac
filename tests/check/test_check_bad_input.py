"""Wrong artifacts, arguments, ABIs, bytecodes and options of `slashpoint check` exit 2 and name the culprit."""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import Path

import pytest

from slashpoint.experiments.check import stage
from slashpoint.experiments.cli import main
from slashpoint.sim.engine import make_engine
from slashpoint.sim.search import campaign

OUT = Path(__file__).parent / "contracts" / "out"
CODE = "0x6001600c60003960016000f300"  # leaves one byte of code: STOP
TOUCH = {"type": "function", "name": "touch", "inputs": [], "outputs": [], "stateMutability": "nonpayable"}
PICKY = "tag=0x"


def abi(*entries, code=CODE, **others):
    return {"abi": list(entries), "bytecode": code, **others}


def function(kind, **others):
    return {"type": "function", "name": "f", "inputs": [{"name": "x", "type": kind, **others}]}


WRITTEN = {  # files that are there beside the real ones
    "empty.json": "",
    "words.json": "hello",
    "half.json": '{"abi": [',
    "list.json": "[]",
    "number.json": "5",
    "bare.json": {"abi": []},
    "nothing.json": {"x": 1},
    "abi_text.json": abi() | {"abi": "x"},
    "entry_text.json": abi("x"),
    "kind.json": abi({"type": "functoin", "name": "f"}),
    "nameless.json": abi({"type": "function"}),
    "type.json": abi(function("uint7")),
    "missing_type.json": abi({"type": "function", "name": "f", "inputs": [{"name": "x"}]}),
    "tuple.json": abi(function("tuple")),
    "inputs.json": abi({"type": "function", "name": "f", "inputs": 5}),
    "code_number.json": abi(TOUCH, code=5),
    "odd.json": abi(TOUCH, code="0x123"),
    "no_hex.json": abi(TOUCH, code="0x60zz"),
    "link.json": abi(TOUCH, code="0x60__$1234567890123456789012345678901234$__00"),
    "far_link.json": abi(TOUCH, linkReferences={"L.sol": {"L": [{"start": 900, "length": 20}]}}),
    "links.json": abi(TOUCH, linkReferences={"L.sol": 5}),
    "lib.json": abi(TOUCH, code="0x" + "60" * 60, linkReferences={"L.sol": {"L": [{"start": 5, "length": 20}]}}),
    "called.json": abi(TOUCH) | {"contractName": 5},
    "abstract.json": abi(TOUCH, code="0x"),
    "view.json": abi({**TOUCH, "stateMutability": "view"}),
    "invalid.json": abi(TOUCH, code="0xfe"),
    "reverts.json": abi(TOUCH, code="0x60006000fd"),
    "runtime.json": abi(TOUCH, code="0x00"),
    "big.json": abi(TOUCH, code="0x617000600060003960ff6000536170016000f3"),
    "alice.json": abi(TOUCH),
    "outside.json": abi(TOUCH, contractName="../x"),
    "unnamed.json": abi(TOUCH, contractName="x=y"),
    "array.json": abi(function("uint256[999999999999]")),
    "arrays.json": abi(function("uint8[5000][5000]")),
    "digits.json": abi(function(f"uint8[{'9' * 5000}]")),
    "two.json": {
        "contracts": {
            "a.sol": {
                "One": {"abi": [TOUCH], "evm": {"bytecode": {"object": CODE}}},
                "Two": {"abi": [TOUCH], "evm": {"bytecode": {"object": CODE}}},
            }
        }
    },
    "evm.json": {"contracts": {"a.sol": {"One": {"abi": [TOUCH], "evm": 5}}}},
    "Source.sol": "contract Source {}",
    "tokenlike.json": abi(*json.loads((OUT / "Coin.json").read_text())["abi"][1:]),
}
COIN, TILL, FEES = "Coin.json", "Till.json", "Fees.json"
RULES = '{"bps":100,"keeper":"alice","until":"now+1d"}'
TAG = "0x" + "ab" * 32
SHOP = [COIN, TILL, FEES]
REFUSED = [
    ([], "name an artifact"),
    (["none.json"], "there is no artifact none.json"),
    (["Coim.json"], "did you mean Coin.json"),
    (["nowhere/x.json"], "there is no folder nowhere"),
    ([""], "'' is no path"),
    (["a\0b"], "is no path"),
    (["."], "it is a folder"),
    (["Source.sol"], "Source.sol is source code: compile it"),
    (["binary.json"], "it is no text"),
    (["empty.json"], "it is empty"),
    (["words.json"], "it is no JSON: line 1"),
    (["half.json"], "it is no JSON"),
    (["list.json"], "it is a list"),
    (["number.json"], "it is no object"),
    (["bare.json"], "an abi and no bytecode"),
    (["nothing.json"], "neither an abi with bytecode nor contracts"),
    (["abi_text.json"], "its abi is text, not a list"),
    (["entry_text.json"], "entry 0 of its abi is text"),
    (["kind.json"], "of type 'functoin'"),
    (["nameless.json"], "has no name"),
    (["type.json"], "uint7"),
    (["missing_type.json"], "has no type"),
    (["tuple.json"], "a tuple without components"),
    (["inputs.json"], "are a number, not a list"),
    (["code_number.json"], "its bytecode is a number"),
    (["odd.json"], "bytes have two each"),
    (["no_hex.json"], "'z' at digit 2"),
    (["link.json"], "lacks the address of a library"),
    (["far_link.json"], "is to go to byte 900"),
    (["links.json"], "linkReferences"),
    (["lib.json"], "linked with the library L.sol:L"),
    (["called.json"], "is called 5"),
    (["abstract.json"], "abstract cannot be deployed: it is abstract or an interface"),
    (["IShop.json"], "IShop cannot be deployed: it is abstract or an interface"),
    (["view.json"], "view: there is nothing to call"),
    (["Mute.json"], "Mute: there is nothing to call"),
    (["invalid.json"], "invalid cannot be deployed: its constructor failed"),
    (["reverts.json"], "reverts cannot be deployed: its constructor failed: reverted without a reason"),
    (["runtime.json"], "runtime cannot be deployed: its bytecode leaves no code"),
    (["big.json"], "big cannot be deployed"),
    (["outside.json"], "'../x' was given, which is no name"),
    (["unnamed.json"], "'x=y' was given, which is no name"),
    (["array.json"], "uint256[999999999999] has more elements than a transaction can carry"),
    (["arrays.json"], "uint8[5000][5000] has more elements than a transaction can carry"),
    (["digits.json"], "has more elements than a transaction can carry"),
    (["alice.json"], "what an account is called"),
    (["two.json"], "choose one: two.json:NAME"),
    (["two.json:Three"], "no single 'Three'; there are a.sol:One, a.sol:Two"),
    (["two.json:One", "two.json:One"], "'One' was given before"),
    (["evm.json"], "the evm of One is no object"),
    (["tokenlike.json"], "the decimals of a token cannot be read"),
    ([TILL, COIN], "linked with the library Shop.sol:Fees: name its artifact too"),
    ([*SHOP], "rules_ (tuple) is missing; give all of them: --args 'Till=Coin,{\"bps\":uint256"),
    ([TILL, FEES], "coin_ (address) is missing"),
    ([*SHOP, "--args", "Till"], "must be Name=…"),
    ([*SHOP, "--args", "=5"], "must be Name=…"),
    ([*SHOP, "--args", "Tell=5"], "no contract 'Tell' was given; there are Coin, Till, Fees"),
    ([*SHOP, "--args", "Till=Coin"], "takes 2 arguments, and 1 were given"),
    ([*SHOP, "--args", "Till="], "takes 2 arguments, and 0 were given"),
    ([*SHOP, "--args", f"Till=Coin,{RULES}", "--args", f"Till=Coin,{RULES}"], "Till is there twice"),
    ([*SHOP, "--args", f"Till=Coim,{RULES}"], "'Coim' is neither an account nor a contract"),
    ([*SHOP, "--args", f"Till=0x12,{RULES}"], "is no address"),
    ([*SHOP, "--args", f"Till=Coin,{RULES[:-1]}"], "a bracket is not closed"),
    ([*SHOP, "--args", f"Till=Coin,{RULES}}}"], "closes what was not opened"),
    ([*SHOP, "--args", 'Till=Coin,{"bps":1}'], "the field keeper is missing"),
    ([*SHOP, "--args", 'Till=Coin,{"bps":1,"keper":"alice","until":1}'], "no field 'keper'"),
    ([*SHOP, "--args", "Till=Coin,[1,2]"], "is no struct of the fields bps, keeper, until"),
    ([*SHOP, "--args", 'Till=Coin,{"bps":1.5,"keeper":"alice","until":1}'], "bps (uint256): 1.5 is no whole number"),
    ([*SHOP, "--args", 'Till=Coin,{"bps":-1,"keeper":"alice","until":1}'], "-1 is no uint256: it is negative"),
    ([*SHOP, "--args", "Till=Coin,nonsense"], "'nonsense' is no JSON"),
    ([COIN, "--args", "Coin=a,b"], "takes 3 arguments, and 2 were given"),
    ([COIN, "--args", "Coin='a,b,deployer"], "a quote is not closed"),
    ([COIN, "--args", "Coin=a,b,nobody"], "'nobody' is neither an account nor a contract"),
    (["Picky.json"], "size (uint8) is missing"),
    (["Picky.json", "--args", f"Picky=300,{TAG},true,[1],-1"], "size (uint8): 300 is no uint8: it is out of its range"),
    (["Picky.json", "--args", f"Picky=1.5,{TAG},true,[1],-1"], "'1.5' is no whole number"),
    (["Picky.json", "--args", f"Picky=10lightyears,{TAG},true,[1],-1"], "'10lightyears' is no number"),
    (["Picky.json", "--args", "Picky=10,0xabcd,true,[1],-1"], "has 2 bytes: a bytes32 has 32"),
    (["Picky.json", "--args", "Picky=10,tag,true,[1],-1"], "'tag' is no bytes32"),
    (["Picky.json", "--args", f"Picky=10,{TAG},yes,[1],-1"], "'yes' is no bool"),
    (["Picky.json", "--args", f"Picky=10,{TAG},true,1,-1"], "'1' is no uint256[]"),
    (["Picky.json", "--args", f"Picky=10,{TAG},true,[1,x],-1"], "'x' is no number"),
    (["Picky.json", "--args", f"Picky=10,{TAG},true,[1],-9223372036854775809"], "is no int64"),
    (["Picky.json", "--args", f"Picky=9,{TAG},true,[1],-1"], "its constructor failed: TooSmall(given=9, least=10)"),
    (["Picky.json", "--args", f"Picky=10,{TAG},true,[1],1"], "its constructor failed: Error(message=not so)"),
    (["Left.json", "Right.json"], "each needs the address of another first: Left (Right), Right (Left)"),
    (["Bank.json", "--value", "Bank=1ether"], "--value Bank: its constructor takes no wei"),
    (["Bank.json", "--value", "Bank=lots"], "--value Bank: 'lots' is no number"),
    (["Bank.json", "--value", "Bonk=1"], "no contract 'Bonk' was given"),
    ([*SHOP, "--args", f"Till=Coin,{RULES}", "--value", "Till=2000000ether"], "the deployer has 1,000,000 ether"),
    (["Counter.json", "--init", "Counter=5"], "it must be a call, such as"),
    (["Counter.json", "--init", "Counter=initialise(deployer,5)"], "it has no function 'initialise'"),
    (["Counter.json", "--init", "Counter=initialize(deployer)"], "takes 2 arguments, and 1 were given"),
    (["Counter.json", "--init", "Counter=add(5)"], "failed: Error(message=too many)"),
    (["Counter.json", "--init", "Counter=initialize(deployer,ten)"], "first (uint256): 'ten' is no number"),
    (["Counter.json", "Proxy.json"], "first (uint256) is missing; give all of them: --init"),
    (["Counter.json", "Proxy.json", "--proxy", "Counter=Proxi"], "no contract 'Proxi' was given"),
    (["Proxy.json", "--proxy", "Proxy=Proxy"], "cannot stand before itself"),
    (["Counter.json", "Bank.json", "--proxy", "Counter=Bank"], "takes no address of an implementation"),
    (["Bank.json", "Proxy.json"], "none of those given is made for it"),
    (["Counter.json", "Proxy.json", "--init", "Proxy=add(1)"], "it is a library or a proxy"),
    (["Counter.json", "Proxy.json", "--init", "Counter=initialize(deployer,1)", "--args", "Proxy=deployer"], "2 arg"),
    (["Bank.json", "--calls", "0"], "argument --calls"),
    (["Bank.json", "--calls", "many"], "argument --calls"),
    (["Bank.json", "--seed", "-1"], "argument --seed"),
    (["Bank.json", "--length", "0"], "argument --length"),
    (["Bank.json", "-j", "0"], "argument -j/--jobs"),
    (["Bank.json", "--engine", "eth_tester"], "argument --engine"),
    (["Bank.json", "--seed", "1", "--seed", "2"], "--seed: it is there twice"),
    (["--replay", "none.json"], "there is no saved sequence none.json"),
    (["--replay", "words.json"], "words.json is no saved sequence: it is no JSON"),
    (["--replay", "list.json"], "it is no object"),
    (["--replay", "nothing.json"], "kind is missing"),
    (["--replay", "."], "cannot be read"),
    (["--replay", "x.json", "--calls", "5"], "leave --calls out"),
    (["--replay", "x.json", "-j", "2"], "leave --jobs out"),
    (["--replay", "x.json", "--length", "2"], "leave --length out"),
    (["--replay", "x.json", "--args", "X=5"], "name the artifacts too, or leave --args out"),
]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    place = tmp_path_factory.mktemp("artifacts")
    shutil.copytree(OUT, place, dirs_exist_ok=True)
    for name, body in WRITTEN.items():
        (place / name).write_text(body if isinstance(body, str) else json.dumps(body))
    (place / "binary.json").write_bytes(b"\xff\xfe\x00\x81")
    return place


@pytest.fixture
def folder(written, monkeypatch):
    monkeypatch.chdir(written)
    return written


@pytest.mark.parametrize(("words", "culprit"), REFUSED, ids=[" ".join(words)[:60] or "nothing" for words, _ in REFUSED])
def test_what_is_wrong_is_refused_by_name_and_nothing_is_searched(words, culprit, folder, capsys, monkeypatch):
    def never(*_, **__):
        raise AssertionError("it searched")

    monkeypatch.setattr(campaign, "check", never)
    try:
        code = main(["check", *words])
    except SystemExit as exit_:  # argparse
        code = exit_.code
    said = capsys.readouterr()
    assert code == 2, said
    assert culprit in " ".join(said.err.split()), said.err
    assert not said.out
    assert not (folder / "checks").exists()


def test_what_is_planned_wrong_makes_no_engine(folder, monkeypatch, capsys):
    """Only what a constructor itself refuses is executed: all else is refused before."""
    made = []
    monkeypatch.setattr(stage, "make_engine", lambda *how: made.append(how) or make_engine(*how))
    executed = ("constructor failed", "cannot be deployed: its bytecode", "big cannot", "failed: Error", "decimals of")
    for words, culprit in REFUSED:
        made.clear()
        with contextlib.suppress(SystemExit):
            main(["check", *words, "--quiet"])
        if not any(one in culprit for one in executed):
            assert not made, words
    assert len(REFUSED) > 100
    capsys.readouterr()
