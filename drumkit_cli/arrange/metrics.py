"""How good drums are, as numbers: their bars, their spectrum, their seams.

Images are those of `spectral.onsets`, beats are float64 ``[n, 2]``: seconds, number in the bar.
"""

import itertools
import math
from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.io.arrays import Floats
from drumkit_cli.learning.statistics import frechet_distance
from drumkit_cli.spectral import mel_spectrogram
from drumkit_cli.spectral.bass_share import FFT
from drumkit_cli.spectral.onsets import MEL, SECONDS_PER_FRAME, TOLERANCE_SECONDS, onset_scores

BAND_EDGES_HZ: Final = (0.0, 150.0, 2000.0, 6000.0, MEL.rate / 2)
GRID_TOLERANCE_SECONDS: Final = 0.035
SPECTRUM_BANDS: Final = 32
IMAGE_DECIBELS: Final = mel_spectrogram.TOP_LEVEL / mel_spectrogram.LEVELS_PER_DB
STEPS: Final = 4
"""Sixteenths in a beat."""
SAME_PLACE: Final = 0.998
"""Cosine of the angle between places in a bar that count as one: a hundredth of a bar."""
NEAR_FRAMES: Final = 24
"""Frames that are at most so far apart are of one bar."""
NAN: Final = float("nan")

Times = NDArray[np.floating]


def divide_beats(beats: Times, parts: int) -> Times:
    """Times of the parts of each beat, the last beat's first part included."""
    if not len(beats):
        return np.zeros(0)
    places = np.arange((len(beats) - 1) * parts + 1) / parts
    return np.interp(places, np.arange(len(beats)), beats[:, 0])


def grid_f_measure(onsets: Times, beats: Times) -> float:
    """Onset F-measure, within 50 ms, against the sixteenths of beats; NaN without beats.

    Onsets before the first beat and after the last do not count. Every second sixteenth, in time,
    has 2/3.
    """
    if not len(beats):
        return NAN
    first, last = beats[0, 0] - TOLERANCE_SECONDS, beats[-1, 0] + TOLERANCE_SECONDS
    inside = onsets[(onsets >= first) & (onsets <= last)]
    return onset_scores(divide_beats(beats, STEPS), inside)[0]


def share_on_grid(onsets: Times, grid: Times) -> float:
    """Share of the onsets within the range of a grid that are within 35 ms of one of its times."""
    inside = onsets[(onsets >= grid[0]) & (onsets <= grid[-1])] if len(grid) else onsets[:0]
    if not len(inside):
        return NAN
    distance = np.abs(inside[:, None] - grid[None]).min(1)
    return float(np.mean(distance <= GRID_TOLERANCE_SECONDS))


def bar_likeness(strength: Floats, beats: Times) -> float:
    """Correlation of each bar's onset strength ``[T]`` with that of the next, the mean over pairs.

    A bar is the greatest strength around each of its sixteenths. 1 for bars that are the same, 0
    for unrelated ones; NaN where no two bars of one length follow each other.
    """
    lines = np.flatnonzero(beats[:, 1] == 1)
    bars = [_sixteenths(strength, beats[a : b + 1]) for a, b in itertools.pairwise(lines)]
    pairs = [
        np.corrcoef(one, other)[0, 1]
        for one, other in itertools.pairwise(bars)
        if len(one) == len(other) and np.ptp(one) > 0 and np.ptp(other) > 0
    ]
    return float(np.mean(pairs)) if pairs else NAN


def place_likeness(strength: Floats, planes: Floats) -> float:
    """Correlation of the onset strength ``[T]`` of frames at the same place in different bars."""
    same = planes[1:3].T @ planes[1:3] > SAME_PLACE
    frames = np.arange(len(strength))
    same &= np.abs(frames[:, None] - frames) > NEAR_FRAMES
    one, other = np.nonzero(same)
    smooth = np.convolve(strength, [0.25, 0.5, 0.25], "same")
    if not len(one) or not smooth.any():
        return 0.0
    return float(np.corrcoef(smooth[one], smooth[other])[0, 1])


def band_shares(power: Floats) -> list[float]:
    """Shares of the energy of `power_spectrum` between each two of `BAND_EDGES_HZ`."""
    hertz = np.fft.rfftfreq(FFT, 1 / MEL.rate)
    energy = power.sum(1, dtype=np.float64)
    bands = [
        energy[(hertz >= low) & (hertz < high)].sum()
        for low, high in itertools.pairwise(BAND_EDGES_HZ)
    ]
    total = sum(bands)
    return [float(band / total) if total else NAN for band in bands]


def seam_ratio(image: Floats, is_seam: NDArray[np.bool_]) -> float:
    """Spectral flux of an image ``[F, T]`` in some of its frames, ``[T]``, over that elsewhere.

    The flux is the mean change of the bins since the frame before. 1 where seams are not to be
    seen; NaN without seams or without change elsewhere.
    """
    flux, seams = np.abs(np.diff(image, axis=1)).mean(0), is_seam[1:]
    if not seams.any() or seams.all() or not flux[~seams].any():
        return NAN
    return float(flux[seams].mean() / flux[~seams].mean())


def spectral_distance(real: Iterable[Floats], made: Iterable[Floats]) -> float:
    """Frechet distance, in dB, of the non-silent frames of log-mel images ``[F, T]``.

    The root of `frechet_distance` over 32 bands, per band: 0 for the same sound, 6 for one that is
    6 dB louder everywhere, NaN when either is silent.
    """
    sounding = []
    for images in (real, made):
        frames = np.concatenate([_bands(image) for image in images], axis=1)
        sounding.append(frames[:, frames.max(0) > 0.25 * IMAGE_DECIBELS].T)
        if len(sounding[-1]) < 2:
            return NAN
    return math.sqrt(frechet_distance(*sounding) / SPECTRUM_BANDS)


def _sixteenths(strength: Floats, beats: Times) -> Floats:
    """The greatest strength within half a sixteenth of each sixteenth of a bar's beats."""
    times = divide_beats(beats, STEPS)
    middles = (times[1:] + times[:-1]) / 2
    first = times[0] - (times[1] - times[0]) / 2
    edges = np.ceil(np.concatenate([[first], middles]) / SECONDS_PER_FRAME).astype(int)
    edges = np.clip(edges, 0, len(strength))
    return np.array(
        [strength[a:b].max(initial=0.0) for a, b in itertools.pairwise(edges)], np.float32
    )


def _bands(image: Floats) -> Floats:
    """Decibels above the lowest level, averaged in 32 bands: ``[32, T]``."""
    bins, frames = image.shape
    decibels = (image + 1) / 2 * IMAGE_DECIBELS
    bands: Floats = decibels.reshape(SPECTRUM_BANDS, bins // SPECTRUM_BANDS, frames).mean(1)
    return bands
