"""Types of arrays, and NPY arrays in and out: numbers only, never pickles."""

import io
import math
import sys
import tokenize
import warnings
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy_format

from drumkit_cli.errors import BadDataError
from drumkit_cli.io.sniffing import Kind
from drumkit_cli.io.streams import Input

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]

_NUMBER_KINDS: Final = "biuf"
_HEADER_BYTES_MAX: Final = 10_000
_DIMENSIONS_MAX: Final = 32
_READERS: Final = {
    (1, 0): npy_format.read_array_header_1_0,
    (2, 0): npy_format.read_array_header_2_0,
}


@dataclass(frozen=True)
class Header:
    """What an NPY file says of its numbers, and where they begin."""

    shape: tuple[int, ...]
    is_fortran: bool
    dtype: np.dtype[Any]
    offset: int


def read_header(source: Input, remedy: str = "") -> Header:
    """Return the header of an NPY input: booleans, integers or floats of any shape.

    It is held against the size of the file, so that what it claims may be allocated.

    Args:
        source: the input.
        remedy: what to give instead, where it is no NPY.

    Raises:
        BadDataError: not NPY, not numbers, or shorter or longer than its header says.
    """
    name, file = source.name, source.file
    source.require(Kind.NPY, "an NPY array", remedy)
    present = file.seek(0, 2)
    file.seek(0)
    damage = f"{name} has a damaged NPY header"
    try:
        version = npy_format.read_magic(file)
        if version not in _READERS:
            raise BadDataError(f"{name} is NPY of version {version[0]}.{version[1]}")
        with warnings.catch_warnings():  # Python's own parser warns of junk, and NumPy of Python 2
            warnings.simplefilter("ignore")
            shape, is_fortran, dtype = _READERS[version](file, max_header_size=_HEADER_BYTES_MAX)
    except (
        ValueError,
        SyntaxError,
        TypeError,
        AttributeError,
        LookupError,
        tokenize.TokenError,
        ArithmeticError,
        MemoryError,
        RecursionError,
    ) as failure:
        raise BadDataError(damage) from failure
    if dtype.kind not in _NUMBER_KINDS or dtype.hasobject:
        raise BadDataError(f"{name} holds {dtype}, not numbers")
    # Of an empty array the other lengths must be possible too: NumPy asks for it.
    largest = math.prod(length for length in shape if length) * dtype.itemsize
    if len(shape) > _DIMENSIONS_MAX or any(length < 0 for length in shape):
        raise BadDataError(damage)
    offset = file.tell()
    claimed, present = math.prod(shape) * dtype.itemsize, present - offset
    if present < claimed:
        raise BadDataError(
            f"{name} is truncated: its header claims {claimed:,} bytes of numbers and it "
            f"holds {present:,}"
        )
    if present > claimed:
        raise BadDataError(f"{name} holds {present - claimed:,} bytes after its array")
    if largest > sys.maxsize:
        raise BadDataError(damage)
    return Header(shape, is_fortran, dtype, offset)


def read_npy(source: Input) -> npt.NDArray[Any]:
    """Return the array of an NPY input: booleans, integers or floats of any shape.

    Raises:
        BadDataError: as `read_header`.
    """
    header = read_header(source)
    shape, dtype = header.shape, header.dtype
    source.file.seek(header.offset)
    array: npt.NDArray[Any] = np.frombuffer(
        bytearray(source.file.read(math.prod(shape) * dtype.itemsize)), dtype
    )
    array = array.reshape(shape[::-1]).T if header.is_fortran else array.reshape(shape)
    return array.astype(dtype.newbyteorder("="), copy=False)


def npy_bytes(array: npt.NDArray[Any]) -> bytes:
    """Return an array of numbers as an NPY file (version 1.0, little-endian, C order)."""
    assert array.dtype.kind in _NUMBER_KINDS
    buffer = io.BytesIO()
    little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    npy_format.write_array(buffer, little.reshape(array.shape), version=(1, 0), allow_pickle=False)
    return buffer.getvalue()


def npy_header(shape: tuple[int, ...], dtype: type, *, is_fortran: bool = False) -> bytes:
    """Return the start of an NPY file (version 1.0, little-endian), for data that are streamed.

    An array `[F, T]` that comes frame by frame is stored in Fortran order.
    """
    buffer = io.BytesIO()
    npy_format.write_array_header_1_0(
        buffer,
        {
            "descr": np.dtype(dtype).newbyteorder("<").str,
            "fortran_order": is_fortran,
            "shape": shape,
        },
    )
    return buffer.getvalue()
