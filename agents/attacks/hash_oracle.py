"""Hash oracle: guesses at the labels until their commitment says yes."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from itertools import combinations, islice, product
from typing import TYPE_CHECKING, Annotated, ClassVar

from slashpoint.agents.conduct import Conduct
from slashpoint.sim.domain import Within
from slashpoint.sim.market import Work

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from slashpoint.agents.conduct import Answered
    from slashpoint.agents.me import Me
    from slashpoint.sim.market import Job


@dataclass
class HashOracle(Conduct):
    """Trains a few models, hashes the labels that they make likely, and hopes to hit what was committed.

    Source: ModelMarket's README (an unsalted hash of the labels is public). Exposed by: a salt; more test items. It
    does not try where the labels of all rows are in one commitment.
    """

    seats: ClassVar[dict[str, int]] = {"work": 1}

    models: Annotated[int, Within(1, 1000)] = 3  # that it trains
    guesses: Annotated[int, Within(0, 10**8)] = 50_000  # that it hashes

    def work(self, me: Me, job: Job) -> Answered[Work | None]:
        """Hand in what the models say together, or what the commitment confirms."""
        trained = []
        for i in range(self.models):
            model = yield me.trains(job, twist=f"guess {i}")
            trained.append(model)
        votes = [me.predicts(model, job) for model in trained]
        vectors, committed = likely(votes), job.market.unsalted_commitment(job)
        answer = next(vectors)
        if committed is not None:
            confirmed = (one for one in islice(vectors, self.guesses) if _hash(one) == committed)
            answer = answer if _hash(answer) == committed else next(confirmed, answer)
        return Work(model=trained[0], predictions=answer)


def likely(votes: Sequence[bytes], classes: int = 10) -> Iterator[bytes]:
    """Labels, the likely first: the majority's, then with one, two, … items changed, disputed ones before all.

    Args:
        votes: predictions of several models.
        classes: how many labels there are.
    """
    counts = [Counter(item).most_common() for item in zip(*votes)]
    base = bytearray(count[0][0] for count in counts)
    yield bytes(base)
    disputed = [i for i, count in enumerate(counts) if len(count) > 1]
    ways = {i: [label for label, _ in counts[i][1:]] for i in disputed}
    for size in range(1, len(disputed) + 1):
        yield from _changed(base, disputed, ways, size)
    everything = {i: [label for label in range(classes) if label != base[i]] for i in range(len(base))}
    for size in (1, 2):
        yield from _changed(base, range(len(base)), everything, size)


def _changed(base: bytearray, items: Sequence[int], ways: dict[int, list[int]], size: int) -> Iterator[bytes]:
    for chosen in combinations(items, size):
        for labels in product(*(ways[i] for i in chosen)):
            vector = bytearray(base)
            for i, label in zip(chosen, labels):
                vector[i] = label
            yield bytes(vector)


def _hash(labels: bytes) -> bytes:
    return hashlib.sha256(hashlib.sha256(labels).digest()).digest()
