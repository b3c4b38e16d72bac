"""What theory says of inspection, stakes, the verifier's dilemma and volunteers, against runs of Lilypad."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import brentq
from scipy.stats import binom

import slashpoint
from slashpoint.experiments.setup.config import compose
from slashpoint.experiments.setup.run import build
from slashpoint.sim.ledger import Ledger
from slashpoint.sim.luck import Luck
from slashpoint.sim.market import Job

JOBS, PAY, COST, SAVED = 60, 50.0, 20.0, 0.8  # MDC a job; USD a job; share of the cost that a lazy provider saves
ALONE = (  # one provider does all jobs, quickly; a job costs 20 USD to compute
    "protocol.seats.provider=1", "protocol.seats.mediator=1", "protocol.seats.keeper=0", "protocol.spread=0",
    "protocol.scaler=1", "protocol.min_collateral=0", "protocol.endowment.mdc=100000", "protocol.bid_window=24",
    "protocol.agree_window=48", "task.seconds=12", "scenario.people.power=1000000", "scenario.people.energy=6",
    "scenario.interval=24", "scenario.people.latency=0.5", f"scenario.jobs={JOBS}",
)  # fmt: skip
RATES = (0, 0.05, 0.1, 0.15, 0.2, 0.3)


@cache
def played(check, multiple, lazy, *more):
    """What one job is worth to the provider and to the client (USD), and which jobs were rejected."""
    said = [*ALONE, f"protocol.check={check}", f"protocol.multiple={multiple}", *more]
    attack, said = ("lazy", [*said, f"attack.lazy.effort={1 - SAVED}"]) if lazy else ((), said)
    result = slashpoint.simulate("lilypad", attack, "small", 0, said)
    assert list(result.violations["complaint"]) == []
    jobs = result.ledger["jobs"].sort_values("job")
    assert len(jobs) == JOBS
    provider, client = (result.metric("profit", who) / JOBS for who in ("provider/0", "client/0"))
    return provider, client, np.array(jobs["outcome"] == "mediation rejected")


def gain(check, multiple, *more):
    """What a lazy provider has more than an honest one, USD a job."""
    return played(check, multiple, True, *more)[0] - played(check, multiple, False, *more)[0]


def formula(multiple, saved=SAVED * COST):
    """The rate of checks above which cheating loses: gain / (gain + what is lost when caught)."""
    lost = PAY + multiple * PAY - saved  # the pay and the collateral, less what was saved all the same
    return saved / (saved + lost)


def crossing(rates, caught, multiple):
    """The rate at which the measured gain is zero, by a line through all rates; `caught`: shape (rates, jobs)."""
    free, loss = gain(0, multiple), -gain(1, multiple)
    gains = free - caught.mean(axis=1) * (free + loss)
    slope, level = np.polyfit(rates, gains, 1)
    return -level / slope


@pytest.mark.slow
@pytest.mark.parametrize("multiple", [1, 2, 4])
def test_lazy_computing_pays_until_checks_are_as_frequent_as_the_formula_says(multiple):
    caught = np.array([played(rate, multiple, True)[2] for rate in RATES])
    measured = crossing(RATES, caught, multiple)
    luck = Luck(0)("bootstrap").generator()
    some = [caught[:, luck.integers(0, JOBS, JOBS)] for _ in range(400)]
    low, high = np.quantile([crossing(RATES, one, multiple) for one in some], [0.025, 0.975])
    gains = " | ".join(f"{gain(rate, multiple):+.1f}" for rate in RATES)
    told = f"{measured:.3f} ({low:.3f} to {high:.3f}) | {formula(multiple):.3f}"
    print(f"\n| {multiple * PAY:.0f} MDC | {gains} | {told} |")  # noqa: T201 - the page's table
    assert low < formula(multiple) < high
    assert high - low < 0.25
    assert gain(0, multiple) > 0 > gain(0.3, multiple)
    assert abs(measured - formula(multiple)) < 0.08


@pytest.mark.parametrize("multiple", [2, 100])
def test_with_the_published_rate_of_no_checks_no_collateral_deters(multiple):
    """The literal default is q = 0: the gain is what was saved, whatever is at stake."""
    assert gain(0, multiple, "protocol.variant=literal") == pytest.approx(SAVED * COST, rel=0.01)
    assert not played(0, multiple, True, "protocol.variant=literal")[2].any()


def test_the_collateral_that_deters_is_the_break_even_stake():
    """At a rate p cheating breaks even where what is lost is gain (1-p)/p: the gain's sign turns at that multiple."""
    multiples = (0, 1, 2, 4)
    caught = played(0.1, 2, True)[2].mean()  # the rate as it was drawn
    saved = gain(0, 2)
    even = (saved * (1 - caught) / caught - (PAY - saved)) / PAY
    signs = {multiple: gain(0.1, multiple) > 0 for multiple in multiples}
    assert signs == {multiple: multiple < even for multiple in multiples}
    assert len(set(signs.values())) == 2


