"""Mel spectrograms: presets, analysis, 256 levels, and the way back to audio.

The analysis is torchaudio's `MelSpectrogram` (periodic Hann window, centred frames with reflected
ends, power 2, HTK scale, triangles of height 1) computed with numpy: importing torch alone takes
longer than analysing a song. A test holds the two together.

The way back follows G. Barnabo et al., "CycleDRUMS", III-B: non-negative least squares from mel to
linear power, then Griffin-Lim, here the accelerated one (N. Perraudin, P. Balazs, P. Soendergaard,
"A fast Griffin-Lim algorithm", 2013). torch is imported only there, for its faster FFT.

Everything runs in blocks of frames at fixed places, so that a stream gives the bits of the whole.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.errors import UsageError

Floats = NDArray[np.float32]

FLOOR_DB: Final = -80.0
"""Power of level 0, in dB above that of a full-scale sine; what is below becomes level 0."""
LEVELS_PER_DB: Final = 3
"""A level is a third of a decibel: 255 is +5 dB, which a full-scale square wave stays under."""
TOP_LEVEL: Final = 255

GRIFFIN_LIM_ITERATIONS: Final = 32
NNLS_ITERATIONS: Final = 30

_BLOCK_FRAMES: Final = 128
_CHUNK_FRAMES: Final = 240
_MOMENTUM: Final = 0.99
_TINY: Final = 1e-20


@dataclass(frozen=True)
class MelConfig:
    """Sizes of a mel spectrogram.

    Attributes:
        rate: sample rate, Hz.
        window: length of the Hann window, samples.
        hop: samples from one frame to the next.
        fft: length of the transform, samples, even; the window lies in its middle.
        mels: number of bands F.
        f_min: lower edge of the lowest band, Hz.
        f_max: upper edge of the highest band, Hz; None for half the rate.

    Raises:
        UsageError: the sizes do not go together.
    """

    rate: int
    window: int
    hop: int
    fft: int
    mels: int
    f_min: float = 0.0
    f_max: float | None = None

    def __post_init__(self) -> None:
        """Check that the sizes go together."""
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
        """Power of a sine of amplitude 1 at the peak of its line: 0 dB."""
        return (float(_hann(self.window).sum()) / 2) ** 2

    def frames(self, samples: int) -> int:
        """Return the number of frames T of so many samples: 1 + samples // hop, or 0 of none."""
        return 1 + samples // self.hop if samples else 0

    def samples(self, frames: int) -> int:
        """Return the most samples that give so many frames: frames * hop - 1, or 0."""
        return max(0, frames * self.hop - 1)


PRESETS: Final[dict[str, MelConfig]] = {
    "arrange": MelConfig(rate=22050, window=2048, hop=512, fft=2048, mels=256),
    "synth": MelConfig(rate=22050, window=1024, hop=256, fft=2048, mels=512),
}
"""The settings of CycleDRUMS and of the Neural Drum Machine."""


def mel_power(samples: Floats, config: MelConfig) -> Floats:
    """Analyse audio at `config.rate`: samples `[..., N]` to power `[..., F, T]`, float32.

    T = 1 + N // hop, frame t is centred on sample t * hop; 0 samples give 0 frames. A signal
    shorter than half a transform is reflected as often as needed.
    """
    samples = np.asarray(samples, dtype=np.float32)
    flat = samples.reshape(math.prod(samples.shape[:-1]), samples.shape[-1])
    frames = config.frames(samples.shape[-1])
    power = np.empty((len(flat), frames, config.mels), dtype=np.float32)
    for row, signal in zip(power, flat, strict=True):
        start = 0
        for block in mel_blocks([signal], config):
            row[start : start + block.shape[1]] = block.T
            start += block.shape[1]
    return power.reshape(*samples.shape[:-1], frames, config.mels).swapaxes(-1, -2)


