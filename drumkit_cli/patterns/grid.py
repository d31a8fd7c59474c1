"""Grid: drum notes on sixteenths, as arrays of velocities and microtiming, and back to notes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.errors import BadDataError
from drumkit_cli.midi.drum_maps import drum_name
from drumkit_cli.midi.track import Note, Track

STEPS_PER_QUARTER: Final = 4
MEASURE_STEPS: Final = 16
MAX_STEPS: Final = 1 << 20
"""Some 9 hours of sixteenths at 120 bpm: what is longer is no drum track."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Grid:
    """Drum hits by voice and sixteenth, axes ``[V, T]``.

    Attributes:
        velocities: 0..1; 0 where the voice rests.
        offsets: how late a hit is, in sixteenths, -0.5..0.5; 0 where the voice rests.
        unknown: pitch to the number of drum notes that belong to no voice.
    """

    velocities: Floats
    offsets: Floats
    unknown: Mapping[int, int]

    @property
    def steps(self) -> int:
        """The length in sixteenths."""
        return int(self.velocities.shape[1])


def drum_notes(track: Track) -> Sequence[Note]:
    """The drum notes of a file: those of channel 10, or all where it has none there.

    In format 2, whose parts have no common time, those of the first part that has any.
    """
    drums = [note for note in track.notes if note.drum] or list(track.notes)
    if track.format == 2 and drums:
        part = min(note.part for note in drums)
        drums = [note for note in drums if note.part == part]
    return drums


def read_grid(track: Track, name: str, voices: Mapping[int, int], count: int) -> Grid:
    """Put the drum notes of a file on a grid of sixteenths.

    A note goes to its nearest sixteenth, whatever the tempo there; of two notes of a voice on one
    sixteenth the louder one stands. In SMPTE time, which has no beats, they are those of the first
    tempo (120 bpm where none is named). The grid has whole measures of 4/4, as many as the notes or
    the file's length, whichever is more, need.

    Args:
        track: the file.
        name: for messages.
        voices: pitch to voice, 0 to ``count`` - 1.
        count: the number of voices.

    Raises:
        BadDataError: no note, a meter that does not fill measures of sixteen sixteenths, or a
            length of more than `MAX_STEPS`.
    """
    notes = drum_notes(track)
    if not notes:
        raise BadDataError(f"{name} has no notes", "give a MIDI file with drums on channel 10")
    last = max(note.onset_ticks for note in notes)
    for meter in track.meters:
        whole = meter.numerator * MEASURE_STEPS % meter.denominator == 0
        steps = meter.numerator * MEASURE_STEPS // meter.denominator
        if meter.tick <= last and not (whole and steps and MEASURE_STEPS % steps == 0):
            raise BadDataError(
                f"{name} is in {meter.numerator}/{meter.denominator}, which does not fit measures "
                "of sixteen sixteenths",
                "give a file in 4/4 or 2/4",
            )
    ticks_per_step = track.ticks_per_quarter / STEPS_PER_QUARTER
    length = max(
        int(last / ticks_per_step + 0.5) + 1,
        round(track.end_ticks / ticks_per_step / MEASURE_STEPS) * MEASURE_STEPS,
    )
    length = -(-length // MEASURE_STEPS) * MEASURE_STEPS
    if length > MAX_STEPS:
        raise BadDataError(f"{name} is {length:,} sixteenths long; at most {MAX_STEPS:,} are read")
    velocities = np.zeros((count, length), np.float32)
    offsets = np.zeros((count, length), np.float32)
    unknown: dict[int, int] = {}
    for note in notes:
        voice = voices.get(note.pitch)
        if voice is None:
            unknown[note.pitch] = unknown.get(note.pitch, 0) + 1
            continue
        step, late = nearest_step(note.onset_ticks, ticks_per_step)
        if note.velocity / 127 > velocities[voice, step]:
            velocities[voice, step] = note.velocity / 127
            offsets[voice, step] = late
    return Grid(velocities, offsets, unknown)


def nearest_step(onset_ticks: int, ticks_per_step: float) -> tuple[int, float]:
    """The sixteenth that an onset is nearest to, and how late it is there: -0.5 to below 0.5."""
    place = onset_ticks / ticks_per_step
    step = int(place + 0.5)
    return step, place - step


def name_unknown(unknown: Mapping[int, int]) -> str:
    """Say which drums are in no voice: "Low Tom (3 notes), Vibraslap (1 note)"."""
    return ", ".join(
        f"{drum_name(pitch)} ({count} note{'s' if count > 1 else ''})"
        for pitch, count in sorted(unknown.items())
    )


def grid_notes(
    track: Track, velocities: Floats, offsets: Floats, pitches: Sequence[int], first_step: int = 0
) -> Iterator[Note]:
    """Yield the notes of a grid ``[V, T]`` as notes of a track, by step and then by voice.

    A velocity above 0 is a note (1 at least, of 127), as late as its offset says, a sixteenth long.
    """
    ticks_per_step = track.ticks_per_quarter / STEPS_PER_QUARTER
    for step, voice in zip(*np.nonzero(velocities.T), strict=True):
        onset = max(round((first_step + step + float(offsets[voice, step])) * ticks_per_step), 0)
        velocity = min(max(round(float(velocities[voice, step]) * 127), 1), 127)
        yield track.note(onset, round(ticks_per_step), pitches[voice], velocity)
