"""On a terminal of eighty columns no word of any table is broken: what is printed there has the words of a wide one."""

from __future__ import annotations

from pathlib import Path

import pytest

from slashpoint.experiments.cli import main

TINY = ["scenario=small", "scenario.jobs=1"]
SUITE = (
    "seeds: 2\nbase: [scenario=small, scenario.jobs=1]\nscenarios:\n  somebody who claims far too much, as one does:\n"
    "    overrides: [attack=overclaim]\n    expect: [{metric: gain, at_most: 1000}]\n"
)
LINES = {
    "run": ["run", *TINY, "attack=overclaim"],
    "run of a protocol with long names": ["run", *TINY, "protocol=federated"],
    "explain": ["explain", "last"],
    "sweep": ["sweep", *TINY, "attack=overclaim", "protocol.stake=1,20", "seed=0"],
    "matrix": ["matrix", "lazy", "vote_copier", "--seeds-cap", "2", "scenario.jobs=1"],
    "gate": ["gate", "suite.yaml"],
    "mutants": ["mutants", "IdAgain", "--suite", "suite.yaml"],
    "bench": ["bench", "--list"],
    "list": ["list", "attacks"],
    "overview": ["--help"],
}


@pytest.mark.parametrize("verb", LINES)
def test_no_word_is_broken_at_eighty_columns(
    verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "suite.yaml").write_text(SUITE)
    if verb == "explain":
        main(LINES["run"])
        capsys.readouterr()
    words = []
    for columns in (400, 80):
        monkeypatch.setenv("COLUMNS", str(columns))
        assert main(LINES[verb]) in {0, 1, 4}
        words.append({word for word in capsys.readouterr().out.split() if not word.startswith(("─", "runs/"))})
    wide, narrow = words
    assert narrow - wide == set()
