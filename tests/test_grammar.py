"""The grammar of scripts: what waits, what is heard, who is cancelled and what it costs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from slashpoint.agents.conduct import Conduct
from slashpoint.agents.person import Person, Traits
from slashpoint.agents.roles import Role
from slashpoint.experiments.setup.config import compose
from slashpoint.experiments.setup.run import build
from slashpoint.sim.ledger import Ledger, read

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from slashpoint.agents.me import Me
    from slashpoint.sim.world import World

    Steps = Generator[Any, Any, Any]


def probe(script: Callable[[Me, Any], Steps], *more: str, jobs: int = 1) -> World:
    """A small honest market with one more person, who runs `script(me, market)`."""
    ledger = Ledger(None)
    config = compose(["scenario=small", "engine=pyevm", f"scenario.jobs={jobs}", *more])
    world = build(config, ledger)

    class Probe(Role):
        def live(self, me: Me) -> Steps:
            yield from script(me, self.market)

    market = world.markets[0]
    person = Person(world, "probe/0", [Probe(Conduct(), market)], Traits(latency=1.0, compute_usd_hour=3600.0))
    person.endow(market)
    person.begin()
    world.run(jobs, 400)
    world.forget()
    return world


def test_sees_replays_the_past_and_gives_up() -> None:
    got: dict[str, Any] = {}

    def script(me: Me, market: Any) -> Steps:
        fact = yield me.hears(market.RequestCreated).next()
        yield me.until(fact.job.deadline)
        got["past"] = yield me.sees(market.ModelSubmitted, job=fact.job, by=me.now + 1)
        before = me.now
        got["none"] = yield me.sees(market.ModelSubmitted, job=fact.job, by=me.now + 50, trainer=b"nobody")
        got["waited"] = me.now - before
        got["verb"] = (yield me.sees("submits", job=fact.job)).carries

    probe(script)
    assert got["past"].event == "ModelSubmitted"
    assert got["none"] is None
    assert got["waited"] == pytest.approx(50)
    assert len(got["verb"]) == 2


def test_one_hears_after_ones_latency() -> None:
    got: list[float] = []

    def script(me: Me, market: Any) -> Steps:
        fact = yield me.hears(market.RequestCreated).next()
        got.append(me.now - fact.time / 10**9)

    probe(script)
    assert got == [pytest.approx(1.0)]


def test_who_still_sets_up_when_a_job_is_posted_hears_of_it_afterwards() -> None:
    got: list[Any] = []

    def script(me: Me, market: Any) -> Steps:
        yield me.until(me.now + 400)
        got.append((yield me.hears(market.RequestCreated, replay=True).next(by=me.now)).id)
        got.append((yield me.hears(market.RequestCreated).next(by=me.now + 1)))

        def begins(me: Me) -> Steps:
            got.append((yield me.hears(market.RequestCreated, replay=True).next(by=me.now + 1)))

        yield me.spawn(begins)

    probe(script)
    assert got == [0, None, None]  # a script that begins later hears of what is new to it


def test_first_takes_the_written_order_and_loses_no_fact() -> None:
    got: list[Any] = []

    def script(me: Me, market: Any) -> Steps:
        inbox = me.hears(market.RequestCreated)
        which, fact = yield me.first(never=me.sees(market.RequestClosed, by=me.now + 10**6), born=inbox.next())
        got.append((which, fact.id))
        when = me.now + 5
        got.append((yield me.first(b=me.until(when), a=me.until(when)))[0])
        while len(got) < 4:  # a loser that is told while nobody reads must come again
            which, fact = yield me.first(tick=me.until(me.now + 7), born=inbox.next())
            if which == "born":
                got.append(fact.id)
        got.append((yield me.first(by=me.now + 3, never=inbox.next())))

    probe(script, jobs=3)
    assert got == [("born", 0), "b", 1, 2, ("late", None)]


def test_an_inbox_takes_back_what_lost_in_the_same_instant() -> None:
    got: list[Any] = []

    def script(me: Me, market: Any) -> Steps:
        inbox = me.hears(market.RequestCreated)
        yield me.until(me.now + 100)
        which, _ = yield me.first(now=me.until(me.now), born=inbox.next())
        got.append(which)
        got.append((yield inbox.next()).id)

    probe(script)
    assert got == ["now", 0]


def test_cancelling_stops_children_and_charges_what_was_used() -> None:
    got: dict[str, Any] = {}

    def script(me: Me, market: Any) -> Steps:
        fact = yield me.hears(market.RequestCreated).next()

        def serve(me: Me, job: Any) -> Steps:
            yield me.spawn(nested, job)
            got["finished"] = True

        def nested(me: Me, job: Any) -> Steps:
            yield me.trains(job)
            got["trained"] = True

        scope = me.spawn(serve, fact.job)
        yield me.until(me.now + 10)
        scope.cancel()

    world = probe(script)
    assert got == {}
    rows = [row for row in _transfers(world) if row["sender"] == "probe/0" and row["cause"] == "compute"]
    assert [row["amount"] / 10**18 for row in rows] == [pytest.approx(10.0)]  # ten seconds at a dollar each


def _transfers(world: World) -> list[dict[str, Any]]:
    from slashpoint.sim.ledger import read

    frame = read(world.ledger)["transfers"]
    return frame.to_dict("records")  # type: ignore[no-any-return]


def test_misspelt_names_raise_and_list_what_there_is() -> None:
    def event(me: Me, market: Any) -> Steps:
        yield me.sees(market.RequestCraeted)

    def verb(me: Me, market: Any) -> Steps:
        yield me.sees("submit")

    def field(me: Me, market: Any) -> Steps:
        yield me.sees("submits", market.ModelSubmitted, trainr=b"")

    with pytest.raises(ValueError, match=r"'submits' has no trainr; it has subject, carries"):
        probe(field)
    with pytest.raises(AttributeError, match="RequestCreated"):
        probe(event)
    with pytest.raises(ValueError, match="submits"):
        probe(verb)


def test_a_strangers_string_of_any_bytes_is_heard_and_written_down() -> None:
    strange, got = b"caf\xe9 \xff", []

    def script(me: Me, market: Any) -> Steps:
        ours = yield me.hears(market.RequestCreated).next()
        inbox = me.hears(market.RequestCreated)
        for call in market.setup(me):
            yield me.sends(call)
        draft = market.draft(me, ours.job.task, bytes(32), bytes(32))
        call = market.posts(draft, b"", b"")
        coder = market.contract.artifact_.interface.functions["createRequest"][0].coder
        terms = coder.unpack(call.data, 4)[0]._replace(context=strange)
        receipt = yield me.sends(market.contract.createRequest(terms, gas=420_000))
        got.append((receipt.ok, (yield inbox.next(by=me.now + 60)).context))

    world = probe(script)
    assert got == [(True, strange.decode(errors="surrogateescape"))]
    told = read(world.ledger)["events"]
    mine = told[(told["event"] == "RequestCreated") & told["job"].isna()]
    assert json.loads(mine["args"].item())["context"] == "0x" + strange.hex()


def test_what_fails_says_where() -> None:
    def script(me: Me, market: Any) -> Steps:
        yield me.until(me.now + 1)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as caught:
        probe(script)
    assert "Probe.live of probe/0" in "".join(caught.value.__notes__)

    def forgot(me: Me, market: Any) -> Steps:
        yield 3

    with pytest.raises(TypeError, match="yield from"):
        probe(forgot)


def test_nonces_keep_their_order_and_survive_drops() -> None:
    got: dict[str, Any] = {}

    def script(me: Me, market: Any) -> Steps:
        token = market.token
        huge = me.sends(token.approve(b"\1" * 20, 1, gas=10**9))
        low = me.sends(token.approve(b"\2" * 20, 1, gas=60_000), tip=1)
        high = me.sends(token.approve(b"\3" * 20, 1, gas=60_000), tip=10**11)
        late = me.sends(token.approve(b"\4" * 20, 1, gas=60_000), by=me.now + 2)
        failed = me.sends(token.transfer(b"\5" * 20, 10**30, gas=90_000))
        for name, wait in (("huge", huge), ("low", low), ("high", high), ("late", late), ("failed", failed)):
            got[name] = yield wait
        got["again"] = yield low  # a receipt may be read long after it came

    probe(script)
    assert got["huge"].dropped.startswith("never fits a block")
    assert got["late"].dropped == "expired"
    assert got["low"].ok
    assert got["high"].ok
    assert got["low"].block == got["high"].block
    assert got["again"] is got["low"]
    assert not got["failed"].ok
    assert got["failed"].revert.name == "ERC20InsufficientBalance"


def test_in_time_allows_for_latency_and_a_block() -> None:
    got: dict[str, Any] = {}

    def script(me: Me, market: Any) -> Steps:
        yield me.until(me.now)
        got["early"], got["late"] = me.in_time(me.now + 13.5), me.in_time(me.now + 12.5)

    probe(script)
    assert got == {"early": True, "late": False}


def test_powers_are_asked_for_by_name() -> None:
    def script(me: Me, market: Any) -> Steps:
        fact = yield me.hears(market.RequestCreated).next()
        me.labels(fact.job)

    with pytest.raises(PermissionError, match="oracle"):
        probe(script)
