"""The drums of a MIDI file, and the file again with them played: all that is no drum of ours stays.

A note of the template is known by the cell of the grid, voice and sixteenth, that it lies in. It
keeps its pitch, channel and track; what is played says whether it stays, when it sounds and how
loud.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from drumkit_cli.errors import BadDataError
from drumkit_cli.groove.inputs.meters import model_measures
from drumkit_cli.groove.inputs.pedal import move_pedal
from drumkit_cli.groove.inputs.performance import Performance
from drumkit_cli.groove.network.windowing import CLOSED, OPEN, VOICE_OF_PITCH, VOICE_PITCHES, VOICES
from drumkit_cli.midi.files import read_midi
from drumkit_cli.midi.map_file import DrumMap, translate
from drumkit_cli.midi.track import Note, Track, moved
from drumkit_cli.patterns.grid import read_grid
from drumkit_cli.patterns.ruler import Ruler

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
        ruler: which sixteenth of the file a column is.
        voices: pitch to voice.
        unknown: pitch to the number of drum notes of no voice, which stay as they are.
        remarks: sentences for the user, on what was read as drums and which measures stay.
    """

    track: Track
    performance: Performance
    cells: Mapping[Cell, Sequence[Note]]
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


def read_template(data: bytes, name: str, drum_map: DrumMap | None = None) -> Template:
    """Read a MIDI file; ``name`` is for messages, ``drum_map`` says what its pitches are.

    Raises:
        BadDataError: no MIDI file, none of the seven voices in it, or as `read_grid`.
    """
    return template_of(read_midi(data, name), name, drum_map)


