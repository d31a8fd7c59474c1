"""Ticks of MIDI files to seconds and back."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Final, NamedTuple

DEFAULT_TEMPO: Final = 500_000
"""Microseconds per quarter where a file names none: 120 bpm."""


class Tempo(NamedTuple):
    """A tempo from `tick` on."""

    tick: int
    microseconds_per_quarter: int


class Clock:
    """Ticks to seconds and back, through a tempo map or at a fixed (SMPTE) rate."""

    def __init__(self, division: int, tempi: Sequence[Tempo]) -> None:
        self.ticks_per_second = smpte_rate(division)
        self._ticks: list[int] = [0]
        self._seconds: list[float] = [0.0]
        self._rates: list[float] = [
            1.0 / self.ticks_per_second if self.ticks_per_second else DEFAULT_TEMPO / 1e6 / division
        ]
        for tempo in () if self.ticks_per_second else tempi:
            rate = tempo.microseconds_per_quarter / 1e6 / division
            if tempo.tick == self._ticks[-1]:
                self._rates[-1] = rate
            else:
                self._seconds.append(self.seconds(tempo.tick))
                self._ticks.append(tempo.tick)
                self._rates.append(rate)

    def seconds(self, ticks: int) -> float:
        """Seconds from the start at a tick."""
        at = bisect_right(self._ticks, ticks) - 1
        return self._seconds[at] + (ticks - self._ticks[at]) * self._rates[at]

    def ticks(self, seconds: float) -> int:
        """The tick nearest to a time, not below 0."""
        at = max(bisect_right(self._seconds, seconds) - 1, 0)
        return max(self._ticks[at] + round((seconds - self._seconds[at]) / self._rates[at]), 0)


def smpte_rate(division: int) -> float:
    """Ticks a second of a negative (SMPTE) time division; 0.0 for a musical one, or none known."""
    if division >= 0:
        return 0.0
    frames, ticks = -(division >> 8), division & 0xFF
    return {24: 24.0, 25: 25.0, 29: 30000 / 1001, 30: 30.0}.get(frames, 0.0) * ticks
