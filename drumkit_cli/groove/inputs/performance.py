"""What a user asks of `groove`, and what seven drums play on a grid of sixteenths.

Importing this module loads neither numpy nor torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

FEEL_RANGE: Final = (-1.0, 1.0)
VELOCITY_RANGE: Final = (0.0, 5.0)
FEEL_VALUES: Final = {"pushed": -1.0, "on": 0.0, "laidback": 1.0}
"""Microtiming of the named feels, -1 (half a sixteenth early) to 1 (half a sixteenth late)."""


class Genre(StrEnum):
    """The genres that the model knows, in one word each."""

    ELECTRONIC = "electronic"
    ROCK = "rock"
    FUNK = "funk"
    JAZZ = "jazz"
    BLUES = "blues"
    HIP_HOP = "hip-hop"

    @property
    def in_model(self) -> str:
        """Its name in `windowing.GENRES`."""
        return self.replace("-", " ")


@dataclass(frozen=True)
class Controls:
    """What a user asks for.

    Attributes:
        genre: one of `windowing.GENRES`, or None for any.
        velocity_pattern: cymbal velocity class of each step, 1 (soft) to 5 (loud), 0 for no
            preference; repeated over the track. Empty: no preference anywhere.
        feel: microtiming of each step, -1 (pushed) to 1 (laidback); repeated over the track. Empty:
            no preference anywhere.
        keep_notes: neither add nor remove notes; only velocities and microtiming are generated.
        seed: seed of the sampling.
        variation: 0, 1, ...: independent samples of one seed.
    """

    genre: str | None = None
    velocity_pattern: tuple[int, ...] = ()
    feel: tuple[float, ...] = ()
    keep_notes: bool = False
    seed: int = 0
    variation: int = 0


@dataclass(frozen=True)
class Performance:
    """Drum hits, axes ``[V, T]``: velocities 0..1, offsets -0.5..0.5 of a sixteenth."""

    velocities: Floats
    offsets: Floats
