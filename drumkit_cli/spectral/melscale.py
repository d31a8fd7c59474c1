"""Windows and filter banks of mel spectrograms, as torchaudio defines them.

The window is a periodic Hann, the scale HTK's, the filters triangles of height 1.
"""

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.io.arrays import Floats
from drumkit_cli.spectral.mel_config import MelConfig


def band_edges(config: MelConfig) -> NDArray[np.float64]:
    """Edges of the bands in Hz, `[F + 2]`; the centre of band n is edge n + 1."""
    if config.in_octaves:
        return np.geomspace(config.f_min, config.top_hz, config.mels + 2)
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
