"""Reports: what a worker says of an epoch, and how it measures what people handed in.

All of it is arithmetic on public data and the block's randomness, so that honest workers say the same, to the byte.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from slashpoint.protocols.forest import trees
from slashpoint.protocols.forest.books import SCALE
from slashpoint.protocols.forest.terms import AUTOENCODER, FLAT, KNN, LEAVE_ONE_OUT, LOO, NONE, SHAPLEY
from slashpoint.sim.learning import Order, contribution, forests
from slashpoint.sim.market.tree import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from slashpoint.protocols.forest.market import CommunalForest
    from slashpoint.sim.learning import Problem
    from slashpoint.sim.market import Job, Subject

    Table = npt.NDArray[np.int64]  # records, shape (records, features + 1)

NEIGHBOURS = 5
STRANGE_LABEL = 1.0  # standard deviations between a label and its neighbours' mean: further is strange
STRANGE_ROW = 99.0  # percentile of an autoencoder's error: above is strange
HEAVIEST = 255  # of a mark


@dataclass(frozen=True)
class Report:
    """The model of an epoch, and what each packet in its dataset is worth."""

    cid: bytes  # of the model
    root: bytes  # Merkle root over the chunks of its trees; the CID for what has none
    chunks: int
    marks: bytes  # one byte a standing packet: its weight in dividends; 0 rejects it

    @property
    def words(self) -> tuple[bytes, bytes, int, bytes]:
        """The contract's struct."""
        return self.cid, self.root, self.chunks, self.marks

    @property
    def digest(self) -> bytes:
        """SHA-256 of the report as the contract packs it, 32 bytes."""
        padded = self.marks.ljust(-(-len(self.marks) // 32) * 32, b"\0")
        return hashlib.sha256(words(self.cid, self.root, self.chunks, 128, len(self.marks)) + padded).digest()


def report(model: bytes, marks: bytes) -> Report:
    """Return the report on a model.

    Args:
        model: its bytes.
        marks: one byte a standing packet.
    """
    cid, forest = hashlib.sha256(model).digest(), forests.decode(model)
    if forest is None:
        return Report(cid, cid, 0, marks)
    pieces = trees.chunks(forest)
    return Report(cid, trees.merkle(pieces).root, len(pieces), marks)


# --- worth --------------------------------------------------------------------------------------------------------


def measured(market: CommunalForest, subject: Subject, job: Job) -> int:
    """Return how good something is: see `CommunalForest.measure`.

    Args:
        market: where it is.
        subject: a packet, an answer, or a model.
        job: as the round has it.
    """
    what, number = subject.id if isinstance(subject.id, tuple) else (None, 0)
    if what == "packet":
        return worth(market, job, number)
    if what == "request":
        return subject.scale if market.answer(job, number) == subject.claimed else 0
    return 0 if subject.model is None else market.world.training_cache.score(subject.model, job.task)


def worth(market: CommunalForest, job: Job, number: int) -> int:
    """Return what the filter of the rules makes of a packet: SCALE is the best, half of it changes nothing.

    Args:
        market: where it is.
        job: as the training has it.
        number: the packet's.
    """
    terms = market.terms
    if terms.filter == LOO:
        return round(SCALE / 2 * (1 + float(np.clip(influence(market, job, number), -1, 1))))
    rows = valid(market, job, number)
    strange = {KNN: strange_labels, AUTOENCODER: strange_rows}.get(terms.filter)
    if not len(rows):
        return 0
    return SCALE if strange is None else round(SCALE * (1 - strange(rows, holdout(market, job))))


def valid(market: CommunalForest, job: Job, number: int) -> Table:
    """Return the records of a packet that are within the format's limits, shape (records, features + 1).

    Args:
        market: where it is.
        job: as the training has it.
        number: the packet's.
    """
    layout = market.task.format
    rows = layout.unpack(market.packet(job, number))
    assert rows is not None  # whole records only
    found: Table = rows[layout.valid(rows)].astype(np.int64)
    return found


def bar(market: CommunalForest) -> float:
    """Return what a packet must be worth to be included."""
    terms = market.terms
    return SCALE / 2 * (1 - terms.tau) if terms.filter == LOO else SCALE * (1 - terms.strangeness)


def holdout(market: CommunalForest, job: Job) -> Table:
    """Return the records that the steward published to measure by, shape (holdout, features + 1)."""
    published = replace(job.task, train=job.task.train[: market.terms.holdout], records=None, seed=b"holdout")
    found: Table = market.task.given(Order("", published), market.world.luck()).astype(np.int64)
    return found


def influence(market: CommunalForest, job: Job, number: int) -> float:
    """Return by how much the hold-out's error falls because of a packet, as a share of it: leave one out.

    Args:
        market: where it is.
        job: as the training has it.
        number: the packet's.
    """
    held = holdout(market, job)
    everything, without = _error(market, job.task, held), _error(market, lacking(market, job, number), held)
    return (without - everything) / everything if everything else 0.0


def lacking(market: CommunalForest, job: Job, number: int) -> Problem:
    """Return the problem of a training without one packet.

    Args:
        market: where it is.
        job: as the training has it.
        number: the packet's.
    """
    rows = market.rows(job, (one for one in market.books[job.id].standing if one != number))
    key = hashlib.sha256(job.task.key.encode() + number.to_bytes(8, "big")).hexdigest()[:16]
    return replace(job.task, key=key, records=rows)


def _error(market: CommunalForest, problem: Problem, held: Table) -> float:
    """Root of the mean squared error, on some records, of what the rules measure influence with."""
    judge = replace(problem, algorithm=market.terms.audit_model)
    model = market.world.training_cache.model(Order("", judge))
    answers = market.task.answer(model, held[:, :-1])
    return float(np.sqrt(np.mean((answers - held[:, -1]).astype(np.float64) ** 2)))


def strange_labels(rows: Table, held: Table) -> float:
    """Return the share of records whose label is far from those of their nearest neighbours in the hold-out.

    Args:
        rows: shape (records, features + 1).
        held: records that are known to be sound, shape (holdout, features + 1).
    """
    inputs, known = _scaled(rows, held)
    nearest = np.argsort(((inputs[:, None] - known[None]) ** 2).sum(-1), axis=1, kind="stable")[:, :NEIGHBOURS]
    off = np.abs(rows[:, -1] - held[:, -1][nearest].mean(1))
    return float((off > STRANGE_LABEL * held[:, -1].std()).mean())


def strange_rows(rows: Table, held: Table) -> float:
    """Return the share of records that an autoencoder fitted to the hold-out cannot reconstruct.

    Args:
        rows: shape (records, features + 1).
        held: records that are known to be sound, shape (holdout, features + 1).
    """
    return float((_autoencoder(held.tobytes(), held.shape).percentile(rows.astype(np.float64)) > STRANGE_ROW).mean())


@lru_cache(maxsize=32)
def _autoencoder(held: bytes, shape: tuple[int, int]) -> Any:
    from slashpoint.sim.learning.novelty import Novelty

    return Novelty.fit(np.frombuffer(held, np.int64).reshape(shape).astype(np.float64), "holdout")


def _scaled(rows: Table, held: Table) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    mean, spread = held[:, :-1].mean(0), held[:, :-1].std(0)
    spread[spread == 0] = 1
    return (rows[:, :-1] - mean) / spread, (held[:, :-1] - mean) / spread


# --- marks --------------------------------------------------------------------------------------------------------


def marks(market: CommunalForest, job: Job, packets: Sequence[int], worths: Sequence[int | None]) -> bytes:
    """Return the marks of some packets: 0 where the worth is below the bar, else the weight in dividends.

    Args:
        market: where they are.
        job: as the training has it.
        packets: their numbers.
        worths: as they were judged; None passes.
    """
    least = bar(market)
    passed = [worth is None or worth >= least for worth in worths]
    shares = _shares(market, job, packets, worths)
    most = max((share for share, ok in zip(shares, passed) if ok), default=0.0)
    weights = (1 + round((HEAVIEST - 1) * max(0.0, share) / most) if most > 0 else 1 for share in shares)
    return bytes(weight * ok for weight, ok in zip(weights, passed))


def _shares(market: CommunalForest, job: Job, packets: Sequence[int], worths: Sequence[int | None]) -> Sequence[float]:
    """Return what each packet has deserved by the rules, in any unit."""
    kind = market.terms.dividend
    if kind in {NONE, FLAT}:
        return [1.0] * len(packets)
    if kind == LEAVE_ONE_OUT:
        return [0.0 if worth is None else worth - SCALE / 2 for worth in worths]
    assert kind == SHAPLEY
    return neighbourly(market, job, packets)


def neighbourly(market: CommunalForest, job: Job, packets: Sequence[int]) -> list[float]:
    """Return the sum of Shapley's values of each packet's records, for a nearest-neighbours vote (Jia et al. 2019).

    Args:
        market: where they are.
        job: as the training has it.
        packets: their numbers.
    """
    task, held = market.task, holdout(market, job)
    parts = [valid(market, job, one) for one in packets]
    rows = np.concatenate([*parts, held[:0]])
    if not len(rows):
        return [0.0] * len(parts)
    points, asked = _scaled(rows, held)
    labels, truth = task.band(rows[:, -1]), task.band(held[:, -1])
    values = contribution.knn_shapley(points, labels, asked, truth, NEIGHBOURS)
    return [float(one.sum()) for one in np.split(values, np.cumsum([len(part) for part in parts])[:-1])]
