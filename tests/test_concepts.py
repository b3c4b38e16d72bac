"""The project that docs/concepts.md writes works, all of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from slashpoint.experiments.gate.judge import gate
from slashpoint.experiments.gate.suite import load
from slashpoint.experiments.setup import catalogue
from slashpoint.experiments.setup.config import compose
from slashpoint.experiments.setup.run import Result, build, simulate
from slashpoint.sim.ledger import Ledger, read
from slashpoint.sim.luck import Luck

BLOCK = re.compile(r"^```(?:python|yaml)\n# (\S+/\S+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
FILES = dict(BLOCK.findall((Path(__file__).parents[1] / "docs" / "concepts.md").read_text(encoding="utf-8")))
QUICK = ("engine=pyevm", "scenario.jobs=1")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every file that the page names."""
    folder = tmp_path_factory.mktemp("mine")
    (folder / "slashpoint.yaml").touch()
    for name, body in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(body, encoding="utf-8")
    return folder


def answered(run: Result, duty: str) -> set[str]:
    """Which methods answered a duty."""
    duties = run.ledger["duties"]
    return set(duties[duties["duty"] == duty]["by"])


def test_an_attack_waits_and_bids(project: Path) -> None:
    """Its work arrives in the last minute, for more than the usual tip."""
    run = simulate(attack="brinkman", scenario="small", overrides=QUICK, project=project)
    assert "Brinkman.work" in answered(run, "work")
    sent = run.ledger["transactions"]
    late = sent[(sent["verb"] == "submits") & (sent["gas"] * 2 * 10**9 == sent["tipped"])]
    (deadline,) = run.ledger["jobs"]["deadline_ns"]
    assert len(late) == 1
    assert 0 < deadline - late["time_ns"].iloc[0] <= 60 * 10**9


def test_an_exploit_plays_a_role_in_its_own_way(project: Path) -> None:
    """It claims twice, and the contract takes one claim."""
    run = simulate(attack="second_claim", scenario="small", overrides=QUICK, project=project)
    accounts, sent = run.ledger["accounts"], run.ledger["transactions"]
    exploiter = accounts[accounts["attacker"]]["account"].item()
    claims = sent[(sent["verb"] == "claims") & (sent["account"] == exploiter)]
    assert sorted(claims["status"]) == ["reverted", "success"]
    assert claims["reason"].dropna().str.startswith("AlreadyReported").all()
    assert run.violations.empty


def test_an_exploit_takes_over_a_role_of_a_protocol_of_ones_own(project: Path) -> None:
    """It imports the role as the page says, from `attacks/` and from the protocol's own `exploits/`."""
    text = (project / "attacks/late_host.py").read_text(encoding="utf-8")
    guests = project / "protocols/guests/exploits"
    guests.mkdir(parents=True)
    (guests.parent / "__init__.py").write_text(FILES["protocols/hosted.py"], encoding="utf-8")
    (project / "conf/protocol/guests.yaml").write_text(
        FILES["conf/protocol/hosted.yaml"].replace("hosted", "guests"), encoding="utf-8"
    )
    inside = text.replace("from ..protocols import hosted", "from .. import Host as Honest").replace(
        "hosted.Host", "Honest"
    )
    (guests / "late_guest.py").write_text(inside, encoding="utf-8")
    for protocol, attack in (("hosted", "late_host"), ("guests", "late_guest")):
        run = simulate(protocol=protocol, attack=attack, scenario="small", overrides=QUICK, project=project)
        accounts, sent = run.ledger["accounts"], run.ledger["transactions"]
        host = accounts[accounts["attacker"]]["account"].item()
        (deadline,) = run.ledger["jobs"]["deadline_ns"]
        later = sent[(sent["account"] == host) & (sent["verb"] == "reveals_truth")]
        assert len(later)
        assert (later["time_ns"] >= deadline).all()


def test_an_attack_an_invariant_a_metric_and_a_price_in_a_protocol_of_ones_own(project: Path) -> None:
    """Nothing but the files, and each of them is used."""
    said = (*QUICK, "prices=plunge", "prices.after=0", "prices.share=0.9", "attack.wallflower.patience=120")
    run = simulate(protocol="hosted", attack="wallflower", scenario="small", overrides=said, project=project)
    assert "Wallflower.enter" in answered(run, "enter")
    assert set(run.ledger["accounts"]["roles"]) == {"host", "trainer"}
    assert set(run.ledger["jobs"]["outcome"]) == {"success"}
    assert run.metric("slashed_share") == 0
    assert run.run.prices["ETH"] == pytest.approx(250)
    assert run.violations.empty


def test_a_crowd_of_ones_own_joins_a_world(project: Path) -> None:
    """A hundred accounts in a market's world; what each holds moves one place down."""
    savers: dict[str, Any] = {"__name__": "savers"}
    exec((project / "crowds" / "savers.py").read_text(encoding="utf-8"), savers)
    ledger = Ledger()
    world = build(compose(["scenario=small", *QUICK]), ledger)
    savers["Savers"](world, "saver", [0.5] * 100, 1.0, {"MDC": 10.0})
    world.run(jobs=1, blocks=3)
    ledger.close()
    sent = read(ledger)["transactions"]
    assert (sent["role"] == "saver").sum() >= 100
    assert not world.violations


def test_a_task_is_learnt_by_people_who_share_it_and_by_people_who_do_not(project: Path) -> None:
    """Its whole table in one protocol, its shards by the base class."""
    run = simulate(scenario="small", overrides=(*QUICK, "task=rings"), project=project)
    assert set(run.ledger["jobs"]["outcome"]) == {"success"}
    assert (run.ledger["models"]["correct"] > 40).all()
    assert set(run.ledger["models"]["scale"]) == {50}
    rings = catalogue.make("task", "rings", {}, project)
    problem = rings.problem(Luck("job"))
    shards = rings.shards(problem, 5, 0.5, Luck("shards"))
    assert sum(len(shard.train) + len(shard.test) for shard in shards) == len(problem.train) == 550


def test_a_suite_is_judged(project: Path) -> None:
    """Which says how the page says it."""
    suite = load("mine", project)
    assert [(one.name, one.seeds) for one in suite.scenarios] == [("honest", 12), ("who exaggerates", 4)]
    table = gate(suite, project=project).set_index("check")
    assert set(table["status"]) == {"held"}
    assert "gas_per_call ModelMarket:submitModel ≤ 175000 in every run" in table.index


def test_an_invariant_complains(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When what it forbids happens."""
    from slashpoint.sim.facts import Facts

    once = Facts.publish

    def twice(self: Facts, source: object, fact: object) -> None:
        once(self, source, fact)  # type: ignore[arg-type]
        if getattr(fact, "event", "") == "RequestClosed":
            once(self, source, fact)  # type: ignore[arg-type]

    monkeypatch.setattr(Facts, "publish", twice)
    run = simulate(scenario="small", overrides=QUICK, project=project)
    assert "requests_close_once" in set(run.violations["invariant"])
