"""Measures of a MIDI file: where its bar lines are, by the map of meters."""

from typing import Final, NamedTuple

from drumkit_cli.midi.track import Meter, Track

STEPS_PER_QUARTER: Final = 4
TOLERANCE_STEPS: Final = 1 / 8
"""Sixteenths by which a change of meter may miss the bar line that it stands for."""


class Stretch(NamedTuple):
    """Measures of one length, one after the other.

    Attributes:
        first_tick: the first bar line.
        measure_ticks: length of a measure.
        steps: sixteenths of a measure; 0 where they are no whole number.
        measures: how many there are.
        first_measure: number of the first one in the file, from 1.
        meter: as the file names it, also of a measure that the next meter cuts short.
    """

    first_tick: float
    measure_ticks: float
    steps: int
    measures: int
    first_measure: int
    meter: Meter


def read_stretches(track: Track, last_onset_ticks: int) -> list[Stretch]:
    """Return the measures of a file, from tick 0 on without gaps.

    A meter begins a measure, so that a pickup, a measure that a meter cuts short, is a stretch of
    its own. The last meter has as many measures as the last onset or the file's length needs; an
    onset less than half a sixteenth before a bar line is taken for that measure's.
    """
    tolerance = TOLERANCE_STEPS * track.ticks_per_quarter / STEPS_PER_QUARTER
    found: list[Stretch] = []
    meter, start = track.meters[0], 0.0
    for following in track.meters[1:]:
        measure_ticks = _measure_ticks(track, meter)
        measures, rest = divmod(following.tick - start, measure_ticks)
        if measure_ticks - rest < tolerance:
            measures, rest = measures + 1, 0.0
        on_bar_line = rest < tolerance
        if on_bar_line and following[1:] == meter[1:]:
            continue
        _add(found, track, start, measure_ticks, int(measures), meter)
        if not on_bar_line:
            _add(found, track, start + measures * measure_ticks, rest, 1, meter)
        if measures or not on_bar_line:
            start = float(following.tick)
        meter = following
    measure_ticks = _measure_ticks(track, meter)
    nearest = last_onset_ticks + track.ticks_per_quarter / STEPS_PER_QUARTER / 2
    needed = int((nearest - start) // measure_ticks) + 1
    measures = max(needed, round((track.end_ticks - start) / measure_ticks))
    _add(found, track, start, measure_ticks, measures, meter)
    return found


def _measure_ticks(track: Track, meter: Meter) -> float:
    return track.ticks_per_quarter * 4 * meter.numerator / meter.denominator


def _add(
    found: list[Stretch],
    track: Track,
    first_tick: float,
    measure_ticks: float,
    measures: int,
    meter: Meter,
) -> None:
    """Append a stretch to those found, unless it has no measure."""
    if measures < 1:
        return
    steps = measure_ticks * STEPS_PER_QUARTER / track.ticks_per_quarter
    whole = round(steps) if abs(steps - round(steps)) < TOLERANCE_STEPS else 0
    first = found[-1].first_measure + found[-1].measures if found else 1
    found.append(Stretch(first_tick, measure_ticks, whole, measures, first, meter))
