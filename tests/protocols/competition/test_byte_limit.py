"""What a limit on a model's bytes does in a competition: to gas, to honest models, and to models that know the test."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

from slashpoint.experiments.setup.config import compose
from slashpoint.protocols.competition.terms import BYTE_GAS, CompetitionTerms
from slashpoint.sim.contract import Artifact, Contract
from slashpoint.sim.engine import BlockContext, Status, Tx
from slashpoint.sim.engine.pyevm import PyEvm
from slashpoint.sim.learning import Order, correct
from slashpoint.sim.learning.digits import Digits
from slashpoint.sim.luck import Luck
from slashpoint.sim.market import commitment
from slashpoint.sim.store import cid

HOST, OWNER = bytes([1]) * 20, bytes([2]) * 20
SIZES = (1_000, 4_000, 16_000)
SALT = b"s" * 32
GAS_LIMIT = 36_000_000  # of a block
JOBS, EFFORT = 4, 5.0  # problems; times a usual training: long enough to learn rows by heart


def incompressible(size: int) -> bytes:
    """Like a model's bytes, hardly any of them zero."""
    return Luck(6)("bytes").generator().bytes(size)


@functools.cache
def gas(variant: str) -> dict[int, int]:
    """Of handing a model in, opening it included where it is committed, by its bytes."""
    terms = CompetitionTerms(**dict(compose(["protocol=competition", f"protocol.variant={variant}"]).protocol))
    engine, now = PyEvm(), 1_000_000

    def does(who: bytes, to: bytes | None, data: bytes) -> Any:
        tx = Tx(who, to, data, 0, GAS_LIMIT, nonce=engine.nonce(who))
        result = engine.run_block(BlockContext(1, now, 0, GAS_LIMIT), [tx])
        assert result.status[0] == Status.SUCCESS, result.output[0].hex()
        return result

    def deploy(name: str, *args: Any) -> Contract:
        artifact = Artifact.ours(name)
        return Contract(artifact, bytes(does(HOST, None, artifact.deploy_data(*args)).output[0]), engine)

    def calls(who: bytes, call: Any) -> int:
        return int(does(who, call.to, call.data).gas[0])

    coin = deploy("ModelCoin", False)
    market = deploy("Competition", coin.address_, {**terms.rules(), "maxModels": 0})
    for who in (HOST, OWNER):
        calls(HOST, coin.transfer(who, 10**21))
        calls(who, coin.approve(market.address_, 2**256 - 1))
    windows = dict.fromkeys(("registerWindow", "competeWindow", "openWindow", "reportWindow", "revealWindow"), 100)
    asked = {
        "trainCid": bytes(32), "testCid": bytes(32), "truth": bytes(32), "scale": 100, "byteLimit": max(SIZES),
        **windows, "prize": 0, "buyIn": 0, "context": "bytes",
    }  # fmt: skip
    calls(HOST, market.createCompetition(asked))
    calls(OWNER, market.register(0))
    now += 100
    models = {size: incompressible(size) for size in SIZES}
    if not terms.commit_models:
        return {size: calls(OWNER, market.submitModel(0, model, 50)) for size, model in models.items()}
    commitments = {size: commitment(cid(model), SALT, OWNER, salted=True) for size, model in models.items()}
    used = {size: calls(OWNER, market.commitModel(0, committed)) for size, committed in commitments.items()}
    now += 100
    return {
        size: used[size] + calls(OWNER, market.openModel(0, i, model, 50, SALT))
        for i, (size, model) in enumerate(models.items())
    }


@functools.cache
def learnt(model: str, hidden: int) -> tuple[int, float, float]:
    """A network's bytes, and its right answers of 100: trained fairly, and with the test's rows and labels as well."""
    task, luck = Digits(model=model, hidden=hidden), Luck(6)
    problems = [task.problem(luck("problem", i)) for i in range(JOBS)]
    fair, knowing = (
        task.train([Order("one", problem, EFFORT, leak=leak) for problem in problems], luck) for leak in (False, True)
    )

    def mean(models: list[bytes]) -> float:
        right = [correct(task.predict(one, at), task.labels(at)) for one, at in zip(models, problems, strict=True)]
        return float(np.mean(right))

    return max(map(len, fair)), mean(fair), mean(knowing)


NETWORKS = (("mlp", 2), ("mlp", 4), ("mlp", 8), ("linear", 1), ("mlp", 16), ("mlp", 32), ("mlp", 64))


def best(limit: int) -> tuple[float, float]:
    """Under a limit: the best network's right answers, and those of the best that knows the test."""
    fit = [(fair, knowing) for size, fair, knowing in (learnt(*network) for network in NETWORKS) if size <= limit]
    return max(fair for fair, _ in fit), max(knowing for _, knowing in fit)


@pytest.mark.parametrize("variant", ["literal", "hardened"])
def test_gas_grows_by_the_byte_and_what_a_verb_declares_suffices(variant):
    used = gas(variant)
    slopes = [(used[b] - used[a]) / (b - a) for a, b in ((1_000, 4_000), (4_000, 16_000))]
    assert slopes[0] == pytest.approx(slopes[1], rel=0.05)
    assert 640 < slopes[1] < BYTE_GAS  # a slot is 22,100 gas and 32 bytes of calldata are 512 at most
    assert all(each < 400_000 + BYTE_GAS * size for size, each in used.items())


def test_no_model_of_48_kb_fits_a_block():
    used = gas("literal")
    slope = (used[16_000] - used[4_000]) / 12_000
    assert 45_000 < 16_000 + (GAS_LIMIT - used[16_000]) / slope < 60_000


@pytest.mark.slow
def test_a_limit_that_honest_models_live_with_does_not_stop_one_that_knows_the_test():
    tight, usual = best(1_000), best(16_384)
    assert tight[0] < 70  # of 100
    assert usual[0] > 95
    assert usual[1] - usual[0] > 1  # what knowing the test gains
    assert usual[1] > 99
    gains = {limit: knowing - fair for limit in (1_000, 2_000, 3_000, 16_384) for fair, knowing in [best(limit)]}
    assert gains[1_000] < gains[16_384]
    assert max(gains.values()) < 4
