"""Taint: rows of private data are found in an output however they are written, and independent data never."""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import json
import lzma
import zipfile
import zlib

import numpy as np
import pytest
from sklearn.datasets import load_diabetes

from slashpoint.sim import unpacking
from slashpoint.sim.learning.codec import encode
from slashpoint.sim.learning.digits import Digits
from slashpoint.sim.luck import Luck
from slashpoint.sim.taint import leaks

PATIENTS = load_diabetes(scaled=False).data  # shape (442, 10): whole numbers and decimals, of many sizes
MINE, OTHERS = PATIENTS[:200], PATIENTS[200:]
GENERATOR = Luck("taint").generator()
NORMAL = GENERATOR.standard_normal((300, 16)).astype(np.float32)
PIXELS = Digits().table[0]
TAKEN = MINE[50:90]  # what leaks in each of the ways


def text(rows, digits=17, between=",", lines="\n"):
    return lines.join(between.join(f"{number:.{digits}g}" for number in row) for row in rows).encode()


def archive(**files):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            made.writestr(name, content)
    return packed.getvalue()


def saved(save, *rows, **named):
    into = io.BytesIO()
    save(into, *rows, **named)
    return into.getvalue()


def beside(rows, *others):
    return np.column_stack([rows, *others])


WAYS = {
    "float64": TAKEN.tobytes(),
    "float32": TAKEN.astype("<f4").tobytes(),
    "big-endian": TAKEN.astype(">f4").tobytes(),
    "three bytes further": b"abc" + TAKEN.tobytes() + b"rest",
    "text": text(TAKEN),
    "text of six digits": text(TAKEN, 6),
    "text of three digits": text(TAKEN, 3),
    "tabs": text(TAKEN, 9, "\t", "\r\n"),
    "one long line": text(TAKEN, 9, " ", " "),
    "JSON": json.dumps({"note": "v2 of 3", "rows": TAKEN.tolist()}).encode(),
    "JSON of columns": json.dumps({f"s{i}": column.tolist() for i, column in enumerate(TAKEN.T)}).encode(),
    "rows in another order": TAKEN[GENERATOR.permutation(len(TAKEN))].tobytes(),
    "columns in another order": TAKEN[:, GENERATOR.permutation(10)].tobytes(),
    "each row in an order of its own": GENERATOR.permuted(TAKEN, axis=1).tobytes(),
    "column by column": TAKEN.T.tobytes(),
    "column by column, with labels": beside(TAKEN, np.arange(len(TAKEN))).T.tobytes(),
    "with an answer after each row": beside(TAKEN, GENERATOR.random((len(TAKEN), 2))).tobytes(),
    "among rows of others": np.concatenate([OTHERS[:60], TAKEN, OTHERS[60:]]).tobytes(),
    "every second number": np.stack([TAKEN, GENERATOR.random(TAKEN.shape) * 100], 2).tobytes(),
    "two rows interleaved": np.stack([TAKEN[::2], TAKEN[1::2]], 2).tobytes(),
    "backwards": TAKEN[::-1, ::-1].tobytes(),
    "rounded to a decimal": np.round(TAKEN, 1).tobytes(),
    "zlib": zlib.compress(TAKEN.tobytes()),
    "gzip": gzip.compress(text(TAKEN), mtime=0),
    "bz2": bz2.compress(TAKEN.tobytes()),
    "xz": lzma.compress(TAKEN.tobytes()),
    "after a header, cut off": b"result of the job\0" + zlib.compress(TAKEN.tobytes() + bytes(5000))[:-4],
    "hexadecimal": TAKEN.tobytes().hex().encode(),
    "base32": base64.b32encode(TAKEN.tobytes()),
    "base64": base64.b64encode(TAKEN.tobytes()),
    "base64 in lines": base64.encodebytes(TAKEN.tobytes()),
    "base64 for addresses, in JSON": json.dumps({"w": base64.urlsafe_b64encode(TAKEN.tobytes()).decode()}).encode(),
    "base85": base64.b85encode(TAKEN.tobytes()),
    "zlib in base64 in zip": archive(log="ok", model=base64.b64encode(zlib.compress(text(TAKEN)))),
    "npy": saved(np.save, TAKEN),
    "npy, column by column": saved(np.save, np.asfortranarray(TAKEN)),
    "npz": saved(np.savez_compressed, weights=np.zeros(5), bias=TAKEN.astype(np.float32)),
    "a model's tensors": encode({"w0": np.zeros((3, 3)), "b0": TAKEN}),
}


@pytest.mark.parametrize("way", WAYS)
def test_rows_are_found_however_they_are_written(way):
    assert leaks(WAYS[way], MINE) == len(TAKEN)
    assert leaks(WAYS[way], OTHERS[: len(OTHERS)]) == (len(OTHERS) if way == "among rows of others" else 0)


def test_a_single_row_is_found_in_a_large_output():
    large = GENERATOR.bytes(50_000) + MINE[7].tobytes() + GENERATOR.bytes(50_001)
    assert leaks(large, MINE) == 1


@pytest.mark.parametrize("kind", ["<f2", "<f4", ">f8"])
def test_normal_numbers_are_found_in_every_width(kind):
    assert leaks(NORMAL[:30].astype(kind).tobytes(), NORMAL) == 30


@pytest.mark.parametrize("kind", ["u1", "<i2", ">i4", "<i8", "<f4"])
def test_pixels_are_found_in_every_width(kind):
    assert leaks(PIXELS[:30].astype(kind).tobytes(), PIXELS[:400]) == 30
    assert leaks(PIXELS[400:500].astype(kind).tobytes(), PIXELS[:400]) == 0


def test_independent_data_of_the_same_kind_are_no_leak():
    """Rows that were never private, of the same distribution: none may be taken for a copy."""
    assert leaks(OTHERS.tobytes(), MINE) == leaks(text(OTHERS, 3), MINE) == 0
    for seed in range(3):
        fresh = Luck("fresh", seed).generator().standard_normal((500, 16))
        assert leaks(fresh.astype(np.float32).tobytes(), NORMAL) == 0
    narrow = GENERATOR.standard_normal((300, 2))
    assert leaks(GENERATOR.standard_normal((2000, 2)).tobytes(), narrow) == 0
    assert leaks(narrow.tobytes(), narrow) == 300


def test_what_is_learnt_from_rows_is_no_copy_of_them():
    task = Digits()
    weights = task.network.draw(GENERATOR)
    means = np.stack([PIXELS[task.table[1] == digit].mean(0) for digit in range(10)])
    assert leaks(encode(weights), PIXELS[:300]) == leaks(means.tobytes(), PIXELS[:300]) == 0
    for noise in (GENERATOR.bytes(20_000), bytes(20_000), b"7 " * 5_000, b""):
        assert leaks(noise, MINE) == leaks(noise, NORMAL) == leaks(noise, PIXELS[:300]) == 0


def test_a_bomb_is_read_as_far_as_the_bounds_go():
    bomb = zlib.compress(bytes(2**27), 9)
    nested = archive(**{f"f{i}": archive(a=bytes(i), b=bytes(i + 1)) for i in range(200)})
    read = list(unpacking.contents(bomb + nested))
    assert len(read) <= unpacking.CONTENTS
    assert sum(map(len, read)) < 2**27


def test_rows_without_shape_are_refused():
    for rows in (np.zeros(3), np.zeros((3, 1)), np.zeros((0, 4)), np.full((2, 2), np.nan)):
        with pytest.raises(ValueError, match="two finite numbers or more"):
            leaks(b"", rows)
