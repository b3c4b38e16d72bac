"""What money shows, with no property: who loses it to whom, and what stays for ever; and who is not accused."""

import pytest

from slashpoint.sim.search import Kind, Step
from slashpoint.sim.search.gain import Judge
from slashpoint.sim.search.seeker import Seeker
from slashpoint.sim.search.stuck import stuck
from slashpoint.sim.units import ETH

DAY = 86_400


@pytest.fixture
def judged(stage, by):
    """Hold a sequence beside its twin."""

    def judge(setup, *steps, attacker="mallory"):
        before = setup.engine.state_root(), setup.now
        found = Judge(Seeker(setup, 1), 400).judge(steps, attacker)
        assert (setup.engine.state_root(), setup.now) == before
        return found

    return judge


def test_who_reenters_takes_what_another_paid_in(stage, by, judged):
    setup = stage("ReentrantBank")
    bank, puppet = setup.contracts["ReentrantBank"], setup.contracts["puppet"]
    alice = by("alice", bank.deposit(value=ETH))
    into = by("mallory", puppet.act(bank.address_, bank.deposit().data, value=ETH))
    arm = by("mallory", puppet.arm(bank.address_, bank.withdraw().data, 1))
    out = by("mallory", puppet.act(bank.address_, bank.withdraw().data))
    found = judged(setup, alice, into, arm, out)
    assert found.key == (Kind.GAIN, "ReentrantBank")
    assert found.why.startswith(f"mallory ends {ETH} of wei above its start; without its steps alice could take back")
    assert judged(setup, alice, into, out) is None  # its own money back


def test_the_first_depositor_of_an_inflatable_vault_takes_the_second_ones_deposit(stage, by, judged):
    setup = stage("InflatableVault", coins=1)
    vault, coin = setup.contracts["InflatableVault"], setup.contracts["left"]
    steps = [
        by("mallory", vault.deposit(1)),
        by("mallory", coin.transfer(vault.address_, ETH)),
        by("alice", vault.deposit(ETH)),
        by("mallory", vault.redeem(1)),
    ]
    assert judged(setup, *steps).key == (Kind.GAIN, "InflatableVault")
    assert judged(setup, *steps[:3]) is None


def test_a_refund_taken_twice_is_at_the_others_expense(stage, by, judged):
    setup = stage("RefundTwice")
    fund = setup.contracts["RefundTwice"]
    pays = [by("mallory", fund.pay(value=ETH)), by("alice", fund.pay(value=ETH))]
    once, twice = by("mallory", fund.refund(), wait=8 * DAY), by("mallory", fund.refund())
    assert judged(setup, *pays, once, twice).kind == Kind.GAIN
    assert judged(setup, *pays, once) is None


def test_rounding_up_what_was_paid_in_is_at_the_others_expense(stage, by, judged):
    setup = stage("RoundingBank")
    bank = setup.contracts["RoundingBank"]
    steps = by("alice", bank.deposit(value=ETH)), by("mallory", bank.deposit(value=1)), by("mallory", bank.withdraw(1))
    assert judged(setup, *steps).kind == Kind.GAIN


def test_a_deposit_that_no_token_paid_for_is_at_the_others_expense(stage, by, judged):
    setup = stage("CarelessBank", coins=1, quiet=True)
    bank = setup.contracts["CarelessBank"]
    steps = by("alice", bank.deposit(ETH)), by("mallory", bank.deposit(5000 * ETH)), by("mallory", bank.withdraw(ETH))
    assert judged(setup, *steps).kind == Kind.GAIN


def test_a_window_that_overlaps_pays_twice(stage, by, judged):
    setup = stage("OverlappingWindow")
    bank = setup.contracts["OverlappingWindow"]
    pays = [by("mallory", bank.pay(value=ETH)), by("alice", bank.pay(value=ETH))]
    at_once = by("mallory", bank.cancel(), wait=bank.deadline() - setup.now)
    assert judged(setup, *pays, at_once, by("mallory", bank.collect())).kind == Kind.GAIN


def test_who_takes_what_the_deployer_put_in_could_be_anybody(stage, by, judged):
    setup = stage("OpenWallet", value=5 * ETH)
    wallet = setup.contracts["OpenWallet"]
    takes = by("mallory", wallet.setOwner(setup.accounts["mallory"])), by("mallory", wallet.withdrawAll())
    assert "without its steps deployer could take back" in judged(setup, *takes).why
    given = by("deployer", wallet.setOwner(setup.accounts["mallory"])), takes[1]
    assert judged(setup, *given) is None  # the owner let it in


def test_who_wins_a_lottery_by_luck_is_not_accused(stage, by, judged):
    setup = stage("Lottery")
    lottery = setup.contracts["Lottery"]
    buys = [by("alice", lottery.buy(value=ETH)), by("mallory", lottery.buy(value=ETH))]
    draws = [by("carol", lottery.draw(), wait=DAY + 12 * more) for more in range(12)]
    won = [setup_gain(setup, [*buys, draw]) for draw in draws]
    assert any(won)
    assert not all(won)
    assert all(judged(setup, *buys, draw) is None for draw in draws)


