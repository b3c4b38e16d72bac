"""The cache of rows: a key is made of what decides a run and of nothing else, by content; what is damaged is absent."""

from __future__ import annotations

import json
import shutil
from importlib import metadata
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest

from slashpoint.experiments.setup import catalogue, provenance
from slashpoint.experiments.setup.cache_key import Settings
from slashpoint.experiments.setup.composer import Composer
from slashpoint.experiments.setup.config import compose
from slashpoint.experiments.setup.run import MODELS
from slashpoint.experiments.study import executor
from slashpoint.experiments.study.executor import Point, evaluate
from slashpoint.experiments.study.row_store import Kept
from slashpoint.sim.contract.artifact import BUILD
from slashpoint.sim.errors import Misconfigured
from slashpoint.sim.learning.mnist import FILES
from slashpoint.sim.luck import Luck

SMALL = ("scenario=small", "scenario.jobs=1")
ATTACK = """
    from dataclasses import dataclass
    from pathlib import Path

    from slashpoint.agents.conduct import Conduct

    from ..helpers import times


    @dataclass
    class Boaster(Conduct):
        table: str = ""

        def claim(self, me, job, measured):
            return measured * times() + (int(Path(self.table).read_text()) if self.table else 0)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with an attack that imports a module beside its folder."""
    home = tmp_path / "project"
    write(home / "slashpoint.yaml", "")
    write(home / "attacks/boaster.py", ATTACK)
    write(home / "helpers.py", "from .deep.er import TIMES\n\n\ndef times():\n    return TIMES\n")
    write(home / "deep/er.py", "TIMES = 1\n")
    return home


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(text))
    return path


def made(cache: Path, *overrides: str, project: Path | None = None, **other: object) -> tuple[bool, dict[str, object]]:
    """Whether a run was made, rather than found, and its row."""
    before = len((cache / "seconds.csv").read_text().splitlines()) if (cache / "seconds.csv").exists() else 0
    row = evaluate([Point((*SMALL, *overrides), project, **other)], cache=cache).to_dict("records")[0]  # type: ignore[arg-type]
    assert not row["error"]
    after = (cache / "seconds.csv").read_text().splitlines()
    return len(after) > before, row


def key(*overrides: str, project: Path | None = None, stand_ins: tuple[Path, ...] = ()) -> str:
    return Settings(project).ask((*SMALL, *overrides), stand_ins).key


def test_the_key_is_of_the_configuration_and_not_of_how_it_is_said() -> None:
    keys = {key(), key("seed=1"), key("protocol.stake=11"), key("scenario.seat=2"), key("attack=lazy")}
    assert len(keys) == 5
    assert key("protocol.stake=10.0", "seed=0") == key("seed=0") == key()


def test_the_short_way_and_the_long_way_to_a_configuration_are_one() -> None:
    settings = [(*SMALL, "attack=lazy"), (*SMALL, "protocol.stake=${seed}"), ("protocol=federated",)]
    for setting in settings:
        many = Settings()
        for late in (("seed=3",), ("seed=4",), ("scenario.seat=1", "seed=5"), ()):
            asked = many.ask((*setting, *late))
            assert asked.config == compose((*setting, *late))
            assert asked.key == Settings().ask((*setting, *late)).key
    with pytest.raises(Misconfigured):
        many.ask((*settings[0], "seed=-1"))


def test_a_setting_is_composed_once_for_all_its_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = []
    hydras = Composer.compose
    monkeypatch.setattr(Composer, "compose", lambda self, said: (asked.append(tuple(said)), hydras(self, said))[1])
    monkeypatch.setattr(executor, "run", lambda *_, **__: 1 / 0)
    setting = (*SMALL, "protocol.reward=71")
    evaluate([Point((*setting, f"scenario.seat={seat}", f"seed={seed}")) for seed in range(3) for seat in range(2)])
    assert asked == [setting]


def test_prices_that_are_replayed_count_by_content(tmp_path: Path) -> None:
    def prices(name: str, eth: int) -> str:
        lines = [f"{compose().chain.genesis},{asset},{price}\n" for asset, price in (("ETH", eth), ("MDC", 1))]
        return f"prices.path={write(tmp_path / name, 'time,asset,price' + chr(10) + ''.join(lines))}"

    cache = tmp_path / "points"
    assert made(cache, "prices=replay", prices("a/x.csv", 2000))[0]
    assert not made(cache, "prices=replay", prices("a/x.csv", 2000))[0]
    assert not made(cache, "prices=replay", prices("b/y.csv", 2000))[0], "where a file lies does not matter"
    again, row = made(cache, "prices=replay", prices("a/x.csv", 9000))
    assert again
    assert row["full_hash"] == made(tmp_path / "fresh", "prices=replay", prices("a/x.csv", 9000))[1]["full_hash"]
    with pytest.raises(AssertionError, match="No such file"):
        made(cache, "prices=replay", f"prices.path={tmp_path / 'none.csv'}")


