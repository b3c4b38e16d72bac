"""Nothing stays stuck: whatever a cheat did, once all deadlines have passed everybody can take what is owed to it."""

from __future__ import annotations

import pytest

from slashpoint.agents.population import seating
from slashpoint.experiments.gate.patches import mutants
from slashpoint.experiments.setup import catalogue
from slashpoint.experiments.setup.config import compose
from slashpoint.experiments.setup.run import build
from slashpoint.protocols.modelmarket import MARKET, ROLES
from slashpoint.protocols.modelmarket.market import CANDIDATE, GROUNDED, SUCCESS
from slashpoint.sim.contract.artifact import standing_in
from slashpoint.sim.engine import Status, Tx
from slashpoint.sim.ledger import Ledger
from slashpoint.sim.units import ETH, SECOND

STRANGER = b"a stranger who pokes"
MOMENTS = (3, 20, 77, 80, 84, 200)  # blocks: drawn, submitted, grounded, claimed, picked, over
WITHDRAWS_AGAIN = next(one.build for one in mutants() if one.name == "WithdrawAgain")


def seated(attack):
    return bool(seating(ROLES, [catalogue.make("attack", attack, {})], MARKET))


ATTACKS = [(), *((name,) for name in catalogue.names("attack") if seated(name)), ("sybil", "overclaim")]


def abandoned(world):
    """Everybody goes home, a stranger pokes until all requests are over, and those who are owed withdraw: how many."""
    market = world.markets[0].contract
    with world.fork() as chain:
        chain.fund(STRANGER, 1000 * ETH)
        for who in world.accounts:
            chain.fund(who, ETH)
        number, time = world.chain.number, world.chain.time

        def does(who, call):
            nonlocal number, time
            number, time = number + 1, time + 901 * SECOND
            context = world.chain.context(number, time)
            result = chain.run_block(
                context._replace(base_fee=0), [Tx(who, call.to, call.data, 0, 3_000_000, 0, 0, chain.nonce(who))]
            )
            for contract in world.contracts.values():
                contract.forget_()
            return result.status[0] == Status.SUCCESS

        for request in range(market.requests()):
            while (state := market.status(request).state) < SUCCESS:
                poke = market.pickCandidate if state == GROUNDED else market.enforceTimeout
                assert does(STRANGER, poke(request)) or state < GROUNDED, (request, state)
                assert state <= CANDIDATE
        token = world.tokens["MDC"]
        claimants = [who for who in (*sorted(world.accounts), STRANGER) if market.owed(who)]
        for who in claimants:
            owed, before = market.owed(who), token.balanceOf(who)
            assert does(who, market.withdraw()), world.name_of(who)
            assert (token.balanceOf(who) - before, market.owed(who)) == (owed, 0), world.name_of(who)
        assert (market.escrow(), market.owedTotal()) == (0, 0)
        assert token.balanceOf(market.address_) == market.treasury()
        return len(claimants)


def forks(attack=(), seed=1):
    """How many withdrew when everybody left at each of several moments."""
    world = build(
        compose(["scenario=small", "scenario.jobs=2", f"attack=[{','.join(attack)}]", f"seed={seed}"]), Ledger()
    )
    world.expected_jobs, found = 2, []
    try:
        for moment in MOMENTS:
            while world.chain.number < moment + 8 and not world.ended:  # the first blocks are the deployment's
                world.step()
            found.append(abandoned(world))
    finally:
        world.forget()
    return found


@pytest.mark.parametrize("attack", ATTACKS, ids="+".join)
def test_all_who_are_owed_withdraw_whenever_everybody_leaves(attack):
    assert max(forks(attack)) >= 1


def test_a_debt_that_is_not_cleared_is_noticed():
    with standing_in(WITHDRAWS_AGAIN), pytest.raises(AssertionError):
        forks()
