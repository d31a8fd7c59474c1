"""Samples in unlinked temporary files: memory stays the same whatever the length."""

import os
import tempfile
from collections.abc import Iterator
from typing import Self

import numpy as np

from drumkit_cli.io.arrays import Floats
from drumkit_cli.io.spools import spool_failure


class Tape:
    """Mono samples, or any other float32 numbers, that can be read from any place.

    Attributes:
        length: how many there are.
    """

    def __init__(self, name: str = "samples") -> None:
        """Make the file, in TMPDIR.

        Args:
            name: of what it holds, for messages.

        Raises:
            StreamError: there is no room for it; so do `append` and `fit`.
        """
        self.length = 0
        self._name = name
        try:
            # Unbuffered, so that a full disk is told where it is written to, not at the close.
            self._file = tempfile.TemporaryFile(prefix="drumkit-", buffering=0)  # noqa: SIM115 - closed by close
        except OSError as failure:
            raise spool_failure(name, failure) from failure

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the room on the disk back."""
        self._file.close()

    def append(self, samples: Floats) -> None:
        """Add samples ``[n]`` at the end."""
        data = memoryview(samples.astype(np.float32, copy=False).tobytes())
        place = 4 * self.length
        try:
            while data:
                written = os.pwrite(self._file.fileno(), data, place)
                data, place = data[written:], place + written
        except OSError as failure:
            raise spool_failure(self._name, failure) from failure
        self.length += len(samples)

    def read(self, start: int, stop: int) -> Floats:
        """Return samples ``[stop - start]``; zeros where the tape has none."""
        first, last = (min(max(place, 0), self.length) for place in (start, stop))
        self._file.seek(4 * first)
        samples = np.frombuffer(self._file.read(4 * (last - first)), np.float32)
        before = min(max(-start, 0), stop - start)
        return np.pad(samples, (before, stop - start - before - len(samples)))

    def peak(self) -> float:
        """Return the largest magnitude; 0 of nothing."""
        return max((float(np.abs(block).max()) for block in self.blocks()), default=0.0)

    def fit(self, length: int) -> None:
        """Cut the end off, or add zeros, to make it so long."""
        try:
            self._file.truncate(4 * length)  # beyond the end this adds zeros
        except OSError as failure:
            raise spool_failure(self._name, failure) from failure
        self.length = length

    def blocks(self, samples: int = 1 << 16) -> Iterator[Floats]:
        """Yield all of it from the start, ``[n]`` at a time."""
        for start in range(0, self.length, samples):
            yield self.read(start, min(start + samples, self.length))
