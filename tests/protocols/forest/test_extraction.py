"""What a user's copy of the communal model is worth, by how many answers it bought, in runs.

`SEEDS=5 pytest tests/protocols/forest/test_extraction.py -s -m slow` prints the table of the page.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
import pytest
from scipy.stats import t as student

import slashpoint
from slashpoint.protocols.forest.books import FULFILLED
from slashpoint.protocols.forest.exploits import model_extractor
from slashpoint.sim.learning.estimators import estimator
from slashpoint.sim.learning.growing import Growth

say = partial(print, flush=True)
SEEDS = int(os.environ.get("SEEDS", "2"))  # of the table
BOUGHT = (10, 30, 100)  # answers
MARKETS = {}  # the market of the latest run, for what the attacker has from it


class User(model_extractor.User):
    """The attacker, whose market is kept."""

    def use(self, me, job, served):
        MARKETS["last"] = self.market, me.address, job
        yield from super().use(me, job, served)


def buying(answers):
    @dataclass
    class Extractor(model_extractor.ModelExtractor):
        """The extractor."""

        script: ClassVar[type | None] = User

        questions: int = answers

    return Extractor


def extracted(questions, seed):
    """Fidelity in bands and numbers of a copy from the answers that a run's attacker had, and what they cost, USD."""
    said = ["scenario.jobs=1", "protocol.epochs=1", "protocol.serve_window=1500"]
    result = slashpoint.simulate("forest", buying(questions), "small", seed, said)
    market, who, job = MARKETS["last"]
    book, task = market.books[job.id], market.task
    mine = [one for one in book.requests.values() if one.user == who and one.phase == FULFILLED]
    assert len(mine) == questions
    rows = [np.frombuffer(market.reads(one.input, who), ">i4") for one in mine]
    known = np.column_stack([np.array(rows), [one.value for one in mine]]).astype(np.int32)
    learner = estimator("forest", task.format, task.edges, Growth(100, 0, 5))
    asked = market.questions(job)
    copy = learner.predict(learner.fit(known, b"c" * 32), asked)
    model = task.answer(market.world.store.get(book.cid), asked)
    off = np.sqrt(np.mean(((copy - model) / 10_000) ** 2))
    return (task.band(copy) == task.band(model)).mean(), off, -result.metric("attacker_profit")


def test_a_copy_agrees_with_the_model_by_the_answers_that_it_was_made_of_and_each_costs_its_fee():
    few, many = extracted(10, 0), extracted(60, 0)
    assert many[0] > max(few[0], 0.6)
    assert many[2] - few[2] > 50 * 2  # USD: the fee is 2 MDC, and there is gas


@pytest.mark.slow
def test_print_fidelity_by_answers_and_what_they_cost():
    for questions in BOUGHT:
        found = np.array([extracted(questions, seed) for seed in range(SEEDS)])
        halves = student.ppf(0.975, SEEDS - 1) * found.std(0, ddof=1) / SEEDS**0.5
        cells = [f"{mean:.2f} ± {half:.2f}" for mean, half in zip(found.mean(0), halves, strict=True)]
        say(f"\n| {questions} | {' | '.join(cells)} |")
        assert found[:, 0].mean() > 0.5
