"""Onset curves: what the network gets, and kick hits out of what it gives (sections 3.2 and 3.3).

A curve is a float32 array `[T]` at `FRAME_RATE`, standardised over the song: zero mean and unit
variance.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.io.arrays import Floats
from drumkit_cli.kick.config import THRESHOLD
from drumkit_cli.spectral.onset_strength import FRAME_RATE

INPUTS: Final = ("snare", "bass", "beat", "downbeat")
"""The order of the context curves x."""
LEAST_LEVEL: Final = 0.7
"""Level of a hit at the threshold; at the maximum it is 1."""

LAG_SECONDS: Final = 1.6 / FRAME_RATE
"""How much later than its onset a kick's onset strength is highest, in the median of our songs."""

_NOTE_SHAPE: Final = (0.6, 1.0, 0.83, 0.58, 0.41, 0.33, 0.29, 0.22)
"""Onset strength from a note's onset on, frame by frame: the mean of kicks that were rendered."""
_BEAT_REACH_FRAMES: Final = 2.0
_FILTER_REACH: Final = 24
_MOST_SPREAD: Final = 1e-6

Times = NDArray[np.float64]


def frame_count(seconds: float) -> int:
    """Frames of a song of so many seconds."""
    return 1 + int(seconds * FRAME_RATE)


def standardised(curve: Floats) -> Floats:
    """The curve with zero mean and unit variance; zeros where it is constant."""
    if not len(curve):
        return np.zeros(0, np.float32)
    values = np.asarray(curve, np.float64)
    spread = values.std()
    if spread <= _MOST_SPREAD * max(np.abs(values).max(), _MOST_SPREAD):
        return np.zeros(len(values), np.float32)
    return np.asarray((values - values.mean()) / spread, np.float32)


def note_curve(onsets: Times, velocities: Times, frames: int) -> Floats:
    """Onset strength of notes: their onsets in seconds, velocities 0..1; not standardised."""
    places = np.asarray(onsets, np.float64) * FRAME_RATE
    inside = (places >= 0) & (places < frames)
    places, levels = places[inside], np.asarray(velocities, np.float64)[inside]
    whole = places.astype(int)
    impulses = np.zeros(frames + 1)
    np.add.at(impulses, whole, levels * (1 - (places - whole)))
    np.add.at(impulses, whole + 1, levels * (places - whole))
    return np.asarray(np.convolve(impulses, _NOTE_SHAPE)[:frames], np.float32)


def beat_curve(beats: Times, frames: int) -> Floats:
    """How likely each frame is a beat, given the beats in seconds: triangles of height 1."""
    curve = np.zeros(frames)
    places = np.asarray(beats, np.float64) * FRAME_RATE
    reach = int(np.ceil(_BEAT_REACH_FRAMES))
    for offset in range(-reach, reach + 1):
        at = np.rint(places).astype(int) + offset
        inside = (at >= 0) & (at < frames)
        height = np.maximum(1 - np.abs(at - places) / _BEAT_REACH_FRAMES, 0)
        np.maximum.at(curve, at[inside], height[inside])
    return np.asarray(curve, np.float32)


def retimed(curves: Floats, tempo: float) -> Floats:
    """Curves `[C, T]` played at so many times the tempo."""
    places = np.arange(int(curves.shape[1] / tempo)) * tempo
    frames = np.arange(curves.shape[1])
    return np.stack([np.interp(places, frames, curve) for curve in curves]).astype(np.float32)


def pick_hits(curve: Floats, threshold: float = THRESHOLD) -> tuple[Times, Times]:
    """The hits in an onset curve: their times in seconds and their levels 0.7..1.

    Small peaks are smoothed away by a Butterworth low-pass of order two at half the Nyquist
    frequency, applied forwards and backwards; those below `threshold` times the maximum, 0..1, are
    left out. A curve that is nowhere above 0 has no hits.
    """
    if len(curve) < 3:
        return np.zeros(0), np.zeros(0)
    smooth = smoothed(curve)
    highest = float(smooth.max())
    if highest <= _MOST_SPREAD:
        return np.zeros(0), np.zeros(0)
    padded = np.pad(smooth, 1, constant_values=-np.inf)
    left, right = padded[:-2], padded[2:]
    peaks = np.flatnonzero((smooth > left) & (smooth >= right) & (smooth >= threshold * highest))
    heights = smooth[peaks] / highest
    levels = LEAST_LEVEL + (1 - LEAST_LEVEL) * (heights - threshold) / max(1 - threshold, 1e-9)
    times = np.maximum((peaks + _between(smooth, peaks)) / FRAME_RATE - LAG_SECONDS, 0.0)
    return times, np.clip(levels, LEAST_LEVEL, 1.0)


def smoothed(curve: Floats) -> Times:
    """The curve after the zero-phase low-pass.

    Its gain at the frequency w, forwards and backwards, is ``1 / (1 + tan(w / 2) ** 4)``.
    """
    size = 8 * _FILTER_REACH
    half = np.linspace(0, np.pi / 2, size // 2 + 1)
    gain = 1 / (1 + np.tan(half[:-1]) ** 4)
    response = np.fft.irfft(np.append(gain, 0.0))
    kernel = np.concatenate([response[-_FILTER_REACH:], response[: _FILTER_REACH + 1]])
    ended = np.pad(np.asarray(curve, np.float64), _FILTER_REACH, mode="edge")
    return np.convolve(ended, kernel, mode="valid")


def _between(curve: Times, peaks: NDArray[np.intp]) -> Times:
    """Where between frames the maxima are: those of parabolas through three frames."""
    padded = np.pad(curve, 1, mode="edge")
    before, at, after = padded[peaks], padded[peaks + 1], padded[peaks + 2]
    bend = before - 2 * at + after
    return np.clip(
        np.where(bend < 0, 0.5 * (before - after) / np.minimum(bend, -1e-12), 0), -0.5, 0.5
    )
