"""The codec of models: everything that was packed comes back, and nothing else gets in."""

from __future__ import annotations

import contextlib
import io
import json
import pickle  # noqa: TID251 - to see it refused
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from slashpoint.sim.learning.codec import ModelError, decode, encode, from_text, to_text

arrays = st.one_of(
    hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5))
    for dtype in (np.float32, np.float64, np.uint8, np.int64, np.bool_)
)
names = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1).filter("__metadata__".__ne__)
model = encode({"w0": np.arange(6, dtype=np.float32).reshape(2, 3), "b0": np.zeros(3, np.float32)})


@given(st.dictionaries(names, arrays, max_size=4))
def test_everything_packed_comes_back(tensors):
    back = decode(encode(tensors))
    assert back.keys() == tensors.keys()
    for name, array in tensors.items():
        assert back[name].dtype == array.dtype
        assert back[name].shape == array.shape
        assert back[name].tobytes() == array.tobytes()


def test_one_model_has_one_encoding():
    w, b = np.ones((2, 2), np.float32), np.zeros(2, np.float32)
    assert encode({"w": w, "b": b}) == encode({"b": b, "w": w})
    assert encode({"w": w.T}) == encode({"w": w})


def test_transposed_arrays_keep_their_meaning():
    w = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert (decode(encode({"w": w.T}))["w"] == w.T).all()


@given(st.data())
def test_arrays_of_any_strides_keep_their_meaning(data):
    """Parts, every second row, rows backwards, one row again and again: whatever NumPy sees without copying."""
    whole = data.draw(arrays.filter(lambda array: array.ndim > 0 and array.size))
    view = whole[data.draw(hnp.basic_indices(whole.shape, allow_newaxis=True))]
    view = np.transpose(view, data.draw(st.permutations(range(np.ndim(view)))))
    for array in (view, np.broadcast_to(view, (2, *np.shape(view)))):
        back = decode(encode({"w": array}))["w"]
        assert back.shape == np.shape(array)
        assert back.tobytes() == np.asarray(array).tobytes()


@given(st.binary(max_size=300))
def test_junk_is_a_model_error(junk):
    for bytes_ in (junk, zlib.compress(junk), model[:20] + junk):
        with pytest.raises(ModelError):
            decode(bytes_)


@given(st.integers(0, len(zlib.decompress(model)) - 1), st.integers(0, 255))
def test_any_changed_byte_decodes_or_is_a_model_error(place, byte):
    raw = bytearray(zlib.decompress(model))
    raw[place] = byte
    with contextlib.suppress(ModelError):
        decode(zlib.compress(bytes(raw)))


@pytest.mark.parametrize("dtype", ["BF16", "F8_E4M3", "F4", "C64", "NO"])
def test_a_type_that_numpy_lacks_is_a_model_error_or_data(dtype):
    header = json.dumps({"w": {"dtype": dtype, "shape": [2], "data_offsets": [0, 4]}}).encode()
    with contextlib.suppress(ModelError):
        decode(zlib.compress(len(header).to_bytes(8, "little") + header + bytes(4)))


def test_a_zip_bomb_is_refused_before_it_explodes():
    bomb = zlib.compress(bytes(200_000_000), 9)
    tracemalloc.start()
    with pytest.raises(ModelError, match="decompresses to more than 1,000,000 bytes"):
        decode(bomb, limit=1_000_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000


def test_the_limit_itself_is_allowed():
    size = len(zlib.decompress(model))
    assert decode(model, limit=size)
    with pytest.raises(ModelError):
        decode(model, limit=size - 1)


def test_pickle_is_refused_and_not_run():
    class Bomb:
        def __reduce__(self):
            return (exec, ("raise SystemExit('executed')",))

    stream = io.BytesIO()
    np.save(stream, np.array([Bomb()], dtype=object), allow_pickle=True)
    for payload in (pickle.dumps(Bomb()), stream.getvalue()):
        for packed in (payload, zlib.compress(payload)):
            with pytest.raises(ModelError):
                decode(packed)


@pytest.mark.parametrize(("packed", "fault"), [(model[:-1], "cut off"), (model + b"x", "followed by other bytes")])
def test_not_a_byte_less_nor_more(packed, fault):
    with pytest.raises(ModelError, match=fault):
        decode(packed)


@given(st.binary(max_size=100))
def test_text_round_trip(packed):
    assert from_text(to_text(packed)) == packed


@pytest.mark.parametrize("text", ["a", "????", "ünï", "QQ==\n", "QR=="])
def test_text_that_is_not_canonical_is_refused(text):
    with pytest.raises(ModelError, match="to_text"):
        from_text(text)
