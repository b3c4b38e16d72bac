"""Configuration: Hydra's grammar, the catalogue, projects, and what is refused before block 1."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path
from textwrap import dedent

import pytest
from hydra import initialize_config_dir, version
from omegaconf import OmegaConf

from slashpoint.experiments.setup import catalogue, config, modules
from slashpoint.experiments.setup.composer import Composer, composer
from slashpoint.experiments.setup.config import attacks, compose, expand, plugin
from slashpoint.experiments.setup.project import find_project
from slashpoint.sim.errors import Misconfigured
from slashpoint.sim.rules import ChainRules

ATTACK = """
    from dataclasses import dataclass

    from slashpoint.agents.conduct import Conduct


    @dataclass
    class {name}(Conduct):
        k: int = 3
        on: str | None = None
        shares: tuple[float, ...] = (0.5, 0.5)

        def claim(self, me, job, measured):
            return measured
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with two attacks, a price process and a protocol of its own."""
    (tmp_path / "slashpoint.yaml").touch()
    write(tmp_path / "attacks/mine.py", ATTACK.format(name="Mine"))
    write(
        tmp_path / "attacks/other.py",
        ATTACK.format(name="Other").replace(
            "claim(self, me, job, measured):\n            return measured",
            "work(self, me, job):\n            return super().work(me, job)",
        ),
    )
    write(
        tmp_path / "prices/cheap.py",
        """
        from dataclasses import dataclass

        from slashpoint.sim.prices.constant import Constant
        from ..attacks.mine import Mine


        @dataclass
        class Cheap(Constant):
            eth: float = 1.0
            like: int = Mine.k
        """,
    )
    own = OmegaConf.load(modules.HOME / "conf/protocol/modelmarket.yaml")
    write(tmp_path / "conf/protocol/fair.yaml", OmegaConf.to_yaml(OmegaConf.merge(own, {"stake": 1.5})))
    return tmp_path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(text))


def test_the_usual() -> None:
    usual = compose()
    assert (usual.protocol.name, usual.task.name, usual.prices.name) == ("modelmarket", "digits", "constant")
    assert (usual.attack, usual.seed, usual.engine) == ({}, 0, "auto")
    assert plugin("prices", usual).eth == 2500


def test_defaults_are_told_once_by_the_classes() -> None:
    digits = catalogue.load("task", "digits")
    assert compose().task == {"name": "digits"} | {one.name: one.default for one in fields(digits) if one.init}
    assert config.chain_rules(compose()) == ChainRules()


def test_every_file_of_conf_composes_and_says_what_it_is() -> None:
    for path in (modules.HOME / "conf").glob("*/*.yaml"):
        assert path.read_text().startswith("# ")
        if path.parent.name == "gate":
            continue  # suites are no part of a configuration
        assert compose([f"{path.parent.name}={path.stem}"])


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        (["prices=foo"], "prices=foo: there are constant, gbm"),
        (["protocol=foo"], "protocol=foo: there are .*, modelmarket"),
        (["attack=foo"], "attack=foo: there are absentee, "),
        (["attack=lazzy"], r"^attack=lazzy: did you mean lazy\?(\n|$)"),
        (["attack=[sybil,overclam]"], r"^attack=overclam: did you mean overclaim\?(\n|$)"),
        (["attack.sybil.k=3"], "attack.sybil"),
        (["+attack.foo.k=3"], "there is no attack 'foo'"),
        (["nope=3"], "nope"),
        (["+nope=3"], "nope: nothing reads it"),
        (["protocol.nope=3"], "nope"),
        (["seed=-1"], "seed=-1: it cannot be negative"),
        (["seed=1.5"], "seed=1.5: it must be a whole number, such as 0"),
        (["protocol.reward=much"], "protocol.reward=much: it must be a number"),
        (["protocol.reward=inf"], "protocol.reward=inf: a number is finite"),
        (["protocol.reward=nan"], "finite"),
        (["prices.eth=inf"], "prices.eth=inf: a number is finite"),
        (["protocol.fee_bps=10001"], "10000 basis points"),
        (["protocol.loser_refund=3"], "true or false"),
        (["protocol.variant=3"], "it must be text"),
        (["~protocol.reward"], "protocol.reward=None"),
        (["protocol.seats=3"], "protocol.seats=3: it must be a mapping, of requester, trainer, keeper"),
        (["chain.ordering=x"], "there are priority, fifo, random"),
        (["chain.block_time=0"], "chain.block_time=0.* must be at least 1e-09"),
        (["engine=jet"], "there are auto"),
        (["scenario.people.speed=fast"], "must be a number, {uniform: .* or {lognormal"),
        (["scenario.people.speed={uniform: [1,-2]}"], "cannot be negative"),
        (["scenario.people.speed={uniform: [2,1]}"], "speed={'uniform': .2, 1.}: low is above high"),
        (["scenario.people.speed={uniform: [0,1]}"], "at least 0.001 and at most"),
        (["scenario.people.speed={lognormal: [1,-1]}"], "cannot be negative"),
        (["scenario.people.speed={lognormal: [1,9]}"], "sigma from 0 to 5"),
        (["scenario.people.speed={normal: [1,1]}"], "a number, {uniform"),
        (["scenario.people.speed=0"], "scenario.people.speed=0: it must be at least 0.001"),
        (["scenario.crowd.eager=2"], "scenario.crowd.eager=2: it must be at least 0 and at most 1"),
        (["scenario.arrivals=sometimes"], "scenario.arrivals=sometimes: there are regular, poisson"),
        (["scenario.attackers=0"], "scenario.attackers=0: it must be at least 1"),
        (["scenario.absent=[nobody/7]"], r"absent=.nobody/7.: nobody is called so; there are requester/0, trainer/0"),
        (["scenario.absent=[trainer/4]"], "trainer/4"),
        (["scenario.absent=[trainer/01]"], "trainer/01"),
        (["scenario.jobs=1000000000000000000"], "scenario.jobs=1000000000000000000: .* at most 1,000,000"),
        (["scenario.scale=1000000"], "6,000,000 people; at most 1,000,000"),
        (["protocol.seats.trainer=1000000000"], "protocol.seats.trainer=1000000000: .* at most 1,000,000"),
        (["protocol.stake=1e60"], "protocol.stake=1e.60: it must be at least 0 and at most"),
        (["chain.fork=nope"], "chain.fork=nope: "),
        (["scenario.blocks=1000000000", "chain.block_time=12"], "they end after the year 2262"),
        (["+scenario.people.charm=1"], "there are latency"),
        (["task.scale=abc"], "could not be converted to Integer"),
        (["task.scale=-3"], "task digits: task.scale=-3: it must be at least 1"),
        (["task.nope=3"], "nope"),
        (["task=shards"], "must define one public subclass of Task"),
        (["prices=replay"], "prices.path is missing"),
        (["protocol.stake=1,2"], "multirun"),
        (["=="], "'==': it is no override"),
        (["attack=[lazy,lazy]"], "lazy is there twice"),
        (["attack=7"], "attack=7: it must be a name"),
        (["protocol=5"], "protocol=5: it must be a name; there are collective, "),
        (["protocol=[modelmarket]"], "it must be one name"),
        (["~chain"], "~chain: every run has a chain"),
        (["+attack=lazy"], "write attack=…, without"),
        (["+attack.lazy.effort=1"], "choose it first: attack=lazy"),
        (["attack.lazy.effort=1"], "choose it first: attack=lazy"),
        (["hydra.run.dir=x"], "hydra.run.dir=x: there is no Hydra application here"),
        (["protocol.seats={}"], "it changes nothing"),
        (["prices.name=gbm"], "write prices=gbm"),
        (["protocol.stak=1"], "protocol.stak: nothing reads it; did you mean stake"),
        (["scenario.absent=trainer/0"], "scenario.absent=trainer/0: it must be a list"),
    ],
)
def test_refused(overrides: list[str], says: str) -> None:
    with pytest.raises(Misconfigured, match=says):
        compose(overrides)


def test_a_scenario_chooses_a_task_unless_one_is_given() -> None:
    assert compose(["scenario=small"]).task.name == "surrogate"
    assert compose(["scenario=small", "task=digits", "task.scale=5"]).task.scale == 5
    assert compose(["scenario=small", "scenario.people.latency=1"]).scenario.people.latency == 1


def test_attacks_one_several_none(project: Path) -> None:
    one = compose(["attack=mine", "attack.mine.k=5", "attack.mine.shares=[1.0]"], project)
    assert one.attack == {"mine": {"k": 5, "on": None, "shares": [1.0]}}
    (mine,) = attacks(one, project)
    assert (type(mine).__name__, mine.k, mine.shares) == ("Mine", 5, (1.0,))
    several = compose(["attack=[other,mine]", "attack.other.on=work"], project)
    assert [type(made).__name__ for made in attacks(several, project)] == ["Other", "Mine"]
    assert attacks(compose(["attack=[]"], project), project) == []
    with pytest.raises(Misconfigured, match="Integer"):
        compose(["attack=mine", "attack.mine.k=many"], project)


def test_a_project_is_found_from_below_and_hides_nothing(project: Path) -> None:
    (project / "deep/er").mkdir(parents=True)
    before = list(sys.path)
    assert find_project(project / "deep/er") == project.resolve()
    cheap = plugin("prices", compose(["prices=cheap"], project), project)
    assert (cheap.eth, cheap.token, cheap.like) == (1.0, 1.0, 3)
    assert type(cheap).__module__.startswith("slashpoint_project_")
    assert sys.path == before
    assert compose(["protocol=fair"], project).protocol.stake == 1.5
    assert catalogue.names("prices", project) == sorted(["cheap", *catalogue.names("prices")])
    assert list(catalogue.presets("protocol", project)) == [*catalogue.presets("protocol"), "fair"]


def test_projects_do_not_leak_into_each_other(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert compose(["attack=mine"], project)
    with pytest.raises(Misconfigured, match="attack=mine"):
        compose(["attack=mine"])
    other = tmp_path_factory.mktemp("other")
    write(other / "attacks/mine.py", ATTACK.format(name="Namesake"))
    assert catalogue.load("attack", "mine", other).__name__ == "Namesake"
    assert catalogue.load("attack", "mine", project).__name__ == "Mine"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("import nonsense_that_is_not", r"mine.py:2: cannot be imported: ModuleNotFoundError"),
        ("def f(:", r"mine.py:2: cannot be imported: SyntaxError"),
        ("x = 1", "must define one public subclass of Conduct; it defines none"),
        (ATTACK.format(name="A") + ATTACK.format(name="B"), "it defines A and B"),
        (ATTACK.format(name="Mine").replace("@dataclass", ""), "write @dataclass above class Mine"),
        (ATTACK.format(name="Mine").replace("int = 3", "Path = 3"), "mine.py.*Path"),
    ],
)
def test_a_broken_attack_is_named(project: Path, text: str, says: str) -> None:
    write(project / "attacks/mine.py", "\n" + dedent(text))
    with pytest.raises(Misconfigured, match=says):
        compose(["attack=mine"], project)


def test_a_name_of_ours_is_taken(project: Path) -> None:
    write(project / "prices/gbm.py", "")
    with pytest.raises(Misconfigured, match="gbm.py has the name of one of ours"):
        compose(["prices=gbm"], project)


def test_yaml_for_an_attack_says_where_it_belongs(project: Path) -> None:
    write(project / "conf/attack/eager.yaml", "k: 9\n")
    with pytest.raises(Misconfigured, match="# @package attack.x"):
        compose(["attack=eager"], project)
    write(project / "conf/attack/eager.yaml", "# @package attack.mine\nk: 9\n")
    assert attacks(compose(["attack=eager"], project), project)[0].k == 9
    write(project / "conf/attack/eager.yaml", "# @package attack.mine\nz: 9\n")
    with pytest.raises(Misconfigured, match="z"):
        compose(["attack=eager"], project)


def test_multirun_expands_as_hydra_does() -> None:
    runs = expand(["protocol.stake=1,5", "attack=[],[sybil,lazy]", "seed=range(2)", "engine=pyevm"])
    assert len(runs) == 8
    assert runs[1] == ["protocol.stake=1", "attack=[]", "seed=1", "engine=pyevm"]
    assert expand(["prices=glob(*)"]) == [[f"prices={name}"] for name in catalogue.names("prices")]
    assert expand([]) == [[]]


def test_hydra_elsewhere_is_left_alone(tmp_path: Path) -> None:
    from hydra import compose as elsewhere

    write(tmp_path / "config.yaml", "mine: 1\n")
    with initialize_config_dir(str(tmp_path), version_base="1.2"):
        assert compose(["seed=4"]).seed == 4
        assert elsewhere("config").mine == 1
        assert str(version.getbase()) == "1.2"


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        ["scenario=small", "chain.block_time=2", "seed=3"],
        ["prices=gbm", "prices.drift=0.5", "task=mnist", "task.root=x"],
        ["attack=[sybil,lazy]", "attack.sybil.k=5", "+scenario.people.charm=1", "~protocol.airdrop"],
    ],
)
def test_composition_is_hydras_own(overrides: list[str]) -> None:
    """Its public `compose` says the same of the same files; ours leaves its own configuration out."""
    from hydra import compose as hydras

    with composer(None) as ours:
        made = ours.compose(overrides).config
    with initialize_config_dir(str(modules.HOME / "conf"), version_base="1.3"):
        assert hydras("config", [*overrides, "hydra.searchpath=[catalogue://]"]) == made


def test_threads_compose_what_each_asks_for() -> None:
    settings = [[f"protocol.stake={stake}.5", f"seed={stake}", "attack=overclaim"] for stake in range(1, 65)]
    with initialize_config_dir(str(modules.HOME / "conf"), version_base="1.2"), ThreadPoolExecutor(8) as threads:
        made = list(threads.map(compose, settings))
        assert str(version.getbase()) == "1.2", "what is global is as it was"
    assert [(one.protocol.stake, one.seed) for one in made] == [(stake + 0.5, stake) for stake in range(1, 65)]


def test_a_setting_is_composed_once_for_all_its_seeds_and_seats(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []
    hydras = Composer.compose
    monkeypatch.setattr(Composer, "compose", lambda self, said: (asked.append(list(said)), hydras(self, said))[1])
    setting = ["scenario=small", "protocol.reward=77"]
    made = [compose([*setting, f"scenario.seat={seat}", f"seed={seed}"]) for seed in range(3) for seat in range(2)]
    assert asked == [setting]
    assert [(one.seed, one.scenario.seat) for one in made] == [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)]
    assert [compose([*setting, f"seed={seed}"]).scenario.seat for seed in (3, 4)] == [3, 4]  # the file says ${seed}
    assert asked == [setting]


def test_a_setting_may_depend_on_its_seed() -> None:
    made = [compose(["protocol.stake=${seed}", "scenario.jobs=${scenario.seat}", f"seed={seed}"]) for seed in (1, 2)]
    assert [(one.protocol.stake, one.scenario.jobs) for one in made] == [(1, 1), (2, 2)]
    with pytest.raises(Misconfigured, match="protocol.variant: .* name one of hardened, "):
        compose(["protocol.variant=v${seed}", "seed=3"])


def test_a_file_of_a_project_that_changes_is_read_again(project: Path) -> None:
    for stake in (7, 8):
        write(project / "conf/scenario/mine.yaml", f"# @package _global_\nprotocol:\n  stake: {stake}.0\n")
        assert compose(["+scenario@_global_=mine", "seed=1"], project).protocol.stake == stake


def test_a_scenario_may_say_more_of_one_protocol(project):
    """`conf/scenario/<scenario>/<protocol>.yaml` is loaded beside the scenario; what is asked for still wins."""
    write(
        project / "conf/scenario/small/modelmarket.yaml",
        """
        # @package _global_
        defaults:
          - override /task@_global_.task: digits
        """,
    )
    assert compose(["scenario=small"], project).task.name == "digits"
    assert compose(["scenario=small", "task=surrogate"], project).task.name == "surrogate"
    assert compose(["scenario=small", "protocol.variant=literal"], project).task.name == "digits"
    assert compose(["scenario=small"]).task.name == "surrogate"


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        (["seed=range(0)"], r"seed=range\(0\): there is no value in it"),
        (["seed=range(3,1)"], "there is no value in it"),
        (["seed=range(0,5,0)"], "by steps that are not 0"),
        (["seed=range(0,nan)"], "a number is finite"),
        (["seed=range(1000000000000)"], "1,000,000,000,000 runs; at most 100,000 at once"),
        (["seed=range(1000)", "protocol.stake=range(1000)"], "1,000,000 runs"),
        (["seed=0,0,0"], "seed=0,0,0: 0 is there 3 times"),
        (["protocol.stake=1,1.0", "seed=0,1"], "protocol.stake=1,1.0: 1 is there 2 times"),
        (["attack=lazy,[lazy]"], "lazy is there 2 times"),
        (["attack=7,8"], "attack=7,8: it must be a name"),
        (["seed=0,1", "seed=2"], "seed is given 2 times"),
        (["attack=lazy", "attack=overclaim"], "attack=lazy attack=overclaim: attack is given 2 times"),
        (["seed=0,1", "hydra.x=1"], "no Hydra application"),
        (["seed=${oc.env:HOME},1"], "oc.env:…. reads what lies outside"),
    ],
)
def test_a_sweep_is_refused_before_it_is_expanded(overrides: list[str], says: str) -> None:
    with pytest.raises(Misconfigured, match=says):
        expand(overrides)


@pytest.mark.parametrize(
    "text",
    [
        "${oc.env:SLASHPOINT_SECRET}",
        "${ oc.env : SLASHPOINT_SECRET }",
        "a${oc.env:SLASHPOINT_SECRET,b}",
        "${oc.decode:${oc.env:SLASHPOINT_SECRET}}",
        "${oc.${seed}:SLASHPOINT_SECRET}",
        "${${seed}:SLASHPOINT_SECRET}",
        "${now:%Y}",
        "${hydra:run.dir}",
        "${protocol.stake} ${oc.env:SLASHPOINT_SECRET}",
    ],
)
def test_nothing_is_read_from_outside_of_a_configuration(
    project: Path, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLASHPOINT_SECRET", "hunter2")
    monkeypatch.setenv("0", "hunter2")
    write(project / "conf/protocol/leaky.yaml", f"defaults: [modelmarket, _self_]\nslash_to: '{text}'\n")
    for overrides in ([f"protocol.slash_to='{text}'"], [f"attack='{text}'"], ["protocol=leaky"]):
        with pytest.raises(Misconfigured) as refused:
            compose(overrides, project)
        assert "reads what lies outside of the configuration" in str(refused.value)
        assert "hunter2" not in str(refused.value)


def test_a_value_may_refer_to_another() -> None:
    assert compose(["protocol.stake=${protocol.reward}"]).protocol.stake == 100
    assert compose(["protocol.stake=${oc.select:protocol.reward}"]).protocol.stake == 100


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{one}: &{one} [{','.join([f'*{last}'] * 9)}]\n" for last, one in zip("abcdefg", "bcdefgh")
)  # nine to the eighth values


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [", "fair.yaml: it is no YAML"),
        ("- 1\n- 2\n", "fair.yaml: it must be a mapping"),
        ("stake: 1\nstake: 2\n", "stake is said twice"),
        ("stake: !!python/object:os.system x", "fair.yaml: it is no YAML"),
        (BOMB, "100,000 values"),
        ("a: &a [*a]", "nested too deeply"),
        ("stake: 1e60", "protocol.stake=1e.60: it must be"),
        ("defaults: [nope]", "nope"),
        ("defaults: 5", "defaults"),
    ],
)
def test_a_broken_file_of_a_project_is_named(project: Path, text: str, says: str) -> None:
    begin = "" if text.startswith(("-", "defaults")) else "defaults: [modelmarket, _self_]\n"
    write(project / "conf/protocol/fair.yaml", begin + text)
    with pytest.raises(Misconfigured, match=says):
        compose(["protocol=fair"], project)


def test_a_distribution_takes_the_place_of_another() -> None:
    given = compose(["scenario.people.latency={lognormal: [1, 0.5]}"])
    assert given.scenario.people.latency == {"lognormal": [1, 0.5]}
    assert compose(["scenario.people.speed.uniform=[1, 2]"]).scenario.people.speed == {"uniform": [1, 2]}


def test_settings_that_differ_in_values_read_their_files_once(monkeypatch: pytest.MonkeyPatch) -> None:
    compose(["protocol=collective", "scenario.jobs=1"])
    read, usual = [], Composer._read
    monkeypatch.setattr(Composer, "_read", lambda self, files: read.append(files) or usual(self, files))
    made = [compose(["protocol=collective", f"protocol.stake={i}", "scenario.jobs=1"]) for i in range(5)]
    assert [one.protocol.stake for one in made] == [*range(5)]
    assert not read
    assert compose(["protocol=collective"]).protocol.stake != 4, "what one setting says is not said of the next"
    assert compose(["protocol=collective", "prices=gbm"]).prices.name == "gbm"
    assert len(read) > 0


def test_files_that_change_are_read_again(project: Path) -> None:
    assert compose(["protocol=fair", "scenario.jobs=1"], project).protocol.stake == 1.5
    assert compose(["attack=mine", "scenario.jobs=1"], project).attack.mine.k == 3
    write(project / "conf/protocol/fair.yaml", (project / "conf/protocol/fair.yaml").read_text().replace("1.5", "2.75"))
    write(project / "attacks/mine.py", (project / "attacks/mine.py").read_text().replace("int = 3", "int = 1234"))
    modules.refreshed(project)
    assert compose(["protocol=fair", "scenario.jobs=2"], project).protocol.stake == 2.75
    assert compose(["attack=mine", "scenario.jobs=2"], project).attack.mine.k == 1234
