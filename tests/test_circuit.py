"""What a zero-knowledge proof of accuracy binds, with the public inputs of the ModelMarket dApp's circuit and more.

A sound proof says one thing: there is a witness that satisfies the circuit and has these public values. So what a proof
binds can be read off by enumerating witnesses, without a proving system: two witnesses with the same public values
cannot be told apart by any proof.

`circuit.circom` has `accuracy(100)`: private labels, private predictions, a private count, and one output, whether as
many agree as the count says.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from itertools import product
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

CLASSES, ITEMS = 3, 3  # small enough for every witness: 3^3 labels × 3^3 predictions × 4 counts
LABELS = [bytes(labels) for labels in product(range(CLASSES), repeat=ITEMS)]


class Witness(NamedTuple):
    truth: bytes
    predictions: bytes
    count: int


def accuracy(witness: Witness) -> bool:
    """The circuit: its only output."""
    return sum(map(int.__eq__, witness.truth, witness.predictions)) == witness.count


def seen(name: str, witness: Witness):
    """What a public input shows of a witness: a count itself, labels and predictions by their hash."""
    value = getattr(witness, name)
    return value if name == "count" else hashlib.sha256(value).digest()


def indistinguishable(*public: str) -> dict[object, list[Witness]]:
    """All witnesses, by what a verifier sees of them."""
    groups = defaultdict(list)
    for witness in (Witness(*one) for one in product(LABELS, LABELS, range(ITEMS + 1))):
        groups[(accuracy(witness), *(seen(name, witness) for name in public))].append(witness)
    return groups


@pytest.mark.parametrize("output", [True, False])
def test_the_dapps_proof_fits_any_labels_and_any_predictions(output):
    """Whatever the output is, each pair of labels and predictions has a count that gives it."""
    witnesses = indistinguishable()[(output,)]
    assert {(one.truth, one.predictions) for one in witnesses} == set(product(LABELS, LABELS))
    assert {one.count for one in witnesses} == set(range(ITEMS + 1))


@given(st.binary(min_size=100, max_size=100), st.binary(min_size=100, max_size=100), st.booleans())
def test_the_same_at_the_size_of_the_circuit(truth, predictions, output):
    right = sum(map(int.__eq__, truth, predictions))
    assert accuracy(Witness(truth, predictions, right if output else right + 1)) is output


def test_a_trainer_proves_full_marks_of_nothing():
    """Labels of its own making, which nobody compares with the requester's."""
    made_up = bytes(100)
    assert accuracy(Witness(made_up, made_up, 100))


def test_hashes_of_both_and_the_count_bind_everything():
    groups = indistinguishable("truth", "predictions", "count")
    proven = {public: found for public, found in groups.items() if public[0]}
    assert len(proven) == len(LABELS) ** 2  # one for each pair of labels and predictions …
    assert all(len(found) == 1 for found in proven.values())  # … and nothing else fits it


@pytest.mark.parametrize(
    ("public", "free"),
    [
        (("predictions", "count"), "truth"),  # labels of its own making
        (("truth", "count"), "predictions"),  # others than were sealed
        (("count",), "truth"),
        (("truth",), "count"),
    ],
)
def test_each_of_them_is_needed(public, free):
    """Without one there are proofs that fit several values of what it would have bound."""
    groups = indistinguishable(*public)
    proven = [found for output, found in ((key[0], found) for key, found in groups.items()) if output]
    assert any(len({getattr(one, free) for one in found}) > 1 for found in proven)


def test_the_count_follows_from_both_hashes_but_nobody_could_read_it():
    """With both hashes public a true output fits one count only; public, a contract can compare it with the claim."""
    for key, found in indistinguishable("truth", "predictions").items():
        if key[0]:
            assert len({one.count for one in found}) == 1


def test_an_output_that_is_not_constrained_to_be_true_proves_its_opposite_too():
    """A verifier that forgets to require 1 accepts a wrong count as gladly."""
    wrong = Witness(bytes(3), bytes(3), 0)
    assert not accuracy(wrong)
    assert wrong in indistinguishable("truth", "predictions", "count")[(False, *map(seen, wrong._fields, [wrong] * 3))]
