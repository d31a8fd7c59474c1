"""The kinds of transitions and their bounds; light, so that the command can check them early."""

from enum import StrEnum
from typing import Final

STEPS: Final = 6
STEPS_MAX: Final = 10_000
SILENCE: Final = 0.05
"""Velocity below which a note is not played, by default."""
TEMPO_BPM: Final = 129.0


class PathKind(StrEnum):
    """Kinds of paths from a start to a goal."""

    SLERP = "slerp"
    LERP = "lerp"
    CROSSFADE = "crossfade"
