"""The mempool: what never gets into a block is in the ledger and in a warning, and can be replaced by who pays more."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from slashpoint.agents.conduct import Conduct
from slashpoint.agents.person import Person, Traits
from slashpoint.agents.roles import Role
from slashpoint.experiments.cli import HELD, UNDECIDED, main
from slashpoint.experiments.setup.config import compose
from slashpoint.experiments.setup.run import build
from slashpoint.sim.ledger import Ledger, read
from slashpoint.sim.mempool import REPLACED, TOO_LATE, bumped
from slashpoint.sim.metrics.caveats import warnings
from slashpoint.sim.metrics.run import Run
from slashpoint.sim.units import GWEI

LOW, TIP = 5 * GWEI, GWEI // 10  # of a gas: below the base fee, which others hold at 10 gwei
ENGINES = ["pyevm", "eth_tester", *["native"] * (find_spec("slashpoint_revm") is not None)]


def lived(live, *more: str, blocks: int = 40, engine: str = "pyevm") -> Run:
    """A world without jobs in which one person runs `live(me, pays)`; `pays(n)` gives it n of the smallest units."""
    said = ["scenario=small", "scenario.jobs=0", f"engine={engine}", "chain.addresses=keys", "chain.base_fee_gwei=10"]
    ledger = Ledger(None)
    world = build(compose([*said, *more]), ledger)
    token = world.tokens["MDC"]

    class Probe(Role):
        def live(self, me):
            yield from live(me, lambda amount: token.transfer(me.address, amount, gas=80_000))

    market = world.markets[0]
    person = Person(world, "probe/0", [Probe(Conduct(), market)], Traits(latency=1.0))
    person.endow(market)
    person.begin()
    world.run(1, blocks)  # a job that nobody posts, so that it lives so long
    world.forget()
    assert {name for _, name, _ in world.violations} == set()
    ledger.close()
    return Run(read(ledger), {"ETH": 1.0, "MDC": 1.0, "USD": 1.0})


def sent(run: Run) -> list[tuple[str, str, str | None]]:
    """Amount, status and reason of all that the probe paid, as it stands in the ledger."""
    rows = run.tables["transactions"].query("account == 'probe/0' and function == 'transfer'")
    amounts = rows["args"].str.extract(r'"value": ?"?(\d+)')[0]
    return [(*row, reason or None) for *row, reason in zip(amounts, rows["status"], rows["reason"].fillna(""))]


def test_what_waits_below_the_base_fee_until_the_end_is_in_the_ledger_and_in_a_warning():
    def live(me, pays):
        me.sends(pays(1), max_fee=LOW, tip=TIP)
        me.sends(pays(2))
        yield me.until(me.now + 1)

    run = lived(live)
    low, behind = sent(run)
    assert low[:2] == ("1", "pending")
    assert low[2].startswith("below the base fee: 5 gwei a gas at most, and the last block's was ")
    assert behind == ("2", "pending", "behind another of its account")
    (warning,) = [one for one in warnings(run) if "never got into a block" in one]
    assert warning == "2 transactions never got into a block: 1 behind another of its account, 1 below the base fee"
    assert not len(run.executed.query("function == 'transfer'"))


def test_what_was_sent_at_the_very_end_is_in_the_ledger_and_nothing_to_worry_about():
    def live(me, pays):
        yield me.until(me._world.rules.genesis + 12 * 40 - 0.5)
        me.sends(pays(1))

    run = lived(live)
    assert sent(run) == [("1", "pending", "on its way when the run ended")]
    assert not [one for one in warnings(run) if "never got into a block" in one or "never succeeded" in one]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_replacement_takes_the_nonce_and_what_came_after_follows(engine):
    got = {}

    def live(me, pays):
        yield me.until(me.now + 60)
        low, later = me.sends(pays(1), max_fee=LOW, tip=TIP), me.sends(pays(2))
        yield me.until(me.now + 60)
        high = me.sends(pays(3), replaces=low)
        got.update(low=(yield low), high=(yield high), later=(yield later))
        got["after"] = yield me.sends(pays(4))

    run = lived(live, engine=engine)
    assert sent(run) == [
        ("1", "dropped", REPLACED), ("3", "success", None), ("2", "success", None), ("4", "success", None)
    ]  # fmt: skip
    assert got["low"].dropped == REPLACED
    assert all(got[name].ok for name in ("high", "later", "after"))
    assert got["high"].block == got["later"].block


def test_engines_tell_the_same_of_a_replacement():
    def live(me, pays):
        yield me.until(me.now + 60)
        low = me.sends(pays(1), max_fee=LOW, tip=TIP)
        yield me.until(me.now + 60)
        yield me.sends(pays(3), replaces=low)

    told = [lived(live, engine=engine).tables["transactions"].drop(columns="gas") for engine in ENGINES]
    assert all(one.equals(told[0]) for one in told[1:])


@pytest.mark.parametrize(
    ("fee", "refused"),
    [({"max_fee": LOW + 1, "tip": 2 * TIP}, "max_fee"), ({"max_fee": 40 * GWEI, "tip": TIP}, "tip"), ({}, None)],
)
def test_both_fees_rise_by_a_tenth_or_the_first_stays(fee, refused):
    got = []

    def live(me, pays):
        yield me.until(me.now + 60)
        low = me.sends(pays(1), max_fee=LOW, tip=TIP)
        got.append((yield me.sends(pays(2), replaces=low, **fee)))

    run = lived(live)
    statuses = {amount: status for amount, status, _ in sent(run)}
    if refused is None:
        assert statuses == {"1": "dropped", "2": "success"}
        return
    assert statuses == {"1": "pending", "2": "dropped"}
    assert got[0].dropped.startswith(f"replacement underpriced: {refused}=")


def test_a_tenth_more_is_enough():
    assert [bumped(fee) for fee in (0, 1, 10, 100, 101)] == [1, 2, 11, 110, 112]

    def live(me, pays):
        yield me.until(me.now + 60)
        first = me.sends(pays(1), max_fee=LOW, tip=100)
        me.sends(pays(2), replaces=first, max_fee=40 * GWEI, tip=110)

    assert [one[:2] for one in sent(lived(live))] == [("1", "dropped"), ("2", "success")]


def test_what_ran_cannot_be_replaced():
    got = []

    def live(me, pays):
        yield me.until(me.now + 60)
        first = me.sends(pays(1))
        yield first
        got.append((yield me.sends(pays(2), replaces=first)))
        got.append((yield me.sends(pays(3))))

    assert sent(lived(live)) == [("1", "success", None), ("2", "dropped", TOO_LATE), ("3", "success", None)]
    assert got[0].dropped == TOO_LATE
    assert got[1].ok


def test_a_replacement_may_be_replaced_before_it_arrives_and_after_it_was_refused():
    def live(me, pays):
        yield me.until(me.now + 60)
        first = me.sends(pays(1), max_fee=LOW, tip=TIP)
        second = me.sends(pays(2), replaces=first, max_fee=LOW + 1, tip=TIP + 1)  # refused
        third = me.sends(pays(3), replaces=second, max_fee=2 * LOW - 1, tip=2 * TIP)  # still below
        me.sends(pays(4), replaces=third)
        yield me.until(me.now + 60)

    told = {amount: (status, reason) for amount, status, reason in sent(lived(live))}
    assert told["1"] == told["3"] == ("dropped", REPLACED)
    assert told["2"][1].startswith("replacement underpriced")
    assert told["4"] == ("success", None)


def test_a_replacement_that_no_block_has_room_for_leaves_the_first():
    def live(me, pays):
        yield me.until(me.now + 60)
        first = me.sends(pays(1), max_fee=LOW, tip=TIP)
        me.sends(me._world.tokens["MDC"].transfer(me.address, 2, gas=37_000_000), replaces=first)
        yield me.until(me.now + 60)

    assert [one[:2] for one in sent(lived(live))] == [("2", "dropped"), ("1", "pending")]


def test_a_request_that_is_posted_again_with_a_higher_fee_is_one_request():
    """Or a world would think that all of its jobs were posted."""
    from slashpoint.agents.me import Me

    config = compose(["scenario=small", "scenario.jobs=2", "engine=pyevm", "chain.base_fee_gwei=10"])
    ledger = Ledger(None)
    world = build(config, ledger)
    usual = Me.sends

    def hasty(me, call, **how):
        if call.verb != "posts" or how:
            return usual(me, call, **how)
        return usual(me, call, replaces=usual(me, call, max_fee=LOW, tip=TIP))

    Me.sends = hasty
    try:
        world.run(2, 400)
    finally:
        Me.sends = usual
        world.forget()
    tables = read(ledger)
    posts = tables["transactions"].query("verb == 'posts'")
    assert sorted(posts["status"]) == ["dropped", "dropped", "success", "success"]
    assert list(tables["jobs"]["outcome"]) == ["success", "success"]


def test_a_run_whose_transactions_wait_for_ever_warns_and_fails_under_strict(tmp_path, capsys):
    said = ["run", "scenario=small", "scenario.jobs=1", "chain.elasticity=1", "scenario.blocks=50", "--quiet"]
    said += ["--out", str(tmp_path)]
    assert main(said) == HELD
    told = " ".join(capsys.readouterr().out.split())
    assert "0 of 1 jobs posted: none was sent" in told
    assert "6 transactions never got into a block: 6 no room" in told
    assert main([*said, "--strict"]) == UNDECIDED