def test_how_long_a_cheat_lasts_is_geometric():
    """The lottery that decides on checks: wins before being caught are (1-p)/p; after 12.19 the tail is P = 0.01."""
    rate, tail, draws = 0.25, 0.01, 20_000
    world = build(compose(["protocol=lilypad", "scenario=small", f"protocol.check={rate}"]), Ledger(None))
    market = world.markets[0]
    (problem,) = (world.training_cache.task.problem(world.luck("any")),)
    checked = np.array([market.inspects(Job(str(i), market, problem, market.terms)) for i in range(draws)])
    world.forget()
    wins = np.diff(np.flatnonzero(checked)) - 1
    assert wins.mean() == pytest.approx((1 - rate) / rate, rel=0.05)
    long = math.log(tail / rate) / math.log(1 - rate) + 1
    assert long == pytest.approx(12.19, abs=0.005)
    share = (wins >= long).mean()
    assert binom.ppf(0.001, len(wins), (1 - rate) ** math.ceil(long)) <= share * len(wins)
    assert share * len(wins) <= binom.ppf(0.999, len(wins), (1 - rate) ** math.ceil(long))


@cache
def payoffs():
    """USD a job by [checks, cheats]: the provider's and the client's, what a result is worth left out."""
    cells = [[played(check, 2, lazy)[:2] for lazy in (False, True)] for check in (0, 1)]
    table = np.array(cells)
    return table[:, :, 0], table[:, :, 1]


def test_the_verifiers_dilemma_has_the_mixed_equilibrium_that_the_formulas_say():
    """Cheat X* = C/(R+L), check q* = G/(G+S); learning clients and providers play it on average over time."""
    provider, client = payoffs()
    cost = client[0, 0] - client[1, 0]  # of checking a right result
    caught = client[1, 1] + cost - client[0, 1]  # R + L: checking a wrong one is worth so much more, and costs
    saved, lost = provider[0, 1] - provider[0, 0], provider[1, 0] - provider[1, 1]
    cheats, checks = cost / caught, saved / (saved + lost)
    assert checks == pytest.approx(formula(2), abs=0.003)
    assert cheats == pytest.approx(30 / 80, abs=0.02)  # the fee, over the fee and the pay that come back

    def drift(_, shares):
        cheat, check = shares
        by_provider = np.array([1 - check, check]) @ provider  # honest, lazy
        by_client = client @ np.array([1 - cheat, cheat])  # does not check, checks
        return (
            cheat * (1 - cheat) * (by_provider[1] - by_provider[0]) / PAY,
            check * (1 - check) * (by_client[1] - by_client[0]) / PAY,
        )

    path = solve_ivp(drift, (0, 4000), (0.5, 0.2), max_step=0.5, rtol=1e-9, atol=1e-12)
    widths = np.diff(path.t)
    average = (path.y[:, 1:] * widths).sum(axis=1) / widths.sum()
    assert average == pytest.approx((cheats, checks), abs=0.01)
    assert np.ptp(path.y[0][-500:]) > 0.05  # it goes round, and does not come to rest


def test_the_more_may_check_the_likelier_nobody_does():
    """Volunteers: n clients share one wrong result, each may have it checked; P(nobody) = (c/a)^(n/(n-1)) rises."""
    _, client = payoffs()
    cost = client[0, 0] - client[1, 0]
    harm = client[1, 1] + cost - client[0, 1]
    silent = []
    for people in (2, 5, 20):

        def indifferent(check, people=people):
            return harm * binom.pmf(0, people - 1, check) - cost

        check = brentq(indifferent, 0, 1)
        silent.append((1 - check) ** people)
        assert silent[-1] == pytest.approx((cost / harm) ** (people / (people - 1)), rel=1e-9)
    assert silent == sorted(silent)


@pytest.mark.parametrize("colluding", [0, 1, 2, 3])
def test_two_colluders_of_three_carry_what_one_does_not(colluding):
    attack = "constant" if colluding else ()
    said = ["protocol.verification=redundancy", "protocol.seats.provider=3", "scenario.jobs=1"]
    said += [f"scenario.attackers={colluding}"] if colluding else []
    result = slashpoint.simulate("lilypad", attack, "small", 0, said)
    assert list(result.violations["complaint"]) == []
    assert list(result.ledger["jobs"]["outcome"]) == ["verified"]
    assert (result.metric("delivered_quality") > 0.8) == (colluding < 2)
