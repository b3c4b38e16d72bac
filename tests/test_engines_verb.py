"""`slashpoint engines`: a conforming engine passes, a broken one does not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from slashpoint.experiments.bench import engines
from slashpoint.experiments.cli import main
from slashpoint.sim.engine import make_engine
from slashpoint.sim.engine.pyevm import PyEvm


class Generous(PyEvm):
    """Counts one gas less."""

    def run_block(self, *given: Any) -> Any:
        result = super().run_block(*given)
        result.gas[result.gas > 0] -= 1
        return result


def test_it_tells_a_broken_engine(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(engines, "ENGINES", ("auto", "pyevm"))
    assert main(["engines", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["conforms"] == "yes"

    def make(name: str, fork: str) -> Any:
        return Generous(fork) if name == "generous" else make_engine(name, fork)

    monkeypatch.setattr(engines, "ENGINES", ("auto", "pyevm", "generous"))
    monkeypatch.setattr(engines, "make_engine", make)
    assert main(["engines", "--json"]) == 1
    fine, broken = json.loads(capsys.readouterr().out)
    assert fine["conforms"] == "yes"
    assert broken["conforms"].startswith("no:")
    assert broken["alike"] != fine["alike"]
