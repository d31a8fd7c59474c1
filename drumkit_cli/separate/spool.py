"""Stems on disk between two passes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Self

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.audio.tape import Tape

Samples = NDArray[np.float32]

_BLOCK_FRAMES = 65_536


class Spool:
    """Float stems on disk, so that one gain can be found before the first sample is written."""

    def __init__(self, shape: tuple[int, int]) -> None:
        """Make room for blocks `[S, C, n]` of the shape S and C.

        Raises:
            StreamError: there is none in TMPDIR; so does `fill`.
        """
        self._shape = shape
        self._tape = Tape("the stems")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._tape.close()

    def fill(self, blocks: Iterator[Samples]) -> float:
        """Keep all blocks; the gain that brings their peak to full scale, at most one."""
        peak = 0.0
        for block in blocks:
            peak = max(peak, float(abs(block).max(initial=0.0)))
            self._tape.append(block.transpose(2, 0, 1).ravel())
        return min(1.0, (1 - 2**-15) / peak) if peak else 1.0

    def blocks(self) -> Iterator[Samples]:
        """The blocks again."""
        for numbers in self._tape.blocks(math.prod(self._shape) * _BLOCK_FRAMES):
            frames = numbers.reshape(-1, *self._shape)
            yield np.ascontiguousarray(frames.transpose(1, 2, 0))
