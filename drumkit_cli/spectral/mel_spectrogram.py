"""Mel spectrograms: analysis, 256 levels, and the way back to audio.

The analysis is torchaudio's `MelSpectrogram` (centred frames with reflected ends, power 2) computed
with numpy: importing torch alone takes longer than analysing a song. A test holds the two together.

The way back follows G. Barnabo et al., "CycleDRUMS", III-B: non-negative least squares from mel to
linear power, then Griffin-Lim.

Everything runs in blocks of frames at fixed places, so that a stream gives the bits of the whole.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from math import prod
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.spectral.griffin_lim import GRIFFIN_LIM_ITERATIONS, griffin_lim_blocks
from drumkit_cli.spectral.melscale import (
    Floats,
    MelConfig,
    filter_bank,
    padded_window,
    triangles,
)

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

FLOOR_DB: Final = -80.0
"""Power of level 0, in dB above that of a full-scale sine; what is below becomes level 0."""
LEVELS_PER_DB: Final = 3
"""A level is a third of a decibel: 255 is +5 dB, which a full-scale square wave stays under."""
TOP_LEVEL: Final = 255
NNLS_ITERATIONS: Final = 30

_BLOCK_FRAMES: Final = 128
_FFT_FRAMES: Final = 16
_TINY: Final = 1e-20


def mel_power(samples: Floats, config: MelConfig) -> Floats:
    """Analyse audio at `config.rate`: samples `[..., N]` to power `[..., F, T]`, float32.

    T = 1 + N // hop, frame t is centred on sample t * hop; 0 samples give 0 frames. A signal
    shorter than half a transform is reflected as often as needed.
    """
    samples = np.asarray(samples, dtype=np.float32)
    flat = samples.reshape(prod(samples.shape[:-1]), samples.shape[-1])
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
    levels = np.clip(np.rint(levels), 0, TOP_LEVEL)
    return np.asarray(levels, dtype=np.uint8)


def undiscretise(levels: NDArray[np.uint8] | Floats, config: MelConfig) -> Floats:
    """Return the power of levels 0..255, whole or between; below a half it is 0.

    Within half a level (a sixth of a decibel) of what `discretise` was given, where that was within
    its range.
    """
    levels = np.asarray(levels, dtype=np.float32)
    power = 10 ** ((levels / LEVELS_PER_DB + FLOOR_DB) / 10) * config.full_scale
    return np.where(levels < 0.5, 0, power).astype(np.float32)


def mel_to_linear(power: Floats, config: MelConfig, *, iterations: int = NNLS_ITERATIONS) -> Floats:
    """Find a linear spectrum that has this mel spectrum: power `[F, T]` to magnitude `[bins, T]`.

    Non-negative least squares by multiplicative updates (D. Lee, S. Seung, "Algorithms for
    non-negative matrix factorization", 2001), which never raise the residual. Each band's squared
    error is divided by the power there, so that the quiet bands count as the loud ones do. The
    start is the transposed bank. Bins within no band stay 0.
    """
    if not power.shape[1]:
        return np.zeros((config.bins, 0), dtype=np.float32)
    bank = _sparse_bank(config)
    ones = np.ones((config.mels, 1), dtype=np.float32)
    area = bank.T @ np.ones((config.bins, 1), dtype=np.float32)
    linear: Floats = bank @ (power / np.where(area > 0, area, 1))
    # A little of the neighbours' power is added: a hole that a network left between loud bands must
    # not silence them.
    around = (bank.T @ (bank @ power)) / np.maximum(bank.T @ (bank @ ones), _TINY)
    weight = 1 / np.maximum(power + around / 30, _TINY)
    target = bank @ (power * weight)
    for _ in range(iterations):
        linear *= target / np.maximum(bank @ (bank.T @ linear * weight), _TINY)
    return np.sqrt(linear)


def mel_to_audio(
    power: Floats,
    config: MelConfig,
    length: int | None = None,
    *,
    iterations: int = GRIFFIN_LIM_ITERATIONS,
    seed: int = 0,
) -> Floats:
    """Turn mel power `[F, T]` into audio float32 `[length]` at `config.rate`.

    Args:
        power: what `mel_power` returns.
        config: what it was made with.
        length: N, at most `config.samples(T)`, which it is when None.
        iterations: of Griffin-Lim.
        seed: of the phases to start from.

    Raises:
        UsageError: `config` has a hop that cannot be inverted.
    """

    def read(start: int, stop: int) -> Floats:
        return power[:, start:stop]

    blocks = audio_blocks(
        read, power.shape[1], config, length=length, iterations=iterations, seed=seed
    )
    return np.concatenate([np.empty(0, dtype=np.float32), *blocks])


def audio_blocks(
    read_power: Callable[[int, int], Floats],
    frames: int,
    config: MelConfig,
    *,
    length: int | None = None,
    iterations: int = GRIFFIN_LIM_ITERATIONS,
    seed: int = 0,
) -> Iterator[Floats]:
    """Do `mel_to_audio` in memory that the length does not raise.

    Args:
        read_power: gives the power `[F, stop - start]` of frames start to stop.
        frames: T.
        config: as `mel_to_audio`, like the rest.
        length: samples in all.
        iterations: of Griffin-Lim.
        seed: of the phases to start from.

    Yields:
        The samples, block after block.
    """

    def read(start: int, stop: int) -> Floats:
        return mel_to_linear(read_power(start, stop), config)

    return griffin_lim_blocks(read, frames, config, length=length, iterations=iterations, seed=seed)


@cache
def _sparse_bank(config: MelConfig) -> "csr_matrix":
    from scipy.sparse import csr_matrix

    return csr_matrix(filter_bank(config))


def _analyse(samples: Floats, config: MelConfig) -> Floats:
    """Frame samples without padding: `[n]` to `[F, t]`."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, config.fft)[:: config.hop]
    power = np.empty((config.bins, len(frames)), dtype=np.float32)
    for start in range(0, len(frames), _FFT_FRAMES):  # numpy is three times slower on larger ones
        few = slice(start, start + _FFT_FRAMES)
        spectrum = np.fft.rfft(frames[few] * padded_window(config))  # [t, bins] complex64
        power[:, few] = (spectrum.real**2 + spectrum.imag**2).T
    return triangles(config).sum_bins(power)
