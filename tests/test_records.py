"""Records: packed as contracts carry them, checked by anybody."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from slashpoint.sim.learning.diabetes import FORMAT, data
from slashpoint.sim.learning.records import SCALE, leaf

INT32 = st.integers(-(2**31), 2**31 - 1)
records = arrays(np.int32, st.tuples(st.integers(0, 20), st.just(11)), elements=INT32)


@given(records)
def test_what_is_packed_is_unpacked(rows):
    packed = FORMAT.pack(rows)
    assert len(packed) == 44 * len(rows) == FORMAT.size * len(rows)
    assert (FORMAT.unpack(packed) == rows).all()
    assert FORMAT.parts(packed) == [FORMAT.pack(row) for row in rows]
    low, high = FORMAT.limits
    assert FORMAT.valid(rows).tolist() == [all(a <= x <= b for a, x, b in zip(low, row, high)) for row in rows.tolist()]


@given(st.binary(max_size=200))
def test_junk_is_whole_records_or_none(junk):
    found = FORMAT.unpack(junk)
    if len(junk) % 44:
        assert (found, FORMAT.parts(junk)) == (None, [])
    else:
        assert FORMAT.pack(found) == junk


def test_a_packed_record_is_eleven_big_endian_numbers():
    packed = FORMAT.pack(np.arange(11) - 1)
    assert packed == b"".join((i - 1).to_bytes(4, "big", signed=True) for i in range(11))
    assert leaf(packed) == hashlib.sha256(b"\0" + packed).digest()


@pytest.mark.parametrize("field", range(11))
def test_a_number_beyond_its_limits_makes_a_record_invalid(field):
    low, high = FORMAT.limits[:, field]
    for value, fine in ((low, True), (high, True), (low - 1, False), (high + 1, False)):
        record = data()[:1].copy()
        record[0, field] = value
        assert FORMAT.valid(record).tolist() == [fine]


@pytest.mark.parametrize("rows", [np.zeros((2, 10), int), np.zeros((1, 2, 11), int), np.full((1, 11), 2**31)], ids=str)
def test_what_no_contract_could_carry_is_refused(rows):
    with pytest.raises(ValueError, match=r"numbers|int32"):
        FORMAT.pack(rows)


def test_a_value_is_a_number_of_ten_thousandths():
    assert data()[0].tolist() == [round(x * SCALE) for x in (59, 2, 32.1, 101, 157, 93.2, 38, 4, 4.8598, 87, 151)]
