"""Mel spectrograms: analysis, quantisation to 256 levels, and inversion to audio.

The analysis is that of torchaudio's `MelSpectrogram` (centred frames with reflected ends, power 2)
in numpy, because importing torch alone takes longer than analysing a song; a test compares the two.

The inversion follows G. Barnabo et al., "CycleDRUMS", III-B: non-negative least squares from mel to
linear power, then Griffin-Lim.

All functions work in blocks of frames at fixed positions, so that streaming gives the same bits.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from math import prod
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.io.arrays import Floats
from drumkit_cli.spectral.griffin_lim import GRIFFIN_LIM_ITERATIONS, griffin_lim_blocks
from drumkit_cli.spectral.mel_config import MelConfig
from drumkit_cli.spectral.melscale import filter_bank, padded_window, triangles

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

FLOOR_DB: Final = -80.0
"""Power of level 0, in dB relative to a full-scale sine; lower power is level 0 too."""
LEVELS_PER_DB: Final = 3
"""Levels in a decibel: level 255 is +5 dB, more than a full-scale square wave has."""
TOP_LEVEL: Final = 255
NNLS_ITERATIONS: Final = 30

_BLOCK_FRAMES: Final = 128
_FFT_FRAMES: Final = 16
_TINY: Final = 1e-20


def mel_power(samples: Floats, config: MelConfig) -> Floats:
    """Mel power `[..., F, T]`, float32, of samples `[..., N]` at `config.rate`.

    T = 1 + N // hop, and frame t is centred on sample t * hop; 0 samples give 0 frames. A signal
    shorter than half a transform is reflected repeatedly.
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
    """Yield blocks of mel power `[F, t]` of a stream of samples, given as blocks `[n]`.

    The frames are those of `mel_power` of the whole signal, bit for bit. Memory is bounded by the
    longest block.
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
        # The last half transform is held back: after the end its reflection follows.
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
    """Quantise mel power of any shape to levels 0..255, a third of a decibel each (III-D).

    Level n > 0 is n / 3 - 80 dB relative to a full-scale sine; lower power is level 0.
    """
    scaled = np.maximum(np.asarray(power, dtype=np.float32) / config.full_scale, _TINY)
    levels = (10 * np.log10(scaled) - FLOOR_DB) * LEVELS_PER_DB
    levels = np.clip(np.rint(levels), 0, TOP_LEVEL)
    return np.asarray(levels, dtype=np.uint8)


def undiscretise(levels: NDArray[np.uint8] | Floats, config: MelConfig) -> Floats:
    """Mel power of levels 0..255 of any shape, not necessarily whole; levels below 0.5 are silent.

    Within the range of levels, it is within a sixth of a decibel of the input of `discretise`.
    """
    levels = np.asarray(levels, dtype=np.float32)
    power = 10 ** ((levels / LEVELS_PER_DB + FLOOR_DB) / 10) * config.full_scale
    return np.where(levels < 0.5, 0, power).astype(np.float32)


def mel_to_linear(power: Floats, config: MelConfig, *, iterations: int = NNLS_ITERATIONS) -> Floats:
    """Linear magnitudes `[bins, T]` that have a given mel power `[F, T]`, by least squares.

    Non-negative least squares by multiplicative updates (D. Lee, S. Seung, "Algorithms for
    non-negative matrix factorization", 2001), which never increase the residual, from the
    transposed bank on. The squared error of a band is divided by its power, so that quiet bands
    count as much as loud ones. Bins in no band are 0.
    """
    if not power.shape[1]:
        return np.zeros((config.bins, 0), dtype=np.float32)
    bank = _sparse_bank(config)
    ones = np.ones((config.mels, 1), dtype=np.float32)
    area = bank.T @ np.ones((config.bins, 1), dtype=np.float32)
    linear: Floats = bank @ (power / np.where(area > 0, area, 1))
    # A share of the neighbours' power keeps a hole that a network left between loud bands from
    # silencing them.
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
    """Audio float32 `[length]` at `config.rate` of mel power `[F, T]`; see `audio_blocks`."""

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
    """Yield audio, block after block, for mel power `[F, frames]` of any length.

    Args:
        read_power: returns the power `[F, stop - start]` of frames start to stop.
        frames: number of frames T.
        config: sizes of the analysis.
        length: number of samples, at most `config.samples(frames)`, which it is when None.
        iterations: iterations of Griffin-Lim.
        seed: seed of its initial phases.

    Raises:
        UsageError: `config` has a hop that cannot be inverted.
    """

    def read(start: int, stop: int) -> Floats:
        return mel_to_linear(read_power(start, stop), config)

    return griffin_lim_blocks(read, frames, config, length=length, iterations=iterations, seed=seed)


@cache
def _sparse_bank(config: MelConfig) -> "csr_matrix":
    from scipy.sparse import csr_matrix

    return csr_matrix(filter_bank(config))


def _analyse(samples: Floats, config: MelConfig) -> Floats:
    """Mel power `[F, t]` of the frames within samples `[n]`, without padding."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, config.fft)[:: config.hop]
    power = np.empty((config.bins, len(frames)), dtype=np.float32)
    for start in range(0, len(frames), _FFT_FRAMES):  # numpy is three times slower on more
        few = slice(start, start + _FFT_FRAMES)
        spectrum = np.fft.rfft(frames[few] * padded_window(config))  # [t, bins] complex64
        power[:, few] = (spectrum.real**2 + spectrum.imag**2).T
    return triangles(config).sum_bins(power)
