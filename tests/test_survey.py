"""The survey: what is planned, what is read off the runs, and that no number on a page is without a source."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from slashpoint.experiments.cli import main
from slashpoint.experiments.setup.config import compose
from slashpoint.experiments.study.stats import t_interval
from slashpoint.experiments.survey.blocks import Page, Paragraph, Table
from slashpoint.experiments.survey.book import DIGIT, Book, Unsourced, commands, observed
from slashpoint.experiments.survey.facts import TOPICS, facts, surveyed
from slashpoint.experiments.survey.findings import Findings
from slashpoint.experiments.survey.plan import FRESH, SEATS, Network, again, chosen, networks, trials
from slashpoint.experiments.survey.readiness import readiness
from slashpoint.sim.errors import Misconfigured

ROOT = Path(__file__).parents[1]
CODE = re.compile(r"^    .*$|`[^`]*`", re.MULTILINE)
QUICK = ("task=synthetic", "engine=pyevm")


def unsourced(page: str, entries: list[dict]) -> str:
    """What is left of a page, without commands, when its entries are taken out in their order."""
    left, at = [], 0
    for entry in entries:
        found = page.index(entry["shown"].replace("|", "\\|"), at)
        left.append(page[at:found])
        at = found + len(entry["shown"])
    return CODE.sub("", "§".join([*left, page[at:]]))


def runs(kind: str, x: object, gains: dict[int, float], honest: bool = True) -> list[dict]:
    """Rows of an attack's runs and their twins, by what it gained with each seed."""
    about = {"kind": kind, "protocol": "p", "variant": "v", "x": x, "seat": None, "error": "", "trace_hash": "a"}
    about |= {"overridden": 1, "violations": 0}
    rows = []
    for seed, gain in gains.items():
        line = f"slashpoint run attack=lazy seed={seed}"
        rows.append({**about, "seed": seed, "honest": False, "attackers": "w/0", "line": line, "surplus:w/0": gain})
        rows.append({**about, "seed": seed, "honest": True, "attackers": "", "line": line, "surplus:w/0": 0.0})
    return rows


def finds(rows: list[dict], stakes: tuple[float, ...] = ()) -> tuple[Findings, Network]:
    """Findings of some rows, and the network they are of."""
    about = facts("collective")
    assert about is not None
    network = Network("p", "v", ("protocol=p",), (), "w", 2, about)
    if stakes:
        network = Network("p", "v", ("protocol=p",), (), "w", 2, type(about)("p", "stake", stakes, (), about.topics))
    return Findings([network], pd.DataFrame(rows), Book()), network


@pytest.mark.parametrize("protocol", surveyed())
def test_every_protocol_says_what_is_stated_of_it_and_who_says_so(protocol: str) -> None:
    said = facts(protocol)
    assert said is not None, f"protocols/{protocol}/survey.yaml is missing"
    assert set(said.topics) == set(TOPICS)
    for fact in said.topics.values():
        for path in re.findall(r"`([\w./]+)`", fact.source):
            assert (ROOT / path).exists(), path
        for path, name in re.findall(r"`([\w./]+\.sol)`: (\w+)", fact.source):
            assert f"function {name}(" in (ROOT / path).read_text() or f"{name}(" in (ROOT / path).read_text(), name
        if fact.function:
            contract, _, function = fact.function.partition(":")
            build = json.loads((ROOT / "contracts/build" / f"{contract}.json").read_text())
            assert function in {one.get("name") for one in build["abi"]}, fact.function


@pytest.mark.parametrize(("said", "culprit"), [
    ("network: x\n", "money"), ("network: x\nspeed: fast\n", "speed"), ("network: x\nmoney: free\n", "lacks"),
])  # fmt: skip
def test_facts_that_lack_something_are_refused_by_name(tmp_path: Path, said: str, culprit: str) -> None:
    folder = tmp_path / "protocols" / "mine"
    folder.mkdir(parents=True)
    (folder / "survey.yaml").write_text(said)
    with pytest.raises(Misconfigured, match=culprit):
        facts("mine", tmp_path)


