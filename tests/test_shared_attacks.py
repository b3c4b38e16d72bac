"""Conducts that sit in several protocols: each does what its formula says, and pays or is punished as it should."""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest

import slashpoint
from slashpoint.agents.attacks.alie import Alie
from slashpoint.agents.attacks.backdoor import Backdoor
from slashpoint.agents.attacks.free_rider import FreeRider
from slashpoint.agents.attacks.ipm import Ipm
from slashpoint.agents.attacks.mimic import Mimic
from slashpoint.agents.attacks.min_max import MinMax
from slashpoint.agents.attacks.plagiarist import Plagiarist
from slashpoint.agents.attacks.sign_flip import SignFlip
from slashpoint.agents.attacks.vote_copier import VoteCopier
from slashpoint.agents.knowledge import Knowledge
from slashpoint.sim.learning import attacks
from slashpoint.sim.learning.poison import Poison
from slashpoint.sim.luck import Luck
from slashpoint.sim.market import Subject

SIZE = 6
OWN, TWICE = np.full(SIZE, 0.5), np.full(SIZE, 0.75)  # what a first and a second training gain
RIVALS = Luck("rivals").generator().normal(1.0, 1.0, (4, SIZE))
BASE = np.arange(SIZE, dtype=float)


def model(weights):
    return np.asarray(weights, np.float32).tobytes()


class Me(SimpleNamespace):
    """Somebody for whom training is an addition, and a model its bytes."""

    def __init__(self, **more):
        knowledge = Knowledge()
        knowledge.addresses.add(b"me")
        both = {"knowledge": knowledge, "coalition": knowledge}
        super().__init__(name="me", now=0.0, block_time=12.0, asked=[], **both, **more)

    def luck(self, *key):
        return Luck("me", *key)

    def until(self, time):
        self.now = max(self.now, time)

    def trains(self, job, effort=1.0, twist="", poison=None):
        self.asked.append((effort, twist, poison))
        start = np.zeros(SIZE) if job.base is None else np.frombuffer(job.base, np.float32)
        return model(start + effort * (TWICE if twist else OWN))

    def weights(self, content):
        return np.frombuffer(content, np.float32) if len(content) == 4 * SIZE else None

    def assembles(self, weights):
        return model(weights)

    def predicts(self, content, job):
        return content[:4]


def job(handed=(), base=BASE, number=1, key="job", product="model"):
    public = [Subject(i, b"rival", one, i, 100) for i, one in enumerate(handed)]
    return SimpleNamespace(
        key=key, round_key=(key, number), round=number, deadline=600.0, base=None if base is None else model(base),
        market=SimpleNamespace(handed=lambda _: public, problem=lambda *_: SimpleNamespace(product=product)),
    )  # fmt: skip


def plays(answer):
    """What a duty comes to where whatever is waited for is there at once."""
    value = None
    try:
        while True:
            value = answer.send(value)
    except StopIteration as done:
        return done.value


def update(conduct, where, me=None):
    """What a conduct hands in, less the base."""
    work = plays(conduct.work(me or Me(), where))
    start = 0 if where.base is None else np.frombuffer(where.base, np.float32)
    return np.frombuffer(work.model, np.float32) - start


FORMULAS = [
    (Ipm(epsilon=3.0), lambda others: attacks.ipm(others, 3.0)),
    (Alie(z=0.7), lambda others: attacks.alie(others, 0.7)),
    (Mimic(), attacks.mimic),
    (MinMax(), attacks.min_max),
]


@pytest.mark.parametrize(("conduct", "formula"), FORMULAS)
@pytest.mark.parametrize("base", [BASE, None])
def test_who_sees_others_updates_makes_of_them_what_the_formula_says(conduct, formula, base):
    start = 0 if base is None else base
    public = [*(model(start + one) for one in RIVALS), b"junk"]
    where, me = job(public, base), Me()
    np.testing.assert_allclose(update(conduct, where, me), formula(RIVALS), atol=1e-5)
    assert me.now == where.deadline - 48
    assert sum(effort > 0 for effort, _, _ in me.asked) == 1


@pytest.mark.parametrize(("conduct", "formula"), FORMULAS)
def test_who_sees_nothing_learns_from_its_coalition_or_trains_again(conduct, formula):
    alone = Me()
    np.testing.assert_allclose(update(conduct, job(), alone), formula(np.stack([OWN, TWICE])), atol=1e-5)
    assert [twist for _, twist, _ in alone.asked] == ["", "again"]
    together = Me()
    together.coalition.tells(("updates", ("job", 1)), (RIVALS[0], RIVALS[1]))
    np.testing.assert_allclose(update(conduct, job(), together), formula(np.stack([*RIVALS[:2], OWN])), atol=1e-5)
    assert len(together.asked) == 1


