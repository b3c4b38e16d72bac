"""What theory says of committees, pools, bonds and medians, against what the competition's contract does with them."""

from __future__ import annotations

import functools
import hashlib
import itertools
import math
from collections.abc import Iterable
from typing import Any

import pytest
from scipy.stats import binom, hypergeom, norm

from slashpoint.experiments.setup.config import compose
from slashpoint.protocols.competition.invariants import payload
from slashpoint.protocols.competition.terms import CompetitionTerms
from slashpoint.sim.luck import Luck
from slashpoint.sim.market import commitment
from slashpoint.sim.testing.contract import Scene

HOST, POKER = (bytes([i]) * 20 for i in (2, 3))
PEOPLE = [bytes([16 + i]) * 20 for i in range(64)]
SCALE, TRUE, FALSE, WINDOW, PRIZE = 1_000_000, 600_000, 900_000, 100, 10**6 + 7
SALT = b"s" * 32


class Stage(Scene):
    """The contract under the seed's rules and what is said beside."""

    def __init__(self, **rules: Any) -> None:
        terms = CompetitionTerms(**dict(compose(["protocol=competition", "protocol.variant=literal"]).protocol))
        self.rules = {**terms.rules(), "maxReports": 64, "maxCompetitors": 64, **rules}
        super().__init__("Competition", self.rules, people=[HOST, POKER, *PEOPLE], payout=10**9)

    def does(self, who: bytes, call: Any) -> list[tuple[str, dict[str, Any]]]:
        """What an act, which must succeed, tells."""
        return self.must(who, call).events

    def post(self, competitors: Iterable[bytes], prize: int = 0) -> int:
        """A competition that people registered for, and may hand models in to."""
        asked = {
            "trainCid": bytes(32), "testCid": bytes(32), "truth": bytes(32), "scale": SCALE, "byteLimit": 64,
            "registerWindow": WINDOW, "competeWindow": WINDOW, "openWindow": WINDOW, "reportWindow": WINDOW,
            "revealWindow": WINDOW, "prize": prize, "buyIn": 0, "context": "numbers",
        }  # fmt: skip
        job = int(self.does(HOST, self.market.createCompetition(asked))[0][1]["id"])
        for who in competitors:
            self.does(who, self.market.register(job))
        self.now = int(self.market.competitionOf(job).registerEnd)
        return job

    def submits(self, job: int, who: bytes) -> int:
        """A model of its own; its number."""
        number = len(self.market.modelsOf(job))
        self.does(who, self.market.submitModel(job, b"model %d" % number, 0))
        return number

    def reports(self, job: int, model: int, counts: dict[bytes, int]) -> None:
        """Each miner's count, in the open."""
        for who, correct in counts.items():
            self.does(who, self.market.report(job, model, correct))

    def verdicts(self, job: int) -> list[dict[str, Any]]:
        """What came of each model, once all windows are over."""
        self.now = max(self.now, int(self.market.competitionOf(job).revealEnd))
        return [self.does(POKER, self.market.judgeNext(job))[-1][1] for _ in self.market.modelsOf(job)]


def verdict(told: dict[str, Any]) -> str:
    return {TRUE: "true", FALSE: "false"}[told["score"]] if told["valid"] else "none"


@functools.cache
def outcomes(most: int) -> dict[tuple[int, int], str]:
    """By the size of a committee and how many of it tell the same lie: what the contract takes for the score."""
    stage = Stage()
    job = stage.post(PEOPLE[:1])
    asked = [(n, liars) for n in range(1, most + 1) for liars in range(n + 1)]
    for n, liars in asked:
        told = {who: FALSE if i < liars else TRUE for i, who in enumerate(PEOPLE[:n])}
        stage.reports(job, stage.submits(job, PEOPLE[0]), told)
    return {key: verdict(told) for key, told in zip(asked, stage.verdicts(job), strict=True)}


def captured(n: int, chances: Iterable[float]) -> float:
    """How likely a lie is validated, where `chances` says how likely 0, 1, … of n miners tell it."""
    return math.fsum(chance for liars, chance in enumerate(chances) if outcomes(9)[n, liars] == "false")


def taken(n: int, liars: int) -> bool:
    """Whether so many liars of n who report are believed."""
    return outcomes(9)[n, liars] == "false"


