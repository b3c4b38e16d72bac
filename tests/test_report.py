"""The report: one page that needs nothing else, and says what the ledger says."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

import slashpoint
from slashpoint.experiments.report.drawing import bars, lanes, steps
from slashpoint.experiments.report.page import _submitted

VOID = {"meta", "link", "br", "path", "rect"}


class Balanced(HTMLParser):
    """Fails where a tag is not closed."""

    def __init__(self):
        super().__init__()
        self.open, self.seen = [], set()

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert tag in VOID or self.open.pop() == tag


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    over = ["engine=pyevm", "scenario.jobs=1"]
    return slashpoint.simulate(
        scenario="small", attack="overclaim", seed=3, overrides=over, runs=tmp_path_factory.mktemp("r")
    )


def test_a_run_leaves_a_page_that_needs_no_network(made):
    text = (made.folder / "report.html").read_text()
    assert len(text) < 100_000
    assert not re.search(r"https?:|<script|@import|url\(", text)
    reader = Balanced()
    reader.feed(text)
    assert reader.open == []
    assert {"svg", "table"} <= reader.seen


def test_it_says_what_the_ledger_says(made):
    text = (made.folder / "report.html").read_text()
    assert "trainer/3 (overclaim)" in text
    assert re.search(r"<td>MDC</td><td>reward</td><td>ModelMarket</td><td>trainer</td><td>100</td>", text)
    for verb in ("posts", "submits", "reveals_truth", "claims", "reveals", "withdraws"):
        assert re.search(rf"<title>\w+/\d {verb} after", text), verb


def test_submissions_are_drawn_as_the_models_that_were_trained_for_them(made):
    drawn = _submitted(made.run, made.ledger["blocks"]["time_ns"].min())
    sent = made.ledger["transactions"].query("verb == 'submits' and status == 'success'")
    assert {who.split()[0]: len(points) for who, points in drawn.items()} == dict(sent["controller"].value_counts())
    right = made.ledger["models"].set_index("controller")["correct"]
    assert drawn["trainer/0"][0][1] == right["trainer/0"]  # of 100
    assert "Submissions over time" in (made.folder / "report.html").read_text()


def test_drawings_know_nothing_from_something_and_escape():
    assert steps({"a": []}, "USD") == lanes([]) == bars({}, "%") == "<p>Nothing happened.</p>"
    assert "<b>" not in steps({"<b>": [(0, 0), (1, -2)]}, "USD") + bars({"<b>": -1}, "%") + lanes(
        [("<b>", 0, "x", True)]
    )
    assert bars({"a": 2, "b": 4}, "%").count("<rect") == 2
    assert 'fill-opacity="0.1"' in lanes([("a", 1, "reveals", False)])
