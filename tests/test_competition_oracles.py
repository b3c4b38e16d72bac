"""What theory says of committees, duplicates, bonds and medians, against what the deployed contract does."""

from __future__ import annotations

import hashlib
import math
from math import comb
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom, hypergeom, norm

from slashpoint.protocols.base import sealed
from slashpoint.protocols.competition import count
from slashpoint.sim.contract import Artifact, Contract
from slashpoint.sim.engine import BlockContext, Status, Tx
from slashpoint.sim.engine.pyevm import PyEvm
from slashpoint.sim.luck import Luck

DEPLOYER, HOST = bytes([1]) * 20, bytes([2]) * 20
PEOPLE = [bytes([3]) + i.to_bytes(19, "big") for i in range(64)]
OPEN = {
    "winnerBps": 9000, "quorumBps": 5100, "minReports": 1, "maxReports": 64, "maxCompetitors": 64, "maxModels": 0,
    "tolerance": 0, "payWithin": 2**32 - 1, "bond": 0, "hostStake": 0, "sealedModels": False, "sealedTruth": False,
    "sealedReports": False, "dualRole": True, "unique": False, "claimBinds": False,
}  # fmt: skip
SCALE, PRIZE, SALT = 10**9, 10**9, b"s" * 32


class Stage:
    """The contract, and people who compete and report."""

    def __init__(self, **changes: Any) -> None:
        self.engine, self.now, self.rules = PyEvm(), 1_000_000, {**OPEN, **changes}
        self.coin = self.deploy("ModelCoin", False)
        self.market = self.deploy("Competition", self.coin.address, self.rules)
        for each in (HOST, *PEOPLE):
            self.sends(DEPLOYER, self.coin.transfer(each, 100 * PRIZE))
            self.sends(each, self.coin.approve(self.market.address, 2**256 - 1))

    def deploy(self, name: str, *args: Any) -> Contract:
        artifact = Artifact.ours(name)
        result = self.run(DEPLOYER, None, artifact.deploy_data(*args))
        return Contract(artifact, bytes(result.output[0]), self.engine)

    def run(self, who: bytes, to: bytes | None, data: bytes) -> Any:
        context = BlockContext(1, self.now, 0, 100_000_000)
        result = self.engine.run_block(context, [Tx(who, to, data, 0, 16_000_000, nonce=self.engine.nonce(who))])
        assert result.status[0] == Status.SUCCESS
        return result

    def sends(self, who: bytes, call: Any) -> list[tuple[str, dict[str, Any]]]:
        result = self.run(who, call.to, call.data)
        self.coin.forget()
        self.market.forget()
        logs = [self.market.decode_log(log) for log in result.logs if log.address == self.market.address]
        return [(event.name, args) for event, args in logs]

    def at(self, time: int) -> None:
        self.now = time
        self.engine.run_block(BlockContext(1, time, 0, 100_000_000), [])
        self.market.forget()

    def post(self, rivals: list[bytes]) -> int:
        """A competition in which each of these has handed a model in."""
        terms = {
            "trainCid": SALT, "testCid": SALT, "truth": SALT, "scale": SCALE, "byteLimit": 99, "registerWindow": 10,
            "competeWindow": 10, "openWindow": 10, "reportWindow": 10, "revealWindow": 10, "prize": PRIZE, "buyIn": 0,
            "context": "",
        }  # fmt: skip
        job = int(self.sends(HOST, self.market.createCompetition(terms))[0][1]["id"])
        for who in rivals:
            self.sends(who, self.market.register(job))
        self.at(self.market.competitionOf(job).registerEnd)
        for who in rivals:
            self.sends(who, self.market.submitModel(job, hashlib.sha256(who).digest(), 0))
        return job

    def reports(self, job: int, said: dict[bytes, int], silent: tuple[bytes, ...] = ()) -> dict[str, Any]:
        """Reports on the first model, and its judgement."""
        market = self.market
        for who, correct in said.items():
            if self.rules["sealedReports"]:
                seal = sealed(count(0, correct), SALT, who, salted=True)
                self.sends(who, market.commitReport(job, 0, seal))
            else:
                self.sends(who, market.report(job, 0, correct))
        self.at(market.competitionOf(job).reportEnd)
        for who, correct in said.items() if self.rules["sealedReports"] else ():
            if who not in silent:
                self.sends(who, market.revealReport(job, 0, correct, SALT))
        self.at(market.competitionOf(job).revealEnd)
        return dict(self.sends(HOST, market.judgeNext(job)))["ModelJudged"]

    def settles(self, job: int) -> None:
        for _ in range(len(self.market.modelsOf(job)) - self.market.competitionOf(job).judged):
            self.sends(HOST, self.market.judgeNext(job))
        self.sends(HOST, self.market.settle(job))

    def gained(self, who: bytes) -> int:
        return int(self.coin.balanceOf(who) + self.market.owed(who)) - 100 * PRIZE


TRUE, FALSE = 700, 999


def captured(stage: Stage, size: int, liars: int) -> bool:
    """Whether so many who report the same lie, of so many who report, make it the score."""
    job = stage.post([DEPLOYER])
    said = {who: FALSE if i < liars else TRUE for i, who in enumerate(PEOPLE[:size])}
    judged = stage.reports(job, said)
    return bool(judged["valid"] and judged["score"] == FALSE)


@pytest.fixture(scope="module")
def committee():
    return Stage()


