"""Samples of log-mel levels, from the log magnitude and the phase steps that a network reads.

Phase steps are integrated frame by frame, each bin from itself and its neighbours in the frame
before, weighted by power. A few iterations of Griffin-Lim make the frames consistent. Levels
determine the power of bands, not of bins: last rounds scale the bins so that the bands of the
result have the given levels. One sound at a time: T frames, of which silent ones at the end cost
no time.
"""

from collections.abc import Callable
from functools import cache
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from drumkit_cli.io.arrays import Floats
from drumkit_cli.sounds.config import InverterConfig
from drumkit_cli.sounds.mel_image import FLOOR_DB, FRAMES, LENGTH, MEL
from drumkit_cli.spectral.melscale import filter_bank, hann

OVERLAP: Final = MEL.window // MEL.hop
SILENT_LEVEL: Final = 0.01
"""A frame without a level above this is silent."""
FULL_SCALE: Final = float(np.log(MEL.window / 4))
"""Log magnitude of a full-scale sine."""
FLOOR_POWER: Final = 10 ** (FLOOR_DB / 10) * MEL.full_scale
"""Mel power of level 0."""
FRAMES_ROUND: Final = 4
"""Numbers of frames are rounded up to multiples: each new number makes convolutions set up anew."""
MARGIN: Final = 3
"""Silent frames kept after the last sounding one: as far as a window reaches."""
MOMENTUM: Final = 0.99 / 1.99
"""Momentum of Griffin-Lim, as in `griffin_lim`."""
IMPULSE_SHARE: Final = 0.05
"""Weight of the phase of an impulse, relative to that of a bin's phase in the frame before."""
CORRECTION: Final = 1.5
"""Over-relaxation of the rounds that correct bands, except for the last one."""
CORRECTION_LIMIT: Final = 3.0
"""Largest correction of a band in one round, nepers."""

_BANDS: Final = 16
"""Bands summed at a time: larger products would wake the threads of the linear algebra library."""
_HALF: Final = MEL.window // 2

Spectrum = NDArray[np.complex64]
Phases = Callable[[Floats], tuple[Floats, Floats, Floats]]
"""Levels ``[F, T]`` to log magnitude ``[T, bins]`` and phase steps from one frame to the next
``[T - 1, bins]`` and from one bin to the next ``[T, bins - 1]``: `SpectralInverter.phases`."""


