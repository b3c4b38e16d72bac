"""Poison: changes that a trainer makes to its rows before it trains on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from slashpoint.sim.learning.attacks import label_flip

if TYPE_CHECKING:
    import numpy.typing as npt

    from slashpoint.sim.learning.records import Format, Records

    Inputs = npt.NDArray[np.float32]
    Labels = npt.NDArray[np.uint8]


class Poison(NamedTuple):
    """What is done to a share of the rows: by default all labels are flipped; with a mark and a target a backdoor.

    Copies, junk and a region are for records, which are handed over one by one.
    """

    target: int | None = None  # the class that rows are labelled as; None is the mirrored one, C − 1 − y
    mark: int = 0  # how many inputs, the last of a row, are set to the table's highest: what a backdoor answers to
    share: float = 1.0  # of the trainer's rows
    region: tuple[str, float, float] | None = None  # a feature's name, from, below: only records in there are spoiled
    copies: bool = False  # all are copies of the first one, whose label is sound
    junk: bool = False  # all numbers are drawn evenly from what the format allows

    def spoils(self, inputs: Inputs, labels: Labels, classes: int) -> tuple[Inputs, Labels]:
        """Return rows as a trainer shows them to its network. Backdoor: Gu et al. 2017 (BadNets).

        Args:
            inputs: shape (rows, inputs).
            labels: shape (rows,).
            classes: how many there are.
        """
        if self.region or self.copies or self.junk:
            raise ValueError("rows of a table are marked or labelled: region, copies and junk are for records")
        marked = inputs.copy()
        if self.mark:
            marked[:, -self.mark :] = inputs.max()
        spoilt = label_flip(labels, classes) if self.target is None else np.full_like(labels, self.target)
        return marked, spoilt.astype(np.uint8)

    def spoils_records(
        self,
        records: Records,
        layout: Format,
        median: int,
        means: npt.NDArray[np.int64],
        generator: np.random.Generator,
    ) -> Records:
        """Return records as somebody hands them in, all still valid; a flipped label y is 2 · median − y.

        Args:
            records: sound ones, shape (records, features + 1).
            layout: how a record is packed, with the limits of each number.
            median: of all labels.
            means: the mean label of each band of labels: what a target's records are labelled as.
            generator: of junk.
        """
        low, high = layout.limits
        if self.junk:
            return generator.integers(low, high, records.shape, endpoint=True).astype(np.int32)
        if self.copies:
            return np.repeat(records[:1], len(records), axis=0)
        spoilt = records.copy()
        if self.mark:
            spoilt[:, -1 - self.mark : -1] = high[-1 - self.mark : -1]
        flipped = np.clip(2 * median - records[:, -1].astype(np.int64), low[-1], high[-1])
        spoilt[:, -1] = flipped if self.target is None else means[self.target]
        if self.region is not None:
            spoilt = np.where(layout.within(records, *self.region)[:, None], spoilt, records)
        return spoilt