def template_of(track: Track, name: str, drum_map: DrumMap | None = None) -> Template:
    """Take a track for a template; as `read_template`.

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
    performance = Performance(grid.velocities, grid.offsets)
    return Template(track, performance, dict(cells), grid.ruler, voices, grid.unknown, grid.remarks)


def play_template(
    template: Template, played: Performance, amount: float = 1.0, *, from_place: bool = False
) -> Track:
    """The file with its drums played.

    Velocities and onsets go from the template's (``amount`` 0, exactly) to the played ones (1). A
    note that is not played fades out, one that the template lacks fades in, at its own place. Notes
    stay in their sixteenth, and within the template's measures or the file's length.

    Args:
        template: the file.
        played: what is played, ``[V, T]`` like the template's performance.
        amount: 0 to 1.
        from_place: the played offsets are from where the template's notes lie, which keeps
            triplets and swing, and not from the grid.
    """
    ruler = template.ruler
    last = max(note.onset_ticks for notes in template.cells.values() for note in notes)
    # An early downbeat at the end of a file lies in a cell of the measure after, and a last note
    # may ring into that measure; it does not belong to the file.
    steps = max(ruler.columns_begun(last), ruler.columns_filled(template.track.end_ticks))
    ends = ruler.ticks[:steps] + ruler.ticks_per_step
    end_ticks = max(template.track.end_ticks, math.ceil(np.nanmax(ends, initial=0)))
    changed = {
        cell: _move(template, cell, notes, played, amount, end_ticks, from_place)
        for cell, notes in template.cells.items()
    }
    made = [note for notes in changed.values() for note in notes]
    made += _added(template, played, amount, steps)
    replaced = {note for notes in template.cells.values() for note in notes}
    kept = [note for note in template.track.notes if note not in replaced]
    track = template.track.with_notes([*kept, *_shorten(made, replaced, end_ticks)])
    shifts = {
        (notes[0].channel, column): changed[voice, column][0].onset_ticks - notes[0].onset_ticks
        for (voice, column), notes in template.cells.items()
        if voice in (CLOSED, OPEN) and changed[voice, column]
    }
    return replace(track, parts=move_pedal(track.parts, ruler, shifts))


def _move(
    template: Template,
    cell: Cell,
    notes: Sequence[Note],
    played: Performance,
    amount: float,
    end_ticks: int,
    from_place: bool,
) -> list[Note]:
    """The notes of a cell; the loudest is as played, others keep their distance and proportion.

    They move together, and no further than all stay in the cell: strokes of a flam never meet.
    """
    ruler = template.ruler
    loudest = notes[0]
    goal = 127 * float(played.velocities[cell])
    velocity = loudest.velocity + amount * (goal - loudest.velocity)
    shift = 0
    if goal:
        on_time = float(ruler.ticks[cell[1]])
        first, last = ruler.cell_ticks(cell[1])
        onsets = [note.onset_ticks for note in notes]
        goal_tick = on_time + float(played.offsets[cell]) * ruler.ticks_per_step
        shift = round(amount * (goal_tick - (on_time if from_place else loudest.onset_ticks)))
        shift = min(shift, max(min(last, end_ticks - 1) - max(onsets), 0))
        shift = max(shift, first - min(onsets))
    elif velocity < 0.5:
        return []
    changed = []
    for note in notes:
        louder = round(velocity * note.velocity / loudest.velocity)
        made = replace(note, velocity=min(max(louder, 1), 127))
        if shift:
            made = moved(made, note.onset_ticks + shift, note.duration_ticks)
        changed.append(made)
    return changed


def _added(template: Template, played: Performance, amount: float, steps: int) -> Iterable[Note]:
    """The notes that the template lacks, where it plays that drum or, if it never does, any."""
    track, ruler = template.track, template.ruler
    homes = _homes(template)
    for step, voice in zip(*np.nonzero(played.velocities[:, :steps].T), strict=True):
        velocity = round(127 * amount * float(played.velocities[voice, step]))
        home = homes[int(voice)]
        if (
            home is None
            or velocity == 0
            or (int(voice), int(step)) in template.cells
            or np.isnan(ruler.ticks[step])
        ):
            continue
        first, last = ruler.cell_ticks(int(step))
        if first > last:
            continue
        late = float(played.offsets[voice, step]) * ruler.ticks_per_step
        onset = round(float(ruler.ticks[step]) + late)
        yield replace(
            track.note(
                min(max(onset, first), last),
                max(round(ruler.ticks_per_step), 1),
                home.pitch,
                min(velocity, 127),
            ),
            channel=home.channel,
            program=home.program,
            drum=home.drum,
            part=home.part,
        )


def _homes(template: Template) -> list[Note | None]:
    """A note for each voice whose pitch, channel and track added ones get.

    The drum of that voice that the template plays most; where it plays none, the one that General
    MIDI has, or the first of the drum map; None where the map has no drum of the voice.
    """
    found: list[Counter[tuple[int, int, int]]] = [Counter() for _ in VOICES]
    examples: dict[tuple[int, int, int], Note] = {}
    for (voice, _), notes in sorted(template.cells.items(), key=lambda cell: cell[0][::-1]):
        for note in notes:
            key = (note.pitch, note.channel, note.part)
            found[voice][key] += 1
            examples.setdefault(key, note)
    first = next(iter(examples.values()))
    homes: list[Note | None] = []
    for voice, (count, usual) in enumerate(zip(found, VOICE_PITCHES, strict=True)):
        if count:
            homes.append(examples[count.most_common(1)[0][0]])
            continue
        pitches = [pitch for pitch, of in template.voices.items() if of == voice]
        pitch = usual if usual in pitches else next(iter(pitches), None)
        homes.append(None if pitch is None else replace(first, pitch=pitch))
    return homes


def _shorten(made: Iterable[Note], template: set[Note], end_ticks: int) -> list[Note]:
    """Let no changed note run into the next one of its drum, nor beyond the end."""
    drums: dict[tuple[int, int, int], list[Note]] = defaultdict(list)
    for note in made:
        drums[note.part, note.channel, note.pitch].append(note)
    fitted = []
    for notes in drums.values():
        notes.sort(key=lambda note: note.onset_ticks)
        for note, following in zip(notes, [*notes[1:], None], strict=True):
            end = note.onset_ticks + note.duration_ticks
            limit = end if note in template else end_ticks
            if following is not None and not (note in template and following in template):
                limit = min(limit, following.onset_ticks)
            fitted.append(
                replace(note, duration_ticks=max(limit - note.onset_ticks, 0))
                if end > limit
                else note
            )
    return fitted
