"""Stems on disk between two passes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import Self

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]


class Spool:
    """Float stems on disk, so that one gain can be found before the first sample is written."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self._shape = shape
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by __exit__

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def fill(self, blocks: Iterator[Samples]) -> float:
        """Keep all blocks; the gain that brings their peak to full scale, at most one."""
        peak = 0.0
        for block in blocks:
            peak = max(peak, float(abs(block).max(initial=0.0)))
            self._file.write(block.transpose(2, 0, 1).tobytes())
        return min(1.0, (1 - 2**-15) / peak) if peak else 1.0

    def blocks(self) -> Iterator[Samples]:
        """The blocks again."""
        self._file.seek(0)
        frame_bytes = 4 * self._shape[0] * self._shape[1]
        while data := self._file.read(frame_bytes * 65_536):
            frames = np.frombuffer(data, np.float32).reshape(-1, *self._shape)
            yield np.ascontiguousarray(frames.transpose(1, 2, 0))
