"""Mel spectrograms in arrays and NPY files, read a few frames at a time."""

import math
from collections.abc import Callable, Iterator
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.errors import BadDataError, UsageError
from drumkit_cli.io.arrays import Floats, read_header
from drumkit_cli.io.streams import Input
from drumkit_cli.spectral.mel_config import MelConfig
from drumkit_cli.spectral.mel_spectrogram import TOP_LEVEL, undiscretise

_POWER_MAX: Final = 1e30
"""Beyond all audio, and its square still fits float32."""
_CHECK_FRAMES: Final = 4096


class StoredMel:
    """A mel spectrogram `[F, T]`, or windows of one `[n, F, width]`, in an array or an NPY input.

    Floats are power, unsigned bytes are levels. Windows are cross-faded where they overlap.

    Attributes:
        name: the input's, for messages.
        frames: T.
    """

    def __init__(
        self,
        name: str,
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        load: Callable[[], NDArray[Any]],
        config: MelConfig,
        overlap: int,
        *,
        are_levels: bool = False,
    ) -> None:
        """Take an array, of which parts are read when they are needed.

        Args:
            name: of the input, for messages.
            shape: of the array.
            dtype: of the array.
            load: gives the array; never called for an empty one.
            config: what the spectrogram was made with.
            overlap: frames that a window shares with the next.
            are_levels: floats are levels 0..255 too.

        Raises:
            BadDataError: not a spectrogram of `config`.
            UsageError: the overlap is above half the windows' width.
        """
        self.name = name
        self._shape, self._dtype, self._load = shape, dtype, load
        self._config = config
        self._overlap = overlap
        self._check_layout()
        self._are_levels = are_levels or dtype.kind == "u"
        self.frames = shape[1] if len(shape) == 2 else self._joined_frames()

    @classmethod
    def open(
        cls, source: Input, config: MelConfig, overlap: int, *, are_levels: bool = False
    ) -> Self:
        """Read the header of an NPY input, which stays open and must outlive this.

        Raises:
            BadDataError: not NPY, damaged, or not a spectrogram of `config`.
            UsageError: as the constructor.
        """
        header = read_header(source, "--invert takes what mel writes")
        order = "F" if header.is_fortran else "C"

        def load() -> NDArray[Any]:
            """Map the file anew, so that what was read before does not stay in memory."""
            return np.memmap(source.file, header.dtype, "r", header.offset, header.shape, order)  # type: ignore[call-overload, no-any-return]

        return cls(
            source.name, header.shape, header.dtype, load, config, overlap, are_levels=are_levels
        )

    def check(self) -> None:
        """Read all of it before any work is put into it.

        Raises:
            BadDataError: a number is no power, or no level.
        """
        top = TOP_LEVEL if self._are_levels else _POWER_MAX
        what = "levels" if self._are_levels else "power"
        for part in self._parts():
            if not np.isfinite(part).all():
                raise BadDataError(f"{self.name} holds {what} that is NaN or infinite")
            if part.size and part.min() < 0:
                raise BadDataError(
                    f"{self.name} holds negative {what}", "mel's NPY is power, not decibels"
                )
            if part.size and float(part.max()) > top:
                raise BadDataError(f"{self.name} holds {what} above {top:g}")

    def read(self, start: int, stop: int) -> Floats:
        """Return the power of frames start to stop, `[F, stop - start]`."""
        if not math.prod(self._shape):
            return np.zeros((self._config.mels, stop - start), dtype=np.float32)
        if len(self._shape) == 2:
            return self._power(self._load()[:, start:stop])
        count, mels, width = self._shape
        step = width - self._overlap
        power = np.zeros((mels, stop - start), dtype=np.float32)
        stored = self._load()
        for index in range(max(0, (start - width) // step), count):
            first = index * step
            low, high = max(start, first), min(stop, first + width)
            if first >= stop:
                break
            if low < high:
                fade = self._fade(index)[low - first : high - first]
                part = self._power(stored[index, :, low - first : high - first])
                power[:, low - start : high - start] += part * fade
        return power

    def _fade(self, index: int) -> Floats:
        """Return the weights of a window's frames; where two windows overlap they sum to 1."""
        count, _, width = self._shape
        weights = np.ones(width, dtype=np.float32)
        ramp = (np.arange(self._overlap, dtype=np.float32) + 1) / (self._overlap + 1)
        if index > 0:
            weights[: self._overlap] = ramp
        if index < count - 1:
            weights[width - self._overlap :] = ramp[::-1]
        return weights

    def _power(self, stored: NDArray[Any]) -> Floats:
        if self._are_levels:
            return undiscretise(stored, self._config)
        return np.asarray(stored, dtype=np.float32)

    def _joined_frames(self) -> int:
        count, _, width = self._shape
        return count * (width - self._overlap) + self._overlap if count else 0

    def _parts(self) -> Iterator[NDArray[Any]]:
        if not math.prod(self._shape):  # the other length may be any number
            return
        if len(self._shape) == 2:
            for start in range(0, self._shape[1], _CHECK_FRAMES):
                yield self._load()[:, start : start + _CHECK_FRAMES]
        else:
            for index in range(self._shape[0]):
                yield self._load()[index]

    def _check_layout(self) -> None:
        bands = self._config.mels
        if not (self._dtype.kind == "f" or self._dtype == np.uint8):
            raise BadDataError(
                f"{self.name} holds {self._dtype}", "power is float, levels are uint8"
            )
        shape = " x ".join(str(length) for length in self._shape) or "a single number"
        if len(self._shape) not in (2, 3):
            raise BadDataError(
                f"{self.name} is {shape}, not (mels, frames) nor (windows, mels, frames)"
            )
        if self._shape[-2] != bands:
            raise BadDataError(
                f"{self.name} is {shape} and so has {self._shape[-2]} bands, not {bands}",
                "name the --preset or the sizes that it was made with",
            )
        if len(self._shape) == 3 and not 0 <= 2 * self._overlap <= self._shape[2]:
            raise UsageError(
                f"an overlap of {self._overlap} is above half the {self._shape[2]} frames of the"
                f" windows of {self.name}",
                "set --overlap",
            )
