"""What a user asks of a groove."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

FEEL_VALUES: Final = {"pushed": -1.0, "on": 0.0, "laidback": 1.0}
"""How late the feels are that have a name."""


@dataclass(frozen=True)
class Controls:
    """What a user asks for.

    Attributes:
        genre: one of `patterns.GENRES`, or None for any.
        velocity_pattern: how loud the cymbals are from step to step, 1 (soft) to 5 (loud), 0 where
            it is left open; repeated over the track. Empty: open everywhere.
        feel: how late each step lies, -1 (pushed) to 1 (laidback); repeated over the track. Empty:
            open everywhere.
        keep_notes: add dynamics and timing alone.
        seed: of what is sampled.
        variation: 0, 1, ...: other samples of the same seed.
    """

    genre: str | None = None
    velocity_pattern: tuple[int, ...] = ()
    feel: tuple[float, ...] = ()
    keep_notes: bool = False
    seed: int = 0
    variation: int = 0
