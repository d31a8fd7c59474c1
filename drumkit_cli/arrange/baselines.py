"""What generated drums are compared with: onsets that need no network."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

RANDOM_DRAWS: Final = 20

Times = NDArray[np.floating]


def random_onsets(count: int, seconds: float) -> list[Times]:
    """Draws of so many onsets, evenly spread over some seconds by chance."""
    generator = np.random.default_rng(0)
    return [np.sort(generator.uniform(0, seconds, count)) for _ in range(RANDOM_DRAWS)]


def retimed(onsets: Times, beats: Times, target: Times) -> Times:
    """Onsets of one song played on the beats of another, bar line on bar line.

    What lies between the first bar line and the last is repeated for as long as the other lasts;
    there is nothing without two bar lines.

    Args:
        onsets: seconds.
        beats: `[n, 2]` of their song: seconds, number in the bar.
        target: those of the other.
    """
    lines, starts = (np.flatnonzero(of[:, 1] == 1) for of in (beats, target))
    if len(lines) < 2 or not len(starts):
        return np.zeros(0)
    span, last = int(lines[-1] - lines[0]), len(target) - 1
    places = np.interp(onsets, beats[:, 0], np.arange(len(beats))) - lines[0]
    places = np.unique(places[(places >= 0) & (places < span)])
    repeats = np.arange(-1, last // span + 1)[:, None] * span
    placed = (places + repeats + starts[0]).ravel()
    placed = placed[(placed >= 0) & (placed <= last)]
    moved: Times = np.interp(placed, np.arange(len(target)), target[:, 0])
    return moved