def test_a_number_without_a_source_is_refused() -> None:
    book = Book()
    page = Page("a page", book, [Paragraph(f"{book.states('5', 'somebody')} people earn 7 dollars on L1")])
    with pytest.raises(Unsourced, match="7 dollars"):
        page.markdown()


def test_each_number_of_a_page_has_its_entry_in_the_order_of_the_page() -> None:
    book = Book()
    rows = pd.DataFrame(runs("deploy", "l1", {0: 1.0, 1: 2.0}))
    gain = book.measures(t_interval([1.0, 2.0]), rows, "gain", "USD")
    page = Page("a page", book, [Table(["who", "USD>"], [["lazy", gain], ["nobody", book.states("0", "us")]])])
    entries = book.used(list(page.texts()))
    assert [one["shown"] for one in entries] == ["1.50 ± 6.35", "0"]
    assert entries[0]["seeds"] == [0, 1]
    assert entries[0]["commands"] == ["slashpoint sweep attack=lazy seed=0,1 --metric gain"]
    assert not DIGIT.search(unsourced(page.markdown(), entries))
    assert DIGIT.search(unsourced(page.markdown().replace("nobody", "8 people"), entries))
    assert 'title="gain; slashpoint sweep' in page.html({})


def test_the_command_of_a_number_names_all_its_seats_and_seeds() -> None:
    lines = [f"slashpoint run attack=lazy scenario.seat={seat} seed={seed}" for seed in (0, 1) for seat in (0, 2)]
    rows = pd.DataFrame({"line": lines, "honest": False})
    assert commands(rows, "gain") == ["slashpoint sweep attack=lazy scenario.seat=0,2 seed=0,1 --metric gain"]
    assert commands(rows.assign(line=[*lines[:3], "slashpoint run attack=late seed=1"]), "gain")[-1].endswith("seed=1")


def test_a_page_links_to_the_pages_beside_it() -> None:
    page = Page("a page", Book(), [Paragraph("see [details](details.md) and [numbers.json](numbers.json)")])
    assert '<a href="details.html">details</a> and <a href="numbers.json">numbers.json</a>' in page.html({})


def test_runs_that_failed_give_no_number() -> None:
    rows = pd.DataFrame({"seed": [0, 1], "error": ["", "broke"], "metric": [1.0, 2.0]})
    assert observed(rows, "metric").n == 0
    assert observed(rows.iloc[:1], "metric").mean == 1.0
    assert observed(rows.iloc[:1], "another").n == 0


@pytest.mark.parametrize(("gains", "said"), [
    ([5, 3, -1], "between 10 and 40, near 32.4"), ([5, 4, 3], "above 40, if any"), ([-1, -1, -2], "none needed"),
    ([5, -1, 5], "several"), ([-1, -1, 4], "reversed"),
])  # fmt: skip
def test_the_break_even_collateral_is_bracketed_by_what_was_tried(gains: list[float], said: str) -> None:
    stakes = (0.0, 10.0, 40.0)
    rows = [row for stake, gain in zip(stakes, gains) for row in runs("stake", stake, {0: gain, 1: gain})]
    found, network = finds(rows, stakes)
    assert found.book.told(found.break_even(network)).startswith(said)


def test_an_attack_that_gained_nothing_at_first_does_not_pay_and_another_is_judged_by_fresh_seeds() -> None:
    rows = [*runs("attack", "a", {0: -1.0}), *runs("attack", "b", {0: 5.0}), *runs("attack", "c", {0: 5.0})]
    rows += runs("again", "b", {FRESH: 3.0, FRESH + 1: 3.1}) + runs("again", "c", {FRESH: -3.0, FRESH + 1: 2.0})
    found, network = finds(rows)
    verdicts = dict(found.attacks_on(network)[["attack", "verdict"]].to_numpy())
    assert verdicts == {"a": "does not pay", "b": "pays", "c": "undecided"}
    assert found.book.told(found.paying(network)) == "1 of 3"


