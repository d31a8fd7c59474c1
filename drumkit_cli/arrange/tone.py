"""The balance of drums: what they have below 150 Hz and above 6 kHz beside the rest."""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.io.arrays import Floats
from drumkit_cli.spectral.melscale import band_edges
from drumkit_cli.spectral.onsets import MEL

HERTZ: Final[NDArray[np.float64]] = band_edges(MEL)[1:-1]
LOW, HIGH = HERTZ < 150, HERTZ > 6000
LOW_SHARE, HIGH_SHARE = 0.55, 0.035
"""Shares of the energy of recorded drums below 150 Hz, at least, and above 6 kHz, at most."""
MOST_DB: Final = 9.0

_CORNERS_HZ: Final = (100.0, 250.0, 4000.0, 8000.0)


def balance_db(power: Floats) -> tuple[float, float]:
    """Energy of mel power ``[F, T]`` below 150 Hz and above 6 kHz, in dB of what lies between."""
    energy = np.maximum(power.mean(1, dtype=np.float64), 1e-12)
    middle = energy[~LOW & ~HIGH].sum()
    low, high = (10 * math.log10(energy[where].sum() / middle) for where in (LOW, HIGH))
    return low, high


def shelves(low_db: float, high_db: float) -> Floats:
    """Gains of mel power ``[F, 1]``: shelves below about 150 Hz and above about 6 kHz."""
    decibels = np.interp(np.log(HERTZ), np.log(_CORNERS_HZ), [low_db, 0, 0, high_db])
    return (10 ** (decibels / 10)).astype(np.float32)[:, None]


def master(power: Floats) -> Floats:
    """Equalise mel power of drums ``[F, T]`` with less body or more hiss than recorded ones.

    They get at least `LOW_SHARE` and at most `HIGH_SHARE`, as far as 9 dB of body allow.
    """
    middle = 1 - LOW_SHARE - HIGH_SHARE
    low, high = balance_db(power)
    wanted_low, wanted_high = (10 * math.log10(s / middle) for s in (LOW_SHARE, HIGH_SHARE))
    up = min(max(wanted_low - low, 0.0), MOST_DB)
    mastered: Floats = power * shelves(up, min(wanted_high - high, 0.0))
    return mastered
