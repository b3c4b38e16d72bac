"""The executor: rows that do not depend on workers, are written once, and tell of failures."""

from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from slashpoint.experiments.setup import run
from slashpoint.experiments.study import executor
from slashpoint.experiments.study.executor import COLUMNS, Point, column, evaluate
from slashpoint.sim.world import frozen_garbage

if TYPE_CHECKING:
    from pathlib import Path

SMALL = ("scenario=small", "scenario.jobs=1", "engine=pyevm")


class Tangle(list):
    """Something that can be seen to go."""


def points(*seeds: int, attack: str = "") -> list[Point]:
    return [Point((*SMALL, f"attack=[{attack}]", f"seed={seed}"), labels={"attack": attack}) for seed in seeds]


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("points")


@pytest.fixture(scope="module")
def rows(cache: Path) -> pd.DataFrame:
    return evaluate([*points(1, 0, 1), *points(1, attack="overclaim")], cache=cache)


def test_rows_are_in_the_order_of_the_points_with_their_labels(rows):
    assert list(rows["seed"]) == [1, 0, 1, 1]
    assert list(rows["attack"]) == ["", "", "", "overclaim"]
    assert set(COLUMNS) <= set(rows)
    assert rows["full_hash"][0] == rows["full_hash"][2] != rows["full_hash"][1]


def test_cheats_and_their_lies_are_told(rows):
    assert list(rows["attackers"]) == ["", "", "", "trainer/1"]
    assert list(rows["overridden"]) == [0, 0, 0, 1]
    assert rows["trace_hash"][3] != rows["trace_hash"][0]
    assert rows[column("profit", "trainer/1")].notna().all()


def test_two_workers_find_the_same(rows):
    again = evaluate([*points(1, 0, 1), *points(1, attack="overclaim")], workers=2)
    assert list(again["full_hash"]) == list(rows["full_hash"])
    pd.testing.assert_frame_equal(again, rows)


def test_finished_points_are_not_run_again(rows, cache, monkeypatch):
    monkeypatch.setattr(executor, "run", lambda *_, **__: pytest.fail("it was run again"))
    pd.testing.assert_frame_equal(
        evaluate([*points(1, 0), *points(1, attack="overclaim")], cache=cache),
        rows.iloc[[0, 1, 3]].reset_index(drop=True),
    )
    assert len((cache / "seconds.csv").read_text().splitlines()) == 3  # three runs were made for four points


def test_a_failure_is_a_row_and_is_tried_again(tmp_path, monkeypatch):
    told: list[tuple[int, int]] = []
    with monkeypatch.context() as broken:
        broken.setattr(executor, "run", lambda *_, **__: 1 / 0)
        rows = evaluate(points(5), cache=tmp_path, progress=lambda *done: told.append(done))
    assert "ZeroDivisionError" in rows["error"][0]
    assert told == [(1, 1)]
    assert not evaluate(points(5), cache=tmp_path)["error"][0]


def test_what_cannot_be_configured_is_a_row():
    rows = evaluate([Point(("protocol.stake=-1",), labels={"seed": 7})])
    assert "cannot be negative" in rows["error"][0]
    assert rows["seed"][0] == 7


@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_that_is_asked_for_in_two_ways_is_made_once(tmp_path, workers):
    same = [*SMALL, "seed=3", "scenario.absent=[]", "attack=[]"]
    told: list[tuple[int, int]] = []
    rows = evaluate(
        [Point(tuple(same)), Point(tuple(same[:-2])), *points(4)],
        workers=workers,
        cache=tmp_path,
        progress=lambda *done: told.append(done),
    )
    assert len((tmp_path / "seconds.csv").read_text().splitlines()) == 2
    assert rows["key"].nunique() == 2
    assert rows["full_hash"][0] == rows["full_hash"][1]
    assert told[-1] == (3, 3)


def test_worlds_of_earlier_runs_are_collected_once_they_are_as_much_as_all_else(monkeypatch) -> None:
    """Python alone never does it, for what was frozen counts as old: each process of a matrix grew by gigabytes."""
    monkeypatch.setattr(run, "_left", len(gc.get_objects()))

    def world(size: int) -> weakref.ref[Tangle]:
        with frozen_garbage():
            tangle = Tangle([] for _ in range(size))
            tangle.append(tangle)
            return weakref.ref(tangle)

    small = world(1000)
    run._collect()
    assert small() is not None
    large = world(2 * run._left)
    run._collect()
    assert (small(), large()) == (None, None)