@pytest.mark.parametrize("size", [3, 4, 7, 8])
def test_a_committee_is_captured_as_often_as_the_tails_say(committee, size):
    """k of N people are one, or each lies with probability p: 51 % of an even number is more than half of it."""
    wins = [captured(committee, size, liars) for liars in range(size + 1)]
    everybody, sybils, p = 100, 30, 0.3
    drawn = sum(comb(sybils, i) * comb(everybody - sybils, size - i) * wins[i] for i in range(size + 1)) / comb(
        everybody, size
    )
    assert drawn == pytest.approx(hypergeom.sf(size // 2, everybody, sybils, size), abs=1e-12)
    each = sum(comb(size, i) * p**i * (1 - p) ** (size - i) * wins[i] for i in range(size + 1))
    assert each == pytest.approx(binom.sf(size // 2, size, p), abs=1e-12)
    known = {7: (drawn, 0.1179), 4: (each, 0.0837)}
    if size in known:
        assert known[size][0] == pytest.approx(known[size][1], abs=5e-5)


def test_51_percent_of_51_is_more_than_a_majority(committee):
    """26 of 51 are more than half of them and 50.98 %: the rule is 51 %, rounded up, and 27 carry."""
    assert not captured(committee, 51, 26)
    assert captured(committee, 51, 27)
    assert not captured(committee, 50, 25)
    assert captured(committee, 50, 26)


def test_duplicates_live_off_the_miners_part():
    """One of n people competes under k names; who does not win measures. (1/n)(.9R + (k-1)a) + (1 - 1/n)ka."""
    people, names = 10, 5
    mine, others = PEOPLE[:names], PEOPLE[names : names + people - 1]
    expected = 0.0
    for best, chance in ((mine[0], 1 / people), (others[0], 1 - 1 / people)):
        stage = Stage()
        rest = [who for who in (*mine, *others) if who != best]
        job = stage.post([best, *rest])
        stage.reports(job, dict.fromkeys(rest, TRUE))
        stage.settles(job)
        expected += chance * sum(map(stage.gained, mine)) / PRIZE
    part = 0.1 / (people + names - 2)
    formula = (0.9 + (names - 1) * part) / people + (1 - 1 / people) * names * part
    assert expected == pytest.approx(formula, abs=1e-7)
    assert expected == pytest.approx(0.1277, abs=5e-5)


def payoffs(bond: int) -> tuple[int, int, int]:
    """What a fourth miner has of a report that is right, one that is not, and one that it never opens."""
    found = []
    for said, silent in ((TRUE, ()), (FALSE, ()), (TRUE, (PEOPLE[3],))):
        stage = Stage(bond=bond, payWithin=0, sealedReports=True)
        job = stage.post([DEPLOYER])
        stage.reports(job, {**dict.fromkeys(PEOPLE[:3], TRUE), PEOPLE[3]: said}, silent)
        stage.settles(job)
        found.append(stage.gained(PEOPLE[3]))
    return found[0], found[1], found[2]


@pytest.mark.parametrize("p", [0.25, 0.5])
def test_a_guess_stops_paying_at_the_bond_that_theory_says(p):
    """A guess is wrong with probability p, and earns G or costs S: it pays as long as S < G(1 - p)/p."""
    earned = payoffs(0)[0]
    assert earned == PRIZE // 10 // 4
    edge = earned * (1 - p) / p
    for bond, pays in ((round(edge * 0.99), True), (round(edge * 1.01), False)):
        right, wrong, _ = payoffs(bond)
        assert ((1 - p) * right + p * wrong > 0) == pays


def test_to_keep_silent_is_an_option_that_costs_the_bond():
    """Who is free to open, for a payoff N(m, s), has -D + (m + D)Φ(z) + sφ(z), z = (m + D)/s."""
    bond, mean, spread, draws = 2 * 10**7, -(10**7), 4 * 10**7, 20_000
    right, _, silence = payoffs(bond)
    assert (right, silence) == (PRIZE // 10 // 4, -bond)
    side = Luck("option").generator().normal(mean - right, spread, draws)  # what opening brings besides
    taken = np.maximum(right + side, silence)
    z = (mean + bond) / spread
    theory = -bond + (mean + bond) * norm.cdf(z) + spread * norm.pdf(z)
    assert abs(taken.mean() - theory) / (taken.std(ddof=1) / math.sqrt(draws)) < 2


def test_sybils_at_zero_move_the_median_as_order_statistics_say(committee):
    """n honest reports U(0, 1) and k zeros, n + k odd: the median is the r-th honest one, r = (n+k+1)/2 - k."""
    honest, sybils, draws = 20, 9, 40
    rank = (honest + sybils + 1) // 2 - sybils
    generator, medians = Luck("median").generator(), []
    for _ in range(draws):
        job = committee.post([DEPLOYER])
        values = generator.integers(1, SCALE, honest)
        said = [0] * sybils + [int(value) for value in values]
        median = committee.reports(job, dict(zip(PEOPLE, said, strict=False)))["median"]
        assert median == sorted(values)[rank - 1]
        medians.append(median / SCALE)
    mean = rank / (honest + 1)
    assert mean == pytest.approx(0.2857, abs=5e-5)
    variance = rank * (honest - rank + 1) / ((honest + 1) ** 2 * (honest + 2))
    assert abs(np.mean(medians) - mean) / math.sqrt(variance / draws) < 2
