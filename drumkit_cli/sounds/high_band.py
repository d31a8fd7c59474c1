"""The band above 11 kHz, which the image of a sound does not have: noise shaped by what is below.

Most of what drums have there is noise. Its level in each band and frame is a linear function of the
levels of the bands below at that time, with a constant by class: `HIGH_BAND`, which
`tools/fit_high_band.py` fits. Frames are short, so that the noise starts as the sound does.
"""

from functools import cache
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from drumkit_cli.io.arrays import Floats
from drumkit_cli.sounds.high_band_table import HIGH_BAND
from drumkit_cli.sounds.mel_image import MEL
from drumkit_cli.spectral.melscale import hann

FULL_RATE: Final = 2 * MEL.rate
WINDOW: Final = 256
"""Samples of a frame at `FULL_RATE`, 5.8 ms; frames overlap by half."""
LOW_EDGES_HZ: Final = (690.0, 1400.0, 2800.0, 5500.0, 8300.0, 11_025.0)
"""Edges of the bands whose levels are read."""
HIGH_EDGES_HZ: Final = tuple(11_025 + 1122 * place for place in range(9))
"""Edges of the bands that are made."""
FLOOR_DB: Final = -90.0
SILENT_DB: Final = -80.0
"""A frame whose bands are all below this, a full-scale sine being 0, gets no noise."""

_NOISE_FRAMES: Final = 1024


def extended(samples: Floats, classes: Floats, seed: int) -> Floats:
    """Double the rate of a sound ``[n]`` at `MEL.rate` and add the band above: ``[2 n]``.

    Args:
        samples: the sound; its peak should be near 1, since levels are absolute.
        classes: class weights ``[K]``.
        seed: of the noise.
    """
    from drumkit_cli.audio.reader import resample

    full: Floats = resample(samples[None], MEL.rate, FULL_RATE)[0]
    below = low_levels(samples)
    if not len(below):
        return full
    decibels = predicted(below, classes) @ _bands_to_bins()  # [T, bins]
    gain = np.exp(decibels * np.float32(np.log(10) / 20))
    gain[below.max(1) < SILENT_DB] = 0
    noise, first_bin = _noise()
    start = int(np.random.default_rng(seed).integers(_NOISE_FRAMES - len(gain)))
    spectrum = np.zeros((len(gain), WINDOW // 2 + 1), np.complex64)
    shaped = spectrum[:, first_bin : first_bin + gain.shape[1]]
    np.multiply(noise[start : start + len(gain)], gain, out=shaped)
    halves = np.fft.irfft(spectrum, WINDOW).reshape(len(gain), 2, WINDOW // 2)
    high = np.array(halves[:, 1], np.float32)
    high[:-1] += halves[1:, 0]
    high = high.ravel()[: len(full)]
    full[: len(high)] += high
    return full


def low_levels(samples: Floats) -> Floats:
    """Levels in dB ``[T, 5]`` of the bands below, in frames of samples ``[n]`` at `MEL.rate`."""
    return _levels(samples, WINDOW // 2, MEL.rate, LOW_EDGES_HZ)


def high_levels(samples: Floats) -> Floats:
    """Levels in dB ``[T, 8]`` of the bands above, in frames of samples ``[n]`` at `FULL_RATE`."""
    return _levels(samples, WINDOW, FULL_RATE, HIGH_EDGES_HZ)


def predicted(below: Floats, classes: Floats) -> Floats:
    """Levels in dB ``[T, 8]`` of the bands above from those below ``[T, 5]``."""
    slopes, constants = _table()
    levels: Floats = below @ slopes + classes @ constants
    return levels


def _levels(samples: Floats, window: int, rate: int, edges: tuple[float, ...]) -> Floats:
    """Mean power of bins in bands, in dB: 0 for a full-scale sine in one bin."""
    padded = np.pad(samples, window // 2)
    frames = sliding_window_view(padded, window)[:: window // 2]
    shape = _window(window)
    bank = _bank(window, rate, edges)
    spectrum = np.fft.rfft(frames * shape)
    power = (np.square(spectrum.real) + np.square(spectrum.imag)).astype(np.float32)
    floor = np.float32(10 ** (FLOOR_DB / 10))
    levels: Floats = 10 * np.log10(np.maximum(power @ bank, floor))
    return levels


@cache
def _window(window: int) -> Floats:
    return hann(window).astype(np.float32)


@cache
def _bank(window: int, rate: int, edges: tuple[float, ...]) -> Floats:
    """Weights ``[bins, bands]`` of the mean over the bins of each band, for that window."""
    hertz = np.fft.rfftfreq(window, 1 / rate)[:, None]
    held = (hertz >= np.array(edges[:-1]) - 1) & (hertz < np.array(edges[1:]) - 1)
    weights = held / held.sum(0) / (window / 4) ** 2
    return np.asarray(weights, np.float32)


@cache
def _table() -> tuple[Floats, Floats]:
    """Slopes ``[5, 8]`` and constants by class ``[K, 8]``."""
    table = np.array(HIGH_BAND, np.float32)
    count = len(LOW_EDGES_HZ) - 1
    return table[:count], table[count:]


@cache
def _bands_to_bins() -> Floats:
    """Weights ``[8, bins]`` that interpolate levels of bands at the bins above 11 kHz."""
    hertz = _bins_hz()
    edges = np.array(HIGH_EDGES_HZ)
    centres = (edges[1:] + edges[:-1]) / 2
    rows = [np.interp(hertz, centres, row) for row in np.eye(len(centres))]
    return np.array(rows, np.float32)


def _bins_hz() -> NDArray[np.float64]:
    hertz = np.fft.rfftfreq(WINDOW, 1 / FULL_RATE)
    return np.asarray(hertz[(hertz >= HIGH_EDGES_HZ[0] - 1) & (hertz <= HIGH_EDGES_HZ[-1])])


@cache
def _noise() -> tuple[NDArray[np.complex64], int]:
    """Spectra ``[frames, bins]`` of noise of level 0 dB in any band, and their first bin."""
    count = (_NOISE_FRAMES + 1) * WINDOW // 2
    noise = np.random.default_rng(0).standard_normal(count).astype(np.float32)
    shape = _window(WINDOW)
    frames = sliding_window_view(noise, WINDOW)[:: WINDOW // 2]
    hertz = _bins_hz()
    first = round(hertz[0] * WINDOW / FULL_RATE)
    spectra = np.fft.rfft(frames * shape)[:, first : first + len(hertz)]
    scale = WINDOW / 4 / np.sqrt(np.square(shape).sum())
    return (spectra * scale).astype(np.complex64), first
