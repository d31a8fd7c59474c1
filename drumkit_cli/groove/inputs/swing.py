"""Swing: how much longer the first of a pair of sixteenths or eighths is than the second."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.groove.network.windowing import BEAT_STEPS

STRAIGHT_RATIO: Final = 1 / 2
TRIPLET_RATIO: Final = 2 / 3
LEAST: Final = 0.07
"""How late, in sixteenths, the second of a pair is at least where there is swing."""
AGREEMENT: Final = 2 / 3
"""The share of the second notes of pairs that must be late; of played straight ones half may be."""
LATEST: Final = 0.85
"""How late an eighth may be, somewhat more than in triplets; a dotted eighth is no swing."""
LATEST_SIXTEENTH: Final = 0.45


@dataclass(frozen=True)
class Swing:
    """Where the sixteenths of a beat lie.

    Attributes:
        pair: which pairs swing: sixteenths (1) or eighths (2, the length of one in sixteenths).
        ratio: the share of a pair that its first note gets, 1/2 (straight) to 2/3 (triplets).
    """

    pair: int = 1
    ratio: float = STRAIGHT_RATIO

    @property
    def is_straight(self) -> bool:
        """Whether nothing is late."""
        return self.ratio == STRAIGHT_RATIO

    def with_amount(self, amount: float) -> "Swing":
        """The same pairs, straight for 0 to triplets for 1."""
        return Swing(self.pair, STRAIGHT_RATIO + amount * (TRIPLET_RATIO - STRAIGHT_RATIO))

    def delays(self, columns: int) -> NDArray[np.float64]:
        """How late each column of a grid is, in sixteenths, ``[T]``.

        Sixteenths between swung eighths lie in the middle between these.
        """
        late = 2 * self.ratio - 1
        beat = (0, late, 0, late) if self.pair == 1 else (0, late, 2 * late, late)
        return np.resize(np.array(beat, np.float64), columns)


STRAIGHT: Final = Swing()


def find_swing(places: NDArray[np.float64], *, eighths: bool = True) -> Swing:
    """Find the swing of notes.

    Args:
        places: where they lie in their beats, in sixteenths, -0.5 to below 3.5.
        eighths: whether a beat has two eighths, as in simple meters.

    Returns:
        The median ratio, where most of the second notes of pairs are late; of eighths before that
        of sixteenths. Otherwise no swing, of sixteenths if there are any.
    """
    if eighths:
        late = places[(places > 1.5) & (places <= 2 + LATEST)] - 2
        if _is_late(late):
            return Swing(2, STRAIGHT_RATIO + float(np.median(late)) / BEAT_STEPS)
    odd = places[np.rint(places) % 2 == 1]
    late = odd - np.rint(odd)
    late = late[late <= LATEST_SIXTEENTH]
    if _is_late(late):
        return Swing(1, STRAIGHT_RATIO + float(np.median(late)) / 2)
    return Swing(1 if len(odd) or not eighths else 2)


def _is_late(late: NDArray[np.float64]) -> bool:
    return len(late) >= 2 and float(np.mean(late > LEAST)) >= AGREEMENT
