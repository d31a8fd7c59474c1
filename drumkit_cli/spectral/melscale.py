"""Sizes, presets, windows and filter banks of mel spectrograms, as torchaudio defines them.

The window is a periodic Hann, the scale HTK's, the filters triangles of height 1.
"""

import math
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.errors import UsageError

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class MelConfig:
    """Sizes of a mel spectrogram.

    Attributes:
        rate: sample rate, Hz.
        window: length of the Hann window, samples.
        hop: distance of frames, samples.
        fft: length of the transform, samples, even; the window is centred in it.
        mels: number of bands F.
        f_min: lower edge of the lowest band, Hz.
        f_max: upper edge of the highest band, Hz; None for half the rate.

    Raises:
        UsageError: a size is out of range, or the sizes contradict each other.
    """

    rate: int
    window: int
    hop: int
    fft: int
    mels: int
    f_min: float = 0.0
    f_max: float | None = None

    def __post_init__(self) -> None:
        """Check the sizes."""
        for name, value, low, high in (
            ("rate", self.rate, 1_000, 768_000),
            ("window", self.window, 2, 65_536),
            ("hop", self.hop, 1, 65_536),
            ("fft", self.fft, 2, 65_536),
            ("mels", self.mels, 1, 4_096),
        ):
            if not low <= value <= high:
                raise UsageError(f"{name} {value} is not within {low} to {high}")
        if self.fft < self.window or self.fft % 2:
            raise UsageError(f"fft {self.fft} is odd or below the window of {self.window}")
        if self.hop > self.window:
            raise UsageError(f"a hop of {self.hop} above the window of {self.window} skips samples")
        if not 0 <= self.f_min < self.top_hz <= self.rate / 2:
            raise UsageError(
                f"band edges {self.f_min:g} and {self.top_hz:g} Hz are not in rising order"
                f" within 0 to {self.rate / 2:g}"
            )

    @property
    def top_hz(self) -> float:
        """Upper edge of the highest band, Hz."""
        return float(self.rate // 2) if self.f_max is None else self.f_max

    @property
    def bins(self) -> int:
        """Number of bins of the linear spectrum."""
        return self.fft // 2 + 1

    @property
    def full_scale(self) -> float:
        """Power of a full-scale sine at its spectral peak: 0 dB."""
        return (float(hann(self.window).sum()) / 2) ** 2

    def frames(self, samples: int) -> int:
        """Number of frames T of a signal: 1 + samples // hop, or 0 for no samples."""
        return 1 + samples // self.hop if samples else 0

    def samples(self, frames: int) -> int:
        """Largest number of samples that give a number of frames: frames * hop - 1, or 0."""
        return max(0, frames * self.hop - 1)


PRESETS: Final[dict[str, MelConfig]] = {
    "arrange": MelConfig(rate=22050, window=2048, hop=512, fft=2048, mels=256),
    "synth": MelConfig(rate=22050, window=1024, hop=256, fft=2048, mels=512),
}
"""The settings of CycleDRUMS and of the Neural Drum Machine."""


def band_edges(config: MelConfig) -> NDArray[np.float64]:
    """Edges of the bands in Hz, `[F + 2]`; the centre of band n is edge n + 1."""
    low, high = (2595 * math.log10(1 + hz / 700) for hz in (config.f_min, config.top_hz))
    edges: NDArray[np.float64] = 700 * (10 ** (np.linspace(low, high, config.mels + 2) / 2595) - 1)
    return edges


@cache
def filter_bank(config: MelConfig) -> Floats:
    """Triangular filters `[bins, F]` from linear power to mel power.

    Each bin is in at most two triangles. Low bands may be narrower than the distance of bins; those
    without a bin are zero.
    """
    bin_hz = np.linspace(0, config.rate // 2, config.bins)
    edges = band_edges(config)
    widths = np.diff(edges)
    rising = (bin_hz[:, None] - edges[:-2]) / widths[:-1]
    falling = (edges[2:] - bin_hz[:, None]) / widths[1:]
    bank: Floats = np.maximum(0, np.minimum(rising, falling)).astype(np.float32)
    bank.flags.writeable = False
    return bank


@cache
def triangles(config: MelConfig) -> "Triangles":
    """The filter bank as `Triangles`."""
    return Triangles(config)


@cache
def hann(length: int) -> NDArray[np.float64]:
    """Periodic Hann window `[length]`."""
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)


@cache
def padded_window(config: MelConfig) -> Floats:
    """The window, centred in a transform: `[fft]`."""
    before = (config.fft - config.window) // 2
    after = config.fft - config.window - before
    window: Floats = np.pad(hann(config.window), (before, after)).astype(np.float32)
    window.flags.writeable = False
    return window


class Triangles:
    """The filter bank with two weights for each bin, which lies between two band centres.

    It is faster than the dense matrix and gives the same bits for any number of BLAS threads.
    """

    def __init__(self, config: MelConfig) -> None:
        """Decompose the filter bank of `config`."""
        bank = filter_bank(config)
        # Bin k lies in gap g, between the centres of bands g - 1 and g, or in no band.
        gap = np.argmax(bank > 0, axis=1)
        gap += (bank > 0).sum(axis=1) == 2
        gap = np.maximum.accumulate(gap)
        padded = np.pad(bank, ((0, 0), (1, 1)))
        rows = np.arange(config.bins)
        self._gap = gap
        self._falling: Floats = padded[rows, gap][:, None]
        self._rising: Floats = padded[rows, gap + 1][:, None]
        self._starts = np.flatnonzero(np.diff(gap, prepend=-1))
        self._bands = config.mels

    def sum_bins(self, linear: Floats) -> Floats:
        """Apply the bank: power `[bins, T]` to mel power `[F, T]`."""
        mel = np.zeros((self._bands + 2, linear.shape[1]), dtype=np.float32)
        gaps = self._gap[self._starts]
        mel[gaps] += np.add.reduceat(linear * self._falling, self._starts)
        mel[gaps + 1] += np.add.reduceat(linear * self._rising, self._starts)
        return mel[1:-1]

    def spread(self, mel: Floats) -> Floats:
        """Apply the transposed bank: `[F, T]` to `[bins, T]`."""
        padded = np.pad(mel, ((1, 1), (0, 0)))
        linear: Floats = padded[self._gap] * self._falling
        linear += padded[self._gap + 1] * self._rising
        return linear
