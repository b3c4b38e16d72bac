"""Pollution: what happens to a communal model whose data anybody may add to, with each poison and each defence.

Everything here is one experiment, repeated by seed. The 442 records of `diabetes` are dealt to a hold-out that the
operator has checked (its filters learn from it), a test that nobody sees, and equally many to each contributor. Some
contributors poison all they hand in; a defence decides which records a forest is grown from; the forest's error is
measured on the test. `tests/test_pollution.py` prints the tables in docs/learning.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, cached_property
from time import process_time
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from slashpoint.sim.learning import filters
from slashpoint.sim.learning.diabetes import FORMAT, Diabetes, data, errors
from slashpoint.sim.learning.estimators import estimator
from slashpoint.sim.learning.growing import Growth, forget, grow
from slashpoint.sim.learning.poison import Poison
from slashpoint.sim.luck import Luck

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from slashpoint.sim.learning.estimators import Estimator
    from slashpoint.sim.learning.records import Records

HELD, TESTED, CONTRIBUTORS = 62, 80, 20  # records held out and tested on; 15 are left for each contributor
GROWTH = Growth(trees=30, leaf=5)
TOLERANCE = 0.003  # of the variance of labels: so much harm goes unpunished, or chance would punish many
POISONS = {
    "labels": Poison(),  # every label is mirrored
    "region": Poison(region=("bmi", 27, 100)),  # only those of heavy patients
    "backdoor": Poison(target=0, mark=2),  # two values of the blood at their limits mean little progression
    "duplicates": Poison(copies=True),  # one record again and again
    "garbage": Poison(junk=True),  # anything that the format allows
}


@dataclass(frozen=True)
class Community:
    """Contributors, some of whom poison, and an operator with a hold-out."""

    seed: int
    share: float = 0.0  # of the contributors who poison
    poison: str = "labels"
    task: Diabetes = field(default_factory=Diabetes)

    @property
    def luck(self) -> Luck:
        """Return the experiment's luck: the same contributors hold the same whoever of them poisons."""
        return Luck("pollution", self.seed)

    @cached_property
    def dealt(self) -> tuple[Records, Records, Records]:
        """The hold-out, the test, and all contributors' own records, one contributor after another."""
        rows = self.luck("deal").generator().permutation(data())
        own = len(rows) - HELD - TESTED
        return rows[:HELD], rows[HELD : HELD + TESTED], rows[HELD + TESTED :][: own - own % CONTRIBUTORS]

    @cached_property
    def owners(self) -> npt.NDArray[np.intp]:
        """The contributor of each record."""
        return np.repeat(np.arange(CONTRIBUTORS), len(self.dealt[2]) // CONTRIBUTORS)

    @cached_property
    def records(self) -> Records:
        """What the contributors hand in."""
        parts = np.split(self.dealt[2], CONTRIBUTORS)
        false = round(self.share * CONTRIBUTORS)
        spoilt = [self.task.spoilt(part, POISONS[self.poison], self.luck("junk", i)) for i, part in enumerate(parts)]
        return np.concatenate(spoilt[:false] + parts[false:])

    def outcome(self, kept: npt.NDArray[np.bool_]) -> Outcome:
        """Return how good the forest of some records is, and who of the contributors' records is among them.

        Args:
            kept: by a defence, shape (records,).
        """
        test, backdoor = self.dealt[1], POISONS["backdoor"]
        forest = grow(self.records[kept], self.luck("forest").bytes(32), GROWTH)
        upper = test[self.task.band(test[:, -1]) != backdoor.target]
        marked = self.task.spoilt(upper, backdoor, Luck())[:, :-1]
        false = self.owners < round(self.share * CONTRIBUTORS)
        return Outcome(
            errors(forest.predict(test[:, :-1]), test[:, -1]).rmse,
            float((self.task.band(forest.predict(marked)) == backdoor.target).mean()),
            float(kept[false].mean()) if false.any() else 0.0,
            float(kept[~false].mean()),
        )


class Outcome(NamedTuple):
    """What a defence led to."""

    rmse: float  # of the forest on the test
    fooled: float  # share of the test's upper band that the backdoor's mark moves to the lower one
    false: float  # share of the poisoners' records that were kept
    sound: float  # share of the others' records that were kept


def defences() -> dict[str, Callable[[Community], npt.NDArray[np.bool_]]]:
    """Return the defences by name: each tells which records of a community are kept."""
    return {
        "none": lambda one: np.ones(len(one.records), bool),
        "kNN labels": lambda one: filters.near_labels(one.records),
        "LOF": lambda one: filters.local_outliers(one.records),
        "autoencoder": _familiar,
        "leave one out": lambda one: influential(one, estimator("ridge", FORMAT, ())),
        "Shapley": lambda one: filters.shapley(one.records, one.dealt[0]) >= 0,
        "distinct": lambda one: filters.distinct(one.records),
    }


def _familiar(one: Community) -> npt.NDArray[np.bool_]:
    return filters.familiar(one.records, one.dealt[0], lambda _: _novelty(one.seed))


@cache
def _novelty(seed: int) -> filters.Scorer:
    """Return an autoencoder of a hold-out, which many experiments with the same seed share."""
    from slashpoint.sim.learning.novelty import Novelty

    held = Community(seed).dealt[0]
    return Novelty.fit(filters.spreads(held, held), seed)


def influential(one: Community, judge: Estimator, tolerance: float = TOLERANCE) -> npt.NDArray[np.bool_]:
    """Keep the records of contributors without whom the error on the hold-out would hardly fall.

    Args:
        one: the community.
        judge: learns the model that influence is measured with, which need not be the communal one.
        tolerance: by how much it may fall, in variances of the hold-out's labels.
    """
    seed = one.luck("judge").bytes(32)

    def fit(some: Records) -> Callable[[npt.NDArray[np.integer[Any]]], npt.NDArray[Any]]:
        model = judge.fit(some, seed)
        return lambda rows: answered if (answered := judge.predict(model, rows)) is not None else np.zeros(len(rows))

    held = one.dealt[0]
    worth = filters.influence(one.records, one.owners, held, fit)
    kept: npt.NDArray[np.bool_] = worth[one.owners] >= -tolerance * held[:, -1].astype(np.float64).var()
    return kept


class Biased(NamedTuple):
    """Root mean squared errors of a forest on patients of two kinds."""

    inside: float  # on those of whose kind all contributors are
    outside: float  # on the others


def biased(seed: int, feature: str, low: float, high: float) -> tuple[Biased, Biased]:
    """Return the errors of a forest whose contributors are all of one kind, and of a fair sample of as many.

    Args:
        seed: of the experiment.
        feature: that tells the kind.
        low: its least value of the kind, in its own unit.
        high: its least value beyond the kind.
    """
    _, test, pool = Community(seed).dealt
    chosen = pool[FORMAT.within(pool, feature, low, high)]
    fair = Luck("biased", seed).generator().permutation(pool)[: len(chosen)]
    inside = FORMAT.within(test, feature, low, high)
    found = []
    for records in (chosen, fair):
        forest = grow(records, Luck("forest", seed).bytes(32), GROWTH)
        parts = (errors(forest.predict(some[:, :-1]), some[:, -1]).rmse for some in (test[inside], test[~inside]))
        found.append(Biased(*parts))
    return found[0], found[1]


class Cost(NamedTuple):
    """What it takes that one record is forgotten."""

    trees: float  # grown again
    seconds: float  # of processor time that this took
    anew: float  # the same for growing the whole forest


def forgetting(trees: int, leaf: int = GROWTH.leaf, repeats: int = 5) -> Cost:
    """Return the cost of forgetting one of 342 records, the mean over some of them.

    Args:
        trees: of the forest.
        leaf: records in a leaf, at least.
        repeats: records that are forgotten, each from the whole forest.
    """
    records, growth = data()[:342], Growth(trees=trees, leaf=leaf)
    began = process_time()
    forest = grow(records, b"", growth)
    anew, new = process_time() - began, 0
    began = process_time()
    for one in range(repeats):
        new += forget(forest, records, [one * 37], b"", growth)[1]
    return Cost(new / repeats, (process_time() - began) / repeats, anew)
