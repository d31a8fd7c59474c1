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
DENSITY_RANGE: Final = (-1.0, 1.0)
DYNAMICS: Final = 0.5
"""How strongly velocities are shaped where the user does not say."""
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
        density: notes added (0 to 1) or left out (-1 to 0) for each of the template; None: those
            that the model plays, within limits.
        dynamics: how strongly the velocities of the template's notes are shaped, 0 to 1.
        swing: 0 (straight) to 1 (triplets); None: that of the template.
        only: the voices to play; the others stay as they are. Empty: all.
        amount: how far to go from the template (0) to what is played (1).
        timing: the same for timing alone; it multiplies ``amount``, and leaves swing alone.
        velocity: the same for velocities alone, and so for notes that come and go.
        seed: seed of the sampling.
        variation: 0, 1, ...: independent samples of one seed.
    """

    genre: str | None = None
    velocity_pattern: tuple[int, ...] = ()
    feel: tuple[float, ...] = ()
    density: float | None = None
    dynamics: float = DYNAMICS
    swing: float | None = None
    only: tuple[int, ...] = ()
    amount: float = 1.0
    timing: float = 1.0
    velocity: float = 1.0
    seed: int = 0
    variation: int = 0

    @property
    def keeps_notes(self) -> bool:
        """Whether notes neither come nor go."""
        return self.density == 0

    def plays(self, voice: int) -> bool:
        """Whether a voice is played at all, and not left as it is."""
        return not self.only or voice in self.only


@dataclass(frozen=True)
class Performance:
    """Drum hits, axes ``[V, T]``: velocities 0..1, offsets in sixteenths, -0.5 to 0.5.

    Of a file the offsets are from the straight grid, and swung eighths up to 0.85; of what is
    played they are from where the swing puts a sixteenth.
    """

    velocities: Floats
    offsets: Floats
