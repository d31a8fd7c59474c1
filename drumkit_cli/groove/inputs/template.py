"""The drums of a MIDI file that are to be played.

A note is known by the cell of the grid, voice and sixteenth, that it lies in; an eighth as late as
a triplet by that of the eighth.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np

from drumkit_cli.errors import BadDataError
from drumkit_cli.groove.inputs.meters import is_compound, model_measures
from drumkit_cli.groove.inputs.performance import Performance
from drumkit_cli.groove.inputs.swing import LATEST, Swing, find_swing
from drumkit_cli.groove.network.windowing import BEAT_STEPS, VOICE_OF_PITCH, VOICES
from drumkit_cli.midi.map_file import DrumMap, translate
from drumkit_cli.midi.track import Note, Track
from drumkit_cli.patterns.grid import Grid, read_grid
from drumkit_cli.patterns.ruler import Ruler

NEARER: Final = 0.4
"""From so late on, in sixteenths, swung eighths may be nearer to the sixteenth after."""

_Number = TypeVar("_Number", int, float)
Cell = tuple[int, int]
"""Voice and column of the grid."""


@dataclass(frozen=True)
class Template:
    """A MIDI file whose drums are to be played.

    Attributes:
        track: all of the file.
        performance: its drums as they are, in the model's measures.
        cells: the notes of each voice and column that has any, the loudest first.
        swing: that of the drums.
        ruler: which sixteenth of the file a column is.
        voices: pitch to voice.
        unknown: pitch to the number of drum notes of no voice, which stay as they are.
        remarks: sentences for the user, on what was read as drums and which measures stay.
    """

    track: Track
    performance: Performance
    cells: Mapping[Cell, Sequence[Note]]
    swing: Swing
    ruler: Ruler
    voices: Mapping[int, int]
    unknown: Mapping[int, int]
    remarks: tuple[str, ...]

    def by_column(self, values: Sequence[_Number]) -> tuple[_Number, ...]:
        """Repeat values, one a sixteenth of the file, over the columns of the performance."""
        has_time = ~np.isnan(self.ruler.ticks)
        if not values or has_time.all():
            return tuple(values)
        sixteenths = np.maximum(np.cumsum(has_time) - 1, 0)
        return tuple(values[sixteenth % len(values)] for sixteenth in sixteenths)


def template_of(track: Track, name: str, drum_map: DrumMap | None = None) -> Template:
    """Take a track for a template.

    Args:
        track: the track.
        name: for messages.
        drum_map: what its pitches are; None: General MIDI.

    Raises:
        BadDataError: none of the seven voices in it, or as `read_grid`.
    """
    voices = translate(VOICE_OF_PITCH, drum_map)
    grid = read_grid(track, name, voices, len(VOICES), model_measures)
    cells: dict[Cell, list[Note]] = defaultdict(list)
    for note in grid.notes:
        place = grid.ruler.place(note.onset_ticks)
        if note.pitch in voices and place is not None:
            cells[voices[note.pitch], place[0]].append(note)
    if not cells:
        raise BadDataError(f"{name} has no notes to play", f"a groove has {', '.join(VOICES)}")
    for notes in cells.values():
        notes.sort(key=lambda note: -note.velocity)  # stable: of equals the first, as in the grid
    swing = _find_swing(grid)
    if swing.delays(BEAT_STEPS).max() > NEARER:
        _join_triplets(cells, grid)
    performance = Performance(grid.velocities, grid.offsets)
    return Template(
        track, performance, cells, swing, grid.ruler, voices, grid.unknown, grid.remarks
    )


def _find_swing(grid: Grid) -> Swing:
    voices, columns = np.nonzero(grid.velocities)
    places = (columns % BEAT_STEPS + grid.offsets[voices, columns]).astype(np.float64)
    compound = any(is_compound(span.stretch) for span in grid.ruler.spans if span.columns)
    return find_swing(places, eighths=not compound)


def _join_triplets(cells: dict[Cell, list[Note]], grid: Grid) -> None:
    """Put eighths that lie as late as a triplet, nearer to the sixteenth after, where they belong.

    Cells, velocities and offsets are changed.
    """
    swung = (grid.velocities > 0) & (grid.offsets < LATEST - 1)
    swung &= np.arange(grid.steps) % BEAT_STEPS == 3
    for voice, column in np.argwhere(swung).tolist():
        if (voice, column - 1) not in cells:
            cells[voice, column - 1] = cells.pop((voice, column))
            for values, change in ((grid.velocities, 0), (grid.offsets, 1)):
                values[voice, column - 1] = values[voice, column] + change
                values[voice, column] = 0
