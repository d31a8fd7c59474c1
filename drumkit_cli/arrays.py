"""NPY arrays in and out: numbers only, never pickles."""

import io
import math
import tokenize
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy_format

from drumkit_cli.errors import BadDataError
from drumkit_cli.streams import Input, Kind

_NUMBER_KINDS: Final = "biuf"
_READERS: Final = {
    (1, 0): npy_format.read_array_header_1_0,
    (2, 0): npy_format.read_array_header_2_0,
}


def read_npy(source: Input) -> npt.NDArray[Any]:
    """Return the array of an NPY input: booleans, integers or floats of any shape.

    The header is held against the size of the file before anything is allocated.

    Raises:
        BadDataError: not NPY, not numbers, or shorter or longer than its header says.
    """
    if source.kind is not Kind.NPY:
        what = "" if source.kind is Kind.UNKNOWN else f" but {source.kind}"
        raise BadDataError(f"{source.name} is not an NPY array{what}")
    file_bytes = source.file.seek(0, 2)
    source.file.seek(0)
    try:
        version = npy_format.read_magic(source.file)
        if version not in _READERS:
            raise BadDataError(f"{source.name} is NPY of version {version[0]}.{version[1]}")
        shape, is_fortran, dtype = _READERS[version](source.file)
    except (
        ValueError,
        SyntaxError,
        TypeError,
        tokenize.TokenError,
        OverflowError,
        MemoryError,
        RecursionError,
    ) as failure:
        raise BadDataError(f"{source.name} has a damaged NPY header") from failure
    if dtype.kind not in _NUMBER_KINDS or dtype.hasobject:
        raise BadDataError(f"{source.name} holds {dtype}, not numbers")
    if any(length < 0 for length in shape):
        raise BadDataError(f"{source.name} has a damaged NPY header")
    claimed, present = math.prod(shape) * dtype.itemsize, file_bytes - source.file.tell()
    if present < claimed:
        raise BadDataError(
            f"{source.name} is truncated: its header claims {claimed:,} bytes of numbers and it "
            f"holds {present:,}"
        )
    if present > claimed:
        raise BadDataError(f"{source.name} holds {present - claimed:,} bytes after its array")
    array: npt.NDArray[Any] = np.frombuffer(bytearray(source.file.read(claimed)), dtype)
    array = array.reshape(shape[::-1]).T if is_fortran else array.reshape(shape)
    return array.astype(dtype.newbyteorder("="), copy=False)


def npy_bytes(array: npt.NDArray[Any]) -> bytes:
    """Return an array of numbers as an NPY file (version 1.0, little-endian, C order)."""
    assert array.dtype.kind in _NUMBER_KINDS
    buffer = io.BytesIO()
    little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    npy_format.write_array(buffer, little.reshape(array.shape), version=(1, 0), allow_pickle=False)
    return buffer.getvalue()
