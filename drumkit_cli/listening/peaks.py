"""Peaks of activation curves, and how well they match known times."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.io.arrays import Floats

Times = NDArray[np.floating[Any]] | NDArray[np.integer[Any]]

REACH_FRAMES: Final = 3
"""A peak is the highest of so many frames before and after it."""


def pick_peaks(curve: Floats, threshold: float, reach: int = REACH_FRAMES) -> NDArray[np.intp]:
    """Frames of the peaks of a curve `[T]` that reach a threshold, sorted.

    A peak is higher than the `reach` frames before it and not lower than those after it.
    """
    if not len(curve):
        return np.zeros(0, np.intp)
    padded = np.pad(curve, reach, constant_values=-np.inf)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1)  # [T, 2 reach + 1]
    before, after = windows[:, :reach].max(1), windows[:, reach + 1 :].max(1)
    return np.flatnonzero((curve >= threshold) & (curve > before) & (curve >= after))


def refine_peaks(curve: Floats, frames: NDArray[np.intp]) -> NDArray[np.float64]:
    """Positions of peaks between frames: the vertex of the parabola through three frames."""
    padded = np.pad(np.asarray(curve, np.float64), 1, mode="edge")
    left, centre, right = padded[frames], padded[frames + 1], padded[frames + 2]
    bend = left - 2 * centre + right
    shift = np.divide(left - right, 2 * bend, out=np.zeros_like(bend), where=bend < 0)
    places: NDArray[np.float64] = frames + np.clip(shift, -0.5, 0.5)
    return places


def match(
    estimated: Sequence[float] | Times, reference: Sequence[float] | Times, tolerance: float
) -> list[tuple[int, int]]:
    """Largest set of pairs (estimated, reference) that are no further apart than a tolerance.

    Both are sorted; each member is in one pair at most.
    """
    pairs, e, r = [], 0, 0
    while e < len(estimated) and r < len(reference):
        distance = estimated[e] - reference[r]
        if abs(distance) <= tolerance:
            pairs.append((e, r))
        e += distance <= tolerance
        r += distance >= -tolerance
    return pairs
