"""Beats and bars as planes that the networks get beside the bass."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.io.arrays import Floats
from drumkit_cli.spectral.onsets import SECONDS_PER_FRAME

BEAT_CYCLES: Final = (1, 2, 3, 4)
"""Waves in a beat: quarters, eighths, triplets and sixteenths."""
PLANES: Final = 3 + 2 * len(BEAT_CYCLES)
"""Whether the metre is known; cosine and sine of the place in the bar; those of `BEAT_CYCLES`."""

Beats = NDArray[np.floating]


def metre_planes(beats: Beats, start: int, frames: int) -> Floats:
    """Planes ``[PLANES, frames]`` in -1..1 of the frames from `start` on, all 0 without metre.

    Metre is steady before the first beat and after the last. It is unknown with fewer than two
    beats, or where no beat begins a bar.

    Args:
        beats: `[n, 2]`: seconds, number in the bar.
        start: a frame of `spectral.onsets.MEL`; may be negative.
        frames: their number.
    """
    planes = np.zeros((PLANES, frames), np.float32)
    lines = np.flatnonzero(beats[:, 1] == 1).astype(np.float64)
    if len(beats) < 2 or not len(lines):
        return planes
    seconds = (start + np.arange(frames)) * SECONDS_PER_FRAME
    beat = _steady(seconds, beats[:, 0])
    length = float(np.median(np.diff(lines))) if len(lines) > 1 else float(beats[:, 1].max())
    lines = np.concatenate([[lines[0] - length], lines, [lines[-1] + length]])
    bar = _steady(beat, lines)
    planes[0] = 1
    for row, turns in enumerate([bar, *(beat * cycles for cycles in BEAT_CYCLES)]):
        angle = 2 * np.pi * turns
        planes[1 + 2 * row], planes[2 + 2 * row] = np.cos(angle), np.sin(angle)
    return planes


def _steady(at: Beats, times: Beats) -> Beats:
    """Interpolate the indices of rising times; outside, go on at the pace of the first and last."""
    interval = float(np.median(np.diff(times)))
    inside: Beats = np.interp(at, times, np.arange(len(times)))
    inside = inside + np.minimum(at - times[0], 0) / interval
    steady: Beats = inside + np.maximum(at - times[-1], 0) / interval
    return steady