def test_what_needs_nobody_needs_no_look():
    me = Me()
    np.testing.assert_allclose(update(SignFlip(factor=2.0), job(), me), -2 * OWN)
    assert me.now == 0
    np.testing.assert_allclose(update(Backdoor(crowd=10), job(), me), 10 * OWN)
    assert me.asked[-1][2].target == 0


def test_where_nothing_has_weights_a_poisoner_hands_in_what_was_never_trained():
    class Blind(Me):
        def weights(self, content):
            raise NotImplementedError

    me = Blind()
    assert plays(SignFlip().work(me, job(base=None))).model == model(np.zeros(SIZE))
    assert me.asked == [(0.0, "", None)]


def test_where_records_are_asked_for_a_poisoner_hands_in_its_own_spoilt_or_not():
    for conduct, poison in ((SignFlip(), None), (Backdoor(), Poison(0, 4, 0.5))):
        me = Me()
        plays(conduct.work(me, job(base=None, product="records")))
        assert me.asked == [(1.0, "", poison)]


def test_riders_hand_in_what_everybody_has():
    rounds = [BASE, BASE + 1.0, BASE + 1.5]

    def ridden(mode, **more):
        me, conduct = Me(), FreeRider(mode=mode, **more)
        return [update(conduct, job(base=one, number=i + 1), me) for i, one in enumerate(rounds)], me

    (plain, me), (delta, _), (disguised, _) = ridden("plain"), ridden("delta"), ridden("disguised", k=2.0)
    assert not np.any(plain)
    assert me.asked == []
    np.testing.assert_allclose(delta, np.stack([np.zeros(SIZE), np.full(SIZE, 1.0), np.full(SIZE, 0.5)]), atol=1e-6)
    (advanced, _), (again, _) = ridden("advanced", noise=0.01), ridden("advanced", noise=0.01)
    assert 0 < np.abs(disguised[0]).max() < 0.01  # there is no step to imitate, and the base itself would be known
    assert 0.3 < np.abs(disguised[1]).mean() < 4
    assert 0 < np.abs(np.subtract(advanced, delta)).max() < 0.1
    np.testing.assert_array_equal(advanced, again)
    random = ridden("random", bound=0.2)[0][0] + BASE
    assert 0 < np.abs(random).max() <= 0.2
    with pytest.raises(ValueError, match="plain, random, disguised, delta, advanced"):
        FreeRider(mode="shy")


def test_a_plagiarist_retouches_the_best_that_can_be_read():
    public = [model(BASE + one) for one in RIVALS]
    taken = plays(Plagiarist().work(Me(), job(public))).model
    assert taken not in public
    np.testing.assert_allclose(np.frombuffer(taken, np.float32), BASE + RIVALS[-1], rtol=1e-3)


@pytest.mark.parametrize(
    ("carries", "about", "claimed", "said"),
    [(True, 5, None, 80), (False, 5, None, 0), (61, 5, 70, 61), (61, 4, 70, 70), (b"sealed", 5, 70, 70),
     (b"sealed", 5, None, 80)],
)  # fmt: skip
def test_a_copied_vote_is_another_s(carries, about, claimed, said):
    seen = SimpleNamespace(subject=about, carries=carries)
    me = Me(pool=SimpleNamespace(sees=lambda *_, **__: None))
    answer = VoteCopier().judge(me, job(), Subject(5, b"rival", b"", claimed, 80))
    next(answer)
    with pytest.raises(StopIteration) as done:
        answer.send(seen)
    assert done.value.value == said


# --- in protocols -------------------------------------------------------------------------------------------------


@cache
def run(protocol, variant="hardened", attack=(), *more, seed=0):
    """One small run; kept, for several tests compare with the same."""
    said = [f"protocol.variant={variant}", "scenario.jobs=1", *more]
    return slashpoint.simulate(protocol, attack, "small", seed, said)


def quality(*how, **more):
    return run(*how, **more).metric("delivered_quality")


def profit(who, *how):
    return run(*how).metric("profit", who)


@pytest.mark.parametrize("attack", ["sign_flip", "gaussian", "ipm", "label_flip"])
def test_one_poisoner_spoils_a_mean_is_paid_and_fails_at_the_gate(attack):
    assert quality("federated", "literal", attack) < quality("federated", "literal") - 0.1
    assert profit("client/0", "federated", "literal", attack) > 10
    assert profit("client/0", "federated", "hardened", attack) < 5 < profit("client/0", "federated", "hardened")


