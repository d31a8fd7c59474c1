"""Facts of NPY arrays."""

import math
from typing import Any, Final

import numpy as np

from drumkit_cli.io.arrays import Header, read_header
from drumkit_cli.io.streams import Input

_CHUNK_NUMBERS: Final = 1 << 20


def array_facts(source: Input) -> dict[str, Any]:
    """Return shape, type, range and how many numbers are NaN or infinite, in constant memory.

    The range is that of the finite numbers: None where there are none.

    Raises:
        BadDataError: as `read_header`.
    """
    header = read_header(source)
    low, high, count = _range(source, header)
    return {
        "kind": "array",
        "shape": list(header.shape),
        "dtype": header.dtype.name,
        "min": low,
        "max": high,
        "not_finite": count,
    }


def _range(source: Input, header: Header) -> tuple[float | None, float | None, int]:
    """Return the least and the greatest finite number, and how many are not finite."""
    plain = float if header.dtype.kind == "f" else int
    low = high = None
    not_finite = 0
    source.file.seek(header.offset)
    for start in range(0, size := math.prod(header.shape), _CHUNK_NUMBERS):
        count = min(_CHUNK_NUMBERS, size - start)
        values = np.frombuffer(source.file.read(count * header.dtype.itemsize), header.dtype)
        finite = values[np.isfinite(values)]
        not_finite += count - len(finite)
        if len(finite):
            least, greatest = plain(finite.min()), plain(finite.max())
            low = least if low is None else min(low, least)
            high = greatest if high is None else max(high, greatest)
    return low, high, not_finite
