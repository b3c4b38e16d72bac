"""Books: what the events of one communal model say of it, kept up to date as they come."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from slashpoint.sim.market import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slashpoint.protocols.forest.market import CommunalForest
    from slashpoint.sim.facts import Fact
    from slashpoint.sim.market import Job

COLLECT, TRAIN, REVEAL, SERVE, CLOSED = range(1, 6)  # the contract's states
REQUESTED, ANSWERED, CHALLENGED, FULFILLED, OVERTURNED, REFUNDED = range(1, 7)  # the phases of a request
SCALE = 1000  # of judgements on packets: half of it is a packet that changes nothing


@dataclass
class Packet:
    """Records that were handed in together."""

    owner: bytes
    leaf: bytes  # SHA-256 of them, or of their ciphertext
    rows: int
    epoch: int
    stands: bool = True  # neither rejected nor forgotten
    mark: int = 0  # its weight in dividends; 0 before it is in a model
    included: bool = False
    forgotten: bool = False


@dataclass
class Request:
    """A question to the model."""

    user: bytes
    input: bytes  # CID of the features
    due: float  # Unix seconds
    epoch: int
    phase: int = REQUESTED
    value: int = 0
    answers: dict[bytes, int] = field(default_factory=dict)  # by worker

    def ripe(self, crew: int) -> bool:
        """Return whether all have answered, so that nobody need wait any longer."""
        return self.phase in {REQUESTED, CHALLENGED} and len(self.answers) == crew


@dataclass
class Book:
    """One model."""

    state: int = COLLECT
    epoch: int = 0
    due: float = 0.0  # Unix seconds: the end of the state's window
    crew: dict[bytes, None] = field(default_factory=dict)  # workers, in the order in which they enlisted
    packets: list[Packet] = field(default_factory=list)
    swapped: bytes | None = None  # the CID of what somebody put in the place of the packets
    algorithm: bytes = b""  # in force
    committed: int = 0  # reports of this epoch
    reported: int = 0
    cid: bytes = bytes(32)  # of the model that is served
    dataset: bytes = bytes(32)  # root of the last training's
    nodes_gas: int = 0  # what walking its trees takes, at most
    uploaded: dict[bytes, None] = field(default_factory=dict)  # leaves of chunks
    ready: bool = False  # whether all chunks are there
    requests: dict[int, Request] = field(default_factory=dict)
    open: dict[int, None] = field(default_factory=dict)  # requests that are not over

    @property
    def standing(self) -> Iterator[int]:
        """The numbers of the packets that count."""
        return (number for number, packet in enumerate(self.packets) if packet.stands)

    def pending(self) -> int | None:
        """Return the open request that is over first, if there is one."""
        return min(
            self.open, key=lambda number: (not self.requests[number].ripe(len(self.crew)), self.requests[number].due),
            default=None,
        )  # fmt: skip

    def subjects(self, market: CommunalForest, job: Job) -> list[Subject]:
        """Return this epoch's packets as whoever reads them has them.

        Args:
            market: where they are.
            job: as the epoch has it.
        """
        return [
            Subject(("packet", number), packet.owner, market.packet(job, number), None, SCALE)
            for number, packet in enumerate(self.packets)
            if packet.epoch == job.round and packet.stands
        ]


def follow(book: Book, fact: Fact) -> None:
    """Write down what an event says.

    Args:
        book: the model's.
        fact: the event.
    """
    write = _WRITERS.get(fact.event)
    if write is not None:
        write(book, fact)


def _created(book: Book, fact: Fact) -> None:
    book.due, book.algorithm = float(fact.due), fact.algorithm


def _enlisted(book: Book, fact: Fact) -> None:
    book.crew[fact.worker] = None


def _submitted(book: Book, fact: Fact) -> None:
    book.packets.append(Packet(fact.owner, fact.leaf, fact.rows, book.epoch))


def _included(book: Book, fact: Fact) -> None:
    packet = book.packets[fact.packet]
    packet.included, packet.mark = True, fact.mark


def _rejected(book: Book, fact: Fact) -> None:
    book.packets[fact.packet].stands = False


def _forgotten(book: Book, fact: Fact) -> None:
    packet = book.packets[fact.packet]
    packet.stands, packet.forgotten = False, True


def _algorithm(book: Book, fact: Fact) -> None:
    book.algorithm = fact.algorithm


def _training(book: Book, fact: Fact) -> None:
    book.state, book.due, book.dataset = TRAIN, float(fact.due), fact.dataset
    book.committed = book.reported = 0


def _committed(book: Book, _: Fact) -> None:
    book.committed += 1


def _revealing(book: Book, fact: Fact) -> None:
    book.state, book.due = REVEAL, float(fact.due)


def _reported(book: Book, _: Fact) -> None:
    book.reported += 1


def _retrained(book: Book, _: Fact) -> None:
    book.uploaded.clear()
    book.ready = False


def _serving(book: Book, fact: Fact) -> None:
    book.state, book.due, book.cid = SERVE, float(fact.due), fact.cid


def _uploaded(book: Book, fact: Fact) -> None:
    book.uploaded[fact.leaf] = None
    book.ready = fact.left == 0


def _epoch(book: Book, fact: Fact) -> None:
    book.state, book.epoch, book.due = COLLECT, fact.epoch, float(fact.due)


def _closed(book: Book, _: Fact) -> None:
    book.state = CLOSED


def _requested(book: Book, fact: Fact) -> None:
    request = fact.args["request"]
    book.requests[request] = Request(fact.user, fact.input, float(fact.due), fact.epoch)
    book.open[request] = None


def _answered(book: Book, fact: Fact) -> None:
    book.requests[fact.request].answers[fact.worker] = fact.value


def _ready(book: Book, fact: Fact) -> None:
    if fact.request in book.requests:  # else it was asked on chain, and is over
        one = book.requests[fact.request]
        one.phase, one.value, one.due = ANSWERED, fact.value, float(fact.due)


def _challenged(book: Book, fact: Fact) -> None:
    one = book.requests[fact.request]
    one.phase, one.due = CHALLENGED, float(fact.due)


def _settled(book: Book, fact: Fact) -> None:
    one = book.requests[fact.request]
    one.phase, one.value = fact.phase, fact.value
    book.open.pop(fact.request, None)


_WRITERS = {
    "ModelCreated": _created, "Enlisted": _enlisted, "DataSubmitted": _submitted, "DataIncluded": _included,
    "DataRejected": _rejected, "Forgotten": _forgotten, "AlgorithmUpdated": _algorithm, "TrainingDue": _training,
    "ReportCommitted": _committed, "AllCommitted": _revealing, "Reported": _reported, "ModelRetrained": _retrained,
    "Serving": _serving, "TreesUploaded": _uploaded, "EpochBegan": _epoch, "ModelClosed": _closed,
    "PredictionRequested": _requested, "Answered": _answered, "PredictionReady": _ready, "Challenged": _challenged,
    "PredictionSettled": _settled,
}  # fmt: skip