def invert(levels: Floats, phases: Phases, config: InverterConfig) -> Floats:
    """Samples ``[N]`` of levels ``[F, T]``; silent frames stay silent."""
    sounding = levels.max(0) > SILENT_LEVEL  # [T]
    needed = MARGIN + (int(np.flatnonzero(sounding)[-1]) + 1 if sounding.any() else 0)
    frames = min(-(-needed // FRAMES_ROUND) * FRAMES_ROUND, levels.shape[1])
    levels = np.ascontiguousarray(levels[:, :frames])
    log, in_time, in_bins = phases(levels)
    magnitude = np.exp(log + np.float32(FULL_SCALE)) * sounding[:frames, None]
    made = _reconcile(magnitude, sweep(magnitude, in_time, in_bins), levels.T, config)
    samples = np.zeros(LENGTH, np.float32)
    samples[: len(made)] = made
    return samples


def sweep(magnitude: Floats, in_time: Floats, in_bins: Floats) -> Spectrum:
    """Integrate phase steps to unit phasors ``[T, bins]``, frame by frame.

    The phase of a bin comes from itself and its two neighbours in the frame before, weighted by
    power, and at onsets from the steps over bins alone, as in an impulse.
    """
    weight = np.square(magnitude)
    impulse_phase = np.zeros_like(magnitude)
    np.cumsum(in_bins, 1, out=impulse_phase[:, 1:])
    up = _complex(np.float32(1), in_bins)  # from a bin to the next
    step = _complex(np.minimum(weight[1:], weight[:-1]), in_time)
    impulse = _complex(np.float32(IMPULSE_SHARE) * weight + np.float32(1e-12), impulse_phase)
    down = up.conj()
    phasors = impulse  # row by row
    phasors[0] = phasor = impulse[0] / np.abs(impulse[0])
    for t in range(1, len(phasors)):
        own = phasor * step[t - 1]
        mixed = impulse[t]
        mixed += own
        mixed[1:] += own[:-1] * up[t]
        mixed[:-1] += own[1:] * down[t]
        mixed *= 1 / (np.abs(mixed) + np.float32(1e-20))  # NumPy divides far more slowly
        phasor = mixed
    return phasors


def spectra(samples: Floats, fft: int = MEL.window) -> Spectrum:
    """Spectra ``[T, bins]`` of the frames of samples ``[N]``, ends reflected.

    The samples end with a whole frame, or have the full length.
    """
    count = FRAMES if len(samples) == LENGTH else len(samples) // MEL.hop + 1
    end = (count - 1) * MEL.hop + _HALF - len(samples)
    padded = np.concatenate((samples[_HALF:0:-1], samples, samples[-2 : -end - 2 : -1]))
    frames = sliding_window_view(padded, MEL.window)[:: MEL.hop]  # [T, window]
    return np.asarray(np.fft.rfft(frames * _window(), fft), np.complex64)


def synthesise(found: Spectrum) -> Floats:
    """Samples ``[N]`` of the nearest spectra ``[T, bins]`` (least squares)."""
    count = len(found)
    rows = np.zeros((count + OVERLAP - 1, MEL.hop), np.float32)
    frames = np.fft.irfft(found, MEL.window) * _window()
    parts = frames.reshape(count, OVERLAP, MEL.hop)
    for place in range(OVERLAP):
        rows[place : place + count] += parts[:, place]
    length = LENGTH if count == FRAMES else (count - 1) * MEL.hop
    samples: Floats = rows.ravel()[_HALF : _HALF + length] * _gain()[:length]
    return samples


def _reconcile(
    magnitude: Floats, phasors: Spectrum, levels: Floats, config: InverterConfig
) -> Floats:
    """Samples ``[N]`` from magnitudes and phasors ``[T, bins]`` and levels ``[T, F]``.

    Griffin-Lim makes the frames consistent, then rounds of corrections restore the levels.
    """
    samples = synthesise(magnitude * phasors)
    before: Spectrum | None = None
    for _ in range(config.refinements):
        samples, before = _griffin_lim(samples, magnitude, before)
    nepers = np.float32(-FLOOR_DB * np.log(10) / 10)
    target = levels * nepers + np.float32(np.log(FLOOR_POWER))
    for left in reversed(range(config.corrections)):
        found = _corrected(samples, target, CORRECTION if left else 1.0)
        samples = synthesise(found)
        if left:
            samples, _ = _griffin_lim(samples, np.abs(found), found)
    return samples


def _griffin_lim(
    samples: Floats, magnitude: Floats, before: Spectrum | None
) -> tuple[Floats, Spectrum]:
    """One iteration: new samples, and the spectra that the next one takes its momentum from."""
    found = spectra(samples)
    moved: Spectrum = found if before is None else found - np.float32(MOMENTUM) * before
    scaled: Spectrum = moved * (magnitude / np.maximum(np.abs(moved), np.float32(1e-6)))
    return synthesise(scaled), found


def _corrected(samples: Floats, target: Floats, share: float) -> Spectrum:
    """Spectra of samples, with bins scaled towards the log power ``[T, F]`` of bands.

    `share` is the part of the difference that is corrected.
    """
    found = spectra(samples, MEL.fft)
    power = np.square(found.real) + np.square(found.imag)
    bands = np.empty_like(target)
    for first, bins, weights in _groups():
        bands[:, first : first + _BANDS] = power[:, bins] @ weights
    missing = target - np.log(np.maximum(bands, np.float32(FLOOR_POWER)))
    missing *= np.float32(share / 2)
    np.clip(missing, -CORRECTION_LIMIT, CORRECTION_LIMIT, out=missing)
    (low, high), (low_share, high_share) = _bands_of_bins()
    gain = np.exp(np.take(missing, low, 1) * low_share + np.take(missing, high, 1) * high_share)
    scaled: Spectrum = found[:, :: MEL.fft // MEL.window] * gain
    return scaled


def _complex(size: Floats | np.float32, phase: Floats) -> Spectrum:
    numbers = np.empty(phase.shape, np.complex64)
    np.multiply(np.cos(phase), size, out=numbers.real)
    np.multiply(np.sin(phase), size, out=numbers.imag)
    return numbers


@cache
def _window() -> Floats:
    return hann(MEL.window).astype(np.float32)


@cache
def _gain() -> Floats:
    """Inverse of the sum of overlapping squared windows, ``[N]``."""
    rows = np.zeros((FRAMES + OVERLAP - 1, MEL.hop))
    for place, part in enumerate((hann(MEL.window) ** 2).reshape(OVERLAP, MEL.hop)):
        rows[place : place + FRAMES] += part
    gain = 1 / rows.ravel()[_HALF : _HALF + LENGTH]
    return gain.astype(np.float32)


@cache
def _groups() -> list[tuple[int, slice, Floats]]:
    """Groups of bands: the first band, the bins that any of them holds, their weights there."""
    bank = filter_bank(MEL)  # [bins, F]
    groups = []
    for first in range(0, MEL.mels, _BANDS):
        part = bank[:, first : first + _BANDS]
        held = np.flatnonzero(part.any(1))
        bins = slice(held[0], held[-1] + 1) if len(held) else slice(0, 1)
        groups.append((first, bins, np.ascontiguousarray(part[bins])))
    return groups


@cache
def _bands_of_bins() -> tuple[NDArray[np.int64], Floats]:
    """The two bands that each bin lies in, and its shares in them, ``[2, bins]`` each."""
    bank = filter_bank(MEL)[:: MEL.fft // MEL.window]
    bands = np.argsort(-bank, 1, kind="stable")[:, :2]
    weights = np.take_along_axis(bank, bands, 1)
    shares = weights / np.maximum(weights.sum(1, keepdims=True), 1e-9)
    return bands.T.copy(), shares.T.astype(np.float32)
