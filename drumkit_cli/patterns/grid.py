"""Grid: drum notes on sixteenths, as arrays of velocities and microtiming, and back to notes."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from drumkit_cli.arguments import STEPS_MAX
from drumkit_cli.errors import BadDataError
from drumkit_cli.io.arrays import Floats
from drumkit_cli.midi.drum_maps import drum_name
from drumkit_cli.midi.drum_parts import find_drums
from drumkit_cli.midi.map_file import DrumMap
from drumkit_cli.midi.measures import STEPS_PER_QUARTER, Stretch, read_stretches
from drumkit_cli.midi.track import Note, Track
from drumkit_cli.patterns.ruler import Layout, Ruler, sixteen_steps

_NAMED: Final = 3
"""How many stretches of measures a remark names."""


@dataclass(frozen=True)
class Grid:
    """Drum hits by voice and sixteenth, axes ``[V, T]``.

    Attributes:
        velocities: 0..1; 0 where the voice rests.
        offsets: how late a hit is, in sixteenths, -0.5..0.5; 0 where the voice rests.
        ruler: which sixteenth of the file a column is.
        notes: the drum notes of the file, on the grid or not.
        unknown: pitch to the number of drum notes that belong to no voice.
        remarks: sentences for the user, on what was read as drums and what is not on the grid.
    """

    velocities: Floats
    offsets: Floats
    ruler: Ruler
    notes: tuple[Note, ...]
    unknown: Mapping[int, int]
    remarks: tuple[str, ...]

    @property
    def steps(self) -> int:
        """The length in sixteenths."""
        return int(self.velocities.shape[1])


def read_grid(
    track: Track, name: str, voices: Mapping[int, int], count: int, layout: Layout = sixteen_steps
) -> Grid:
    """Put the drum notes of a file on a grid of sixteenths.

    A note goes to its nearest sixteenth, whatever the tempo there; of two notes of a voice on one
    sixteenth the louder one stands. In SMPTE time, which has no beats, sixteenths are those of the
    first tempo (120 bpm where none is named). The grid has as many measures as the notes or the
    file's length, whichever is more, need.

    Args:
        track: the file.
        name: for messages.
        voices: pitch to voice, 0 to ``count`` - 1.
        count: the number of voices.
        layout: which measures are on the grid, and how.

    Raises:
        BadDataError: no note, none in a measure that is on the grid, or more than `STEPS_MAX`
            columns.
    """
    notes, remark = find_drums(track)
    if not notes:
        raise BadDataError(f"{name} has no notes", "give a MIDI file with drums on channel 10")
    stretches = read_stretches(track, max(note.onset_ticks for note in notes))
    ruler = Ruler(stretches, track.ticks_per_quarter / STEPS_PER_QUARTER, layout)
    if ruler.columns > STEPS_MAX:
        raise BadDataError(
            f"{name} is {ruler.columns:,} sixteenths long; at most {STEPS_MAX:,} are read"
        )
    velocities = np.zeros((count, ruler.columns), np.float32)
    offsets = np.zeros((count, ruler.columns), np.float32)
    unknown: Counter[int] = Counter()
    outside: Counter[Stretch] = Counter()
    for note in notes:
        voice = voices.get(note.pitch)
        if voice is None:
            unknown[note.pitch] += 1
            continue
        place = ruler.place(note.onset_ticks)
        if place is None:
            outside[ruler.span(note.onset_ticks).stretch] += 1
            continue
        column, late = place
        if note.velocity / 127 > velocities[voice, column]:
            velocities[voice, column] = note.velocity / 127
            offsets[voice, column] = late
    if outside and not velocities.any():
        meter = next(iter(outside)).meter
        raise BadDataError(
            f"{name} is in {meter.numerator}/{meter.denominator}, which does not fit the grid",
            "give a file in 4/4 or 2/4",
        )
    remarks = tuple(filter(None, (remark, _name_outside(outside))))
    return Grid(velocities, offsets, ruler, notes, unknown, remarks)


def name_unknown(unknown: Mapping[int, int], drum_map: DrumMap | None = None) -> str:
    """Say which drums are in no voice: "Low Tom (3 notes), Vibraslap (1 note)"."""
    own = {} if drum_map is None else {pitch: f"pitch {pitch}" for pitch in unknown}
    own |= {pitch: drum_name(drum) for pitch, drum in (drum_map or {}).items()}
    return ", ".join(
        f"{own.get(pitch) or drum_name(pitch)} ({_notes(count)})"
        for pitch, count in sorted(unknown.items())
    )


def _name_outside(outside: Mapping[Stretch, int]) -> str:
    """Say how many notes are in measures that are not on the grid, and which; "" for none."""
    if not outside:
        return ""
    named = []
    for stretch in sorted(outside)[:_NAMED]:
        last = stretch.first_measure + stretch.measures - 1
        numbers = f"s {stretch.first_measure} to {last}" if stretch.measures > 1 else f" {last}"
        named.append(f"measure{numbers} ({stretch.meter.numerator}/{stretch.meter.denominator})")
    more = [f"{len(outside) - _NAMED} more"] if len(outside) > _NAMED else []
    return f"{_notes(sum(outside.values()))} left alone: {', '.join([*named, *more])}"


def _notes(count: int) -> str:
    return f"{count} note{'s' if count > 1 else ''}"