def mel_blocks(blocks: Iterable[Floats], config: MelConfig) -> Iterator[Floats]:
    """Analyse a stream: blocks of samples `[n]`, of any length, to blocks of power `[F, t]`.

    The frames, laid side by side, are those of `mel_power` on the whole, bit for bit. Memory is
    bounded by the longest block.
    """
    half = config.fft // 2
    length = (_BLOCK_FRAMES - 1) * config.hop + config.fft
    held = np.empty(0, dtype=np.float32)
    total = 0
    for block in blocks:
        started = total > half
        total += len(block)
        held = np.concatenate((held, np.asarray(block, dtype=np.float32)))
        if total <= half:
            continue
        if not started:
            held = np.concatenate((held[half:0:-1], held))
        # The last half transform stays: what follows the end is its reflection.
        while len(held) >= length + half + 1:
            yield _analyse(held[:length], config)
            held = held[_BLOCK_FRAMES * config.hop :]
    if not total:
        return
    if total <= half:
        held = np.pad(held, half, mode="reflect")
    else:
        held = np.concatenate((held, held[-2 : -half - 2 : -1]))
    while len(held) >= config.fft:
        yield _analyse(held[:length], config)
        held = held[_BLOCK_FRAMES * config.hop :]


def discretise(power: Floats, config: MelConfig) -> NDArray[np.uint8]:
    """Return power of any shape as levels 0..255, a third of a decibel each (III-D).

    Level n > 0 is n / 3 - 80 dB above a full-scale sine, rounded to the nearest; 0 is all below.
    """
    scaled = np.maximum(np.asarray(power, dtype=np.float32) / config.full_scale, _TINY)
    levels = (10 * np.log10(scaled) - FLOOR_DB) * LEVELS_PER_DB
    return np.clip(np.rint(levels), 0, TOP_LEVEL).astype(np.uint8)


def undiscretise(levels: NDArray[np.uint8] | Floats, config: MelConfig) -> Floats:
    """Return the power of levels 0..255, whole or between; below a half it is 0.

    Within half a level (a sixth of a decibel) of what `discretise` was given, where that was within
    its range.
    """
    levels = np.asarray(levels, dtype=np.float32)
    power = 10 ** ((levels / LEVELS_PER_DB + FLOOR_DB) / 10) * config.full_scale
    return np.where(levels < 0.5, 0, power).astype(np.float32)


@cache
def filter_bank(config: MelConfig) -> Floats:
    """Return the triangles `[bins, F]` that sum linear power to mel power.

    HTK scale, height 1, each bin in at most two triangles. With many bands the low ones are
    narrower than a bin, and those that hold none are all zero.
    """
    bin_hz = np.linspace(0, config.rate // 2, config.bins)
    low, high = (2595 * math.log10(1 + hz / 700) for hz in (config.f_min, config.top_hz))
    edges = 700 * (10 ** (np.linspace(low, high, config.mels + 2) / 2595) - 1)
    widths = np.diff(edges)
    rising = (bin_hz[:, None] - edges[:-2]) / widths[:-1]
    falling = (edges[2:] - bin_hz[:, None]) / widths[1:]
    bank: Floats = np.maximum(0, np.minimum(rising, falling)).astype(np.float32)
    bank.flags.writeable = False
    return bank


class _Triangles:
    """The filter bank as two weights a bin: a bin lies between two neighbouring band centres.

    Far cheaper than the dense matrix, and the same bits whatever the number of BLAS threads.
    """

    def __init__(self, config: MelConfig) -> None:
        """Take the bank of `config` apart."""
        bank = filter_bank(config)
        # Bin k lies in gap g, between the centres of bands g - 1 and g, or touches no band.
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


@cache
def _triangles(config: MelConfig) -> _Triangles:
    return _Triangles(config)


@cache
def _hann(length: int) -> NDArray[np.float64]:
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)


@cache
def _padded_window(config: MelConfig) -> Floats:
    before = (config.fft - config.window) // 2
    after = config.fft - config.window - before
    window: Floats = np.pad(_hann(config.window), (before, after)).astype(np.float32)
    window.flags.writeable = False
    return window


def _analyse(samples: Floats, config: MelConfig) -> Floats:
    """Frame samples without padding: `[n]` to `[F, t]`."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, config.fft)[:: config.hop]
    spectrum = np.fft.rfft(frames * _padded_window(config))  # [T, bins] complex64
    power = spectrum.real**2 + spectrum.imag**2
    return _triangles(config).sum_bins(np.ascontiguousarray(power.T))
