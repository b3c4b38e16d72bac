"""From artifacts to contracts that stand: arguments, guesses, libraries, proxies, tokens and approvals."""

from __future__ import annotations

import json

import pytest

from slashpoint.experiments.check.chain import chain
from slashpoint.experiments.check.plan import MONEY, plan
from slashpoint.experiments.check.request import Request
from slashpoint.experiments.check.stage import build
from slashpoint.experiments.check.values import amount, split

RULES = '{"bps":100,"keeper":"alice","until":"now+3days"}'


@pytest.fixture(params=["native", "pyevm"])
def engine(request):
    if request.param == "native":
        pytest.importorskip("slashpoint_revm")
    return request.param


def built(out, *names, engine="auto", **options):
    given = {name: (said,) if isinstance(said, str) else tuple(said) for name, said in options.items()}
    return build(Request(tuple(str(out / f"{name}.json") for name in names), **given, engine=engine))


@pytest.mark.parametrize(
    ("text", "number"),
    [("5", 5), ("1_000", 1000), ("0x10", 16), ("1e18", 10**18), ("1.5ether", 15 * 10**17), ("30 gwei", 30 * 10**9),
     ("3days", 259_200), ("1day", 86_400), ("2.5 hours", 9000), ("-7", -7), ("1weeks", 604_800),
     ("123456789012345678901234567890123456789", 123456789012345678901234567890123456789)],
)  # fmt: skip
def test_a_number_may_have_a_unit_and_stays_exact(text, number):
    assert amount(text) == number


def test_commas_within_quotes_and_brackets_do_not_part():
    assert split('a,[1,2],{"x":[3,4]},"b,c",') == ["a", "[1,2]", '{"x":[3,4]}', '"b,c"', ""]


def test_contracts_stand_in_the_order_in_which_they_need_each_other(out, engine):
    stage = built(out, "Till", "Fees", "Coin", args=f"Till=Coin,{RULES}", engine=engine)
    setup = stage.setup
    till, coin = setup.contracts["Till"], setup.contracts["Coin"]
    assert till.coin() == coin.address_
    assert (till.rules().bps, till.rules().keeper) == (100, setup.accounts["alice"])
    assert till.rules().until == chain()["genesis"] + 3 * 86_400
    assert "Fees" not in setup.contracts
    assert [each.name for each in stage.plan.deployments] == ["Fees", "Coin", "Till"]


def test_time_is_the_present_of_the_chain_and_everybody_has_a_million_ether(out):
    setup = built(out, "Bank").setup
    assert setup.now == chain()["genesis"]
    assert list(setup.accounts) == ["deployer", "alice", "bob", "carol", "mallory"]
    assert {setup.engine.balance(each) for each in setup.accounts.values()} == {MONEY}
    assert setup.engine.code(setup.contracts[setup.puppet].address_)


def test_what_nobody_said_is_guessed_and_told(out):
    stage = built(out, "Coin")
    assert stage.setup.contracts["Coin"].owner() == stage.setup.accounts["deployer"]
    assert stage.plan.guesses == (
        "Coin: name_ is Coin: a name may be anything",
        "Coin: symbol_ is C: a name may be anything",
        "Coin: owner_ is deployer: by its name",
    )


def test_a_parameter_whose_type_is_a_contract_given_is_that_contract(out):
    found = plan(Request((str(out / "Left.json"), str(out / "Right.json")), args=("Right=alice",)))
    assert [(each.name, each.arguments.texts) for each in found.deployments] == [
        ("Right", ("alice",)), ("Left", ("Right",))
    ]  # fmt: skip
    assert found.guesses == ("Left: right_ is Right: its type is Right",)


def test_of_a_token_everybody_has_some_and_lets_the_others_take_it(out, engine):
    stage = built(out, "Till", "Fees", "Coin", args=f"Till=Coin,{RULES}", engine=engine)
    setup = stage.setup
    coin, till, puppet = (setup.contracts[name] for name in ("Coin", "Till", setup.puppet))
    assert setup.tokens == ("Coin",)
    for who in [*setup.accounts.values(), puppet.address_]:
        assert coin.balanceOf(who) == 1_000_000 * 10**6
        assert coin.allowance(who, till.address_) == 2**256 - 1
    assert any("1,000,000 each, minted" in line for line in stage.told)
    assert any("lets Till" in line for line in stage.told)


def test_what_may_not_be_minted_comes_from_the_deployer(out):
    stage = built(out, "Coin", args="Coin=a,b,alice")
    assert stage.told[-1].startswith("Coin is a token, and nobody can be given any")


def test_a_proxy_is_called_with_its_implementations_functions(out, engine):
    stage = built(out, "Counter", "Proxy", init="Counter=initialize(bob,2)", engine=engine)
    counter = stage.setup.contracts["Counter"]
    assert (counter.owner(), counter.count()) == (stage.setup.accounts["bob"], 2)
    assert list(stage.setup.contracts) == ["Counter", "puppet"]
    assert stage.plan.guesses == ("Counter: it is called through Proxy: the only one that is made for a proxy",)
    assert built(out, "Counter", "Proxy", proxy="Counter=Proxy", init="Counter=initialize(bob,2)").plan.guesses == ()


def test_calls_are_made_once_all_stand(out):
    stage = built(out, "Counter", init=("Counter=initialize(Counter,0)", "Counter=add(2)"))
    counter = stage.setup.contracts["Counter"]
    assert (counter.count(), counter.owner()) == (2, counter.address_)


def test_an_initialiser_that_nobody_called_is_told(out):
    (note,) = built(out, "Counter").plan.notes
    assert "nobody called initialize" in note
    assert "--init 'Counter=initialize(OWNER_,FIRST)'" in note


def test_a_constructor_may_be_paid(out):
    setup = built(out, "Till", "Fees", "Coin", args=f"Till=Coin,{RULES}", value="Till=2ether").setup
    assert setup.engine.balance(setup.contracts["Till"].address_) == 2 * 10**18


@pytest.mark.parametrize("form", ["foundry", "hardhat", "truffle", "standard", "vyper"])
def test_artifacts_of_every_compiler_stand(form, out, tmp_path):
    ours = json.loads((out / "Bank.json").read_text())
    abi, code = ours["abi"], ours["bytecode"]["object"]
    document = {
        "foundry": ours,
        "hardhat": {"contractName": "Bank", "abi": abi, "bytecode": code, "linkReferences": {}},
        "truffle": {"contractName": "Bank", "abi": abi, "bytecode": code},
        "standard": {"contracts": {"src/Bank.sol": {"Bank": {"abi": abi, "evm": {"bytecode": {"object": code[2:]}}}}}},
        "vyper": {"Bank.vy": {"abi": abi, "bytecode": code}, "version": "0.4"},
    }[form]
    (tmp_path / "Bank.json").write_text(json.dumps(document))
    for spec in ("Bank.json", "Bank.json:Bank"):
        assert "Bank" in build(Request((str(tmp_path / spec),))).setup.contracts