def finds_quality(got: float, best: float | None, guess: float) -> tuple[Findings, Network]:
    """Findings of a network that delivers one quality where one honest trainer has another."""
    said = {"deploy": {"x": "l1", "delivered_quality": got}, "central": {"x": "", "delivered_quality": best}}
    about = {"protocol": "p", "variant": "v", "seed": 0, "error": "", "line": "slashpoint run", "honest": False}
    about |= {"service_share": 1.0, "gas_cost": 0.0, "attackers": "", "trace_hash": "a", "overridden": 0}
    rows = [{**about, "kind": kind, **row} for kind, row in said.items() if row["delivered_quality"] is not None]
    network = Network("p", "v", ("protocol=p",), (), "w", 0, None, guess=guess)
    return Findings([network], pd.DataFrame(rows), Book()), network


@pytest.mark.parametrize(("got", "best", "guess", "verdict"), [
    (0.75, 0.77, 0.5, "ready"), (0.60, 0.77, 0.5, "not ready"), (0.75, 0.95, 0.1, "not ready"),
    (0.85, 0.95, 0.1, "ready"), (0.75, None, 0.5, "not ready"), (0.95, None, 0.1, "ready"),
])  # fmt: skip
def test_what_is_delivered_is_held_against_what_one_honest_trainer_has(
    got: float, best: float | None, guess: float, verdict: str
) -> None:
    found, network = finds_quality(got, best, guess)
    assert readiness(found, network).verdict == verdict


def test_the_worst_loss_is_that_of_an_honest_worker_whom_an_attack_cost_most() -> None:
    rows = runs("attack", "a", {0: 5.0}) + runs("attack", "b", {0: 5.0})
    for row in rows:
        calm = row["honest"]
        row |= {"surplus:w/1": 1.0 if calm else {"a": -2.0, "b": 0.5}[row["x"]], "surplus:boss/0": 9.0 if calm else 0.0}
    found, network = finds(rows)
    loss = found.worst_loss(network)
    assert loss is not None
    assert (loss.usd, loss.attack) == (3.0, "a"), "neither the attacker's w/0 nor who is no worker counts"
    assert found.book.told(found.lost(network)) == "3.00"


def test_an_attacker_takes_no_seat_twice() -> None:
    networks_of_one = networks(["golem"], ["task=synthetic"])[:1]
    plan = [one for one in trials(networks_of_one, 1, ["lazy"]) if one.kind in {"attack", "thief"}]
    seats = {one.x: [each.labels["seat"] for each in one.points(None) if not each.labels["honest"]] for one in plan}
    assert seats["lazy"] == [*range(SEATS)]
    assert seats["settle"] == [0], "one person settles"


def test_what_no_honest_job_calls_is_called_in_a_run_of_its_own() -> None:
    said = {name: facts(name) for name in surveyed()}
    runs = {name: [topic for topic, fact in one.topics.items() if fact.run] for name, one in said.items() if one}
    assert runs["forest"] == ["withdraw"]
    for name in (one for one in runs if runs[one]):
        plan = [one for one in trials(networks([name], []), 1, ["lazy"]) if one.kind == "manage"]
        assert {one.x for one in plan} == set(runs[name])
        for one in plan:
            assert compose([*one.setting, "seed=0"])
            assert one.network.facts is not None
            assert one.network.facts.topics[one.x].function, "the run is for the sake of a call"


def test_a_run_without_a_seat_is_no_crash_and_a_broken_one_is() -> None:
    rows = runs("attack", "a", {0: 1.0})
    for error, crashed in (("…config.NoSeat: Lazy has no seat here", False), ("RuntimeError: caught", True)):
        found, network = finds([{**row, "error": error} for row in rows])
        assert found.crashed is crashed
        assert found.attacks_on(network).empty


