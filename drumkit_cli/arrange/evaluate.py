"""How well generated drums go with the song: onsets against the drums that were really played."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.arrange import infer

TOLERANCE_SECONDS = 0.05
PEAK_FRAMES = 3
"""An onset is the strongest frame among so many before and after it: 70 ms."""
PEAK_THRESHOLD = 0.05
"""Least rise of an onset, in the mean over bins of an image in -1..1: 2 dB over all bins."""

Floats = NDArray[np.float32]


def onset_frames(image: Floats) -> NDArray[np.intp]:
    """Return the frames of the onsets of a log-mel image ``[F, T]`` in -1..1, sorted.

    Peaks of the rise of each bin from two frames before, averaged over the bins.
    """
    rise = np.maximum(image[:, 2:] - image[:, :-2], 0).mean(0)
    strength = np.concatenate([np.zeros(1), rise, np.zeros(1)])
    padded = np.pad(strength, PEAK_FRAMES)
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * PEAK_FRAMES + 1)
    return np.flatnonzero((strength > PEAK_THRESHOLD) & (strength >= around.max(1)))


def onset_f_measure(reference: NDArray[np.intp], estimate: NDArray[np.intp]) -> float:
    """Return mir_eval's onset F-measure of two lists of frames, within 50 ms; 1 of two empty ones."""
    import mir_eval

    if not len(reference) and not len(estimate):
        return 1.0
    seconds_per_frame = infer.MEL.hop / infer.MEL.rate
    score, _, _ = mir_eval.onset.f_measure(
        reference * seconds_per_frame, estimate * seconds_per_frame, window=TOLERANCE_SECONDS
    )
    return float(score)
