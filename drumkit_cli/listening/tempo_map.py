"""Beats in seconds to the ticks, tempi and meters of a MIDI file.

Tick 0 is a bar line. A first beat that is late is preceded by beats of about the same length; one
that is early, by less than half a beat, is put at the start. The first bar is a short one where the
first downbeat asks for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from mido.frozen import FrozenMetaMessage
from numpy.typing import NDArray

from drumkit_cli.listening.beats import meter_of
from drumkit_cli.midi.clock import DEFAULT_TEMPO, Clock, Tempo
from drumkit_cli.midi.track import DEFAULT_TICKS_PER_QUARTER, Event, Meter, Part, Track

TICKS: Final = DEFAULT_TICKS_PER_QUARTER
STEADY_SECONDS: Final = 0.02
"""One tempo stands for beats that it comes this near to."""


@dataclass(frozen=True)
class TempoMap:
    """The tempi and meters of a song, by tick."""

    tempi: tuple[Tempo, ...]
    meters: tuple[Meter, ...]

    @property
    def clock(self) -> Clock:
        """Ticks to seconds and back."""
        return Clock(TICKS, self.tempi)


def tempo_map(beats: NDArray[np.floating]) -> TempoMap:
    """The map of beats `[n, 2]`: seconds, number in the bar; 120 bpm and 4/4 of fewer than two."""
    if len(beats) < 2:
        return TempoMap((Tempo(0, DEFAULT_TEMPO),), (Meter(0, 4, 4),))
    seconds, numbers = beats[:, 0], beats[:, 1].astype(int)
    lead = round(float(seconds[0]) / float(np.median(np.diff(seconds[:9]))))
    ahead = np.linspace(0, seconds[0], lead + 1)[:-1]
    grid = np.concatenate([ahead, seconds]) if lead else np.concatenate([[0.0], seconds[1:]])
    return TempoMap(_tempi(grid), _meters(numbers, lead))


def empty_song(tempi: TempoMap, end_ticks: int, name: str) -> Track:
    """A file of one part without notes, with the tempi and meters of a map."""
    messages = [(0, FrozenMetaMessage("track_name", name=name))]
    messages += [
        (tick, FrozenMetaMessage("time_signature", numerator=numerator, denominator=denominator))
        for tick, numerator, denominator in tempi.meters
    ]
    messages += [(tick, FrozenMetaMessage("set_tempo", tempo=tempo)) for tick, tempo in tempi.tempi]
    messages.sort(key=lambda one: one[0])
    events = tuple(Event(tick, order, message) for order, (tick, message) in enumerate(messages))
    return Track((), (Part(name, events, end_ticks),), TICKS, format=0)


def _tempi(grid: NDArray[np.floating]) -> tuple[Tempo, ...]:
    """Tempi by which every beat of a grid, from tick 0 on, comes within `STEADY_SECONDS`."""
    tempi: list[Tempo] = []
    start, now = 0, float(grid[0])
    while start < len(grid) - 1:
        end = _steady_end(grid, start, now)
        microseconds = max(round(1e6 * (grid[end] - now) / (end - start)), 1)
        tempi.append(Tempo(start * TICKS, microseconds))
        now += microseconds * (end - start) / 1e6
        start = end
    return tuple(tempi)


def _steady_end(grid: NDArray[np.floating], start: int, now: float) -> int:
    """The last beat to which a straight line from a beat comes near to all between."""
    best = start + 1
    low, high = -np.inf, np.inf  # slopes that come near to all beats so far
    for end in range(start + 1, len(grid)):
        count = end - start
        slope = (grid[end] - now) / count
        if low <= slope <= high:
            best = end
        low = max(low, slope - STEADY_SECONDS / count)
        high = min(high, slope + STEADY_SECONDS / count)
        if low > high:
            break
    return best


def _meters(numbers: Sequence[int] | NDArray[np.intp], lead: int) -> tuple[Meter, ...]:
    """The meters of bars that begin where a beat has number 1, the first bar at tick 0."""
    lines = [lead + int(beat) for beat in np.flatnonzero(np.asarray(numbers) == 1)]
    usual = meter_of(np.asarray(numbers))
    if not lines:
        return (Meter(0, usual, 4),)
    starts = [*range(lines[0] % usual, lines[0], usual), *lines]
    if starts[0]:
        starts.insert(0, 0)
    lengths = np.diff(starts).tolist()
    lengths.append(lengths[-1] if len(lengths) > 1 else usual)  # nobody knows where it ends
    meters: list[Meter] = []
    for start, length in zip(starts, lengths, strict=True):
        if not meters or length != meters[-1].numerator:
            meters.append(Meter(start * TICKS, length, 4))
    return tuple(meters)
