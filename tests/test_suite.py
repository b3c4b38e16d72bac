"""What a suite can say; whatever could never fail, never be decided, or would be ignored is refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from slashpoint.experiments.cli import main
from slashpoint.experiments.gate.judge import gate
from slashpoint.experiments.gate.suite import Expectation, Scenario, Suite, load
from slashpoint.experiments.setup import catalogue
from slashpoint.experiments.setup.strict_yaml import MOST_VALUES
from slashpoint.sim.errors import Misconfigured


def expecting(*expectations: str) -> str:
    return f"scenarios: {{a: {{overrides: [attack=lazy], expect: [{', '.join(expectations)}]}}}}"


BOMB = "".join(f"{name}: &{name} [{', '.join([f'*{under}'] * 9)}]\n" for under, name in zip("abcdefghi", "bcdefghij"))
REFUSED = {
    # bounds that nothing can break, or nothing can keep
    "a bound that is no number": (expecting("{metric: gain, at_most: .nan}"), r"at_most: nan: .* a finite number"),
    "an infinite bound": (expecting("{metric: gain, at_most: .inf}"), "at_most: inf: .* finite"),
    "an infinite bound below": (expecting("{metric: gain, at_least: -.inf}"), "at_least: -inf: .* finite"),
    "a bound beyond all numbers": (expecting("{metric: gain, at_most: 1e999}"), "at_most: inf: .* finite"),
    "a whole number beyond all": (expecting(f"{{metric: gain, at_most: 1{'0' * 400}}}"), "at_most: 1000.*… it|finite"),
    "a bound in quotes": (expecting('{metric: gain, at_least: "5"}'), "at_least: '5': .* number"),
    "a bound with a leading zero": (expecting("{metric: gain, at_most: 010}"), "at_most: '010': .* number"),
    "a bound that is a time": (expecting("{metric: gain, at_most: 1:30}"), "at_most: '1:30': .* number"),
    "a bound that is true": (expecting("{metric: gain, at_most: true}"), "at_most: True: .* number"),
    "a bound that is a list": (expecting("{metric: gain, at_most: [1]}"), r"at_most: \[1\]: .* number"),
    "no bound": (expecting("{metric: gain}"), "at_least or at_most"),
    "a bound that is nothing": (expecting("{metric: gain, at_most: }"), "at_least or at_most"),
    "both bounds": (expecting("{metric: gain, at_least: 0, at_most: 1}"), "one of both"),
    "every that is text": (expecting('{metric: gain, at_most: 0, every: "no"}'), "every: 'no': .* true or false"),
    "every that is a number": (expecting("{metric: gain, at_most: 0, every: 1}"), "every: 1: .* true or false"),
    "a key that is a number": (expecting("{metric: profit, key: 5, at_most: 0}"), "key: 5: it must be text"),
    "a key of what has none": (expecting("{metric: gain, key: x, at_most: 0}"), "gain has no keys"),
    # confidence and seeds
    "a confidence in per cent": ("confidence: 95\nscenarios: {a: {}}", "confidence: 95: .* 0.95"),
    "a confidence of 1": ("confidence: 1\nscenarios: {a: {}}", "confidence: 1: "),
    "a confidence of 0": ("confidence: 0\nscenarios: {a: {}}", "confidence: 0: "),
    "a confidence below 0": ("confidence: -0.95\nscenarios: {a: {}}", "confidence: -0.95: "),
    "a confidence in words": ("confidence: high\nscenarios: {a: {}}", "confidence: high: "),
    "a confidence that is no number": ("confidence: .nan\nscenarios: {a: {}}", "confidence: nan: "),
    "a confidence that is nothing": ("confidence:\nscenarios: {a: {}}", "confidence: None: "),
    "seeds that are not whole": ("seeds: 2.7\nscenarios: {a: {}}", "scenarios.a: seeds: 2.7: .* whole"),
    "seeds in words": ("scenarios: {a: {seeds: many}}", "scenarios.a: seeds: 'many': .* whole"),
    "no seeds": ("scenarios: {a: {seeds: 0}}", "seeds: 0: .* two runs"),
    "one seed": ("scenarios: {a: {seeds: 1}}", "two runs"),
    "seeds below 0": ("scenarios: {a: {seeds: -3}}", "seeds: -3: "),
    "seeds without end": (f"seeds: {10**12}\nscenarios: {{a: {{}}}}", "10,000 are the most"),
    "seeds that are true": ("scenarios: {a: {seeds: true}}", "seeds: True: "),
    # names
    "an unknown word": ("seed: 3\nscenarios: {a: {}}", "seed: nothing reads it; .*seeds"),
    "an unknown word of a scenario": ("scenarios: {a: {overides: [x=1]}}", "scenarios.a: overides: .*overrides"),
    "an unknown word of an expectation": (expecting("{metric: gain, at_mots: 1}"), "number 1: at_mots: .*at_most"),
    "a name among the words of a scenario": ("scenarios: {a: {name: b}}", "scenarios.a: name: nothing reads it"),
    "an unknown metric": (expecting("{metric: profitt, at_most: 1}"), "no metric 'profitt'; did you mean profit"),
    "no metric": (expecting("{at_most: 1}"), "metric is missing"),
    "a metric that is a number": (expecting("{metric: 1, at_most: 1}"), "metric: 1: it must be text"),
    "a scenario that is a number": ("scenarios: {1: {}}", "scenarios.1: name: 1: .* quotes"),
    "a scenario without a name": ("scenarios: {'': {}}", "name: '': .* a line of text"),
    "a scenario of two lines": ('scenarios: {"a\\nb": {}}', "a line of text"),
    "half a character": ('scenarios: {"\\ud800": {}}', "a line of text"),
    # said twice
    "a key twice": ("seeds: 3\nseeds: 4\nscenarios: {a: {}}", "line 2: seeds is said twice, first in line 1"),
    "a scenario twice": ("scenarios:\n  a: {}\n  b: {}\n  a: {}", "line 4: a is said twice, first in line 2"),
    "a number twice": ("scenarios: {a: {}}\n1: a\n1: b", "1 is said twice"),
    "an attack twice": ("base: [attack=lazy]\nscenarios: {a: {overrides: [attack=sybil]}}", "say attack once"),
    "an override twice": ("scenarios: {a: {overrides: [scenario.jobs=1, scenario.jobs=2]}}", "say scenario.jobs once"),
    "a seed beside the seeds": ("base: [seed=3]\nscenarios: {a: {}}", "seed=3: .* say how many by seeds"),
    "an expectation twice": (
        expecting("{metric: gain, at_most: 0}", "{metric: gain, at_most: 0.0}"),
        "attacker's gain ≤ 0 USD: it is expected already that attacker's gain ≤ 0 USD",
    ),
    "an expectation inside another": (
        expecting("{metric: stuck_funds, at_most: 0, every: true}", "{metric: stuck_funds, at_most: 5, every: true}"),
        "expected already",
    ),
    # what can never fail
    "a gain without an attack": ("scenarios: {a: {expect: [{metric: gain, at_most: 0}]}}", "can never fail"),
    "a loss without an attack": (
        "scenarios: {a: {overrides: ['attack=[]'], expect: [{metric: loss, at_most: 0}]}}",
        "others' loss ≤ 0 USD: it can never fail",
    ),
    "no effect without an attack": ("scenarios: {a: {allow_no_effect: true}}", "no attack="),
    "no effect in words": ("scenarios: {a: {overrides: [attack=lazy], allow_no_effect: 'no'}}", "true or false"),
    # shapes
    "no scenarios": ("scenarios: {}", "no scenarios"),
    "nothing": ("", "None: it must be a mapping"),
    "a list": ("[a]", "it must be a mapping"),
    "scenarios that are a list": ("scenarios: [a]", "it must be a mapping"),
    "a scenario that is text": ("scenarios: {a: b}", "scenarios.a: 'b': it must be a mapping"),
    "overrides that are text": ("scenarios: {a: {overrides: attack=lazy}}", "overrides: 'attack=lazy': .* a list"),
    "base that is text": ("base: scenario=small\nscenarios: {a: {}}", "base: 'scenario=small': .* a list"),
    "overrides that are mappings": ("scenarios: {a: {overrides: [{attack: lazy}]}}", "a list of overrides"),
    "an expectation that is text": (expecting("gain"), "number 1: 'gain': it must be a mapping"),
    "expectations that are a mapping": ("scenarios: {a: {expect: {metric: gain}}}", "expect: .* a list"),
    "what cannot run": ("scenarios: {a: {overrides: [protocol.stake=-1]}}", "scenarios.a: .*cannot be negative"),
    "an attack without a seat": ("scenarios: {a: {overrides: [attack=vote_copier]}}", "scenarios.a: .*has no seat"),
    # YAML
    "no YAML": ("scenarios: [a", "it is no YAML: while parsing"),
    "two documents": ("scenarios: {a: {}}\n---\nscenarios: {}", "a single document"),
    "Python in YAML": ("scenarios: !!python/object/apply:os.system [ls]", "it is no YAML"),
    "an alias of itself": ("scenarios: &a {b: *a}", "an alias repeats itself"),
    "a bomb": (f"a: &a [lol]\n{BOMB}", f"more than {MOST_VALUES:,} values"),
    "a bomb of merges": ("a: &a {x: 1}\n" + BOMB.replace("[", "{<<: [").replace("]", "]}"), "more than"),
    "depth": ("scenarios: " + "[" * 200 + "]" * 200, "nested too deeply"),
}


@pytest.mark.parametrize(("text", "why"), REFUSED.values(), ids=REFUSED)
def test_what_a_suite_cannot_say_is_refused_before_any_run(
    text: str, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(text)
    assert main(["gate", str(path), "--out", str(tmp_path / "runs")]) == 2
    out, err = capsys.readouterr()
    assert (out, "Traceback" in err) == ("", False)
    assert err.startswith(f"slashpoint: {path}: ")
    with pytest.raises(Misconfigured, match=why):
        load(str(path))
    assert not (tmp_path / "runs").exists()


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(Misconfigured, match="it is no YAML"):
        load(str(tmp_path / "x.yaml"))
    (tmp_path / "y.yaml").mkdir()
    with pytest.raises(Misconfigured, match="there is no suite"):
        load(str(tmp_path / "y.yaml"))
    with pytest.raises(Misconfigured, match="there is no suite 'none'; there are .*pr"):
        load("none")


def test_what_is_refused_in_a_file_is_refused_in_python() -> None:
    one = Expectation("gain", at_most=0)
    for kind, given in (
        (Expectation, {"metric": "gain", "at_most": float("nan")}),
        (Scenario, {"name": "a", "seeds": 0}),
        (Scenario, {"name": "a", "expect": (one,)}),
        (Suite, {"name": "x", "scenarios": (Scenario("a"),), "confidence": 95}),
        (Suite, {"name": "x", "scenarios": ()}),
    ):
        with pytest.raises(Misconfigured):
            kind(**given)


def test_what_a_suite_says(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(
        """
        seeds: 5
        confidence: 9.9e-1
        base: [scenario=small]
        scenarios:
          a:
          b: {seeds: 1_000, overrides: [attack=lazy], allow_no_effect: true, expect: &e [{metric: gain, at_most: 1e3}]}
          c: {overrides: ["attack=[sybil,lazy]"], expect: *e}
        """
    )
    suite = load(str(tmp_path / "x.yaml"))
    assert [one.seeds for one in suite.scenarios] == [5, 1000, 5]
    assert [one.attacked for one in suite.scenarios] == [False, True, True]
    assert suite.scenarios[2].overrides == ("scenario=small", "attack=[sybil,lazy]")
    assert suite.scenarios[1].expect == suite.scenarios[2].expect == (Expectation("gain", at_most=1000.0),)
    assert str(suite.scenarios[1].expect[0]) == "attacker's gain ≤ 1000 USD"
    assert suite.level == pytest.approx(0.995), "two means share one in a hundred"
    assert [one.seeds for one in load(str(tmp_path / "x.yaml"), seeds=3).scenarios] == [3, 3, 3]


def test_our_suites_are_sound() -> None:
    for name in catalogue.presets("gate"):
        assert load(name).scenarios


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(catalogue.presets("gate")))
def test_each_check_of_our_suites_is_held_and_none_is_undecided(name: str) -> None:
    table = gate(load(name), workers=2)
    assert len(table) > 20
    assert table[table["status"] != "held"][["scenario", "check", "status", "found"]].to_dict("records") == []
    assert not table["found"].str.contains("few seeds").any()
