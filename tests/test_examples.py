"""Every example prints what is written beside it."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.py"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_prints_what_it_printed(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """They learn from a surrogate, so on every machine."""
    runpy.run_path(str(path), run_name="__main__")
    assert capsys.readouterr().out == path.with_suffix(".out").read_text(encoding="utf-8")