def test_demand_that_is_replayed_counts_by_content(tmp_path: Path) -> None:
    cache, path = tmp_path / "points", tmp_path / "shares.csv"
    rows = []
    for share in (0.1, 0.9, 0.1):
        write(path, f"share\n{share}\n")
        rows.append(made(cache, f"chain.replay={path}"))
    assert [again for again, _ in rows] == [True, True, False]
    assert rows[0][1]["chain_hash"] == rows[2][1]["chain_hash"] != rows[1][1]["chain_hash"]


def idx(root: Path, seed: int) -> None:
    """Write an MNIST of noise."""
    noise = Luck(seed)("noise").generator()
    root.mkdir(exist_ok=True)
    for images, classes in FILES:
        shape = b"".join(size.to_bytes(4) for size in (200, 8, 8))
        (root / images).write_bytes(b"\0\0\x08\x03" + shape + noise.bytes(200 * 64))
        labels = noise.integers(0, 10, 200, dtype=np.uint8)
        (root / classes).write_bytes(b"\0\0\x08\x01" + (200).to_bytes(4) + labels.tobytes())


def test_files_of_a_task_count_by_content_also_where_the_environment_names_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache, said = tmp_path / "points", ("task=mnist", "task.size=300", "task.scale=20", "task.epochs=1")
    idx(tmp_path / "mnist", 1)
    monkeypatch.setenv("SLASHPOINT_DATA", str(tmp_path))
    first = made(cache, *said)
    assert first[0]
    assert not made(cache, *said, f"task.root={tmp_path / 'mnist'}")[0], "the same files"
    idx(tmp_path / "mnist", 2)
    again, row = made(cache, *said)
    assert again
    assert row["full_hash"] != first[1]["full_hash"]
    MODELS.clear()
    alone = made(tmp_path / "fresh", *said)[1]["full_hash"]
    assert row["full_hash"] == alone, "models in memory were trained on what the files held before"


def test_any_module_of_a_project_counts_and_is_imported_anew(project: Path, tmp_path: Path) -> None:
    cache, found = tmp_path / "points", []
    for times in (1, 2, 1):
        write(project / "deep/er.py", f"TIMES = {times}\n")
        found.append(made(cache, "attack=boaster", project=project))
    assert [again for again, _ in found] == [True, True, False]
    assert found[0][1]["trace_hash"] == found[2][1]["trace_hash"] != found[1][1]["trace_hash"]
    assert not list(project.rglob("__pycache__")), "bytecode hides changes within a second"


def test_workers_import_what_is_there_now(project: Path, tmp_path: Path) -> None:
    points = [Point((*SMALL, "attack=boaster", f"seed={seed}"), project) for seed in range(3)]
    found = []
    for times in (1, 2):
        write(project / "deep/er.py", f"TIMES = {times}\n")
        found.append(evaluate(points, workers=2, cache=tmp_path / "points"))
        assert not any(found[-1]["error"])
    assert not set(found[0]["trace_hash"]) & set(found[1]["trace_hash"])


def test_a_file_that_code_reads_without_saying_so_counts(project: Path, tmp_path: Path) -> None:
    cache, found = tmp_path / "points", []
    table = tmp_path / "table.txt"
    for more in (0, 5, 0):
        write(table, str(more))
        found.append(made(cache, "attack=boaster", f"attack.boaster.table={table}", project=project))
    assert [again for again, _ in found] == [True, True, True]
    assert not made(cache, "attack=boaster", f"attack.boaster.table={table}", project=project)[0]
    assert found[0][1]["trace_hash"] == found[2][1]["trace_hash"] != found[1][1]["trace_hash"]


def test_a_file_that_an_attack_declares_counts_wherever_it_lies(project: Path, tmp_path: Path) -> None:
    attack = (project / "attacks/boaster.py").read_text()
    declares = '    @property\n    def reads(self):\n        return {"table": [Path(self.table)]}\n\n'
    (project / "attacks/boaster.py").write_text(attack.replace("    def claim", declares + "    def claim"))
    cache, found = tmp_path / "points", []
    for name, more in (("a", 0), ("b", 5), ("c", 0)):
        table = write(tmp_path / name / "table.txt", str(more))
        found.append(made(cache, "attack=boaster", f"attack.boaster.table={table}", project=project)[0])
    assert found == [True, True, False]


def test_a_file_that_was_read_once_and_kept_in_memory_counts_for_all_that_follow(project: Path, tmp_path: Path) -> None:
    write(project / "data/times.txt", "1")
    write(
        project / "deep/er.py",
        "from pathlib import Path\n\nTIMES = int((Path(__file__).parent.parent / 'data/times.txt').read_text())\n",
    )
    for seed in (1, 2):
        assert made(tmp_path / "points", "attack=boaster", f"seed={seed}", project=project)[0]
    write(project / "data/times.txt", "2")
    assert all(made(tmp_path / "points", "attack=boaster", f"seed={s}", project=project)[0] for s in (1, 2))


