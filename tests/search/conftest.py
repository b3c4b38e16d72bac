"""What the tests of searches stand on: contracts of `tests/search/contracts` among five people."""

from pathlib import Path

import pytest

from slashpoint.sim.contract import Artifact, Contract
from slashpoint.sim.engine import BlockContext, Tx, make_engine
from slashpoint.sim.search import Setup, Step
from slashpoint.sim.units import ETH

BUILD = Path(__file__).parent / "contracts" / "build"
NOW = 1_800_000_000
PEOPLE = {
    name: bytes([number]).rjust(20, b"\xaa")
    for number, name in enumerate(("deployer", "alice", "bob", "carol", "mallory"), 1)
}
COINS = 1000 * ETH  # that each person begins with, of each coin


def make_stage(name, *, coins=0, quiet=False, args=(), value=0, engine="auto"):
    """Return a setup with one contract, `coins` tokens that everybody holds and lets it spend, and the puppet."""
    evm = make_engine(engine)
    setup = Setup(evm, {}, dict(PEOPLE), NOW, tokens=("left", "right")[:coins], puppet="puppet")
    for each in PEOPLE.values():
        evm.fund(each, 1000 * ETH)
    deployer = PEOPLE["deployer"]

    def deploy(called, artifact, *args, value=0):
        data = artifact.deploy_data(*args)
        tx = Tx(deployer, None, data, value, 12_000_000, nonce=evm.nonce(deployer))
        result = evm.run_block(BlockContext(1, NOW, 0, 30_000_000), [tx])
        assert result.status[0] == 1, (called, result.output[0], result.reasons)
        setup.contracts[called] = Contract(artifact, result.output[0], evm, called)
        return setup.contracts[called]

    made = [deploy(each, Artifact.load(BUILD / "Coin.json"), 10**6 * ETH, quiet) for each in setup.tokens]
    puppet = deploy("puppet", Artifact.ours("Puppet"))
    contract = deploy(
        name, Artifact.load(BUILD / f"{name}.json"), *[each.address_ for each in made], *args, value=value
    )
    for coin in made:
        for person in (*PEOPLE.values(), puppet.address_):
            call(setup, "deployer", coin.transfer(person, COINS))
        for person in PEOPLE:
            call(setup, person, coin.approve(contract.address_, 2**256 - 1))
        approve = coin.approve(contract.address_, 2**256 - 1)
        call(setup, "mallory", puppet.act(coin.address_, approve.data))
    return setup


def step(sender, call, value=None, wait=0):
    """Return the step of a person by a contract's call."""
    return Step(PEOPLE[sender], call.to, call.data, call.value if value is None else value, wait)


def call(setup, sender, call, **more):
    """Play a call, which must succeed."""
    played = setup.play(step(sender, call, **more))
    assert played.ok, (call, played)
    return played


@pytest.fixture(scope="session")
def stage():
    return make_stage


@pytest.fixture(scope="session")
def by():
    """Make a step of a person's call."""
    return step
