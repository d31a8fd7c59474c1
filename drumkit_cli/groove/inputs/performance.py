"""Performance: what seven drums play, on a grid of sixteenths."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Performance:
    """What is played, axes ``[V, T]``: velocities 0..1, offsets -0.5..0.5 of a sixteenth."""

    velocities: Floats
    offsets: Floats
