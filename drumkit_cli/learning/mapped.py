"""Arrays that training draws from: in memory, or in a file that is mapped into it."""

from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.io.arrays import npy_header
from drumkit_cli.io.streams import open_output


def collect(rows: Iterable[NDArray[Any]], count: int, path: Path | None = None) -> NDArray[Any]:
    """Put rows of one shape and type together, as an array ``[count, ...]``.

    Args:
        rows: at least one; they are taken one by one, so that they need not all be in memory.
        count: how many there are.
        path: an NPY file to write them to, which is then mapped; its folder is made. None keeps
            them in memory.
    """
    row = iter(rows)
    first = next(row)
    shape = (count, *first.shape)
    if path is None:
        array = np.empty(shape, first.dtype)
        for place, values in zip(range(count), chain([first], row), strict=True):
            array[place] = values
        return array
    path.parent.mkdir(parents=True, exist_ok=True)
    with open_output(str(path)) as file:
        file.write(npy_header(shape, first.dtype.type))
        for values in chain([first], row):
            file.write(values.tobytes())
    return mapped(path)


def mapped(path: Path) -> NDArray[Any]:
    """The array of an NPY file, read-only, of which memory holds what is in use."""
    array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    return array
