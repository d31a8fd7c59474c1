import contextlib
import io
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from drumkit_cli.errors import BadDataError
from drumkit_cli.io.arrays import npy_bytes, read_npy
from drumkit_cli.io.sniffing import sniff
from drumkit_cli.io.streams import Input


def read(data):
    return read_npy(Input("array", io.BytesIO(data), sniff(data)))


def saved(array, **settings):
    buffer = io.BytesIO()
    np.save(buffer, array, **settings)
    return buffer.getvalue()


numbers = hnp.arrays(
    hnp.boolean_dtypes() | hnp.integer_dtypes(endianness="?") | hnp.floating_dtypes(sizes=(32, 64)),
    hnp.array_shapes(min_dims=0, min_side=0, max_side=5),
)


@settings(max_examples=40, deadline=None)
@given(numbers)
def test_arrays_survive_a_round_trip(array):
    again = read(npy_bytes(array))
    assert again.dtype == array.dtype.newbyteorder("=")
    np.testing.assert_array_equal(again, array)


@settings(max_examples=40, deadline=None)
@given(numbers)
def test_numpy_reads_ours_and_we_read_its(array):
    np.testing.assert_array_equal(np.load(io.BytesIO(npy_bytes(array))), array)
    np.testing.assert_array_equal(read(saved(array)), array)


def test_fortran_order_is_read():
    array = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    np.testing.assert_array_equal(read(saved(array)), array)


def test_arrays_read_may_be_changed():
    array = read(npy_bytes(np.zeros(3)))
    array[0] = 1
    assert array.tolist() == [1, 0, 0]


def test_pickles_are_never_read():
    class Bomb:
        def __reduce__(self):
            return pytest.fail, ("a pickle was read",)

    pickle.dumps(Bomb())
    with pytest.raises(BadDataError, match="object, not numbers"):
        read(saved(np.array([Bomb()], object), allow_pickle=True))


@pytest.mark.parametrize("array", [np.array(["text"]), np.zeros(1, "i4,f4"), np.array([1j])])
def test_what_is_no_number_is_refused(array):
    with pytest.raises(BadDataError, match="not numbers"):
        read(saved(array))


def test_sizes_are_held_against_the_header():
    good = npy_bytes(np.zeros(100))
    with pytest.raises(BadDataError, match="truncated: its header claims 800 bytes"):
        read(good[:-1])
    with pytest.raises(BadDataError, match="1 bytes after"):
        read(good + b"x")


def test_a_header_that_claims_petabytes_allocates_nothing():
    header = npy_bytes(np.zeros(1)).replace(b"(1,), }" + b" " * 16, b"(9000000000000000,), } ")
    with pytest.raises(BadDataError, match="truncated"):
        read(header)


@pytest.mark.parametrize("data", [b"RIFF\0\0\0\0WAVE", b"hello"])
def test_other_files_are_refused(data):
    with pytest.raises(BadDataError, match="is not an NPY array"):
        read(data)


@pytest.mark.parametrize(
    "text",
    [
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (",
        b"  {}\n {}",
        b"'\\d' 1if",
        b"{'descr': (), 'fortran_order': False, 'shape': (1,)}",
        b"{'descr': [{}], 'fortran_order': False, 'shape': (1,)}",
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (0, 1" + b"0" * 30 + b")}",
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (" + b"1, " * 70 + b")}",
        b"{[]: 1}",
        b"{1: 2, 'a': 3}",
        b"(" * 5000,
        b"x" * 20_000,
    ],
)
@pytest.mark.filterwarnings("error")
def test_junk_for_a_header_is_damage(text):
    with pytest.raises(BadDataError, match="damaged NPY header"):
        read(b"\x93NUMPY\x01\0" + len(text).to_bytes(2, "little") + text)


@given(st.text("{}()[]'\", \t\n\\#<f480,:descrshapfotn_d=x"))
def test_any_text_for_a_header_is_read_or_refused(text):
    start = len(text).to_bytes(2, "little") + text.encode()
    with contextlib.suppress(BadDataError):
        assert read(b"\x93NUMPY\x01\0" + start).dtype.kind in "biuf"


@given(st.binary(max_size=100), st.integers(6, 130))
def test_damaged_files_are_read_or_refused(noise, place):
    data = bytearray(npy_bytes(np.arange(10.0)))
    data[place : place + len(noise)] = noise
    with contextlib.suppress(BadDataError):
        assert read(bytes(data)).dtype.kind in "biuf"