def setup_gain(setup, steps):
    setup.mark()
    before = setup.worth(setup.accounts["mallory"])["wei"]
    for each in steps:
        assert setup.play(each).ok
    gained = setup.worth(setup.accounts["mallory"])["wei"] > before
    setup.back()
    return gained


def test_whom_the_payer_names_is_not_accused(stage, by, judged):
    setup = stage("Escrow")
    escrow = setup.contracts["Escrow"]
    opened = by("alice", escrow.open(setup.accounts["mallory"], value=ETH))
    assert judged(setup, opened, by("alice", escrow.release(0))) is None


def test_a_bid_that_goes_nowhere_is_stuck(stage, by):
    setup = stage("EndlessAuction")
    auction = setup.contracts["EndlessAuction"]
    found = stuck(Seeker(setup, 1), (by("alice", auction.bid(value=ETH)),), 1000)
    assert found is not None
    assert found.key == (Kind.STUCK, "EndlessAuction: wei")
    assert found.why == f"{ETH} wei stay in EndlessAuction for ever, nothing ever left it"


def test_what_the_deployer_or_the_puppet_paid_in_is_not_called_stuck(stage, by):
    setup = stage("EndlessAuction")
    auction, puppet = setup.contracts["EndlessAuction"], setup.contracts["puppet"]
    assert stuck(Seeker(setup, 1), (by("deployer", auction.bid(value=ETH)),), 500) is None
    act = by("mallory", puppet.act(auction.address_, auction.bid().data, value=ETH))
    assert stuck(Seeker(setup, 1), (act,), 500) is None


@pytest.mark.parametrize("name", ["Auction", "Escrow", "Vesting", "FeeVault", "Staking", "HiddenBids"])
def test_what_time_or_another_persons_call_sets_free_is_not_stuck(stage, by, name):
    setup = stage(name, coins=int(name in {"FeeVault", "Staking"}))
    contract = setup.contracts[name]
    bob = setup.accounts["bob"]
    calls = {
        "Auction": lambda: [contract.bid(value=ETH), contract.bid(value=2 * ETH)],
        "Escrow": lambda: [contract.open(bob, value=ETH), contract.open(bob, value=2 * ETH)],
        "Vesting": lambda: [contract.grant(bob, value=ETH)],
        "FeeVault": lambda: [contract.deposit(ETH), contract.deposit(2 * ETH)],
        "Staking": lambda: [contract.stake(ETH), contract.stake(2 * ETH)],
        "HiddenBids": lambda: [contract.commit(bytes(32), value=ETH), contract.commit(bytes(32), value=ETH)],
    }[name]()
    steps = tuple(by(person, each) for person, each in zip(("alice", "carol"), calls, strict=False))
    assert stuck(Seeker(setup, 1), steps, 3000) is None


def test_an_argument_that_names_nobody_is_its_givers_own_fault(stage, by):
    setup = stage("Vesting")
    vesting = setup.contracts["Vesting"]
    nobody = by("alice", vesting.grant(bytes(19) + b"\x07", value=ETH))
    assert stuck(Seeker(setup, 1), (nobody,), 2000) is None


def test_whom_somebody_let_in_is_not_accused(stage, by, judged):
    setup = stage("OpenWallet")
    wallet, mallory = setup.contracts["OpenWallet"], setup.accounts["mallory"]
    pays = Step(setup.accounts["alice"], wallet.address_, b"", ETH)
    takes = by("mallory", wallet.withdrawAll())
    assert judged(setup, by("deployer", wallet.setOwner(mallory)), pays, takes) is None
    assert judged(setup, by("mallory", wallet.setOwner(mallory)), pays, takes).kind == Kind.GAIN


def test_who_can_still_take_back_everything_is_no_victim(stage, by, judged):
    setup = stage("RefundTwice")
    fund = setup.contracts["RefundTwice"]
    alice, carol = (by(person, fund.pay(value=2 * ETH)) for person in ("alice", "carol"))
    own, refund = by("mallory", fund.pay(value=ETH)), by("mallory", fund.refund())
    late = refund._replace(wait=8 * DAY)
    assert judged(setup, alice, carol, own, late, refund) is None  # there is enough for each of them alone
    assert judged(setup, alice, own, late, refund).kind == Kind.GAIN


def test_who_shares_a_reward_that_another_funds_for_all_is_not_accused(stage, by, judged):
    setup = stage("RewardPool")
    pool = setup.contracts["RewardPool"]
    early = by("mallory", pool.stake(value=ETH // 1000))
    funds = by("carol", pool.stake(value=ETH)), by("carol", pool.fund(value=ETH))
    assert judged(setup, early, *funds, by("mallory", pool.leave())) is None


def test_who_takes_an_offer_at_its_makers_price_is_not_accused(stage, by, judged):
    setup = stage("Offers", coins=1)
    offers = setup.contracts["Offers"]
    made = by("mallory", offers.offer(10**9, value=10**6)), by("alice", offers.offer(86_400, value=ETH))
    filled = by("mallory", offers.fill(1)), by("alice", offers.fill(0))  # her own, where there is no other
    assert judged(setup, *made, *filled) is None