def z(mean: float, expected: float, deviation: float, trials: int) -> float:
    return (mean - expected) / (deviation / math.sqrt(trials))


@pytest.mark.parametrize("n", range(1, 10))
def test_a_lie_needs_a_strict_majority_of_those_who_report(n):
    won = [outcomes(9)[n, liars] for liars in range(n + 1)]
    assert won == ["false" if 2 * liars > n else "true" if 2 * liars < n else "none" for liars in range(n + 1)]


@pytest.mark.parametrize(("people", "sybils", "n"), [(100, 30, 7), (100, 30, 4), (40, 19, 9), (12, 6, 8)])
def test_sybils_capture_a_committee_as_often_as_the_hypergeometric_tail_says(people, sybils, n):
    chances = hypergeom.pmf(range(n + 1), people, sybils, n)
    assert captured(n, chances) == pytest.approx(hypergeom.sf(n // 2, people, sybils, n), rel=1e-9)


def test_thirty_sybils_of_a_hundred_capture_seven_miners_in_one_of_eight_models():
    assert captured(7, hypergeom.pmf(range(8), 100, 30, 7)) == pytest.approx(0.1179, abs=5e-5)


@pytest.mark.parametrize("n", range(1, 10))
@pytest.mark.parametrize("p", [0.1, 0.3, 0.5])
def test_independent_liars_capture_a_committee_as_often_as_the_binomial_tail_says(n, p):
    assert captured(n, binom.pmf(range(n + 1), n, p)) == pytest.approx(binom.sf(n // 2, n, p), rel=1e-9)


def test_an_even_committee_is_safer_than_the_odd_one_below_it():
    assert captured(4, binom.pmf(range(5), 4, 0.3)) == pytest.approx(0.0837)
    for n in (4, 6, 8):
        assert captured(n, binom.pmf(range(n + 1), n, 0.3)) < captured(n - 1, binom.pmf(range(n), n - 1, 0.3))


@pytest.mark.slow
def test_51_percent_is_a_majority_up_to_fifty_and_more_than_one_beyond():
    stage = Stage()
    job = stage.post(PEOPLE[:1])
    asked = [(49, 25), (49, 24), (50, 26), (50, 25), (51, 26), (51, 27), (64, 32), (64, 33)]
    for n, liars in asked:
        told = {who: FALSE if i < liars else TRUE for i, who in enumerate(PEOPLE[:n])}
        stage.reports(job, stage.submits(job, PEOPLE[0]), told)
    told = dict(zip(asked, map(verdict, stage.verdicts(job)), strict=True))
    assert told[49, 25] == told[50, 26] == told[51, 27] == told[64, 33] == "false"
    assert told[51, 26] == told[50, 25] == told[64, 32] == "none"  # 26 of 51 are 50.98 %
    assert told[49, 24] == "true"


def enrolled(n: int, miners: list[bytes], **rules: Any) -> tuple[Stage, int]:
    """A competition whose committees of n are to be drawn out of `miners`, all of whom are there."""
    stage = Stage(committee=n, maxReports=len(miners), beacon=True, **rules)
    job = stage.post(PEOPLE[:1])
    for who in miners:
        stage.does(who, stage.market.enrol(job))
    return stage, job


def draws(stage: Stage, job: int, beacon: int = 0) -> None:
    stage.now, stage.beacon = int(stage.market.competitionOf(job).openEnd), beacon.to_bytes(32, "big")
    stage.does(POKER, stage.market.drawCommittees(job))


@pytest.mark.parametrize(("people", "sybils", "n"), [(100, 30, 7), (100, 30, 4)])
def test_the_contract_draws_sybils_as_often_as_the_hypergeometric_tail_says(people, sybils, n):
    trials, miners = 300, [bytes([80 + i]) * 20 for i in range(people)]
    stage, job = enrolled(n, miners)
    draws(stage, job)
    liars = [sum(who in miners[:sybils] for who in stage.market.committeeOf(job, model)) for model in range(trials)]
    share = sum(outcomes(9)[n, k] == "false" for k in liars) / trials
    expected = hypergeom.sf(n // 2, people, sybils, n)
    assert abs(z(share, expected, math.sqrt(expected * (1 - expected)), trials)) < 2


def test_where_nobody_measures_everything_chosen_seats_are_easier_to_take_than_drawn_ones():
    """Six honest miners pick one of three models each, three Sybils the same one; or five of the nine are drawn."""
    chosen = math.fsum(chance for j, chance in enumerate(binom.pmf(range(7), 6, 1 / 3)) if taken(j + 3, 3))
    drawn = captured(5, hypergeom.pmf(range(6), 9, 3, 5))
    assert chosen == pytest.approx(binom.cdf(2, 6, 1 / 3)) == pytest.approx(0.6804, abs=5e-5)
    assert drawn == pytest.approx(0.1190, abs=5e-5)
    assert not taken(9, 3)  # where all measure everything, three of nine are nothing


@pytest.mark.slow
def test_drawn_committees_are_captured_as_often_as_theory_says():
    trials, n, sybils, people = 150, 4, 10, 20
    stage, job = enrolled(n, PEOPLE[1 : people + 1], maxModels=0)
    models = [stage.submits(job, PEOPLE[0]) for _ in range(trials)]
    draws(stage, job)
    for model in models:
        members = stage.market.committeeOf(job, model)
        told = {who: FALSE if who in PEOPLE[1 : sybils + 1] else TRUE for who in members}
        stage.reports(job, model, told)
    share = sum(verdict(told) == "false" for told in stage.verdicts(job)) / trials
    expected = hypergeom.sf(n // 2, people, sybils, n)
    assert abs(z(share, expected, math.sqrt(expected * (1 - expected)), trials)) < 2


@pytest.mark.parametrize("beacon", [False, True], ids=["reveals", "beacon"])
def test_whoever_opens_last_chooses_among_the_draws_of_salts_and_not_of_a_beacon(beacon):
    """One of ten miners owns three committed models, and reveals those that seat it in a committee of one."""
    trials, k, q = 200, 3, 0.1
    stage = Stage(committee=1, beacon=beacon, sealedModels=True, unique=False)
    job = stage.post(PEOPLE[:1])
    for who in PEOPLE[1:11]:
        stage.does(who, stage.market.enrol(job))
    salts = [bytes([1 + i]) * 32 for i in range(k)]
    for salt in salts:
        committed = commitment(hashlib.sha256(b"model").digest(), salt, PEOPLE[0], salted=True)
        stage.does(PEOPLE[0], stage.market.commitModel(job, committed))
    stage.now = int(stage.market.competitionOf(job).competeEnd)
    before, now, favourable = stage.engine.snapshot(), stage.now, []
    for subset in itertools.product([False, True], repeat=k):
        stage.engine.restore(before)
        stage.now = now
        for model, opens in enumerate(subset):
            if opens:
                stage.does(PEOPLE[0], stage.market.openModel(job, model, b"model", 0, salts[model]))
        draws(stage, job, beacon=9)
        favourable.append([PEOPLE[1] in stage.market.committeeOf(job, place) for place in range(trials)])
    share = sum(map(any, zip(*favourable, strict=True))) / trials
    expected = q if beacon else 1 - (1 - q) ** 2**k
    assert beacon or expected == pytest.approx(0.5695, abs=5e-5)
    assert abs(z(share, expected, math.sqrt(expected * (1 - expected)), trials)) < 2
    assert not beacon or all(one == favourable[0] for one in favourable)


@pytest.mark.parametrize(("n", "k", "worth"), [(10, 5, 0.1277), (10, 1, 0.1), (4, 1, 0.25), (4, 3, 0.28)])
def test_duplicates_gain_what_the_miners_part_of_the_pool_pays_them(n, k, worth):
    """People are equally likely to win, all but the winner report; one of them does so under k names."""
    stage = Stage()
    everybody = [*PEOPLE[: n - 1], *PEOPLE[32 : 32 + k]]  # the last k are one person
    for winner in PEOPLE[: n - 1] + PEOPLE[32:33]:
        job = stage.post([winner], PRIZE)
        model = stage.submits(job, winner)
        stage.reports(job, model, {who: TRUE for who in everybody if who != winner})
        stage.verdicts(job)
        stage.does(POKER, stage.market.settle(job))
    first = PRIZE * 9000 // 10_000
    part = (PRIZE - first) // (n + k - 2)
    gained = sum(map(stage.gained, PEOPLE[32 : 32 + k]))
    assert gained == first + (k - 1) * part + (n - 1) * k * part
    a = 0.1 / (n + k - 2)
    theory = (0.9 + (k - 1) * a) / n + (1 - 1 / n) * k * a
    assert gained / n / PRIZE == pytest.approx(theory, abs=1e-4)
    assert theory == pytest.approx(worth, abs=5e-5)


@pytest.mark.slow
def test_junk_drags_the_median_to_a_lower_order_statistic():
    trials, n, k = 40, 20, 9
    stage, luck = Stage(payWithin=SCALE // 10), Luck(16)("honest")
    job = stage.post(PEOPLE[:1])
    for trial in range(trials):
        draws = luck(trial).generator().integers(0, SCALE + 1, n)
        told = {who: int(draws[i]) if i < n else 0 for i, who in enumerate(PEOPLE[: n + k])}
        stage.reports(job, stage.submits(job, PEOPLE[0]), told)
    mean = sum(told["median"] for told in stage.verdicts(job)) / trials / SCALE
    r = (n + k + 1) // 2 - k
    expected, deviation = r / (n + 1), math.sqrt(r * (n + 1 - r) / (n + 2)) / (n + 1)  # of a beta distribution
    assert expected == pytest.approx(0.2857, abs=5e-5)
    assert abs(z(mean, expected, deviation, trials)) < 2


def test_a_bond_is_the_price_of_the_option_not_to_open_a_report():
    """A miner opens its report where that is worth more to it than its bond; what that is worth, a payoff decides."""
    trials, bond, m, s = 60, 500, 100.0, 800.0
    stage = Stage(sealedReports=True, bond=bond, minReports=1, payWithin=0)
    job, miner, luck = stage.post(PEOPLE[:1]), PEOPLE[1], Luck(10)("payoffs")
    committed = functools.partial(commitment, salt=SALT, who=miner, salted=True)
    payoffs = {}
    for trial in range(trials):
        model = stage.submits(job, PEOPLE[0])
        payoffs[model] = m + s * float(luck(trial).generator().standard_normal())
        stage.does(miner, stage.market.commitReport(job, model, committed(payload(model, TRUE))))
    assert stage.gained(miner) == -trials * bond
    stage.now = int(stage.market.competitionOf(job).reportEnd)
    opened = [model for model, payoff in payoffs.items() if payoff > -bond]
    for model in opened:
        stage.does(miner, stage.market.revealReport(job, model, TRUE, SALT))
    stage.verdicts(job)
    assert stage.gained(miner) == -bond * (trials - len(opened))
    mean = (stage.gained(miner) + sum(payoffs[model] for model in opened)) / trials
    at = (m + bond) / s
    expected = -bond + (m + bond) * norm.cdf(at) + s * norm.pdf(at)
    square = norm.cdf(at) * ((m + bond) ** 2 + s**2) + (m + bond) * s * norm.pdf(at)  # of the part above the bond
    deviation = math.sqrt(square - (expected + bond) ** 2)
    assert abs(z(mean, expected, deviation, trials)) < 2
    assert expected > m  # an option is worth something, the less the higher the bond


def guesser(bond: int, said: int) -> int:
    """What a miner has of a report beside three true ones, where only those at the median are paid."""
    stage = Stage(bond=bond, payWithin=0)
    job = stage.post(PEOPLE[:1], PRIZE)
    stage.reports(job, stage.submits(job, PEOPLE[0]), {**dict.fromkeys(PEOPLE[1:4], TRUE), PEOPLE[4]: said})
    stage.verdicts(job)
    stage.does(POKER, stage.market.settle(job))
    return stage.gained(PEOPLE[4])


@pytest.mark.parametrize("p", [0.25, 0.5])
def test_a_guess_stops_paying_at_the_bond_that_theory_says(p):
    """A guess is wrong with probability p, and earns G or costs its bond S: it pays as long as S < G(1 - p)/p."""
    earned = guesser(0, TRUE)
    assert earned == (PRIZE - PRIZE * 9000 // 10_000) // 4
    edge = earned * (1 - p) / p
    for bond, pays in ((round(edge * 0.99), True), (round(edge * 1.01), False)):
        worth = (1 - p) * guesser(bond, TRUE) + p * guesser(bond, FALSE)
        assert (worth > 0) == pays