def test_what_decides_no_run_is_not_in_the_key(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = key("attack=boaster", project=project)
    write(project / ".venv/lib/x.py", "X = 1\n")
    write(project / "env/pyvenv.cfg", "")
    write(project / "env/lib/x.py", "X = 1\n")
    write(project / "runs/2026-01-01/one/provenance.json", "{}")
    write(project / "runs/2026-01-01/one/code/attacks/boaster.py", "X = 1\n")
    write(project / "notes.md", "")
    assert key("attack=boaster", project=project) == before
    moved = shutil.copytree(project, tmp_path / "elsewhere")
    assert key("attack=boaster", project=moved) == before
    write(project / "attacks/other.py", "X = 1\n")
    assert key("attack=boaster", project=project) != before

    installed = metadata.version
    before = key()
    monkeypatch.setattr(
        metadata, "version", lambda name: "99" if name in {"ruff", "rich", "pytest"} else installed(name)
    )
    assert key() == before
    monkeypatch.setattr(metadata, "version", lambda name: "99" if name == "numpy" else installed(name))
    assert key() != before
    monkeypatch.undo()
    monkeypatch.setattr(provenance, "processor", lambda: "another")
    assert key() != before


def test_versions_are_of_what_a_run_needs() -> None:
    assert {"python", "slashpoint", "numpy", "torch"} <= provenance.versions().keys()
    assert not {"ruff", "mypy", "pytest", "uv", "titanoboa"} & provenance.versions().keys()


def test_of_our_experiments_only_what_a_run_imports_is_in_the_key() -> None:
    found = {name.removeprefix("slashpoint.experiments.") for name in provenance.deciding()}
    assert {"setup.run", "setup.config", "setup.composer", "setup.catalogue"} <= found
    assert not {"gate.judge", "study.matrix", "study.sweep"} & found


def test_a_stand_in_counts_by_what_it_deploys(tmp_path: Path) -> None:
    build = json.loads((BUILD / "ModelMarket.json").read_text())
    one, two, three = (tmp_path / name for name in ("one.json", "two.json", "three.json"))
    one.write_text(json.dumps(build))
    two.write_text(json.dumps(build, indent=4))
    three.write_text(json.dumps({**build, "abi": build["abi"][1:]}))
    assert key() != key(stand_ins=(one,)) == key(stand_ins=(two,)) != key(stand_ins=(three,))


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: text[: len(text) // 2],
        lambda text: text.replace('"violations": 0', '"violations": 7'),
        lambda text: text.replace('"seed": 0', '"seed": "zero"'),
        lambda text: "null",
        lambda text: "[1]",
        lambda text: '{"row": {}}',
        lambda text: text.replace("{", "\0"),
        lambda text: json.dumps({**json.loads(text), "row": None}),
        lambda text: json.dumps({"sha256": "0", **{k: v for k, v in json.loads(text).items() if k != "sha256"}}),
    ],
)
def test_a_damaged_row_is_as_good_as_absent(tmp_path: Path, damage) -> None:
    _, row = made(tmp_path)
    (path,) = tmp_path.glob("*/*.json")
    whole = path.read_text()
    assert damage(whole) != whole
    path.write_text(damage(whole))
    again, same = made(tmp_path)
    assert again
    assert repr(same) == repr(row)
    assert path.read_text() == whole
    assert not made(tmp_path)[0]


def test_a_row_under_another_key_or_of_another_kind_is_absent(tmp_path: Path) -> None:
    kept = Kept(tmp_path, "ab" * 32)
    kept.write({"seed": 1, "error": "", "x": float("inf"), "y": float("nan"), "z": 1}, {}, {})
    row = kept.read({"seed": "", "error": ""}, None)
    assert row is not None
    assert (row["x"], row["z"], row["y"] != row["y"]) == (float("inf"), 1.0, True)
    assert kept.read({"seed": "", "error": "", "new": ""}, None) is None
    other = Kept(tmp_path, "cd" * 32)
    other.path.parent.mkdir()
    shutil.copy(kept.path, other.path)
    assert other.read({"seed": ""}, None) is None


def test_a_metric_that_is_infinite_is_kept(tmp_path: Path, project: Path) -> None:
    write(
        project / "metrics/endless.py",
        """
        from slashpoint.sim.metrics import metric


        @metric(unit="1", better="higher")
        def endless(run):
            "Without end."
            return float("inf")
        """,
    )
    assert [made(tmp_path / "points", project=project)[1]["endless"] for _ in range(2)] == [float("inf")] * 2


def test_a_project_that_is_imported_is_the_one_that_is_there(project: Path) -> None:
    assert catalogue.load("attack", "boaster", project)().claim.__globals__["times"]() == 1
    write(project / "deep/er.py", "TIMES = 3\n")
    Settings(project)
    assert catalogue.load("attack", "boaster", project)().claim.__globals__["times"]() == 3
