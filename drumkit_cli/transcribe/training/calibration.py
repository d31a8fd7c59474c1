"""Thresholds of the ear's voices, chosen on rendered music."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.io.arrays import Floats
from drumkit_cli.listening.levels import FRAME_RATE
from drumkit_cli.listening.peaks import match, pick_peaks
from drumkit_cli.listening.voices import VOICES

TOLERANCE_FRAMES: Final = 0.05 * FRAME_RATE
_GRID: Final = np.linspace(0.04, 0.96, 47)


def best_thresholds(
    activations: Sequence[Floats], targets: Sequence[Floats], weights: Sequence[Floats]
) -> tuple[list[float], list[float]]:
    """The threshold of the highest F-measure of each voice, and that F-measure.

    Hits of little weight count neither as found nor as missed.

    Args:
        activations: `[T, V]` of each excerpt, 0..1.
        targets: `[T, V]`: 1 where a hit is.
        weights: `[T, V]`: how audible it is.
    """
    thresholds, scores = [], []
    for voice in range(len(VOICES)):
        counts = np.zeros((3, len(_GRID)))  # found, picked, there
        for activation, target, weight in zip(activations, targets, weights, strict=True):
            counts += _count(activation[:, voice], target[:, voice], weight[:, voice])
        f = 2 * counts[0] / np.maximum(counts[1] + counts[2], 1)
        best = int(np.argmax(f))
        thresholds.append(round(float(_GRID[best]), 2))
        scores.append(float(f[best]))
    return thresholds, scores


def _count(activation: Floats, target: Floats, weight: Floats) -> NDArray[np.float64]:
    hits = np.flatnonzero(target == 1)
    counted = weight[hits] >= 0.5
    peaks = pick_peaks(activation, float(_GRID[0]))
    strengths = activation[peaks]
    counts = np.zeros((3, len(_GRID)))
    for index, threshold in enumerate(_GRID):
        picked = peaks[strengths >= threshold]
        pairs = match(picked, hits, TOLERANCE_FRAMES)
        found = sum(counted[hit] for _, hit in pairs)
        counts[:, index] = found, len(picked) - (len(pairs) - found), counted.sum()
    return counts
