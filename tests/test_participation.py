"""Participation: jobs arrive as a Poisson process does, and people enter until it no longer pays."""

from __future__ import annotations

import math
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest

from slashpoint import simulate
from slashpoint.agents.arrivals import arrivals
from slashpoint.agents.free_entry import WITHDRAWAL_BLOCKS as MATURE
from slashpoint.agents.free_entry import enters, paying
from slashpoint.agents.person import Traits
from slashpoint.sim.errors import Misconfigured
from slashpoint.sim.job_accounts import JobAccounts
from slashpoint.sim.luck import Luck
from slashpoint.sim.units import ETH, SECOND

JOBS, SEATS, REWARD = 30, 12, 100.0
USUAL = (
    "scenario.free_entry=true", f"scenario.jobs={JOBS}", f"protocol.seats.trainer={SEATS}",
    "protocol.endowment.mdc=9000", "scenario.blocks=6000",
)  # fmt: skip
SETTLED = 5  # the last jobs, by when nobody moves any more


def lived(*overrides, seed=0):
    result = simulate(scenario="small", seed=seed, overrides=[*USUAL, *overrides])
    assert result.violations.empty
    return result


def crowds(result):
    """Who entered each job, in the order of the jobs."""
    asked = result.ledger["duties"].query("duty == 'enter'")
    order = asked.drop_duplicates("job").sort_values("time_ns")["job"]
    said = asked[asked["answer"] == "True"].groupby("job")["controller"].agg(set)
    return [said.get(job, set()) for job in order]


def cost_usd(result, crowd):
    """What taking part cost a head: gas and computing."""
    moved = result.ledger["transfers"]
    spent = moved[moved["cause"].isin(["gas", "tip", "compute"]) & moved["sender"].str.startswith("trainer")]
    worth = {"ETH": 2500.0, "USD": 1.0}
    total = sum(int(amount) / 1e18 * worth[asset] for amount, asset in zip(spent["amount"], spent["asset"]))
    return total / sum(map(len, crowd))


# --- demand ---------------------------------------------------------------------------------------------------------


def test_regular_jobs_come_once_an_interval():
    assert arrivals("regular", 600.0, 4, Luck(1)) == [0, 600, 1200, 1800]


def test_poisson_jobs_have_independent_exponential_gaps():
    """Mean and variance of the gaps, their distribution, and no memory from one to the next: |z| < 2 for each."""
    n = 5000
    times = np.array(arrivals("poisson", 600.0, n, Luck("poisson")))
    gaps = np.diff(times, prepend=0.0) / 600
    assert abs(gaps.mean() - 1) * n**0.5 < 2
    assert abs(gaps.var() - 1) / (8 / n) ** 0.5 < 2  # the fourth central moment of Exp(1) is 9
    assert abs(np.corrcoef(gaps[:-1], gaps[1:])[0, 1]) * n**0.5 < 2
    assert kstest(gaps, "expon").pvalue > 0.05