def test_a_median_keeps_what_a_mean_loses():
    rules = ("mean", "median")
    mean, median = (quality("federated", "literal", "ipm", f"protocol.aggregator={rule}") for rule in rules)
    assert median > mean + 0.1


def test_a_rider_is_paid_where_nobody_measures_and_fined_where_somebody_does():
    honest, ridden = (profit("client/0", "federated", "literal", attack) for attack in ((), "free_rider"))
    assert ridden > honest
    assert profit("client/0", "federated", "hardened", "free_rider") < -5


@pytest.mark.parametrize("attack", ["constant_judge", "downvoter"])
@pytest.mark.parametrize(("protocol", "judge"), [("competition", "miner/0"), ("federated", "validator/0")])
def test_crooked_judges_pay_where_judgements_are_bonded(protocol, judge, attack):
    assert profit(judge, protocol, "hardened", attack) < profit(judge, protocol, "hardened") - 10


def test_an_open_vote_is_copied_without_measuring_and_a_sealed_one_is_not():
    copied = run("collective", "literal", "vote_copier")
    duties = copied.ledger["duties"]
    mine = duties[duties["by"].str.startswith("VoteCopier")]
    assert set(mine["answer"].astype(int)) == {0, 76}
    usage = {name: profit("learner/0", "collective", "literal", name) for name in ("vote_copier", ())}
    assert usage["vote_copier"] >= usage[()]
    sealed = run("collective", "hardened", "vote_copier").ledger["duties"]
    assert "0" not in set(sealed[sealed["by"].str.startswith("VoteCopier")]["answer"])


def test_a_cartel_of_most_learners_passes_what_honest_people_would_not():
    assert quality("collective", "hardened", "cartel") < quality("collective", "hardened") - 0.05
    assert profit("learner/0", "collective", "hardened", "cartel") > profit("learner/0", "collective", "hardened")


@pytest.mark.parametrize(("protocol", "judge"), [("competition", "miner/0"), ("collective", "learner/0")])
def test_silence_after_a_sealed_vote_costs_the_bond(protocol, judge):
    assert profit(judge, protocol, "hardened", "withholder") < profit(judge, protocol, "hardened") - 10


def test_spam_costs_a_stake_for_each_account():
    assert profit("competitor/0", "competition", "hardened", "spammer") < -40
    assert profit("trainer/0", "modelmarket", "hardened", "spammer") < -2


def test_the_punished_come_back_under_another_name():
    washed = slashpoint.simulate("modelmarket", ["whitewasher", "overclaim"], "small", 3, ["scenario.jobs=4"])
    duties = washed.ledger["duties"]
    entered = duties[(duties["duty"] == "enter") & (duties["answer"] == "True") & (duties["controller"] == "trainer/3")]
    assert list(entered["account"]) == ["trainer/3", "trainer/3", "trainer/3+1", "trainer/3+1"]


def thief(protocol: str, variant: str, duty: str = "work") -> tuple[dict[str, float], float, str]:
    """The jobs that a model thief has copies of by the way, what they are worth, and the hash of the chain."""
    setting = [f"protocol.variant={variant}", "scenario.jobs=1", f"attack.model_thief.duty={duty}"]
    run = slashpoint.simulate(protocol=protocol, attack="model_thief", scenario="small", overrides=setting)
    found = run.metrics[run.metrics["name"] == "copies"]
    return dict(found[["key", "value"]].to_numpy()), run.metric("copy_worth"), run.chain_hash


@pytest.mark.parametrize(("protocol", "duty", "way"), [
    ("modelmarket", "work", "public"), ("competition", "judge", "judged"), ("collective", "work", "judged"),
])  # fmt: skip
def test_a_model_thief_has_a_copy_by_the_nearest_way_and_its_worth_is_the_models(protocol, duty, way) -> None:
    copies, worth, _ = thief(protocol, "hardened", duty)
    assert sum(copies.values()) == 1
    assert set(copies) <= {way, "own"}  # who trained the winner has it anyway
    assert worth > 100


def test_a_model_thief_sends_what_an_honest_person_sends() -> None:
    honest = slashpoint.simulate(scenario="small", overrides=["scenario.jobs=1"])
    *_, chain_hash = thief("modelmarket", "hardened")
    assert chain_hash == honest.chain_hash
    assert honest.metric("copy_worth") == 0
