"""Bass in, drums out: windows of log-mel images through the generator, cross-faded, made audible.

The length does not matter: what is longer than a block lies in unlinked temporary files.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumkit_cli import spectral

Floats = NDArray[np.float32]

MEL: Final = spectral.PRESETS["arrange"]
WINDOW_FRAMES: Final = 256
OVERLAP_FRAMES: Final = 50
"""Frames that a window shares with the next (III-B)."""
NORMAL_LEVEL_DB: Final = -20.0
"""Gated level that the generator knows its bass and its drums at."""
IMAGE_PER_DECIBEL: Final = 2 * spectral.LEVELS_PER_DB / spectral.TOP_LEVEL

_GATE_SECONDS: Final = 0.1
_SILENCE_DB: Final = -70.0
_RELATIVE_GATE_DB: Final = -20.0


def to_image(power: Floats) -> Floats:
    """Return mel power as the generator's image: its 256 levels scaled to -1..1."""
    image: Floats = spectral.discretise(power, MEL).astype(np.float32)
    image *= 2 / spectral.TOP_LEVEL
    image -= 1
    return image


def from_image(image: Floats) -> Floats:
    """Return the mel power of an image; the lowest level is true silence."""
    return spectral.undiscretise((image + 1) * (spectral.TOP_LEVEL / 2), MEL)


def gated_level(blocks: Iterable[Floats], rate: int = MEL.rate) -> float:
    """Return the level of what sounds, in dB relative to full scale (RMS); -inf for silence.

    The mean power of the 0.1 s parts that are above -70 dB and not 20 dB below the mean of those:
    rests do not count, as in the loudness of broadcasts. ``blocks`` are mono samples ``[n]``.
    """
    size = max(1, round(_GATE_SECONDS * rate))
    powers: list[float] = []
    rest = np.zeros(0, np.float32)
    for block in blocks:
        held = np.concatenate([rest, block])
        whole = len(held) // size * size
        parts = held[:whole].reshape(-1, size).astype(np.float64)
        powers += np.mean(parts**2, axis=1).tolist()
        rest = held[whole:]
    if len(rest):
        powers.append(float(np.sum(rest.astype(np.float64) ** 2)) / size)
    heard = np.array(powers)
    heard = heard[heard > 10 ** (_SILENCE_DB / 10)]
    if not len(heard):
        return -math.inf
    heard = heard[heard > heard.mean() * 10 ** (_RELATIVE_GATE_DB / 10)]
    return float(10 * np.log10(heard.mean()))


def normalising_gain(level_db: float) -> float:
    """Return the factor that brings a gated level to the one that the generator knows; 0 of -inf."""
    return 0.0 if level_db == -math.inf else float(10 ** ((NORMAL_LEVEL_DB - level_db) / 20))