def test_counts_of_poisson_jobs_are_poisson():
    """In windows of three intervals: mean and variance are 3, |z| < 2."""
    times = np.array(arrivals("poisson", 600.0, 60_000, Luck("counts")))
    windows = int(times[-1] // 1800)
    counts = np.bincount((times // 1800).astype(int), minlength=windows)[:windows]
    assert abs(counts.mean() - 3) / (3 / windows) ** 0.5 < 2
    assert abs(counts.var(ddof=1) - 3) / ((3 + 2 * 9) / windows) ** 0.5 < 2


def test_more_jobs_come_after_the_same_first_ones():
    assert arrivals("poisson", 60.0, 50, Luck(3))[:20] == arrivals("poisson", 60.0, 20, Luck(3))
    assert arrivals("poisson", 60.0, 20, Luck(4)) != arrivals("poisson", 60.0, 20, Luck(3))


def test_a_world_posts_its_jobs_as_they_come():
    born = {}
    for kind in ("regular", "poisson"):
        asked = ["scenario.jobs=8", "scenario.interval=900", f"scenario.arrivals={kind}"]
        jobs = simulate(scenario="small", overrides=asked).ledger["jobs"]
        born[kind] = sorted(jobs["born_ns"] / 1e9)
    gaps = np.diff(born["regular"])
    assert gaps == pytest.approx(np.full(7, 900.0), abs=24)  # it is a block's time that counts
    expected = np.array(arrivals("poisson", 900.0, 8, Luck(0, "arrivals")))
    posted = np.array(born["poisson"]) - born["regular"][0]
    assert posted == pytest.approx(expected, abs=24)


def test_an_unknown_way_to_arrive_is_refused():
    with pytest.raises(Misconfigured, match=r"scenario.arrivals=bursts: there are regular, poisson"):
        simulate(scenario="small", overrides=["scenario.arrivals=bursts"])


# --- entry ----------------------------------------------------------------------------------------------------------


@given(won=st.floats(0.01, 1e6), least=st.floats(0.01, 1e4))
def test_as_many_as_pay_are_the_most_that_share_it(won, least):
    most = paying(won, least)
    assert most == 0 or won / most >= least * (1 - 1e-12)
    assert won / (most + 1) < least * (1 + 1e-12)


def test_nothing_to_win_pays_nobody_and_no_cost_keeps_nobody_out():
    assert paying(0.0, 1.0) == paying(-3.0, 0.0) == 0
    assert paying(1.0, 0.0) == math.inf


def looks_back(blocks: int) -> bool:
    """Whether somebody enters a job who took part in one that ended so many blocks ago, and that paid nobody."""
    period = 12 * SECOND
    person = SimpleNamespace(name="trainer/0", luck=Luck("person"), traits=Traits())
    account = SimpleNamespace(role="trainer", name="trainer/0", controller="trainer/0", person=person)
    world = SimpleNamespace(
        env=SimpleNamespace(now=1000 * period), chain=SimpleNamespace(period=period), accounts={b"": account},
        dollars=lambda amounts: sum(amounts.values()) / ETH,
    )  # fmt: skip
    tally, before = JobAccounts(), SimpleNamespace(key="before", closed=(1000 - blocks) * period)
    tally.spent(account, "USD", ETH, "before")
    return enters(world, tally, account, SimpleNamespace(key="now", market=SimpleNamespace(jobs={0: before})))


def test_what_a_job_brought_is_read_once_its_winner_had_time_to_withdraw():
    """Read the moment that it ends, a job has cost everybody and paid nobody."""
    assert looks_back(1)
    assert not looks_back(MATURE)


def test_by_then_winners_have_withdrawn():
    ledger = lived("scenario.jobs=6").ledger
    closed = ledger["jobs"].set_index("job")["closed_ns"]
    paid = ledger["transfers"].query("cause == 'reward'")
    waited = paid["time_ns"] - paid["job"].map(closed)
    assert len(waited)
    assert 0 < waited.max() <= MATURE * 12 * SECOND


def test_without_free_entry_everybody_takes_part():
    result = lived("scenario.free_entry=false", "scenario.people.outside_usd=1000", "scenario.jobs=4")
    assert [len(crowd) for crowd in crowds(result)] == [SEATS] * 4


@pytest.mark.parametrize(("outside", "seed"), [(12.0, 2), (20.0, 0), (30.0, 1), (45.0, 3), (200.0, 0)])
def test_people_enter_until_it_no_longer_pays(outside, seed):
    """The winner takes R; n* = ⌊R / (c + o)⌋, with c as the ledger has it."""
    result = lived(
        f"scenario.people.outside_usd={outside}", "scenario.interval=3000", "scenario.blocks=9000", seed=seed
    )
    entered = crowds(result)
    assert len(entered[0]) == SEATS  # nobody knew better
    expected = math.floor(REWARD / (cost_usd(result, entered) + outside))
    assert [len(crowd) for crowd in entered[-SETTLED:]] == [expected] * SETTLED
    assert len({frozenset(crowd) for crowd in entered[-SETTLED:]}) == 1  # nobody moves


def test_what_losers_lose_keeps_people_out():
    """Where losers lose their stakes s: n* is the largest n with (R − (n − 1) s) / n − c ≥ o."""
    result = lived("scenario.people.outside_usd=30", "protocol.variant=literal", seed=1)
    entered = crowds(result)
    cost, stake = cost_usd(result, entered), 10.0
    expected = max(n for n in range(1, SEATS) if (REWARD - (n - 1) * stake) / n - cost >= 30)
    assert [len(crowd) for crowd in entered[-SETTLED:]] == [expected] * SETTLED
    assert expected < math.floor(REWARD / (cost + 30))


@pytest.mark.parametrize("seed", [3, 4])
def test_in_the_end_nobody_regrets(seed):
    """With outside options of all sizes: whoever is in gets more than outside, whoever is out would not."""
    result = lived("scenario.people.outside_usd={uniform: [5, 60]}", "scenario.jobs=60", seed=seed)
    entered = crowds(result)
    cost, world = cost_usd(result, entered), Luck(seed)
    outside = {f"trainer/{i}": world("traits", f"trainer/{i}", "outside_usd").uniform(5, 60) for i in range(SEATS)}
    for crowd in entered[-SETTLED:]:
        assert all(outside[one] <= REWARD / len(crowd) - cost + 1 for one in crowd)
        assert all(outside[one] >= REWARD / (len(crowd) + 1) - cost - 1 for one in set(outside) - crowd)


def test_entry_repeats_bit_for_bit_and_differs_by_seed():
    hashes = [lived("scenario.people.outside_usd=20", "scenario.jobs=8", seed=seed).full_hash for seed in (0, 0, 1)]
    assert hashes[0] == hashes[1] != hashes[2]


def test_demand_that_comes_in_bursts_settles_too():
    entered = crowds(lived("scenario.people.outside_usd=30", "scenario.arrivals=poisson", seed=1))
    sizes = [len(crowd) for crowd in entered]
    assert sizes[-SETTLED:] == [3] * SETTLED
    assert any(a != b for a, b in pairwise(sizes))