def test_all_networks_have_the_same_workers_and_the_same_worth() -> None:
    columns = networks(["collective", "modelmarket"], ["task=synthetic"])
    assert [str(one) for one in columns] == [
        f"{protocol} {variant}" for protocol in ("collective", "modelmarket") for variant in ("literal", "hardened")
    ]
    assert {one.workers for one in columns} == {5}
    assert [one.worker for one in columns[::2]] == ["learner", "trainer"]
    assert all("protocol.value_usd=150" in one.setting for one in columns)


def test_a_lost_worker_stays_lost_when_more_are() -> None:
    plan = [one for one in trials(networks(["collective"], ["task=synthetic"]), 2) if one.kind == "loss"]
    lost = {(one.x, one.seeds[0]): set(re.findall(r"learner/\d", one.more[1])) for one in plan}
    assert all(lost[gone, 0] < lost[gone + 1, 0] for gone in range(5))
    assert len(lost[5, 0]) == 5


def test_what_is_measured_again_has_seeds_that_took_no_part_in_picking() -> None:
    plan = [one for one in trials(networks(["collective"], ["task=synthetic"]), 2) if one.kind == "attack"]
    fresh = again(plan[0], 2)
    assert min(fresh.seeds) >= FRESH
    assert fresh.x == plan[0].x
    points = [(one.labels["seat"], one.labels["honest"]) for one in fresh.points(None)]
    assert points == [*((seat, False) for seat in range(SEATS)), (None, True)] * len(fresh.seeds)


@pytest.mark.parametrize(("words", "culprit"), [
    (["collectiv"], "collective"), (["collective", "collective"], "twice"), (["collective", "seed=3"], "seed"),
    (["collective", "attack=lazy"], "attack"), (["collective", "task=nothing"], "nothing"),
    (["collective", "--attacks", "lazzy"], "lazy"), (["collective", "--attacks", "stealer"], "stealer"),
])  # fmt: skip
def test_what_no_survey_can_do_is_refused_before_any_run(
    words: list[str], culprit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["survey", *words]) == 2
    assert culprit in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_all_protocols_are_surveyed_if_none_is_named() -> None:
    assert chosen("protocol", [], ["a", "b"]) == ["a", "b"]
    assert chosen("protocol", ["b"], ["a", "b"]) == ["b"]


@pytest.mark.slow
def test_a_survey_writes_the_same_pages_again_and_each_number_has_a_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("one", "two"):
        assert main(["survey", "modelmarket", *QUICK[:1], "--seeds", "1", "--quiet", "--out", folder]) == 0
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert "How many of the workers may vanish?" in (tmp_path / "one/README.md").read_text()
    assert {"README.md", "index.html", "details.md", "details.html", "numbers.json", "attacks.svg"} <= set(files)
    for name in files:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name
    numbers = json.loads((tmp_path / "one/numbers.json").read_text())
    for name, entries in numbers.items():
        page = (tmp_path / "one" / f"{name}.md").read_text()
        assert not DIGIT.search(unsourced(page, entries))
        assert all(one.get("stated") or (one["commands"] and one["seeds"] and one["metric"]) for one in entries)
    assert "http" not in re.sub(r'xmlns(:xlink)?="[^"]*"', "", (tmp_path / "one/index.html").read_text())


@pytest.mark.skipif(not (ROOT / "docs/survey/numbers.json").exists(), reason="no survey is kept here")
@pytest.mark.parametrize("name", ["README", "details"])
def test_each_number_of_the_kept_survey_has_a_source(name: str) -> None:
    entries = json.loads((ROOT / "docs/survey/numbers.json").read_text())[name]
    page = (ROOT / "docs/survey" / f"{name}.md").read_text()
    left = unsourced(page, entries)
    assert not DIGIT.search(left), left[max(0, DIGIT.search(left).start() - 60) :][:120]  # type: ignore[union-attr]
    assert len(entries) > 50
    assert all(one.get("stated") or (one["commands"] and one["seeds"] and one["metric"]) for one in entries)
